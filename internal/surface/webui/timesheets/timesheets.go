// Package timesheets holds the pages of the time that people spend on tickets: that of a
// ticket, with the timer, and that of a month by organization.
//
// Always true: sums are of what the reader may see; what leaves for a spreadsheet is recorded, and no
// formula in it; everything works without script.
package timesheets

import (
	"bytes"
	"crypto/rand"
	"embed"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/timesheet"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// mostShown is how many entries of a ticket are shown.
const mostShown = 200

// Pages are the pages of this group; they need the shell alone.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	if s.Records.Kinds.Kind(timesheet.Kind) == nil {
		return
	}
	s.Nav(shell.Entry{Label: "Time", Href: "/time", Icon: "hourglass", Place: 51, For: func(c *access.Caller) bool { return c.Sees(timesheet.Kind) }})
	s.Rail(shell.RailPart{Draw: beside})
	s.Manage(shell.ToContents, func(v *shell.Visit, _ map[string]int64) []ui.Item {
		k := v.Kind(timesheet.Rate)
		return []ui.Item{{Title: k.Labels, Sub: "What an hour costs, and how it is rounded", Href: shell.ListURL(k), Icon: k.Icon}}
	})
	s.Get("/tickets/{id}/time", as((*visit).ofTicket))
	s.Post("/tickets/{id}/time", as((*visit).enter))
	s.Post("/tickets/{id}/timer", as((*visit).timer))
	s.Get("/time", as((*visit).month))
	s.Get("/time/csv", as((*visit).csv))
	s.Post("/time/close", as((*visit).closing))
}

// visit is one request for a page of the group.
type visit struct{ *shell.Visit }

// as makes a handler of the shell.
func as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v}) }
}

func at(ticket id.ID) string { return "/tickets/" + ticket.String() + "/time" }

// worth says what a sum is worth, by currency.
func worth(s timesheet.Sum) string {
	var out []string
	for _, c := range slices.Sorted(maps.Keys(s.Cents)) {
		out = append(out, timesheet.Money(s.Cents[c])+" "+c)
	}
	return strings.Join(out, ", ")
}

// words says a sum in a sentence.
func words(s timesheet.Sum) string {
	said := timesheet.Spent(s.Minutes)
	if s.Counted > 0 {
		said += ", " + timesheet.Spent(s.Counted) + " billed"
	}
	if w := worth(s); w != "" {
		said += ": " + w
	}
	return said
}

// beside is the part of a ticket's rail that says what was spent on it.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if entry.FieldOf(r.Kind.Name) == "" || !v.Caller.Sees(timesheet.Kind) {
		return nil, nil
	}
	_, sum, err := timesheet.Of(tx, v.Records, r.ID, 1)
	if err != nil {
		return nil, err
	}
	t, err := timesheet.Running(tx)
	if err != nil {
		return nil, err
	}
	s := &ui.Section{Title: "Time", Icon: "hourglass", More: &ui.NavItem{Label: "Entries", Href: at(r.ID)}}
	if s.Text = "Nothing yet."; sum.Entries > 0 {
		s.Text = words(sum)
	}
	if !v.May(access.Create, v.Kind(timesheet.Kind)) || v.Caller.Scope.ReadOnly || v.Caller.Key != 0 {
		return s, nil
	}
	switch {
	case t == nil:
		s.Items = []ui.Item{{Title: "No timer runs", Icon: "clock", Action: &ui.Action{Label: "Start", Icon: "player-play", Href: "/tickets/" + r.ID.String() + "/timer", Post: true, Key: "w", Fields: []ui.Hidden{{Name: "do", Value: "start"}}}}}
	case t.Ticket == r.ID:
		s.Items = []ui.Item{{Title: "Your timer runs", Sub: timesheet.Spent(t.Minutes(tx.Now)), Icon: "clock", Action: &ui.Action{Label: "Stop", Icon: "player-pause", Href: at(r.ID), Key: "w"}}}
	default:
		names, err := v.Records.Names(tx, t.Ticket)
		if err != nil {
			return nil, err
		}
		name := names[t.Ticket]
		if name == "" {
			name = "a ticket that you do not see any more"
		}
		s.Items = []ui.Item{{Title: "Your timer runs for " + name, Sub: timesheet.Spent(t.Minutes(tx.Now)), Icon: "clock", Action: &ui.Action{Label: "Look", Href: at(t.Ticket)}}}
	}
	return s, nil
}

// ticketPage is the time of a ticket.
type ticketPage struct {
	Head  ui.Head
	Timer *ui.Form
	Drop  *ui.Action
	Form  *ui.Form
	Table ui.Table
}

