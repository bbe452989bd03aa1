package office

import (
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/profile"
	"strongroom/internal/surface/webui/shell"
)

type settingsView struct {
	Head    ui.Head
	Manage  []shell.Managed // for administrators
	Lists   []ui.Item
	Tenant  []ui.Prop
	Limits  []ui.Prop
	Keys    []ui.Prop
	Product []ui.Item
}

func (v *visit) settings() error {
	view := &settingsView{Head: ui.Head{Title: "Settings", Icon: "settings"}}
	err := v.View(func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Configure, gate.Thing{}); err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		view.Head.Sub = []ui.Cell{{Text: tx.Tenant.Title()}}
		view.Lists = v.settingLists(totals)
		if !v.Caller.May(access.Administer) {
			return nil
		}
		view.Manage = v.Managed(totals)
		pub := tx.Tenant.Public()
		view.Tenant = []ui.Prop{
			{Label: "Title", Cells: []ui.Cell{{Text: tx.Tenant.Title()}}},
			{Label: "Short name", Cells: []ui.Cell{{Type: "mono", Text: tx.Tenant.Name, Copy: true}}},
			{Label: "Id", Cells: []ui.Cell{{Type: "mono", Text: tx.Tenant.ID, Copy: true}}},
		}
		view.Keys = []ui.Prop{
			{Label: "Secrets are sealed with", Cells: []ui.Cell{{Text: suiteName(string(pub.Suite))}}},
			{Label: "Key pair", Cells: []ui.Cell{{Text: "No. " + strconv.FormatUint(uint64(pub.Generation), 10)}}},
			{Label: "Fingerprint", Cells: []ui.Cell{{Type: "mono", Text: shell.Fingerprint(pub.ID[:]), Copy: true}}},
			{Label: "Audit checkpoints are signed by", Cells: []ui.Cell{{Type: "mono", Text: tx.Tenant.Keys.CheckpointKey, Copy: true}}},
		}
		limits, err := v.Sessions.LimitsOf(tx)
		view.Limits = limitProps(limits)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Settings", ui.Crumb{Label: "Settings"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("settings", p)
}

// settingLists are the lists that everything refers to: types, statuses, makers.
func (v *visit) settingLists(totals map[string]int64) []ui.Item {
	var out []ui.Item
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Scope != record.OfTenant || k.Admin {
			continue
		}
		it := ui.Item{Title: k.Labels, Sub: web.Number(totals[k.Name]) + " entries", Href: shell.ListURL(k), Icon: k.Icon}
		if totals[k.Name] == 1 {
			it.Sub = "1 entry"
		}
		if k.Fixed {
			it.Sub += ", built in"
		}
		out = append(out, it)
	}
	return out
}

func suiteName(s string) string {
	switch s {
	case "hybrid":
		return "ML-KEM-768 with P-256, and AES-256-GCM"
	case "rsa-oaep-2048", "rsa-oaep-3072", "rsa-oaep-4096":
		return "RSA-OAEP-" + strings.TrimPrefix(s, "rsa-oaep-") + " and AES-256-GCM"
	}
	return s
}

func limitProps(l identity.Limits) []ui.Prop {
	return []ui.Prop{
		{Label: "Without a request", Cells: []ui.Cell{{Text: hours(l.Idle)}}},
		{Label: "At most", Cells: []ui.Cell{{Text: hours(l.Absolute)}}},
		{Label: "Access token of a program", Cells: []ui.Cell{{Text: hours(l.Token)}}},
	}
}

func hours(d time.Duration) string {
	switch h := d.Hours(); {
	case h == 1:
		return "1 hour"
	case h > 1 && d%time.Hour == 0:
		return strconv.Itoa(int(h)) + " hours"
	}
	if d%time.Minute != 0 {
		return strconv.Itoa(int(d.Seconds())) + " seconds"
	}
	if d == time.Minute {
		return "1 minute"
	}
	return strconv.Itoa(int(d.Minutes())) + " minutes"
}

// tenantForm asks for what the tenant is called.
func (v *visit) tenantForm(title string, refused error) error {
	f := ui.Form{Action: "/settings/tenant", Submit: "Save", Cancel: "/settings", Fields: []ui.Field{
		{Name: "title", Label: "Title", Type: "text", Value: title, Required: true, Wide: true, Focus: true, Most: profile.MaxTitle, Hint: "Your company's name. It stands at the top of every page."},
	}}
	return v.settingForm("Tenant", f, refused)
}

func (v *visit) tenant() error {
	var title string
	if err := v.View(func(tx *gate.Tx) error { title = tx.Tenant.Title(); return nil }); err != nil {
		return err
	}
	return v.tenantForm(title, nil)
}

func (v *visit) saveTenant() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Profile.SetTitle(v.R.Context(), v.Caller, form.Text("title"))
	if fault.Is(err, fault.Invalid) {
		return v.tenantForm(form.Text("title"), err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings", "The title is saved.")
}

// limitsForm asks how long sessions last, in minutes.
func (v *visit) limitsForm(texts func(name string) string, refused error) error {
	minutes := func(name, label, hint string) ui.Field {
		return ui.Field{Name: name, Label: label, Type: "number", Value: texts(name), Required: true, Min: "5", Step: "1", Unit: "minutes", Hint: hint}
	}
	f := ui.Form{Action: "/settings/sessions", Submit: "Save", Cancel: "/settings", Note: "Shorter limits count for open sessions at once.", Fields: []ui.Field{
		minutes("idle", "Without a request", "A session that nobody uses ends after this: 5 minutes to 24 hours (1,440)."),
		minutes("absolute", "At most", "A session ends after this in any case: 15 minutes to 30 days (43,200)."),
		minutes("token", "Access token of a program", "What a program got by signing in with a password: 5 minutes to 24 hours (1,440). API keys have their own date."),
	}}
	f.Fields[0].Focus = true
	return v.settingForm("Sessions", f, refused)
}

func (v *visit) limits() error {
	var l identity.Limits
	if err := v.View(func(tx *gate.Tx) (err error) { l, err = v.Sessions.LimitsOf(tx); return err }); err != nil {
		return err
	}
	now := map[string]time.Duration{"idle": l.Idle, "absolute": l.Absolute, "token": l.Token}
	return v.limitsForm(func(name string) string { return strconv.Itoa(int(now[name].Minutes())) }, nil)
}

func (v *visit) saveLimits() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	minutes := func(name string) time.Duration {
		return time.Duration(min(max(form.Int(name), 0), 1e6)) * time.Minute
	}
	to := identity.Limits{Idle: minutes("idle"), Absolute: minutes("absolute"), Token: minutes("token")}
	if err = form.Err(); err == nil {
		err = v.Sessions.SetLimits(v.R.Context(), v.Caller, to)
	}
	if fault.Is(err, fault.Invalid) {
		return v.limitsForm(form.Text, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings", "The limits of sessions are saved.")
}

func (v *visit) settingForm(title string, f ui.Form, refused error) error {
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page(title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: title, Icon: "settings"}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}
