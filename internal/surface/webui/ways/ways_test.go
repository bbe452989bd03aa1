package ways_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/providertest"
	"strongroom/internal/surface/webui/webuitest"
)

// desk is a house and a provider, and the address of a way to it.
type desk struct {
	*webuitest.House
	p    *providertest.Provider
	at   string // of its settings
	path string // where people leave
	t    *testing.T
}

func settings(p *providertest.Provider, base string) url.Values {
	return url.Values{"kind": {"oidc"}, "name": {"Company sign-in"}, "active": {"1"}, "base": {base}, "issuer": {p.Issuer}, "client_id": {providertest.Client}, "client_secret": {providertest.Secret},
		"scopes": {"openid profile email"}, "groups": {"groups"}, "email": {"email"}, "role": {"Read-only"}}
}

// set makes a way; change may alter what is entered.
func set(t *testing.T, change func(url.Values)) *desk {
	t.Helper()
	h := webuitest.Open(t, webuitest.Options{})
	d := &desk{House: h, p: providertest.New(t, h.Clock.Now), t: t}
	f := settings(d.p, h.URL)
	if change != nil {
		change(f)
	}
	d.at = h.As(access.Administrator).Post("/settings/sign-in", f).Want(http.StatusSeeOther).To()
	d.path = "/ways/" + coretest.Name + strings.TrimPrefix(d.at, "/settings/sign-in")
	return d
}

