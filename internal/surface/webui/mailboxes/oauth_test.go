package mailboxes_test

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/bearer/bearertest"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/surface/webui/webuitest"
)

// connection is a mailbox of a real server that lets in by access tokens of a provider.
type connection struct {
	*webuitest.House
	*bearertest.Provider
	c  *webuitest.Client
	at string // of its page
	t  *testing.T
}

// travel presses Connect and goes to the provider and back: it gives the page that the browser
// then is sent to or shown.
func (x *connection) travel(c *webuitest.Client) *webuitest.Page {
	x.t.Helper()
	to := x.ask(c)
	return c.Get(x.away(to))
}

// ask presses Connect and gives where the page leads.
func (x *connection) ask(c *webuitest.Client) string {
	x.t.Helper()
	p := c.Post(x.at+"/connect", nil).Want(http.StatusOK)
	to := p.Attr(`a[href^="`+x.Authorize+`"]`, "href")
	if to == "" {
		x.t.Fatalf("the page leads nowhere: %s", p.Text("main"))
	}
	return to
}

// away asks the provider and gives where it sends the browser, without this server.
func (x *connection) away(to string) string {
	x.t.Helper()
	resp, err := x.c.HTTP.Get(to)
	if err != nil {
		x.t.Fatal(err)
	}
	resp.Body.Close()
	back := resp.Header.Get("Location")
	if !strings.HasPrefix(back, x.URL+mailbox.ReturnPath+"?") {
		x.t.Fatalf("the provider answers %s, %s", resp.Status, back)
	}
	return strings.TrimPrefix(back, x.URL)
}

// test presses Test and gives what the page says.
func (x *connection) test() string {
	x.t.Helper()
	return x.c.Post(x.at+"/test", nil).Want(http.StatusOK).Text("main")
}

