package roster_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/base/worktime"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/duty/roster"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func week(days ...time.Weekday) (out [7]bool) {
	for d := range out {
		out[d] = len(days) == 0
	}
	for _, d := range days {
		out[d] = true
	}
	return out
}

func zones() []string {
	return []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca"}
}

// TestHandOver: turns change at the hour on the wall, on the days on which clocks are changed
// too, and with an hour that is left out or comes twice.
func TestHandOver(t *testing.T) {
	for name, c := range map[string]struct {
		zone  string
		first worktime.Day
		hand  int
		want  string // when the second one takes over, UTC
	}{
		"winter":                    {"Europe/Berlin", worktime.NewDay(2026, 1, 5), 8 * 60, "2026-01-06T07:00:00Z"},
		"clocks are set forward":    {"Europe/Berlin", worktime.NewDay(2026, 3, 28), 8 * 60, "2026-03-29T06:00:00Z"},
		"the hour is left out":      {"Europe/Berlin", worktime.NewDay(2026, 3, 28), 2*60 + 30, "2026-03-29T01:00:00Z"},
		"the hour comes twice":      {"Europe/Berlin", worktime.NewDay(2026, 10, 24), 2*60 + 30, "2026-10-25T00:30:00Z"},
		"after the double hour":     {"Europe/Berlin", worktime.NewDay(2026, 10, 24), 3 * 60, "2026-10-25T02:00:00Z"},
		"half an hour left out":     {"Australia/Lord_Howe", worktime.NewDay(2026, 10, 3), 2*60 + 15, "2026-10-03T15:30:00Z"},
		"half an hour twice":        {"Australia/Lord_Howe", worktime.NewDay(2026, 4, 4), 60 + 45, "2026-04-04T14:45:00Z"},
		"a midnight that there is":  {"America/New_York", worktime.NewDay(2026, 11, 1), 0, "2026-11-02T05:00:00Z"},
		"a midnight that is not":    {"America/Sao_Paulo", worktime.NewDay(2018, 11, 3), 0, "2018-11-04T03:00:00Z"},
		"a day that is not (Samoa)": {"Pacific/Apia", worktime.NewDay(2011, 12, 29), 8 * 60, "2011-12-30T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &roster.Plan{Zone: zone(t, c.zone), Layers: []roster.Layer{{People: []id.ID{1, 2}, First: c.first, Days: 1, Hand: c.hand, Week: week()}}}
			at, err := time.Parse(time.RFC3339, c.want)
			if err != nil {
				t.Fatal(err)
			}
			if before, then := p.At(at.Add(-time.Millisecond)), p.At(at); before.Person != 1 || then.Person != 2 {
				t.Errorf("before it is %+v, then %+v", before, then)
			}
		})
	}
}

