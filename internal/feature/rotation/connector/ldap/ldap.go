// Package ldap changes passwords in directories: those that know the Password Modify
// operation (RFC 3062), such as OpenLDAP and 389 Directory Server, and Active Directory.
//
// Always true: nothing but a request for encryption is sent before the connection is
// encrypted and the certificate checked, but to this machine itself; what a server
// answers is read as result codes alone.
package ldap

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/starttls"
	"strongroom/internal/feature/rotation/connector"
)

const (
	patience = 20 * time.Second // that connecting, and each answer, may take
	answers  = 1 << 20          // bytes that a server may send
)

// Connectors gives the connectors of directories with the dialer that they use.
func Connectors(dial connector.Dial) []connector.Connector {
	of := func(name, title string, how request) connector.Connector {
		s := system{dial, how}
		return connector.Connector{
			Name: name, Title: title, Icon: "users", Port: "636",
			Account: "The distinguished name of the account, such as uid=ruth,ou=people,dc=example,dc=com. Who else signs in has one as user name too.",
			Pin:     "Fingerprint of the server's certificate, SHA256: and 64 hexadecimal digits. Empty: an authority that this machine trusts has to vouch for it.",
			Valid:   valid, Check: s.check, Change: s.change, Opens: s.opens,
		}
	}
	return []connector.Connector{of("ldap", "LDAP directory", modern), of("ad", "Active Directory", active)}
}

type system struct {
	dial connector.Dial
	how  request // what makes a change
}

// request asks a directory for something.
type request func(*ldap.Conn, connector.Change) error

var names = regexp.MustCompile(`^[A-Za-z0-9.-]+=[^\x00\n]+$`)

func valid(t connector.Target) error {
	if len(t.Account) > 300 || !names.MatchString(t.Account) {
		return fault.Field("account", "Enter a distinguished name, such as uid=ruth,ou=people,dc=example,dc=com.")
	}
	return connector.ValidPin(t)
}

// modern is the Password Modify operation.
func modern(at *ldap.Conn, c connector.Change) error {
	now := ""
	if c.By.Own {
		now = c.Now
	}
	_, err := at.PasswordModify(ldap.NewPasswordModifyRequest(c.Target.Account, now, c.Next))
	return err
}

// active is a modification of unicodePwd: the password in quotes as UTF-16. The account
// itself takes the earlier one out and puts the new one in; others replace it
// (MS-ADTS, section 3.1.1.3.1.5).
func active(at *ldap.Conn, c connector.Change) error {
	m := ldap.NewModifyRequest(c.Target.Account, nil)
	if c.By.Own {
		m.Delete("unicodePwd", []string{quoted(c.Now)})
		m.Add("unicodePwd", []string{quoted(c.Next)})
	} else {
		m.Replace("unicodePwd", []string{quoted(c.Next)})
	}
	return at.Modify(m)
}

func quoted(s string) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(`"` + s + `"`)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

// open connects, encrypted but to this machine itself.
func (s system) open(ctx context.Context, t connector.Target) (*ldap.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, port, err := net.SplitHostPort(t.Address)
	if err != nil {
		return nil, connector.Away(err)
	}
	raw, err := s.dial(ctx, "tcp", t.Address)
	if err != nil {
		return nil, connector.Away(err)
	}
	raw = dialer.Most(raw, answers)
	var strange error
	config := connector.Certificate(t, &strange)
	begun := config != nil && (port == "636" || port == "3269") // those begin with TLS
	if begun {
		secure := tls.Client(raw, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, unlike(strange, err)
		}
		raw = secure
	}
	c := ldap.NewConn(raw, begun)
	c.SetTimeout(patience)
	c.Start()
	if begun || config == nil {
		return c, nil
	}
	if err := starttls.Begin(ctx, c, config); err != nil {
		return nil, unlike(strange, coded(err))
	}
	return c, nil
}

// unlike is why there is no encrypted connection.
func unlike(strange, err error) error {
	if strange != nil {
		return strange
	}
	return connector.Away(err)
}

// code is the result that an answer holds, or that the library puts for a connection
// that failed.
func code(err error) uint16 {
	if err == nil {
		return ldap.LDAPResultSuccess
	}
	if e, ok := errors.AsType[*ldap.Error](err); ok {
		return e.ResultCode
	}
	return ldap.ErrorNetwork
}

// coded leaves nothing of what the server said but a number.
func coded(err error) error { return fmt.Errorf("result code %d", code(err)) }

// lost tells whether the failure says nothing about what was asked.
func lost(err error) bool {
	switch n := code(err); n {
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable:
		return true
	default:
		return n >= ldap.ErrorNetwork // the library's own
	}
}

// bind signs in, and tells whether the password was taken.
func bind(c *ldap.Conn, name, secret string) (bool, error) {
	if name == "" || secret == "" { // that would be nobody, and taken (RFC 4513, section 5.1.2)
		return false, nil
	}
	err := c.Bind(name, secret)
	switch code(err) {
	case ldap.LDAPResultSuccess:
		return true, nil
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInappropriateAuthentication:
		return false, nil
	}
	return false, said(err, "to sign in")
}

// said is what becomes of a failure.
func said(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case lost(err):
		return connector.Away(coded(err))
	}
	return connector.Refused(fmt.Sprintf("%s (result code %d)", what, code(err)))
}

func (s system) opens(ctx context.Context, t connector.Target, secret string) (bool, error) {
	c, err := s.open(ctx, t)
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close() }()
	return bind(c, t.Account, secret)
}

// check signs in and looks the account up: whether the login may change it, a directory
// tells by doing it alone.
func (s system) check(ctx context.Context, c connector.Change) error {
	look := func(at *ldap.Conn, c connector.Change) error {
		_, err := at.Search(ldap.NewSearchRequest(c.Target.Account, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, int(patience/time.Second), false, "(objectClass=*)", []string{"1.1"}, nil))
		return err
	}
	return s.do(ctx, c, look, "to show the account to "+c.By.Name)
}

func (s system) change(ctx context.Context, c connector.Change) error {
	return s.do(ctx, c, s.how, "the new password, or "+c.By.Name+" to set it")
}

func (s system) do(ctx context.Context, c connector.Change, ask request, what string) error {
	at, err := s.open(ctx, c.Target)
	if err != nil {
		return err
	}
	defer func() { _ = at.Close() }() // what was asked for has its answer
	ok, err := bind(at, c.By.Name, c.By.Secret)
	if err != nil {
		return err
	}
	if !ok {
		return connector.Refused("the password of " + c.By.Name)
	}
	return said(ask(at, c), what)
}
