package imports

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/vaults"
	"strongroom/internal/surface/webui/shell"
)

// What a password manager exported has folders but no organizations: before the check
// somebody says where its entries go.

// placeOf is the page that follows an upload. That it is of a password manager is kept
// with it.
func (v *visit) placeOf(stage id.ID, name string) (string, error) {
	f, err := v.Importer.Upload(v.R.Context(), v.Caller, stage)
	if err != nil {
		return "", err
	}
	defer f.Close()
	product, err := vaults.Recognize(vaults.File{ReaderAt: f, Size: f.Size, Name: f.Name})
	switch {
	case err != nil:
		return "", err
	case product != "":
		return "/import-vaults/" + stage.String(), v.Importer.SetPlan(v.R.Context(), v.Caller, stage, importer.Options{Layout: product})
	case isTable(name):
		return "/import-tables/" + stage.String(), nil
	}
	if layout := v.Importer.Recognize(f); layout != "" {
		err = v.Importer.SetPlan(v.R.Context(), v.Caller, stage, importer.Options{Layout: layout})
	}
	return "/import-checks/" + stage.String(), err
}

// isPlaced tells whether it was said where the entries go.
func isPlaced(o importer.Options) bool {
	return len(o.Settings) > 0 && string(o.Settings) != "null"
}

// isVault tells whether options are for the export of a password manager.
func isVault(o importer.Options) bool { return vaults.Label(o.Layout) != o.Layout }

// mostTops is how many outermost folders a page asks about.
const mostTops = 60

// vaultRead reads an uploaded export of a password manager.
func (v *visit) vaultRead(stage id.ID, lock string) (product string, name string, read *vaults.Vault, err error) {
	f, err := v.Importer.Upload(v.R.Context(), v.Caller, stage)
	if err != nil {
		return "", "", nil, err
	}
	defer f.Close()
	in := vaults.File{ReaderAt: f, Size: f.Size, Name: f.Name}
	if product, err = vaults.Recognize(in); err != nil {
		return "", f.Name, nil, err
	}
	if product == "" {
		return "", f.Name, nil, fault.New(fault.NotFound, "%s is of no password manager that is known.", f.Name).WithHint("Import it as a table, or upload another file.")
	}
	read, err = vaults.Read(product, in, lock)
	return product, f.Name, read, err
}

// vaultPage asks where the entries go.
func (v *visit) vaultPage(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	o, err := v.Importer.Plan(v.R.Context(), v.Caller, stage)
	if err != nil {
		return err
	}
	if c := s.of(key, v.Caller.User); c != nil {
		o.Password = c.options.Password
	}
	return v.vaultForm(stage, o, nil)
}

func (v *visit) vaultForm(stage id.ID, o importer.Options, wrong error) error {
	product, name, read, err := v.vaultRead(stage, o.Password)
	if fault.Is(err, fault.Denied) && product != "" {
		return v.lockForm(stage, name, o.Password != "", err)
	}
	if fault.Is(err, fault.Invalid) && product != "" {
		return v.noVault(stage, name, product, err)
	}
	if err != nil {
		return err
	}
	var to vaults.Places
	if isPlaced(o) {
		if err := json.Unmarshal(o.Settings, &to); err != nil {
			return err
		}
	}
	at := "/import-vaults/" + stage.String()
	f := &ui.Form{Action: at, Submit: "Check what would happen", Fields: []ui.Field{{Type: "heading", Label: "Where it goes"}}}
	org, err := v.orgField("organization", "Organization of all entries", to.Org)
	if err != nil {
		return err
	}
	tops := read.Tops()
	if len(tops) > 1 || len(tops) == 1 && tops[0] != "" {
		org.Hint = "Of those that nothing below places."
	}
	f.Fields = append(f.Fields, org)
	if err := v.topFields(f, tops, to, o); err != nil {
		return err
	}
	status := http.StatusOK
	if wrong != nil {
		say := fault.Say(wrong)
		f.Wrong(say.Text, say.Hint, say.Fields)
		status = web.Status(wrong)
	}
	view := &tableView{Head: ui.Head{Title: name, Icon: "key", Sub: []ui.Cell{{Text: "Nothing is imported yet"}}},
		Seen:    "An export of " + vaults.Label(product) + " with " + strconv.Itoa(len(read.Entries)) + " entries. Hidden fields, secure notes and the numbers of cards become passwords of their own; they are not shown here. An export that is not encrypted should be deleted on your computer when the import is done.",
		Form:    f,
		Discard: &ui.Action{Label: "Discard this upload", Icon: "trash", Href: "/import-checks/" + stage.String() + "/discard", Post: true, Quiet: true}}
	return v.renderTable(status, name, view)
}

// topFields ask about the outermost folders.
func (v *visit) topFields(f *ui.Form, tops []string, to vaults.Places, o importer.Options) error {
	named := false
	for i, top := range tops {
		if top == "" || i >= mostTops {
			continue
		}
		if !named {
			named = true
			f.Fields = append(f.Fields, ui.Field{Type: "heading", Label: "Folders", Hint: "What is said of a folder here counts more than the above. Its folders below stay."},
				ui.Field{Name: "named", Label: "Each outermost folder is the organization of the same name", Type: "checkbox", Checked: to.Named, Wide: true},
				ui.Field{Name: "create", Label: "Make the organizations that folders name and nobody knows yet", Type: "checkbox", Checked: o.CreateMissingOrganizations, Wide: true, Hint: "Otherwise such entries are left out."})
		}
		was, said := to.Folders[top]
		n := strconv.Itoa(i)
		field, err := v.orgField("o"+n, top, was)
		if err != nil {
			return err
		}
		f.Fields = append(f.Fields, field, ui.Field{Name: "x" + n, Label: "Leave " + top + " out", Type: "checkbox", Checked: said && was == 0})
	}
	return nil
}

