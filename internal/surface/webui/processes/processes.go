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
	"strconv"

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

// form lets the kind be chosen by its name, once.
func form(v *shell.Visit, f *ui.Form, r *record.Record) error {
	for i := range f.Fields {
		x := &f.Fields[i]
		if x.Name != "of_kind" {
			continue
		}
		x.Type, x.Options = "select", nil
		for _, k := range v.Records.Kinds.Kinds() {
			if automation.Governed(k) && k.Menu > 0 && (r == nil || k.Name == x.Value) {
				x.Options = append(x.Options, ui.Option{Value: k.Name, Label: k.Labels, Selected: k.Name == x.Value})
			}
		}
	}
	return nil
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
	what, ok := id.Parse(f.Text("what"))
	rec, also := id.Parse(f.Text("record"))
	if !ok || !also {
		return gate.Missing()
	}
	var r *record.Record
	err = v.Change(access.View, gate.Thing{ID: rec}, func(tx *gate.Tx) (err error) {
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

func button(label, icon, path string, what id.ID, r *record.Record) *ui.Action {
	return &ui.Action{Label: label, Icon: icon, Href: top + path, Post: true, Fields: []ui.Hidden{{Name: "what", Value: what.String()}, {Name: "record", Value: r.ID.String()}}}
}

// beside is the part of a ticket's rail that says how far its processes are, with those that
// can be begun.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if !automation.Governed(r.Kind) {
		return nil, nil
	}
	list, err := process.Of(tx, r.ID, 3)
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
		if may && s.State == process.Failed {
			it.Action = button("Try again", "refresh", "/retry", s.ID, r)
		}
		out.Items = append(out.Items, it)
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
