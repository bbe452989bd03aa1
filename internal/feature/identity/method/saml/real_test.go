package saml_test

import (
	"crypto/fips140"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/saml"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

// surf leaves by a way and comes back, as somebody at a real provider does.
func surf(t *testing.T, s *providertest.Surfer, to method.Away) url.Values {
	t.Helper()
	at, form := s.Go(t, to.To, to.Form, home)
	if at.String() != callback || form == nil {
		t.Fatalf("the provider sends the browser to %s", at)
	}
	return form
}

// come signs somebody in.
func come(t *testing.T, w *saml.Way, s *providertest.Surfer) method.Claim {
	t.Helper()
	to, state, err := w.Start(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Return(t.Context(), method.Trip{Callback: callback, State: state}, surf(t, s, to))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// published gives what a way says of itself.
func published(t *testing.T, w *saml.Way) []byte {
	t.Helper()
	_, raw, err := w.Document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestSimpleSAMLphp: set up by metadata alone, with signed requests, and with
// everything encrypted.
func TestSimpleSAMLphp(t *testing.T) {
	p, k := providertest.StartSimpleSAML(t), makePairs(t, 2)
	real := &providertest.SAML{URL: p.URL, Now: time.Now}
	w := k.open(t, real, map[string]string{"logout": "1", "cbc": "1"})
	p.Know(published(t, w))
	if lines, err := w.Test(t.Context()); err != nil || !strings.Contains(strings.Join(lines, " "), p.Entity) {
		t.Errorf("the test says %q, %v", lines, err)
	}
	t.Run("conformance", func(t *testing.T) {
		methodtest.RunRedirect(t, methodtest.Journey{Way: w, Callback: callback, Go: func(t *testing.T, to method.Away, other bool) url.Values {
			return surf(t, p.Visit(other), to)
		}})
	})
	t.Run("claims", func(t *testing.T) {
		c := come(t, w, p.Visit(false))
		if !strings.HasSuffix(c.Subject, ":persistent u-1") || c.Email != "alice@example.com" || c.FirstName != "Alice" || c.LastName != "Ångström" || strings.Join(c.Groups, "|") != "technicians|staff & co" {
			t.Errorf("the claim: %+v", c)
		}
	})
	t.Run("encrypted", func(t *testing.T) {
		if fips140.Enforced() {
			t.Skip("it wraps keys with SHA-1, which FIPS 140-3 refuses")
		}
		p.Set(`'assertion.encryption' => true, 'nameid.encryption' => true, 'saml20.sign.response' => true`)
		if c := come(t, w, p.Visit(true)); !strings.HasSuffix(c.Subject, ":persistent u-2") || c.LastName != "O'Neil <b>" {
			t.Errorf("the claim: %+v", c)
		}
		strict := k.open(t, real, nil) // CBC is all that it knows
		to, state, err := strict.Start(t.Context(), callback)
		if err != nil {
			t.Fatal(err)
		}
		said := surf(t, p.Visit(false), to)
		if decode(t, said.Get("SAMLResponse")).FindElement("./EncryptedAssertion") == nil {
			t.Fatal("the provider does not encrypt")
		}
		c, err := strict.Return(t.Context(), method.Trip{Callback: callback, State: state}, said)
		nobody(t, c, err, "AES-CBC")
		p.Set("")
	})
	t.Run("encrypted with AES-GCM, by its library", func(t *testing.T) {
		if fips140.Enforced() {
			t.Skip("it wraps keys with SHA-1, which FIPS 140-3 refuses")
		}
		q := providertest.NewSAML(t, time.Now)
		q.Lie(func(q *providertest.SAML) {
			q.Sign = func(r *etree.Element) {
				q.SignIn(r.FindElement("./saml:Assertion"))
				providertest.Sealing{By: p.Encrypt(k.certs[1])}.Seal(r.FindElement("./saml:Assertion"))
			}
		})
		if c, err := travel(t, k.open(t, q, nil), q); err != nil || !strings.HasSuffix(c.Subject, " u-1") {
			t.Errorf("%+v, %v", c, err)
		}
	})
	t.Run("begun there", func(t *testing.T) {
		s := p.Visit(false)
		at, form := s.Go(t, p.Begins+url.QueryEscape(home+"/metadata"), nil, home)
		if at.String() != callback {
			t.Fatalf("the provider sends the browser to %s", at)
		}
		if c, err := w.Unasked(t.Context(), callback, form); !fault.Is(err, fault.Invalid) || c.Subject != "" {
			t.Errorf("where it is not allowed: %+v, %v", c, err)
		}
		if c, err := k.open(t, real, map[string]string{"unasked": "1"}).Unasked(t.Context(), callback, form); err != nil || !strings.HasSuffix(c.Subject, " u-1") {
			t.Errorf("where it is allowed: %+v, %v", c, err)
		}
	})
	t.Run("logout", func(t *testing.T) { partings(t, w, p.Visit(false), p.SignsOut) })
	t.Run("requests of nobody's key", func(t *testing.T) {
		other := makePairs(t, 1).open(t, real, nil)
		to, _, err := other.Start(t.Context(), callback)
		if err != nil {
			t.Fatal(err)
		}
		if p.Visit(false).Signed(t, to.To, p.Entity[:strings.LastIndex(p.Entity, "/")]+"/simplesaml/module.php/core/loginuserpass.php") {
			t.Error("the provider takes a request that another key signed: it does not look at signatures")
		}
	})
}

// partings tries both ways to sign out at a real provider.
func partings(t *testing.T, w *saml.Way, s *providertest.Surfer, signsOut string) {
	t.Helper()
	c := come(t, w, s)
	to, err := w.Leave(t.Context(), c.Leave)
	if err != nil {
		t.Fatal(err)
	}
	told := func(to string, form url.Values) method.Told {
		t.Helper()
		at, form := s.Go(t, to, form, home)
		if !strings.HasPrefix(at.String(), logout) {
			t.Fatalf("the provider sends the browser to %s", at)
		}
		m := method.Message{Query: at.RawQuery, Form: form}
		out, err := w.Told(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := told(to.To, to.Form); got.Ended != nil || got.Partly {
		t.Errorf("the provider's answer: %+v", got)
	}
	c = come(t, w, s)
	wish := told(signsOut, nil)
	if wish.Ended == nil || wish.Ended.Subject != c.Subject || len(wish.Ended.Sessions) != 1 || wish.Ended.Sessions[0] != c.Session {
		t.Fatalf("the provider's wish: %+v, and the session is %+v", wish, c)
	}
	answer, err := w.Answer(t.Context(), wish, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Told(t.Context(), method.Message{Query: answer.To[strings.Index(answer.To, "?")+1:]}); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("our own answer, sent back to us: %v", err)
	}
}