// orgField asks for an organization.
func (v *visit) orgField(name, label string, chosen id.ID) (ui.Field, error) {
	f := ui.Field{Name: name, Label: label, Type: "ref", Source: "/refs/organization"}
	if chosen == 0 {
		return f, nil
	}
	err := v.View(func(tx *gate.Tx) error {
		known, err := v.Records.Names(tx, chosen)
		f.Chosen = []ui.Option{{Value: chosen.String(), Label: known[chosen]}}
		return err
	})
	return f, err
}

// saveVault keeps where the entries go, and checks.
func (v *visit) saveVault(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	o, err := v.Importer.Plan(v.R.Context(), v.Caller, stage)
	if err != nil {
		return err
	}
	if c := s.of(key, v.Caller.User); c != nil {
		o.Password = c.options.Password
	}
	if form.Bool("unlock") {
		return v.unlock(s, stage, key, o, form)
	}
	product, _, read, err := v.vaultRead(stage, o.Password)
	if err != nil {
		return err
	}
	to := placesOf(form, read.Tops())
	o.Layout, o.CreateMissingOrganizations = product, form.Bool("create")
	if o.Settings, err = json.Marshal(to); err != nil {
		return err
	}
	if to.Org == 0 && !to.Named && len(to.Folders) == 0 {
		return v.vaultForm(stage, o, fault.Field("organization", "Choose an organization.").WithHint("Or say of folders where they go."))
	}
	if err := v.Importer.SetPlan(v.R.Context(), v.Caller, stage, o); err != nil {
		return err
	}
	v.check(s, stage, key, o)
	return web.SeeOther(v.W, v.R, "/import-checks/"+stage.String())
}

// placesOf reads the form.
func placesOf(form *web.Form, tops []string) vaults.Places {
	to := vaults.Places{Named: form.Bool("named"), Folders: map[string]id.ID{}}
	if orgs := shell.RefIDs(form, "organization"); len(orgs) > 0 {
		to.Org = orgs[0]
	}
	for i, top := range tops {
		n := strconv.Itoa(i)
		if orgs := shell.RefIDs(form, "o"+n); len(orgs) > 0 {
			to.Folders[top] = orgs[0]
		}
		if form.Bool("x" + n) {
			to.Folders[top] = 0
		}
	}
	return to
}

// noVault says why an export cannot be read.
func (v *visit) noVault(stage id.ID, name, product string, err error) error {
	say := fault.Say(err)
	view := &importView{Head: ui.Head{Title: name, Icon: "key"}, Failed: &ui.Problem{Icon: "alert-triangle", Title: "This export of " + vaults.Label(product) + " cannot be read", Text: say.Text, Hint: say.Hint,
		Actions: []ui.Action{{Label: "Back to imports", Href: "/imports", Primary: true}}},
		Discard: &ui.Action{Label: "Discard this upload", Icon: "trash", Href: "/import-checks/" + stage.String() + "/discard", Post: true, Quiet: true}}
	p, e := v.Page(name, ui.Crumb{Label: "Import", Href: "/imports"}, ui.Crumb{Label: name})
	if e != nil {
		return e
	}
	p.Data = view
	return v.RenderStatus(web.Status(err), "import", p)
}

// lockForm asks for what opens a database.
func (v *visit) lockForm(stage id.ID, name string, tried bool, wrong error) error {
	f := &ui.Form{Action: "/import-vaults/" + stage.String(), Submit: "Open it", Hidden: []ui.Hidden{{Name: "unlock", Value: "1"}}, Fields: []ui.Field{
		{Name: "passphrase", Label: "Passphrase of the database", Type: "password", Complete: "off", Focus: true, Wide: true, Hint: "It is kept, encrypted, until the import is done."},
		{Name: "keyfile", Label: "Key file, as text", Type: "textarea", Wide: true, Hint: "Only when the database has one that is XML or hexadecimal digits: open it in an editor and paste all of it. With any other key file, import from the command line."},
	}}
	status := http.StatusOK
	if tried {
		say := fault.Say(wrong)
		f.Wrong(say.Text, say.Hint, say.Fields)
		status = http.StatusUnprocessableEntity
	}
	view := &tableView{Head: ui.Head{Title: name, Icon: "key", Sub: []ui.Cell{{Text: "Nothing is imported yet"}}}, Seen: "A KeePass database.", Form: f,
		Discard: &ui.Action{Label: "Discard this upload", Icon: "trash", Href: "/import-checks/" + stage.String() + "/discard", Post: true, Quiet: true}}
	return v.renderTable(status, name, view)
}

// unlock tries what opens a database, and remembers it like the password of a zip.
func (v *visit) unlock(s *importChecks, stage id.ID, key string, o importer.Options, form *web.Form) error {
	l := vaults.Lock{Passphrase: form.Raw("passphrase")}
	if text := form.Raw("keyfile"); strings.TrimSpace(text) != "" {
		l.KeyFile = []byte(strings.TrimSpace(text))
	}
	o.Password = l.String()
	product, name, _, err := v.vaultRead(stage, o.Password)
	if fault.Is(err, fault.Denied) && product != "" {
		return v.lockForm(stage, name, true, err)
	}
	if err != nil {
		return err
	}
	v.check(s, stage, key, o)
	return web.SeeOther(v.W, v.R, "/import-vaults/"+stage.String())
}
