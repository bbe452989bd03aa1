package records

import (
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// moveForm asks to which organization a record goes, and says what it gives up;
// form and refused are of a move that was refused.
func (v *visit) moveForm(k *record.Kind, form *web.Form, refused error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	if !v.May(access.Edit, k) {
		return fault.New(fault.Denied, "Your role may not change this.").WithHint("Ask an administrator for another role.")
	}
	var r *record.Record
	var over crossing
	to := ui.Field{Name: "to", Label: "To which organization", Type: "ref", Source: "/refs/organization", Required: true, Wide: true, Focus: true,
		Hint: "Who may see that organization sees it from then on; who may see this one alone no longer does."}
	err = v.View(func(tx *gate.Tx) error {
		if r, err = v.Records.Get(tx, k.Name, rid); err != nil {
			return err
		}
		if over, err = v.crossings(tx, r); err != nil || form == nil {
			return err
		}
		other, ok := id.Parse(form.Text("to"))
		names, err := v.Records.Names(tx, other)
		if ok && names[other] != "" {
			to.Chosen = []ui.Option{{Value: other.String(), Label: names[other]}}
		}
		return err
	})
	if err != nil {
		return err
	}
	at := shell.RecordURL(k, rid)
	f := ui.Form{Action: at + "/move", Submit: "Move", Cancel: at, Fields: []ui.Field{to}, Hidden: []ui.Hidden{{Name: "version", Value: strconv.FormatInt(r.Version, 10)}},
		Note: "Files, history and what lives within it go along."}
	if _, lost := v.lost(r); len(lost) > 0 {
		f.Fields = append(f.Fields, ui.Field{Type: "note", Text: "These stay behind, because they belong to " + r.OrgName + ": " + strings.Join(lost, ", ") + "."})
	}
	f.Fields = append(f.Fields, over.fields()...)
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Move "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Move"})...)
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Move " + r.Name, Icon: "transfer", Sub: []ui.Cell{{Text: r.OrgName, Href: shell.RecordURL(v.Kind("organization"), r.Org)}}}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

// staying lists the references of a record that point to what belongs to its
// organization.
func (v *visit) staying(r *record.Record) []*record.Field {
	var out []*record.Field
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if f.Type == record.Ref && r.Values.ID(f.Name) != 0 && !f.ReadOnly && v.Kind(f.Ref).Scope != record.OfTenant && v.Kind(f.Ref).Scope != record.Organization {
			out = append(out, f)
		}
	}
	return out
}

// lost says in words what a record gives up when it is moved, and names the
// fields.
func (v *visit) lost(r *record.Record) (fields, words []string) {
	for _, f := range v.staying(r) {
		fields, words = append(fields, f.Name), append(words, shell.Lower(f.Title())+" "+r.Names[f.Name])
	}
	if stays := v.OwnOf(r.Kind.Name).Stays; stays != nil {
		if more, say := stays(r); len(more) > 0 {
			fields, words = append(fields, more...), append(words, say)
		}
	}
	return fields, words
}

// move puts a record into another organization. The gate decides on the change,
// and on whether the caller sees where it goes.
func (v *visit) move(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	to, ok := id.Parse(form.Text("to"))
	if !ok {
		form.Wrong("to", "Choose the organization that it goes to.")
	}
	version := form.Int("version")
	if err := form.Err(); err != nil {
		return v.moveForm(k, form, err)
	}
	var now *record.Record
	err = v.Change(access.Edit, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) (err error) {
		now, err = v.moveOne(tx, k, rid, to, version, form.Bool("drop"))
		return err
	})
	switch {
	case err != nil && shell.Refusable(err):
		return v.moveForm(k, form, err)
	case err != nil:
		return err
	}
	return v.Done(shell.RecordURL(k, rid), "%s is moved.", now.Name)
}

// moveOne puts one record into another organization; version as for record.Engine.Update.
func (v *visit) moveOne(tx *gate.Tx, k *record.Kind, rid, to id.ID, version int64, drop bool) (*record.Record, error) {
	r, err := v.Records.Get(tx, k.Name, rid)
	if err != nil {
		return nil, err
	}
	if r.Org == to {
		return nil, fault.Field("to", "It is there already.")
	}
	over, err := v.crossings(tx, r)
	if err != nil {
		return nil, err
	}
	values, err := v.drop(tx, r, over, drop)
	if err != nil {
		return nil, err
	}
	values["organization_id"] = to
	fields, _ := v.lost(r)
	for _, name := range fields {
		values[name] = nil
	}
	now, err := v.Records.Update(tx, k.Name, rid, version, values)
	if fault.Is(err, fault.NotFound) { // the record was there before
		err = fault.Field("to", "There is no such organization.")
	}
	return now, err
}
