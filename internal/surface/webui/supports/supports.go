// Package supports holds the pages on which administrators decide about access of the
// operator's people, see what is done under it, and end it.
//
// Always true: they are for administrators, and each decision is theirs in person.
package supports

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/support"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and the line above every page of an administrator
// while somebody may come in.
func (p *Pages) Mount(s *shell.Shell) {
	s.Manage(shell.ToPeople, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Support access", Sub: "When the operator's people may look in", Href: support.Page, Icon: "lifebuoy"}}
	})
	s.Above(func(v *shell.Visit, tx *gate.Tx) (*ui.Notice, error) {
		if v.Caller.Via == support.Via {
			return &ui.Notice{Tone: "info", Text: "You are here by support access. Each page that you open is recorded, and the company sees it."}, nil
		}
		if v.Caller.Role != access.Administrator || !v.Caller.Everything() {
			return nil, nil
		}
		a, err := support.OpenNow(tx)
		if a == nil || err != nil {
			return nil, err
		}
		return &ui.Notice{Tone: "warn", Text: "Support access is open: " + a.Staff + ", until " + when(a.Until) + ".", Link: "Look, or end it", Href: at(a.ID)}, nil
	})
	s.Get(support.Page, shell.Administering(p.as((*visit).list)))
	s.Get(support.Page+"/{id}", shell.Administering(p.as(func(v *visit) error { return v.one(nil, nil) })))
	s.Post(support.Page+"/{id}/approve", shell.Administering(p.as((*visit).approve)))
	s.Post(support.Page+"/{id}/refuse", shell.Administering(p.as((*visit).refuse)))
	s.Post(support.Page+"/{id}/end", shell.Administering(p.as((*visit).end)))
}

func at(a id.ID) string { return support.Page + "/" + a.String() }

func when(ms int64) string { return shell.When(ms).Format("2 Jan 2006, 15:04") + " UTC" }

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

func stateOf(a *support.Access, now int64) ui.Pill {
	switch {
	case a.Is(now):
		return ui.Pill{Text: "Open", Tone: "warn"}
	case a.Lapsed(now):
		return ui.Pill{Text: "Lapsed"}
	case a.State == support.Waiting:
		return ui.Pill{Text: "To decide", Tone: "info"}
	case a.State == support.No:
		return ui.Pill{Text: "Refused"}
	}
	return ui.Pill{Text: "Over"}
}

