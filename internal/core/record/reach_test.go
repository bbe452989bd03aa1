package record_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// crowd makes things of 12 organizations, some archived, some restricted, some
// with parts, one deleted.
func (h house) crowd() (orgs, things []id.ID) {
	for o := range 12 {
		orgs = append(orgs, h.Org(fmt.Sprintf("Org %02d", o)))
	}
	h.Change(func(tx *gate.Tx) error {
		for i := range 240 {
			r, err := h.Records.Create(tx, "thing", record.Values{"organization_id": orgs[i%12], "name": fmt.Sprintf("t%03d", i*77%240), "order": i * 31 % 17, "state": []string{"new", "used"}[i*13%3/2], "primary": i%4 == 0, "archived": i%5 == 0, "restricted": i%7 == 0})
			if err != nil {
				return err
			}
			things = append(things, r.ID)
			if i%3 != 0 {
				continue
			}
			if _, err := h.Records.Create(tx, "part", record.Values{"name": fmt.Sprintf("p%03d", i), "thing_id": r.ID}); err != nil {
				return err
			}
		}
		return h.Records.Trash(tx, "thing", things[14])
	})
	return orgs, things
}

// sorts are people who see much, little, and what was opened to them.
func (h house) sorts(orgs, things []id.ID) map[string]*access.Caller {
	key := *h.Admin()
	key.Scope.Orgs = []id.ID{orgs[3], orgs[4]}
	group := h.Make("group", 0, record.Values{"name": "Friends"})
	friend, guest, wide := h.User(access.Editor, orgs[2]), h.User(access.ReadOnly, 999999), h.User(access.Editor, orgs[:11]...)
	h.Change(func(tx *gate.Tx) error {
		if err := access.SetMembers(tx.SQL(), group, []id.ID{guest.User}); err != nil {
			return err
		}
		for i, t := range things {
			if i%21 != 0 {
				continue
			}
			if err := access.SetGrants(tx.SQL(), t, []id.ID{friend.User, wide.User}, []id.ID{group}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []*access.Caller{friend, guest, wide} {
		h.reload(c)
	}
	narrowed := *friend
	narrowed.Scope.Orgs = []id.ID{orgs[2], orgs[0]}
	some := *h.Admin()
	some.Scope.Narrow = access.Narrow{Kinds: []string{"thing"}, IDs: `select x.id from record x where x.name_fold < ?`, Args: []any{"t100"}}
	return map[string]*access.Caller{"administrator": h.Admin(), "key of some things": &some, "key of two organizations": &key, "one organization": h.User(access.Editor, orgs[1]), "one and some records": friend,
		"some records by a group": guest, "most and some records": wide, "all organizations": h.User(access.Manager), "nothing": h.User(access.ReadOnly, 999999), "a key of hers": &narrowed}
}

// TestEveryCallerGetsTheSameByEveryWay: whichever way a list is made for a
// caller, it holds what she may see, each once, in order, and the totals say so.
func TestEveryCallerGetsTheSameByEveryWay(t *testing.T) {
	h := open(t)
	orgs, things := h.crowd()
	for who, c := range h.sorts(orgs, things) {
		all := map[string][]*record.Record{}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			for _, kind := range []string{"thing", "part", "organization"} {
				p, err := h.Records.List(tx, kind, record.Query{Limit: 1000})
				if err != nil {
					return err
				}
				all[kind] = p.Records
			}
			return nil
		})
		for kind, list := range all {
			var hers []*record.Record
			h.View(c, func(tx *gate.Tx) error {
				for _, r := range list {
					switch own, err := h.Records.Get(tx, kind, r.ID); {
					case err == nil:
						hers = append(hers, own)
					case !fault.Is(err, fault.NotFound):
						return err
					}
				}
				return nil
			})
			for _, l := range lists(orgs) {
				if kind == "thing" || len(l.Sort) == 0 {
					h.pages(t, who+", "+kind+", "+l.name, c, kind, l, hers)
				}
			}
			var totals map[string]int64
			h.View(c, func(tx *gate.Tx) (err error) { totals, err = h.Records.Totals(tx, 0); return err })
			if n := len(holding(hers, func(r *record.Record) bool { return !r.Archived })); totals[kind] != int64(n) {
				t.Errorf("%s counts %d of %s, want %d", who, totals[kind], kind, n)
			}
		}
	}
}

// listed is a list, what it holds, and its order.
type listed struct {
	name string
	record.Query
	holds func(*record.Record) bool
	order func(a, b *record.Record) int
}

func lists(orgs []id.ID) []listed {
	every := func(*record.Record) bool { return true }
	used := func(r *record.Record) bool { return r.Values.Text("state") == "used" }
	in := func(states ...any) []record.Filter {
		return []record.Filter{{Field: "state", Op: record.Eq, Values: states}}
	}
	byName := func(a, b *record.Record) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) }
	shown := func(r *record.Record) string { return cmp.Or(r.OrgName, "~") } // a hidden name is last
	number := func(r *record.Record) int64 { n, _ := r.Values["order"].(int64); return n }
	return []listed{
		{"all", record.Query{}, every, byName},
		{"not archived", record.Query{Archived: "no"}, func(r *record.Record) bool { return !r.Archived }, byName},
		{"archived", record.Query{Archived: "yes"}, func(r *record.Record) bool { return r.Archived }, byName},
		{"of an organization", record.Query{Org: orgs[1]}, func(r *record.Record) bool { return r.Org == orgs[1] }, byName},
		{"not archived of another", record.Query{Org: orgs[2], Archived: "no"}, func(r *record.Record) bool { return r.Org == orgs[2] && !r.Archived }, byName},
		{"by a text", record.Query{Text: "1"}, func(r *record.Record) bool { return strings.Contains(r.Name, "1") }, byName},
		{"backwards", record.Query{Sort: []record.Order{{Field: "name", Desc: true}}}, every, func(a, b *record.Record) int { return byName(b, a) }},
		{"in a state", record.Query{Filters: in("Used"), Sort: []record.Order{{Field: "name"}}}, used, byName},
		{"in a state, as the only alternative", record.Query{Any: [][]record.Filter{in("used")}, Sort: []record.Order{{Field: "name"}}}, used, byName},
		{"in one of two, one of them named twice", record.Query{Filters: in("used", "new", "used"), Sort: []record.Order{{Field: "name"}}}, func(r *record.Record) bool { return r.Values.Text("state") != "" }, byName},
		{"in a state that there is not", record.Query{Filters: in("gone"), Sort: []record.Order{{Field: "name"}}}, func(*record.Record) bool { return false }, byName},
		{"in a state, archived, of an organization", record.Query{Org: orgs[5], Archived: "yes", Filters: in("used"), Sort: []record.Order{{Field: "name"}}},
			func(r *record.Record) bool { return used(r) && r.Archived && r.Org == orgs[5] }, byName},
		{"by a column of the kind", record.Query{Sort: []record.Order{{Field: "order"}}}, every, func(a, b *record.Record) int {
			return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a.ID, b.ID))
		}},
		{"by the organization's name", record.Query{Sort: []record.Order{{Field: "organization_name"}}}, every, func(a, b *record.Record) int {
			return cmp.Or(cmp.Compare(shown(a), shown(b)), cmp.Compare(a.ID, b.ID))
		}},
	}
}

