package oidc_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/oidc"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

const callback = "https://strongroom.example.com/ways/demo/7/return"

func loopback() *dialer.Dialer {
	return &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

// open makes a way to a provider.
func open(t *testing.T, issuer, secret string, now func() time.Time) *oidc.Way {
	t.Helper()
	w, err := oidc.Kind().Open(method.Setup{Tenant: "demo", Home: strings.TrimSuffix(callback, "/return"), Dialer: loopback(), Now: now,
		Values: map[string]string{"issuer": issuer, "client_id": providertest.Client, "scopes": "openid profile email", "groups": "groups", "email": "email"},
		Secret: func(context.Context, string) (string, error) { return secret, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return w.(*oidc.Way)
}

// follow does what a browser does at the provider.
func follow(t *testing.T, to string) url.Values {
	t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	u, err := resp.Location()
	if err != nil {
		t.Fatalf("the provider answers %d: %v", resp.StatusCode, err)
	}
	if !strings.HasPrefix(u.String(), callback+"?") {
		t.Fatalf("the provider sends the browser to %s", u)
	}
	return u.Query()
}

func travel(t *testing.T, w *oidc.Way) (method.Claim, error) {
	t.Helper()
	to, state, err := w.Start(t.Context(), callback)
	if err != nil {
		return method.Claim{}, err
	}
	return w.Return(t.Context(), method.Trip{Callback: callback, State: state}, follow(t, to.To))
}

func TestConformance(t *testing.T) {
	p := providertest.New(t, time.Now)
	methodtest.RunRedirect(t, methodtest.Journey{Way: open(t, p.Issuer, providertest.Secret, time.Now), Callback: callback, Go: func(t *testing.T, to method.Away, other bool) url.Values {
		p.Lie(func(p *providertest.Provider) {
			p.Person.Subject = "u-1"
			if other {
				p.Person.Subject = "u-2"
			}
		})
		return follow(t, to.To)
	}})
}

func TestClaim(t *testing.T) {
	p := providertest.New(t, time.Now)
	p.Person = providertest.Person{Subject: "u-1", Email: "alice@example.com", Given: "Alice", Family: "Ångström", Groups: []string{"a", "b"}, Methods: []string{"pwd", "otp"}}
	w := open(t, p.Issuer, providertest.Secret, time.Now)
	c, err := travel(t, w)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "u-1" || c.Email != "alice@example.com" || !c.Verified || c.FirstName != "Alice" || c.LastName != "Ångström" || strings.Join(c.Groups, " ") != "a b" || c.Level != 2 || c.Session != "s-u-1" {
		t.Errorf("the claim: %+v", c)
	}
	p.Lie(func(p *providertest.Provider) {
		p.Claims = func(c map[string]any) { delete(c, "email"); delete(c, "amr") }
	})
	if c, err = travel(t, w); err != nil || c.Email != "alice@example.com" || c.Level != 1 {
		t.Errorf("the address of the userinfo endpoint: %+v, %v", c, err)
	}
}

// hmacOf signs with a key that anybody can know: the provider's public one.
func hmacOf(key []byte) func([]byte) string {
	return func(claims []byte) string {
		return providertest.Signed(jose.HS256, jose.JSONWebKey{Key: key, KeyID: "k1"}, "JWT", claims)
	}
}

func none(header string) func([]byte) string {
	return func(claims []byte) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
	}
}

// TestLies: each lie of a provider, or of somebody between, is refused.
func TestLies(t *testing.T) {
	p := providertest.New(t, time.Now)
	w := open(t, p.Issuer, providertest.Secret, time.Now)
	mallory, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := x509.MarshalPKIXPublicKey(p.Key.Public())
	spki := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	jwk, _ := json.Marshal(jose.JSONWebKey{Key: p.Key.Public(), KeyID: "k1"})
	set := func(name string, v any) func(map[string]any) {
		return func(c map[string]any) { c[name] = v }
	}
	claims := func(f func(map[string]any)) func(*providertest.Provider) {
		return func(p *providertest.Provider) { p.Claims = f }
	}
	sign := func(f func([]byte) string) func(*providertest.Provider) {
		return func(p *providertest.Provider) { p.Sign = f }
	}
	answer := func(f func(url.Values)) func(*providertest.Provider) {
		return func(p *providertest.Provider) { p.Answer = f }
	}
	other := func(kid string, embed bool) func([]byte) string {
		return func(b []byte) string {
			s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: mallory, KeyID: kid}}, &jose.SignerOptions{EmbedJWK: embed})
			if err != nil {
				panic(err)
			}
			o, err := s.Sign(b)
			if err != nil {
				panic(err)
			}
			out, _ := o.CompactSerialize()
			return out
		}
	}
	now := time.Now()
	for name, lie := range map[string]func(*providertest.Provider){
		"alg none":                    sign(none(`{"alg":"none"}`)),
		"alg None":                    sign(none(`{"alg":"None","kid":"k1"}`)),
		"no alg":                      sign(none(`{}`)),
		"the public key as a secret":  sign(hmacOf(spki)),
		"its DER as a secret":         sign(hmacOf(public)),
		"its JWK as a secret":         sign(hmacOf(jwk)),
		"the client secret as a key":  sign(hmacOf([]byte(providertest.Secret + "0123456789"))),
		"another key under its name":  sign(other("k1", false)),
		"another key under no name":   sign(other("", false)),
		"a key in the token":          sign(other("", true)),
		"a path as a key's name":      sign(other("../../../../dev/null", false)),
		"a query as a key's name":     sign(other("k1' or 1=1 --", false)),
		"no token":                    sign(func([]byte) string { return "" }),
		"half a token":                sign(func([]byte) string { return "e30.e30" }),
		"a megabyte":                  sign(func([]byte) string { return strings.Repeat("A", 1<<20) }),
		"another audience":            claims(set("aud", "somebody-else")),
		"two audiences":               claims(set("aud", []string{providertest.Client, "somebody-else"})),
		"no audience":                 claims(set("aud", nil)),
		"another authorized party":    claims(func(c map[string]any) { c["aud"], c["azp"] = []string{providertest.Client, "x"}, "x" }),
		"another party, one audience": claims(set("azp", "somebody-else")),
		"another issuer":              claims(set("iss", "https://evil.example")),
		"an issuer with a slash":      claims(set("iss", p.Issuer+"/")),
		"another nonce":               claims(set("nonce", "somebody-else's")),
		"no nonce":                    claims(func(c map[string]any) { delete(c, "nonce") }),
		"expired":                     claims(set("exp", now.Add(-time.Hour).Unix())),
		"no expiry":                   claims(func(c map[string]any) { delete(c, "exp") }),
		"issued long ago":             claims(set("iat", now.Add(-time.Hour).Unix())),
		"issued tomorrow":             claims(set("iat", now.Add(24*time.Hour).Unix())),
		"not valid yet":               claims(set("nbf", now.Add(time.Hour).Unix())),
		"another access token":        claims(set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")),
		"nobody":                      claims(set("sub", "")),
		"a subject of a kilobyte":     claims(set("sub", strings.Repeat("x", 1024))),
		"another's userinfo": func(p *providertest.Provider) {
			p.Claims = func(c map[string]any) { delete(c, "email") }
			p.Info = func(i map[string]any) { i["sub"] = "u-2" }
		},
		"another issuer's answer":  answer(func(q url.Values) { q.Set("iss", "https://evil.example") }),
		"an answer of no issuer":   answer(func(q url.Values) { q.Del("iss") }),
		"two issuers":              answer(func(q url.Values) { q.Add("iss", "https://evil.example") }),
		"two codes":                answer(func(q url.Values) { q.Add("code", "x") }),
		"another state":            answer(func(q url.Values) { q.Set("state", "x") }),
		"no state":                 answer(func(q url.Values) { q.Del("state") }),
		"a code that nobody gave":  answer(func(q url.Values) { q.Set("code", "x") }),
		"an error beside the code": answer(func(q url.Values) { q.Set("error", "server_error") }),
		"no ID token":              func(p *providertest.Provider) { p.Token = func(a map[string]any) { delete(a, "id_token") } },
		"a logout token":           sign(func([]byte) string { return p.LogoutToken("u-1", nil) }),
	} {
		p.Lie(lie)
		if c, err := travel(t, w); !fault.Is(err, fault.Unauthorized) || c.Subject != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	p.Lie(nil)
	if _, err := travel(t, w); err != nil {
		t.Errorf("and the truth: %v", err)
	}
}

// TestMixUp: an answer of one provider is none of another, though both are honest
// to their own.
func TestMixUp(t *testing.T) {
	a, b := providertest.New(t, time.Now), providertest.New(t, time.Now)
	wa, wb := open(t, a.Issuer, providertest.Secret, time.Now), open(t, b.Issuer, providertest.Secret, time.Now)
	to, state, err := wa.Start(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(to.To)
	sent := strings.Replace(to.To, a.Issuer, b.Issuer, 1) // somebody between sends the browser to b with a's request
	q := follow(t, sent)
	if q.Get("state") != u.Query().Get("state") {
		t.Fatal("b did not answer a's request")
	}
	for name, w := range map[string]*oidc.Way{"at a": wa, "at b": wb} {
		if c, err := w.Return(t.Context(), method.Trip{Callback: callback, State: state}, q); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// TestKeysRotate: a new key is found when a token names it, and the old one goes.
func TestKeysRotate(t *testing.T) {
	p := providertest.New(t, time.Now)
	w := open(t, p.Issuer, providertest.Secret, time.Now)
	for range 3 {
		if _, err := travel(t, w); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.Fetches(); n != 1 {
		t.Errorf("the keys were asked for %d times", n)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	old := p.Key
	p.Lie(func(p *providertest.Provider) { p.Key, p.KeyID = key, "k2" })
	if _, err := travel(t, w); err != nil {
		t.Errorf("with a new key: %v", err)
	}
	p.Lie(func(p *providertest.Provider) {
		p.Sign = func(b []byte) string {
			return providertest.Signed(jose.RS256, jose.JSONWebKey{Key: old, KeyID: "k1"}, "JWT", b)
		}
	})
	if _, err := travel(t, w); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("with the key that is no longer published: %v", err)
	}
}

func TestLogoutTokens(t *testing.T) {
	p := providertest.New(t, time.Now)
	w := open(t, p.Issuer, providertest.Secret, time.Now)
	end := func(token string) (method.Ended, error) {
		return w.Ended(t.Context(), url.Values{"logout_token": {token}})
	}
	e, err := end(p.LogoutToken("u-1", nil))
	if err != nil || e.Subject != "u-1" || strings.Join(e.Sessions, " ") != "s-u-1" || e.Once == "" || e.Until <= time.Now().UnixMilli() {
		t.Fatalf("%+v, %v", e, err)
	}
	now := time.Now()
	for name, change := range map[string]func(map[string]any){
		"a nonce":       func(c map[string]any) { c["nonce"] = "x" },
		"no event":      func(c map[string]any) { delete(c, "events") },
		"another event": func(c map[string]any) { c["events"] = map[string]any{"x": map[string]any{}} },
		"an event of text": func(c map[string]any) {
			c["events"] = map[string]any{"http://schemas.openid.net/event/backchannel-logout": "x"}
		},
		"no id":            func(c map[string]any) { delete(c, "jti") },
		"nobody":           func(c map[string]any) { delete(c, "sub"); delete(c, "sid") },
		"another audience": func(c map[string]any) { c["aud"] = "x" },
		"two audiences":    func(c map[string]any) { c["aud"] = []string{"x", providertest.Client} },
		"another issuer":   func(c map[string]any) { c["iss"] = "https://evil.example" },
		"old":              func(c map[string]any) { c["iat"] = now.Add(-time.Hour).Unix() },
		"of tomorrow":      func(c map[string]any) { c["iat"] = now.Add(time.Hour).Unix() },
		"expired":          func(c map[string]any) { c["exp"] = now.Add(-10 * time.Minute).Unix() },
	} {
		if e, err := end(p.LogoutToken("u-1", change)); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	many := 0
	for range 60 {
		if _, err := end("x"); fault.Is(err, fault.Throttled) {
			many++
		}
	}
	if many == 0 {
		t.Error("a stranger's tokens are not slowed")
	}
}

// TestTest: the test button says what is wrong.
func TestTest(t *testing.T) {
	p := providertest.New(t, time.Now)
	lines, err := open(t, p.Issuer, providertest.Secret, time.Now).Test(t.Context())
	if err != nil || len(lines) != 4 {
		t.Errorf("a good one: %q, %v", lines, err)
	}
	for _, x := range []struct {
		name, issuer, secret, want string
		lie                        func(*providertest.Provider)
	}{
		{"a wrong secret", p.Issuer, "wrong", "does not accept the client id and secret", nil},
		{"another issuer", p.Issuer, providertest.Secret, "another issuer", func(p *providertest.Provider) {
			p.Meta = func(d map[string]any) { d["issuer"] = "https://evil.example" }
		}},
		{"no such page", p.Issuer + "/x", providertest.Secret, "does not answer as OpenID Connect", nil},
		{"nobody there", "http://127.0.0.1:1", providertest.Secret, "does not answer", nil},
		{"plain PKCE", p.Issuer, providertest.Secret, "PKCE", func(p *providertest.Provider) {
			p.Meta = func(d map[string]any) { d["code_challenge_methods_supported"] = []string{"plain"} }
		}},
		{"a metadata service", "https://169.254.169.254", providertest.Secret, "may not be asked", nil},
	} {
		p.Lie(x.lie)
		_, err := open(t, x.issuer, x.secret, time.Now).Test(t.Context())
		if err == nil || !strings.Contains(fault.Say(err).Text, x.want) || fault.Say(err).Hint == "" {
			t.Errorf("%s: %v", x.name, err)
		}
		if err != nil && x.secret != "" && strings.Contains(err.Error(), x.secret) {
			t.Errorf("%s: the error holds the secret", x.name)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, bad := range []string{"", "login.example.com", "http://login.example.com", "https://user:word@login.example.com", "https://login.example.com?x=1", "https://login.example.com#x", "ftp://login.example.com", "javascript:alert(1)"} {
		_, err := oidc.Kind().Open(method.Setup{Dialer: loopback(), Values: map[string]string{"issuer": bad, "scopes": "openid"}})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := oidc.Kind().Open(method.Setup{Dialer: loopback(), Values: map[string]string{"issuer": "https://login.example.com", "scopes": "email"}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("without the scope openid: %v", err)
	}
}
