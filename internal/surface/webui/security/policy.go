package security

import (
	"slices"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

func (v *visit) policy() error {
	var p mfa.Policy
	if err := v.View(func(tx *gate.Tx) (err error) { p, err = mfa.PolicyOf(tx); return err }); err != nil {
		return err
	}
	return v.policyForm(p, nil)
}

func (v *visit) policyForm(p mfa.Policy, refused error) error {
	var options []ui.Option
	err := v.View(func(tx *gate.Tx) error {
		groups, err := v.groups(tx)
		for _, g := range groups {
			options = append(options, ui.Option{Value: g.ID.String(), Label: g.Name, Selected: slices.Contains(p.Groups, g.ID)})
		}
		return err
	})
	if err != nil {
		return err
	}
	who := []ui.Option{{Value: mfa.Nobody, Label: "Nobody; who likes, sets one up"}, {Value: mfa.Groups, Label: "The members of some groups"}, {Value: mfa.Everybody, Label: "Everybody"}}
	for i := range who {
		who[i].Selected = who[i].Value == p.Who
	}
	minutes := func(name string, n int) ui.Field {
		return ui.Field{Name: name, Label: "Given within", Type: "number", Value: strconv.Itoa(n), Min: "0", Max: "1440", Unit: "minutes", Hint: "0: once in a session is enough."}
	}
	f := ui.Form{Action: policyPage, Submit: "Save", Cancel: "/settings", Fields: []ui.Field{
		{Name: "who", Label: "Who must have a second factor", Type: "select", Required: true, Value: p.Who, Options: who, Wide: true, Hint: "Who must and has none can sign in and set one up, and sees no passwords until then."},
		{Name: "groups", Label: "Groups", Type: "select", Multiple: true, Wide: true, Options: options},
		{Type: "heading", Label: "To see passwords"},
		{Name: "reveal", Label: "A second factor is needed to see passwords", Type: "checkbox", Checked: p.Reveal.On, Wide: true, Hint: "For everybody, also for who need not have one otherwise."},
		minutes("reveal_minutes", p.Reveal.Minutes),
		{Type: "heading", Label: "To manage"},
		{Name: "admin", Label: "A second factor is needed to manage", Type: "checkbox", Checked: p.Admin.On, Wide: true, Hint: "Users, groups, keys and settings, who may see a record, and exports."},
		minutes("admin_minutes", p.Admin.Minutes),
	}, Note: "API keys are narrowed by their own scope and addresses instead."}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	sub := []ui.Cell{{Text: "Who needs one, and for what"}}
	if v.Demo {
		sub = append(sub, ui.Cell{Type: "pill", Text: "Off in the demo, unless you change it", Tone: "info"})
	}
	page, err := v.Page("Second factors", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Second factors"})
	if err != nil {
		return err
	}
	page.Data = shell.FormPage{Head: ui.Head{Title: "Second factors", Icon: "shield-lock", Sub: sub}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", page)
}

func (v *visit) savePolicy() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	number := func(name string) int { return int(min(max(form.Int(name), -1), 1e6)) }
	p := mfa.Policy{Who: form.Text("who"), Groups: shell.IDs(form.All("groups")),
		Reveal: mfa.Demand{On: form.Bool("reveal"), Minutes: number("reveal_minutes")}, Admin: mfa.Demand{On: form.Bool("admin"), Minutes: number("admin_minutes")}}
	p.Groups = slices.DeleteFunc(p.Groups, func(g id.ID) bool { return g == 0 })
	if p.Who != mfa.Groups {
		p.Groups = nil
	}
	if err = form.Err(); err == nil {
		err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return mfa.SetPolicy(tx, p) })
	}
	if fault.Is(err, fault.Invalid) {
		return v.policyForm(p, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings", "The policy about second factors is saved.")
}
