package tlscert_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/feature/tracker/tlscert"
	"strongroom/internal/feature/tracker/trackertest"
)

// name is how the host of the tests is reached.
const name = "localhost"

func TestFetch(t *testing.T) {
	a := trackertest.NewAuthority(t)
	host := a.Serve(trackertest.Cert{Names: []string{name, "www.example.com"}})
	s := &tlscert.Source{Dialer: trackertest.Dialer(), Roots: a.Roots}
	fetch := func() (*seen.Report, error) { return s.Fetch(t.Context(), seen.Target{Host: name, Port: host.Port}) }
	yesterday := time.Now().AddDate(0, 0, -1)
	for _, c := range []struct {
		what     string
		cert     trackertest.Cert
		verified string
		worst    seen.Level
		words    string
	}{
		{"good", trackertest.Cert{Names: []string{name, "www.example.com"}}, "it verifies", seen.Good, "name, time and chain"},
		{"expired", trackertest.Cert{Names: []string{name}, From: yesterday.AddDate(0, -3, 0), Until: yesterday}, "it has expired", seen.Bad, "has expired"},
		{"not yet", trackertest.Cert{Names: []string{name}, From: time.Now().Add(time.Hour)}, "it is not valid yet", seen.Bad, "not valid yet"},
		{"wrong name", trackertest.Cert{Names: []string{"other.example"}}, "it is for other names", seen.Bad, "not for " + name},
		{"self-signed", trackertest.Cert{Names: []string{name}, Self: true}, "it is signed by itself", seen.Bad, "signed by itself"},
		{"no chain", trackertest.Cert{Names: []string{name}, NoChain: true}, "no known authority has issued it", seen.Bad, "sends no intermediate"},
		{"two things", trackertest.Cert{Names: []string{"other.example"}, From: yesterday.AddDate(0, -3, 0), Until: yesterday}, "it has expired\nit is for other names", seen.Bad, "not for " + name},
	} {
		t.Run(c.what, func(t *testing.T) {
			host.Present(c.cert)
			r, err := fetch()
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(fact(r, "Verification"), "\n"); got != c.verified {
				t.Errorf("verification: %q", got)
			}
			var all strings.Builder
			for _, f := range r.Findings {
				all.WriteString(f.Text + "\n")
			}
			if r.Worst() != c.worst || !strings.Contains(all.String(), c.words) {
				t.Errorf("findings: %s", all.String())
			}
			until := c.cert.Until
			if until.IsZero() {
				if until = c.cert.From; until.IsZero() {
					until = time.Now().Add(-time.Hour)
				}
				until = until.AddDate(0, 0, 90)
			}
			if r.Fields["valid_until"] != until.UTC().Format(time.DateOnly) || r.Fields["issued_to"] != c.cert.Names[0] || len(fact(r, "SHA-256 fingerprint")) != 1 || fact(r, "Key")[0] != "ECDSA, P-256" {
				t.Errorf("fields %v, %s", r.Fields, r.Text())
			}
		})
	}
	t.Run("an authority that is not known", func(t *testing.T) {
		host.Present(trackertest.Cert{Names: []string{name}})
		s := &tlscert.Source{Dialer: trackertest.Dialer(), Roots: trackertest.NewAuthority(t).Roots}
		r, err := s.Fetch(t.Context(), seen.Target{Host: name, Port: host.Port})
		if err != nil || fact(r, "Verification")[0] != "no known authority has issued it" {
			t.Errorf("%v %v", r, err)
		}
	})
}

func fact(r *seen.Report, label string) []string {
	for _, f := range r.Facts {
		if f.Label == label {
			return f.Values
		}
	}
	return nil
}

func TestNoCertificate(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		for {
			c, err := plain.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 mail.example.com ESMTP\r\n"))
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(plain.Addr().String())
	s := &tlscert.Source{Dialer: trackertest.Dialer()}
	_, err = s.Fetch(t.Context(), seen.Target{Host: name, Port: port})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Say(err).Hint, "STARTTLS") {
		t.Errorf("a plain port: %v", err)
	}
	if _, err := s.Fetch(t.Context(), seen.Target{Host: "127.0.0.1", Port: "1"}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a closed port: %v", err)
	}
	s.Dialer = &dialer.Dialer{}
	if _, err := s.Fetch(t.Context(), seen.Target{Host: name, Port: port}); !dialer.Refused(err) {
		t.Errorf("a host inside: %v", err)
	}
}

// TestMailServer: a mail server's certificate is looked at behind STARTTLS.
func TestMailServer(t *testing.T) {
	a := trackertest.NewAuthority(t)
	for _, c := range []struct {
		tls   *tls.Config
		words string // of what fails; empty for nothing
	}{{a.Config(trackertest.Cert{Names: []string{name}}), ""}, {nil, "does not begin TLS"}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := smtp.NewServer(nobody{})
		server.Domain, server.TLSConfig = name, c.tls
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { server.Close() })
		_, port, _ := net.SplitHostPort(l.Addr().String())
		s := &tlscert.Source{Dialer: trackertest.Dialer(), Roots: a.Roots, SMTP: []string{port}}
		r, err := s.Fetch(t.Context(), seen.Target{Host: name, Port: port})
		switch {
		case c.words != "" && (!fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), c.words)):
			t.Errorf("got %v", err)
		case c.words == "" && (err != nil || r.Worst() != seen.Good):
			t.Errorf("got %v %v", r, err)
		}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, port, _ := net.SplitHostPort(silent.Addr().String())
	s := &tlscert.Source{Dialer: trackertest.Dialer(), SMTP: []string{port}, Time: 50 * time.Millisecond}
	if _, err := s.Fetch(t.Context(), seen.Target{Host: name, Port: port}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a server that says nothing: %v", err)
	}
}

// nobody takes no mail.
type nobody struct{}

func (n nobody) NewSession(*smtp.Conn) (smtp.Session, error) { return n, nil }
func (nobody) Mail(string, *smtp.MailOptions) error          { return smtp.ErrAuthRequired }
func (nobody) Rcpt(string, *smtp.RcptOptions) error          { return smtp.ErrAuthRequired }
func (nobody) Data(io.Reader) error                          { return smtp.ErrAuthRequired }
func (nobody) Reset()                                        {}
func (nobody) Logout() error                                 { return nil }
