// Package provisioning holds the page on which administrators let a system of theirs keep
// users and groups here: its address, its keys, what its groups mean, and what it asked.
//
// Always true: it is for who administers the tenant; a key is shown once; what went wrong
// is told in sentences; it works without script.
package provisioning

import (
	"embed"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
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
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/provision"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Provision *provision.Provision
	Ways      *way.Ways
	Keys      *apikey.Keys
	Path      string // of the door: /scim/v2
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

const at = "/settings/provisioning"

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToPeople, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Provisioning", Sub: "Entra ID, Okta and others keep users and groups here, by SCIM", Href: at, Icon: "users"}}
	})
	s.Get(at, shell.Administering(p.as(func(v *visit) error { return v.page(entered{}) })))
	s.Post(at, shell.Administering(p.as((*visit).save)))
	s.Post(at+"/keys", shell.Administering(p.as((*visit).newKey)))
	s.Rail(shell.RailPart{Draw: p.mark})
}

// mark says beside a user or a group that provisioning keeps it.
func (p *Pages) mark(_ *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != identity.User && r.Kind.Name != identity.Group {
		return nil, nil
	}
	is, text := p.Provision.KeptUser, "Names, address and whether she may sign in come from the other system. Her rights are given here."
	if r.Kind.Name == identity.Group {
		is, text = p.Provision.KeptGroup, "Its name and those of its members whom the other system keeps come from there. What it gives is said here."
	}
	if ok, err := is(tx, r.ID); err != nil || !ok {
		return nil, err
	}
	return &ui.Section{Title: "Kept by provisioning", Text: text}, nil
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
	Where   *ui.Section
	Guides  []guide
	Keys    []keyLine
	NewKey  ui.Form
	Set     ui.Form
	Calls   []callLine
	Dialogs []ui.Confirm
}

type keyLine struct {
	Name, Hint, Limits string
	Used               ui.Cell
	Pill               *ui.Pill
	Rotate, Revoke     ui.Action
}

// guide says what is entered where at one other side.
type guide struct {
	Name  string
	Steps []string
}

// guides are for those that are asked for most, and for all others.
func guides() []guide {
	return []guide{
		{"In Microsoft Entra ID", []string{
			"Make a key below, and keep this page open. The address must begin with https and be reachable from the Internet.",
			"Entra admin center: Enterprise applications, New application, Create your own application, Integrate any other application you don’t find in the gallery. Or open the application that you have.",
			"Provisioning, Provisioning Mode: Automatic. Tenant URL: the address above. Secret Token: the key. Test Connection, then Save.",
			"Mappings can stay as they are. People are known by userPrincipalName, which is sent as userName.",
			"Users and groups: assign one person. Provisioning, Provision on demand: choose her. She stands under Last calls here.",
			"Assign the others, and switch Provisioning Status on. It sends what has changed every 40 minutes.",
		}},
		{"In Okta", []string{
			"Make a key below, and keep this page open. The address must begin with https and be reachable from the Internet.",
			"Okta Admin Console: Applications, Browse App Catalog, SCIM 2.0 Test App (Header Auth). Or open the application that you have: General, App Settings, Edit, Provisioning: SCIM.",
			"Provisioning, Integration, Configure API Integration. SCIM connector base URL: the address above. Unique identifier field for users: userName. Authentication Mode: HTTP Header. Authorization: the key; where there is a field API Token instead, write Bearer, a space and the key. Test, then Save.",
			"Provisioning, To App, Edit: switch on Create Users, Update User Attributes and Deactivate Users. Leave Sync Password off.",
			"Assignments: assign one person. She stands under Last calls here.",
			"Push Groups: choose the groups that are to be here. Assign the others.",
		}},
		{"In another system", []string{
			"SCIM 2.0 with the address above, and the key as a bearer token: the header Authorization is Bearer, a space and the key.",
			"People are known by userName; whom it deactivates is archived here at once, and whom it removes too. Nobody is deleted.",
		}},
	}
}

// callLine is something that the other side asked.
type callLine struct {
	What, Said, Icon string
	Pill             *ui.Pill
	At               ui.Cell
}

