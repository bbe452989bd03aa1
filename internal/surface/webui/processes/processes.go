// Package processes holds the pages of processes: what each does, step by step in plain
// words, what it would do about a ticket, and how far it is.
//
// Always true: a page tells of a run about a record only to who sees the record; looking at a
// page, a dry run included, changes nothing; everything works without script.
package processes

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/process"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Processes *process.Processes }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

const top = "/settings/processes"

// Mount gives the shell the pages, and beside a ticket what runs about it.
func (p *Pages) Mount(s *shell.Shell) {
	k := s.Records.Kinds.Kind(process.Kind)
	if k == nil {
		return
	}
	s.Own(process.Kind).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).page(r) }
	s.Own(process.Kind).Form = form
	s.Post(top+"/start", p.as(func(v *visit) error {
		return v.about("It runs.", func(tx *gate.Tx, n id.ID, r *record.Record) error { return v.Processes.ByHandStart(tx, n, r) })
	}))
	s.Post(top+"/stop", p.as(func(v *visit) error { return v.about("It is stopped.", v.Processes.Stop) }))
	s.Post(top+"/retry", p.as(func(v *visit) error { return v.about("It is tried again.", v.Processes.Retry) }))
	s.Get(top+"/skip", p.as(func(v *visit) error { return v.skipForm(v.R.URL.Query().Get, nil) }))
	s.Post(top+"/skip", p.as((*visit).skip))
	s.Rail(shell.RailPart{Draw: beside})
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		return []ui.Item{{Title: k.Labels, Sub: "Work of several steps, with waits and approvals", Href: shell.ListURL(k), Icon: k.Icon}}
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

// form lets the kind be chosen by its name, once. Once it is known, fields and people are
// chosen by their names, and so is which step follows; what is referred to stands with its
// name.
func form(v *shell.Visit, f *ui.Form, r *record.Record) error {
	k := (*record.Kind)(nil)
	if r != nil {
		k = v.Kind(r.Values.Text("of_kind"))
	}
	var people []ui.Option
	var names map[id.ID]string
	if k != nil {
		err := v.View(func(tx *gate.Tx) (err error) {
			if people, err = v.Choices(tx, "user", nil); err != nil {
				return err
			}
			names, err = v.Records.Names(tx, process.Refs(process.StepsOf(r))...)
			return err
		})
		if err != nil {
			return err
		}
	}
	for i := range f.Fields {
		switch x := &f.Fields[i]; {
		case x.Name == "of_kind":
			x.Type, x.Options, x.Hint = "select", nil, "This stays."
			for _, k := range v.Records.Kinds.Kinds() {
				if automation.Governed(k) && k.Menu > 0 && (r == nil || k.Name == x.Value) {
					x.Options = append(x.Options, ui.Option{Value: k.Name, Label: k.Labels, Selected: k.Name == x.Value})
				}
			}
		case x.Name == "steps" && k != nil:
			x.Hint = "One below the other. Values as people write them: the name of a team, yes or no, 2026-11-30. Texts may name fields in braces: {number}, {name}."
			var steps []ui.Option
			for _, s := range process.StepsOf(r) {
				steps = append(steps, ui.Option{Value: s.Name, Label: s.Name})
			}
			choices := map[string][]ui.Option{"if_field": fields(k, func(*record.Field) bool { return true }), "field": append(group("Set", fields(k, automation.Settable)), group("Tell", append(whom(), people...))...), "then": steps, "otherwise": steps}
			for n := range x.Columns {
				choose(&x.Columns[n], choices, nil)
			}
			for _, line := range x.Lines {
				for n := range line {
					choose(&line[n], choices, names)
				}
			}
		}
	}
	return nil
}

// fields are the fields of a kind that a process may ask for, by their labels.
func fields(k *record.Kind, take func(*record.Field) bool) (out []ui.Option) {
	list := []string{"name", "organization_id"}
	for i := range k.Fields {
		if n := k.Fields[i].Name; n != "name" {
			list = append(list, n)
		}
	}
	for _, n := range list {
		if f := automation.Field(k, n); f != nil && take(f) {
			out = append(out, ui.Option{Value: n, Label: f.Title()})
		}
	}
	return out
}

func whom() (out []ui.Option) {
	for _, w := range automation.Whom() {
		out = append(out, ui.Option{Value: w, Label: "The " + w})
	}
	return out
}

func group(name string, list []ui.Option) []ui.Option {
	for i := range list {
		list[i].Group = name
	}
	return list
}

