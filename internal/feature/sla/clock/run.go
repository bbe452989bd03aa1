package clock

import (
	"cmp"
	"slices"
	"time"

	"strongroom/internal/base/worktime"
)

// run follows one clock through the events of a ticket.
type run struct {
	terms Terms

	// The situation of the ticket.
	phase     Phase
	answered  bool
	team      string
	priority  int
	agreement string
	calendar  string

	// The clock: what it is held to, and what it did.
	clock   Clock
	target  Target // zero when the agreement promises nothing
	cal     *worktime.Calendar
	at      time.Time // until when pieces are known
	why     string
	elapsed time.Duration // of this cycle
}

// wanted tells whether the clock would run if something was promised.
func (r *run) wanted() bool {
	ours := r.phase == New || r.phase == Working
	switch r.clock.Measure {
	case Waiting:
		return r.phase == OnHold
	case Operational:
		return ours && r.team == r.clock.Team
	}
	return ours
}

// state is what the clock does in the present situation; empty before the ticket
// exists.
func (r *run) state() State {
	switch {
	case r.phase == "":
		return ""
	case r.clock.Measure == Response && r.answered:
		return Met
	case r.phase == Done:
		return Met
	case r.phase == Dropped:
		return Stopped
	case r.target.Measure == "" || r.cal == nil || !r.wanted():
		return Paused
	}
	return Running
}

// advance notes what the clock did until to.
func (r *run) advance(to time.Time) {
	state := r.state()
	if !r.at.Before(to) || state == "" {
		return
	}
	p := Piece{From: r.at, To: to, Cycle: r.clock.Cycle, State: state, Calendar: r.clock.Calendar, Why: r.why, wanted: !state.Over() && r.wanted()}
	if n := len(r.clock.Pieces); n > 0 && joins(r.clock.Pieces[n-1], p) {
		r.clock.Pieces[n-1].To = to
	} else {
		r.clock.Pieces = append(r.clock.Pieces, p)
	}
	if state == Running {
		for _, l := range r.levels() {
			at, ok := reach(r.cal, p.From, l.at-r.elapsed, r.elapsed)
			if ok && at.Before(to) && !r.stands(l.Name) {
				r.mark(l, at)
			}
		}
		r.elapsed += r.cal.Between(p.From, to)
	}
	r.at = to
}

// reach is the instant at which what is left is used up. What was used up before
// is so at once.
func reach(cal *worktime.Calendar, from time.Time, left, before time.Duration) (time.Time, bool) {
	if left <= 0 && before > 0 {
		return from, true
	}
	return cal.Add(from, left)
}

// joins tells whether two pieces that follow each other are one.
func joins(a, b Piece) bool {
	return a.Cycle == b.Cycle && a.State == b.State && a.Calendar == b.Calendar && a.Why == b.Why && a.wanted == b.wanted && a.To.Equal(b.From)
}

// take lets an event change the situation.
func (r *run) take(e Event) {
	was := r.state()
	if r.phase == "" && e.Phase != "" {
		r.at, r.clock.Started = e.At, e.At
	}
	if e.Answered || e.Phase == Done || r.phase == New && e.Phase != "" && e.Phase != New {
		r.answered = true
	}
	r.phase = cmp.Or(e.Phase, r.phase)
	r.team = cmp.Or(e.Team, r.team)
	r.priority = cmp.Or(e.Priority, r.priority)
	r.agreement = cmp.Or(e.Agreement, r.agreement)
	r.calendar = cmp.Or(e.Calendar, r.calendar)
	now := r.state()
	if e.Note != "" && (now != was || e.Phase != "") {
		r.why = e.Note
	}
	if now.Over() {
		if !was.Over() {
			r.clock.Ended = e.At
		}
		return // what is over is judged by the terms that held then
	}
	policy := e.Policy
	if was.Over() {
		r.clock.Ended = time.Time{}
		policy = Continue
		if r.terms.Agreements[r.agreement].Reopen == Restart {
			r.restart(e.At)
		}
	}
	r.adopt(policy, e.At)
}

// restart begins another cycle.
func (r *run) restart(at time.Time) {
	r.clock.Cycle++
	r.clock.Started, r.elapsed = at, 0
	for i := range r.clock.Marks {
		r.clock.Marks[i].Stands = false
	}
}

// adopt holds the clock to the terms of the present situation.
func (r *run) adopt(policy Policy, at time.Time) {
	target, cal := r.promised(), r.terms.Calendars[r.calendar]
	same := r.agreement == r.clock.Agreement && r.priority == r.clock.Priority && r.calendar == r.clock.Calendar
	first := r.clock.Agreement == "" && r.clock.Calendar == ""
	r.target, r.cal = target, cal
	r.clock.Agreement, r.clock.Priority, r.clock.Calendar = r.agreement, r.priority, r.calendar
	if cal == nil {
		return
	}
	switch {
	case same || first:
	case policy == Restart:
		r.restart(at)
	case policy == Retroactive && target.Measure != "":
		r.recount()
	}
	r.rejudge(at)
}

