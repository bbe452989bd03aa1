package records

import (
	"strongroom/internal/base/fault"
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

// applied is the step that changes records, once it was asked what to change.
const applied = "apply"

// changeable tells whether many records of a kind can be given values at once.
func (v *visit) changeable(k *record.Kind) bool { return v.May(access.Edit, k) && !k.Admin }

// bulkEdit asks what the selected records are to be given, then for the value,
// and gives it to each.
func (v *visit) bulkEdit(s *shell.Selected) error {
	k, what := s.Shape, s.Form.Text("what")
	if s.Step() == applied {
		return v.giveAll(s, what)
	}
	form := ui.Form{Action: shell.ListURL(s.Kind) + "/bulk", Cancel: s.Back, Hidden: []ui.Hidden{{Name: "ids", Value: join(s.IDs)}, {Name: "back", Value: s.Back}}}
	if k.Variant != 0 {
		form.Hidden = append(form.Hidden, ui.Hidden{Name: k.Variants.By, Value: k.Variant.String()})
	}
	if s.Org != 0 {
		form.Hidden = append(form.Hidden, ui.Hidden{Name: "organization", Value: s.Org.String()})
	}
	next, err := v.valueField(k, s.Org, what)
	if err != nil {
		return err
	}
	if next == nil {
		form.Submit, form.Hidden = "Next", append(form.Hidden, ui.Hidden{Name: "do", Value: "edit"})
		form.Fields = []ui.Field{v.whatField(k)}
	} else {
		form.Submit, form.Hidden = "Change "+shell.Count(int64(len(s.IDs)), k), append(form.Hidden, ui.Hidden{Name: "do", Value: "edit.apply"}, ui.Hidden{Name: "what", Value: what})
		next.Focus, next.Wide = true, true
		form.Fields = []ui.Field{*next}
		form.Note = "Each record keeps what it said before in its history."
	}
	p, err := v.Page("Change "+k.Labels, append(v.Crumbs(s.Kind, 0, ""), ui.Crumb{Label: "Change"})...)
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Change " + shell.Count(int64(len(s.IDs)), k), Icon: "edit"}, Form: form}
	return v.Render("form", p)
}

// whatField chooses what is given.
func (v *visit) whatField(k *record.Kind) ui.Field {
	out := ui.Field{Name: "what", Label: "What to change", Type: "select", Required: true, Wide: true, Focus: true}
	if flag.Borne(v.Records.Kinds, k) {
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
func (v *visit) valueField(k *record.Kind, org id.ID, what string) (*ui.Field, error) {
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
	x := k.Field(what)
	if x == nil || !alike(k, x) {
		return nil, nil
	}
	f := &filling{kind: k, values: record.Values{}, names: map[string]string{}, org: org}
	var short map[string][]ui.Option
	if err := v.View(func(tx *gate.Tx) (err error) { short, err = shell.Options(tx, f.shortRefs(v)); return err }); err != nil {
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
func (v *visit) giveAll(s *shell.Selected, what string) error {
	k, f := s.Shape, s.Form
	give := func(tx *gate.Tx, rec id.ID) error {
		_, err := v.Records.Update(tx, k.Name, rec, 0, record.Values{what: f.Text("value")})
		return err
	}
	x := k.Field(what)
	switch n, _ := id.Parse(f.Text("value")); {
	case (what == putFlag || what == takeFlag) && flag.Borne(v.Records.Kinds, k):
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
	done, first, err := v.toEach(s.IDs, give)
	if err != nil {
		return err
	}
	return v.bulkDone(s, deed{words: "changed"}, done, first)
}

// ofKind sees that a record is of the kind of the list.
func (v *visit) ofKind(tx *gate.Tx, k *record.Kind, rec id.ID) error {
	_, err := tx.Allow(access.View, gate.Thing{Kind: k.Name, ID: rec})
	return err
}
