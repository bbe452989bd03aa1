package apptest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/mfa"
)

// TestHalfSignedIn: who gave the first factor and not the second is answered by every
// mounted address as somebody who is not signed in, whatever the token is sent as,
// but by the step that asks for the second.
func TestHalfSignedIn(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	x := &isolation{t: t, h: h, own: h.Tenants[0], other: h.Tenants[1], seen: map[id.ID]bool{}}
	who := x.own.People[access.Administrator]
	caller := access.System(x.own.Name, "console")
	caller.User, caller.Email, caller.Confirmed = who.ID, who.Email, h.App.Now().UnixMilli()
	err := h.App.Gate.Change(t.Context(), caller, access.SignIn, gate.Thing{Kind: identity.User, ID: who.ID}, func(tx *gate.Tx) error {
		o, err := mfa.NewApp(tx)
		if err != nil {
			return err
		}
		code, _, err := secret.Code(o.Key, h.App.Now())
		if err != nil {
			return err
		}
		_, err = mfa.AddApp(tx, o.Sealed, code, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := h.App.Sessions.SignIn(t.Context(), identity.Attempt{Tenant: x.own.Name, Email: who.Email, Password: who.Password})
	if err != nil || !signed.Half {
		t.Fatalf("%+v, %v", signed, err)
	}
	var cookies []*http.Cookie
	for _, name := range []string{"session", "second", "__Host-session", "__Host-second"} {
		cookies = append(cookies, &http.Cookie{Name: name, Value: signed.Token, Path: "/", Secure: strings.HasPrefix(name, "__Host-")})
	}
	half := &asker{name: "somebody half signed in", page: true, client: &http.Client{Transport: who.Browser().Transport, Jar: &fixed{cookies}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	open := append(slices.Clone(public), "GET /sign-in/second", "POST /sign-in/second", "POST /sign-in",
		"POST /sign-in/passkey", "POST /sign-in/passkey/question", "POST /sign-in/second/passkey", "POST /sign-in/second/question")
	tried := 0
	for _, route := range h.App.Web.Routes() {
		f := x.filler(route)
		if f == nil || slices.Contains(open, route) {
			continue
		}
		for _, target := range one(f.targets(x.own, apptest.Seen)) {
			tried++
			if a := x.ask(half, f, "", target); (a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/sign-in")) && !listens(route, a) {
				t.Errorf("%s answers %d to %q: %.200s", f.route, a.Status, a.Header.Get("Location"), a.Body)
			}
		}
	}
	half.header, half.page = http.Header{"Authorization": {"Bearer " + signed.Token}, "X-Api-Key": {signed.Token}}, false
	for _, route := range h.App.API.Routes() {
		f := x.filler(route)
		if f == nil || leaveOut[route] != "" {
			continue
		}
		for _, target := range one(f.targets(x.own, apptest.Seen)) {
			tried++
			if a := x.ask(half, f, "/api/v1", target); a.Status != http.StatusForbidden && a.Status != http.StatusUnauthorized {
				t.Errorf("%s answers %d: %.200s", f.route, a.Status, a.Body)
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d addresses were tried", tried)
	}
	if _, err := h.App.Sessions.SignInToken(t.Context(), identity.Attempt{Tenant: x.own.Name, Email: who.Email, Password: who.Password}); err == nil {
		t.Error("a program got an access token without the second factor")
	}
}

// fixed is a jar that keeps what is in it.
type fixed struct{ cookies []*http.Cookie }

func (f *fixed) Cookies(*url.URL) []*http.Cookie   { return f.cookies }
func (*fixed) SetCookies(*url.URL, []*http.Cookie) {}
