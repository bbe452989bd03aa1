package ways

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/way"
)

// form asks for everything of a way: what all have, and what its sort declares.
func (v *visit) form(x *way.Way, sealed map[string]bool) ui.Form {
	f := ui.Form{Action: "/settings/sign-in", Submit: "Add", Cancel: "/settings/sign-in", Hidden: []ui.Hidden{{Name: "kind", Value: x.Kind}}}
	if x.ID != 0 {
		f.Action, f.Submit = address(x), "Save"
		f.Hidden = append(f.Hidden, ui.Hidden{Name: "version", Value: id.ID(x.Version).String()})
	}
	f.Fields = []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Value: x.Name, Required: true, Most: 60, Hint: "Stands on the button of the sign-in page."},
		{Name: "active", Label: "People may sign in by it", Type: "checkbox", Checked: x.Active},
		{Name: "base", Label: "Address of this server", Type: "url", Value: x.Base, Required: true, Wide: true, Hint: "As people's browsers reach it."},
		{Type: "heading", Label: v.label(x.Kind)},
	}
	k := v.Ways.Kind(x.Kind)
	if k == nil {
		return f
	}
	for _, d := range k.Fields {
		f.Fields = append(f.Fields, field(d, x.Settings[d.Name], sealed[d.Name]))
		if d.Type == method.Secret && sealed[d.Name] {
			f.Fields = append(f.Fields, ui.Field{Name: "clear_" + d.Name, Label: "Remove the " + strings.ToLower(d.Label), Type: "checkbox"})
		}
	}
	return v.people(f, x)
}

func field(d method.Field, value string, set bool) ui.Field {
	f := ui.Field{Name: d.Name, Label: d.Label, Type: d.Type, Value: value, Hint: d.Hint, Required: d.Required, Wide: true}
	switch d.Type {
	case method.Secret:
		f.Type, f.Value, f.Complete = "password", "", "new-password"
		if set {
			f.Hint = "One is set. Enter another to replace it. " + d.Hint
		}
	case "checkbox":
		f.Checked = value == "1"
	case "textarea":
		f.Rows = 4
	case "select":
		for _, o := range d.Options {
			f.Options = append(f.Options, ui.Option{Value: o.Value, Label: o.Label, Selected: o.Value == value})
		}
	}
	return f
}

// people asks what becomes of who comes.
func (v *visit) people(f ui.Form, x *way.Way) ui.Form {
	var roles []ui.Option
	for _, r := range access.EveryRole() {
		roles = append(roles, ui.Option{Value: string(r), Label: string(r), Selected: r == x.People.Role})
	}
	pairs := func(list []way.Pair) string {
		var lines []string
		for _, p := range list {
			lines = append(lines, p.Theirs+" = "+p.Ours)
		}
		return strings.Join(lines, "\n")
	}
	f.Fields = append(f.Fields,
		ui.Field{Type: "heading", Label: "People"},
		ui.Field{Name: "create", Label: "Who is not known becomes a user at the first sign-in", Type: "checkbox", Checked: x.People.Create, Hint: "Otherwise you connect people below, or they do in their account."},
		ui.Field{Name: "domains", Label: "Only with an e-mail address at", Type: "text", Value: strings.Join(x.People.Domains, " "), Hint: "Domains with spaces between, such as example.com. Empty: any. Fill it in where everybody can have an account at the other side."},
		ui.Field{Name: "role", Label: "Role of who becomes a user", Type: "select", Required: true, Options: roles, Value: string(x.People.Role)},
		ui.Field{Name: "map_groups", Label: "Groups", Type: "textarea", Rows: 4, Wide: true, Value: pairs(x.People.Groups), Hint: "A line each: their group = our group. Users who were made here are put into ours, and taken out, at each sign-in."},
		ui.Field{Name: "map_roles", Label: "Roles", Type: "textarea", Rows: 3, Wide: true, Value: pairs(x.People.Roles), Hint: "A line each: their group = role. The first role that fits counts, from most rights to least; with none, the role above."},
		ui.Field{Name: "admins", Label: "Groups may make administrators", Type: "checkbox", Checked: x.People.Admins, Hint: "Whoever controls the groups at the other side then controls everything here."},
		ui.Field{Name: "second", Label: "Two factors at the other side count as two here", Type: "checkbox", Checked: x.People.Second})
	return f
}

// readPairs reads lines of the form theirs = ours.
func readPairs(name, text string, wrong func(name, format string, args ...any)) (out []way.Pair) {
	for l := range strings.Lines(text) {
		if strings.TrimSpace(l) == "" {
			continue
		}
		i := strings.LastIndex(l, "=") // a name at the other side may hold one
		if i < 0 || strings.TrimSpace(l[:i]) == "" || strings.TrimSpace(l[i+1:]) == "" {
			wrong(name, "%q is not of the form: their group = ours.", strings.TrimSpace(l))
			continue
		}
		out = append(out, way.Pair{Theirs: strings.TrimSpace(l[:i]), Ours: strings.TrimSpace(l[i+1:])})
	}
	return out
}

// read makes a way of what was sent.
func (v *visit) read(f *web.Form, x *way.Way, k *method.Kind) (secrets map[string]string) {
	x.Kind, x.Name, x.Active, x.Base, x.Settings = k.Name, f.Text("name"), f.Bool("active"), f.Text("base"), map[string]string{}
	secrets = map[string]string{}
	for _, d := range k.Fields {
		switch {
		case d.Type == method.Secret:
			if text := strings.TrimSpace(f.Raw(d.Name)); text != "" {
				secrets[d.Name] = text
			} else if f.Bool("clear_" + d.Name) {
				secrets[d.Name] = ""
			}
		case d.Type == "checkbox":
			if f.Bool(d.Name) {
				x.Settings[d.Name] = "1"
			}
		default:
			x.Settings[d.Name] = f.Raw(d.Name)
		}
	}
	x.People = way.People{Create: f.Bool("create"), Role: access.Role(f.Text("role")), Admins: f.Bool("admins"), Second: f.Bool("second"),
		Groups: readPairs("map_groups", f.Raw("map_groups"), f.Wrong), Roles: readPairs("map_roles", f.Raw("map_roles"), f.Wrong)}
	for d := range strings.FieldsSeq(strings.ToLower(strings.NewReplacer(",", " ", "@", "").Replace(f.Text("domains")))) {
		if !slices.Contains(x.People.Domains, d) {
			x.People.Domains = append(x.People.Domains, d)
		}
	}
	return secrets
}

func (v *visit) save() error {
	x, sealed := &way.Way{}, map[string]bool(nil)
	if v.R.PathValue("id") != "" {
		var err error
		if x, sealed, err = v.way(); err != nil {
			return err
		}
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	kind := x.Kind
	if kind == "" {
		kind = f.Text("kind")
	}
	k := v.Ways.Kind(kind)
	if k == nil {
		return gate.Missing()
	}
	if x.ID != 0 {
		x.Version = f.Int("version")
	}
	secrets := v.read(f, x, k)
	if err = f.Err(); err == nil {
		err = v.Ways.Save(v.R.Context(), v.Caller, x, secrets)
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		if v.R.PathValue("id") == "" {
			x.ID = 0
		}
		return v.page(x, sealed, nil, err)
	}
	if err != nil {
		return err
	}
	return v.Done(address(x), "%s is saved. Test it before people use it.", x.Name)
}
