// Package shell is what every page of the web interface shares: who asks, the
// layout and its navigation, the parts that pages are drawn with, how a failure
// is shown, the words and cells for a record's values.
//
// A group of pages lives in a folder of its own beside this one, with its
// templates. It knows this package and no other group: what groups offer each
// other (a part of a record's rail, the page of a kind, a line of the
// navigation) they give to the shell when they are mounted, and find it there.
//
// Always true: a page of a tenant is answered only to somebody who is signed in,
// and is kept by no cache; every file a page needs is embedded and served from
// this origin; no script or style stands inside a page; building needs no tool
// but Go. What was vendored is listed with its licence in static/LICENSES.md and
// rebuilt byte for byte by tools/build.mjs.
package shell

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Product is the name that stands on every page.
const Product = "Strongroom"

// The cookies of a browser: its session, that it is known, and the tenant that
// somebody signed in to last.
const SessionCookie, DeviceCookie, TenantCookie = "session", "device", "tenant"

// Shell holds what pages of every group need. Fill the exported fields, then
// call Open.
type Shell struct {
	Gate    *gate.Gate
	Records *record.Engine
	Demo    bool // says so on every page
	Trusted []netip.Prefix
	Log     *slog.Logger
	Now     func() time.Time // nil is time.Now

	// Door, Favourites and Bell are given by the groups that hold these pages.
	Door       Door
	Favourites Favourites
	// Warn gives a line above every page of who did not give a second factor; nil
	// gives none.
	Warn func(tx *gate.Tx) (*ui.Notice, error)
	// Bell counts what the caller has not read; nil shows no bell.
	Bell func(tx *gate.Tx) (*ui.Bell, error)

	pages   *web.Pages
	mux     *web.Mux
	own     map[string]*Own
	entries []Entry
	rail    []RailPart
	manage  []managed
	deeds   []Deed
	above   []func(v *Visit, tx *gate.Tx) (*ui.Notice, error)
	marks   []func(v *Visit, tx *gate.Tx, r *record.Record, h *ui.Head) error
	lately  func(v *Visit, tx *gate.Tx, org id.ID) (*ui.Section, error)
	talk    func(v *Visit, tx *gate.Tx, r *record.Record) (*TalkCard, error)
	files   func(v *Visit, tx *gate.Tx, r *record.Record) (*FilesCard, error)
}

// Door is where people come in.
type Door interface {
	// Caller tells who asks; it fails with fault.Unauthorized when nobody is
	// signed in.
	Caller(r *http.Request) (*access.Caller, error)
	// Still tells the same without taking it for a use of the session, for a page
	// that looks by itself.
	Still(r *http.Request) (*access.Caller, error)
	// ShowIn answers a request that only somebody who is signed in may make: with
	// the way to sign in.
	ShowIn(w http.ResponseWriter, r *http.Request)
}

// Favourites are what each person has at hand.
type Favourites interface {
	// Has tells whether a record is a favourite of the caller.
	Has(tx *gate.Tx, rid id.ID) (bool, error)
	// Lines gives the caller's favourites and the records that she was at last.
	Lines(v *Visit, tx *gate.Tx) (stars, recent []ui.NavItem, err error)
}

// Group is a group of pages.
type Group interface {
	// Templates gives the group's pages, pages/*.html, and parts that pages of
	// other groups may use too, parts/*.html. Names are unique in the whole
	// interface. Nil when the pages of the shell are enough.
	Templates() fs.FS
	// Mount gives the shell the group's routes and what it offers to others.
	Mount(s *Shell)
}

// Open parses the templates of all groups and mounts their pages. The order of
// the groups is that of what they offer: parts of rails, lines of the settings.
func (s *Shell) Open(groups ...Group) (http.Handler, error) {
	if s.Now == nil {
		s.Now = time.Now
	}
	static, err := Static()
	if err != nil {
		return nil, err
	}
	if err := s.parse(static, groups); err != nil {
		return nil, err
	}
	s.own = map[string]*Own{}
	s.mux = &web.Mux{Fail: s.fail, Log: s.Log, Trusted: s.Trusted, Now: s.Now, Policy: static.Policy()}
	s.mux.Handle("GET /static/", static.Serve)
	for _, g := range groups {
		g.Mount(s)
	}
	return s.mux, nil
}

