package web_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"strongroom/internal/base/web"
)

func TestClientAddr(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "203.0.113.9:5000", nil, "203.0.113.9"},
		{"a stranger's claim", "203.0.113.9:5000", []string{"198.51.100.1"}, "203.0.113.9"},
		{"one proxy", "10.0.0.2:5000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"one proxy, forged left part", "10.0.0.2:5000", []string{"192.0.2.66, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.2:5000", []string{"203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
		{"two headers", "10.0.0.2:5000", []string{"192.0.2.66", "203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
		{"only proxies", "10.0.0.2:5000", []string{"10.3.3.3, 10.1.1.1"}, "10.3.3.3"},
		{"proxy without header", "10.0.0.2:5000", nil, "10.0.0.2"},
		{"garbage on the right", "10.0.0.2:5000", []string{"203.0.113.9, unknown"}, "10.0.0.2"},
		{"garbage behind a proxy", "10.0.0.2:5000", []string{"unknown, 10.1.1.1"}, "10.1.1.1"},
		{"empty entry", "10.0.0.2:5000", []string{"203.0.113.9,"}, "10.0.0.2"},
		{"with a port", "10.0.0.2:5000", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"version 6", "[fd00::1]:5000", []string{"2001:db8::7"}, "2001:db8::7"},
		{"version 6 in brackets", "[fd00::1]:5000", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"mapped peer", "[::ffff:10.0.0.2]:5000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"mapped client", "10.0.0.2:5000", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"with a zone", "[fe80::1%eth0]:5000", nil, "fe80::1"},
		{"unix socket", "@", []string{"203.0.113.9"}, "203.0.113.9"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded, "Forwarded": {"for=192.0.2.99"}}}
		if got := web.ClientAddr(r, trusted); got.String() != c.want {
			t.Errorf("%s: %v, not %s", c.name, got, c.want)
		}
	}
	r := &http.Request{RemoteAddr: "@", Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}}
	if got := web.ClientAddr(r, nil); got.IsValid() {
		t.Errorf("a socket without trusted proxies gives %v", got)
	}
}

func TestIsTLS(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		remote string
		proto  []string
		want   bool
	}{
		{"10.0.0.2:1", []string{"https"}, true}, {"10.0.0.2:1", []string{"http"}, false}, {"10.0.0.2:1", nil, false},
		{"10.0.0.2:1", []string{"https, http"}, false}, {"10.0.0.2:1", []string{"http", "HTTPS"}, true}, {"203.0.113.9:1", []string{"https"}, false},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-Proto": c.proto}}
		if got := web.IsTLS(r, trusted); got != c.want {
			t.Errorf("%s with %q: %v", c.remote, c.proto, got)
		}
	}
}

// FuzzClientAddr: whatever a header says, the client is the peer or an address
// that stands in it, and a stranger's header changes nothing.
func FuzzClientAddr(f *testing.F) {
	f.Add("203.0.113.9, 10.1.1.1")
	f.Add("[::1]:80,,")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{RemoteAddr: "10.0.0.2:1", Header: http.Header{"X-Forwarded-For": {header}}}
		got := web.ClientAddr(r, trusted)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("%q gives %v", header, got)
		}
		if strings.TrimSpace(header) == "" && got != netip.MustParseAddr("10.0.0.2") {
			t.Fatalf("%q gives %v", header, got)
		}
		r.RemoteAddr = "203.0.113.9:1"
		if got := web.ClientAddr(r, trusted); got != netip.MustParseAddr("203.0.113.9") {
			t.Fatalf("a stranger's header %q gives %v", header, got)
		}
	})
}
