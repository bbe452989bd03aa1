package saml_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/saml"
	"strongroom/internal/feature/identity/providertest"
)

// pairs are key pairs of this side, as the house keeps them.
type pairs struct {
	list    []method.Pair
	certs   []*x509.Certificate
	private map[string]string
}

func makePairs(t testing.TB, n int) *pairs {
	t.Helper()
	p := &pairs{private: map[string]string{}}
	for i := range n {
		key, cert := providertest.Certificate(t, time.Now())
		raw, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		name := []string{"pair_1", "pair_2"}[i]
		p.private[name] = base64.StdEncoding.EncodeToString(raw)
		p.certs = append(p.certs, cert)
		p.list = append(p.list, method.Pair{Name: name, Public: base64.StdEncoding.EncodeToString(cert.Raw)})
	}
	return p
}

// open makes a way that has these pairs.
func (k *pairs) open(t testing.TB, p *providertest.SAML, values map[string]string) *saml.Way {
	t.Helper()
	all := map[string]string{"metadata_url": p.URL}
	for n, v := range values {
		all[n] = v
	}
	s := setup(all, p.Now)
	s.Pairs = k.list
	s.Secret = func(_ context.Context, name string) (string, error) { return k.private[name], nil }
	w, err := saml.Kind().Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return w.(*saml.Way)
}

// signedBy tells whether a query of the redirect binding is signed by a key.
func signedBy(t *testing.T, to string, cert *x509.Certificate) bool {
	t.Helper()
	over, sig, ok := strings.Cut(to[strings.Index(to, "SAMLRe"):], "&Signature=")
	if !ok {
		return false
	}
	text, err := url.QueryUnescape(sig)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(over))
	return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], raw) == nil
}

// TestSignedRequests: by redirect the query is signed, by POST the message, with the
// first of two keys; the metadata names both.
func TestSignedRequests(t *testing.T) {
	p, k := providertest.NewSAML(t, time.Now), makePairs(t, 2)
	p.Lie(func(p *providertest.SAML) {
		p.Meta = func(s string) string {
			return strings.Replace(s, "<md:IDPSSODescriptor", `<md:IDPSSODescriptor WantAuthnRequestsSigned="true"`, 1)
		}
	})
	w := k.open(t, p, nil)
	to, _, err := w.Start(t.Context(), callback)
	if err != nil || to.Form != nil || !signedBy(t, to.To, k.certs[0]) || signedBy(t, to.To, k.certs[1]) {
		t.Errorf("by redirect: %v, %v", to, err)
	}
	_, raw, err := w.Document(t.Context())
	if err != nil || !strings.Contains(string(raw), `AuthnRequestsSigned="true"`) || !strings.Contains(string(raw), home+"/logout") || strings.Contains(string(raw), "-cbc") {
		t.Errorf("the metadata: %s, %v", raw, err)
	}
	for _, use := range []string{"signing", "encryption"} {
		for _, c := range k.certs {
			if !strings.Contains(string(raw), base64.StdEncoding.EncodeToString(c.Raw)) || strings.Count(string(raw), `use="`+use+`"`) != 2 {
				t.Errorf("the metadata lacks a key for %s", use)
			}
		}
	}
	if _, _, err := open(t, p, nil).Start(t.Context(), callback); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "signed requests only") {
		t.Errorf("without a key: %v", err)
	}
	p.Lie(func(p *providertest.SAML) {
		p.Meta = func(s string) string {
			return strings.ReplaceAll(s, `bindings:HTTP-Redirect" Location`, `bindings:HTTP-POST" Location`)
		}
	})
	if to, _, err = k.open(t, p, nil).Start(t.Context(), callback); err != nil || to.To != p.Entity+"/sso?a=1" {
		t.Fatalf("by POST: %v, %v", to, err)
	}
	sent, err := base64.StdEncoding.DecodeString(to.Form.Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(sent); err != nil {
		t.Fatal(err)
	}
	v := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{k.certs[0]}})
	if _, err := v.Validate(doc.Root()); err != nil || doc.Root().ChildElements()[1].Tag != "Signature" {
		t.Errorf("the message is not signed where the schema has it: %v\n%s", err, sent)
	}
	if lines, err := w.Test(t.Context()); err != nil || !strings.Contains(strings.Join(lines, " "), "two keys") {
		t.Errorf("the test says %q, %v", lines, err)
	}
}

