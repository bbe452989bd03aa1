package worktime

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// rule is a recurrence rule (RFC 5545, 3.3.10), as far as holidays need it.
type rule struct {
	freq      string
	interval  int
	count     int // 0 is without end
	until     Day
	months    []int
	monthDays []int // negative ones count from the end
	weekdays  []nth
	monday    time.Weekday // on which a week begins
}

// nth is a weekday: each for a number of 0, else the nth of the month or year,
// from the end when negative.
type nth struct {
	n   int
	day time.Weekday
}

func parseRule(s string, zone *time.Location) (*rule, error) {
	r := &rule{interval: 1, until: 1 << 30, monday: time.Monday}
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(s)), ";") {
		name, value, _ := strings.Cut(part, "=")
		if err := r.set(name, value, zone); err != nil {
			return nil, err
		}
	}
	if !slices.Contains([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}, r.freq) {
		return nil, fault.New(fault.Invalid, "It repeats in a way that holidays do not: %s.", strconv.Quote(s))
	}
	return r, nil
}

// Repeats gives the days from first on, until last, on which a recurrence rule of iCalendar
// falls (RFC 5545, 3.3.10), as far as it is understood. Fault kind Invalid otherwise.
func Repeats(text string, first, last Day) ([]Day, error) {
	r, err := parseRule(text, time.UTC)
	if err != nil {
		return nil, err
	}
	return r.days(first, last), nil
}

func (r *rule) set(name, value string, zone *time.Location) (err error) {
	switch name {
	case "":
	case "FREQ":
		r.freq = value
	case "INTERVAL":
		r.interval, err = number(value, 1, 1000)
	case "COUNT":
		r.count, err = number(value, 1, 100_000)
	case "UNTIL":
		var list []moment
		if list, err = (&property{value: value}).moments(zone); err == nil {
			r.until = list[0].day
		}
	case "BYMONTH":
		r.months, err = numbers(value, 1, 12)
	case "BYMONTHDAY":
		r.monthDays, err = numbers(value, -31, 31)
	case "BYDAY":
		r.weekdays, err = parseWeekdays(value)
	case "WKST":
		var list []nth
		if list, err = parseWeekdays(value); err == nil {
			r.monday = list[0].day
		}
	default:
		return fault.New(fault.Invalid, "Its rule says %s, which is not read.", strconv.Quote(name))
	}
	return err
}

func number(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < low || n > high {
		return 0, fault.New(fault.Invalid, "Its rule has a number that cannot be: %s.", strconv.Quote(s))
	}
	return n, nil
}

func numbers(s string, low, high int) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(s, ",") {
		n, err := number(part, low, high)
		if err != nil || n == 0 {
			return nil, fault.New(fault.Invalid, "Its rule has a number that cannot be: %s.", strconv.Quote(s))
		}
		out = append(out, n)
	}
	return out, nil
}

func parseWeekdays(s string) ([]nth, error) {
	var out []nth
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		i := max(len(part)-2, 0)
		at := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, part[i:])
		n := 0
		if i > 0 && at >= 0 {
			var err error
			if n, err = number(part[:i], -53, 53); err != nil || n == 0 {
				at = -1
			}
		}
		if at < 0 {
			return nil, fault.New(fault.Invalid, "Its rule has a weekday that cannot be: %s.", strconv.Quote(part))
		}
		out = append(out, nth{n, time.Weekday(at)})
	}
	return out, nil
}

// days gives the days of the rule from the start to last. The start is one of
// them, as RFC 5545 asks of who writes it.
func (r *rule) days(start, last Day) []Day {
	out := []Day{start}
	last = min(last, r.until)
	last = min(last, start+150*366)
	for d := start + 1; d <= last && (r.count == 0 || len(out) < r.count); d++ {
		if r.has(d, start) {
			out = append(out, d)
		}
	}
	if r.until < start {
		return nil
	}
	return out
}

// has tells whether the rule that starts on a day has another.
func (r *rule) has(d, start Day) bool {
	t, s := d.time(), start.time()
	if len(r.months) > 0 && !slices.Contains(r.months, int(t.Month())) {
		return false
	}
	if len(r.monthDays) > 0 && !r.ofMonth(t) {
		return false
	}
	if len(r.weekdays) > 0 && !r.ofWeek(t) {
		return false
	}
	free := len(r.monthDays) == 0 && len(r.weekdays) == 0 // what the rule leaves open is as at the start
	switch r.freq {
	case "YEARLY":
		return (t.Year()-s.Year())%r.interval == 0 && (!free || t.Day() == s.Day() && (len(r.months) > 0 || t.Month() == s.Month()))
	case "MONTHLY":
		return ((t.Year()-s.Year())*12+int(t.Month())-int(s.Month()))%r.interval == 0 && (!free || t.Day() == s.Day())
	case "WEEKLY":
		return weekOf(d, r.monday)-weekOf(start, r.monday) >= 0 && (weekOf(d, r.monday)-weekOf(start, r.monday))%r.interval == 0 &&
			(len(r.weekdays) > 0 || d.Weekday() == start.Weekday())
	}
	return int(d-start)%r.interval == 0
}

// weekOf numbers the weeks that begin on a weekday.
func weekOf(d Day, begin time.Weekday) int {
	return int(floor(int64(d)+4-int64(begin), 7)) // 1970-01-01 was a Thursday
}

func (r *rule) ofMonth(t time.Time) bool {
	end := t.AddDate(0, 1, -t.Day()).Day()
	return slices.Contains(r.monthDays, t.Day()) || slices.Contains(r.monthDays, t.Day()-end-1)
}

// ofWeek tells whether a day is one of the weekdays: the nth within the month
// where the rule is by month, else within the year.
func (r *rule) ofWeek(t time.Time) bool {
	return slices.ContainsFunc(r.weekdays, func(w nth) bool {
		if w.day != t.Weekday() || w.n == 0 || r.freq == "WEEKLY" || r.freq == "DAILY" {
			return w.day == t.Weekday()
		}
		at, all := t.Day(), t.AddDate(0, 1, -t.Day()).Day()
		if r.freq == "YEARLY" && len(r.months) == 0 {
			at, all = t.YearDay(), time.Date(t.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
		}
		return w.n == (at-1)/7+1 || w.n == -((all-at)/7+1)
	})
}
