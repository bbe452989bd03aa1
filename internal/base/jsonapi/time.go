package jsonapi

import "time"

// Moment reads a day or a time in UTC and gives its first and last millisecond.
func Moment(s string) (from, to time.Time, ok bool) {
	for _, l := range []struct {
		layout string
		length time.Duration
	}{
		{time.DateOnly, 24 * time.Hour}, {time.RFC3339, time.Second}, {"2006-01-02T15:04:05.000", time.Millisecond}, {"2006-01-02T15:04:05", time.Second},
		{"2006-01-02 15:04:05", time.Second}, {"2006-01-02 15:04:05 MST", time.Second}, {"2006-01-02T15:04", time.Minute},
	} {
		t, err := time.Parse(l.layout, s)
		if err != nil {
			continue
		}
		if t.Nanosecond() != 0 {
			l.length = time.Millisecond
		}
		return t.UTC(), t.UTC().Add(l.length - time.Millisecond), true
	}
	return time.Time{}, time.Time{}, false
}
