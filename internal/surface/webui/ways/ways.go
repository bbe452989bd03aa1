// Package ways holds the pages on which a tenant says by what systems its people
// sign in, and that on which each connects them with herself.
//
// Always true: the settings are for who manages the tenant; a secret that was
// entered is never shown again; nothing is connected by a link that somebody else
// made.
package ways

import (
	"cmp"
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Ways *way.Ways }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToPeople, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Sign-in", Sub: "Through systems that you have: OpenID Connect, SAML and others", Href: "/settings/sign-in", Icon: "login"}}
	})
	get := func(path string, h func(*visit) error) { s.Get(path, shell.Administering(p.as(h))) }
	post := func(path string, h func(*visit) error) { s.Post(path, shell.Administering(p.as(h))) }
	get("/settings/sign-in", (*visit).all)
	post("/settings/sign-in", (*visit).save)
	get("/settings/sign-in/new", (*visit).blank)
	post("/settings/sign-in/rules", (*visit).setRule)
	post(forgottenPage, (*visit).setResets)
	get("/settings/sign-in/{id}", (*visit).one)
	post("/settings/sign-in/{id}", (*visit).save)
	post("/settings/sign-in/{id}/test", (*visit).test)
	post("/settings/sign-in/{id}/keys", (*visit).setKeys)
	post("/settings/sign-in/{id}/delete", (*visit).remove)
	post("/settings/sign-in/{id}/connect", (*visit).connect)
	post("/settings/sign-in/{id}/disconnect", (*visit).disconnect)
	get("/settings/sign-in/{id}/import", (*visit).bringIn)
	post("/settings/sign-in/{id}/import", (*visit).setImport)
	post("/settings/sign-in/{id}/import/try", (*visit).tryImport)
	post("/settings/sign-in/{id}/import/run", (*visit).runImport)
	s.Get("/account/ways", p.as((*visit).own))
	s.Post("/account/ways/{id}/connect", p.as((*visit).askToConnect))
	s.Post("/account/ways/{id}/disconnect", p.as((*visit).leave))
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

type view struct {
	Head    ui.Head
	Found   *found
	Steps   []string  // how it is set up
	Top     []ui.Form // before the cards
	Cards   []*ui.Section
	Forms   []ui.Form
	Dialogs []ui.Confirm
}

// found is what a test found.
type found struct {
	Lines   []string
	Problem *ui.Errors
}

func (v *visit) show(status int, title string, data *view, crumbs ...ui.Crumb) error {
	p, err := v.Page(title, append([]ui.Crumb{{Label: "Settings", Href: "/settings"}}, crumbs...)...)
	if err != nil {
		return err
	}
	p.Data = data
	return v.RenderStatus(status, "sign-in-ways", p)
}

func address(x *way.Way) string { return "/settings/sign-in/" + x.ID.String() }

func (v *visit) all() error { return v.list(nil, nil, nil) }

