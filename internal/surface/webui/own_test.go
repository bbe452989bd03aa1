package webui_test

import (
	"net/http"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/surface/webui/webuitest"
)

// TestSignInsAreForAdministrators: from where somebody signs in is on no page
// for others.
func TestSignInsAreForAdministrators(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin, manager := h.As(access.Administrator), h.As(access.Manager)
	h.As(access.Editor)
	of := "/users/" + h.UserID(access.Editor).String()
	const label, addr = "Current sign in address", "127.0.0.1"
	if body := admin.Get(of).Want(http.StatusOK).Text("main"); !strings.Contains(body, label) || !strings.Contains(body, addr) {
		t.Errorf("an administrator does not see from where: %s", body)
	}
	for _, path := range []string{of, "/users", of + "/history", "/groups", "/search?q=Edith"} {
		if body := manager.Get(path).Text("body"); strings.Contains(body, addr) {
			t.Errorf("a manager reads on %s from where others sign in: %s", path, body)
		}
	}
}
