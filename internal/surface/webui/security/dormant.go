package security

import (
	"slices"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/dormant"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

const dormantPage = "/settings/dormant"

type dormantView struct {
	Head  ui.Head
	Spans []ui.NavItem
	Title string
	Users []ui.Item
	Empty ui.Empty
	Form  ui.Form
}

// dormant lists who could sign in and has not for long.
func (v *visit) dormant(sent *web.Form, refused error) error {
	spans := []int{30, 90, 180, 365}
	days, err := strconv.Atoi(v.R.URL.Query().Get("days"))
	if err != nil || !slices.Contains(spans, days) {
		days = 90
	}
	var list []identity.Idle
	var policy dormant.Policy
	err = v.View(func(tx *gate.Tx) (err error) {
		if policy, err = dormant.Of(tx); err != nil {
			return err
		}
		list, err = identity.Dormant(tx, time.Duration(days)*24*time.Hour)
		return err
	})
	if err != nil {
		return err
	}
	view := &dormantView{Head: ui.Head{Title: "Dormant accounts", Icon: "clock", Sub: []ui.Cell{{Text: "Who may sign in, and has not for long. What an API key or job does is not counted."}}},
		Title: web.Number(int64(len(list))) + " in " + strconv.Itoa(days) + " days or more", Empty: ui.Empty{Icon: "check", Title: "Everybody has signed in", Text: "Nobody who may sign in has not for " + strconv.Itoa(days) + " days."}}
	view.Form = policyForm(policy, sent, refused)
	for _, n := range spans {
		view.Spans = append(view.Spans, ui.NavItem{Label: strconv.Itoa(n) + " days", Href: dormantPage + "?days=" + strconv.Itoa(n), Current: n == days})
	}
	for _, u := range list {
		it := ui.Item{Title: u.Name, Sub: u.Email + " · " + string(u.Role) + " · never signed in, a user since " + shell.When(u.Made).Format("2 Jan 2006"), Href: "/users/" + u.ID.String(), Icon: "user"}
		if u.Last > 0 {
			it.Sub, it.Time = u.Email+" · "+string(u.Role)+" · signed in last "+shell.When(u.Last).Format("2 Jan 2006"), shell.When(u.Last)
		}
		view.Users = append(view.Users, it)
	}
	p, err := v.Page(view.Head.Title, ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: view.Head.Title})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "dormant", p)
}

// policyForm asks when accounts that nobody uses are deactivated.
func policyForm(p dormant.Policy, sent *web.Form, refused error) ui.Form {
	on, days, notice := p.On, strconv.Itoa(p.Days), strconv.Itoa(p.Notice)
	if sent != nil {
		on, days, notice = sent.Bool("on"), sent.Text("days"), sent.Text("notice")
	}
	f := ui.Form{Action: dormantPage, Submit: "Save", Note: "Never the last administrator, nor an account for emergencies.", Fields: []ui.Field{
		{Type: "heading", Label: "Deactivate them"},
		{Name: "on", Label: "Deactivate who has not signed in for long, nor used a key", Type: "checkbox", Wide: true, Checked: on},
		{Name: "days", Label: "After", Type: "number", Unit: "days", Required: true, Min: "30", Max: "3650", Value: days},
		{Name: "notice", Label: "She is told before", Type: "number", Unit: "days", Required: true, Min: "1", Value: notice}}}
	if refused != nil {
		said := fault.Say(refused)
		f.Wrong(said.Text, said.Hint, said.Fields)
	}
	return f
}

func (v *visit) saveDormant() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	p := dormant.Policy{On: f.Bool("on"), Days: int(f.Int("days")), Notice: int(f.Int("notice"))}
	if err = f.Err(); err == nil {
		err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return dormant.Set(tx, p) })
	}
	if fault.Is(err, fault.Invalid) {
		return v.dormant(f, err)
	}
	if err != nil {
		return err
	}
	return v.Done(dormantPage, "The policy is saved.")
}
