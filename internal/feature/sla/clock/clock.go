// Package clock says how a ticket stands against what was promised: which clocks
// run, when each is due and why, and what is to be told when.
//
// Always true: an answer is a function of the events, the terms and the moment
// that it is asked for, and of nothing else; no running counter is kept. The order
// in which events are given does not matter. What an answer tells of a moment
// that has passed, each later answer over the same events tells too.
package clock

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
)

// Measure is what a clock measures.
type Measure string

// The measures.
const (
	Response    Measure = "response"    // until somebody answers
	Resolution  Measure = "resolution"  // until the ticket is done, without the waiting
	Waiting     Measure = "waiting"     // how long it waits for others
	Operational Measure = "operational" // how long it lies with one team
)

// Phase is what the state of a ticket means for its clocks.
type Phase string

// The phases.
const (
	New     Phase = "new"     // nobody has answered
	Working Phase = "working" // it is our turn
	OnHold  Phase = "on hold" // it is somebody else's turn
	Done    Phase = "done"    // solved or closed
	Dropped Phase = "dropped" // cancelled: no clock counts
)

// Policy says what becomes of the time counted so far when the terms change, or a
// ticket is opened again.
type Policy string

// The policies.
const (
	Continue    Policy = ""            // it stays as it was counted
	Restart     Policy = "restart"     // it counts no more
	Retroactive Policy = "retroactive" // it is counted again as if the new terms had always held
)

// Event is something that happened to a ticket. Fields that are empty say that
// nothing changed in them.
type Event struct {
	At       time.Time
	Seq      int64  // order among events of one instant
	Phase    Phase  // the ticket moved
	Note     string // the name of the state, or what else explains the event to people
	Answered bool   // somebody answered the requester
	Team     string // it lies with another team
	Priority int
	// Agreement and Calendar are versions, see Terms.
	Agreement string
	Calendar  string
	Policy    Policy // of a change of priority, agreement or calendar
}

// Terms are the versions that events name. A version does not change: a new text
// of an agreement, or another holiday, is another version.
type Terms struct {
	Agreements map[string]Agreement
	Calendars  map[string]*worktime.Calendar
}

// Agreement is a version of what was promised.
type Agreement struct {
	Targets []Target
	Reopen  Policy // what a ticket that is opened again does with the time before: Continue or Restart
}

// Target is one promise.
type Target struct {
	Measure  Measure
	Team     string // of an Operational one
	Priority int    // that it holds for; 0 is each that has no target of its own
	Goal     Goal
	Levels   []Level // warnings and escalations; the breach itself needs none
}

// Goal is an amount of working time; both parts add up.
type Goal struct {
	Time time.Duration
	Days int // working days of the calendar, see worktime.Spec
}

func (g Goal) in(c *worktime.Calendar) time.Duration {
	return g.Time + time.Duration(g.Days)*c.Workday()
}

// Level is a part of the goal at which somebody is told.
type Level struct {
	Name    string
	Percent int // of the goal; more than 100 is after the breach
	// Told is the version of the calendar in whose hours people are told; empty is
	// at once, at night too.
	Told string
}

// Breach is the level that each target has, at 100 percent.
const Breach = "breach"

// State is what a clock does.
type State string

// The states.
const (
	Running State = "running" // it counts whenever its calendar is open
	Paused  State = "paused"
	Met     State = "met"     // what it measures came to an end; Breached says whether too late
	Stopped State = "stopped" // the ticket was dropped
)

// Over tells whether the clock counts no more.
func (s State) Over() bool { return s == Met || s == Stopped }

// Piece is a time in which a clock did one thing.
type Piece struct {
	From, To time.Time
	Cycle    int
	State    State
	Calendar string
	Why      string // the Note of the event that began it

	wanted bool // it would have run, had something been promised
}

// Mark is the passing of a level.
type Mark struct {
	// Key is the same in each answer that has the mark, so whoever acts on it can
	// note that it was done.
	Key   string
	Level string
	At    time.Time // when so much of the goal was used up
	Tell  time.Time // when people are told
	// Stands is false where a later change of terms put the level ahead again.
	Stands bool
}

// Clock is how one promise stands.
type Clock struct {
	Measure   Measure
	Team      string
	Agreement string
	Calendar  string
	Priority  int
	Cycle     int // 1, and one more for each restart
	State     State
	InHours   bool      // the calendar is open now
	Started   time.Time // of this cycle
	Ended     time.Time // zero unless State is over
	Goal      time.Duration
	Elapsed   time.Duration
	Remaining time.Duration // negative when late
	// Due is when the goal is, or was, used up; zero for what was met before, while
	// it is paused, and where the calendar never opens.
	Due      time.Time
	Breached bool
	Pieces   []Piece // of all cycles, in order, without gaps
	Marks    []Mark  // passed, in order
	Ahead    []Mark  // to be passed if nothing happens, in order; while running
}