// list shows the ways in, the rules, and what becomes of forgotten passwords: with what was
// entered of that, where it was refused.
func (v *visit) list(refused error, entered *identity.Resets, unfit error) error {
	data := &view{Head: ui.Head{Title: "Sign-in", Icon: "login", Sub: []ui.Cell{{Text: "The ways in beside the passwords kept here"}}}}
	card := &ui.Section{Title: "Ways in", Empty: "None yet: people sign in with the passwords kept here."}
	var list []*way.Way
	var groups []ui.Option
	var rules way.Rules
	var resets identity.Resets
	err := v.View(func(tx *gate.Tx) (err error) {
		if list, err = v.Ways.List(tx); err != nil {
			return err
		}
		if groups, err = v.Choices(tx, identity.Group, nil); err != nil {
			return err
		}
		if rules, err = v.Ways.Rules(tx); err != nil {
			return err
		}
		resets, err = identity.ResetsOf(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, x := range list {
		card.Empty = ""
		pill := ui.Pill{Text: "Off"}
		if x.Active {
			pill = ui.Pill{Text: "On", Tone: "ok"}
		}
		if k := v.Ways.Kind(x.Kind); k != nil && k.Pair != nil && len(x.Pairs) == 0 {
			pill = ui.Pill{Text: "No key pair", Tone: "warn"}
		}
		card.Items = append(card.Items, ui.Item{Title: x.Name, Sub: v.label(x.Kind), Href: address(x), Icon: "login", Pill: &pill})
	}
	more := &ui.Section{Title: "Add a way in"}
	for _, k := range v.Ways.Kinds {
		more.Items = append(more.Items, ui.Item{Title: k.Label, Sub: k.Text, Href: "/settings/sign-in/new?kind=" + k.Name, Icon: "plus"})
	}
	data.Cards = []*ui.Section{card, more, ruleCard(groups, rules, list)}
	if len(groups) > 0 {
		f := v.ruleForm(groups, list)
		if refused != nil {
			said := fault.Say(refused)
			f.Wrong(said.Text, said.Hint, said.Fields)
		}
		data.Forms = append(data.Forms, f)
	}
	if entered != nil {
		resets = *entered
	}
	data.Forms = append(data.Forms, resetForm(resets, unfit))
	status := http.StatusOK
	if refused = cmp.Or(refused, unfit); refused != nil {
		status = web.Status(refused)
	}
	return v.show(status, "Sign-in", data, ui.Crumb{Label: "Sign-in"})
}

func (v *visit) label(kind string) string {
	if k := v.Ways.Kind(kind); k != nil {
		return k.Label
	}
	return kind
}

// kept is how the passwords kept here are called.
const kept = "Passwords kept here"

func ruleCard(groups []ui.Option, rules way.Rules, list []*way.Way) *ui.Section {
	card := &ui.Section{Title: "Who must use which", Empty: "Everybody may use any way in."}
	names := map[id.ID]string{0: kept}
	for _, x := range list {
		names[x.ID] = x.Name
	}
	for _, g := range groups {
		gid, _ := id.Parse(g.Value)
		var use []string
		for _, w := range rules[gid] {
			use = append(use, names[w])
		}
		if len(use) > 0 {
			card.Empty = ""
			card.Items = append(card.Items, ui.Item{Title: g.Label, Sub: "Only " + strings.Join(use, ", "), Icon: "users"})
		}
	}
	return card
}

func (v *visit) ruleForm(groups []ui.Option, list []*way.Way) ui.Form {
	ways := []ui.Option{{Value: "0", Label: kept}}
	for _, x := range list {
		ways = append(ways, ui.Option{Value: x.ID.String(), Label: x.Name})
	}
	return ui.Form{Action: "/settings/sign-in/rules", Submit: "Set the rule", Fields: []ui.Field{
		{Type: "heading", Label: "Set a rule"},
		{Name: "group", Label: "Group", Type: "select", Options: groups, Required: true},
		{Name: "ways", Label: "May only use", Type: "select", Multiple: true, Options: ways, Hint: "None: any. Who is in several groups may use the ways of all of them. A one-time password that an administrator gave lets in once whatever the rule says."},
	}}
}

func (v *visit) setRule() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	group, ok := id.Parse(f.Text("group"))
	if !ok {
		return v.list(fault.Field("group", "Choose a group."), nil, nil)
	}
	var list []id.ID
	for _, s := range f.All("ways") {
		if s == "0" {
			list = append(list, 0)
		} else if w, ok := id.Parse(s); ok {
			list = append(list, w)
		}
	}
	err = v.Ways.SetRule(v.R.Context(), v.Caller, group, list)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return v.list(err, nil, nil)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings/sign-in", "The rule is set.")
}

// way reads which way the address names, to who manages the tenant.
func (v *visit) way() (x *way.Way, sealed map[string]bool, err error) {
	wid, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return nil, nil, gate.Missing()
	}
	err = v.View(func(tx *gate.Tx) (err error) {
		if x, err = v.Ways.Get(tx, wid); err == nil {
			sealed, err = v.Ways.Sealed(tx, wid)
		}
		return err
	})
	return x, sealed, err
}

func (v *visit) blank() error {
	k := v.Ways.Kind(v.R.URL.Query().Get("kind"))
	if k == nil {
		return gate.Missing()
	}
	x := &way.Way{Kind: k.Name, Name: k.Label, Active: !k.Legacy, Base: v.base(), People: way.People{Role: access.ReadOnly}, Settings: map[string]string{}}
	for _, f := range k.Fields {
		x.Settings[f.Name] = f.Default
	}
	return v.page(x, nil, nil, nil)
}

// base is how the browser reaches this server.
func (v *visit) base() string {
	u := url.URL{Scheme: "http", Host: v.R.Host}
	if web.Secure(v.R) {
		u.Scheme = "https"
	}
	return u.String()
}

func (v *visit) one() error {
	x, sealed, err := v.way()
	if err != nil {
		return err
	}
	return v.page(x, sealed, nil, nil)
}

// page shows a way: its form, who is connected, who is not.
func (v *visit) page(x *way.Way, sealed map[string]bool, result *found, refused error) error {
	data := &view{Head: ui.Head{Title: x.Name, Icon: "login", Sub: []ui.Cell{{Text: v.label(x.Kind)}}}, Found: result}
	title, status := x.Name, http.StatusOK
	if x.ID == 0 {
		title = "Add " + v.label(x.Kind)
		data.Head.Title = title
	} else if err := v.known(x, data); err != nil {
		return err
	}
	if k := v.Ways.Kind(x.Kind); k != nil {
		data.Steps = k.Steps
	}
	f := v.form(x, sealed)
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
		status = web.Status(refused)
	}
	data.Forms = append([]ui.Form{f}, data.Forms...)
	return v.show(status, title, data, ui.Crumb{Label: "Sign-in", Href: "/settings/sign-in"}, ui.Crumb{Label: title})
}

