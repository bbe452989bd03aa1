package records

import (
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flag"
	"strongroom/internal/surface/webui/shell"
)

// What many records can be given at once, beside the values of fields.
const (
	putFlag  = "flag.put"
	takeFlag = "flag.take"
)

// alike tells whether many records can be given the same value of a field: what
// names or tells a record from others is no such field.
func alike(k *record.Kind, f *record.Field) bool {
	if !editable(k, f) || f.Name == "name" || f.Unique || k.Above() == f {
		return false
	}
	switch f.Type {
	case record.Text, record.Multiline, record.Integer, record.Number, record.Bool, record.Date, record.Choice, record.Ref:
		return true
	}
	return false
}

// flagged tells whether records of a kind bear flags.
func (v *visit) flagged(k *record.Kind) bool {
	return v.Kind(flag.Kind) != nil && (k.Scope == record.OfOrganization || k.Scope == record.Organization)
}

// bulkEdit asks what the selected records are to be given, then for the value,
// and gives it to each.
func (v *visit) bulkEdit(k *record.Kind, f *web.Form, l *listing, ids []id.ID, back string) error {
	what := f.Text("what")
	if f.Text("do") == "edit.apply" {
		return v.giveAll(l.kind, f, ids, what, back)
	}
	form := ui.Form{Action: shell.ListURL(k) + "/bulk", Cancel: back, Hidden: []ui.Hidden{{Name: "ids", Value: join(ids)}, {Name: "back", Value: back}}}
	if l.kind.Variant != 0 {
		form.Hidden = append(form.Hidden, ui.Hidden{Name: l.kind.Variants.By, Value: l.kind.Variant.String()})
	}
	if l.org != 0 {
		form.Hidden = append(form.Hidden, ui.Hidden{Name: "organization", Value: l.org.String()})
	}
	next, err := v.valueField(l, what)
	if err != nil {
		return err
	}
	if next == nil {
		form.Submit, form.Hidden = "Next", append(form.Hidden, ui.Hidden{Name: "do", Value: "edit"})
		form.Fields = []ui.Field{v.whatField(l.kind)}
	} else {
		form.Submit, form.Hidden = "Change "+shell.Count(int64(len(ids)), l.kind), append(form.Hidden, ui.Hidden{Name: "do", Value: "edit.apply"}, ui.Hidden{Name: "what", Value: what})
		next.Focus, next.Wide = true, true
		form.Fields = []ui.Field{*next}
		form.Note = "Each record keeps what it said before in its history."
	}
	p, err := v.Page("Change "+l.kind.Labels, append(v.Crumbs(k, 0, ""), ui.Crumb{Label: "Change"})...)
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Change " + shell.Count(int64(len(ids)), l.kind), Icon: "edit"}, Form: form}
	return v.Render("form", p)
}

// whatField chooses what is given.
func (v *visit) whatField(k *record.Kind) ui.Field {
	out := ui.Field{Name: "what", Label: "What to change", Type: "select", Required: true, Wide: true, Focus: true}
	if v.flagged(k) {
		out.Options = append(out.Options, ui.Option{Value: putFlag, Label: "Put a flag on", Group: "Flags"}, ui.Option{Value: takeFlag, Label: "Take a flag off", Group: "Flags"})
	}
	for i := range k.Fields {
		if x := &k.Fields[i]; alike(k, x) {
			out.Options = append(out.Options, ui.Option{Value: x.Name, Label: x.Title(), Group: "Fields"})
		}
	}
	return out
}

