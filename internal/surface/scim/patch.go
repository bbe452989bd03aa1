package scim

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/surface/scim/query"
)

// operation is one change of a resource.
type operation struct {
	op    string // add, replace or remove
	path  *query.Path
	value any
	has   bool // there is a value
}

// operations reads what a PATCH brings.
func operations(doc map[string]any) ([]operation, error) {
	if err := speaks(doc, patchSchema); err != nil {
		return nil, err
	}
	list, ok := query.Get(doc, "Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, bad("invalidSyntax", "The body has no Operations.")
	}
	if len(list) > maxOperations {
		return nil, &problem{413, "tooMany", "There are more than 200 Operations."}
	}
	var out []operation
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, bad("invalidSyntax", "An operation is no object.")
		}
		op, _ := query.Get(m, "op").(string)
		o := operation{op: strings.ToLower(op), value: query.Get(m, "value")}
		o.has = o.value != nil
		if !slices.Contains([]string{"add", "replace", "remove"}, o.op) {
			return nil, bad("invalidSyntax", "An operation is neither add, replace nor remove.")
		}
		switch path := query.Get(m, "path").(type) {
		case nil:
		case string:
			p, err := query.ParsePath(path)
			if err != nil {
				return nil, bad("invalidPath", fault.Say(err).Text)
			}
			o.path = p
		default:
			return nil, bad("invalidPath", "A path is no text.")
		}
		out = append(out, o)
	}
	return out, nil
}

// patch applies operations to a resource, all of them or none.
func (r *resource) patch(doc map[string]any, list []operation) error {
	for _, o := range list {
		if o.path != nil {
			if err := r.apply(doc, o); err != nil {
				return err
			}
			continue
		}
		m, ok := o.value.(map[string]any)
		if o.op == "remove" || !ok {
			return bad("noTarget", "An operation without a path needs a value that is an object, and cannot remove.")
		}
		for _, key := range sorted(m) {
			p, err := query.ParsePath(key)
			if err != nil {
				return bad("invalidPath", fault.Say(err).Text)
			}
			a := r.find(p.Name)
			if a == nil || a.readOnly() {
				continue // as in a resource that is sent as a whole
			}
			if err := r.apply(doc, operation{op: o.op, path: p, value: m[key], has: m[key] != nil}); err != nil {
				return err
			}
		}
	}
	return nil
}

func sorted(m map[string]any) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// apply does one operation at its path. What is not kept is left out; what may not be
// written is refused.
func (r *resource) apply(doc map[string]any, o operation) error {
	a := r.find(o.path.Name)
	if a == nil {
		return nil
	}
	part := a.part(o.path.Sub)
	if a.readOnly() {
		return bad("mutability", o.path.String()+" cannot be written.")
	}
	if part != nil && part.readOnly() {
		return nil // follows from the other parts, and clients send it along
	}
	if o.op != "remove" && !o.has {
		o.op = "remove" // nothing is to be there
	}
	if a.Multi {
		return r.many(doc, a, part, o)
	}
	if o.path.Where != nil {
		return bad("invalidPath", a.Name+" is no list.")
	}
	if o.op == "remove" {
		if a.Required {
			return bad("mutability", a.Name+" is needed.")
		}
		if m, ok := doc[a.Name].(map[string]any); ok && part != nil {
			delete(m, part.Name)
		} else {
			delete(doc, a.Name)
		}
		return nil
	}
	if part != nil {
		got, err := part.one(o.value)
		if err != nil {
			return err
		}
		m, ok := doc[a.Name].(map[string]any)
		if !ok {
			m = map[string]any{}
			doc[a.Name] = m
		}
		m[part.Name] = got
		return nil
	}
	got, err := a.take(o.value)
	if err != nil {
		return err
	}
	if m, ok := got.(map[string]any); ok { // parts that are not named stay
		old, _ := doc[a.Name].(map[string]any)
		for k, v := range old {
			if _, named := m[k]; !named {
				m[k] = v
			}
		}
	}
	doc[a.Name] = got
	return nil
}

