// Package automations holds the pages of rules: what each does in plain words, with whose
// rights, what it would have done and what it did.
//
// Always true: a page tells of what a rule did about a record only to who sees the record;
// looking at a page, a dry run included, changes nothing; everything works without script.
package automations

import (
	"embed"
	"io/fs"
	"slices"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// logPath is the page of what rules did.
const logPath = "/settings/automation"

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Rules *automation.Rules }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	k := s.Records.Kinds.Kind(automation.Kind)
	if k == nil {
		return
	}
	s.Own(automation.Kind).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).rule(r) }
	s.Own(automation.Kind).Form = form
	s.Get(logPath, p.as((*visit).log))
	s.Post(logPath+"/ask", p.as((*visit).ask))
	s.Rail(shell.RailPart{Draw: beside})
	s.Rail(shell.RailPart{Draw: p.rounds})
	s.Manage(shell.ToContents, func(v *shell.Visit, totals map[string]int64) []ui.Item {
		return []ui.Item{{Title: k.Labels, Sub: "What is done by itself: when, if, then", Href: shell.ListURL(k), Icon: k.Icon},
			{Title: "Routines", Sub: "Work that comes round, by a calendar", Href: shell.ListURL(v.Kind(automation.Routine)), Icon: "repeat"},
			{Title: "What rules did", Sub: "Each run, and why", Href: logPath, Icon: "history"}}
	})
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

// view is the page of a rule.
type view struct {
	Head     ui.Head
	Notice   *ui.Notice
	Sentence string
	Rights   []ui.Prop
	Try      *ui.Action
	Cards    []*ui.Section
	Rail     []*ui.Section
}

// How many runs and matches a page shows.
const mostShown = 30

// rule is the page of one rule; with ?try=1 it says what the rule would have done.
func (v *visit) rule(r *record.Record) error {
	x := automation.Of(r)
	k := v.Kind(x.Of)
	d := view{Notice: v.ArchivedNotice(r), Try: &ui.Action{Label: "Try on past records", Icon: "player-play", Href: shell.RecordURL(r.Kind, r.ID) + "?try=1"}}
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		d.Head.Sub = []ui.Cell{{Text: "Of " + strings.ToLower(k.Labels)}, {Type: "pill", Text: map[bool]string{true: "On", false: "Off"}[x.On], Tone: map[bool]string{true: "ok"}[x.On]}}
		names, err := v.Records.Names(tx, x.Refs(k)...)
		if err != nil {
			return err
		}
		d.Sentence = x.Sentence(k, names)
		if d.Rights, err = v.rights(tx, x, k, names); err != nil {
			return err
		}
		if v.R.URL.Query().Get("try") != "" {
			s, err := v.try(tx, x)
			if err != nil {
				return err
			}
			d.Cards = append(d.Cards, s)
		}
		s, err := v.runs(tx, "What it did", x.ID)
		if err != nil {
			return err
		}
		d.Cards = append(d.Cards, s)
		d.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, 0, "", ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = shell.RecordKeys(), d
	return v.Render("rule", p)
}

// rights says as whom the rule acts, and what that lets it do.
func (v *visit) rights(tx *gate.Tx, x *automation.Rule, k *record.Kind, names map[id.ID]string) ([]ui.Prop, error) {
	c, said, err := automation.As(tx, x)
	if err != nil {
		return nil, err
	}
	who := names[x.Maker]
	if c == nil {
		return []ui.Prop{{Label: "Acts as", Cells: []ui.Cell{{Type: "user", Text: who}}}, {Label: "Does nothing", Cells: []ui.Cell{{Text: said}}}}, nil
	}
	may := []string{}
	for _, a := range []access.Action{access.View, access.Create, access.Edit} {
		if verdict, _ := access.Decide(c, a, access.Target{Kind: k.Name, Visible: true}); verdict == access.Allowed {
			may = append(may, string(a))
		}
	}
	reach := "Organizations that " + who + " sees"
	if c.AllOrgs {
		reach = "All organizations"
	}
	return []ui.Prop{{Label: "Acts as", Cells: []ui.Cell{{Text: "The rule itself, with the rights that " + who + " has at that moment (" + c.Title() + ")"}}},
		{Label: "May", Cells: []ui.Cell{{Text: shell.Capital(strings.Join(may, ", ")) + " " + strings.ToLower(k.Labels)}}},
		{Label: "In", Cells: []ui.Cell{{Text: reach}}}, {Label: "Never", Cells: []ui.Cell{{Text: "See a password, or what belongs to a person alone"}}}}, nil
}

// try is what the rule would have done.
func (v *visit) try(tx *gate.Tx, x *automation.Rule) (*ui.Section, error) {
	got, err := v.Rules.Try(tx, x)
	if err != nil {
		return nil, err
	}
	k := v.Kind(x.Of)
	s := &ui.Section{Title: "What it would have done", Icon: "player-play", Text: "It would " + times(len(got.Matches)) + " about the " + number(got.Looked, k) + " that changed last. Nothing was done."}
	for _, m := range got.Matches[:min(len(got.Matches), mostShown)] {
		s.Items = append(s.Items, ui.Item{Title: m.Name, Sub: m.Why, Href: shell.RecordURL(k, m.Record), Icon: k.Icon, Time: shell.When(m.At)})
	}
	return s, nil
}

