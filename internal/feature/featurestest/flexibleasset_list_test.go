package featurestest_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
)

// shelf is a type with assets in several organizations, some of them archived,
// restricted or in the trash.
type shelf struct {
	*house
	typ    id.ID
	f      map[string]string
	orgs   []id.ID
	assets []id.ID
}

func newShelf(t *testing.T, assets int) *shelf {
	h := &shelf{house: open(t, true)}
	h.typ, h.f = h.design("Shelf", record.Values{"name": "Label", "kind": "Text", "show_in_list": true, "use_for_title": true},
		record.Values{"name": "Size", "kind": "Number", "show_in_list": true}, record.Values{"name": "Colour", "kind": "Select", "default_value": "red\ngreen\nblue\nrare", "show_in_list": true})
	for i := range 5 {
		h.orgs = append(h.orgs, h.Org(fmt.Sprint("Org ", i)))
	}
	h.Change(func(tx *gate.Tx) error {
		for i := range assets {
			v := record.Values{"flexible_asset_type_id": h.typ, "organization_id": h.orgs[i*i%5], h.f["label"]: fmt.Sprintf("shelf %03d", i*7919%1000), h.f["colour"]: []string{"red", "green", "blue"}[i%3]}
			if i%4 > 0 {
				v[h.f["size"]] = i * 31 % 17
			}
			if i%40 == 39 {
				v[h.f["colour"]] = "rare"
			}
			r, err := h.Records.Create(tx, flexibleasset.Kind, v)
			if err != nil {
				return err
			}
			h.assets = append(h.assets, r.ID)
			switch {
			case i%11 == 0:
				err = h.Records.SetArchived(tx, flexibleasset.Kind, r.ID, true)
			case i%13 == 0:
				err = h.Records.SetAccess(tx, flexibleasset.Kind, r.ID, true, nil, nil)
			case i%17 == 0:
				err = h.Records.Trash(tx, flexibleasset.Kind, r.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return h
}

// paged reads all pages of a list and sees that each tells the same total.
func (h *shelf) paged(c *access.Caller, q record.Query) (out []id.ID) {
	h.t.Helper()
	q.Variant, q.Limit = h.typ, 40
	for total := int64(-1); ; q.Offset += q.Limit {
		var page *record.Page
		h.View(c, func(tx *gate.Tx) (err error) {
			page, err = h.Records.List(tx, flexibleasset.Kind, q)
			return err
		})
		if total >= 0 && total != page.Total {
			h.t.Errorf("%+v: a total of %d, then of %d", q, total, page.Total)
		}
		total = page.Total
		for _, r := range page.Records {
			out = append(out, r.ID)
		}
		if len(page.Records) < q.Limit {
			if int64(len(out)) != total {
				h.t.Errorf("%+v: %d records and a total of %d", q, len(out), total)
			}
			return out
		}
	}
}

// seen is what a caller may see, found by asking for each asset alone.
func (h *shelf) seen(c *access.Caller) (out []*record.Record) {
	h.t.Helper()
	h.View(c, func(tx *gate.Tx) error {
		for _, n := range h.assets {
			if r, err := h.Records.Get(tx, flexibleasset.Kind, n); err == nil {
				out = append(out, r)
			}
		}
		return nil
	})
	return out
}

// expected is what a list should hold of what is seen.
func (h *shelf) expected(seen []*record.Record, q record.Query) (out []id.ID) {
	list := slices.DeleteFunc(slices.Clone(seen), func(r *record.Record) bool { return !h.matches(r, q) })
	slices.SortFunc(list, func(a, b *record.Record) int {
		sign := 1
		if len(q.Sort) > 0 && q.Sort[0].Desc {
			sign = -1
		}
		return cmp.Or(h.compare(a, b, q, sign), sign*cmp.Compare(a.ID, b.ID))
	})
	for _, r := range list {
		out = append(out, r.ID)
	}
	return out
}

func (h *shelf) matches(r *record.Record, q record.Query) bool {
	if q.Org != 0 && r.Org != q.Org || q.Archived != "" && r.Archived != (q.Archived == "yes") {
		return false
	}
	for _, f := range q.Filters {
		v := r.Values[f.Field]
		switch f.Op {
		case record.Eq:
			if v != f.Values[0] {
				return false
			}
		case record.Ne:
			if v == f.Values[0] {
				return false
			}
		case record.NotNull, record.Null:
			if (v == nil) != (f.Op == record.Null) {
				return false
			}
		case record.Range:
			if n, ok := v.(float64); !ok || n < f.Values[0].(float64) || n > f.Values[1].(float64) {
				return false
			}
		}
	}
	return true
}

// compare orders by the first order of the query; what is not set comes last.
func (h *shelf) compare(a, b *record.Record, q record.Query, sign int) int {
	if len(q.Sort) == 0 {
		return cmp.Compare(a.Name, b.Name)
	}
	switch x := a.Values[q.Sort[0].Field].(type) {
	case float64:
		if y, ok := b.Values[q.Sort[0].Field].(float64); ok {
			return sign * cmp.Compare(x, y)
		}
		return -1
	case string:
		return sign * strings.Compare(x, b.Values.Text(q.Sort[0].Field))
	}
	if b.Values[q.Sort[0].Field] != nil {
		return 1
	}
	return 0
}

// TestListsOfAssetsAgree: whichever way a list is found, it holds what the caller
// may see of what is asked for, in the order that is asked for, and its total is
// that of the pages.
func TestListsOfAssetsAgree(t *testing.T) {
	h := newShelf(t, 300)
	granted := h.User(access.Editor, h.orgs[1])
	h.Change(func(tx *gate.Tx) error {
		for i := 26; i < 300; i += 26 {
			if err := h.Records.SetAccess(tx, flexibleasset.Kind, h.assets[i], true, []id.ID{granted.User}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		c, err := access.Load(tx.SQL(), granted.User)
		if err == nil {
			granted.Granted, granted.Epoch = c.Granted, c.Epoch
		}
		return err
	})
	everywhere := *h.User(access.Editor)
	everywhere.AllOrgs = true
	key := *h.Admin()
	key.Scope.Orgs = h.orgs[2:4]
	callers := map[string]*access.Caller{"administrator": h.Admin(), "editor of two": h.User(access.Editor, h.orgs[:2]...), "editor of all": &everywhere, "key": &key, "granted": granted}
	filter := func(key string, op record.Op, values ...any) record.Filter {
		return record.Filter{Field: h.f[key], Op: op, Values: values}
	}
	for who, c := range callers {
		seen := h.seen(c)
		for _, filters := range [][]record.Filter{nil, {filter("colour", record.Eq, "red")}, {filter("colour", record.Eq, "rare")}, {filter("colour", record.Ne, "red")}, {filter("size", record.NotNull)},
			{filter("size", record.Range, 3.0, 5.0)}, {filter("colour", record.Eq, "green"), filter("size", record.Range, 0.0, 9.0)}, {filter("size", record.Null)}} {
			for _, sort := range [][]record.Order{nil, {{Field: h.f["size"]}}, {{Field: h.f["size"], Desc: true}}, {{Field: h.f["colour"], Desc: true}}} {
				for _, q := range []record.Query{{}, {Org: h.orgs[1]}, {Archived: "no"}, {Archived: "yes"}, {Org: h.orgs[4], Archived: "no"}} {
					q.Filters, q.Sort = filters, sort
					if got, want := h.paged(c, q), h.expected(seen, q); !slices.Equal(got, want) {
						t.Errorf("%s, %+v:\n got %v\nwant %v", who, q, got, want)
					}
				}
			}
		}
	}
}

// TestExpirationsOfATypeThatIsGone: what runs out of other types is told all the same.
func TestExpirationsOfATypeThatIsGone(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	field := record.Values{"name": "Ends", "kind": "Date", "expiration": true, "show_in_list": true}
	gone, f := h.design("Gone", field)
	there, g := h.design("There", field)
	h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": gone, f["ends"]: "2027-03-04"})
	stays := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": there, g["ends"]: "2027-03-05"})
	h.Change(func(tx *gate.Tx) error { // as a purge leaves it that was cut short
		_, err := tx.SQL().Exec(`delete from record where id = ?`, int64(gone))
		return err
	})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		due, err := expiry.List(tx, h.Records, 0, "2027-01-01", "2027-12-31", 10)
		if err != nil || len(due) != 1 || due[0].Record != stays {
			t.Errorf("%+v, %v", due, err)
		}
		return nil
	})
}