// valueField asks for the value; nil when it is not yet said of what.
func (v *visit) valueField(l *listing, what string) (*ui.Field, error) {
	if what == putFlag || what == takeFlag {
		out := &ui.Field{Name: "value", Label: "Flag", Type: "select", Required: true}
		err := v.View(func(tx *gate.Tx) error {
			list, err := flag.List(tx)
			for _, x := range list {
				out.Options = append(out.Options, ui.Option{Value: x.ID.String(), Label: x.Name})
			}
			return err
		})
		if len(out.Options) == 0 {
			out.Hint = "There are no flags yet: they are made under Settings, Flags."
		}
		return out, err
	}
	x := l.kind.Field(what)
	if x == nil || !alike(l.kind, x) {
		return nil, nil
	}
	f := &filling{kind: l.kind, values: record.Values{}, names: map[string]string{}, org: l.org}
	var short map[string][]ui.Option
	if err := v.View(func(tx *gate.Tx) (err error) { short, err = options(tx, f.shortRefs(v)); return err }); err != nil {
		return nil, err
	}
	out := f.field(v, x, short)
	if x.Type == record.Bool {
		out.Type, out.Options, out.Required = "select", []ui.Option{{Value: "1", Label: "Yes"}, {Value: "0", Label: "No"}}, true
	}
	out.Name = "value"
	if !out.Required {
		out.Hint = "Empty takes the value away from all of them."
	}
	return &out, nil
}

// giveAll gives each of some records the same value.
func (v *visit) giveAll(k *record.Kind, f *web.Form, ids []id.ID, what, back string) error {
	give := func(tx *gate.Tx, rec id.ID) error {
		_, err := v.Records.Update(tx, k.Name, rec, 0, record.Values{what: f.Text("value")})
		return err
	}
	x := k.Field(what)
	switch n, _ := id.Parse(f.Text("value")); {
	case (what == putFlag || what == takeFlag) && v.flagged(k):
		give = func(tx *gate.Tx, rec id.ID) error {
			if err := v.ofKind(tx, k, rec); err != nil {
				return err
			}
			if what == putFlag {
				return flag.Put(tx, rec, n)
			}
			return flag.Take(tx, rec, n)
		}
	case x == nil || !alike(k, x):
		return fault.New(fault.Invalid, "This cannot be changed for many at once.").WithHint("Open the list again.")
	case x.Type == record.Bool:
		give = func(tx *gate.Tx, rec id.ID) error {
			_, err := v.Records.Update(tx, k.Name, rec, 0, record.Values{what: f.Bool("value")})
			return err
		}
	}
	done, first, err := v.toEach(ids, give)
	if err != nil {
		return err
	}
	return v.bulkDone(k, deed{words: "changed"}, ids, done, first, back)
}

// ofKind sees that a record is of the kind of the list.
func (v *visit) ofKind(tx *gate.Tx, k *record.Kind, rec id.ID) error {
	_, err := tx.Allow(access.View, gate.Thing{Kind: k.Name, ID: rec})
	return err
}

// mostFlagged is how many records that bear a flag a list looks through.
const mostFlagged = 5000

// narrowByFlag leaves those in the list that bear the flag of the address.
func (l *listing) narrowByFlag(tx *gate.Tx) error {
	n, ok := id.Parse(l.q.Values.Get("flag"))
	if !ok {
		return nil
	}
	l.query.Filters = slices.DeleteFunc(l.query.Filters, func(f record.Filter) bool { return f.Field == "id" })
	list, err := flag.Bearing(tx, n, l.kind.Name, l.org, mostFlagged+1)
	if err != nil {
		return err
	}
	if len(list) > mostFlagged {
		return fault.New(fault.Invalid, "More than %s records bear this flag.", web.Number(mostFlagged)).WithHint("Look at one organization's list, or choose another flag.")
	}
	values := []any{id.ID(0)} // none
	for _, x := range list {
		values = append(values, x)
	}
	l.query.Filters = append(l.query.Filters, record.Filter{Field: "id", Op: record.Eq, Values: values})
	return nil
}

// flagChoice is the select of flags above a list; nil when there are none.
func (l *listing) flagChoice() *ui.Field {
	if len(l.choices[flag.Kind]) == 0 {
		return nil
	}
	out := &ui.Field{Name: "flag", Label: "Flag", Options: []ui.Option{{Label: "Flag: any"}}}
	for _, o := range l.choices[flag.Kind] {
		o.Selected = o.Value == l.q.Values.Get("flag")
		out.Options = append(out.Options, o)
	}
	return out
}
