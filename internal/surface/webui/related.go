package webui

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
	"strongroom/internal/core/search"
	"strongroom/internal/feature/relation"
)

// Related items of a record are at /related/RECORD: the list, a form to add one
// and, for each that somebody made, its note and its removal.
func (s *Server) mountRelated() {
	s.get("/related/{id}", (*visit).related)
	s.post("/related/{id}", (*visit).relate)
	s.post("/related/{id}/{relation}/notes", (*visit).relationNotes)
	s.post("/related/{id}/{relation}/remove", (*visit).unrelate)
	s.get("/refs/any", (*visit).anyRefs)
}

func relatedURL(r *record.Record) string { return "/related/" + r.ID.String() }

// relatedSection is the part of a record's rail that lists what belongs to it.
func (v *visit) relatedSection(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	list, err := v.Relations.List(tx, r.ID)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Related items"}
	if v.may(access.Edit, r.Kind) {
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
	if k := v.Records.Kinds.Kind(x.Kind); k != nil {
		it.Href, it.Icon = recordURL(k, x.Record), k.Icon
		if it.Sub == "" {
			it.Sub = x.Reason
		}
		if it.Sub == "" {
			it.Sub = k.Label
		}
	}
	return it
}

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
	Save   string
	Remove ui.Action
}

func (v *visit) related() error { return v.relatedPage(nil, nil) }

// relatedPage shows the list; form and err are of an item that was refused.
func (v *visit) relatedPage(form *web.Form, refused error) error {
	rid, err := v.id("id")
	if err != nil {
		return err
	}
	var rec *record.Record
	view := &relatedView{}
	err = v.view(func(tx *gate.Tx) error {
		if rec, err = v.Records.Get(tx, "", rid); err != nil {
			return err
		}
		list, err := v.Relations.List(tx, rid)
		if err != nil {
			return err
		}
		view.Edit = v.may(access.Edit, rec.Kind)
		for _, x := range list {
			it := v.relatedItem(x)
			if x.ID == 0 {
				view.Derived = append(view.Derived, it)
				continue
			}
			base := relatedURL(rec) + "/" + x.ID.String()
			it.Sub = ""
			view.Made = append(view.Made, relatedLine{Item: it, Where: v.where(x.Kind, x.OrgName, rec.OrgName), Notes: x.Notes, Save: base + "/notes",
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
	view.Head = ui.Head{Title: "Related items", Icon: "link", Sub: []ui.Cell{{Text: rec.Name, Href: recordURL(rec.Kind, rec.ID)}}}
	p, err := v.page("Related items of "+rec.Name, append(v.crumbsOf(rec), ui.Crumb{Label: "Related items"})...)
	if err != nil {
		return err
	}
	p.Data = view
	return v.pages.RenderStatus(v.w, v.r, web.Status(refused), "related", p)
}

// where says what something is, and whose when it is not the record's own
// organization's.
func (v *visit) where(kind, org, own string) string {
	var parts []string
	if k := v.Records.Kinds.Kind(kind); k != nil {
		parts = append(parts, k.Label)
	}
	if org != "" && org != own {
		parts = append(parts, org)
	}
	return strings.Join(parts, " · ")
}

func (v *visit) relateForm(tx *gate.Tx, rec *record.Record, form *web.Form, refused error) (*ui.Form, error) {
	f := &ui.Form{ID: "relate", Action: relatedURL(rec), Submit: "Add", Fields: []ui.Field{
		{Name: "item", Label: "Item", Type: "ref", Source: "/refs/any", Required: true, Hint: "Any record that you can see, of any organization."},
		{Name: "notes", Label: "Note", Type: "text", Most: relation.MaxNotes, Hint: "Why they belong together, if it is not clear."},
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
	f.Fields[1].Value = form.Text("notes")
	say := fault.Say(refused)
	f.Wrong(say.Text, say.Hint, say.Fields)
	return f, nil
}

func (v *visit) relate() error {
	rid, err := v.id("id")
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.r)
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
	err = v.change(access.Edit, gate.Thing{ID: rid}, func(tx *gate.Tx) error {
		it, err = v.Relations.Add(tx, rid, other, form.Text("notes"))
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
	return v.done("/related/"+rid.String(), "%s added.", it.Name)
}

// relation reads the two ids of an address.
func (v *visit) relation() (rec, rel id.ID, err error) {
	if rec, err = v.id("id"); err != nil {
		return 0, 0, err
	}
	rel, err = v.id("relation")
	return rec, rel, err
}

func (v *visit) relationNotes() error {
	rec, rel, err := v.relation()
	if err != nil {
		return err
	}
	form, err := web.ParseForm(v.r)
	if err != nil {
		return err
	}
	err = v.change(access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error {
		_, err := v.Relations.SetNotes(tx, rec, rel, form.Text("notes"))
		return err
	})
	if err != nil {
		return err
	}
	return v.done("/related/"+rec.String(), "Note saved.")
}

func (v *visit) unrelate() error {
	rec, rel, err := v.relation()
	if err != nil {
		return err
	}
	var it *relation.Item
	err = v.change(access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error {
		if it, err = v.Relations.Get(tx, rec, rel); err != nil {
			return err
		}
		return v.Relations.Remove(tx, rec, rel)
	})
	if err != nil {
		return err
	}
	web.SetFlash(v.w, v.r, web.Flash{Tone: "ok", Text: it.Name + " removed.", Undo: &web.Undo{Label: "Undo", Action: "/related/" + rec.String(),
		Fields: map[string]string{"item": it.Record.String(), "notes": it.Notes}}})
	return web.SeeOther(v.w, v.r, "/related/"+rec.String())
}

type refItem struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Sub   string `json:"sub,omitempty"`
	Icon  string `json:"icon,omitempty"`
}

// anyRefs answers a combobox that looks for a record of any kind.
func (v *visit) anyRefs() error {
	items := []refItem{}
	q := v.r.URL.Query().Get("q")
	err := v.view(func(tx *gate.Tx) error {
		if strings.TrimSpace(q) == "" {
			return nil
		}
		hits, err := search.Find(tx, q, search.Options{Limit: 20})
		for _, h := range hits {
			it := refItem{ID: h.ID.String(), Label: h.Name, Sub: v.where(h.Kind, h.OrgName, "")}
			if k := v.Records.Kinds.Kind(h.Kind); k != nil {
				it.Icon = k.Icon
			}
			items = append(items, it)
		}
		return err
	})
	if err != nil {
		return err
	}
	return web.JSON(v.w, 200, map[string]any{"items": items})
}

// crumbsOf is the way to a record, the record's own page included.
func (v *visit) crumbsOf(r *record.Record) []ui.Crumb {
	var out []ui.Crumb
	if r.Org != 0 && r.Kind.Scope != record.Organization {
		if org := v.Records.Kinds.Kind("organization"); org != nil {
			out = append(out, ui.Crumb{Label: org.Labels, Href: listURL(org)}, ui.Crumb{Label: r.OrgName, Href: recordURL(org, r.Org)},
				ui.Crumb{Label: r.Kind.Labels, Href: orgListURL(r.Org, r.Kind)})
		}
	} else {
		out = append(out, ui.Crumb{Label: r.Kind.Labels, Href: listURL(r.Kind)})
	}
	return append(out, ui.Crumb{Label: r.Name, Href: recordURL(r.Kind, r.ID)})
}
