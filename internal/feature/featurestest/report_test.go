package featurestest_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/rhythm"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/report"
	"strongroom/internal/feature/request"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/view"
)

// lived fills a house with tickets that lived for some weeks, in two organizations.
func (b *bench) lived(random *rand.Rand, n int) (second id.ID) {
	b.t.Helper()
	b.promises()
	first, customer := b.org, b.customer
	second = b.Org("Quayside")
	theirs := b.Make("contact", second, record.Values{"first_name": "Ove", "last_name": "Holm"})
	agents := []*access.Caller{b.agent, b.User(access.Editor)}
	for i := range n {
		b.Clock.Advance(time.Duration(random.IntN(20*60)) * time.Minute)
		b.agent = agents[random.IntN(2)]
		if b.org, b.customer = first, customer; i%3 == 0 {
			b.org, b.customer = second, theirs
		}
		kind, l := incident.Kind, incident.Life()
		if i%4 == 3 {
			kind, l = request.Kind, request.Life()
		}
		v := b.whole(kind, l)
		v["urgency"], v["impact"] = []string{"High", "Medium", "Low"}[random.IntN(3)], []string{"High", "Low"}[random.IntN(2)]
		delete(v, "resolution")
		r := b.mustMake(kind, v)
		for range random.IntN(5) {
			b.Clock.Advance(time.Duration(random.IntN(9*60)) * time.Minute)
			next := l.Next(r.Values.Text("status"))
			if len(next) == 0 {
				break
			}
			w := record.Values{"status": next[random.IntN(len(next))], "resolution": "Said"}
			if now, err := b.changed(r, w); err == nil {
				r = now
			} else if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Denied) {
				b.t.Fatal(err)
			}
		}
		b.fate(i, r)
	}
	for _, kind := range []string{incident.Kind, request.Kind} { // what customers said of every second one
		b.Change(func(tx *gate.Tx) error {
			p, err := b.Records.List(tx, kind, record.Query{Archived: "", Limit: 1000})
			for _, r := range p.Records {
				if r.ID%2 != 0 || err != nil {
					continue
				}
				said := *r
				said.Values = maps.Clone(r.Values)
				said.Values["satisfaction"], said.Values["satisfaction_at"] = int64(1+r.ID%5), tx.Now
				if _, err = tx.Exec(`update k_`+kind+` set satisfaction = ?, satisfaction_at = ? where id = ?`, said.Values["satisfaction"], tx.Now, int64(r.ID)); err == nil {
					err = r.Kind.Days.Move(tx, r.Total(), r.Value, said.Value)
				}
			}
			return err
		})
	}
	b.agent, b.org, b.customer = agents[0], first, customer
	return second
}

// fate has something become of some tickets that is no part of their lifecycle.
func (b *bench) fate(i int, r *record.Record) {
	b.t.Helper()
	b.Change(func(tx *gate.Tx) error {
		switch i % 10 {
		case 5:
			return b.Records.SetArchived(tx, r.Kind.Name, r.ID, true)
		case 6:
			return b.Records.Trash(tx, r.Kind.Name, r.ID)
		case 7:
			if err := b.Records.Trash(tx, r.Kind.Name, r.ID); err != nil {
				return err
			}
			return b.Records.Untrash(tx, r.Kind.Name, r.ID)
		case 8:
			return b.Records.SetAccess(tx, r.Kind.Name, r.ID, true, nil, nil)
		}
		return nil
	})
}

