// Package worktime counts working time: between two instants, and the instant
// after so much of it.
//
// Always true: a Calendar does not change once made, so what was counted with it
// counts the same for ever. An instant is open when a clock on the wall in the
// calendar's zone shows a time within the windows of that day, and of no break or
// holiday. An hour that a clock jumps over is therefore no working time, and an
// hour that it shows twice is worked twice. Times are exact to the millisecond.
package worktime

import (
	"iter"
	"slices"
	"time"
	_ "time/tzdata" // zones are known on a system that has none

	"strongroom/internal/base/fault"
)

// Window is a part of a day by the clock on the wall, in minutes since midnight.
// From belongs to it, To does not; the end of the day is 1440.
type Window struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Hours are the windows in which a weekday is open, and the breaks within them.
type Hours struct {
	Open   []Window `json:"open"`
	Breaks []Window `json:"breaks,omitempty"`
}

// Spec is what a calendar is made of, as it is stored.
type Spec struct {
	Zone     string                 `json:"zone"`               // IANA name: Europe/Berlin
	Week     map[time.Weekday]Hours `json:"week"`               // a weekday that is missing is closed
	Holidays []Holiday              `json:"holidays,omitempty"` // in any order, doubles do no harm
	// Workday is how much working time one day of a goal counted in days is; 0 is
	// what the longest weekday holds.
	Workday time.Duration `json:"workday,omitempty"`
}

// Holiday closes a day, or a part of it.
type Holiday struct {
	Day    Day    `json:"day"`
	Name   string `json:"name"`
	Closed Window `json:"closed"` // the zero Window closes the whole day
}

// Interval is a stretch of time; From belongs to it, To does not.
type Interval struct{ From, To time.Time }

// Length is how long it is.
func (i Interval) Length() time.Duration { return i.To.Sub(i.From) }

// Bounds of what a calendar takes.
const (
	mostHolidays = 20_000
	mostWindows  = 48
	// horizon is how far ahead an opening or the end of some work is looked for.
	horizon = 20 * 366 * 24 * time.Hour
)

// Calendar says when work is done. Its methods may be used by many at once.
type Calendar struct {
	spec     Spec
	zone     *time.Location
	week     [7][]Window
	holidays map[Day][]Window // what is closed
	workday  time.Duration
}

// New makes a calendar of what s says; s is copied. Fault kind Invalid with
// fields: zone, week, holidays.
func New(s Spec) (*Calendar, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "" || s.Zone == "Local" {
		return nil, fault.Field("zone", "%q is not the name of a time zone, such as Europe/Berlin.", s.Zone)
	}
	c := &Calendar{zone: zone, holidays: map[Day][]Window{}, spec: Spec{Zone: s.Zone, Week: map[time.Weekday]Hours{}, Workday: s.Workday}}
	for day, h := range s.Week {
		if day < time.Sunday || day > time.Saturday {
			return nil, fault.Field("week", "There is no weekday %d.", int(day))
		}
		if err := checkWindows(day.String(), append(slices.Clone(h.Open), h.Breaks...)); err != nil {
			return nil, err
		}
		c.spec.Week[day] = Hours{slices.Clone(h.Open), slices.Clone(h.Breaks)}
		c.week[day] = without(union(h.Open), h.Breaks)
		c.workday = max(c.workday, length(c.week[day]))
	}
	if s.Workday < 0 || s.Workday > 24*time.Hour {
		return nil, fault.Field("workday", "A working day has from 0 to 24 hours.")
	}
	if s.Workday > 0 {
		c.workday = s.Workday
	}
	if len(s.Holidays) > mostHolidays {
		return nil, fault.Field("holidays", "A calendar holds at most %d holidays.", mostHolidays)
	}
	for _, h := range s.Holidays {
		closed := h.Closed
		if closed == (Window{}) {
			closed = Window{0, minutesOfDay}
		}
		if !closed.valid() {
			return nil, fault.Field("holidays", "%s, %s: a part of a day ends after it begins, and by 24:00.", h.Name, h.Day)
		}
		c.holidays[h.Day] = append(c.holidays[h.Day], closed)
	}
	c.spec.Holidays = slices.Clone(s.Holidays)
	return c, nil
}

// Spec is what the calendar was made of, as a copy.
func (c *Calendar) Spec() Spec {
	s := c.spec
	s.Week = make(map[time.Weekday]Hours, len(c.spec.Week))
	for day, h := range c.spec.Week {
		s.Week[day] = Hours{slices.Clone(h.Open), slices.Clone(h.Breaks)}
	}
	s.Holidays = slices.Clone(c.spec.Holidays)
	return s
}

// Zone is where the clock hangs on the wall.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Workday is how much working time one day of a goal counted in days is.
func (c *Calendar) Workday() time.Duration { return c.workday }

// Never tells whether no weekday is open at all.
func (c *Calendar) Never() bool {
	for _, w := range c.week {
		if len(w) > 0 {
			return false
		}
	}
	return true
}

// Open tells whether work is done at t.
func (c *Calendar) Open(t time.Time) bool {
	for i := range c.from(t.UnixMilli(), t.UnixMilli()+1) {
		return i.from <= t.UnixMilli()
	}
	return false
}

