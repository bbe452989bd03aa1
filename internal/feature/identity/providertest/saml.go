package providertest

import (
	"compress/flate"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// SAML is a SAML 2.0 provider that signs whatever it is told. It answers in memory:
// Answer takes a request and gives the form that the browser then posts.
type SAML struct {
	Entity string
	URL    string // of its metadata, below its own address
	Key    *rsa.PrivateKey
	Cert   *x509.Certificate
	Now    func() time.Time
	Person Person

	// What it is told, each may be nil: Before changes the answer before it is
	// signed, Sign says what is signed instead of the assertion, After changes what
	// was signed, Raw the bytes that are sent.
	Before func(response *etree.Element)
	Sign   func(response *etree.Element)
	After  func(response *etree.Element)
	Raw    func([]byte) []byte
	Meta   func(string) string

	mu sync.Mutex
}

// NewSAML opens a provider that ends with the test.
func NewSAML(t testing.TB, now func() time.Time) *SAML {
	t.Helper()
	p := &SAML{Now: now, Person: Person{Subject: "u-1", Email: "alice@example.com", Given: "Alice", Family: "Ångström"}}
	p.Renew(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		_, _ = io.WriteString(w, p.metadata())
	}))
	t.Cleanup(s.Close)
	p.URL, p.Entity = s.URL+"/metadata", s.URL+"/idp"
	return p
}

// Renew gives the provider a new key.
func (p *SAML) Renew(t testing.TB) {
	t.Helper()
	key, cert := Certificate(t, p.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Key, p.Cert = key, cert
}

// Certificate makes an RSA key with a certificate of its own, valid for a year.
func Certificate(t testing.TB, now time.Time) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "provider"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// Metadata is what the provider says of itself.
func (p *SAML) Metadata() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.metadata()
}

func (p *SAML) metadata() string {
	m := `<?xml version="1.0"?><!-- of a test --><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="` + p.Entity + `"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
		KeyDescriptor(p.Cert) +
		`<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + p.Entity + `/logout"/>` +
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + p.Entity + `/sso?a=1"/></md:IDPSSODescriptor></md:EntityDescriptor>`
	if p.Meta != nil {
		m = p.Meta(m)
	}
	return m
}

// KeyDescriptor is a key of metadata.
func KeyDescriptor(c *x509.Certificate) string {
	return `<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(c.Raw) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
}

// Lie changes what the provider is told.
func (p *SAML) Lie(how func(*SAML)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Before, p.Sign, p.After, p.Raw, p.Meta = nil, nil, nil, nil, nil
	if how != nil {
		how(p)
	}
}

// Request reads the message in the query of an address.
func Request(t testing.TB, to string) *etree.Element {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	text := u.Query().Get("SAMLRequest") + u.Query().Get("SAMLResponse")
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(flate.NewReader(strings.NewReader(string(packed))))
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
		t.Fatalf("%s is no message: %v", raw, err)
	}
	return doc.Root()
}

func fresh() string {
	b := make([]byte, 16)
	rand.Read(b)
	return "_" + hex.EncodeToString(b)
}

// Answer answers the request in an address, and gives the form that the browser
// posts.
func (p *SAML) Answer(t testing.TB, to string) url.Values {
	t.Helper()
	r := Request(t, to)
	return p.Post(t, r.SelectAttrValue("AssertionConsumerServiceURL", ""), r.FindElement("./Issuer").Text(), r.SelectAttrValue("ID", ""))
}

// Post is an answer to a request, or to none.
func (p *SAML) Post(t testing.TB, acs, audience, request string) url.Values {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(p.response(acs, audience, request)); err != nil {
		t.Fatal(err)
	}
	e := doc.Root()
	if p.Before != nil {
		p.Before(e)
	}
	if p.Sign != nil {
		p.Sign(e)
	} else {
		p.SignIn(e.FindElement("./saml:Assertion"))
	}
	if p.After != nil {
		p.After(e)
	}
	raw, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	if p.Raw != nil {
		raw = p.Raw(raw)
	}
	return url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(raw)}}
}

// response is a good answer, not signed yet.
func (p *SAML) response(acs, audience, request string) string {
	at := func(d time.Duration) string { return p.Now().Add(d).UTC().Format(time.RFC3339) }
	in := ""
	if request != "" {
		in = ` InResponseTo="` + request + `"`
	}
	attribute := func(name string, values ...string) string {
		s := ""
		for _, v := range values {
			s += `<saml:AttributeValue xsi:type="xs:string">` + v + `</saml:AttributeValue>`
		}
		return `<saml:Attribute Name="` + name + `">` + s + `</saml:Attribute>`
	}
	return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="` + fresh() + `" Version="2.0" IssueInstant="` + at(0) + `" Destination="` + acs + `"` + in + `>` +
		`<saml:Issuer>` + p.Entity + `</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
		`<saml:Assertion xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="` + fresh() + `" Version="2.0" IssueInstant="` + at(0) + `"><saml:Issuer>` + p.Entity + `</saml:Issuer>` +
		`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">` + p.Person.Subject + `</saml:NameID>` +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="` + at(5*time.Minute) + `" Recipient="` + acs + `"` + in + `/></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="` + at(-time.Minute) + `" NotOnOrAfter="` + at(5*time.Minute) + `"><saml:AudienceRestriction><saml:Audience>` + audience + `</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
		`<saml:AuthnStatement AuthnInstant="` + at(0) + `" SessionIndex="s-` + p.Person.Subject + `"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
		`<saml:AttributeStatement>` + attribute("mail", p.Person.Email) + attribute("givenName", p.Person.Given) + attribute("sn", p.Person.Family) + attribute("groups", p.Person.Groups...) + `</saml:AttributeStatement>` +
		`</saml:Assertion></samlp:Response>`
}

// SignIn puts the provider's signature into an element, where the schema has it.
func (p *SAML) SignIn(e *etree.Element) { SignWith(e, p.Key, p.Cert, "") }

// SignWith signs an element with any key, by a method of XML Signature; "" is RSA
// with SHA-256.
func SignWith(e *etree.Element, key *rsa.PrivateKey, cert *x509.Certificate, how string) {
	ctx, err := dsig.NewSigningContext(key, [][]byte{cert.Raw})
	if err != nil {
		panic(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if how != "" {
		if err := ctx.SetSignatureMethod(how); err != nil {
			panic(err)
		}
	}
	around, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		panic(err)
	}
	alone, err := etreeutils.NSDetatch(around, e)
	if err != nil {
		panic(err)
	}
	var sig *etree.Element
	fips140.WithoutEnforcement(func() { sig, err = ctx.ConstructSignature(alone, true) }) // tests sign with what is refused, too
	if err != nil {
		panic(err)
	}
	at := 0
	if i := e.FindElement("./saml:Issuer"); i != nil {
		at = i.Index() + 1
	}
	e.InsertChildAt(at, sig)
}