func times(n int) string {
	switch n {
	case 0:
		return "not have run"
	case 1:
		return "have run once"
	}
	return "have run " + shell.Plain(int64(n)) + " times"
}

func number(n int, k *record.Kind) string {
	if n == 1 {
		return "one " + strings.ToLower(k.Label)
	}
	return shell.Plain(int64(n)) + " " + strings.ToLower(k.Labels)
}

// runs is what rules did, as far as the caller sees the records; of one rule unless that
// is 0.
func (v *visit) runs(tx *gate.Tx, title string, rule id.ID) (*ui.Section, error) {
	list, err := automation.Log(tx, rule, mostShown)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: title, Icon: "history"}
	if len(list) == 0 {
		s.Empty = "Nothing yet."
	}
	var ids []id.ID
	for _, x := range list {
		ids = append(ids, x.Record, x.Rule)
	}
	links, err := v.Records.Links(tx, ids...)
	for _, x := range list {
		l := links[x.Record]
		it := ui.Item{Title: l.Name, Sub: x.Did + " Because: " + x.Why, Href: shell.RecordURL(v.Kind(l.Kind), x.Record), Icon: v.Kind(l.Kind).Icon, Time: shell.When(x.At), Pill: pill(x.State)}
		if rule == 0 {
			it.Sub = links[x.Rule].Name + ": " + it.Sub
		}
		s.Items = append(s.Items, it)
	}
	return s, err
}

func pill(state string) *ui.Pill {
	return &ui.Pill{Text: shell.Capital(state), Tone: map[string]string{automation.Done: "ok", automation.Failed: "bad", automation.Stopped: "bad", automation.Waiting: "info"}[state]}
}

// log is the page of what rules did.
func (v *visit) log() error {
	d := shell.Sections{Head: ui.Head{Title: "What rules did", Icon: "history", Sub: []ui.Cell{{Text: "About what you may see"}}}}
	err := v.View(func(tx *gate.Tx) error {
		s, err := v.runs(tx, "The last runs", 0)
		d.Cards = append(d.Cards, s)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("sections", p)
}

// ask has a rule run about a record.
func (v *visit) ask() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	rule, ok := id.Parse(f.Text("rule"))
	rec, also := id.Parse(f.Text("record"))
	if !ok || !also {
		return gate.Missing()
	}
	var r *record.Record
	err = v.Change(access.View, gate.Thing{ID: rec}, func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, "", rec); err != nil {
			return err
		}
		return v.Rules.Ask(tx, rule, r)
	})
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "The rule runs now.")
}

// rounds is the part of a routine's rail that says when it comes round, and what it made.
func (p *Pages) rounds(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != automation.Routine || p.Rules.Rounds == nil {
		return nil, nil
	}
	list, err := p.Rules.Rounds(tx, r)
	if err != nil {
		return nil, err
	}
	var ids []id.ID
	for _, x := range list {
		ids = append(ids, x.Made)
	}
	links, err := v.Records.Links(tx, slices.DeleteFunc(ids, func(n id.ID) bool { return n == 0 })...)
	s := &ui.Section{Title: "Dates", Icon: "calendar"}
	for _, x := range list {
		it := ui.Item{Title: x.Day, Sub: x.Said, Icon: "calendar", Pill: &ui.Pill{Text: "Nothing made"}}
		if l, ok := links[x.Made]; ok {
			it.Sub, it.Href, it.Icon, it.Pill = l.Name, shell.RecordURL(v.Kind(l.Kind), x.Made), v.Kind(l.Kind).Icon, &ui.Pill{Text: "Made", Tone: "ok"}
		} else if x.Ahead {
			it.Pill = nil
		}
		s.Items = append(s.Items, it)
	}
	if len(s.Items) == 0 {
		s.Empty = "It is off, and comes round once it is on."
	}
	return s, err
}

// beside is the part of a record's rail that says what rules did about it, with those that
// can be asked for.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if !automation.Governed(r.Kind) {
		return nil, nil
	}
	list, err := automation.OfRecord(tx, r.ID, 5)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Rules", Icon: "bolt"}
	if v.MayTo(access.Edit, r) {
		hand, err := automation.ByHands(tx, r)
		if err != nil {
			return nil, err
		}
		for _, x := range hand {
			s.Items = append(s.Items, ui.Item{Title: x.Name, Icon: "bolt", Action: &ui.Action{Label: "Run", Icon: "player-play", Href: logPath + "/ask", Post: true,
				Fields: []ui.Hidden{{Name: "rule", Value: x.ID.String()}, {Name: "record", Value: r.ID.String()}}}})
		}
	}
	var ids []id.ID
	for _, x := range list {
		ids = append(ids, x.Rule)
	}
	names, err := v.Records.Names(tx, slices.Compact(ids)...)
	k := v.Kind(automation.Kind)
	for _, x := range list {
		s.Items = append(s.Items, ui.Item{Title: names[x.Rule], Sub: x.Did + " Because: " + x.Why, Href: shell.RecordURL(k, x.Rule), Icon: "bolt", Time: shell.When(x.At), Pill: pill(x.State)})
	}
	if len(s.Items) == 0 {
		return nil, err
	}
	return s, err
}