// promised is the target of the agreement: the one for the priority, or else the
// one for each.
func (r *run) promised() Target {
	var found Target
	for _, t := range r.terms.Agreements[r.agreement].Targets {
		if t.Measure == r.clock.Measure && t.Team == r.clock.Team && (t.Priority == r.priority || t.Priority == 0 && found.Measure == "") {
			found = t
		}
	}
	return found
}

// recount counts the pieces of this cycle again with the present calendar.
func (r *run) recount() {
	r.elapsed = 0
	for i := range r.clock.Pieces {
		if p := &r.clock.Pieces[i]; p.Cycle == r.clock.Cycle {
			p.Calendar = r.clock.Calendar
			if p.wanted {
				p.State = Running
				r.elapsed += r.cal.Between(p.From, p.To)
			}
		}
	}
}

// rejudge compares the elapsed time with changed terms: levels that are ahead
// again stand no more, and those that are passed by the change are passed now.
func (r *run) rejudge(at time.Time) {
	levels := r.levels()
	for i := range r.clock.Marks {
		m := &r.clock.Marks[i]
		m.Stands = m.Stands && slices.ContainsFunc(levels, func(l step) bool { return l.Name == m.Level && l.at <= r.elapsed })
	}
	for _, l := range levels {
		if l.at < r.elapsed && !r.stands(l.Name) {
			r.mark(l, at)
		}
	}
}

// step is a level and the working time after which it is passed.
type step struct {
	Level
	at time.Duration
}

// levels of the target, in the order in which they are passed.
func (r *run) levels() []step {
	if r.target.Measure == "" || r.cal == nil {
		return nil
	}
	goal := r.target.Goal.in(r.cal)
	out := []step{{Level{Name: Breach, Percent: 100}, goal}}
	for _, l := range r.target.Levels {
		s := step{l, (goal * time.Duration(l.Percent) / 100).Truncate(time.Millisecond)}
		if l.Name == Breach {
			out[0] = step{l, goal}
			continue
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return out
}

func (r *run) stands(level string) bool {
	return slices.ContainsFunc(r.clock.Marks, func(m Mark) bool { return m.Stands && m.Level == level })
}

// mark notes that a level was passed.
func (r *run) mark(l step, at time.Time) {
	m := r.passing(l, at)
	m.Stands = true
	r.clock.Marks = append(r.clock.Marks, m)
}

// passing is the mark of a level at an instant.
func (r *run) passing(l step, at time.Time) Mark {
	n := 1
	for _, m := range r.clock.Marks {
		if r.key(l.Name, n) == m.Key {
			n++
		}
	}
	m := Mark{Key: r.key(l.Name, n), Level: l.Name, At: at, Tell: at}
	if c := r.terms.Calendars[l.Told]; c != nil {
		if t, ok := c.Next(at); ok {
			m.Tell = t
		}
	}
	return m
}

// answer sums up. False when nothing is, or was, promised.
func (r *run) answer(now time.Time) (Clock, bool) {
	c := r.clock
	if c.State = r.state(); c.State == "" || r.target.Measure == "" || r.cal == nil {
		return c, false
	}
	c.Goal, c.Elapsed = r.target.Goal.in(r.cal), r.elapsed
	c.Remaining = c.Goal - c.Elapsed
	c.InHours = r.cal.Open(now)
	c.Due = r.due(now)
	end := now
	if c.State.Over() {
		end = c.Ended
	}
	c.Breached = !c.Due.IsZero() && c.Due.Before(end)
	if c.State == Running {
		for _, l := range r.levels() {
			if at, ok := reach(r.cal, now, l.at-r.elapsed, r.elapsed); ok && !r.stands(l.Name) {
				c.Ahead = append(c.Ahead, r.passing(l, at))
			}
		}
	}
	return c, true
}

// due is the instant at which the goal of this cycle is used up.
func (r *run) due(now time.Time) time.Time {
	goal := r.target.Goal.in(r.cal)
	left := goal
	for _, p := range r.clock.Pieces {
		if p.Cycle != r.clock.Cycle || p.State != Running {
			continue
		}
		cal := r.terms.Calendars[p.Calendar]
		if at, ok := reach(cal, p.From, left, goal-left); ok && (at.Before(p.To) || at.Equal(p.To) && (p.To.Equal(now) || p.To.Equal(r.clock.Ended))) {
			return at
		}
		left -= cal.Between(p.From, p.To)
	}
	if r.state() == Running {
		if at, ok := reach(r.cal, now, left, goal-left); ok {
			return at
		}
	}
	return time.Time{}
}
