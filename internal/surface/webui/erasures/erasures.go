// Package erasures holds the page on which an administrator has a person erased.
//
// Always true: what goes was on the page before, and her name was typed by who had it
// erased; when it is done, the page has nothing of what she was called.
package erasures

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/erasure"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Persons *erasure.Persons }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Get("/persons/{id}/erase", shell.Administering(p.as(func(v *visit) error { return v.page(nil, nil) })))
	s.Get("/persons/{id}/erase/known", shell.Administering(p.as((*visit).known)))
	s.Post("/persons/{id}/erase/look", shell.Administering(p.as((*visit).look)))
	s.Post("/persons/{id}/erase/leave", shell.Administering(p.as((*visit).leave)))
	s.Post("/persons/{id}/erase/hold", shell.Administering(p.as((*visit).hold)))
	s.Post("/persons/{id}/erase", shell.Administering(p.as((*visit).begin)))
	s.Rail(shell.RailPart{Draw: func(v *shell.Visit, _ *gate.Tx, r *record.Record) (*ui.Section, error) {
		if !erasure.Of(r.Kind.Name) || !v.Caller.Everything() || v.Caller.Scope.Looks {
			return nil, nil
		}
		return &ui.Section{Title: "Personal data", Items: []ui.Item{{Title: "What is known, and erasing it", Sub: "Everywhere in this tenant", Href: at(r.ID), Icon: "user-x"}}}, nil
	}})
}

func at(rec id.ID) string { return "/persons/" + rec.String() + "/erase" }

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

type pageView struct {
	Head     ui.Head
	Alerts   []ui.Notice
	Progress *ui.Progress
	Look     *ui.Form
	Hold     *ui.Form
	Held     *ui.Action // releases it
	Found    *foundView
	Done     []ui.Prop
}

// foundView is what was found, and the form that says what of it stays.
type foundView struct {
	Groups []group
	Texts  int
	Form   *ui.Form
	Leave  ui.Action
	Known  ui.Action
}

// group is the places of one table.
type group struct {
	Name   string
	Places []place
}

type place struct {
	Key                         string // or several, with a line between
	Excerpt, Where, Title, Href string
}

// page tells where it stands: to begin, being found, to decide, going on, done.
func (v *visit) page(sent *web.Form, refused error) error {
	rec, err := v.ID("id")
	if err != nil {
		return err
	}
	view, crumbs, title := &pageView{}, []ui.Crumb(nil), ""
	var x *erasure.Erasure
	var jobs []*job.Status
	err = v.View(func(tx *gate.Tx) error {
		r, err := v.person(tx, rec)
		if err != nil {
			return err
		}
		title, crumbs = "Personal data of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Personal data"})
		view.Head = ui.Head{Title: title, Icon: "user-x", Sub: []ui.Cell{{Text: "What the tenant knows, and how it is erased"}}}
		if x, err = erasure.Last(tx, rec); err != nil {
			return err
		}
		h, err := erasure.HoldOf(tx, rec)
		if err != nil {
			return err
		}
		why, err := v.Persons.Keeps(tx, r)
		if err != nil {
			return err
		}
		if x == nil || x.State == erasure.Found {
			v.holding(view, rec, h, sent)
			if why != "" {
				view.Alerts = []ui.Notice{{Tone: "warn", Text: why}}
			}
		}
		switch {
		case x == nil:
			view.Look = lookForm(rec, erasure.Suggest(r), sent)
		case x.State == erasure.Found:
			if view.Found, err = v.found(tx, r, x, why, sent); err != nil {
				return err
			}
		case x.State == erasure.Done:
			view.Done = []ui.Prop{{Label: "Erased", Cells: []ui.Cell{{Text: shell.When(x.Ended).Format("2 Jan 2006, 15:04") + " UTC"}}}, {Label: "Words replaced in texts", Cells: []ui.Cell{{Text: web.Number(int64(x.Texts))}}},
				{Label: "Entries of the audit trail without details", Cells: []ui.Cell{{Text: web.Number(int64(x.Details))}}}}
		default:
			jobs, err = job.List(tx, erasure.JobKind, 5)
		}
		return err
	})
	if err != nil {
		return err
	}
	if x != nil && (x.State == erasure.Looking || x.State == erasure.Erasing) {
		var j *job.Status
		if len(jobs) > 0 {
			j = jobs[0]
		}
		if web.WantsJSON(v.R) {
			return web.JSON(v.W, http.StatusOK, map[string]any{"state": "running", "done": 0, "total": 0, "text": jobText(x, j)})
		}
		view.Progress = &ui.Progress{URL: at(rec), Self: at(rec), State: "running", Text: jobText(x, j)}
	} else if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, map[string]any{"state": "done", "href": at(rec), "text": "Ready"})
	}
	status := http.StatusOK
	if refused != nil {
		status = web.Status(refused)
		said := fault.Say(refused)
		switch {
		case view.Found != nil:
			view.Found.Form.Wrong(said.Text, said.Hint, said.Fields)
		case view.Look != nil:
			view.Look.Wrong(said.Text, said.Hint, said.Fields)
		}
	}
	p, err := v.Page(title, crumbs...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(status, "erase", p)
}

