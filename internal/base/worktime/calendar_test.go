package worktime_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
)

// office is a calendar that is open from Monday to Friday.
func office(t testing.TB, zone, open string, change ...func(*worktime.Spec)) *worktime.Calendar {
	t.Helper()
	s := worktime.Spec{Zone: zone, Week: map[time.Weekday]worktime.Hours{}}
	for d := time.Monday; d <= time.Friday; d++ {
		s.Week[d] = worktime.Hours{Open: windows(t, open)}
	}
	for _, f := range change {
		f(&s)
	}
	c, err := worktime.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func windows(t testing.TB, s string) []worktime.Window {
	t.Helper()
	w, err := worktime.ParseWindows(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// always opens each day.
func always(open string) func(*worktime.Spec) {
	return func(s *worktime.Spec) {
		for d := time.Sunday; d <= time.Saturday; d++ {
			w, _ := worktime.ParseWindows(open)
			s.Week[d] = worktime.Hours{Open: w}
		}
	}
}

func at(t testing.TB, c *worktime.Calendar, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04:05", s, c.Zone())
	if err != nil {
		v, err = time.Parse(time.RFC3339, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestBetween(t *testing.T) {
	berlin := office(t, "Europe/Berlin", "09:00-12:00, 13:00-17:00", func(s *worktime.Spec) {
		s.Holidays = []worktime.Holiday{
			{Day: worktime.NewDay(2026, 12, 25), Name: "Christmas"},
			{Day: worktime.NewDay(2026, 12, 24), Name: "Christmas Eve", Closed: worktime.Window{From: 12 * 60, To: 24 * 60}},
		}
	})
	night := office(t, "Europe/Berlin", "", always("00:00-24:00"))
	for _, c := range []struct {
		name     string
		cal      *worktime.Calendar
		from, to string
		want     time.Duration
	}{
		{"a day with lunch", berlin, "2026-11-23 00:00:00", "2026-11-24 00:00:00", 7 * time.Hour},
		{"over a weekend", berlin, "2026-11-20 16:00:00", "2026-11-23 10:00:00", 2 * time.Hour},
		{"half a holiday, a holiday, a weekend", berlin, "2026-12-24 09:00:00", "2026-12-28 09:30:00", 3*time.Hour + 30*time.Minute},
		{"within lunch", berlin, "2026-11-23 12:00:00", "2026-11-23 13:00:00", 0},
		{"backwards", berlin, "2026-11-24 12:00:00", "2026-11-23 13:00:00", 0},
		{"a clock that jumps", night, "2026-03-29 00:00:00", "2026-03-30 00:00:00", 23 * time.Hour},
		{"a clock that repeats", night, "2026-10-25 00:00:00", "2026-10-26 00:00:00", 25 * time.Hour},
		{"no minute is lost at midnight", night, "2026-11-22 23:59:59", "2026-11-23 00:00:01", 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.cal.Between(at(t, c.cal, c.from), at(t, c.cal, c.to)); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	c := office(t, "Europe/Berlin", "09:00-12:00, 13:00-17:00")
	for _, x := range []struct {
		name, from string
		work       time.Duration
		want       string
	}{
		{"outside hours starts at the next opening", "2026-11-21 20:00:00", 0, "2026-11-23 09:00:00"},
		{"at the opening", "2026-11-23 09:00:00", 0, "2026-11-23 09:00:00"},
		{"at the closing", "2026-11-20 17:00:00", 0, "2026-11-23 09:00:00"},
		{"ends at the closing, not at the next opening", "2026-11-20 16:00:00", time.Hour, "2026-11-20 17:00:00"},
		{"over lunch", "2026-11-23 11:30:00", time.Hour, "2026-11-23 13:30:00"},
		{"over a weekend", "2026-11-20 16:30:00", time.Hour, "2026-11-23 09:30:00"},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, ok := c.Add(at(t, c, x.from), x.work)
			if want := at(t, c, x.want); !ok || !got.Equal(want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// TestLeapYearsToCome counts over years beyond the tables of zones.
func TestLeapYearsToCome(t *testing.T) {
	c := office(t, "Europe/Berlin", "", always("00:00-24:00"))
	from := at(t, c, "2039-01-01 00:00:00")
	if got, want := c.Between(from, at(t, c, "2045-01-01 00:00:00")), 2192*24*time.Hour; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got, ok := c.Add(from, 2192*24*time.Hour); !ok || !got.Equal(at(t, c, "2045-01-01 00:00:00")) {
		t.Errorf("%v", got)
	}
}

func TestClosedForEver(t *testing.T) {
	c, err := worktime.New(worktime.Spec{Zone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Add(time.Unix(0, 0), time.Hour); ok || !c.Never() || c.Open(time.Unix(0, 0)) {
		t.Error("a calendar without hours has an end of work")
	}
	s := worktime.Spec{Zone: "UTC", Week: map[time.Weekday]worktime.Hours{time.Monday: {Open: []worktime.Window{{From: 0, To: 60}}, Breaks: []worktime.Window{{From: 0, To: 60}}}}}
	if c, err = worktime.New(s); err != nil || !c.Never() {
		t.Errorf("a break takes all hours: %v", err)
	}
	s.Week[time.Monday] = worktime.Hours{Open: []worktime.Window{{From: 0, To: 60}}}
	for d := worktime.NewDay(2026, 1, 1); d < worktime.NewDay(2047, 1, 1); d++ {
		s.Holidays = append(s.Holidays, worktime.Holiday{Day: d, Name: "Closed"})
	}
	if c, err = worktime.New(s); err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); ok {
		t.Errorf("opens at %v, after twenty years of holidays", got)
	}
}

func TestNewRefuses(t *testing.T) {
	monday := func(w ...worktime.Window) map[time.Weekday]worktime.Hours {
		return map[time.Weekday]worktime.Hours{time.Monday: {Open: w}}
	}
	for name, s := range map[string]worktime.Spec{
		"no zone":       {},
		"unknown zone":  {Zone: "Europe/Atlantis"},
		"zone of host":  {Zone: "Local"},
		"past midnight": {Zone: "UTC", Week: monday(worktime.Window{From: 60, To: 1441})},
		"backwards":     {Zone: "UTC", Week: monday(worktime.Window{From: 60, To: 60})},
		"weekday":       {Zone: "UTC", Week: map[time.Weekday]worktime.Hours{7: {}}},
		"holiday":       {Zone: "UTC", Holidays: []worktime.Holiday{{Closed: worktime.Window{From: 5, To: 3}}}},
		"workday":       {Zone: "UTC", Workday: 25 * time.Hour},
	} {
		if _, err := worktime.New(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCalendarDoesNotChange holds that what was given to a calendar, and what it
// gave, are copies.
func TestCalendarDoesNotChange(t *testing.T) {
	s := worktime.Spec{Zone: "UTC", Week: map[time.Weekday]worktime.Hours{time.Monday: {Open: []worktime.Window{{From: 0, To: 60}}}}}
	c, err := worktime.New(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Week[time.Monday].Open[0].To = 120
	c.Spec().Week[time.Monday].Open[0].To = 180
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	if got := c.Between(monday, monday.Add(24*time.Hour)); got != time.Hour {
		t.Errorf("%v, want an hour", got)
	}
}

func TestParseWindows(t *testing.T) {
	for _, s := range []string{"9:00-12:00", "09:00", "09:00-08:00", "09:60-10:00", "00:00-24:01", "-", "aa:bb-cc:dd"} {
		if w, err := worktime.ParseWindows(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q gives %v, %v", s, w, err)
		}
	}
	if w := windows(t, " 09:00-12:00 ,13:00-24:00"); len(w) != 2 || w[1].String() != "13:00-24:00" {
		t.Error(w)
	}
}

// zones whose clocks do something remarkable: at night, over midnight, by half an
// hour, on the other half of the globe, and once by a whole day.
var zones = [...]string{"Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Scoresbysund", "Asia/Beirut", "UTC"}

func drawCalendar(t *rapid.T) *worktime.Calendar {
	s := worktime.Spec{Zone: rapid.SampledFrom(zones[:]).Draw(t, "zone"), Week: map[time.Weekday]worktime.Hours{}}
	window := rapid.Custom(func(t *rapid.T) worktime.Window {
		from := rapid.IntRange(0, 1439).Draw(t, "from")
		return worktime.Window{From: from, To: rapid.IntRange(from+1, 1440).Draw(t, "to")}
	})
	for _, d := range rapid.SliceOfDistinct(rapid.IntRange(0, 6), rapid.ID).Draw(t, "weekdays") {
		s.Week[time.Weekday(d)] = worktime.Hours{Open: rapid.SliceOfN(window, 1, 3).Draw(t, "open"), Breaks: rapid.SliceOfN(window, 0, 1).Draw(t, "breaks")}
	}
	for range rapid.IntRange(0, 3).Draw(t, "holidays") {
		s.Holidays = append(s.Holidays, worktime.Holiday{Day: drawDay(t), Closed: rapid.OneOf(window, rapid.Just(worktime.Window{})).Draw(t, "closed")})
	}
	c, err := worktime.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drawDay draws near a change of clocks.
func drawDay(t *rapid.T) worktime.Day {
	return rapid.SampledFrom([]worktime.Day{worktime.NewDay(2026, 3, 29), worktime.NewDay(2026, 10, 25), worktime.NewDay(2011, 12, 30),
		worktime.NewDay(2011, 11, 6), worktime.NewDay(2026, 4, 5), worktime.NewDay(2026, 11, 1)}).Draw(t, "near") + worktime.Day(rapid.IntRange(-3, 3).Draw(t, "days"))
}

func drawTime(t *rapid.T) time.Time {
	return time.Unix(int64(drawDay(t))*86400+rapid.Int64Range(0, 86399).Draw(t, "second"), 0)
}

// slow counts working time minute by minute, by asking the clock on the wall.
func slow(c *worktime.Calendar, a, b time.Time) (sum time.Duration) {
	s := c.Spec()
	in := func(list []worktime.Window, minute int) bool {
		return slices.ContainsFunc(list, func(w worktime.Window) bool { return w.From <= minute && minute < w.To })
	}
	for t := a; t.Before(b); {
		next := t.Truncate(time.Minute).Add(time.Minute) // all zones of today keep whole minutes
		if next.After(b) {
			next = b
		}
		wall := t.In(c.Zone())
		minute := wall.Hour()*60 + wall.Minute()
		h := s.Week[wall.Weekday()]
		open := in(h.Open, minute) && !in(h.Breaks, minute)
		for _, x := range s.Holidays {
			if x.Day == worktime.DayOf(wall) && (x.Closed == worktime.Window{} || in([]worktime.Window{x.Closed}, minute)) {
				open = false
			}
		}
		if open {
			sum += next.Sub(t)
		}
		t = next
	}
	return sum
}

func TestBetweenIsWhatTheClockOnTheWallSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		a := drawTime(t)
		b := a.Add(time.Duration(rapid.Int64Range(0, 4*86400).Draw(t, "for")) * time.Second)
		got := c.Between(a, b)
		if want := slow(c, a, b); got != want {
			t.Fatalf("from %v to %v: %v, the clock says %v", a, b, got, want)
		}
		var sum time.Duration
		last := a
		for i := range c.Intervals(a, b) {
			if i.Length() <= 0 || i.From.Before(last) || i.From.Equal(last) && sum > 0 || i.To.After(b) || !c.Open(i.From) {
				t.Fatalf("interval %v", i)
			}
			sum, last = sum+i.Length(), i.To
		}
		if sum != got {
			t.Fatalf("intervals are %v, the time between is %v", sum, got)
		}
	})
}

func TestAddUndoesBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		a := drawTime(t)
		d := time.Duration(rapid.Int64Range(0, 60_000).Draw(t, "work")) * time.Second
		b, ok := c.Add(a, d)
		if ok == c.Never() {
			t.Fatalf("found %v, closed for ever %v", ok, c.Never())
		}
		if !ok {
			return
		}
		if got := c.Between(a, b); got != d {
			t.Fatalf("%v after %v is %v, but %v lies between", d, a, b, got)
		}
		if d > 0 && c.Between(a, b.Add(-time.Millisecond)) >= d {
			t.Fatalf("%v is not the first instant", b)
		}
	})
}
