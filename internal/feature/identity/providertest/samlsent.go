package providertest

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// Sealing says how an element is encrypted; empty fields are what most providers do.
type Sealing struct {
	To     *x509.Certificate
	Cipher string // the last word of its name: aes256-gcm, aes128-cbc
	Wrap   string // the last word of its name: rsa-oaep-mgf1p with SHA-1, rsa-oaep with SHA-256, rsa-1_5
	Beside bool   // the key stands beside the text instead of in its KeyInfo
	Text   func([]byte) []byte
	By     func(plain []byte) (data string) // encrypts itself, to an EncryptedData
}

// Seal puts what is encrypted in the place of an element.
func (s Sealing) Seal(e *etree.Element) {
	around, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		panic(err)
	}
	alone, err := etreeutils.NSDetatch(around, e)
	if err != nil {
		panic(err)
	}
	plain, err := etree.NewDocumentWithRoot(alone).WriteToBytes()
	if err != nil {
		panic(err)
	}
	if s.Text != nil {
		plain = s.Text(plain)
	}
	if s.Cipher == "" {
		s.Cipher = "aes256-gcm"
	}
	if s.Wrap == "" {
		s.Wrap = "rsa-oaep-mgf1p"
		if fips140.Enforced() { // which refuses SHA-1
			s.Wrap = "rsa-oaep"
		}
	}
	tag := "saml:Encrypted" + strings.TrimSuffix(e.Tag, "Name")
	if e.Tag == "NameID" {
		tag = "saml:EncryptedID"
	}
	at, parent := e.Index(), e.Parent()
	parent.RemoveChild(e)
	if s.By == nil {
		parent.InsertChildAt(at, s.element(tag, plain))
		return
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString("<" + tag + ">" + s.By(plain) + "</" + tag + ">"); err != nil {
		panic(err)
	}
	parent.InsertChildAt(at, doc.Root())
}

func (s Sealing) element(tag string, plain []byte) *etree.Element {
	key := make([]byte, map[string]int{"aes128": 16, "aes192": 24, "aes256": 32}[s.Cipher[:6]])
	rand.Read(key)
	wrapped := s.wrap(key)
	const xenc, xenc11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
	space := xenc11
	if strings.HasSuffix(s.Cipher, "-cbc") {
		space = xenc
	}
	out := etree.NewElement(tag)
	data := out.CreateElement("xenc:EncryptedData")
	data.CreateAttr("xmlns:xenc", xenc)
	data.CreateAttr("Type", xenc+"Element")
	data.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", space+s.Cipher)
	info := data.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	holder := info
	if s.Beside {
		info.CreateElement("ds:RetrievalMethod").CreateAttr("Type", xenc+"EncryptedKey")
		holder = out
	}
	k := holder.CreateElement("xenc:EncryptedKey")
	k.CreateAttr("xmlns:xenc", xenc)
	method := k.CreateElement("xenc:EncryptionMethod")
	method.CreateAttr("Algorithm", xenc+s.Wrap)
	if s.Wrap == "rsa-oaep" {
		method.CreateAttr("Algorithm", xenc11+s.Wrap)
		digest, mgf := method.CreateElement("ds:DigestMethod"), method.CreateElement("xenc11:MGF")
		digest.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		digest.CreateAttr("Algorithm", xenc+"sha256")
		mgf.CreateAttr("xmlns:xenc11", xenc11)
		mgf.CreateAttr("Algorithm", xenc11+"mgf1sha256")
	}
	value := func(e *etree.Element, b []byte) {
		e.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(base64.StdEncoding.EncodeToString(b))
	}
	value(k, wrapped)
	value(data, encrypt(s.Cipher, key, plain))
	return out
}

