package imports

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/history"
	"strongroom/internal/feature/importer/mapping"
	"strongroom/internal/feature/importer/staging"
	"strongroom/internal/feature/importer/undo"
	"strongroom/internal/surface/webui/shell"
)

// mostExportFile is the largest export that a browser may send: 64 GiB.
const mostExportFile = 64 << 30

type importsView struct {
	Head   ui.Head
	Drop   ui.Drop
	Staged []stagedLine
	Past   []ui.Item
	Runs   []ui.Item
	Kept   []keptLine
	Remote *ui.Form
}

// keptLine is a mapping that was kept.
type keptLine struct {
	Name, Kind string
	Delete     ui.Action
}

type stagedLine struct {
	Name    string
	Size    int64
	Time    time.Time
	Check   ui.Action
	Discard ui.Action
}

// imports is the upload, what waits for a decision and what was imported.
func (v *visit) imports() error { return v.importsPage(remoteForm(), http.StatusOK) }

func (v *visit) importsPage(remote *ui.Form, status int) error {
	view := &importsView{Head: ui.Head{Title: "Import", Icon: "file-import", Sub: []ui.Cell{{Text: "Bring in tables and the exports of other products. Importing the same again changes only what is new."}}},
		Drop: ui.Drop{Action: "/imports", Swap: "imports", Accept: ".zip,application/zip,.csv,.tsv,.txt,text/csv,.json,.1pux,.kdbx,.xml", Text: "Upload a table or an export"}, Remote: remote}
	err := v.View(func(tx *gate.Tx) (err error) {
		if view.Staged, err = stagedExports(tx); err != nil {
			return err
		}
		kept, err := mapping.List(tx, "")
		if err != nil {
			return err
		}
		for _, m := range kept {
			l := keptLine{Name: m.Name, Delete: ui.Action{Label: "Delete", Icon: "trash", Href: "/import-mappings/" + m.ID.String() + "/delete", Post: true, Quiet: true}}
			if k := v.Kind(m.Kind); k != nil {
				l.Kind = k.Labels
			}
			view.Kept = append(view.Kept, l)
		}
		runs, err := undo.List(tx, 30)
		if err != nil {
			return err
		}
		view.Runs = runItems(runs)
		list, err := job.List(tx, importer.JobKind, 30)
		for _, j := range list {
			view.Past = append(view.Past, importItem(j))
		}
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Import", ui.Crumb{Label: "Import"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(status, "imports", p)
}

// stagedExports lists what was uploaded and is not imported yet.
func stagedExports(tx *gate.Tx) ([]stagedLine, error) {
	cond, args := staging.Mine(tx)
	rows, err := tx.Query(`select id, name, size, created_at from import_stage where ready = 1 and `+cond+` order by id desc limit 50`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []stagedLine
	for rows.Next() {
		var n, size, created int64
		var name string
		if err := rows.Scan(&n, &name, &size, &created); err != nil {
			return nil, err
		}
		at := "/import-checks/" + id.ID(n).String()
		check := ui.Action{Label: "Check it", Icon: "list-check", Href: at, Primary: true}
		if isTable(name) {
			check.Label, check.Href = "Map it", "/import-tables/"+id.ID(n).String()
		}
		out = append(out, stagedLine{Name: name, Size: size, Time: shell.When(created), Check: check,
			Discard: ui.Action{Label: "Discard", Icon: "x", Href: at + "/discard", Post: true, Quiet: true}})
	}
	return out, rows.Err()
}

// payloadName is the name of the file that a job imports.
func payloadName(j *job.Status) string {
	var p struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(j.Payload, &p); err != nil || p.Name == "" {
		return "Export"
	}
	return p.Name
}

func jobReport(j *job.Status) *importer.Report {
	var r importer.Report
	if j.Result == nil || json.Unmarshal(j.Result, &r) != nil {
		return nil
	}
	return &r
}

func importItem(j *job.Status) ui.Item {
	it := ui.Item{Title: payloadName(j), Href: "/imports/" + j.ID.String(), Icon: "file-import", Time: shell.When(j.Created)}
	switch j.State {
	case job.Done:
		it.Pill = &ui.Pill{Text: "Imported", Tone: "ok"}
		if r := jobReport(j); r != nil {
			it.Sub = countsWords(r.Counts)
		}
	case job.Failed:
		it.Pill, it.Sub = &ui.Pill{Text: "Failed", Tone: "bad"}, j.Error
	case job.Cancelled:
		it.Pill, it.Sub = &ui.Pill{Text: "Stopped"}, "What was imported until then stays."
	default:
		it.Pill, it.Sub = &ui.Pill{Text: "Running", Tone: "info"}, j.Message
	}
	return it
}

func countsWords(c importer.Counts) string {
	return countWords(count{c.Created, "new"}, count{c.Changed, "changed"}, count{c.Unchanged, "unchanged"}, count{c.Skipped, "skipped"}, count{c.Conflicts, "kept as they are here"})
}

// count is a number of records with what became of them.
type count struct {
	n    int64
	word string
}

func countWords(list ...count) string {
	var out []string
	for _, c := range list {
		if c.n > 0 {
			out = append(out, web.Number(c.n)+" "+c.word)
		}
	}
	if len(out) == 0 {
		return "Nothing in it."
	}
	return strings.Join(out, ", ")
}

// uploadExport keeps an export while it arrives. Nothing is imported.
func (v *visit) uploadExport() error {
	var staged id.ID
	var name string
	_, err := web.ParseUpload(v.R, func(f *web.File) error {
		if f.Name == "" || staged != 0 {
			return nil
		}
		var err error
		name = f.Name
		staged, err = v.Importer.Stage(v.R.Context(), v.Caller, f.Name, f)
		return err
	})
	if err != nil {
		return err
	}
	if staged == 0 {
		return fault.Field("file", "No file was chosen.").WithHint("Choose a table or the zip of an export, then upload.")
	}
	to, err := v.placeOf(staged, name)
	if err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusCreated, map[string]string{"location": to})
	}
	return web.SeeOther(v.W, v.R, to)
}

type importView struct {
	Head     ui.Head
	Progress *ui.Progress
	Failed   *ui.Problem
	Words    string
	Kinds    []kindLine
	Problems []problemGroup
	CSV      string
	Unknown  []importer.Unknown
	Rows     []rowLine
	Form     *ui.Form // to start, or to give the password
	Start    string   // says what starting does
	Discard  *ui.Action
	Again    *ui.Action // back to what was chosen
	Links    []ui.Item
}

// rowLine is what would become of a row of a table.
type rowLine struct {
	importer.RowReport
	Href string
	Made bool
}

// rowLines are the first rows of a preview, changed ones first: they are what
// somebody looks for.
func (v *visit) rowLines(r *importer.Report) []rowLine {
	var out []rowLine
	for _, what := range []string{"changed", "created"} {
		for _, row := range r.Rows {
			if row.What != what {
				continue
			}
			l := rowLine{RowReport: row, Made: what == "created"}
			if k := v.Kind(row.Kind); row.Record > 0 && k != nil {
				l.Href = shell.RecordURL(k, row.Record)
			}
			out = append(out, l)
		}
	}
	return out
}

type kindLine struct {
	Label string
	Href  string
	importer.Counts
}

// problemGroup is the problems that say the same.
type problemGroup struct {
	Tone, Icon  string
	Severity    string
	Text, Hint  string
	Places      []string // file and line
	More, Total int
}

func (v *visit) kindLines(r *importer.Report) []kindLine {
	var out []kindLine
	for name, c := range r.Kinds {
		line := kindLine{Label: shell.Capital(strings.ReplaceAll(name, "_", " ")), Counts: *c}
		switch k := v.Kind(name); {
		case k != nil:
			line.Label, line.Href = k.Labels, shell.ListURL(k)
		case name == "file":
			line.Label = "Files"
		}
		out = append(out, line)
	}
	slices.SortFunc(out, func(a, b kindLine) int { return strings.Compare(a.Label, b.Label) })
	return out
}

// mostPlaces is how many places of one problem a page names; the download has
// all of them.
const mostPlaces, mostProblemGroups = 12, 60

func problemGroups(list []importer.Problem) []problemGroup {
	type key struct{ severity, text string }
	at := map[key]int{}
	var out []problemGroup
	for _, p := range list {
		text := whatOf(p)
		k := key{string(p.Severity), text}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			g := problemGroup{Severity: "Note", Icon: "info-circle", Tone: "info", Text: text, Hint: p.Hint}
			switch string(p.Severity) {
			case "error":
				g.Severity, g.Icon, g.Tone = "Left out", "circle-x", "bad"
			case "warning":
				g.Severity, g.Icon, g.Tone = "Changed", "alert-triangle", "warn"
			}
			out = append(out, g)
		}
		g := &out[i]
		if g.Total++; len(g.Places) < mostPlaces {
			if s := placeOf(p); s != "" {
				g.Places = append(g.Places, s)
			}
		}
		g.More = max(0, g.Total-mostPlaces)
	}
	rank := map[string]int{"bad": 0, "warn": 1, "info": 2}
	slices.SortStableFunc(out, func(a, b problemGroup) int { return rank[a.Tone] - rank[b.Tone] })
	return out[:min(len(out), mostProblemGroups)]
}

