package webui

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/feature/identity"
)

func (s *Server) mountSignIn() {
	s.mux.Handle("GET /sign-in", s.signInPage)
	s.mux.Handle("POST /sign-in", s.signIn)
	s.mux.Handle("POST /sign-out", s.signOut)
	s.mux.Handle("GET /first-run", s.firstRunPage)
	s.mux.Handle("POST /first-run", s.firstRun)
	s.mux.Handle("POST /theme", web.SetTheme)
}

const (
	tenantAge = 365 * 24 * time.Hour
	deviceAge = 400 * 24 * time.Hour
)

// toSignIn sends somebody who is not signed in to do that, and back afterwards.
func (s *Server) toSignIn(w http.ResponseWriter, r *http.Request) {
	to := "/sign-in"
	if s.isFirstRun(r.Context()) {
		to = "/first-run"
	} else if back := r.URL.RequestURI(); r.Method == http.MethodGet && back != "/" && !web.IsSwap(r) {
		to += "?to=" + url.QueryEscape(back)
	}
	if web.Cookie(r, sessionCookie) != "" {
		web.SetCookie(w, r, sessionCookie, "", -1)
		web.SetFlash(w, r, web.Flash{Text: "Your session has ended. Sign in again."})
	}
	_ = web.SeeOther(w, r, to) // it cannot fail: the address is ours
}

// plainPage is a page outside the shell.
func (s *Server) plainPage(w http.ResponseWriter, r *http.Request, title string, data any) ui.Page {
	web.NoStore(w)
	p := ui.Page{Title: title, Theme: web.Theme(r), Brand: ui.Brand{Name: product, Href: "/"}, Path: r.URL.RequestURI(), Flash: web.TakeFlash(w, r), Data: data}
	if s.Demo {
		p.Notice = &ui.Notice{Tone: "info", Text: "This is a demo. Do not put real passwords into it."}
	}
	return p
}

// entrance is the form of a page outside the shell.
type entrance struct {
	Title, Text, Action, Submit, To string
	Fields                          []ui.Field
	Errors                          *ui.Errors
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) error {
	if s.isFirstRun(r.Context()) {
		return web.SeeOther(w, r, "/first-run")
	}
	if _, err := s.caller(r); err == nil {
		return web.SeeOther(w, r, web.LocalPath(r.URL.Query().Get("to"), "/"))
	}
	name := web.Cookie(r, tenantCookie)
	if only, err := s.House.Only(r.Context()); err == nil && only != "" { // nobody has to know a name where there is no choice
		name = only
	}
	e := s.signInForm(r, name, "", r.URL.Query().Get("to"))
	return s.pages.Render(w, r, "entrance", s.plainPage(w, r, "Sign in", e))
}

func (s *Server) signInForm(r *http.Request, tenant, email, to string) *entrance {
	e := &entrance{Title: "Sign in", Text: "Documentation, passwords and files of the organizations you work for.", Action: "/sign-in", Submit: "Sign in", To: web.LocalPath(to, "")}
	if s.TenantOf(r) == "" {
		e.Fields = append(e.Fields, ui.Field{Name: "tenant", Label: "Company", Type: "text", Value: tenant, Required: true, Complete: "organization",
			Hint: "The short name of your company here, such as northbeam.", Focus: tenant == ""})
	}
	known := tenant != "" || s.TenantOf(r) != ""
	e.Fields = append(e.Fields,
		ui.Field{Name: "email", Label: "E-mail address", Type: "email", Value: email, Required: true, Complete: "username", Focus: known && email == ""},
		ui.Field{Name: "password", Label: "Password", Type: "password", Required: true, Complete: "current-password", Focus: known && email != ""})
	return e
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	a := identity.Attempt{Tenant: s.TenantOf(r), Email: f.Text("email"), Password: f.Raw("password"), Device: web.Cookie(r, deviceCookie),
		Addr: web.Client(r), Agent: r.UserAgent(), Request: web.RequestID(r.Context())}
	if a.Tenant == "" {
		a.Tenant = f.Text("tenant")
	}
	signed, err := s.Sessions.SignIn(r.Context(), a)
	if k := fault.Of(err); err != nil && (k == fault.Unauthorized || k == fault.Throttled || k == fault.Invalid) {
		e := s.signInForm(r, a.Tenant, a.Email, f.Text("to"))
		said := fault.Say(err)
		e.Errors = &ui.Errors{Text: said.Text, Hint: said.Hint}
		web.RetryAfter(w, err)
		return s.pages.RenderStatus(w, r, web.Status(err), "entrance", s.plainPage(w, r, "Sign in", e))
	}
	if err != nil {
		return err
	}
	s.enter(w, r, signed)
	to := web.LocalPath(f.Text("to"), "/")
	if signed.Caller.OneTime {
		to = "/account/password"
	}
	return web.SeeOther(w, r, to)
}

