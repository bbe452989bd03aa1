package webui

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/relation"
)

// Server is the web surface. Fill the exported fields, then call Handler.
type Server struct {
	House       *tenant.House
	Gate        *gate.Gate
	Records     *record.Engine
	Secrets     *secret.Revealer
	Sessions    *identity.Sessions
	Directory   *identity.Directory
	APIKeys     *apikey.Keys
	Attachments *attachment.Store
	Relations   *relation.Relations
	FirstRun    *identity.FirstRun // nil once a tenant exists
	Importer    *importer.Importer // with its Jobs; nil hides the pages of imports

	// Begin makes the first tenant and its administrator: the first-run page.
	Begin func(ctx context.Context, name, title string, admin identity.Person) error
	// TenantOf names the tenant that a request's host name stands for; "" for none.
	TenantOf func(*http.Request) string
	Demo     bool // says so on every page
	Trusted  []netip.Prefix
	Log      *slog.Logger
	Now      func() time.Time // nil is time.Now

	pages *web.Pages
	mux   *web.Mux
	begun atomic.Bool // the first run is over

	// details draws the page of a record of a kind that has one of its own;
	// formExtras adjusts the derived form of a kind: r is nil for a new record.
	// The mount functions of these kinds fill them.
	details    map[string]func(v *visit, r *record.Record) error
	formExtras map[string]func(v *visit, f *ui.Form, r *record.Record) error
}

const sessionCookie, deviceCookie, tenantCookie = "session", "device", "tenant"

// Handler mounts every page.
func (s *Server) Handler() (http.Handler, error) {
	if s.Now == nil {
		s.Now = time.Now
	}
	static, err := Static()
	if err != nil {
		return nil, err
	}
	tree, err := Templates()
	if err != nil {
		return nil, err
	}
	if s.pages, err = web.ParsePages(tree, static, s.funcs()); err != nil {
		return nil, err
	}
	if err := s.pages.Add(tree, "pages/*.html"); err != nil {
		return nil, err
	}
	s.pages.Now = s.Now
	s.details = map[string]func(*visit, *record.Record) error{}
	s.formExtras = map[string]func(*visit, *ui.Form, *record.Record) error{}
	s.mux = &web.Mux{Fail: s.fail, Log: s.Log, Trusted: s.Trusted, Now: s.Now}
	s.mux.Handle("GET /static/", static.Serve)
	for _, mount := range s.mounts() {
		mount()
	}
	return s.mux, nil
}

// Routes lists every mounted pattern.
func (s *Server) Routes() []string { return s.mux.Routes() }

// visit is one request of somebody who is signed in.
type visit struct {
	*Server
	w http.ResponseWriter
	r *http.Request
	c *access.Caller
}

// get and post mount a page for people who are signed in. Pages of a tenant are
// never kept by caches.
func (s *Server) get(path string, h func(*visit) error, o ...web.Option) {
	s.mux.Handle("GET "+path, s.signedIn(h), o...)
}

func (s *Server) post(path string, h func(*visit) error, o ...web.Option) {
	s.mux.Handle("POST "+path, s.signedIn(h), o...)
}

func (s *Server) signedIn(h func(*visit) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.caller(r)
		if err != nil {
			return err
		}
		web.NoStore(w)
		web.Note(r.Context(), slog.String("tenant", c.Tenant), slog.Int64("user", int64(c.User)))
		return h(&visit{s, w, r, c})
	}
}

// caller tells who asks. A host name that names another tenant than the
// session's answers as if there were no session.
func (s *Server) caller(r *http.Request) (*access.Caller, error) {
	token := web.Cookie(r, sessionCookie)
	name := identity.TenantOf(token)
	if token == "" || name == "" {
		return nil, fault.New(fault.Unauthorized, "Sign in first.")
	}
	if host := s.TenantOf(r); host != "" && host != name {
		return nil, fault.New(fault.Unauthorized, "Sign in first.")
	}
	c, err := s.Sessions.Resolve(r.Context(), name, token)
	if err != nil {
		return nil, err
	}
	one := *c
	one.Addr, one.Request = web.Client(r), web.RequestID(r.Context())
	return &one, nil
}

