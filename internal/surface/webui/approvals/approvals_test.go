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
	out := h.Make("password", h.Org("Northbeam two"), record.Values{"name": "Switch", "password": "kelp-1"})
	admin := h.As(access.Administrator)
	admin.Post("/passwords/"+out.String()+"/approval", url.Values{"do": {"exclusive"}}).Want(http.StatusSeeOther)
	admin.Post("/passwords/"+out.String()+"/approval", url.Values{"do": {"take"}, "use": {"CHG-7"}, "span": {"60"}}).Want(http.StatusSeeOther)
	for _, p := range []struct{ name, path string }{{"checkout", "/passwords/" + out.String() + "/approval"}, {"password-out", "/passwords/" + out.String()}, {"approvals", "/approvals"}, {"approval", one}, {"approval-of", at + "/approval"}, {"approval-of-folder", "/password_folders/" + folder.String() + "/approval"}, {"password-locked", at}, {"access", "/access/" + rec.String()}, {"access-folder", "/access/" + folder.String()}} {
		b.Everywhere(p.name, p.path)
	}
}

// TestCheckoutInPages: who has it is told to the others, and checking it in is one
// button.
func TestCheckoutInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rec := h.Make("password", h.Org("Northbeam"), record.Values{"name": "Firewall", "password": "kelp-99"})
	at := "/passwords/" + rec.String()
	manager, editor, creator := h.As(access.Manager), h.As(access.Editor), h.As(access.Creator)
	manager.Post(at+"/approval", manager.Get(at+"/approval").Want(http.StatusOK).Form("#share")).Want(http.StatusSeeOther)
	editor.Post(at+"/reveal", nil).Want(http.StatusForbidden)
	form := editor.Get(at + "/approval").Want(http.StatusOK).Form("#take")
	if p := editor.Post(at+"/approval", form).Want(http.StatusUnprocessableEntity); !p.Has("#e-use") {
		t.Error("the missing reason is not named beside its field")
	}
	form.Set("use", "CHG-7")
	editor.Post(at+"/approval", form).Want(http.StatusSeeOther)
	if p := editor.Get(at).Want(http.StatusOK); !p.Has("sr-secret") || !strings.Contains(p.Text("#approval"), "Checked out by you until 10:00 UTC") {
		t.Errorf("who has it reads %q", p.Text("#approval"))
	}
	if p := creator.Get(at).Want(http.StatusOK); p.Has("sr-secret") || !strings.Contains(p.Text("#approval"), "Edith Moreau has it checked out until 10:00 UTC") {
		t.Errorf("another reads %q", p.Text("#approval"))
	}
	if p := creator.Get("/approvals").Want(http.StatusOK); !strings.Contains(p.Text("main"), "CHG-7") {
		t.Errorf("the list says %q", p.Text("main"))
	}
	creator.Post(at+"/approval", url.Values{"do": {"return"}}).Want(http.StatusForbidden)
	editor.Post(at+"/approval", url.Values{"do": {"return"}}).Want(http.StatusSeeOther)
	editor.Post(at+"/reveal", nil).Want(http.StatusForbidden)
	if p := creator.Get(at + "/approval").Want(http.StatusOK); !p.Has("#take") {
		t.Error("once checked in it cannot be taken")
	}
	ask := manager.Get(at + "/approval").Want(http.StatusOK).Form("#share")
	if p := manager.Post(at+"/approval", ask).Want(http.StatusUnprocessableEntity); !p.Has("#e-cause") {
		t.Error("the missing reason is not named beside its field")
	}
	ask.Set("cause", "CHG-8")
	manager.Post(at+"/approval", ask).Want(http.StatusSeeOther)
	editor.Post(at+"/reveal", nil).Want(http.StatusForbidden)
	admin := h.As(access.Administrator)
	one := admin.Get("/approvals").Want(http.StatusOK).Attr(`a[href^="/approvals/"]`, "href")
	admin.Post(one+"/decide", url.Values{"yes": {"1"}, "minutes": {"60"}}).Want(http.StatusSeeOther)
	editor.Post(at+"/reveal", nil).Want(http.StatusOK)
}