// daily compares the totals by day that are kept with what they are counted anew.
func (b *bench) daily(t *testing.T) {
	t.Helper()
	read := func() (out []string) {
		b.View(b.Admin(), func(tx *gate.Tx) error {
			rows, err := tx.Query(`select fact, org_id, day, value, archived, restricted, n from record_daily where n <> 0 order by 1, 2, 3, 4, 5, 6`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var x [7]int64
				if err := rows.Scan(&x[0], &x[1], &x[2], &x[3], &x[4], &x[5], &x[6]); err != nil {
					return err
				}
				out = append(out, fmt.Sprint(x))
			}
			return rows.Err()
		})
		return out
	}
	kept := read()
	b.Change(func(tx *gate.Tx) error {
		for _, q := range []string{`delete from record_daily_filled`, `update record_daily set n = n + 1 where value = 0`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		for _, k := range b.Records.Kinds.Kinds() {
			if err := tally.FillDays(tx.SQL(), k.Name, k.Table(), k.Days); err != nil {
				return err
			}
		}
		return nil
	})
	if again := read(); len(kept) == 0 || !slices.Equal(kept, again) {
		t.Errorf("kept by day are %d totals:\n%v\ncounted anew %d:\n%v", len(kept), kept, len(again), again)
	}
}

// behind gives the records of the list that a cell names, as the caller sees them.
func (b *bench) behind(tx *gate.Tx, kind string, c report.Cell) []*record.Record {
	b.t.Helper()
	q, err := view.View{Query: c.Query.Encode()}.Asks(b.Records.Kinds.Kind(kind))
	if err != nil {
		b.t.Fatalf("the list %q: %v", c.Query.Encode(), err)
	}
	q.Org, q.Limit = c.Org, 1000
	p, err := b.Records.List(tx, kind, q)
	if err != nil {
		b.t.Fatalf("the list %q: %v", c.Query.Encode(), err)
	}
	if p.Total != int64(len(p.Records)) {
		b.t.Fatalf("the list has %d of %d", len(p.Records), p.Total)
	}
	return p.Records
}

// told is what a measure tells of records, reckoned one by one.
func told(a report.Ask, list []*record.Record) float64 {
	var numbers []int64
	no := 0
	for _, r := range list {
		switch v := r.Values[a.Of].(type) {
		case int64:
			numbers = append(numbers, v)
		case bool:
			if !v {
				no++
			}
		}
	}
	slices.Sort(numbers)
	place := func(percent int) float64 {
		if len(numbers) == 0 {
			return 0
		}
		return float64(numbers[(len(numbers)*percent+99)/100-1])
	}
	switch a.Measure {
	case report.Sum:
		sum := int64(0)
		for _, n := range numbers {
			sum += n
		}
		return float64(sum)
	case report.Mean:
		sum := int64(0)
		for _, n := range numbers {
			sum += n
		}
		return float64(sum) / float64(max(1, len(numbers)))
	case report.Median:
		return place(50)
	case report.P90:
		return place(90)
	case report.Within:
		if len(list) == 0 {
			return 0
		}
		return float64(no) / float64(len(list))
	}
	return float64(len(list))
}

// same compares each number of an answer with the list that it names.
func (b *bench) same(who *access.Caller, what string, a report.Ask) (total int64) {
	b.t.Helper()
	b.View(who, func(tx *gate.Tx) error {
		x, err := a.Answered(tx, b.Records)
		if err != nil {
			b.t.Errorf("%s: %v", what, err)
			return nil
		}
		total = b.equal(tx, what, x)
		return nil
	})
	return total
}

// equal compares each number of an answer with the list that it names.
func (b *bench) equal(tx *gate.Tx, what string, x *report.Answer) (total int64) {
	b.t.Helper()
	a := x.Ask
	var sum int64
	for _, c := range append(slices.Clone(x.Cells), x.Total) {
		list := b.behind(tx, a.Kind, c)
		if int64(len(list)) != c.N {
			b.t.Errorf("%s, %s says %d, its list has %d: %s", what, c.Label, c.N, len(list), c.Query.Encode())
		}
		if v := told(a, list); v != c.Value {
			b.t.Errorf("%s, %s says %v, its list comes to %v: %s", what, c.Label, c.Value, v, c.Query.Encode())
		}
		sum += c.N
	}
	if total = x.Total.N; a.Group != "" && !x.More && sum != 2*total {
		b.t.Errorf("%s: the groups come to %d, all to %d", what, sum-total, total)
	}
	return total
}

// unseen asks for an organization by its id in every role that does not see it: what is kept by
// day of it is in no number, whatever answers.
func (b *bench) unseen(t *testing.T, org id.ID) {
	t.Helper()
	elsewhere := b.Org("Out of sight")
	k, now := b.Records.Kinds.Kind(incident.Kind), b.Clock.Now().UnixMilli()
	for _, role := range access.EveryRole() {
		if role == access.Administrator { // sees all
			continue
		}
		c := b.User(role, elsewhere)
		for _, days := range []int{7, 90, 0} {
			for _, x := range report.Standard(k, now, days, org.String()) {
				b.View(c, func(tx *gate.Tx) error {
					got, err := x.Ask.Answered(tx, b.Records)
					if err == nil && (got.Total.N != 0 || got.Total.Value != 0) {
						t.Errorf("%s is told of %s, %d days: %d, %v", role, x.Name, days, got.Total.N, got.Total.Value)
					}
					if err == nil && slices.ContainsFunc(got.Cells, func(c report.Cell) bool { return c.N != 0 }) {
						t.Errorf("%s is told groups of %s", role, x.Name)
					}
					return err
				})
			}
		}
	}
}

// TestReportsEqualTheirLists asks every built-in report, and some of every sort, of tickets
// with random lives, as somebody who sees all and as somebody who sees little.
func TestReportsEqualTheirLists(t *testing.T) {
	b := openBench(t)
	random := rand.New(rand.NewPCG(7, 11))
	second := b.lived(random, 40)
	narrow := b.User(access.Editor, second)
	some := b.mustMake(incident.Kind, nil) // one of the other organization, open to her by name, and one of hers that is closed to her
	b.Change(func(tx *gate.Tx) error {
		return b.Records.SetAccess(tx, incident.Kind, some.ID, true, []id.ID{narrow.User}, nil)
	})
	nobody := b.User(access.Editor, b.Org("Elsewhere"))
	now := b.Clock.Now().UnixMilli()
	seen := map[string]int64{}
	for _, k := range report.Kinds(b.Records.Kinds) {
		if k.Name != incident.Kind && k.Name != request.Kind {
			continue
		}
		for _, days := range []int{30, 0} {
			for _, org := range []string{"", second.String()}[:1+days/30] { // in one organization too
				for _, x := range report.Standard(k, now, days, org) {
					all := b.same(b.Admin(), x.Name, x.Ask)
					hers := b.same(narrow, x.Name+" for a narrow editor", x.Ask)
					seen[x.Name] += all
					if hers > all || days == 0 && b.same(nobody, x.Name+" for nobody", x.Ask) != 0 {
						t.Errorf("%s tells who sees little of %d, of %d", x.Name, hers, all)
					}
					if x.Name == "opened" && days == 0 && org == "" && (hers == 0 || hers >= all) {
						t.Errorf("a narrow editor counts %d of %d", hers, all)
					}
				}
			}
		}
		for _, group := range append([]string{"", report.ByOrg, report.ByDay, report.ByWeek, report.ByMonth, report.ByAge}, namesOf(report.Groups(k))...) {
			for i, m := range report.Measures() {
				if k.Name != incident.Kind || i > 0 && i != 1+len(group)%5 { // each measure is tried with some groups
					continue
				}
				a := report.Ask{Kind: k.Name, Query: "archived=all&urgency=High", Time: "resolved_at", Group: group, Measure: m, Of: map[report.Measure]string{report.Count: "", report.Within: sla.ResolutionLate}[m]}
				if m != report.Count && m != report.Within {
					a.Of = sla.ResolutionTime
				}
				b.same(narrow, "by "+group+", "+string(m), a)
			}
		}
	}
	for name, n := range seen {
		if n == 0 {
			t.Errorf("the report %s was tried with nothing in it", name)
		}
	}
	b.unseen(t, second)
	b.refusals(t)
	b.daily(t)
	b.facts(t)
}

func namesOf(list []*record.Field) (out []string) {
	for _, f := range list {
		out = append(out, f.Name)
	}
	return out
}

// refusals are of questions that cannot be asked.
func (b *bench) refusals(t *testing.T) {
	good := report.Ask{Kind: incident.Kind, Measure: report.Count, Group: "status", Days: 7, Time: "created_at"}
	for what, spoil := range map[string]func(a *report.Ask){
		"a kind that is none":            func(a *report.Ask) { a.Kind = "nothing" },
		"users":                          func(a *report.Ask) { a.Kind = "user" },
		"a group that is none":           func(a *report.Ask) { a.Group = "status; drop table record" },
		"a group by a text":              func(a *report.Ask) { a.Group = "name" },
		"a sum of a text":                func(a *report.Ask) { a.Measure, a.Of = report.Sum, "name" },
		"a measure that is none":         func(a *report.Ask) { a.Measure = "max" },
		"a field of a count":             func(a *report.Ask) { a.Of = sla.Reopened },
		"a period of no moment":          func(a *report.Ask) { a.Time = "name" },
		"a period of a million days":     func(a *report.Ask) { a.Days = 1_000_000 },
		"a condition on no field":        func(a *report.Ask) { a.Query = "nothing=1" },
		"a condition that is no value":   func(a *report.Ask) { a.Query = "resolved_at.from=yesterday" },
		"a period that is narrowed once": func(a *report.Ask) { a.Query = "created_at.from=2026-01-01" },
		"a text that breaks the address": func(a *report.Ask) { a.Query = "%zz" },
	} {
		a := good
		spoil(&a)
		b.View(b.Admin(), func(tx *gate.Tx) error {
			if _, err := a.Answered(tx, b.Records); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", what, err)
			}
			return nil
		})
	}
}