// person gives the record, which must be that of a person.
func (v *visit) person(tx *gate.Tx, rec id.ID) (*record.Record, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	r, err := v.Records.GetTrashed(tx, "", rec)
	if err == nil && !erasure.Of(r.Kind.Name) {
		err = gate.Missing()
	}
	return r, err
}

func jobText(x *erasure.Erasure, j *job.Status) string {
	switch {
	case j != nil && j.Error != "" && j.State == job.Failed:
		return j.Error
	case j != nil && j.Error != "":
		return j.Error + " It is tried again."
	case j != nil && j.Message != "":
		return j.Message
	case x.State == erasure.Looking:
		return "Looking where this person is named"
	}
	return "Erasing"
}

func text(sent *web.Form, name, otherwise string) string {
	if sent == nil {
		return otherwise
	}
	return sent.Text(name)
}

func lookForm(rec id.ID, words []string, sent *web.Form) *ui.Form {
	return &ui.Form{ID: "look", Action: at(rec) + "/look", Submit: "See what is known", Fields: []ui.Field{
		{Name: "words", Label: "Names, addresses and numbers", Type: "textarea", Rows: 7, Required: true, Wide: true, Value: text(sent, "words", strings.Join(words, "\n")),
			Hint: "One on each line. Leave out what others are called too: a first name alone finds everybody of that name."},
		{Name: "reason", Label: "Why", Type: "text", Required: true, Most: 500, Wide: true, Value: text(sent, "reason", ""), Holder: "Asked for by letter on 3 March"},
	}, Note: "Nothing is changed by looking."}
}

// holding draws what keeps the person, or the form by which she is kept.
func (v *visit) holding(view *pageView, rec id.ID, h *erasure.Hold, sent *web.Form) {
	if h != nil {
		view.Held = &ui.Action{Label: "Release the hold", Icon: "lock-open", Href: at(rec) + "/hold", Post: true}
		return
	}
	view.Hold = &ui.Form{ID: "hold", Action: at(rec) + "/hold", Submit: "Keep this person", Fields: []ui.Field{
		{Name: "hold", Label: "A hold keeps the person from being erased", Type: "text", Required: true, Wide: true, Most: 500, Value: text(sent, "hold", ""), Holder: "Dispute about invoice 4711, until it is settled"}}}
}

func (v *visit) found(tx *gate.Tx, r *record.Record, x *erasure.Erasure, why string, sent *web.Form) (*foundView, error) {
	list, err := v.Persons.Places(tx, x.ID)
	if err != nil {
		return nil, err
	}
	f := &foundView{Texts: len(list), Leave: ui.Action{Label: "Do not erase", Href: at(r.ID) + "/leave", Post: true},
		Known: ui.Action{Label: "Download what is known", Icon: "download", Href: at(r.ID) + "/known"}}
	for _, p := range list {
		name := v.tableName(p)
		if n := len(f.Groups); n == 0 || f.Groups[n-1].Name != name {
			f.Groups = append(f.Groups, group{Name: name})
		}
		l := place{Key: p.Key, Excerpt: p.Excerpt, Where: strings.ReplaceAll(strings.TrimSuffix(p.Column, "_fold"), "_", " ")}
		if k := v.Kind(p.Kind); k != nil && p.Record != 0 {
			l.Title, l.Href = p.Name, "/"+k.Plural+"/"+p.Record.String()
		}
		g := &f.Groups[len(f.Groups)-1]
		if n := len(g.Places); n > 0 && p.Record != 0 && g.Places[n-1].Href == l.Href && record.Fold(g.Places[n-1].Excerpt) == record.Fold(l.Excerpt) { // what is kept for comparing says the same
			g.Places[n-1].Key += "|" + l.Key
			continue
		}
		g.Places = append(g.Places, l)
	}
	f.Form = &ui.Form{ID: "erase", Action: at(r.ID), Submit: "Erase for good", Danger: true, Fields: []ui.Field{
		{Name: "name", Label: "Type the name to erase this person", Type: "text", Required: true, Value: text(sent, "name", ""), Hint: r.Name}},
		Note: "This cannot be taken back."}
	if why != "" {
		f.Form = &ui.Form{ID: "erase"}
	}
	return f, nil
}

