// Package emergency holds the pages of accounts for emergencies: which there are, and why
// somebody uses one.
//
// Always true: naming them is for administrators; who uses one sees no page but that which
// asks for the reason, until it is given.
package emergency

import (
	"embed"
	"io/fs"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/breakglass"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Sessions *identity.Sessions }

//go:embed pages
var templates embed.FS

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToPeople, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Accounts for emergencies", Sub: "Break glass: a strong factor, and everybody is told", Href: breakglass.Page, Icon: "flame"}}
	})
	s.Get(breakglass.Page, shell.Administering(p.as((*visit).list)))
	s.Get(breakglass.Page+"/new", shell.Administering(p.as(func(v *visit) error { return v.form(nil) })))
	s.Post(breakglass.Page, shell.Administering(p.as((*visit).name)))
	s.Get(breakglass.Why, p.as(func(v *visit) error { return v.why(nil, "") }))
	s.Post(breakglass.Why, p.as((*visit).explain))
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

func (v *visit) list() error {
	s := &ui.Section{Title: "Accounts for emergencies"}
	err := v.View(func(tx *gate.Tx) error {
		list, err := breakglass.List(tx)
		if err != nil {
			return err
		}
		for _, a := range list {
			names, err := v.Records.Names(tx, a.User)
			if err != nil {
				return err
			}
			it := ui.Item{Title: names[a.User], Sub: "Never used since it was named, on " + shell.When(a.Named).Format("2 Jan 2006"), Icon: "flame", Href: "/users/" + a.User.String(),
				Action: &ui.Action{Label: "Make it an ordinary one", Href: breakglass.Page, Post: true, Quiet: true, Fields: []ui.Hidden{{Name: "user", Value: a.User.String()}, {Name: "on", Value: "0"}}}}
			if a.Used != 0 {
				it.Sub = "Used last on " + shell.When(a.Used).Format("2 Jan 2006, 15:04") + " UTC"
			}
			if v.Now().UnixMilli()-max(a.Named, a.Used) >= breakglass.Every.Milliseconds() {
				it.Pill = &ui.Pill{Text: "To be tried", Tone: "warn"}
			}
			s.Items = append(s.Items, it)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(s.Items) == 0 {
		s.Empty = "There is none. When the system that people sign in by is down, nobody may get in who has to."
	}
	rules := &ui.Section{Title: "What holds for them", Props: []ui.Prop{
		{Label: "Signing in", Cells: []ui.Cell{{Text: "with a second factor, never without; by no other system"}}},
		{Label: "Each use", Cells: []ui.Cell{{Text: "all administrators are told at once, and a reason comes first"}}},
		{Label: "Dormant", Cells: []ui.Cell{{Text: "never deactivated; to be tried every " + web.Number(int64(breakglass.Every/(24*time.Hour))) + " days"}}}}}
	p, err := v.Page("Accounts for emergencies", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Accounts for emergencies"})
	if err != nil {
		return err
	}
	p.Data = shell.Sections{Head: ui.Head{Title: "Accounts for emergencies", Icon: "flame", Actions: []ui.Action{{Label: "Name an account", Icon: "plus", Href: breakglass.Page + "/new", Primary: true}}}, Cards: []*ui.Section{s, rules}}
	return v.Render("sections", p)
}

func (v *visit) form(refused error) error {
	f := ui.Form{Action: breakglass.Page, Submit: "Name it", Cancel: breakglass.Page, Hidden: []ui.Hidden{{Name: "on", Value: "1"}}}
	err := v.View(func(tx *gate.Tx) error {
		people, err := v.Choices(tx, identity.User, map[id.ID]bool{})
		if err != nil {
			return err
		}
		user := ui.Field{Name: "user", Label: "Account", Type: "select", Required: true, Wide: true, Hint: "An administrator with a second factor: best a security key that lies in a safe."}
		for _, o := range people {
			if o.Sub == string(access.Administrator) {
				user.Options = append(user.Options, o)
			}
		}
		f.Fields = []ui.Field{user}
		return nil
	})
	if err != nil {
		return err
	}
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Name an account", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Accounts for emergencies", Href: breakglass.Page}, ui.Crumb{Label: "Name an account"})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Name an account for emergencies", Icon: "flame"}, Form: f}
	return v.RenderStatus(web.Status(refused), "form", p)
}

func (v *visit) name() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	user, _ := id.Parse(f.Text("user"))
	on := f.Bool("on")
	err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if on {
			return breakglass.Name(tx, user)
		}
		return breakglass.Unname(tx, user)
	})
	if shell.Refusable(err) {
		return v.form(err)
	}
	if err != nil {
		return err
	}
	if on {
		return v.Done(breakglass.Page, "It is an account for emergencies.")
	}
	return v.Done(breakglass.Page, "It is an ordinary account.")
}

// why asks for the reason of a use.
func (v *visit) why(refused error, text string) error {
	if !v.Caller.Unexplained {
		return web.SeeOther(v.W, v.R, "/")
	}
	f := ui.Form{Action: breakglass.Why, Submit: "Go on", Fields: []ui.Field{
		{Name: "reason", Label: "Why do you use this account?", Type: "textarea", Required: true, Most: 500, Rows: 3, Wide: true, Focus: true, Value: text}}}
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
	}
	p := v.Plain(v.R, "An account for emergencies", f)
	p.Flash = web.TakeFlash(v.W, v.R)
	return v.RenderStatus(web.Status(refused), "reason", p) // outside the layout, which would show something
}

func (v *visit) explain() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	if !v.Caller.Unexplained {
		return web.SeeOther(v.W, v.R, "/")
	}
	err = breakglass.Explain(v.R.Context(), v.Sessions, v.Caller, f.Text("reason"))
	if fault.Is(err, fault.Invalid) {
		return v.why(err, f.Text("reason"))
	}
	if err != nil {
		return err
	}
	return v.Done("/", "The reason is kept. Sign out when you are done.")
}