// fail answers a request that went wrong with a page that says what happened
// and what to do; who is not signed in is sent to do that.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	web.NoStore(w)
	say := fault.Say(err)
	if web.WantsJSON(r) {
		body := map[string]any{"error": map[string]any{"text": say.Text, "hint": say.Hint, "fields": say.Fields}}
		if say.Kind == fault.Unauthorized {
			body["location"] = "/sign-in"
		}
		if err := web.JSON(w, web.Status(err), body); err != nil {
			s.Log.WarnContext(r.Context(), "an error could not be answered", "error", err)
		}
		return
	}
	if say.Kind == fault.Unauthorized {
		s.toSignIn(w, r)
		return
	}
	p := ui.Page{Title: title(say.Kind), Theme: web.Theme(r), Brand: ui.Brand{Name: product, Href: "/"}, Path: r.URL.RequestURI(), Data: ui.Problem{
		Icon: "alert-triangle", Title: title(say.Kind), Text: say.Text, Hint: say.Hint, ID: web.RequestID(r.Context()),
		Actions: []ui.Action{{Label: "Go to the dashboard", Href: "/", Icon: "home", Primary: true}}}}
	if err := s.pages.RenderStatus(w, r, web.Status(err), "problem", p); err != nil {
		s.Log.ErrorContext(r.Context(), "the error page failed", "error", err)
	}
}

func title(k fault.Kind) string {
	switch k {
	case fault.NotFound:
		return "Not found"
	case fault.Denied:
		return "Not allowed"
	case fault.Conflict:
		return "Changed meanwhile"
	case fault.Invalid:
		return "That did not work"
	case fault.Throttled:
		return "Too often"
	case fault.Unavailable:
		return "Not available right now"
	}
	return "Something went wrong"
}

const product = "Strongroom"

// view runs fn in a transaction that reads.
func (v *visit) view(fn func(tx *gate.Tx) error) error {
	return v.Gate.View(v.r.Context(), v.c, fn)
}

// change runs fn in a transaction that writes.
func (v *visit) change(a access.Action, t gate.Thing, fn func(tx *gate.Tx) error) error {
	return v.Gate.Change(v.r.Context(), v.c, a, t, fn)
}

// id reads a path value. A value that is no id is like a record that does not
// exist.
func (v *visit) id(name string) (id.ID, error) {
	i, ok := id.Parse(v.r.PathValue(name))
	if !ok {
		return 0, gate.Missing()
	}
	return i, nil
}

// render answers with a page in the shell.
func (v *visit) render(name string, p ui.Page) error {
	return v.pages.Render(v.w, v.r, name, p)
}

// done answers a POST: a sentence for the next page, and where that is.
func (v *visit) done(to, format string, args ...any) error {
	web.SetFlash(v.w, v.r, web.Flash{Tone: "ok", Text: fmt.Sprintf(format, args...)})
	return web.SeeOther(v.w, v.r, to)
}

// page fills the shell around a page: navigation, favourites, recent records.
func (v *visit) page(title string, crumbs ...ui.Crumb) (ui.Page, error) {
	p := ui.Page{
		Title: title, Theme: web.Theme(v.r), Path: v.r.URL.RequestURI(), Flash: web.TakeFlash(v.w, v.r), Crumbs: crumbs,
		Brand: ui.Brand{Name: product, Href: "/"},
		User:  &ui.User{Name: v.c.Name, Detail: string(v.c.Role), Href: "/account", SignOut: "/sign-out"},
		Nav:   v.nav(), New: v.offers(), NewURL: "/new",
	}
	if web.IsSwap(v.r) { // only a block is drawn: the shell is not
		return p, nil
	}
	switch {
	case v.c.OneTime:
		p.Notice = &ui.Notice{Tone: "warn", Text: "You signed in with a one-time password. Change it to see passwords.", Link: "Change it", Href: "/account/password"}
	case v.Demo:
		p.Notice = &ui.Notice{Tone: "info", Text: "This is a demo. Its administrator needs no second factor: do not put real passwords into it."}
	}
	return p, v.view(func(tx *gate.Tx) error {
		p.Brand.Tenant = tx.Tenant.Title
		stars, err := favourite.List(tx)
		if err != nil {
			return err
		}
		recent, err := favourite.Recent(tx, 6)
		if err != nil {
			return err
		}
		p.Stars, p.Recent = v.shortcuts(stars), v.shortcuts(recent)
		return nil
	})
}
