package security

import (
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

const keyPage = mfa.Own + "/passkey"

// site is where the browser of a request is.
func (v *visit) site() (mfa.Site, error) { return mfa.SiteOf(v.R.Host, web.Secure(v.R)) }

type keyView struct {
	Head   ui.Head
	Notice *ui.Notice
	Key    *shell.Key
	Cancel ui.Action
}

func (v *visit) key() error {
	if ok, err := v.fresh(); !ok {
		return err
	}
	return v.keyPage("", nil)
}

func (v *visit) keyPage(name string, refused error) error {
	view := &keyView{
		Head:   ui.Head{Title: "Set up a passkey", Icon: "fingerprint", Sub: []ui.Cell{{Text: "On this device, on your telephone, or on a security key that you plug in"}}},
		Key:    &shell.Key{Action: keyPage, Question: keyPage + "/question", Label: "Set up", Make: true, Name: name},
		Cancel: ui.Action{Label: "Back", Href: mfa.Own, Quiet: true},
	}
	if _, err := v.site(); err != nil {
		say := fault.Say(err)
		view.Key, view.Notice = nil, &ui.Notice{Tone: "warn", Text: say.Text + " " + say.Hint}
	}
	if refused != nil && view.Key != nil {
		say := fault.Say(refused)
		view.Key.Error = say.Text + " " + say.Hint
		if word := say.Fields["name"]; word != "" {
			view.Key.Error = word
		}
	}
	p, err := v.Page(view.Head.Title, ui.Crumb{Label: "Your account", Href: "/account"}, ui.Crumb{Label: "Second factors", Href: mfa.Own}, ui.Crumb{Label: "Passkey"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "passkey", p)
}

// askNew gives the browser what a new key is made for.
func (v *visit) askNew() error {
	site, err := v.site()
	if err != nil {
		return err
	}
	return v.ask(func(tx *gate.Tx) (*mfa.Question, error) {
		has, err := mfa.Has(tx, v.Caller.User)
		if err != nil {
			return nil, err
		}
		if err := mfa.Fresh(tx, has); err != nil {
			return nil, err
		}
		return mfa.AskNew(tx, site)
	})
}

// askAgain gives the browser what it asks the caller's keys to confirm that it is she.
func (v *visit) askAgain() error {
	site, err := v.site()
	if err != nil {
		return err
	}
	return v.ask(func(tx *gate.Tx) (*mfa.Question, error) { return mfa.AskSecond(tx, v.Caller.User, site) })
}

func (v *visit) ask(f func(*gate.Tx) (*mfa.Question, error)) error {
	var q *mfa.Question
	if err := v.View(func(tx *gate.Tx) (err error) { q, err = f(tx); return err }); err != nil {
		return err
	}
	return web.JSON(v.W, http.StatusOK, q)
}

// answered reads what the browser answered; the question is used up by it.
func (v *visit) answered(u mfa.Use) (*web.Form, *mfa.Answer, error) {
	form, err := v.Form()
	if err != nil {
		return nil, nil, err
	}
	site, err := v.site()
	if err != nil {
		return form, nil, err
	}
	a, err := mfa.Take(v.R.Context(), v.Gate, v.Caller, u, site, form.Raw("state"), form.Raw("answer"))
	return form, a, err
}

func (v *visit) addKey() error {
	form, a, err := v.answered(mfa.Enrol)
	if form == nil {
		return err
	}
	var codes []string
	if err == nil {
		err = v.raise(func(tx *gate.Tx, _ id.ID) (_ string, err error) {
			codes, err = mfa.AddKey(tx, a, form.Text("name"))
			return "a passkey or security key", err
		})
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) || fault.Is(err, fault.Conflict) {
		web.RetryAfter(v.W, err)
		return v.keyPage(form.Text("name"), err)
	}
	if err != nil {
		return err
	}
	if len(codes) > 0 {
		return v.showCodes(codes, "Your passkey is set up")
	}
	return v.Done(mfa.Own, "The passkey is set up.")
}

// confirmedByKey takes a key as the confirmation that it is she.
func (v *visit) confirmedByKey() error {
	form, a, err := v.answered(mfa.Second)
	if form == nil {
		return err
	}
	if err == nil {
		err = v.raise(func(tx *gate.Tx, user id.ID) (string, error) { return mfa.CheckKey(tx, user, a) })
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