// tableName says in words what a table holds.
func (v *visit) tableName(p erasure.Place) string {
	switch {
	case p.Table == "record":
		return "Names of records"
	case p.Table == "revision":
		return "Earlier versions"
	}
	if k := v.Kind(strings.TrimPrefix(p.Table, "k_")); k != nil && strings.HasPrefix(p.Table, "k_") {
		return k.Labels
	}
	return shell.Capital(strings.ReplaceAll(p.Table, "_", " "))
}

func (v *visit) look() error {
	rec, sent, err := v.sent()
	if err != nil {
		return err
	}
	_, err = v.Persons.Look(v.R.Context(), v.Caller, rec, strings.Split(sent.Text("words"), "\n"), sent.Text("reason"))
	if shell.Refusable(err) {
		return v.page(sent, err)
	}
	if err != nil {
		return err
	}
	return v.Done(at(rec), "")
}

func (v *visit) begin() error {
	rec, sent, err := v.sent()
	if err != nil {
		return err
	}
	name := ""
	if err := v.View(func(tx *gate.Tx) error {
		r, err := v.person(tx, rec)
		if err == nil {
			name = r.Name
		}
		return err
	}); err != nil {
		return err
	}
	if record.Fold(sent.Text("name")) != record.Fold(name) {
		return v.page(sent, fault.Field("name", "Type the name as it stands here: %s.", name))
	}
	err = v.Persons.Begin(v.R.Context(), v.Caller, rec, strings.Split(strings.Join(sent.All("keep"), "|"), "|"))
	if shell.Refusable(err) {
		return v.page(sent, err)
	}
	if err != nil {
		return err
	}
	return v.Done(at(rec), "")
}

func (v *visit) leave() error {
	rec, _, err := v.sent()
	if err == nil {
		err = v.Persons.Leave(v.R.Context(), v.Caller, rec)
	}
	if err != nil {
		return err
	}
	return v.Done(at(rec), "What was found is forgotten; nothing was changed.")
}

func (v *visit) hold() error {
	rec, sent, err := v.sent()
	if err == nil {
		err = v.Persons.Keep(v.R.Context(), v.Caller, rec, sent.Text("hold"))
	}
	if shell.Refusable(err) {
		return v.page(sent, err)
	}
	if err != nil {
		return err
	}
	if sent.Text("hold") == "" {
		return v.Done(at(rec), "The hold is released.")
	}
	return v.Done(at(rec), "This person is kept.")
}

func (v *visit) sent() (id.ID, *web.Form, error) {
	rec, err := v.ID("id")
	if err != nil {
		return 0, nil, err
	}
	sent, err := v.Form()
	return rec, sent, err
}

// known gives what was found, and the person's own record, as a file: what somebody is told
// who asks what is known about her. That it was taken is in the audit log, or it is not given.
func (v *visit) known() error {
	rec, err := v.ID("id")
	if err != nil {
		return err
	}
	type one struct {
		Where   string `json:"where"`
		Field   string `json:"field"`
		Record  string `json:"record,omitempty"`
		Excerpt string `json:"excerpt"`
	}
	var out struct {
		Person map[string]any `json:"person"`
		Places []one          `json:"places"`
	}
	err = v.Change(access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		r, err := v.person(tx, rec)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Kind, e.Object, e.Org, e.Detail.Text = r.Kind.Name, r.ID, r.Org, "what is known of a person, as a file"
		x, err := erasure.Last(tx, rec)
		if err != nil {
			return err
		}
		if x == nil || x.State != erasure.Found {
			return fault.New(fault.Conflict, "Nothing was looked for.").WithHint("See what is known first.")
		}
		out.Person = map[string]any{"id": r.ID.String(), "name": r.Name}
		for _, f := range r.Kind.Fields {
			if val := r.Values[f.Name]; val != nil && f.Type != record.Secret {
				out.Person[f.Name] = val
			}
		}
		list, err := v.Persons.Places(tx, x.ID)
		for _, p := range list {
			out.Places = append(out.Places, one{v.tableName(p), p.Column, p.Name, p.Excerpt})
		}
		return err
	})
	if err != nil {
		return err
	}
	v.W.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="person-%s.json"`, rec))
	return web.JSON(v.W, http.StatusOK, out)
}