// facts compares what is kept of each ticket's clocks with what its events say, and has it
// computed anew after it was lost.
func (b *bench) facts(t *testing.T) {
	kept := func() map[id.ID]string {
		out := map[id.ID]string{}
		b.View(b.Admin(), func(tx *gate.Tx) error {
			for _, kind := range []string{incident.Kind, request.Kind} {
				p, err := b.Records.List(tx, kind, record.Query{Limit: 1000})
				if err != nil {
					return err
				}
				for _, r := range p.Records {
					v := url.Values{}
					for _, name := range append(sla.FactNames(), sla.Due) {
						if x := r.Values[name]; x != nil {
							v.Set(name, fmt.Sprint(x))
						}
					}
					out[r.ID] = v.Encode()
				}
			}
			return nil
		})
		return out
	}
	before := kept()
	b.Change(func(tx *gate.Tx) error {
		_, err := tx.Exec(`update k_incident set response_minutes = 9999, resolution_late = null, resolution_minutes = null, reopened = 77`)
		return err
	})
	m := &report.Keeper{Gate: b.Gate, Records: b.Records}
	for range 2 { // the second time there is nothing to do
		if err := m.Run(t.Context(), b.Tenant().Name); err != nil {
			t.Fatal(err)
		}
	}
	for n, now := range kept() {
		if now != before[n] {
			t.Errorf("kept was %s, computed anew is %s", before[n], now)
		}
	}
}

