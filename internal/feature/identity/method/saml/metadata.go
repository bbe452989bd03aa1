package saml

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/base/fault"
)

// The bindings of SAML that are used.
const (
	byRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	byPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
)

// mostKeys is how many keys of a provider are tried: one, and a second while it
// changes them, are usual.
const mostKeys = 8

// provider is what a provider says of itself.
type provider struct {
	entity  string
	signIn  endpoint
	signOut endpoint
	keys    []*x509.Certificate
	signed  bool // it takes signed requests only
}

// takes tells whether a sign-in can begin at the provider.
func (p *provider) takes(signed bool) error {
	if p.signIn.none() {
		return fault.New(fault.Unavailable, "The provider takes no requests by redirect or POST.").WithHint("Its metadata must name a SingleSignOnService with the binding HTTP-Redirect or HTTP-POST.")
	}
	if p.signed && !signed {
		return fault.New(fault.Unavailable, "The provider takes signed requests only, and this way in has no key.").WithHint("An administrator can make a key pair in the settings of sign-in.")
	}
	return nil
}

func limited(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	if err == nil && len(raw) > mostBytes {
		err = fmt.Errorf("it has more than %d bytes", mostBytes)
	}
	return raw, err
}

// readMetadata reads the metadata of one provider, SAML metadata 2.4.3.
func readMetadata(raw []byte, now time.Time) (*provider, error) {
	root, err := read(bytes.TrimPrefix(raw, []byte("\ufeff")), true) // as files of Windows begin
	if err != nil {
		return nil, err
	}
	entity, role, err := descriptor(root)
	if err != nil {
		return nil, err
	}
	for _, e := range []*etree.Element{root, entity, role} {
		if s := attr(e, "validUntil"); s != "" {
			if until, err := time.Parse(time.RFC3339Nano, s); err != nil || now.After(until) {
				return nil, errors.New("it was valid until " + s)
			}
		}
	}
	p := &provider{entity: attr(entity, "entityID")}
	if p.entity == "" || len(p.entity) > 1024 {
		return nil, errors.New("it has no entityID")
	}
	p.signed = attr(role, "WantAuthnRequestsSigned") == "true" || attr(role, "WantAuthnRequestsSigned") == "1"
	if p.signIn, err = service(role, "SingleSignOnService"); err != nil {
		return nil, err
	}
	if p.signOut, err = service(role, "SingleLogoutService"); err != nil {
		return nil, err
	}
	p.keys, err = published(role)
	return p, err
}

// service reads where a provider takes messages of a sort, the first of each binding.
func service(role *etree.Element, name string) (out endpoint, err error) {
	for _, e := range some(role, nsMetadata, name) {
		at, back := attr(e, "Location"), attr(e, "ResponseLocation")
		how := attr(e, "Binding")
		if how != byRedirect && how != byPost {
			continue
		}
		if !web(at) || back != "" && !web(back) {
			return out, errors.New("its " + name + " is no https address")
		}
		switch {
		case how == byRedirect && out.byRedirect == "":
			out.byRedirect, out.answers = at, back
		case how == byPost && out.byPost == "":
			out.byPost, out.postAnswers = at, back
		}
	}
	return out, nil
}

// descriptor finds the one provider that metadata is of.
func descriptor(root *etree.Element) (entity, role *etree.Element, err error) {
	entities := []*etree.Element{root}
	if is(root, nsMetadata, "EntitiesDescriptor") {
		entities = some(root, nsMetadata, "EntityDescriptor")
	}
	for _, e := range entities {
		if !is(e, nsMetadata, "EntityDescriptor") {
			return nil, nil, errors.New("it has no EntityDescriptor")
		}
		for _, r := range some(e, nsMetadata, "IDPSSODescriptor") {
			if role != nil {
				return nil, nil, errors.New("it is of several providers")
			}
			entity, role = e, r
		}
	}
	if role == nil {
		return nil, nil, errors.New("it has no IDPSSODescriptor")
	}
	return entity, role, nil
}

// published reads the keys that a provider signs with.
func published(role *etree.Element) (out []*x509.Certificate, err error) {
	for _, k := range some(role, nsMetadata, "KeyDescriptor") {
		if use := attr(k, "use"); use != "" && use != "signing" {
			continue
		}
		for _, data := range some(one(k, nsSignature, "KeyInfo"), nsSignature, "X509Data") {
			for _, c := range some(data, nsSignature, "X509Certificate") {
				key, err := certificate(text(c))
				if err != nil {
					return nil, err
				}
				out = append(out, key)
			}
		}
	}
	if len(out) == 0 || len(out) > mostKeys {
		return nil, fmt.Errorf("it names %d keys to sign with, not 1 to %d", len(out), mostKeys)
	}
	return out, nil
}

func certificate(s string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return nil, errors.New("a certificate is not in base64")
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("a certificate cannot be read")
	}
	if k, ok := c.PublicKey.(*rsa.PublicKey); !ok || k.Size() < 256 {
		return nil, errors.New("a certificate is not of an RSA key of 2048 bits or more")
	}
	return c, nil
}

// Document is what this way says of itself, SAML metadata 2.4.4.
func (w *Way) Document(context.Context) (string, []byte, error) {
	e := etree.NewElement("md:EntityDescriptor")
	e.CreateAttr("xmlns:md", nsMetadata)
	e.CreateAttr("xmlns:ds", nsSignature)
	e.CreateAttr("entityID", w.entity())
	role := e.CreateElement("md:SPSSODescriptor")
	if len(w.own) > 0 {
		role.CreateAttr("AuthnRequestsSigned", "true")
	}
	role.CreateAttr("WantAssertionsSigned", "true")
	role.CreateAttr("protocolSupportEnumeration", nsProtocol)
	w.describeKeys(role)
	if len(w.own) > 0 {
		for _, how := range []string{byRedirect, byPost} {
			out := role.CreateElement("md:SingleLogoutService")
			out.CreateAttr("Binding", how)
			out.CreateAttr("Location", w.setup.Home+logoutPath)
		}
	}
	back := role.CreateElement("md:AssertionConsumerService")
	back.CreateAttr("Binding", byPost)
	back.CreateAttr("Location", w.setup.Home+"/return")
	back.CreateAttr("index", "0")
	back.CreateAttr("isDefault", "true")
	doc := etree.NewDocumentWithRoot(e)
	doc.Indent(2)
	raw, err := doc.WriteToBytes()
	return "application/samlmetadata+xml", raw, err
}

// describeKeys publishes this side's keys: of two both, so that the other side knows
// the next one before it is used, and can still encrypt to the old one after.
func (w *Way) describeKeys(role *etree.Element) {
	for _, use := range []string{"signing", "encryption"} {
		for _, o := range w.own {
			k := role.CreateElement("md:KeyDescriptor")
			k.CreateAttr("use", use)
			k.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(o.cert.Raw))
			if use == "signing" {
				continue
			}
			for _, how := range w.taken() {
				k.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", how)
			}
		}
	}
}

// taken lists what this side opens.
func (w *Way) taken() []string {
	if w.setup.Bool("cbc") {
		return []string{gcm256, gcm128, cbc256, cbc128, oaepMGF1}
	}
	return []string{gcm256, gcm128, oaepMGF1}
}
