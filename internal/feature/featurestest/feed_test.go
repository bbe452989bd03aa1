package featurestest_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/feed"
)

// TestS15FeedsMakeVersions: a feed of holidays is read, again when it is due, and what it
// says is for later tickets alone; what cannot be read changes nothing and is told.
func TestS15FeedsMakeVersions(t *testing.T) {
	b := openBench(t)
	calendar, _ := b.promises()
	var body atomic.Value // string, or int for a status
	var asked atomic.Int64
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked.Add(1)
		switch x := body.Load().(string); {
		case x == "gone":
			http.Error(w, "gone", http.StatusGone)
		case x == "away":
			http.Redirect(w, q, "http://"+q.Host+"/", http.StatusFound)
		case x == "endless":
			for range 600 {
				if _, err := w.Write(make([]byte, 16<<10)); err != nil {
					return
				}
			}
		default:
			fmt.Fprint(w, x)
		}
	}))
	t.Cleanup(site.Close)
	trust := x509.NewCertPool()
	trust.AddCert(site.Certificate())
	open := &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	run := func(d *dialer.Dialer) {
		t.Helper()
		m := feed.Feeds{Gate: b.Gate, Records: b.Records, Dialer: d, TLS: &tls.Config{RootCAs: trust}}
		if err := m.Run(t.Context(), b.agent.Tenant); err != nil {
			t.Fatal(err)
		}
	}
	says := func(events ...string) {
		out := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
		for _, e := range events {
			out += "BEGIN:VEVENT\r\n" + strings.ReplaceAll(e, "\n", "\r\n") + "\r\nEND:VEVENT\r\n"
		}
		body.Store(out + "END:VCALENDAR\r\n")
	}
	days := func() (out []string) {
		for _, row := range b.get(sla.Calendar, calendar).Values.Rows("feed_days") {
			line := fmt.Sprintf("%v %v %v", row["day"], row["name"], row["closed"])
			out = append(out, strings.TrimSuffix(line, " <nil>"))
		}
		return out
	}
	told := func() string { return b.get(sla.Calendar, calendar).Values.Text("feed_told") }
	urgent := record.Values{"category_id": b.one("category", "Software"), "team_id": b.one("team", "Service desk"), "status": incident.Active}
	const fair = "SUMMARY:Fair\nDTSTART;VALUE=DATE:20260302\nRRULE:FREQ=YEARLY"

	before := b.mustMake(incident.Kind, urgent) // Monday, 2 March 2026, nine o'clock
	b.dueAt(before, "Mon 10:00")
	says(fair, "SUMMARY:Late opening\nDTSTART:20260303T090000Z\nDTEND:20260303T100000Z", "SUMMARY:Odd\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYSETPOS=1;BYDAY=MO")
	b.mustUpdate(sla.Calendar, calendar, record.Values{"feed": site.URL + "/holidays.ics"})
	run(open)
	if got := strings.Join(days(), ", "); !strings.Contains(got, "2026-03-02 Fair") || !strings.Contains(got, "2028-03-02 Fair") || !strings.Contains(got, "2026-03-03 Late opening 09:00-10:00") || strings.Contains(got, "2029") {
		t.Fatalf("the days are %s; told %s", got, told())
	}
	if !strings.Contains(told(), "Left out: Odd.") {
		t.Errorf("told %q", told())
	}
	b.dueAt(before, "Mon 10:00")
	b.dueAt(b.mustMake(incident.Kind, urgent), "Tue 11:00")

	t.Run("read once until it is due, and no new version for the same", func(t *testing.T) {
		n, v := asked.Load(), b.get(sla.Calendar, calendar).Version
		run(open)
		if asked.Load() != n {
			t.Error("it is asked again at once")
		}
		b.Clock.Advance(13 * time.Hour)
		run(open)
		if asked.Load() != n+1 || b.get(sla.Calendar, calendar).Version != v {
			t.Errorf("asked %d times, version %d after %d", asked.Load()-n, b.get(sla.Calendar, calendar).Version, v)
		}
	})
	t.Run("what changed is another version", func(t *testing.T) {
		v := b.get(sla.Calendar, calendar).Version
		says(fair)
		b.Clock.Advance(13 * time.Hour)
		run(open)
		if got := b.get(sla.Calendar, calendar); got.Version != v+1 || len(days()) != 3 || told() != "" {
			t.Errorf("version %d after %d, %v, %q", got.Version, v, days(), told())
		}
	})
	t.Run("what cannot be read changes no day", func(t *testing.T) {
		for what, want := range map[string]string{"gone": "the status 410", "<html>": "This is no calendar feed", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n": "ends too early", "endless": "", "away": "not"} {
			body.Store(what)
			b.Clock.Advance(13 * time.Hour)
			run(open)
			if got := told(); len(days()) != 3 || !strings.HasPrefix(got, "It could not be read: ") || !strings.Contains(got, want) {
				t.Errorf("%q: %v, told %q", what, days(), got)
			}
		}
		says(fair)
		b.Clock.Advance(61 * time.Minute)
		run(open)
		if told() != "" {
			t.Errorf("read again, and it still says %q", told())
		}
	})
	t.Run("a house that asks nobody, and an address inside", func(t *testing.T) {
		n := asked.Load()
		for _, d := range []*dialer.Dialer{{}, {Off: true}} { // the Internet alone; nothing at all
			b.Clock.Advance(13 * time.Hour)
			run(d)
			if got := told(); asked.Load() != n || len(days()) != 3 || !strings.HasPrefix(got, "It could not be read: ") || strings.Contains(got, "127.0.0.1") {
				t.Errorf("asked %d times, %v, told %q", asked.Load()-n, days(), got)
			}
		}
		run(nil)
	})
	t.Run("a feed that is taken off takes its days along", func(t *testing.T) {
		b.mustUpdate(sla.Calendar, calendar, record.Values{"feed": nil})
		if len(days()) != 0 || told() != "" {
			t.Errorf("%v, %q", days(), told())
		}
		invalid(t, b.create(sla.Calendar, 0, record.Values{"name": "x", "feed": "http://calendar.example/x.ics"}), "feed")
		_, err := b.update(sla.Calendar, calendar, record.Values{"feed_days": []map[string]any{{"day": "2026-03-05"}}})
		if len(days()) != 0 {
			t.Errorf("somebody writes the days of a feed: %v, %v", days(), err)
		}
	})
}
