package exports

import (
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/exporter/order"
	"strongroom/internal/feature/exporter/policy"
	"strongroom/internal/surface/webui/shell"
)

const passwords = "/password-exports"

// mostOrgs is how many organizations the form offers.
const mostOrgs = 1000

// mountPasswords mounts the page on which passwords are exported.
func (p *Pages) mountPasswords(s *shell.Shell) {
	get := func(path string, h func(*visit) error) { s.Get(path, shell.Allowing(access.Export, p.as(h))) }
	post := func(path string, h func(*visit) error) { s.Post(path, shell.Allowing(access.Export, p.as(h))) }
	get(passwords, func(v *visit) error { return v.passwords(nil, "", nil) })
	post(passwords, (*visit).exportPasswords)
	post(passwords+"/ask", (*visit).ask)
	post(passwords+"/decide", (*visit).decide)
	post(passwords+"/demand", (*visit).demand)
	get(passwords+"/{id}/file", (*visit).passwordFile)
	post(passwords+"/{id}/delete", (*visit).removePasswords)
	own := s.Own("password")
	own.Above = append(own.Above, func(v *shell.Visit, org id.ID) []ui.Action {
		if !v.Caller.May(access.Export) {
			return nil
		}
		return []ui.Action{{Label: "Export", Icon: "download", Href: passwords + "?organization=" + org.String()}}
	})
}

// passwordsView is the page.
type passwordsView struct {
	Head   ui.Head
	Notice *ui.Notice
	Due    []dueLine
	Runs   []runLine
	Form   *ui.Form
	Ask    *ui.Form
	Demand *ui.Form
}

// dueLine is somebody who asks for a consent.
type dueLine struct {
	Title, Reason  string
	Agree, Decline *ui.Action
}

// passwords is the page; which form was refused says its action.
func (v *visit) passwords(sent *web.Form, action string, refused error) error {
	d := passwordsView{Head: ui.Head{Title: "Export of passwords", Icon: "download", Sub: []ui.Cell{{Text: "For KeePass, Bitwarden and others. Each password that goes out is recorded as revealed by you."}}}}
	err := v.View(func(tx *gate.Tx) error { return v.fillPasswords(tx, &d, sent) })
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		say := fault.Say(refused)
		status = web.Status(refused)
		for _, f := range []*ui.Form{d.Form, d.Ask, d.Demand} {
			if f != nil && f.Action == action {
				f.Wrong(say.Text, say.Hint, say.Fields)
				say.Text = ""
			}
		}
		if say.Text != "" {
			d.Notice = &ui.Notice{Tone: "warn", Text: say.Text + " " + say.Hint}
		}
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status, "password-exports", p)
}

func (v *visit) fillPasswords(tx *gate.Tx, d *passwordsView, sent *web.Form) error {
	demanded, err := policy.Demanded(tx)
	if err != nil {
		return err
	}
	allowed, err := policy.Allows(tx)
	if err != nil {
		return err
	}
	mine, err := policy.Mine(tx)
	if err != nil {
		return err
	}
	switch {
	case allowed && mine != nil && mine.Ends != 0:
		d.Notice = &ui.Notice{Tone: "info", Text: "You may export passwords until " + shell.When(mine.Ends).Format("15:04") + " UTC, by another administrator's consent."}
	case !allowed && mine != nil && mine.Ends == 0:
		d.Notice = &ui.Notice{Tone: "info", Text: "You asked for a consent. Another administrator decides."}
	case !allowed && demanded:
		d.Ask = &ui.Form{ID: "ask", Action: passwords + "/ask", Submit: "Ask for the consent", Fields: []ui.Field{{Type: "heading", Label: "It takes the consent of an administrator"},
			{Name: "reason", Label: "Reason", Type: "text", Required: true, Most: 500, Wide: true, Value: said(sent, "reason"), Hint: "Another administrator reads it and decides. The consent holds for eight hours."}}}
	case !allowed:
		d.Notice = &ui.Notice{Tone: "warn", Text: "The tenant's settings do not let you have passwords in exports."}
	}
	if allowed {
		if d.Form, err = v.passwordForm(tx, sent); err != nil {
			return err
		}
	}
	if err := v.passwordRuns(tx, d); err != nil || !v.Caller.May(access.Administer) {
		return err
	}
	d.Demand = &ui.Form{ID: "demand", Action: passwords + "/demand", Submit: "Save", Fields: []ui.Field{{Type: "heading", Label: "For the whole tenant"},
		{Name: "on", Label: "Passwords in exports take the consent of a second administrator", Type: "checkbox", Checked: demanded, Wide: true,
			Hint: "Of every export: here, by the API, on a schedule, by the command line. To take this back takes such a consent."}}}
	due, err := policy.Due(tx)
	for _, c := range due {
		l := dueLine{Title: c.UserName + ", " + shell.When(c.At).Format("2 Jan 2006, 15:04") + " UTC", Reason: c.Reason}
		act := func(label, yes string) *ui.Action {
			return &ui.Action{Label: label, Href: passwords + "/decide", Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "consent", Value: c.ID.String()}, {Name: "agree", Value: yes}}}
		}
		if l.Decline = act("Refuse", "0"); c.User == v.Caller.User {
			l.Decline.Label = "Take it back"
		} else {
			l.Agree = act("Consent", "1")
		}
		d.Due = append(d.Due, l)
	}
	return err
}

func said(f *web.Form, name string) string {
	if f == nil {
		return ""
	}
	return f.Text(name)
}

