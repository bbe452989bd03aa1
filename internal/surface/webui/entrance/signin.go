package entrance

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/way"
	desk "strongroom/internal/feature/portal"
	"strongroom/internal/feature/support"
	"strongroom/internal/surface/webui/shell"
)

const (
	tenantAge = 365 * 24 * time.Hour
	deviceAge = 400 * 24 * time.Hour
)

// ShowIn sends somebody who is not signed in to do that, and back afterwards.
func (p *Pages) ShowIn(w http.ResponseWriter, r *http.Request) {
	to := "/sign-in"
	if p.isFirstRun(r.Context()) {
		to = "/first-run"
	} else if back := r.URL.RequestURI(); r.Method == http.MethodGet && back != "/" && !web.IsSwap(r) {
		to += "?to=" + url.QueryEscape(back)
	}
	if web.Cookie(r, shell.SessionCookie) != "" {
		web.SetCookie(w, r, shell.SessionCookie, "", -1)
		web.SetFlash(w, r, web.Flash{Text: "Your session has ended. Sign in again."})
	}
	_ = web.SeeOther(w, r, to) // it cannot fail: the address is ours
}

// Caller tells who asks; it fails with fault.Unauthorized when nobody is signed
// in. A host name that names another tenant than the session's answers as if
// there were no session.
func (p *Pages) Caller(r *http.Request) (*access.Caller, error) {
	token := web.Cookie(r, shell.SessionCookie)
	if c, err := p.supporter(r, token); c != nil || err != nil {
		return c, err
	}
	return p.known(r, token, p.Sessions.Resolve)
}

// Still is Caller without a use of the session. Who is here for support has no pages that
// look by themselves, since each look is recorded.
func (p *Pages) Still(r *http.Request) (*access.Caller, error) {
	return p.known(r, web.Cookie(r, shell.SessionCookie), p.Sessions.Still)
}

func (p *Pages) known(r *http.Request, token string, resolve resolver) (*access.Caller, error) {
	name := identity.TenantOf(token)
	if token == "" || name == "" {
		return nil, fault.New(fault.Unauthorized, "Sign in first.")
	}
	if host := p.TenantOf(r); host != "" && host != name {
		return nil, fault.New(fault.Unauthorized, "Sign in first.")
	}
	return p.at(r, name, token, resolve)
}

// resolver gives the caller of a token.
type resolver func(ctx context.Context, tenant, token string) (*access.Caller, error)

// self is Caller for who is there herself, whomever she looks at the tenant as.
func (p *Pages) self(r *http.Request) (*access.Caller, error) {
	c, err := p.Caller(r)
	if err != nil || c.Behind == nil {
		return c, err
	}
	return p.at(r, c.Tenant, web.Cookie(r, shell.SessionCookie), p.Sessions.Self)
}

// at gives a caller with where she is, where she may be.
func (p *Pages) at(r *http.Request, name, token string, resolve resolver) (*access.Caller, error) {
	c, err := resolve(r.Context(), name, token)
	if err != nil {
		return nil, err
	}
	one := *c
	one.Request = web.RequestID(r.Context())
	if err := p.Sessions.At(r.Context(), &one, web.Client(r)); err != nil {
		return nil, err
	}
	return &one, nil
}

// plainPage is a page outside the layout.
func (p *Pages) plainPage(w http.ResponseWriter, r *http.Request, title string, data any) ui.Page {
	web.NoStore(w)
	out := p.shell.Plain(r, title, data)
	out.Flash = web.TakeFlash(w, r)
	if e, ok := data.(*entrance); ok && e.brand.Name != "" {
		out.Brand = e.brand
	}
	if p.shell.Demo {
		out.Notice = &ui.Notice{Tone: "info", Text: "This is a demo. Do not put real passwords into it."}
	}
	return out
}

// entrance is the form of a page outside the shell.
type entrance struct {
	Title, Text, Action, Submit, To string
	Fields                          []ui.Field
	Hidden                          []ui.Hidden
	GoesOn                          bool       // sends itself where there is script
	Onward                          *ui.Action // in place of the form, opened by itself where there is script
	Errors                          *ui.Errors
	Ways                            []way.Button
	Back                            *ui.Action
	Links                           []ui.Action
	Key                             *shell.Key // signs in with a passkey alone; nil where that cannot be
	News                            []desk.News
	brand                           ui.Brand // of the tenant, where it shows it to strangers
}

// front puts on the page what a tenant shows to strangers.
func (e *entrance) front(p *Pages, r *http.Request, tenant string) {
	f := (&desk.Portal{Gate: p.shell.Gate, Records: p.shell.Records}).Front(r.Context(), tenant)
	if e.News = f.News; !f.Brand.Outside {
		return
	}
	at := "/sign-in/brand/" + url.PathEscape(tenant)
	e.Text, e.brand = f.Brand.Welcome, ui.Brand{Name: f.Title, Href: "/sign-in", Logo: at + "/logo", Style: at + "/style.css"}
	if len(f.Brand.Logo) == 0 {
		e.brand.Logo = ""
	}
	if f.Brand.Colour == "" {
		e.brand.Style = ""
	}
}

