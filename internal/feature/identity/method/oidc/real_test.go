package oidc_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

// roam follows redirects as a browser does, until one leads to the callback.
func roam(t *testing.T, to string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back url.Values
	c := http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback+"?") {
			back = r.URL.Query()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := c.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if back == nil {
		t.Fatalf("the provider answers %s", resp.Status)
	}
	return back
}

// TestRealProvider signs in at npm's oidc-provider, with claims in the ID token and,
// as the standard prefers, from the userinfo endpoint.
func TestRealProvider(t *testing.T) {
	for _, how := range []string{"loose", "strict"} {
		t.Run(how, func(t *testing.T) {
			issuer, next := providertest.StartOIDC(t, "", how, callback)
			w := open(t, issuer, providertest.Secret, time.Now)
			if lines, err := w.Test(t.Context()); err != nil || len(lines) < 3 {
				t.Errorf("the test button says %q, %v", lines, err)
			}
			if _, err := open(t, issuer, "wrong", time.Now).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "client id and secret") {
				t.Errorf("with a wrong secret it says %v", err)
			}
			methodtest.RunRedirect(t, methodtest.Journey{Way: w, Callback: callback, Go: func(t *testing.T, to method.Away, other bool) url.Values {
				if next("alice"); other {
					next("bob")
				}
				return roam(t, to.To)
			}})
		})
	}
}
