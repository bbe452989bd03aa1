package health_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// reasons gives what a report says, with the points that each takes.
func reasons(p *webuitest.Page) string {
	var out []string
	pills := p.Texts(".board li .pill")
	for i, s := range p.Texts(".board li .t") {
		out = append(out, s+" "+pills[i])
	}
	return strings.Join(out, "\n")
}

// TestTheScoreSaysWhy: 100 points are shared by what is expected (10 each), what
// is fresh (6 each), passwords, what ran out and reviews (10 each).
func TestTheScoreSaysWhy(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, good := h.Org("Northbeam"), h.Org("Kestrel")
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	score := func(of string) string {
		return editor.Get("/health/"+of).Want(http.StatusOK).Attr(".bigmeter progress", "value")
	}
	if s := score(org.String()); s != "100" {
		t.Errorf("without expectations the score is %s", s)
	}
	if p := admin.Get("/health").Want(http.StatusOK); !strings.Contains(p.Text(".notice.boxed"), "Nothing is expected yet") {
		t.Errorf("the board says %q", p.Text("main"))
	}
	form := admin.Get("/settings/health").Want(http.StatusOK).Form("form.card")
	form.Set("expected.document", "1")
	form.Set("expected.contact", "1")
	form.Set("days.document", "90")
	form.Set("days.rotation", "180")
	admin.Post("/settings/health", form).Want(http.StatusSeeOther)
	h.Make("document", good, record.Values{"name": "Runbook"})
	h.Make("contact", good, record.Values{"first_name": "Jo"})
	h.Make("password", good, record.Values{"name": "Door", "password": "correct-horse-battery"})
	if s := score(good.String()); s != "100" {
		t.Errorf("with everything the score is %s", s)
	}
	if got, want := reasons(editor.Get("/health/"+org.String()).Want(http.StatusOK)), "No documents −25\nNo contacts −25"; got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	h.Make("domain", good, record.Values{"name": "old.example", "expires_on": "2026-03-01"})
	h.Clock.Advance(100 * 24 * time.Hour)
	editor = h.As(access.Editor)
	h.Make("document", good, record.Values{"name": "Newer"})
	if got, want := reasons(editor.Get("/health/"+good.String()).Want(http.StatusOK)), "1 of 2 documents not changed for 90 days −5\n1 date has run out −4"; got != want {
		t.Errorf("later it says\n%s\nwant\n%s", got, want)
	}
	h.Clock.Advance(100 * 24 * time.Hour)
	admin, editor = h.As(access.Administrator), h.As(access.Editor)
	p := editor.Get("/health/" + good.String()).Want(http.StatusOK)
	if got := reasons(p); !strings.Contains(got, "1 of 1 passwords not changed for 180 days") || !strings.Contains(got, "2 of 2 documents not changed for 90 days") {
		t.Errorf("much later it says\n%s", got)
	}
	for _, href := range links(p) {
		editor.Get(href).Want(http.StatusOK)
	}
	board := editor.Get("/health").Want(http.StatusOK)
	if got := strings.Join(board.Texts(".board li .t b"), " "); got != "Northbeam Kestrel" {
		t.Errorf("the board lists %q", got)
	}
	exception := admin.Get("/settings/health/" + org.String()).Want(http.StatusOK).Form("form.card")
	exception.Set("expected.document", "0")
	exception.Set("expected.contact", "0")
	admin.Post("/settings/health/"+org.String(), exception).Want(http.StatusSeeOther)
	if s := score(org.String()); s != "100" {
		t.Errorf("with exceptions the score is %s", s)
	}
	if p := editor.Get("/organizations/" + good.String()).Want(http.StatusOK); !strings.Contains(p.Text(".rail"), "passwords not changed for 180 days") {
		t.Errorf("the organization's page says %q", p.Text(".rail"))
	}
}

// links are where the findings of a report lead.
func links(p *webuitest.Page) []string {
	var out []string
	for i := range p.Count(".board li") {
		out = append(out, p.Attr(fmt.Sprintf(".board li:nth-child(%d) a", i+1), "href"))
	}
	return out
}

func TestWhoChoosesAndWhoSees(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Northbeam"), h.Org("Kestrel")
	h.See(h.UserID(access.Lite), org)
	lite := h.As(access.Lite)
	for _, path := range []string{"/settings/health", "/settings/health/" + org.String()} {
		lite.Get(path).Want(http.StatusForbidden)
		lite.Post(path, url.Values{"expected.document": {"1"}}).Want(http.StatusForbidden)
	}
	lite.Get("/health/" + other.String()).Want(http.StatusNotFound)
	if p := lite.Get("/health").Want(http.StatusOK); p.Text(".board li .t b") != "Northbeam" || p.Count(".board li") != 1 {
		t.Errorf("the board shows %q", p.Text(".board"))
	}
	h.As(access.Administrator).Post("/settings/health", url.Values{"days.document": {"7"}}).Want(http.StatusUnprocessableEntity)
}

// TestHealthTakesFewStatements: as many for three hundred organizations as for
// one.
func TestHealthTakesFewStatements(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	h.Org("First")
	c := h.As(access.Administrator)
	c.Post("/settings/health", url.Values{"expected.document": {"1"}, "days.document": {"90"}, "days.rotation": {"90"}}).Want(http.StatusSeeOther)
	c.Get("/health")
	few := h.Statements(func() { c.Get("/health").Want(http.StatusOK) })
	for i := range 120 {
		h.Org(fmt.Sprintf("Client %d", i))
	}
	many := h.Statements(func() { c.Get("/health").Want(http.StatusOK) })
	if many != few || few > 16 {
		t.Errorf("the board runs %d statements for one organization, and %d for many", few, many)
	}
}

func TestLookAtHealth(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 240})
	admin := h.As(access.Administrator)
	form := admin.Get("/settings/health").Want(http.StatusOK).Form("form.card")
	for _, k := range []string{"configuration", "password", "document", "contact", "location", "domain", "certificate", "checklist"} {
		form.Set("expected."+k, "1")
	}
	admin.Post("/settings/health", form).Want(http.StatusSeeOther)
	org := h.Org("A rather long name of an organization that documents next to nothing of what it has, Limited")
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for _, p := range []struct{ name, path string }{{"health", "/health"}, {"health-report", "/health/" + org.String()}, {"health-rules", "/settings/health"},
		{"health-exceptions", "/settings/health/" + org.String()}, {"health-org", "/organizations/" + org.String()}} {
		b.Everywhere(p.name, p.path)
	}
}
