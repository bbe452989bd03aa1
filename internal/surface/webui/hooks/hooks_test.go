package hooks_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"crypto/tls"
	"crypto/x509"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/dialer"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/feature/webhook"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestWebhookPages: an address is named, has its secret shown once, is tried, and what came of
// that is seen by administrators alone.
func TestWebhookPages(t *testing.T) {
	to := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"received":true}`)) }))
	t.Cleanup(to.Close)
	roots := x509.NewCertPool()
	roots.AddCert(to.Certificate())
	hooks := &webhook.Hooks{HTTP: (&dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).Client(dialer.Limits{Time: 5 * time.Second, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})}
	h := webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) {
		hooks.Gate, hooks.Records, hooks.Secrets, s.Hooks = s.Gate, s.Records, s.Secrets, hooks
	}})
	hooks.Now = h.Clock.Now
	c := h.As(access.Administrator)
	form := url.Values{"name": {"Monitoring"}, "url": {"http://example.com/x"}, "active": {"1"}, "of_kind": {"incident"}, "on_created": {"1"}}
	if p := c.Post("/webhooks", form).Want(http.StatusUnprocessableEntity); !p.Has("#e-url") || p.Attr(`[name="url"]`, "value") != "http://example.com/x" {
		t.Errorf("an address without encryption: %s", p.Text("main"))
	}
	form.Set("url", to.URL)
	at := c.Post("/webhooks", form).Want(http.StatusSeeOther).To()
	if p := c.Get(at).Want(http.StatusOK); !strings.Contains(p.Text("main"), "it has no secret yet") {
		t.Errorf("the page: %s", p.Text("main"))
	}
	p := c.Post(at+"/secret", nil).Want(http.StatusOK)
	if got := p.Text("code.wrap"); !strings.HasPrefix(got, "whsec_") || strings.Contains(c.Get(at).Text("main"), "whsec_") {
		t.Errorf("the secret %.6s is not shown once", got)
	}
	c.Post(at+"/test", nil).Want(http.StatusSeeOther)
	if err := hooks.Drain(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	p = c.Get(at).Want(http.StatusOK)
	message := p.Attr(`a[href*="?message="]`, "href")
	if p = c.Get(message).Want(http.StatusOK); !strings.Contains(p.Text("main"), "200 OK") || !strings.Contains(p.Text("main"), `{"received":true}`) {
		t.Errorf("the message: %s", p.Text("main"))
	}
	again := p.Form(`form[action$="/replay"]`)
	manager := h.As(access.Manager)
	for _, path := range []string{at, message} {
		manager.Get(path).Want(http.StatusForbidden)
	}
	for _, path := range []string{"/secret", "/test", "/replay"} {
		manager.Post(at+path, again).Want(http.StatusForbidden)
	}
	c.Post(at+"/replay", again).Want(http.StatusSeeOther)
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("webhook", message)
	b.Everywhere("webhook-form", at+"/edit")
}
