package entrance

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/surface/webui/shell"
)

// tripCookie is what a browser keeps while its person is at another system.
const tripCookie = "trip"

const (
	tripAge  = 15 * time.Minute
	mostForm = 512 << 10 // bytes of what another system has a browser post
)

func (p *Pages) mountWays(s *shell.Shell) {
	s.Public("GET /ways/{tenant}/{way}", p.leave)
	s.Public("POST /ways/{tenant}/{way}", p.passWay)
	s.Public("GET /ways/{tenant}/{way}/return", p.comeBack)
	s.Public("POST /ways/{tenant}/{way}/return", p.posted, web.AnyOrigin(), web.MaxBody(mostForm))
	s.Public("GET /ways/{tenant}/{way}/metadata", p.document)
	s.Public("GET /ways/{tenant}/{way}/leave", p.farewell)
	s.Public("GET /ways/{tenant}/{way}/logout", p.told)
	s.Public("POST /ways/{tenant}/{way}/logout", p.told, web.AnyOrigin(), web.MaxBody(mostForm))
	s.Public("POST /ways/{tenant}/{way}/ended", p.ended, web.AnyOrigin(), web.MaxBody(mostForm))
}

// offerWays puts a tenant's ways on the sign-in page.
func (p *Pages) offerWays(r *http.Request, e *entrance, tenant string) {
	if host := p.TenantOf(r); host != "" {
		tenant = host
	}
	if p.Ways == nil || tenant == "" {
		return
	}
	list, err := p.Ways.Buttons(r.Context(), tenant)
	if err != nil {
		return // the page of the passwords is shown all the same
	}
	for i := range list {
		if e.To != "" {
			list[i].Href += "?to=" + url.QueryEscape(e.To)
		}
	}
	e.Ways = list
}

// which reads what way a request is about. NotFound when the host is another
// tenant's.
func (p *Pages) which(r *http.Request) (string, id.ID, error) {
	tenant := r.PathValue("tenant")
	wid, ok := id.Parse(r.PathValue("way"))
	if host := p.TenantOf(r); !ok || host != "" && host != tenant {
		return "", 0, gate.Missing()
	}
	return tenant, wid, nil
}

// leave sends the browser to another system, or asks for the password of one.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	x, m, err := p.Ways.Open(r.Context(), tenant, wid)
	if err != nil {
		return err
	}
	back := web.LocalPath(r.URL.Query().Get("to"), "")
	if _, ok := m.(method.Password); ok {
		return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Sign in", passForm(tenant, x, "", back)))
	}
	if r.URL.Query().Get("connect") == "" {
		return p.depart(w, r, tenant, wid, back, 0)
	}
	c, err := p.Caller(r)
	if err != nil || c.Tenant != tenant {
		return gate.Missing()
	}
	if err := p.Ways.Asked(r.Context(), c, wid, r.URL.Query().Get("connect")); err != nil {
		return err
	}
	return p.depart(w, r, tenant, wid, "/account/ways", c.User)
}

func (p *Pages) depart(w http.ResponseWriter, r *http.Request, tenant string, wid id.ID, back string, user id.ID) error {
	to, cookie, err := p.Ways.Begin(r.Context(), tenant, wid, back, user)
	if fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil {
		return p.turnedAway(w, r, tenant, err)
	}
	web.NoStore(w)
	web.SetCookie(w, r, tripCookie, cookie, tripAge)
	return p.send(w, r, to)
}

// send sends the browser to another system: to an address, or by a page that posts
// itself there.
func (p *Pages) send(w http.ResponseWriter, r *http.Request, to method.Away) error {
	if to.Form == nil {
		http.Redirect(w, r, to.To, http.StatusSeeOther) // #nosec G710 -- the address comes from the settings of who manages the tenant
		return nil
	}
	u, err := url.Parse(to.To)
	if err != nil {
		return err
	}
	e := &entrance{Title: "On your way", Text: "You are sent to " + u.Host + ".", Action: to.To, Submit: "Go on", GoesOn: true}
	for _, name := range slices.Sorted(maps.Keys(to.Form)) {
		for _, value := range to.Form[name] {
			e.Hidden = append(e.Hidden, ui.Hidden{Name: name, Value: value})
		}
	}
	web.PostsTo(w, to.To)
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Sign in", e))
}

// comeBack takes somebody back from another system, which sent a query along.
func (p *Pages) comeBack(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	return p.takeBack(w, r, tenant, wid, r.URL.Query())
}

// posted takes somebody back from another system, which had the browser post a form.
// A browser sends no cookie of ours along from there: the form is posted once more,
// by a page of ours.
func (p *Pages) posted(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	x, _, err := p.Ways.Open(r.Context(), tenant, wid)
	if err != nil {
		return err
	}
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	if web.Cookie(r, tripCookie) == "" && f.Text("again") == "" {
		e := &entrance{Title: x.Name, Text: "You are on your way back.", Action: way.Path(tenant, x.ID) + "/return", Submit: "Go on", GoesOn: true, Hidden: []ui.Hidden{{Name: "again", Value: "1"}}}
		for _, name := range []string{"SAMLResponse", "RelayState"} {
			for _, value := range f.All(name) {
				e.Hidden = append(e.Hidden, ui.Hidden{Name: name, Value: value})
			}
		}
		return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Sign in", e))
	}
	return p.takeBack(w, r, tenant, wid, url.Values{"SAMLResponse": f.All("SAMLResponse"), "RelayState": f.All("RelayState")})
}

