// Package roster computes who is on call: whose turn it is, who stands in, and when nobody
// does and why.
//
// Always true: who is on call at an instant is a function of the plan and that instant
// alone; at every instant that is exactly one person, or nobody for a reason that has a
// name; somebody who is away is on call for nothing; turns are handed over when a clock on
// the wall first shows the hour, also on days on which clocks are changed.
package roster

import (
	"slices"
	"time"

	"strongroom/internal/base/worktime"
	"strongroom/internal/core/id"
)

// Layer is a line of a plan: people who take turns.
type Layer struct {
	People []id.ID
	First  worktime.Day // on which the first of them takes over
	Days   int          // that a turn lasts
	Hand   int          // minute of the day at which turns are handed over
	// Week and Hours say when the layer counts, by the clock on the wall; no Hours is the
	// whole day.
	Week  [7]bool // by time.Weekday
	Hours []worktime.Window
}

// Span is a time of somebody.
type Span struct {
	Person      id.ID
	From, Until int64 // Unix milliseconds; Until is not part of it
}

func (s Span) holds(ms int64) bool { return s.From <= ms && ms < s.Until }

// Plan is who takes turns when. What an earlier layer leaves open the next one fills.
type Plan struct {
	Zone    *time.Location
	Layers  []Layer
	Instead []Span // who stands in, whatever the layers say; later ones before earlier ones
	Away    []Span
}

// Why says why somebody is on call, or nobody.
type Why string

// The reasons.
const (
	Turn    Why = "it is the turn"
	StandIn Why = "stands in"
	Instead Why = "whose turn it is, is away"

	Unplanned Why = "nobody is planned at this time"
	Early     Why = "the plan has not begun"
	AllAway   Why = "everybody who is planned is away"
)

// Duty is who is on call; Person is 0 for nobody.
type Duty struct {
	Person id.ID
	Why    Why
	Of     id.ID // whose turn it is, when that is somebody else
	Layer  int   // from 0
}

// Shift is a stretch in which the duty is the same.
type Shift struct {
	Duty
	From, Until time.Time
}

// At tells who is on call at an instant.
func (p *Plan) At(t time.Time) Duty {
	t = t.In(p.Zone)
	ms := t.UnixMilli()
	turn := p.turn(t)
	for _, s := range slices.Backward(p.Instead) {
		if s.holds(ms) && !p.away(s.Person, ms) {
			d := Duty{Person: s.Person, Why: StandIn, Layer: turn.Layer}
			if d.Of = turn.Person; d.Of == d.Person {
				d.Of, d.Why = 0, Turn
			}
			return d
		}
	}
	return turn
}

// turn is what the layers say.
func (p *Plan) turn(t time.Time) Duty {
	why := Unplanned
	for i, l := range p.Layers {
		if !l.open(t) {
			continue
		}
		n, begun := l.index(t)
		if !begun {
			if why == Unplanned {
				why = Early
			}
			continue
		}
		for k := range l.People {
			who := l.People[(n+k)%len(l.People)]
			if p.away(who, t.UnixMilli()) {
				continue
			}
			if k == 0 {
				return Duty{Person: who, Why: Turn, Layer: i}
			}
			return Duty{Person: who, Why: Instead, Of: l.People[n], Layer: i}
		}
		if len(l.People) > 0 {
			why = AllAway
		}
	}
	return Duty{Why: why}
}

func (p *Plan) away(who id.ID, ms int64) bool {
	return slices.ContainsFunc(p.Away, func(s Span) bool { return s.Person == who && s.holds(ms) })
}

// open tells whether the layer counts when a clock on the wall shows t.
func (l *Layer) open(t time.Time) bool {
	if !l.Week[t.Weekday()] {
		return false
	}
	m := t.Hour()*60 + t.Minute()
	return len(l.Hours) == 0 || slices.ContainsFunc(l.Hours, func(w worktime.Window) bool { return w.From <= m && m < w.To })
}

