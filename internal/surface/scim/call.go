package scim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/provision"
	"strongroom/internal/surface/scim/query"
)

func trim(s string) string { return strings.TrimSpace(s) }

// id reads which resource the address names. What is no id is answered like one that
// nothing has.
func (c *call) id() (id.ID, error) {
	n, ok := id.Parse(c.r.PathValue("id"))
	if !ok || n == 0 {
		return 0, gate.Missing()
	}
	return n, nil
}

// shape says which attributes an answer has.
type shape struct {
	only, not []query.Name // of which one may be given
}

func (c *call) shape(k *kept) (shape, error) {
	var s shape
	read := func(param string) (out []query.Name, err error) {
		for one := range strings.SplitSeq(c.r.URL.Query().Get(param), ",") {
			if one = strings.TrimSpace(one); one == "" {
				continue
			}
			p, err := query.ParsePath(one)
			if err != nil || p.Where != nil {
				return nil, bad("invalidPath", "The parameter "+param+" names attributes, with commas between.")
			}
			if p.Schema == "" || strings.EqualFold(p.Schema, k.schema) {
				out = append(out, p.Name)
			}
			if len(out) > query.MaxTerms {
				return nil, bad("invalidPath", "The parameter "+param+" names too many attributes.")
			}
		}
		return out, nil
	}
	var err error
	if s.only, err = read("attributes"); err != nil {
		return s, err
	}
	if s.not, err = read("excludedAttributes"); err == nil && s.only != nil && s.not != nil {
		err = bad("invalidValue", "Give attributes or excludedAttributes, and not both.")
	}
	return s, err
}

// has tells whether an answer has an attribute.
func (s shape) has(name string) bool {
	named := func(n query.Name) bool { return strings.EqualFold(n.Attr, name) }
	if s.only != nil {
		return slices.ContainsFunc(s.only, named)
	}
	return !slices.ContainsFunc(s.not, func(n query.Name) bool { return named(n) && n.Sub == "" })
}

// cut leaves of a document what the answer has.
func (s shape) cut(doc map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range doc {
		if name == "id" || name == "schemas" {
			out[name] = v
		} else if s.has(name) {
			out[name] = s.within(name, v)
		}
	}
	return out
}

// within leaves of a complex value the parts that the answer has.
func (s shape) within(name string, v any) any {
	var only, not []string
	for _, n := range s.only {
		if strings.EqualFold(n.Attr, name) {
			if n.Sub == "" {
				return v
			}
			only = append(only, strings.ToLower(n.Sub))
		}
	}
	for _, n := range s.not {
		if strings.EqualFold(n.Attr, name) {
			not = append(not, strings.ToLower(n.Sub))
		}
	}
	if only == nil && not == nil {
		return v
	}
	part := func(m map[string]any) map[string]any {
		out := map[string]any{}
		for k, x := range m {
			low := strings.ToLower(k)
			if (only == nil || slices.Contains(only, low)) && !slices.Contains(not, low) {
				out[k] = x
			}
		}
		return out
	}
	switch x := v.(type) {
	case map[string]any:
		return part(x)
	case []any:
		out := make([]any, len(x))
		for i, one := range x {
			if m, ok := one.(map[string]any); ok {
				out[i] = part(m)
			}
		}
		return out
	}
	return v
}

// give answers with a resource.
func (c *call) give(k *kept, i item, status int) error {
	s, err := c.shape(k)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("ETag", i.etag())
	if status == http.StatusCreated {
		h.Set("Location", c.base()+k.path+"/"+i.id.String())
	}
	return c.answer(status, s.cut(i.whole(k.resource, c.base())))
}

func (c *call) show(k *kept) error {
	n, err := c.id()
	if err != nil {
		return err
	}
	var list []item
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) (err error) {
		list, _, err = k.list(tx, provision.Query{Field: provision.ByID, Value: n.String(), Limit: 1}, true)
		return err
	})
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return err
	}
	if tags := c.r.Header.Get("If-None-Match"); tags != "" && names(tags, list[0].etag()) {
		c.w.Header().Set("ETag", list[0].etag())
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.give(k, list[0], http.StatusOK)
}

