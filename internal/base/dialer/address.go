package dialer

import (
	"net/netip"
	"strings"

	"strongroom/internal/base/fault"
)

// network is a part of the address space that is not the public Internet.
type network struct {
	prefix netip.Prefix
	why    string
}

// inside4 and inside6 are taken from IANA's registries of special-purpose
// addresses (RFC 6890). Of IPv6 only 2000::/3 is given out at all, so what is
// not in it needs no line.
var inside4 = []network{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private network"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a provider's own network"},
	{netip.MustParsePrefix("127.0.0.0/8"), "the server itself"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's own service"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local network"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private network"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved network"},
	{netip.MustParsePrefix("192.0.2.0/24"), "a network for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a relay between address families"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private network"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a network for measurements"},
	{netip.MustParsePrefix("198.51.100.0/24"), "a network for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "a network for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved network"},
}

var inside6 = []network{
	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "the server itself"},
	{netip.MustParsePrefix("fc00::/7"), "a private network"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local network"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("2001::/23"), "a relay between address families"},
	{netip.MustParsePrefix("2001:db8::/32"), "a network for documentation"},
	{netip.MustParsePrefix("2002::/16"), "a relay between address families"},
	{netip.MustParsePrefix("3fff::/20"), "a network for documentation"},
}

var (
	public6 = netip.MustParsePrefix("2000::/3")
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
)

// Inside says what part of the network an address is in that is not the public
// Internet, for a sentence: "a private network". It is empty for a public
// address. An IPv4 address within an IPv6 one counts as what it leads to.
func Inside(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return "no address"
	}
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	list := inside4
	if a.Is6() {
		list = inside6
	}
	for _, n := range list {
		if n.prefix.Contains(a) {
			return n.why
		}
	}
	if a.Is6() && !public6.Contains(a) {
		return "a reserved network"
	}
	return ""
}

// ParseNetworks reads addresses and ranges with commas or spaces between them.
// Invalid for anything else.
func ParseNetworks(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, err := netip.ParseAddr(word)
			if err != nil || a.Zone() != "" {
				return nil, fault.New(fault.Invalid, "%q is neither an address nor a range.", word).WithHint("Write 10.0.0.5 or 10.0.0.0/24.")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Addr().Is4In6() {
			return nil, fault.New(fault.Invalid, "%q is an IPv4 range in the form of IPv6.", word).WithHint("Write it as IPv4, such as 10.0.0.0/24.")
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
