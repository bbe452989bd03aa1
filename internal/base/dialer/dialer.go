// Package dialer makes the connections that a server begins itself.
//
// Always true: an address is judged after its name was resolved, at the moment
// of connecting, so that no answer of a name server leads inside; what is not
// on the public Internet is refused unless the operator allowed its network or
// named the host; every connection has a time limit, and an HTTP answer also a
// size limit; no proxy is taken from the environment.
package dialer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"strongroom/internal/base/fault"
)

// Dialer opens connections. The zero Dialer connects to the public Internet.
// Fill the fields; it then is safe for concurrent use.
type Dialer struct {
	Off     bool           // refuse everything but Trusted
	Allow   []netip.Prefix // networks that may be reached although they are not public
	Trusted []string       // host:port of servers that the operator named, such as the mail relay, wherever they are

	Time     time.Duration // for resolving and connecting; 10 seconds when 0
	Resolver *net.Resolver // the system's when nil
}

const connectTime = 10 * time.Second

// off is what a dialer answers that may not go out.
func off() error {
	return fault.New(fault.Denied, "This server makes no connections to the outside.").WithHint("Its operator can allow them with the setting outgoing.")
}

// Refused tells whether a connection failed because the dialer does not allow
// it, and not because the other side does not answer.
func Refused(err error) bool { return fault.Is(err, fault.Denied) }

// Permit judges an address that a name was resolved to. Denied for one that may
// not be connected to. The sentence does not tell the address: who asked may not
// know what is inside.
func (d *Dialer) Permit(a netip.Addr) error {
	if d.Off {
		return off()
	}
	plain := a.Unmap().WithZone("")
	if slices.ContainsFunc(d.Allow, func(p netip.Prefix) bool { return p.Contains(plain) }) {
		return nil
	}
	why := Inside(a)
	if why == "" {
		return nil
	}
	cause := errors.New(a.String() + " is not public")
	return fault.Wrap(cause, fault.Denied, "This leads to %s and not to the public Internet.", why).
		WithHint("The server's operator can allow the network with the setting outgoing-allow.")
}

// DialContext connects to a host and port. Denied when that is not allowed; other
// failures are those of the network. It suits http.Transport.
func (d *Dialer) DialContext(ctx context.Context, netw, addr string) (net.Conn, error) {
	trusted := slices.Contains(d.Trusted, addr)
	if d.Off && !trusted {
		return nil, off()
	}
	n := net.Dialer{Timeout: d.Time, Resolver: d.Resolver, KeepAlive: -1}
	if n.Timeout == 0 {
		n.Timeout = connectTime
	}
	if !trusted {
		n.Control = d.control
	}
	return n.DialContext(ctx, netw, addr)
}

// control is called by net with the address that is about to be connected to.
func (d *Dialer) control(_, addr string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return fault.Wrap(err, fault.Denied, "This does not lead to an address of the Internet.")
	}
	return d.Permit(a.Addr())
}

// Most gives a connection that ends when the other side has sent more than so many
// bytes: for protocols that say themselves how long an answer is.
func Most(c net.Conn, bytes int64) net.Conn { return &most{Conn: c, left: bytes} }

type most struct {
	net.Conn
	left int64
}

// Read reads what may still be sent.
func (m *most) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errors.New("the other side sends too much")
	}
	n, err := m.Conn.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}
