// Package ivanti is the API of Ivanti Service Manager, for programs written for it: its
// business objects over OData, on the same records as everything else.
//
// Always true: every object is a kind, and a kind needs no line here; what a caller may
// see and do is decided by the gate; what cannot be read or is not known is refused, and
// never means everything; an answer of success has no member called message.
package ivanti

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/relation"
)

// API answers requests. Fill the exported fields; it then is safe for concurrent use.
type API struct {
	Gate        *gate.Gate
	Records     *record.Engine
	Relations   *relation.Relations
	Attachments *attachment.Store
	Keys        *apikey.Keys
	Limiter     *apikey.Limiter
	Sessions    *identity.Sessions
	Tenant      func(*http.Request) string // that the host names; "" or nil for none
	Trusted     []netip.Prefix
	Log         *slog.Logger
	Now         func() time.Time // nil is time.Now

	once    sync.Once
	mux     *web.Mux
	objects map[string]*object // by kind
	sets    map[string]*object // by what stands in addresses
	subs    map[string]*object // subtypes, likewise
}

// Is tells whether a path is one of this API's, with or without /HEAT before it.
func Is(p string) bool {
	p = strings.ToLower(path.Clean("/" + p))
	p = strings.TrimPrefix(p, "/heat")
	return strings.HasPrefix(p, "/api/odata/") || strings.HasPrefix(p, "/api/rest/")
}

// The paths of business objects, and of the login.
const (
	business = "/odata/businessobject/"
	odataAt  = "/odata/"
	loginAt  = "/rest/authentication/login"
)

// maxBody is the most that one record may be sent with.
const maxBody = 8 << 20

// Handler answers below /api and /HEAT/api.
func (a *API) Handler() http.Handler {
	a.build()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.NoStore(w)
		u := *r.URL
		u.RawPath = ""
		r2 := r.Clone(r.Context())
		r2, u.Path = a.based(r2, a.normal(r.URL.Path))
		r2.URL = &u
		a.mux.ServeHTTP(w, r2)
	})
}

// Routes gives every mounted pattern, without /api.
func (a *API) Routes() []string {
	a.build()
	return a.mux.Routes()
}

// Sets gives the kinds by what their objects are called in addresses.
func (a *API) Sets() map[string]string {
	a.build()
	out := map[string]string{}
	for set, o := range a.sets {
		out[set] = o.kind.Name
	}
	return out
}

// Links gives, of an object, the fields that take the RecId of a record, with the kinds
// of these.
func (a *API) Links(set string) map[string]string {
	a.build()
	out := map[string]string{}
	if a.sets[set] == nil {
		return out
	}
	for _, f := range a.sets[set].fields {
		switch f.form {
		case link:
			out[f.name+"_RecID"] = f.of.Ref
		case named:
			out[f.name+"_Valid"] = f.of.Ref
		}
	}
	return out
}

// Related gives the kind that a relationship of an object leads to, by its name in small
// letters.
func (a *API) Related(set, name string) string {
	a.build()
	if a.sets[set] == nil {
		return ""
	}
	for _, r := range a.sets[set].ties {
		if strings.EqualFold(r.name, name) {
			return r.to
		}
	}
	return ""
}

func (a *API) build() {
	a.once.Do(func() {
		a.mux = &web.Mux{Fail: fail, Log: a.Log, Trusted: a.Trusted, AnyOrigin: true, Now: a.Now} // each request bears a key of its own
		a.objects, a.sets = map[string]*object{}, map[string]*object{}
		table := specs()
		for _, k := range a.Records.Kinds.Kinds() {
			o := newObject(k, table[k.Name])
			a.objects[k.Name], a.sets[o.set] = o, o
		}
		for _, set := range slices.Sorted(maps.Keys(a.sets)) {
			a.mount(a.sets[set])
			a.tie(a.sets[set])
			a.mountFilesOf(a.sets[set])
			a.mountActions(a.sets[set])
		}
		a.divide()
		a.mountDesigned()
		a.mountFiles()
		a.mountSearch()
		a.mountCatalogue()
		a.mux.Handle("POST "+loginAt, a.login)
	})
}

func (a *API) mount(o *object) {
	at := func(method, path string, fn func(*call, *object) error) {
		a.mux.Handle(method+" "+path, a.called(func(c *call) error { return fn(c, c.as(o)) }), web.MaxBody(maxBody))
	}
	all, one := business+o.set, business+o.set+"/{id}"
	at("GET", odataAt+o.set+"/$metadata", metadata)
	at("GET", all, list)
	at("GET", one, show)
	if o.kind.Fixed {
		return
	}
	at("POST", all, create)
	at("PATCH", one, update)
	at("PUT", one, update)
	at("DELETE", one, destroy)
}

