package itglue

import (
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
	"strongroom/internal/surface/itglue/value"
)

const relatedType = "related-items"

// relatedID is the id of a related item: the relation's own, or, where nobody
// made a relation, that of the other record.
func relatedID(it *relation.Item) string {
	if it.ID != 0 {
		return it.ID.String()
	}
	return it.Record.String()
}

// related writes the resource object of a relation.
func (c *call) related(it *relation.Item) []byte { return jsonapi.EndItem(c.relatedItem(it)) }

// relatedItem is related without its end.
func (c *call) relatedItem(it *relation.Item) []byte {
	b := jsonapi.StartItem(relatedID(it), relatedType)
	res := c.resources[it.Kind]
	b = value.Plain(jsonapi.Attr(b, "destination-id"), it.Record)
	b = value.Text(jsonapi.Attr(b, "destination-type"), value.TypeName(res.kind))
	b = value.Text(jsonapi.Attr(b, "name"), it.Name)
	b = value.Plain(jsonapi.Attr(b, "resource-id"), it.Record)
	b = res.appendURL(jsonapi.Attr(b, "resource-url"), c.host, it.Org, it.Record)
	b = value.Text(jsonapi.Attr(b, "resource-type-name"), value.TypeName(res.kind))
	b = value.Text(jsonapi.Attr(b, "asset-type"), it.Kind)
	b = value.Text(jsonapi.Attr(b, "notes"), it.Notes)
	b = value.Text(jsonapi.Attr(b, "reason"), it.Reason)
	b = value.Text(jsonapi.Attr(b, "dependence"), string(it.Depends))
	b = value.Plain(jsonapi.Attr(b, "archived"), it.Archived)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), it.Created)
	return jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), it.Updated)
}

