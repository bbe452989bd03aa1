package dialer_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
)

func TestInside(t *testing.T) {
	for addr, want := range map[string]string{
		"9.9.9.9": "", "2620:fe::fe": "", "172.32.0.1": "", "100.128.0.1": "", "64:ff9b::9.9.9.9": "", "::ffff:9.9.9.9": "",
		"127.0.0.1": "the server itself", "127.255.255.255": "the server itself", "::1": "the server itself", "::ffff:127.0.0.1": "the server itself",
		"64:ff9b::127.0.0.1": "the server itself", "10.1.2.3": "a private network", "172.16.0.1": "a private network", "172.31.255.255": "a private network",
		"192.168.0.1": "a private network", "fd00:ec2::254": "a private network", "64:ff9b::192.168.1.1": "a private network", "::ffff:10.0.0.1": "a private network",
		"169.254.169.254": "a link-local network", "fe80::1": "a link-local network", "fe80::1%eth0": "a link-local network", "::ffff:169.254.169.254": "a link-local network",
		"100.64.0.1": "a provider's own network", "100.100.100.200": "a provider's own network", "168.63.129.16": "a cloud's own service",
		"0.0.0.0": "an unspecified address", "::": "an unspecified address", "0.1.2.3": "an unspecified address", "255.255.255.255": "a reserved network",
		"224.0.0.1": "a multicast address", "ff02::1": "a multicast address", "240.0.0.1": "a reserved network", "192.0.0.192": "a reserved network",
		"198.18.0.1": "a network for measurements", "203.0.113.9": "a network for documentation", "2001:db8::1": "a network for documentation",
		"2002:7f00:1::1": "a relay between address families", "2001::1": "a relay between address families", "192.88.99.1": "a relay between address families",
		"::127.0.0.1": "a reserved network", "64:ff9b:1::10.0.0.1": "a reserved network", "fec0::1": "a reserved network", "5f00::1": "a reserved network", "100::1": "a reserved network",
	} {
		if got := dialer.Inside(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is %q, want %q", addr, got, want)
		}
	}
	if dialer.Inside(netip.Addr{}) == "" {
		t.Error("no address is public")
	}
}

// FuzzInside: what counts as public is so by the library's own words too, and in
// each way in which an address can be written.
func FuzzInside(f *testing.F) {
	for _, s := range []string{"9.9.9.9", "127.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2620:fe::fe", "fe80::1"} {
		f.Add(netip.MustParseAddr(s).AsSlice())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		why := dialer.Inside(a)
		if why == "" && (!a.Unmap().IsGlobalUnicast() || a.Unmap().IsPrivate() || a.Unmap().IsLoopback()) {
			t.Errorf("%s counts as public", a)
		}
		if a.Is4() {
			mapped := netip.AddrFrom16(a.As16())
			if got := dialer.Inside(mapped); got != why {
				t.Errorf("%s is %q, and %s is %q", a, why, mapped, got)
			}
			x := netip.MustParseAddr("64:ff9b::").As16()
			copy(x[12:], b)
			if got := dialer.Inside(netip.AddrFrom16(x)); got != why {
				t.Errorf("%s behind NAT64 is %q, want %q", a, got, why)
			}
		}
		err := new(dialer.Dialer).Permit(a)
		if (err == nil) != (why == "") || err != nil && (!dialer.Refused(err) || strings.Contains(fault.Say(err).Text, a.String())) {
			t.Errorf("%s: %v", a, err)
		}
		if err := (&dialer.Dialer{Allow: []netip.Prefix{netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())}}).Permit(a); err != nil {
			t.Errorf("%s was allowed: %v", a, err)
		}
		if err := (&dialer.Dialer{Off: true, Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}).Permit(a); !dialer.Refused(err) {
			t.Errorf("%s was reached although nothing may be: %v", a, err)
		}
	})
}

func FuzzParseNetworks(f *testing.F) {
	for _, s := range []string{"", "10.0.0.0/8", "10.0.0.5, fd00::/8 192.168.1.7", "fe80::1%eth0", "10.0.0.0/99", "x", "::ffff:10.0.0.0/104"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := dialer.ParseNetworks(s)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		for _, p := range list {
			if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() || !p.Contains(p.Addr()) {
				t.Errorf("%q gives %s", s, p)
			}
		}
	})
}