// TestWho: layers, who stands in, who is away, and the names of gaps.
func TestWho(t *testing.T) {
	day := worktime.NewDay(2026, 3, 2) // a Monday
	at := func(text string) time.Time {
		out, err := time.ParseInLocation("2006-01-02 15:04", text, zone(t, "Europe/Berlin"))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	span := func(who id.ID, from, until string) roster.Span {
		return roster.Span{Person: who, From: at(from).UnixMilli(), Until: at(until).UnixMilli()}
	}
	p := &roster.Plan{Zone: zone(t, "Europe/Berlin"), Layers: []roster.Layer{
		{People: []id.ID{1, 2, 3}, First: day, Days: 7, Hand: 9 * 60, Week: week(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday), Hours: []worktime.Window{{From: 8 * 60, To: 18 * 60}}},
		{People: []id.ID{4}, First: day, Days: 1, Week: week(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)},
	}, Instead: []roster.Span{span(5, "2026-03-03 10:00", "2026-03-03 14:00"), span(6, "2026-03-03 12:00", "2026-03-03 13:00"), span(2, "2026-03-10 10:00", "2026-03-10 11:00")},
		Away: []roster.Span{span(1, "2026-03-05 00:00", "2026-03-06 00:00"), span(6, "2026-03-03 12:30", "2026-03-04 00:00"), span(4, "2026-03-12 00:00", "2026-03-13 00:00")}}
	for when, want := range map[string]roster.Duty{
		"2026-03-02 08:30": {Person: 4, Why: roster.Turn, Layer: 1},
		"2026-03-02 09:00": {Person: 1, Why: roster.Turn},
		"2026-03-02 18:00": {Person: 4, Why: roster.Turn, Layer: 1},
		"2026-03-03 10:00": {Person: 5, Why: roster.StandIn, Of: 1},
		"2026-03-03 12:29": {Person: 6, Why: roster.StandIn, Of: 1},
		"2026-03-03 12:30": {Person: 5, Why: roster.StandIn, Of: 1},
		"2026-03-05 12:00": {Person: 2, Why: roster.Instead, Of: 1},
		"2026-03-07 12:00": {Why: roster.Unplanned},
		"2026-03-09 08:59": {Person: 1, Why: roster.Turn},
		"2026-03-09 09:00": {Person: 2, Why: roster.Turn},
		"2026-03-10 10:30": {Person: 2, Why: roster.Turn},
		"2026-03-12 20:00": {Why: roster.AllAway},
		"2026-02-27 12:00": {Why: roster.Early},
	} {
		if got := p.At(at(when)); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
}

func draw(t *rapid.T, z *time.Location, base worktime.Day) *roster.Plan {
	minute := rapid.IntRange(0, 24*60-1)
	person := rapid.Map(rapid.IntRange(1, 5), func(n int) id.ID { return id.ID(n) })
	start := int64(base) * 86400_000
	span := rapid.Custom(func(t *rapid.T) roster.Span {
		from := start + rapid.Int64Range(-2*86400_000, 12*86400_000).Draw(t, "from")
		return roster.Span{Person: person.Draw(t, "person"), From: from, Until: from + rapid.Int64Range(1, 5*86400_000).Draw(t, "length")}
	})
	layer := rapid.Custom(func(t *rapid.T) roster.Layer {
		l := roster.Layer{People: rapid.SliceOfN(person, 0, 4).Draw(t, "people"), First: base + worktime.Day(rapid.IntRange(-20, 3).Draw(t, "first")), Days: rapid.IntRange(1, 8).Draw(t, "days"), Hand: minute.Draw(t, "hand")}
		for d := range l.Week {
			l.Week[d] = rapid.IntRange(0, 3).Draw(t, "day") > 0
		}
		if rapid.Bool().Draw(t, "hours") {
			from := minute.Draw(t, "opens")
			l.Hours = []worktime.Window{{From: from, To: rapid.IntRange(from+1, 24*60).Draw(t, "closes")}}
		}
		return l
	})
	return &roster.Plan{Zone: z, Layers: rapid.SliceOfN(layer, 0, 3).Draw(t, "layers"), Instead: rapid.SliceOfN(span, 0, 3).Draw(t, "instead"), Away: rapid.SliceOfN(span, 0, 3).Draw(t, "away")}
}

// TestEveryInstant: for every instant there is exactly one person, or a gap that has a name;
// shifts lie without a hole one after the other and say what is asked for an instant; around
// changes of the clock in several zones.
func TestEveryInstant(t *testing.T) {
	days := []worktime.Day{worktime.NewDay(2026, 3, 27), worktime.NewDay(2026, 10, 23), worktime.NewDay(2026, 3, 6), worktime.NewDay(2026, 10, 30), worktime.NewDay(2026, 4, 3), worktime.NewDay(2018, 11, 2), worktime.NewDay(2011, 12, 28), worktime.NewDay(2026, 6, 1)}
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(zones()).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		base := rapid.SampledFrom(days).Draw(t, "base")
		p := draw(t, z, base)
		from := time.UnixMilli(int64(base)*86400_000 + rapid.Int64Range(-86400_000, 86400_000).Draw(t, "begins"))
		until := from.Add(time.Duration(rapid.Int64Range(1, 6*86400_000).Draw(t, "lasts")) * time.Millisecond)
		list := p.Shifts(from, until)
		at := from
		for i, s := range list {
			if !s.From.Equal(at) || !s.Until.After(s.From) {
				t.Fatalf("shift %d from %s until %s follows %s", i, s.From, s.Until, at)
			}
			if i > 0 && list[i-1].Duty == s.Duty {
				t.Fatalf("shift %d is the same as the one before", i)
			}
			at = s.Until
		}
		if !at.Equal(until) {
			t.Fatalf("the last shift ends %s, not %s", at, until)
		}
		for range 40 {
			x := from.Add(time.Duration(rapid.Int64Range(0, until.Sub(from).Milliseconds()-1).Draw(t, "instant")) * time.Millisecond)
			d := p.At(x)
			if (d.Person == 0) != (d.Why == roster.Unplanned || d.Why == roster.Early || d.Why == roster.AllAway) {
				t.Fatalf("%s: %+v", x, d)
			}
			for _, a := range p.Away {
				if a.Person == d.Person && a.From <= x.UnixMilli() && x.UnixMilli() < a.Until {
					t.Fatalf("%s: %d is on call and away", x, d.Person)
				}
			}
			var found []roster.Duty
			for _, s := range list {
				if !x.Before(s.From) && x.Before(s.Until) {
					found = append(found, s.Duty)
				}
			}
			if len(found) != 1 || found[0] != d {
				t.Fatalf("%s: shifts say %+v, it is %+v", x, found, d)
			}
		}
	})
}
