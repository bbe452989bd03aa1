// Package votes holds the pages on which people vote on tickets that take approval.
//
// Always true: looking at a page changes nothing, and a vote is a form that is sent by who
// is signed in; a page tells of an approval only to who may see the ticket; everything
// works with the keyboard alone and without script.
package votes

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group; it needs nothing beside the shell.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(ballot.PlanKind) == nil {
		return
	}
	s.Nav(shell.Entry{Label: "Votes", Href: "/votes", Icon: "checks", Place: 38, For: func(c *access.Caller) bool { return c.User != 0 && c.May(access.Comment) }})
	s.Get("/votes", p.as((*visit).list))
	s.Post("/votes/away", p.as((*visit).away))
	s.Get("/votes/{id}", p.as((*visit).one))
	s.Post("/votes/{id}/cast", p.as((*visit).cast))
	s.Post("/votes/{id}/back", p.as((*visit).back))
	s.Rail(shell.RailPart{Draw: beside})
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		k := v.Kind(ballot.PlanKind)
		return []ui.Item{{Title: k.Labels, Sub: "Who approves changes, releases and requests", Href: shell.ListURL(k), Icon: k.Icon}}
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

func address(b *ballot.Ballot) string { return "/votes/" + b.ID.String() }

// listView is the page of what waits for the caller's vote.
type listView struct {
	Head    ui.Head
	Waiting []ui.Item
	Form    *ui.Form
}

func (v *visit) list() error { return v.listPage(nil, nil) }

func (v *visit) listPage(sent *web.Form, refused error) error {
	d := listView{Head: ui.Head{Title: "Votes", Icon: "checks", Sub: []ui.Cell{{Text: "Tickets that go on once they are approved"}}}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := ballot.Waiting(tx)
		if err != nil {
			return err
		}
		for _, b := range list {
			r, err := v.ticket(tx, b)
			if err != nil {
				return err
			}
			d.Waiting = append(d.Waiting, v.item(r, b))
		}
		d.Form, err = v.absence(tx, sent, refused)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Votes", ui.Crumb{Label: "Votes"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status(refused), "votes", p)
}

// ticket is what an approval is of, as far as the caller may see it.
func (v *visit) ticket(tx *gate.Tx, b *ballot.Ballot) (*record.Record, error) {
	links, err := v.Records.Links(tx, b.Record)
	if err != nil {
		return nil, err
	}
	link, ok := links[b.Record]
	if !ok {
		return nil, gate.Missing()
	}
	return v.Records.Get(tx, link.Kind, b.Record)
}

func (v *visit) item(r *record.Record, b *ballot.Ballot) ui.Item {
	return ui.Item{Title: title(r), Sub: b.Phases[max(0, b.Result.Phase)].Name, Href: address(b), Icon: r.Kind.Icon, Pill: pill(b), Time: shell.When(b.At)}
}

// title is what is voted on, with its number where it has one: a template of changes has none.
func title(r *record.Record) string {
	number := r.Kind.Field("number")
	if number == nil {
		return r.Name
	}
	n, _ := r.Values["number"].(int64)
	return number.Numbered(n) + " " + r.Name
}

func pill(b *ballot.Ballot) *ui.Pill {
	switch b.Result.State {
	case ballot.Approved:
		return &ui.Pill{Text: b.Result.State, Tone: "ok"}
	case ballot.Denied, ballot.TimedOut:
		return &ui.Pill{Text: b.Result.State, Tone: "bad"}
	case ballot.Pending:
		yes := 0
		for _, x := range b.Result.Votes {
			if x.Yes {
				yes++
			}
		}
		return &ui.Pill{Text: strconv.Itoa(yes) + " of " + strconv.Itoa(len(b.Result.Voters)) + " say yes", Tone: "warn"}
	}
	return &ui.Pill{Text: b.Result.State}
}

// beside is the part of a ticket's rail that says how its approval stands.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if !slices.Contains(ballot.Kinds(), r.Kind.Name) {
		return nil, nil
	}
	b, err := ballot.Of(tx, r.ID)
	if err != nil || b == nil {
		return nil, err
	}
	s := &ui.Section{Title: "Approval", Icon: "checks"}
	if b.Void(r) {
		s.Text = "This has changed since it was asked. It is asked again when it waits for approval."
	}
	for i := range b.Phases {
		it := ui.Item{Title: b.Phases[i].Name, Href: address(b), Icon: "circle-dashed", Sub: "Later"}
		switch {
		case i < b.Result.Phase || i == b.Result.Phase && b.Result.State == ballot.Approved:
			it.Sub, it.Icon, it.Pill = "", "circle-check", &ui.Pill{Text: "Passed", Tone: "ok"}
		case i == max(0, b.Result.Phase):
			it.Sub, it.Icon, it.Pill = rule(b.Phases[i]), "circle-dot", pill(b)
		}
		s.Items = append(s.Items, it)
	}
	return s, nil
}

