package app

import (
	"context"
	"net"
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/erasure"
	"strongroom/internal/feature/exporter/policy"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/support"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/itglue"
	"strongroom/internal/surface/ivanti"
	"strongroom/internal/surface/mcp"
	"strongroom/internal/surface/scim"
	"strongroom/internal/surface/vaultapi"
	"strongroom/internal/surface/webui"
)

// Handler is everything that is answered on the main address: health, the APIs
// and the web interface, chosen before any of them sees the request.
func (a *App) Handler() (http.Handler, error) {
	a.Web = &webui.Server{
		House: a.House, Gate: a.Gate, Records: a.Records, Secrets: a.Secrets, Sessions: a.Sessions, Letters: a.Letters, Ways: a.Ways, Provision: a.Provision, SCIM: scim.Path, Directory: a.Directory, APIKeys: a.APIKeys,
		Attachments: a.Files, Relations: a.Relations, Importer: a.Importer, Undo: a.Undo, Bulk: a.Bulk, Standing: a.Standing, Outgoing: a.Exporter, Unexport: a.Exporter.Remove, Notices: a.Notices, Channels: a.Channels, FirstRun: a.FirstRun, Begin: a.begin, TenantOf: a.TenantOf, Demo: a.Demonstrates,
		Trackers: a.Trackers, Runbooks: a.Runbooks, Outbox: a.Outbox, Mailboxes: a.Mailboxes, Risks: a.Risks, Sensitive: a.Sensitive, Persons: &erasure.Persons{Gate: a.Gate, Records: a.Records, Jobs: a.Jobs}, Keyring: a.Keyring, Changes: a.Changes, Reviews: a.Reviews, Leavers: a.Leavers, Live: a.Live, Support: &support.Door{Gate: a.Gate},
		Rules: a.Rules, Hooks: a.Hooks, Processes: a.Processes,
		Trusted: a.proxies, Log: a.Log, Now: a.Now,
	}
	a.API = &itglue.API{
		Gate: a.Gate, Records: a.Records, Keys: a.APIKeys, Limiter: &apikey.Limiter{}, Sessions: a.Sessions, Secrets: a.Secrets,
		Attachments: a.Files, Relations: a.Relations, Exports: a.Exporter, Trackers: a.Trackers, Runbooks: a.Runbooks, Tenant: a.TenantOf, Trusted: a.proxies, Version: a.Version, Log: a.Log, Now: a.Now,
	}
	a.MCP = &mcp.Server{
		Gate: a.Gate, Records: a.Records, Keys: a.APIKeys, Limiter: a.API.Limiter, Secrets: a.Secrets, Relations: a.Relations, Version: a.Version,
		Tenant: a.TenantOf, Trusted: a.proxies, Log: a.Log, Now: a.Now,
	}
	a.Vault = &vaultapi.Server{
		Vaults: &vault.Vaults{Gate: a.Gate, Leave: policy.Allows, Secrets: a.Secrets}, Keys: a.APIKeys, Limiter: a.API.Limiter, Tenant: a.TenantOf, Trusted: a.proxies, Log: a.Log, Now: a.Now,
	}
	a.Ivanti = &ivanti.API{
		Gate: a.Gate, Records: a.Records, Relations: a.Relations, Attachments: a.Files, Keys: a.APIKeys, Limiter: a.API.Limiter, Sessions: a.Sessions, Tenant: a.TenantOf, Trusted: a.proxies, Log: a.Log, Now: a.Now,
	}
	a.SCIM = &scim.Server{
		Provision: a.Provision, Gate: a.Gate, Keys: a.APIKeys, Limiter: a.API.Limiter, Tenant: a.TenantOf, Trusted: a.proxies, Log: a.Log, Now: a.Now,
	}
	a.Web.API = a.API.Document
	pages, err := a.Web.Handler()
	if err != nil {
		return nil, err
	}
	return &chooser{app: a, api: a.API.Handler(), mcp: a.MCP.Handler(), vault: a.Vault.Handler(), ivanti: a.Ivanti.Handler(), scim: a.SCIM.Handler(), web: pages}, nil
}

// begin makes the first tenant, from the first-run page. The code opens that
// once, however often the form is sent at the same time.
func (a *App) begin(ctx context.Context, name, title string, admin identity.Person) error {
	a.beginning.Lock()
	defer a.beginning.Unlock()
	n, err := a.House.Count(ctx)
	if err == nil && n > 0 {
		err = fault.New(fault.Conflict, "This server has been set up already.").WithHint("Sign in.")
	}
	if err == nil {
		_, err = a.CreateTenant(ctx, name, title, admin)
	}
	return err
}

// chooser decides which surface answers. A request for a program's API never
// gets a page, whatever is wrong with it.
type chooser struct {
	app    *App
	api    http.Handler
	mcp    http.Handler
	vault  http.Handler
	ivanti http.Handler
	scim   http.Handler
	web    http.Handler
}

func (c *chooser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.app.knownHost(r) {
		http.Error(w, "This server does not answer under that host name.", http.StatusMisdirectedRequest)
		return
	}
	switch r.URL.Path {
	case "/healthz":
		c.health(w, nil)
		return
	case "/readyz":
		c.health(w, c.app.ready(r))
		return
	}
	w.Header().Add("Vary", "X-Api-Key, Authorization")
	if r.URL.Path == mcp.Path {
		c.mcp.ServeHTTP(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, vaultapi.Path) {
		c.vault.ServeHTTP(w, r)
		return
	}
	if ivanti.Is(r.URL.Path) {
		c.ivanti.ServeHTTP(w, r)
		return
	}
	if scim.Is(r.URL.Path) {
		c.scim.ServeHTTP(w, r)
		return
	}
	if forAPI(r) {
		c.api.ServeHTTP(w, r)
		return
	}
	c.web.ServeHTTP(w, r)
}

// forAPI tells whether a program asks.
func forAPI(r *http.Request) bool {
	p := strings.ToLower(r.URL.Path)
	return p == "/api" || strings.HasPrefix(p, "/api/") || strings.HasPrefix(p, "/heat/") ||
		r.Header.Get("X-Api-Key") != "" || strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") || r.URL.Query().Has("generate_jwt")
}

func (c *chooser) health(w http.ResponseWriter, err error) {
	web.NoStore(w)
	if err != nil {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

func (a *App) ready(r *http.Request) error {
	if err := a.keysReady(r.Context()); err != nil {
		return err
	}
	_, err := a.House.Count(r.Context())
	return err
}

// knownHost refuses names under which nobody should reach a server that only
// this machine can reach: a page of another site could point its own name here.
func (a *App) knownHost(r *http.Request) bool {
	if r.TLS != nil || len(a.proxies) > 0 {
		return true
	}
	host := hostOf(r)
	ip := net.ParseIP(host)
	return ip != nil || host == "localhost" || strings.HasSuffix(host, ".localhost") || a.Config.Domain != "" && (host == a.Config.Domain || strings.HasSuffix(host, "."+a.Config.Domain))
}

func hostOf(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// TenantOf gives the tenant that the host name of a request names: NAME.localhost
// or NAME.DOMAIN; "" when it names none.
func (a *App) TenantOf(r *http.Request) string {
	for _, base := range []string{"localhost", a.Config.Domain} {
		if name, ok := strings.CutSuffix(hostOf(r), "."+base); ok && base != "" && !strings.Contains(name, ".") {
			return name
		}
	}
	return ""
}
