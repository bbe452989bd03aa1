package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"strongroom/internal/base/fault"
)

// certificates decides how TLS is spoken on an address: with the certificate
// given, with ACME, in plain HTTP on a loopback address when neither is, and
// with a certificate of our own anywhere else. nil means plain HTTP.
func (a *App) certificates(on net.Addr) (*certs, error) {
	base := &tls.Config{MinVersion: tls.VersionTLS12}
	switch c := a.Config; {
	case c.Cert != "" || c.CertKey != "":
		pair, err := newPair(c.Cert, c.CertKey)
		if err != nil {
			return nil, err
		}
		base.GetCertificate = pair.get
		return &certs{config: base}, nil
	case c.ACME != "":
		m := &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(c.Data, "tls")), Email: c.ACMEMail,
			HostPolicy: autocert.HostWhitelist(strings.FieldsFunc(c.ACME, func(r rune) bool { return r == ',' || r == ' ' })...)}
		t := m.TLSConfig()
		t.MinVersion = tls.VersionTLS12
		return &certs{config: t}, nil
	case isLoopback(on):
		return nil, nil
	}
	cert, err := a.ownCertificate()
	if err != nil {
		return nil, err
	}
	base.Certificates = []tls.Certificate{cert}
	return &certs{config: base, fingerprint: fingerprint(cert.Certificate[0])}, nil
}

// fingerprint is the SHA-256 of a certificate as browsers show it.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	s := strings.ToUpper(hex.EncodeToString(sum[:]))
	var parts []string
	for ; s != ""; s = s[2:] {
		parts = append(parts, s[:2])
	}
	return strings.Join(parts, ":")
}

// ownCertificate reads the certificate that an earlier start made, or makes one
// that says who we are to whoever compares its fingerprint.
func (a *App) ownCertificate() (tls.Certificate, error) {
	path := filepath.Join(a.Config.Data, "tls", "self-signed.pem")
	b, err := os.ReadFile(path)
	if err == nil {
		cert, err := tls.X509KeyPair(b, b)
		if err == nil && a.Now().Before(cert.Leaf.NotAfter.AddDate(0, -1, 0)) {
			return cert, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, unusable(err, a.Config.Data)
	}
	if b, err = a.selfSign(); err != nil {
		return tls.Certificate{}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return tls.Certificate{}, unusable(err, a.Config.Data)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return tls.Certificate{}, unusable(err, a.Config.Data)
	}
	return tls.X509KeyPair(b, b)
}

func (a *App) selfSign() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "strongroom"
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: host, Organization: []string{"Strongroom, self-signed"}},
		NotBefore: a.Now().Add(-time.Hour), NotAfter: a.Now().AddDate(2, 0, 0), DNSNames: []string{host, "localhost", "*.localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	if a.Config.Domain != "" {
		t.DNSNames = append(t.DNSNames, a.Config.Domain, "*."+a.Config.Domain)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, x := range addrs {
		if n, ok := x.(*net.IPNet); ok {
			t.IPAddresses = append(t.IPAddresses, n.IP)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

// pair is a certificate from files that are read again when they change, so
// that a renewed certificate needs no restart.
type pair struct {
	certFile, keyFile string
	loaded            chan loaded // holds one value: the lock
}

type loaded struct {
	cert     *tls.Certificate
	modified time.Time
	checked  time.Time
}

func newPair(certFile, keyFile string) (*pair, error) {
	if certFile == "" || keyFile == "" {
		return nil, fault.New(fault.Invalid, "A certificate needs its private key and the other way round.").WithHint("Give both -tls-cert FILE and -tls-key FILE.")
	}
	p := &pair{certFile: certFile, keyFile: keyFile, loaded: make(chan loaded, 1)}
	l, err := p.load()
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The TLS certificate cannot be used.").WithHint("Check that %s and %s are PEM files that belong together: %v", certFile, keyFile, err)
	}
	p.loaded <- l
	return p, nil
}

func (p *pair) load() (loaded, error) {
	cert, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return loaded{}, err
	}
	st, err := os.Stat(p.certFile)
	if err != nil {
		return loaded{}, err
	}
	return loaded{&cert, st.ModTime(), time.Now()}, nil
}

func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	l := <-p.loaded
	defer func() { p.loaded <- l }()
	if time.Since(l.checked) < 30*time.Second {
		return l.cert, nil
	}
	l.checked = time.Now()
	if st, err := os.Stat(p.certFile); err == nil && !st.ModTime().Equal(l.modified) {
		if fresh, err := p.load(); err == nil { // else keep the old one: the new one may be half written
			l = fresh
		}
	}
	return l.cert, nil
}
