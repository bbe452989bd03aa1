// Package ldap changes passwords in directories: those that know the Password Modify
// operation (RFC 3062), such as OpenLDAP and 389 Directory Server, and Active Directory.
//
// Always true: nothing but a request for encryption is sent before the connection is
// encrypted and the certificate checked, but to this machine itself; what a server
// answers is read as result codes alone.
package ldap

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/rotation/connector"
)

// patience is how long connecting, and each answer, may take.
const patience = 20 * time.Second

// Connectors gives the connectors of directories with the dialer that they use.
func Connectors(dial connector.Dial) []connector.Connector {
	of := func(name, title string, how func(connector.Change) []byte) connector.Connector {
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
	how  func(connector.Change) []byte // the request that makes a change
}

var (
	pins  = regexp.MustCompile(`^(SHA256:[0-9a-f]{64})?$`)
	names = regexp.MustCompile(`^[A-Za-z0-9.-]+=[^\x00\n]+$`)
)

func valid(t connector.Target) error {
	switch {
	case len(t.Account) > 300 || !names.MatchString(t.Account):
		return fault.Field("account", "Enter a distinguished name, such as uid=ruth,ou=people,dc=example,dc=com.")
	case !pins.MatchString(t.Pin):
		return fault.Field("pin", "Enter SHA256: and 64 small hexadecimal digits, or nothing.")
	}
	return nil
}

// modern is the Password Modify operation.
func modern(c connector.Change) []byte {
	what := [][]byte{text(simple, c.Target.Account)}
	if c.By.Own {
		what = append(what, text(context1, c.Now))
	}
	what = append(what, text(context2, c.Next))
	return el(extended, text(simple, "1.3.6.1.4.1.4203.1.11.1"), el(context1, el(sequence, what...)))
}

// active is a modification of unicodePwd: the password in quotes as UTF-16. The account
// itself takes the earlier one out and puts the new one in; others replace it.
func active(c connector.Change) []byte {
	item := func(do byte, password string) []byte {
		return el(sequence, el(enumerated, []byte{do}), el(sequence, text(octets, "unicodePwd"), el(set, el(octets, quoted(password)))))
	}
	changes := [][]byte{item(2, c.Next)}
	if c.By.Own {
		changes = [][]byte{item(1, c.Now), item(0, c.Next)}
	}
	return el(modify, text(octets, c.Target.Account), el(sequence, changes...))
}

func quoted(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(`"` + s + `"`)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// conn is a connection to a directory.
type conn struct {
	net.Conn
	in   *bufio.Reader
	last int
}

// open connects, encrypted.
func (s system) open(ctx context.Context, t connector.Target) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	host, port, err := net.SplitHostPort(t.Address)
	if err != nil {
		return nil, connector.Away(err)
	}
	raw, err := s.dial(ctx, "tcp", t.Address)
	if err != nil {
		return nil, connector.Away(err)
	}
	c := &conn{Conn: raw, in: bufio.NewReader(raw)}
	if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() && t.Pin == "" {
		return c, nil
	}
	if port != "636" && port != "3269" { // those begin with TLS
		code, err := c.ask(el(extended, text(simple, "1.3.6.1.4.1.1466.20037")), extAnswer)
		if err == nil && code != success {
			err = connector.Away(errors.New("the server does not encrypt"))
		}
		if err != nil {
			return nil, errors.Join(err, quiet(raw.Close()))
		}
	}
	var strange error
	secure := tls.Client(raw, transport(t, host, &strange))
	if err := secure.HandshakeContext(ctx); err != nil {
		if strange == nil {
			strange = connector.Away(err)
		}
		return nil, errors.Join(strange, quiet(raw.Close()))
	}
	return &conn{Conn: secure, in: bufio.NewReader(secure), last: c.last}, nil
}

// transport says whose certificate is taken.
func transport(t connector.Target, host string, strange *error) *tls.Config {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if t.Pin == "" {
		return config
	}
	config.InsecureSkipVerify = true // #nosec G402 -- the certificate is the one whose fingerprint was named, or nothing is sent
	config.VerifyConnection = func(s tls.ConnectionState) error {
		if seen := fmt.Sprintf("SHA256:%x", sha256.Sum256(s.PeerCertificates[0].Raw)); seen != t.Pin {
			*strange = connector.Stranger(seen)
			return *strange
		}
		return nil
	}
	return config
}

func quiet(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// ask sends a request and gives the result code of its end.
func (c *conn) ask(request []byte, end byte) (int, error) {
	c.last++
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, connector.Away(err)
	}
	if _, err := c.Write(el(sequence, el(integer, []byte{byte(c.last)}), request)); err != nil { // #nosec G115 -- a handful of requests
		return 0, connector.Away(err)
	}
	for range 1000 { // entries that are of no interest come before an end
		b, err := read(c.in)
		if err != nil {
			return 0, connector.Away(err)
		}
		number, tag, code, err := answer(b)
		switch {
		case err != nil:
			return 0, err
		case number == c.last && tag == end:
			return code, nil
		case number != c.last || tag != searchEntry && tag != searchRefers:
			return 0, errStrange()
		}
	}
	return 0, errStrange()
}

// hang ends a connection.
func (c *conn) hang() error {
	_, _ = c.Write(el(sequence, el(integer, []byte{byte(c.last + 1)}), []byte{unbind, 0})) // #nosec G115 -- a handful of requests
	_ = c.Close()                                                                          // what was asked for has its answer
	return nil
}

// bind signs in, and tells whether the password was taken.
func (c *conn) bind(name, secret string) (bool, error) {
	if name == "" || secret == "" { // that would be nobody, and taken (RFC 4513, section 5.1.2)
		return false, nil
	}
	code, err := c.ask(el(bindRequest, el(integer, []byte{3}), text(octets, name), text(simple, secret)), bindAnswer)
	switch {
	case err != nil:
		return false, err
	case code == success:
		return true, nil
	case code == badCredentials, code == noSuchObject, code == inappropriateAuth:
		return false, nil
	case code == busy, code == unavailable:
		return false, connector.Away(fmt.Errorf("result code %d", code))
	}
	return false, connector.Refused(fmt.Sprintf("to sign in (result code %d)", code))
}

func (s system) opens(ctx context.Context, t connector.Target, secret string) (bool, error) {
	c, err := s.open(ctx, t)
	if err != nil {
		return false, err
	}
	ok, err := c.bind(t.Account, secret)
	return ok, errors.Join(err, c.hang())
}

// check signs in and looks the account up: whether the login may change it, a directory
// tells by doing it alone.
func (s system) check(ctx context.Context, c connector.Change) error {
	look := el(search, text(octets, c.Target.Account), el(enumerated, []byte{0}), el(enumerated, []byte{0}), el(integer, []byte{1}), el(integer, []byte{10}), el(boolean, []byte{0}),
		text(present, "objectClass"), el(sequence, text(octets, "1.1")))
	return s.do(ctx, c, look, searchDone, "to show the account to "+c.By.Name)
}

func (s system) change(ctx context.Context, c connector.Change) error {
	request := s.how(c)
	end := byte(extAnswer)
	if request[0] == modify {
		end = modifyAnswer
	}
	return s.do(ctx, c, request, end, "the new password, or "+c.By.Name+" to set it")
}

func (s system) do(ctx context.Context, c connector.Change, request []byte, end byte, what string) error {
	at, err := s.open(ctx, c.Target)
	if err != nil {
		return err
	}
	ok, err := at.bind(c.By.Name, c.By.Secret)
	if err == nil && !ok {
		err = connector.Refused("the password of " + c.By.Name)
	}
	if err == nil {
		var code int
		if code, err = at.ask(request, end); err == nil && code != success {
			err = connector.Refused(fmt.Sprintf("%s (result code %d)", strings.TrimSpace(what), code))
		}
	}
	return errors.Join(err, at.hang())
}
