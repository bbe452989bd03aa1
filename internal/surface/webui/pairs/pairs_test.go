package pairs_test

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

func TestRotatingAndRetiring(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	h.Make("password", h.Org("Harbour"), record.Values{"name": "Door", "password": "kelp-lantern"})
	c := h.As(access.Administrator)
	h.As(access.Manager).Get("/settings/pairs").Want(http.StatusForbidden)
	h.As(access.Manager).Post("/settings/pairs/rotate", url.Values{"suite": {"hybrid"}}).Want(http.StatusForbidden)
	if p := c.Get("/settings/pairs").Want(http.StatusOK); !strings.Contains(p.Text("main"), "one version of a secret") || p.Has(`form[action$="/retire"]`) {
		t.Errorf("the page says %s", p.Text("main"))
	}
	if p := c.Post("/settings/pairs/rotate", url.Values{"suite": {"rot13"}}).Want(http.StatusUnprocessableEntity); p.Text(".errors") == "" {
		t.Error("a suite that is none is not refused in words")
	}
	c.Post("/settings/pairs/retire", nil).Want(http.StatusConflict)
	c.Post("/settings/pairs/rotate", url.Values{"suite": {"rsa-oaep-2048"}}).Want(http.StatusSeeOther)
	said := ""
	for deadline := time.Now().Add(webuitest.Wait); !strings.Contains(said, "The last rotation ended") && time.Now().Before(deadline); {
		said = c.Get("/settings/pairs").Want(http.StatusOK).Text("main")
	}
	if !strings.Contains(said, "No. 2, RSA-OAEP-2048") || !strings.Contains(said, "0 versions") {
		t.Fatalf("the page says %s", said)
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("pairs", "/settings/pairs")
	c.Post("/settings/pairs/retire", nil).Want(http.StatusSeeOther)
	if said = c.Get("/settings/pairs").Text("main"); !strings.Contains(said, "Its private key was destroyed") {
		t.Errorf("the page says %s", said)
	}
}
