package tickets

import (
	"fmt"
	"slices"
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/clock"
	"strongroom/internal/surface/webui/shell"
)

// dueSoon is how long before its end a clock is said to run out.
const dueSoon = time.Hour

// mostRows is how many stretches explain a deadline.
const mostRows = 200

// dueMark is a deadline in a word, with its colour.
type dueMark struct{ Text, Tone string }

// dueMark says when something is due; nil for what is not.
func (v *visit) dueMark(ms int64) *dueMark {
	if ms == 0 {
		return nil
	}
	left := shell.When(ms).Sub(v.Now())
	switch {
	case left < 0:
		return &dueMark{span(-left) + " late", "late"}
	case left < dueSoon:
		return &dueMark{span(left) + " left", "soon"}
	}
	return &dueMark{span(left) + " left", ""}
}

// span is a length of time in short: 45 min, 3 h 20 min, 5 d.
func span(d time.Duration) string {
	d = d.Truncate(time.Minute)
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h >= 48:
		return fmt.Sprintf("%d d", h/24)
	case h > 0 && m > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case h > 0:
		return fmt.Sprintf("%d h", h)
	}
	return fmt.Sprintf("%d min", m)
}

// clocksCard is how a ticket stands against what was promised.
type clocksCard struct {
	Why   string // address
	Lines []clockLine
}

// clockLine is one promise.
type clockLine struct {
	Label, Text, Icon, Tone string
	Running                 bool
	Used                    int // percent of the goal
}

// clocks reads how a ticket stands, and what its clocks did so far, for the timeline; nil when nothing is promised.
func (v *visit) clocks(tx *gate.Tx, r *record.Record) (*clocksCard, []line, error) {
	list, _, err := sla.Clocks(tx, r)
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	d := &clocksCard{Why: at(r) + "/clocks"}
	var did []line
	for _, c := range inOrder(list) {
		d.Lines = append(d.Lines, v.clockLine(c))
		did = append(did, clockDid(&c)...)
	}
	return d, did, nil
}

// clockDid is what a clock did: it rested and went on, was nearly used up, and late. When it rests is
// told of the resolution alone: the others rest with it.
func clockDid(c *clock.Clock) (out []line) {
	add := func(at time.Time, what string) {
		out = append(out, line{Kind: "event", Icon: "clock", Who: label(*c), Time: at, What: what})
	}
	for i, p := range c.Pieces {
		if i == 0 || c.Measure != clock.Resolution || c.Pieces[i-1].State == p.State {
			continue
		}
		switch {
		case p.State == clock.Paused:
			add(p.From, "rests: "+p.Why)
		case p.State == clock.Running && c.Pieces[i-1].State == clock.Paused:
			add(p.From, "goes on: "+p.Why)
		}
	}
	for _, m := range c.Marks {
		switch {
		case !m.Stands: // other terms hold since
		case m.Level == clock.Breach:
			add(m.At, "is late from here on")
		default:
			add(m.At, map[bool]string{true: "is nearly used up", false: "comes to " + m.Level + " of its goal"}[m.Level == sla.Warning])
		}
	}
	return out
}

// inOrder puts the clocks as they usually end: the response first.
func inOrder(list []clock.Clock) []clock.Clock {
	place := []clock.Measure{clock.Response, clock.Resolution, clock.Waiting, clock.Operational}
	slices.SortStableFunc(list, func(a, b clock.Clock) int { return slices.Index(place, a.Measure) - slices.Index(place, b.Measure) })
	return list
}

func (v *visit) clockLine(c clock.Clock) clockLine {
	l := clockLine{Label: label(c), Icon: "clock"}
	if c.Goal > 0 {
		l.Used = int(min(100, 100*c.Elapsed/c.Goal))
	}
	switch {
	case c.State == clock.Met && c.Breached:
		l.Text, l.Icon, l.Tone = "Met too late", "alert-triangle", "badc"
	case c.State == clock.Met:
		l.Text, l.Icon, l.Tone = "Met in "+span(c.Elapsed), "circle-check", "okc"
	case c.State == clock.Stopped:
		l.Text, l.Icon = "Stopped", "circle-x"
	case c.State == clock.Paused:
		l.Text, l.Icon = "Paused, "+span(max(c.Remaining, 0))+" left", "clock-pause"
	default:
		l.Running = true
		if l.Text = "No deadline: its calendar does not open"; c.Due.IsZero() {
			break
		}
		m := v.dueMark(c.Due.UnixMilli())
		l.Text, l.Tone = m.Text, map[string]string{"late": "badc", "soon": "warnc"}[m.Tone]
	}
	return l
}

func label(c clock.Clock) string {
	return map[clock.Measure]string{clock.Response: "First response", clock.Resolution: "Resolution", clock.Waiting: "Waiting", clock.Operational: "With one team"}[c.Measure]
}

// whyPage explains the deadlines of a ticket.
type whyPage struct {
	Head   ui.Head
	Clocks []explained
}

// explained is a clock with the stretches that lead to its deadline.
type explained struct {
	Line clockLine
	Goal string
	Due  time.Time
	Zone string
	Rows []explainedRow
	More bool
}

type explainedRow struct {
	From, To          string
	What, Worked, Sum string
	Ahead             bool
}

// why answers "why is it due then?".
func (v *visit) why() error {
	var r *record.Record
	d := whyPage{}
	err := v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.read(tx); err != nil {
			return err
		}
		list, terms, err := sla.Clocks(tx, r)
		if err != nil {
			return err
		}
		for _, c := range inOrder(list) {
			d.Clocks = append(d.Clocks, v.explain(&c, terms))
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.Head = ui.Head{Title: "Why is it due then?", Icon: "clock", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}}}
	p, err := v.Page(d.Head.Title, append(v.CrumbsOf(r), ui.Crumb{Label: "Service level"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("clocks", p)
}

func (v *visit) explain(c *clock.Clock, terms clock.Terms) explained {
	x := explained{Line: v.clockLine(*c), Goal: span(c.Goal), Due: c.Due, Zone: "UTC"}
	zone := time.UTC
	if cal := terms.Calendars[c.Calendar]; cal != nil {
		zone = cal.Zone()
		x.Zone = zone.String()
	}
	rows := c.Rows(terms, mostRows)
	x.More = len(rows) == mostRows
	for _, row := range rows {
		from, to := row.From.In(zone), row.To.In(zone)
		l := explainedRow{From: from.Format("Mon 2 Jan, 15:04"), To: to.Format("15:04"), Ahead: row.Ahead, Sum: span(row.Sum)}
		if from.YearDay() != to.YearDay() || to.Sub(from) > 24*time.Hour {
			l.To = to.Format("Mon 2 Jan, 15:04")
		}
		switch {
		case row.Ahead:
			l.What, l.Worked = "To come", span(row.Worked)
		case row.State == clock.Running:
			l.What, l.Worked = "Counted: "+row.Why, span(row.Worked)
		case row.State == clock.Paused:
			l.What = "Paused: " + row.Why
		default:
			l.What = "Over: " + row.Why
		}
		x.Rows = append(x.Rows, l)
	}
	return x
}