// choose makes a select of an input, by the end of its name; what is chosen and not offered
// stays. Where no choice is offered, an id is shown as the name of what it refers to.
func choose(x *ui.Field, choices map[string][]ui.Option, names map[id.ID]string) {
	list, ok := choices[x.Name[strings.LastIndexByte(x.Name, '.')+1:]]
	if !ok {
		if n, is := id.Parse(x.Value); is && names[n] != "" {
			x.Value = names[n]
		}
		return
	}
	x.Type, x.Options = "select", []ui.Option{{Label: "—", Selected: x.Value == ""}}
	known := x.Value == ""
	for _, o := range list {
		o.Selected = o.Value == x.Value
		known = known || o.Selected
		x.Options = append(x.Options, o)
	}
	if !known {
		x.Options = append(x.Options, ui.Option{Value: x.Value, Label: x.Value, Selected: true})
	}
}

// view is the page of a process.
type view struct {
	Head   ui.Head
	Notice *ui.Notice
	Steps  *ui.Section
	Rights []ui.Prop
	Tried  *ui.Section
	Path   string // of this page, for the form of a dry run
	Number string
	Rail   []*ui.Section
}

// page is the page of one process; with ?try= it says what it would do about a ticket.
func (v *visit) page(r *record.Record) error {
	k := v.Kind(r.Values.Text("of_kind"))
	c := process.StepsOf(r)
	d := view{Notice: v.ArchivedNotice(r), Path: shell.RecordURL(r.Kind, r.ID), Number: v.R.URL.Query().Get("try"), Steps: &ui.Section{Title: "Step by step", Icon: "list-numbers"}}
	if len(c) == 0 {
		d.Steps.Empty = "It has no steps yet."
	}
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		d.Head.Sub = []ui.Cell{{Text: "About " + k.Labels}, {Text: "Begins " + r.Values.Text("begins")}, {Type: "pill", Text: map[bool]string{true: "On", false: "Off"}[r.Values.Bool("active")], Tone: map[bool]string{true: "ok"}[r.Values.Bool("active")]}}
		names, err := v.Records.Names(tx, append(process.Refs(c), r.Values.ID("acts_as_id"))...)
		if err != nil {
			return err
		}
		for i, s := range c {
			d.Steps.Items = append(d.Steps.Items, ui.Item{Title: strconv.Itoa(i+1) + ". " + s.Name, Sub: shell.Capital(process.Sentence(k, s, names)), Icon: "point"})
		}
		who := names[r.Values.ID("acts_as_id")]
		if who == "" {
			who = "nobody: who saves it signed in gives it hers"
		}
		d.Rights = []ui.Prop{{Label: "Acts as", Cells: []ui.Cell{{Text: "The process itself, with the rights of " + who}}}, {Label: "Never", Cells: []ui.Cell{{Text: "Sees a password, or what belongs to a person alone"}}}}
		if d.Number != "" {
			if d.Tried, err = v.try(tx, r, k); err != nil {
				return err
			}
		}
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
	return v.RenderStatus(http.StatusOK, "process", p)
}

// try is what the process would do about a ticket that is named by its number.
func (v *visit) try(tx *gate.Tx, r *record.Record, k *record.Kind) (*ui.Section, error) {
	out := &ui.Section{Title: "What it would do", Icon: "player-play"}
	n, err := strconv.ParseInt(v.R.URL.Query().Get("try"), 10, 64)
	if err != nil || k.Field("number") == nil {
		out.Empty = "Give the number of a ticket, such as 1001."
		return out, nil
	}
	p, err := v.Records.List(tx, k.Name, record.Query{Limit: 1, NoTotal: true, Filters: []record.Filter{{Field: "number", Op: record.Eq, Values: []any{n}}}})
	if err != nil {
		return nil, err
	}
	if len(p.Records) == 0 {
		out.Empty = "There is no such ticket, or you may not see it."
		return out, nil
	}
	out.Text = "About " + p.Records[0].Name + ", as it is now; what waits is taken for done. Nothing was done."
	for _, x := range process.Try(process.StepsOf(r), p.Records[0]) {
		out.Items = append(out.Items, ui.Item{Title: strconv.Itoa(x.Place) + ". " + x.Name, Sub: x.Said, Icon: "point", Pill: pill(x.State)})
	}
	return out, nil
}

func pill(state string) *ui.Pill {
	return &ui.Pill{Text: shell.Capital(state), Tone: map[string]string{process.Done: "ok", process.Failed: "bad", process.Late: "warn", process.Stopped: "warn", process.Open: "info", process.Running: "info"}[state]}
}

// about does something about a record that a form names, by a process or a run.
func (v *visit) about(said string, fn func(tx *gate.Tx, n id.ID, r *record.Record) error) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return v.aboutForm(f, said, fn)
}

func (v *visit) aboutForm(f *web.Form, said string, fn func(tx *gate.Tx, n id.ID, r *record.Record) error) error {
	what, ok := id.Parse(f.Text("what"))
	rec, also := id.Parse(f.Text("record"))
	if !ok || !also {
		return gate.Missing()
	}
	var r *record.Record
	err := v.Change(access.View, gate.Thing{ID: rec}, func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, "", rec); err != nil {
			return err
		}
		return fn(tx, what, r)
	})
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "%s", said)
}

