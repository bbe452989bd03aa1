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

func (p *Pages) secondForm(to string) *entrance {
	return &entrance{Title: "Your second factor", Text: "Enter the code that your authenticator app shows, or one of your recovery codes.", Action: "/sign-in/second", Submit: "Sign in", To: web.LocalPath(to, ""),
		Fields: []ui.Field{{Name: "code", Label: "Code", Type: "text", Required: true, Focus: true, Complete: "one-time-code", Most: 40}}}
}

func (p *Pages) secondPage(w http.ResponseWriter, r *http.Request) error {
	h, err := p.half(r)
	if err != nil {
		return err
	}
	if h == nil {
		return web.SeeOther(w, r, "/sign-in")
	}
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Your second factor", p.secondForm(r.URL.Query().Get("to"))))
}

func (p *Pages) second(w http.ResponseWriter, r *http.Request) error {
	h, err := p.half(r)
	if err != nil {
		return err
	}
	if h == nil {
		web.SetFlash(w, r, web.Flash{Text: "That took too long. Sign in again."})
		return web.SeeOther(w, r, "/sign-in")
	}
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	f.Require("code")
	if err := f.Err(); err != nil {
		return p.refuseEntrance(w, r, p.secondForm(f.Text("to")), err)
	}
	signed, err := p.Sessions.Complete(r.Context(), p.attempt(r), web.Cookie(r, halfCookie), func(tx *gate.Tx, user id.ID) (string, error) {
		return mfa.CheckCode(tx, user, f.Text("code"))
	})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) {
		web.RetryAfter(w, err)
		return p.refuseEntrance(w, r, p.secondForm(f.Text("to")), err)
	}
	if err != nil {
		return err
	}
	web.SetCookie(w, r, halfCookie, "", -1)
	return p.goOn(w, r, signed, f.Text("to"))
}

// attempt is what a request tells of who tries to sign in.
func (p *Pages) attempt(r *http.Request) identity.Attempt {
	return identity.Attempt{Tenant: p.TenantOf(r), Device: web.Cookie(r, shell.DeviceCookie), Addr: web.Client(r), Agent: r.UserAgent(), Request: web.RequestID(r.Context())}
}