// Compute gives the clocks of a ticket at a moment; events after it do not count
// yet. Fault kind NotFound for an event that names a version that the terms lack.
func Compute(events []Event, terms Terms, now time.Time) ([]Clock, error) {
	past := inOrder(events, now)
	var runs []*run
	for _, e := range past {
		a, ok := terms.Agreements[e.Agreement]
		if e.Agreement != "" && !ok {
			return nil, fault.New(fault.NotFound, "There is no version %q of an agreement.", e.Agreement)
		}
		if e.Calendar != "" && terms.Calendars[e.Calendar] == nil {
			return nil, fault.New(fault.NotFound, "There is no version %q of a calendar.", e.Calendar)
		}
		for _, t := range a.Targets {
			for _, l := range t.Levels {
				if l.Told != "" && terms.Calendars[l.Told] == nil {
					return nil, fault.New(fault.NotFound, "There is no version %q of a calendar.", l.Told)
				}
			}
			same := func(r *run) bool { return r.clock.Measure == t.Measure && r.clock.Team == t.Team }
			if !slices.ContainsFunc(runs, same) {
				runs = append(runs, &run{terms: terms, clock: Clock{Measure: t.Measure, Team: t.Team, Cycle: 1}})
			}
		}
	}
	slices.SortFunc(runs, func(a, b *run) int {
		return cmp.Or(cmp.Compare(a.clock.Measure, b.clock.Measure), cmp.Compare(a.clock.Team, b.clock.Team))
	})
	var out []Clock
	for _, r := range runs {
		for _, e := range past {
			r.advance(e.At)
			r.take(e)
		}
		r.advance(now)
		if c, ok := r.answer(now); ok {
			out = append(out, c)
		}
	}
	return out, nil
}

// inOrder gives the events until now in the order in which they happened.
func inOrder(events []Event, now time.Time) []Event {
	past := slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return e.At.After(now) })
	slices.SortStableFunc(past, func(a, b Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })
	return past
}

// Due gives the marks that are to be told by now and of which done knows nothing.
// Asking again, after a restart too, gives each until done knows it.
func Due(clocks []Clock, done func(key string) bool, now time.Time) []Mark {
	var out []Mark
	for _, c := range clocks {
		for _, m := range c.Marks {
			if m.Stands && !m.Tell.After(now) && !done(m.Key) {
				out = append(out, m)
			}
		}
	}
	return out
}

// Next is the earliest moment after now at which something is to be told, if
// nothing happens before; false when there is none.
func Next(clocks []Clock, now time.Time) (time.Time, bool) {
	var first time.Time
	for _, c := range clocks {
		for _, m := range append(slices.Clone(c.Marks), c.Ahead...) {
			if (m.Stands || m.At.After(now)) && m.Tell.After(now) && (first.IsZero() || m.Tell.Before(first)) {
				first = m.Tell
			}
		}
	}
	return first, !first.IsZero()
}

// Merge gives the events of a ticket into which another is merged at a moment:
// the history of the one that was created first, and from then on the situation
// of the ticket that remains. The earlier clock goes on.
func Merge(remains, merged []Event, at time.Time) []Event {
	remains, merged = inOrder(remains, at), inOrder(merged, at)
	if len(remains) == 0 || len(merged) == 0 || !merged[0].At.Before(remains[0].At) {
		return remains
	}
	now := Event{At: at, Seq: merged[len(merged)-1].Seq + 1, Note: "Merged"}
	for _, e := range remains {
		now.Phase = cmp.Or(e.Phase, now.Phase)
		now.Team = cmp.Or(e.Team, now.Team)
		now.Priority = cmp.Or(e.Priority, now.Priority)
		now.Agreement = cmp.Or(e.Agreement, now.Agreement)
		now.Calendar = cmp.Or(e.Calendar, now.Calendar)
		now.Answered = now.Answered || e.Answered
	}
	return append(merged, now)
}

func (r *run) key(level string, n int) string {
	what := string(r.clock.Measure)
	if r.clock.Team != "" {
		what += ":" + r.clock.Team
	}
	return fmt.Sprintf("%s/%d/%s/%d", what, r.clock.Cycle, level, n)
}