// entered is a form that was refused, with why.
type entered struct {
	key     *web.Form
	set     *provision.Settings
	lines   []map[string]string
	refused error
}

func (v *visit) page(e entered) error {
	d := &view{Head: ui.Head{Title: "Provisioning", Icon: "users", Sub: []ui.Cell{{Text: "A system of yours keeps users and groups here, by SCIM 2.0"}}}}
	copied := func(label, text string) ui.Prop {
		return ui.Prop{Label: label, Cells: []ui.Cell{{Type: "mono", Text: text, Copy: true}}}
	}
	d.Where = &ui.Section{Title: "To enter at the other side", Props: []ui.Prop{
		copied("Address (tenant URL, base URL)", v.base()+v.Path),
		{Label: "Key (secret token)", Cells: []ui.Cell{{Text: "One of the keys below, as a bearer token (HTTP header Authorization)"}}},
		{Label: "Unique field of users", Cells: []ui.Cell{{Type: "mono", Text: "userName"}}},
		{Label: "To switch on", Cells: []ui.Cell{{Text: "Making, changing and deactivating users; groups. Not: passwords."}}},
	}}
	d.Guides = guides()
	if err := v.keys(d); err != nil {
		return err
	}
	var set provision.Settings
	var groups, ways []ui.Option
	err := v.View(func(tx *gate.Tx) (err error) {
		if set, err = v.Provision.SettingsOf(tx); err != nil {
			return err
		}
		list, _, err := v.Provision.Groups(tx, provision.Query{Limit: 1000}, false)
		if err != nil {
			return err
		}
		for _, g := range list {
			groups = append(groups, ui.Option{Value: g.ID.String(), Label: g.Name})
		}
		all, err := v.Ways.List(tx)
		if err != nil {
			return err
		}
		for _, w := range all {
			ways = append(ways, option(w))
		}
		calls, err := v.Provision.Calls(tx)
		d.Calls = callLines(calls)
		return err
	})
	if err != nil {
		return err
	}
	if e.set != nil {
		set = *e.set
	}
	d.Set = settingsForm(set, groups, ways, e.lines)
	d.NewKey = keyForm(e.key)
	if e.refused != nil {
		say := fault.Say(e.refused)
		if e.key != nil {
			d.NewKey.Wrong(say.Text, say.Hint, say.Fields)
		} else {
			d.Set.Wrong(say.Text, say.Hint, say.Fields)
		}
	}
	p, err := v.Page("Provisioning", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Provisioning"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(e.refused), "provisioning", p)
}

func option(w *way.Way) ui.Option { return ui.Option{Value: w.ID.String(), Label: w.Name} }

// base is how the browser reaches this server.
func (v *visit) base() string {
	u := url.URL{Scheme: "http", Host: v.R.Host}
	if web.Secure(v.R) {
		u.Scheme = "https"
	}
	return u.String()
}

// keys lists the keys for provisioning.
func (v *visit) keys(d *view) error {
	list, err := v.Keys.List(v.R.Context(), v.Caller)
	if err != nil {
		return err
	}
	for _, k := range list {
		if !k.Provisions {
			continue
		}
		l := keyLine{Name: k.Name, Hint: k.Hint + "…", Used: ui.Cell{Type: "mut", Text: "Never used"}, Limits: "from anywhere"}
		if len(k.Networks) > 0 {
			var nets []string
			for _, n := range k.Networks {
				nets = append(nets, n.String())
			}
			l.Limits = "from " + strings.Join(nets, ", ")
		}
		if k.Before != 0 {
			l.Limits += " · the key before is good until " + shell.When(k.Before).UTC().Format("2 Jan 2006, 15:04") + " UTC"
		}
		if k.Used != 0 {
			l.Used = ui.Cell{Type: "ago", Time: shell.When(k.Used), Sub: "from " + k.UsedFrom}
		}
		if k.Expires != 0 {
			l.Pill = &ui.Pill{Text: "Until " + shell.When(k.Expires).Format("2 Jan 2006")}
			if k.Expires <= v.Now().UnixMilli() {
				l.Pill = &ui.Pill{Text: "Expired", Tone: "bad"}
			}
		}
		dialog := ui.Confirm{ID: "revoke-" + k.ID.String(), Title: "Revoke " + k.Name + "?", Text: "The system that uses it is refused from now on: it can neither make users nor take their access away. Nobody who is here changes.",
			Action: "/keys/" + k.ID.String() + "/revoke", Submit: "Revoke", Danger: true}
		l.Rotate = ui.Action{Label: "Change", Icon: "refresh", Href: "/keys/" + k.ID.String() + "/rotate", Quiet: true}
		l.Revoke = ui.Action{Label: "Revoke", Icon: "trash", Href: dialog.Action, Post: true, Quiet: true, Danger: true, Dialog: dialog.ID}
		d.Keys, d.Dialogs = append(d.Keys, l), append(d.Dialogs, dialog)
	}
	return nil
}

func keyForm(f *web.Form) ui.Form {
	if f == nil {
		f = web.NewForm(nil)
	}
	return ui.Form{ID: "new-key", Action: at + "/keys", Submit: "Make a key", Note: "It is shown once. It keeps users and groups, and sees and does nothing else.", Fields: []ui.Field{
		{Type: "heading", Label: "New key"},
		{Name: "name", Label: "Name", Type: "text", Value: f.Text("name"), Required: true, Most: 200, Holder: "Entra ID", Hint: "The system that will use it."},
		{Name: "expires", Label: "Good until", Type: "date", Value: f.Text("expires"), Hint: "Empty: until it is revoked."},
		{Name: "networks", Label: "Only from these addresses", Type: "text", Value: f.Text("networks"), Holder: "203.0.113.7, 198.51.100.0/24", Wide: true, Hint: "Empty: from anywhere, as Entra ID and Okta need it."},
	}}
}

func settingsForm(set provision.Settings, groups, ways []ui.Option, lines []map[string]string) ui.Form {
	choose := func(list []ui.Option, value string) []ui.Option {
		list = slices.Clone(list)
		for i := range list {
			list[i].Selected = list[i].Value == value
		}
		return list
	}
	var roles []ui.Option
	for _, r := range provision.Roles() {
		roles = append(roles, ui.Option{Value: string(r), Label: string(r)})
	}
	chosen := ""
	if set.Way != 0 {
		chosen = set.Way.String()
	}
	if lines == nil {
		for _, g := range groups {
			if n, _ := id.Parse(g.Value); set.Roles[n] != "" {
				lines = append(lines, map[string]string{"group": g.Value, "role_kind": string(set.Roles[n])})
			}
		}
	}
	subjects := []ui.Option{{Value: provision.SubjectUserName, Label: "userName"}, {Value: provision.SubjectExternal, Label: "externalId"}}
	f := ui.Form{ID: "settings", Action: at, Submit: "Save", Fields: []ui.Field{
		{Type: "heading", Label: "What becomes of people"},
		{Name: "role", Label: "Role of who is made", Type: "select", Required: true, Value: string(set.Role), Options: choose(roles, string(set.Role)), Hint: "Nobody becomes an administrator by provisioning, and no administrator is taken over."},
		{Name: "take", Label: "Take over users who were made here", Type: "checkbox", Checked: set.Take, Hint: "When the other side makes a user with the e-mail address of one who was made here, it keeps her from then on. Administrators never."},
		{Name: "way", Label: "They sign in by", Type: "select", Value: chosen, Options: choose(ways, chosen), Hint: "A way in that knows people by the name chosen beside, such as SAML with the user name as Name ID. Empty: each connects herself, or has a password."},
		{Name: "subject", Label: "which knows them by", Type: "select", Required: true, Value: set.Subject, Options: choose(subjects, set.Subject)},
	}}
	if len(groups) > 0 {
		none := []ui.Option{{Label: "Choose"}}
		groups, roles = slices.Concat(none, groups), slices.Concat(none, roles)
		f.Fields = append(f.Fields, ui.RowsField(ui.Field{Name: "roles", Label: "Roles of groups", Hint: "Who is in several has the most of their roles. With no line, roles are given by hand. What organizations a group sees is said on its page."},
			[]ui.Field{{Name: "group", Label: "Group", Type: "select", Options: groups}, {Name: "role_kind", Label: "Role", Type: "select", Options: roles}}, lines, 1))
	} else {
		f.Fields = append(f.Fields, ui.Field{Type: "fixed", Label: "Roles of groups", Cells: []ui.Cell{{Type: "mut", Text: "Once the other side has made groups, you can give each a role here."}}})
	}
	return f
}

// callLines lists what the other side asked.
func callLines(calls []provision.Call) (out []callLine) {
	for _, c := range calls {
		l := callLine{What: c.What, Said: c.Said, Icon: "check", At: ui.Cell{Type: "ago", Time: shell.When(c.At)}}
		if c.Status >= 400 {
			l.Icon, l.Pill = "alert-triangle", &ui.Pill{Text: "Refused, " + strconv.Itoa(c.Status), Tone: "bad"}
		}
		out = append(out, l)
	}
	return out
}

func (v *visit) save() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	s := provision.Settings{Role: access.Role(f.Text("role")), Take: f.Bool("take"), Subject: f.Text("subject"), Roles: map[id.ID]access.Role{}}
	s.Way, _ = id.Parse(f.Text("way"))
	lines := f.Rows("roles")
	for _, l := range lines {
		g, ok := id.Parse(l["group"])
		if !ok && l["role_kind"] == "" {
			continue
		}
		if _, twice := s.Roles[g]; !ok || twice || l["role_kind"] == "" {
			f.Wrong("roles", "Each line has a group, which no other line has, and a role.")
			continue
		}
		s.Roles[g] = access.Role(l["role_kind"])
	}
	if err = f.Err(); err == nil {
		err = v.Provision.SetSettings(v.R.Context(), v.Caller, s)
	}
	if fault.Is(err, fault.Invalid) {
		return v.page(entered{set: &s, lines: lines, refused: err})
	}
	if err != nil {
		return err
	}
	return v.Done(at, "It is saved.")
}

