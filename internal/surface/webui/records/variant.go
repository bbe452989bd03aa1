package records

import (
	"net/url"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// variant gives a kind as the variant that an address or a form names; the kind
// itself when it names none.
func (v *visit) variant(k *record.Kind, values url.Values) (*record.Kind, error) {
	if k.Variants == nil || k.Variant != 0 {
		return k, nil
	}
	by, ok := id.Parse(values.Get(k.Variants.By))
	if !ok {
		return k, nil
	}
	err := v.View(func(tx *gate.Tx) (err error) {
		if _, err = v.Records.Get(tx, k.Field(k.Variants.By).Ref, by); err != nil {
			return err
		}
		k, err = v.Records.Shape(tx, k.Name, by)
		return err
	})
	return k, err
}

// linkNames gives the names of what a list of references names, as far as the
// caller may see it.
func linkNames(r *record.Record, f *record.Field) string {
	var out []string
	for _, n := range r.Values.IDs(f.Name) {
		if l, ok := r.Links[n]; ok {
			out = append(out, l.Name)
		}
	}
	return strings.Join(out, ", ")
}

// newLabel is what the button that makes a record says. The name of a variant is
// the tenant's own, and stands as it is.
func newLabel(k *record.Kind) string {
	if k.Variant != 0 {
		return "New " + k.Label
	}
	return "New " + shell.Lower(k.Label)
}

// newURL is the form of a new record of a kind or variant.
func newURL(k *record.Kind, org id.ID) string {
	u := shell.NewURL(k, org)
	if k.Variant == 0 {
		return u
	}
	mark := "?"
	if org != 0 {
		mark = "&"
	}
	return u + mark + k.Variants.By + "=" + k.Variant.String()
}

// chooseVariant asks of which variant a new record is to be.
func (v *visit) chooseVariant(k *record.Kind) error {
	org, _ := id.Parse(v.R.URL.Query().Get("organization_id"))
	by := v.Kind(k.Field(k.Variants.By).Ref)
	s := &ui.Section{Title: "Which " + shell.Lower(by.Label) + "?"}
	err := v.View(func(tx *gate.Tx) error {
		page, err := v.Records.List(tx, by.Name, record.Query{Limit: 1000, Archived: "no", NoTotal: true})
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if on, said := r.Values["enabled"].(bool); said && !on {
				continue
			}
			shape, err := v.Records.Shape(tx, k.Name, r.ID)
			if err != nil {
				return err
			}
			s.Items = append(s.Items, ui.Item{Title: r.Name, Sub: r.Values.Text("description"), Href: newURL(shape, org), Icon: shape.Icon})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(s.Items) == 0 {
		s.Empty = "There is none yet."
		if v.May(access.Create, by) {
			s.More = &ui.NavItem{Label: "Make one", Href: shell.ListURL(by)}
		}
	}
	p, err := v.Page("New "+shell.Lower(k.Label), ui.Crumb{Label: "New " + shell.Lower(k.Label)})
	if err != nil {
		return err
	}
	p.Data = sections{Head: ui.Head{Title: "New " + shell.Lower(k.Label), Icon: k.Icon}, Cards: []*ui.Section{s}}
	return v.Render("sections", p)
}