// many does an operation on a list.
func (r *resource) many(doc map[string]any, a, part *attribute, o operation) error {
	have, _ := doc[a.Name].([]any)
	if o.path.Where == nil && part != nil {
		o.path.Where = &query.Filter{Op: query.Pr, Name: query.Name{Attr: "value"}} // of all values
	}
	if o.path.Where != nil {
		return r.some(doc, have, a, part, o)
	}
	if o.op == "remove" && !o.has {
		if a.Required {
			return bad("mutability", a.Name+" is needed.")
		}
		doc[a.Name] = []any{}
		return nil
	}
	got, err := a.take(o.value)
	if err != nil {
		return err
	}
	list, _ := got.([]any)
	switch o.op {
	case "replace":
		have = nil
	case "remove":
		gone := values(list)
		doc[a.Name] = slices.DeleteFunc(slices.Clone(have), func(v any) bool { return gone[valueOf(v)] })
		return nil
	}
	there := values(have)
	for _, v := range list {
		if s := valueOf(v); s == "" || !there[s] {
			have, there[s] = append(have, v), true
		}
	}
	if len(have) > maxValues {
		return &problem{413, "tooMany", "A list has more than 20,000 values."}
	}
	doc[a.Name] = have
	return nil
}

// some does an operation on those values of a list that a filter finds.
func (r *resource) some(doc map[string]any, have []any, a, part *attribute, o operation) error {
	if err := r.within(a, o.path.Where); err != nil {
		return err
	}
	exact := func(n query.Name) bool { p := a.part(n.Attr); return p != nil && p.Exact }
	var next []any
	found := false
	for _, v := range have {
		m, ok := v.(map[string]any)
		if !ok || !o.path.Where.Match(m, exact) {
			next = append(next, v)
			continue
		}
		found = true
		if o.op == "remove" && part == nil {
			continue
		}
		changed, err := alter(m, a, part, o)
		if err != nil {
			return err
		}
		next = append(next, changed)
	}
	if !found && o.op != "remove" {
		fresh := stated(a, o.path.Where)
		if fresh == nil {
			return bad("noTarget", "Nothing of "+a.Name+" is as the path says.")
		}
		changed, err := alter(fresh, a, part, o)
		if err != nil {
			return err
		}
		next = append(next, changed)
	}
	if next == nil {
		next = []any{}
	}
	doc[a.Name] = next
	return nil
}

// alter gives a value of a list as an operation leaves it.
func alter(m map[string]any, a, part *attribute, o operation) (map[string]any, error) {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	switch {
	case o.op == "remove":
		delete(out, part.Name)
		return out, nil
	case part != nil:
		got, err := part.one(o.value)
		out[part.Name] = got
		return out, err
	}
	got, err := a.one(o.value)
	if err != nil {
		return nil, err
	}
	more, _ := got.(map[string]any)
	for k, v := range more {
		out[k] = v
	}
	return out, nil
}

// stated gives the value of a list that a filter such as type eq "work" describes; nil for
// another filter. Clients set a value in this way whether or not it is there.
func stated(a *attribute, f *query.Filter) map[string]any {
	if f.Op != "eq" || f.Value == nil || a.part(f.Name.Attr) == nil || strings.EqualFold(f.Name.Attr, "value") {
		return nil
	}
	return map[string]any{a.part(f.Name.Attr).Name: f.Value}
}

// within sees that a filter in brackets asks for parts of the list.
func (r *resource) within(a *attribute, f *query.Filter) (err error) {
	f.Names(func(inside string, n query.Name) {
		if inside != "" || n.Schema != "" || n.Sub != "" || a.part(n.Attr) == nil {
			err = bad("invalidFilter", a.Name+" has no "+clip(n.String())+".")
		}
	})
	return err
}

func valueOf(v any) string {
	m, _ := v.(map[string]any)
	s, _ := m["value"].(string)
	return s
}

func values(list []any) map[string]bool {
	out := map[string]bool{}
	for _, v := range list {
		if s := valueOf(v); s != "" {
			out[s] = true
		}
	}
	return out
}
