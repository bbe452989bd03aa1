package webui

import (
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/favourite"
)

// mountRecords mounts the derived pages of every kind. Kinds that only
// administrators change (users and groups) have pages of their own: people.go.
func (s *Server) mountRecords() {
	for _, k := range s.Records.Kinds.Kinds() {
		if !k.Admin {
			s.mountKind(k)
		}
	}
	s.get("/new", (*visit).chooseNew)
	s.get("/refs/{kind}", (*visit).refs)
	s.post("/generate", (*visit).generate)
	s.get("/trash", (*visit).trash)
}

func (s *Server) mountKind(k *record.Kind) {
	with := func(h func(*visit, *record.Kind) error) func(*visit) error {
		return func(v *visit) error { return h(v, k) }
	}
	at := "/" + k.Plural
	s.get(at, with(func(v *visit, k *record.Kind) error { return v.list(k, 0) }))
	s.get(at+"/export", with(func(v *visit, k *record.Kind) error { return v.export(k, 0) }))
	s.post(at+"/columns", with((*visit).setColumns))
	s.get(at+"/{id}", with((*visit).detail))
	s.post(at+"/{id}/star", with((*visit).star))
	s.get(at+"/{id}/history", with((*visit).history))
	if k.Scope == record.OfOrganization {
		s.get("/organizations/{id}/"+k.Plural, with(func(v *visit, k *record.Kind) error { return v.inOrg(k, (*visit).list) }))
		s.get("/organizations/{id}/"+k.Plural+"/export", with(func(v *visit, k *record.Kind) error { return v.inOrg(k, (*visit).export) }))
	}
	if k.Fixed {
		return
	}
	s.post(at+"/bulk", with((*visit).bulk))
	s.get(at+"/new", with((*visit).newRecord))
	s.post(at, with((*visit).create))
	s.get(at+"/{id}/edit", with((*visit).edit))
	s.post(at+"/{id}", with((*visit).update))
	s.post(at+"/{id}/archive", with((*visit).archive))
	s.post(at+"/{id}/delete", with((*visit).trashOne))
	s.post(at+"/{id}/undelete", with((*visit).untrash))
	s.post(at+"/{id}/history/{version}", with((*visit).restoreVersion))
}

func (v *visit) inOrg(k *record.Kind, h func(*visit, *record.Kind, id.ID) error) error {
	org, err := v.id("id")
	if err != nil {
		return err
	}
	return h(v, k, org)
}

// kind finds a declared kind by its name.
func (v *visit) kind(name string) *record.Kind { return v.Records.Kinds.Kind(name) }

// crumbs is the way to a list or record.
func (v *visit) crumbs(k *record.Kind, org id.ID, orgName string, last ...ui.Crumb) []ui.Crumb {
	if k.Name == "organization" {
		return append([]ui.Crumb{{Label: k.Labels, Href: listURL(k)}}, last...)
	}
	if org == 0 || orgName == "" {
		return append([]ui.Crumb{{Label: k.Labels, Href: listURL(k)}}, last...)
	}
	o := v.kind("organization")
	return append([]ui.Crumb{{Label: o.Labels, Href: listURL(o)}, {Label: orgName, Href: recordURL(o, org)}, {Label: k.Labels, Href: orgListURL(org, k)}}, last...)
}

// ending takes the address off the last step: one stands there.
func ending(c []ui.Crumb) []ui.Crumb {
	c[len(c)-1].Href = ""
	return c
}

// lower gives a label as it stands within a sentence.
func lower(label string) string {
	if len(label) > 1 && strings.ToUpper(label[:2]) == label[:2] {
		return label // an abbreviation
	}
	return strings.ToLower(label[:1]) + label[1:]
}

// homeOf is where a record is looked at: one that lives within another, there.
func (v *visit) homeOf(r *record.Record) string {
	if r.Kind.Scope == record.OfParent {
		if parent := v.kind(r.Kind.Field(r.Kind.Parent).Ref); parent != nil {
			return recordURL(parent, r.Parent)
		}
	}
	return recordURL(r.Kind, r.ID)
}

// star marks a record as a favourite of the caller, or unmarks it.
func (v *visit) star(k *record.Kind) error {
	rid, err := v.id("id")
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	on := f.Bool("on")
	err = v.change(access.View, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) error { return favourite.Set(tx, rid, on) })
	if err != nil {
		return err
	}
	if on {
		return v.done(recordURL(k, rid), "Added to your favourites.")
	}
	return v.done(recordURL(k, rid), "Taken off your favourites.")
}

// chooseNew is the New button's menu as a page.
func (v *visit) chooseNew() error {
	s := &ui.Section{Title: "What is it?"}
	for _, o := range v.offers() {
		s.Items = append(s.Items, ui.Item{Title: o.Label, Href: o.Href, Icon: o.Icon})
	}
	if len(s.Items) == 0 {
		s.Empty = "Your role may not create anything."
	}
	p, err := v.page("New", ui.Crumb{Label: "New"})
	if err != nil {
		return err
	}
	p.Data = sections{Head: ui.Head{Title: "New"}, Cards: []*ui.Section{s}}
	return v.render("sections", p)
}

// sections is a page of cards.
type sections struct {
	Head  ui.Head
	Cards []*ui.Section
	Rail  []*ui.Section
}
