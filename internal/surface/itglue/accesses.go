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
	"strongroom/internal/surface/itglue/value"
)

const accessType = "resource-accesses"

// accessID is the id of the grant of one record to one user or group.
func accessID(rec, who id.ID) string { return rec.String() + "-" + who.String() }

func accessItem(rec, who id.ID, accessor string) []byte {
	b := jsonapi.StartItem(accessID(rec, who), accessType)
	b = value.Plain(jsonapi.Attr(b, "accessor-id"), who)
	b = value.Text(jsonapi.Attr(b, "accessor-type"), accessor)
	return jsonapi.EndItem(b)
}

func accessItems(rec id.ID, users, groups []id.ID) [][]byte {
	var out [][]byte
	for _, g := range groups {
		out = append(out, accessItem(rec, g, "Group"))
	}
	for _, u := range users {
		out = append(out, accessItem(rec, u, "User"))
	}
	return out
}

func listAccesses(c *call, res *resource) error {
	var items [][]byte
	err := c.view(func(tx *gate.Tx) error {
		parent, err := c.owner(tx, res)
		if err != nil {
			return err
		}
		_, users, groups, err := c.Records.Access(tx, parent)
		items = accessItems(parent, users, groups)
		return err
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, items, true)
}

// setAccesses replaces the users and groups that a record is open to. Naming
// some closes it to everybody else; naming none leaves that as it is, so that an
// empty list opens nothing.
func setAccesses(c *call, res *resource) error {
	d, err := c.document()
	if err != nil {
		return err
	}
	parent, err := c.id("parent")
	if err != nil {
		return err
	}
	var items [][]byte
	err = c.change(access.Restrict, gate.Thing{Kind: res.kind.Name, ID: parent}, func(tx *gate.Tx) error {
		users, groups, err := accessors(d)
		if err != nil {
			return err
		}
		was, _, _, err := c.Records.Access(tx, parent)
		if err != nil {
			return err
		}
		if err := c.Records.SetAccess(tx, res.kind.Name, parent, was || len(d.Items) > 0, users, groups); err != nil {
			return err
		}
		_, users, groups, err = c.Records.Access(tx, parent)
		items = accessItems(parent, users, groups)
		return err
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, items, true)
}

func accessors(d jsonapi.Document) (users, groups []id.ID, err error) {
	for i, item := range d.Items {
		f := record.Field{Name: "accessor_id", Label: "The accessor", Type: record.Ref, Ref: "user or group"}
		p, err := f.Parse(item.Attributes["accessor_id"])
		if err != nil {
			return nil, nil, at(i, d.Many, err)
		}
		who, _ := p.(id.ID)
		if who == 0 {
			return nil, nil, at(i, d.Many, fault.Field("accessor_id", "Say who, by an id."))
		}
		typ, _ := item.Attributes["accessor_type"].(string)
		switch strings.ToLower(typ) {
		case "user":
			users = append(users, who)
		case "group":
			groups = append(groups, who)
		default:
			return nil, nil, at(i, d.Many, fault.Field("accessor_type", "This must be User or Group."))
		}
	}
	return users, groups, nil
}
