package table

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// ParseBool reads a truth value as exports write it; empty is false.
func ParseBool(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "yes", "y", "true", "t", "1", "on", "x":
		return true, nil
	case "", "no", "n", "false", "f", "0", "off":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "%s is neither yes nor no.", quoted(s)).WithHint("Write Yes or No.")
}

var (
	isoDate = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:$|[T ]\d{1,2}:\d{2})`)
	usDate  = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})/(\d{4})(?:$| \d{1,2}:\d{2})`)
)

// ParseDate reads a day as ISO 8601 (2024-02-29), as RFC 3339 or similar with a
// time (the day as written, not moved to another time zone) or as written in the
// United States (2/29/2024), and gives it as yyyy-mm-dd; empty stays empty.
func ParseDate(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	var y, m, d string
	if p := isoDate.FindStringSubmatch(s); p != nil {
		y, m, d = p[1], p[2], p[3]
	} else if p := usDate.FindStringSubmatch(s); p != nil {
		m, d, y = p[1], p[2], p[3]
	} else {
		return "", fault.New(fault.Invalid, "%s is not a date.", quoted(s)).WithHint("Write it as year-month-day, as in 2024-02-29.")
	}
	year, _ := strconv.Atoi(y)
	month, _ := strconv.Atoi(m)
	day, _ := strconv.Atoi(d)
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Year() != year || t.Month() != time.Month(month) || t.Day() != day || year == 0 {
		e := fault.New(fault.Invalid, "There is no day %s.", quoted(s))
		if strings.Contains(s, "/") {
			return "", e.WithHint("Dates with slashes are read as month/day/year. Write it as year-month-day, as in 2024-02-29.")
		}
		return "", e.WithHint("Write it as year-month-day, as in 2024-02-29.")
	}
	return t.Format(time.DateOnly), nil
}

// quoted shows a value in a sentence, shortened.
func quoted(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "..."
	}
	return strconv.Quote(s)
}
