package imports

import (
	"encoding/json"
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/importer/undo"
	"strongroom/internal/surface/webui/shell"
)

// runView is the page of an import that was run: what it did, and what taking it back
// would do or did.
type runView struct {
	Head     ui.Head
	Progress *ui.Progress
	Failed   *ui.Problem
	Words    string // what taking it back would do
	Partly   bool
	Done     string // what it did
	Left     []leftLine
	More     int64
	Form     *ui.Form
}

type leftLine struct {
	Name, Kind, Href, Why string
}

func runAt(run id.ID) string { return "/import-runs/" + run.String() }

// loadRun finds the import of the address, and the job that takes it back, if any.
func (v *visit) loadRun() (run undo.Run, j *job.Status, err error) {
	rid, err := v.ID("id")
	if err != nil {
		return run, nil, err
	}
	err = v.View(func(tx *gate.Tx) error {
		if run, err = undo.Get(tx, rid); err != nil || run.Job == 0 {
			return err
		}
		if j, err = job.Get(tx, run.Job); fault.Is(err, fault.NotFound) { // forgotten since, or of somebody else
			j, err = nil, nil
		}
		return err
	})
	return run, j, err
}

// importRun is the page.
func (v *visit) importRun() error {
	run, j, err := v.loadRun()
	if err != nil {
		return err
	}
	at := runAt(run.ID)
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, undoState(j, at))
	}
	view := &runView{Head: ui.Head{Title: run.Name, Icon: "file-import", Sub: []ui.Cell{{Text: "Import"}, {Type: "datetime", Time: shell.When(run.Created)}, {Text: made(run)}}}}
	switch {
	case j != nil && running(j):
		view.Progress = &ui.Progress{URL: at, Self: at, State: "running", Done: int(j.Done), Total: int(j.Total), Text: undoText(j), Cancel: at + "/cancel"}
	default:
		v.undoResult(view, j)
		if err := v.undoOffer(view, run); err != nil {
			return err
		}
	}
	p, err := v.Page(run.Name, ui.Crumb{Label: "Import", Href: "/imports"}, ui.Crumb{Label: run.Name})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("run", p)
}

func made(r undo.Run) string {
	return countWords(count{r.Made, "new"}, count{r.Changed, "changed"})
}

// undoResult tells what was taken back.
func (v *visit) undoResult(view *runView, j *job.Status) {
	switch {
	case j == nil:
	case j.State == job.Failed:
		view.Failed = &ui.Problem{Icon: "alert-triangle", Title: "Taking it back failed", Text: j.Error, Hint: j.Hint}
	case j.State == job.Cancelled:
		view.Failed = &ui.Problem{Icon: "player-pause", Title: "Taking it back was stopped", Text: "What was taken back until then stays so.", Hint: "Take it back again to go on."}
	default:
		var r undo.Report
		if j.Result == nil || json.Unmarshal(j.Result, &r) != nil {
			return
		}
		view.Done = "It was taken back: " + undoWords(&r)
		view.left(v, &r)
	}
}

// undoOffer shows what taking it back would do, when there is something left to do.
func (v *visit) undoOffer(view *runView, run undo.Run) error {
	r, err := v.Undo.Preview(v.R.Context(), v.Caller, run.ID, false)
	if err != nil {
		return err
	}
	if r.Trashed+r.Restored+r.Files+r.Relations+r.Kept == 0 {
		if view.Done == "" {
			view.Done = "There is nothing to take back."
		}
		return nil
	}
	view.Words, view.Partly = undoWords(r), r.Partly
	if view.Done == "" {
		view.left(v, r)
	}
	view.Form = &ui.Form{Action: runAt(run.ID) + "/undo", Submit: "Take the import back", Danger: true, Fields: []ui.Field{
		{Name: "force", Label: "Also what somebody changed since", Type: "checkbox", Wide: true, Hint: "Those changes are lost, as far as records go to the trash; of others they stay in the history."},
	}}
	return nil
}

func (view *runView) left(v *visit, r *undo.Report) {
	for _, e := range r.Left {
		l := leftLine{Name: e.Name, Why: e.Why}
		if k := v.Kind(e.Kind); k != nil {
			l.Kind, l.Href = k.Label, shell.RecordURL(k, e.Record)
		}
		view.Left = append(view.Left, l)
	}
	view.More = r.Kept - int64(len(r.Left))
}

func undoWords(r *undo.Report) string {
	return countWords(count{r.Trashed, "to the trash"}, count{r.Restored, "back to the version before"}, count{r.Files, "files removed"}, count{r.Relations, "relations ended"}, count{r.Kept, "left as they are"}, count{r.Gone, "gone already"}) + "."
}

func undoText(j *job.Status) string {
	switch {
	case j.Cancel:
		return "Stopping"
	case j.State == job.Waiting && j.Error != "":
		return j.Error + " It is tried again."
	case j.State == job.Waiting:
		return "Waiting for its turn"
	}
	return "Taking back"
}

// undoState is what the page asks for while it runs.
func undoState(j *job.Status, at string) map[string]any {
	switch {
	case j == nil:
		return map[string]any{"state": "done", "text": "", "href": at}
	case running(j):
		return map[string]any{"state": "running", "done": j.Done, "total": j.Total, "text": undoText(j)}
	case j.State == job.Done:
		return map[string]any{"state": "done", "text": "It was taken back.", "href": at, "link": "Open the result"}
	}
	return map[string]any{"state": "failed", "text": j.Error, "href": at, "link": "Open the result"}
}

// undoImport begins to take an import back.
func (v *visit) undoImport() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if _, err := v.Undo.Start(v.R.Context(), v.Caller, rid, form.Bool("force")); err != nil {
		return err
	}
	return v.Done(runAt(rid), "The import is being taken back. You can leave this page.")
}

// cancelUndo stops it.
func (v *visit) cancelUndo() error {
	run, j, err := v.loadRun()
	if err != nil {
		return err
	}
	if j == nil {
		return gate.Missing()
	}
	if err := v.Undo.Jobs.Cancel(v.R.Context(), v.Caller, j.ID); err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, map[string]any{})
	}
	return v.Done(runAt(run.ID), "It stops as soon as what it is at is done.")
}

// runItems lists the imports that did something.
func runItems(list []undo.Run) []ui.Item {
	var out []ui.Item
	for _, r := range list {
		it := ui.Item{Title: r.Name, Sub: made(r), Href: runAt(r.ID), Icon: "arrow-back-up", Time: shell.When(r.Created)}
		if r.By != "" {
			it.Sub += ", by " + r.By
		}
		if r.Undone != 0 {
			it.Pill = &ui.Pill{Text: "Taken back", Tone: "ok"}
		}
		out = append(out, it)
	}
	return out
}
