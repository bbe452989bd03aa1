package itglue

import (
	"slices"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/asked"
)

// resource is a kind as the protocol sees it, worked out once.
type resource struct {
	kind    *record.Kind
	special special
	typ     string
	attrs   []attribute
	asked   *asked.Names
	meta    []byte // the member filters of meta
	include map[string]includer
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
	r := &resource{kind: k, special: s, typ: k.JSONType(), asked: asked.Of(k)}
	r.asked.NullRef = s.nullRef
	r.asked.Special = func(name string) bool { return s.filter[name] != nil }
	r.describe()
	r.meta = r.asked.Meta()
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
