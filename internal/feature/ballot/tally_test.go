package ballot

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"strongroom/internal/core/id"
)

const hour = 3600_000

func began(at int64, phase int, voters ...id.ID) Event {
	return Event{At: at, What: Began, Phase: phase, Voters: voters}
}

func vote(at int64, phase int, who id.ID, yes bool) Event {
	return Event{At: at, What: Voted, Phase: phase, User: who, By: who, Yes: yes}
}

// TestTally holds each rule, each end, and what counts for nothing.
func TestTally(t *testing.T) {
	for _, c := range []struct {
		name   string
		phase  Phase
		events []Event
		now    int64
		state  string
		stuck  bool
	}{
		{"all: one is missing", Phase{Rule: All}, []Event{began(0, 0, 1, 2), vote(1, 0, 1, true)}, 9, Pending, false},
		{"all: everybody", Phase{Rule: All}, []Event{began(0, 0, 1, 2), vote(1, 0, 1, true), vote(2, 0, 2, true)}, 9, Approved, false},
		{"all: one says no", Phase{Rule: All}, []Event{began(0, 0, 1, 2), vote(1, 0, 1, false)}, 9, Denied, false},
		{"any: one", Phase{Rule: Any}, []Event{began(0, 0, 1, 2), vote(1, 0, 1, false), vote(2, 0, 2, true)}, 9, Approved, false},
		{"any: nobody", Phase{Rule: Any}, []Event{began(0, 0, 1, 2), vote(1, 0, 1, false), vote(2, 0, 2, false)}, 9, Denied, false},
		{"quorum", Phase{Rule: Quorum, Needed: 2}, []Event{began(0, 0, 1, 2, 3), vote(1, 0, 1, true), vote(2, 0, 2, false), vote(3, 0, 3, true)}, 9, Approved, false},
		{"quorum: out of reach", Phase{Rule: Quorum, Needed: 2}, []Event{began(0, 0, 1, 2, 3), vote(1, 0, 1, false), vote(2, 0, 2, false)}, 9, Denied, false},
		{"quorum: too few voters", Phase{Rule: Quorum, Needed: 2}, []Event{began(0, 0, 1)}, 9, Pending, true},
		{"quorum: one person for two", Phase{Rule: Quorum, Needed: 2}, []Event{began(0, 0, 1, 2, 3), vote(1, 0, 1, true), {At: 2, What: Voted, User: 2, By: 1, Yes: true}}, 9, Pending, false},
		{"A2 voting twice counts once", Phase{Rule: Quorum, Needed: 2}, []Event{began(0, 0, 1, 2, 3), vote(1, 0, 1, true), vote(1, 0, 1, true), vote(2, 0, 1, true)}, 9, Pending, false},
		{"A3 who leaves is not waited for", Phase{Rule: All}, []Event{began(0, 0, 1, 2), vote(1, 0, 1, true), {At: 2, What: Left, User: 2}}, 9, Approved, false},
		{"A3 nobody is left", Phase{Rule: Any}, []Event{began(0, 0, 1), {At: 2, What: Left, User: 1}}, 9, Pending, true},
		{"A3 nobody is left, and nobody is asked instead", Phase{Rule: Any}, []Event{began(0, 0), {At: 2, What: Escalated}}, 9, Denied, false},
		{"A4 a vote is taken back", Phase{Rule: Quorum, Needed: 2}, []Event{began(0, 0, 1, 2, 3), vote(1, 0, 1, true), {At: 2, What: Took, User: 1}, vote(3, 0, 2, true)}, 9, Pending, false},
		{"A4 taken back after the quorum is met, it stays met", Phase{Rule: Quorum, Needed: 2}, []Event{began(0, 0, 1, 2, 3), vote(1, 0, 1, true), vote(2, 0, 2, true), {At: 3, What: Took, User: 1}}, 9, Approved, false},
		{"A5 in time", Phase{Rule: All, Hours: 1, Then: Denies}, []Event{began(0, 0, 1), vote(hour-1, 0, 1, true)}, 2 * hour, Approved, false},
		{"A5 too late", Phase{Rule: All, Hours: 1, Then: Denies}, []Event{began(0, 0, 1), vote(hour, 0, 1, true)}, 2 * hour, TimedOut, false},
		{"A5 late is yes", Phase{Rule: All, Hours: 1, Then: Passes}, []Event{began(0, 0, 1), vote(hour+1, 0, 1, false)}, 2 * hour, Approved, false},
		{"A5 late asks others", Phase{Rule: Any, Hours: 1, Then: Escalates}, []Event{began(0, 0, 1)}, 2 * hour, Pending, true},
		{"A5 others decide", Phase{Rule: Any, Hours: 1, Then: Escalates}, []Event{began(0, 0, 1), {At: hour, What: Escalated, Voters: []id.ID{2}}, vote(hour+1, 0, 2, true)}, 2 * hour, Approved, false},
		{"A5 nor do they", Phase{Rule: Any, Hours: 1, Then: Escalates}, []Event{began(0, 0, 1), {At: hour, What: Escalated, Voters: []id.ID{2}}}, 2 * hour, TimedOut, false},
		{"A8 somebody else's vote", Phase{Rule: Any}, []Event{began(0, 0, 1), vote(1, 0, 7, true)}, 9, Pending, false},
		{"A8 a vote after the end", Phase{Rule: Any}, []Event{began(0, 0, 1, 2), vote(1, 0, 1, true), vote(2, 0, 2, false)}, 9, Approved, false},
		{"canceled", Phase{Rule: Any}, []Event{began(0, 0, 1), {At: 1, What: Canceled}, vote(2, 0, 1, true)}, 9, Cancelled, false},
		{"nothing has begun", Phase{Rule: Any}, []Event{vote(1, 0, 1, true)}, 9, Pending, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Tally([]Phase{c.phase}, c.events, c.now); got.State != c.state || got.Stuck != c.stuck {
				t.Errorf("%+v, want %s", got, c.state)
			}
		})
	}
}

