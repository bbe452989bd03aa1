package beside

import (
	"slices"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/surface/webui/shell"
)

func accessURL(r *record.Record) string { return "/access/" + r.ID.String() }

// restrictable tells whether a record of the kind has an access list of its own.
func restrictable(k *record.Kind) bool {
	return k.Scope == record.OfOrganization || k.Scope == record.Organization
}

// accessSection is the part of a record's rail that says who may see it.
func (v *visit) accessSection(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Scope == record.OfTenant {
		return nil, nil
	}
	if r.Kind.Scope == record.OfPerson {
		return &ui.Section{Title: "Access", Text: "You alone.", More: &ui.NavItem{Label: "API keys", Href: "/me/keys"}}, nil
	}
	grants, err := v.Records.Grants(tx, r)
	if err != nil {
		return nil, err
	}
	var ends map[id.ID]int64
	if len(grants) > 0 {
		if ends, err = access.Ends(tx.SQL(), r.Guard); err != nil {
			return nil, err
		}
	}
	s := &ui.Section{Title: "Access", Text: accessWords(r, lasting(grants, ends, tx.Now))}
	if s.Text, err = v.byFolder(tx, r, s.Text); err != nil {
		return nil, err
	}
	if v.May(access.Restrict, r.Kind) && restrictable(r.Kind) {
		s.More = &ui.NavItem{Label: "Change", Href: accessURL(r)}
	}
	for _, g := range grants {
		if at := ends[g.ID]; at == 0 || at > tx.Now {
			s.Items = append(s.Items, v.grantItem(g, at, tx.Now))
		}
	}
	return s, nil
}

// byFolder adds to what is said of a record's access that it comes from a folder
// above it, where it does.
func (v *visit) byFolder(tx *gate.Tx, r *record.Record, words string) (string, error) {
	if !inherited(r) {
		return words, nil
	}
	names, err := v.Records.Names(tx, r.Guard)
	if err != nil {
		return "", err
	}
	if names[r.Guard] == "" {
		return "By a folder above it: " + words, nil
	}
	return "By the folder " + names[r.Guard] + ": " + words, nil
}

// inherited tells whether a record with an access list of its own is restricted by a
// folder that it lies in, and not by itself.
func inherited(r *record.Record) bool { return restrictable(r.Kind) && r.Restricted && r.Guard != r.ID }

// lasting counts the grants that are not over.
func lasting(grants []record.Grant, ends map[id.ID]int64, now int64) (n int) {
	for _, g := range grants {
		if at := ends[g.ID]; at == 0 || at > now {
			n++
		}
	}
	return n
}

// untilWords says until when access lasts, or since when it is over.
func untilWords(at, now int64) string {
	if at <= now {
		return "ended " + shell.When(at).Format("2 Jan 2006 15:04") + " UTC"
	}
	return "until " + shell.When(at).Format("2 Jan 2006 15:04") + " UTC"
}

// grantItem shows a grant that ends at that time, or never.
func (v *visit) grantItem(g record.Grant, at, now int64) ui.Item {
	it := ui.Item{Title: g.Name, Sub: "Group", Icon: "users"}
	if g.Kind == "user" {
		it = ui.Item{Title: g.Name, Sub: "User", Badge: g.Name, Person: true}
	}
	if at != 0 {
		it.Sub += ", " + untilWords(at, now)
	}
	if k := v.Records.Kinds.Kind(g.Kind); k != nil && v.Caller.May(access.Administer) {
		it.Href = shell.RecordURL(k, g.ID)
	}
	return it
}

// accessWords says in one sentence who may see a record now.
func accessWords(r *record.Record, grants int) string {
	where := "organization"
	if r.OrgName != "" {
		where = r.OrgName
	}
	switch {
	case r.Kind.Shared && r.Org == 0 && !r.Restricted && grants == 0:
		return "Everybody."
	case r.Restricted && grants == 0:
		return "Only administrators may see this."
	case r.Restricted:
		return "Only these, and administrators:"
	case grants == 0:
		return "Everybody who may see " + where + "."
	}
	return "Everybody who may see " + where + ", and:"
}

type accessView struct {
	Head  ui.Head
	Words string
	Items []ui.Item
	Form  *ui.Form
}

func (v *visit) access() error { return v.accessPage(nil, nil) }

// accessPage shows who may see a record; sent is what was entered, and refused why not.
func (v *visit) accessPage(sent *web.Form, refused error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var rec *record.Record
	view := &accessView{}
	err = v.View(func(tx *gate.Tx) error {
		if rec, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		if _, err := tx.Allow(access.Restrict, gate.Thing{Kind: rec.Kind.Name, ID: rid}); err != nil {
			return err
		}
		if !restrictable(rec.Kind) {
			return gate.Missing()
		}
		grants, err := v.Records.Grants(tx, rec)
		if err != nil {
			return err
		}
		ends, err := access.Ends(tx.SQL(), rec.Guard)
		if err != nil {
			return err
		}
		for _, g := range grants {
			view.Items = append(view.Items, v.grantItem(g, ends[g.ID], tx.Now))
		}
		if view.Words, err = v.byFolder(tx, rec, accessWords(rec, lasting(grants, ends, tx.Now))); err != nil {
			return err
		}
		if inherited(rec) { // nobody is named by the record itself
			grants = nil
		}
		view.Form, err = v.accessForm(tx, rec, grants, ends)
		return err
	})
	if err != nil {
		return err
	}
	view.Head = ui.Head{Title: "Who may see this", Icon: "shield-lock", Sub: []ui.Cell{{Text: rec.Name, Href: shell.RecordURL(rec.Kind, rec.ID)}}}
	if v.Caller.May(access.Administer) {
		view.Head.Actions = []ui.Action{{Label: "Why can somebody see this?", Icon: "eye", Href: accessURL(rec) + "/why"}}
	}
	p, err := v.Page("Access to "+rec.Name, append(v.CrumbsOf(rec), ui.Crumb{Label: "Access"})...)
	if err != nil {
		return err
	}
	p.Data = view
	if refused == nil {
		return v.Render("access", p)
	}
	asSent(view.Form, sent)
	said := fault.Say(refused)
	view.Form.Wrong(said.Text, said.Hint, said.Fields)
	return v.RenderStatus(web.Status(refused), "access", p)
}