// whatOf is the text of a problem without its place, which stands beside it.
func whatOf(p importer.Problem) string {
	_, rest, ok := strings.Cut(p.Text, " was skipped: ")
	if !ok || !strings.HasPrefix(p.Text, "Line ") || rest == "" {
		return p.Text
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

func placeOf(p importer.Problem) string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return p.File + ", line " + web.Number(int64(p.Line))
}

// fillReport puts what an import did, or would do, into the page.
func (v *visit) fillReport(view *importView, r *importer.Report, csv string) {
	view.Words = countsWords(r.Counts)
	view.Kinds, view.Problems, view.Unknown, view.Rows = v.kindLines(r), problemGroups(r.Problems), r.Unknown, v.rowLines(r)
	if len(r.Problems) > 0 {
		view.CSV = csv
	}
}

// loadJob finds the import job of the address.
func (v *visit) loadJob() (*job.Status, error) {
	jid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	var j *job.Status
	err = v.View(func(tx *gate.Tx) (err error) { j, err = job.Get(tx, jid); return err })
	if err == nil && j.Kind != importer.JobKind {
		err = gate.Missing()
	}
	return j, err
}

func running(j *job.Status) bool { return j.State == job.Waiting || j.State == job.Running }

// importJob is the page of an import: how far it is, then what it did.
func (v *visit) importJob() error {
	j, err := v.loadJob()
	if err != nil {
		return err
	}
	at := "/imports/" + j.ID.String()
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, v.progressJSON(j, at))
	}
	view := &importView{Head: ui.Head{Title: payloadName(j), Icon: "file-import", Sub: []ui.Cell{{Text: "Import"}, {Type: "datetime", Time: shell.When(j.Created)}}}}
	switch {
	case running(j):
		view.Progress = &ui.Progress{URL: at, Self: at, State: "running", Done: int(j.Done), Total: int(j.Total), Text: jobText(j), Cancel: at + "/cancel"}
	case j.State == job.Done:
		view.Head.Sub = append(view.Head.Sub, ui.Cell{Type: "pill", Text: "Imported", Tone: "ok"})
		if r := jobReport(j); r != nil {
			v.fillReport(view, r, at+"/problems")
		}
		run, err := v.runOf(j.ID)
		if err != nil {
			return err
		}
		if run != 0 {
			view.Links = append(view.Links, ui.Item{Title: "Take the import back", Href: runAt(run), Icon: "arrow-back-up"})
		}
		view.Links = append(view.Links, []ui.Item{{Title: "Organizations", Href: "/organizations", Icon: "building"}, {Title: "Import something else", Href: "/imports", Icon: "file-import"}}...)
	case j.State == job.Cancelled:
		view.Failed = &ui.Problem{Icon: "player-pause", Title: "The import was stopped", Text: "What was imported until then stays.", Hint: "Upload the export again to go on: what is there already stays as it is.",
			Actions: []ui.Action{{Label: "Back to imports", Href: "/imports", Primary: true}}}
	default:
		view.Failed = &ui.Problem{Icon: "alert-triangle", Title: "The import failed", Text: j.Error, Hint: j.Hint, Actions: []ui.Action{{Label: "Back to imports", Href: "/imports", Primary: true}}}
	}
	p, err := v.Page(payloadName(j), ui.Crumb{Label: "Import", Href: "/imports"}, ui.Crumb{Label: payloadName(j)})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("import", p)
}

