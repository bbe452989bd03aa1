package entrance

import (
	"net/http"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/support"
	"strongroom/internal/surface/webui/shell"
)

// supporter gives the caller of a cookie that holds a code of support access; nil for
// any other cookie.
func (p *Pages) supporter(r *http.Request, code string) (*access.Caller, error) {
	name := support.TenantOf(code)
	if p.Support == nil || name == "" {
		return nil, nil
	}
	if host := p.TenantOf(r); host != "" && host != name {
		return nil, fault.New(fault.Unauthorized, "Sign in first.")
	}
	return p.Support.Caller(r.Context(), code, r.Method+" "+r.URL.Path, web.Client(r), web.RequestID(r.Context()))
}

func supportForm() *entrance {
	return &entrance{Title: "Support access", Text: "For the operator's people, once an administrator of the company has approved. Each page that is opened is recorded there.", Action: "/support", Submit: "Go in",
		Fields: []ui.Field{{Name: "code", Label: "Code", Type: "password", Required: true, Focus: true, Complete: "off", Hint: "As strongroom support ask showed it."}}}
}

func (p *Pages) supportPage(w http.ResponseWriter, r *http.Request) error {
	return p.shell.RenderPlain(w, r, http.StatusOK, "entrance", p.plainPage(w, r, "Support access", supportForm()))
}

// support lets somebody in by the code that was given out when access was asked for.
func (p *Pages) support(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	code := f.Text("code")
	c, err := p.supporter(r, code)
	if c == nil && err == nil {
		err = fault.New(fault.Unauthorized, "This is no code of support access.").WithHint("Copy all of it, with the company's name in front.")
	}
	if fault.Is(err, fault.Unauthorized) {
		return p.refuseEntrance(w, r, supportForm(), err)
	}
	if err != nil {
		return err
	}
	web.SetCookie(w, r, shell.SessionCookie, code, support.MostHours*time.Hour)
	return web.SeeOther(w, r, "/")
}