// TestOwnReports keeps, shares, changes and removes reports.
func TestOwnReports(t *testing.T) {
	b := openBench(t)
	other, manager := b.User(access.Editor), b.User(access.Manager)
	ask := report.Ask{Kind: incident.Kind, Measure: report.Count, Group: "status"}
	as := func(c *access.Caller, fn func(tx *gate.Tx) error) error {
		return b.Gate.Change(t.Context(), c, access.View, gate.Thing{}, fn)
	}
	save := func(c *access.Caller, s *report.Saved) error {
		return as(c, func(tx *gate.Tx) error { return report.Save(tx, b.Records, s) })
	}
	sees := func(c *access.Caller, n id.ID) (list int, err error) {
		err = b.Gate.View(t.Context(), c, func(tx *gate.Tx) error {
			all, err := report.List(tx)
			if list = len(all); err == nil {
				_, err = report.Get(tx, n)
			}
			return err
		})
		return list, err
	}
	s := &report.Saved{Name: "  By   state ", Ask: ask}
	if err := save(b.agent, s); err != nil {
		t.Fatal(err)
	}
	if s.Name != "By state" {
		t.Errorf("it is called %q", s.Name)
	}
	n, err := sees(other, s.ID)
	if want(t, err, fault.NotFound); n != 0 {
		t.Errorf("another lists %d", n)
	}
	want(t, save(other, &report.Saved{ID: s.ID, Name: "Mine now", Ask: ask}), fault.NotFound)
	want(t, as(other, func(tx *gate.Tx) error { return report.Remove(tx, s.ID) }), fault.NotFound)
	s.With = []id.ID{other.User}
	if err := save(b.agent, s); err != nil {
		t.Fatal(err)
	}
	if n, err := sees(other, s.ID); err != nil || n != 1 {
		t.Errorf("with whom it is shared sees %d: %v", n, err)
	}
	want(t, save(other, s), fault.NotFound) // seeing is not changing
	s.With, s.All = nil, true
	want(t, save(b.agent, s), fault.Denied)
	everybody := &report.Saved{Name: "Of all", Ask: ask, All: true}
	if err := save(manager, everybody); err != nil {
		t.Fatal(err)
	}
	if _, err := sees(other, everybody.ID); err != nil {
		t.Error(err)
	}
	b.mails(t, everybody.ID, "/reports/", b.User(access.Manager))
	want(t, save(b.agent, &report.Saved{Name: "", Ask: ask}), fault.Invalid)
	want(t, save(b.agent, &report.Saved{Name: "x", Ask: report.Ask{Kind: "nothing"}}), fault.Invalid)
	want(t, save(b.agent, &report.Saved{Name: "x", Ask: ask, With: []id.ID{b.org}}), fault.Invalid)
	if err := as(b.agent, func(tx *gate.Tx) error { return report.Remove(tx, s.ID) }); err != nil {
		t.Fatal(err)
	}
	_, err = sees(b.agent, s.ID)
	want(t, err, fault.NotFound)
}