// TestEncrypted: what is encrypted to any key of this side is opened, with the
// signature within, around it or both.
func TestEncrypted(t *testing.T) {
	p, k := providertest.NewSAML(t, time.Now), makePairs(t, 2)
	gcm, cbc := k.open(t, p, nil), k.open(t, p, map[string]string{"cbc": "1"})
	around := func(r *etree.Element, s providertest.Sealing) {
		s.Seal(r.FindElement("./saml:Assertion"))
		p.SignIn(r)
	}
	inside := func(r *etree.Element, s providertest.Sealing) {
		p.SignIn(r.FindElement("./saml:Assertion"))
		s.Seal(r.FindElement("./saml:Assertion"))
	}
	spoilt := func(how func([]byte) []byte) func(*etree.Element, providertest.Sealing) {
		return func(r *etree.Element, s providertest.Sealing) {
			s.Seal(r.FindElement("./saml:Assertion"))
			e := r.FindElement("//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue")
			b, err := base64.StdEncoding.DecodeString(e.Text())
			if err != nil {
				t.Fatal(err)
			}
			e.SetText(base64.StdEncoding.EncodeToString(how(b)))
			p.SignIn(r)
		}
	}
	for name, x := range map[string]struct {
		w    *saml.Way
		how  providertest.Sealing
		sign func(*etree.Element, providertest.Sealing)
		word string // of the refusal; none when it is taken
	}{
		"to the first key":           {gcm, providertest.Sealing{To: k.certs[0]}, inside, ""},
		"to the second key":          {gcm, providertest.Sealing{To: k.certs[1]}, inside, ""},
		"the key beside it":          {gcm, providertest.Sealing{To: k.certs[0], Beside: true, Cipher: "aes128-gcm"}, inside, ""},
		"a key wrapped with SHA-256": {gcm, providertest.Sealing{To: k.certs[0], Wrap: "rsa-oaep"}, inside, ""},
		"signed around it":           {gcm, providertest.Sealing{To: k.certs[0]}, around, ""},
		"signed twice":               {gcm, providertest.Sealing{To: k.certs[0]}, func(r *etree.Element, s providertest.Sealing) { inside(r, s); p.SignIn(r) }, ""},
		"CBC, signed":                {cbc, providertest.Sealing{To: k.certs[0], Cipher: "aes256-cbc"}, around, ""},
		"CBC where it is not taken":  {gcm, providertest.Sealing{To: k.certs[0], Cipher: "aes256-cbc"}, around, "AES-CBC"},
		"CBC, not signed around it":  {cbc, providertest.Sealing{To: k.certs[0], Cipher: "aes128-cbc"}, inside, "not signed"},
		"RSA with the old padding":   {gcm, providertest.Sealing{To: k.certs[0], Wrap: "rsa-1_5"}, inside, "RSA-OAEP"},
		"to somebody else":           {gcm, providertest.Sealing{To: p.Cert}, inside, "cannot be opened"},
		"nobody signed":              {gcm, providertest.Sealing{To: k.certs[0]}, func(r *etree.Element, s providertest.Sealing) { s.Seal(r.FindElement("./saml:Assertion")) }, "not signed"},
		"signed after encryption, by nobody's key": {gcm, providertest.Sealing{To: k.certs[0]}, func(r *etree.Element, s providertest.Sealing) {
			s.Seal(r.FindElement("./saml:Assertion"))
			other, cert := providertest.Certificate(t, time.Now())
			providertest.SignWith(r, other, cert, "")
		}, "signature does not hold"},
		"signed within by our own published key": {gcm, providertest.Sealing{To: k.certs[0]}, func(r *etree.Element, s providertest.Sealing) {
			raw, _ := base64.StdEncoding.DecodeString(k.private["pair_1"])
			own, _ := x509.ParsePKCS8PrivateKey(raw)
			providertest.SignWith(r.FindElement("./saml:Assertion"), own.(*rsa.PrivateKey), k.certs[0], "")
			s.Seal(r.FindElement("./saml:Assertion"))
		}, "signature of its assertion"},
		"a good one around, a bad one within": {gcm, providertest.Sealing{To: k.certs[0], Text: func(b []byte) []byte { return []byte(strings.Replace(string(b), "u-1<", "admin<", 1)) }}, func(r *etree.Element, s providertest.Sealing) {
			inside(r, s)
			p.SignIn(r)
		}, "signature of its assertion"},
		"a name changed within": {gcm, providertest.Sealing{To: k.certs[0], Text: func(b []byte) []byte { return []byte(strings.Replace(string(b), "u-1<", "admin<", 1)) }}, inside, "signature of its assertion"},
		"a comment within":      {gcm, providertest.Sealing{To: k.certs[0], Text: func(b []byte) []byte { return []byte(strings.Replace(string(b), "u-1<", "u-1<!-- x -->.evil<", 1)) }}, inside, "comment"},
		"a DOCTYPE within": {gcm, providertest.Sealing{To: k.certs[0], Text: func(b []byte) []byte {
			return append([]byte(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`), b...)
		}}, inside, "DOCTYPE"},
		"an ID within and around": {gcm, providertest.Sealing{To: k.certs[0]}, func(r *etree.Element, s providertest.Sealing) {
			s.Text = func(b []byte) []byte {
				return []byte(strings.Replace(string(b), r.FindElement("./saml:Assertion").SelectAttrValue("ID", ""), r.SelectAttrValue("ID", ""), 1))
			}
			around(r, s)
		}, "twice"},
		"an assertion in the assertion": {gcm, providertest.Sealing{To: k.certs[0]}, func(r *etree.Element, s providertest.Sealing) {
			add("./saml:Assertion", `<saml:Advice><saml:Assertion ID="_e"/></saml:Advice>`)(r)
			inside(r, s)
		}, "one assertion"},
		"CBC with a padding that is none": {cbc, providertest.Sealing{To: k.certs[0], Cipher: "aes256-cbc"}, spoilt(func(b []byte) []byte { b[len(b)-17] ^= 0x80; return b }), "cannot be opened"},
		"CBC of half a block":             {cbc, providertest.Sealing{To: k.certs[0], Cipher: "aes256-cbc"}, spoilt(func(b []byte) []byte { return b[:40] }), "cannot be opened"},
		"CBC of nothing":                  {cbc, providertest.Sealing{To: k.certs[0], Cipher: "aes256-cbc"}, spoilt(func(b []byte) []byte { return b[:16] }), "cannot be opened"},
		"two within":                      {gcm, providertest.Sealing{To: k.certs[0], Text: func(b []byte) []byte { return append(b, b...) }}, inside, "not sound"},
		"nothing within":                  {gcm, providertest.Sealing{To: k.certs[0], Text: func([]byte) []byte { return nil }}, inside, "cannot be opened"},
		"a Response within": {gcm, providertest.Sealing{To: k.certs[0], Text: func([]byte) []byte {
			return []byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`)
		}}, inside, "something else"},
		"names without what they stand for": {gcm, providertest.Sealing{To: k.certs[0], Text: func(b []byte) []byte {
			return []byte(strings.Replace(string(b), ` xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`, "", 1))
		}}, inside, "something else"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Lie(func(p *providertest.SAML) { p.Sign = func(r *etree.Element) { x.sign(r, x.how) } })
			c, err := travel(t, x.w, p)
			if x.word != "" {
				nobody(t, c, err, x.word)
			} else if err != nil || !strings.HasSuffix(c.Subject, " u-1") {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	p.Lie(func(p *providertest.SAML) {
		p.Before = func(r *etree.Element) { providertest.Sealing{To: k.certs[0]}.Seal(r.FindElement("//saml:NameID")) }
	})
	if c, err := travel(t, gcm, p); err != nil || !strings.HasSuffix(c.Subject, " u-1") {
		t.Errorf("a name that is encrypted: %+v, %v", c, err)
	}
	// What comes of a key that does not fit looks, with AES-CBC, like something once in
	// sixteen times: it is never taken for what the other key opens.
	p.Lie(func(p *providertest.SAML) {
		p.Before = nil
		p.Sign = func(r *etree.Element) { around(r, providertest.Sealing{To: k.certs[1], Cipher: "aes256-cbc"}) }
	})
	for range 60 {
		if c, err := travel(t, cbc, p); err != nil || !strings.HasSuffix(c.Subject, " u-1") {
			t.Fatalf("CBC to the second key: %+v, %v", c, err)
		}
	}
}

// TestAlteredCiphertext: whatever is altered of what is encrypted, it is refused in
// the same words, so that the words tell nothing of the text.
func TestAlteredCiphertext(t *testing.T) {
	p, k := providertest.NewSAML(t, time.Now), makePairs(t, 1)
	w := k.open(t, p, map[string]string{"cbc": "1"})
	inside := func(how string) func(*etree.Element) {
		return func(r *etree.Element) {
			p.SignIn(r.FindElement("./saml:Assertion"))
			providertest.Sealing{To: k.certs[0], Cipher: how}.Seal(r.FindElement("./saml:Assertion"))
		}
	}
	value := func(path string, change func([]byte) []byte) func(*etree.Element) {
		return func(r *etree.Element) {
			e := r.FindElement(path)
			b, err := base64.StdEncoding.DecodeString(e.Text())
			if err != nil {
				panic(err)
			}
			e.SetText(base64.StdEncoding.EncodeToString(change(b)))
		}
	}
	const text, key = "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue", "//xenc:EncryptedKey/xenc:CipherData/xenc:CipherValue"
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
	}
	for name, alter := range map[string]func(*etree.Element){
		"the text":       value(text, flip(40)),
		"its end":        value(text, flip(-1)),
		"its nonce":      value(text, flip(0)),
		"shorter":        value(text, func(b []byte) []byte { return b[:len(b)-16] }),
		"very short":     value(text, func(b []byte) []byte { return b[:5] }),
		"no text":        value(text, func([]byte) []byte { return nil }),
		"the key":        value(key, flip(40)),
		"its first byte": value(key, flip(0)),
		"a short key":    value(key, func(b []byte) []byte { return b[:100] }),
		"zeros as key":   value(key, func(b []byte) []byte { return make([]byte, len(b)) }),
		"a large key":    value(key, func(b []byte) []byte { return append(b, b...) }),
	} {
		t.Run(name, func(t *testing.T) {
			p.Lie(func(p *providertest.SAML) { p.Sign, p.After = inside("aes256-gcm"), alter })
			c, err := travel(t, w, p)
			nobody(t, c, err, "The provider's answer was refused: what is encrypted in it cannot be opened with the key of this way.")
		})
	}
	for name, x := range map[string]struct {
		alter func(*etree.Element)
		word  string
	}{
		"GCM called CBC": {func(r *etree.Element) {
			r.FindElement("//xenc:EncryptedData/xenc:EncryptionMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#aes256-cbc")
		}, "not signed"},
		"another length of key": {func(r *etree.Element) {
			r.FindElement("//xenc:EncryptedData/xenc:EncryptionMethod").CreateAttr("Algorithm", "http://www.w3.org/2009/xmlenc11#aes128-gcm")
		}, "cannot be opened"},
		"an unknown algorithm": {func(r *etree.Element) {
			r.FindElement("//xenc:EncryptedData/xenc:EncryptionMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
		}, "AES-GCM is"},
		"a reference to elsewhere": {func(r *etree.Element) {
			d := r.FindElement("//xenc:EncryptedData/xenc:CipherData")
			d.RemoveChild(d.ChildElements()[0])
			d.CreateElement("xenc:CipherReference").CreateAttr("URI", "http://127.0.0.1/x")
		}, "form"},
		"two keys": {func(r *etree.Element) {
			e := r.FindElement("//xenc:EncryptedKey")
			e.Parent().AddChild(e.Copy())
		}, "form"},
		"two texts": {func(r *etree.Element) {
			e := r.FindElement("//xenc:EncryptedData")
			e.Parent().AddChild(e.Copy())
		}, "form"},
		"a label": {func(r *etree.Element) {
			r.FindElement("//xenc:EncryptedKey/xenc:EncryptionMethod").CreateElement("xenc:OAEPparams").SetText("YQ==")
		}, "form"},
		"an evil one beside it": {func(r *etree.Element) {
			a := etree.NewElement("saml:Assertion")
			a.CreateAttr("ID", "_evil")
			r.AddChild(a)
		}, "one assertion"},
		"twice": {func(r *etree.Element) { r.AddChild(r.FindElement("//saml:EncryptedAssertion").Copy()) }, "one assertion"},
		"an evil one in its key": {func(r *etree.Element) {
			a := etree.NewElement("saml:Assertion")
			a.CreateAttr("ID", "_evil")
			r.FindElement("//ds:KeyInfo").AddChild(a)
		}, "one assertion"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Lie(func(p *providertest.SAML) { p.Sign, p.After = inside("aes256-gcm"), x.alter })
			c, err := travel(t, w, p)
			nobody(t, c, err, x.word)
		})
	}
	p.Lie(func(p *providertest.SAML) { p.Sign = inside("aes256-gcm") })
	c, err := travel(t, open(t, p, nil), p)
	nobody(t, c, err, "has no key")
}

// TestMakePair: what the sort of way makes is what a way can use.
func TestMakePair(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	private, public, err := saml.Kind().Pair(setup(nil, time.Now))
	if err != nil {
		t.Fatal(err)
	}
	k := &pairs{list: []method.Pair{{Name: "pair_1", Public: public}}, private: map[string]string{"pair_1": private}}
	if to, _, err := k.open(t, p, nil).Start(t.Context(), callback); err != nil || !strings.Contains(to.To, "&Signature=") {
		t.Errorf("%v, %v", to, err)
	}
	k.private["pair_1"] = makePairs(t, 1).private["pair_1"]
	if _, _, err := k.open(t, p, nil).Start(t.Context(), callback); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a key that does not belong to its certificate: %v", err)
	}
}
