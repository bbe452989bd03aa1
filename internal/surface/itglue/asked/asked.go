// Package asked reads what a list is asked for: by what it is filtered, and its
// order.
//
// Always true: a list leaves out what it does not understand, as the clients of the
// protocol expect; a deletion by filters refuses it.
package asked

import (
	"slices"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/value"
)

// Names are what lists of a kind can be asked for.
type Names struct {
	Kind    *record.Kind
	Filters map[string]value.Sort
	Sorts   map[string]bool
	NullRef string                 // reference whose empty filter asks for those without one
	Special func(name string) bool // filters that are read elsewhere; nil when there are none
}

// Of gives what lists of a kind can be asked for, as far as the engine offers it.
func Of(k *record.Kind) *Names {
	r := &Names{Kind: k, Filters: map[string]value.Sort{}, Sorts: map[string]bool{}}
	r.Filters["id"], r.Filters["created_at"], r.Filters["updated_at"], r.Filters["name"] = value.SortID, value.SortTime, value.SortTime, value.SortText
	if k.Scope != record.OfTenant {
		r.Filters["organization_id"], r.Filters["archived"], r.Filters["restricted"] = value.SortID, value.SortBool, value.SortBool
		r.Sorts["organization_id"] = true
	}
	if k.Scope == record.OfOrganization {
		r.Sorts["organization_name"] = true
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Name == "name" || f.Type == record.Secret || !(f.Filter || f.Sort || f.Type == record.Ref || f.Expires || f.Unique) {
			continue
		}
		r.Sorts[f.Name] = true
		switch f.Type {
		case record.Ref:
			r.Filters[f.Name] = value.SortID
			if base, ok := strings.CutSuffix(f.Name, "_id"); ok {
				r.Sorts[base+"_name"] = true
			}
		case record.Integer:
			r.Filters[f.Name] = value.SortInt
		case record.Bool:
			r.Filters[f.Name] = value.SortBool
		case record.Date:
			r.Filters[f.Name] = value.SortDay
		case record.Time:
			r.Filters[f.Name] = value.SortTime
		case record.Text, record.Choice:
			r.Filters[f.Name] = value.SortText
		}
	}
	for _, n := range []string{"id", "name", "created_at", "updated_at", "archived", "restricted"} {
		r.Sorts[n] = true
	}
	return r
}

// Meta is the member filters of meta: the names that can be filtered by,
// each with the values that make sense where they are few.
func (r *Names) Meta() []byte {
	names := make([]string, 0, len(r.Filters))
	for n := range r.Filters {
		names = append(names, n)
	}
	slices.Sort(names)
	b := []byte{'{'}
	for i, n := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsonapi.AppendString(b, jsonapi.Kebab(n)), `:{"permitted-values":[`...)
		if r.Filters[n] == value.SortBool {
			b = append(b, `"true","false","1","0"`...)
		}
		if f := r.Kind.Field(n); f != nil {
			for i, choice := range f.Choices {
				if i > 0 {
					b = append(b, ',')
				}
				b = jsonapi.AppendString(b, choice)
			}
		}
		b = append(b, "]}"...)
	}
	return append(b, '}')
}