// TestOAuth: an administrator connects a mailbox with a provider, from the empty page; it is
// read by access tokens that are renewed, until the permission is taken back, which is said,
// and connected again.
func TestOAuth(t *testing.T) {
	x := &connection{House: webuitest.Open(t, webuitest.Options{}), Provider: bearertest.New(t), t: t}
	d := dovecottest.Trusting(t, x.Introspect, "xoauth2")
	x.Server.Mailboxes.Plain = true
	x.Server.Mailboxes.TLS = &tls.Config{RootCAs: d.Roots, MinVersion: tls.VersionTLS12}
	x.c = x.As(access.Administrator)
	form := x.c.Get("/settings/mailboxes/new").Want(http.StatusOK).Form("form.genform")
	form.Set("address", bearertest.User)
	form.Set("auth", mailbox.ByOAuth)
	for _, field := range []string{"oauth_client", "oauth_authorize", "oauth_token", "oauth_scope", "server"} {
		if p := x.c.Post("/settings/mailboxes", form).Want(http.StatusUnprocessableEntity); !p.Has("[name="+field+"][aria-invalid=true]") || p.Attr("[name=address]", "value") != bearertest.User {
			t.Errorf("nothing is said of %s, or what was entered is lost", field)
		}
	}
	form.Set("auth", mailbox.Microsoft)
	if p := x.c.Post("/settings/mailboxes", form).Want(http.StatusUnprocessableEntity); p.Has("[name=oauth_authorize][aria-invalid=true]") || p.Has("[name=server][aria-invalid=true]") {
		t.Errorf("what is known of Microsoft is asked for")
	}
	form.Set("auth", mailbox.ByOAuth)
	for name, v := range map[string]string{"oauth_client": bearertest.Client, "oauth_secret": "wrong", "oauth_authorize": x.Authorize, "oauth_token": x.Token, "oauth_scope": "mail offline_access", "server": d.Implicit} {
		form.Set(name, v)
	}
	x.at = x.c.Post("/settings/mailboxes", form).Want(http.StatusSeeOther).To()
	if p := x.c.Get(x.at); !strings.Contains(p.Text("main"), x.URL+mailbox.ReturnPath) || !strings.Contains(p.Text("main"), "Not given yet") {
		t.Errorf("the page says %s", p.Text("main"))
	}
	if said := x.test(); !strings.Contains(said, "not connected yet") {
		t.Errorf("before it is connected: %s", said)
	}
	if p := x.travel(x.c).Want(http.StatusOK); !strings.Contains(p.Text("main"), "does not accept the client id and its secret") {
		t.Errorf("with a wrong secret: %s", p.Text("main"))
	}
	form = x.c.Get(x.at).Form("form.genform")
	form.Set("oauth_secret", bearertest.Secret)
	x.c.Post(x.at, form).Want(http.StatusSeeOther)
	x.attacks()
	x.Refuse("access_denied")
	if p := x.travel(x.c).Want(http.StatusOK); !strings.Contains(p.Text("main"), "refused at the provider") {
		t.Errorf("who refused is told %s", p.Text("main"))
	}
	x.Refuse("")
	x.Live(1) // and so it is renewed each time
	if to := x.travel(x.c).Want(http.StatusSeeOther).To(); to != x.at {
		t.Errorf("led to %s", to)
	}
	for range 2 {
		if said := x.test(); !strings.Contains(said, "Signed in at "+d.Implicit) {
			t.Fatalf("connected, the test says %s", said)
		}
	}
	if n := x.Renewed(); n != 2 {
		t.Errorf("a token that ends was renewed %d times", n)
	}
	x.Live(3600)
	for range 3 {
		x.test()
	}
	if n := x.Renewed(); n != 3 {
		t.Errorf("a token that is good was renewed, %d times", n)
	}
	if p := x.c.Get(x.at); strings.Contains(p.Text("html"), bearertest.Secret) || !strings.Contains(p.Text("main"), "Connect again") {
		t.Error("the secret is shown, or it cannot be connected again")
	}

	// A process that begins anew has what was kept; one whose permission was taken back says so.
	x.Server.Mailboxes = &mailbox.Desk{Gate: x.Gate, Records: x.Records, Files: x.Server.Attachments, Relations: x.Server.Relations, Secrets: x.Server.Secrets, Dialer: x.Server.Ways.Dialer, TLS: x.Server.Mailboxes.TLS, Plain: true}
	box, _ := id.Parse(strings.TrimPrefix(x.at, "/settings/mailboxes/"))
	if said, err := x.Server.Mailboxes.Test(t.Context(), x.Admin(), box); err != nil || x.Renewed() != 4 {
		t.Errorf("after a new beginning: %v, %v", said, err)
	}
	x.Revoke()
	fresh := &mailbox.Desk{Gate: x.Gate, Records: x.Records, Secrets: x.Server.Secrets, Dialer: x.Server.Ways.Dialer, TLS: x.Server.Mailboxes.TLS, Plain: true}
	if err := fresh.Run(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	p := x.c.Get(x.at)
	if said := p.Text("main"); !strings.Contains(said, "does not give Strongroom access to the mailbox any more") || !strings.Contains(said, "Connect the mailbox again") || !p.Has(`form[action$="/connect"] button`) {
		t.Errorf("after it was taken back the page says %s", said)
	}
	if said := x.c.Get("/settings/mailboxes").Text("main"); !strings.Contains(said, "Cannot be read") {
		t.Errorf("and the list %s", said)
	}
	x.travel(x.c).Want(http.StatusSeeOther)
	if said := x.test(); !strings.Contains(said, "Signed in at") {
		t.Errorf("connected again: %s", said)
	}
	form = x.c.Get(x.at).Form("form.genform")
	form.Set("oauth_client", "another")
	x.c.Post(x.at, form).Want(http.StatusSeeOther)
	if said := x.c.Get(x.at).Text("main"); !strings.Contains(said, "Not given yet") {
		t.Errorf("a permission for another client: %s", said)
	}
}

// attacks tries to end journeys that others began, or that have ended.
func (x *connection) attacks() {
	x.NewUser("second@demo.example", "Sela Admin", access.Administrator)
	other := x.SignIn("second@demo.example")
	back := x.away(x.ask(x.c))
	for name, p := range map[string]*webuitest.Page{
		"another administrator": other.Get(back), "another session of hers": x.As(access.Administrator).Get(back), "no state": x.c.Get(mailbox.ReturnPath + "?code=x"),
		"another state": x.c.Get(mailbox.ReturnPath + "?" + url.Values{"code": {"x"}, "state": {strings.Repeat("A", 26)}}.Encode()),
	} {
		if p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text("main"), "no connection that you began") {
			x.t.Errorf("%s: %d %s", name, p.Status, p.Text("main"))
		}
	}
	x.mixed()
	x.As(access.Manager).Get(back).Want(http.StatusForbidden)
	x.As(access.Manager).Post(x.at+"/connect", nil).Want(http.StatusForbidden)
	x.c.Get(back).Want(http.StatusSeeOther)
	x.c.Get(back).Want(http.StatusUnprocessableEntity) // used up
	var granted bool
	x.View(x.Admin(), func(tx *gate.Tx) error {
		list, err := mailbox.Boxes(tx)
		granted = len(list) == 1 && list[0].Connected()
		return err
	})
	if !granted {
		x.t.Error("who began it did not end it")
	}
}

// mixed leads answers of another provider to a journey: they name who sent them (RFC 9207).
func (x *connection) mixed() {
	for name, iss := range map[string][]string{"another": {"https://evil.example"}, "its own and another": {x.Issuer, "https://evil.example"}, "none": {""}, "of its own beside the scheme": {"https" + strings.TrimPrefix(x.Issuer, "http")}, "a part of its own": {x.Issuer[:len(x.Issuer)-1]}} {
		back, err := url.Parse(x.away(x.ask(x.c)))
		if err != nil || back.Query().Get("iss") != x.Issuer {
			x.t.Fatalf("the provider does not say who it is: %s, %v", back, err)
		}
		q := back.Query()
		q["iss"] = iss
		back.RawQuery = q.Encode()
		if p := x.c.Get(back.String()); !strings.Contains(p.Text("main"), "of another provider") {
			x.t.Errorf("%s: %d %s", name, p.Status, p.Text("main"))
		}
		q["iss"] = []string{x.Issuer}
		back.RawQuery = q.Encode()
		x.c.Get(back.String()).Want(http.StatusUnprocessableEntity) // used up by the first answer
	}
}
