package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

// TestFirstFactorAsksForThePassword: whoever finds a session open cannot set up a
// factor of his own, the first one either.
func TestFirstFactorAsksForThePassword(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	ada := h.As(access.Editor)
	offered := ada.Get("/me/security/app").Want(http.StatusOK)
	p := &phone{h: h, seed: strings.ReplaceAll(offered.Text("dl.cred output"), " ", "")}
	form := offered.Form("form.genform")
	h.Clock.Advance(16 * time.Minute)
	form.Set("code", p.code(t, 0))
	ada.Post("/me/security/app", form).Want(http.StatusForbidden)
	if main := ada.Get("/me/security").Want(http.StatusOK).Text("main"); !strings.Contains(main, "You have no second factor") {
		t.Fatalf("one is set up: %s", main)
	}

	to := ada.Get("/me/security/app").Want(http.StatusSeeOther).To()
	if to != "/me/security/confirm?to="+url.QueryEscape("/me/security/app") {
		t.Fatalf("led to %s", to)
	}
	ask := ada.Get(to).Want(http.StatusOK).Form("form.genform")
	ask.Set("password", "not the password")
	if again := ada.Post("/me/security/confirm", ask).Want(http.StatusUnprocessableEntity); !again.Has("#e-password") {
		t.Errorf("a wrong password is not told at its field: %s", again.Text("main"))
	}
	ada.Get("/me/security/app").Want(http.StatusSeeOther)
	before := ada.Cookies()
	ask.Set("password", webuitest.Password)
	if to := ada.Post("/me/security/confirm", ask).Want(http.StatusSeeOther).To(); to != "/me/security/app" {
		t.Errorf("led to %s", to)
	}
	for _, k := range before {
		for _, now := range ada.Cookies() {
			if k.Name == "session" && now.Name == "session" && k.Value == now.Value {
				t.Error("the session goes on under its old name")
			}
		}
	}
	enrol(t, h, ada)

	h.Clock.Advance(16 * time.Minute) // with a factor the password is not enough
	ask = ada.Get("/me/security/confirm").Want(http.StatusOK).Form("form.genform")
	if _, ok := ask["password"]; ok {
		t.Error("who has a factor is asked for the password")
	}
	ask.Set("password", webuitest.Password)
	ada.Post("/me/security/confirm", ask).Want(http.StatusForbidden)
	ada.Post("/me/security/codes", nil).Want(http.StatusForbidden)
}
