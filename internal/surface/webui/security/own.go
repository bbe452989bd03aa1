package security

import (
	"html/template"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/qr"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

type ownView struct {
	Head    ui.Head
	Notice  *ui.Notice
	Factors []ui.Item
	Empty   ui.Empty
	Codes   string
	New     ui.Action
	Dialogs []ui.Confirm
}

func (v *visit) own() error {
	var list []mfa.Factor
	var left int
	var must bool
	err := v.View(func(tx *gate.Tx) (err error) {
		if list, err = mfa.List(tx, v.Caller.User); err != nil {
			return err
		}
		if left, err = mfa.CodesLeft(tx); err != nil {
			return err
		}
		p, err := mfa.PolicyOf(tx)
		must = p.Must(v.Caller)
		return err
	})
	if err != nil {
		return err
	}
	app := ui.Action{Label: "Set up an app", Icon: "device-mobile", Href: mfa.Own + "/app"}
	key := ui.Action{Label: "Set up a passkey", Icon: "fingerprint", Href: keyPage, Primary: true}
	view := &ownView{
		Head:  ui.Head{Title: "Second factors", Icon: "shield-lock", Sub: []ui.Cell{{Text: "What you have, beside the password that you know"}}, Actions: []ui.Action{app, key}},
		Empty: ui.Empty{Icon: "shield-lock", Title: "You have no second factor", Text: "Whoever learns your password can sign in as you. With a passkey, a security key or an app that shows codes, the password alone is not enough."},
		Codes: "You get ten of them with your first second factor. Each lets you in once when you do not have it at hand.",
	}
	if len(list) > 0 {
		view.Codes = strconv.Itoa(left) + " of " + strconv.Itoa(mfa.Codes) + " are left. Each lets you in once when you do not have your second factor at hand."
		d := ui.Confirm{ID: "codes", Title: "Make new recovery codes?", Text: "The ones that you have stop working.", Action: mfa.Own + "/codes", Submit: "Make new codes"}
		view.Dialogs = append(view.Dialogs, d)
		view.New = ui.Action{Label: "Make new codes", Icon: "refresh", Href: d.Action, Post: true, Dialog: d.ID}
	}
	for _, f := range list {
		view.line(f, must && len(list) == 1)
	}
	return v.show("security", "Second factors", view)
}

// line adds a factor to the page.
func (view *ownView) line(f mfa.Factor, last bool) {
	it := ui.Item{Title: f.Name, Sub: "One-time codes of an app", Icon: "device-mobile", Time: shell.When(f.Used)}
	if f.Sort == mfa.Passkey {
		it.Sub, it.Icon = "Security key, beside the password", "key"
		if f.Alone {
			it.Sub, it.Icon = "Passkey, also without the password", "fingerprint"
		}
		it.Sub += " · at " + f.Site
	}
	it.Sub += " · since " + shell.When(f.Created).Format("2 Jan 2006")
	d := ui.Confirm{ID: "remove-" + f.ID.String(), Title: "Remove " + f.Name + "?", Text: "You are not asked for it any more, and cannot sign in with it.",
		Action: mfa.Own + "/factors/" + f.ID.String() + "/remove", Submit: "Remove", Danger: true}
	if last {
		d.Text = "It is your last one. Until you set up another, you see no passwords."
	}
	it.Action = &ui.Action{Label: "Remove", Icon: "trash", Href: d.Action, Post: true, Quiet: true, Dialog: d.ID}
	view.Factors, view.Dialogs = append(view.Factors, it), append(view.Dialogs, d)
}

// show answers with a page of one's account.
func (v *visit) show(name, title string, data any) error {
	crumbs := []ui.Crumb{{Label: "Your account", Href: "/account"}, {Label: "Second factors", Href: mfa.Own}}
	if title == "Second factors" {
		crumbs[1].Href = ""
	} else {
		crumbs = append(crumbs, ui.Crumb{Label: title})
	}
	p, err := v.Page(title, crumbs...)
	if err != nil {
		return err
	}
	p.Data = data
	return v.Render(name, p)
}

type appView struct {
	Head  ui.Head
	Path  template.HTMLAttr
	Box   template.HTMLAttr
	Key   string
	Plain string
	Form  ui.Form
}

func (v *visit) app() error {
	if ok, err := v.fresh(); !ok {
		return err
	}
	var o *mfa.Offer
	if err := v.View(func(tx *gate.Tx) (err error) { o, err = mfa.NewApp(tx); return err }); err != nil {
		return err
	}
	return v.appPage(o, "", nil)
}

func (v *visit) appPage(o *mfa.Offer, name string, refused error) error {
	web.NoCompress(v.W)
	code, err := qr.Encode(o.URI)
	if err != nil {
		return err
	}
	side := strconv.Itoa(code.Side())
	view := &appView{
		Head: ui.Head{Title: "Set up an app", Icon: "device-mobile", Sub: []ui.Cell{{Text: "Any app that shows one-time codes will do"}}},
		Path: template.HTMLAttr(`d="` + code.Path() + `"`), Box: template.HTMLAttr(`viewBox="0 0 ` + side + ` ` + side + `"`), // #nosec G203 -- digits and letters of a path
		Key:   o.Key,
		Plain: spaced(o.Key),
		Form: ui.Form{Action: mfa.Own + "/app", Submit: "Set up", Cancel: mfa.Own, Hidden: []ui.Hidden{{Name: "sealed", Value: o.Sealed}}, Fields: []ui.Field{
			{Name: "code", Label: "Code that the app shows", Type: "text", Required: true, Complete: "one-time-code", Most: 20, Wide: true},
			{Name: "name", Label: "What you call it", Type: "text", Value: name, Most: 100, Wide: true, Holder: "My telephone"},
		}},
	}
	if refused != nil {
		say := fault.Say(refused)
		view.Form.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Set up an app", ui.Crumb{Label: "Your account", Href: "/account"}, ui.Crumb{Label: "Second factors", Href: mfa.Own}, ui.Crumb{Label: "App"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "app", p)
}

// spaced puts a space after every fourth letter, to read a key out.
func spaced(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (v *visit) addApp() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	var codes []string
	err = v.raise(func(tx *gate.Tx, _ id.ID) (_ string, err error) {
		codes, err = mfa.AddApp(tx, form.Text("sealed"), form.Text("code"), form.Text("name"))
		return "an app", err
	})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Throttled) {
		web.RetryAfter(v.W, err)
		return v.againApp(form, err)
	}
	if err != nil {
		return err
	}
	if len(codes) > 0 {
		return v.showCodes(codes, "Your second factor is set up")
	}
	return v.Done(mfa.Own, "The app is set up.")
}

// againApp shows the offered app again; when it is over, another one.
func (v *visit) againApp(form *web.Form, refused error) error {
	var o *mfa.Offer
	err := v.View(func(tx *gate.Tx) (err error) {
		if o, err = mfa.OpenOffer(tx, form.Text("sealed")); fault.Is(err, fault.Invalid) {
			o, err = mfa.NewApp(tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.appPage(o, form.Text("name"), refused)
}

type codesView struct {
	Head  ui.Head
	Codes []string
	Text  string
	Back  ui.Action
}

func (v *visit) showCodes(codes []string, title string) error {
	web.NoCompress(v.W)
	return v.show("codes", "Recovery codes", &codesView{Head: ui.Head{Title: title, Icon: "shield-check"}, Codes: codes, Text: strings.Join(codes, "\n"),
		Back: ui.Action{Label: "I have kept them", Href: mfa.Own, Primary: true}})
}

func (v *visit) newCodes() error {
	var codes []string
	err := v.Change(access.SignIn, gate.Thing{Kind: identity.User, ID: v.Caller.User}, func(tx *gate.Tx) (err error) { codes, err = mfa.NewCodes(tx); return err })
	if err != nil {
		return err
	}
	return v.showCodes(codes, "New recovery codes")
}

func (v *visit) remove() error {
	fid, err := v.ID("id")
	if err != nil {
		return err
	}
	err = v.Change(access.SignIn, gate.Thing{Kind: identity.User, ID: v.Caller.User}, func(tx *gate.Tx) error { return mfa.Remove(tx, fid) })
	if err != nil {
		return err
	}
	return v.Done(mfa.Own, "The second factor is removed.")
}