// limit is what a key for provisioning may ask: first runs ask much.
func limit() *apikey.Limit { return &apikey.Limit{Requests: 15_000, Window: 5 * time.Minute} }

func (v *visit) newKey() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	n := apikey.New{Name: f.Text("name"), Provisions: true, Limit: limit()}
	for s := range strings.FieldsFuncSeq(f.Text("networks"), func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
		net, err := network(s)
		if err != nil {
			f.Wrong("networks", "%q is neither an address nor a range such as 10.0.0.0/8.", s)
			continue
		}
		n.Networks = append(n.Networks, net)
	}
	if day := f.Date("expires"); !day.IsZero() {
		n.Expires = day.AddDate(0, 0, 1).UnixMilli() // the day is included
	}
	f.Require("name")
	var key *apikey.Key
	var text string
	if err = f.Err(); err == nil {
		key, text, err = v.Keys.Create(v.R.Context(), v.Caller, n)
	}
	if fault.Is(err, fault.Invalid) {
		return v.page(entered{key: f, refused: err})
	}
	if err != nil {
		return err
	}
	web.NoStore(v.W)
	web.NoCompress(v.W)
	p, err := v.Page("Key made", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Provisioning", Href: at}, ui.Crumb{Label: key.Name})
	if err != nil {
		return err
	}
	p.Data = &made{Head: ui.Head{Title: key.Name, Icon: "key"}, Label: "Key for provisioning", Secret: text, Warning: "Enter it at the other side now. It is shown this once; only a hash of it is kept.",
		Lines: []ui.Prop{{Label: "Address", Cells: []ui.Cell{{Type: "mono", Text: v.base() + v.Path, Copy: true}}}},
		Back:  ui.Action{Label: "Provisioning", Href: at, Primary: true}}
	return v.RenderStatus(http.StatusOK, "provisioning-key", p)
}

// made is a key that is shown once.
type made struct {
	Head                   ui.Head
	Lines                  []ui.Prop
	Secret, Label, Warning string
	Back                   ui.Action
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