// names tells whether a header names a version.
func names(header, etag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// matches refuses to change a resource that is not the version that If-Match names.
func (c *call) matches(i item) error {
	if tags := c.r.Header.Get("If-Match"); tags != "" && !names(tags, i.etag()) {
		return &problem{http.StatusPreconditionFailed, "", "The resource was changed since: read it again."}
	}
	return nil
}

func (c *call) create(k *kept) error {
	doc, err := c.body(k)
	if err != nil {
		return err
	}
	made, err := k.make(c.r.Context(), c.caller, doc)
	if err != nil {
		return err
	}
	return c.give(k, made, http.StatusCreated)
}

// body reads a resource that is sent as a whole.
func (c *call) body(k *kept) (map[string]any, error) {
	if _, err := c.shape(k); err != nil { // before anything is changed
		return nil, err
	}
	doc, err := sent(c.r)
	if err == nil {
		err = speaks(doc, k.schema)
	}
	if err != nil {
		return nil, err
	}
	return k.read(doc)
}

func (c *call) replace(k *kept) error {
	n, err := c.id()
	if err != nil {
		return err
	}
	doc, err := c.body(k)
	if err != nil {
		return err
	}
	return c.change(k, n, func(item) (map[string]any, error) { return doc, nil })
}

func (c *call) patch(k *kept) error {
	n, err := c.id()
	if err != nil {
		return err
	}
	if _, err := c.shape(k); err != nil {
		return err
	}
	body, err := sent(c.r)
	if err != nil {
		return err
	}
	list, err := operations(body)
	if err != nil {
		return err
	}
	return c.change(k, n, func(i item) (map[string]any, error) { return i.doc, k.resource.patch(i.doc, list) })
}

func (c *call) change(k *kept, n id.ID, edit func(item) (map[string]any, error)) error {
	now, err := k.change(c.r.Context(), c.caller, n, c.what(), func(i item) (map[string]any, error) {
		if err := c.matches(i); err != nil {
			return nil, err
		}
		return edit(i)
	})
	if err != nil {
		return err
	}
	return c.give(k, now, http.StatusOK)
}

func (c *call) remove(k *kept) error {
	n, err := c.id()
	if err != nil {
		return err
	}
	if err := k.hide(c.r.Context(), c.caller, n, c.matches); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// number reads a parameter that is one; what is none is refused.
func (c *call) number(name string, usual int) (int, error) {
	s := c.r.URL.Query().Get(name)
	if s == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > 1<<31-1 {
		return 0, bad("invalidValue", "The parameter "+name+" is no number.")
	}
	return n, nil
}

// list answers resources, those that a filter finds.
func (c *call) list(k *kept) error {
	s, err := c.shape(k)
	if err != nil {
		return err
	}
	start, err := c.number("startIndex", 1)
	if err != nil {
		return err
	}
	count, err := c.number("count", usualCount)
	if err != nil {
		return err
	}
	start, count = max(start, 1), min(max(count, 0), mostCount)
	f, err := c.filter(k)
	if err != nil {
		return err
	}
	members := s.has("members") || s.has("meta") // of which the version tells
	var found []item
	var total int64
	err = c.Gate.View(c.r.Context(), c.caller, func(tx *gate.Tx) (err error) {
		if f == nil {
			found, total, err = k.list(tx, provision.Query{Skip: start - 1, Limit: count}, members)
		} else {
			found, total, err = search(tx, k, f, start-1, count, members)
		}
		return err
	})
	if err != nil {
		return err
	}
	out := make([]any, 0, len(found))
	for _, i := range found {
		out = append(out, s.cut(i.whole(k.resource, c.base())))
	}
	return c.answer(http.StatusOK, map[string]any{"schemas": []string{listSchema}, "totalResults": total, "startIndex": start, "itemsPerPage": len(out), "Resources": out})
}

// filter reads the filter; nil when there is none.
func (c *call) filter(k *kept) (*query.Filter, error) {
	values := c.r.URL.Query()
	if !values.Has("filter") {
		return nil, nil
	}
	f, err := query.ParseFilter(values.Get("filter"))
	if err != nil {
		return nil, bad("invalidFilter", fault.Say(err).Text)
	}
	var unknown string
	f.Names(func(inside string, n query.Name) {
		if inside != "" {
			n = query.Name{Attr: inside, Sub: n.Attr}
		}
		if k.find(n) == nil && unknown == "" {
			unknown = n.String()
		}
	})
	if unknown != "" {
		return nil, bad("invalidFilter", "There is no attribute "+clip(unknown)+" to filter by.")
	}
	return f, nil
}

// search goes through the resources that a filter may find.
func search(tx *gate.Tx, k *kept, f *query.Filter, skip, count int, members bool) (out []item, total int64, err error) {
	f.Names(func(_ string, n query.Name) { members = members || strings.EqualFold(n.Attr, "members") })
	q := narrowed(k, f)
	q.Limit = 500
	for {
		list, _, err := k.list(tx, q, members)
		if err != nil {
			return nil, 0, err
		}
		for _, i := range list {
			if !f.Match(i.whole(k.resource, ""), k.exact) {
				continue
			}
			if total >= int64(skip) && len(out) < count {
				out = append(out, i)
			}
			total++
		}
		if len(list) < q.Limit {
			return out, total, nil
		}
		q.Skip += q.Limit
	}
}

// narrowed gives the question whose answers hold all that a filter finds.
func narrowed(k *kept, f *query.Filter) provision.Query {
	if f.Op == query.And {
		for _, s := range f.Sub {
			if q := narrowed(k, s); q.Field != "" {
				return q
			}
		}
	}
	s, ok := f.Value.(string)
	if f.Op != "eq" || !ok || !slices.Contains([]string{"", "value"}, strings.ToLower(f.Name.Sub)) {
		return provision.Query{}
	}
	return provision.Query{Field: cmp.Or(k.fast[strings.ToLower(f.Name.Attr)]), Value: s}
}
