package entrance

import (
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

func (p *Pages) mountLetters(s *shell.Shell) {
	s.Public("GET "+identity.ForgottenPage, p.forgottenPage)
	s.Public("POST "+identity.ForgottenPage, p.forgotten)
	s.Public("GET "+identity.LetterPage, p.letterPage)
	s.Public("POST "+identity.LetterPage, p.letter)
}

func toSignIn() ui.Action { return ui.Action{Label: "Back to sign-in", Href: "/sign-in", Quiet: true} }

func (p *Pages) forgottenForm(r *http.Request, tenant, email string) *entrance {
	e := &entrance{Title: "Forgot your password?", Text: "Enter the address that you sign in with. A mail comes to it, with a link by which you choose a new password.",
		Action: identity.ForgottenPage, Submit: "Send me a mail", Links: []ui.Action{{Label: "I have a code", Href: identity.LetterPage, Quiet: true}, toSignIn()}}
	if !p.Letters.Work() {
		return p.noLetters("This server sends no mail, so it cannot help.", identity.Resets{})
	}
	if p.TenantOf(r) == "" {
		e.Fields = append(e.Fields, ui.Field{Name: "tenant", Label: "Company", Type: "text", Value: tenant, Required: true, Complete: "organization", Focus: tenant == "",
			Hint: "The short name of your company here, such as northbeam."})
	}
	e.Fields = append(e.Fields, ui.Field{Name: "email", Label: "E-mail address", Type: "email", Value: email, Required: true, Complete: "username", Focus: len(e.Fields) == 0 || tenant != ""})
	return e
}

// noLetters says whom to ask where no mail is sent. Who has a code has it from an invitation.
func (p *Pages) noLetters(why string, off identity.Resets) *entrance {
	e := &entrance{Title: "Forgot your password?", Text: why + " " + off.Says(), Links: []ui.Action{toSignIn()}}
	if off.Off {
		e.Links = append([]ui.Action{{Label: "I have a code", Href: identity.LetterPage, Quiet: true}}, e.Links...)
	}
	return e
}

// asking is the form for a tenant, or what is said where that wants no mail sent.
func (p *Pages) asking(r *http.Request, tenant, email string) (*entrance, error) {
	off, err := p.Letters.Resets(r.Context(), p.attemptAt(r, tenant))
	if err != nil {
		return nil, err
	}
	if off.Off && p.Letters.Work() {
		return p.noLetters("Your company sets no forgotten passwords anew by mail.", off), nil
	}
	return p.forgottenForm(r, tenant, email), nil
}

func (p *Pages) forgottenPage(w http.ResponseWriter, r *http.Request) error {
	name := web.Cookie(r, shell.TenantCookie)
	if only, err := p.House.Only(r.Context()); err == nil && only != "" {
		name = only
	}
	if host := p.TenantOf(r); host != "" {
		name = host
	}
	e, err := p.asking(r, name, "")
	if err != nil {
		return err
	}
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, e.Title, e))
}

// forgotten has a mail sent, if somebody has the address. The answer is the same if nobody
// has.
func (p *Pages) forgotten(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	a := p.attemptAt(r, p.tenantIn(r, f))
	a.Email = f.Text("email")
	f.Require("email")
	if err = f.Err(); err == nil {
		err = p.Letters.Ask(r.Context(), a)
	}
	switch fault.Of(err) {
	case fault.Invalid, fault.Throttled, fault.Conflict:
		if err != nil {
			web.RetryAfter(w, err)
			e, failed := p.asking(r, a.Tenant, a.Email)
			if failed != nil {
				return failed
			}
			if fault.Is(err, fault.Conflict) { // the page says it
				return p.shell.RenderPlain(w, r, web.Status(err), "entrance", p.plainPage(w, r, e.Title, e))
			}
			return p.refuseEntrance(w, r, e, err)
		}
	}
	if err != nil {
		return err
	}
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "If somebody signs in with this address, a mail is on its way to it. What stands in it is good for an hour."})
	return web.SeeOther(w, r, identity.LetterPage)
}

func letterForm(code string) *entrance {
	return &entrance{Title: "Choose a password", Text: "Open the link of the mail, or enter the code that stands in it.", Action: identity.LetterPage, Submit: "Set the password",
		Links: []ui.Action{{Label: "Send me another mail", Href: identity.ForgottenPage, Quiet: true}, toSignIn()}, Fields: []ui.Field{
			{Name: "code", Label: "Code", Type: "text", Value: code, Required: true, Focus: code == "", Complete: "off", Most: 300},
			{Name: "password", Label: "New password", Type: "password", Required: true, Complete: "new-password", Focus: code != "", Hint: "12 characters or more. A few words in a row are good."},
		}}
}

func (p *Pages) letterPage(w http.ResponseWriter, r *http.Request) error {
	e := letterForm("")
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, e.Title, e))
}

// letter sets a password by a code.
func (p *Pages) letter(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	code, password := f.Text("code"), f.Raw("password")
	f.Require("code")
	if password == "" {
		f.Wrong("password", "This is needed.")
	}
	if err = f.Err(); err == nil {
		a := p.attemptAt(r, p.TenantOf(r))
		err = p.Letters.Set(r.Context(), a, code, password)
	}
	switch fault.Of(err) {
	case fault.Invalid, fault.Throttled, fault.Denied:
		if err != nil {
			web.RetryAfter(w, err)
			return p.refuseEntrance(w, r, letterForm(code), err)
		}
	}
	if err != nil {
		return err
	}
	web.SetCookie(w, r, shell.TenantCookie, identity.TenantOf(code), tenantAge)
	web.SetFlash(w, r, web.Flash{Tone: "ok", Text: "Your password is set. Sign in with it."})
	return web.SeeOther(w, r, "/sign-in")
}
