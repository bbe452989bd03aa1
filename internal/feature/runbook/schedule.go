package runbook

import "time"

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

// check gives a sentence on what is wrong, or "".
func (s *Schedule) check() string {
	switch {
	case s.Rhythm == Never:
		*s = Schedule{}
	case s.Rhythm != Daily && s.Rhythm != Weekly && s.Rhythm != Monthly:
		return "It is made daily, weekly, monthly or never."
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