// TestStatesAreCounted: what is kept of how many records are in each state is what there is,
// whatever happens to them, and is made of what there is where it is missing.
func TestStatesAreCounted(t *testing.T) {
	h := open(t)
	orgs, things := h.crowd()
	kept := func(tx *gate.Tx, from string) (out []string) {
		rows, err := tx.Query(from)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var org, archived, restricted, n int64
			var kind string
			if err := rows.Scan(&org, &kind, &archived, &restricted, &n); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(org, kind, archived, restricted, n))
		}
		return out
	}
	same := func(when string) {
		t.Helper()
		h.View(h.Admin(), func(tx *gate.Tx) error {
			for columns, table := range map[string]string{"org_id": "record_total", "0": "record_count"} {
				got := kept(tx, `select `+columns+`, kind, archived, restricted, n from `+table+` where kind like 'thing?%' and n <> 0 order by 1, 2, 3, 4`)
				is := kept(tx, `select `+columns+`, called, archived, restricted, count(*) from (select r.org_id, 'thing?' || k.state_fold as called, r.archived, r.restricted from record r join k_thing k on k.id = r.id where r.trashed_at is null
					union all select r.org_id, 'thing?', r.archived, r.restricted from record r join k_thing k on k.id = r.id where r.trashed_at is null and k."primary" = 0) x
					where called is not null group by 1, 2, 3, 4 order by 1, 2, 3, 4`)
				if !slices.Equal(got, is) || len(got) < 8 {
					t.Errorf("%s: %s says %v, and there are %v", when, table, got, is)
				}
			}
			return nil
		})
	}
	same("made")
	h.Change(func(tx *gate.Tx) error {
		for i, rid := range things {
			var err error
			switch i % 6 {
			case 0:
				_, err = h.Records.Update(tx, "thing", rid, 0, record.Values{"state": "used", "primary": i%9 == 0})
			case 1:
				_, err = h.Records.Update(tx, "thing", rid, 0, record.Values{"state": "new", "organization_id": orgs[i%5]})
			case 2:
				if i != 14 { // which is in the trash
					err = h.Records.Trash(tx, "thing", rid)
				}
			case 3:
				err = h.Records.SetArchived(tx, "thing", rid, i%4 == 1)
			case 4:
				err = h.Records.SetAccess(tx, "thing", rid, i%8 == 4, nil, nil)
			}
			if err != nil {
				return err
			}
		}
		return h.Records.Untrash(tx, "thing", things[8])
	})
	same("changed")
	h.Change(func(tx *gate.Tx) error {
		for _, table := range []string{"record_total", "record_count"} {
			if _, err := tx.Exec(`delete from ` + table + ` where kind like 'thing?%'`); err != nil {
				return err
			}
		}
		for range 2 { // the second time nothing is left to do
			if err := h.Records.Kinds.Migrate(tx.SQL()); err != nil {
				return err
			}
		}
		return nil
	})
	same("filled")
}