// away goes to the provider and gives the address that it sends the browser back to.
func (d *desk) away(c *webuitest.Client, path string) string {
	d.t.Helper()
	to := c.Get(path).Want(http.StatusSeeOther).To()
	if !strings.HasPrefix(to, d.p.Issuer+"/authorize?") {
		d.t.Fatalf("it leads to %s", to)
	}
	resp, err := c.HTTP.Get(to)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, ok := strings.CutPrefix(resp.Header.Get("Location"), d.URL)
	if !ok {
		d.t.Fatalf("the provider answers %d and leads to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	return back
}

// come signs in by the way.
func (d *desk) come(c *webuitest.Client) *webuitest.Page {
	d.t.Helper()
	return c.Get(d.away(c, d.path))
}

func (d *desk) count(q string, args ...any) (n int) {
	d.t.Helper()
	d.View(d.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(q, args...).Scan(&n) })
	return n
}

// TestNobodyIsKnownByHisAddress: who comes by a way with the address of a user is
// not that user, until an administrator or the user herself says so.
func TestNobodyIsKnownByHisAddress(t *testing.T) {
	d := set(t, nil)
	d.p.Person.Email = webuitest.Email(access.Administrator)
	c := d.Client()
	if got := c.Get("/sign-in?company=demo").Attr(".ways a", "href"); got != d.path {
		t.Errorf("the button leads to %s", got)
	}
	page := d.come(c)
	if page.Want(http.StatusForbidden); !strings.Contains(page.Text(".errors"), "nobody here is connected") {
		t.Errorf("it says %q", page.Text(".errors"))
	}
	admin := d.As(access.Administrator)
	form := admin.Get(d.at).Form("#strangers")
	form.Set("key", admin.Get(d.at).Attr("#strangers option[value]:last-child", "value"))
	form.Set("email", "nobody@demo.example")
	admin.Post(d.at+"/connect", form).Want(http.StatusUnprocessableEntity)
	form.Set("email", webuitest.Email(access.Editor))
	admin.Post(d.at+"/connect", form).Want(http.StatusSeeOther)
	d.come(c).Want(http.StatusSeeOther)
	if got := c.Get("/account").Text("main"); !strings.Contains(got, webuitest.Email(access.Editor)) {
		t.Errorf("she is %s", got)
	}
	key := admin.Get(d.at).Attr(`form[action$="/disconnect"] input[name=key]`, "value")
	d.As(access.Manager).Post("/account/ways"+strings.TrimPrefix(d.at, "/settings/sign-in")+"/disconnect", url.Values{"key": {key}}).Want(http.StatusNotFound)
	admin.Post(d.at+"/disconnect", url.Values{"key": {key}}).Want(http.StatusSeeOther)
	if got := c.Get("/account").Want(http.StatusSeeOther).To(); !strings.HasPrefix(got, "/sign-in") {
		t.Errorf("the session of a connection that ended leads to %s", got)
	}
	d.come(c).Want(http.StatusForbidden)
}

// TestConnect: a user connects a way with herself by her own consent, and nobody
// else's link does it for her.
func TestConnect(t *testing.T) {
	d := set(t, nil)
	editor, manager := d.As(access.Editor), d.As(access.Manager)
	ask := "/account" + strings.Replace(d.at, "/settings/sign-in", "/ways", 1) + "/connect"
	link := editor.Post(ask, nil).Want(http.StatusOK).Attr(`a[href*="connect="]`, "href")
	manager.Get(link).Want(http.StatusUnprocessableEntity)
	d.Client().Get(link).Want(http.StatusNotFound)
	d.As(access.Editor).Get(link).Want(http.StatusUnprocessableEntity) // another session of hers
	back := d.away(editor, link)
	lost := manager.Get(back)
	if lost.Status < 400 {
		t.Errorf("somebody else's browser is taken back: %d", lost.Status)
	}
	editor.Get(back).Want(http.StatusSeeOther)
	if got := editor.Get("/account/ways").Texts("section:first-of-type li b"); len(got) != 1 || got[0] != "Company sign-in" {
		t.Errorf("connected: %q", got)
	}
	stranger := d.Client()
	d.come(stranger).Want(http.StatusSeeOther)
	if got := stranger.Get("/account").Text("main"); !strings.Contains(got, webuitest.Email(access.Editor)) {
		t.Errorf("she is %s", got)
	}
	link = manager.Post(ask, nil).Attr(`a[href*="connect="]`, "href")
	if page := manager.Get(d.away(manager, link)).Want(http.StatusConflict); !strings.Contains(page.Text(".errors"), "another user") {
		t.Errorf("connected with two users: %q", page.Text(".errors"))
	}
}

// TestReturns: a journey counts in the browser where it began, once, and ends on a
// page of ours.
func TestReturns(t *testing.T) {
	d := set(t, func(f url.Values) { f.Set("create", "1"); f.Set("domains", "example.com") })
	c := d.Client()
	for to, want := range map[string]string{"/organizations": "/organizations", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "": "/"} {
		if got := c.Get(d.away(c, d.path+"?to="+url.QueryEscape(to))).Want(http.StatusSeeOther).To(); got != want {
			t.Errorf("to %q leads to %q", to, got)
		}
	}
	back := d.away(c, d.path)
	victim := d.Client()
	victim.Get(back).Want(http.StatusUnprocessableEntity) // a link with somebody else's answer signs nobody in
	kept := c.Cookies()
	c.Get(back).Want(http.StatusSeeOther)
	u, _ := url.Parse(d.URL)
	thief := d.Client()
	thief.HTTP.Jar.SetCookies(u, kept)
	if page := thief.Get(back); page.Status != http.StatusUnauthorized {
		t.Errorf("the same answer again, with the same cookie: %d", page.Status)
	}
	for _, path := range []string{"/ways/other/1", "/ways/demo/1", "/ways/demo/x", "/ways/demo/1/return", d.path + "0"} {
		d.Client().Get(path).Want(http.StatusNotFound)
	}
	d.p.Lie(func(p *providertest.Provider) {
		p.Person = providertest.Person{Subject: "u-9", Email: "eve@evil.example"}
	})
	if page := d.come(d.Client()).Want(http.StatusForbidden); !strings.Contains(page.Text(".errors"), "evil.example") {
		t.Errorf("another domain: %q", page.Text(".errors"))
	}
	d.p.Lie(func(p *providertest.Provider) {
		p.Person = providertest.Person{Subject: "u-8", Email: webuitest.Email(access.Administrator)}
	})
	d.come(d.Client()).Want(http.StatusForbidden)
	if n := d.count(`select count(*) from sign_in_link`); n != 1 {
		t.Errorf("%d are connected", n)
	}
}

// TestMapping: groups of the other side put the users whom the way made into ours
// and give them roles, and no administrator unless that was allowed.
func TestMapping(t *testing.T) {
	d := set(t, func(f url.Values) { f.Set("create", "1") })
	admin := d.As(access.Administrator)
	f := admin.Get(d.at).Form("#form")
	f.Del("client_secret")
	f.Set("map_groups", "their=techs = Technicians\nothers = Nobody knows it")
	admin.Post(d.at, f).Want(http.StatusUnprocessableEntity)
	f.Set("map_groups", "their=techs = Technicians")
	f.Set("map_roles", "bosses = Administrator")
	if page := admin.Post(d.at, f).Want(http.StatusUnprocessableEntity); !strings.Contains(page.Text("main"), "Administrator") {
		t.Error("a mapping makes administrators without being allowed to")
	}
	f.Set("map_roles", "bosses = Manager\nwriters = Editor")
	admin.Post(d.at, f).Want(http.StatusSeeOther)
	admin.Post(d.at, f).Want(http.StatusConflict) // the version is an old one
	who := func(groups ...string) (role string, member int) {
		d.p.Lie(func(p *providertest.Provider) { p.Person.Groups = groups })
		d.come(d.Client()).Want(http.StatusSeeOther)
		d.View(d.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select p.role, (select count(*) from access_member m where m.user_id = p.user_id) from access_principal p join sign_in_link l on l.user_id = p.user_id`).Scan(&role, &member)
		})
		return role, member
	}
	for _, x := range []struct {
		groups []string
		role   string
		member int
	}{{nil, "Read-only", 0}, {[]string{"writers", "THEIR=TECHS"}, "Editor", 1}, {[]string{"writers", "bosses"}, "Manager", 0}, {[]string{"Administrator", "Technicians"}, "Read-only", 0}} {
		if role, n := who(x.groups...); role != x.role || n != x.member {
			t.Errorf("%q: %s in %d groups", x.groups, role, n)
		}
	}
}

// TestRules: who must come by one way does not come by another, and somebody can
// always come in.
func TestRules(t *testing.T) {
	d := set(t, nil)
	admin, editor := d.As(access.Administrator), d.As(access.Editor)
	ask := "/account" + strings.Replace(d.at, "/settings/sign-in", "/ways", 1) + "/connect"
	editor.Get(d.away(editor, editor.Post(ask, nil).Attr(`a[href*="connect="]`, "href"))).Want(http.StatusSeeOther)
	group := d.One("group", "Technicians").String()
	rule := url.Values{"group": {group}, "ways": {strings.TrimPrefix(d.at, "/settings/sign-in/")}}
	admin.Post("/settings/sign-in/rules", rule).Want(http.StatusSeeOther)
	sign := url.Values{"tenant": {"demo"}, "email": {webuitest.Email(access.Editor)}, "password": {webuitest.Password}}
	if page := d.Client().Post("/sign-in", sign).Want(http.StatusForbidden); !strings.Contains(page.Text(".errors"), "Company sign-in") {
		t.Errorf("with the password: %q", page.Text(".errors"))
	}
	sign.Set("password", "wrong")
	d.Client().Post("/sign-in", sign).Want(http.StatusUnauthorized)
	d.come(d.Client()).Want(http.StatusSeeOther)
	admin.Post("/settings/sign-in/rules", url.Values{"group": {group}, "ways": {"0"}}).Want(http.StatusSeeOther)
	if page := d.come(d.Client()).Want(http.StatusForbidden); !strings.Contains(page.Text(".errors"), "password kept here") {
		t.Errorf("by the way: %q", page.Text(".errors"))
	}
	all := d.Make("group", 0, map[string]any{"name": "All"})
	if err := d.Directory.SetMembers(t.Context(), d.Admin(), all, []id.ID{d.UserID(access.Administrator)}); err != nil {
		t.Fatal(err)
	}
	rule.Set("group", all.String())
	if page := admin.Post("/settings/sign-in/rules", rule).Want(http.StatusConflict); !strings.Contains(page.Text(".errors"), "No administrator") {
		t.Errorf("everybody locked out: %q", page.Text(".errors"))
	}
}

// TestEnded: the provider ends the sessions that came by it, each message once.
func TestEnded(t *testing.T) {
	d := set(t, func(f url.Values) { f.Set("create", "1") })
	c := d.Client()
	d.come(c).Want(http.StatusSeeOther)
	post := func(token string) *webuitest.Page {
		return d.Client().Do("POST", d.path+"/ended", strings.NewReader(url.Values{"logout_token": {token}}.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"cross-site"}})
	}
	post(d.p.LogoutToken("u-2", nil)).Want(http.StatusOK)
	c.Get("/account").Want(http.StatusOK)
	post(d.p.LogoutToken("u-1", func(m map[string]any) { m["nonce"] = "x" })).Want(http.StatusBadRequest)
	c.Get("/account").Want(http.StatusOK)
	token := d.p.LogoutToken("u-1", nil)
	post(token).Want(http.StatusOK)
	c.Get("/account").Want(http.StatusSeeOther)
	d.come(c).Want(http.StatusSeeOther)
	post(token).Want(http.StatusBadRequest)
	c.Get("/account").Want(http.StatusOK)
}

// TestOpenings: a secret of a way is opened once for many sign-ins, and that is
// recorded; nothing shows it again.
func TestOpenings(t *testing.T) {
	d := set(t, func(f url.Values) { f.Set("create", "1") })
	for range 3 {
		d.come(d.Client()).Want(http.StatusSeeOther)
	}
	n := 0
	d.View(d.Admin(), func(tx *gate.Tx) error {
		list, _, err := tx.ActivityPage(gate.Page{Number: 1, Size: 200, To: 1 << 60})
		for _, e := range list {
			if e.Action == "reveal.granted" && e.Kind == "sign_in_way" {
				n++
			}
		}
		return err
	})
	if n != 1 {
		t.Errorf("the secret was opened %d times", n)
	}
	admin := d.As(access.Administrator)
	if page := admin.Get(d.at); strings.Contains(page.Body, providertest.Secret) || !strings.Contains(page.Text("main"), "One is set.") {
		t.Error("the page shows the secret, or not that there is one")
	}
	if page := admin.Post(d.at+"/test", nil).Want(http.StatusOK); !strings.Contains(page.Text("main"), "It accepts the client id and secret.") {
		t.Errorf("the test says %q", page.Text("main"))
	}
	d.As(access.Manager).Get(d.at).Want(http.StatusForbidden)
	d.As(access.Manager).Post(d.at+"/delete", nil).Want(http.StatusForbidden)
	admin.Post(d.at+"/delete", nil).Want(http.StatusSeeOther)
	d.Client().Get(d.path).Want(http.StatusNotFound)
	if n := d.count(`select count(*) from secret_version where kind = 'sign_in_way'`) + d.count(`select count(*) from sign_in_link`) + d.count(`select count(*) from sign_in_session`); n != 0 {
		t.Errorf("%d rows of a way stay that is deleted", n)
	}
}

// TestPages looks at the pages as people do.
func TestPages(t *testing.T) {
	d := set(t, nil)
	d.come(d.Client()).Want(http.StatusForbidden)
	b := browser.Open(t, d.URL)
	b.Everywhere("ways-sign-in", "/sign-in?company=demo")
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for name, path := range map[string]string{"ways": "/settings/sign-in", "way": d.at, "way-new": "/settings/sign-in/new?kind=oidc", "ways-own": "/account/ways"} {
		b.Everywhere(name, path)
	}
	postsItself(t, d, b)
}

// postsItself: a page that sends the browser to a provider by POST does that by itself,
// past the policy that keeps all other forms at home.
func postsItself(t *testing.T, d *desk, b *browser.Tab) {
	t.Helper()
	p := providertest.NewSAML(t, d.Clock.Now)
	p.Lie(func(p *providertest.SAML) {
		p.Meta = func(s string) string {
			return strings.ReplaceAll(s, `bindings:HTTP-Redirect" Location`, `bindings:HTTP-POST" Location`)
		}
	})
	set := d.As(access.Administrator).Post("/settings/sign-in", url.Values{"kind": {"saml"}, "name": {"Company SAML"}, "active": {"1"}, "base": {d.URL}, "metadata_url": {p.URL}, "role": {"Read-only"}}).Want(http.StatusSeeOther).To()
	browser.Eval[bool](b, `location.assign("/ways/`+coretest.Name+strings.TrimPrefix(set, "/settings/sign-in")+`"), true`)
	b.Wait(`location.href == "` + p.Entity + `/sso?a=1"`)
}

// TestSAML: a provider whose answer the browser posts lets somebody in, in the browser
// that left, once; and from another site no cookie comes along, so that a page of ours
// posts it once more.
func TestSAML(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	p := providertest.NewSAML(t, h.Clock.Now)
	f := url.Values{"kind": {"saml"}, "name": {"Company SAML"}, "active": {"1"}, "base": {h.URL}, "metadata_url": {p.URL}, "role": {"Read-only"}, "create": {"1"}, "unasked": {"1"}, "logout": {"1"}}
	admin := h.As(access.Administrator)
	set := admin.Post("/settings/sign-in", f).Want(http.StatusSeeOther).To()
	at := "/ways/" + coretest.Name + strings.TrimPrefix(set, "/settings/sign-in")
	for _, k := range h.Server.Ways.Kinds {
		if steps := admin.Get("/settings/sign-in/new?kind=" + k.Name).Want(http.StatusOK).Texts("ol li"); len(steps) < 3 || !strings.Contains(strings.Join(steps, " "), "Test") {
			t.Errorf("how %s is set up is not said: %q", k.Label, steps)
		}
	}
	if page := admin.Get(set); !strings.Contains(page.Text("main"), h.URL+at+"/metadata") {
		t.Error("the page does not show the address of the metadata")
	}
	if page := admin.Post(set+"/test", nil).Want(http.StatusOK); !strings.Contains(page.Text("main"), p.Entity) {
		t.Errorf("the test says %q", page.Text("main"))
	}
	if page := h.Client().Get(at + "/metadata").Want(http.StatusOK); !strings.Contains(page.Body, h.URL+at+"/return") {
		t.Errorf("the metadata is %s", page.Body)
	}
	c := h.Client()
	post := func(c *webuitest.Client, form url.Values, site string) *webuitest.Page {
		return c.Do("POST", at+"/return", strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {site}})
	}
	said := p.Answer(t, c.Get(at+"?to=/organizations").Want(http.StatusSeeOther).To())
	again := post(h.Client(), said, "cross-site").Want(http.StatusOK).Form("form.entrance") // a cookie of ours does not come from there
	if again.Get("SAMLResponse") != said.Get("SAMLResponse") || again.Get("again") != "1" {
		t.Errorf("the page between posts %v", again)
	}
	post(h.Client(), again, "same-origin").Want(http.StatusUnauthorized) // another browser
	if to := post(c, again, "same-origin").Want(http.StatusSeeOther).To(); to != "/organizations" {
		t.Errorf("it leads to %s", to)
	}
	if got := c.Get("/account").Text("main"); !strings.Contains(got, "alice@example.com") {
		t.Errorf("she is %s", got)
	}
	for state, want := range map[string]string{"/organizations": "/organizations", "https://evil.example/": "/", "//evil.example": "/", "": "/"} {
		form := p.Post(t, h.URL+at+"/return", h.URL+at+"/metadata", "")
		form.Set("RelayState", state)
		c := h.Client()
		if to := post(c, post(c, form, "cross-site").Form("form.entrance"), "same-origin").Want(http.StatusSeeOther).To(); to != want {
			t.Errorf("%q leads to %s", state, to)
		}
		form.Set("again", "1")
		post(h.Client(), form, "same-origin").Want(http.StatusUnauthorized) // taken once
	}
	saysGoodbye(t, h, p, at, post)
	changesKeys(t, h, set, at)
	h.Change(func(tx *gate.Tx) error { _, err := tx.Exec(`update sign_in_way set pairs = '[]'`); return err })
	if said := admin.Get(set).Text("main"); !strings.Contains(said, "This way in has no key pair.") || !strings.Contains(said, "Make a key pair") {
		t.Errorf("a way without keys is not warned of: %s", said)
	}
	if said := admin.Get("/settings/sign-in").Text("main"); !strings.Contains(said, "No key pair") {
		t.Errorf("nor in the list: %s", said)
	}
}

// saysGoodbye: who signs out here is led to the provider, and who signs out there is
// signed out here, each by a message that was signed.
func saysGoodbye(t *testing.T, h *webuitest.House, p *providertest.SAML, at string, post func(*webuitest.Client, url.Values, string) *webuitest.Page) {
	t.Helper()
	come := func() *webuitest.Client {
		c := h.Client()
		post(c, p.Answer(t, c.Get(at).Want(http.StatusSeeOther).To()), "same-origin").Want(http.StatusSeeOther)
		return c
	}
	c := come()
	leave := c.Post("/sign-out", nil).Want(http.StatusSeeOther).To()
	if leave != at+"/leave" || c.Get("/account").Status != http.StatusSeeOther {
		t.Fatalf("a sign-out leads to %s", leave)
	}
	h.Client().Get(leave + "?now=1").Want(http.StatusUnprocessableEntity) // another browser has nothing to end
	to := c.Get(c.Get(leave).Want(http.StatusOK).Attr("a[data-goes-on]", "href")).Want(http.StatusSeeOther).To()
	r := providertest.Request(t, to)
	if r.Tag != "LogoutRequest" || r.FindElement("./saml:NameID").Text() != "u-1" || !strings.Contains(to, "&Signature=") {
		t.Errorf("it leads to %s", to)
	}
	back := c.Get(at + "/logout?" + p.Query("SAMLResponse", p.LogoutAnswer(h.URL+at+"/logout", r.SelectAttrValue("ID", ""), "Success"), ""))
	if back.Want(http.StatusSeeOther).To() != "/sign-in" || !strings.Contains(c.Get("/sign-in").Text("body"), "signed out here and at Company SAML") {
		t.Errorf("back from there it leads to %s", back.To())
	}
	one, two := come(), come()
	wish := p.Query("SAMLRequest", p.Logout(h.URL+at+"/logout", "u-1", "s-other"), "")
	h.Client().Get(at + "/logout?" + wish).Want(http.StatusSeeOther)
	one.Get("/account").Want(http.StatusOK) // another session of hers there
	h.Client().Get(at + "/logout?" + wish).Want(http.StatusUnauthorized)
	form := p.Form("SAMLRequest", p.Logout(h.URL+at+"/logout", "u-1", "s-u-1"), "relay")
	answer := h.Client().Do("POST", at+"/logout", strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"cross-site"}}).Want(http.StatusSeeOther).To()
	if !strings.HasPrefix(answer, p.Entity+"/logout?SAMLResponse=") || !strings.Contains(answer, "&RelayState=relay&") {
		t.Errorf("the answer goes to %s", answer)
	}
	for _, c := range []*webuitest.Client{one, two} {
		c.Get("/account").Want(http.StatusSeeOther)
	}
	h.Client().Get(at + "/logout?SAMLRequest=x").Want(http.StatusUnauthorized)
}

// changesKeys: an administrator makes a second key pair, uses it and removes the old
// one, and the metadata always says which there are.
func changesKeys(t *testing.T, h *webuitest.House, set, at string) {
	t.Helper()
	admin := h.As(access.Administrator)
	certs := func() []string {
		var out []string
		for part := range strings.SplitSeq(h.Client().Get(at+"/metadata").Body, "X509Certificate>") {
			if strings.HasPrefix(part, "MII") {
				out = append(out, strings.TrimSuffix(part, "</ds:"))
			}
		}
		return out[:len(out)/2] // those to sign with
	}
	do := func(step string) *webuitest.Page {
		f := admin.Get(set).Form("#keys")
		f.Set("do", step)
		return admin.Post(set+"/keys", f)
	}
	first := certs()
	if len(first) != 1 {
		t.Fatalf("%d keys from the beginning", len(first))
	}
	h.As(access.Manager).Post(set+"/keys", url.Values{"do": {"make"}}).Want(http.StatusForbidden)
	do("nothing").Want(http.StatusUnprocessableEntity)
	do("make").Want(http.StatusSeeOther)
	do("make").Want(http.StatusConflict)
	both := certs()
	if len(both) != 2 || both[0] != first[0] {
		t.Errorf("%d keys, and the first is another one", len(both))
	}
	admin.Post(set+"/keys", url.Values{"do": {"remove"}, "pair": {"pair_1"}}).Want(http.StatusConflict) // it is used
	use := url.Values{"do": {"use"}, "pair": {"pair_2"}}
	admin.Post(set+"/keys", use).Want(http.StatusSeeOther)
	admin.Post(set+"/keys", use).Want(http.StatusSeeOther)
	if now := certs(); len(now) != 2 || now[0] != both[1] || now[1] != first[0] {
		t.Error("the second key is not the one that is used")
	}
	do("remove").Want(http.StatusSeeOther)
	if now := certs(); len(now) != 1 || now[0] != both[1] {
		t.Error("the old key stays")
	}
	if to := h.Client().Get(at).Want(http.StatusSeeOther).To(); !strings.Contains(to, "&Signature=") {
		t.Errorf("requests are not signed: %s", to)
	}
}
