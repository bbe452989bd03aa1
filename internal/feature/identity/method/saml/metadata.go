package saml

import (
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
	entity string
	signIn string // where requests go by redirect
	keys   []*x509.Certificate
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
	root, err := read(raw, true)
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
	for _, e := range some(role, nsMetadata, "SingleSignOnService") {
		if at := attr(e, "Location"); attr(e, "Binding") == byRedirect && p.signIn == "" {
			if !web(at) {
				return nil, errors.New("its SingleSignOnService is no https address")
			}
			p.signIn = at
		}
	}
	p.keys, err = published(role)
	return p, err
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
	role.CreateAttr("WantAssertionsSigned", "true")
	role.CreateAttr("protocolSupportEnumeration", nsProtocol)
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
