package itglue

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/surface/itglue/describe"
	"strongroom/internal/surface/itglue/failure"
)

// API answers requests. Fill the fields; it then is safe for concurrent use.
type API struct {
	Gate        *gate.Gate
	Records     *record.Engine
	Keys        *apikey.Keys
	Limiter     *apikey.Limiter
	Sessions    *identity.Sessions
	Secrets     *secret.Revealer
	Attachments *attachment.Store
	Relations   *relation.Relations
	Exports     *exporter.Exporter // with its Jobs; nil leaves the exports out
	Trackers    *tracker.Checker   // nil leaves the trackers out
	Runbooks    *runbook.Runbooks  // nil leaves the runbooks out

	// BaseURL gives the address that the client reaches us under, without a
	// slash at its end. Nil takes it from the request's Host.
	BaseURL func(r *http.Request) string
	// Tenant gives the short name of the tenant that the request's host names,
	// or "" when it names none. Nil is always "".
	Tenant func(r *http.Request) string
	// Trusted are the proxies whose forwarding headers count.
	Trusted []netip.Prefix
	Version string // of the program, as the description of the API tells it
	Log     *slog.Logger
	Now     func() time.Time // nil is time.Now

	once      sync.Once
	mux       *web.Mux
	resources map[string]*resource // by kind
	calls     []describe.Call      // in the order in which they were mounted
	bodies    sync.Pool            // of *[]byte: those of lists

	describing  sync.Once
	description []byte
	describeErr error
}

// Handler answers under /api/v1, /api and the root alike.
func (a *API) Handler() http.Handler {
	a.build()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if h.Get("Vary") == "" { // who chose this surface may have said so
			h.Set("Vary", "X-Api-Key, Authorization")
		}
		web.NoStore(w)
		full, short := normal(r.URL.Path)
		u := *r.URL
		u.Path, u.RawPath = short, ""
		r2 := r.WithContext(context.WithValue(r.Context(), pathKey{}, full))
		r2.URL = &u
		a.mux.ServeHTTP(w, r2)
	})
}

// Routes gives every mounted pattern, without the prefixes.
func (a *API) Routes() []string {
	a.build()
	return a.mux.Routes()
}

type pathKey struct{}

// normal gives the path without double and trailing slashes, as it is and
// without /api or /api/v1 before it.
func normal(p string) (full, short string) {
	full = path.Clean("/" + p)
	short = full
	for _, prefix := range []string{"/api", "/v1"} {
		if len(short) < len(prefix) || !strings.EqualFold(short[:len(prefix)], prefix) || len(short) > len(prefix) && short[len(prefix)] != '/' {
			break
		}
		short = short[len(prefix):]
	}
	if short == "" {
		short = "/"
	}
	return full, short
}

func (a *API) build() {
	a.once.Do(func() {
		a.mux = &web.Mux{Fail: failure.Answer, Log: a.Log, Trusted: a.Trusted, AnyOrigin: true, Now: a.Now}
		a.resources, a.bodies.New = map[string]*resource{}, func() any { return new([]byte) }
		table := specials()
		for _, k := range a.Records.Kinds.Kinds() {
			a.resources[k.Name] = newResource(k, table[k.Name])
		}
		for _, res := range a.resources {
			res.include = a.includes(res)
		}
		a.mount()
	})
}

func (a *API) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}
