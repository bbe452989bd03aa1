// Package connector says what it takes to change a password at the system that it
// opens. Each sort of system is a package below.
//
// Always true: a connector proves whom it talks to before it gives a secret away; it
// makes its connections by the dialer that it was given; what the other side says is in
// no error of it, since it has just been told secrets; and a dry run changes nothing.
package connector

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"strongroom/internal/base/fault"
)

// Target is a system, and the account there whose password is changed.
type Target struct {
	System  string // the name of its Connector
	Address string // host and port
	Account string // as the system calls it: a user name, a role, a distinguished name
	Place   string // what else the system wants to know, such as the name of a database
	Pin     string // fingerprint of the key or certificate that it has to show; empty where others vouch for it
}

// Login is who signs in to make the change.
type Login struct {
	Name   string
	Secret string
	Own    bool // the account itself
}

// Change is what is to be done.
type Change struct {
	Target Target
	By     Login
	Now    string // the present password of the account
	Next   string // the one to come
}

// Dial opens connections, as dialer.Dialer does.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Connector changes passwords at one sort of system.
type Connector struct {
	Name  string // as it is kept: "ssh"
	Title string // for people: "Linux, by SSH"
	Icon  string
	Port  string // the usual one
	// Account, Place and Pin say in a form what is to be entered; an empty one of the
	// last two is not asked for.
	Account, Place, Pin string

	// Valid tells what is wrong with a target, Invalid for "account", "place" or "pin".
	Valid func(Target) error
	// Check is the dry run: it signs in as the login and tells whether that may make
	// the change. Denied when it may not.
	Check func(context.Context, Change) error
	// Change makes the change. After a failure the system may have made it all the same.
	Change func(context.Context, Change) error
	// Opens tells whether a password opens the account now. An error says that it
	// could not be found out.
	Opens func(ctx context.Context, t Target, secret string) (bool, error)
}

// classes are the sorts of characters that every generated password has: none of
// them ends a line, parts a field or needs to be quoted anywhere.
var classes = [4]string{"abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-_.+=%@"}

// length is how many characters a generated password has: more than 140 bits.
const length = 24

// Generate makes a password with characters of every class, from a source of
// randomness; nil is the system's.
func Generate(source io.Reader) (string, error) {
	if source == nil {
		source = rand.Reader
	}
	all := strings.Join(classes[:], "")
	for {
		b := make([]byte, length)
		for i := range b {
			n, err := rand.Int(source, big.NewInt(int64(len(all))))
			if err != nil {
				return "", err
			}
			b[i] = all[n.Int64()]
		}
		s := string(b)
		if !strings.HasPrefix(s, "-") && complete(s) {
			return s, nil
		}
	}
}

func complete(s string) bool {
	for _, c := range classes {
		if !strings.ContainsAny(s, c) {
			return false
		}
	}
	return true
}

// pins are the fingerprints of certificates that a target may name.
var pins = regexp.MustCompile(`^(SHA256:[0-9a-f]{64})?$`)

// ValidPin tells what is wrong with the fingerprint of a target's certificate.
func ValidPin(t Target) error {
	if !pins.MatchString(t.Pin) {
		return fault.Field("pin", "Enter SHA256: and 64 small hexadecimal digits, or nothing.")
	}
	return nil
}

// Certificate says whose certificate a target may show: the named one, or one that an
// authority vouches for which this machine trusts. It is nil where nothing needs to be
// encrypted: on this machine itself, unless a certificate is named. A stranger's is put
// into strange, since what a handshake returns need not say which error ended it.
func Certificate(t Target, strange *error) *tls.Config {
	host, _, err := net.SplitHostPort(t.Address)
	if err != nil {
		host = t.Address
	}
	if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() && t.Pin == "" {
		return nil
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if t.Pin == "" {
		return config
	}
	config.InsecureSkipVerify = true // #nosec G402 -- the certificate is the one whose fingerprint was named, or nothing is sent
	config.VerifyConnection = func(s tls.ConnectionState) error {
		if seen := fmt.Sprintf("SHA256:%x", sha256.Sum256(s.PeerCertificates[0].Raw)); seen != t.Pin {
			*strange = Stranger(seen)
			return *strange
		}
		return nil
	}
	return config
}

// Away says that a system could not be asked.
func Away(cause error) error {
	if fault.Is(cause, fault.Denied) { // the dialer's word: it is said as it is
		return cause
	}
	return fault.Wrap(cause, fault.Unavailable, "The system does not answer, or not in the way of its sort.")
}

// Stranger says that a system did not show the key or certificate that was named.
func Stranger(seen string) error {
	return fault.New(fault.Denied, "The system shows another key or certificate than the one that was named. It was told nothing.").
		WithHint("It shows %s. Compare that with the system itself before you name it.", seen)
}

// Refused says that a system did not let the login in, or did not let it do this.
func Refused(what string) error {
	return fault.New(fault.Denied, "The system refused %s.", what).
		WithHint("Look at the system itself whether this login is let in there, and whether it may set this password.")
}
