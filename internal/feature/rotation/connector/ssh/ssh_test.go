package ssh_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/feature/rotation/connector/ssh"
	"strongroom/internal/feature/rotation/rotationtest"
)

func plain(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

func TestChanges(t *testing.T) {
	for name, by := range map[string]connector.Login{
		"itself": {Name: "deploy", Secret: "Kelp-Anchor-9", Own: true}, "root": {Name: "root", Secret: "Root-Anchor-9"}, "sudo": {Name: "ops", Secret: "Ops-Anchor-9"},
	} {
		t.Run(name, func(t *testing.T) {
			m := rotationtest.Open(t, map[string]string{"deploy": "Kelp-Anchor-9", "root": "Root-Anchor-9", "ops": "Ops-Anchor-9", "guest": "Guest-Anchor-9"}, "ops")
			s := ssh.Connector(plain)
			c := connector.Change{Target: connector.Target{Address: m.Address, Account: "deploy", Pin: m.Pin}, By: by, Now: "Kelp-Anchor-9", Next: "Next-Anchor-10"}
			if err := s.Valid(c.Target); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(t.Context(), c); err != nil || m.Password("deploy") != c.Now {
				t.Fatalf("the dry run: %v, and the password is %q", err, m.Password("deploy"))
			}
			if err := s.Change(t.Context(), c); err != nil || m.Password("deploy") != c.Next {
				t.Fatalf("the change: %v, and the password is %q", err, m.Password("deploy"))
			}
			for secret, want := range map[string]bool{c.Next: true, c.Now: false} {
				if ok, err := s.Opens(t.Context(), c.Target, secret); err != nil || ok != want {
					t.Errorf("%q opens: %v, %v", secret, ok, err)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	m := rotationtest.Open(t, map[string]string{"deploy": "Kelp-Anchor-9", "guest": "Guest-Anchor-9"})
	s := ssh.Connector(plain)
	at := connector.Target{Address: m.Address, Account: "deploy", Pin: m.Pin}
	own := connector.Login{Name: "deploy", Secret: "Kelp-Anchor-9", Own: true}
	try := func(what string, want fault.Kind, c connector.Change) {
		t.Helper()
		for _, f := range []func(context.Context, connector.Change) error{s.Check, s.Change} {
			if err := f(t.Context(), c); !fault.Is(err, want) || strings.Contains(err.Error(), "Anchor") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	try("a guest without sudo", fault.Denied, connector.Change{Target: at, By: connector.Login{Name: "guest", Secret: "Guest-Anchor-9"}, Next: "Next-Anchor-10"})
	try("a wrong password", fault.Denied, connector.Change{Target: at, By: connector.Login{Name: "deploy", Secret: "Wrong-Anchor-9", Own: true}, Next: "Next-Anchor-10"})
	other := at
	other.Pin = "SHA256:" + strings.Repeat("A", 43)
	try("another host key", fault.Denied, connector.Change{Target: other, By: own, Now: own.Secret, Next: "Next-Anchor-10"})
	if _, err := s.Opens(t.Context(), other, own.Secret); !fault.Is(err, fault.Denied) || !strings.Contains(fault.Say(err).Hint, m.Pin) {
		t.Errorf("the fingerprint that was seen is not told: %v", err)
	}
	m.Falls(rotationtest.Refuse)
	if err := s.Change(t.Context(), connector.Change{Target: at, By: own, Now: own.Secret, Next: "Next-Anchor-10"}); !fault.Is(err, fault.Denied) {
		t.Errorf("a refused password: %v", err)
	}
	m.Falls(rotationtest.After)
	if err := s.Change(t.Context(), connector.Change{Target: at, By: own, Now: own.Secret, Next: "Next-Anchor-10"}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a lost connection: %v", err)
	}
	inside := ssh.Connector((&dialer.Dialer{}).DialContext)
	if _, err := inside.Opens(t.Context(), at, "x"); !dialer.Refused(err) {
		t.Errorf("a server inside was reached: %v", err)
	}
}

// FuzzValid: no name of an account that is taken could be read as more than a name by
// chpasswd or a shell.
func FuzzValid(f *testing.F) {
	for _, s := range []string{"deploy", "DOMAIN\\ops", "a:b", "a\nroot", "-x", "svc$", "$(id)"} {
		f.Add(s)
	}
	s := ssh.Connector(plain)
	f.Fuzz(func(t *testing.T, name string) {
		if s.Valid(connector.Target{Account: name, Pin: "SHA256:" + strings.Repeat("A", 43)}) == nil && (strings.ContainsAny(name, ":\n\r \t;|&()<>`'\"*?") || strings.HasPrefix(name, "-") || name == "") {
			t.Errorf("%q is taken", name)
		}
	})
}
