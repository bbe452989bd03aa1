package approvals_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// locked makes a password in a folder that demands approval.
func locked(h *webuitest.House) (rec, folder id.ID) {
	org := h.Org("Northbeam")
	folder = h.Make("password_folder", org, record.Values{"name": "Core"})
	rec = h.Make("password", org, record.Values{"name": "Firewall", "password": "kelp-99", "password_folder_id": folder})
	h.As(access.Manager).Post("/password_folders/"+folder.String()+"/approval", url.Values{"do": {"demand"}, "needed": {"1"}}).Want(http.StatusSeeOther)
	return rec, folder
}

// TestApprovalInPages goes the whole way without script.
func TestApprovalInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rec, folder := locked(h)
	at := "/passwords/" + rec.String()
	editor, manager := h.As(access.Editor), h.As(access.Manager)
	page := editor.Get(at).Want(http.StatusOK)
	if page.Has("sr-secret") || !page.Has(`#approval a[href="`+at+`/approval"]`) {
		t.Fatalf("the page offers %s", page.Text("#approval"))
	}
	editor.Post(at+"/reveal", nil).Want(http.StatusForbidden)
	if p := manager.Get(at + "/versions/1").Want(http.StatusOK); p.Has("sr-secret") {
		t.Error("an earlier version can be revealed")
	}
	form := editor.Get(at + "/approval").Want(http.StatusOK).Form("#ask")
	if p := editor.Post(at+"/approval", form).Want(http.StatusUnprocessableEntity); !p.Has("#e-reason") {
		t.Error("the missing reason is not named beside its field")
	}
	form.Set("reason", "CHG-1179")
	editor.Post(at+"/approval", form).Want(http.StatusSeeOther)
	if p := editor.Get(at + "/approval").Want(http.StatusOK); p.Has("#ask") || p.Has("#demand") || !strings.Contains(p.Text("main"), "Waits, 0 of 1") {
		t.Errorf("once asked it says %q", p.Text("main"))
	}
	if p := editor.Get("/approvals").Want(http.StatusOK); !strings.Contains(p.Text("main"), "CHG-1179") || strings.Contains(p.Text("main"), "To decide") {
		t.Errorf("who asked has %q", p.Text("main"))
	}
	one := manager.Get("/approvals").Want(http.StatusOK).Attr(`a[href^="/approvals/"]`, "href")
	if p := editor.Get(one).Want(http.StatusOK); p.Has("#form") {
		t.Error("who asked may decide")
	}
	decision := manager.Get(one).Want(http.StatusOK).Form("#form")
	decision.Set("yes", "0")
	if p := manager.Post(one+"/decide", decision).Want(http.StatusUnprocessableEntity); !p.Has("#e-words") {
		t.Error("a refusal without a sentence is taken")
	}
	decision.Set("yes", "1")
	decision.Set("minutes", "30")
	manager.Post(one+"/decide", decision).Want(http.StatusSeeOther)
	if p := editor.Get(at).Want(http.StatusOK); !p.Has("sr-secret") || !strings.Contains(p.Text("#approval"), "until 09:30 UTC") {
		t.Errorf("once approved the page says %q", p.Text("#approval"))
	}
	var got struct{ Secret string }
	editor.PostJSON(at+"/reveal", url.Values{"why": {"copy"}}, &got)
	if trail := editor.Get(at).Text(".rail .feed"); got.Secret != "kelp-99" || !strings.Contains(trail, "copied the password, version 1, without showing it, by approval "+strings.TrimPrefix(one, "/approvals/")) {
		t.Errorf("it reveals %q, and the trail says %q", got.Secret, trail)
	}
	manager.Post(one+"/end", nil).Want(http.StatusSeeOther)
	editor.Post(at+"/reveal", nil).Want(http.StatusForbidden)
	if p := manager.Get("/password_folders/" + folder.String() + "/approval").Want(http.StatusOK); !p.Has("#lift") || p.Has("#ask") {
		t.Errorf("of the folder it says %q", p.Text("main"))
	}
}

// TestWhoSeesApprovals: who may not see the password, or neither asked nor decides,
// finds nothing.
func TestWhoSeesApprovals(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rec, _ := locked(h)
	at := "/passwords/" + rec.String()
	h.As(access.Editor).Post(at+"/approval", url.Values{"do": {"ask"}, "reason": {"CHG-1"}, "minutes": {"60"}}).Want(http.StatusSeeOther)
	one := h.As(access.Manager).Get("/approvals").Want(http.StatusOK).Attr(`a[href^="/approvals/"]`, "href")
	h.As(access.Creator).Get(one).Want(http.StatusNotFound)
	h.As(access.Creator).Post(one+"/decide", url.Values{"yes": {"1"}, "minutes": {"60"}}).Want(http.StatusNotFound)
	h.As(access.Creator).Post(at+"/approval", url.Values{"do": {"demand"}, "needed": {"2"}}).Want(http.StatusForbidden)
	stranger := h.As(access.ReadOnly)
	stranger.Get(one).Want(http.StatusNotFound)
	stranger.Get(at + "/approval").Want(http.StatusNotFound)
	stranger.Post(at+"/approval", url.Values{"do": {"ask"}, "reason": {"x"}, "minutes": {"60"}}).Want(http.StatusNotFound)
	h.As(access.Manager).Post("/approvals/settings", url.Values{"needed": {"1"}, "own": {"1"}}).Want(http.StatusForbidden)
	admin := h.As(access.Administrator)
	admin.Post("/approvals/settings", url.Values{"needed": {"9"}}).Want(http.StatusUnprocessableEntity)
	admin.Post("/approvals/settings", url.Values{"needed": {"1"}, "own": {"1"}}).Want(http.StatusSeeOther)
	admin.Post(at+"/approval", url.Values{"do": {"ask"}, "reason": {"Outage"}, "minutes": {"60"}}).Want(http.StatusSeeOther)
	for _, href := range []string{one, strings.TrimSpace(mine(admin))} {
		admin.Post(href+"/decide", url.Values{"yes": {"1"}, "minutes": {"15"}}).Want(http.StatusSeeOther)
	}
	admin.Post(at+"/reveal", nil).Want(http.StatusOK)
}

// mine is the address of what somebody asked for last.
func mine(c *webuitest.Client) string {
	return c.Get("/approvals").Want(http.StatusOK).Attr(`section:last-of-type a[href^="/approvals/"]`, "href")
}

// TestApprovalPages looks at the pages in every theme and width.
func TestApprovalPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rec, folder := locked(h)
	at := "/passwords/" + rec.String()
	h.As(access.Editor).Post(at+"/approval", url.Values{"do": {"ask"}, "reason": {"CHG-1"}, "minutes": {"60"}}).Want(http.StatusSeeOther)
	one := h.As(access.Manager).Get("/approvals").Want(http.StatusOK).Attr(`a[href^="/approvals/"]`, "href")
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for _, p := range []struct{ name, path string }{{"approvals", "/approvals"}, {"approval", one}, {"approval-of", at + "/approval"}, {"approval-of-folder", "/password_folders/" + folder.String() + "/approval"}, {"password-locked", at}} {
		b.Everywhere(p.name, p.path)
	}
}
