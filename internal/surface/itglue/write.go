package itglue

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/document"
	"strongroom/internal/surface/itglue/value"
)

// values turns the attributes of a body into values to save: what callers do
// not set is left out, zero values of typed programs are taken for nothing.
func (r *resource) values(item jsonapi.Item, isNew bool) record.Values {
	v := record.Values{}
	for name, in := range item.Attributes {
		if slices.Contains(r.special.readOnly, name) {
			continue
		}
		f := r.kind.Field(name)
		if d, ok := in.(*designed); ok {
			maps.Copy(v, d.values)
			continue
		}
		switch {
		case f == nil && name == "organization_id":
			if !value.Empty(in) {
				v[name] = in
			}
		case f == nil && (name == "archived" || name == "restricted"):
			v[name] = in
		case f == nil || f.ReadOnly:
		case f.Type == record.Secret && !isNew && (in == "" || in == nil && slices.Contains(r.special.keep, name)):
		case f.Type == record.Ref && value.Empty(in):
			v[name] = nil
		case (f.Type == record.Date || f.Type == record.Time) && value.ZeroTime(in):
		default:
			v[name] = in
		}
	}
	return v
}

// missing says which attributes a new record needs and has not.
func (r *resource) missing(v record.Values) error {
	bad := map[string]string{}
	for _, name := range r.special.required {
		if s, ok := v[name].(string); v[name] == nil || ok && s == "" {
			bad[name] = r.kind.Field(name).Title() + " is missing."
		}
	}
	return fault.Fields(bad)
}

// create answers POST.
func create(c *call, res *resource, n *nest) error {
	d, err := c.document()
	if err != nil {
		return err
	}
	if len(d.Items) == 0 {
		return jsonapi.Malformed("There is nothing in data.")
	}
	todo := make([]record.Values, len(d.Items))
	for i, item := range d.Items {
		if err := c.design(res, item, 0); err != nil {
			return at(i, d.Many, err)
		}
		todo[i] = res.values(item, true)
		if n != nil {
			parent, err := c.id("parent")
			if err != nil {
				return err
			}
			todo[i][n.field] = parent
		}
	}
	if !d.Many {
		return c.give(http.StatusCreated, res, 0, 0, c.flag("show_password", false), c.creating(res, n, todo[0]), func(tx *gate.Tx) (*record.Record, error) {
			return c.createOne(tx, res, n, todo[0], d.Items[0])
		})
	}
	return c.many(http.StatusCreated, res, c.creating(res, n, todo[0]), func(tx *gate.Tx) ([]*record.Record, error) {
		var out []*record.Record
		for i, item := range d.Items {
			rec, err := c.createOne(tx, res, n, todo[i], item)
			if err != nil {
				return nil, at(i, true, err)
			}
			out = append(out, rec)
		}
		return out, nil
	})
}

// creating opens the transaction in which a record with these values is made.
func (c *call) creating(res *resource, n *nest, v record.Values) func(func(*gate.Tx) error) error {
	thing := gate.Thing{Kind: res.kind.Name}
	if res.kind.Scope == record.OfOrganization {
		f := record.Field{Name: "organization_id", Label: "Organization", Type: record.Ref, Ref: "organization"}
		if p, err := f.Parse(v["organization_id"]); err == nil {
			thing.Org, _ = p.(id.ID)
		}
	}
	return func(fn func(*gate.Tx) error) error {
		err := c.change(access.Create, thing, func(tx *gate.Tx) error {
			err := fn(tx)
			if e := tx.Entry(); err == nil && e.Object == 0 {
				tx.Withdraw(e) // the record was made below another one, which has its own entry
			}
			return err
		})
		if n == nil && thing.Org != 0 && fault.Is(err, fault.NotFound) {
			return fault.Field("organization_id", "Organization does not exist, or you may not see it.")
		}
		return err
	}
}

func (c *call) createOne(tx *gate.Tx, res *resource, n *nest, v record.Values, item jsonapi.Item) (*record.Record, error) {
	if n != nil {
		if err := c.parentSeen(tx, n); err != nil {
			return nil, err
		}
	}
	if err := res.missing(v); err != nil {
		return nil, err
	}
	rec, err := c.Records.Create(tx, res.kind.Name, v)
	if err != nil {
		return nil, c.hiddenParent(res, n, v, err)
	}
	return c.after(tx, res, rec, item, true)
}

