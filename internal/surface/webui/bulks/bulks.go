// Package bulks holds the pages that tell of what is done to many tickets: how far it is,
// what was refused and why, what is left, and what was taken back.
//
// Always true: a page is for who asked for it and for administrators, and names of the
// tickets those that its reader may see; everything works without script.
package bulks

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Bounds of what is shown.
const mostListed, mostShown = 50, 500

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Bulk *bulk.Bulk }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages.
func (p *Pages) Mount(s *shell.Shell) {
	s.Get("/bulk", p.as((*visit).list))
	s.Get("/bulk/{id}", p.as((*visit).one))
	s.Post("/bulk/{id}/stop", p.as((*visit).stop))
	s.Post("/bulk/{id}/again", p.as((*visit).again))
	s.Post("/bulk/{id}/undo", p.as((*visit).undo))
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

func at(work id.ID) string { return "/bulk/" + work.String() }

// list is what the caller had done to many tickets.
func (v *visit) list() error {
	var works []*bulk.Work
	if err := v.View(func(tx *gate.Tx) (err error) { works, err = bulk.List(tx, mostListed); return err }); err != nil {
		return err
	}
	t := ui.Table{ID: "list", Title: "Work on several", Columns: []ui.Column{{Label: "Tickets", Phone: "title"}, {Label: "Asked", Phone: "line"}, {Label: "Refused", Right: true, Phone: "line"}, {Label: "State", Phone: "end"}},
		Empty: ui.Empty{Icon: "headset", Title: "Nothing was done to many tickets yet.", Text: "Select tickets in their list and press Work on them. More than 50 are done in the background, and are told of here for 90 days."}}
	for _, w := range works {
		k := v.Kind(w.Kind)
		if k == nil {
			continue
		}
		pill := state(w)
		t.Rows = append(t.Rows, ui.Row{ID: w.ID.String(), Name: shell.Count(w.Total, k), Cells: []ui.Cell{{Type: "link", Text: shell.Count(w.Total, k), Href: at(w.ID), Icon: k.Icon},
			{Type: "ago", Time: shell.When(w.At)}, {Text: web.Number(int64(w.Counts[bulk.Refused]))}, {Type: "pill", Text: pill.Text, Tone: pill.Tone}}})
	}
	p, err := v.Page("Work on several", ui.Crumb{Label: "Desk", Href: "/desk"}, ui.Crumb{Label: "Work on several"})
	if err != nil {
		return err
	}
	p.Data = shell.ListPage{Head: ui.Head{Title: "Work on several", Icon: "headset", Sub: []ui.Cell{{Text: "What you had done to more than 50 tickets at once"}}}, Table: t}
	return v.Render("list", p)
}

func state(w *bulk.Work) ui.Pill {
	switch {
	case !w.Over() && w.Began():
		return ui.Pill{Text: "Being taken back", Tone: "info"}
	case !w.Over():
		return ui.Pill{Text: "Running", Tone: "info"}
	case w.Began():
		return ui.Pill{Text: "Taken back"}
	case w.Counts[bulk.Waiting] > 0 && w.Job != nil && w.Job.State == job.Failed:
		return ui.Pill{Text: "Failed", Tone: "bad"}
	case w.Counts[bulk.Waiting] > 0:
		return ui.Pill{Text: "Stopped", Tone: "warn"}
	}
	return ui.Pill{Text: "Done", Tone: "ok"}
}

type workView struct {
	Head     ui.Head
	Progress *ui.Progress
	Failed   string
	Does     []ui.Prop
	Groups   []group
	Again    *ui.Action
	Undo     *ui.Action
	Stays    string // of what is taken back
}

// group is the tickets of which the same became.
type group struct {
	Title string
	Count string
	Lines []line
	More  int
}

type line struct{ Name, Href, Why string }

// read gives the work of the address with its kind.
func (v *visit) read(tx *gate.Tx) (*bulk.Work, *record.Kind, error) {
	wid, err := v.ID("id")
	if err != nil {
		return nil, nil, err
	}
	w, err := bulk.Get(tx, wid)
	if err != nil {
		return nil, nil, err
	}
	k := v.Kind(w.Kind)
	if k == nil {
		return nil, nil, gate.Missing()
	}
	return w, k, nil
}

// one is the page of a work.
func (v *visit) one() error {
	view := &workView{}
	var w *bulk.Work
	var k *record.Kind
	err := v.View(func(tx *gate.Tx) (err error) {
		if w, k, err = v.read(tx); err != nil || web.WantsJSON(v.R) {
			return err
		}
		if view.Does, err = v.does(tx, w); err != nil {
			return err
		}
		for _, g := range []struct{ title, state string }{{"Refused", bulk.Refused}, {"Not taken back", bulk.Kept}, {"Not begun", bulk.Waiting}} {
			if n := w.Counts[g.state]; n > 0 && w.Over() {
				lines, err := v.lines(tx, w, k, g.state)
				if err != nil {
					return err
				}
				view.Groups = append(view.Groups, group{Title: g.title, Count: shell.Count(int64(n), k), Lines: lines, More: n - len(lines)})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, v.progress(w))
	}
	v.fill(view, w, k)
	title := "Work on " + shell.Count(w.Total, k)
	p, err := v.Page(title, ui.Crumb{Label: "Desk", Href: "/desk"}, ui.Crumb{Label: "Work on several", Href: "/bulk"}, ui.Crumb{Label: shell.Count(w.Total, k)})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("bulk", p)
}

// fill says how far it is, and what can be done now.
func (v *visit) fill(view *workView, w *bulk.Work, k *record.Kind) {
	pill := state(w)
	view.Head = ui.Head{Title: "Work on " + shell.Count(w.Total, k), Icon: "headset", Sub: []ui.Cell{{Type: "pill", Text: pill.Text, Tone: pill.Tone}, {Text: "Asked"}, {Type: "ago", Time: shell.When(w.At)}},
		Actions: []ui.Action{{Label: "Back to the list", Icon: "arrow-left", Href: web.LocalPath(w.Back, shell.ListURL(k))}}}
	if j := goes(w); j != nil {
		view.Progress = &ui.Progress{URL: at(w.ID), Self: at(w.ID), State: "running", Done: int(j.Done), Total: int(w.Total), Text: words(w, j), Cancel: at(w.ID) + "/stop"}
		return
	}
	for _, j := range []*job.Status{w.Job, w.Undo} {
		if j != nil && j.State == job.Failed {
			view.Failed = strings.TrimSpace(j.Error + " " + j.Hint)
		}
	}
	done := w.Counts[bulk.Done] + w.Counts[bulk.Back] + w.Counts[bulk.Kept]
	view.Does = append(view.Does, ui.Prop{Label: "Done to", Cells: []ui.Cell{{Text: shell.Count(int64(done), k)}}})
	if n := w.Counts[bulk.Back]; n > 0 {
		view.Does = append(view.Does, ui.Prop{Label: "Taken back", Cells: []ui.Cell{{Text: shell.Count(int64(n), k)}}})
	}
	if w.User != v.Caller.User {
		return
	}
	if w.MayGoOn() {
		view.Again = &ui.Action{Label: "Go on with the rest", Icon: "player-play", Href: at(w.ID) + "/again", Post: true, Primary: true}
	}
	if w.MayUndo() {
		view.Undo = &ui.Action{Label: "Take it back", Icon: "arrow-back-up", Href: at(w.ID) + "/undo", Post: true}
		view.Stays = "Owner, team, category, urgency, impact and tags become what they were, where nobody changed them since. States, what was written and checklists stay."
	}
}

// does says what is done to each, in the words of the form.
func (v *visit) does(tx *gate.Tx, w *bulk.Work) ([]ui.Prop, error) {
	var ids []id.ID
	for _, said := range w.Deed.Sets {
		if n, ok := id.Parse(said); ok {
			ids = append(ids, n)
		}
	}
	if w.Deed.Macro != 0 {
		ids = append(ids, w.Deed.Macro)
	}
	names, err := v.Records.Names(tx, ids...)
	if err != nil {
		return nil, err
	}
	var out []ui.Prop
	add := func(label, said string) {
		if said != "" {
			out = append(out, ui.Prop{Label: label, Cells: []ui.Cell{{Text: said}}})
		}
	}
	name := func(said, none string) string {
		n, ok := id.Parse(said)
		switch {
		case !ok:
			return none
		case names[n] == "":
			return "Not there any more"
		}
		return names[n]
	}
	if w.Deed.Macro != 0 {
		add("Macro", name(w.Deed.Macro.String(), ""))
	}
	if said, ok := w.Deed.Sets["owner_id"]; ok {
		add("Owner", name(said, "Nobody"))
	}
	if said, ok := w.Deed.Sets["team_id"]; ok {
		add("Team", name(said, "None"))
	}
	add("State", w.Deed.Sets["status"])
	add("Add tags", w.Deed.Add)
	add("Take off tags", w.Deed.Off)
	if w.Deed.Say != "" {
		add("Written", w.Deed.Type)
	}
	return out, nil
}

// lines are the tickets of a work in a state, named as far as the reader sees them.
func (v *visit) lines(tx *gate.Tx, w *bulk.Work, k *record.Kind, state string) ([]line, error) {
	items, err := w.Items(tx, mostShown, state)
	if err != nil {
		return nil, err
	}
	var ids []id.ID
	for _, it := range items {
		ids = append(ids, it.Record)
	}
	names, err := v.Records.Names(tx, ids...)
	if err != nil {
		return nil, err
	}
	var out []line
	for _, it := range items {
		l := line{Name: "A ticket that is not there any more", Why: it.Why}
		if n := names[it.Record]; n != "" {
			l.Name, l.Href = n, shell.RecordURL(k, it.Record)
		}
		out = append(out, l)
	}
	return out, nil
}

// goes is the job that goes on; nil for none.
func goes(w *bulk.Work) *job.Status {
	for _, j := range []*job.Status{w.Undo, w.Job} {
		if j != nil && (j.State == job.Waiting || j.State == job.Running) {
			return j
		}
	}
	return nil
}

func words(w *bulk.Work, j *job.Status) string {
	switch {
	case j.Cancel:
		return "Stopping"
	case j.State == job.Waiting && j.Error != "":
		return j.Error + " It is tried again."
	case j.State == job.Waiting:
		return "Waiting for its turn"
	case j == w.Undo:
		return "Taking back"
	}
	return "Working"
}

// progress is what the page asks for while it runs.
func (v *visit) progress(w *bulk.Work) map[string]any {
	if j := goes(w); j != nil {
		return map[string]any{"state": "running", "done": j.Done, "total": w.Total, "text": words(w, j)}
	}
	return map[string]any{"state": "done", "text": "It is over.", "href": at(w.ID), "link": "See what was done"}
}

// stop has it end after the ticket that it is at.
func (v *visit) stop() error {
	var w *bulk.Work
	if err := v.View(func(tx *gate.Tx) (err error) { w, _, err = v.read(tx); return err }); err != nil {
		return err
	}
	if j := goes(w); j != nil {
		if err := v.Bulk.Jobs.Cancel(v.R.Context(), v.Caller, j.ID); err != nil {
			return err
		}
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, map[string]any{})
	}
	return v.Done(at(w.ID), "It stops with the ticket that it is at.")
}

func (v *visit) again() error {
	return v.act(v.Bulk.GoOn)
}

func (v *visit) undo() error {
	return v.act(v.Bulk.TakeBack)
}

// act begins what is left of a work, or takes it back.
func (v *visit) act(do func(*gate.Tx, id.ID) error) error {
	wid, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return do(tx, wid) }); err != nil {
		return err
	}
	return v.Done(at(wid), "")
}
