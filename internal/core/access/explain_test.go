package access_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// close closes a record to all but these, or opens it to them too: the groups of this
// kit are no records.
func close(tx *gate.Tx, rec id.ID, restricted bool, users, groups []id.ID) error {
	if _, err := tx.Exec(`update record set restricted = ? where id = ?`, restricted, int64(rec)); err != nil {
		return err
	}
	return access.SetGrants(tx.SQL(), rec, users, groups)
}

// TestReasonsAreTheDecision: whatever groups, grants with ends, restrictions, custom
// roles and scopes there are, the reasons that are told say what the one condition of
// visibility says.
func TestReasonsAreTheDecision(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	orgs := []id.ID{h.Org("A"), h.Org("B")}
	var recs []id.ID
	for _, o := range orgs {
		recs = append(recs, h.Make("document", o, record.Values{"name": "d"}), h.Make("password", o, record.Values{"name": "p"}))
	}
	people := []*access.Caller{h.User(access.Administrator), h.User(access.Manager), h.User(access.Editor, orgs[0]), h.User(access.Lite, orgs[1]),
		narrowed(t, h, access.Manager, "document: view"), narrowed(t, h, access.Administrator, "password: view", orgs[0])}
	var seen, opened int
	rapid.Check(t, func(rt *rapid.T) {
		now := h.Clock.Now().UnixMilli()
		h.Change(func(tx *gate.Tx) error {
			for _, x := range recs {
				who := people[rapid.IntRange(0, len(people)-1).Draw(rt, "who")]
				var users, groups []id.ID
				if rapid.Bool().Draw(rt, "by name") {
					users = append(users, who.User)
				}
				if other := people[rapid.IntRange(0, len(people)-1).Draw(rt, "other")]; rapid.Bool().Draw(rt, "by group") {
					groups = append(groups, other.Groups...)
				}
				if err := close(tx, x, rapid.Bool().Draw(rt, "restricted"), users, groups); err != nil {
					return err
				}
				ends := map[id.ID]int64{}
				for _, g := range slices.Concat(users, groups) {
					ends[g] = rapid.SampledFrom([]int64{0, now - 1, now, now + 1}).Draw(rt, "end")
				}
				if err := access.SetEnds(tx.SQL(), x, ends); err != nil {
					return err
				}
			}
			return nil
		})
		h.View(h.Admin(), func(tx *gate.Tx) error {
			for _, who := range people {
				c, err := access.Load(tx.SQL(), who.User)
				if err != nil {
					return err
				}
				switch rapid.IntRange(0, 3).Draw(rt, "scope") {
				case 1:
					c.Scope.Orgs = []id.ID{orgs[rapid.IntRange(0, 1).Draw(rt, "of")]}
				case 2:
					c.Scope.Narrow = access.Narrow{Kinds: []string{"password"}, IDs: `select id from record where id = ?`, Args: []any{int64(recs[1])}}
				}
				for _, x := range append(slices.Clone(recs), orgs[0], people[0].User) {
					a, err := access.Explain(tx.SQL(), c, x, now)
					if err != nil {
						return err
					}
					if a.Sees != a.Opened() && !(a.Kind == "user" && c.Custom != nil) { // the gate adds what belongs to the tenant
						rt.Fatalf("%s %s: sees %v, and the reasons are %+v %v", c.Role, a.Kind, a.Sees, a.Paths, a.Bars)
					}
					if seen++; a.Sees {
						opened++
					}
				}
			}
			return nil
		})
	})
	if opened == 0 || opened == seen {
		t.Errorf("of %d questions %d were answered yes", seen, opened)
	}
}

// TestEveryPathIsTold, those that are over too.
func TestEveryPathIsTold(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("A")
	doc := h.Make("document", org, record.Values{"name": "d"})
	c := h.User(access.Editor, org)
	h.Change(func(tx *gate.Tx) error {
		if err := close(tx, doc, true, []id.ID{c.User}, c.Groups); err != nil {
			return err
		}
		return access.SetEnds(tx.SQL(), doc, map[id.ID]int64{c.User: tx.Now + time.Hour.Milliseconds()})
	})
	ask := func() (a *access.Answer) {
		h.View(h.Admin(), func(tx *gate.Tx) (err error) {
			who, err := access.Load(tx.SQL(), c.User)
			if err == nil {
				a, err = access.Explain(tx.SQL(), who, doc, tx.Now)
			}
			return err
		})
		return a
	}
	if a := ask(); !a.Sees || len(a.Paths) != 3 || a.Paths[0].By != access.ByName || a.Paths[1].By != access.ByGroup || a.Paths[2].By != access.ByOrg || !a.Paths[2].Closed {
		t.Errorf("it says %+v", a)
	}
	h.Clock.Advance(2 * time.Hour)
	h.Change(func(tx *gate.Tx) error { return access.SetMembers(tx.SQL(), c.Groups[0], nil) })
	if a := ask(); a.Sees || len(a.Paths) != 1 || !a.Paths[0].Over {
		t.Errorf("after its end it says %+v", a)
	}
}
