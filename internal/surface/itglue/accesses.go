package itglue

import (
	"net/http"
	"strings"
	"time"

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

// accessItem is one grant; ends is when it ends, in Unix milliseconds, and 0 for
// never.
func accessItem(rec, who id.ID, accessor string, ends int64) []byte {
	b := jsonapi.StartItem(accessID(rec, who), accessType)
	b = value.Plain(jsonapi.Attr(b, "accessor-id"), who)
	b = value.Text(jsonapi.Attr(b, "accessor-type"), accessor)
	b = jsonapi.Attr(b, "expires-at")
	if ends == 0 {
		b = append(b, "null"...)
	} else {
		b = value.Text(b, time.UnixMilli(ends).UTC().Format(time.RFC3339))
	}
	return jsonapi.EndItem(b)
}

// accessItems lists the grants that count for a record, those included that are over.
func (c *call) accessItems(tx *gate.Tx, rec id.ID) ([][]byte, error) {
	r, err := c.Records.Get(tx, "", rec)
	if err != nil {
		return nil, err
	}
	users, groups, err := access.Grants(tx.SQL(), r.Guard)
	if err != nil {
		return nil, err
	}
	ends, err := access.Ends(tx.SQL(), r.Guard)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, g := range groups {
		out = append(out, accessItem(r.Guard, g, "Group", ends[g]))
	}
	for _, u := range users {
		out = append(out, accessItem(r.Guard, u, "User", ends[u]))
	}
	return out, nil
}

func listAccesses(c *call, res *resource) error {
	var items [][]byte
	err := c.view(func(tx *gate.Tx) error {
		parent, err := c.owner(tx, res)
		if err != nil {
			return err
		}
		items, err = c.accessItems(tx, parent)
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
		users, groups, ends, err := accessors(d)
		if err != nil {
			return err
		}
		was, err := c.Records.Get(tx, "", parent)
		if err != nil {
			return err
		}
		shut := was.Restricted && was.Guard == parent || len(d.Items) > 0 // what its folder closes is not closed by itself
		if err := c.Records.SetAccess(tx, res.kind.Name, parent, shut, users, groups); err != nil {
			return err
		}
		if err := access.SetEnds(tx.SQL(), parent, ends); err != nil {
			return err
		}
		items, err = c.accessItems(tx, parent)
		return err
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, items, true)
}

// accessors reads who is named, and of those that say when it ends, when: null is
// never.
func accessors(d jsonapi.Document) (users, groups []id.ID, ends map[id.ID]int64, err error) {
	ends = map[id.ID]int64{}
	for i, item := range d.Items {
		f := record.Field{Name: "accessor_id", Label: "The accessor", Type: record.Ref, Ref: "user or group"}
		p, err := f.Parse(item.Attributes["accessor_id"])
		if err != nil {
			return nil, nil, nil, at(i, d.Many, err)
		}
		who, _ := p.(id.ID)
		if who == 0 {
			return nil, nil, nil, at(i, d.Many, fault.Field("accessor_id", "Say who, by an id."))
		}
		typ, _ := item.Attributes["accessor_type"].(string)
		switch strings.ToLower(typ) {
		case "user":
			users = append(users, who)
		case "group":
			groups = append(groups, who)
		default:
			return nil, nil, nil, at(i, d.Many, fault.Field("accessor_type", "This must be User or Group."))
		}
		if said, ok := item.Attributes["expires_at"]; ok {
			if ends[who], err = expiry(said); err != nil {
				return nil, nil, nil, at(i, d.Many, err)
			}
		}
	}
	return users, groups, ends, nil
}

// expiry reads when access ends: an RFC 3339 time, or null for never.
func expiry(said any) (int64, error) {
	if said == nil {
		return 0, nil
	}
	text, _ := said.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 2000 {
		return 0, fault.Field("expires_at", "Give a time such as 2027-01-31T18:00:00Z, or null for no end.")
	}
	return at.UnixMilli(), nil
}