// allRelated lists the relations that people made, of all records, each once.
func allRelated(c *call) error {
	number, size := c.query.Page()
	var items [][]byte
	var total int64
	err := c.view(func(tx *gate.Tx) error {
		page, n, err := c.Relations.All(tx, (number-1)*size, size)
		total = n
		for i := range page {
			from := page[i].From
			b := value.Plain(jsonapi.Attr(c.relatedItem(&page[i].Item), "source-id"), from.Record)
			b = value.Text(jsonapi.Attr(b, "source-type"), value.TypeName(c.resources[from.Kind].kind))
			items = append(items, jsonapi.EndItem(value.Text(jsonapi.Attr(b, "source-name"), from.Name)))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.answerPage(items, total)
}

// owner gives the record in the path, which must be of the resource's kind.
func (c *call) owner(tx *gate.Tx, res *resource) (id.ID, error) {
	parent, err := c.id("parent")
	if err != nil {
		return 0, err
	}
	_, err = tx.Allow(access.View, gate.Thing{Kind: res.kind.Name, ID: parent})
	return parent, err
}

// editOwner opens a change of the record in the path.
func (c *call) editOwner(res *resource, fn func(tx *gate.Tx, parent id.ID) error) error {
	parent, err := c.id("parent")
	if err != nil {
		return err
	}
	return c.change(access.Edit, gate.Thing{Kind: res.kind.Name, ID: parent}, func(tx *gate.Tx) error { return fn(tx, parent) })
}

func listRelated(c *call, res *resource) error {
	var items [][]byte
	err := c.view(func(tx *gate.Tx) error {
		parent, err := c.owner(tx, res)
		if err != nil {
			return err
		}
		list, err := c.Relations.List(tx, parent)
		for _, it := range list {
			items = append(items, c.related(it))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.answerPart(items)
}

// destination reads which record a body wants to relate.
func (c *call) destination(tx *gate.Tx, item jsonapi.Item) (id.ID, error) {
	typ, _ := item.Attributes["destination_type"].(string)
	if strings.TrimSpace(typ) == "" {
		return 0, fault.Field("destination_type", "Say what sort of record to relate, such as Configuration.")
	}
	target := c.named(typ)
	if target == nil {
		return 0, fault.Field("destination_type", "There are no records of this sort.")
	}
	f := record.Field{Name: "destination_id", Label: "The destination", Type: record.Ref, Ref: target.kind.Name}
	p, err := f.Parse(item.Attributes["destination_id"])
	if err != nil {
		return 0, err
	}
	to, _ := p.(id.ID)
	if to == 0 {
		return 0, fault.Field("destination_id", "Say which record to relate, by its id.")
	}
	if _, err := c.Records.Get(tx, target.kind.Name, to); fault.Is(err, fault.NotFound) {
		return 0, fault.Field("destination_id", "The record to relate does not exist, or you may not see it.")
	} else if err != nil {
		return 0, err
	}
	return to, nil
}

// notesOf reads the note of a relation; none is "".
func notesOf(item jsonapi.Item) (string, error) {
	p, err := (&record.Field{Name: "notes", Type: record.Multiline}).Parse(item.Attributes["notes"])
	s, _ := p.(string)
	return s, err
}

// depend says which of two related records fails with the other, when a body says
// so, as seen from the record in the path.
func (c *call) depend(tx *gate.Tx, item jsonapi.Item, from id.ID, it *relation.Item) (*relation.Item, error) {
	said, ok := item.Attributes["dependence"]
	if !ok {
		return it, nil
	}
	p, err := (&record.Field{Name: "dependence", Type: record.Choice, Choices: record.Dependences()}).Parse(said)
	if err != nil {
		return nil, err
	}
	word, _ := p.(string)
	return c.Relations.SetDepends(tx, from, it.ID, record.Dependence(word))
}

func relate(c *call, res *resource) error {
	d, err := c.document()
	if err != nil {
		return err
	}
	if len(d.Items) == 0 {
		return jsonapi.Malformed("There is nothing in data.")
	}
	var items [][]byte
	err = c.editOwner(res, func(tx *gate.Tx, parent id.ID) error {
		for i, item := range d.Items {
			to, err := c.destination(tx, item)
			if err != nil {
				return at(i, d.Many, err)
			}
			notes, err := notesOf(item)
			if err != nil {
				return at(i, d.Many, err)
			}
			it, err := c.Relations.Add(tx, parent, to, notes)
			if err == nil {
				it, err = c.depend(tx, item, parent, it)
			}
			if err != nil {
				return at(i, d.Many, err)
			}
			items = append(items, c.related(it))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusCreated, items, d.Many)
}

func noteRelated(c *call, res *resource) error {
	item, err := c.item()
	if err != nil {
		return err
	}
	rid, err := c.id("id")
	if err != nil {
		return err
	}
	var out []byte
	err = c.editOwner(res, func(tx *gate.Tx, parent id.ID) error {
		it, err := c.Relations.Get(tx, parent, rid)
		if err != nil {
			return err
		}
		if _, ok := item.Attributes["notes"]; ok {
			notes, err := notesOf(item)
			if err != nil {
				return err
			}
			if it, err = c.Relations.SetNotes(tx, parent, rid, notes); err != nil {
				return err
			}
		}
		if it, err = c.depend(tx, item, parent, it); err != nil {
			return err
		}
		out = c.related(it)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, [][]byte{out}, false)
}

func unrelate(c *call, res *resource) error {
	rid, err := c.id("id")
	if err != nil {
		return err
	}
	return c.unrelate(res, []id.ID{rid}, false)
}

func unrelateMany(c *call, res *resource) error {
	d, err := c.document()
	if err != nil {
		return err
	}
	ids, err := idsIn(d.Items)
	if err != nil {
		return err
	}
	return c.unrelate(res, ids, true)
}

func (c *call) unrelate(res *resource, ids []id.ID, many bool) error {
	var items [][]byte
	err := c.editOwner(res, func(tx *gate.Tx, parent id.ID) error {
		for _, rid := range ids {
			it, err := c.Relations.Get(tx, parent, rid)
			if err != nil {
				return err
			}
			if err := c.Relations.Remove(tx, parent, rid); err != nil {
				return err
			}
			items = append(items, c.related(it))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, items, many)
}
