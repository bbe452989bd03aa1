package gate_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// The crowd of BenchmarkDecide.
const (
	crowdUsers   = 10_000
	crowdGroups  = 1_000
	crowdOrgs    = 2_000
	crowdRecords = 1_000_000
)

// crowd fills a house with users in three groups each, groups with four
// organizations each, and records, one in fifty of them restricted and given to a
// user and a group. It gives the users, and the records by organization.
func crowd(b *testing.B, h *coretest.House) (users []id.ID, of map[id.ID][]id.ID) {
	var records []id.ID
	of = map[id.ID][]id.ID{}
	const first = 1 << 40 // beyond every id that the house gave
	id1 := func(block, i int) id.ID { return id.ID(first + block<<32 + i) }
	r := rand.New(rand.NewPCG(1, 2))
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	h.Change(func(tx *gate.Tx) error {
		for i := range crowdUsers {
			users = append(users, id1(1, i))
			check(access.SetPrincipal(tx.SQL(), users[i], access.Roles()[1+i%5], true))
		}
		members := make([][]id.ID, crowdGroups)
		for _, u := range users {
			for range 3 {
				g := r.IntN(crowdGroups)
				members[g] = append(members[g], u)
			}
		}
		for g, m := range members {
			slices.Sort(m)
			check(access.SetMembers(tx.SQL(), id1(2, g), slices.Compact(m)))
		}
		return nil
	})
	h.Change(func(tx *gate.Tx) error {
		spine(b, tx, crowdOrgs, func(i int) []any { o := id1(3, i); return []any{int64(o), "organization", int64(o), int64(o), 0} })
		for g := range crowdGroups {
			var orgs []id.ID
			for range 4 {
				orgs = append(orgs, id1(3, r.IntN(crowdOrgs)))
			}
			slices.Sort(orgs)
			check(access.SetGroupOrgs(tx.SQL(), id1(2, g), false, slices.Compact(orgs)))
		}
		return nil
	})
	for part := 0; part < crowdRecords; part += 100_000 {
		h.Change(func(tx *gate.Tx) error {
			spine(b, tx, 100_000, func(i int) []any {
				x, restricted := id1(4, part+i), 0
				if (part+i)%50 == 0 {
					restricted = 1
				}
				org := id1(3, r.IntN(crowdOrgs))
				records, of[org] = append(records, x), append(of[org], x)
				return []any{int64(x), "thing", int64(org), int64(x), restricted}
			})
			for i := part; i < part+100_000; i += 50 {
				_, err := tx.Exec(`insert into access_grant (record_id, user_id, group_id) values (?, ?, 0), (?, 0, ?)`,
					int64(records[i]), int64(users[r.IntN(crowdUsers)]), int64(records[i]), int64(id1(2, r.IntN(crowdGroups))))
				check(err)
			}
			return nil
		})
	}
	return users, of
}

// spine adds rows of the spine, which is all that a decision reads of a record: id,
// kind, organization, guard and whether it is restricted.
func spine(b *testing.B, tx *gate.Tx, n int, row func(i int) []any) {
	const many = 500
	marks := strings.TrimSuffix(strings.Repeat(`(?, ?, ?, ?, ?, 0, 'x', 'x', 0, 1, 1, 0, 0, 1), `, many), ", ")
	for i := 0; i < n; i += many {
		var args []any
		for j := range many {
			args = append(args, row(i+j)...)
		}
		if _, err := tx.Exec(`insert into record (id, kind, org_id, guard_id, restricted, parent_id, name, name_fold, archived, created_at, updated_at, created_by, updated_by, version) values `+marks, args...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecide asks whether somebody of 10,000 users in 1,000 groups may see
// one of 1,000,000 records, half of the time one of an organization that she sees: the
// decision alone, and with what is before it, the snapshot and the rights of the
// moment. It reports the 95th percentile of both.
func BenchmarkDecide(b *testing.B) {
	h := coretest.Open(b, coretest.Options{})
	users, of := crowd(b, h)
	orgs := slices.Sorted(maps.Keys(of))
	r := rand.New(rand.NewPCG(3, 4))
	var whole, alone []time.Duration
	var allowed int
	for b.Loop() {
		c, hers := caller(b, h, users[r.IntN(len(users))])
		if len(hers) == 0 || r.IntN(2) == 0 {
			hers = orgs
		}
		records := of[hers[r.IntN(len(hers))]]
		thing := gate.Thing{Kind: "thing", ID: records[r.IntN(len(records))]}
		began := time.Now()
		if err := h.Gate.View(b.Context(), c, func(tx *gate.Tx) error {
			start := time.Now()
			if tx.Check(access.View, thing) == nil {
				allowed++
			}
			alone = append(alone, time.Since(start))
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		whole = append(whole, time.Since(began))
	}
	b.ReportMetric(p95(alone), "decision-p95-µs")
	b.ReportMetric(p95(whole), "view-p95-µs")
	b.ReportMetric(float64(allowed)/float64(len(alone)), "allowed")
}

// caller resolves a user, as a session does, and the organizations that she sees.
func caller(b *testing.B, h *coretest.House, user id.ID) (c *access.Caller, orgs []id.ID) {
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		if c, err = access.Load(tx.SQL(), user); err != nil {
			return err
		}
		orgs, err = tx.IDs(`select org_id from access_org where user_id = ? order by org_id`, int64(user))
		return err
	})
	if c == nil {
		b.Fatal(fmt.Sprint("user ", user, " is unknown"))
	}
	c.Tenant = coretest.Name
	return c, orgs
}

func p95(list []time.Duration) float64 {
	slices.Sort(list)
	return float64(list[len(list)*95/100].Nanoseconds()) / 1000
}
