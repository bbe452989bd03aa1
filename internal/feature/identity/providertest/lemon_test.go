package providertest_test

import (
	"context"
	"crypto/fips140"
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/oidc"
	"strongroom/internal/feature/identity/method/openid"
	"strongroom/internal/feature/identity/method/saml"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

// home is where a way's pages are.
func home(way string) string { return "https://strongroom.example.com/ways/demo/" + way }

// lemons are ways to one LemonLDAP::NG.
type lemons struct {
	*providertest.Lemon
	private, public string // of the ways' key
}

func (l *lemons) setup(way string, values map[string]string) method.Setup {
	return method.Setup{Tenant: "demo", Home: home(way), Values: values, Now: time.Now, Pairs: []method.Pair{{Name: "pair_1", Public: l.public}},
		Dialer: &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		Secret: func(context.Context, string) (string, error) { return l.private, nil }}
}

func (l *lemons) saml(t *testing.T, portal, way string) *saml.Way {
	t.Helper()
	w, err := saml.Kind().Open(l.setup(way, map[string]string{"metadata_url": portal + "/saml/metadata/idp", "logout": "1", "cbc": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	return w.(*saml.Way)
}

// start starts the provider, which is told of the ways by their metadata.
func start(t *testing.T) *lemons {
	t.Helper()
	key, cert := providertest.Certificate(t, time.Now())
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	l := &lemons{private: base64.StdEncoding.EncodeToString(raw), public: base64.StdEncoding.EncodeToString(cert.Raw)}
	l.Lemon = providertest.StartLemon(t, func(portal string) map[string]providertest.LemonSP {
		out := map[string]providertest.LemonSP{}
		for way, encrypt := range map[string]string{"7": "none", "8": "assertion", "9": "nameid"} {
			_, doc, err := l.saml(t, portal, way).Document(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			out["way"+way] = providertest.LemonSP{Document: doc, Encrypt: encrypt}
		}
		out["way6"] = providertest.LemonSP{Return: home("6") + "/return"}
		return out
	})
	return l
}

// TestLemonLDAP: both protocols at one provider.
func TestLemonLDAP(t *testing.T) {
	l := start(t)
	surf := func(t *testing.T, s *providertest.Surfer, way string, to method.Away) url.Values {
		t.Helper()
		at, form := s.Go(t, to.To, to.Form, home(way))
		if form == nil {
			form = at.Query()
		}
		return form
	}
	come := func(t *testing.T, s *providertest.Surfer, way string, w method.Redirect) method.Claim {
		t.Helper()
		to, state, err := w.Start(t.Context(), home(way)+"/return")
		if err != nil {
			t.Fatal(err)
		}
		if way == "5" {
			to = agreed(to)
		}
		c, err := w.Return(t.Context(), method.Trip{Callback: home(way) + "/return", State: state}, surf(t, s, way, to))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Run("SAML", func(t *testing.T) {
		w := l.saml(t, l.URL, "7")
		if lines, err := w.Test(t.Context()); err != nil || len(lines) < 3 {
			t.Errorf("the test says %q, %v", lines, err)
		}
		methodtest.RunRedirect(t, methodtest.Journey{Way: w, Callback: home("7") + "/return", Go: func(t *testing.T, to method.Away, other bool) url.Values {
			return surf(t, l.Visit(other), "7", to)
		}})
	})
	for way, what := range map[string]string{"8": "the assertion", "9": "the name"} {
		t.Run(what+" is encrypted", func(t *testing.T) {
			if fips140.Enforced() {
				t.Skip("it wraps keys with SHA-1, which FIPS 140-3 refuses")
			}
			if c := come(t, l.Visit(false), way, l.saml(t, l.URL, way)); !strings.Contains(c.Subject, ":persistent _") || c.Email != "dwho@badwolf.org" {
				t.Errorf("the claim: %+v", c)
			}
		})
	}
	t.Run("logout", func(t *testing.T) {
		w, s := l.saml(t, l.URL, "7"), l.Visit(false)
		to, err := w.Leave(t.Context(), come(t, s, "7", w).Leave)
		if err != nil {
			t.Fatal(err)
		}
		at, form := s.Go(t, to.To, to.Form, home("7"))
		told, err := w.Told(t.Context(), method.Message{Query: at.RawQuery, Form: form})
		if err != nil || told.Ended != nil || told.Partly || !strings.HasPrefix(at.String(), home("7")+"/logout") {
			t.Errorf("it answers %+v at %s: %v", told, at, err)
		}
	})
	t.Run("OpenID Connect", func(t *testing.T) {
		open := func(secret string) method.Redirect {
			set := l.setup("6", map[string]string{"issuer": l.URL, "client_id": providertest.Client, "scopes": "openid profile email", "email": "email", "groups": "groups"})
			set.Secret = func(context.Context, string) (string, error) { return secret, nil }
			m, err := oidc.Kind().Open(set)
			if err != nil {
				t.Fatal(err)
			}
			return m.(*oidc.Way)
		}
		w := open(providertest.Secret)
		if lines, err := w.(*oidc.Way).Test(t.Context()); err != nil || len(lines) < 3 {
			t.Errorf("the test says %q, %v", lines, err)
		}
		if _, err := open("wrong").(*oidc.Way).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "client id and secret") {
			t.Errorf("with a wrong secret the test says %v", err)
		}
		methodtest.RunRedirect(t, methodtest.Journey{Way: w, Callback: home("6") + "/return", Go: func(t *testing.T, to method.Away, other bool) url.Values {
			return surf(t, l.Visit(other), "6", to)
		}})
	})
	t.Run("OpenID 2.0", func(t *testing.T) {
		m, err := openid.Kind().Open(l.setup("5", map[string]string{"provider": l.URL + "/openidserver/", "names": l.URL + "/openidserver/"}))
		if err != nil {
			t.Fatal(err)
		}
		w := m.(*openid.Way)
		if lines, err := w.Test(t.Context()); err != nil || !strings.Contains(lines[0], "/openidserver/") {
			t.Errorf("the test says %q, %v", lines, err)
		}
		if c := come(t, l.Visit(false), "5", w); c.Subject != l.URL+"/openidserver/dwho" {
			t.Errorf("the claim: %+v", c)
		}
		methodtest.RunRedirect(t, methodtest.Journey{Way: w, Callback: home("5") + "/return", Go: func(t *testing.T, to method.Away, other bool) url.Values {
			return surf(t, l.Visit(other), "5", agreed(to))
		}})
	})
}

// agreed is a request of OpenID 2.0 with the person's consent. LemonLDAP::NG 2.16 asks for
// it on a page whose form cannot be sent: it holds what its own address holds already, and
// what comes twice makes the portal die ("Unknown options" in Issuer/OpenID.pm). The form
// for the consent of OpenID Connect can be, and is.
func agreed(to method.Away) method.Away { return method.Away{To: to.To + "&confirm=1"} }
