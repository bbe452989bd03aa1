package ivanti

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/customobject"
)

// designedAt is where the metadata of what tenants define is; normal leads there.
const designedAt = "/odata/metadata/"

// mountDesigned mounts the business objects that tenants define: each is read when it is
// asked for, since they differ from tenant to tenant.
func (a *API) mountDesigned() {
	if a.objects[customobject.Kind] == nil {
		return
	}
	at := func(pattern string, fn func(*call, *object) error) {
		a.mux.Handle(pattern, a.called(func(c *call) error {
			o, err := c.designed(c.r.PathValue("designed"))
			if err != nil {
				c.nowhere = true
				return err
			}
			return fn(c, o)
		}), web.MaxBody(maxBody))
	}
	all, one := business+"{designed}", business+"{designed}/{id}"
	at("GET "+designedAt+"{designed}", metadata)
	at("GET "+all, list)
	at("POST "+all, create)
	at("GET "+one, show)
	at("PATCH "+one, update)
	at("PUT "+one, update)
	at("DELETE "+one, destroy)
	at("GET "+one+"/{action}", (*call).follow)
	at("POST "+one+"/{action}", act)
	at("PATCH "+business+"{designed}/{parent}/{action}/{id}/$ref", func(c *call, o *object) error { return c.linked(o, true) })
	at("DELETE "+business+"{designed}/{parent}/{action}/{id}/$ref", func(c *call, o *object) error { return c.linked(o, false) })
}

// designed reads the object that a tenant defined and calls so in addresses.
func (c *call) designed(set string) (*object, error) {
	missing := fault.New(fault.NotFound, "There is no such address.").WithHint("Objects are called in the plural, as in incidents.")
	key, ok := strings.CutSuffix(set, "s")
	if !ok || key == "" {
		return nil, missing
	}
	var o *object
	err := c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) error {
		var typ id.ID
		for _, said := range []string{key, strings.TrimPrefix(key, taken)} {
			page, err := c.Records.List(tx, customobject.TypeKind, record.Query{Filters: []record.Filter{{Field: "name_key", Op: record.Eq, Values: []any{said}}}, Limit: 1, NoTotal: true})
			if err != nil {
				return err
			}
			if len(page.Records) > 0 {
				typ = page.Records[0].ID
				break
			}
		}
		if typ == 0 {
			return missing
		}
		k, err := c.Records.Shape(tx, customobject.Kind, typ)
		if err != nil {
			return err
		}
		d, err := customobject.Of(tx, typ)
		if err == nil {
			o = c.defined(k, d)
		}
		return err
	})
	return o, err
}

// taken stands before the name of what a tenant defined and called as one of ours.
const taken = "custom__"

// defined describes a kind that a tenant defined: its fields are called as people call them,
// its links are relationships too.
func (a *API) defined(k *record.Kind, d *customobject.Design) *object {
	s := spec{name: d.Key, as: map[string]string{"number": d.Key + "Number"}}
	if a.sets[strings.ToLower(d.Key)+"s"] != nil {
		s.name = "Custom__" + d.Key
	}
	words := func(label string) string {
		return camel(strings.Join(strings.FieldsFunc(label, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }), "_"))
	}
	bare := *k
	bare.Fields = slices.DeleteFunc(slices.Clone(k.Fields), func(f record.Field) bool {
		return f.Name == customobject.TypeField || f.Name == customobject.State && k.Life == nil
	})
	for i := range bare.Fields {
		f := &bare.Fields[i]
		if f.Trait == 0 {
			continue
		}
		name := words(f.Label)
		if name == "" {
			name = "Field" + f.Trait.String()
		}
		if f.Type == record.Ref && !strings.HasSuffix(name, "Link") {
			name += "Link"
		}
		s.as[f.Name] = name
	}
	o := newObject(&bare, s)
	o.kind, o.actions = k, actionsOf(k)
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Trait == 0 || f.Ref == "" || a.objects[f.Ref] == nil {
			continue
		}
		r := relationship{of: k.Name, name: o.name + "Associates" + words(f.Label), to: f.Ref, way: refers, field: f.Name}
		if f.Type == record.Refs {
			r.way = names
		}
		o.ties = append(o.ties, r)
	}
	return o
}

// is refuses a record that is of another of the kinds that the tenant defined.
func (o *object) is(r *record.Record) error {
	if o.kind.Variant != 0 && r.Variant() != o.kind.Variant || !o.sub.has(r) {
		return gate.Missing()
	}
	return nil
}

// narrow tells whether not every record of the kind is one of the object.
func (o *object) narrow() bool { return o.kind.Variant != 0 || o.sub != nil }

// follow answers GET of a relationship of a defined object, or of its files.
func (c *call) follow(o *object) error {
	name := c.r.PathValue("action")
	c.r.SetPathValue("parent", c.r.PathValue("id"))
	if name == strings.ToLower(o.name)+containsAll {
		parent, err := c.parent()
		if err != nil {
			return err
		}
		return c.answerFiles(parent, o)
	}
	r, err := o.tied(name)
	if err != nil {
		c.nowhere = true
		return err
	}
	return related(c, o, c.objects[r.to], r)
}

// tied finds a relationship by its name.
func (o *object) tied(name string) (relationship, error) {
	for _, r := range o.ties {
		if strings.EqualFold(r.name, name) {
			return r, nil
		}
	}
	return relationship{}, fault.New(fault.NotFound, "There is no such address.").WithHint("The relationships of the object are listed at /api/odata/%s/$metadata.", o.set)
}

// linked answers PATCH and DELETE of a reference of a defined object.
func (c *call) linked(o *object, on bool) error {
	r, err := o.tied(c.r.PathValue("action"))
	if err != nil {
		c.nowhere = true
		return err
	}
	return c.retie(o, c.objects[r.to], r, on)
}

// metadataOf leads to the metadata of what a tenant defined.
func (a *API) metadataOf(p string) string {
	set, ok := strings.CutSuffix(strings.TrimPrefix(p, odataAt), "/$metadata")
	if !ok || strings.Contains(set, "/") || a.sets[set] != nil || a.subs[set] != nil || a.objects[customobject.Kind] == nil {
		return p
	}
	return designedAt + set
}

// Designed tells whether a route is of what tenants define.
func Designed(route string) bool {
	_, path, _ := strings.Cut(route, " ")
	return strings.HasPrefix(path, business+"{designed}") || strings.HasPrefix(path, designedAt)
}