// hiddenParent turns the absence of a parent that the body names into a failure
// of that attribute.
func (c *call) hiddenParent(res *resource, n *nest, v record.Values, err error) error {
	if n != nil || res.kind.Scope != record.OfParent || !fault.Is(err, fault.NotFound) {
		return err
	}
	f := res.kind.Field(res.kind.Parent)
	for _, name := range res.kind.Parents {
		if v[f.Name] == nil && v[name] != nil {
			f = res.kind.Field(name)
		}
	}
	return fault.Field(f.Name, "%s does not exist, or you may not see it.", f.Title())
}

// after does what the body asks for beyond the record itself and gives the
// record as it is then.
func (c *call) after(tx *gate.Tx, res *resource, rec *record.Record, item jsonapi.Item, created bool) (*record.Record, error) {
	if res.special.saved != nil {
		if err := res.special.saved(c, tx, rec, item, created); err != nil {
			return nil, err
		}
	}
	return c.Records.Again(tx, rec)
}

// many answers with the records that find gives.
func (c *call) many(status int, res *resource, within func(func(*gate.Tx) error) error, find func(*gate.Tx) ([]*record.Record, error)) error {
	var objects []*object
	err := within(func(tx *gate.Tx) error {
		list, err := find(tx)
		if err != nil {
			return err
		}
		objects, _, err = c.complete(tx, res, list, false)
		return err
	})
	if err != nil {
		return err
	}
	b := res.appendAll([]byte(`{"data":`), c.host, objects, true)
	return c.answer(status, append(b, '}'))
}

// update answers PATCH of one record.
func update(c *call, res *resource, n *nest) error {
	rid, err := c.id("id")
	if err != nil {
		return err
	}
	item, err := c.item()
	if err == nil {
		err = c.design(res, item, rid)
	}
	if err != nil {
		return err
	}
	return c.give(http.StatusOK, res, 0, 0, c.flag("show_password", false), c.editing(res, rid), func(tx *gate.Tx) (*record.Record, error) {
		return c.updateOne(tx, res, n, rid, item)
	})
}

func (c *call) editing(res *resource, rid id.ID) func(func(*gate.Tx) error) error {
	return func(fn func(*gate.Tx) error) error {
		return c.change(access.Edit, gate.Thing{Kind: res.kind.Name, ID: rid}, fn)
	}
}

func (c *call) updateOne(tx *gate.Tx, res *resource, n *nest, rid id.ID, item jsonapi.Item) (*record.Record, error) {
	if len(item.Relationships) > 0 {
		return nil, fault.New(fault.Invalid, "Relationships cannot be changed here.").WithHint("Change them at their own address.")
	}
	if n != nil {
		rec, err := c.Records.Get(tx, res.kind.Name, rid)
		if err != nil {
			return nil, err
		}
		if err := c.within(n, rec); err != nil {
			return nil, err
		}
	}
	rec, err := c.Records.Update(tx, res.kind.Name, rid, 0, res.values(item, false))
	if err != nil {
		return nil, err
	}
	return c.after(tx, res, rec, item, false)
}

// updateMany answers PATCH of a collection: all of it or nothing.
func updateMany(c *call, res *resource, n *nest) error {
	d, err := c.document()
	if err != nil {
		return err
	}
	ids, err := idsIn(d.Items)
	if err != nil {
		return err
	}
	for i, item := range d.Items {
		if err := c.design(res, item, ids[i]); err != nil {
			return at(i, d.Many, err)
		}
	}
	return c.many(http.StatusOK, res, c.editing(res, ids[0]), func(tx *gate.Tx) ([]*record.Record, error) {
		var out []*record.Record
		for i, item := range d.Items {
			rec, err := c.updateOne(tx, res, n, ids[i], item)
			if err != nil {
				return nil, at(i, d.Many, err)
			}
			out = append(out, rec)
		}
		return out, nil
	})
}

// idsIn reads the ids of resource objects, each of which must have one.
func idsIn(items []jsonapi.Item) ([]id.ID, error) {
	if len(items) == 0 {
		return nil, jsonapi.Malformed("There is nothing in data.")
	}
	out := make([]id.ID, len(items))
	for i, item := range items {
		if item.ID == "" {
			return nil, jsonapi.Malformed("The id of object %d is missing.", i+1)
		}
		rid, ok := id.Parse(item.ID)
		if !ok {
			return nil, gate.Missing()
		}
		out[i] = rid
	}
	return out, nil
}