func (v *visit) list() error {
	var list []*support.Access
	if err := v.View(func(tx *gate.Tx) (err error) { list, err = support.List(tx); return err }); err != nil {
		return err
	}
	s := &ui.Section{Title: "Asked for"}
	now := v.Now().UnixMilli()
	for _, a := range list {
		pill := stateOf(a, now)
		s.Items = append(s.Items, ui.Item{Title: a.Staff, Sub: a.Reason + " · " + a.Scope.String(), Href: at(a.ID), Icon: "lifebuoy", Pill: &pill, Time: shell.When(a.Asked)})
	}
	if len(list) == 0 {
		s.Empty = "The operator has never asked. Nobody of the operator's can look in before an administrator here has approved it."
	}
	p, err := v.Page("Support access", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Support access"})
	if err != nil {
		return err
	}
	p.Data = shell.Sections{Head: ui.Head{Title: "Support access", Icon: "lifebuoy", Sub: []ui.Cell{{Text: "The operator's people look in when one of you has said yes, within what you say, and for as long"}}}, Cards: []*ui.Section{s}}
	return v.Render("sections", p)
}

type oneView struct {
	Head    ui.Head
	State   []ui.Prop
	Form    *ui.Form
	Log     *ui.Section
	Live    []ui.NavItem
	Dialogs []ui.Confirm
}

func (v *visit) one(sent *web.Form, refused error) error {
	aid, err := v.ID("id")
	if err != nil {
		return err
	}
	view, title := &oneView{}, ""
	err = v.View(func(tx *gate.Tx) error {
		a, err := support.Get(tx, aid)
		if err != nil {
			return err
		}
		names, err := v.Records.Names(tx, append(slices.Clone(a.Scope.Orgs), a.By)...)
		if err != nil {
			return err
		}
		title = "Support access of " + a.Staff
		view.Head = ui.Head{Title: title, Icon: "lifebuoy", Sub: []ui.Cell{{Text: a.Reason}}}
		view.State = state(a, names, tx.Now)
		if a.State == support.Waiting && !a.Lapsed(tx.Now) {
			view.Form = decision(a, names, sent)
			view.Head.Actions = []ui.Action{{Label: "Refuse", Icon: "x", Href: at(a.ID) + "/refuse", Post: true}}
			return nil
		}
		if a.Is(tx.Now) {
			view.Head.Actions = []ui.Action{{Label: "End it now", Icon: "lock", Href: at(a.ID) + "/end", Post: true, Danger: true}}
			live := v.R.URL.Query().Get("live") == "1"
			view.Live = []ui.NavItem{{Label: "As it is now", Href: at(a.ID), Current: !live}, {Label: "Follow live", Href: at(a.ID) + "?live=1", Current: live}}
			if live {
				v.W.Header().Set("Refresh", "5")
			}
		}
		entries, err := support.Log(tx, a.ID, 200)
		view.Log = log(entries)
		return err
	})
	if err != nil {
		return err
	}
	if refused != nil && view.Form != nil {
		said := fault.Say(refused)
		view.Form.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page(title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Support access", Href: support.Page}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = view
	status := http.StatusOK
	if refused != nil {
		status = web.Status(refused)
	}
	return v.RenderStatus(status, "support-access", p)
}

func state(a *support.Access, names map[id.ID]string, now int64) []ui.Prop {
	prop := func(label, text string) ui.Prop { return ui.Prop{Label: label, Cells: []ui.Cell{{Text: text}}} }
	pill := stateOf(a, now)
	out := []ui.Prop{{Label: "State", Cells: []ui.Cell{{Type: "pill", Text: pill.Text, Tone: pill.Tone}}}, prop("Number", a.ID.String()), prop("Asked", when(a.Asked)), prop("For", a.Scope.String()), prop("Hours", strconv.Itoa(a.Hours))}
	var orgs []string
	for _, o := range a.Scope.Orgs {
		orgs = append(orgs, names[o])
	}
	if len(orgs) > 0 {
		out = append(out, prop("Organizations", strings.Join(orgs, ", ")))
	}
	if a.Decided != 0 {
		out = append(out, prop("Decided", names[a.By]+", "+when(a.Decided)))
	}
	if a.Until != 0 {
		out = append(out, prop("Until", when(a.Until)))
	}
	if a.Entered != 0 {
		out = append(out, prop("Came in", when(a.Entered)), prop("Last request", when(a.Used)))
	}
	return out
}

// decision is the form of what is approved: what was asked for, or less.
func decision(a *support.Access, names map[id.ID]string, sent *web.Form) *ui.Form {
	hours := strconv.Itoa(a.Hours)
	if sent != nil {
		hours = sent.Text("hours")
	}
	f := &ui.Form{Action: at(a.ID) + "/approve", Submit: "Approve", Cancel: support.Page, Fields: []ui.Field{
		{Name: "hours", Label: "For", Type: "number", Unit: "hours", Required: true, Min: "1", Max: strconv.Itoa(a.Hours), Value: hours}}}
	if a.Scope.Inspect {
		f.Fields = append(f.Fields, ui.Field{Name: "inspect", Label: "The audit trail and reports too", Type: "checkbox", Wide: true, Checked: sent == nil || sent.Bool("inspect")})
	}
	if a.Scope.Reveal {
		f.Fields = append(f.Fields, ui.Field{Name: "reveal", Label: "Secrets may be shown, each recorded", Type: "checkbox", Wide: true, Checked: sent != nil && sent.Bool("reveal")})
	}
	orgs := ui.Field{Name: "organizations", Label: "Organizations", Type: "select", Multiple: true, Wide: true, Hint: "Only these."}
	for _, o := range a.Scope.Orgs {
		orgs.Options = append(orgs.Options, ui.Option{Value: o.String(), Label: names[o], Selected: sent == nil || slices.Contains(sent.All("organizations"), o.String())})
	}
	if len(orgs.Options) == 0 {
		orgs = ui.Field{Name: "organizations", Label: "Only these organizations", Type: "ref", Multiple: true, Wide: true, Source: "/refs/organization", Hint: "Empty: every organization, but nothing that is restricted to some people."}
	}
	f.Fields = append(f.Fields, orgs)
	return f
}

func log(entries []*audit.Entry) *ui.Section {
	s := &ui.Section{Title: "What was done under it", Empty: "Nothing yet."}
	for _, e := range entries {
		text := e.Detail.Text
		if e.Action != support.Request && e.Action != support.Entered {
			text = strings.TrimSpace(e.Action + " " + e.Detail.Name)
		}
		if e.Result != audit.OK {
			text = "was refused: " + text
		}
		s.Feed, s.Empty = append(s.Feed, ui.Event{Who: e.Detail.Actor, What: text, Icon: "lifebuoy", Time: shell.When(e.Time)}), ""
	}
	return s
}

func (v *visit) approve() error {
	aid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	hours := int(form.Int("hours"))
	scope := support.Scope{Reveal: form.Bool("reveal"), Inspect: form.Bool("inspect"), Orgs: shell.RefIDs(form, "organizations")}
	if err = form.Err(); err == nil {
		err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return support.Approve(tx, aid, hours, scope) })
	}
	if fault.Is(err, fault.Invalid) {
		return v.one(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(at(aid), "The access is open. It ends by itself, or when you end it.")
}

func (v *visit) refuse() error { return v.settle(support.Refuse, "The access is refused.") }

func (v *visit) end() error { return v.settle(support.End, "The access has ended.") }

func (v *visit) settle(do func(*gate.Tx, id.ID) error, said string) error {
	aid, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return do(tx, aid) }); err != nil {
		return err
	}
	return v.Done(at(aid), "%s", said)
}
