package records

import (
	"net/url"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
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

func (v *visit) newRecord(k *record.Kind) error {
	if own := v.OwnOf(k.Name).New; own != nil {
		return own(v.Visit)
	}
	q := v.R.URL.Query()
	k, err := v.variant(k, q)
	if err != nil {
		return err
	}
	if k.Variants != nil && k.Variant == 0 {
		if from, ok := id.Parse(q.Get("from")); ok {
			err := v.View(func(tx *gate.Tx) error {
				r, err := v.Records.Get(tx, k.Name, from)
				if err == nil {
					k = r.Kind
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	if k.Variants != nil && k.Variant == 0 {
		return v.chooseVariant(k)
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
		return v.around(tx, f, q.Get("organization_id"), q.Get(k.Parent))
	})
	if err != nil {
		return err
	}
	return v.showForm(f, 0, nil)
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
		p, err := v.Records.Get(tx, k.Field(k.Parent).Ref, i)
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
	d := shell.FormPage{Head: ui.Head{Title: newLabel(f.kind), Icon: f.kind.Icon}}
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
		form.Hidden = []ui.Hidden{{Name: k.Parent, Value: f.parent.ID.String()}}
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
		form.Fields = append(form.Fields, ui.Field{Name: "organization_id", Label: "Organization", Type: "ref", Required: true, Wide: true, Source: "/refs/organization"})
	}
	short, err := options(tx, f.shortRefs(v))
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

// editable tells whether people fill a field in. Times are set by rules.
func editable(k *record.Kind, x *record.Field) bool {
	return !x.ReadOnly && x.Type != record.Time && x.Type != record.Files && !(k.Variant != 0 && x.Name == k.Variants.By) && !(k.Scope == record.OfParent && x.Name == k.Parent)
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

// field draws one field of the form.
func (f *filling) field(v *visit, x *record.Field, short map[string][]ui.Option) ui.Field {
	val := f.values[x.Name]
	out := ui.Field{Name: x.Name, Label: x.Title(), Hint: x.Hint, Required: x.Required, Value: shell.Plain(val), Most: 0}
	switch x.Type {
	case record.Text:
		out.Type = "text"
		switch x.Format {
		case record.Email:
			out.Type = "email"
		case record.Phone:
			out.Type = "tel"
		}
		out.Wide = x.Name == "name"
	case record.Multiline:
		out.Type, out.Wide = "textarea", true
	case record.HTML:
		out.Type = "html"
	case record.Integer:
		out.Type, out.Step = "number", "1"
	case record.Number:
		out.Type, out.Step = "number", "any"
	case record.Bool:
		out.Type = "checkbox"
		out.Checked = val == true || val == "1"
	case record.Date:
		out.Type = "date"
	case record.Choice:
		out.Type = "select"
		for _, c := range x.Choices {
			out.Options = append(out.Options, ui.Option{Value: c, Label: shell.Capital(c), Selected: c == out.Value})
		}
	case record.Ref:
		f.refField(v, x, &out, short[x.Ref])
	case record.Refs:
		f.refsField(v, x, &out)
	case record.Secret:
		f.secretField(x, &out)
	case record.Rows:
		return rowsField(x, out, val)
	}
	return out
}

func (f *filling) secretField(x *record.Field, out *ui.Field) {
	out.Type, out.Value = "secret", ""
	if x.Format != record.Otpauth {
		out.Generate = "/generate"
	}
	if f.record != nil {
		out.Holder = "Leave empty to keep the present one"
		out.Required = false
	}
}

// refField is a list where the kind is a short one, and a search otherwise.
func (f *filling) refField(v *visit, x *record.Field, out *ui.Field, list []ui.Option) {
	k := v.Kind(x.Ref)
	out.Type = "ref"
	if len(list) > 0 && len(list) <= mostOptions || k.Scope == record.OfTenant && !k.Fixed && !k.Admin && len(list) == 0 {
		out.Type = "select"
		known := out.Value == ""
		for _, o := range list {
			o.Selected = o.Value == out.Value
			known = known || o.Selected
			out.Options = append(out.Options, o)
		}
		if !known && f.names[x.Name] != "" { // archived meanwhile: it stays until somebody chooses another
			out.Options = append(out.Options, ui.Option{Value: out.Value, Label: f.names[x.Name], Selected: true})
		}
		return
	}
	out.Source = "/refs/" + k.Name
	if f.org != 0 && k.Scope != record.OfTenant && k.Scope != record.Organization {
		out.Source += "?organization_id=" + f.org.String()
	}
	if out.Value != "" && f.names[x.Name] != "" {
		out.Chosen = []ui.Option{{Value: out.Value, Label: f.names[x.Name], Icon: k.Icon}}
	}
}

// refsField is a search that takes several records.
func (f *filling) refsField(v *visit, x *record.Field, out *ui.Field) {
	out.Type, out.Multiple, out.Wide, out.Source = "ref", true, true, "/refs/any"
	q := url.Values{}
	if k := v.Kind(x.Ref); k != nil {
		out.Source = "/refs/" + k.Name
		if f.org != 0 && k.Scope != record.OfTenant && k.Scope != record.Organization {
			q.Set("organization_id", f.org.String())
		}
		if x.RefVariant != 0 {
			q.Set(k.Variants.By, x.RefVariant.String())
		}
	}
	if len(q) > 0 {
		out.Source += "?" + q.Encode()
	}
	ids, _ := f.values[x.Name].([]id.ID)
	if s, ok := f.values[x.Name].(string); ok { // as somebody sent it
		if p, err := x.Parse(s); err == nil {
			ids, _ = p.([]id.ID)
		}
	}
	for _, n := range ids {
		l, ok := f.links[n]
		o := ui.Option{Value: n.String(), Label: l.Name}
		if !ok {
			o.Label = n.String()
		}
		if k := v.Kind(l.Kind); k != nil {
			o.Icon = k.Icon
		}
		out.Chosen = append(out.Chosen, o)
	}
}

// Rows: columns that do not make an otherwise empty line count end so.
func rowColumn(c *record.Field) string {
	switch c.Type {
	case record.Bool:
		return c.Name + "_tick"
	case record.Choice:
		return c.Name + "_kind"
	}
	return c.Name
}

func rowsField(x *record.Field, out ui.Field, val any) ui.Field {
	var columns []ui.Field
	for i := range x.Rows {
		c := &x.Rows[i]
		if c.ReadOnly {
			continue
		}
		col := ui.Field{Name: rowColumn(c), Label: c.Title(), Type: "text"}
		switch c.Type {
		case record.Bool:
			col.Type = "checkbox"
		case record.Choice:
			col.Type = "select"
			for _, o := range c.Choices {
				col.Options = append(col.Options, ui.Option{Value: o, Label: shell.Capital(o)})
			}
		}
		columns = append(columns, col)
	}
	var lines []map[string]string
	list, _ := val.([]map[string]any)
	for _, row := range list {
		line := map[string]string{}
		for i := range x.Rows {
			c := &x.Rows[i]
			line[rowColumn(c)] = shell.Plain(row[c.Name])
			if written := shell.Plain(row["formatted_"+c.Name]); written != "" { // as people read it; the rule keeps both
				line[rowColumn(c)] = written
			}
			if c.Type == record.Bool {
				line[rowColumn(c)] = ""
				if on := row[c.Name]; on == true || on == "1" {
					line[rowColumn(c)] = "1"
				}
			}
		}
		lines = append(lines, line)
	}
	out.Value = ""
	return ui.RowsField(out, columns, lines, 1)
}

// sent reads what a form sent: as it was typed, for the engine to check, and to
// show again when it is refused.
func sent(k *record.Kind, f *web.Form) record.Values {
	out := record.Values{}
	for i := range k.Fields {
		x := &k.Fields[i]
		if x.ReadOnly || x.Type == record.Files || x.Type == record.Time && !f.Has(x.Name) {
			continue
		}
		switch {
		case x.Type == record.Rows:
			if lines := f.Rows(x.Name); len(lines) > 0 || slices.Contains(f.All("rows"), x.Name) {
				out[x.Name] = sentRows(x, lines)
			}
		case !f.Has(x.Name):
		case x.Type == record.Secret:
			if s := f.Raw(x.Name); s != "" {
				out[x.Name] = s
			}
		case x.Type == record.Bool:
			out[x.Name] = f.Bool(x.Name)
		default:
			out[x.Name] = f.Text(x.Name)
		}
	}
	if k.Scope == record.OfOrganization && f.Has("organization_id") {
		out["organization_id"] = f.Text("organization_id")
	}
	return out
}

func sentRows(x *record.Field, lines []map[string]string) []map[string]any {
	out := []map[string]any{}
	for _, line := range lines {
		row := map[string]any{}
		for i := range x.Rows {
			c := &x.Rows[i]
			s, ok := line[rowColumn(c)]
			if !ok || c.ReadOnly {
				continue
			}
			row[c.Name] = s
			if c.Type == record.Bool {
				row[c.Name] = s != "" && s != "0"
			}
		}
		out = append(out, row)
	}
	return out
}

// leaveUnset drops ticks that are not set where nothing was said before: an
// empty box does not tell no from unknown.
func (v *visit) leaveUnset(tx *gate.Tx, k *record.Kind, rid id.ID, values record.Values) error {
	var old *record.Record
	for _, f := range k.Fields {
		if f.Type != record.Bool || f.Default != nil || values[f.Name] != false {
			continue
		}
		if old == nil {
			var err error
			if old, err = v.Records.Get(tx, k.Name, rid); err != nil {
				return err
			}
		}
		if old.Values[f.Name] == nil {
			delete(values, f.Name)
		}
	}
	return nil
}

func (v *visit) create(k *record.Kind) error {
	if own := v.OwnOf(k.Name).Create; own != nil {
		return own(v.Visit)
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if k.Variants != nil {
		if k, err = v.variant(k, url.Values{k.Variants.By: {form.Text(k.Variants.By)}}); err != nil {
			return err
		}
	}
	f := &filling{kind: k, values: sent(k, form), names: map[string]string{}}
	err = v.View(func(tx *gate.Tx) error { return v.around(tx, f, form.Text("organization_id"), form.Text(k.Parent)) })
	if err != nil {
		return err
	}
	if k.Scope == record.OfOrganization && f.org == 0 {
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
		to := newURL(k, f.org)
		if f.parent != nil {
			to = shell.ListURL(k) + "/new?" + k.Parent + "=" + f.parent.ID.String()
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
	if k.Variants != nil {
		err := v.View(func(tx *gate.Tx) error {
			r, err := v.Records.Get(tx, k.Name, rid)
			if err == nil {
				k = r.Kind
			}
			return err
		})
		if err != nil {
			return err
		}
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
