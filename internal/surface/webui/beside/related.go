package beside

import (
	"cmp"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
	"strongroom/internal/surface/webui/shell"
)

func relatedURL(r *record.Record) string { return "/related/" + r.ID.String() }

// relatedSection is the part of a record's rail that lists what belongs to it.
func (v *visit) relatedSection(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Scope == record.OfTenant { // everything refers to it
		return nil, nil
	}
	list, err := v.Relations.List(tx, r.ID)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Related items"}
	if len(list) > 0 && r.Kind.Scope == record.OfOrganization {
		s.Also = &ui.NavItem{Label: "Map", Href: "/map/" + r.ID.String()}
	}
	if v.May(access.Edit, r.Kind) {
		s.More = &ui.NavItem{Label: "Change", Href: relatedURL(r)}
		if len(list) == 0 {
			s.More.Label = "Add"
		}
	}
	const most = 12
	for i, x := range list {
		if i == most {
			s.More = &ui.NavItem{Label: "All " + strconv.Itoa(len(list)), Href: relatedURL(r)}
			break
		}
		s.Items = append(s.Items, v.relatedItem(x))
	}
	if len(list) == 0 {
		s.Empty = "Nothing yet."
	}
	return s, nil
}

// relatedItem is a line of the rail: the name, and why it is there.
func (v *visit) relatedItem(x *relation.Item) ui.Item {
	it := ui.Item{Title: x.Name, Sub: x.Notes}
	if x.Depends != record.Independent {
		it.Sub = upper(string(x.Depends))
		if x.Notes != "" {
			it.Sub += ": " + x.Notes
		}
	}
	if k := v.Records.Kinds.Kind(x.Kind); k != nil {
		it.Href, it.Icon = shell.RecordURL(k, x.Record), k.Icon
		if it.Sub == "" {
			it.Sub = x.Reason
		}
		if it.Sub == "" {
			it.Sub = k.Label
		}
	}
	return it
}

// upper gives a text a capital at its beginning.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

type relatedView struct {
	Head    ui.Head
	Made    []relatedLine
	Derived []ui.Item
	Form    *ui.Form
	Edit    bool
}

type relatedLine struct {
	ui.Item
	Where  string
	Notes  string
	Needs  []ui.Option
	Save   string
	Remove ui.Action
}

func (v *visit) related() error { return v.relatedPage(nil, nil) }

// relatedPage shows the list; form and err are of an item that was refused.
func (v *visit) relatedPage(form *web.Form, refused error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var rec *record.Record
	view := &relatedView{}
	err = v.View(func(tx *gate.Tx) error {
		if rec, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		list, err := v.Relations.List(tx, rid)
		if err != nil {
			return err
		}
		view.Edit = v.May(access.Edit, rec.Kind)
		for _, x := range list {
			it := v.relatedItem(x)
			if x.ID == 0 {
				view.Derived = append(view.Derived, it)
				continue
			}
			base := relatedURL(rec) + "/" + x.ID.String()
			view.Made = append(view.Made, relatedLine{Item: it, Where: v.Where(x.Kind, x.OrgName, rec.OrgName), Notes: x.Notes, Needs: dependences(x.Depends), Save: base + "/notes",
				Remove: ui.Action{Label: "Remove", Icon: "x", Href: base + "/remove", Post: true, Quiet: true}})
		}
		if view.Edit {
			view.Form, err = v.relateForm(tx, rec, form, refused)
		}
		return err
	})
	if err != nil {
		return err
	}
	view.Head = ui.Head{Title: "Related items", Icon: "link", Actions: []ui.Action{{Label: "Map", Icon: "topology-star", Href: "/map/" + rec.ID.String()}}, Sub: []ui.Cell{{Text: rec.Name, Href: shell.RecordURL(rec.Kind, rec.ID)}}}
	p, err := v.Page("Related items of "+rec.Name, append(v.CrumbsOf(rec), ui.Crumb{Label: "Related items"})...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "related", p)
}

