package trail_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// told gives the lines of the feed.
func told(p *webuitest.Page) []string {
	var out []string
	for _, s := range p.Texts(".feed.wide>li>span:nth-child(2)") {
		out = append(out, strings.Join(strings.Fields(s), " "))
	}
	return out
}

func TestTheFeedGroupsAndHides(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, other := h.Org("Northbeam"), h.Org("Kestrel")
	h.See(h.UserID(access.Lite), org)
	editor := h.As(access.Editor)
	for _, n := range []string{"One", "Two", "Three", "Four", "Five"} {
		editor.Post("/documents", url.Values{"organization_id": {org.String()}, "name": {n}}).Want(http.StatusSeeOther)
	}
	editor.Post("/documents", url.Values{"organization_id": {other.String()}, "name": {"Hidden away"}}).Want(http.StatusSeeOther)
	doc := h.One("document", "One")
	for range 2 {
		editor.Post("/comments/"+doc.String(), url.Values{"text": {"Seen"}}).Want(http.StatusSeeOther)
	}
	lite := h.As(access.Lite)
	p := lite.Get("/activity").Want(http.StatusOK)
	want := []string{"Edith Moreau commented on One 2 times in Northbeam", "Edith Moreau created Five, Four, Three and 2 more in Northbeam", "Strongroom created Northbeam"}
	if got := told(p); strings.Join(got[:min(3, len(got))], "\n") != strings.Join(want, "\n") {
		t.Errorf("the feed says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(string(p.Body), "Hidden away") || strings.Contains(string(p.Body), "Kestrel") {
		t.Error("the feed tells of what is hidden")
	}
	for path, want := range map[string]int{
		"/activity?what=said": 1, "/activity?kind=organization": 1, "/activity?who=" + h.UserID(access.Lite).String(): 0,
		"/activity?organization=" + other.String(): 0, "/activity?organization=" + org.String(): 3, "/activity?before=x&what=x": 8, // with the lists of a new tenant
	} {
		if got := told(lite.Get(path).Want(http.StatusOK)); len(got) != want {
			t.Errorf("%s says %q", path, got)
		}
	}
	if got := h.As(access.Lite).Get("/organizations/" + org.String()).Want(http.StatusOK).Text(".rail"); !strings.Contains(got, "created Five and 4 more") {
		t.Errorf("the organization's page says %q", got)
	}
}

func TestLookAtTheFeed(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 120})
	doc := h.Make("document", h.Org("Northbeam"), record.Values{"name": "Runbook"})
	h.As(access.Editor).Post("/comments/"+doc.String(), url.Values{"text": {"Seen"}}).Want(http.StatusSeeOther)
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Editor))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for _, p := range []struct{ name, path string }{{"activity", "/activity"}, {"activity-none", "/activity?what=revealed"}} {
		b.Everywhere(p.name, p.path)
	}
}
