package records

import (
	"net/url"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// filling is a derived form on its way to a person: what is shown in it, and
// what belongs around it.
type filling struct {
	kind    *record.Kind
	record  *record.Record    // nil for a new one
	values  record.Values     // typed, or the texts that somebody sent
	org     id.ID             // of a new record, when it is known
	orgName string            //
	parent  *record.Record    // of a new record of a kind that lives within another
	names   map[string]string // of references, by field
	links   map[id.ID]record.Link
}

// copyFrom fills a new form with another record, for duplicating it.
func (v *visit) copyFrom(tx *gate.Tx, f *filling, q url.Values) error {
	from, ok := id.Parse(q.Get("from"))
	if !ok {
		return nil
	}
	r, err := v.Records.Get(tx, f.kind.Name, from)
	if err != nil {
		return err
	}
	f.values = r.Values.Clone()
	if f.kind.HasName() {
		f.values["name"] = r.Name + " (copy)"
	}
	f.names, f.links = r.Names, r.Links
	if q.Get("organization_id") == "" && r.Org != 0 {
		q.Set("organization_id", r.Org.String())
	}
	return nil
}

// around finds the organization and the parent that a new record belongs to,
// and the names of what its references name.
func (v *visit) around(tx *gate.Tx, f *filling, org, parent string) error {
	k := f.kind
	if i, ok := id.Parse(parent); ok && k.Scope == record.OfParent {
		p, err := v.Records.Get(tx, "", i)
		if err == nil && k.ParentBy(p.Kind.Name) == nil {
			err = gate.Missing()
		}
		if err != nil {
			return err
		}
		f.parent, f.org, f.orgName = p, p.Org, p.OrgName
	}
	var want []id.ID
	if i, ok := id.Parse(org); ok && k.Scope == record.OfOrganization {
		f.org = i
		want = append(want, i)
	}
	if err := v.linksOf(tx, f); err != nil {
		return err
	}
	refs := map[string]id.ID{}
	for i := range k.Fields {
		x := &k.Fields[i]
		if x.Type != record.Ref || f.names[x.Name] != "" {
			continue
		}
		if n, ok := id.Parse(shell.Plain(f.values[x.Name])); ok {
			refs[x.Name] = n
			want = append(want, n)
		}
	}
	if len(want) == 0 {
		return nil
	}
	names, err := v.Records.Names(tx, want...)
	if err != nil {
		return err
	}
	for field, n := range refs {
		f.names[field] = names[n]
	}
	if f.parent == nil {
		f.orgName = names[f.org]
	}
	if f.orgName == "" && f.parent == nil {
		f.org = 0 // none that the caller may see
	}
	return nil
}

// linksOf finds the names of what lists of references name.
func (v *visit) linksOf(tx *gate.Tx, f *filling) (err error) {
	var want []id.ID
	for i := range f.kind.Fields {
		x := &f.kind.Fields[i]
		if x.Type != record.Refs || f.links != nil {
			continue
		}
		if p, err := x.Parse(f.values[x.Name]); err == nil {
			ids, _ := p.([]id.ID)
			want = append(want, ids...)
		}
	}
	if len(want) > 0 {
		f.links, err = v.Records.Links(tx, want...)
	}
	return err
}

// draw makes the form of a kind.
func (v *visit) draw(tx *gate.Tx, f *filling, version int64) (*ui.Form, error) {
	k := f.kind
	form := &ui.Form{Action: shell.ListURL(k), Submit: "Create " + shell.Lower(k.Label), Cancel: shell.ListURL(k), Again: "Create and add another", Draft: k.Name + ":new"}
	switch {
	case f.record != nil:
		at := shell.RecordURL(k, f.record.ID)
		form.Action, form.Submit, form.Again, form.Cancel = at, "Save", "", v.HomeOf(f.record)
		form.Draft = k.Name + ":" + f.record.ID.String()
		form.Hidden = []ui.Hidden{{Name: "version", Value: shell.Plain(version)}}
	case f.parent != nil:
		form.Hidden = []ui.Hidden{{Name: k.ParentBy(f.parent.Kind.Name).Name, Value: f.parent.ID.String()}}
		form.Cancel = shell.RecordURL(f.parent.Kind, f.parent.ID)
	case f.org != 0:
		form.Hidden = []ui.Hidden{{Name: "organization_id", Value: f.org.String()}}
		form.Cancel = shell.OrgListURL(f.org, k)
	}
	if k.Variant != 0 {
		form.Hidden = append(form.Hidden, ui.Hidden{Name: k.Variants.By, Value: k.Variant.String()})
		if f.record == nil {
			form.Submit, form.Draft = "Create "+k.Label, k.Name+":"+k.Variant.String()+":new"
		}
	}
	if k.Scope == record.OfOrganization && f.org == 0 && f.record == nil {
		org := ui.Field{Name: "organization_id", Label: "Organization", Type: "ref", Required: !k.Shared, Wide: true, Source: "/refs/organization"}
		if k.Shared {
			org.Hint = "Empty: it is for all organizations."
		}
		form.Fields = append(form.Fields, org)
	}
	short, err := shell.Options(tx, f.shortRefs(v))
	if err != nil {
		return nil, err
	}
	for _, group := range groupsOf(k) {
		if group != "" && !f.sayItself(group) {
			form.Fields = append(form.Fields, ui.Field{Type: "heading", Label: group})
		}
		for i := range k.Fields {
			x := &k.Fields[i]
			if x.Group != group || !editable(k, x) {
				continue
			}
			form.Fields = append(form.Fields, f.field(v, x, short))
			if f.sealed(x) && !x.Required {
				form.Fields = append(form.Fields, f.clearing(x))
			}
			if x.Type == record.Rows { // says that no lines means none
				form.Hidden = append(form.Hidden, ui.Hidden{Name: "rows", Value: x.Name})
			}
		}
	}
	if len(form.Fields) > 0 && f.record == nil {
		form.Fields[0].Focus = true
	}
	return form, nil
}

// editable tells whether people fill a field in. Times are set by rules, but for
// moments.
func editable(k *record.Kind, x *record.Field) bool {
	return !x.ReadOnly && (x.Type != record.Time || x.Format == record.Moment) && x.Type != record.Files && !(k.Variant != 0 && x.Name == k.Variants.By) && !k.NamesParent(x.Name)
}

// groupsOf lists a kind's headings in the order of the fields, those without
// first.
func groupsOf(k *record.Kind) []string {
	out := []string{""}
	seen := map[string]bool{"": true}
	for _, f := range k.Fields {
		if !seen[f.Group] {
			seen[f.Group] = true
			out = append(out, f.Group)
		}
	}
	return out
}

// sayItself tells whether a heading has one field alone, of the same name.
func (f *filling) sayItself(group string) bool {
	n, same := 0, false
	for i := range f.kind.Fields {
		if x := &f.kind.Fields[i]; x.Group == group && editable(f.kind, x) {
			n++
			same = x.Title() == group
		}
	}
	return n == 0 || n == 1 && same
}

// shortRefs lists the kinds that references choose from in a plain list.
func (f *filling) shortRefs(v *visit) []string {
	var out []string
	for i := range f.kind.Fields {
		x := &f.kind.Fields[i]
		if k := v.Kind(x.Ref); x.Type == record.Ref && editable(f.kind, x) && k.Scope == record.OfTenant && !k.Fixed && !k.Admin {
			out = append(out, x.Ref)
		}
	}
	return out
}
