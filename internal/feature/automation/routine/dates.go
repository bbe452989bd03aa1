package routine

import (
	"fmt"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
)

// How often a routine comes round.
const (
	Daily       = "Each day"
	Weekly      = "Each week"
	MonthlyDay  = "Each month, on that day"
	MonthlyWeek = "Each month, on that weekday"
	MonthlyLast = "Each month, on its last day"
	Yearly      = "Each year"
)

// Turns lists them, for choices.
func Turns() []string {
	return []string{Daily, Weekly, MonthlyDay, MonthlyWeek, MonthlyLast, Yearly}
}

// What becomes of a day on which the calendar is closed.
const (
	Anyway = "is kept"
	Leaves = "is left out"
	After  = "moves to the next working day"
	Before = "moves to the working day before"
)

// Closed lists them, for choices.
func Closed() []string { return []string{Anyway, Leaves, After, Before} }

// Plan says when a routine comes round.
type Plan struct {
	Round        string
	Every        int // rounds; 1 is each
	First, Until worktime.Day
	Ends         bool               // Until counts
	Minute       int                // of the day, on the wall
	Hours        *worktime.Calendar // nil is UTC, and each day is a working day
	OnClosed     string
}

// Date is one time that a routine comes round.
type Date struct {
	Day worktime.Day // by the rule
	At  time.Time
}

// longest is how many days may lie between two dates, and how far a date moves.
const longest, farthest = 366 * 40, 31

// rule is the plan as a recurrence rule.
func (p Plan) rule() string {
	names := []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}
	day, of := names[p.First.Weekday()], date(p.First).Day()
	text := map[string]string{Daily: "FREQ=DAILY", Weekly: "FREQ=WEEKLY;BYDAY=" + day, MonthlyDay: fmt.Sprintf("FREQ=MONTHLY;BYMONTHDAY=%d", of),
		MonthlyWeek: fmt.Sprintf("FREQ=MONTHLY;BYDAY=%d%s", (of-1)/7+1, day), MonthlyLast: "FREQ=MONTHLY;BYMONTHDAY=-1", Yearly: "FREQ=YEARLY"}[p.Round]
	return fmt.Sprintf("%s;INTERVAL=%d", text, max(1, p.Every))
}

// Next gives the dates whose days by the rule come after a day, most of them at the most, in
// the order of those days. It depends on the plan alone.
func (p Plan) Next(after worktime.Day, most int) ([]Date, error) {
	var out []Date
	last := max(after, p.First)
	for span := worktime.Day(400); len(out) < most && span <= longest; span *= 3 {
		out = out[:0]
		days, err := worktime.Repeats(p.rule(), p.First, last+span)
		if err != nil {
			return nil, err
		}
		for _, d := range days {
			if d <= after || p.Ends && d > p.Until || p.Round == MonthlyLast && d == p.First && date(d+1).Day() != 1 { // the first counts always, says the rule

				continue
			}
			if at, ok := p.on(d); ok {
				out = append(out, Date{d, p.wall(at)})
			}
			if len(out) == most {
				break
			}
		}
	}
	return out, nil
}

// on is the day on which a day of the rule falls in fact; not ok when it is left out.
func (p Plan) on(d worktime.Day) (worktime.Day, bool) {
	if p.Hours == nil || p.OnClosed == Anyway || p.OnClosed == "" || p.works(d) {
		return d, true
	}
	step := map[string]worktime.Day{After: 1, Before: -1}[p.OnClosed]
	for n := worktime.Day(1); step != 0 && n <= farthest; n++ {
		if x := d + n*step; p.works(x) {
			return x, true
		}
	}
	return d, false
}

func (p Plan) zone() *time.Location {
	if p.Hours == nil {
		return time.UTC
	}
	return p.Hours.Zone()
}

// wall is the instant at which a clock on the wall shows the time. A time that is left out
// when clocks are set forward is as much later; of one that comes twice it is the first.
func (p Plan) wall(d worktime.Day) time.Time {
	day := date(d)
	t := time.Date(day.Year(), day.Month(), day.Day(), p.Minute/60, p.Minute%60, 0, 0, p.zone())
	for _, earlier := range []time.Duration{time.Hour, 30 * time.Minute} {
		if x := t.Add(-earlier); x.Hour() == t.Hour() && x.Minute() == t.Minute() {
			return x
		}
	}
	return t
}

// date is a day at midnight in UTC.
func date(d worktime.Day) time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// works tells whether the calendar is open on a day.
func (p Plan) works(d worktime.Day) bool {
	t := date(d)
	from := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, p.zone())
	return p.Hours.Between(from, from.AddDate(0, 0, 1)) > 0
}

// minute reads a time of the day.
func minute(text string) (int, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(text))
	if err != nil {
		return 0, fault.Field("at", "Give a time of the day, such as 09:00.")
	}
	return t.Hour()*60 + t.Minute(), nil
}