// normal brings an address into the form of the mounted paths: small letters,
// without /HEAT and /api, and incidents('RecId') as incidents/RecId.
func (a *API) normal(p string) string {
	p = strings.ToLower(path.Clean("/" + p))
	p = strings.TrimPrefix(strings.TrimPrefix(p, "/heat"), "/api")
	rest, ok := strings.CutPrefix(p, business)
	if !ok {
		return a.metadataOf(p)
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		if name, key, ok := strings.Cut(part, "("); ok && strings.HasSuffix(key, ")") {
			parts[i] = name + "/" + strings.Trim(strings.TrimSuffix(key, ")"), "'")
		}
	}
	return business + strings.Join(parts, "/")
}

// call is one request of a known caller.
type call struct {
	*API
	w      http.ResponseWriter
	r      *http.Request
	caller *access.Caller

	nowhere bool // the address is none
}

// called finds out who calls, counts the request and runs fn.
func (a *API) called(fn func(*call) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		caller, err := a.caller(r)
		if fault.Is(err, fault.Denied) { // as a key that is wrong
			say := fault.Say(err)
			err = fault.Wrap(err, fault.Unauthorized, "%s", say.Text).WithHint("%s", say.Hint)
		}
		if err != nil {
			return err
		}
		c := &call{API: a, w: w, r: r, caller: caller}
		if err = fn(c); fault.Is(err, fault.NotFound) && !c.nowhere { // as a key that is none; an address that is none is 404
			err = fault.Wrap(err, fault.Invalid, "The key is not valid: there is no such record, or you may not see it.")
		}
		return err
	}
}

// caller takes a key (Authorization: rest_api_key=KEY, or as the other APIs do) or what a
// login has given, as it is or as a bearer token.
func (a *API) caller(r *http.Request) (*access.Caller, error) {
	said := strings.TrimSpace(r.Header.Get("Authorization"))
	if scheme, token, ok := strings.Cut(said, " "); ok && strings.EqualFold(scheme, "Bearer") {
		said = strings.TrimSpace(token)
	}
	if identity.IsAccessToken(said) {
		return a.session(r, said)
	}
	door := apikey.Door{Keys: a.Keys, Limiter: a.Limiter, Tenant: a.Tenant, Trusted: a.Trusted}
	const scheme = "rest_api_key="
	if len(said) > len(scheme) && strings.EqualFold(said[:len(scheme)], scheme) {
		r = r.Clone(r.Context())
		r.Header.Set("X-Api-Key", said[len(scheme):])
	}
	return door.Caller(r)
}

func (a *API) session(r *http.Request, token string) (*access.Caller, error) {
	c, err := a.Sessions.ResolveToken(r.Context(), a.host(r), token)
	if err != nil {
		return nil, err
	}
	if err := a.Sessions.At(r.Context(), c, web.ClientAddr(r, a.Trusted)); err != nil {
		return nil, err
	}
	web.Note(r.Context(), slog.String("tenant", c.Tenant), slog.String("caller", c.Session))
	if err := a.Limiter.Take(c, apikey.Limit{}); err != nil {
		return nil, err
	}
	c.Request = web.RequestID(r.Context())
	return c, nil
}

// host is the tenant that the request's host names, or "".
func (a *API) host(r *http.Request) string {
	if a.Tenant == nil {
		return ""
	}
	return a.Tenant(r)
}

// base is the address under which the client reaches us.
func (a *API) base(r *http.Request) string {
	scheme := "http"
	if web.IsTLS(r, a.Trusted) {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// failure is what is answered when something went wrong.
type failure struct {
	Code        string   `json:"code"`
	Description string   `json:"description"`
	Message     []string `json:"message"`
	Help        *string  `json:"help"`
}

// fail answers a failure in the words of the API.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	web.RetryAfter(w, err)
	status := web.Status(err)
	code := map[int]string{http.StatusUnauthorized: "ISM_4001", http.StatusForbidden: "ISM_4001", http.StatusNotFound: "ISM_4004"}[status]
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	if status >= http.StatusInternalServerError {
		code = "ISM_5000"
	}
	f := failed(err)
	f.Code = cmp.Or(code, f.Code)
	_ = web.JSON(w, status, f) // a broken connection has nobody to tell
}

// failed is a failure in the words of the API.
func failed(err error) failure {
	say := fault.Say(err)
	f := failure{Code: "ISM_4000", Description: say.Text}
	for _, name := range slices.Sorted(maps.Keys(say.Fields)) {
		f.Message = append(f.Message, name+": "+say.Fields[name])
	}
	if len(f.Message) == 0 {
		f.Message = []string{say.Text}
	}
	if say.Hint != "" {
		f.Help = &say.Hint
	}
	return f
}