func local(t *testing.T, h http.HandlerFunc) (*httptest.Server, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, u.Host
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestDial(t *testing.T) {
	_, host := local(t, func(w http.ResponseWriter, _ *http.Request) {})
	_, port, _ := net.SplitHostPort(host)
	for _, c := range []struct {
		name    string
		d       dialer.Dialer
		addr    string
		refused bool
	}{
		{"loopback", dialer.Dialer{}, host, true},
		{"by a name", dialer.Dialer{}, "localhost:" + port, true},
		{"mapped", dialer.Dialer{}, "[::ffff:127.0.0.1]:" + port, true},
		{"unspecified", dialer.Dialer{}, "0.0.0.0:" + port, true},
		{"no host is this one", dialer.Dialer{}, ":" + port, true},
		{"allowed", dialer.Dialer{Allow: loopback}, host, false},
		{"allowed by a name", dialer.Dialer{Allow: loopback}, "localhost:" + port, false},
		{"allowed and off", dialer.Dialer{Allow: loopback, Off: true}, host, true},
		{"trusted", dialer.Dialer{Trusted: []string{host}}, host, false},
		{"trusted and off", dialer.Dialer{Trusted: []string{host}, Off: true}, host, false},
		{"another is trusted", dialer.Dialer{Trusted: []string{"127.0.0.1:1"}}, host, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := c.d.DialContext(t.Context(), "tcp", c.addr)
			if conn != nil {
				defer conn.Close()
			}
			if c.refused != dialer.Refused(err) || !c.refused && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("udp", func(t *testing.T) {
		if _, err := new(dialer.Dialer).DialContext(t.Context(), "udp", "127.0.0.1:53"); !dialer.Refused(err) {
			t.Errorf("got %v", err)
		}
	})
}

// TestRebinding: a name whose address was public when it was looked up first is
// judged by the address that is connected to.
func TestRebinding(t *testing.T) {
	_, host := local(t, func(w http.ResponseWriter, _ *http.Request) { t.Error("the server was reached") })
	_, port, _ := net.SplitHostPort(host)
	answers := []string{"9.9.9.9", "127.0.0.1"}
	r := resolver(t, func() string { a := answers[0]; answers = append(answers[1:], a); return a })
	first, err := r.LookupNetIP(t.Context(), "ip4", "rebind.example.")
	if err != nil || dialer.Inside(first[0]) != "" {
		t.Fatalf("%v %v", first, err)
	}
	d := dialer.Dialer{Resolver: r}
	if _, err := d.DialContext(t.Context(), "tcp4", "rebind.example.:"+port); !dialer.Refused(err) {
		t.Errorf("got %v", err)
	}
}

// resolver gives a resolver that asks a name server of the test.
func resolver(t *testing.T, address func() string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				return
			}
			m.Response, m.Additionals = true, nil
			q := m.Questions[0]
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type},
				Body: &dnsmessage.AResource{A: netip.MustParseAddr(address()).As4()}}}
			out, err := m.Pack()
			if err != nil {
				return
			}
			if _, err := server.WriteTo(out, from); err != nil {
				return
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func TestClient(t *testing.T) {
	s, _ := local(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat("x", 1001))
		case "/exact":
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 1<<20))
			_ = z.Close()
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/once":
			http.Redirect(w, r, "/exact", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		}
	})
	d := dialer.Dialer{Allow: loopback}
	for _, c := range []struct {
		path    string
		limits  dialer.Limits
		kind    fault.Kind
		size    int
		refused bool
	}{
		{"/exact", dialer.Limits{Plain: true, Body: 1000}, 0, 1000, false},
		{"/once", dialer.Limits{Plain: true, Body: 1000}, 0, 1000, false},
		{"/long", dialer.Limits{Plain: true, Body: 1000}, fault.Unavailable, 1000, false},
		{"/bomb", dialer.Limits{Plain: true, Body: 1000}, fault.Unavailable, 1000, false},
		{"/loop", dialer.Limits{Plain: true}, fault.Unavailable, 0, false},
		{"/once", dialer.Limits{Plain: true, Redirects: -1}, fault.Unavailable, 0, false},
		{"/file", dialer.Limits{Plain: true}, fault.Denied, 0, true},
		{"/inside", dialer.Limits{Plain: true}, fault.Denied, 0, true},
		{"/exact", dialer.Limits{}, fault.Denied, 0, true},
	} {
		t.Run(c.path, func(t *testing.T) {
			size, err := fetch(t, d.Client(c.limits), s.URL+c.path)
			if size != c.size || c.kind == 0 && err != nil || c.kind != 0 && !fault.Is(err, c.kind) || dialer.Refused(err) != c.refused {
				t.Errorf("%d bytes, %v", size, err)
			}
		})
	}
	if _, err := fetch(t, d.Client(dialer.Limits{Plain: true}), strings.Replace(s.URL, "//", "//name:word@", 1)); !dialer.Refused(err) {
		t.Errorf("an address with a password: %v", err)
	}
}

func TestNoWeakerRedirectAndNoProxy(t *testing.T) {
	plain, _ := local(t, func(http.ResponseWriter, *http.Request) { t.Error("the request went on without encryption") })
	safe := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) }))
	defer safe.Close()
	t.Setenv("HTTPS_PROXY", plain.URL)
	d := dialer.Dialer{Allow: loopback}
	c := d.Client(dialer.Limits{Plain: true, TLS: safe.Client().Transport.(*http.Transport).TLSClientConfig})
	if _, err := fetch(t, c, safe.URL); !dialer.Refused(err) {
		t.Errorf("got %v", err)
	}
}

func TestTimeLimit(t *testing.T) {
	hold := make(chan struct{})
	s, _ := local(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	})
	defer close(hold)
	d := dialer.Dialer{Allow: loopback}
	if _, err := fetch(t, d.Client(dialer.Limits{Plain: true, Time: 50 * time.Millisecond}), s.URL); err == nil {
		t.Error("an answer that never ends was waited for")
	}
}

func fetch(t *testing.T, c *http.Client, addr string) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return len(b), err
}
