package dialer

import (
	"crypto/tls"
	"io"
	"net/http"
	"time"

	"strongroom/internal/base/fault"
)

// Limits bound what an HTTP server can make of a request.
type Limits struct {
	Time      time.Duration // of a request with its redirects and its answer; 30 seconds when 0
	Body      int64         // bytes of an answer, unpacked; 1 MiB when 0
	Redirects int           // that are followed; 5 when 0, none when negative
	Plain     bool          // http may be asked too; https alone otherwise
	TLS       *tls.Config   // nil is the library's, from TLS 1.2
}

const (
	requestTime  = 30 * time.Second
	mostBody     = 1 << 20
	mostHeader   = 64 << 10
	mostRedirect = 5
)

// Client gives an HTTP client whose connections this dialer makes. An answer that
// is too long ends with an error, never in the middle without one.
func (d *Dialer) Client(l Limits) *http.Client {
	if l.Time == 0 {
		l.Time = requestTime
	}
	if l.Body == 0 {
		l.Body = mostBody
	}
	if l.Redirects == 0 {
		l.Redirects = mostRedirect
	}
	t := &http.Transport{
		DialContext: d.DialContext, TLSClientConfig: l.TLS, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: l.Time, ResponseHeaderTimeout: l.Time, IdleConnTimeout: l.Time,
		MaxResponseHeaderBytes: mostHeader, MaxIdleConns: 16, MaxIdleConnsPerHost: 1,
	}
	return &http.Client{Transport: bounded{t, l}, Timeout: l.Time, CheckRedirect: l.redirect}
}

// redirect decides whether a redirect is followed. That it stays on a scheme that
// may be asked, bounded checks.
func (l Limits) redirect(r *http.Request, via []*http.Request) error {
	if len(via) > l.Redirects {
		return fault.New(fault.Unavailable, "The other side sends requests on too often.")
	}
	if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return fault.New(fault.Denied, "The other side sends an encrypted request on to an address that is not.")
	}
	return nil
}

// bounded refuses schemes and bounds answers.
type bounded struct {
	next *http.Transport
	Limits
}

// RoundTrip does one request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && (r.URL.Scheme != "http" || !b.Plain) {
		return nil, fault.New(fault.Denied, "Only https addresses are asked.")
	}
	if r.URL.User != nil {
		return nil, fault.New(fault.Denied, "An address with a name and password in it is not asked.")
	}
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limited{ReadCloser: resp.Body, left: b.Body}
	return resp, nil
}

// CloseIdleConnections lets http.Client close what is idle.
func (b bounded) CloseIdleConnections() { b.next.CloseIdleConnections() }

// limited is a body that fails when more comes than may.
type limited struct {
	io.ReadCloser
	left int64
}

// Read gives what fits.
func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - int(-l.left), fault.New(fault.Unavailable, "The answer of the other side is too long.")
	}
	return n, err
}