// load reads the ticket of the address.
func (v *visit) load() (r *record.Record, err error) {
	rid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	err = v.View(func(tx *gate.Tx) error {
		r, err = v.Records.Get(tx, "", rid)
		if err == nil && (entry.FieldOf(r.Kind.Name) == "" || !v.Caller.Sees(timesheet.Kind)) {
			err = gate.Missing()
		}
		return err
	})
	return r, err
}

func (v *visit) ofTicket() error { return v.show(nil, nil) }

// show is the page; f and wrong are of an entry that was refused.
func (v *visit) show(f *web.Form, wrong error) error {
	r, err := v.load()
	if err != nil {
		return err
	}
	d := ticketPage{Head: ui.Head{Title: "Time", Icon: "hourglass", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID)}}}}
	k := v.Kind(timesheet.Kind)
	err = v.View(func(tx *gate.Tx) error {
		list, sum, err := timesheet.Of(tx, v.Records, r.ID, mostShown)
		if err != nil {
			return err
		}
		d.Table = ui.Table{ID: "list", Title: "Entries", Columns: []ui.Column{{Label: "What was done", Phone: "title"}, {Label: "Who", Phone: "line"}, {Label: "On", Phone: "line"}, {Label: "Worked", Phone: "line"}, {Label: "Billed", Phone: "line"}, {Label: "Worth", Phone: "line"}}}
		for _, e := range list {
			minutes, _ := e.Values["minutes"].(int64)
			counted, _ := e.Values["counted"].(int64)
			cents, _ := e.Values["amount_cents"].(int64)
			billed, value := ui.Cell{Text: "not billed"}, ui.Cell{}
			if e.Values.Bool("billable") {
				billed.Text = timesheet.Spent(counted) + " billed"
			}
			if c := e.Values.Text("currency"); c != "" && cents > 0 {
				value.Text = timesheet.Money(cents) + " " + c
			}
			d.Table.Rows = append(d.Table.Rows, ui.Row{ID: e.ID.String(), Name: e.Name, Cells: []ui.Cell{{Text: e.Name, Href: shell.RecordURL(k, e.ID)}, {Text: e.Names["person_id"]}, {Text: e.Values.Text("worked_on")}, {Text: timesheet.Spent(minutes)}, billed, value}})
		}
		if sum.Entries > 0 {
			d.Head.Sub = append(d.Head.Sub, ui.Cell{Text: words(sum)})
		} else {
			d.Table.Empty = ui.Empty{Title: "Nothing yet", Text: "Enter what was done, or let the timer run."}
		}
		if !v.May(access.Create, k) || v.Caller.Scope.ReadOnly {
			return nil
		}
		t, err := timesheet.Running(tx)
		if err != nil {
			return err
		}
		v.forms(&d, r, t, tx.Now, f, wrong)
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Time of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Time"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "ticket-time", p)
}

// forms fills the form of an entry, and that of the timer.
func (v *visit) forms(d *ticketPage, r *record.Record, t *timesheet.Timer, now int64, f *web.Form, wrong error) {
	said := func(name, usual string) string {
		if f == nil {
			return usual
		}
		return f.Text(name)
	}
	billed := f == nil || f.Bool("billable")
	if t != nil && t.Ticket == r.ID {
		d.Timer = &ui.Form{ID: "timer", Action: "/tickets/" + r.ID.String() + "/timer", Submit: "Stop and enter " + timesheet.Spent(t.Minutes(now)), Hidden: []ui.Hidden{{Name: "do", Value: "stop"}},
			Note:   "Your timer runs since " + time.UnixMilli(t.Started).UTC().Format("2 Jan 2006, 15:04") + " UTC.",
			Fields: []ui.Field{{Name: "name", Label: "What was done", Type: "text", Wide: true, Value: said("name", ""), Most: 250}, {Name: "billable", Label: "Billed", Type: "checkbox", Checked: billed}}}
		d.Drop = &ui.Action{Label: "Drop the timer", Icon: "trash", Href: d.Timer.Action, Post: true, Fields: []ui.Hidden{{Name: "do", Value: "drop"}}}
	} else if t == nil && v.Caller.Key == 0 {
		d.Drop = &ui.Action{Label: "Start the timer", Icon: "player-play", Href: "/tickets/" + r.ID.String() + "/timer", Post: true, Key: "w", Fields: []ui.Hidden{{Name: "do", Value: "start"}}}
	}
	d.Form = &ui.Form{Action: at(r.ID), Submit: "Enter", Cancel: shell.RecordURL(r.Kind, r.ID), Hidden: []ui.Hidden{{Name: "mark", Value: said("mark", rand.Text())}}, Fields: []ui.Field{
		{Name: "minutes", Label: "Minutes", Type: "number", Required: true, Min: "1", Max: "1440", Value: said("minutes", ""), Focus: t == nil},
		{Name: "worked_on", Label: "On", Type: "date", Value: said("worked_on", time.UnixMilli(now).UTC().Format("2006-01-02"))},
		{Name: "name", Label: "What was done", Type: "text", Wide: true, Value: said("name", ""), Most: 250},
		{Name: "billable", Label: "Billed", Type: "checkbox", Checked: billed},
	}}
	if wrong != nil {
		x := fault.Say(wrong)
		d.Form.Wrong(x.Text, x.Hint, x.Fields)
	}
}

// enter makes an entry.
func (v *visit) enter() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	var made *record.Record
	err = v.Change(access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) (err error) {
		if first, err := timesheet.First(tx, f.Text("mark")); err != nil || !first {
			return err
		}
		made, err = v.Records.Create(tx, timesheet.Kind, record.Values{entry.FieldOf(r.Kind.Name): r.ID, "minutes": f.Text("minutes"), "worked_on": f.Text("worked_on"), "name": f.Text("name"), "billable": f.Bool("billable")})
		return err
	})
	if shell.Refusable(err) {
		return v.show(f, err)
	}
	if err != nil {
		return err
	}
	if made == nil {
		return v.Done(at(r.ID), "This was entered already.")
	}
	minutes, _ := made.Values["minutes"].(int64)
	return v.Done(at(r.ID), "%s entered.", timesheet.Spent(minutes))
}

