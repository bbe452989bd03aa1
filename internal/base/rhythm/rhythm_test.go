package rhythm_test

import (
	"testing"
	"time"

	"strongroom/internal/base/rhythm"
)

func TestNext(t *testing.T) {
	for _, x := range []struct {
		s         rhythm.Schedule
		now, want string
	}{
		{rhythm.Schedule{Rhythm: rhythm.Daily, Hour: 3, Minute: 15}, "2026-11-22T03:14:59Z", "2026-11-22T03:15:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Daily, Hour: 3, Minute: 15}, "2026-11-22T03:15:00Z", "2026-11-23T03:15:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Daily}, "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Daily, Hour: 1}, "2026-11-22T00:30:00+02:00", "2026-11-22T01:00:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Weekly, Day: 0, Hour: 23}, "2026-11-22T22:00:00Z", "2026-11-22T23:00:00Z"}, // a Sunday
		{rhythm.Schedule{Rhythm: rhythm.Weekly, Day: 0, Hour: 23}, "2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Weekly, Day: 6, Hour: 5}, "2026-11-22T23:00:00Z", "2026-11-28T05:00:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Monthly, Day: 31, Hour: 2}, "2026-01-31T02:00:00Z", "2026-02-28T02:00:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Monthly, Day: 31, Hour: 2}, "2028-02-01T00:00:00Z", "2028-02-29T02:00:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Monthly, Day: 30}, "2026-12-30T00:00:00Z", "2027-01-30T00:00:00Z"},
		{rhythm.Schedule{Rhythm: rhythm.Monthly, Day: 1}, "2026-11-22T00:00:00Z", "2026-12-01T00:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, x.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.UnixMilli(x.s.Next(now)).UTC().Format(time.RFC3339); got != x.want {
			t.Errorf("%+v after %s is %s, not %s", x.s, x.now, got, x.want)
		}
	}
	if n := (rhythm.Schedule{}).Next(time.Now()); n != 0 {
		t.Errorf("never is %d", n)
	}
}
