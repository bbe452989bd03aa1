package ways_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/feature/identity/providertest"
	"strongroom/internal/surface/webui/webuitest"
)

// hand is an administrator who sets up ways in by hand, in one window, and tries them in
// another that nobody is signed in in, as the pages tell her.
type hand struct {
	*webuitest.House
	b, private *browser.Tab
	t          *testing.T
}

const signInPage = "/settings/sign-in"

// begin opens the page of a new way, from the list of what can be added.
func (h *hand) begin(t *testing.T, kind string) {
	t.Helper()
	h.b.Visit(signInPage)
	h.b.Click(`a[href="` + signInPage + `/new?kind=` + kind + `"]`)
	h.loaded(`location.search == "?kind=` + kind + `"`)
	h.b.FullShot("set-up-" + kind + "-1-empty")
}

func (h *hand) loaded(condition string) {
	h.b.Wait(condition + ` && document.readyState == "complete" && document.documentElement.dataset.ready`)
}

// enter pastes into fields, in place of what is there.
func (h *hand) enter(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		browser.Eval[bool](h.b, `(() => { const f = document.querySelector(`+strconv.Quote("#f-"+pairs[i])+`); f.focus(); f.value = `+strconv.Quote(pairs[i+1])+`; f.dispatchEvent(new Event("input", { bubbles: true })); return true })()`)
	}
}

// save saves the form, and gives the address of the way.
func (h *hand) save(name string) string {
	browser.Eval[bool](h.b, `(document.documentElement.dataset.old = "1", true)`)
	h.b.Click("#form button.primary")
	h.loaded(`!document.documentElement.dataset.old`)
	h.b.FullShot("set-up-" + name + "-2-saved")
	return browser.Eval[string](h.b, `location.pathname`)
}

// test presses Test and gives what the page says then.
func (h *hand) test(name string) string {
	browser.Eval[bool](h.b, `(document.documentElement.dataset.old = "1", true)`)
	h.b.Click(`form[action$="/test"] button`)
	h.loaded(`!document.documentElement.dataset.old`)
	h.b.FullShot("set-up-" + name + "-3-tested")
	return h.b.Text("main")
}

// says sees that the page says something after Test.
func (h *hand) says(t *testing.T, name string, words ...string) {
	t.Helper()
	got := h.test(name)
	for _, w := range words {
		if !strings.Contains(got, w) {
			t.Errorf("Test does not say %q: %s", w, got)
		}
	}
}

