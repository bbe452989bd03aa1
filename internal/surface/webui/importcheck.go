package webui

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/importer"
)

// importChecks are the checks of uploaded exports that run now or ran lately, by
// tenant and export. They are kept in memory, with the password of the zip that
// somebody entered; a new start of the program asks again. The zero value is
// ready.
type importChecks struct {
	mu   sync.Mutex
	last map[string]*importCheck
}

type importCheck struct {
	user    id.ID
	options importer.Options
	began   time.Time
	done    chan struct{} // closed when report and err are there

	report *importer.Report
	err    error
}

// keepChecks is how long a check is remembered.
const keepChecks = 24 * time.Hour

// begin starts a check and forgets the one before.
func (s *importChecks) begin(key string, c *importCheck, run func() (*importer.Report, error)) *importCheck {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]*importCheck{}
	}
	for k, old := range s.last {
		if c.began.Sub(old.began) > keepChecks {
			delete(s.last, k)
		}
	}
	c.done = make(chan struct{})
	s.last[key] = c
	go func() {
		defer close(c.done)
		c.report, c.err = run()
	}()
	return c
}

// of gives the check that a user began; nil when there is none.
func (s *importChecks) of(key string, user id.ID) *importCheck {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.last[key]; c != nil && c.user == user {
		return c
	}
	return nil
}

func (s *importChecks) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.last, key)
}

// over tells whether the check is done.
func (c *importCheck) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// stage reads the number of an uploaded export from the address; the second is
// the key of its check.
func (v *visit) stage() (id.ID, string, error) {
	stage, err := v.id("id")
	return stage, v.c.Tenant + "/" + stage.String(), err
}

// stagedName finds an uploaded export.
func (v *visit) stagedName(stage id.ID) (name string, err error) {
	err = v.view(func(tx *gate.Tx) error {
		if tx.QueryRow(`select name from import_stage where id = ? and ready = 1`, int64(stage)).Scan(&name) != nil {
			return fault.New(fault.NotFound, "This export is not here any more.").WithHint("It was imported or discarded, or a week has passed. Upload it again.")
		}
		return nil
	})
	return name, err
}

// check begins a check and waits a moment: most exports are read in no time.
func (v *visit) check(s *importChecks, stage id.ID, key string, o importer.Options) *importCheck {
	caller, ctx := v.c, context.WithoutCancel(v.r.Context())
	c := s.begin(key, &importCheck{user: v.c.User, options: o, began: v.Now()}, func() (*importer.Report, error) {
		return v.Importer.Check(ctx, caller, importer.Source{Stage: stage}, o)
	})
	select {
	case <-c.done:
	case <-time.After(2 * time.Second):
	}
	return c
}

// importCheck is the page that says what an import would do.
func (v *visit) importCheck(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	name, err := v.stagedName(stage)
	if err != nil {
		return err
	}
	c := s.of(key, v.c.User)
	if c == nil {
		c = v.check(s, stage, key, importer.Options{})
	}
	at := "/import-checks/" + stage.String()
	if web.WantsJSON(v.r) {
		state := map[string]any{"state": "running", "text": "Reading the export"}
		if c.over() {
			state = map[string]any{"state": "done", "text": "The export is read.", "href": at, "link": "See what would happen"}
		}
		return web.JSON(v.w, http.StatusOK, state)
	}
	return v.checkPage(stage, name, c)
}

func (v *visit) checkPage(stage id.ID, name string, c *importCheck) error {
	at := "/import-checks/" + stage.String()
	view := &importView{Head: ui.Head{Title: name, Icon: "file-import", Sub: []ui.Cell{{Text: "Nothing is imported yet"}}},
		Discard: &ui.Action{Label: "Discard this upload", Icon: "trash", Href: at + "/discard", Post: true, Quiet: true}}
	status := http.StatusOK
	switch {
	case !c.over():
		view.Progress = &ui.Progress{URL: at, Self: at, State: "running", Text: "Reading the export"}
	case c.err != nil && fault.Is(c.err, fault.Invalid):
		say := fault.Say(c.err)
		view.Form = optionsForm(at, c.options, "Check again")
		view.Form.Wrong(say.Text, say.Hint, say.Fields)
		if c.options.Password != "" {
			status = web.Status(c.err)
		}
	case c.err != nil:
		return c.err
	default:
		v.fillReport(view, c.report, at+"/problems")
		view.Start = at + "/start"
		view.Form = optionsForm(at, c.options, "Check again")
	}
	p, err := v.page(name, ui.Crumb{Label: "Import", Href: "/imports"}, ui.Crumb{Label: name})
	if err != nil {
		return err
	}
	p.Data = view
	return v.pages.RenderStatus(v.w, v.r, status, "import", p)
}

func optionsForm(at string, o importer.Options, submit string) *ui.Form {
	f := &ui.Form{ID: "options", Action: at, Submit: submit, Fields: []ui.Field{
		{Name: "password", Label: "Password of the zip", Type: "password", Complete: "off", Hint: "Only when the export was locked with one."},
		{Name: "create", Label: "Make the organizations that rows name and nobody knows yet", Type: "checkbox", Checked: o.CreateMissingOrganizations, Hint: "Otherwise such rows are left out."},
	}}
	if o.Password != "" {
		f.Fields[0].Hint = "One was entered; it is kept until the import has begun. Enter another to replace it."
	}
	return f
}

// checkAgain reads the export again with other options.
func (v *visit) checkAgain(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	if _, err := v.stagedName(stage); err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	o := importer.Options{Password: form.Raw("password"), CreateMissingOrganizations: form.Bool("create")}
	if c := s.of(key, v.c.User); c != nil && o.Password == "" {
		o.Password = c.options.Password
	}
	v.check(s, stage, key, o)
	return web.SeeOther(v.w, v.r, "/import-checks/"+stage.String())
}

// startImport enqueues the import with the options of the check.
func (v *visit) startImport(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	var o importer.Options
	if c := s.of(key, v.c.User); c != nil {
		o = c.options
	}
	jid, err := v.Importer.Start(v.r.Context(), v.c, stage, o)
	if err != nil {
		return err
	}
	s.forget(key)
	return v.done("/imports/"+jid.String(), "The import has begun. You can leave this page.")
}

func (v *visit) discardExport(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	if err := v.Importer.Unstage(v.r.Context(), v.c, stage); err != nil {
		return err
	}
	s.forget(key)
	return v.done("/imports", "The upload is discarded.")
}

func (v *visit) checkProblems(s *importChecks) error {
	_, key, err := v.stage()
	if err != nil {
		return err
	}
	c := s.of(key, v.c.User)
	if c == nil || !c.over() || c.report == nil {
		return gate.Missing()
	}
	return v.problemsCSV(c.report.Problems)
}

// problemsCSV answers with all problems, for a spreadsheet.
func (v *visit) problemsCSV(list []importer.Problem) error {
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, []string{"severity", "file", "line", "problem", "what to do"})
	if err != nil {
		return err
	}
	for _, p := range list {
		line := ""
		if p.Line > 0 {
			line = strconv.Itoa(p.Line)
		}
		if err := out.Write(string(p.Severity), p.File, line, p.Text, p.Hint); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return v.csv("import-problems", b.Bytes())
}
