package report

import (
	"cmp"
	"slices"
	"time"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/expiry"
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
	expiry.Item
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
func (a *Ask) expiration(e *expiration) []byte {
	b := jsonapi.StartItem(e.id.String(), "expirations")
	b = value.Plain(jsonapi.Attr(b, "organization-id"), e.Org)
	b = value.Text(jsonapi.Attr(b, "organization-name"), e.OrgName)
	b = value.Plain(jsonapi.Attr(b, "resource-id"), e.Record)
	b = value.Text(jsonapi.Attr(b, "resource-name"), e.Name)
	b = value.Text(jsonapi.Attr(b, "resource-type"), e.Kind.Plural)
	b = value.Text(jsonapi.Attr(b, "resource-type-name"), value.TypeName(e.Kind))
	b = value.Text(jsonapi.Attr(b, "resource-url"), a.URL(e.Kind.Name, e.Org, e.Record))
	b = value.Text(jsonapi.Attr(b, "description"), e.description())
	b = value.Day(jsonapi.Attr(b, "expiration-date"), e.Date)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "created-at"), e.CreatedAt)
	b = jsonapi.AppendTime(jsonapi.Attr(b, "updated-at"), e.UpdatedAt)
	return jsonapi.EndItem(b)
}

// Expirations lists what runs out, one page of it, and how much there is.
// NotFound when the organization is not there.
func (a *Ask) Expirations(tx *gate.Tx) (items [][]byte, total int64, err error) {
	from, until := "0001-01-01", "9999-12-31"
	for _, f := range a.Query.Filters {
		if f.Name == "expiration_date" {
			from, until = days(f.Raw, from, until)
		}
	}
	if a.Org != 0 {
		if _, err := a.Records.Get(tx, "organization", a.Org); err != nil {
			return nil, 0, err
		}
	}
	found, err := expiry.List(tx, a.Records, a.Org, from, until, maxExpirations)
	if err != nil {
		return nil, 0, err
	}
	var list []*expiration
	for _, x := range found {
		if e := (&expiration{x, expirationID(x.Record, x.Kind, x.Field.Name)}); e.passes(a.Query) {
			list = append(list, e)
		}
	}
	sortExpirations(list, a.Query.Sort)
	for _, e := range part(a.Query, list) {
		items = append(items, a.expiration(e))
	}
	return items, int64(len(list)), nil
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
		if !passes(f, have) {
			return false
		}
	}
	return true
}

func sortExpirations(list []*expiration, order []jsonapi.Order) {
	slices.SortStableFunc(list, func(a, b *expiration) int {
		n := ordered(order, func(name string) int {
			switch name {
			case "id":
				return cmp.Compare(a.id, b.id)
			case "organization_id":
				return cmp.Compare(a.Org, b.Org)
			case "expiration_date":
				return cmp.Compare(a.Date, b.Date)
			case "created_at":
				return cmp.Compare(a.CreatedAt, b.CreatedAt)
			case "updated_at":
				return cmp.Compare(a.UpdatedAt, b.UpdatedAt)
			}
			return 0
		})
		return cmp.Or(n, cmp.Compare(a.Date, b.Date), cmp.Compare(a.id, b.id))
	})
}

// Expiration gives one date by its id. NotFound when there is none.
func (a *Ask) Expiration(tx *gate.Tx, eid id.ID) ([]byte, error) {
	rec, err := a.Records.Get(tx, "", eid/slots)
	if err != nil {
		return nil, err
	}
	f := expires(rec.Kind, int(eid%slots))
	if f == nil || rec.Values.Text(f.Name) == "" || a.Org != 0 && rec.Org != a.Org {
		return nil, gate.Missing()
	}
	return a.expiration(&expiration{expiry.Item{Record: rec.ID, Kind: rec.Kind, Name: rec.Name, Org: rec.Org, OrgName: rec.OrgName, Field: f,
		Date: rec.Values.Text(f.Name), CreatedAt: rec.Created, UpdatedAt: rec.Updated}, eid}), nil
}
