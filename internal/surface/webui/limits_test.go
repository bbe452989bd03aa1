package webui_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestLimitsOfReveals: an administrator sets them, who goes beyond is stopped and sees
// until when, and the administrator lets go on.
func TestLimitsOfReveals(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	var pws []id.ID
	for n := range 3 {
		pws = append(pws, h.Make("password", org, record.Values{"name": fmt.Sprintf("Router %d", n), "password": "kelp"}))
	}
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	at := "/settings/reveals"
	editor.Get(at).Want(http.StatusForbidden)
	if !strings.Contains(admin.Get(at).Want(http.StatusOK).Text("main"), "Nobody is stopped") || !admin.Get("/settings").Has(`a[href="`+at+`"]`) {
		t.Error("the page says nothing, or no way leads to it")
	}
	bad := admin.Post(at+"/limits", url.Values{"people": {"2"}, "keys": {"-1"}, "window": {"60"}, "pause": {"0"}}).Want(http.StatusUnprocessableEntity)
	if !bad.Has("#e-keys") || !bad.Has("#e-pause") || bad.Attr("#f-people", "value") != "2" {
		t.Error("what is out of bounds is not told at its field, or what was typed is gone")
	}
	editor.Post(at+"/limits", url.Values{"people": {"0"}, "keys": {"0"}, "window": {"60"}, "pause": {"10"}}).Want(http.StatusForbidden)
	admin.Post(at+"/limits", url.Values{"people": {"2"}, "keys": {"9"}, "window": {"60"}, "pause": {"10"}}).Want(http.StatusSeeOther)
	for n, want := range []int{http.StatusOK, http.StatusOK, http.StatusForbidden} {
		editor.Post("/passwords/"+pws[n].String()+"/reveal", nil).Want(want)
	}
	resume := at + "/resume?user=" + h.UserID(access.Editor).String() + "&key=0"
	page := admin.Get(at).Want(http.StatusOK)
	if !page.Has(`form[action="`+resume+`"]`) || !strings.Contains(page.Text("main"), "2 records") {
		t.Errorf("the page says %q", page.Text("main"))
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("reveals", at)
	b.Everywhere("reveal-limits", at+"/limits")
	editor.Post(resume, nil).Want(http.StatusForbidden)
	admin.Post(resume, nil).Want(http.StatusSeeOther)
	admin.Post(resume, nil).Want(http.StatusNotFound)
	editor.Post("/passwords/"+pws[2].String()+"/reveal", nil).Want(http.StatusOK)
	if trail := admin.Get("/audit").Want(http.StatusOK).Text("main"); !strings.Contains(trail, "opened unusually many secrets") || !strings.Contains(trail, "changed the limits of reveals") {
		t.Errorf("the trail says %q", trail)
	}
}
