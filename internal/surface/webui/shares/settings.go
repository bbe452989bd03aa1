package shares

import (
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/share"
	"strongroom/internal/surface/webui/shell"
)

func (v *visit) settings() error {
	var s share.Settings
	if err := v.View(func(tx *gate.Tx) (err error) { s, err = share.Setting(tx); return err }); err != nil {
		return err
	}
	return v.settingsPage(s, nil)
}

func (v *visit) settingsPage(s share.Settings, refused error) error {
	who := func(w share.Who, value, label string) ui.Option {
		return ui.Option{Value: value, Label: label, Selected: s.Who == w}
	}
	f := ui.Form{Action: "/settings/shares", Submit: "Save", Cancel: "/settings", Note: "Who may share counts for what is shared already too.", Fields: []ui.Field{
		{Name: "who", Label: "Who shares passwords with people outside", Type: "select", Value: "set", Required: true, Wide: true, Focus: true, Options: []ui.Option{
			who(share.Everybody, "everybody", "Everybody who may see the password"), who(share.Managers, "managers", "Managers and administrators"), who(share.Nobody, "nobody", "Nobody")}},
		{Name: "hours", Label: "For at most", Type: "number", Value: strconv.Itoa(s.Hours), Required: true, Min: "1", Max: "720", Unit: "hours", Hint: "1 hour to 30 days (720)."},
		{Name: "views", Label: "Opened at most", Type: "number", Value: strconv.Itoa(s.Views), Required: true, Min: "1", Max: strconv.Itoa(share.Views), Unit: "times"},
		{Name: "passphrase", Label: "Every share has a passphrase", Type: "checkbox", Checked: s.Passphrase, Wide: true, Hint: "It is told another way than the link, such as by telephone."},
	}}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Shares", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Shares"})
	if err != nil {
		return err
	}
	p.Data = struct {
		Head ui.Head
		Form ui.Form
	}{ui.Head{Title: "Shares", Icon: "share", Sub: []ui.Cell{{Text: "Passwords given to people outside, by links that end"}}}, f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

func (v *visit) settle() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	small := func(name string) int { return int(min(max(form.Int(name), 0), 10_000)) }
	s := share.Settings{Who: share.Who(form.Text("who")), Passphrase: form.Bool("passphrase"), Hours: small("hours"), Views: small("views")}
	switch s.Who {
	case "everybody":
		s.Who = share.Everybody
	case share.Everybody: // nothing was chosen
		s.Who = "none"
	}
	if err = form.Err(); err == nil {
		err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return share.Settle(tx, s) })
	}
	if shell.Refusable(err) {
		return v.settingsPage(s, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings/shares", "Saved.")
}