// runOf gives the import that a job did; 0 when it did none.
func (v *visit) runOf(j id.ID) (run id.ID, err error) {
	err = v.View(func(tx *gate.Tx) (err error) { run, err = history.OfJob(tx, j); return err })
	return run, err
}

func jobText(j *job.Status) string {
	switch {
	case j.Cancel:
		return "Stopping"
	case j.State == job.Waiting && j.Error != "":
		return j.Error + " It is tried again."
	case j.State == job.Waiting:
		return "Waiting for its turn"
	case j.Message != "":
		return "Importing " + shell.Lower(j.Message)
	}
	return "Importing"
}

// progressJSON is what the page of an import asks for while it runs.
func (v *visit) progressJSON(j *job.Status, at string) map[string]any {
	out := map[string]any{"state": "running", "done": j.Done, "total": j.Total, "text": jobText(j)}
	switch {
	case running(j):
		if took := v.Now().UnixMilli() - j.Started; j.Started > 0 && j.Done > 0 && j.Total > j.Done && took > 3000 {
			out["left"] = took * (j.Total - j.Done) / j.Done / 1000
		}
		return out
	case j.State == job.Done:
		out["state"], out["text"] = "done", "Imported."
		if r := jobReport(j); r != nil {
			out["text"] = "Imported: " + countsWords(r.Counts) + "."
		}
	case j.State == job.Cancelled:
		out["state"], out["text"] = "failed", "The import was stopped."
	default:
		out["state"], out["text"] = "failed", j.Error
	}
	out["href"], out["link"] = at, "Open the result"
	return out
}

func (v *visit) cancelImport() error {
	j, err := v.loadJob()
	if err != nil {
		return err
	}
	if err := v.Importer.Jobs.Cancel(v.R.Context(), v.Caller, j.ID); err != nil {
		return err
	}
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, map[string]any{})
	}
	return v.Done("/imports/"+j.ID.String(), "The import stops as soon as what it is at is saved.")
}

func (v *visit) jobProblems() error {
	j, err := v.loadJob()
	if err != nil {
		return err
	}
	r := jobReport(j)
	if r == nil {
		return gate.Missing()
	}
	return v.problemsCSV(r.Problems)
}
