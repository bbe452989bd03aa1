package entrance

import (
	"context"
	"encoding/json"
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

func (p *Pages) mountPasskeys(s *shell.Shell) {
	s.Public("POST /sign-in/passkey/question", p.askAlone)
	s.Public("POST /sign-in/passkey", p.signInAlone)
	s.Public("POST /sign-in/second/question", p.askSecond)
	s.Public("POST /sign-in/second/passkey", p.secondKey)
}

// keyForm is the form that asks the browser for a passkey.
func keyForm(r *http.Request, at, label, to string) *shell.Key {
	k := &shell.Key{Action: at, Question: at + "/question", Label: label, To: web.LocalPath(to, "")}
	if at == "/sign-in/second/passkey" {
		k.Question = "/sign-in/second/question"
	}
	if _, err := mfa.SiteOf(r.Host, web.Secure(r)); err != nil {
		return nil // browsers have none for this address
	}
	return k
}

// tenantIn gives the tenant that the host names, or else the form.
func (p *Pages) tenantIn(r *http.Request, f *web.Form) string {
	if name := p.TenantOf(r); name != "" {
		return name
	}
	return f.Text("tenant")
}

// askAlone gives the browser what it asks its passkeys.
func (p *Pages) askAlone(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	site, err := mfa.SiteOf(r.Host, web.Secure(r))
	if err != nil {
		return err
	}
	q, err := mfa.AskAlone(r.Context(), p.Sessions.Gate, p.tenantIn(r, f), site)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, q)
}

// alone is the method of signing in with a passkey and nothing else.
type alone struct {
	gate          *gate.Gate
	site          mfa.Site
	state, answer string
}

// Check is method.Password's, of an answer instead of a password.
func (a *alone) Check(ctx context.Context, t method.Try) (method.Claim, error) {
	user, err := mfa.Identify(ctx, a.gate, t.Tenant, a.site, a.state, a.answer)
	if fault.Is(err, fault.NotFound) {
		err = fault.Wrap(err, fault.Unauthorized, "There is no such company.")
	}
	return method.Claim{Method: "a passkey", User: user, Level: 2}, err
}

// nameOf is what tries with one passkey are counted under.
func nameOf(answer string) string {
	var a struct {
		ID string `json:"id"`
	}
	if json.Unmarshal([]byte(answer), &a) != nil || len(a.ID) > 1400 { // section 4: at most 1023 bytes
		return "passkey"
	}
	return "passkey " + a.ID
}

// signInAlone signs in with a passkey, which verifies its owner itself.
func (p *Pages) signInAlone(w http.ResponseWriter, r *http.Request) error {
	f, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	site, err := mfa.SiteOf(r.Host, web.Secure(r))
	if err != nil {
		return err
	}
	answer := f.Raw("answer")
	a := p.attemptAt(r, p.tenantIn(r, f))
	a.Email, a.Proof, a.With = nameOf(answer), "passkey", &alone{p.Sessions.Gate, site, f.Raw("state"), answer}
	signed, err := p.Sessions.SignIn(r.Context(), a)
	if err == nil {
		return p.welcome(w, r, signed, f.Text("to"))
	}
	switch fault.Of(err) {
	case fault.Unauthorized:
		err = fault.New(fault.Unauthorized, "This passkey opens nothing here: it was removed, or is of another company.").WithHint("Sign in with your password.")
	case fault.Denied, fault.Invalid, fault.Throttled:
	default:
		return err
	}
	e := p.signInForm(r, a.Tenant, "", f.Text("to"))
	said := fault.Say(err)
	e.Errors = &ui.Errors{Text: said.Text, Hint: said.Hint}
	web.RetryAfter(w, err)
	return p.shell.RenderPlain(w, r, web.Status(err), "entrance", p.plainPage(w, r, "Sign in", e))
}

// askSecond gives the browser of who gave the first factor what it asks her keys.
func (p *Pages) askSecond(w http.ResponseWriter, r *http.Request) error {
	h, err := p.half(r)
	if err != nil {
		return err
	}
	if h == nil {
		return fault.New(fault.Unauthorized, "That took too long.").WithHint("Sign in again.")
	}
	site, err := mfa.SiteOf(r.Host, web.Secure(r))
	if err != nil {
		return err
	}
	var q *mfa.Question
	err = p.Sessions.Gate.View(r.Context(), h.Caller, func(tx *gate.Tx) (err error) { q, err = mfa.AskSecond(tx, h.Caller.User, site); return err })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, q)
}

// secondKey completes a sign-in with a key.
func (p *Pages) secondKey(w http.ResponseWriter, r *http.Request) error {
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
	site, err := mfa.SiteOf(r.Host, web.Secure(r))
	if err != nil {
		return err
	}
	answer, err := mfa.Take(r.Context(), p.Sessions.Gate, h.Caller, mfa.Second, site, f.Raw("state"), f.Raw("answer"))
	if err != nil {
		return p.refuseSecond(w, r, h, f.Text("to"), err)
	}
	return p.complete(w, r, h, f.Text("to"), func(tx *gate.Tx, user id.ID) (string, error) { return mfa.CheckKey(tx, user, answer) })
}