func holding(list []*record.Record, f func(*record.Record) bool) (out []*record.Record) {
	for _, r := range list {
		if f(r) {
			out = append(out, r)
		}
	}
	return out
}

// pages reads a list page by page and compares it with what it must hold.
func (h house) pages(t *testing.T, what string, c *access.Caller, kind string, l listed, hers []*record.Record) {
	t.Helper()
	must := holding(hers, l.holds)
	slices.SortFunc(must, l.order)
	var got []*record.Record
	for {
		q := l.Query
		q.Limit, q.Offset = 7, len(got)
		p := h.list(c, kind, q)
		if p.Total != int64(len(must)) {
			t.Errorf("%s: the page at %d says %d in all, want %d", what, q.Offset, p.Total, len(must))
		}
		if len(p.Records) == 0 || len(got) > len(must) {
			break
		}
		got = append(got, p.Records...)
	}
	if !slices.EqualFunc(got, must, func(a, b *record.Record) bool { return a.ID == b.ID }) {
		t.Errorf("%s: %s, want %s", what, ids(got), ids(must))
	}
}

func ids(list []*record.Record) string {
	var out []string
	for _, r := range list {
		out = append(out, r.Name)
	}
	return strings.Join(out, " ")
}

func TestAFieldIsReadOfWhatOneSees(t *testing.T) {
	h := open(t)
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	a := h.Make("thing", mine, record.Values{"name": "a", "serial_number": "SN1"})
	b := h.Make("thing", theirs, record.Values{"name": "b", "serial_number": "SN2"})
	bare := h.Make("thing", mine, record.Values{"name": "c"})
	for _, c := range []struct {
		who  *access.Caller
		want string
	}{{h.Admin(), "SN1 SN2 <nil>"}, {h.User(access.Editor, mine), "SN1 <nil> <nil>"}} {
		h.View(c.who, func(tx *gate.Tx) error {
			got, err := h.Records.Field(tx, "thing", "serial_number", a, b, bare)
			want(t, c.who.Name, fmt.Sprint([]any{got[a], got[b], got[bare]}), "["+c.want+"]")
			if _, err := h.Records.Field(tx, "thing", "password", a); !fault.Is(err, fault.Internal) {
				t.Errorf("a secret was read: %v", err)
			}
			return err
		})
	}
}
