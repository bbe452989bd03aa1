package security

import (
	"slices"
	"strconv"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
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
}

// dormant lists who could sign in and has not for long.
func (v *visit) dormant() error {
	spans := []int{30, 90, 180, 365}
	days, err := strconv.Atoi(v.R.URL.Query().Get("days"))
	if err != nil || !slices.Contains(spans, days) {
		days = 90
	}
	var list []identity.Idle
	err = v.View(func(tx *gate.Tx) (err error) {
		list, err = identity.Dormant(tx, time.Duration(days)*24*time.Hour)
		return err
	})
	if err != nil {
		return err
	}
	view := &dormantView{Head: ui.Head{Title: "Dormant accounts", Icon: "clock", Sub: []ui.Cell{{Text: "Who may sign in, and has not for long. What an API key or job does is not counted."}}},
		Title: web.Number(int64(len(list))) + " in " + strconv.Itoa(days) + " days or more", Empty: ui.Empty{Icon: "check", Title: "Everybody has signed in", Text: "Nobody who may sign in has not for " + strconv.Itoa(days) + " days."}}
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
	return v.Render("dormant", p)
}
