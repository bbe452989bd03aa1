package clock_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/feature/sla/clock"
)

// drawHistory draws what happens to a ticket within two weeks in which the clocks
// change.
func drawHistory(t *rapid.T, start time.Time) []clock.Event {
	events := []clock.Event{{At: start, Phase: rapid.SampledFrom([]clock.Phase{clock.New, clock.Working}).Draw(t, "first"), Agreement: "gold", Calendar: "office", Priority: 3}}
	for i := range rapid.IntRange(0, 12).Draw(t, "events") {
		e := clock.Event{Seq: int64(i + 1), At: start.Add(time.Duration(rapid.IntRange(0, 14*24*60).Draw(t, "minute")) * time.Minute)}
		switch rapid.IntRange(0, 4).Draw(t, "what") {
		case 0, 1:
			e.Phase = rapid.SampledFrom([]clock.Phase{clock.Working, clock.OnHold, clock.Done, clock.Dropped}).Draw(t, "phase")
		case 2:
			e.Priority = rapid.IntRange(1, 5).Draw(t, "priority")
		case 3:
			e.Agreement = rapid.SampledFrom([]string{"gold", "silver"}).Draw(t, "agreement")
			e.Team = rapid.SampledFrom([]string{"", "network", "servers"}).Draw(t, "team")
		case 4:
			e.Calendar = rapid.SampledFrom([]string{"office", "always", "apia"}).Draw(t, "calendar")
		}
		e.Policy = rapid.SampledFrom([]clock.Policy{clock.Continue, clock.Restart, clock.Retroactive}).Draw(t, "policy")
		events = append(events, e)
	}
	return events
}

// TestS17AnyHistory holds, for any history: the order in which events are given
// does not matter; the elapsed time is the sum of the intervals that explain it
// and of the pieces counted again; pieces leave no gap; and what was passed at
// one moment is told at each later one.
func TestS17AnyHistory(t *testing.T) {
	d := newDesk(t)
	d.calendar("apia", "Australia/Lord_Howe", "Mo-Fr 08:00-12:00,13:00-18:00")
	half := clock.Level{Name: "half", Percent: 50, Told: "office"}
	d.agree("gold", "", resolve(1, time.Hour, half), resolve(0, 16*time.Hour, half), clock.Target{Measure: clock.Response, Goal: clock.Goal{Time: time.Hour}})
	d.agree("silver", clock.Restart, resolve(0, 30*time.Hour), clock.Target{Measure: clock.Waiting, Goal: clock.Goal{Days: 1}},
		clock.Target{Measure: clock.Operational, Team: "network", Goal: clock.Goal{Time: 3 * time.Hour}})
	starts := []time.Time{on(t, "2026-03-24 08:30"), on(t, "2026-10-20 16:59"), on(t, "2026-04-01 00:00")}
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom(starts).Draw(t, "start")
		events := drawHistory(t, start)
		now := start.Add(time.Duration(rapid.IntRange(0, 20*24*60).Draw(t, "now")) * time.Minute)
		all, err := clock.Compute(events, d.terms, now)
		if err != nil {
			t.Fatal(err)
		}
		again, err := clock.Compute(rapid.Permutation(events).Draw(t, "order"), d.terms, now)
		if err != nil || !reflect.DeepEqual(all, again) {
			t.Fatalf("another order: %+v, then %+v, %v", all, again, err)
		}
		earlier, err := clock.Compute(events, d.terms, start.Add(now.Sub(start)/2))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			sums(t, d, c, start, now)
			kept(t, c, earlier)
		}
	})
}

// sums compares the elapsed time with what explains it.
func sums(t *rapid.T, d *desk, c clock.Clock, start, now time.Time) {
	var pieces, rows, ahead time.Duration
	last := start
	for _, p := range c.Pieces {
		if !p.From.Equal(last) || !p.From.Before(p.To) {
			t.Fatalf("a gap before %+v", p)
		}
		last = p.To
		if p.Cycle == c.Cycle && p.State == clock.Running {
			pieces += d.terms.Calendars[p.Calendar].Between(p.From, p.To)
		}
	}
	if now.After(start) && !last.Equal(now) {
		t.Fatalf("pieces end at %v, not now, %v", last, now)
	}
	for _, r := range c.Rows(d.terms, 100_000) {
		if r.Ahead {
			ahead += r.Worked
		} else {
			rows += r.Worked
		}
	}
	if c.Elapsed != pieces || c.Elapsed != rows || c.Remaining != c.Goal-c.Elapsed {
		t.Fatalf("elapsed %v, pieces %v, rows %v: %+v", c.Elapsed, pieces, rows, c)
	}
	if c.State == clock.Running && !c.Breached && c.Remaining > 0 && ahead != c.Remaining {
		t.Fatalf("%v remains, the rows ahead are %v", c.Remaining, ahead)
	}
	if c.Breached && c.Remaining > 0 {
		t.Fatalf("late with %v to go", c.Remaining)
	}
}

// kept sees that each mark of an earlier answer is in the later one.
func kept(t *rapid.T, c clock.Clock, earlier []clock.Clock) {
	for _, e := range earlier {
		if e.Measure != c.Measure || e.Team != c.Team {
			continue
		}
		for _, m := range e.Marks {
			if !slices.ContainsFunc(c.Marks, func(x clock.Mark) bool { return x.Key == m.Key && x.At.Equal(m.At) && x.Tell.Equal(m.Tell) }) {
				t.Fatalf("%+v was told, and is in the answer no more: %+v", m, c.Marks)
			}
		}
	}
}
