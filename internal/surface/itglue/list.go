package itglue

import (
	"bytes"
	"net/http"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// list answers GET of a collection.
func list(c *call, res *resource, n *nest) error {
	var objects []*object
	var total int64
	var inc included
	number, size := c.query.Page()
	err := c.view(func(tx *gate.Tx) error {
		q := record.Query{Sort: res.order(c.query), Limit: size, Offset: (number - 1) * size}
		var err error
		if q.Filters, err = res.filterList(tx, c.query); err != nil {
			return err
		}
		if res.special.narrow != nil {
			res.special.narrow(c, &q)
		}
		if err := c.below(n, &q); err != nil {
			return err
		}
		p, err := c.Records.List(tx, res.kind.Name, q)
		if err != nil {
			return err
		}
		total = p.Total
		if n != nil && (len(p.Records) == 0 || n.field != "organization_id") { // who sees a record of an organization may know of that
			if err := c.parentSeen(tx, n); err != nil {
				return err
			}
		}
		objects, inc, err = c.complete(tx, res, p.Records, false)
		return err
	})
	if err != nil {
		return err
	}
	kept := c.bodies.Get().(*[]byte)
	defer c.bodies.Put(kept)
	b := append((*kept)[:0], `{"data":`...)
	b = res.appendAll(b, c.host, objects, true)
	b = inc.append(b)
	*kept = append(c.page(total).Append(b, c.query, res.meta), '}')
	return c.answer(http.StatusOK, *kept)
}

func (r *resource) appendAll(b []byte, host string, objects []*object, inList bool) []byte {
	b = append(b, '[')
	for i, o := range objects {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.append(b, host, o, inList)
	}
	return append(b, ']')
}

// below narrows a query to what lies below the record in the path.
func (c *call) below(n *nest, q *record.Query) error {
	if n == nil {
		return nil
	}
	parent, err := c.id("parent")
	if err != nil {
		return err
	}
	if n.field == "organization_id" {
		q.Org = parent
		return nil
	}
	q.Filters = append(q.Filters, record.Filter{Field: n.field, Op: record.Eq, Values: []any{parent}})
	return nil
}

// parentSeen sees that the record in the path is there.
func (c *call) parentSeen(tx *gate.Tx, n *nest) error {
	parent, err := c.id("parent")
	if err != nil {
		return err
	}
	_, err = c.Records.Get(tx, n.kind.Name, parent)
	return err
}

// within sees that a record lies below the one in the path. Otherwise it is not
// there.
func (c *call) within(n *nest, rec *record.Record) error {
	if n == nil {
		return nil
	}
	parent, err := c.id("parent")
	if err != nil {
		return err
	}
	at := rec.Org
	if n.field != "organization_id" {
		at = rec.Values.ID(n.field)
	}
	if at != parent {
		return gate.Missing()
	}
	return nil
}

// show answers GET of one record.
func show(c *call, res *resource, n *nest) error {
	rid, err := c.id("id")
	if err != nil {
		return err
	}
	version, err := c.version()
	if err != nil {
		return err
	}
	find := func(tx *gate.Tx) (*record.Record, error) {
		rec, err := c.Records.Get(tx, res.kind.Name, rid)
		if err != nil {
			return nil, err
		}
		if n != nil && n.field != "organization_id" {
			if err := c.parentSeen(tx, n); err != nil {
				return nil, err
			}
		}
		return rec, c.within(n, rec)
	}
	return c.give(http.StatusOK, res, rid, version, c.flag("show_password", true), c.view, find)
}

// version gives the version of a record that is asked for, or 0.
func (c *call) version() (int64, error) {
	v, ok := c.query.Flag("version_id")
	if !ok || v == "" {
		return 0, nil
	}
	i, ok := id.Parse(v)
	if !ok {
		return 0, gate.Missing()
	}
	return int64(i), nil
}

// found is one record of an answer.
type found struct {
	*object
	included
	at int64 // before which moment a secret must have been set, 0 for now
}

// give answers with one record that find gives inside the transaction that
// within opens. The secret is revealed when that transaction is over. With rid,
// the record that is asked for, one transaction serves both: the one that
// records the reveal.
func (c *call) give(status int, res *resource, rid id.ID, version int64, reveal bool, within func(func(*gate.Tx) error) error, find func(*gate.Tx) (*record.Record, error)) error {
	var f found
	gather := func(tx *gate.Tx) error {
		rec, err := find(tx)
		if err == nil && version != 0 {
			rec, f.at, err = c.revision(tx, rec, version)
		}
		if err != nil {
			return err
		}
		objects, inc, err := c.complete(tx, res, []*record.Record{rec}, true)
		if err == nil {
			f.object, f.included = objects[0], inc
		}
		return err
	}
	var err error
	if reveal = reveal && c.reveals(res); reveal && rid != 0 {
		err = c.open(res, rid, &f, gather)
	} else if err = within(gather); err == nil && reveal {
		err = c.open(res, f.rec.ID, &f, func(*gate.Tx) error { return nil })
	}
	if err != nil {
		return err
	}
	b := append(make([]byte, 0, 2048), `{"data":`...)
	b = res.append(b, c.host, f.object, false)
	b = f.included.append(b)
	return c.answer(status, append(b, '}'))
}

// complete adds to records what is said beside their values.
func (c *call) complete(tx *gate.Tx, res *resource, list []*record.Record, one bool) ([]*object, included, error) {
	objects := make([]*object, len(list))
	own := make([]object, len(list))
	for i, r := range list {
		own[i].rec = r
		objects[i] = &own[i]
	}
	if len(list) == 0 {
		return objects, included{}, nil
	}
	for _, more := range res.special.more {
		if err := more.to(c, tx, objects, one); err != nil {
			return nil, included{}, err
		}
	}
	inc, err := c.include(tx, res, objects, one)
	return objects, inc, err
}

func idsOf(list []*object) []id.ID {
	out := make([]id.ID, len(list))
	for i, o := range list {
		out[i] = o.rec.ID
	}
	return out
}

// page is the page that is asked for, out of total things.
func (c *call) page(total int64) jsonapi.Page {
	number, size := c.query.Page()
	return jsonapi.Page{Self: c.self(), Number: number, Size: size, Total: total}
}

// answerPage sends one page of things that are no records.
func (c *call) answerPage(items [][]byte, total int64) error {
	b := appendItems([]byte(`{"data":`), items, true)
	b = c.page(total).Append(b, c.query, []byte("{}"))
	return c.answer(http.StatusOK, append(b, '}'))
}

// answerPart sends the page that is asked for out of all items.
func (c *call) answerPart(all [][]byte) error {
	number, size := c.query.Page()
	from := min((number-1)*size, len(all))
	return c.answerPage(all[from:min(from+size, len(all))], int64(len(all)))
}

// answerItems sends resource objects without paging; many says whether data is
// an array.
func (c *call) answerItems(status int, items [][]byte, many bool) error {
	return c.answer(status, append(appendItems([]byte(`{"data":`), items, many), '}'))
}

func appendItems(b []byte, items [][]byte, many bool) []byte {
	list := bytes.Join(items, []byte{','})
	if !many {
		return append(b, list...)
	}
	return append(append(append(b, '['), list...), ']')
}
