package resolve_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/resolve"
	"strongroom/internal/feature/tracker/trackertest"
)

func TestAsk(t *testing.T) {
	long := strings.Repeat("0123456789", 150)
	z := trackertest.Names(t, "a.example A 192.0.2.1", "a.example TXT hello", "alias.example CNAME a.example", "big.example TXT "+long, "broken.example FAIL x", "empty.example TXT x")
	c := z.Resolver()
	for _, x := range []struct {
		name    string
		kind    dnsmessage.Type
		records int
		missing bool
		fault   fault.Kind
	}{
		{"a.example", dnsmessage.TypeA, 1, false, 0},
		{"A.Example.", dnsmessage.TypeA, 1, false, 0},
		{"a.example", dnsmessage.TypeMX, 0, false, 0},
		{"alias.example", dnsmessage.TypeCNAME, 1, false, 0},
		{"nothing.example", dnsmessage.TypeA, 0, true, 0},
		{"big.example", dnsmessage.TypeTXT, 1, false, 0},
		{"broken.example", dnsmessage.TypeA, 0, false, fault.Unavailable},
		{strings.Repeat("x", 64) + ".example", dnsmessage.TypeA, 0, false, fault.Invalid},
		{strings.Repeat("x.", 128) + "example", dnsmessage.TypeA, 0, false, fault.Invalid},
	} {
		a, err := c.Ask(t.Context(), x.name, x.kind)
		if x.fault != 0 {
			if !fault.Is(err, x.fault) {
				t.Errorf("%s: %v", x.name, err)
			}
			continue
		}
		if err != nil || len(a.Records) != x.records || a.Missing != x.missing {
			t.Errorf("%s %s: %+v %v", x.name, x.kind, a, err)
		}
	}
	if got, err := c.Texts(t.Context(), "big.example"); err != nil || !slices.Equal(got, []string{long}) {
		t.Errorf("a long text over a stream: %d bytes, %v", len(strings.Join(got, "")), err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	z := trackertest.Names(t, "a.example A 192.0.2.1")
	c := &resolve.Client{Dialer: trackertest.Dialer(), Servers: []string{"127.0.0.1:1", z.Addr}, Time: time.Second}
	if a, err := c.Ask(t.Context(), "a.example", dnsmessage.TypeA); err != nil || len(a.Records) != 1 {
		t.Errorf("the second server was not asked: %v", err)
	}
	c.Servers = c.Servers[:1]
	if _, err := c.Ask(t.Context(), "a.example", dnsmessage.TypeA); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	c = &resolve.Client{Dialer: &dialer.Dialer{}, Servers: []string{z.Addr}}
	if _, err := c.Ask(t.Context(), "a.example", dnsmessage.TypeA); !dialer.Refused(err) {
		t.Errorf("a server inside that nobody trusts: %v", err)
	}
	c.Dialer = &dialer.Dialer{Trusted: []string{z.Addr}}
	if _, err := c.Ask(t.Context(), "a.example", dnsmessage.TypeA); err != nil {
		t.Errorf("a trusted server: %v", err)
	}
}

func TestSystem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	for text, want := range map[string]string{
		"# nameserver 192.0.2.9\nsearch example.com\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n": "192.0.2.1:53 [2001:db8::1]:53",
		"": "127.0.0.1:53",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(resolve.System(file), " "); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
	if got := resolve.System(filepath.Join(t.TempDir(), "none")); !slices.Equal(got, []string{"127.0.0.1:53"}) {
		t.Errorf("no file gives %v", got)
	}
}
