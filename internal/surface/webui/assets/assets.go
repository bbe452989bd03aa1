// Package assets holds the pages on which administrators design types of assets.
//
// Always true: the assets themselves have the derived pages; only administrators
// reach what changes a type.
package assets

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
	s.Get("/asset-types", shell.Administering(p.as((*visit).types)))
	s.Post("/asset-types", shell.Administering(p.as((*visit).take)))
	s.Post("/flexible_asset_fields/{id}/place", shell.Administering(p.as((*visit).place)))
	s.Own(flexibleasset.TypeKind).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).typePage(r) }
	s.Own(flexibleasset.FieldKind).Page = func(v *shell.Visit, r *record.Record) error {
		return web.SeeOther(v.W, v.R, typeURL(r.Values.ID(flexibleasset.TypeField)))
	}
	s.Own(flexibleasset.FieldKind).Form = fieldForm
	s.Own(flexibleasset.Kind).Which = which
	s.Manage(shell.ToContents, func(_ *shell.Visit, totals map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Types of assets", Sub: count(totals[flexibleasset.TypeKind], "type"), Href: "/asset-types", Icon: "stack-2"}}
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

func typeURL(typ id.ID) string { return "/flexible_asset_types/" + typ.String() }

func count(n int64, what string) string {
	switch n {
	case 0:
		return "No " + what + "s yet"
	case 1:
		return "1 " + what
	}
	return web.Number(n) + " " + what + "s"
}

// typesPage lists the types of the tenant, and those that come with the product.
type typesPage struct {
	Head    ui.Head
	Types   *ui.Section
	Library *ui.Section
}

func (v *visit) types() error {
	d := typesPage{Head: ui.Head{Title: "Types of assets", Icon: "stack-2", Sub: []ui.Cell{{Text: "What is documented besides configurations, contacts, locations, documents and passwords"}},
		Actions: []ui.Action{{Label: "New type", Icon: "plus", Href: "/flexible_asset_types/new", Primary: true, Key: "n"}}},
		Types: &ui.Section{Title: "Types", Empty: "No types yet. Take one over from the library, or make your own."}, Library: &ui.Section{Title: "Library",
			Text: "Ready types. One that you take over is yours: change it as you like."}}
	have := map[string]bool{}
	err := v.View(func(tx *gate.Tx) error {
		page, err := v.Records.List(tx, flexibleasset.TypeKind, record.Query{Limit: 1000, NoTotal: true})
		if err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			have[record.Fold(r.Name)] = true
			it := ui.Item{Title: r.Name, Sub: count(totals[tally.Variant(flexibleasset.Kind, r.ID)], "asset"), Href: typeURL(r.ID), Icon: iconOf(r)}
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
	for _, y := range flexibleasset.Library() {
		if have[record.Fold(y.Name)] {
			continue
		}
		d.Library.Items = append(d.Library.Items, ui.Item{Title: y.Name, Sub: y.Description, Icon: y.Icon,
			Action: &ui.Action{Label: "Take over", Icon: "plus", Href: "/asset-types", Post: true, Fields: []ui.Hidden{{Name: "name", Value: y.Name}}}})
	}
	if len(d.Library.Items) == 0 {
		d.Library.Empty = "All of them are yours already."
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("asset-types", p)
}

func iconOf(r *record.Record) string {
	if i := r.Values.Text("icon"); i != "" {
		return i
	}
	return r.Kind.Icon
}

// which asks of which type a new asset is to be.
func which(v *shell.Visit, org id.ID) error {
	s := &ui.Section{Title: "Of which type?"}
	err := v.View(func(tx *gate.Tx) error {
		page, err := v.Records.List(tx, flexibleasset.TypeKind, record.Query{Limit: 1000, Archived: "no", NoTotal: true})
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if r.Values.Bool("enabled") {
				of := *v.Kind(flexibleasset.Kind)
				of.Variant = r.ID
				s.Items = append(s.Items, ui.Item{Title: r.Name, Sub: r.Values.Text("description"), Href: shell.NewURL(&of, org), Icon: iconOf(r)})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(s.Items) == 0 {
		s.Empty = "There are no types yet. An administrator takes them over from the library, or designs them."
		if v.May(access.Create, v.Kind(flexibleasset.TypeKind)) {
			s.More = &ui.NavItem{Label: "Types of assets", Href: "/asset-types"}
		}
	}
	p, err := v.Page("New asset", ui.Crumb{Label: "New asset"})
	if err != nil {
		return err
	}
	p.Data = shell.Sections{Head: ui.Head{Title: "New asset", Icon: v.Kind(flexibleasset.Kind).Icon}, Cards: []*ui.Section{s}}
	return v.Render("sections", p)
}

// take makes a type of the library.
func (v *visit) take() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	for _, y := range flexibleasset.Library() {
		if y.Name != form.Text("name") {
			continue
		}
		var typ id.ID
		err := v.Change(access.Create, gate.Thing{Kind: flexibleasset.TypeKind}, func(tx *gate.Tx) (err error) {
			typ, err = y.Make(tx, v.Records)
			return err
		})
		if err != nil {
			return err
		}
		return v.Done(typeURL(typ), "%s is yours now. Change its fields as you like.", y.Name)
	}
	return gate.Missing()
}

// typePage is the page of one type: its fields in their order.
type typePage struct {
	Head   ui.Head
	Notice *ui.Notice
	About  []ui.Prop
	Fields []fieldLine
	Add    ui.Action
	Empty  string
	Rail   []*ui.Section
}

// fieldLine is one field of a type.
type fieldLine struct {
	Name, Kind, About string
	Pills             []ui.Pill
	Edit              string
	Up, Down, Remove  *ui.Action
}

func (v *visit) typePage(r *record.Record) error {
	d := typePage{Notice: v.ArchivedNotice(r), Empty: "No fields yet.", Add: ui.Action{Label: "Add a field", Icon: "plus", Href: "/flexible_asset_fields/new?flexible_asset_type_id=" + r.ID.String(), Key: "n"}}
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		totals, err := v.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		list, err := flexibleasset.Fields(tx, r.ID)
		if err != nil {
			return err
		}
		shape, err := v.Records.Shape(tx, flexibleasset.Kind, r.ID)
		if err != nil {
			return err
		}
		d.Head.Icon, d.Head.Star = iconOf(r), nil
		d.Head.Sub = []ui.Cell{{Text: count(totals[tally.Variant(flexibleasset.Kind, r.ID)], "asset"), Href: shell.VariantURL(shape, 0)}}
		if !r.Values.Bool("enabled") {
			d.Head.Sub = append(d.Head.Sub, ui.Cell{Type: "pill", Text: "Not offered"})
		}
		if s := r.Values.Text("description"); s != "" {
			d.About = append(d.About, ui.Prop{Label: "Description", Cells: []ui.Cell{{Text: s}}})
		}
		names, err := v.tagNames(tx, list)
		if err != nil {
			return err
		}
		for i := range list {
			d.Fields = append(d.Fields, line(list, i, names))
		}
		d.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page(r.Name, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Types of assets", Href: "/asset-types"}, ui.Crumb{Label: r.Name})
	if err != nil {
		return err
	}
	p.Keys = shell.RecordKeys()
	p.Data = d
	return v.Render("asset-type", p)
}

// tagNames gives the names of the types that tags refer to.
func (v *visit) tagNames(tx *gate.Tx, list []flexibleasset.Field) (map[id.ID]string, error) {
	var ids []id.ID
	for i := range list {
		if _, typ := list[i].Target(); list[i].Kind == flexibleasset.Tag && typ != 0 {
			ids = append(ids, typ)
		}
	}
	return v.Records.Names(tx, ids...)
}

func line(list []flexibleasset.Field, i int, names map[id.ID]string) fieldLine {
	f := &list[i]
	at := "/flexible_asset_fields/" + f.ID.String()
	l := fieldLine{Name: f.Name, Kind: f.Kind, About: f.Hint, Edit: at + "/edit",
		Remove: &ui.Action{Label: "Take away " + f.Name, Icon: "trash", Href: at + "/delete", Post: true, Quiet: true, IconOnly: true}}
	if f.Kind == flexibleasset.Tag {
		l.Kind = "Tag: any record"
		if _, typ := f.Target(); typ != 0 {
			l.Kind = "Tag: " + names[typ]
		} else if f.TagType != "" {
			l.Kind = "Tag: " + f.TagType
		}
	}
	for _, p := range []struct {
		on   bool
		text string
	}{{f.Title, "Title"}, {f.Required, "Required"}, {f.List, "In lists"}, {f.Expires, "Expires"}} {
		if p.on {
			l.Pills = append(l.Pills, ui.Pill{Text: p.text})
		}
	}
	to := at + "/place"
	move := func(label, icon string, place int) *ui.Action {
		return &ui.Action{Label: label + " " + f.Name, Icon: icon, Href: to, Post: true, Quiet: true, IconOnly: true, Fields: []ui.Hidden{{Name: "place", Value: strconv.Itoa(place)}}}
	}
	if i > 0 {
		l.Up = move("Up:", "arrow-up", i-1)
	}
	if i < len(list)-1 {
		l.Down = move("Down:", "arrow-down", i+1)
	}
	return l
}

// place moves a field to another place among those of its type, counted from 0.
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
	err = v.Change(access.Edit, gate.Thing{Kind: flexibleasset.FieldKind, ID: field}, func(tx *gate.Tx) error {
		f, err := v.Records.Get(tx, flexibleasset.FieldKind, field)
		if err != nil {
			return err
		}
		typ = f.Values.ID(flexibleasset.TypeField)
		return flexibleasset.Place(tx, v.Records, typ, field, place)
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, typeURL(typ))
}

// fieldForm makes the derived form of a field one that says what there is to
// choose from.
func fieldForm(v *shell.Visit, f *ui.Form, r *record.Record) error {
	typ := v.R.URL.Query().Get(flexibleasset.TypeField)
	if r != nil {
		typ = r.Values.ID(flexibleasset.TypeField).String()
	}
	tags := []ui.Option{{Value: "", Label: "Any record"}}
	for _, t := range flexibleasset.TagTypes() {
		tags = append(tags, ui.Option{Value: t, Label: t})
	}
	err := v.View(func(tx *gate.Tx) error {
		page, err := v.Records.List(tx, flexibleasset.TypeKind, record.Query{Limit: 1000, NoTotal: true})
		if err != nil {
			return err
		}
		for _, t := range page.Records {
			tags = append(tags, ui.Option{Value: "FlexibleAssetType: " + t.ID.String(), Label: t.Name, Group: "Types of assets"})
		}
		return nil
	})
	if err != nil {
		return err
	}
	var keep []ui.Field
	for _, x := range f.Fields {
		switch x.Name {
		case flexibleasset.TypeField:
			if typ == "" {
				typ = x.Value
			}
			f.Hidden = append(f.Hidden, ui.Hidden{Name: x.Name, Value: typ})
			continue
		case "order":
			if r == nil {
				continue // at the end
			}
		case "tag_type":
			x.Type, x.Label, x.Hint = "select", "A tag refers to", "Of a Tag: what it refers to."
			for _, o := range tags {
				o.Selected = o.Value == x.Value
				x.Options = append(x.Options, o)
			}
		case "kind":
			for i := range x.Options {
				x.Options[i].Label += ": " + about(x.Options[i].Value)
			}
		case "default_value":
			x.Label, x.Hint = "Choices, or what new assets have", "Of a Select the choices, one on a line. Of other fields the value that a new asset starts with."
		}
		keep = append(keep, x)
	}
	f.Fields = keep
	if typ != "" {
		f.Cancel = "/flexible_asset_types/" + typ
	}
	return nil
}

func about(kind string) string {
	switch kind {
	case flexibleasset.Text:
		return "one line"
	case flexibleasset.Textbox:
		return "formatted, several lines"
	case flexibleasset.Number:
		return "for sorting and comparing"
	case flexibleasset.Percent:
		return "a number with its sign"
	case flexibleasset.Date:
		return "may be one on which something runs out"
	case flexibleasset.Checkbox:
		return "yes or no"
	case flexibleasset.Select:
		return "one of several"
	case flexibleasset.Header:
		return "a heading above what follows"
	case flexibleasset.Password:
		return "kept like every password"
	case flexibleasset.Tag:
		return "other records"
	}
	return "files"
}
