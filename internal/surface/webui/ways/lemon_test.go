package ways_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/feature/identity/providertest"
	"strongroom/internal/surface/webui/webuitest"
)

// lemon sets up LemonLDAP::NG as provider of SAML and of OpenID 2.0.
func (h *hand) lemon(t *testing.T) {
	l := providertest.StartLemon(t, func(portal string) map[string]providertest.LemonSP {
		h.begin(t, "saml")
		h.enter("name", "Lemon", "metadata_url", portal+"/saml/metadata/idp")
		h.b.Click("#f-create")
		at := h.save("lemon-saml")
		h.says(t, "lemon-unreachable", "could not be read: nothing listens there")
		return map[string]providertest.LemonSP{"by-hand": {Document: h.metadata(t, at), Encrypt: "none"}}
	})
	h.says(t, "lemon-saml", "The metadata is of the provider")
	h.late(t, "Lemon", signInAtLemon("dwho"))
	h.try(t, "lemon-saml", "Lemon", "dwho@badwolf.org", func(*browser.Tab) {}) // who is signed in there

	h.begin(t, "openid")
	h.enter("name", "Old", "provider", l.URL+"/nothing/")
	h.save("openid")
	h.says(t, "openid-wrong", "OpenID")
	h.enter("provider", l.URL+"/openidserver/", "names", l.URL+"/openidserver/")
	at := h.save("openid")
	h.says(t, "openid", "/openidserver/")
	h.private.Visit("/sign-in?company=" + coretest.Name)
	if strings.Contains(h.private.Text(".ways"), "Old") {
		t.Errorf("%s is on before it was switched on", at)
	}
	h.b.Click("#f-active")
	h.save("openid-on")
	h.press("Old")
	h.private.Wait(`document.querySelector("form.confirm") && document.readyState == "complete"`)
	// The form of LemonLDAP::NG's consent repeats the request and fails: it is given in the address.
	browser.Eval[bool](h.private, `(location.href += "&confirm=1", true)`)
	h.private.Wait(`location.origin == ` + strconv.Quote(h.URL) + ` && document.querySelector(".errors")`)
	h.private.Shot("set-up-openid-stranger")
	h.b.Visit(at) // who came stands there
	h.b.Type("#strangers input[name=email]", webuitest.Email(access.Lite))
	browser.Eval[bool](h.b, `(() => { const s = document.querySelector("#strangers select"); s.selectedIndex = s.options.length - 1; document.documentElement.dataset.old = "1"; return true })()`)
	h.b.Click("#strangers button.primary")
	h.loaded(`!document.documentElement.dataset.old`)
	h.b.FullShot("set-up-openid-connected")
	h.try(t, "openid", "Old", webuitest.Email(access.Lite), func(*browser.Tab) {})
}

func signInAtLemon(name string) func(*browser.Tab) {
	return func(b *browser.Tab) {
		b.Wait(`document.querySelector("input[name=user]") && document.readyState == "complete"`)
		b.Type("input[name=user]", name)
		b.Type("input[name=password]", name)
		b.Press("\r")
	}
}

// late tries a way while this server's clock is an hour ahead: the page says so.
func (h *hand) late(t *testing.T, button string, there func(*browser.Tab)) {
	t.Helper()
	h.Clock.Advance(time.Hour)
	defer h.Clock.Advance(-time.Hour)
	h.press(button)
	there(h.private)
	h.private.Wait(`location.origin == ` + strconv.Quote(h.URL) + ` && document.querySelector(".errors")`)
	if got := h.private.Text(".errors"); !strings.Contains(got, "clock") {
		t.Errorf("with a clock that is an hour ahead: %s", got)
	}
	h.private.Shot("set-up-clock-" + button)
}
