package entrance

import (
	"context"
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

// isFirstRun tells whether there is no tenant yet. Once there was one, made here
// or from the command line, it never is again.
func (p *Pages) isFirstRun(ctx context.Context) bool {
	if p.FirstRun == nil || p.begun.Load() {
		return false
	}
	n, err := p.House.Count(ctx)
	if err != nil || n > 0 {
		p.begun.Store(n > 0)
		return false
	}
	return true
}

func (p *Pages) firstRunForm(f *web.Form) *entrance {
	e := &entrance{Title: "Welcome to " + shell.Product, Action: "/first-run", Submit: "Set up " + shell.Product,
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

func (p *Pages) firstRunPage(w http.ResponseWriter, r *http.Request) error {
	if !p.isFirstRun(r.Context()) {
		return web.SeeOther(w, r, "/sign-in")
	}
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Set up", p.firstRunForm(nil)))
}

func (p *Pages) firstRun(w http.ResponseWriter, r *http.Request) error {
	if !p.isFirstRun(r.Context()) {
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
	if err = p.FirstRun.Check(f.Text("code")); err != nil {
		f.Wrong("code", "%s", fault.Say(err).Text)
	}
	if err = f.Err(); err == nil {
		err = p.Begin(r.Context(), f.Text("name"), f.Text("title"), admin)
	}
	if k := fault.Of(err); err != nil && (k == fault.Invalid || k == fault.Conflict) {
		return p.refuseEntrance(w, r, p.firstRunForm(f), err)
	}
	if err != nil {
		return err
	}
	p.begun.Store(true)
	p.FirstRun.Close()
	signed, err := p.Sessions.SignIn(r.Context(), identity.Attempt{Tenant: f.Text("name"), Email: admin.Email, Password: admin.Password,
		Addr: web.Client(r), Agent: r.UserAgent(), Request: web.RequestID(r.Context())})
	if err != nil {
		return err
	}
	p.enter(w, r, signed)
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: f.Text("title") + " is set up. Bring in what you have, or start empty."})
	return web.SeeOther(w, r, "/imports")
}

// refuseEntrance answers with the form and the sentences beside its fields.
func (p *Pages) refuseEntrance(w http.ResponseWriter, r *http.Request, e *entrance, err error) error {
	said := fault.Say(err)
	form := ui.Form{Fields: e.Fields}
	form.Wrong(said.Text, said.Hint, said.Fields)
	e.Fields, e.Errors = form.Fields, form.Errors
	return p.shell.RenderPlain(w, r, web.Status(err), "entrance", p.plainPage(w, r, e.Title, e))
}
