package reports

import (
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/rhythm"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/report"
	"strongroom/internal/surface/webui/shell"
)

// mailVisit is a request for the page of a report that somebody keeps.
type mailVisit struct {
	*visit
	p *Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*mailVisit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&mailVisit{&visit{v}, p}) }
}

func (v *mailVisit) show() error { return v.page(nil, nil) }

// page shows a report; again with what is wrong with the times that were sent.
func (v *mailVisit) page(sent *rhythm.Schedule, wrong error) error {
	s, err := v.load()
	if err != nil {
		return err
	}
	d := &onePage{Head: ui.Head{Title: s.Name, Icon: "chart-bar", Sub: []ui.Cell{{Text: v.kindOf(s)}, {Text: report.Period(s.Days)}}}}
	if v.Caller.May(access.Export) {
		d.Head.Actions = append(d.Head.Actions, ui.Action{Label: "CSV", Icon: "download", Href: at(s.ID) + "/csv"}, ui.Action{Label: "PDF", Icon: "file-text", Href: at(s.ID) + "/pdf"})
		if d.Mail, err = v.mail(s.ID, at(s.ID), sent, wrong); err != nil {
			return err
		}
	}
	if wrong != nil {
		d.Status = web.Status(wrong)
	}
	if s.Owner == v.Caller.User {
		d.Head.Actions = append(d.Head.Actions, ui.Action{Label: "Edit", Icon: "edit", Href: at(s.ID) + "/edit", Key: "e"},
			ui.Action{Label: "Remove", Icon: "trash", Post: true, Href: at(s.ID) + "/remove"})
	}
	return v.one(d, s.Name, s.Ask)
}

// mail is the form of when a report is mailed; nil where no mail is sent.
func (v *mailVisit) mail(which id.ID, here string, sent *rhythm.Schedule, wrong error) (*ui.Form, error) {
	if !v.p.Outbox.Sends() || v.Caller.User == 0 {
		return nil, nil
	}
	var m report.Mailing
	err := v.View(func(tx *gate.Tx) (err error) {
		m, err = report.MailingOf(tx, which)
		return err
	})
	if err != nil {
		return nil, err
	}
	says := "It is not mailed to you."
	switch {
	case m.Next > 0:
		says = "Mailed to you " + m.When.Words("") + ", next on " + time.UnixMilli(m.Next).UTC().Format("2 January") + "."
	case m.Why != "":
		says = "It is not mailed to you any more. " + m.Why
	}
	now := m.When
	if sent != nil {
		now = *sent
	}
	if now.Rhythm == rhythm.Never && sent == nil {
		now.Day, now.Hour = 1, 7
	}
	f := &ui.Form{ID: "mail", Action: here + "/mail", Submit: "Save", Note: "It holds what you may see when it is sent.", Fields: times(now)}
	if wrong != nil {
		say := fault.Say(wrong)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	f.Fields = append([]ui.Field{{Type: "heading", Label: "By mail", Hint: says}}, f.Fields...)
	return f, nil
}

// times are the fields of a schedule.
func times(s rhythm.Schedule) []ui.Field {
	often := []ui.Option{{Label: "Never"}, {Value: string(rhythm.Daily), Label: "Daily"}, {Value: string(rhythm.Weekly), Label: "Weekly"}, {Value: string(rhythm.Monthly), Label: "Monthly"}}
	var week []ui.Option
	for i := range 7 {
		day := (i + 1) % 7 // Monday first
		week = append(week, ui.Option{Value: strconv.Itoa(day), Label: time.Weekday(day).String()})
	}
	return []ui.Field{
		{Name: "when", Label: "How often", Type: "select", Required: true, Value: "x", Options: chosen(often, string(s.Rhythm))},
		{Name: "time", Label: "At", Type: "time", Value: s.Clock(), Unit: "UTC"},
		{Name: "weekday", Label: "Day of the week", Type: "select", Required: true, Value: "x", Options: chosen(week, strconv.Itoa(s.Day)), Hint: "Of a weekly one."},
		{Name: "day", Label: "Day of the month", Type: "number", Value: strconv.Itoa(max(s.Day, 1)), Min: "1", Max: "31", Hint: "Of a monthly one. In a shorter month, its last day."},
	}
}

// schedule reads the fields of times.
func schedule(f *web.Form) rhythm.Schedule {
	s := rhythm.Schedule{Rhythm: rhythm.Rhythm(f.Text("when"))}
	switch s.Rhythm {
	case rhythm.Weekly:
		s.Day = int(f.Int("weekday"))
	case rhythm.Monthly:
		s.Day = int(f.Int("day"))
	}
	if t, err := time.Parse("15:04", f.Text("time")); err == nil {
		s.Hour, s.Minute = t.Hour(), t.Minute()
	} else if s.Rhythm != rhythm.Never {
		s.Hour = -1 // refused
	}
	return s
}

// subscribe keeps when the report of the address is mailed to the reader.
func (v *mailVisit) subscribe() error {
	s, err := v.load()
	if err != nil {
		return err
	}
	return v.plan(s.ID, s.Kind, s.Name, at(s.ID), v.page)
}

// plan keeps when something is mailed to the reader, and shows its page again where that cannot be.
func (v *mailVisit) plan(which id.ID, kind, name, here string, again func(*rhythm.Schedule, error) error) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	when := schedule(form)
	if err = form.Err(); err == nil {
		err = v.Change(access.Export, gate.Thing{Kind: kind}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry()) // Subscribe says what is done
			return report.Subscribe(tx, which, when)
		})
	}
	if fault.Is(err, fault.Invalid) {
		return again(&when, err)
	}
	if err != nil {
		return err
	}
	if when.Rhythm == rhythm.Never {
		return v.Done(here, "%s is not mailed to you.", name)
	}
	return v.Done(here, "%s is mailed to you %s.", name, when.Words(""))
}