func (s *Shell) parse(static *web.Static, groups []Group) (err error) {
	parts, err := Parts()
	if err != nil {
		return err
	}
	if s.pages, err = web.ParsePages(parts, static, nil); err != nil {
		return err
	}
	s.pages.Now = s.Now
	groups = slices.DeleteFunc(slices.Clone(groups), func(g Group) bool { return g.Templates() == nil })
	for _, g := range groups {
		if err := s.pages.AddParts(g.Templates(), "parts/*.html"); err != nil {
			return err
		}
	}
	if err := s.pages.Add(templates, "pages/*.html"); err != nil {
		return err
	}
	for _, g := range groups {
		if err := s.pages.Add(g.Templates(), "pages/*.html"); err != nil {
			return err
		}
	}
	return nil
}

// Routes lists every mounted pattern.
func (s *Shell) Routes() []string { return s.mux.Routes() }

// Handler answers a request of somebody who is signed in.
type Handler func(*Visit) error

// Get mounts a page for people who are signed in.
func (s *Shell) Get(path string, h Handler, o ...web.Option) {
	s.mux.Handle("GET "+path, s.signedIn(h), o...)
}

// Post mounts what a form of such a page sends.
func (s *Shell) Post(path string, h Handler, o ...web.Option) {
	s.mux.Handle("POST "+path, s.signedIn(h), o...)
}

// Public mounts what is for everybody: sign-in and what leads to it.
func (s *Shell) Public(pattern string, h web.Handler, o ...web.Option) {
	s.mux.Handle(pattern, h, o...)
}

// Stream mounts what a page listens to. It is no use of the session, which ends for all
// that somebody has left the page open.
func (s *Shell) Stream(path string, h Handler) {
	answer := s.known(func(r *http.Request) (*access.Caller, error) { return s.Door.Still(r) }, h)
	s.mux.Handle("GET "+path, func(w http.ResponseWriter, r *http.Request) error {
		err := answer(w, r)
		if fault.Is(err, fault.Unauthorized) { // a script waits for it, which is shown no way in
			http.Error(w, "Sign in first.", http.StatusUnauthorized)
			return nil
		}
		return err
	}, web.Within(0))
}

func (s *Shell) signedIn(h Handler) web.Handler {
	return s.known(func(r *http.Request) (*access.Caller, error) { return s.Door.Caller(r) }, h) // there is a door once all is mounted
}

// known lets those in whom who tells.
func (s *Shell) known(who func(*http.Request) (*access.Caller, error), h Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := who(r)
		if err != nil {
			return err
		}
		web.NoStore(w)
		web.Note(r.Context(), slog.String("tenant", c.Tenant), slog.Int64("user", int64(c.User)))
		if c.Role == access.SelfService && !forCustomers(r.URL.Path) && !(c.Behind != nil && r.URL.Path == EyesPage) {
			if r.URL.Path == "/" {
				return web.SeeOther(w, r, portalPage)
			}
			return gate.Missing()
		}
		if c.Unexplained && r.URL.Path != reasonPage {
			if r.Method == http.MethodGet && !web.WantsJSON(r) {
				return web.SeeOther(w, r, reasonPage)
			}
			return fault.New(fault.Denied, "Say first why you use this account.").WithWay(reasonPage)
		}
		if c.Behind == nil {
			return h(&Visit{Shell: s, W: w, R: r, Caller: c})
		}
		if err = notHers(c, r); err == nil {
			err = h(&Visit{Shell: s, W: w, R: r, Caller: c})
		}
		if err != nil {
			s.problem(w, r, err, looking(c))
		}
		return nil
	}
}

// reasonPage is where who uses an account for emergencies says why.
const reasonPage = "/break-glass"

// portalPage is where customers are.
const portalPage = "/portal"

