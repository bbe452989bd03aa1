package clock

import (
	"time"

	"strongroom/internal/base/worktime"
)

// Row is a line of the list that explains a deadline.
type Row struct {
	From, To time.Time
	State    State
	Why      string        // what began it
	Worked   time.Duration // how much of the goal this took
	Sum      time.Duration // with all rows before
	Ahead    bool          // it is still to come
}

// Rows explains the deadline of a clock: each stretch that counted or was a pause,
// with the sum until then, and those to come until it is due. At most most rows
// are given, from the beginning.
func (c *Clock) Rows(terms Terms, most int) []Row {
	var out []Row
	var sum time.Duration
	add := func(r Row) bool {
		sum += r.Worked
		r.Sum = sum
		out = append(out, r)
		return len(out) < most
	}
	counted := func(cal *worktime.Calendar, p Piece, ahead bool) bool {
		for i := range cal.Intervals(p.From, p.To) {
			if !add(Row{From: i.From, To: i.To, State: Running, Why: p.Why, Worked: i.Length(), Ahead: ahead}) {
				return false
			}
		}
		return true
	}
	last := c.Started
	for _, p := range c.Pieces {
		last = p.To
		if p.Cycle != c.Cycle {
			continue
		}
		if p.State != Running {
			if !add(Row{From: p.From, To: p.To, State: p.State, Why: p.Why}) {
				return out
			}
			continue
		}
		if !counted(terms.Calendars[p.Calendar], p, false) {
			return out
		}
	}
	if c.State == Running && c.Due.After(last) {
		if cal := terms.Calendars[c.Calendar]; cal != nil {
			counted(cal, Piece{From: last, To: c.Due}, true)
		}
	}
	return out
}