// index is whose turn it is at t; not begun before the first.
func (l *Layer) index(t time.Time) (n int, begun bool) {
	day := worktime.DayOf(t)
	if t.Before(wall(day, l.Hand, t.Location())) {
		day--
	}
	if day < l.First || len(l.People) == 0 {
		return 0, false
	}
	return int(day-l.First) / max(1, l.Days) % len(l.People), true
}

// naive is an instant as if the clock on the wall showed UTC.
func naive(day worktime.Day, minute int) int64 { return int64(day)*24*60*60 + int64(minute)*60 }

func offset(at int64, zone *time.Location) int64 {
	_, n := time.Unix(at, 0).In(zone).Zone()
	return int64(n)
}

// wall is the first instant at which a clock on the wall shows a minute of a day, or a later
// one where that minute is left out.
func wall(day worktime.Day, minute int, zone *time.Location) time.Time {
	const span = 24 * 60 * 60
	at := naive(day, minute)
	before, after := offset(at-span, zone), offset(at+span, zone)
	if before == after {
		return time.Unix(at-before, 0).In(zone)
	}
	_, change := time.Unix(at-before-span, 0).In(zone).ZoneBounds()
	switch c := change.Unix(); {
	case at-before < c:
		return time.Unix(at-before, 0).In(zone)
	case at-after >= c:
		return time.Unix(at-after, 0).In(zone)
	}
	return change.In(zone)
}

// Shifts lists who is on call from one instant until another, without a hole: times when
// nobody is are shifts of nobody.
func (p *Plan) Shifts(from, until time.Time) []Shift {
	var out []Shift
	edges := p.edges(from, until)
	for i, at := range edges {
		end := until.UnixMilli()
		if i+1 < len(edges) {
			end = edges[i+1]
		}
		d := p.At(time.UnixMilli(at))
		if n := len(out); n > 0 && out[n-1].Duty == d {
			out[n-1].Until = time.UnixMilli(end).In(p.Zone)
			continue
		}
		out = append(out, Shift{d, time.UnixMilli(at).In(p.Zone), time.UnixMilli(end).In(p.Zone)})
	}
	return out
}

// Until is when the duty that begins or goes on at an instant ends, not looked for longer
// than a span.
func (p *Plan) Until(at time.Time, most time.Duration) time.Time {
	list := p.Shifts(at, at.Add(most))
	if len(list) == 0 {
		return at
	}
	return list[0].Until
}

// edges are all instants at which the duty may change, from itself the first.
func (p *Plan) edges(from, until time.Time) []int64 {
	a, b := from.UnixMilli(), until.UnixMilli()
	if b <= a {
		return nil
	}
	out := []int64{a}
	add := func(ms int64) {
		if a < ms && ms < b {
			out = append(out, ms)
		}
	}
	offsets := []int64{}
	for t := from.In(p.Zone).Add(-48 * time.Hour); ; {
		_, n := t.Zone()
		if !slices.Contains(offsets, int64(n)) {
			offsets = append(offsets, int64(n))
		}
		_, end := t.ZoneBounds()
		if end.IsZero() || end.After(until.Add(48*time.Hour)) {
			break
		}
		add(end.UnixMilli())
		t = end.In(p.Zone)
	}
	first, last := worktime.DayOf(from.In(p.Zone))-1, worktime.DayOf(until.In(p.Zone))+1
	minutes := p.minutes()
	for day := first; day <= last; day++ {
		for _, l := range p.Layers {
			add(wall(day, l.Hand, p.Zone).UnixMilli())
		}
		for _, m := range minutes {
			for _, o := range offsets {
				add((naive(day, m) - o) * 1000)
			}
		}
	}
	for _, s := range slices.Concat(p.Instead, p.Away) {
		add(s.From)
		add(s.Until)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// minutes are those of the day at which a layer begins or ends to count.
func (p *Plan) minutes() []int {
	out := []int{0}
	for _, l := range p.Layers {
		for _, w := range l.Hours {
			out = append(out, w.From, w.To)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
