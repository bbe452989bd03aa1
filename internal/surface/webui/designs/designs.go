// Package designs holds the pages on which administrators design kinds of records: types of
// assets, and kinds of objects.
//
// Always true: the records themselves have the derived pages; only administrators reach
// what changes a design.
package designs

import (
	"embed"
	"io/fs"
	"strconv"

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

// Pages are the pages of this group.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	for _, d := range []*design{assets(), objects()} {
		d.mount(s)
	}
	s.Post("/asset-types", shell.Administering(take))
	s.Own(flexibleasset.FieldKind).Form = assetField
	s.Own(customobject.FieldKind).Form = objectField
	s.Own(customobject.Kind).Form = objectForm
}

// design is one sort of what is designed: how it is called, and what of its pages is its own.
type design struct {
	types, fields, made string // kinds: of designs, of their fields, and of what is made by them
	of                  string // the field of a field that holds the design it belongs to
	path, title, about  string // the page that lists designs
	one, thing, label   string // a design and what is made by it, in a sentence; and the first on buttons
	empty, noneYet      string // where there is none: on the page that lists them, and to who wants to make something
	name                string // the field of a design that lists show
	marks               string // heading above the marks of fields

	// more adds to the page that lists designs; nil for nothing.
	more func(page *designsPage, have []*record.Record)
	// show says what the page of a design shows below its head.
	show func(v *shell.Visit, tx *gate.Tx, r *record.Record, page *designPage) error
	// place moves a field to another place among those of its design, counted from 0.
	place func(tx *gate.Tx, e *record.Engine, typ, field id.ID, place int) error
}

func (d *design) mount(s *shell.Shell) {
	s.Get(d.path, shell.Administering(d.list))
	s.Post("/"+d.fields+"s/{id}/place", shell.Administering(d.move))
	s.Own(d.types).Page = d.page
	s.Own(d.fields).Page = func(v *shell.Visit, r *record.Record) error { return web.SeeOther(v.W, v.R, d.url(r.Values.ID(d.of))) }
	s.Own(d.made).Which = d.which
	s.Manage(shell.ToContents, func(_ *shell.Visit, totals map[string]int64) []ui.Item {
		return []ui.Item{{Title: d.title, Sub: count(totals[d.types], d.one), Href: d.path, Icon: "stack-2"}}
	})
}

// url is the page of a design.
func (d *design) url(typ id.ID) string { return "/" + d.types + "s/" + typ.String() }

func count(n int64, what string) string {
	if n == 0 {
		return "No " + what + "s yet"
	}
	return shell.Counted(n, what, what+"s")
}

func iconOf(r *record.Record) string {
	if i := r.Values.Text("icon"); i != "" {
		return i
	}
	return r.Kind.Icon
}

// designs are those of the tenant.
func (d *design) designs(v *shell.Visit, tx *gate.Tx) ([]*record.Record, error) {
	page, err := v.Records.List(tx, d.types, record.Query{Limit: 1000, NoTotal: true})
	if err != nil {
		return nil, err
	}
	return page.Records, nil
}

// designsPage lists the designs of the tenant, and perhaps those that come with the product.
type designsPage struct {
	Head    ui.Head
	Types   *ui.Section
	Library *ui.Section
}