// timer starts, stops and drops the caller's timer.
func (v *visit) timer() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	said := ""
	err = v.Change(access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error {
		switch f.Text("do") {
		case "start":
			said = "The timer runs, also when this page is closed."
			return timesheet.Start(tx, r.ID)
		case "drop":
			said = "The timer is dropped, and nothing was entered."
			t, err := timesheet.Running(tx)
			if err != nil || t == nil || t.Ticket != r.ID {
				return err
			}
			return timesheet.Drop(tx)
		case "stop":
			made, err := timesheet.Stop(tx, v.Records, r, f.Text("name"), f.Bool("billable"))
			if said = "No timer of yours runs for this ticket."; made != nil {
				minutes, _ := made.Values["minutes"].(int64)
				said = timesheet.Spent(minutes) + " entered."
			}
			return err
		}
		return fault.Field("do", "A timer is started, stopped or dropped.")
	})
	if err != nil {
		return err
	}
	to := shell.RecordURL(r.Kind, r.ID)
	if f.Text("do") == "stop" {
		to = at(r.ID)
	}
	return v.Done(to, "%s", said)
}

// monthPage is the time of a month.
type monthPage struct {
	Head  ui.Head
	Steps []ui.NavItem
	Note  string
	Close *ui.Action
	Table ui.Table
}

// asked is the month of the address; this one when it names none.
func (v *visit) asked(said string) (string, error) {
	if said == "" {
		return v.Now().UTC().Format("2006-01"), nil
	}
	if _, err := time.Parse("2006-01", said); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "%q is no month.", said).WithHint("Say it as 2026-11.")
	}
	return said, nil
}