// known adds what there is of a way that was saved.
func (v *visit) known(x *way.Way, data *view) error {
	home := way.Home(v.Caller.Tenant, x)
	d := ui.Confirm{ID: "delete", Title: "Delete " + x.Name + "?", Text: "Nobody can sign in by it any more. Who is connected by it stays a user, and needs another way in.", Action: address(x) + "/delete", Submit: "Delete", Danger: true}
	data.Dialogs = append(data.Dialogs, d)
	data.Head.Actions = []ui.Action{{Label: "Test", Icon: "plug", Href: address(x) + "/test", Post: true, Primary: true},
		{Label: "Delete", Icon: "trash", Href: d.Action, Post: true, Danger: true, Quiet: true, Dialog: d.ID}}
	if v.Ways.Lists(x) {
		data.Head.Actions = slices.Insert(data.Head.Actions, 1, ui.Action{Label: "Import people", Icon: "users", Href: address(x) + "/import"})
	}
	mono := func(label, text string) ui.Prop {
		return ui.Prop{Label: label, Cells: []ui.Cell{{Type: "mono", Text: text, Copy: true}}}
	}
	if k := v.Ways.Kind(x.Kind); k != nil && len(k.Addresses) > 0 {
		card := &ui.Section{Title: "To enter at the other side"}
		for _, a := range k.Addresses {
			card.Props = append(card.Props, mono(a.Label, home+a.Path))
		}
		data.Cards = append(data.Cards, card)
	}
	v.keys(x, data)
	return v.View(func(tx *gate.Tx) error {
		links, err := v.Ways.Links(tx, x.ID)
		if err != nil {
			return err
		}
		people := &ui.Section{Title: "Connected", Empty: "Nobody yet."}
		for _, l := range links {
			people.Empty = ""
			sub := l.Label
			if l.Made {
				sub += ", made by this way in"
			}
			people.Items = append(people.Items, ui.Item{Title: l.Name, Sub: sub, Href: "/users/" + l.User.String(), Badge: l.Name, Person: true, Time: shell.When(l.Seen),
				Action: &ui.Action{Label: "Disconnect", Href: address(x) + "/disconnect", Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "key", Value: l.Key}}}})
		}
		data.Cards = append(data.Cards, people)
		strangers, err := v.Ways.Strangers(tx, x.ID)
		if err != nil || len(strangers) == 0 {
			return err
		}
		f := ui.Form{ID: "strangers", Action: address(x) + "/connect", Submit: "Connect", Fields: []ui.Field{{Type: "heading", Label: "Who came and is not known here"},
			{Name: "key", Label: "At the other side", Type: "select", Required: true}, {Name: "email", Label: "Is the user with the e-mail address", Type: "email", Required: true}}}
		for _, s := range strangers {
			f.Fields[1].Options = append(f.Fields[1].Options, ui.Option{Value: s.Key, Label: s.Label + ", " + shell.When(s.At).UTC().Format("2 Jan 15:04") + " UTC"})
		}
		data.Forms = append(data.Forms, f)
		return nil
	})
}

func (v *visit) test() error {
	x, sealed, err := v.way()
	if err != nil {
		return err
	}
	lines, err := v.Ways.Test(v.R.Context(), v.Caller, x.ID)
	result := &found{Lines: lines}
	if err != nil {
		said := fault.Say(err)
		result.Problem = &ui.Errors{Text: said.Text, Hint: said.Hint}
	}
	return v.page(x, sealed, result, nil)
}

func (v *visit) remove() error {
	x, _, err := v.way()
	if err != nil {
		return err
	}
	if err := v.Ways.Remove(v.R.Context(), v.Caller, x.ID); err != nil {
		return err
	}
	return v.Done("/settings/sign-in", "%s is deleted.", x.Name)
}

func (v *visit) connect() error {
	x, sealed, err := v.way()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Ways.Connect(v.R.Context(), v.Caller, x.ID, f.Text("key"), f.Text("email"))
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return v.page(x, sealed, nil, err)
	}
	if err != nil {
		return err
	}
	return v.Done(address(x), "They are connected.")
}

func (v *visit) disconnect() error {
	x, _, err := v.way()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	if err := v.Ways.Disconnect(v.R.Context(), v.Caller, x.ID, f.Text("key")); err != nil {
		return err
	}
	return v.Done(address(x), "They are no longer connected.")
}
