// Package scim is the door by which a system of the customer's keeps users and groups here:
// SCIM 2.0 (RFC 7643 and 7644), as Microsoft Entra ID and Okta speak it.
//
// Always true: a key for provisioning opens it and no other key does; what is read and
// written of a resource are the attributes of its schema, and nothing else that is sent
// has any effect; what is not understood is refused and never means everything; the rules
// of what becomes of users and groups stand in feature/identity/provision.
package scim

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity/provision"
)

// Path is below which everything of it is.
const Path = "/scim/v2"

// mostCount is how many resources one answer lists at most, usualCount how many it lists
// when nothing is said.
const (
	mostCount  = 200
	usualCount = 100
)

// Server answers systems that hold a key for provisioning. Fill the exported fields.
type Server struct {
	Provision *provision.Provision
	Gate      *gate.Gate
	Keys      *apikey.Keys
	Limiter   *apikey.Limiter
	Tenant    func(*http.Request) string // names the tenant that a host name stands for; "" for none
	Trusted   []netip.Prefix
	Log       *slog.Logger
	Now       func() time.Time // nil is time.Now

	once sync.Once
	mux  *web.Mux
}

// Is tells whether a path is one of this door's.
func Is(path string) bool { return path == "/scim" || strings.HasPrefix(path, "/scim/") }

// Handler answers below Path.
func (s *Server) Handler() http.Handler {
	s.build()
	return s.mux
}

// Routes gives every mounted pattern.
func (s *Server) Routes() []string {
	s.build()
	return s.mux.Routes()
}

func (s *Server) build() {
	s.once.Do(func() {
		s.mux = &web.Mux{Fail: fail, Log: s.Log, Trusted: s.Trusted, Now: s.Now, AnyOrigin: true} // each request bears a key of its own
		for _, k := range []*kept{s.users(), s.groups()} {
			s.mount(k)
		}
		get := func(path string, answer func(c *call) (any, error)) {
			s.mux.Handle("GET "+Path+path, s.as(func(c *call) error {
				v, err := answer(c)
				if err != nil {
					return err
				}
				return c.answer(http.StatusOK, v)
			}))
		}
		get("/ServiceProviderConfig", func(c *call) (any, error) { return config(c.base()), nil })
		get("/ResourceTypes", func(c *call) (any, error) {
			return described(users().kind(c.base()), groups().kind(c.base())), nil
		})
		get("/ResourceTypes/{resource}", func(c *call) (any, error) {
			return c.one(func(r *resource) string { return r.name }, func(r *resource) any { return r.kind(c.base()) })
		})
		get("/Schemas", func(c *call) (any, error) {
			return described(users().document(c.base()), groups().document(c.base())), nil
		})
		get("/Schemas/{resource}", func(c *call) (any, error) {
			return c.one(func(r *resource) string { return r.schema }, func(r *resource) any { return r.document(c.base()) })
		})
	})
}

func (s *Server) mount(k *kept) {
	at := func(method, path string, h func(*call, *kept) error) {
		s.mux.Handle(method+" "+path, s.as(func(c *call) error { return h(c, k) }), web.MaxBody(maxBody), web.Within(time.Minute))
	}
	at("GET", k.path, (*call).list)
	at("POST", k.path, (*call).create)
	at("GET", k.path+"/{id}", (*call).show)
	at("PUT", k.path+"/{id}", (*call).replace)
	at("PATCH", k.path+"/{id}", (*call).patch)
	at("DELETE", k.path+"/{id}", (*call).remove)
}

// call is one request of a known caller.
type call struct {
	*Server
	w      http.ResponseWriter
	r      *http.Request
	caller *access.Caller
}

// as finds out who calls, counts the request, runs h and remembers why something was
// refused, for who set up the other side.
func (s *Server) as(h func(*call) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		web.NoStore(w)
		door := apikey.Door{Keys: s.Keys, Limiter: s.Limiter, Tenant: s.Tenant, Trusted: s.Trusted, Provisions: true}
		caller, err := door.Caller(r)
		if fault.Is(err, fault.Denied) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return &problem{http.StatusUnauthorized, "", "The key is not valid, or is none for provisioning."}
		}
		if err != nil {
			return err
		}
		c := &call{s, w, r, caller}
		err = h(c)
		if err == nil {
			return nil
		}
		p := told(err)
		if p.status != http.StatusNotFound || r.Method != http.MethodGet {
			s.refused(r.Context(), c, p)
		}
		return err
	}
}

func (s *Server) refused(ctx context.Context, c *call, p *problem) {
	err := s.Provision.Refused(ctx, c.caller, c.what(), p.status, p.text)
	if err != nil {
		s.Log.WarnContext(ctx, "a refusal could not be noted", "tenant", c.caller.Tenant, "error", err)
	}
}

// what says in short what is asked: PATCH Users.
func (c *call) what() string {
	rest, _, _ := strings.Cut(strings.TrimPrefix(c.r.URL.Path, Path+"/"), "/")
	return c.r.Method + " " + clip(rest)
}

// base is the address under which the client reaches us.
func (c *call) base() string {
	scheme := "http"
	if web.IsTLS(c.r, c.Trusted) {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host
}

func (c *call) answer(status int, v any) error {
	c.w.Header().Set("Content-Type", "application/scim+json; charset=utf-8")
	return web.JSONAs(c.w, status, v)
}

// one answers one of the two descriptions.
func (c *call) one(name func(*resource) string, give func(*resource) any) (any, error) {
	for _, r := range []*resource{users(), groups()} {
		if strings.EqualFold(name(r), c.r.PathValue("resource")) {
			return give(r), nil
		}
	}
	return nil, gate.Missing()
}

// described is a list that is complete.
func described(list ...map[string]any) map[string]any {
	return map[string]any{"schemas": []string{listSchema}, "totalResults": len(list), "startIndex": 1, "itemsPerPage": len(list), "Resources": list}
}

// told gives a failure as SCIM tells it.
func told(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	say, status := fault.Say(err), web.Status(err)
	p := &problem{status: status, text: say.Text}
	if say.Hint != "" {
		p.text += " " + say.Hint
	}
	switch {
	case status == http.StatusUnprocessableEntity:
		p.status, p.kind = http.StatusBadRequest, "invalidValue"
		if len(say.Fields) > 1 {
			p.text = ""
			for _, name := range sorted(anything(say.Fields)) {
				p.text = strings.TrimSpace(p.text + " " + say.Fields[name])
			}
		}
	case status == http.StatusNotFound:
		p.text = "There is no such resource."
	case errors.Is(err, provision.ErrTaken):
		p.kind = "uniqueness"
	}
	return p
}

func anything(m map[string]string) map[string]any {
	out := map[string]any{}
	for k := range m {
		out[k] = nil
	}
	return out
}

func fail(w http.ResponseWriter, _ *http.Request, err error) {
	web.RetryAfter(w, err)
	p := told(err)
	body := map[string]any{"schemas": []string{errorSchema}, "status": strconv.Itoa(p.status), "detail": p.text}
	if p.kind != "" {
		body["scimType"] = p.kind
	}
	w.Header().Set("Content-Type", "application/scim+json; charset=utf-8")
	_ = web.JSONAs(w, p.status, body) // a broken connection has nobody to tell
}
