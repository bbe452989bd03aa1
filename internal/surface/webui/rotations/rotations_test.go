package rotations_test

import (
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

func TestOverdueInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	rec := h.Make("password", org, record.Values{"name": "Firewall", "password": "kelp-99", "password_updated_at": h.Clock.Now().Add(-40 * 24 * time.Hour).UnixMilli(),
		"password_category_id": h.Any("password_category")})
	at := "/passwords/" + rec.String()
	category := "/password_categories/" + h.Any("password_category").String() + "/rotation"
	manager, editor := h.As(access.Manager), h.As(access.Editor)
	form := manager.Get(category).Want(http.StatusOK).Form("#form")
	form.Set("days", "9999")
	if p := manager.Post(category, form).Want(http.StatusUnprocessableEntity); !p.Has("#e-days") {
		t.Error("the wrong number is not named beside its field")
	}
	form.Set("days", "30")
	manager.Post(category, form).Want(http.StatusSeeOther)
	if p := editor.Get(at + "/rotation").Want(http.StatusOK); p.Has("#form") || !strings.Contains(p.Text("main"), "every 30 days. This comes from password category Active Directory") {
		t.Errorf("the editor reads %q", p.Text("main"))
	}
	editor.Post(at+"/rotation", url.Values{"days": {"1"}}).Want(http.StatusForbidden)
	if p := editor.Get("/passwords/overdue?organization_id=" + org.String()).Want(http.StatusOK); !strings.Contains(p.Text("tbody"), "Active Directory: at most 30 days") || !strings.Contains(p.Text("tbody"), "10 days") {
		t.Errorf("the board says %q", p.Text("tbody"))
	}
	if p := h.As(access.ReadOnly).Get("/passwords/overdue").Want(http.StatusOK); p.Has("tbody tr") {
		t.Errorf("who sees nothing reads %q", p.Text("tbody"))
	}
	h.As(access.ReadOnly).Get(at + "/rotation").Want(http.StatusNotFound)
	if csv := manager.Get("/passwords/overdue/export").Want(http.StatusOK).Body; !strings.Contains(csv, "Firewall,Northbeam,Active Directory: at most 30 days,2026-01-21,10") {
		t.Errorf("the CSV is %q", csv)
	}
	editor.Get("/passwords/overdue/export").Want(http.StatusForbidden)
	if p := manager.Post(at+"/rotation", url.Values{"days": {"0"}}).Want(http.StatusUnprocessableEntity); !p.Has("#e-reason") {
		t.Error("the missing reason is not named beside its field")
	}
	manager.Post(at+"/rotation", url.Values{"days": {"0"}, "reason": {"CHG-3"}}).Want(http.StatusSeeOther)
	page := manager.Get(at + "/rotation").Want(http.StatusOK)
	if !strings.Contains(page.Text("main"), "As old as it likes · CHG-3") || !strings.Contains(page.Text("main"), "every 30 days") {
		t.Errorf("once asked the page says %q", page.Text("main"))
	}
	one := page.Attr(`main a[href^="/approvals/"]`, "href")
	h.As(access.Administrator).Post(one+"/decide", url.Values{"yes": {"1"}, "minutes": {"60"}}).Want(http.StatusSeeOther)
	if p := manager.Get("/passwords/overdue").Want(http.StatusOK); p.Has("tbody tr") {
		t.Errorf("an exempt password is on the board: %q", p.Text("tbody"))
	}
	manager.Post(at+"/rotation", url.Values{"do": {"remove"}}).Want(http.StatusSeeOther)
	if p := manager.Get("/passwords/overdue?q=firewall").Want(http.StatusOK); p.Count("tbody tr") != 1 {
		t.Errorf("the board says %q", p.Text("tbody"))
	}

	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for _, p := range []struct{ name, path string }{{"overdue", "/passwords/overdue"}, {"rotation", at + "/rotation"}, {"rotation-category", category}} {
		b.Everywhere(p.name, p.path)
	}
}
