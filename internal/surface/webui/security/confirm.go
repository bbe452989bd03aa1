package security

import (
	"net/url"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

const confirmPage = mfa.Own + "/confirm"

// fresh leads who did not lately say who she is to the page that asks; false when
// that was answered.
func (v *visit) fresh() (bool, error) {
	err := v.View(func(tx *gate.Tx) error {
		has, err := mfa.Has(tx, v.Caller.User)
		if err != nil {
			return err
		}
		return mfa.Fresh(tx, has)
	})
	if e := fault.Say(err); err != nil && fault.Is(err, fault.Denied) && e.Way == confirmPage {
		return false, web.SeeOther(v.W, v.R, confirmPage+"?to="+url.QueryEscape(v.R.URL.RequestURI()))
	}
	return err == nil, err
}

func (v *visit) confirm() error { return v.confirmPage(v.R.URL.Query().Get("to"), nil) }

type confirmView struct {
	Head ui.Head
	Key  *shell.Key
	Form ui.Form
}

// confirmPage asks for a second factor or, of who has none, for the password.
func (v *visit) confirmPage(to string, refused error) error {
	site, unnamed := v.site()
	var has, key bool
	err := v.View(func(tx *gate.Tx) (err error) {
		if has, err = mfa.Has(tx, v.Caller.User); err != nil || unnamed != nil {
			return err
		}
		key, err = mfa.HasKey(tx, v.Caller.User, site)
		return err
	})
	if err != nil {
		return err
	}
	f := ui.Form{Action: confirmPage, Submit: "Confirm", Cancel: web.LocalPath(to, "/"), Hidden: []ui.Hidden{{Name: "to", Value: web.LocalPath(to, "/")}}, Fields: []ui.Field{
		{Name: "code", Label: "Code", Type: "text", Required: true, Focus: true, Complete: "one-time-code", Most: 40, Wide: true, Hint: "Of your authenticator app, or one of your recovery codes."},
	}, Note: "You are led back to where you were."}
	if !has {
		f.Fields[0] = ui.Field{Name: "password", Label: "Your password", Type: "password", Required: true, Focus: true, Complete: "current-password", Wide: true,
			Hint: "If you sign in by another system, sign out and in again instead."}
	}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Confirm that it is you", ui.Crumb{Label: "Your account", Href: "/account"}, ui.Crumb{Label: "Confirm that it is you"})
	if err != nil {
		return err
	}
	view := &confirmView{Head: ui.Head{Title: "Confirm that it is you", Icon: "shield-lock"}, Form: f}
	if key {
		view.Key = &shell.Key{Action: confirmPage + "/passkey", Question: confirmPage + "/question", Label: "Use passkey or security key", To: web.LocalPath(to, "/")}
		view.Form.Fields[0].Focus = false
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "confirm", p)
}

func (v *visit) confirmed() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	what := "code"
	if form.Raw("code") == "" && form.Raw("password") != "" {
		what = "password"
	}
	form.Require(what)
	if err = form.Err(); err == nil && what == "code" {
		err = v.raise(func(tx *gate.Tx, user id.ID) (string, error) { return mfa.CheckCode(tx, user, form.Text("code")) })
	} else if err == nil {
		var token string
		if token, err = v.Sessions.ConfirmPassword(v.R.Context(), v.Caller, form.Raw("password")); err == nil {
			err = v.goOnAs(token)
		}
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) {
		web.RetryAfter(v.W, err)
		return v.confirmPage(form.Text("to"), err)
	}
	if err != nil {
		return err
	}
	return v.back(form.Text("to"))
}

// back leads to where somebody was who had to confirm that it is she.
func (v *visit) back(to string) error {
	to = web.LocalPath(to, "/")
	u, err := url.Parse(to)
	if err != nil || u.Path == confirmPage {
		return v.Done("/", "Thank you.")
	}
	if u.Path == mfa.Own+"/app" || u.Path == keyPage {
		return web.SeeOther(v.W, v.R, to) // she is where she was going
	}
	return v.Done(to, "Thank you. Do again what you wanted to do.")
}

// raise has the person give a second factor; her session goes on under another name.
func (v *visit) raise(check identity.Factor) error {
	token, err := v.Sessions.Confirm(v.R.Context(), v.Caller, web.Cookie(v.R, shell.DeviceCookie), check)
	if err != nil {
		return err
	}
	return v.goOnAs(token)
}

// goOnAs gives the browser the new token of its session.
func (v *visit) goOnAs(token string) error {
	var l identity.Limits
	if err := v.View(func(tx *gate.Tx) (err error) { l, err = v.Sessions.LimitsOf(tx); return err }); err != nil {
		return err
	}
	web.SetCookie(v.W, v.R, shell.SessionCookie, token, l.Absolute) // the session itself may end before
	return nil
}
