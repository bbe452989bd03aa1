// Package exports holds the page on which everything is exported again and again: when,
// for whom it is sealed, and what was made.
//
// Always true: the schedule is for who administers the tenant, and a file with passwords for
// who had it made; a passphrase that was entered is
// never shown again.
package exports

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/exporter/order"
	"strongroom/internal/feature/exporter/policy"
	"strongroom/internal/feature/exporter/standing"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Standing *standing.Standing
	Outgoing Outgoing // of passwords; nil hides their page
	Remove   func(ctx context.Context, c *access.Caller, file id.ID) error
}

// Outgoing makes exports, lists the caller's and gives one.
type Outgoing interface {
	Start(ctx context.Context, c *access.Caller, o order.Options) (id.ID, error)
	List(tx *gate.Tx) ([]*order.File, error)
	Open(ctx context.Context, c *access.Caller, file id.ID) (*order.Opened, error)
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToData, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Scheduled export", Sub: "Everything, sealed, each day or week", Href: "/exports", Icon: "download"},
			{Title: "Export of passwords", Sub: "For other password managers; consents", Href: passwords, Icon: "key"}}
	})
	get := func(path string, h func(*visit) error) { s.Get(path, shell.Allowing(access.Administer, p.as(h))) }
	post := func(path string, h func(*visit) error) { s.Post(path, shell.Allowing(access.Administer, p.as(h))) }
	get("/exports", (*visit).exports)
	post("/exports", (*visit).save)
	post("/exports/now", (*visit).now)
	post("/exports/policy", (*visit).savePolicy)
	get("/exports/{id}/file", (*visit).file)
	post("/exports/{id}/delete", (*visit).drop)
	if p.Outgoing != nil {
		p.mountPasswords(s)
	}
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

type exportsView struct {
	Head ui.Head
	Now  *ui.Action
	Form *ui.Form
	Who  *ui.Form
	Runs []runLine
}

type runLine struct {
	Name, Sub string
	Time      time.Time
	Pill      ui.Pill
	Problem   string
	Fetch     *ui.Action
	Delete    ui.Action
}

func (v *visit) exports() error { return v.page(nil, nil) }