func (d *design) list(v *shell.Visit) error {
	data := &designsPage{Head: ui.Head{Title: d.title, Icon: "stack-2", Sub: []ui.Cell{{Text: d.about}},
		Actions: []ui.Action{{Label: "New " + d.label, Icon: "plus", Href: "/" + d.types + "s/new", Primary: true, Key: "n"}}},
		Types: &ui.Section{Title: shell.Capital(d.label) + "s", Empty: d.empty}}
	var have []*record.Record
	err := v.View(func(tx *gate.Tx) (err error) {
		if have, err = d.designs(v, tx); err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		for _, r := range have {
			it := ui.Item{Title: r.Values.Text(d.name), Sub: count(totals[tally.Variant(d.made, r.ID)], d.thing), Href: d.url(r.ID), Icon: iconOf(r)}
			if it.Title == "" {
				it.Title = r.Name
			}
			if r.Archived || !r.Values.Bool("enabled") {
				it.Pill = &ui.Pill{Text: "Not offered"}
			}
			data.Types.Items = append(data.Types.Items, it)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if d.more != nil {
		d.more(data, have)
	}
	p, err := v.Page(d.title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: d.title})
	if err != nil {
		return err
	}
	p.Data = data
	return v.Render("designs", p)
}

// which asks by which design something new is to be made.
func (d *design) which(v *shell.Visit, org id.ID) error {
	s := &ui.Section{Title: "Of which " + d.label + "?"}
	err := v.View(func(tx *gate.Tx) error {
		list, err := d.designs(v, tx)
		for _, r := range list {
			if r.Values.Bool("enabled") && !r.Archived {
				of := *v.Kind(d.made)
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
		s.Empty = d.noneYet
		if v.May(access.Create, v.Kind(d.types)) {
			s.More = &ui.NavItem{Label: d.title, Href: d.path}
		}
	}
	title := "New " + d.thing
	p, err := v.Page(title, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = shell.Sections{Head: ui.Head{Title: title, Icon: v.Kind(d.made).Icon}, Cards: []*ui.Section{s}}
	return v.Render("sections", p)
}

// designPage is the page of one design: its fields in their order.
type designPage struct {
	Head   ui.Head
	Notice *ui.Notice
	About  []ui.Prop
	Fields []fieldLine
	Marks  string // heading above the marks of fields
	States *states
	Add    ui.Action
	Aside  string // what the rail is about
	Rail   []*ui.Section
}

// tell adds what is to be said about a design, where there is something.
func (p *designPage) tell(label, text string) {
	if text != "" {
		p.About = append(p.About, ui.Prop{Label: label, Cells: []ui.Cell{{Text: text}}})
	}
}

func (d *design) page(v *shell.Visit, r *record.Record) error {
	data := designPage{Notice: v.ArchivedNotice(r), Marks: d.marks, Aside: "About this " + d.one,
		Add: ui.Action{Label: "Add a field", Icon: "plus", Href: "/" + d.fields + "s/new?" + d.of + "=" + r.ID.String(), Key: "n"}}
	err := v.View(func(tx *gate.Tx) (err error) {
		if data.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		shape, err := v.Records.Shape(tx, d.made, r.ID)
		if err != nil {
			return err
		}
		data.Head.Icon, data.Head.Star = iconOf(r), nil
		data.Head.Sub = []ui.Cell{{Text: count(totals[tally.Variant(d.made, r.ID)], d.thing), Href: shell.VariantURL(shape, 0)}}
		if !r.Values.Bool("enabled") {
			data.Head.Sub = append(data.Head.Sub, ui.Cell{Type: "pill", Text: "Not offered"})
		}
		data.tell("Description", r.Values.Text("description"))
		if err := d.show(v, tx, r, &data); err != nil {
			return err
		}
		data.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(r.Name, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: d.title, Href: d.path}, ui.Crumb{Label: r.Name})
	if err != nil {
		return err
	}
	p.Keys = shell.RecordKeys()
	p.Data = data
	return v.Render("design", p)
}

// fieldLine is one field of a design.
type fieldLine struct {
	Name, Kind, About, Rules string
	Pills                    []ui.Pill
	Edit                     string
	Up, Down, Remove         *ui.Action
}

// line is field i of n.
func (d *design) line(f *flexibleasset.Field, i, n int, title string) fieldLine {
	at := "/" + d.fields + "s/" + f.ID.String()
	l := fieldLine{Name: f.Name, Kind: f.Kind, About: f.Hint, Edit: at + "/edit",
		Remove: &ui.Action{Label: "Take away " + f.Name, Icon: "trash", Href: at + "/delete", Post: true, Quiet: true, IconOnly: true}}
	for _, p := range []struct {
		on   bool
		text string
	}{{f.Title, title}, {f.Required, "Required"}, {f.List, "In lists"}, {f.Expires, "Expires"}} {
		if p.on {
			l.Pills = append(l.Pills, ui.Pill{Text: p.text})
		}
	}
	move := func(label, icon string, place int) *ui.Action {
		return &ui.Action{Label: label + " " + f.Name, Icon: icon, Href: at + "/place", Post: true, Quiet: true, IconOnly: true, Fields: []ui.Hidden{{Name: "place", Value: strconv.Itoa(place)}}}
	}
	if i > 0 {
		l.Up = move("Up:", "arrow-up", i-1)
	}
	if i < n-1 {
		l.Down = move("Down:", "arrow-down", i+1)
	}
	return l
}

// move moves a field to another place.
func (d *design) move(v *shell.Visit) error {
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
	err = v.Change(access.Edit, gate.Thing{Kind: d.fields, ID: field}, func(tx *gate.Tx) error {
		f, err := v.Records.Get(tx, d.fields, field)
		if err != nil {
			return err
		}
		typ = f.Values.ID(d.of)
		return d.place(tx, v.Records, typ, field, place)
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, d.url(typ))
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
