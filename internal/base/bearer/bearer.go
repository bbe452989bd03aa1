// Package bearer gets access tokens by OAuth 2.0 (RFC 6749, with PKCE of RFC 7636) and
// shows them to mail servers (RFC 7628, and the older XOAUTH2).
//
// Always true: a token is shown over TLS alone; what a server says against one is told from
// a connection that failed; nothing that stands in a name or a token can begin another
// field of a message.
package bearer

import (
	"encoding/json"
	"errors"
	"net"
	"net/smtp"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
)

// The mechanisms by which mail servers take an access token.
const (
	OAuthBearer = "OAUTHBEARER" // RFC 7628
	XOAuth2     = "XOAUTH2"     // what Microsoft and Google had before, and Microsoft has alone
)

// Token is an access token of somebody for a server. It is a client of SASL as the
// libraries of IMAP and SMTP want one; each sign-in takes one of its own.
type Token struct {
	User string
	Addr string // host:port of the mail server
	Text string
	// Mechanism is chosen from what the server offers when empty.
	Mechanism string

	said string // of the server, against it
}

// Choose gives the mechanism for a server that offers these: the standard one where there
// is a choice. Empty when it offers neither.
func Choose(offered []string) string {
	for _, m := range []string{OAuthBearer, XOAuth2} {
		if slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, m) }) {
			return m
		}
	}
	return ""
}

// First is the message that signs in.
func (t *Token) First() ([]byte, error) {
	if strings.ContainsFunc(t.User+t.Text, func(r rune) bool { return r < ' ' || r == 0x7f }) || t.Text == "" {
		return nil, errors.New("a name or an access token holds what cannot be sent")
	}
	if t.Mechanism == XOAuth2 {
		return []byte("user=" + t.User + "\x01auth=Bearer " + t.Text + "\x01\x01"), nil
	}
	host, port, err := net.SplitHostPort(t.Addr)
	if err != nil {
		return nil, err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, err
	}
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(t.User)
	return []byte("n,a=" + name + ",\x01host=" + host + "\x01port=" + port + "\x01auth=Bearer " + t.Text + "\x01\x01"), nil
}

// Start begins, as a client of SASL does.
func (t *Token) Start() (mechanism string, first []byte, err error) {
	first, err = t.First()
	return t.Mechanism, first, err
}

// Next answers a server that refuses: it explains itself, and wants to hear that it was
// understood before it says no.
func (t *Token) Next(challenge []byte) ([]byte, error) {
	if t.said != "" {
		return nil, errors.New("the server asks again and again")
	}
	if t.said = status(challenge); t.said == "" {
		t.said = "refused"
	}
	if t.Mechanism == OAuthBearer {
		return []byte("\x01"), nil
	}
	return []byte{}, nil
}

// Said is what the server said against the token; empty when it said nothing.
func (t *Token) Said() string { return t.said }

// status reads the status of a server's explanation.
func status(challenge []byte) string {
	var x struct {
		Status string `json:"status"`
	}
	if len(challenge) > 4096 || json.Unmarshal(challenge, &x) != nil || len(x.Status) > 40 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, x.Status)
}

// SMTP is the token for net/smtp.
func (t *Token) SMTP() smtp.Auth { return &sender{t} }

type sender struct{ *Token }

// Start begins, where TLS protects it.
func (s *sender) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("an access token is not sent without TLS")
	}
	if s.Mechanism = Choose(server.Auth); s.Mechanism == "" {
		return "", nil, ErrNotOffered
	}
	return s.Token.Start()
}

// Next answers what the server says before it refuses.
func (s *sender) Next(from []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	return s.Token.Next(from)
}

// ErrNotOffered is that a server takes no access tokens.
var ErrNotOffered = errors.New("the server takes no access tokens")

// Refused says what it means that a mail server did not take a token.
func (t *Token) Refused(err error) error {
	if errors.Is(err, ErrNotOffered) {
		return fault.Wrap(err, fault.Unavailable, "The mail server takes no sign-in by OAuth2.").WithHint("Look at the server's address; or choose a password.")
	}
	text := "The mail server refuses the access token."
	if t.said != "" && t.said != "refused" {
		text = "The mail server refuses the access token, with status " + t.said + "."
	}
	return fault.Wrap(err, fault.Unavailable, "%s", text).
		WithHint("Look whether who gave the permission may open this mailbox (%s), and whether the provider lets programs in by this protocol; then connect the mailbox again.", t.User)
}
