// Package objects holds the pages on which administrators define kinds of objects.
//
// Always true: the objects themselves have the derived pages; only administrators reach
// what changes a definition.
package objects

import (
	"embed"
	"io/fs"
	"strconv"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Get("/object-types", shell.Administering(p.as((*visit).types)))
	s.Post("/object_fields/{id}/place", shell.Administering(p.as((*visit).place)))
	s.Own(customobject.TypeKind).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).typePage(r) }
	s.Own(customobject.FieldKind).Page = func(v *shell.Visit, r *record.Record) error {
		return web.SeeOther(v.W, v.R, typeURL(r.Values.ID(customobject.TypeField)))
	}
	s.Own(customobject.FieldKind).Form = fieldForm
	own := s.Own(customobject.Kind)
	own.Which, own.Form = which, objectForm
	s.Manage(shell.ToContents, func(_ *shell.Visit, totals map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Kinds of objects", Sub: count(totals[customobject.TypeKind], "kind"), Href: "/object-types", Icon: "stack-2"}}
	})
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

func typeURL(typ id.ID) string { return "/object_types/" + typ.String() }

func count(n int64, what string) string {
	switch n {
	case 0:
		return "No " + what + "s yet"
	case 1:
		return "1 " + what
	}
	return web.Number(n) + " " + what + "s"
}

// kinds lists the kinds that the tenant defined, as those that new objects may be of or all.
func kinds(v *shell.Visit, tx *gate.Tx) ([]*record.Record, error) {
	page, err := v.Records.List(tx, customobject.TypeKind, record.Query{Limit: 1000, NoTotal: true})
	if err != nil {
		return nil, err
	}
	return page.Records, nil
}

// typesPage lists the kinds of objects of the tenant.
type typesPage struct {
	Head  ui.Head
	Types *ui.Section
}