// TestTallyOfAnything tries random histories: what is told of them holds for each.
func TestTallyOfAnything(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	whats := []string{Began, Began, Voted, Voted, Voted, Voted, Took, Left, Escalated, Canceled}
	ended := map[string]int{}
	for range 10000 {
		var phases []Phase
		for range 1 + rng.IntN(3) {
			phases = append(phases, Phase{Rule: []Rule{All, Any, Quorum}[rng.IntN(3)], Needed: rng.IntN(3), Hours: int64(rng.IntN(3)), Then: []End{Escalates, Denies, Passes}[rng.IntN(3)]})
		}
		var list []Event
		at := int64(0)
		for i := range 4 + rng.IntN(12) {
			at += rng.Int64N(hour / 2)
			e := Event{At: at, What: whats[rng.IntN(len(whats)-1+rng.IntN(2))], Phase: rng.IntN(len(phases)), User: id.ID(1 + rng.IntN(3)), Yes: rng.IntN(4) > 0}
			if i == 0 {
				e.What, e.Phase = Began, 0
			}
			e.By = e.User
			e.Voters = []id.ID{1, 2, 3}[:1+rng.IntN(3)]
			list = append(list, e)
		}
		now := at + rng.Int64N(3*hour)
		got := Tally(phases, list, now)
		ended[got.State]++
		if got.State != Pending { // what is over stays so, whatever comes
			more := append(slices.Clone(list), vote(now+1, got.Phase, 1, false), Event{At: now + 2, What: Took, Phase: got.Phase, User: 1}, Event{At: now + 3, What: Canceled})
			if later := Tally(phases, more, now+hour); later.State != got.State || later.Ended != got.Ended {
				t.Fatalf("%+v becomes %+v", got, later)
			}
		}
		if got.State == Approved { // each phase had somebody's yes, or its time passed
			for p := range phases {
				said := slices.ContainsFunc(list, func(e Event) bool { return e.What == Voted && e.Phase == p && e.Yes })
				if !said && !(phases[p].Then == Passes && phases[p].Hours > 0) {
					t.Fatalf("approved without a yes in phase %d of %+v: %+v", p, phases, list)
				}
			}
		}
		for who := range got.Votes {
			if !slices.Contains(got.Voters, who) {
				t.Fatalf("%s votes and may not: %+v", who, got)
			}
		}
		var twice []Event // telling the same vote twice at once changes nothing
		for _, e := range list {
			twice = append(twice, e)
			if e.What == Voted {
				twice = append(twice, e)
			}
		}
		if two := Tally(phases, twice, now); !reflect.DeepEqual(got, two) {
			t.Fatalf("each vote told twice: %+v, %+v", got, two)
		}
	}
	if len(ended) < 5 {
		t.Errorf("only %v came up", ended)
	}
}
