package worktime

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// Bounds of a feed.
const (
	mostFeed  = 4 << 20 // bytes
	mostLine  = 64 << 10
	mostSpan  = 50 * 366 // days that are asked for at once
	mostEvent = 400      // days that one event lasts
	mostRules = 200      // events that repeat
)

// Skipped is an event of a feed that closes no day, and why.
type Skipped struct{ Name, Why string }

// ReadHolidays reads an iCalendar feed (RFC 5545) as far as holidays need it:
// the days from first to last that its events close, with the name of each. An
// event of whole days closes them whole; one with times closes that part of the
// day by the clock in zone. Read of an event are SUMMARY, DTSTART, DTEND,
// DURATION, STATUS, RDATE, EXDATE, and an RRULE that repeats by year, month, week
// or day, by BYMONTH, BYMONTHDAY and BYDAY. What else an RRULE says, and an event
// that stands for one repetition of another, is skipped and told.
//
// Fault kind Invalid for what is no feed.
func ReadHolidays(r io.Reader, zone *time.Location, first, last Day) ([]Holiday, []Skipped, error) {
	if last < first || last-first > mostSpan {
		return nil, nil, fault.New(fault.Invalid, "Holidays are read for at most fifty years.")
	}
	events, err := readEvents(io.LimitReader(r, mostFeed+1))
	if err != nil {
		return nil, nil, err
	}
	var all []Holiday
	var skipped []Skipped
	rules := 0
	for _, e := range events {
		if e.get("RRULE") != nil {
			rules++
		}
		if rules > mostRules {
			return nil, nil, fault.New(fault.Invalid, "More than %d events of this feed repeat.", mostRules)
		}
		list, err := e.holidays(zone, first, last)
		if err != nil {
			skipped = append(skipped, Skipped{e.name(), fault.Say(err).Text})
			continue
		}
		if all = append(all, list...); len(all) > mostHolidays {
			return nil, nil, fault.New(fault.Invalid, "This feed closes more than %d days.", mostHolidays)
		}
	}
	return all, skipped, nil
}

// property is a content line: a name, its parameters and its value.
type property struct {
	name   string
	params map[string]string
	value  string
}

type event []property

func (e event) get(name string) *property {
	for i := range e {
		if e[i].name == name {
			return &e[i]
		}
	}
	return nil
}

func (e event) name() string {
	p := e.get("SUMMARY")
	if p == nil {
		return "Holiday"
	}
	s := strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(p.value)
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	if s == "" {
		return "Holiday"
	}
	return s
}

// readEvents gives the properties of each VEVENT. What is nested in one, such as
// a reminder, is no part of it.
func readEvents(r io.Reader) ([]event, error) {
	var events []event
	var open []string
	var e event
	err := unfold(r, func(line string) error {
		p, ok := parseLine(line)
		value := strings.ToUpper(strings.TrimSpace(p.value))
		switch {
		case !ok && len(open) == 0:
			return fault.New(fault.Invalid, "This is no calendar feed.").WithHint("A feed begins with BEGIN:VCALENDAR.")
		case !ok: // a line that nobody understands harms no other
		case p.name == "BEGIN":
			if len(open) == 0 && value != "VCALENDAR" || len(open) > 8 {
				return fault.New(fault.Invalid, "This is no calendar feed.").WithHint("A feed begins with BEGIN:VCALENDAR.")
			}
			open, e = append(open, value), clearOf(e, value)
		case len(open) == 0:
			return fault.New(fault.Invalid, "This is no calendar feed.").WithHint("A feed begins with BEGIN:VCALENDAR.")
		case p.name == "END":
			if value != open[len(open)-1] {
				return fault.New(fault.Invalid, "This feed is damaged: %s ends where %s is open.", value, open[len(open)-1])
			}
			if value == "VEVENT" {
				events = append(events, e)
			}
			open = open[:len(open)-1]
		case open[len(open)-1] == "VEVENT":
			e = append(e, p)
		}
		return nil
	})
	if err == nil && len(open) > 0 {
		err = fault.New(fault.Invalid, "This feed ends too early.").WithHint("Fetch it again.")
	}
	return events, err
}

