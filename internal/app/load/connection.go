package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// connections asks over connections that are kept, in the goroutine that asks:
// it takes half of the processor time of http.Transport, which has two
// goroutines for each connection, and the load shares its machine with the
// server.
type connections struct {
	idle chan *connection
}

func newConnections() *connections { return &connections{idle: make(chan *connection, 256)} }

type connection struct {
	net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

// patience is how long one answer may take.
const patience = time.Minute

// RoundTrip is http.RoundTripper.
func (cs *connections) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := cs.take(r.Context(), r.URL.Scheme, r.URL.Host)
	if err != nil {
		return nil, err
	}
	err = c.SetDeadline(time.Now().Add(patience))
	if err == nil {
		err = r.Write(c.w)
	}
	if err == nil {
		err = c.w.Flush()
	}
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(c.r, r)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	resp.Body = &body{ReadCloser: resp.Body, c: c, to: cs, keep: !resp.Close}
	return resp, nil
}

func (cs *connections) take(ctx context.Context, scheme, host string) (*connection, error) {
	select {
	case c := <-cs.idle:
		return c, nil
	default:
	}
	var dial interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	} = &net.Dialer{}
	port := "80"
	if scheme == "https" {
		dial, port = &tls.Dialer{}, "443"
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(host, port)
	}
	c, err := dial.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReader(c), bufio.NewWriter(c)}, nil
}

// body gives its connection back when it has been read to the end.
type body struct {
	io.ReadCloser
	c    *connection
	to   *connections
	keep bool
	over bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.over = b.over || err == io.EOF
	return n, err
}

func (b *body) Close() error {
	if b.c == nil {
		return nil
	}
	c := b.c
	b.c = nil
	if !b.over || !b.keep {
		return c.Close()
	}
	select {
	case b.to.idle <- c:
		return nil
	default:
		return c.Close()
	}
}
