package saml_test

import (
	"context"
	"encoding/base64"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/saml"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

const (
	home     = "https://strongroom.example.com/ways/demo/7"
	callback = home + "/return"
)

func setup(values map[string]string, now func() time.Time) method.Setup {
	return method.Setup{Tenant: "demo", Home: home, Values: values, Now: now,
		Dialer: &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		Secret: func(context.Context, string) (string, error) { return "", nil }}
}

// open makes a way to a provider; values may add settings.
func open(t testing.TB, p *providertest.SAML, values map[string]string) *saml.Way {
	t.Helper()
	all := map[string]string{"metadata_url": p.URL}
	for k, v := range values {
		all[k] = v
	}
	w, err := saml.Kind().Open(setup(all, p.Now))
	if err != nil {
		t.Fatal(err)
	}
	return w.(*saml.Way)
}

func start(t testing.TB, w *saml.Way) (string, method.Trip) {
	t.Helper()
	to, state, err := w.Start(t.Context(), callback)
	if err != nil {
		t.Fatal(err)
	}
	return to.To, method.Trip{Callback: callback, State: state}
}

func travel(t testing.TB, w *saml.Way, p *providertest.SAML) (method.Claim, error) {
	t.Helper()
	to, trip := start(t, w)
	return w.Return(t.Context(), trip, p.Answer(t, to))
}

// nobody fails unless an answer was refused, and nothing is claimed.
func nobody(t testing.TB, c method.Claim, err error, word string) {
	t.Helper()
	if !fault.Is(err, fault.Unauthorized) || !reflect.ValueOf(c).IsZero() {
		t.Errorf("%+v, %v", c, err)
	} else if !strings.Contains(fault.Say(err).Text, word) {
		t.Errorf("it says %q, and not %q", fault.Say(err).Text, word)
	}
}

func TestConformance(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	methodtest.RunRedirect(t, methodtest.Journey{Way: open(t, p, nil), Callback: callback, Go: func(t *testing.T, to method.Away, other bool) url.Values {
		p.Lie(func(p *providertest.SAML) {
			p.Person.Subject = "u-1"
			if other {
				p.Person.Subject = "u-2"
			}
		})
		return p.Answer(t, to.To)
	}})
}

func TestRequest(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	to, _ := start(t, open(t, p, nil))
	if !strings.HasPrefix(to, p.Entity+"/sso?a=1&SAMLRequest=") {
		t.Errorf("it leads to %s", to)
	}
	r := providertest.Request(t, to)
	for name, want := range map[string]string{"Version": "2.0", "Destination": p.Entity + "/sso?a=1", "AssertionConsumerServiceURL": callback, "ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"} {
		if got := r.SelectAttrValue(name, ""); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
	if got := r.FindElement("./saml:Issuer").Text(); got != home+"/metadata" {
		t.Errorf("it is of %s", got)
	}
}

func TestClaim(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	p.Person = providertest.Person{Subject: "u-1", Email: "alice@example.com", Given: "Alice", Family: "Ångström", Groups: []string{"a", "b &amp; c"}}
	c, err := travel(t, open(t, p, nil), p)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(c.Subject, ":persistent u-1") || c.Email != "alice@example.com" || c.FirstName != "Alice" || c.LastName != "Ångström" || strings.Join(c.Groups, "|") != "a|b & c" || c.Level != 1 || !strings.HasSuffix(c.Session, "s-u-1") {
		t.Errorf("the claim: %+v", c)
	}
	p.Lie(func(p *providertest.SAML) {
		p.Before = func(r *etree.Element) {
			r.FindElement("//saml:NameID").CreateAttr("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
			r.FindElement("//saml:AuthnContextClassRef").SetText("https://refeds.org/profile/mfa")
		}
	})
	c, err = travel(t, open(t, p, map[string]string{"subject": "mail", "groups": "sn", "email": "givenName"}), p)
	if err != nil || c.Subject != "mail alice@example.com" || c.Email != "Alice" || strings.Join(c.Groups, " ") != "Ångström" || c.Level != 2 {
		t.Errorf("by attributes: %+v, %v", c, err)
	}
	_, err = travel(t, open(t, p, nil), p)
	nobody(t, method.Claim{}, err, "transient")
	_, err = travel(t, open(t, p, map[string]string{"subject": "uid"}), p)
	nobody(t, method.Claim{}, err, "uid")
}

// TestWhatIsSigned: the assertion, the whole answer or both are signed; and neither
// is not enough.
func TestWhatIsSigned(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	w := open(t, p, nil)
	for name, sign := range map[string]func(*etree.Element){
		"the answer": func(r *etree.Element) { p.SignIn(r) },
		"both":       func(r *etree.Element) { p.SignIn(r.FindElement("./saml:Assertion")); p.SignIn(r) },
	} {
		p.Lie(func(p *providertest.SAML) { p.Sign = sign })
		if c, err := travel(t, w, p); err != nil || !strings.HasSuffix(c.Subject, " u-1") {
			t.Errorf("%s is signed: %+v, %v", name, c, err)
		}
	}
	p.Lie(func(p *providertest.SAML) { p.Sign = func(*etree.Element) {} })
	c, err := travel(t, w, p)
	nobody(t, c, err, "not signed")
}

// TestKeys: a provider may name two keys, and whoever has none of them is nobody.
func TestKeys(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	old := p.Cert
	p.Renew(t)
	p.Lie(func(p *providertest.SAML) {
		p.Meta = func(s string) string {
			return strings.Replace(s, "<md:KeyDescriptor", providertest.KeyDescriptor(old)+"<md:KeyDescriptor", 1)
		}
	})
	w := open(t, p, nil)
	if _, err := travel(t, w, p); err != nil {
		t.Errorf("by the second of two keys: %v", err)
	}
	p.Renew(t)
	c, err := travel(t, w, p)
	nobody(t, c, err, "signature")
	if _, err := travel(t, open(t, p, nil), p); err != nil {
		t.Errorf("by a new key, with the metadata read again: %v", err)
	}
	later := open(t, &providertest.SAML{URL: p.URL, Now: func() time.Time { return time.Now().AddDate(2, 0, 0) }}, nil)
	if lines, err := later.Test(t.Context()); !fault.Is(err, fault.Unavailable) || len(lines) < 2 {
		t.Errorf("keys that are over: %q, %v", lines, err)
	}
}

func TestUnasked(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	post := func(request string) url.Values { return p.Post(t, callback, home+"/metadata", request) }
	closed, opened := open(t, p, nil), open(t, p, map[string]string{"unasked": "1"})
	if c, err := closed.Unasked(t.Context(), callback, post("")); !fault.Is(err, fault.Invalid) || c.Subject != "" {
		t.Errorf("where it is not allowed: %+v, %v", c, err)
	}
	if c, err := opened.Unasked(t.Context(), callback, post("")); err != nil || !strings.HasSuffix(c.Subject, " u-1") || c.Once == "" {
		t.Errorf("where it is allowed: %+v, %v", c, err)
	}
	to, trip := start(t, opened)
	c, err := opened.Unasked(t.Context(), callback, p.Answer(t, to))
	nobody(t, c, err, "asked") // an answer that was asked for belongs to the browser that asked
	c, err = opened.Return(t.Context(), trip, post(""))
	nobody(t, c, err, "asked") // and one that was not is no answer to it
}

func TestSettings(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	long := strings.Repeat("x", 300<<10)
	for name, x := range map[string]struct {
		values map[string]string
		field  string
	}{
		"nothing":          {nil, "metadata_url"},
		"both":             {map[string]string{"metadata_url": p.URL, "metadata": p.Metadata()}, "metadata_url"},
		"http":             {map[string]string{"metadata_url": "http://login.example.com/metadata"}, "metadata_url"},
		"script":           {map[string]string{"metadata_url": "javascript:alert(1)"}, "metadata_url"},
		"no XML":           {map[string]string{"metadata": "x"}, "metadata"},
		"too long":         {map[string]string{"metadata": long}, "metadata"},
		"no key":           {map[string]string{"metadata": strings.Replace(p.Metadata(), `use="signing"`, `use="encryption"`, 1)}, "metadata"},
		"no provider":      {map[string]string{"metadata": strings.ReplaceAll(p.Metadata(), "IDPSSODescriptor", "SPSSODescriptor")}, "metadata"},
		"a DOCTYPE":        {map[string]string{"metadata": `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + p.Metadata()}, "metadata"},
		"an http address":  {map[string]string{"metadata": strings.ReplaceAll(p.Metadata(), `Location="`+p.Entity, `Location="http://evil.example`)}, "metadata"},
		"no address":       {map[string]string{"metadata": strings.ReplaceAll(p.Metadata(), `Location="`+p.Entity, `Location="javascript:`)}, "metadata"},
		"over":             {map[string]string{"metadata": strings.Replace(p.Metadata(), `entityID=`, `validUntil="2020-01-01T00:00:00Z" entityID=`, 1)}, "metadata"},
		"a broken key":     {map[string]string{"metadata": strings.Replace(p.Metadata(), `X509Certificate>MII`, `X509Certificate>AAA`, 1)}, "metadata"},
		"nobody's":         {map[string]string{"metadata": strings.Replace(p.Metadata(), p.Entity+`">`, `">`, 1)}, "metadata"},
		"another protocol": {map[string]string{"metadata": strings.Replace(p.Metadata(), "SAML:2.0:metadata", "SAML:1.0:metadata", 1)}, "metadata"},
	} {
		w, err := saml.Kind().Open(setup(x.values, time.Now))
		if !fault.Is(err, fault.Invalid) || w != nil || fault.Say(err).Fields[x.field] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := saml.Kind().Open(setup(map[string]string{"metadata": p.Metadata()}, time.Now)); err != nil {
		t.Error(err)
	}
}

func TestAsked(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	w := open(t, p, nil)
	if lines, err := w.Test(t.Context()); err != nil || len(lines) < 3 || !strings.Contains(lines[0], p.Entity) {
		t.Errorf("%q, %v", lines, err)
	}
	w = open(t, &providertest.SAML{URL: "http://127.0.0.1:1/metadata", Now: time.Now}, nil)
	if _, err := w.Test(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody answers: %v", err)
	}
	if _, _, err := w.Start(t.Context(), callback); !fault.Is(err, fault.Unavailable) {
		t.Errorf("nobody answers: %v", err)
	}
	w = open(t, &providertest.SAML{URL: "https://10.0.0.1/metadata", Now: time.Now}, nil)
	if _, err := w.Test(t.Context()); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Say(err).Text, "may not be asked") {
		t.Errorf("an address within: %v", err)
	}
}

// TestDocument: what this server says of itself is metadata.
func TestDocument(t *testing.T) {
	p := providertest.NewSAML(t, time.Now)
	kind, raw, err := open(t, p, nil).Document(t.Context())
	if err != nil || kind != "application/samlmetadata+xml" {
		t.Fatal(kind, err)
	}
	for _, s := range []string{`entityID="` + home + `/metadata"`, `Location="` + callback + `"`, "SPSSODescriptor"} {
		if !strings.Contains(string(raw), s) {
			t.Errorf("it lacks %s:\n%s", s, raw)
		}
	}
}

func decode(t testing.TB, text string) *etree.Element {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

func encode(t testing.TB, e *etree.Element) string {
	t.Helper()
	raw, err := etree.NewDocumentWithRoot(e).WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// TestADFS: what AD FS says of itself holds much beside SAML, in a file that begins as
// files of Windows do; its two keys are read, and what it says of its own use of SAML
// is not taken for a provider.
func TestADFS(t *testing.T) {
	_, old := providertest.Certificate(t, time.Now())
	_, next := providertest.Certificate(t, time.Now())
	_, cipher := providertest.Certificate(t, time.Now())
	encryption := strings.Replace(providertest.KeyDescriptor(cipher), `use="signing"`, `use="encryption"`, 1)
	const at, posted = "https://adfs.example.com/adfs/ls/", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	both := func(name string) string {
		return `<md:` + name + ` Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + at + `"/><md:` + name + ` Binding="` + posted + `" Location="` + at + `"/>`
	}
	claims := strings.Repeat(`<auth:ClaimType Uri="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" Optional="true"><auth:DisplayName>E-Mail Address</auth:DisplayName><auth:Description>The e-mail address of the user</auth:Description></auth:ClaimType>`, 60)
	service := `<md:RoleDescriptor xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/ws-sx/ws-trust/200512" ServiceDisplayName="Example" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706">` +
		encryption + providertest.KeyDescriptor(old) + `<fed:ClaimTypesOffered>` + claims + `</fed:ClaimTypesOffered></md:RoleDescriptor>`
	text := "\ufeff" + `<?xml version="1.0" encoding="utf-8"?><md:EntityDescriptor ID="_2c1b" entityID="http://adfs.example.com/adfs/services/trust" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + service +
		`<md:SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + encryption + providertest.KeyDescriptor(old) + both("SingleLogoutService") + `<md:AssertionConsumerService Binding="` + posted + `" Location="https://elsewhere.example/" index="0" isDefault="true"/></md:SPSSODescriptor>` +
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + encryption + providertest.KeyDescriptor(old) + providertest.KeyDescriptor(next) + both("SingleLogoutService") +
		`<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>` + both("SingleSignOnService") + `<saml:Attribute Name="http://schemas.xmlsoap.org/claims/Group" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="Group" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/></md:IDPSSODescriptor></md:EntityDescriptor>`
	k := makePairs(t, 1)
	s := setup(map[string]string{"metadata": text}, time.Now)
	s.Pairs, s.Secret = k.list, func(_ context.Context, name string) (string, error) { return k.private[name], nil }
	m, err := saml.Kind().Open(s)
	if err != nil {
		t.Fatal(err)
	}
	w := m.(*saml.Way)
	to, _ := start(t, w)
	if !strings.HasPrefix(to, at+"?SAMLRequest=") || !signedBy(t, to, k.certs[0]) {
		t.Errorf("it leads to %s", to)
	}
	lines, err := w.Test(t.Context())
	if said := strings.Join(lines, " "); err != nil || !strings.Contains(said, "http://adfs.example.com/adfs/services/trust") || strings.Count(said, "signs with") != 2 || strings.Contains(said, "no address for logout") {
		t.Errorf("the test says %q, %v", lines, err)
	}
}
