package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/starttls"
)

// limits are those of one connection.
type limits struct {
	time  time.Duration // of everything that is done with it
	bytes int64         // that a server may send
}

const (
	connectTime = 5 * time.Second
	askTime     = 10 * time.Second // of one request
	downTime    = 30 * time.Second // that a server which did not answer is asked last
)

// forSignIn are the limits of a connection that one person signs in by.
var forSignIn = limits{time: 20 * time.Second, bytes: 8 << 20}

// with runs fn on a connection that is bound as the account of the settings: at the
// first server that answers. A server that goes away meanwhile is like one that did
// not answer; one that refuses is not.
func (w *Way) with(ctx context.Context, l limits, fn func(*ldap.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, l.time)
	defer cancel()
	var last error
	for _, s := range w.order() {
		err := w.at(ctx, s, l, fn)
		if err == nil || !gone(err) {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		w.mark(s)
		last = err
	}
	return last
}

// at runs fn at one server.
func (w *Way) at(ctx context.Context, s server, l limits, fn func(*ldap.Conn) error) error {
	c, err := w.dial(ctx, s, l)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := w.bindService(ctx, c); err != nil {
		return err
	}
	err = fn(c)
	if e, ok := errors.AsType[*ldap.Error](err); ok {
		return w.explain(s, e)
	}
	if _, ok := errors.AsType[*fault.Error](err); err != nil && !ok { // the connection's own
		return away{w.unreachable(s, err)}
	}
	return err
}

// order gives the servers as they stand in the settings, those last that did not
// answer of late.
func (w *Way) order() []server {
	w.mu.Lock()
	defer w.mu.Unlock()
	var up, down []server
	for _, s := range w.servers {
		if at, ok := w.down[s.addr]; ok && w.setup.Now().Sub(at) < downTime {
			down = append(down, s)
		} else {
			up = append(up, s)
		}
	}
	return append(up, down...)
}

func (w *Way) mark(s server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[s.addr] = w.setup.Now()
}

// away is an error of a server that does not answer: the next may.
type away struct{ error }

// Unwrap gives the error itself.
func (a away) Unwrap() error { return a.error }

func gone(err error) bool {
	_, ok := errors.AsType[away](err)
	return ok
}

// dial connects to a server, with TLS unless the settings say otherwise.
func (w *Way) dial(ctx context.Context, s server, l limits) (*ldap.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	raw, err := w.setup.Dialer.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, away{w.unreachable(s, err)}
	}
	raw = dialer.Most(raw, l.bytes)
	config := &tls.Config{ServerName: s.host, RootCAs: w.roots, MinVersion: tls.VersionTLS12}
	if s.tls {
		t := tls.Client(raw, config)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, away{w.unreachable(s, err)}
		}
		raw = t
	}
	c := ldap.NewConn(raw, s.tls)
	c.SetTimeout(askTime)
	c.Start()
	if s.tls || w.setup.Text("security") == readable {
		return c, nil
	}
	if err := starttls.Begin(ctx, c, config); err != nil {
		return nil, away{w.unreachable(s, err)}
	}
	return c, nil
}

