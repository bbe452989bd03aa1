package tlscert

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"strongroom/internal/feature/tracker/seen"
)

// judge says what is to be done about a certificate. Time, name and trust are
// judged apart, so that one does not hide the other.
func (s *Source) judge(r *seen.Report, t seen.Target, state *tls.ConnectionState) {
	leaf := state.PeerCertificates[0]
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	verified := []string(nil)
	fail := func(why, text, do string) {
		verified = append(verified, why)
		r.Say(seen.Bad, text, do)
	}
	at := now
	switch {
	case now.After(leaf.NotAfter):
		fail("it has expired", "The certificate has expired.", "Renew it and install the new one; browsers warn everybody who comes now.")
		at = leaf.NotAfter
	case now.Before(leaf.NotBefore):
		fail("it is not valid yet", "The certificate is not valid yet.", "Check the clock of the server that made it, or install the earlier one again.")
		at = leaf.NotBefore
	}
	if err := leaf.VerifyHostname(t.Host); err != nil {
		fail("it is for other names", "The certificate is not for "+t.Host+".", "Get one that names "+t.Host+", or let the server show the right one of several.")
	}
	if why, text, do := s.trust(state, at); why != "" {
		fail(why, text, do)
	}
	if len(verified) == 0 {
		r.Add("Verification", "it verifies")
	} else {
		r.Add("Verification", verified...)
	}
	weak(r, leaf, state)
	if r.Worst() < seen.Warn {
		r.Say(seen.Good, "The certificate verifies: name, time and chain.", "")
	}
}

// trust tells why a chain leads to no authority that is trusted; empty when it does.
func (s *Source) trust(state *tls.ConnectionState, at time.Time) (why, text, do string) {
	leaf := state.PeerCertificates[0]
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: s.Roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	if err == nil {
		return "", "", ""
	}
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil:
		return "it is signed by itself", "The certificate is signed by itself.", "Browsers warn of it. Get one from an authority, such as Let's Encrypt."
	case isInvalid && invalid.Reason == x509.Expired:
		return "a certificate above it has expired", "A certificate in the chain above it has expired.", "Install the authority's present intermediate certificate."
	case isInvalid && invalid.Reason == x509.IncompatibleUsage:
		return "it is not for servers", "The certificate is not made for servers.", "Get one for the purpose of server authentication."
	case len(state.PeerCertificates) == 1 && !bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return "no known authority has issued it", "The server sends no intermediate certificate, and the issuer is not known by itself.", "Install the certificate together with the chain that the authority gave you. If it is an authority of your own, browsers outside do not know it."
	}
	return "no known authority has issued it", "The certificate was issued by an authority that is not generally trusted.", "If it is your own authority, that is as meant inside; browsers outside warn of it."
}

// weak says what is out of date though it verifies.
func weak(r *seen.Report, leaf *x509.Certificate, state *tls.ConnectionState) {
	if k, ok := leaf.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
		r.Say(seen.Bad, "The key is too short.", "Make a new key: RSA from 2048 bits, or ECDSA P-256.")
	}
	if a := leaf.SignatureAlgorithm.String(); strings.Contains(a, "SHA1") || strings.Contains(a, "MD5") {
		r.Say(seen.Bad, "The certificate is signed with a method that can be forged ("+a+").", "Get a new one; authorities sign with SHA-256 or better.")
	}
	if state.Version < tls.VersionTLS12 {
		r.Say(seen.Warn, "The server speaks "+tls.VersionName(state.Version)+" at best.", "Switch on TLS 1.2 and 1.3: browsers refuse what is older.")
	}
	if len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 {
		r.Say(seen.Bad, "The certificate names its host in an outdated way.", "Get one with the name among its alternative names; browsers look nowhere else.")
	}
}