// asSent fills a form with what was entered into it.
func asSent(f *ui.Form, sent *web.Form) {
	for i := range f.Fields {
		x := &f.Fields[i]
		switch x.Type {
		case "checkbox":
			x.Checked = sent.Bool(x.Name)
		case "select":
			for j := range x.Options {
				x.Options[j].Selected = slices.Contains(sent.All(x.Name), x.Options[j].Value)
			}
		default:
			x.Value = sent.Text(x.Name)
		}
	}
}

func (v *visit) accessForm(tx *gate.Tx, rec *record.Record, grants []record.Grant, ends map[id.ID]int64) (*ui.Form, error) {
	open := map[id.ID]bool{}
	for _, g := range grants {
		open[g.ID] = true
	}
	groups, err := v.Choices(tx, "group", open)
	if err != nil {
		return nil, err
	}
	users, err := v.Choices(tx, "user", open)
	if err != nil {
		return nil, err
	}
	back := shell.RecordURL(rec.Kind, rec.ID)
	hint := "Administrators always see it. Not closed, those ticked below see it besides everybody who may see " + rec.OrgName + "."
	switch {
	case inherited(rec):
		hint = "Administrators always see it. Not closed by itself, it stays open to those who may see the folder, whoever is ticked below."
	case rec.Kind.Name == filed.Folder:
		hint += " What lies in the folder and below is closed with it, but for what is closed by itself."
	}
	form := &ui.Form{Action: accessURL(rec), Submit: "Save", Cancel: back, Hidden: []ui.Hidden{{Name: "version", Value: strconv.FormatInt(rec.Version, 10)}}, Fields: []ui.Field{
		{Name: "restricted", Label: "Close it to everybody but those ticked below", Type: "checkbox", Checked: rec.Restricted && !inherited(rec), Wide: true, Hint: hint},
		{Name: "groups", Label: "Groups", Type: "select", Multiple: true, Options: groups},
		{Name: "users", Label: "Users", Type: "select", Multiple: true, Options: users},
		{Name: "until", Label: "Those newly chosen, until (UTC)", Type: "datetime-local", Hint: "Empty: without an end."},
	}}
	for _, g := range grants {
		f := ui.Field{Name: untilName(g.ID), Label: g.Name + ", until (UTC)", Type: "datetime-local"}
		if at := ends[g.ID]; at != 0 {
			f.Value = shell.When(at).Format(shell.UntilLayout)
		}
		form.Fields = append(form.Fields, f)
	}
	return form, nil
}

func untilName(who id.ID) string { return "until." + who.String() }

// untils reads when the access of each of these ends; was are those who had
// access before, each of whom has a field of her own.
func untils(form *web.Form, who []id.ID, was []record.Grant, now int64) (map[id.ID]int64, error) {
	ends := map[id.ID]int64{}
	for _, w := range who {
		name := "until"
		if slices.ContainsFunc(was, func(g record.Grant) bool { return g.ID == w }) {
			name = untilName(w)
		}
		at, err := shell.Until(form, name)
		if err != nil {
			return nil, err
		}
		if name == "until" && at != 0 && at <= now {
			return nil, shell.Over(name)
		}
		ends[w] = at
	}
	return ends, nil
}

func (v *visit) setAccess() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	users, groups := shell.IDs(form.All("users")), shell.IDs(form.All("groups"))
	var rec *record.Record
	err = v.Change(access.Restrict, gate.Thing{ID: rid}, func(tx *gate.Tx) error {
		if rec, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		was, err := v.Records.Grants(tx, rec)
		if err != nil {
			return err
		}
		if inherited(rec) {
			was = nil
		}
		ends, err := untils(form, slices.Concat(users, groups), was, tx.Now)
		if err != nil {
			return err
		}
		if err := v.Records.SetAccess(tx, rec.Kind.Name, rid, form.Bool("restricted"), users, groups); err != nil {
			return err
		}
		if err := access.SetEnds(tx.SQL(), rid, ends); err != nil {
			return err
		}
		rec, err = v.Records.Get(tx, "", rid)
		return err
	})
	if fault.Is(err, fault.Invalid) {
		return v.accessPage(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(rec.Kind, rid), "Access saved. %s", accessSaved(rec, len(users)+len(groups)))
}

func accessSaved(rec *record.Record, n int) string {
	switch {
	case inherited(rec):
		return "Only those who may see its folder, and administrators, may see it."
	case rec.Restricted && n == 0:
		return "Only administrators may see it now."
	case rec.Restricted:
		return "Only those ticked, and administrators, may see it now."
	}
	if n > 0 {
		return "Everybody who may see its organization may see it, and those ticked."
	}
	return "Everybody who may see its organization may see it."
}
