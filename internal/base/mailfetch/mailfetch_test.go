package mailfetch_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/bearer/bearertest"
	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/mailfetch"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/base/popfetch"
)

func source(d *dovecottest.Server, who string) *mailfetch.Source {
	return &mailfetch.Source{Dialer: &dialer.Dialer{Trusted: []string{d.Implicit, d.Late}}, Addr: d.Implicit, User: who, Password: dovecottest.Password, Folder: "INBOX", Config: &tls.Config{RootCAs: d.Roots, MinVersion: tls.VersionTLS12}}
}

// visit fetches what is new and remembers the place, as who calls does.
func visit(t *testing.T, s *mailfetch.Source) (got []string, noted error) {
	t.Helper()
	validity, last, noted, err := s.Fetch(t.Context(), func(_, _ uint32, raw []byte) error {
		got = append(got, strings.TrimSpace(strings.Split(string(raw), "\n")[0]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Validity, s.Last = validity, last
	return got, noted
}

func subjects(n int) (mails, want []string) {
	for i := range n {
		want = append(want, fmt.Sprintf("Subject: %04d", i))
		mails = append(mails, want[i]+"\n\nText.\n")
	}
	return mails, want
}

// TestDovecot: what a real server does with us, and we with it.
func TestDovecot(t *testing.T) {
	d := dovecottest.Start(t)
	t.Run("M17 a backlog comes in order and whole", func(t *testing.T) {
		mails, want := subjects(1500)
		d.Deliver("backlog", mails...)
		s := source(d, "backlog")
		s.Limit = 600
		var got []string
		for range 4 {
			part, noted := visit(t, s)
			if noted != nil {
				t.Fatal(noted)
			}
			got = append(got, part...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d of %d mails, or in another order", len(got), len(want))
		}
		d.Deliver("backlog", "Subject: later\n\n")
		if got, _ := visit(t, s); !slices.Equal(got, []string{"Subject: later"}) {
			t.Errorf("then %v", got)
		}
	})
	t.Run("M7 what was not kept comes again", func(t *testing.T) {
		mails, want := subjects(3)
		d.Deliver("crash", mails...)
		s := source(d, "crash")
		s.StartTLS, s.Addr = true, d.Late
		n := 0
		crash := errors.New("the power fails")
		validity, last, _, err := s.Fetch(t.Context(), func(_, _ uint32, _ []byte) error {
			if n++; n == 2 {
				return crash
			}
			return nil
		})
		if !errors.Is(err, crash) {
			t.Fatal(err)
		}
		s.Validity, s.Last = validity, last
		if got, _ := visit(t, s); !slices.Equal(got, want[1:]) {
			t.Errorf("then %v", got)
		}
	})
	t.Run("M18 a server that cannot move gives nothing twice", func(t *testing.T) {
		mails, want := subjects(2)
		d.Deliver("full", mails...)
		s := source(d, "full")
		s.Done = "Taken"
		got, noted := visit(t, s)
		if !slices.Equal(got, want) || !fault.Is(noted, fault.Unavailable) {
			t.Errorf("%v, %v", got, noted)
		}
		if got, _ := visit(t, s); len(got) != 0 {
			t.Errorf("again %v", got)
		}
	})
	t.Run("what was taken is moved", func(t *testing.T) {
		d.Deliver("mover", "Subject: a\n\n")
		d.Folder("mover", "Taken")
		s := source(d, "mover")
		s.Done = "Taken"
		if said, err := s.Test(t.Context()); err != nil || !strings.Contains(strings.Join(said, " "), "INBOX holds 1 mails") {
			t.Errorf("%v, %v", said, err)
		}
		if got, noted := visit(t, s); len(got) != 1 || noted != nil {
			t.Errorf("%v, %v", got, noted)
		}
		if n := d.Count("mover", "Taken"); n != 1 {
			t.Errorf("%d mails were moved", n)
		}
	})
	t.Run("of a large mail the header", func(t *testing.T) {
		d.Deliver("large", "Subject: large\n\n"+strings.Repeat("x", 10_000))
		s := source(d, "large")
		s.Most = 5000
		_, _, _, err := s.Fetch(t.Context(), func(_, _ uint32, raw []byte) error {
			if len(raw) > 1000 || !strings.HasPrefix(string(raw), "Subject: large") {
				t.Errorf("%d bytes", len(raw))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("what is wrong is said", func(t *testing.T) {
		for name, x := range map[string]struct {
			change func(*mailfetch.Source)
			says   string
		}{
			"password":    {func(s *mailfetch.Source) { s.Password = "wrong" }, "refuses the user or the password"},
			"certificate": {func(s *mailfetch.Source) { s.Config = nil }, "certificate does not verify"},
			"late":        {func(s *mailfetch.Source) { s.Addr, s.StartTLS = d.Late, true; s.Config = nil }, "certificate does not verify"},
			"first byte":  {func(s *mailfetch.Source) { s.Addr = d.Late }, "does not speak TLS from the first byte"},
			"nobody":      {func(s *mailfetch.Source) { s.Addr = "127.0.0.1:1"; s.Dialer.Trusted = []string{s.Addr} }, "cannot be reached"},
			"folder":      {func(s *mailfetch.Source) { s.Folder = "Nowhere" }, "no folder \"Nowhere\""},
			"token":       {func(s *mailfetch.Source) { s.Token = "a token" }, "takes no sign-in by OAuth2"},
			"done":        {func(s *mailfetch.Source) { s.Done = "Nowhere" }, "for mail that was taken"},
		} {
			s := source(d, "wrong")
			x.change(s)
			_, err := s.Test(t.Context())
			if said := fault.Say(err); !fault.Is(err, fault.Unavailable) || !strings.Contains(said.Text, x.says) || said.Hint == "" {
				t.Errorf("%s: %v (%q)", name, err, said.Hint)
			}
		}
		s := source(d, "wrong")
		s.Dialer = &dialer.Dialer{}
		if _, err := s.Test(t.Context()); !fault.Is(err, fault.Denied) {
			t.Errorf("a server inside that nobody allowed: %v", err)
		}
	})
}

// TestAccessTokens: a real server lets in by an access token, by either mechanism, and
// says why it does not.
func TestAccessTokens(t *testing.T) {
	for _, mechanism := range []string{"xoauth2", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			p := bearertest.New(t)
			d := dovecottest.Trusting(t, p.Introspect, mechanism)
			d.Deliver(bearertest.User, "Subject: by a token\n\n")
			s := source(d, bearertest.User)
			s.Password, s.Token = "", p.Give()
			if got, noted := visit(t, s); !slices.Equal(got, []string{"Subject: by a token"}) || noted != nil {
				t.Errorf("%v, %v", got, noted)
			}
			s.Addr, s.StartTLS = d.Late, true
			if _, err := s.Test(t.Context()); err != nil {
				t.Error(err)
			}
			pop := &popfetch.Source{Dialer: &dialer.Dialer{Trusted: []string{d.POP}}, Addr: d.POP, User: s.User, Token: s.Token, Config: s.Config}
			if said, err := pop.Test(t.Context()); err != nil || !strings.Contains(strings.Join(said, " "), "There are 1 mails") {
				t.Errorf("by POP3: %v, %v", said, err)
			}
			p.Revoke()
			for _, test := range []func() error{func() error { _, err := s.Test(t.Context()); return err }, func() error { _, err := pop.Test(t.Context()); return err }} {
				if err := test(); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Say(err).Text, "refuses the access token") || !strings.Contains(fault.Say(err).Hint, bearertest.User) {
					t.Errorf("with a token that is worth nothing: %v", err)
				}
			}
			s.User = "somebody@else.example"
			s.Token = p.Give()
			if _, err := s.Test(t.Context()); err == nil {
				t.Error("a token opens a mailbox that it is not for")
			}
		})
	}
}