// enter gives the browser its session.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, signed *identity.Signed) {
	web.SetCookie(w, r, sessionCookie, signed.Token, max(time.Minute, signed.Expires.Sub(s.Now())))
	if signed.Device != "" {
		web.SetCookie(w, r, deviceCookie, signed.Device, deviceAge)
	}
	web.SetCookie(w, r, tenantCookie, signed.Caller.Tenant, tenantAge)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r)
	if err == nil {
		err = s.Sessions.SignOut(r.Context(), c)
	}
	if err != nil && !fault.Is(err, fault.Unauthorized) {
		return err
	}
	web.SetCookie(w, r, sessionCookie, "", -1)
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "You are signed out."})
	return web.SeeOther(w, r, "/sign-in")
}

// isFirstRun tells whether there is no tenant yet. Once there was one, made here
// or from the command line, it never is again.
func (s *Server) isFirstRun(ctx context.Context) bool {
	if s.FirstRun == nil || s.begun.Load() {
		return false
	}
	n, err := s.House.Count(ctx)
	if err != nil || n > 0 {
		s.begun.Store(n > 0)
		return false
	}
	return true
}

func (s *Server) firstRunForm(f *web.Form) *entrance {
	e := &entrance{Title: "Welcome to " + product, Action: "/first-run", Submit: "Set up " + product,
		Text: "This server has no data yet. Name your company and its first administrator; an import can follow right after."}
	e.Fields = []ui.Field{
		{Name: "code", Label: "Code", Type: "text", Required: true, Focus: true, Hint: "The server printed it on its console when it started."},
		{Name: "title", Label: "Company", Type: "text", Required: true, Complete: "organization", Most: 100},
		{Name: "name", Label: "Short name", Type: "text", Required: true, Most: 32, Hint: "Lower-case letters, digits and hyphens. Addresses and keys hold it."},
		{Name: "person", Label: "Your name", Type: "text", Required: true, Complete: "name"},
		{Name: "email", Label: "Your e-mail address", Type: "email", Required: true, Complete: "username"},
		{Name: "password", Label: "Your password", Type: "password", Required: true, Complete: "new-password", Hint: "12 characters or more. A few words in a row are good."},
	}
	for i := range e.Fields {
		if x := &e.Fields[i]; f != nil && x.Type != "password" {
			x.Value = f.Text(x.Name)
		}
	}
	return e
}

func (s *Server) firstRunPage(w http.ResponseWriter, r *http.Request) error {
	if !s.isFirstRun(r.Context()) {
		return web.SeeOther(w, r, "/sign-in")
	}
	return s.pages.Render(w, r, "entrance", s.plainPage(w, r, "Set up", s.firstRunForm(nil)))
}

func (s *Server) firstRun(w http.ResponseWriter, r *http.Request) error {
	if !s.isFirstRun(r.Context()) {
		return web.SeeOther(w, r, "/sign-in")
	}
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	admin := identity.Person{Name: f.Text("person"), Email: f.Text("email"), Password: f.Raw("password")}
	f.Require("title", "name", "person", "email")
	if admin.Password == "" {
		f.Wrong("password", "This is needed.")
	}
	if err = s.FirstRun.Check(f.Text("code")); err != nil {
		f.Wrong("code", "%s", fault.Say(err).Text)
	}
	if err = f.Err(); err == nil {
		err = s.Begin(r.Context(), f.Text("name"), f.Text("title"), admin)
	}
	if k := fault.Of(err); err != nil && (k == fault.Invalid || k == fault.Conflict) {
		return s.refuseEntrance(w, r, s.firstRunForm(f), err)
	}
	if err != nil {
		return err
	}
	s.begun.Store(true)
	s.FirstRun.Close()
	signed, err := s.Sessions.SignIn(r.Context(), identity.Attempt{Tenant: f.Text("name"), Email: admin.Email, Password: admin.Password,
		Addr: web.Client(r), Agent: r.UserAgent(), Request: web.RequestID(r.Context())})
	if err != nil {
		return err
	}
	s.enter(w, r, signed)
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: f.Text("title") + " is set up. Bring in what you have, or start empty."})
	return web.SeeOther(w, r, "/imports")
}

// refuseEntrance answers with the form and the sentences beside its fields.
func (s *Server) refuseEntrance(w http.ResponseWriter, r *http.Request, e *entrance, err error) error {
	said := fault.Say(err)
	form := ui.Form{Fields: e.Fields}
	form.Wrong(said.Text, said.Hint, said.Fields)
	e.Fields, e.Errors = form.Fields, form.Errors
	return s.pages.RenderStatus(w, r, web.Status(err), "entrance", s.plainPage(w, r, e.Title, e))
}