// forCustomers tells whether a page is for customers too: the portal, and how they sign in.
// Whatever else there is does not exist for them.
func forCustomers(path string) bool {
	for _, p := range []string{portalPage, "/me/security", "/account/password"} {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

// EyesPage is where an administrator who looks as somebody else ends that.
const EyesPage = "/as"

// notHers refuses to who looks as somebody else whatever does something, and the pages
// that are about the person herself.
func notHers(c *access.Caller, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return fault.New(fault.Denied, "You see the pages as %s: nothing can be done.", c.Name).WithHint("Be yourself again first.").WithWay(EyesPage)
	}
	for _, own := range []string{"/account", "/me", "/vault", "/personal_passwords", "/notifications", "/shares"} {
		if r.URL.Path == own || strings.HasPrefix(r.URL.Path, own+"/") {
			return fault.New(fault.Denied, "This page is about %s herself.", c.Name).WithHint("It is shown to nobody else.")
		}
	}
	return nil
}

// looking is the line above every page of somebody who looks as somebody else.
func looking(c *access.Caller) *ui.Notice {
	if c.Behind == nil {
		return nil
	}
	return &ui.Notice{Tone: "warn", Text: c.Behind.Name + ", you see the pages as " + c.Name + " does. Nothing can be changed.", Link: "Be yourself again", Href: EyesPage}
}

// Looking is that line, for pages with a layout of their own; nil for who is herself.
func (v *Visit) Looking() *ui.Notice { return looking(v.Caller) }

// Administering lets only those in who manage the tenant; others are told so,
// and that they asked is recorded.
func Administering(h Handler) Handler { return Allowing(access.Administer, h) }

// Allowing lets only those in who may do something to the tenant as a whole.
func Allowing(a access.Action, h Handler) Handler {
	return func(v *Visit) error {
		err := v.View(func(tx *gate.Tx) error {
			_, err := tx.Allow(a, gate.Thing{})
			return err
		})
		if err != nil {
			return err
		}
		return h(v)
	}
}

// fail answers a request that went wrong with a page that says what happened
// and what to do; who is not signed in is sent to do that.
func (s *Shell) fail(w http.ResponseWriter, r *http.Request, err error) { s.problem(w, r, err, nil) }

func (s *Shell) problem(w http.ResponseWriter, r *http.Request, err error, above *ui.Notice) {
	web.NoStore(w)
	say := fault.Say(err)
	if web.WantsJSON(r) {
		body := map[string]any{"error": map[string]any{"text": say.Text, "hint": say.Hint, "fields": say.Fields}}
		if say.Kind == fault.Unauthorized {
			body["location"] = "/sign-in"
		}
		if say.Way != "" {
			body["location"] = wayBack(r, say.Way)
		}
		if err := web.JSON(w, web.Status(err), body); err != nil {
			s.Log.WarnContext(r.Context(), "an error could not be answered", "error", err)
		}
		return
	}
	if say.Kind == fault.Unauthorized {
		s.Door.ShowIn(w, r)
		return
	}
	p := s.Plain(r, title(say.Kind), ui.Problem{
		Icon: "alert-triangle", Title: title(say.Kind), Text: say.Text, Hint: say.Hint, ID: web.RequestID(r.Context()),
		Actions: []ui.Action{{Label: "Go to the dashboard", Href: "/", Icon: "home", Primary: true}}})
	if say.Way != "" {
		p.Data = ui.Problem{Icon: "shield-lock", Title: title(say.Kind), Text: say.Text, Hint: say.Hint, ID: web.RequestID(r.Context()),
			Actions: []ui.Action{{Label: "Go on", Href: wayBack(r, say.Way), Icon: "chevron-right", Primary: true}}}
	}
	p.Notice = above
	if err := s.pages.RenderStatus(w, r, web.Status(err), "problem", p); err != nil {
		s.Log.ErrorContext(r.Context(), "the error page failed", "error", err)
	}
}

// wayBack is an address that leads back to where the request came from: to the page
// that was asked for, or to the one that a form was on.
func wayBack(r *http.Request, way string) string {
	from := r.URL.RequestURI()
	if r.Method != http.MethodGet || web.WantsJSON(r) {
		from = Referrer(r, "/")
	}
	return way + "?to=" + url.QueryEscape(from)
}

// Referrer is the page of ours that a form was on.
func Referrer(r *http.Request, instead string) string {
	ref, err := url.Parse(r.Header.Get("Referer"))
	if err != nil || ref.Host != r.Host {
		return instead
	}
	return web.LocalPath(ref.RequestURI(), instead)
}

// Plain is a page outside the layout, such as sign-in: without navigation.
func (s *Shell) Plain(r *http.Request, title string, data any) ui.Page {
	return ui.Page{Title: title, Theme: web.Theme(r), Brand: ui.Brand{Name: Product, Href: "/"}, Path: r.URL.RequestURI(), Data: data}
}

// RenderPlain answers with a page outside the layout.
func (s *Shell) RenderPlain(w http.ResponseWriter, r *http.Request, status int, name string, p ui.Page) error {
	return s.pages.RenderStatus(w, r, status, name, p)
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