func (v *visit) relateForm(tx *gate.Tx, rec *record.Record, form *web.Form, refused error) (*ui.Form, error) {
	f := &ui.Form{ID: "relate", Action: relatedURL(rec), Submit: "Add", Fields: []ui.Field{
		{Name: "item", Label: "Item", Type: "ref", Source: "/refs/any", Required: true, Hint: "Any record that you can see, of any organization."},
		{Name: "dependence", Label: "How", Type: "select", Required: true, Options: dependences(record.Independent), Value: "related",
			Hint: "What depends on something fails with it: the map says what breaks."},
		{Name: "notes", Label: "Note", Type: "text", Wide: true, Most: relation.MaxNotes, Hint: "Why they belong together, if it is not clear."},
	}}
	if form == nil {
		return f, nil
	}
	if other, ok := id.Parse(form.Text("item")); ok {
		names, err := v.Records.Names(tx, other)
		if err != nil {
			return nil, err
		}
		if n, ok := names[other]; ok {
			f.Fields[0].Chosen = []ui.Option{{Value: other.String(), Label: n}}
		}
	}
	f.Fields[1].Options = dependences(dependence(form))
	f.Fields[2].Value = form.Text("notes")
	say := fault.Say(refused)
	f.Wrong(say.Text, say.Hint, say.Fields)
	return f, nil
}

// related is the word of a form for a relation without a dependence.
const related = "related"

// dependences are the ways in which a record and another are related.
func dependences(now record.Dependence) []ui.Option {
	var out []ui.Option
	for _, o := range []ui.Option{{Value: related, Label: "Belongs with it"}, {Value: string(record.DependsOn), Label: "Depends on it"}, {Value: string(record.UsedBy), Label: "Is used by it"}} {
		o.Selected = o.Value == string(now) || now == record.Independent && o.Value == related
		out = append(out, o)
	}
	return out
}

// dependence reads the choice among them; what is not there is no dependence.
func dependence(form *web.Form) record.Dependence {
	if s := form.Text("dependence"); s != related {
		return record.Dependence(s)
	}
	return record.Independent
}

func (v *visit) relate() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	form.Require("item")
	other, ok := id.Parse(form.Text("item"))
	if form.Text("item") != "" && !ok {
		form.Wrong("item", "Choose a record from the list.")
	}
	if err := form.Err(); err != nil {
		return v.relatedPage(form, err)
	}
	var it *relation.Item
	err = v.Change(access.Edit, gate.Thing{ID: rid}, func(tx *gate.Tx) error {
		it, err = v.Relations.Add(tx, rid, other, form.Text("notes"))
		if err == nil && form.Has("dependence") {
			it, err = v.Relations.SetDepends(tx, rid, it.ID, dependence(form))
		}
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return v.relatedPage(form, fault.Field("item", "There is no such record."))
	case fault.Is(err, fault.Invalid):
		return v.relatedPage(form, err)
	case err != nil:
		return err
	}
	return v.Done("/related/"+rid.String(), "%s added.", it.Name)
}

// relation reads the two ids of an address.
func (v *visit) relation() (rec, rel id.ID, err error) {
	if rec, err = v.ID("id"); err != nil {
		return 0, 0, err
	}
	rel, err = v.ID("relation")
	return rec, rel, err
}

func (v *visit) relationNotes() error {
	rec, rel, err := v.relation()
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	err = v.Change(access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error {
		_, err := v.Relations.SetNotes(tx, rec, rel, form.Text("notes"))
		if err == nil && form.Has("dependence") {
			_, err = v.Relations.SetDepends(tx, rec, rel, dependence(form))
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Done("/related/"+rec.String(), "Saved.")
}

func (v *visit) unrelate() error {
	rec, rel, err := v.relation()
	if err != nil {
		return err
	}
	var it *relation.Item
	err = v.Change(access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error {
		if it, err = v.Relations.Get(tx, rec, rel); err != nil {
			return err
		}
		return v.Relations.Remove(tx, rec, rel)
	})
	if err != nil {
		return err
	}
	web.SetFlash(v.W, v.R, web.Flash{Tone: "ok", Text: it.Name + " removed.", Undo: &web.Undo{Label: "Undo", Action: "/related/" + rec.String(),
		Fields: map[string]string{"item": it.Record.String(), "notes": it.Notes, "dependence": cmp.Or(string(it.Depends), related)}}})
	return web.SeeOther(v.W, v.R, "/related/"+rec.String())
}
