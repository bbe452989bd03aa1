package itglue

import (
	"slices"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/value"
)

// resource is a kind as the protocol sees it, worked out once.
type resource struct {
	kind    *record.Kind
	special special
	typ     string
	attrs   []attribute
	filters map[string]value.Sort
	sorts   map[string]bool
	meta    []byte // the member filters of meta
}

// attribute is one member of attributes.
type attribute struct {
	key      []byte // ,"name": with its comma
	from     source
	field    string // of the kind, for values
	clip     int    // most characters in a list, 0 for all
	showOnly bool
	fixed    string // JSON, for fromFixed
}

// source says where an attribute's value comes from.
type source int

const (
	fromValue source = iota
	fromText
	fromRows
	fromTime
	fromDay // a day as a time: its beginning
	fromRefName
	fromName
	fromOrg
	fromOrgName
	fromArchived
	fromRestricted
	fromCreated
	fromUpdated
	fromURL
	fromFixed
)

func newResource(k *record.Kind, s special) *resource {
	r := &resource{kind: k, special: s, typ: k.JSONType(), filters: map[string]value.Sort{}, sorts: map[string]bool{}}
	r.describe()
	r.filterable()
	r.meta = r.permitted()
	return r
}

func (r *resource) add(name string, from source, field string) {
	if slices.Contains(r.special.hide, name) {
		return
	}
	r.attrs = append(r.attrs, attribute{
		key: append(jsonapi.AppendString([]byte{','}, jsonapi.Kebab(name)), ':'), from: from, field: field,
		clip: r.special.clip[name], showOnly: slices.Contains(r.special.showOnly, name),
	})
}

// describe lists the attributes in the order of an answer.
func (r *resource) describe() {
	k := r.kind
	if k.Scope == record.OfOrganization {
		r.add("organization_id", fromOrg, "")
		r.add("organization_name", fromOrgName, "")
	}
	if k.Scope == record.OfOrganization || k.Scope == record.Organization {
		r.add("resource_url", fromURL, "")
	}
	r.add("name", fromName, "")
	for i := range k.Fields {
		r.addField(&k.Fields[i])
	}
	if k.Scope == record.OfOrganization || k.Scope == record.Organization {
		r.add("archived", fromArchived, "")
		r.add("restricted", fromRestricted, "")
	}
	r.add("created_at", fromCreated, "")
	r.add("updated_at", fromUpdated, "")
	for _, f := range r.special.fixed {
		r.add(f.name, fromFixed, "")
		r.attrs[len(r.attrs)-1].fixed = f.json
	}
}

func (r *resource) addField(f *record.Field) {
	switch {
	case f.Type == record.Secret, f.Name == "name":
	case f.Type == record.Ref:
		r.add(f.Name, fromValue, f.Name)
		if base, ok := strings.CutSuffix(f.Name, "_id"); ok && r.kind.Field(base+"_name") == nil {
			r.add(base+"_name", fromRefName, f.Name)
		}
	case f.Type == record.Rows:
		r.add(f.Name, fromRows, f.Name)
	case slices.Contains(r.special.moments, f.Name):
		r.add(f.Name, fromDay, f.Name)
	case f.Type == record.Time:
		r.add(f.Name, fromTime, f.Name)
	case f.Type == record.Integer, f.Type == record.Number, f.Type == record.Bool:
		r.add(f.Name, fromValue, f.Name)
	default:
		r.add(f.Name, fromText, f.Name)
	}
}

// filterable lists what lists can be filtered and sorted by, as far as the
// engine offers it.
func (r *resource) filterable() {
	k := r.kind
	r.filters["id"], r.filters["created_at"], r.filters["updated_at"], r.filters["name"] = value.SortID, value.SortTime, value.SortTime, value.SortText
	if k.Scope != record.OfTenant {
		r.filters["organization_id"], r.filters["archived"], r.filters["restricted"] = value.SortID, value.SortBool, value.SortBool
		r.sorts["organization_id"] = true
	}
	if k.Scope == record.OfOrganization {
		r.sorts["organization_name"] = true
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Name == "name" || f.Type == record.Secret || !(f.Filter || f.Sort || f.Type == record.Ref || f.Expires || f.Unique) {
			continue
		}
		r.sorts[f.Name] = true
		switch f.Type {
		case record.Ref:
			r.filters[f.Name] = value.SortID
			if base, ok := strings.CutSuffix(f.Name, "_id"); ok {
				r.sorts[base+"_name"] = true
			}
		case record.Integer:
			r.filters[f.Name] = value.SortInt
		case record.Bool:
			r.filters[f.Name] = value.SortBool
		case record.Date:
			r.filters[f.Name] = value.SortDay
		case record.Time:
			r.filters[f.Name] = value.SortTime
		case record.Text, record.Choice:
			r.filters[f.Name] = value.SortText
		}
	}
	for _, n := range []string{"id", "name", "created_at", "updated_at", "archived", "restricted"} {
		r.sorts[n] = true
	}
}

// permitted is the member filters of meta: the names that can be filtered by,
// each with the values that make sense where they are few.
func (r *resource) permitted() []byte {
	names := make([]string, 0, len(r.filters))
	for n := range r.filters {
		names = append(names, n)
	}
	slices.Sort(names)
	b := []byte{'{'}
	for i, n := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsonapi.AppendString(b, jsonapi.Kebab(n)), `:{"permitted-values":[`...)
		if r.filters[n] == value.SortBool {
			b = append(b, `"true","false","1","0"`...)
		}
		if f := r.kind.Field(n); f != nil {
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
