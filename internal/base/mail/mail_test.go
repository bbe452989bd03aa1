package mail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
)

// relay is a server that keeps what it takes.
type relay struct {
	addr  string
	roots *x509.CertPool

	mu     sync.Mutex
	got    []string
	users  []string
	refuse error
}

func (r *relay) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{r: r}, nil }

type session struct {
	r  *relay
	to string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain, sasl.OAuthBearer} }
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	if mechanism == sasl.OAuthBearer {
		return sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if o.Token != "a token" || o.Host == "" || o.Port == 0 {
				return &sasl.OAuthBearerError{Status: "invalid_token", Schemes: "bearer"}
			}
			s.r.mu.Lock()
			defer s.r.mu.Unlock()
			s.r.users = append(s.r.users, o.Username)
			return nil
		}), nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "strongroom" || password != "word" {
			return errors.New("no")
		}
		s.r.mu.Lock()
		defer s.r.mu.Unlock()
		s.r.users = append(s.r.users, user)
		return nil
	}), nil
}
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return s.r.refuse
}
func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.got = append(s.r.got, s.to+"\n"+string(b))
	return err
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// serve starts a relay that begins TLS by one of the modes.
func serve(t *testing.T, mode string) *relay {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{roots: x509.NewCertPool()}
	r.roots.AddCert(leaf)
	s := smtp.NewServer(r)
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	switch mode {
	case mail.Implicit:
		l = tls.NewListener(l, config)
	case mail.StartTLS:
		s.TLSConfig = config
	}
	s.Domain, s.AllowInsecureAuth = "localhost", true
	r.addr = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return r
}

func (r *relay) client(mode string) *mail.Relay {
	return &mail.Relay{Dialer: &dialer.Dialer{Trusted: []string{r.addr}}, Addr: r.addr, TLS: mode, From: netmail.Address{Name: "Strongroom", Address: "strongroom@northbeam.example"},
		Config: &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS12}}
}

var letter = mail.Message{ID: "m-7", To: netmail.Address{Name: "Ines Ökafor", Address: "ines@northbeam.example"}, Subject: "Läuft ab: example.com\r\nBcc: all@example.com",
	Text: "Grüße\n.\nEin Punkt allein.", HTML: "<p>Grüße</p>", Date: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}

func TestSend(t *testing.T) {
	for _, mode := range []string{mail.StartTLS, mail.Implicit, mail.Plain} {
		t.Run(mode, func(t *testing.T) {
			r := serve(t, mode)
			c := r.client(mode)
			if mode != mail.Plain {
				c.User, c.Password = "strongroom", "word"
			}
			if err := c.Send(t.Context(), letter); err != nil {
				t.Fatal(err)
			}
			if len(r.got) != 1 || (mode != mail.Plain) != (len(r.users) == 1) {
				t.Fatalf("%d mails, users %v", len(r.got), r.users)
			}
			to, raw, _ := strings.Cut(r.got[0], "\n")
			m, err := netmail.ReadMessage(strings.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || to != "ines@northbeam.example" || subject != "Läuft ab: example.com Bcc: all@example.com" || m.Header.Get("Bcc") != "" {
				t.Errorf("to %s, subject %q, %v", to, subject, err)
			}
			if m.Header.Get("Message-Id") != "<m-7@northbeam.example>" || m.Header.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("headers %v", m.Header)
			}
			if list, err := m.Header.AddressList("To"); err != nil || list[0].Name != "Ines Ökafor" {
				t.Errorf("to %v %v", list, err)
			}
			_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			parts := multipart.NewReader(m.Body, params["boundary"])
			for _, want := range []string{letter.Text, letter.HTML} {
				p, err := parts.NextRawPart()
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(quotedprintable.NewReader(p))
				if got := strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n")); err != nil || got != want {
					t.Errorf("a part is %q, %v", got, err)
				}
			}
		})
	}
}

// TestSendTextAlone: a mail without HTML has its text as its body.
func TestSendTextAlone(t *testing.T) {
	r := serve(t, mail.Plain)
	plain := letter
	plain.HTML = ""
	if err := r.client(mail.Plain).Send(t.Context(), plain); err != nil {
		t.Fatal(err)
	}
	_, raw, _ := strings.Cut(r.got[0], "\n")
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if got := strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n")); err != nil || got != letter.Text || m.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%s: %q, %v", m.Header.Get("Content-Type"), got, err)
	}
}

func TestRefusals(t *testing.T) {
	r := serve(t, mail.StartTLS)
	try := func(change func(*mail.Relay)) error {
		c := r.client(mail.StartTLS)
		change(c)
		return c.Send(t.Context(), letter)
	}
	for name, change := range map[string]func(*mail.Relay){
		"a certificate that nobody knows": func(c *mail.Relay) { c.Config = nil },
		"a wrong password":                func(c *mail.Relay) { c.User, c.Password = "strongroom", "wrong" },
		"a password without TLS":          func(c *mail.Relay) { c.TLS, c.User = mail.Plain, "strongroom" },
		"TLS from the first byte":         func(c *mail.Relay) { c.TLS = mail.Implicit },
		"nobody there":                    func(c *mail.Relay) { c.Addr = "127.0.0.1:1"; c.Dialer.Trusted = []string{c.Addr} },
		"a relay that nobody named": func(c *mail.Relay) {
			c.Dialer = &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
		},
	} {
		if err := try(change); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain := serve(t, mail.Plain)
	if err := plain.client(mail.StartTLS).Send(t.Context(), letter); !fault.Is(err, fault.Unavailable) || len(plain.got) > 0 {
		t.Errorf("a relay without TLS: %v", err)
	}
	r.refuse = &smtp.SMTPError{Code: 550, Message: "no such user"}
	if err := try(func(*mail.Relay) {}); !fault.Is(err, fault.Invalid) {
		t.Errorf("refused for good: %v", err)
	}
	r.refuse = &smtp.SMTPError{Code: 451, Message: "later"}
	if err := try(func(*mail.Relay) {}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("refused for now: %v", err)
	}
	if len(r.got) > 0 {
		t.Errorf("taken all the same: %q", r.got)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"ines@northbeam.example", "Ines <ines@northbeam.example>", "a@b\r\nRCPT TO:<x>", `"a b"@c`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := mail.ParseAddress(s)
		if err == nil && (strings.ContainsAny(a.Address, "\r\n") || !strings.Contains(a.Address, "@")) {
			t.Errorf("%q is %q", s, a.Address)
		}
	})
}

// TestAccessToken: who has an access token sends by it, over TLS alone, and is told what the
// relay says against it.
func TestAccessToken(t *testing.T) {
	r := serve(t, mail.StartTLS)
	c := r.client(mail.StartTLS)
	c.User, c.Token = "desk@northbeam.example", "a token"
	if err := c.Send(t.Context(), letter); err != nil || len(r.got) != 1 || len(r.users) != 1 || r.users[0] != c.User {
		t.Errorf("%v, %v", err, r.users)
	}
	c.Token = "another"
	if err := c.Send(t.Context(), letter); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Say(err).Text, "status invalid_token") {
		t.Errorf("with another token: %v", err)
	}
	plain := serve(t, mail.Plain)
	c = plain.client(mail.Plain)
	c.User, c.Token = "desk", "a token"
	if err := c.Send(t.Context(), letter); err == nil || len(plain.users) != 0 {
		t.Errorf("without TLS: %v, %v", err, plain.users)
	}
}
