package itglue

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/openapi"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/describe"
)

// Document describes the API: every kind, every call.
func (a *API) Document() *openapi.Document {
	a.build()
	d := &describe.API{Version: a.Version, Calls: a.calls}
	for _, k := range a.Records.Kinds.Kinds() {
		d.Resources = append(d.Resources, a.resources[k.Name].described())
	}
	d.Resources = append(append(d.Resources, describe.Beside()...), a.ours()...)
	return d.Document()
}

// describe answers with the document, which says nothing of any tenant.
func (a *API) describe(w http.ResponseWriter, _ *http.Request) error {
	a.describing.Do(func() { a.description, a.describeErr = json.Marshal(a.Document()) })
	if a.describeErr != nil {
		return a.describeErr
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.description)))
	_, err := w.Write(a.description)
	return err
}

// described says what the resource is.
func (r *resource) described() describe.Resource {
	k := r.kind
	out := describe.Resource{
		Type: r.typ, One: strings.ReplaceAll(k.Name, "_", " "), Many: strings.ReplaceAll(k.Plural, "_", " "),
		Filters: kebabs(maps.Keys(r.asked.Filters), maps.Keys(r.special.filter)), Sorts: kebabs(maps.Keys(r.asked.Sorts)), Includes: slices.Sorted(maps.Keys(r.include)),
		With: r.special.with,
	}
	for i := range r.attrs {
		a := &r.attrs[i]
		name := string(a.key[2 : len(a.key)-2]) // ,"name":
		out.Shown = append(out.Shown, describe.Attr{Name: name, Schema: r.schema(a)})
	}
	if r.special.secret != "" {
		out.Shown = append(out.Shown, describe.Attrs(r.special.secret+" text")...)
	}
	for _, m := range r.special.more {
		out.Shown = append(out.Shown, describe.Attrs(m.adds)...)
	}
	if k.Fixed || r.special.methods != "" && !contains(r.special.methods, "PATCH") {
		return out
	}
	out.Sent, out.Required = r.sent()
	return out
}

func kebabs(lists ...func(func(string) bool)) []string {
	var out []string
	for _, l := range lists {
		for name := range l {
			out = append(out, jsonapi.Kebab(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// schema gives the schema of an attribute.
func (r *resource) schema(a *attribute) *openapi.Schema {
	switch a.from {
	case fromOrg:
		return describe.Schema("id")
	case fromArchived, fromRestricted:
		return describe.Schema("yes")
	case fromCreated, fromUpdated, fromDay:
		return describe.Schema("time")
	case fromURL:
		return describe.Schema("url")
	case fromFixed:
		if a.fixed == "null" {
			return describe.Schema("nothing")
		}
		var v any
		_ = json.Unmarshal([]byte(a.fixed), &v) // it is written in this package
		return &openapi.Schema{Const: v}
	}
	if f := r.kind.Field(a.field); f != nil && a.from != fromRefName {
		return describe.Field(f)
	}
	return describe.Schema("text")
}

// sent lists the attributes of bodies, and which of them a new record needs.
func (r *resource) sent() (out []describe.Attr, required []string) {
	k := r.kind
	if k.Scope == record.OfOrganization {
		out = describe.Attrs("organization-id any")
		if !k.Shared {
			required = []string{"organization-id"}
		}
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.ReadOnly || f.Type == record.Files || slices.Contains(r.special.readOnly, f.Name) {
			continue
		}
		out = append(out, describe.Attr{Name: jsonapi.Kebab(f.Name), Schema: describe.Sent(f)})
		if f.Required && f.Default == nil || slices.Contains(r.special.required, f.Name) {
			required = append(required, jsonapi.Kebab(f.Name))
		}
	}
	if k.Scope != record.OfTenant {
		for _, name := range []string{"archived", "restricted"} {
			if k.Field(name) == nil && !slices.Contains(r.special.readOnly, name) {
				out = append(out, describe.Attrs(name+" yes")...)
			}
		}
	}
	return append(out, describe.Attrs(r.special.sends)...), required
}
