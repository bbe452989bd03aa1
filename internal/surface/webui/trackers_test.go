package webui_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

// tracked opens a house in which the registration of a domain expires on the day that
// expires gives.
func tracked(t *testing.T, expires func() string) (*webuitest.House, id.ID) {
	t.Helper()
	h := webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) {
		s.Trackers = &tracker.Checker{Gate: s.Gate, Records: s.Records.Inside(), Log: slog.New(slog.DiscardHandler), Trackers: []seen.Tracker{{Name: "rdap", Title: "Registration", Icon: "world-www",
			Kinds: []string{"domain"}, Every: time.Hour, Fetch: func(context.Context, seen.Target) (*seen.Report, error) {
				r := &seen.Report{Summary: "Registered with <b>Namehold</b>"}
				r.Add("Registrar", "<b>Namehold</b>")
				r.Add("Expires on", expires())
				r.AddSorted("Name servers", "ns1.example.net", "ns2."+expires()+".example")
				r.Set("expires_on", expires())
				r.Say(seen.Warn, "The domain is watched.", "Look at it.")
				r.Say(seen.Bad, "The domain is held.", "Ask the registrar.")
				return r, nil
			}}}}
		s.Trackers.Jobs = &job.Runner{House: s.House, Gate: s.Gate, Now: s.Now, Log: s.Log, Handlers: map[string]job.Handler{tracker.JobKind: s.Trackers.Handler()}}
	}})
	return h, h.Make("domain", h.Org("Harbour"), record.Values{"name": "harbour.example"})
}

func TestTrackers(t *testing.T) {
	day := "2027-03-02"
	h, rid := tracked(t, func() string { return day })
	c := h.As(access.Editor)
	at := "/trackers/" + rid.String()
	if got := c.Get("/trackers").Texts(".none b"); len(got) != 1 || got[0] != "Nothing is followed yet." {
		t.Errorf("without anything followed: %q", got)
	}
	if got := c.Get("/domains/" + rid.String()).Texts(`.rail a[href="` + at + `#rdap"]`); len(got) != 1 {
		t.Error("the domain's page does not say how its trackers stand")
	}
	if got := c.Get(at).Texts(".tracked .pill"); len(got) != 1 || got[0] != "Waiting" {
		t.Errorf("before the first check: %q", got)
	}
	c.Post(at+"/check", nil).Want(http.StatusSeeOther)
	page := c.Get(at)
	if got := strings.Join(page.Texts(".findings b"), " "); got != "The domain is held. The domain is watched." {
		t.Errorf("findings: %q", got)
	}
	if got := strings.Join(page.Texts(".facts dd span"), " "); got != "<b>Namehold</b> 2027-03-02 ns1.example.net ns2.2027-03-02.example" {
		t.Errorf("facts: %q", got)
	}
	if page.Has(".tracked .diff") {
		t.Error("the first version has changes")
	}
	if got := h.Load("domain", rid).Values.Text("expires_on"); got != day {
		t.Errorf("the domain expires on %q", got)
	}
	if got := strings.Join(c.Get("/trackers?show=problems").Texts("tbody td:first-child, tbody .pill"), " "); got != "harbour.example Problem" {
		t.Errorf("the list: %q", got)
	}
	if got := c.Get("/trackers?show=problems&q=quay").Texts("tbody tr"); len(got) != 0 {
		t.Errorf("the list of another name: %q", got)
	}

	day = "2028-03-02"
	h.Clock.Advance(time.Hour)
	c.Post("/domains/"+rid.String(), url.Values{"name": {"harbour.example"}, "organization_id": {h.Load("domain", rid).Org.String()}, "expires_on": {"2030-01-01"}}).Want(http.StatusSeeOther)
	c.Post(at+"/check", nil).Want(http.StatusSeeOther)
	page = c.Get(at)
	if got := strings.Join(page.Texts(".diff del, .diff ins"), " | "); got != "Expires on: 2027-03-02 | Expires on: 2028-03-02 | ns2.2027-03-02.example | ns2.2028-03-02.example" {
		t.Errorf("what changed: %q", got)
	}
	if got := strings.Join(page.Texts(".tracked .notice span"), " "); !strings.Contains(got, "Expires on holds 2030-01-01, which somebody entered. Found was 2028-03-02.") {
		t.Errorf("of what was entered: %q", got)
	}
	c.Post(at+"/take", url.Values{"field": {"expires_on"}}).Want(http.StatusSeeOther)
	if got := h.Load("domain", rid).Values.Text("expires_on"); got != day || c.Get(at).Has(".tracked .notice") {
		t.Errorf("taken over: %q", got)
	}
	c.Post(at+"/pause", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
	if !c.Get(at).Has(".page>.notice") || c.Get("/trackers").Texts("tbody .pill")[0] != "Stopped" {
		t.Error("it does not say that it is stopped")
	}
	c.Post(at+"/pause", url.Values{"on": {"0"}}).Want(http.StatusSeeOther)
}

func TestTrackersOfWhatIsHidden(t *testing.T) {
	h, rid := tracked(t, func() string { return "2027-03-02" })
	admin, at := h.As(access.Administrator), "/trackers/"+rid.String()
	admin.Post(at+"/check", nil).Want(http.StatusSeeOther)
	lite := h.As(access.ReadOnly) // sees no organization
	lite.Get(at).Want(http.StatusNotFound)
	lite.Post(at+"/check", nil).Want(http.StatusNotFound)
	if got := lite.Get("/trackers").Texts("tbody tr"); len(got) != 0 {
		t.Errorf("the list shows %q", got)
	}
	h.Clock.Advance(time.Minute)
	org := h.Load("domain", rid).Org
	place := h.Make("location", org, record.Values{"name": "Quay"})
	admin.Get("/trackers/" + place.String()).Want(http.StatusNotFound)
	admin.Get("/trackers?organization_id=" + org.String()).Want(http.StatusOK)
	admin.Get("/trackers?organization_id=" + rid.String() + "1").Want(http.StatusNotFound)
}

func TestTrackersInABrowser(t *testing.T) {
	day := "2027-03-02"
	h, rid := tracked(t, func() string { return day })
	admin := h.As(access.Administrator)
	admin.Post("/trackers/"+rid.String()+"/check", nil)
	day = "2028-03-02"
	h.Clock.Advance(time.Hour)
	admin.Post("/trackers/"+rid.String()+"/check", nil)
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	for name, path := range map[string]string{"trackers": "/trackers", "trackers-domain": "/trackers/" + rid.String()} {
		b.Everywhere(name, path)
	}
}

func TestMailsPage(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) { s.Outbox = &outbox.Outbox{Gate: s.Gate} }})
	admin := h.As(access.Administrator)
	page := admin.Get("/settings/mail").Want(http.StatusOK)
	if !page.Has(".page>.notice") || !page.Has(".none") {
		t.Error("it does not say that no mail is sent")
	}
	if !admin.Get("/settings").Has(`a[href="/settings/mail"]`) {
		t.Error("nothing leads to it")
	}
	admin.Post("/settings/mail", nil).Want(http.StatusConflict)
	h.As(access.Editor).Get("/settings/mail").Want(http.StatusForbidden)
	h.As(access.Editor).Post("/settings/mail", nil).Want(http.StatusForbidden)
}
