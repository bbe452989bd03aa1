package ipaccess_test

import (
	"net/netip"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/ipaccess"
)

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", " 192.0.2.77/24 ": "192.0.2.0/24", "::ffff:192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.0/120": "192.0.2.0/24",
		"2001:DB8::1": "2001:db8::1/128", "2001:db8:0:0:1::/48": "2001:db8::/48", "0.0.0.0/0": "0.0.0.0/0", "::ffff:0:0/96": "0.0.0.0/0",
	} {
		if p, err := ipaccess.ParseNetwork(text); err != nil || p.String() != want {
			t.Errorf("%q is %s, %v, want %s", text, p, err, want)
		}
	}
	for _, text := range []string{"", "192.0.2", "192.0.2.0/33", "192.0.02.1", "fe80::1%eth0", "::ffff:192.0.2.0/64", "example.com", "192.0.2.1-5"} {
		if p, err := ipaccess.ParseNetwork(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is %s, %v", text, p, err)
		}
	}
}

// TestAllows: rules for everybody and for one's groups let in together; who has none is
// let in from everywhere; an address is the same in both its forms.
func TestAllows(t *testing.T) {
	net := netip.MustParsePrefix
	office, home := ipaccess.Rule{Network: net("192.0.2.0/24")}, ipaccess.Rule{Network: net("2001:db8::/48"), Group: 7}
	for _, x := range []struct {
		rules  []ipaccess.Rule
		groups []id.ID
		addr   string
		want   bool
	}{
		{nil, nil, "203.0.113.1", true},
		{[]ipaccess.Rule{office}, nil, "192.0.2.9", true},
		{[]ipaccess.Rule{office}, nil, "::ffff:192.0.2.9", true},
		{[]ipaccess.Rule{office}, nil, "192.0.3.1", false},
		{[]ipaccess.Rule{office}, nil, "::192.0.2.9", false},
		{[]ipaccess.Rule{office}, nil, "", false},
		{[]ipaccess.Rule{home}, nil, "203.0.113.1", true},
		{[]ipaccess.Rule{home}, []id.ID{7}, "203.0.113.1", false},
		{[]ipaccess.Rule{home}, []id.ID{7}, "2001:db8::1", true},
		{[]ipaccess.Rule{home}, []id.ID{7}, "2001:db8::1%eth0", true},
		{[]ipaccess.Rule{office, home}, []id.ID{7}, "192.0.2.9", true},
		{[]ipaccess.Rule{office, home}, []id.ID{8}, "2001:db8::1", false},
	} {
		var addr netip.Addr
		if x.addr != "" {
			addr = netip.MustParseAddr(x.addr)
		}
		if got := (ipaccess.Rules{List: x.rules}).Allows(x.groups, addr); got != x.want {
			t.Errorf("%v for members of %v from %q: %v", x.rules, x.groups, x.addr, got)
		}
	}
}

func FuzzParseNetwork(f *testing.F) {
	f.Add("::ffff:192.0.2.0/120")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ipaccess.ParseNetwork(text)
		if err != nil {
			return
		}
		again, err := ipaccess.ParseNetwork(p.String())
		if err != nil || again != p || p.Addr().Is4In6() || p != p.Masked() {
			t.Errorf("%q is %s, and that %s, %v", text, p, again, err)
		}
	})
}
