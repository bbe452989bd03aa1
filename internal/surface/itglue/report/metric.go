package report

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/surface/itglue/value"
)

// metricDays is how many days of metrics can be asked for at once; these are
// also given when no days are asked for.
const metricDays = 7

// Metrics lists what each user did, by organization, type of resource and day.
// Invalid for days that are open at the beginning, or too many.
func (a *Ask) Metrics(tx *gate.Tx) (items [][]byte, total int64, err error) {
	from, until, err := a.metricTimes()
	if err != nil {
		return nil, 0, err
	}
	all, err := tx.Tallies(from, until)
	if err != nil {
		return nil, 0, err
	}
	name, err := metricNames(tx)
	if err != nil {
		return nil, 0, err
	}
	list := slices.DeleteFunc(all, func(t audit.Tally) bool { return !a.wanted(&t) })
	slices.SortStableFunc(list, func(x, y audit.Tally) int { return compare(a.Query.Sort, &x, &y, name) })
	for _, t := range part(a.Query, list) {
		items = append(items, a.metric(&t, name(&t)))
	}
	return items, int64(len(list)), nil
}

// metricTimes reads filter[date].
func (a *Ask) metricTimes() (from, until int64, err error) {
	today := a.Now.UTC().Truncate(24 * time.Hour)
	first, end := today.AddDate(0, 0, 1-metricDays), today.AddDate(0, 0, 1)
	f, asked := a.Query.Filter("date")
	parts, _ := jsonapi.Split(f.Raw)
	if !asked || len(parts) == 0 {
		return first.UnixMilli(), end.UnixMilli(), nil
	}
	wrong := fault.Field("date", "filter[date] is start,end, two days of UTC that span at most %d days; only the end can be open, with *.", metricDays)
	begin, stop, ok := jsonapi.Moment(parts[0])
	if !ok {
		return 0, 0, wrong
	}
	first, end = begin.UTC().Truncate(24*time.Hour), stop.UTC()
	if len(parts) > 1 {
		if end = a.Now.UTC(); parts[1] != "*" {
			if _, end, ok = jsonapi.Moment(parts[1]); !ok {
				return 0, 0, wrong
			}
		}
	}
	end = end.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	if span := end.Sub(first); span > metricDays*24*time.Hour || span <= 0 {
		return 0, 0, wrong
	}
	return first.UnixMilli(), end.UnixMilli(), nil
}

// resourceType is the type of a metric in the protocol's words.
func (a *Ask) resourceType(kind string) string {
	if k := a.Records.Kinds.Kind(kind); k != nil {
		return value.TypeName(k)
	}
	return ""
}

// wanted tells whether a metric is of a record's kind, and passes the filters.
func (a *Ask) wanted(t *audit.Tally) bool {
	typ := a.resourceType(t.Kind)
	if typ == "" {
		return false
	}
	for _, f := range a.Query.Filters {
		ok := true
		switch f.Name {
		case "user_id":
			ok = passes(f, t.Actor.String())
		case "organization_id":
			ok = passes(f, t.Org.String())
		case "resource_type":
			f.Raw = strings.NewReplacer("_", " ", "-", " ").Replace(f.Raw)
			ok = passes(f, typ) || f.Op != jsonapi.Not && passes(f, typ+"s")
		}
		if !ok {
			return false
		}
	}
	return true
}

func compare(order []jsonapi.Order, x, y *audit.Tally, name func(*audit.Tally) string) int {
	return ordered(order, func(by string) int {
		switch by {
		case "id":
			return cmp.Or(cmp.Compare(len(name(x)), len(name(y))), strings.Compare(name(x), name(y)))
		case "created":
			return cmp.Compare(x.Created, y.Created)
		case "viewed":
			return cmp.Compare(x.Viewed, y.Viewed)
		case "edited":
			return cmp.Compare(x.Edited, y.Edited)
		case "deleted":
			return cmp.Compare(x.Deleted, y.Deleted)
		case "date":
			return cmp.Compare(x.Day, y.Day)
		}
		return 0
	})
}

// metricNames gives metrics ids that stay the same: they are of a user, an
// organization, a kind and a day.
func metricNames(tx *gate.Tx) (func(*audit.Tally) string, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/itglue/metric/1")
	if err != nil {
		return nil, err
	}
	return func(t *audit.Tally) string {
		h := hmac.New(sha256.New, key)
		for _, n := range []int64{int64(t.Actor), int64(t.Org), t.Day} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) // #nosec G115 -- ids and days are not negative
		}
		h.Write([]byte(t.Kind))
		return strconv.FormatUint(binary.BigEndian.Uint64(h.Sum(nil))>>11, 10) // 53 bits: every program can hold it
	}, nil
}

func (a *Ask) metric(t *audit.Tally, name string) []byte {
	b := jsonapi.StartItem(name, "user-metrics")
	b = value.Plain(jsonapi.Attr(b, "user-id"), t.Actor)
	b = value.Plain(jsonapi.Attr(b, "organization-id"), t.Org)
	b = value.Text(jsonapi.Attr(b, "resource-type"), a.resourceType(t.Kind))
	b = value.Text(jsonapi.Attr(b, "date"), time.Unix(t.Day*24*60*60, 0).UTC().Format(time.DateOnly))
	b = value.Plain(jsonapi.Attr(b, "created"), t.Created)
	b = value.Plain(jsonapi.Attr(b, "viewed"), t.Viewed)
	b = value.Plain(jsonapi.Attr(b, "edited"), t.Edited)
	b = value.Plain(jsonapi.Attr(b, "deleted"), t.Deleted)
	return jsonapi.EndItem(b)
}