// wrap wraps a key.
func (s Sealing) wrap(key []byte) (wrapped []byte) {
	var err error
	public := s.To.PublicKey.(*rsa.PublicKey)
	switch s.Wrap {
	case "rsa-1_5":
		fips140.WithoutEnforcement(func() {
			//lint:ignore SA1019 it is what must be refused
			wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, public, key)
		})
	case "rsa-oaep":
		wrapped, err = rsa.EncryptOAEPWithOptions(rand.Reader, public, key, &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA256})
	default:
		wrapped, err = rsa.EncryptOAEPWithOptions(rand.Reader, public, key, &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1})
	}
	if err != nil {
		panic(err)
	}
	return wrapped
}

func encrypt(how string, key, plain []byte) []byte {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	if strings.HasSuffix(how, "-gcm") {
		g, err := cipher.NewGCMWithRandomNonce(b)
		if err != nil {
			panic(err)
		}
		return g.Seal(nil, nil, plain, nil)
	}
	pad := 16 - len(plain)%16
	plain = append(bytes.Clone(plain), make([]byte, pad)...)
	plain[len(plain)-1] = byte(pad)
	out := make([]byte, 16+len(plain))
	rand.Read(out[:16])
	cipher.NewCBCEncrypter(b, out[:16]).CryptBlocks(out[16:], plain)
	return out
}

// Logout is a LogoutRequest for somebody.
func (p *SAML) Logout(to, subject string, sessions ...string) *etree.Element {
	at := func(d time.Duration) string { return p.Now().Add(d).UTC().Format(time.RFC3339) }
	e := etree.NewElement("samlp:LogoutRequest")
	for _, a := range [][2]string{{"xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol"}, {"xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion"}, {"ID", fresh()}, {"Version", "2.0"}, {"IssueInstant", at(0)}, {"Destination", to}, {"NotOnOrAfter", at(5 * time.Minute)}} {
		e.CreateAttr(a[0], a[1])
	}
	e.CreateElement("saml:Issuer").SetText(p.Entity)
	n := e.CreateElement("saml:NameID")
	n.CreateAttr("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
	n.SetText(subject)
	for _, s := range sessions {
		e.CreateElement("samlp:SessionIndex").SetText(s)
	}
	return e
}

// LogoutAnswer is a LogoutResponse to a request.
func (p *SAML) LogoutAnswer(to, request, status string) *etree.Element {
	e := p.Logout(to, "")
	e.Tag = "LogoutResponse"
	e.RemoveAttr("NotOnOrAfter")
	e.RemoveChild(e.SelectElement("NameID"))
	e.CreateAttr("InResponseTo", request)
	e.CreateElement("samlp:Status").CreateElement("samlp:StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:"+status)
	return e
}

// Query is a message as a query of the redirect binding, signed by the provider, and
// escaped in small letters as AD FS does.
func (p *SAML) Query(name string, e *etree.Element, relay string) string {
	raw, err := etree.NewDocumentWithRoot(e).WriteToBytes()
	if err != nil {
		panic(err)
	}
	var packed bytes.Buffer
	f, err := flate.NewWriter(&packed, 9)
	if err != nil {
		panic(err)
	}
	_, _ = f.Write(raw)
	_ = f.Close()
	small := strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d", "%3A", "%3a")
	q := name + "=" + small.Replace(url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes())))
	if relay != "" {
		q += "&RelayState=" + url.QueryEscape(relay)
	}
	return p.SignQuery(q, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
}

// SignQuery signs a query with SHA-256, whatever it says of that.
func (p *SAML) SignQuery(q, how string) string {
	q += "&SigAlg=" + url.QueryEscape(how)
	sum := sha256.Sum256([]byte(q))
	sig, err := rsa.SignPKCS1v15(rand.Reader, p.Key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return q + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(sig))
}

// Form is a message as a form of the POST binding, signed by the provider.
func (p *SAML) Form(name string, e *etree.Element, relay string) url.Values {
	doc := etree.NewDocumentWithRoot(e)
	p.SignIn(e)
	raw, err := doc.WriteToBytes()
	if err != nil {
		panic(err)
	}
	return url.Values{name: {base64.StdEncoding.EncodeToString(raw)}, "RelayState": {relay}}
}
