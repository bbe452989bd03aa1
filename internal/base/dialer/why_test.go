package dialer_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
)

// TestWhy: what is wrong with a connection is said, of connections that are made.
func TestWhy(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	plain, secure := httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog, plain.Config.ErrorLog = nil, nil
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())
	for want, ask := range map[string]func() error{
		"nothing listens there":  func() error { _, err := http.Get("http://" + closed.Addr().String()); return err },
		"does not speak TLS":     func() error { _, err := http.Get(strings.Replace(plain.URL, "http:", "https:", 1)); return err },
		"whom this server trust": func() error { _, err := http.Get(secure.URL); return err },
		"did not answer in time": func() error {
			_, err := (&http.Client{Timeout: 20 * time.Millisecond}).Get("http://" + silent.Addr().String())
			return err
		},
		"for another name": func() error {
			_, err := tls.Dial("tcp", secure.Listener.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "other.test", MinVersion: tls.VersionTLS12})
			return err
		},
		"over or not valid yet": func() error { // long after it
			_, err := tls.Dial("tcp", secure.Listener.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "example.com", MinVersion: tls.VersionTLS12, Time: func() time.Time { return time.Unix(1e11, 0) }})
			return err
		},
		"no host of the name nobody.invalid": func() error { return &net.DNSError{Name: "nobody.invalid", IsNotFound: true} },
	} {
		if got := dialer.Why(ask()); !strings.Contains(got, want) {
			t.Errorf("it says %q and not %q", got, want)
		}
	}
	if got := dialer.Why(nil); got != "" {
		t.Errorf("of nothing it says %q", got)
	}
}
