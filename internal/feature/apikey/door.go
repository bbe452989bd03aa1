package apikey

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
)

// Door lets requests in by the API key that they bear, and counts them.
type Door struct {
	Keys    *Keys
	Limiter *Limiter
	Tenant  func(*http.Request) string // that the host name stands for; nil when none does
	Trusted []netip.Prefix             // proxies whose word for the client's address is taken

	Provisions bool // it is the door for provisioning, which keys for that open and no others
}

// Caller finds out who calls by the header X-Api-Key or, without it, by a bearer
// token. A key of another tenant than the host's is answered like any wrong key.
// Fault kinds as for Resolve and Take.
func (d Door) Caller(r *http.Request) (*access.Caller, error) {
	key := strings.TrimSpace(r.Header.Get("X-Api-Key"))
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); key == "" && ok && strings.EqualFold(scheme, "Bearer") {
		key = strings.TrimSpace(token)
	}
	if d.Tenant != nil && key != "" {
		if host := d.Tenant(r); host != "" && TenantOf(key) != host {
			key = "of another tenant"
		}
	}
	resolve := d.Keys.Resolve
	if d.Provisions {
		resolve = d.Keys.ResolveProvisioning
	}
	c, limit, err := resolve(r.Context(), key, web.ClientAddr(r, d.Trusted))
	if err != nil {
		return nil, err
	}
	web.Note(r.Context(), slog.String("tenant", c.Tenant), slog.String("caller", c.Session))
	if err := d.Limiter.Take(c, limit); err != nil {
		return nil, err
	}
	c.Request = web.RequestID(r.Context())
	return c, nil
}