// rule is what a phase takes, in words.
func rule(p ballot.Phase) string {
	switch p.Rule {
	case ballot.Any:
		return "One yes is enough"
	case ballot.Quorum:
		return "It takes " + strconv.Itoa(p.Needed) + " yes"
	}
	return "Everybody says yes"
}

// oneView is the page of one approval.
type oneView struct {
	Head   ui.Head
	Props  []ui.Prop
	Voters []ui.Item
	Past   []ui.Event
	Form   *ui.Form
	Back   *ui.Action
}

func (v *visit) one() error { return v.onePage(nil, nil) }

func (v *visit) onePage(sent *web.Form, refused error) error {
	bid, err := v.ID("id")
	if err != nil {
		return err
	}
	var d oneView
	var r *record.Record
	err = v.View(func(tx *gate.Tx) error {
		b, err := ballot.Get(tx, bid)
		if err != nil {
			return err
		}
		if r, err = v.ticket(tx, b); err != nil {
			return err
		}
		stands, err := ballot.StandsFor(tx)
		if err != nil {
			return err
		}
		ids := []id.ID{b.Asker}
		for _, e := range b.Events {
			ids = append(append(ids, e.User, e.By), e.Voters...)
		}
		names, err := v.Records.Names(tx, ids...)
		if err != nil {
			return err
		}
		d.show(b, r, names)
		mine, voted := false, false
		for _, who := range b.Result.Voters {
			if who == v.Caller.User || slices.Contains(stands, who) {
				said, has := b.Result.Votes[who]
				mine, voted = mine || !has, voted || has && said.By == v.Caller.User
			}
		}
		if b.Result.State != ballot.Pending || b.Asker == v.Caller.User || b.Void(r) {
			return nil
		}
		if mine {
			d.Form = decision(b, sent, refused)
		}
		if voted {
			d.Back = &ui.Action{Label: "Take my vote back", Icon: "arrow-back-up", Href: address(b) + "/back", Post: true}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Approval of "+title(r), ui.Crumb{Label: "Votes", Href: "/votes"}, ui.Crumb{Label: title(r)})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status(refused), "vote", p)
}

// show fills in how an approval stands.
func (d *oneView) show(b *ballot.Ballot, r *record.Record, names map[id.ID]string) {
	x := pill(b)
	d.Head = ui.Head{Title: "Approval of " + title(r), Icon: "checks", Sub: []ui.Cell{{Text: r.Kind.Label, Href: shell.RecordURL(r.Kind, r.ID)}, {Type: "pill", Text: x.Text, Tone: x.Tone}}}
	asker := names[b.Asker]
	if asker == "" {
		asker = "A program"
	}
	phase := b.Phases[max(0, b.Result.Phase)]
	d.Props = []ui.Prop{{Label: "Who asks", Cells: []ui.Cell{{Type: "user", Text: asker}}}, {Label: "Asked", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(b.At)}}},
		{Label: "Phase", Cells: []ui.Cell{{Text: phase.Name + ", " + strconv.Itoa(max(0, b.Result.Phase)+1) + " of " + strconv.Itoa(len(b.Phases))}}}, {Label: "It passes when", Cells: []ui.Cell{{Text: rule(phase)}}}}
	if b.Result.Due != 0 {
		d.Props = append(d.Props, ui.Prop{Label: "Until", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(b.Result.Due)}}})
	}
	if b.Void(r) {
		d.Props = append(d.Props, ui.Prop{Label: "Void", Cells: []ui.Cell{{Text: "The ticket has changed since."}}})
	}
	for _, who := range b.Result.Voters {
		it := ui.Item{Title: names[who], Badge: names[who], Person: true, Pill: &ui.Pill{Text: "Waits"}}
		if said, has := b.Result.Votes[who]; has {
			it.Pill = &ui.Pill{Text: "Yes", Tone: "ok"}
			if !said.Yes {
				it.Pill = &ui.Pill{Text: "No", Tone: "bad"}
			}
			if said.By != who {
				it.Sub = "by " + names[said.By]
			}
		}
		d.Voters = append(d.Voters, it)
	}
	for _, e := range slices.Backward(b.Events) {
		what := map[string]string{ballot.Began: "The phase begins:", ballot.Voted: "says no to", ballot.Took: "takes the vote back on", ballot.Left: "does not decide any more about", ballot.Escalated: "Others decide too:", ballot.Canceled: "It is not asked any more:"}[e.What]
		if e.What == ballot.Voted && e.Yes {
			what = "says yes to"
		}
		who := names[e.By]
		if e.What == ballot.Left {
			who = names[e.User]
		}
		d.Past = append(d.Past, ui.Event{Who: who, What: what, Object: b.Phases[max(0, e.Phase)].Name, Detail: e.Words, Icon: map[bool]string{true: "checks"}[who == ""], Time: shell.When(e.At)})
	}
}

