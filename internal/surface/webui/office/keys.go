package office

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

type keysView struct {
	Head    ui.Head
	Keys    []keyLine
	Empty   ui.Empty
	Dialogs []ui.Confirm
}

type keyLine struct {
	Name, Hint string
	For        string
	May        string
	Limits     string
	Used       ui.Cell
	Expires    *ui.Pill
	Rotate     ui.Action
	Revoke     ui.Action
}

func (v *visit) keys() error {
	list, err := v.APIKeys.List(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	var orgs []id.ID
	for _, k := range list {
		orgs = append(append(append(orgs, k.Orgs...), k.Folders...), k.Custom)
	}
	var names map[id.ID]string
	err = v.View(func(tx *gate.Tx) (err error) { names, err = v.Records.Names(tx, orgs...); return err })
	if err != nil {
		return err
	}
	view := &keysView{Head: ui.Head{Title: "API keys", Icon: "key", Sub: []ui.Cell{{Text: "With a key a program uses the IT Glue API of this tenant."}},
		Actions: []ui.Action{{Label: "New key", Icon: "plus", Href: "/keys/new", Primary: true, Key: "n"}}},
		Empty: ui.Empty{Icon: "api", Title: "There is no API key", Text: "Make one for each program, so that you can revoke it alone.", Actions: []ui.Action{{Label: "New key", Href: "/keys/new", Primary: true}}}}
	for _, k := range list {
		line := v.keyLine(k, names)
		d := ui.Confirm{ID: "revoke-" + k.ID.String(), Title: "Revoke " + k.Name + "?", Text: "Programs that use it are refused from now on. This cannot be undone; make a new key instead.",
			Action: "/keys/" + k.ID.String() + "/revoke", Submit: "Revoke", Danger: true}
		line.Rotate = ui.Action{Label: "Change", Icon: "refresh", Href: "/keys/" + k.ID.String() + "/rotate", Quiet: true}
		line.Revoke = ui.Action{Label: "Revoke", Icon: "trash", Href: d.Action, Post: true, Quiet: true, Danger: true, Dialog: d.ID}
		view.Keys, view.Dialogs = append(view.Keys, line), append(view.Dialogs, d)
	}
	p, err := v.Page("API keys", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "API keys"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("keys", p)
}

// keyLine says in words what a key may do.
func (v *visit) keyLine(k *apikey.Key, names map[id.ID]string) keyLine {
	line := keyLine{Name: k.Name, Hint: k.Hint + "…", Used: ui.Cell{Type: "mut", Text: "Never used"}}
	switch {
	case k.Owner != 0 && k.OwnerName != "":
		line.For = "Acts as " + k.OwnerName
	case k.Owner != 0:
		line.For = "Acts as a user"
	default:
		line.For = "A program of its own"
	}
	line.Limits = keyLimits(k, names)
	var may []string
	if k.Role != "" {
		may = append(may, string(k.Role))
	}
	if n := names[k.Custom]; n != "" {
		may = append(may, n)
	}
	if k.ReadOnly {
		may = append(may, "reads only")
	}
	if k.Passwords {
		may = append(may, "sees passwords")
	} else {
		may = append(may, "no passwords")
	}
	line.May = strings.Join(may, " · ")
	if k.Provisions {
		line.For, line.May = "Provisioning", "keeps users and groups, and nothing else"
	}
	if k.Used != 0 {
		line.Used = ui.Cell{Type: "ago", Time: shell.When(k.Used)}
		if k.UsedFrom != "" {
			line.Used.Sub = "from " + k.UsedFrom
		}
	}
	if k.Expires != 0 {
		line.Expires = &ui.Pill{Text: "Until " + shell.When(k.Expires).Format("2 Jan 2006")}
		if k.Expires <= v.Now().UnixMilli() {
			line.Expires = &ui.Pill{Text: "Expired", Tone: "bad"}
		}
	}
	return line
}

func keyLimits(k *apikey.Key, names map[id.ID]string) string {
	var out []string
	if k.Before != 0 {
		out = append(out, "the key before is good until "+shell.When(k.Before).UTC().Format("2 Jan 2006, 15:04")+" UTC")
	}
	var orgs []string
	for _, o := range k.Orgs {
		if n := names[o]; n != "" {
			orgs = append(orgs, n)
		}
	}
	switch {
	case k.Provisions:
	case len(k.Orgs) == 0:
		out = append(out, "every organization it may see")
	case len(orgs) <= 2 && len(orgs) == len(k.Orgs):
		out = append(out, strings.Join(orgs, " and "))
	default:
		out = append(out, strconv.Itoa(len(k.Orgs))+" organizations")
	}
	if len(k.Folders) > 0 {
		var folders []string
		for _, f := range k.Folders {
			if n := names[f]; n != "" {
				folders = append(folders, n)
			}
		}
		if len(folders) != len(k.Folders) || len(folders) > 2 {
			folders = []string{strconv.Itoa(len(k.Folders)) + " folders"}
		}
		out = append(out, "passwords in "+strings.Join(folders, " and ")+" only")
	}
	if len(k.Networks) > 0 {
		var nets []string
		for _, n := range k.Networks {
			nets = append(nets, n.String())
		}
		out = append(out, "from "+strings.Join(nets, ", "))
	}
	if k.Limit.Requests > 0 {
		out = append(out, web.Number(k.Limit.Requests)+" requests in "+hours(k.Limit.Window))
	}
	return strings.Join(out, " · ")
}

func (v *visit) newKey() error { return v.keyForm(nil, nil) }

func (v *visit) keyForm(form *web.Form, refused error) error {
	if form == nil {
		form = web.NewForm(map[string][]string{"requests": {strconv.Itoa(apikey.DefaultLimit().Requests)}, "seconds": {strconv.Itoa(int(apikey.DefaultLimit().Window.Seconds()))}})
	}
	owner, _ := id.Parse(form.Text("owner"))
	orgs, folders := shell.RefIDs(form, "organizations"), shell.RefIDs(form, "folders")
	var users, custom []ui.Option
	chosen, _ := id.Parse(form.Text("custom_role"))
	var names map[id.ID]string
	err := v.View(func(tx *gate.Tx) (err error) {
		if users, err = v.Choices(tx, "user", map[id.ID]bool{owner: true}); err != nil {
			return err
		}
		if custom, err = v.Choices(tx, identity.Role, map[id.ID]bool{chosen: true}); err != nil {
			return err
		}
		names, err = v.Records.Names(tx, slices.Concat(orgs, folders)...)
		return err
	})
	if err != nil {
		return err
	}
	picks := func(list []id.ID, icon string) (out []ui.Option) {
		for _, o := range list {
			out = append(out, ui.Option{Value: o.String(), Label: names[o], Icon: icon})
		}
		return out
	}
	f := ui.Form{Action: "/keys", Submit: "Make the key", Cancel: "/keys", Fields: []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Value: form.Text("name"), Required: true, Wide: true, Focus: true, Most: 200, Hint: "The program that will use it."},
		{Name: "owner", Label: "Acts as", Type: "select", Value: form.Text("owner"), Options: users, Hint: "The key may do what this user may do, and stops when she leaves. Empty: a program of its own, with the role beside."},
		{Name: "role", Label: "Role", Type: "select", Value: form.Text("role"), Options: roleOptions(form.Text("role"), access.Roles()), Hint: "Required without a user; with one, the most that the key may do."},
		{Name: "custom_role", Label: "Custom role", Type: "select", Value: form.Text("custom_role"), Options: custom, Hint: "Narrows what the key may do. Empty: nothing is narrowed."},
		{Name: "read_only", Label: "May only read", Type: "checkbox", Checked: form.Bool("read_only")},
		{Name: "passwords", Label: "May read and write passwords", Type: "checkbox", Checked: form.Bool("passwords"), Hint: "Every password it reads is in the audit trail."},
		{Type: "heading", Label: "Limits"},
		{Name: "organizations", Label: "Only these organizations", Type: "ref", Multiple: true, Wide: true, Source: "/refs/organization", Chosen: picks(orgs, "building"), Hint: "Empty: every organization that it may see."},
		{Name: "folders", Label: "Of passwords, only those in these folders", Type: "ref", Multiple: true, Wide: true, Source: "/refs/password_folder", Chosen: picks(folders, "folder"), Hint: "And in folders below; others do not exist for it. Empty: every folder."},
		{Name: "networks", Label: "Only from these addresses", Type: "text", Value: form.Text("networks"), Holder: "203.0.113.7, 10.0.0.0/8", Hint: "Empty: from anywhere."},
		{Name: "expires", Label: "Good until", Type: "date", Value: form.Text("expires"), Hint: "Empty: until it is revoked."},
		{Name: "requests", Label: "Requests", Type: "number", Value: form.Text("requests"), Min: "0", Hint: "0 is no limit."},
		{Name: "seconds", Label: "within", Type: "number", Value: form.Text("seconds"), Min: "0", Unit: "seconds"},
	}}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("New API key", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "API keys", Href: "/keys"}, ui.Crumb{Label: "New"})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "New API key", Icon: "key", Sub: []ui.Cell{{Text: "It is shown once."}}}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

