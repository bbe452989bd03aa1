package keylink_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"strongroom/internal/app/keylink"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/service"
)

// authority writes certificates into a folder, and its own as NAME.pem.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T, dir, name string) *authority {
	a := &authority{t: t, dir: dir}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.write(name+".pem", "CERTIFICATE", a.sign(a.cert, &a.key.PublicKey))
	return a
}

func (a *authority) sign(c *x509.Certificate, public *ecdsa.PublicKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue gives the files of a certificate and its key.
func (a *authority) issue(name string, usage x509.ExtKeyUsage) (cert, key string) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	return a.write(name+".cert", "CERTIFICATE", a.sign(c, &k.PublicKey)), a.write(name+".key", "PRIVATE KEY", der)
}

func TestOverANetwork(t *testing.T) {
	dir := t.TempDir()
	house, stranger := newAuthority(t, dir, "house"), newAuthority(t, dir, "stranger")
	s := keylink.Server{Address: "127.0.0.1:0", CA: filepath.Join(dir, "house.pem")}
	s.Cert, s.CertKey = house.issue("service", x509.ExtKeyUsageServerAuth)
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- service.Serve(ctx, l, service.Options{Dir: filepath.Join(dir, "keys"), Root: service.NewRoot()})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	good := keylink.Client{Address: l.Addr().String(), CA: filepath.Join(dir, "house.pem")}
	good.Cert, good.CertKey = house.issue("application", x509.ExtKeyUsageClientAuth)
	ask := func(c keylink.Client) error {
		k, err := c.Dial()
		if err != nil {
			return err
		}
		defer k.Close()
		_, err = k.Status(t.Context())
		return err
	}
	if err := ask(good); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		change func(*keylink.Client)
		want   fault.Kind
	}{
		"a certificate of somebody else": {func(c *keylink.Client) { c.Cert, c.CertKey = stranger.issue("eve", x509.ExtKeyUsageClientAuth) }, fault.Unavailable},
		"a service of somebody else":     {func(c *keylink.Client) { c.CA = filepath.Join(dir, "stranger.pem") }, fault.Unavailable},
		"the service's own certificate":  {func(c *keylink.Client) { c.Cert, c.CertKey = s.Cert, s.CertKey }, fault.Unavailable},
		"no certificate":                 {func(c *keylink.Client) { c.Cert, c.CertKey = "", "" }, fault.Invalid},
		"another's key":                  {func(c *keylink.Client) { c.CertKey = s.CertKey }, fault.Invalid},
		"no file":                        {func(c *keylink.Client) { c.Cert += ".none" }, fault.NotFound},
		"no authority":                   {func(c *keylink.Client) { c.CA = "" }, fault.Invalid},
		"an authority that is none":      {func(c *keylink.Client) { c.CA = c.CertKey }, fault.Invalid},
		"socket and address":             {func(c *keylink.Client) { c.Socket = "s" }, fault.Invalid},
		"no port":                        {func(c *keylink.Client) { c.Address = "127.0.0.1" }, fault.Invalid},
	} {
		x := good
		c.change(&x)
		if err := ask(x); err == nil || fault.Of(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.Chmod(good.CertKey, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := ask(good); !fault.Is(err, fault.Denied) {
		t.Errorf("a key for everybody: %v", err)
	}
	for what, c := range map[string]keylink.Server{
		"no authority":   {Address: s.Address, Cert: s.Cert, CertKey: s.CertKey},
		"no certificate": {Address: s.Address, CA: s.CA},
		"no port":        {Address: "127.0.0.1", Cert: s.Cert, CertKey: s.CertKey, CA: s.CA},
	} {
		if l, err := c.Listen(); !fault.Is(err, fault.Invalid) || l != nil {
			t.Errorf("%s: %v, %v", what, l, err)
		}
	}
	taken := s
	taken.Address = l.Addr().String()
	if _, err := taken.Listen(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("an address that is taken: %v", err)
	}
}
