package rotations_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/rotation/rotationtest"
	"strongroom/internal/surface/webui/webuitest"
)

// until loads a page until it says something.
func until(t *testing.T, c *webuitest.Client, h *webuitest.House, at, what string) string {
	t.Helper()
	said := ""
	for deadline := time.Now().Add(webuitest.Wait); time.Now().Before(deadline); {
		if said = c.Get(at).Want(http.StatusOK).Text("main"); strings.Contains(said, what) {
			return said
		}
		h.Clock.Advance(time.Second)
	}
	t.Fatalf("the page says %s", said)
	return ""
}

func TestAPasswordIsChangedAtItsSystem(t *testing.T) {
	m := rotationtest.Open(t, map[string]string{"deploy": "Kelp-Anchor-9"})
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Northbeam")
	rec := h.Make("password", org, record.Values{"name": "Deploy", "username": "deploy", "password": "Kelp-Anchor-9"})
	at := "/passwords/" + rec.String() + "/change"
	manager, editor := h.As(access.Manager), h.As(access.Editor)
	if p := editor.Get(at).Want(http.StatusOK); p.Has(`main a[href$="/place"]`) || p.Has("main form") {
		t.Error("an editor is offered to say where it is changed, or to change it nowhere")
	}
	editor.Get(at + "/place").Want(http.StatusForbidden)
	h.As(access.ReadOnly).Get(at).Want(http.StatusNotFound)
	where := url.Values{"system": {"ssh"}, "address": {m.Address}, "account": {"deploy"}, "pin": {"SHA256:nonsense"}}
	editor.Post(at+"/place", where).Want(http.StatusForbidden)
	if p := manager.Post(at+"/place", where).Want(http.StatusUnprocessableEntity); !p.Has("#e-pin") {
		t.Error("the wrong fingerprint is not named beside its field")
	}
	where.Set("pin", "SHA256:"+strings.Repeat("A", 43))
	manager.Post(at+"/place", where).Want(http.StatusSeeOther)
	editor.Post(at, url.Values{"do": {"try"}}).Want(http.StatusSeeOther)
	if said := until(t, editor, h, at, "Not changed"); !strings.Contains(said, "Not changed: ") || !strings.Contains(said, m.Pin) {
		t.Errorf("what the machine showed is not told: %s", said)
	}
	where.Set("pin", m.Pin)
	manager.Post(at+"/place", where).Want(http.StatusSeeOther)
	editor.Post(at, url.Values{"do": {"try"}}).Want(http.StatusSeeOther)
	until(t, editor, h, at, "Would go well")
	m.Falls(rotationtest.Away)
	editor.Post(at, url.Values{"do": {"now"}, "reason": {"CHG-7"}}).Want(http.StatusSeeOther)
	until(t, editor, h, at, "Left to you")
	now := m.Password("deploy")
	form := editor.Get(at).Want(http.StatusOK).Attr(`main input[name="change"]`, "value")
	shown := editor.Post(at, url.Values{"do": {"show"}, "change": {form}}).Want(http.StatusOK)
	if shown.Text("output") != now || shown.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("shown is %q with %q", shown.Text("output"), shown.Header.Get("Cache-Control"))
	}

	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("change-left", at)
	b.Everywhere("change-place", at+"/place")
	b.Everywhere("change-system", at+"/place?system=none")

	m.Falls(rotationtest.Nothing)
	editor.Post(at, url.Values{"do": {"new"}, "change": {form}})
	until(t, editor, h, at, "Changed")
	if p := editor.Get("/passwords/" + rec.String()).Want(http.StatusOK); !strings.Contains(p.Text("main"), "deploy at "+m.Address) {
		t.Errorf("the password's page says %s", p.Text("main"))
	}
	if p := h.As(access.Administrator).Get("/audit"); !strings.Contains(p.Text("main"), "changed it at its system") {
		t.Errorf("the audit trail says %s", p.Text("main"))
	}
	b.Everywhere("change-done", at)
}