// try signs in by a way in the other window; there is what is done at the other side.
func (h *hand) try(t *testing.T, name, button, person string, there func(b *browser.Tab)) {
	t.Helper()
	b := h.private
	h.press(button)
	there(b)
	b.Wait(`location.origin == ` + strconv.Quote(h.URL) + ` && location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Visit("/account")
	if got := b.Text("main"); !strings.Contains(got, person) {
		t.Errorf("by %s one is %s", button, got)
	}
	b.Shot("set-up-" + name + "-4-signed-in")
	browser.Eval[bool](b, `localStorage.setItem("draft:/documents/new", "{}"), document.querySelector("form[action='/sign-out']").requestSubmit(), true`)
	b.Wait(`location.pathname != "/account" && document.readyState == "complete"`)
	if browser.Eval[bool](b, `location.origin == `+strconv.Quote(h.URL)+` && localStorage.getItem("draft:/documents/new") !== null`) {
		t.Error("after signing out a draft stays in the browser")
	}
}

// press opens the sign-in page in the other window and presses the button of a way.
func (h *hand) press(button string) {
	h.private.Visit("/sign-in?company=" + coretest.Name)
	browser.Eval[bool](h.private, `([...document.querySelectorAll(".ways a")].find((a) => a.textContent == `+strconv.Quote(button)+`).dataset.chosen = "1", true)`)
	h.private.Click(`.ways a[data-chosen]`)
}

// TestSetUpByHand: who reads nothing but the pages sets up each sort of way in, against the
// systems that there are, is told what is wrong, and signs in.
func TestSetUpByHand(t *testing.T) {
	h := &hand{House: webuitest.Open(t, webuitest.Options{}), t: t}
	h.Clock.Advance(time.Since(h.Clock.Now())) // the other systems have the time of the day
	h.b, h.private = browser.Open(t, h.URL), browser.Open(t, h.URL)
	for _, b := range []*browser.Tab{h.b, h.private} {
		b.Allow("") // pages of other systems
	}
	h.b.Visit("/sign-in")
	h.b.Type("#f-email", webuitest.Email(access.Administrator))
	h.b.Type("#f-password", webuitest.Password)
	h.b.Click(".entrance button.primary")
	h.loaded(`location.pathname == "/"`)
	t.Run("forgotten passwords and invitations", h.letters)
	t.Run("LDAP", h.ldap)
	t.Run("SAML", h.saml)
	t.Run("OpenID Connect", h.oidc)
	t.Run("JWT", h.jwt)
	t.Run("LemonLDAP::NG", h.lemon)
}

func (h *hand) ldap(t *testing.T) {
	l := providertest.StartOpenLDAP(t, true, "")
	h.begin(t, "ldap")
	h.enter("name", "Directory", "servers", "ldaps://127.0.0.1:1", "bind_dn", providertest.ServiceDN, "bind_password", "wrong", "people_base", "ou=nobody,"+providertest.DirectoryBase)
	h.b.Click("#f-create")
	h.save("ldap")
	h.says(t, "ldap-unreachable", "does not answer")
	h.enter("servers", l.TLS)
	h.save("ldap")
	h.says(t, "ldap-certificate", "certificate")
	h.enter("ca", l.Authority.PEM)
	h.save("ldap")
	h.says(t, "ldap-secret", "account that looks people up")
	h.enter("bind_password", providertest.ServicePassword)
	h.save("ldap")
	h.says(t, "ldap-base", "where people are")
	h.enter("people_base", "ou=people,"+providertest.DirectoryBase, "group_base", "ou=people,"+providertest.DirectoryBase)
	h.save("ldap")
	h.says(t, "ldap-groups", "No group with members is found")
	h.enter("group_base", "ou=groups,"+providertest.DirectoryBase)
	alice := func(b *browser.Tab) {
		b.Wait(`document.querySelector("#f-name") && document.documentElement.dataset.ready`)
		b.Type("#f-name", "alice")
		b.Type("#f-password", "alice-pass")
		b.Click(".entrance button.primary")
	}
	for name, how := range map[string][2]string{"LDAPS": {l.TLS, "over TLS"}, "StartTLS": {l.Plain, "over TLS"}, "plain": {l.Plain, "without encryption"}} {
		h.enter("servers", how[0])
		browser.Eval[bool](h.b, `(() => { const s = document.querySelector("#f-security"); s.value = [...s.options].find((o) => `+strconv.FormatBool(name == "plain")+` == o.text.includes("without")).value; return true })()`)
		h.save("ldap-" + name)
		h.says(t, "ldap-"+name, how[1], "People are found", "Groups are found")
		if name == "LDAPS" { // how people sign in is the same by all three
			h.try(t, "ldap-"+name, "Directory", "alice@example.com", alice)
		}
	}
}

// metadata gives what a way says of itself.
func (h *hand) metadata(t *testing.T, at string) []byte {
	t.Helper()
	return []byte(h.Client().Get("/ways/" + coretest.Name + strings.TrimPrefix(at, signInPage) + "/metadata").Want(http.StatusOK).Body)
}

func (h *hand) saml(t *testing.T) {
	p := providertest.StartSimpleSAML(t)
	h.begin(t, "saml")
	h.enter("name", "SimpleSAMLphp", "metadata_url", p.URL+"x")
	h.b.Click("#f-create")
	at := h.save("saml")
	h.says(t, "saml-wrong", "404 Not Found where its metadata should be")
	h.enter("metadata_url", p.URL)
	h.save("saml")
	h.says(t, "saml", "The metadata is of the provider", "Requests are signed")
	p.Know(h.metadata(t, at))
	h.late(t, "SimpleSAMLphp", func(b *browser.Tab) {
		b.Wait(`document.querySelector("#username") && document.readyState == "complete"`)
		b.Type("#username", "bob")
		b.Type("#password", "bob-pass")
		b.Press("\r")
	})
	h.try(t, "saml", "SimpleSAMLphp", "bob@example.com", func(*browser.Tab) {}) // who is signed in there
}

func (h *hand) oidc(t *testing.T) {
	port := providertest.FreePort(t)
	h.begin(t, "oidc")
	h.enter("name", "Provider", "issuer", "http://"+port, "client_id", "later")
	h.b.Click("#f-create")
	at := h.save("oidc")
	h.says(t, "oidc-unreachable", "does not answer: nothing listens there")
	back := browser.Eval[string](h.b, `[...document.querySelectorAll("main .mono")].map((e) => e.textContent).find((s) => s.endsWith("/return"))`)
	if back != h.URL+"/ways/"+coretest.Name+strings.TrimPrefix(at, signInPage)+"/return" {
		t.Fatalf("the page shows the return address %s", back)
	}
	_, next := providertest.StartOIDC(t, port, "strict", back)
	next("carol")
	h.enter("client_secret", "wrong")
	h.save("oidc")
	h.says(t, "oidc-secret", "does not accept the client id and secret")
	h.enter("client_id", providertest.Client, "client_secret", providertest.Secret)
	h.save("oidc")
	h.says(t, "oidc", "It accepts the client id and secret")
	h.enter("issuer", "http://"+port+"/")
	h.save("oidc")
	h.says(t, "oidc-issuer", "calls itself")
	h.enter("issuer", "http://"+port)
	h.save("oidc")
	h.late(t, "Provider", func(*browser.Tab) {})
	h.try(t, "oidc", "Provider", "carol@example.com", func(*browser.Tab) {})
}

func (h *hand) jwt(t *testing.T) {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw)
	secret := hex.EncodeToString(raw)
	claims := map[string]any{"aud": "strongroom", "sub": "u-9", "email": "jay@demo.example", "given_name": "Jay", "family_name": "Token"}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Unix()
		body := fmt.Sprintf(`{"aud":%q,"sub":%q,"email":%q,"given_name":%q,"family_name":%q,"iat":%d,"exp":%d,"jti":%q}`, claims["aud"], claims["sub"], claims["email"], claims["given_name"], claims["family_name"], now, now+60, strconv.FormatInt(time.Now().UnixNano(), 36))
		http.Redirect(w, r, r.URL.Query().Get("return_to")+"&jwt="+url.QueryEscape(providertest.Signed(jose.HS256, []byte(secret), "JWT", []byte(body))), http.StatusSeeOther) // #nosec G710 -- a page of the test
	}))
	t.Cleanup(page.Close)
	h.begin(t, "jwt")
	h.enter("name", "Our portal", "login", page.URL, "secret", "too short")
	h.b.Click("#f-create")
	h.save("jwt")
	h.says(t, "jwt-short", "32")
	h.enter("secret", secret)
	h.save("jwt")
	if got := h.test("jwt"); strings.Contains(got, "32 characters") && strings.Contains(got, "shorter") {
		t.Errorf("Test says %s", got)
	}
	claims["aud"] = "somebody else"
	h.press("Our portal")
	h.private.Wait(`document.querySelector(".errors")`)
	h.private.Shot("set-up-jwt-audience")
	if got := h.private.Text(".errors"); !strings.Contains(got, "it is for somebody else") {
		t.Errorf("with the audience of somebody else: %s", got)
	}
	claims["aud"] = "strongroom"
	h.late(t, "Our portal", func(*browser.Tab) {})
	h.try(t, "jwt", "Our portal", "jay@demo.example", func(*browser.Tab) {})
}