// unreachable says in a sentence why a server cannot be used.
func (w *Way) unreachable(s server, err error) error {
	if dialer.Refused(err) {
		said := fault.Say(err)
		return fault.Wrap(err, fault.Unavailable, "%s may not be asked: %s", s.addr, said.Text).WithHint("%s", said.Hint)
	}
	why, hint := "does not answer", "Check the address, and whether a firewall lets this server reach it."
	host, isHost := errors.AsType[x509.HostnameError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	text := err.Error()
	switch {
	case isHost && host.Certificate != nil:
		why, hint = "has a certificate for another name", "Enter the server by a name that stands in its certificate."
	case isInvalid && invalid.Reason == x509.Expired:
		why, hint = "has a certificate that is over, or not valid yet", "Renew it there; or this server's clock is wrong."
	case isUnknown || isInvalid:
		why, hint = "has a certificate that nobody here trusts", "Enter the certificate of the authority that signed it, or its own."
	case contains(text, "another name", "not "+s.host, "doesn't contain any IP SANs", "is valid for", "not valid for any names"):
		why, hint = "has a certificate for another name", "Enter the server by a name that stands in its certificate."
	case contains(text, "expired or is not yet valid"):
		why, hint = "has a certificate that is over, or not valid yet", "Renew it there; or this server's clock is wrong."
	case contains(text, "unknown authority"):
		why, hint = "has a certificate that nobody here trusts", "Enter the certificate of the authority that signed it, or its own."
	case contains(text, "first record does not look like a TLS handshake"):
		why, hint = "does not speak TLS there", "Port 636 is for ldaps:// and 389 for ldap://."
	case contains(text, "Protocol Error", "no TLS after StartTLS"):
		why, hint = "does not begin TLS", "Switch StartTLS on there, or use ldaps://."
	}
	return fault.Wrap(err, fault.Unavailable, "The directory server %s %s.", s.addr, why).WithHint("%s", hint)
}

// explain makes a fault of what a server answered to something other than a password.
func (w *Way) explain(s server, e *ldap.Error) error {
	switch e.ResultCode {
	case ldap.ErrorNetwork, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultServerDown, ldap.LDAPResultTimeout, ldap.LDAPResultConnectError:
		return away{w.unreachable(s, e)}
	case ldap.LDAPResultNoSuchObject:
		return fault.Wrap(e, fault.Unavailable, "The directory does not have the place where people or groups are, or does not show it.").WithHint("Check the distinguished names of the settings, and what the account that looks people up may read.")
	case ldap.LDAPResultReferral:
		return fault.Wrap(e, fault.Unavailable, "The directory refers to another server, which is not asked.").WithHint("Enter the server that holds the people itself; for Active Directory with several domains, the global catalogue: ldaps://dc1.example.com:3269.")
	case ldap.LDAPResultInsufficientAccessRights:
		return fault.Wrap(e, fault.Unavailable, "The directory does not let the account of the settings look people up.").WithHint("Give it the right to read there.")
	}
	return fault.Wrap(fmt.Errorf("result %d", e.ResultCode), fault.Unavailable, "The directory does not answer as was expected (result %d).", e.ResultCode)
}

// bindService binds as the account of the settings.
func (w *Way) bindService(ctx context.Context, c *ldap.Conn) error {
	dn := w.setup.Text("bind_dn")
	if dn == "" {
		if err := c.UnauthenticatedBind(""); err != nil {
			return w.service(err)
		}
		return nil
	}
	password, err := w.setup.Secret(ctx, "bind_password")
	if err != nil {
		return err
	}
	if password == "" { // a bind with a name and no password is none, and succeeds
		return fault.New(fault.Unavailable, "The account that looks people up has no password in the settings.").WithHint("Enter it in the settings of sign-in.")
	}
	if err := c.Bind(dn, password); err != nil {
		return w.service(err)
	}
	return nil
}

// service explains why the account of the settings may not sign in.
func (w *Way) service(err error) error {
	code := codeOf(err)
	cause := fmt.Errorf("bind of the account of the settings: result %d", code)
	switch code {
	case ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		return fault.Wrap(cause, fault.Unavailable, "The directory takes passwords over TLS only.").WithHint("Use StartTLS or ldaps://.")
	case ldap.ErrorNetwork, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultServerDown, ldap.LDAPResultTimeout, ldap.LDAPResultConnectError:
		return away{fault.Wrap(cause, fault.Unavailable, "The directory has ended the connection.")}
	}
	return fault.Wrap(cause, fault.Unavailable, "The directory does not accept the account that looks people up (result %d).", code).WithHint("Check its distinguished name and its password in the settings.")
}

// bindAs binds as somebody who signs in.
func bindAs(c *ldap.Conn, dn, password string) error {
	if dn == "" || password == "" {
		return refused()
	}
	err := c.Bind(dn, password)
	if err == nil {
		return nil
	}
	code := codeOf(err)
	cause := fmt.Errorf("bind: result %d", code)
	switch code {
	case ldap.ErrorNetwork, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultServerDown, ldap.LDAPResultTimeout, ldap.LDAPResultConnectError:
		return away{fault.Wrap(cause, fault.Unavailable, "The directory has ended the connection.")}
	case ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		return fault.Wrap(cause, fault.Unavailable, "The directory takes passwords over TLS only.").WithHint("An administrator can change the settings of sign-in.")
	}
	return refused()
}

// codeOf is the result that an error of the library stands for.
func codeOf(err error) uint16 {
	if e, ok := errors.AsType[*ldap.Error](err); ok {
		return e.ResultCode
	}
	return ldap.ErrorNetwork
}
