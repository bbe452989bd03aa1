package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

// TestDormant: who has not signed in for long is listed, who has, or is archived, is
// not; it is for administrators.
func TestDormant(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	gone := h.NewUser("gone@demo.example", "Gerda Gone", access.Editor)
	h.NewUser("never@demo.example", "Nils Never", access.Editor)
	h.SignIn("gone@demo.example")
	h.Clock.Advance(100 * 24 * time.Hour)
	h.NewUser("new@demo.example", "Nora New", access.Editor)
	admin := h.As(access.Administrator)
	main := func(q string) string { return admin.Get("/settings/dormant" + q).Want(http.StatusOK).Text("main") }
	text := main("")
	for _, want := range []string{"Gerda Gone", "Nils Never", "never signed in"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page: %s", want, text)
		}
	}
	for _, not := range []string{"Nora New", "Administrator ·"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is on the page: %s", not, text)
		}
	}
	if strings.Contains(main("?days=180"), "Gerda") {
		t.Error("who signed in 100 days ago is listed among those of 180")
	}
	admin.Post("/users/"+gone.String()+"/archive", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
	main("") // says that it was done
	if text := main(""); strings.Contains(text, "Gerda") {
		t.Error("who is archived is listed: ", text)
	}
	h.As(access.Manager).Get("/settings/dormant").Want(http.StatusForbidden)

	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("input[name=email]", webuitest.Email(access.Administrator))
	b.Type("input[name=password]", webuitest.Password)
	b.Click("form.entrance button")
	b.Wait(`location.pathname === "/"`)
	b.Everywhere("dormant", "/settings/dormant")
}
