package worktime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
)

func feed(events ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\n" + e + "\nEND:VEVENT\n")
	}
	return strings.ReplaceAll(b.String()+"END:VCALENDAR\n", "\n", "\r\n")
}

func TestReadHolidays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, event, want string }{
		{"a day", "SUMMARY:Labour Day\nDTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260502", "2026-05-01"},
		{"without an end", "DTSTART;VALUE=DATE:20260501", "2026-05-01"},
		{"an end that is the day itself", "DTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260501", "2026-05-01"},
		{"several days", "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227", "2026-12-24 2026-12-25 2026-12-26"},
		{"a duration", "DTSTART;VALUE=DATE:20261224\nDURATION:P2D", "2026-12-24 2026-12-25"},
		{"half a day", "DTSTART;TZID=Europe/Berlin:20261231T120000\nDTEND;TZID=Europe/Berlin:20261231T180000", "2026-12-31 12:00-18:00"},
		{"in UTC, over midnight", "DTSTART:20260601T220000Z\nDTEND:20260602T020000Z", "2026-06-02 00:00-04:00"},
		{"over midnight", "DTSTART:20260601T220000\nDURATION:PT4H", "2026-06-01 22:00-24:00 2026-06-02 00:00-02:00"},
		{"each year since long ago", "DTSTART;VALUE=DATE:19901003\nRRULE:FREQ=YEARLY", "2026-10-03 2027-10-03"},
		{"by month and day", "DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=6", "2026-01-06 2027-01-06"},
		{"the fourth Thursday of November", "DTSTART;VALUE=DATE:20201126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "2026-11-26 2027-11-25"},
		{"the last Monday of May", "DTSTART;VALUE=DATE:20200525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", "2026-05-25 2027-05-31"},
		{"leap days", "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY", ""},
		{"the last day of the month, until", "DTSTART;VALUE=DATE:20260131\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20260401", "2026-01-31 2026-02-28 2026-03-31"},
		{"every other week, three times", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3", "2026-01-05 2026-01-19 2026-02-02"},
		{"days besides and without", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=3\nRDATE;VALUE=DATE:20260201,20260105\nEXDATE;VALUE=DATE:20260106", "2026-01-05 2026-01-07 2026-02-01"},
		{"a folded line, a reminder within", "SUMM\n ARY:Long\nDTSTART;VALUE=DATE:2026\n\t0501\nBEGIN:VALARM\nDTSTART;VALUE=DATE:20260701\nEND:VALARM", "2026-05-01"},
		{"cancelled", "DTSTART;VALUE=DATE:20260501\nSTATUS:CANCELLED", "skipped"},
		{"by the hour", "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=HOURLY", "skipped"},
		{"a rule that is not read", "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY;BYSETPOS=1", "skipped"},
		{"no start", "SUMMARY:Nothing", "skipped"},
		{"an end before the start", "DTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260401", "skipped"},
		{"one of a series", "DTSTART;VALUE=DATE:20260501\nRECURRENCE-ID;VALUE=DATE:20260502", "skipped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, skipped, err := worktime.ReadHolidays(strings.NewReader(feed(c.event)), berlin, worktime.NewDay(2026, 1, 1), worktime.NewDay(2027, 12, 31))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range list {
				s := h.Day.String()
				if h.Closed != (worktime.Window{}) {
					s += " " + h.Closed.String()
				}
				got = append(got, s)
			}
			slices.Sort(got)
			for range skipped {
				got = append(got, "skipped")
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s; skipped %v", s, c.want, skipped)
			}
		})
	}
}

func TestReadHolidaysRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":         "",
		"a page":          "<html>sign in</html>",
		"another object":  "BEGIN:VCARD\r\nEND:VCARD\r\n",
		"cut off":         "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260101\r\n",
		"crossed":         "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
		"an endless line": "BEGIN:VCALENDAR\r\nX:" + strings.Repeat("a", 1<<17) + "\r\nEND:VCALENDAR\r\n",
		"too many rules":  feed(slices.Repeat([]string{"DTSTART;VALUE=DATE:19000101\nRRULE:FREQ=DAILY"}, 300)...),
		"too many days":   feed(slices.Repeat([]string{"DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY"}, 100)...),
	} {
		_, _, err := worktime.ReadHolidays(strings.NewReader(s), time.UTC, worktime.NewDay(2026, 1, 1), worktime.NewDay(2027, 12, 31))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadHolidays(f *testing.F) {
	f.Add(feed("SUMMARY:A\\, b\nDTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5"))
	f.Add(feed("DTSTART;TZID=\"Europe/Berlin\":20261231T120000\nDURATION:PT4H30M\nEXDATE:20261231T110000Z"))
	f.Add(feed("DTSTART:20260501\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3;WKST=SU;INTERVAL=2;UNTIL=20270101T000000Z"))
	f.Fuzz(func(t *testing.T, s string) {
		first, last := worktime.NewDay(2026, 1, 1), worktime.NewDay(2027, 12, 31)
		list, _, err := worktime.ReadHolidays(strings.NewReader(s), time.UTC, first, last)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		for _, h := range list {
			if h.Day < first || h.Day > last || h.Name == "" || len([]rune(h.Name)) > 200 {
				t.Fatalf("%v", h)
			}
		}
		if _, err := worktime.New(worktime.Spec{Zone: "UTC", Holidays: list}); err != nil {
			t.Fatal(fmt.Errorf("a feed gives what no calendar takes: %w", err))
		}
	})
}