func (p *Pages) takeBack(w http.ResponseWriter, r *http.Request, tenant string, wid id.ID, said url.Values) error {
	kept := web.Cookie(r, tripCookie)
	if kept != "" {
		web.SetCookie(w, r, tripCookie, "", -1)
	}
	user := id.ID(0)
	if c, err := p.Caller(r); err == nil && c.Tenant == tenant {
		user = c.User
	}
	a, err := p.Ways.Return(r.Context(), tenant, wid, kept, said, user)
	if fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil {
		return p.turnedAway(w, r, tenant, err)
	}
	return p.admit(w, r, tenant, a)
}

// document shows what a way says of itself to its other side.
func (p *Pages) document(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	_, m, err := p.Ways.Open(r.Context(), tenant, wid)
	if err != nil {
		return err
	}
	d, ok := m.(method.Published)
	if !ok {
		return gate.Missing()
	}
	kind, body, err := d.Document(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	_, err = w.Write(body) // #nosec G705 -- XML that the way has made of the settings, sent as such
	return err
}

// admit lets somebody in whom another system has named.
func (p *Pages) admit(w http.ResponseWriter, r *http.Request, tenant string, a *way.Arrival) error {
	if a.Connected {
		web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "It is connected: you can sign in that way from now on."})
		return web.SeeOther(w, r, web.LocalPath(a.To, "/"))
	}
	signed, err := p.Sessions.Enter(r.Context(), p.attemptAt(r, tenant), a.Claim)
	if err != nil {
		return p.turnedAway(w, r, tenant, err)
	}
	return p.welcome(w, r, signed, a.To)
}

// attemptAt is attempt at a tenant that the address names.
func (p *Pages) attemptAt(r *http.Request, tenant string) identity.Attempt {
	a := p.attempt(r)
	a.Tenant = tenant
	return a
}

// turnedAway shows the sign-in page with why somebody did not come in.
func (p *Pages) turnedAway(w http.ResponseWriter, r *http.Request, tenant string, err error) error {
	switch fault.Of(err) {
	case fault.Unauthorized, fault.Denied, fault.Invalid, fault.Conflict, fault.Unavailable, fault.Throttled:
	default:
		return err
	}
	e := p.signInForm(r, tenant, "", "")
	said := fault.Say(err)
	e.Errors = &ui.Errors{Text: said.Text, Hint: said.Hint}
	p.shell.Log.WarnContext(r.Context(), "a sign-in by another system failed", "tenant", tenant, "error", err)
	return p.shell.RenderPlain(w, r, web.Status(err), "entrance", p.plainPage(w, r, "Sign in", e))
}

func passForm(tenant string, x *way.Way, name, back string) *entrance {
	return &entrance{Title: x.Name, Text: "Sign in with the name and password that you have there. The password is passed on and not kept.", Action: way.Path(tenant, x.ID), Submit: "Sign in", To: back,
		Back: &ui.Action{Label: "Other ways to sign in", Href: "/sign-in", Quiet: true},
		Fields: []ui.Field{
			{Name: "name", Label: "Name", Type: "text", Value: name, Required: true, Complete: "username", Focus: name == "", Most: 200},
			{Name: "password", Label: "Password", Type: "password", Required: true, Complete: "current-password", Focus: name != ""},
		}}
}

// passWay signs in with the password of another system.
func (p *Pages) passWay(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	with, err := p.Ways.Password(r.Context(), tenant, wid)
	if err != nil {
		return err
	}
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	a := p.attemptAt(r, tenant)
	a.Email, a.Password, a.With = f.Text("name"), f.Raw("password"), with
	signed, err := p.Sessions.SignIn(r.Context(), a)
	if err == nil {
		return p.welcome(w, r, signed, f.Text("to"))
	}
	switch fault.Of(err) {
	case fault.Unauthorized, fault.Denied, fault.Invalid, fault.Throttled, fault.Unavailable:
	default:
		return err
	}
	x, _, openErr := p.Ways.Open(r.Context(), tenant, wid)
	if openErr != nil {
		return openErr
	}
	e := passForm(tenant, x, a.Email, web.LocalPath(f.Text("to"), ""))
	said := fault.Say(err)
	if fault.Is(err, fault.Unauthorized) {
		said.Text = strings.Replace(said.Text, "e-mail address", "name", 1)
	}
	e.Errors = &ui.Errors{Text: said.Text, Hint: said.Hint}
	web.RetryAfter(w, err)
	return p.shell.RenderPlain(w, r, web.Status(err), "entrance", p.plainPage(w, r, "Sign in", e))
}

// ended takes the word of another system that somebody has signed out there.
func (p *Pages) ended(w http.ResponseWriter, r *http.Request) error {
	tenant, wid, err := p.which(r)
	if err != nil {
		return err
	}
	x, m, err := p.Ways.Open(r.Context(), tenant, wid)
	if err != nil {
		return err
	}
	b, ok := m.(method.BackChannel)
	if !ok {
		return gate.Missing()
	}
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	said, err := b.Ended(r.Context(), url.Values{"logout_token": {f.Raw("logout_token")}})
	if err == nil {
		err = p.Ways.End(r.Context(), tenant, x, said)
	}
	web.NoStore(w)
	switch fault.Of(err) {
	case fault.Unauthorized, fault.Throttled, fault.Unavailable:
		if err != nil { // section 2.8 of Back-Channel Logout knows 400 for all of these
			return web.JSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": fault.Say(err).Text})
		}
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