// page shows the settings, those of a form that was refused if there is one, and what
// was made.
func (v *visit) page(form *standing.Settings, refused error) error {
	view := &exportsView{Head: ui.Head{Title: "Scheduled export", Icon: "download", Sub: []ui.Cell{{Text: "Everything that you may see, sealed, made by itself"}}}}
	err := v.View(func(tx *gate.Tx) error {
		s, err := standing.Get(tx)
		if err != nil {
			return err
		}
		if s.Recipients != "" || s.Locked {
			view.Now = &ui.Action{Label: "Export now", Icon: "download", Href: "/exports/now", Post: true}
		}
		if s.Next != 0 {
			view.Head.Sub = append(view.Head.Sub, ui.Cell{Text: "Next: " + time.UnixMilli(s.Next).UTC().Format("2006-01-02 15:04") + " UTC"})
		}
		if s.By != 0 && s.ByName != "" {
			view.Head.Sub = append(view.Head.Sub, ui.Cell{Text: "As " + s.ByName})
		}
		if form != nil {
			form.Locked = s.Locked
			s = *form
		}
		view.Form = v.form(s)
		who, err := policy.Get(tx)
		if err != nil {
			return err
		}
		fields, err := policy.Fields(tx)
		if err != nil {
			return err
		}
		view.Who = policyForm(who, fields)
		runs, err := standing.Runs(tx)
		for _, r := range runs {
			view.Runs = append(view.Runs, line(r))
		}
		return err
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		status = web.Status(refused)
		say := fault.Say(refused)
		view.Form.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Scheduled export", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Scheduled export"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(status, "exports", p)
}

func (v *visit) form(s standing.Settings) *ui.Form {
	var days []ui.Option
	for d := time.Sunday; d <= time.Saturday; d++ {
		days = append(days, ui.Option{Value: strconv.Itoa(int(d)), Label: d.String(), Selected: d == s.Weekday})
	}
	every := []ui.Option{{Value: standing.Daily, Label: "Each day"}, {Value: standing.Weekly, Label: "Each week"}}
	for i := range every {
		every[i].Selected = every[i].Value == s.Every
	}
	hint := "Instead of keys: at least 16 characters. It is kept encrypted, because each export needs it; a key is better, for then nothing here can open the exports."
	if s.Locked {
		hint = "One is set. Enter another to replace it, or a key to do without."
	}
	f := &ui.Form{Action: "/exports", Submit: "Save", Fields: []ui.Field{
		{Type: "heading", Label: "When"},
		{Name: "every", Label: "Everything is exported", Type: "select", Value: s.Every, Options: every, Hint: "Empty: not by itself."},
		{Name: "weekday", Label: "On (when each week)", Type: "select", Required: true, Value: strconv.Itoa(int(s.Weekday)), Options: days},
		{Name: "time", Label: "At", Type: "time", Required: true, Value: fmt.Sprintf("%02d:%02d", s.Minute/60, s.Minute%60), Unit: "UTC"},
		{Name: "keep", Label: "Keep the newest", Type: "number", Required: true, Min: "1", Max: "100", Value: strconv.Itoa(s.Keep)},
		{Type: "heading", Label: "What"},
		{Name: "secrets", Label: "With passwords and one-time-code keys", Type: "checkbox", Checked: s.Secrets, Wide: true, Hint: "Each is recorded as revealed by you each time, with the reason “Scheduled export”."},
		{Type: "heading", Label: "Sealed for"},
		{Name: "recipients", Label: "Public keys of age, one a line", Type: "code", Rows: 3, Value: s.Recipients, Holder: "age1…", Hint: "Who holds a private key to one of them can open the exports. Make a pair with: strongroom export key FILE"},
		{Name: "passphrase", Label: "Or a passphrase", Type: "password", Complete: "new-password", Wide: true, Hint: hint},
	}}
	if v.Standing.Folder != "" {
		f.Fields = append(f.Fields, ui.Field{Type: "heading", Label: "Where"},
			ui.Field{Name: "folder", Label: "Also into the folder that the operator of this server set aside", Type: "checkbox", Checked: s.Folder, Wide: true})
	}
	return f
}

func line(r standing.Run) runLine {
	at := "/exports/" + r.ID.String()
	l := runLine{Name: r.Name, Time: shell.When(r.Created), Problem: r.Problem, Delete: ui.Action{Label: "Delete", Icon: "trash", Href: at + "/delete", Post: true, Quiet: true}}
	switch r.State {
	case job.Done:
		l.Pill, l.Sub = ui.Pill{Text: "Done", Tone: "ok"}, web.Bytes(r.Size)
		if r.Copied {
			l.Sub += " · in the operator's folder too"
		}
		if r.Withheld > 0 {
			l.Sub += " · " + web.Number(r.Withheld) + " left out; strongroom/withheld.jsonl in it says which and why"
		}
		l.Fetch = &ui.Action{Label: "Download", Icon: "download", Href: at + "/file"}
	case job.Failed:
		l.Pill, l.Problem = ui.Pill{Text: "Failed", Tone: "bad"}, r.Error
		if l.Problem == "" {
			l.Problem = "It failed; the reason is not kept any more."
		}
	case job.Cancelled:
		l.Pill = ui.Pill{Text: "Stopped"}
	default:
		l.Pill = ui.Pill{Text: "Running", Tone: "info"}
		if r.Error != "" {
			l.Problem = r.Error + " It is tried again."
		}
	}
	return l
}

// save keeps the settings.
func (v *visit) save() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	s := standing.Settings{Every: form.Text("every"), Weekday: time.Weekday(form.Int("weekday")), Keep: int(form.Int("keep")), Secrets: form.Bool("secrets"),
		Recipients: form.Text("recipients"), Passphrase: form.Raw("passphrase"), Folder: form.Bool("folder"), Minute: -1}
	if at, err := time.Parse("15:04", form.Text("time")); err == nil {
		s.Minute = at.Hour()*60 + at.Minute()
	}
	if err = form.Err(); err == nil {
		err = v.Standing.Save(v.R.Context(), v.Caller, s)
	}
	if shell.Refusable(err) {
		s.Minute, s.Passphrase = max(s.Minute, 0), ""
		return v.page(&s, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/exports", "Saved.")
}

// policyForm asks who gets passwords in exports, and whether sealed fields go with them.
func policyForm(who policy.Who, fields bool) *ui.Form {
	options := []ui.Option{{Value: "everybody", Label: "Everybody who may export: administrators and managers"}, {Value: string(policy.Administrators), Label: "Administrators"}, {Value: string(policy.Nobody), Label: "Nobody"}}
	chosen := string(who)
	if who == policy.Exporters {
		chosen = "everybody"
	}
	for i := range options {
		options[i].Selected = options[i].Value == chosen
	}
	return &ui.Form{ID: "policy", Action: "/exports/policy", Submit: "Save who", Fields: []ui.Field{{Type: "heading", Label: "Passwords in exports"},
		{Name: "who", Label: "Who gets them", Type: "select", Required: true, Value: chosen, Options: options, Wide: true,
			Hint: "Of every export: here, by the API, by the command line. Others get the export without passwords and one-time-code keys. Each that goes out is recorded as revealed."},
		{Name: "fields", Label: "And the values of sealed fields, for those of them who may see these", Type: "checkbox", Checked: fields, Wide: true, Hint: "Each that goes out is recorded as shown. Without this tick, exports lack them and say how many."}}}
}

// savePolicy keeps who gets passwords in exports.
func (v *visit) savePolicy() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	who := policy.Who(form.Text("who"))
	if who == "everybody" {
		who = policy.Exporters
	} else if who == policy.Exporters {
		return fault.Field("who", "Choose who gets passwords in exports.")
	}
	if err := v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return policy.Set(tx, who, form.Bool("fields")) }); err != nil {
		return err
	}
	return v.Done("/exports", "Saved.")
}

// now begins an export.
func (v *visit) now() error {
	if _, err := v.Standing.Start(v.R.Context(), v.Caller); err != nil {
		return err
	}
	return v.Done("/exports", "An export is being made. It is listed here when its turn has come.")
}

// file gives a sealed export.
func (v *visit) file() error {
	run, err := v.ID("id")
	if err != nil {
		return err
	}
	f, err := v.Standing.Open(v.R.Context(), v.Caller, run)
	if err != nil {
		return err
	}
	defer f.Close()
	v.Stream(f.Name, "application/octet-stream", false, f)
	return nil
}

func (v *visit) drop() error {
	run, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Standing.Remove(v.R.Context(), v.Caller, run); err != nil {
		return err
	}
	return v.Done("/exports", "The export is deleted.")
}
