package jwt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/jwt"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

const (
	callback = "https://strongroom.example.com/ways/demo/7/return"
	secret   = "0123456789abcdef0123456789abcdef"
)

func open(t testing.TB, values map[string]string, secret string) *jwt.Way {
	t.Helper()
	all := map[string]string{"login": "https://intranet.example.com/sso?app=1", "audience": "strongroom", "issuer": "https://intranet.example.com", "algorithm": "HS256"}
	for k, v := range values {
		all[k] = v
	}
	w, err := jwt.Kind().Open(method.Setup{Values: all, Now: time.Now, Secret: func(context.Context, string) (string, error) { return secret, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return w.(*jwt.Way)
}

// token gives the claims of a good token; change may alter them.
func token(change func(map[string]any)) []byte {
	now := time.Now()
	c := map[string]any{"iss": "https://intranet.example.com", "aud": "strongroom", "sub": "u-1", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": rand.Text(), "email": "alice@example.com", "groups": []string{"a"}}
	if change != nil {
		change(c)
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return b
}

func hs(b []byte) string { return providertest.Signed(jose.HS256, []byte(secret), "JWT", b) }

// answer is what the login page sends the browser back with.
func answer(t *testing.T, to, raw string) url.Values {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil || u.Host != "intranet.example.com" || u.Query().Get("app") != "1" {
		t.Fatalf("it leads to %s", to)
	}
	back, err := url.Parse(u.Query().Get("return_to"))
	if err != nil || !strings.HasPrefix(back.String(), callback+"?") {
		t.Fatalf("and back to %s", back)
	}
	q := back.Query()
	q.Set("jwt", raw)
	return q
}

func travel(t *testing.T, w *jwt.Way, raw string) (method.Claim, error) {
	t.Helper()
	to, state, err := w.Start(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	return w.Return(t.Context(), method.Trip{Callback: callback, State: state}, answer(t, to.To, raw))
}

func TestConformance(t *testing.T) {
	methodtest.RunRedirect(t, methodtest.Journey{Way: open(t, nil, secret), Callback: callback, Go: func(t *testing.T, to method.Away, other bool) url.Values {
		return answer(t, to.To, hs(token(func(c map[string]any) {
			if other {
				c["sub"] = "u-2"
			}
		})))
	}})
}

func TestKeys(t *testing.T) {
	rk, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ek, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	write := func(k any) string {
		b, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
	}
	rsaWay := open(t, map[string]string{"algorithm": "RS256", "key": write(rk.Public())}, secret)
	ecWay := open(t, map[string]string{"algorithm": "ES256", "key": write(ek.Public())}, secret)
	byRSA, byEC := providertest.Signed(jose.RS256, rk, "JWT", token(nil)), providertest.Signed(jose.ES256, ek, "JWT", token(nil))
	if c, err := travel(t, rsaWay, byRSA); err != nil || c.Subject != "u-1" || c.Email != "alice@example.com" || len(c.Groups) != 1 {
		t.Errorf("RS256: %+v, %v", c, err)
	}
	if _, err := travel(t, ecWay, byEC); err != nil {
		t.Errorf("ES256: %v", err)
	}
	for name, x := range map[string]struct {
		w   *jwt.Way
		raw string
	}{
		"the public key as a secret":   {rsaWay, providertest.Signed(jose.HS256, []byte(write(rk.Public())), "JWT", token(nil))},
		"a shared secret for a key":    {rsaWay, hs(token(nil))},
		"another algorithm of the key": {rsaWay, providertest.Signed(jose.PS256, rk, "JWT", token(nil))},
		"a key for another":            {ecWay, byRSA},
		"a key for a secret":           {open(t, nil, secret), byRSA},
	} {
		if c, err := travel(t, x.w, x.raw); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	for name, values := range map[string]map[string]string{
		"an EC key for RS256": {"algorithm": "RS256", "key": write(ek.Public())}, "no key": {"algorithm": "RS256"}, "two keys": {"algorithm": "RS256", "key": write(rk.Public()) + write(rk.Public())},
		"plain http": {"login": "http://intranet.example.com"}, "a script": {"login": "javascript:alert(1)"}, "none": {"algorithm": "none"},
	} {
		all := map[string]string{"login": "https://intranet.example.com", "audience": "strongroom", "algorithm": "HS256"}
		for k, v := range values {
			all[k] = v
		}
		if _, err := jwt.Kind().Open(method.Setup{Values: all}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := open(t, nil, "short").Test(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a short secret: %v", err)
	}
}

func TestLies(t *testing.T) {
	w := open(t, nil, secret)
	set := func(name string, v any) string {
		return hs(token(func(c map[string]any) { c[name] = v }))
	}
	without := func(name string) string { return hs(token(func(c map[string]any) { delete(c, name) })) }
	bare := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(token(nil)) + "."
	}
	now := time.Now()
	for name, raw := range map[string]string{
		"alg none": bare(`{"alg":"none"}`), "alg None": bare(`{"alg":"NONE"}`), "no alg": bare(`{}`), "no signature": bare(`{"alg":"HS256"}`),
		"another secret":   providertest.Signed(jose.HS256, []byte(strings.Repeat("x", 32)), "JWT", token(nil)),
		"HS384":            providertest.Signed(jose.HS384, []byte(secret+secret), "JWT", token(nil)),
		"another audience": set("aud", "x"), "two audiences": set("aud", []string{"strongroom", "x"}), "no audience": without("aud"), "a number": set("aud", 1),
		"another issuer": set("iss", "x"), "no issuer": without("iss"),
		"no time": without("iat"), "no end": without("exp"), "over": set("exp", now.Add(-2*time.Minute).Unix()), "of tomorrow": set("iat", now.Add(time.Hour).Unix()),
		"good for a year": set("exp", now.AddDate(1, 0, 0).Unix()), "good for ever": set("exp", 1e300), "not yet": set("nbf", now.Add(time.Hour).Unix()), "before time": set("iat", -1),
		"no id": without("jti"), "an id of a kilobyte": set("jti", strings.Repeat("x", 1024)), "nobody": without("sub"), "an empty name": set("sub", ""),
		"a megabyte": strings.Repeat("A", 1<<20), "a header of JSON form": `{"payload":"e30","signatures":[]}`,
	} {
		if c, err := travel(t, w, raw); !fault.Is(err, fault.Unauthorized) || c.Subject != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// FuzzReturn: no token makes the reader fail, and none that is not signed is believed.
func FuzzReturn(f *testing.F) {
	f.Add(hs(token(nil)) + "x")
	f.Add("e30.e30.e30")
	w := open(f, nil, strings.Repeat("another ", 5))
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := w.Return(t.Context(), method.Trip{Callback: callback, State: []byte(secret)}, url.Values{"state": {secret}, "jwt": {raw}})
		if !fault.Is(err, fault.Unauthorized) || c.Subject != "" {
			t.Errorf("%q: %+v, %v", raw, c, err)
		}
	})
}
