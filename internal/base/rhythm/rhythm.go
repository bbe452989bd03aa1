// Package rhythm says when something is done that is done again and again.
//
// Always true: a schedule knows no clock; the same schedule and instant give the same
// next instant, which lies after it.
package rhythm

import (
	"strconv"
	"time"
)

// Rhythm is how often something is done.
type Rhythm string

// The rhythms.
const (
	Never   Rhythm = ""
	Daily   Rhythm = "daily"
	Weekly  Rhythm = "weekly"
	Monthly Rhythm = "monthly"
)

// Schedule says when something is done by itself, in UTC.
type Schedule struct {
	Rhythm Rhythm `json:"rhythm,omitempty"`
	Day    int    `json:"day,omitempty"`  // of the week, 0 is Sunday; or of the month, from 1: in a shorter month, its last
	Hour   int    `json:"hour,omitempty"` // 0 to 23
	Minute int    `json:"minute,omitempty"`
}

// Check gives a sentence on what is wrong with a schedule that somebody chose, or "".
func (s *Schedule) Check() string {
	switch {
	case s.Rhythm == Never:
		*s = Schedule{}
	case s.Rhythm != Daily && s.Rhythm != Weekly && s.Rhythm != Monthly:
		return "It is done daily, weekly, monthly or never."
	case s.Hour < 0 || s.Hour > 23 || s.Minute < 0 || s.Minute > 59:
		return "The time of day is between 00:00 and 23:59."
	case s.Rhythm == Weekly && (s.Day < 0 || s.Day > 6):
		return "The day of the week is not one."
	case s.Rhythm == Monthly && (s.Day < 1 || s.Day > 31):
		return "The day of the month is between 1 and 31."
	}
	return ""
}

// Next gives the first time after now, in Unix milliseconds; 0 for never.
func (s Schedule) Next(now time.Time) int64 {
	now = now.UTC()
	if s.Rhythm == Never {
		return 0
	}
	if s.Rhythm == Monthly {
		for month := 0; ; month++ {
			if t := s.inMonth(now.Year(), now.Month()+time.Month(month)); t.After(now) {
				return t.UnixMilli()
			}
		}
	}
	for day := 0; ; day++ {
		t := time.Date(now.Year(), now.Month(), now.Day()+day, s.Hour, s.Minute, 0, 0, time.UTC)
		if t.After(now) && (s.Rhythm == Daily || int(t.Weekday()) == s.Day) {
			return t.UnixMilli()
		}
	}
}

// inMonth gives the day of the schedule in a month; month may be beyond December.
func (s Schedule) inMonth(year int, month time.Month) time.Time {
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC)
	return time.Date(last.Year(), last.Month(), min(s.Day, last.Day()), s.Hour, s.Minute, 0, 0, time.UTC)
}

// Words say when something is done, such as "every Monday at 07:00 UTC"; never where it never is.
func (s Schedule) Words(never string) string {
	clock := " at " + s.Clock() + " UTC"
	switch s.Rhythm {
	case Daily:
		return "daily" + clock
	case Weekly:
		return "every " + time.Weekday(s.Day).String() + clock
	case Monthly:
		return "monthly on day " + strconv.Itoa(s.Day) + clock
	}
	return never
}

// Clock is the time of the day, as 07:00.
func (s Schedule) Clock() string {
	return time.Date(2000, 1, 1, s.Hour, s.Minute, 0, 0, time.UTC).Format("15:04")
}
