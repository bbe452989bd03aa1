package records

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

func (v *visit) newRecord(k *record.Kind) error {
	if own := v.OwnOf(k.Name).New; own != nil {
		return own(v.Visit)
	}
	q := v.R.URL.Query()
	k, err := v.variantToMake(k, q)
	if err != nil {
		return err
	}
	if k.Variants != nil && k.Variant == 0 {
		org, _ := id.Parse(q.Get("organization_id"))
		return v.OwnOf(k.Name).Which(v.Visit, org)
	}
	if !v.May(access.Create, k) {
		return fault.New(fault.Denied, "Your role may not create this.").WithHint("Ask an administrator for another role.")
	}
	f := &filling{kind: k, values: record.Values{}, names: map[string]string{}}
	for i := range k.Fields {
		if d := k.Fields[i].Default; d != nil {
			f.values[k.Fields[i].Name] = d
		}
	}
	err = v.View(func(tx *gate.Tx) error {
		if err := v.copyFrom(tx, f, q); err != nil {
			return err
		}
		for i := range k.Fields { // an address may fill fields in
			x := &k.Fields[i]
			if s := q.Get(x.Name); s != "" && x.Type != record.Secret && !x.ReadOnly {
				if val, err := x.Parse(s); err == nil {
					f.values[x.Name] = val
				}
			}
		}
		if fill := v.OwnOf(k.Name).Fill; fill != nil {
			if err := fill(v.Visit, tx, f.values); err != nil {
				return err
			}
		}
		return v.around(tx, f, q.Get("organization_id"), shell.Within(k, q.Get))
	})
	if err != nil {
		return err
	}
	return v.showForm(f, 0, nil)
}

func (v *visit) edit(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	f := &filling{kind: k}
	if err := v.View(func(tx *gate.Tx) (err error) { f.record, err = v.Records.Get(tx, k.Name, rid); return err }); err != nil {
		return err
	}
	if !v.May(access.Edit, k) {
		return fault.New(fault.Denied, "Your role may not change this.").WithHint("Ask an administrator for another role.")
	}
	f.kind = f.record.Kind
	f.values, f.names, f.links = f.record.Values.Clone(), f.record.Names, f.record.Links
	if k.HasName() {
		f.values["name"] = f.record.Name
	}
	f.org, f.orgName = f.record.Org, f.record.OrgName
	return v.showForm(f, f.record.Version, nil)
}

// showForm answers with the form; err is what was wrong with what was sent.
func (v *visit) showForm(f *filling, version int64, err error) error {
	var form *ui.Form
	if e := v.View(func(tx *gate.Tx) (e error) { form, e = v.draw(tx, f, version); return e }); e != nil {
		return e
	}
	if own := v.OwnOf(f.kind.Name).Form; own != nil {
		if e := own(v.Visit, form, f.record); e != nil {
			return e
		}
	}
	d := shell.FormPage{Head: ui.Head{Title: shell.NewLabel(f.kind), Icon: f.kind.Icon}}
	last := ui.Crumb{Label: d.Head.Title}
	crumbs := v.Crumbs(f.kind, f.org, f.orgName)
	if f.record != nil {
		d.Head.Title = "Edit " + f.record.Name
		crumbs = append(crumbs, ui.Crumb{Label: f.record.Name, Href: shell.RecordURL(f.kind, f.record.ID)})
		last.Label = "Edit"
	} else if f.parent != nil {
		crumbs = append(v.Crumbs(f.parent.Kind, f.org, f.orgName), ui.Crumb{Label: f.parent.Name, Href: shell.RecordURL(f.parent.Kind, f.parent.ID)})
	}
	if f.org != 0 && f.orgName != "" && f.kind.Scope != record.Organization {
		d.Head.Sub = []ui.Cell{{Text: f.orgName, Href: shell.RecordURL(v.Kind("organization"), f.org)}}
	}
	p, e := v.Page(d.Head.Title, append(crumbs, last)...)
	if e != nil {
		return e
	}
	if err == nil {
		d.Form, p.Data = *form, nil
		p.Data = d
		return v.Render("form", p)
	}
	said := fault.Say(err)
	form.Wrong(said.Text, said.Hint, said.Fields)
	d.Form = *form
	p.Data = d
	return v.RenderStatus(web.Status(err), "form", p)
}

func (v *visit) create(k *record.Kind) error {
	if own := v.OwnOf(k.Name).Create; own != nil {
		return own(v.Visit)
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if k, err = v.Variant(k, form.Text); err != nil {
		return err
	}
	f := &filling{kind: k, values: sent(k, form), names: map[string]string{}}
	err = v.View(func(tx *gate.Tx) error {
		return v.around(tx, f, form.Text("organization_id"), shell.Within(k, form.Text))
	})
	if err != nil {
		return err
	}
	if k.Scope == record.OfOrganization && f.org == 0 && !k.Shared {
		return v.showForm(f, 0, fault.Field("organization_id", "Choose the organization that this belongs to."))
	}
	var made *record.Record
	err = v.Change(access.Create, gate.Thing{Kind: k.Name, Org: f.org}, func(tx *gate.Tx) (err error) {
		made, err = v.Records.Create(tx, k.Name, f.values)
		return err
	})
	if err != nil && shell.Refusable(err) {
		return v.showForm(f, 0, err)
	}
	if err != nil {
		return err
	}
	if form.Bool("again") {
		to := shell.NewURL(k, f.org)
		if f.parent != nil {
			to = shell.ListURL(k) + "/new?" + k.ParentBy(f.parent.Kind.Name).Name + "=" + f.parent.ID.String()
		}
		return v.Done(to, "%s created. Add the next one.", made.Name)
	}
	return v.Done(v.HomeOf(made), "%s created.", made.Name)
}

func (v *visit) update(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	version := form.Int("version")
	if err := form.Err(); err != nil {
		return err
	}
	if k, err = v.variantOf(k, rid); err != nil {
		return err
	}
	values := sent(k, form)
	for name := range values { // of a conflict: these are taken as they are now
		if form.Text("keep."+name) == "theirs" {
			delete(values, name)
		}
	}
	var now *record.Record
	err = v.Change(access.Edit, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) (err error) {
		if err := v.leaveUnset(tx, k, rid, values); err != nil {
			return err
		}
		now, err = v.Records.Update(tx, k.Name, rid, version, values)
		return err
	})
	if err == nil {
		return v.Done(v.HomeOf(now), "%s saved.", now.Name)
	}
	if !shell.Refusable(err) {
		return err
	}
	f := &filling{kind: k, values: values, names: map[string]string{}}
	e := v.View(func(tx *gate.Tx) (err error) {
		if f.record, err = v.Records.Get(tx, k.Name, rid); err != nil {
			return err
		}
		f.org, f.orgName = f.record.Org, f.record.OrgName
		return v.around(tx, f, "", "")
	})
	if e != nil {
		return e
	}
	if version != 0 && f.record.Version != version {
		return v.conflict(f, version)
	}
	for i := range k.Fields {
		if x := &k.Fields[i]; f.values[x.Name] == nil && !editable(k, x) {
			f.values[x.Name] = f.record.Values[x.Name]
		}
	}
	return v.showForm(f, version, err)
}