func (v *visit) passwordForm(tx *gate.Tx, sent *web.Form) (*ui.Form, error) {
	page, err := v.Records.List(tx, "organization", record.Query{Limit: mostOrgs, NoTotal: true, Only: []string{}})
	if err != nil {
		return nil, err
	}
	chosen := said(sent, "organization")
	if sent == nil {
		chosen = v.R.URL.Query().Get("organization")
	}
	orgs := []ui.Option{{Label: "All that I may see"}}
	for _, r := range page.Records {
		orgs = append(orgs, ui.Option{Value: r.ID.String(), Label: r.Name, Selected: r.ID.String() == chosen})
	}
	formats := []ui.Option{{Value: order.KDBX, Label: "KeePass database (KDBX 4)"}, {Value: order.Bitwarden, Label: "Bitwarden, encrypted JSON"}, {Value: order.CSV, Label: "CSV, in an encrypted zip"}}
	for i := range formats {
		formats[i].Selected = formats[i].Value == said(sent, "format")
	}
	return &ui.Form{Action: passwords, Submit: "Export", Note: "It is made in the background and listed here.", Fields: []ui.Field{
		{Type: "heading", Label: "Export"},
		{Name: "organization", Label: "Of", Type: "select", Options: orgs, Value: chosen},
		{Name: "format", Label: "Format", Type: "select", Required: true, Options: formats, Value: said(sent, "format")},
		{Name: "password", Label: "Password of the file", Type: "password", Required: true, Complete: "new-password", Wide: true, Hint: "At least 12 characters. Without it nobody opens the file, here neither."},
		{Name: "reason", Label: "Reason", Type: "text", Required: true, Most: 500, Wide: true, Value: said(sent, "reason"), Hint: "It stands beside each reveal in the audit trail."},
	}}, nil
}

// passwordRuns lists the caller's exports of passwords.
func (v *visit) passwordRuns(tx *gate.Tx, d *passwordsView) error {
	list, err := v.Outgoing.List(tx)
	for _, f := range list {
		if f.Format == "" || f.By != v.Caller.User {
			continue
		}
		at := passwords + "/" + f.ID.String()
		l := runLine{Name: f.FileName(), Sub: f.OrgName, Time: shell.When(f.Created), Problem: f.Error, Pill: ui.Pill{Text: "Running", Tone: "info"},
			Delete: ui.Action{Label: "Delete", Icon: "trash", Href: at + "/delete", Post: true, Quiet: true}}
		switch f.State {
		case job.Done:
			l.Pill, l.Fetch = ui.Pill{Text: "Done", Tone: "ok"}, &ui.Action{Label: "Download", Icon: "download", Href: at + "/file"}
			if f.Withheld > 0 {
				l.Problem = web.Number(f.Withheld) + " left out that are sealed, or take an approval or a check-out"
			}
		case job.Failed:
			l.Pill = ui.Pill{Text: "Failed", Tone: "bad"}
		case job.Cancelled:
			l.Pill = ui.Pill{Text: "Stopped"}
		}
		d.Runs = append(d.Runs, l)
	}
	return err
}

func (v *visit) exportPasswords() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	o := order.Options{Format: form.Text("format"), Password: form.Raw("password"), Reason: form.Text("reason")}
	if s := form.Text("organization"); s != "" {
		org, ok := id.Parse(s)
		if !ok {
			return v.passwords(form, passwords, fault.Field("organization", "There is no such organization, or you may not see it."))
		}
		o.Org = org
	}
	if o.Format == "" {
		o.Format = "none"
	}
	_, err = v.Outgoing.Start(v.R.Context(), v.Caller, o)
	if o.Org != 0 && fault.Is(err, fault.NotFound) {
		err = fault.Field("organization", "There is no such organization, or you may not see it.")
	}
	if shell.Refusable(err) {
		return v.passwords(form, passwords, err)
	}
	if err != nil {
		return err
	}
	return v.Done(passwords, "The export is being made.")
}

func (v *visit) ask() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.Export, gate.Thing{}, func(tx *gate.Tx) error { _, err := policy.Ask(tx, form.Text("reason")); return err })
	if shell.Refusable(err) {
		return v.passwords(form, passwords+"/ask", err)
	}
	if err != nil {
		return err
	}
	return v.Done(passwords, "It is asked for. Another administrator decides.")
}

func (v *visit) decide() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	c, ok := id.Parse(form.Text("consent"))
	if !ok {
		return gate.Missing()
	}
	if err := v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return policy.Decide(tx, c, form.Bool("agree")) }); err != nil {
		return err
	}
	if form.Bool("agree") {
		return v.Done(passwords, "Consented, for eight hours.")
	}
	return v.Done(passwords, "Refused.")
}

func (v *visit) demand() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return policy.Demand(tx, form.Bool("on")) })
	if fault.Is(err, fault.Denied) && v.Caller.May(access.Administer) {
		return v.passwords(form, passwords+"/demand", err)
	}
	if err != nil {
		return err
	}
	return v.Done(passwords, "Saved.")
}

// passwordFile gives a finished export to who had it made.
func (v *visit) passwordFile() error {
	file, err := v.ID("id")
	if err != nil {
		return err
	}
	name := ""
	err = v.View(func(tx *gate.Tx) error {
		list, err := v.Outgoing.List(tx)
		for _, f := range list {
			if f.ID == file {
				name = f.FileName()
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	in, err := v.Outgoing.Open(v.R.Context(), v.Caller, file)
	if err != nil {
		return err
	}
	defer in.Close()
	v.Stream(name, "application/octet-stream", false, in)
	return nil
}

func (v *visit) removePasswords() error {
	file, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Remove(v.R.Context(), v.Caller, file); err != nil {
		return err
	}
	return v.Done(passwords, "The export is deleted.")
}