func (v *visit) createKey() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	n := readKey(form)
	if err := form.Err(); err != nil {
		return v.keyForm(form, err)
	}
	key, text, err := v.APIKeys.Create(v.R.Context(), v.Caller, n)
	if fault.Is(err, fault.Invalid) {
		return v.keyForm(form, keyFault(err))
	}
	if err != nil {
		return err
	}
	web.NoStore(v.W)
	web.NoCompress(v.W)
	p, err := v.Page("API key made", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "API keys", Href: "/keys"}, ui.Crumb{Label: key.Name})
	if err != nil {
		return err
	}
	p.Data = &issuedView{Head: ui.Head{Title: key.Name, Icon: "key"}, Label: "API key", Secret: text,
		Warning: "Give it to the program now. It is shown this once; only a hash of it is kept.",
		Lines:   []ui.Prop{{Label: "Header", Cells: []ui.Cell{{Type: "mono", Text: "x-api-key"}}}},
		Back:    ui.Action{Label: "All keys", Href: "/keys", Primary: true}}
	return v.Render("issued", p)
}

// readKey reads the form of a new key, noting what cannot be read.
func readKey(form *web.Form) apikey.New {
	n := apikey.New{Name: form.Text("name"), Role: access.Role(form.Text("role")), ReadOnly: form.Bool("read_only"), Passwords: form.Bool("passwords"), Orgs: shell.RefIDs(form, "organizations"), Folders: shell.RefIDs(form, "folders")}
	n.Owner, _ = id.Parse(form.Text("owner"))
	n.Custom, _ = id.Parse(form.Text("custom_role"))
	for s := range strings.FieldsFuncSeq(form.Text("networks"), func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
		net, err := network(s)
		if err != nil {
			form.Wrong("networks", "%q is neither an address nor a range such as 10.0.0.0/8.", s)
			continue
		}
		n.Networks = append(n.Networks, net)
	}
	if day := form.Date("expires"); !day.IsZero() {
		n.Expires = day.AddDate(0, 0, 1).UnixMilli() // the day is included
	}
	n.Limit = &apikey.Limit{Requests: int(form.Int("requests")), Window: time.Duration(form.Int("seconds")) * time.Second}
	if n.Limit.Requests == 0 {
		n.Limit.Window = 0
	}
	form.Require("name")
	return n
}

func network(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(a.BitLen())
}

// keyFault gives the failure of a limit to the field that the form has for it.
func keyFault(err error) error {
	say := *fault.Say(err)
	fields := map[string]string{}
	for k, s := range say.Fields {
		if k == "limit" {
			k = "requests"
		}
		fields[k] = s
	}
	say.Fields = fields
	return &say
}

func (v *visit) revokeKey() error {
	kid, err := v.ID("id")
	if err != nil {
		return err
	}
	list, err := v.APIKeys.List(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	if err := v.APIKeys.Revoke(v.R.Context(), v.Caller, kid); err != nil {
		return err
	}
	name := "The key"
	if i := slices.IndexFunc(list, func(k *apikey.Key) bool { return k.ID == kid }); i >= 0 {
		name = list[i].Name
	}
	return v.Done("/keys", "%s is revoked.", name)
}
