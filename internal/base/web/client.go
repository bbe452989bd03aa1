package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr gives the address a request came from. When the connection's other
// end is a trusted proxy, X-Forwarded-For is read from right to left and the
// first address that is no trusted proxy is the client; what stands to the left
// of it is the client's own claim and counts for nothing, nor does Forwarded.
// An entry that is no address ends the search at the proxy that passed it on.
// A Unix socket counts as a proxy beside us when any proxy is trusted. The
// result is unmapped and without a zone; it is the zero Addr when the other end
// has none.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr, isProxy := peer(r, trusted)
	if !isProxy {
		return addr
	}
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(entries) - 1; i >= 0; i-- {
		a, ok := parseAddr(entries[i])
		if !ok {
			return addr
		}
		addr = a
		if !contains(trusted, a) {
			return a
		}
	}
	return addr
}

// IsTLS tells whether the client speaks TLS to us, or to a trusted proxy that
// says so in X-Forwarded-Proto (the last value is the proxy's own).
func IsTLS(r *http.Request, trusted []netip.Prefix) bool {
	if r.TLS != nil {
		return true
	}
	if _, isProxy := peer(r, trusted); !isProxy {
		return false
	}
	values := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return strings.EqualFold(strings.TrimSpace(values[len(values)-1]), "https")
}

func peer(r *http.Request, trusted []netip.Prefix) (addr netip.Addr, isProxy bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		socket := r.RemoteAddr == "" || strings.HasPrefix(r.RemoteAddr, "@") || strings.HasPrefix(r.RemoteAddr, "/")
		return netip.Addr{}, socket && len(trusted) > 0
	}
	addr = ap.Addr().Unmap().WithZone("")
	return addr, contains(trusted, addr)
}

// parseAddr reads one entry of X-Forwarded-For: an address, with a port as some
// proxies write it, or in brackets.
func parseAddr(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
