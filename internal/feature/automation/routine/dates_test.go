package routine

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/worktime"
)

// office is open from Monday to Friday in Berlin, but for two holidays.
func office(t *testing.T) *worktime.Calendar {
	t.Helper()
	s := worktime.Spec{Zone: "Europe/Berlin", Week: map[time.Weekday]worktime.Hours{}}
	for d := time.Monday; d <= time.Friday; d++ {
		s.Week[d] = worktime.Hours{Open: []worktime.Window{{From: 9 * 60, To: 17 * 60}}}
	}
	for _, d := range []worktime.Day{worktime.NewDay(2026, 12, 25), worktime.NewDay(2027, 1, 1)} {
		s.Holidays = append(s.Holidays, worktime.Holiday{Day: d, Name: "Holiday"})
	}
	c, err := worktime.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDates: when routines come round, over ends of months, holidays and changes of the clock.
func TestDates(t *testing.T) {
	day := worktime.NewDay
	hours := office(t)
	for name, c := range map[string]struct {
		p    Plan
		want string
	}{
		"each day":                      {Plan{Round: Daily, First: day(2026, 12, 30)}, "2026-12-30 09:00 2026-12-31 09:00 2027-01-01 09:00"},
		"every other week":              {Plan{Round: Weekly, Every: 2, First: day(2026, 3, 2)}, "2026-03-02 09:00 2026-03-16 09:00 2026-03-30 09:00"},
		"the 31st is not in each month": {Plan{Round: MonthlyDay, First: day(2026, 1, 31)}, "2026-01-31 09:00 2026-03-31 09:00 2026-05-31 09:00"},
		"the last day of each month":    {Plan{Round: MonthlyLast, First: day(2026, 1, 5)}, "2026-01-31 09:00 2026-02-28 09:00 2026-03-31 09:00"},
		"the second Tuesday":            {Plan{Round: MonthlyWeek, First: day(2026, 3, 10)}, "2026-03-10 09:00 2026-04-14 09:00 2026-05-12 09:00"},
		"29 February":                   {Plan{Round: Yearly, First: day(2024, 2, 29)}, "2024-02-29 09:00 2028-02-29 09:00 2032-02-29 09:00"},
		"until a day":                   {Plan{Round: Daily, First: day(2026, 3, 1), Until: day(2026, 3, 2), Ends: true}, "2026-03-01 09:00 2026-03-02 09:00"},
		"a holiday is left out":         {Plan{Round: Weekly, First: day(2026, 12, 18), Hours: hours, OnClosed: Leaves}, "2026-12-18 08:00 2027-01-08 08:00 2027-01-15 08:00"},
		"a holiday moves on":            {Plan{Round: Weekly, First: day(2026, 12, 18), Hours: hours, OnClosed: After}, "2026-12-18 08:00 2026-12-28 08:00 2027-01-04 08:00"},
		"a holiday moves back":          {Plan{Round: Weekly, First: day(2026, 12, 18), Hours: hours, OnClosed: Before}, "2026-12-18 08:00 2026-12-24 08:00 2026-12-31 08:00"},
		"clocks are set forward":        {Plan{Round: Daily, First: day(2026, 3, 28), Minute: 2*60 + 30, Hours: hours}, "2026-03-28 01:30 2026-03-29 01:30 2026-03-30 00:30"},
		"clocks are set back":           {Plan{Round: Daily, First: day(2026, 10, 24), Minute: 2*60 + 30, Hours: hours}, "2026-10-24 00:30 2026-10-25 00:30 2026-10-26 01:30"},
	} {
		if c.p.Minute == 0 {
			c.p.Minute = 9 * 60
		}
		list, err := c.p.Next(c.p.First-1, 3)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, d := range list {
			got = append(got, d.At.UTC().Format("2006-01-02 15:04"))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

// TestDatesGoOn: asking from date to date gives the same as asking at once.
func TestDatesGoOn(t *testing.T) {
	for _, round := range Turns() {
		for _, closed := range Closed() {
			p := Plan{Round: round, Every: 1, First: worktime.NewDay(2026, 1, 29), Minute: 150, Hours: office(t), OnClosed: closed}
			all, err := p.Next(p.First-1, 12)
			if err != nil || len(all) != 12 && closed != Leaves {
				t.Fatalf("%s, %s: %d dates, %v", round, closed, len(all), err)
			}
			after := p.First - 1
			for i, want := range all {
				one, err := p.Next(after, 1)
				if err != nil || len(one) != 1 || one[0] != want {
					t.Fatalf("%s, %s, %d: %v, want %v: %v", round, closed, i, one, want, err)
				}
				after = one[0].Day
			}
		}
	}
}
