package itglue

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/value"
)

// maxExpirations is how many expirations are looked at, the soonest first.
const maxExpirations = 20_000

// expiration is a date on which something of a record runs out, under an id of
// its own: the record's id and which of its dates it is.
type expiration struct {
	record.Expiry
	id id.ID
}

// slots is how many dates of one kind can expire.
const slots = 32

func expirationID(rec id.ID, k *record.Kind, field string) id.ID {
	n := 0
	for _, f := range k.Fields {
		if f.Name == field {
			return rec*slots + id.ID(n)
		}
		if f.Expires {
			n++
		}
	}
	return 0
}

// expires finds the record and the field that an id of an expiration means.
func expires(k *record.Kind, slot int) *record.Field {
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Expires {
			if slot == 0 {
				return f
			}
			slot--
		}
	}
	return nil
}

func (e *expiration) description() string { return e.Field.Title() }

// object writes its resource object.
func (e *expiration) object(c *call) []byte {
	res := c.resources[e.Kind.Name]
	b := jsonapi.StartItem(e.id.String(), "expirations")
	b = value.Plain(jsonapi.Attr(b, "organization-id"), e.Org)
	b = value.Text(jsonapi.Attr(b, "organization-name"), e.OrgName)
	b = value.Plain(jsonapi.Attr(b, "resource-id"), e.Record)
	b = value.Text(jsonapi.Attr(b, "resource-name"), e.Name)
	b = value.Text(jsonapi.Attr(b, "resource-type"), e.Kind.Plural)
	b = value.Text(jsonapi.Attr(b, "resource-type-name"), value.TypeName(e.Kind))
	b = res.appendURL(jsonapi.Attr(b, "resource-url"), c.host, e.Org, e.Record)
	b = value.Text(jsonapi.Attr(b, "description"), e.description())
	b = value.Text(jsonapi.Attr(b, "expiration-date"), e.Date+"T00:00:00.000Z")
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), e.CreatedAt)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), e.UpdatedAt)
	return jsonapi.EndItem(b)
}

func listExpirations(c *call) error {
	org, err := c.inOrg()
	if err != nil {
		return err
	}
	from, until := "0001-01-01", "9999-12-31"
	for _, f := range c.query.Filters {
		if f.Name == "expiration_date" {
			from, until = days(f.Raw, from, until)
		}
	}
	var list []*expiration
	err = c.view(func(tx *gate.Tx) error {
		if org != 0 {
			if _, err := c.Records.Get(tx, "organization", org); err != nil {
				return err
			}
		}
		found, err := c.Records.Expiring(tx, org, from, until, maxExpirations)
		for _, x := range found {
			e := &expiration{x, expirationID(x.Record, x.Kind, x.Field.Name)}
			if e.passes(c.query) {
				list = append(list, e)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	sortExpirations(list, c.query.Sort)
	number, size := c.query.Page()
	at := min((number-1)*size, len(list))
	var items [][]byte
	for _, e := range list[at:min(at+size, len(list))] {
		items = append(items, e.object(c))
	}
	return c.answerPage(items, int64(len(list)))
}

// inOrg gives the organization in the path, or 0 when there is none in it.
func (c *call) inOrg() (id.ID, error) {
	if c.r.PathValue("parent") == "" {
		return 0, nil
	}
	return c.id("parent")
}

// days reads start,end of a filter by day; * is open.
func days(raw, from, until string) (string, string) {
	parts, _ := jsonapi.Split(raw)
	if len(parts) == 1 {
		parts = append(parts, parts[0])
	}
	for i, p := range parts[:min(2, len(parts))] {
		t, _, ok := jsonapi.Moment(p)
		switch {
		case !ok:
		case i == 0:
			from = t.Format(time.DateOnly)
		default:
			until = t.Format(time.DateOnly)
		}
	}
	return from, until
}

// passes tells whether the expiration is what the other filters ask for.
func (e *expiration) passes(q jsonapi.Query) bool {
	for _, f := range q.Filters {
		var have string
		switch f.Name {
		case "id":
			have = e.id.String()
		case "resource_id":
			have = e.Record.String()
		case "organization_id":
			have = e.Org.String()
		case "resource_name":
			have = e.Name
		case "resource_type_name":
			have = value.TypeName(e.Kind)
		case "description":
			have = e.description()
		default:
			continue
		}
		parts, _ := jsonapi.Split(f.Raw)
		if len(parts) == 0 || f.Op == jsonapi.Range {
			continue
		}
		parts = append(parts, f.Raw)
		same := slices.ContainsFunc(parts, func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), have) })
		if same == (f.Op == jsonapi.Not) {
			return false
		}
	}
	return true
}

func sortExpirations(list []*expiration, order []jsonapi.Order) {
	slices.SortStableFunc(list, func(a, b *expiration) int {
		for _, o := range order {
			n := 0
			switch o.Name {
			case "id":
				n = cmp.Compare(a.id, b.id)
			case "organization_id":
				n = cmp.Compare(a.Org, b.Org)
			case "expiration_date":
				n = cmp.Compare(a.Date, b.Date)
			case "created_at":
				n = cmp.Compare(a.CreatedAt, b.CreatedAt)
			case "updated_at":
				n = cmp.Compare(a.UpdatedAt, b.UpdatedAt)
			}
			if o.Desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.id, b.id))
	})
}

func showExpiration(c *call) error {
	eid, err := c.id("id")
	if err != nil {
		return err
	}
	org, err := c.inOrg()
	if err != nil {
		return err
	}
	var out []byte
	err = c.view(func(tx *gate.Tx) error {
		rec, err := c.Records.Get(tx, "", eid/slots)
		if err != nil {
			return err
		}
		f := expires(rec.Kind, int(eid%slots))
		if f == nil || rec.Values.Text(f.Name) == "" || org != 0 && rec.Org != org {
			return gate.Missing()
		}
		e := &expiration{record.Expiry{Record: rec.ID, Kind: rec.Kind, Name: rec.Name, Org: rec.Org, OrgName: rec.OrgName, Field: f,
			Date: rec.Values.Text(f.Name), CreatedAt: rec.Created, UpdatedAt: rec.Updated}, eid}
		out = e.object(c)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answerItems(http.StatusOK, [][]byte{out}, false)
}
