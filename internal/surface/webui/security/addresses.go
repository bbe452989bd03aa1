package security

import (
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/ipaccess"
	"strongroom/internal/surface/webui/shell"
)

// addressPage is where administrators say from where people are let in.
const addressPage = "/settings/addresses"

type addressView struct {
	Head  ui.Head
	Form  ui.Form
	Found []ui.Item
	Test  bool
	Empty ui.Empty
}

func (v *visit) addresses() error {
	var r ipaccess.Rules
	if err := v.View(func(tx *gate.Tx) (err error) { r, err = ipaccess.Of(tx); return err }); err != nil {
		return err
	}
	var lines []map[string]string
	for _, x := range r.List {
		lines = append(lines, map[string]string{"network": x.Network.String(), "group_kind": x.Group.String(), "note": x.Note})
	}
	return v.addressForm(r.Mode, lines, nil)
}

func (v *visit) addressForm(mode string, lines []map[string]string, refused error) error {
	view := &addressView{Head: ui.Head{Title: "Addresses", Icon: "network", Sub: []ui.Cell{{Text: "From where people are let in"}, {Text: "You are at " + v.Caller.Addr.String()}}},
		Empty: ui.Empty{Icon: "check", Title: "Nobody would have been refused"}}
	groups := []ui.Option{{Value: "0", Label: "Everybody"}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := v.groups(tx)
		if err != nil {
			return err
		}
		for _, g := range list {
			groups = append(groups, ui.Option{Value: g.ID.String(), Label: g.Name})
		}
		r, err := ipaccess.Of(tx)
		if err != nil {
			return err
		}
		view.Test = r.Mode == ipaccess.Test
		found, err := ipaccess.Found(tx)
		for _, x := range found {
			view.Found = append(view.Found, ui.Item{Title: x.Name, Sub: "from " + x.Address + ", " + often(x.Count), Icon: "user", Time: shell.When(x.At)})
		}
		return err
	})
	if err != nil {
		return err
	}
	modes := []ui.Option{{Value: ipaccess.Off, Label: "Off: from everywhere"}, {Value: ipaccess.Test, Label: "Test: note who would be refused"}, {Value: ipaccess.On, Label: "On: refuse"}}
	for i := range modes {
		modes[i].Selected = modes[i].Value == mode
	}
	view.Form = ui.Form{Action: addressPage, Submit: "Save", Cancel: "/settings", Note: "API keys have addresses of their own.", Fields: []ui.Field{
		{Name: "mode", Label: "These rules are", Type: "select", Required: true, Value: mode, Options: modes, Wide: true},
		ui.RowsField(ui.Field{Name: "rules", Label: "Let in", Hint: "Addresses and networks, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48. Who has rules, those for everybody or for a group of hers, is let in from these only."},
			[]ui.Field{{Name: "network", Label: "Address or network", Type: "text", Most: 60}, {Name: "group_kind", Label: "Whom", Type: "select", Required: true, Options: groups}, {Name: "note", Label: "Note", Type: "text", Most: 200}}, lines, 2),
		{Name: "sure", Label: "Save them also if they lock me out where I am now", Type: "checkbox", Wide: true},
	}}
	if refused != nil {
		say := fault.Say(refused)
		view.Form.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Addresses", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Addresses"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "addresses", p)
}

func often(n int) string {
	if n == 1 {
		return "noted once"
	}
	return "noted " + strconv.Itoa(n) + " times"
}

func (v *visit) saveAddresses() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	lines := form.Rows("rules")
	r := ipaccess.Rules{Mode: form.Text("mode")}
	for _, line := range lines {
		x := ipaccess.Rule{Note: line["note"]}
		if x.Network, err = ipaccess.ParseNetwork(line["network"]); err != nil {
			form.Wrong("rules", "%s", fault.Say(err).Text)
			continue
		}
		if g, ok := id.Parse(line["group_kind"]); ok {
			x.Group = g
		}
		r.List = append(r.List, x)
	}
	if err = form.Err(); err == nil {
		err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return ipaccess.Set(tx, r, form.Bool("sure")) })
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return v.addressForm(r.Mode, lines, err)
	}
	if err != nil {
		return err
	}
	return v.Done(addressPage, "The rules are saved.")
}
