package worktime

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

const minutesOfDay = 24 * 60

func (w Window) valid() bool { return 0 <= w.From && w.From < w.To && w.To <= minutesOfDay }

// String writes it as 09:00-17:30.
func (w Window) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", w.From/60, w.From%60, w.To/60, w.To%60)
}

// ParseWindows reads windows as people write them: 09:00-12:00, 13:00-17:30. The
// end of a day is 24:00. An empty text is none. Fault kind Invalid.
func ParseWindows(s string) ([]Window, error) {
	var out []Window
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		from, to, found := strings.Cut(part, "-")
		a, okA := minutes(from)
		b, okB := minutes(to)
		w := Window{a, b}
		if !found || !okA || !okB || !w.valid() {
			return nil, fault.New(fault.Invalid, "%q is no part of a day.", part).WithHint("Write it as 09:00-17:30; the end of the day is 24:00.")
		}
		out = append(out, w)
	}
	return out, nil
}

// minutes reads 09:30.
func minutes(s string) (int, bool) {
	h, m, found := strings.Cut(strings.TrimSpace(s), ":")
	hour, okH := digits(h, 2)
	minute, okM := digits(m, 2)
	return hour*60 + minute, found && okH && okM && hour <= 24 && minute < 60
}

// digits reads a number of exactly n digits.
func digits(s string, n int) (int, bool) {
	if len(s) != n {
		return 0, false
	}
	v := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// union orders windows and joins those that overlap or touch.
func union(list []Window) []Window {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Window) int { return a.From - b.From })
	var out []Window
	for _, w := range list {
		if n := len(out); n > 0 && w.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, w.To)
			continue
		}
		out = append(out, w)
	}
	return out
}

// without takes the closed windows out of the open ones, which are in order.
func without(open, closed []Window) []Window {
	var out []Window
	for _, w := range open {
		for _, x := range union(closed) {
			if x.To <= w.From || x.From >= w.To {
				continue
			}
			if w.From < x.From {
				out = append(out, Window{w.From, x.From})
			}
			w.From = min(x.To, w.To)
		}
		if w.From < w.To {
			out = append(out, w)
		}
	}
	return out
}

func length(list []Window) time.Duration {
	var sum int
	for _, w := range list {
		sum += w.To - w.From
	}
	return time.Duration(sum) * time.Minute
}

// Day is a day of the calendar that everybody has, as days since 1970-01-01.
type Day int

// DayOf is the day that the clock on the wall shows at t in its own zone.
func DayOf(t time.Time) Day { return NewDay(t.Year(), t.Month(), t.Day()) }

// NewDay is the day of a date; months and days past their end are carried on.
func NewDay(year int, month time.Month, day int) Day {
	return Day(floor(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix(), 24*60*60))
}

func (d Day) time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// Weekday of the day.
func (d Day) Weekday() time.Weekday { return d.time().Weekday() }

// String writes it as 2006-01-02.
func (d Day) String() string { return d.time().Format(time.DateOnly) }

// MarshalText writes it as 2006-01-02.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 2006-01-02.
func (d *Day) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "A day is written as 2006-01-02.")
	}
	*d = DayOf(t)
	return nil
}
