// Package mail sends mail through a relay.
//
// Always true: the relay is spoken to by TLS, unless it is said otherwise, and a
// password is never sent without it; nothing that a header holds can begin another
// header; a mail that was refused for good is told from one that may be taken
// later.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"time"

	"strongroom/internal/base/bearer"
	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
)

// The ways in which a relay is spoken to.
const (
	StartTLS = "starttls" // TLS begins after a greeting
	Implicit = "tls"      // TLS from the first byte
	Plain    = "none"     // no TLS, and so no password
)

// Relay is the server that takes mail. Fill the fields; it then is safe for
// concurrent use.
type Relay struct {
	Dialer   *dialer.Dialer // must trust Addr
	Addr     string         // host:port
	TLS      string         // StartTLS, Implicit or Plain; by the port when empty
	User     string         // empty signs in nobody
	Password string
	Token    string // an access token, in place of Password
	From     mail.Address
	Time     time.Duration // for one mail; a minute when 0
	Keys     []Key         // that sign what is from their domains
	Config   *tls.Config   // nil is the library's, from TLS 1.2
}

const sendTime = time.Minute

// mode is how the relay is spoken to.
func (r *Relay) mode() string {
	if r.TLS != "" {
		return r.TLS
	}
	if _, port, _ := net.SplitHostPort(r.Addr); port == "465" {
		return Implicit
	}
	return StartTLS
}

// Test connects and signs in, and sends nothing. Unavailable with what is wrong.
func (r *Relay) Test(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	c, err := r.open(ctx)
	if err != nil {
		return err
	}
	_ = c.Quit() // it answered
	return c.Close()
}

// Send hands a mail to the relay. When it returns nil the relay has taken it. Invalid
// when it was refused for good, Unavailable when it may be taken later.
func (r *Relay) Send(ctx context.Context, m Message) error {
	from := r.From
	if m.Head.From.Address != "" {
		from = m.Head.From
	}
	raw, err := m.bytes(from)
	if err != nil {
		return err
	}
	if len(r.Keys) > 0 {
		if raw, err = sign(raw, from, r.Keys); err != nil {
			return fault.Wrap(err, fault.Internal, "The mail could not be signed.")
		}
	}
	limit := r.Time
	if limit == 0 {
		limit = sendTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, step := range []func() error{
		func() error { return c.Mail(from.Address) },
		func() error { return c.Rcpt(m.To.Address) },
		func() error {
			w, err := c.Data()
			if err != nil {
				return err
			}
			if _, err := w.Write(raw); err != nil {
				return err
			}
			return w.Close()
		},
	} {
		if err := step(); err != nil {
			return refused(err)
		}
	}
	_ = c.Quit() // it has been taken, whatever the relay says to this
	return nil
}

// open connects and signs in.
func (r *Relay) open(ctx context.Context) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(r.Addr)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The mail relay's address is wrong.")
	}
	conn, err := r.Dialer.DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The mail relay cannot be reached.")
	}
	if end, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(end)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.Config != nil {
		config = r.Config.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	if err == nil && r.mode() == Implicit {
		secured := tls.Client(conn, config)
		err = secured.HandshakeContext(ctx)
		conn = secured
	}
	if err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.Unavailable, "The mail relay does not speak TLS, or its certificate does not verify."), conn.Close())
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.Unavailable, "The mail relay does not answer as one."), conn.Close())
	}
	if err := r.secure(c, host, config); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (r *Relay) secure(c *smtp.Client, host string, config *tls.Config) error {
	if r.mode() == StartTLS {
		if err := c.StartTLS(config); err != nil {
			return fault.Wrap(err, fault.Unavailable, "The mail relay does not begin TLS, or its certificate does not verify.")
		}
	}
	if r.User == "" {
		return nil
	}
	if r.mode() == Plain {
		return fault.New(fault.Unavailable, "The mail relay wants a password, and is not spoken to by TLS.")
	}
	if r.Token != "" {
		t := &bearer.Token{User: r.User, Addr: r.Addr, Text: r.Token}
		if err := c.Auth(t.SMTP()); err != nil {
			return t.Refused(err)
		}
		return nil
	}
	if err := c.Auth(smtp.PlainAuth("", r.User, r.Password, host)); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The mail relay refuses the user or the password.")
	}
	return nil
}

// refused sorts what a relay answers: 5xx is for good.
func refused(err error) error {
	if said, ok := errors.AsType[*textproto.Error](err); ok && said.Code >= 500 {
		return fault.Wrap(err, fault.Invalid, "The mail relay refused this mail (%d).", said.Code)
	}
	return fault.Wrap(err, fault.Unavailable, "The mail relay did not take this mail.")
}