// destroy answers DELETE of one record.
func destroy(c *call, res *resource, n *nest) error {
	rid, err := c.id("id")
	if err != nil {
		return err
	}
	objects, err := c.trash(res, n, []id.ID{rid})
	if err != nil {
		return err
	}
	if n == nil && res.special.noContent || n != nil && res.special.noNested {
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	b := res.append([]byte(`{"data":`), c.host, objects[0], true)
	return c.answer(http.StatusOK, append(b, '}'))
}

// destroyMany answers DELETE of a collection, by ids in the body or by filters.
func destroyMany(c *call, res *resource, n *nest) error {
	ids, err := c.doomed(res, n)
	if err != nil {
		return err
	}
	objects, err := c.trash(res, n, ids)
	if err != nil {
		return err
	}
	b := res.appendAll([]byte(`{"data":`), c.host, objects, true)
	return c.answer(http.StatusOK, append(b, '}'))
}

// doomed finds what a DELETE of a collection names.
func (c *call) doomed(res *resource, n *nest) ([]id.ID, error) {
	body, err := c.read()
	if err != nil {
		return nil, err
	}
	named := len(c.query.Filters)+len(c.query.Strange) > 0
	if len(strings.TrimSpace(string(body))) > 0 {
		if named {
			return nil, jsonapi.Malformed("Name what to delete in the body or by filters, not both; nothing was deleted.")
		}
		d, err := jsonapi.ParseDocument(body)
		if err != nil {
			return nil, err
		}
		ids, err := idsIn(d.Items)
		slices.Sort(ids)
		return slices.Compact(ids), err
	}
	if !named {
		return nil, jsonapi.Malformed("Say what to delete: ids in the body, or a filter; nothing was deleted.")
	}
	filters, err := res.asked.Strict(c.query)
	if err != nil {
		return nil, err
	}
	return c.found(res, n, filters)
}

// found lists the ids of what filters find, at most as many as may be deleted
// at once.
func (c *call) found(res *resource, n *nest, filters []record.Filter) ([]id.ID, error) {
	q := record.Query{Filters: filters, Limit: jsonapi.MaxItems + 1, NoTotal: true}
	if err := c.below(n, &q); err != nil {
		return nil, err
	}
	var ids []id.ID
	err := c.view(func(tx *gate.Tx) error {
		p, err := c.Records.List(tx, res.kind.Name, q)
		if err != nil {
			return err
		}
		if n != nil && (len(p.Records) == 0 || n.field != "organization_id") {
			if err := c.parentSeen(tx, n); err != nil {
				return err
			}
		}
		for _, r := range p.Records {
			ids = append(ids, r.ID)
		}
		return nil
	})
	if len(ids) > jsonapi.MaxItems {
		return nil, jsonapi.Malformed("This would delete more than %d at once; nothing was deleted.", jsonapi.MaxItems).WithHint("Narrow the filter.")
	}
	return ids, err
}

// trash deletes records, all of them or none, and gives them as they were.
func (c *call) trash(res *resource, n *nest, ids []id.ID) ([]*object, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var objects []*object
	err := c.change(access.Delete, gate.Thing{Kind: res.kind.Name, ID: ids[0]}, func(tx *gate.Tx) error {
		var list []*record.Record
		for _, rid := range ids {
			rec, err := c.Records.Get(tx, res.kind.Name, rid)
			if err != nil {
				return err
			}
			if err := c.within(n, rec); err != nil {
				return err
			}
			list = append(list, rec)
		}
		var err error
		if objects, _, err = c.complete(tx, res, list, false); err != nil {
			return err
		}
		for _, rid := range ids {
			if err := c.Records.Trash(tx, res.kind.Name, rid); err != nil {
				return err
			}
		}
		return nil
	})
	return objects, err
}

// publish answers PATCH /documents/:id/publish.
func publish(c *call, res *resource, n *nest) error {
	rid, err := c.id("id")
	if err != nil {
		return err
	}
	return c.give(http.StatusOK, res, 0, 0, false, c.editing(res, rid), func(tx *gate.Tx) (*record.Record, error) {
		rec, err := c.Records.Get(tx, res.kind.Name, rid)
		if err != nil {
			return nil, err
		}
		if err := c.within(n, rec); err != nil {
			return nil, err
		}
		return document.Publish(tx, c.Records, rid)
	})
}
