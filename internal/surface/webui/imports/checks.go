package imports

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
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
	"strongroom/internal/feature/importer/columns"
	"strongroom/internal/feature/importer/staging"
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
	stage, err := v.ID("id")
	return stage, v.Caller.Tenant + "/" + stage.String(), err
}

// stagedName finds an uploaded export.
func (v *visit) stagedName(stage id.ID) (name string, err error) {
	err = v.View(func(tx *gate.Tx) error {
		cond, args := staging.Mine(tx)
		if tx.QueryRow(`select name from import_stage where id = ? and ready = 1 and `+cond, append([]any{int64(stage)}, args...)...).Scan(&name) != nil {
			return fault.New(fault.NotFound, "This export is not here any more.").WithHint("It was imported or discarded, or a week has passed. Upload it again.")
		}
		return nil
	})
	return name, err
}

// check begins a check and waits a moment: most exports are read in no time.
func (v *visit) check(s *importChecks, stage id.ID, key string, o importer.Options) *importCheck {
	caller, ctx := v.Caller, context.WithoutCancel(v.R.Context())
	c := s.begin(key, &importCheck{user: v.Caller.User, options: o, began: v.Now()}, func() (*importer.Report, error) {
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
	c := s.of(key, v.Caller.User)
	if c == nil {
		o, err := v.Importer.Plan(v.R.Context(), v.Caller, stage)
		if err != nil {
			return err
		}
		if isVault(o) && !isPlaced(o) {
			return web.SeeOther(v.W, v.R, "/import-vaults/"+stage.String())
		}
		if isTable(name) && o.Layout == "" {
			return web.SeeOther(v.W, v.R, "/import-tables/"+stage.String())
		}
		c = v.check(s, stage, key, o)
	}
	at := "/import-checks/" + stage.String()
	if web.WantsJSON(v.R) {
		state := map[string]any{"state": "running", "text": "Reading the export"}
		if c.over() {
			state = map[string]any{"state": "done", "text": "The export is read.", "href": at, "link": "See what would happen"}
		}
		return web.JSON(v.W, http.StatusOK, state)
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
	case c.err != nil && fault.Is(c.err, fault.Invalid) && isVault(c.options):
		say := fault.Say(c.err)
		view.Failed = &ui.Problem{Icon: "alert-triangle", Title: "This export cannot be imported so", Text: say.Text, Hint: say.Hint,
			Actions: []ui.Action{{Label: "Say where it goes", Href: "/import-vaults/" + stage.String(), Primary: true}}}
	case c.err != nil && fault.Is(c.err, fault.Invalid) && isTable(name):
		say := fault.Say(c.err)
		view.Failed = &ui.Problem{Icon: "alert-triangle", Title: "This table cannot be imported so", Text: say.Text, Hint: say.Hint,
			Actions: []ui.Action{{Label: "Map the columns", Href: "/import-tables/" + stage.String(), Primary: true}}}
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
		if isVault(c.options) {
			view.Again = &ui.Action{Label: "Change where it goes", Icon: "arrow-back-up", Href: "/import-vaults/" + stage.String()}
		} else if isTable(name) {
			m := columns.Mapping{}
			if err := json.Unmarshal(c.options.Settings, &m); err != nil {
				return err
			}
			view.Again = &ui.Action{Label: "Change the mapping", Icon: "arrow-back-up", Href: "/import-tables/" + stage.String() + "?kind=" + url.QueryEscape(chosenKind(&m))}
		} else {
			view.Form = optionsForm(at, c.options, "Check again")
		}
	}
	p, err := v.Page(name, ui.Crumb{Label: "Import", Href: "/imports"}, ui.Crumb{Label: name})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(status, "import", p)
}

func optionsForm(at string, o importer.Options, submit string) *ui.Form {
	f := &ui.Form{ID: "options", Action: at, Submit: submit, Fields: []ui.Field{
		{Name: "password", Label: "Password of the zip", Type: "password", Complete: "off", Hint: "Only when the export was locked with one."},
		{Name: "create", Label: "Make the organizations that rows name and nobody knows yet", Type: "checkbox", Checked: o.CreateMissingOrganizations, Hint: "Otherwise such rows are left out."},
	}}
	if isRemote(o) {
		f.Fields = []ui.Field{{Name: "password", Label: "API key of " + remoteName, Type: "password", Complete: "off", Hint: "Empty: the one that was entered."}}
		return f
	}
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
	form, err := v.Form()
	if err != nil {
		return err
	}
	o, err := v.Importer.Plan(v.R.Context(), v.Caller, stage)
	if err != nil {
		return err
	}
	o.Password, o.CreateMissingOrganizations = form.Raw("password"), form.Bool("create")
	if c := s.of(key, v.Caller.User); c != nil && o.Password == "" {
		o.Password = c.options.Password
	}
	v.check(s, stage, key, o)
	return web.SeeOther(v.W, v.R, "/import-checks/"+stage.String())
}

// startImport enqueues the import with the options of the check.
func (v *visit) startImport(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	c := s.of(key, v.Caller.User)
	if c == nil { // what was chosen for the check is not known any more: nothing else is imported in its place
		return v.Done("/import-checks/"+stage.String(), "The server was started again, or a day has passed, since you checked this export. It is checked again: look at the result and the options, then begin.")
	}
	jid, err := v.Importer.Start(v.R.Context(), v.Caller, stage, c.options)
	if err != nil {
		return err
	}
	s.forget(key)
	return v.Done("/imports/"+jid.String(), "The import has begun. You can leave this page.")
}

func (v *visit) discardExport(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	if err := v.Importer.Unstage(v.R.Context(), v.Caller, stage); err != nil {
		return err
	}
	s.forget(key)
	return v.Done("/imports", "The upload is discarded.")
}

func (v *visit) checkProblems(s *importChecks) error {
	_, key, err := v.stage()
	if err != nil {
		return err
	}
	c := s.of(key, v.Caller.User)
	if c == nil || !c.over() || c.report == nil {
		return fault.New(fault.NotFound, "This check is not here any more.").WithHint("Open the export's page: it is checked again.")
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
	return v.CSV("import-problems", b.Bytes())
}