// Between is the working time from a to b; 0 when b is not after a.
func (c *Calendar) Between(a, b time.Time) time.Duration {
	var sum int64
	for i := range c.from(a.UnixMilli(), b.UnixMilli()) {
		sum += i.to - i.from
	}
	return time.Duration(sum) * time.Millisecond
}

// Intervals gives the open stretches from a to b, in order; stretches that touch,
// such as two days that are open around midnight, are one.
func (c *Calendar) Intervals(a, b time.Time) iter.Seq[Interval] {
	return func(yield func(Interval) bool) {
		for i := range c.from(a.UnixMilli(), b.UnixMilli()) {
			if !yield(Interval{c.at(i.from), c.at(i.to)}) {
				return
			}
		}
	}
}

// Next is the first open instant that is not before t; false when none comes
// within twenty years.
func (c *Calendar) Next(t time.Time) (time.Time, bool) {
	return c.Add(t, 0)
}

// Add gives the instant at which d of working time has passed since t. It is the
// closing, not the next opening, when both fit; for a d of 0 it is the first open
// instant. False when that much does not come within twenty years.
func (c *Calendar) Add(t time.Time, d time.Duration) (time.Time, bool) {
	left := d.Milliseconds()
	if c.Never() {
		return time.Time{}, false
	}
	for i := range c.daily(t.UnixMilli(), t.Add(horizon).UnixMilli()) {
		if left <= i.to-i.from {
			return c.at(i.from + max(left, 0)), true
		}
		left -= i.to - i.from
	}
	return time.Time{}, false
}

// WorkdayAt is the instant at which a clock on the wall shows a minute of the day, on the n-th
// day after t's on which work is done. False when none comes within twenty years.
func (c *Calendar) WorkdayAt(t time.Time, n, minute int) (time.Time, bool) {
	if c.Never() {
		return time.Time{}, false
	}
	y, m, d := t.In(c.zone).Date()
	for i, last := 1, int(horizon/(24*time.Hour)); i <= last; i++ {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, c.zone)
		if c.Between(day, time.Date(y, m, d+i+1, 0, 0, 0, 0, c.zone)) > 0 {
			n--
		}
		if n <= 0 {
			return time.Date(y, m, d+i, minute/60, minute%60, 0, 0, c.zone), true
		}
	}
	return time.Time{}, false
}

func (c *Calendar) at(ms int64) time.Time { return time.UnixMilli(ms).In(c.zone) }

// stretch is an Interval in Unix milliseconds.
type stretch struct{ from, to int64 }

const dayMillis = 24 * 60 * 60 * 1000

// from gives the open stretches within [a, b), in order, joined where they touch.
func (c *Calendar) from(a, b int64) iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		var held stretch
		for s := range c.daily(a, b) {
			switch {
			case held.to == held.from:
				held = s
			case s.from == held.to:
				held.to = s.to
			case !yield(held):
				return
			default:
				held = s
			}
		}
		if held.to > held.from {
			yield(held)
		}
	}
}

// daily gives the open stretches within [a, b), in order, those of each day apart.
// It goes through the times in which the zone keeps one offset; within such a
// time the clock on the wall runs evenly, so order holds even where a clock is
// set back over midnight.
func (c *Calendar) daily(a, b int64) iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		for t := a; t < b; {
			offset, end := c.offset(t)
			end = min(end, b)
			for day := floor(t+offset, dayMillis); day*dayMillis-offset < end; day++ {
				for _, w := range c.windows(Day(day)) {
					s := stretch{max(day*dayMillis+int64(w.From)*60_000-offset, t), min(day*dayMillis+int64(w.To)*60_000-offset, end)}
					if s.from < s.to && !yield(s) {
						return
					}
				}
			}
			t = end
		}
	}
}

// offset gives how far the clock on the wall is ahead of UTC at an instant, and
// until when that is certain, in milliseconds. Package time ends each year that
// lies beyond its tables after 365 days, so on the last day of a leap year the
// end that it tells has passed; no zone changes its clock in such an hour.
func (c *Calendar) offset(ms int64) (offset, end int64) {
	t := time.UnixMilli(ms).In(c.zone)
	_, seconds := t.Zone()
	_, next := t.ZoneBounds()
	if next.IsZero() {
		return int64(seconds) * 1000, 1<<63 - 1
	}
	if end = next.UnixMilli(); end <= ms {
		end = (floor(ms, 60*60*1000) + 1) * 60 * 60 * 1000
	}
	return int64(seconds) * 1000, end
}

func (c *Calendar) windows(d Day) []Window {
	open := c.week[d.Weekday()]
	if closed, ok := c.holidays[d]; ok {
		return without(open, closed)
	}
	return open
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func checkWindows(day string, list []Window) error {
	if len(list) > mostWindows {
		return fault.Field("week", "%s has more than %d windows and breaks.", day, mostWindows)
	}
	for _, w := range list {
		if !w.valid() {
			return fault.Field("week", "%s: %s is no part of a day; what goes past midnight is written as two days.", day, w)
		}
	}
	return nil
}
