package popfetch_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/base/popfetch"
)

// TestDovecot: what a real server does with us, and we with it.
func TestDovecot(t *testing.T) {
	d := dovecottest.Start(t)
	open := func(who string) (*popfetch.Source, map[string]bool) {
		known := map[string]bool{}
		return &popfetch.Source{Dialer: &dialer.Dialer{Trusted: []string{d.POP, d.LatePOP}}, Addr: d.POP, User: who, Password: dovecottest.Password, Known: func(s string) bool { return known[s] },
			Config: &tls.Config{RootCAs: d.Roots, MinVersion: tls.VersionTLS12}}, known
	}
	visit := func(t *testing.T, s *popfetch.Source, known map[string]bool) (got []string) {
		t.Helper()
		_, noted, err := s.Fetch(t.Context(), func(name string, raw []byte) error {
			known[name] = true
			got = append(got, string(raw))
			return nil
		})
		if err != nil || noted != nil {
			t.Fatal(err, noted)
		}
		return got
	}
	t.Run("in order, whole, and once", func(t *testing.T) {
		var mails []string
		for i := range 40 {
			mails = append(mails, fmt.Sprintf("Subject: %02d\r\n\r\n.\r\n..two dots\r\nText\r\n", i))
		}
		d.Deliver("pop", mails...)
		s, known := open("pop")
		s.Limit = 25
		got := append(visit(t, s, known), visit(t, s, known)...)
		if !slices.Equal(got, mails) {
			t.Errorf("%d of %d mails, or others: %q", len(got), len(mails), got[:1])
		}
		if more := visit(t, s, known); len(more) != 0 {
			t.Errorf("%d come again", len(more))
		}
		d.Deliver("pop", "Subject: later\r\n\r\n")
		s.Addr, s.StartTLS = d.LatePOP, true
		if more := visit(t, s, known); len(more) != 1 || !strings.Contains(more[0], "later") {
			t.Errorf("by STLS %q", more)
		}
	})
	t.Run("what was not kept comes again, and what is behind it waits", func(t *testing.T) {
		d.Deliver("crash", "Subject: 1\r\n\r\n", "Subject: 2\r\n\r\n")
		s, known := open("crash")
		full := errors.New("full")
		if _, _, err := s.Fetch(t.Context(), func(string, []byte) error { return full }); !errors.Is(err, full) {
			t.Errorf("%v", err)
		}
		if got := visit(t, s, known); len(got) != 2 {
			t.Errorf("%q", got)
		}
	})
	t.Run("of a large mail the header comes", func(t *testing.T) {
		d.Deliver("large", "Subject: large\r\n\r\n"+strings.Repeat("x\r\n", 2000))
		s, known := open("large")
		s.Most = 1000
		if got := visit(t, s, known); len(got) != 1 || strings.Contains(got[0], "x\r\n") || !strings.Contains(got[0], "large") {
			t.Errorf("%q", got)
		}
	})
	t.Run("what is wrong is said", func(t *testing.T) {
		d.Deliver("wrong")
		for name, c := range map[string]struct {
			change func(*popfetch.Source)
			says   string
		}{
			"password":  {func(s *popfetch.Source) { s.Password = "no" }, "refuses the user or the password"},
			"injection": {func(s *popfetch.Source) { s.Password = "word\r\nDELE 1" }, "refuses the user or the password"},
			"port":      {func(s *popfetch.Source) { s.Addr = d.LatePOP }, "does not speak TLS"},
			"IMAP":      {func(s *popfetch.Source) { s.Addr, s.Dialer = d.Implicit, &dialer.Dialer{Trusted: []string{d.Implicit}} }, "no POP3 server"},
			"authority": {func(s *popfetch.Source) { s.Config = nil }, "certificate does not verify"},
		} {
			s, _ := open("wrong")
			c.change(s)
			if _, err := s.Test(t.Context()); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Say(err).Text, c.says) || fault.Say(err).Hint == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		s, _ := open("wrong")
		if said, err := s.Test(t.Context()); err != nil || !strings.Contains(strings.Join(said, " "), "There are 0 mails") {
			t.Errorf("%q %v", said, err)
		}
	})
}

// hostile is a server that answers each command with what it is told to.
func hostile(t testing.TB, answers string) *popfetch.Source {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	t.Cleanup(web.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go speak(c, answers)
		}
	}()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	addr := l.Addr().String()
	return &popfetch.Source{Dialer: &dialer.Dialer{Trusted: []string{addr}}, Addr: addr, User: "u", Password: "p", Most: 1000, Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
}

// speak says everything at once and ends, whatever is asked.
func speak(c net.Conn, answers string) {
	defer c.Close()
	if _, err := c.Write([]byte(answers)); err != nil {
		return
	}
	if t, ok := c.(*tls.Conn); ok {
		_ = t.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, c)
}

const polite = "+OK\r\n+OK\r\n+OK\r\n+OK\r\n1 a\r\n2 b\r\n.\r\n+OK\r\n1 5\r\n2 7\r\n.\r\n+OK\r\none\r\n.\r\n+OK\r\n..two\r\n.\r\n+OK bye\r\n"

func TestHostileServers(t *testing.T) {
	for name, c := range map[string]struct {
		answers string
		mails   int
		fails   bool
	}{
		"none":                         {polite, 2, false},
		"a line without an end":        {"+OK " + strings.Repeat("x", 10_000), 0, true},
		"an endless mail":              {strings.Replace(polite, "one\r\n", strings.Repeat("x", 5000)+"\r\n", 1), 2, false},
		"mails that are no number":     {strings.Replace(polite, "1 a", "x a", 1), 0, true},
		"a number that is negative":    {strings.Replace(polite, "1 a", "-1 a", 1), 0, true},
		"two mails of one name":        {strings.Replace(polite, "2 b", "2 a", 1), 1, false},
		"a mail that is gone":          {strings.Replace(polite, "+OK\r\none\r\n.\r\n", "-ERR gone\r\n", 1), 1, false},
		"it ends within a mail":        {polite[:strings.Index(polite, "one")], 0, true},
		"it names no mails":            {strings.Replace(polite, "+OK\r\n1 a\r\n2 b\r\n.\r\n", "-ERR what\r\n", 1), 0, true},
		"a huge number names one mail": {strings.Replace(polite, "2 b", "2000000000 b", 1), 1, false},
	} {
		n := 0
		_, _, err := hostile(t, c.answers).Fetch(t.Context(), func(_ string, raw []byte) error { n++; return nil })
		if n != c.mails || (err != nil) != c.fails {
			t.Errorf("%s: %d mails, %v", name, n, err)
		}
	}
}

func FuzzServer(f *testing.F) {
	f.Add(polite)
	f.Add("-ERR\r\n")
	f.Add(strings.ReplaceAll(polite, "\r\n", "\n"))
	f.Fuzz(func(t *testing.T, answers string) {
		total := 0
		_, _, _ = hostile(t, answers).Fetch(t.Context(), func(name string, raw []byte) error {
			if name == "" || len(raw) > 1<<20+1 {
				t.Errorf("%q with %d bytes", name, len(raw))
			}
			total++
			return nil
		})
		if total > 500 {
			t.Errorf("%d mails", total)
		}
	})
}