// skipForm asks why a step is skipped.
func (v *visit) skipForm(sent func(string) string, refused error) error {
	what, ok := id.Parse(sent("what"))
	rec, also := id.Parse(sent("record"))
	if !ok || !also {
		return gate.Missing()
	}
	f := &ui.Form{Action: top + "/skip", Submit: "Skip the step", Hidden: []ui.Hidden{{Name: "what", Value: what.String()}, {Name: "record", Value: rec.String()}},
		Fields: []ui.Field{{Name: "reason", Label: "Why it is skipped", Type: "text", Required: true, Wide: true, Most: 300, Value: sent("reason"), Hint: "It stands in the log, and beside the ticket."}}}
	head := ui.Head{Title: "Skip a step", Icon: "player-play"}
	var crumbs []ui.Crumb
	err := v.View(func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, "", rec)
		if err != nil {
			return err
		}
		list, err := process.Of(tx, rec, mostBeside)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(s *process.State) bool { return s.ID == what })
		if i < 0 || !v.MayTo(access.Edit, r) {
			return gate.Missing()
		}
		f.Cancel = shell.RecordURL(r.Kind, r.ID)
		head.Sub = []ui.Cell{{Text: r.Name}, {Text: list[i].Said}}
		crumbs = []ui.Crumb{{Label: r.Name, Href: f.Cancel}, {Label: head.Title}}
		return nil
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
		status = web.Status(refused)
	}
	p, err := v.Page(head.Title, crumbs...)
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: head, Form: *f}
	return v.RenderStatus(status, "form", p)
}

// skip has a run go on behind the step that failed.
func (v *visit) skip() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.aboutForm(f, "It goes on.", func(tx *gate.Tx, n id.ID, r *record.Record) error {
		return v.Processes.Skip(tx, n, r, f.Text("reason"))
	})
	if fault.Is(err, fault.Invalid) {
		return v.skipForm(f.Text, err)
	}
	return err
}

// mostBeside is how many runs stand beside a ticket.
const mostBeside = 3

func button(label, icon, path string, what id.ID, r *record.Record) *ui.Action {
	return &ui.Action{Label: label, Icon: icon, Href: top + path, Post: true, Fields: []ui.Hidden{{Name: "what", Value: what.String()}, {Name: "record", Value: r.ID.String()}}}
}

// beside is the part of a ticket's rail that says how far its processes are, with those that
// can be begun.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if !automation.Governed(r.Kind) {
		return nil, nil
	}
	list, err := process.Of(tx, r.ID, mostBeside)
	if err != nil {
		return nil, err
	}
	may := v.MayTo(access.Edit, r)
	var offered []id.ID
	if may {
		if offered, err = process.Offered(tx, r); err != nil {
			return nil, err
		}
	}
	ids := append([]id.ID(nil), offered...)
	for _, s := range list {
		ids = append(ids, s.Process)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	names, err := v.Records.Names(tx, ids...)
	out := &ui.Section{Title: "Processes", Icon: "route"}
	for _, s := range list {
		it := ui.Item{Title: names[s.Process], Sub: s.Said, Icon: "route", Time: shell.When(s.At), Pill: pill(s.State)}
		if it.Title == "" {
			it.Title = "A process"
		}
		if may && s.State == process.Running {
			it.Action = button("Stop", "x", "/stop", s.ID, r)
		}
		if may && s.State == process.Failed && s.Tries() {
			it.Action = button("Try again", "refresh", "/retry", s.ID, r)
		}
		out.Items = append(out.Items, it)
		if may && s.State == process.Failed && s.Skips() {
			out.Items = append(out.Items, ui.Item{Title: "Skip the step, with a reason", Icon: "player-play", Href: top + "/skip?what=" + s.ID.String() + "&record=" + r.ID.String()})
		}
		for _, x := range s.Rows {
			if s.State == process.Running && x.State == process.Open {
				sub := "Since " + shell.When(x.At).UTC().Format("2 Jan 15:04 UTC")
				if x.Due > x.At {
					sub += ", until " + shell.When(x.Due).UTC().Format("2 Jan 15:04 UTC") + " at the most"
				}
				out.Items = append(out.Items, ui.Item{Title: "Step " + strconv.Itoa(x.Place) + " of " + strconv.Itoa(s.Steps) + ": " + x.Name, Sub: sub, Icon: "hourglass"})
			}
		}
	}
	for _, n := range offered {
		out.Items = append(out.Items, ui.Item{Title: names[n], Icon: "route", Action: button("Begin", "player-play", "/start", n, r)})
	}
	return out, err
}