// clearOf starts a new event where one begins.
func clearOf(e event, begun string) event {
	if begun == "VEVENT" {
		return nil
	}
	return e
}

// unfold gives each content line, joined where it was folded (RFC 5545, 3.1).
func unfold(r io.Reader, each func(string) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 4096), mostLine)
	var held strings.Builder
	size, any := 0, false
	for in.Scan() {
		line := strings.TrimSuffix(in.Text(), "\r")
		if size += len(line) + 1; size > mostFeed {
			return fault.New(fault.Invalid, "This feed is larger than %d MiB.", mostFeed>>20)
		}
		if any && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
			if held.Len()+len(line) > mostLine {
				return fault.New(fault.Invalid, "A line of this feed is too long.")
			}
			held.WriteString(line[1:])
			continue
		}
		if held.Len() > 0 {
			if err := each(held.String()); err != nil {
				return err
			}
		}
		held.Reset()
		if !any {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		held.WriteString(line)
		any = true
	}
	if in.Err() != nil {
		return fault.Wrap(in.Err(), fault.Invalid, "This feed cannot be read to its end.")
	}
	if held.Len() > 0 {
		return each(held.String())
	}
	if !any {
		return fault.New(fault.Invalid, "This is no calendar feed: it is empty.")
	}
	return nil
}

// parseLine splits NAME;PARAM=VALUE;PARAM="VALUE":VALUE.
func parseLine(s string) (property, bool) {
	p := property{params: map[string]string{}}
	quoted, start := false, 0
	var parts []string
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';' || c == ':':
			parts, start = append(parts, s[start:i]), i+1
		}
		if !quoted && s[i] == ':' {
			p.value = s[i+1:]
			p.name = strings.ToUpper(parts[0])
			for _, x := range parts[1:] {
				name, value, _ := strings.Cut(x, "=")
				p.params[strings.ToUpper(name)] = strings.Trim(value, `"`)
			}
			return p, p.name != ""
		}
	}
	return p, false
}

// moment is a date, or a date with a time of the clock on the wall.
type moment struct {
	day    Day
	minute int // of the day; -1 for a date alone
}

// moments reads the dates and times of a property, by the clock in zone.
func (p *property) moments(zone *time.Location) ([]moment, error) {
	var out []moment
	from := zone
	if id := p.params["TZID"]; id != "" {
		if z, err := time.LoadLocation(id); err == nil && id != "Local" {
			from = z
		}
	}
	for s := range strings.SplitSeq(p.value, ",") {
		s, _, _ = strings.Cut(strings.TrimSpace(s), "/") // a period's start
		at := from
		if strings.HasSuffix(s, "Z") {
			s, at = s[:len(s)-1], time.UTC
		}
		if t, err := time.Parse("20060102", s); err == nil {
			out = append(out, moment{DayOf(t), -1})
			continue
		}
		t, err := time.ParseInLocation("20060102T150405", s, at)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s is no date.", strconv.Quote(p.value))
		}
		t = t.In(zone)
		out = append(out, moment{DayOf(t), t.Hour()*60 + t.Minute()})
	}
	return out, nil
}

// one reads a property that holds one date.
func (e event) one(name string, zone *time.Location) (moment, bool, error) {
	p := e.get(name)
	if p == nil {
		return moment{}, false, nil
	}
	list, err := p.moments(zone)
	if err != nil {
		return moment{}, false, err
	}
	return list[0], true, nil
}

