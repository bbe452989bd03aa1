package entrance

import (
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

// halfCookie holds half a session: it opens the pages of this file and no other.
const halfCookie = "second"

// half gives who gave the first factor; nil when nobody did, or too long ago.
func (p *Pages) half(r *http.Request) (*identity.Half, error) {
	h, err := p.Sessions.Half(r.Context(), p.TenantOf(r), web.Cookie(r, halfCookie))
	if fault.Is(err, fault.Unauthorized) {
		return nil, nil
	}
	return h, err
}

// secondForm asks for a second factor: by a key where she has one for this site.
func (p *Pages) secondForm(r *http.Request, h *identity.Half, to string) (*entrance, error) {
	e := &entrance{Title: "Your second factor", Text: "Enter the code that your authenticator app shows, or one of your recovery codes.", Action: "/sign-in/second", Submit: "Sign in", To: web.LocalPath(to, ""),
		Fields: []ui.Field{{Name: "code", Label: "Code", Type: "text", Required: true, Complete: "one-time-code", Most: 40}}}
	site, err := mfa.SiteOf(r.Host, web.Secure(r))
	if err == nil {
		has := false
		err := p.Sessions.Gate.View(r.Context(), h.Caller, func(tx *gate.Tx) (err error) { has, err = mfa.HasKey(tx, h.Caller.User, site); return err })
		if err != nil {
			return nil, err
		}
		if has {
			e.Text = "Use your passkey or security key, or enter a code: of your authenticator app, or one of your recovery codes."
			e.Key = keyForm(r, "/sign-in/second/passkey", "Use passkey or security key", to)
		}
	}
	e.Fields[0].Focus = e.Key == nil
	return e, nil
}

func (p *Pages) secondPage(w http.ResponseWriter, r *http.Request) error {
	h, err := p.half(r)
	if err != nil {
		return err
	}
	if h == nil {
		return web.SeeOther(w, r, "/sign-in")
	}
	e, err := p.secondForm(r, h, r.URL.Query().Get("to"))
	if err != nil {
		return err
	}
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Your second factor", e))
}

func (p *Pages) tooLate(w http.ResponseWriter, r *http.Request) error {
	web.SetFlash(w, r, web.Flash{Text: "That took too long. Sign in again."})
	return web.SeeOther(w, r, "/sign-in")
}

func (p *Pages) second(w http.ResponseWriter, r *http.Request) error {
	h, err := p.half(r)
	if err != nil {
		return err
	}
	if h == nil {
		return p.tooLate(w, r)
	}
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	f.Require("code")
	if err := f.Err(); err != nil {
		return p.refuseSecond(w, r, h, f.Text("to"), err)
	}
	return p.complete(w, r, h, f.Text("to"), func(tx *gate.Tx, user id.ID) (string, error) { return mfa.CheckCode(tx, user, f.Text("code")) })
}

// complete lets somebody in whose second factor check takes.
func (p *Pages) complete(w http.ResponseWriter, r *http.Request, h *identity.Half, to string, check identity.Factor) error {
	signed, err := p.Sessions.Complete(r.Context(), p.attempt(r), web.Cookie(r, halfCookie), check)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) {
		return p.refuseSecond(w, r, h, to, err)
	}
	if err != nil {
		return err
	}
	web.SetCookie(w, r, halfCookie, "", -1)
	return p.goOn(w, r, signed, to)
}

// refuseSecond asks for the second factor again.
func (p *Pages) refuseSecond(w http.ResponseWriter, r *http.Request, h *identity.Half, to string, refused error) error {
	e, err := p.secondForm(r, h, to)
	if err != nil {
		return err
	}
	web.RetryAfter(w, refused)
	return p.refuseEntrance(w, r, e, refused)
}

// attempt is what a request tells of who tries to sign in.
func (p *Pages) attempt(r *http.Request) identity.Attempt {
	return identity.Attempt{Tenant: p.TenantOf(r), Device: web.Cookie(r, shell.DeviceCookie), Addr: web.Client(r), Agent: r.UserAgent(), Request: web.RequestID(r.Context())}
}
