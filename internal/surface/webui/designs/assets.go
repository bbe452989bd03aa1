package designs

import (
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/surface/webui/shell"
)

// assets are the types of assets.
func assets() *design {
	d := &design{types: flexibleasset.TypeKind, fields: flexibleasset.FieldKind, made: flexibleasset.Kind, of: flexibleasset.TypeField,
		path: "/asset-types", title: "Types of assets", about: "What is documented besides configurations, contacts, locations, documents and passwords",
		one: "type", thing: "asset", label: "type", name: "name", marks: "Marks",
		empty:   "No types yet. Take one over from the library, or make your own.",
		noneYet: "There are no types yet. An administrator takes them over from the library, or designs them.",
		more:    library, place: flexibleasset.Place}
	d.show = func(v *shell.Visit, tx *gate.Tx, r *record.Record, page *designPage) error {
		list, err := flexibleasset.Fields(tx, r.ID)
		if err != nil {
			return err
		}
		names, err := tagNames(v, tx, list)
		if err != nil {
			return err
		}
		for i := range list {
			l := d.line(&list[i], i, len(list), "Title")
			l.Kind = kindOf(&list[i], names)
			page.Fields = append(page.Fields, l)
		}
		return nil
	}
	return d
}

// library shows the types that come with the product and that the tenant does not have.
func library(page *designsPage, types []*record.Record) {
	have := map[string]bool{}
	for _, r := range types {
		have[record.Fold(r.Name)] = true
	}
	page.Library = &ui.Section{Title: "Library", Text: "Ready types. One that you take over is yours: change it as you like.", Empty: "All of them are yours already."}
	for _, y := range flexibleasset.Library() {
		if have[record.Fold(y.Name)] {
			continue
		}
		page.Library.Items = append(page.Library.Items, ui.Item{Title: y.Name, Sub: y.Description, Icon: y.Icon,
			Action: &ui.Action{Label: "Take over", Icon: "plus", Href: "/asset-types", Post: true, Fields: []ui.Hidden{{Name: "name", Value: y.Name}}}})
	}
}

// take makes a type of the library.
func take(v *shell.Visit) error {
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
		return v.Done(assets().url(typ), "%s is yours now. Change its fields as you like.", y.Name)
	}
	return gate.Missing()
}

// tagNames gives the names of the types that tags refer to.
func tagNames(v *shell.Visit, tx *gate.Tx, list []flexibleasset.Field) (map[id.ID]string, error) {
	var ids []id.ID
	for i := range list {
		if _, typ := list[i].Target(); list[i].Kind == flexibleasset.Tag && typ != 0 {
			ids = append(ids, typ)
		}
	}
	return v.Records.Names(tx, ids...)
}

// kindOf says what a field holds.
func kindOf(f *flexibleasset.Field, names map[id.ID]string) string {
	if f.Kind != flexibleasset.Tag {
		return f.Kind
	}
	if _, typ := f.Target(); typ != 0 {
		return "Tag: " + names[typ]
	}
	if f.TagType != "" {
		return "Tag: " + f.TagType
	}
	return "Tag: any record"
}

// assetField makes the derived form of a field of a type one that says what there is to
// choose from.
func assetField(v *shell.Visit, f *ui.Form, r *record.Record) error {
	typ := v.R.URL.Query().Get(flexibleasset.TypeField)
	if r != nil {
		typ = r.Values.ID(flexibleasset.TypeField).String()
	}
	tags := []ui.Option{{Value: "", Label: "Any record"}}
	for _, t := range flexibleasset.TagTypes() {
		tags = append(tags, ui.Option{Value: t, Label: t})
	}
	err := v.View(func(tx *gate.Tx) error {
		list, err := assets().designs(v, tx)
		for _, t := range list {
			tags = append(tags, ui.Option{Value: "FlexibleAssetType: " + t.ID.String(), Label: t.Name, Group: "Types of assets"})
		}
		return err
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
			x = choice(x, tags)
			x.Label, x.Hint = "A tag refers to", "Of a Tag: what it refers to."
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

// about says what a kind of field is for.
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