// holidays are the days from first to last that the event closes.
func (e event) holidays(zone *time.Location, first, last Day) ([]Holiday, error) {
	if p := e.get("STATUS"); p != nil && strings.EqualFold(strings.TrimSpace(p.value), "CANCELLED") {
		return nil, fault.New(fault.Invalid, "It is cancelled.")
	}
	if e.get("RECURRENCE-ID") != nil {
		return nil, fault.New(fault.Invalid, "It changes one repetition of another event.")
	}
	start, ok, err := e.one("DTSTART", zone)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(fault.Invalid, "It has no start.")
	}
	minutes, err := e.length(start, zone)
	if err != nil {
		return nil, err
	}
	days, err := e.starts(start, zone, first-mostEvent, last)
	if err != nil {
		return nil, err
	}
	var out []Holiday
	for _, d := range days {
		for _, h := range closes(e.name(), moment{d, start.minute}, minutes) {
			if first <= h.Day && h.Day <= last {
				out = append(out, h)
			}
		}
		if len(out) > mostHolidays {
			return nil, fault.New(fault.Invalid, "It closes more than %d days.", mostHolidays)
		}
	}
	return out, nil
}

// length is how many minutes of the clock the event lasts.
func (e event) length(start moment, zone *time.Location) (int, error) {
	end, ok, err := e.one("DTEND", zone)
	if err != nil {
		return 0, err
	}
	minutes := int(end.day-start.day)*minutesOfDay + max(end.minute, 0) - max(start.minute, 0)
	if !ok {
		minutes = 0
		if start.minute < 0 {
			minutes = minutesOfDay
		}
		if p := e.get("DURATION"); p != nil {
			if minutes, err = duration(p.value); err != nil {
				return 0, err
			}
		}
	}
	if minutes == 0 && start.minute < 0 {
		minutes = minutesOfDay // some write an end that is the day itself
	}
	if minutes <= 0 || minutes > mostEvent*minutesOfDay {
		return 0, fault.New(fault.Invalid, "It lasts no time, or longer than %d days.", mostEvent)
	}
	return minutes, nil
}

// duration reads P1D, P2W, PT4H30M as minutes.
func duration(s string) (int, error) {
	wrong := fault.New(fault.Invalid, "%s is no duration.", strconv.Quote(s))
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "P")
	total, n, seen := 0, 0, false
	for _, c := range []byte(rest) {
		unit := map[byte]int{'W': 7 * minutesOfDay, 'D': minutesOfDay, 'H': 60, 'M': 1, 'S': 0}
		switch u, known := unit[c]; {
		case '0' <= c && c <= '9' && n < 1_000_000:
			n, seen = n*10+int(c-'0'), true
		case c == 'T':
		case known && seen:
			total, n, seen = total+n*u, 0, false
		default:
			return 0, wrong
		}
	}
	if !ok || seen || total > 1<<30 {
		return 0, wrong
	}
	return total, nil
}

// closes gives the part of each day that so many minutes from a moment close.
func closes(name string, from moment, minutes int) []Holiday {
	var out []Holiday
	at := max(from.minute, 0)
	for d := from.day; minutes > 0; d++ {
		n := min(minutes, minutesOfDay-at)
		h := Holiday{Day: d, Name: name}
		if n < minutesOfDay {
			h.Closed = Window{at, at + n}
		}
		out = append(out, h)
		minutes, at = minutes-n, 0
	}
	return out
}

// starts gives the days from first to last on which the event starts: by its
// rule, and those that are named besides, without those that are taken out.
func (e event) starts(start moment, zone *time.Location, first, last Day) ([]Day, error) {
	days := []Day{start.day}
	if p := e.get("RRULE"); p != nil {
		r, err := parseRule(p.value, zone)
		if err != nil {
			return nil, err
		}
		days = r.days(start.day, last)
	}
	out := map[Day]bool{}
	for _, p := range e {
		if p.name != "RDATE" && p.name != "EXDATE" {
			continue
		}
		list, err := p.moments(zone)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if p.name == "RDATE" {
				days = append(days, m.day)
			} else {
				out[m.day] = true
			}
		}
	}
	var kept []Day
	for _, d := range days {
		if first <= d && d <= last && !out[d] {
			kept, out[d] = append(kept, d), true
		}
	}
	return kept, nil
}
