package office

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

type accountView struct {
	Head     ui.Head
	Props    []ui.Prop
	Sessions []sessionLine
	Others   bool
}

func (v *visit) account() error {
	list, err := v.Sessions.List(v.R.Context(), v.Caller, v.Caller.User)
	if err != nil {
		return err
	}
	view := &accountView{Head: ui.Head{Title: v.Caller.Name, Icon: "user-circle", Sub: []ui.Cell{{Text: "Your account"}},
		Actions: []ui.Action{{Label: "Ways to sign in", Icon: "login", Href: "/account/ways"}, {Label: "Second factors", Icon: "shield-lock", Href: "/me/security"}, {Label: "Change password", Icon: "lock-password", Href: "/account/password", Primary: true}}},
		Sessions: sessionLines(list), Others: len(list) > 1,
		Props: []ui.Prop{{Label: "E-mail address", Cells: []ui.Cell{{Text: v.Caller.Email}}}, {Label: "Role", Cells: []ui.Cell{{Text: string(v.Caller.Role), Sub: roleMeans[v.Caller.Role]}}}}}
	p, err := v.Page("Your account", ui.Crumb{Label: "Your account"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("account", p)
}

// roleMeans says what each role may do, in a sentence without its subject.
var roleMeans = map[access.Role]string{
	access.Administrator: "manages everything", access.Manager: "changes records and lists, imports, reads the audit trail", access.Editor: "changes and archives records",
	access.Creator: "makes and changes records", access.Lite: "changes documents, contacts and locations", access.ReadOnly: "looks at records", access.SelfService: "uses the portal",
}

func (v *visit) ownPassword() error { return v.passwordChange(nil) }

func (v *visit) passwordChange(refused error) error {
	f := ui.Form{Action: "/account/password", Submit: "Change password", Cancel: "/account", Fields: []ui.Field{
		{Name: "old_password", Label: "Present password", Type: "password", Required: true, Wide: true, Complete: "current-password", Focus: true},
		{Name: "password", Label: "New password", Type: "password", Required: true, Wide: true, Complete: "new-password", Hint: "At least 12 characters. Several words are easier to remember than symbols."},
		{Name: "again", Label: "New password again", Type: "password", Required: true, Wide: true, Complete: "new-password"},
	}, Note: "Your other sessions end."}
	if v.Caller.OneTime {
		f.Fields[0].Label, f.Cancel = "One-time password", ""
	}
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Change your password", ui.Crumb{Label: "Your account", Href: "/account"}, ui.Crumb{Label: "Password"})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Change your password", Icon: "lock-password"}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

// changePassword gives the person a new password; she stays signed in with the
// session's new token.
func (v *visit) changePassword() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	old, now := form.Raw("old_password"), form.Raw("password")
	if old == "" {
		form.Wrong("old_password", "Enter your present password.")
	}
	if now == "" {
		form.Wrong("password", "Enter a new password.")
	} else if form.Raw("again") != now {
		form.Wrong("again", "The two are not the same.")
	}
	if err := form.Err(); err != nil {
		return v.passwordChange(err)
	}
	token, err := v.Sessions.ChangePassword(v.R.Context(), v.Caller, old, now)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) {
		web.RetryAfter(v.W, err)
		return v.passwordChange(err)
	}
	if err != nil {
		return err
	}
	var l identity.Limits
	if err := v.View(func(tx *gate.Tx) (err error) { l, err = v.Sessions.LimitsOf(tx); return err }); err != nil {
		return err
	}
	web.SetCookie(v.W, v.R, shell.SessionCookie, token, l.Absolute) // the session itself may end before
	return v.Done("/account", "Your password is changed. Your other sessions have ended.")
}

// endSession ends one session: one's own, or for administrators anybody's.
func (v *visit) endSession() error {
	sid := v.R.PathValue("id")
	if _, ok := id.Parse(sid); !ok {
		return fault.New(fault.NotFound, "There is no such session.")
	}
	if err := v.Sessions.Revoke(v.R.Context(), v.Caller, sid); err != nil {
		return err
	}
	return v.Done(v.back("/account"), "The session has ended.")
}

// back is the page of ours that the form was on.
func (v *visit) back(instead string) string {
	ref := v.R.Header.Get("Referer")
	if _, rest, ok := strings.Cut(ref, "://"); ok {
		if host, path, ok := strings.Cut(rest, "/"); ok && host == v.R.Host {
			return web.LocalPath("/"+path, instead)
		}
	}
	return instead
}

func (v *visit) endOtherSessions() error {
	if err := v.Sessions.RevokeAll(v.R.Context(), v.Caller, v.Caller.User, true); err != nil {
		return err
	}
	return v.Done("/account", "Your other sessions have ended.")
}
