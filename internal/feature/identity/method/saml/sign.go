package saml

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// The namespaces of messages.
const (
	nsProtocol   = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion  = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata   = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature  = "http://www.w3.org/2000/09/xmldsig#"
	nsEncryption = "http://www.w3.org/2001/04/xmlenc#"
	nsExclusive  = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

const (
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	rsaSHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	rsaSHA384 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
	rsaSHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
)

// signatures and digests are the algorithms that are taken: none with SHA-1, none
// with a shared secret.
func signatures() []string { return []string{rsaSHA256, rsaSHA384, rsaSHA512} }

func digests() []string {
	return []string{"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
}

// signatureOf gives an element's own signature: nil when it has none. It stands
// where the schema puts it, is the only one, and signs this element as a whole, by
// its ID, with what is allowed.
func signatureOf(e *etree.Element) (*etree.Element, error) {
	list := some(e, nsSignature, "Signature")
	if len(list) == 0 {
		return nil, nil
	}
	kids := e.ChildElements()
	at := slices.Index(kids, list[0])
	if len(list) > 1 || at > 1 || at == 1 && !is(kids[0], nsAssertion, "Issuer") {
		return nil, errors.New("a signature stands where none may")
	}
	return list[0], plain(list[0], attr(e, "ID"))
}

// plain checks that a signature is of the one form that SAML knows, core 5.4.
func plain(sig *etree.Element, id string) error {
	info := one(sig, nsSignature, "SignedInfo")
	if info == nil || one(sig, nsSignature, "SignatureValue") == nil || len(sig.ChildElements()) != 2+len(some(sig, nsSignature, "KeyInfo")) || len(some(sig, nsSignature, "KeyInfo")) > 1 {
		return errors.New("a signature holds what it may not")
	}
	c14n, how, ref := one(info, nsSignature, "CanonicalizationMethod"), one(info, nsSignature, "SignatureMethod"), one(info, nsSignature, "Reference")
	if c14n == nil || how == nil || ref == nil || len(info.ChildElements()) != 3 {
		return errors.New("a signature does not sign one thing")
	}
	if id == "" || attr(ref, "URI") != "#"+id {
		return errors.New("a signature signs another element than the one that it stands in")
	}
	digest, value := one(ref, nsSignature, "DigestMethod"), one(ref, nsSignature, "DigestValue")
	if digest == nil || text(value) == "" || len(ref.ChildElements()) != 3 {
		return errors.New("a signature has no digest")
	}
	if attr(c14n, "Algorithm") != exclusive || !slices.Contains(signatures(), attr(how, "Algorithm")) || !slices.Contains(digests(), attr(digest, "Algorithm")) || len(how.ChildElements()) > 0 {
		return errors.New("a signature is made with algorithms that are not taken, such as SHA-1")
	}
	return transforms(one(ref, nsSignature, "Transforms"))
}

// transforms allows the two that every signature of SAML has, and no other.
func transforms(t *etree.Element) error {
	if t == nil || len(t.ChildElements()) != 2 || len(some(t, nsSignature, "Transform")) != 2 {
		return errors.New("a signature does not have the two transforms of SAML")
	}
	kids := t.ChildElements()
	if attr(kids[0], "Algorithm") != enveloped || len(kids[0].ChildElements()) > 0 || attr(kids[1], "Algorithm") != exclusive {
		return errors.New("a signature does not have the two transforms of SAML")
	}
	for _, c := range kids[1].ChildElements() {
		if !is(c, nsExclusive, "InclusiveNamespaces") || len(kids[1].ChildElements()) > 1 {
			return errors.New("a transform holds what it may not")
		}
	}
	return nil
}

// verify gives what an element's own signature covers, read anew from the bytes
// that were signed: nil when it has no signature. The keys that may have made it are
// those that are given; what the message says of keys is not looked at.
func verify(e *etree.Element, keys []*x509.Certificate, now time.Time) (*etree.Element, error) {
	sig, err := signatureOf(e)
	if err != nil || sig == nil {
		return nil, err
	}
	ctx, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		return nil, err
	}
	alone, err := etreeutils.NSDetatch(ctx, e)
	if err != nil {
		return nil, err
	}
	own := one(alone, nsSignature, "Signature")
	if own == nil {
		return nil, errors.New("its signature was lost")
	}
	for _, k := range some(own, nsSignature, "KeyInfo") {
		own.RemoveChild(k)
	}
	err = errors.New("there is no key to check it with")
	for _, key := range keys {
		v := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key}})
		v.Clock = dsig.NewFakeClockAt(now)
		var out *etree.Element
		if out, err = v.Validate(alone); err == nil {
			return out, nil
		}
	}
	return nil, err
}