func (v *visit) types() error {
	d := typesPage{Head: ui.Head{Title: "Kinds of objects", Icon: "stack-2", Sub: []ui.Cell{{Text: "What is worked on besides tickets: with fields, links, states and rules of your own"}},
		Actions: []ui.Action{{Label: "New kind", Icon: "plus", Href: "/object_types/new", Primary: true, Key: "n"}}},
		Types: &ui.Section{Title: "Kinds", Empty: "None yet. A kind of objects has the fields, links and states that you give it, and is in lists, the search, exports and both APIs like everything else."}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := kinds(v.Visit, tx)
		if err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		for _, r := range list {
			it := ui.Item{Title: r.Values.Text("plural_name"), Sub: count(totals[tally.Variant(customobject.Kind, r.ID)], "object"), Href: typeURL(r.ID), Icon: iconOf(r)}
			if r.Archived || !r.Values.Bool("enabled") {
				it.Pill = &ui.Pill{Text: "Not offered"}
			}
			d.Types.Items = append(d.Types.Items, it)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("object-types", p)
}

func iconOf(r *record.Record) string {
	if i := r.Values.Text("icon"); i != "" {
		return i
	}
	return r.Kind.Icon
}

// which asks of which kind a new object is to be.
func which(v *shell.Visit, org id.ID) error {
	s := &ui.Section{Title: "Of which kind?"}
	err := v.View(func(tx *gate.Tx) error {
		list, err := kinds(v, tx)
		for _, r := range list {
			if r.Values.Bool("enabled") && !r.Archived {
				of := *v.Kind(customobject.Kind)
				of.Variant = r.ID
				s.Items = append(s.Items, ui.Item{Title: r.Name, Sub: r.Values.Text("description"), Href: shell.NewURL(&of, org), Icon: iconOf(r)})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(s.Items) == 0 {
		s.Empty = "There are no kinds of objects yet. An administrator defines them."
		if v.May(access.Create, v.Kind(customobject.TypeKind)) {
			s.More = &ui.NavItem{Label: "Kinds of objects", Href: "/object-types"}
		}
	}
	p, err := v.Page("New object", ui.Crumb{Label: "New object"})
	if err != nil {
		return err
	}
	p.Data = shell.Sections{Head: ui.Head{Title: "New object", Icon: v.Kind(customobject.Kind).Icon}, Cards: []*ui.Section{s}}
	return v.Render("sections", p)
}

// objectForm leaves out the state of objects that have none, and offers the moves that are
// declared.
func objectForm(v *shell.Visit, f *ui.Form, r *record.Record) error {
	if r == nil || r.Kind.Life == nil {
		return nil
	}
	is := r.Values.Text(customobject.State)
	next := map[string]bool{is: true}
	for _, to := range r.Kind.Life.Next(is) {
		next[to] = true
	}
	for i := range f.Fields {
		if x := &f.Fields[i]; x.Name == customobject.State {
			var keep []ui.Option
			for _, o := range x.Options {
				if next[o.Value] || o.Value == "" || o.Selected {
					keep = append(keep, o)
				}
			}
			x.Options = keep
		}
	}
	return nil
}

// typePage is the page of one kind of objects.
type typePage struct {
	Head   ui.Head
	Notice *ui.Notice
	About  []ui.Prop
	Fields []fieldLine
	States []stateLine
	Add    ui.Action
	Empty  string
	Rail   []*ui.Section
}

// fieldLine is one field, and stateLine one state.
type fieldLine struct {
	Name, Kind, About, Rules string
	Pills                    []ui.Pill
	Edit                     string
	Up, Down, Remove         *ui.Action
}

type stateLine struct {
	Name, Becomes, Needs string
	Pills                []ui.Pill
}

func (v *visit) typePage(r *record.Record) error {
	d := typePage{Notice: v.ArchivedNotice(r), Empty: "No fields yet.", Add: ui.Action{Label: "Add a field", Icon: "plus", Href: "/object_fields/new?" + customobject.TypeField + "=" + r.ID.String(), Key: "n"}}
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		design, err := customobject.Of(tx, r.ID)
		if err != nil {
			return err
		}
		shape, err := v.Records.Shape(tx, customobject.Kind, r.ID)
		if err != nil {
			return err
		}
		d.Head.Icon, d.Head.Star = iconOf(r), nil
		d.Head.Sub = []ui.Cell{{Text: count(totals[tally.Variant(customobject.Kind, r.ID)], "object"), Href: shell.VariantURL(shape, 0)}}
		if !r.Values.Bool("enabled") {
			d.Head.Sub = append(d.Head.Sub, ui.Cell{Type: "pill", Text: "Not offered"})
		}
		edition, _ := r.Values["edition"].(int64)
		for _, p := range [][2]string{{"Description", r.Values.Text("description")}, {"Several are called", design.Labels}, {"Numbers", design.Prefix + "-1001"}, {"Key in the APIs", design.Key}, {"Edition", web.Number(edition)}} {
			if p[1] != "" {
				d.About = append(d.About, ui.Prop{Label: p[0], Cells: []ui.Cell{{Text: p[1]}}})
			}
		}
		for i := range design.Fields {
			d.Fields = append(d.Fields, line(design, i))
		}
		d.States = states(design)
		d.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(r.Name, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Kinds of objects", Href: "/object-types"}, ui.Crumb{Label: r.Name})
	if err != nil {
		return err
	}
	p.Keys = shell.RecordKeys()
	p.Data = d
	return v.Render("object-type", p)
}

func states(d *customobject.Design) []stateLine {
	if d.Life == nil {
		return nil
	}
	names := map[string]string{}
	for i := range d.Fields {
		names[d.Fields[i].Trait()] = d.Fields[i].Name
	}
	var out []stateLine
	for _, s := range d.Life.States {
		l := stateLine{Name: s.Name, Becomes: strings.Join(s.To, ", ")}
		var needs []string
		for _, f := range s.Requires {
			needs = append(needs, names[f])
		}
		l.Needs = strings.Join(needs, ", ")
		if s.Begins {
			l.Pills = append(l.Pills, ui.Pill{Text: "New ones"})
		}
		if s.Frozen {
			l.Pills = append(l.Pills, ui.Pill{Text: "Nothing changes"})
		}
		out = append(out, l)
	}
	return out
}

func line(d *customobject.Design, i int) fieldLine {
	f := &d.Fields[i]
	at := "/object_fields/" + f.ID.String()
	l := fieldLine{Name: f.Name, Kind: f.Kind, About: f.Hint, Edit: at + "/edit",
		Remove: &ui.Action{Label: "Take away " + f.Name, Icon: "trash", Href: at + "/delete", Post: true, Quiet: true, IconOnly: true}}
	if f.Kind == customobject.Link || f.Kind == flexibleasset.Tag {
		l.Kind += ": " + shell.Capital(strings.ReplaceAll(strings.TrimPrefix(f.TagType, "Object: "), "_", " "))
		if f.TagType == "" {
			l.Kind += "any record"
		}
	}
	for _, p := range []struct {
		on   bool
		text string
	}{{f.Title, "Name"}, {f.Required, "Required"}, {f.List, "In lists"}, {f.Expires, "Expires"}} {
		if p.on {
			l.Pills = append(l.Pills, ui.Pill{Text: p.text})
		}
	}
	l.Rules = strings.TrimSpace(rule("Shown when ", f.Shown) + " " + rule("Required when ", f.Needed))
	to := at + "/place"
	move := func(label, icon string, place int) *ui.Action {
		return &ui.Action{Label: label + " " + f.Name, Icon: icon, Href: to, Post: true, Quiet: true, IconOnly: true, Fields: []ui.Hidden{{Name: "place", Value: strconv.Itoa(place)}}}
	}
	if i > 0 {
		l.Up = move("Up:", "arrow-up", i-1)
	}
	if i < len(d.Fields)-1 {
		l.Down = move("Down:", "arrow-down", i+1)
	}
	return l
}

// rule says a condition in words.
func rule(what string, w customobject.When) string {
	switch {
	case w.Key == "":
		return ""
	case w.Is == "":
		return what + w.Key + " is filled in."
	}
	return what + w.Key + " is " + w.Is + "."
}

// place moves a field to another place among those of its kind of objects, counted from 0.
func (v *visit) place() error {
	field, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	place := int(form.Int("place"))
	if err := form.Err(); err != nil {
		return err
	}
	var typ id.ID
	err = v.Change(access.Edit, gate.Thing{Kind: customobject.FieldKind, ID: field}, func(tx *gate.Tx) error {
		f, err := v.Records.Get(tx, customobject.FieldKind, field)
		if err != nil {
			return err
		}
		typ = f.Values.ID(customobject.TypeField)
		return customobject.Place(tx, v.Records, typ, field, place)
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, typeURL(typ))
}

// linkable are the kinds that a field may lead to, as people look for them.
func linkable(v *shell.Visit) []ui.Option {
	out := []ui.Option{{Value: "", Label: "Any record"}}
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Name != customobject.Kind && (k.Menu > 0 || k.Name == "user" || k.Name == "team" || k.Name == "department" || k.Name == "organization") && k.Variants == nil {
			out = append(out, ui.Option{Value: k.Name, Label: k.Labels, Group: "Kinds"})
		}
	}
	return out
}

// fieldForm makes the derived form of a field one that says what there is to choose from.
func fieldForm(v *shell.Visit, f *ui.Form, r *record.Record) error {
	typ, _ := id.Parse(v.R.URL.Query().Get(customobject.TypeField))
	if r != nil {
		typ = r.Values.ID(customobject.TypeField)
	}
	for _, x := range f.Fields {
		if sent, ok := id.Parse(x.Value); ok && typ == 0 && x.Name == customobject.TypeField {
			typ = sent
		}
	}
	links, others := linkable(v), []ui.Option{{Value: "", Label: "Always"}}
	err := v.View(func(tx *gate.Tx) error {
		list, err := kinds(v, tx)
		if err != nil {
			return err
		}
		for _, t := range list {
			links = append(links, ui.Option{Value: "Object: " + t.Values.Text("name_key"), Label: t.Values.Text("plural_name"), Group: "Kinds of objects"})
		}
		if typ == 0 {
			return nil
		}
		d, err := customobject.Of(tx, typ)
		if err != nil {
			return err
		}
		for i := range d.Fields {
			if x := &d.Fields[i]; (r == nil || x.ID != r.ID) && x.Kind != flexibleasset.Header && x.Kind != flexibleasset.Upload && x.Kind != flexibleasset.Tag {
				others = append(others, ui.Option{Value: x.Key, Label: x.Name})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var keep []ui.Field
	for _, x := range f.Fields {
		switch x.Name {
		case customobject.TypeField:
			if typ != 0 {
				f.Hidden = append(f.Hidden, ui.Hidden{Name: x.Name, Value: typ.String()})
				continue
			}
		case "order":
			if r == nil {
				continue // at the end
			}
		case "tag_type":
			x = choice(x, links)
			x.Hint = "Of a Link or Tag."
		case "shown_when":
			x = choice(x, others)
			x.Hint = ""
		case "required_when":
			never := append([]ui.Option{{Value: "", Label: "No rule"}}, others[1:]...)
			x = choice(x, never)
			x.Hint = ""
		}
		keep = append(keep, x)
	}
	f.Fields = keep
	if typ != 0 {
		f.Cancel = typeURL(typ)
	}
	return nil
}

// choice makes a field one of a list; what it holds and the list lacks is kept.
func choice(x ui.Field, from []ui.Option) ui.Field {
	x.Type, x.Options = "select", nil
	known := x.Value == ""
	for _, o := range from {
		o.Selected = o.Value == x.Value
		known = known || o.Selected
		x.Options = append(x.Options, o)
	}
	if !known {
		x.Options = append(x.Options, ui.Option{Value: x.Value, Label: x.Value, Selected: true})
	}
	return x
}
