package security_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

// TestAddresses: rules in test refuse nobody and say whom they would; rules in force
// refuse at sign-in and at each request of an open session, by the address that a
// trusted proxy names; nobody locks herself out by mistake.
func TestAddresses(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Change: func(s *webui.Server) { s.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} }})
	from := func(c *webuitest.Client, addr, path string) *webuitest.Page {
		return c.Do(http.MethodGet, path, nil, http.Header{"X-Forwarded-For": {addr}})
	}
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	at := "/settings/addresses"
	editor.Get(at).Want(http.StatusForbidden)
	save := func(mode, network, sure string) *webuitest.Page {
		form := url.Values{"mode": {mode}, "rules.0.network": {network}, "rules.0.group_kind": {"0"}, "rules.0.note": {"Office"}, "sure": {sure}}
		return admin.Do(http.MethodPost, at, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "X-Forwarded-For": {"192.0.2.5"}})
	}
	save("on", "192.0.2.0/99", "0").Want(http.StatusUnprocessableEntity)
	save("maybe", "192.0.2.0/24", "0").Want(http.StatusUnprocessableEntity)
	if p := save("on", "198.51.100.0/24", "0").Want(http.StatusConflict); !strings.Contains(p.Text(".errors"), "192.0.2.5") || !strings.Contains(p.Text(".errors"), "tenant addresses -clear "+coretest.Name) || p.Attr(`input[name="rules.0.network"]`, "value") != "198.51.100.0/24" {
		t.Errorf("who would lock herself out is told %q", p.Text(".errors"))
	}

	save("test", "::ffff:192.0.2.0/120", "0").Want(http.StatusSeeOther)
	from(editor, "203.0.113.9", "/account").Want(http.StatusOK)
	if text := from(admin, "192.0.2.5", at).Want(http.StatusOK).Text("main"); !strings.Contains(text, "from 203.0.113.9") {
		t.Errorf("the test found %q", text)
	}

	save("on", "192.0.2.0/24", "0").Want(http.StatusSeeOther)
	from(editor, "192.0.2.77", "/account").Want(http.StatusOK)
	from(editor, "::ffff:192.0.2.77", "/account").Want(http.StatusOK)
	from(editor, "203.0.113.9", "/account").Want(http.StatusForbidden)
	from(editor, "192.0.2.77, 203.0.113.9", "/account").Want(http.StatusForbidden) // what stands to the left is her own claim
	editor.Get("/account").Want(http.StatusForbidden)
	stranger := h.Client()
	form := url.Values{"tenant": {coretest.Name}, "email": {webuitest.Email(access.Editor)}, "password": {webuitest.Password}}
	in := func(addr string) *webuitest.Page {
		return stranger.Do(http.MethodPost, "/sign-in", strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "X-Forwarded-For": {addr}})
	}
	in("203.0.113.9").Want(http.StatusForbidden)
	in("192.0.2.8").Want(http.StatusSeeOther)

	save("on", "198.51.100.0/24", "1").Want(http.StatusSeeOther)
	from(admin, "192.0.2.5", "/").Want(http.StatusForbidden)
}

// TestAddressPage: it is usable everywhere.
func TestAddressPage(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	h.As(access.Administrator).Post("/settings/addresses", url.Values{"mode": {"test"}, "rules.0.network": {"192.0.2.0/24"}, "rules.0.group_kind": {"0"}, "rules.0.note": {"Office"}}).Want(http.StatusSeeOther)
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("addresses", "/settings/addresses")
}