// decision is the form of a vote.
func decision(b *ballot.Ballot, sent *web.Form, refused error) *ui.Form {
	words, no := "", false
	if sent != nil {
		words, no = sent.Text("words"), sent.Text("yes") == "0"
	}
	f := &ui.Form{Action: address(b) + "/cast", Submit: "Vote", Fields: []ui.Field{
		{Name: "yes", Label: "My vote", Type: "select", Required: true, Options: []ui.Option{{Value: "1", Label: "Yes", Selected: !no}, {Value: "0", Label: "No", Selected: no}}},
		{Name: "words", Label: "In a sentence", Type: "text", Value: words, Most: 500, Wide: true, Hint: "Needed for a no. Everybody who sees the ticket reads it."},
	}}
	wrong(f, refused)
	return f
}

func wrong(f *ui.Form, refused error) {
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
}

func status(refused error) int {
	if refused == nil {
		return http.StatusOK
	}
	return web.Status(refused)
}

// voting runs do with the ticket of the approval in the path.
func (v *visit) voting(do func(tx *gate.Tx, r *record.Record, b id.ID) (*ballot.Ballot, error)) (b *ballot.Ballot, err error) {
	bid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	var r *record.Record
	err = v.View(func(tx *gate.Tx) error {
		was, err := ballot.Get(tx, bid)
		if err == nil {
			r, err = v.ticket(tx, was)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = v.Change(access.Comment, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		now, err := v.Records.Get(tx, r.Kind.Name, r.ID)
		if err == nil {
			b, err = do(tx, now, bid)
		}
		return err
	})
	return b, err
}

func (v *visit) cast() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	b, err := v.voting(func(tx *gate.Tx, r *record.Record, b id.ID) (*ballot.Ballot, error) {
		return ballot.Cast(tx, r, b, form.Text("yes") == "1", form.Text("words"))
	})
	if shell.Refusable(err) {
		return v.onePage(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(address(b), "Your vote is kept.")
}

func (v *visit) back() error {
	b, err := v.voting(ballot.TakeBack)
	if err != nil {
		return err
	}
	return v.Done(address(b), "Your vote is taken back.")
}

// absence is the form by which somebody names who stands for her.
func (v *visit) absence(tx *gate.Tx, sent *web.Form, refused error) (*ui.Form, error) {
	now, err := ballot.AbsenceOf(tx)
	if err != nil {
		return nil, err
	}
	people, err := v.Records.List(tx, "user", record.Query{Archived: "no", Limit: 300, NoTotal: true, Sort: []record.Order{{Field: "name"}}})
	if err != nil {
		return nil, err
	}
	to, from, until := "", v.Today().Format(time.DateOnly), ""
	if now != nil {
		to, from, until = now.To.String(), shell.When(now.From).Format(time.DateOnly), shell.When(now.Until-1).Format(time.DateOnly)
	}
	if sent != nil {
		to, from, until = sent.Text("to"), sent.Text("from"), sent.Text("until")
	}
	who := []ui.Option{{Value: "none", Label: "Nobody: I am here", Selected: to == "" || to == "none"}}
	for _, r := range people.Records {
		if r.ID != v.Caller.User {
			who = append(who, ui.Option{Value: r.ID.String(), Label: r.Name, Selected: r.ID.String() == to})
		}
	}
	f := &ui.Form{ID: "away", Action: "/votes/away", Submit: "Save", Fields: []ui.Field{{Type: "heading", Label: "While I am away"},
		{Name: "to", Label: "Who votes for me", Type: "select", Required: true, Options: who, Wide: true},
		{Name: "from", Label: "From", Type: "date", Value: from}, {Name: "until", Label: "Until the end of", Type: "date", Value: until}}}
	wrong(f, refused)
	return f, nil
}

func (v *visit) away() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
		to, ok := id.Parse(form.Text("to"))
		if !ok {
			return ballot.Away(tx, 0, 0, 0)
		}
		days := [2]time.Time{}
		for i, name := range []string{"from", "until"} {
			day, err := time.Parse(time.DateOnly, form.Text(name))
			if err != nil {
				return fault.Field(name, "Choose a day.")
			}
			days[i] = day
		}
		return ballot.Away(tx, to, days[0].UnixMilli(), days[1].AddDate(0, 0, 1).UnixMilli())
	})
	if shell.Refusable(err) {
		return v.listPage(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/votes", "Saved.")
}
