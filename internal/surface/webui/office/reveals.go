package office

import (
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/breaker"
	"strongroom/internal/surface/webui/shell"
)

type revealsView struct {
	Head    ui.Head
	Stopped []stoppedLine
	Empty   ui.Empty
	Limits  []ui.Prop
	Dialogs []ui.Confirm
}

type stoppedLine struct {
	Name, What string
	Resume     ui.Action
}

func (v *visit) reveals() error {
	var l breaker.Limits
	var list []breaker.Stopped
	err := v.View(func(tx *gate.Tx) (err error) {
		if list, err = breaker.List(tx); err == nil {
			l, err = breaker.LimitsOf(tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	view := &revealsView{
		Head: ui.Head{Title: "Limits of reveals", Icon: "shield-check", Sub: []ui.Cell{{Text: "Who opens unusually many secrets is stopped for a while."}},
			Actions: []ui.Action{{Label: "Change the limits", Href: "/settings/reveals/limits"}}},
		Empty: ui.Empty{Icon: "check", Title: "Nobody is stopped"},
		Limits: []ui.Prop{
			{Label: "To one person", Cells: []ui.Cell{{Text: most(l.People)}}},
			{Label: "To one API key", Cells: []ui.Cell{{Text: most(l.Keys)}}},
			{Label: "Within", Cells: []ui.Cell{{Text: hours(l.Window)}}},
			{Label: "Stopped for", Cells: []ui.Cell{{Text: hours(l.Pause)}}},
		},
	}
	for _, s := range list {
		at := s.User.String() + "-" + s.Key.String()
		name := s.Name
		if s.Key != 0 {
			name = "An API key of " + s.Name
		}
		line := stoppedLine{Name: name, What: web.Number(s.Count) + " records; stopped until " + shell.When(s.Until).UTC().Format("2 Jan 15:04") + " UTC"}
		d := ui.Confirm{ID: "resume-" + at, Title: "Let " + name + " go on?", Text: "Secrets are shown again at once, and counting begins anew. Find out first why so many were opened: the audit trail names them.",
			Action: "/settings/reveals/resume?user=" + s.User.String() + "&key=" + s.Key.String(), Submit: "Let go on"}
		line.Resume = ui.Action{Label: "Let go on", Href: d.Action, Post: true, Quiet: true, Dialog: d.ID}
		view.Stopped, view.Dialogs = append(view.Stopped, line), append(view.Dialogs, d)
	}
	p, err := v.Page("Limits of reveals", ui.Crumb{Label: "Settings", Href: "/settings"}, ui.Crumb{Label: "Limits of reveals"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.Render("reveals", p)
}

func most(n int) string {
	if n == 0 {
		return "No limit"
	}
	return web.Number(n) + " records"
}

func (v *visit) resume() error {
	q := v.R.URL.Query()
	user, ok := id.Parse(q.Get("user"))
	key, isKey := id.Parse(q.Get("key"))
	if !ok || !isKey && q.Get("key") != "0" {
		return gate.Missing()
	}
	if err := breaker.Resume(v.R.Context(), v.Gate, v.Caller, user, key); err != nil {
		return err
	}
	return v.Done("/settings/reveals", "Secrets are shown again.")
}

func (v *visit) revealLimits() error {
	var l breaker.Limits
	if err := v.View(func(tx *gate.Tx) (err error) { l, err = breaker.LimitsOf(tx); return err }); err != nil {
		return err
	}
	now := map[string]int{"people": l.People, "keys": l.Keys, "window": int(l.Window.Minutes()), "pause": int(l.Pause.Minutes())}
	return v.revealLimitsForm(func(name string) string { return strconv.Itoa(now[name]) }, nil)
}

func (v *visit) revealLimitsForm(value func(string) string, refused error) error {
	number := func(name, label, unit, hint string) ui.Field {
		return ui.Field{Name: name, Label: label, Type: "number", Value: value(name), Required: true, Min: "0", Unit: unit, Hint: hint}
	}
	f := ui.Form{Action: "/settings/reveals/limits", Submit: "Save", Cancel: "/settings/reveals", Note: "Each record counts once, however often its secrets are opened. Exports are counted apart.", Fields: []ui.Field{
		number("people", "To one person", "records", "In all sessions together. 0 is no limit."),
		number("keys", "To one API key", "records", "0 is no limit."),
		number("window", "Within", "minutes", "A minute to 30 days (43,200)."),
		number("pause", "Stopped for", "minutes", "A minute to 30 days (43,200)."),
	}}
	f.Fields[0].Focus = true
	return v.settingForm("Limits of reveals", f, refused)
}

func (v *visit) saveRevealLimits() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	number := func(name string) int { return int(min(max(form.Int(name), -1), 1e7)) }
	minutes := func(name string) time.Duration { return time.Duration(min(number(name), 1e6)) * time.Minute }
	to := breaker.Limits{People: number("people"), Keys: number("keys"), Window: minutes("window"), Pause: minutes("pause")}
	if err = form.Err(); err == nil {
		err = breaker.SetLimits(v.R.Context(), v.Gate, v.Caller, to)
	}
	if fault.Is(err, fault.Invalid) {
		return v.revealLimitsForm(form.Text, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/settings/reveals", "The limits of reveals are saved.")
}