// month is the page of a month by organization.
func (v *visit) month() error {
	month, err := v.asked(v.R.URL.Query().Get("month"))
	if err != nil {
		return err
	}
	if !v.Caller.Sees(timesheet.Kind) {
		return gate.Missing()
	}
	begins, _ := time.Parse("2006-01", month)
	d := monthPage{Head: ui.Head{Title: "Time in " + begins.Format("January 2006"), Icon: "hourglass"}}
	for _, x := range []struct {
		label string
		by    int
	}{{"The month before", -1}, {"The month after", 1}} {
		d.Steps = append(d.Steps, ui.NavItem{Label: x.label, Href: "/time?month=" + begins.AddDate(0, x.by, 0).Format("2006-01")})
	}
	err = v.View(func(tx *gate.Tx) error {
		list, all, err := timesheet.Totals(tx, v.Records, month)
		if err != nil {
			return err
		}
		closed, err := timesheet.Closed(tx, month)
		if err != nil {
			return err
		}
		d.Table = ui.Table{ID: "list", Title: "By organization", Columns: []ui.Column{{Label: "Organization", Phone: "title"}, {Label: "Entries", Phone: "line"}, {Label: "Worked", Phone: "line"}, {Label: "Billed", Phone: "line"}, {Label: "Worth", Phone: "line"}},
			Empty: ui.Empty{Title: "Nothing was entered", Text: "Time is entered on tickets, beside what was written."}}
		export := v.Caller.May(access.Export)
		row := func(name, href, of string, s timesheet.Sum) ui.Row {
			cells := []ui.Cell{{Text: name, Href: href}, {Text: shell.Count(s.Entries, v.Kind(timesheet.Kind))}, {Text: timesheet.Spent(s.Minutes)}, {Text: timesheet.Spent(s.Counted) + " billed"}, {Text: worth(s)}}
			if export {
				cells = append(cells, ui.Cell{Text: "CSV", Href: "/time/csv?" + url.Values{"month": {month}, "organization": {of}}.Encode()})
			}
			return ui.Row{ID: of, Name: name, Cells: cells}
		}
		if export {
			d.Table.Columns = append(d.Table.Columns, ui.Column{Label: "For a spreadsheet", Phone: "line"})
		}
		for _, x := range list {
			name := x.Name
			if name == "" {
				name = "No organization"
			}
			d.Table.Rows = append(d.Table.Rows, row(name, "/organizations/"+x.Org.String(), x.Org.String(), x.Sum))
		}
		if len(list) > 0 {
			d.Head.Sub = []ui.Cell{{Text: words(all)}}
		}
		if len(list) > 0 && export {
			d.Head.Actions = []ui.Action{{Label: "CSV", Icon: "download", Href: "/time/csv?month=" + month}}
		}
		switch {
		case closed:
			d.Note = "This month is closed: its times were handed on, and administrators alone change them."
			if v.Caller.May(access.Administer) {
				d.Close = &ui.Action{Label: "Open it again", Icon: "lock-open", Href: "/time/close", Post: true, Fields: []ui.Hidden{{Name: "month", Value: month}, {Name: "on", Value: "0"}}}
			}
		case v.Caller.May(access.Configure) && month < v.Now().UTC().Format("2006-01"):
			d.Close = &ui.Action{Label: "Close the month", Icon: "lock", Href: "/time/close", Post: true, Fields: []ui.Hidden{{Name: "month", Value: month}, {Name: "on", Value: "1"}}}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Time"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("month-time", p)
}

// closing closes a month, or opens it again.
func (v *visit) closing() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	month, on := f.Text("month"), f.Bool("on")
	right, done := access.Configure, "time.close"
	if !on {
		right, done = access.Administer, "time.open"
	}
	err = v.Change(right, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Detail.Name = done, timesheet.Kind, month
		return timesheet.Close(tx, month, on)
	})
	if err != nil {
		return err
	}
	if on {
		return v.Done("/time?month="+month, "%s is closed.", month)
	}
	return v.Done("/time?month="+month, "%s is open.", month)
}

// csv gives the entries of a month for a spreadsheet, of one organization or of all; that they left is
// recorded.
func (v *visit) csv() error {
	q := v.R.URL.Query()
	month, err := v.asked(q.Get("month"))
	if err != nil {
		return err
	}
	if !v.Caller.Sees(timesheet.Kind) {
		return gate.Missing()
	}
	org, _ := id.Parse(q.Get("organization"))
	var b bytes.Buffer
	err = v.Change(access.Export, gate.Thing{Kind: timesheet.Kind}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "times of " + month + " as CSV"
		w, err := table.CreateForSpreadsheet(&b, []string{"Date", "Organization", "Ticket", "Who", "What was done", "Minutes", "Billed", "Minutes counted", "An hour", "Worth", "Currency"})
		if err != nil {
			return err
		}
		for offset := 0; ; offset += 500 {
			p, err := v.Records.List(tx, timesheet.Kind, record.Query{Org: org, Limit: 500, Offset: offset, NoTotal: true, Sort: []record.Order{{Field: "worked_on"}, {Field: "id"}}, Filters: []record.Filter{{Field: "worked_on", Op: record.Range, Values: []any{month + "-01", month + "-31"}}}})
			if err != nil {
				return err
			}
			for _, r := range p.Records {
				if err := w.Write(line(r)...); err != nil {
					return err
				}
			}
			if len(p.Records) < 500 {
				return w.Close()
			}
		}
	})
	if err != nil {
		return err
	}
	return v.CSV("time-"+month, b.Bytes())
}

// line is an entry in a spreadsheet.
func line(r *record.Record) []string {
	number := func(f string) int64 { n, _ := r.Values[f].(int64); return n }
	ticket := ""
	for _, f := range entry.Tickets() {
		if name := r.Names[f.Name]; name != "" {
			ticket = name
		}
	}
	billed := "no"
	if r.Values.Bool("billable") {
		billed = "yes"
	}
	return []string{r.Values.Text("worked_on"), r.OrgName, ticket, r.Names["person_id"], r.Name, strconv.FormatInt(number("minutes"), 10), billed, strconv.FormatInt(number("counted"), 10),
		timesheet.Money(number("hourly_cents")), timesheet.Money(number("amount_cents")), r.Values.Text("currency")}
}
