package exports_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/kdbx"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestExportOfPasswords has a manager export passwords on the page, and then be asked for the
// consent of an administrator.
func TestExportOfPasswords(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour")
	h.Make("password", org, record.Values{"name": "Door", "username": "keeper", "password": "kelp-lantern"})
	const at, lock = "/password-exports", "mast-anchor-kelp-7"
	manager, admin := h.As(access.Manager), h.As(access.Administrator)
	h.As(access.Editor).Get(at).Want(http.StatusForbidden)
	h.As(access.Editor).Post(at, url.Values{"format": {"kdbx"}, "password": {lock}, "reason": {"x"}}).Want(http.StatusForbidden)
	if p := manager.Post(at, url.Values{"format": {"kdbx"}, "password": {"short"}}).Want(http.StatusUnprocessableEntity); !p.Has("#e-password") || !p.Has("#e-reason") || strings.Contains(string(p.Body), "short\"") {
		t.Errorf("what is missing is not said: %s", p.Text(".errors"))
	}
	form := url.Values{"organization": {org.String()}, "format": {"kdbx"}, "password": {lock}, "reason": {"They move"}}
	manager.Post(at, form).Want(http.StatusSeeOther)
	file := ""
	for deadline := time.Now().Add(webuitest.Wait); file == "" && time.Now().Before(deadline); {
		if p := manager.Get(at).Want(http.StatusOK); p.Has(`a[href$="/file"]`) {
			file = p.Attr(`a[href$="/file"]`, "href")
		}
	}
	d, err := kdbx.Open([]byte(manager.Get(file).Want(http.StatusOK).Body), kdbx.Key{Passphrase: lock})
	if err != nil || d.Root.Groups[0].Name != "Harbour" || d.Root.Groups[0].Entries[0].Get("Password") != "kelp-lantern" {
		t.Fatalf("the file holds %+v, %v", d, err)
	}
	admin.Get(file).Want(http.StatusNotFound)
	if s := admin.Get("/audit").Text("main"); !strings.Contains(s, "They move") {
		t.Errorf("the reason is not in the trail: %s", s)
	}
	admin.Post(at+"/demand", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
	manager.Post(at, form).Want(http.StatusForbidden)
	if p := manager.Get(at).Want(http.StatusOK); p.Has("#f-format") || !p.Has("#ask") {
		t.Errorf("without a consent the page says %s", p.Text("main"))
	}
	manager.Post(at+"/demand", url.Values{"on": {"0"}}).Want(http.StatusForbidden)
	manager.Post(at+"/ask", url.Values{"reason": {""}}).Want(http.StatusUnprocessableEntity)
	manager.Post(at+"/ask", url.Values{"reason": {"A new product"}}).Want(http.StatusSeeOther)
	p := admin.Get(at).Want(http.StatusOK)
	if !strings.Contains(p.Text("main"), "A new product") {
		t.Errorf("an administrator is asked %s", p.Text("main"))
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("password-exports", at)
	admin.Post(at+"/decide", url.Values{"consent": {p.Attr(`input[name="consent"]`, "value")}, "agree": {"1"}}).Want(http.StatusSeeOther)
	manager.Post(at, form).Want(http.StatusSeeOther)
	if p := admin.Post(at+"/demand", url.Values{"on": {"0"}}).Want(http.StatusForbidden); !strings.Contains(p.Text("main"), "second administrator") {
		t.Errorf("one administrator alone is told %s", p.Text("main"))
	}
}
