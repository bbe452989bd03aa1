package saml

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/url"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// bits is the size of this side's keys: what stays good beyond 2030.
const bits = 3072

// makePair makes the key that a way signs with and that the provider may encrypt to,
// with a certificate of its own: providers read keys out of certificates, and some
// refuse those that are over.
func makePair(s method.Setup) (private, public string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return "", "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return "", "", err
	}
	name := "Strongroom"
	if u, err := url.Parse(s.Home); err == nil && u.Hostname() != "" {
		name = u.Hostname()
	}
	name = name[:min(len(name), 64)]
	now := s.Now()
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, SignatureAlgorithm: x509.SHA256WithRSA}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return "", "", err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	return base64.StdEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString(der), err
}

// own is a key pair of this side.
type own struct {
	name string
	cert *x509.Certificate
}

func owns(list []method.Pair) (out []own, err error) {
	for _, p := range list {
		c, err := certificate(p.Public)
		if err != nil {
			return nil, err
		}
		out = append(out, own{p.Name, c})
	}
	return out, nil
}

// key opens a private key, once for as long as the way is remembered.
func (w *Way) key(ctx context.Context, o own) (*rsa.PrivateKey, error) {
	w.keysMu.Lock()
	defer w.keysMu.Unlock()
	if k := w.keys[o.name]; k != nil {
		return k, nil
	}
	text, err := w.setup.Secret(ctx, o.name)
	if err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, broken(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, broken(err)
	}
	k, ok := parsed.(*rsa.PrivateKey)
	if public, same := o.cert.PublicKey.(*rsa.PublicKey); !ok || !same || !k.PublicKey.Equal(public) {
		return nil, broken(nil)
	}
	if w.keys == nil {
		w.keys = map[string]*rsa.PrivateKey{}
	}
	w.keys[o.name] = k
	return k, nil
}

func broken(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The key of this way in cannot be used.").WithHint("An administrator can make another key pair in the settings of sign-in.")
}

// signer gives the key to sign with: nil for a way of before there were any.
func (w *Way) signer(ctx context.Context) (*rsa.PrivateKey, *x509.Certificate, error) {
	if len(w.own) == 0 {
		return nil, nil, nil
	}
	k, err := w.key(ctx, w.own[0])
	return k, w.own[0].cert, err
}