// mails has a report of everybody's mailed to one reader, who then may see less, and at last
// not export any more.
func (b *bench) mails(t *testing.T, n id.ID, path string, reader *access.Caller) {
	t.Helper()
	b.mustMake(incident.Kind, nil)
	weekly := rhythm.Schedule{Rhythm: rhythm.Weekly, Day: int(time.Monday), Hour: 7}
	subscribe := func(c *access.Caller, when rhythm.Schedule) error {
		return b.Gate.Change(t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error { return report.Subscribe(tx, n, when) })
	}
	want(t, subscribe(b.User(access.Lite), weekly), fault.Denied)
	want(t, subscribe(reader, rhythm.Schedule{Rhythm: rhythm.Weekly, Day: 7}), fault.Invalid)
	want(t, subscribe(reader, rhythm.Schedule{Rhythm: "hourly"}), fault.Invalid)
	if err := subscribe(reader, weekly); err != nil {
		t.Fatal(err)
	}
	now := *reader
	now.Email = "reader@example.com"
	m := &report.Mailer{Gate: b.Gate, Records: b.Records, Log: slog.New(slog.DiscardHandler), Sends: func() bool { return true },
		Address: func(path string) string { return "https://strongroom.example.com" + path },
		Resolve: func(_ context.Context, _ string, user id.ID) (*access.Caller, error) {
			if user != reader.User {
				t.Errorf("it is mailed to %d", user)
			}
			c := now
			return &c, nil
		}}
	run := func() (bodies []string) {
		if err := m.Run(t.Context(), b.Tenant().Name); err != nil {
			t.Fatal(err)
		}
		b.View(b.Admin(), func(tx *gate.Tx) error {
			rows, err := tx.Query(`select body from mail where user_id = ? order by id`, int64(reader.User))
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					return err
				}
				bodies = append(bodies, s)
			}
			return rows.Err()
		})
		return bodies
	}
	if got := run(); len(got) != 0 {
		t.Fatalf("it is mailed before its time: %q", got)
	}
	b.Clock.Advance(3 * 7 * 24 * time.Hour) // the server did not run for three weeks
	got := run()
	if got = append(got, run()...); len(got) != 2 || !strings.Contains(got[0], "In all: 1\n") || !strings.Contains(got[0], "https://strongroom.example.com"+path+n.String()) {
		t.Fatalf("once it is mailed: %q", got)
	}
	now.Scope.Orgs = []id.ID{b.Org("Another")} // what she saw is not hers any more
	b.Clock.Advance(7 * 24 * time.Hour)
	if got := run(); len(got) != 2 || !strings.Contains(got[1], "In all: 0\n") {
		t.Fatalf("by the rights that she has then it is mailed: %q", got)
	}
	now.Role = access.Lite
	b.Clock.Advance(7 * 24 * time.Hour)
	if got := run(); len(got) != 2 {
		t.Fatalf("who may not export was mailed %q", got[2:])
	}
	b.View(reader, func(tx *gate.Tx) error {
		x, err := report.MailingOf(tx, n)
		if x.Next != 0 || x.Why == "" {
			t.Errorf("it goes on: %+v", x)
		}
		return err
	})
	if err := subscribe(reader, weekly); err != nil {
		t.Fatal(err)
	}
	if err := subscribe(reader, rhythm.Schedule{}); err != nil {
		t.Fatal(err)
	}
	b.Clock.Advance(7 * 24 * time.Hour)
	if got := run(); len(got) != 2 {
		t.Errorf("she ended it, and was mailed %q", got[2:])
	}
}