func (p *Pages) signInPage(w http.ResponseWriter, r *http.Request) error {
	if p.isFirstRun(r.Context()) {
		return web.SeeOther(w, r, "/first-run")
	}
	if _, err := p.Caller(r); err == nil {
		return web.SeeOther(w, r, web.LocalPath(r.URL.Query().Get("to"), "/"))
	}
	name := web.Cookie(r, shell.TenantCookie)
	if only, err := p.House.Only(r.Context()); err == nil && only != "" { // nobody has to know a name where there is no choice
		name = only
	}
	if asked := r.URL.Query().Get("company"); asked != "" && p.TenantOf(r) == "" {
		name = asked
	}
	e := p.signInForm(r, name, "", r.URL.Query().Get("to"))
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Sign in", e))
}

func (p *Pages) signInForm(r *http.Request, tenant, email, to string) *entrance {
	e := &entrance{Title: "Sign in", Text: "Documentation, passwords and files of the organizations you work for.", Action: "/sign-in", Submit: "Sign in", To: web.LocalPath(to, "")}
	if p.TenantOf(r) == "" {
		e.Fields = append(e.Fields, ui.Field{Name: "tenant", Label: "Company", Type: "text", Value: tenant, Required: true, Complete: "organization",
			Hint: "The short name of your company here, such as northbeam.", Focus: tenant == ""})
	}
	p.offerWays(r, e, tenant)
	if host := p.TenantOf(r); host != "" {
		e.front(p, r, host)
	} else {
		e.front(p, r, tenant)
	}
	e.Key = keyForm(r, "/sign-in/passkey", "Sign in with a passkey", to)
	known := tenant != "" || p.TenantOf(r) != ""
	e.Fields = append(e.Fields,
		ui.Field{Name: "email", Label: "E-mail address", Type: "email", Value: email, Required: true, Complete: "username", Focus: known && email == ""},
		ui.Field{Name: "password", Label: "Password", Type: "password", Required: true, Complete: "current-password", Focus: known && email != ""})
	if p.Letters.Work() {
		e.Links = []ui.Action{{Label: "Forgot your password?", Href: identity.ForgottenPage, Quiet: true}}
	}
	return e
}

func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	a := identity.Attempt{Tenant: p.TenantOf(r), Email: f.Text("email"), Password: f.Raw("password"), Device: web.Cookie(r, shell.DeviceCookie),
		Addr: web.Client(r), Agent: r.UserAgent(), Request: web.RequestID(r.Context())}
	if a.Tenant == "" {
		a.Tenant = f.Text("tenant")
	}
	signed, err := p.Sessions.SignIn(r.Context(), a)
	if k := fault.Of(err); err != nil && (k == fault.Unauthorized || k == fault.Throttled || k == fault.Invalid || k == fault.Denied) {
		e := p.signInForm(r, a.Tenant, a.Email, f.Text("to"))
		said := fault.Say(err)
		e.Errors = &ui.Errors{Text: said.Text, Hint: said.Hint}
		web.RetryAfter(w, err)
		return p.shell.RenderPlain(w, r, web.Status(err), "entrance", p.plainPage(w, r, "Sign in", e))
	}
	if err != nil {
		return err
	}
	return p.welcome(w, r, signed, f.Text("to"))
}

// welcome lets somebody in who has signed in, or asks for the second factor.
func (p *Pages) welcome(w http.ResponseWriter, r *http.Request, signed *identity.Signed, back string) error {
	if !signed.Half {
		return p.goOn(w, r, signed, back)
	}
	web.SetCookie(w, r, halfCookie, signed.Token, max(time.Minute, signed.Expires.Sub(p.shell.Now())))
	web.SetCookie(w, r, shell.TenantCookie, signed.Caller.Tenant, tenantAge)
	return web.SeeOther(w, r, "/sign-in/second?to="+url.QueryEscape(web.LocalPath(back, "/")))
}

// goOn leads somebody who has signed in to where she wanted to be.
func (p *Pages) goOn(w http.ResponseWriter, r *http.Request, signed *identity.Signed, to string) error {
	p.enter(w, r, signed)
	to = web.LocalPath(to, "/")
	if signed.Caller.OneTime {
		to = "/account/password"
	}
	return web.SeeOther(w, r, to)
}

// enter gives the browser its session.
func (p *Pages) enter(w http.ResponseWriter, r *http.Request, signed *identity.Signed) {
	web.SetCookie(w, r, shell.SessionCookie, signed.Token, max(time.Minute, signed.Expires.Sub(p.shell.Now())))
	if signed.Device != "" {
		web.SetCookie(w, r, shell.DeviceCookie, signed.Device, deviceAge)
	}
	web.SetCookie(w, r, shell.TenantCookie, signed.Caller.Tenant, tenantAge)
}

func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) error {
	c, err := p.self(r)
	var leaving *way.Leaving
	if err == nil && p.Ways != nil && c.Via != support.Via {
		leaving, err = p.Ways.Leaving(r.Context(), c)
	}
	if err == nil && c.Via != support.Via {
		err = p.Sessions.SignOut(r.Context(), c)
	}
	if err != nil && !fault.Is(err, fault.Unauthorized) {
		return err
	}
	web.SetCookie(w, r, shell.SessionCookie, "", -1)
	w.Header().Set("Clear-Site-Data", `"cache"`) // drafts are dropped by the page that follows; the lock of a vault is its own
	if leaving != nil {
		web.SetCookie(w, r, farewellCookie, leaving.Cookie, farewellAge)
		return web.SeeOther(w, r, way.Path(c.Tenant, leaving.Way)+"/leave")
	}
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "You are signed out."})
	return web.SeeOther(w, r, "/sign-in")
}
