// Package leavers holds the page on which an administrator sees what is to be done when
// somebody leaves, has it done, and follows it.
//
// Always true: nothing is done before the page has said what.
package leavers

import (
	"embed"
	"io/fs"
	"net/http"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Leavers *leaver.Leavers }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Get("/users/{id}/leave", shell.Administering(p.as(func(v *visit) error { return v.page(nil, nil) })))
	s.Post("/users/{id}/leave", shell.Administering(p.as((*visit).begin)))
	s.Rail(shell.RailPart{Draw: func(v *shell.Visit, _ *gate.Tx, r *record.Record) (*ui.Section, error) {
		if r.Kind.Name != identity.User || !v.Caller.May(access.Administer) || v.Caller.Scope.Looks {
			return nil, nil
		}
		return &ui.Section{Title: "Leaving", Items: []ui.Item{{Title: "When " + r.Name + " leaves", Sub: "What is to be done, in one go", Href: at(r.ID), Icon: "logout"}}}, nil
	}})
}

func at(user id.ID) string { return "/users/" + user.String() + "/leave" }

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

type pageView struct {
	Head  ui.Head
	Plan  *ui.Section
	Steps *ui.Section
	Form  *ui.Form
}

// page tells what would be done or, once it was begun, how far it is.
func (v *visit) page(sent *web.Form, refused error) error {
	user, err := v.ID("id")
	if err != nil {
		return err
	}
	view, name := &pageView{}, ""
	err = v.View(func(tx *gate.Tx) error {
		u, err := v.Records.Get(tx, identity.User, user)
		if err != nil {
			return err
		}
		name = u.Name
		view.Head = ui.Head{Title: "When " + name + " leaves", Icon: "logout", Sub: []ui.Cell{{Text: "One go through all that she has: it can be left, and goes on"}}}
		plan, err := v.Leavers.Plan(tx, user)
		if err != nil {
			return err
		}
		g, err := leaver.Last(tx, user)
		if err != nil {
			return err
		}
		if g != nil && (u.Archived || g.Ended == 0) {
			view.Steps = steps(g, user)
			if g.Ended == 0 {
				view.Head.Actions = []ui.Action{{Label: "Go on", Icon: "player-play", Href: at(user), Post: true, Primary: true}}
			}
			view.Plan = left(plan)
			return nil
		}
		view.Plan = todo(plan, user, u.Archived)
		if plan.Why != "" {
			view.Head.Alerts = []ui.Notice{{Tone: "warn", Text: plan.Why}}
			return nil
		}
		people, err := v.Choices(tx, identity.User, map[id.ID]bool{})
		view.Form = form(user, name, plan, people, sent)
		return err
	})
	if err != nil {
		return err
	}
	if refused != nil && view.Form != nil {
		said := fault.Say(refused)
		view.Form.Wrong(said.Text, said.Hint, said.Fields)
	}
	status := http.StatusOK
	if refused != nil {
		status = web.Status(refused)
	}
	p, err := v.Page("When "+name+" leaves", ui.Crumb{Label: "Users", Href: "/users"}, ui.Crumb{Label: name, Href: "/users/" + user.String()}, ui.Crumb{Label: "Leaving"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(status, "leave", p)
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return web.Number(int64(n)) + " " + many
}

// todo says what will be done.
func todo(p *leaver.Plan, user id.ID, archived bool) *ui.Section {
	s := &ui.Section{Title: "What will be done"}
	add := func(title, sub, icon, href string) {
		s.Items = append(s.Items, ui.Item{Title: title, Sub: sub, Icon: icon, Href: href})
	}
	first := "The user is archived, and signs in no more"
	if archived {
		first = "The user is archived already"
	}
	add(first, number(p.Sessions, "session ends", "sessions end")+" at once", "user-x", "")
	add(number(p.Keys, "API key of hers is revoked", "API keys of hers are revoked"), number(p.Made, "key that she made acts", "keys that she made act")+" for nobody; they are revoked where you say so", "key", "/keys")
	add("She is taken out of "+number(p.Groups, "group", "groups"), "and "+number(p.Grants, "record is", "records are")+" closed that were open to her by name", "users", "")
	add(number(p.Shared, "vault of somebody else is open to her", "vaults of others are open to her"), "Their owners are told to end that, which makes new keys; "+number(p.Own, "vault is", "vaults are")+" hers alone", "lock", "")
	add(number(p.Records, "record or task that she answers for is", "records and tasks that she answers for are")+" given to somebody else", "What is over stays with her name", "transfer", "")
	add("She is taken off "+number(p.Teams, "team", "teams"), "Tickets of a team stay with the team", "users-group", "")
	add(number(p.Links, "share or check-out of hers is", "shares and check-outs of hers are")+" ended", "Links that she gave to people outside open nothing any more", "share", "")
	add(number(p.Personal, "personal password", "personal passwords"), "A handover is asked for; another administrator agrees to it", "lock-password", "/settings/handovers")
	add(number(p.Seen, "password that she has seen is", "passwords that she has seen are")+" put forward to be changed", "The list stays until each was changed", "eye", "/users/"+user.String()+"/seen")
	return s
}

// left says what others still have to do.
func left(p *leaver.Plan) *ui.Section {
	s := &ui.Section{Title: "What others still have to do"}
	for _, x := range []struct {
		n               int
		one, many, href string
	}{{p.Shared, "vault is still open to her, until its owner ends that", "vaults are still open to her, until their owners end that", ""},
		{p.Own, "vault is hers: who was made its officer can recover it", "vaults are hers: who was made their officer can recover them", ""},
		{p.Records, "record is still hers", "records are still hers", ""}, {p.Teams, "team still names her", "teams still name her", ""}, {p.Links, "share or check-out of hers is still open", "shares and check-outs of hers are still open", ""}, {p.Personal, "personal password waits for a handover", "personal passwords wait for a handover", "/settings/handovers"}} {
		if x.n > 0 {
			s.Items = append(s.Items, ui.Item{Title: number(x.n, x.one, x.many), Href: x.href, Icon: "hourglass"})
		}
	}
	if p.Seen > 0 {
		s.Items = append(s.Items, ui.Item{Title: number(p.Seen, "password is still as she knows it", "passwords are still as she knows them"), Href: "/risk?why=left", Icon: "eye"})
	}
	if len(s.Items) == 0 {
		s.Empty = "Nothing."
	}
	return s
}

// steps tells how far a process is.
func steps(g *leaver.Leaving, user id.ID) *ui.Section {
	s := &ui.Section{Title: "What was done", Text: g.Reason, Items: []ui.Item{{Title: "She was archived; her sessions ended", Icon: "check", Time: shell.When(g.At)}}}
	for i, title := range leaver.Titles() {
		it := ui.Item{Title: title, Icon: "check"}
		switch {
		case i > g.Step || g.Ended == 0 && i == len(leaver.Titles()):
			it.Icon, it.Pill = "circle-dashed", &ui.Pill{Text: "To do"}
		case i == g.Step && g.Ended == 0:
			it.Icon, it.Pill = "hourglass", &ui.Pill{Text: "Goes on", Tone: "info"}
		}
		s.Items = append(s.Items, it)
	}
	for _, what := range leaver.Counted() {
		if n := g.Counts[what]; n > 0 {
			s.Props = append(s.Props, ui.Prop{Label: shell.Capital(what), Cells: []ui.Cell{{Text: web.Number(int64(n))}}})
		}
	}
	s.More = &ui.NavItem{Label: "Audit trail", Href: "/audit?object=" + user.String()}
	return s
}

func form(user id.ID, name string, p *leaver.Plan, people []ui.Option, sent *web.Form) *ui.Form {
	text := func(n string) string {
		if sent == nil {
			return ""
		}
		return sent.Text(n)
	}
	to := ui.Field{Name: "to", Label: "Who is given what she answers for", Type: "select", Value: text("to"), Hint: "Empty: it stays with her name, and is listed."}
	for _, o := range people {
		if o.Value != user.String() && o.Sub != string(access.SelfService) {
			o.Selected = o.Value == text("to")
			to.Options = append(to.Options, o)
		}
	}
	f := &ui.Form{Action: at(user), Submit: name + " leaves", Cancel: "/users/" + user.String(), Danger: true, Fields: []ui.Field{to,
		{Name: "reason", Label: "Reason", Type: "text", Required: true, Most: 500, Value: text("reason"), Holder: "Left the company"}}}
	if p.Made > 0 {
		f.Fields = append(f.Fields, ui.Field{Name: "made", Label: "Revoke the keys too that she made and that act for nobody", Type: "checkbox", Wide: true, Checked: sent != nil && sent.Bool("made")})
	}
	return f
}

func (v *visit) begin() error {
	user, err := v.ID("id")
	if err != nil {
		return err
	}
	sent, err := v.Form()
	if err != nil {
		return err
	}
	o := leaver.Order{Reason: sent.Text("reason"), Made: sent.Bool("made")}
	o.To, _ = id.Parse(sent.Text("to"))
	_, err = v.Leavers.Begin(v.R.Context(), v.Caller, user, o)
	if shell.Refusable(err) {
		return v.page(sent, err)
	}
	if err != nil {
		return err
	}
	return v.Done(at(user), "She has no access any more. The rest is being done.")
}
