// Package routine holds work that comes round: tasks, tickets and checklists that are made
// by a calendar.
//
// Always true: of each date of a routine at most one thing is made, in the transaction that
// notes that the date is done; dates follow from the plan and the calendar alone, and not
// from when anybody looked; what is made is made with the rights that who saved the routine
// last has at that moment; when several dates were missed, the latest alone is made up for.
package routine

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/sla"
)

// Kind is the name of the kind.
const Kind = automation.Routine

// What routines make, with its kind.
const (
	Tasks     = "Task"
	Incidents = "Incident"
	Requests  = "Service request"
	Lists     = "Checklist"
)

// kinds are the kinds of what is made.
func kinds() map[string]string {
	return map[string]string{Tasks: "task", Incidents: "incident", Requests: "service_request", Lists: checklist.Kind}
}

// Feature is the kind, and which dates are done.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{routines()}, Schema: []string{
		`create table if not exists routine_next (routine_id int primary key, day int not null, at int not null)`,
		`create index if not exists routine_next_at on routine_next (at)`,
		`create table if not exists routine_done (routine_id int not null, day int not null, made_id int not null, at int not null, said text not null, primary key (routine_id, day))`,
	}, Purge: purge}
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, t := range []string{"routine_next", "routine_done"} {
		if _, err := tx.Exec(`delete from `+t+` where routine_id = ?`, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

func routines() *record.Kind {
	choice := func(name, label, group string, of []string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Choice, Choices: of, Default: of[0], Class: record.Internal, Group: group}
	}
	ref := func(name, label, kind, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Ref, Ref: kind, Class: record.Internal, Filter: true, Hint: hint}
	}
	owner := ref("owner_id", "Owner", "user", "")
	owner.Class = record.Personal
	makes := choice("makes", "Makes", "", []string{Tasks, Incidents, Requests, Lists})
	makes.List, makes.Filter = true, true
	round := choice("round", "Comes round", "When", Turns())
	round.List = true
	round.Hint = "Counted from the first day."
	calendar := ref("calendar_id", "Calendar", sla.Calendar, "Its time zone and working days. Empty: UTC, and every day is one.")
	calendar.Group = "When"
	return &record.Kind{
		Name: Kind, Plural: "routines", Label: "Routine", Labels: "Routines", Icon: "repeat", Scope: record.OfOrganization, Menu: 38, Before: before, After: after,
		Fields: []record.Field{
			{Name: "name", Label: "Subject", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true, Hint: "What is made is called so; {date} is its day."},
			{Name: "active", Label: "On", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true, Hint: "Only a person turns a routine on, and it acts with the rights of who saved it last."},
			makes, ref("contact_id", "Customer", "contact", "Of an incident or a request."), ref("team_id", "Team", "team", ""), owner, ref("template_id", "Template", checklist.TemplateKind, "Of a checklist."),
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true},
			round, {Name: "every", Label: "Every so many", Type: record.Integer, Class: record.Internal, Default: int64(1), Group: "When", Hint: "2 is every other one."},
			{Name: "first", Label: "First day", Type: record.Date, Class: record.Internal, Required: true, Group: "When"}, {Name: "until", Label: "Last day", Type: record.Date, Class: record.Internal, Group: "When"},
			{Name: "at", Label: "At", Type: record.Text, Class: record.Internal, Default: "09:00", Group: "When", Hint: "On the clock on the wall there."},
			calendar, choice("on_closed", "A day that is no working day", "When", Closed()),
			{Name: "acts_as_id", Label: "Rights of", Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true},
		},
	}
}

// PlanOf reads when a routine comes round.
func PlanOf(tx *gate.Tx, r *record.Record) (Plan, error) {
	p := Plan{Round: r.Values.Text("round"), OnClosed: r.Values.Text("on_closed"), Every: 1}
	if n, ok := r.Values["every"].(int64); ok {
		p.Every = int(n)
	}
	var err error
	if p.Minute, err = minute(r.Values.Text("at")); err != nil {
		return p, err
	}
	day := func(name string) (worktime.Day, bool) {
		t, err := time.Parse(time.DateOnly, r.Values.Text(name))
		return worktime.DayOf(t), err == nil
	}
	p.First, _ = day("first")
	p.Until, p.Ends = day("until")
	if n := r.Values.ID("calendar_id"); n != 0 {
		c, err := r.Kind.Engine().Get(tx, sla.Calendar, n)
		if err != nil {
			return p, err
		}
		if p.Hours, err = sla.HoursOf(c); err != nil {
			return p, err
		}
	}
	return p, nil
}

// before completes a routine, gives it the rights of who saves it, and refuses one that
// never comes round.
func before(tx *gate.Tx, now, old *record.Record) error {
	if now.Values["at"] == nil {
		now.Values["at"] = "09:00"
	}
	if n, ok := now.Values["every"].(int64); ok && (n < 1 || n > 100) {
		return fault.Field("every", "Give a number from 1 to 100.")
	}
	makes := now.Values.Text("makes")
	if (makes == Incidents || makes == Requests) && now.Values.ID("contact_id") == 0 {
		return fault.Field("contact_id", "Say for which customer it is.")
	}
	if now.Values["first"] == nil {
		return nil // which is said
	}
	p, err := PlanOf(tx, now)
	if err != nil {
		return err
	}
	if list, err := p.Next(p.First-1, 1); err != nil || len(list) == 0 {
		if err == nil {
			err = fault.Field("until", "It never comes round so.")
		}
		return err
	}
	return automation.Made(tx, now, old, func(old, now *record.Record) bool { return old.Version == now.Version && sameValues(old, now) })
}

func sameValues(old, now *record.Record) bool {
	for i := range now.Kind.Fields {
		if f := now.Kind.Fields[i].Name; f != "acts_as_id" && old.Values[f] != now.Values[f] {
			return false
		}
	}
	return old.Name == now.Name && old.Org == now.Org && old.Archived == now.Archived
}

// after keeps when the routine comes round next: a new plan looks ahead, and not at what
// lies behind.
func after(tx *gate.Tx, now, _ *record.Record) error {
	if _, err := tx.Exec(`delete from routine_next where routine_id = ?`, int64(now.ID)); err != nil {
		return err
	}
	if !now.Values.Bool("active") || now.Archived || now.Trashed != 0 {
		return nil
	}
	list, err := Ahead(tx, now, 1)
	if err != nil || len(list) == 0 {
		return err
	}
	return keep(tx, now.ID, list[0])
}

func keep(tx *gate.Tx, routine id.ID, d Date) error {
	_, err := tx.Exec(`insert into routine_next (routine_id, day, at) values (?, ?, ?)`, int64(routine), int64(d.Day), d.At.UnixMilli())
	return err
}

// Ahead gives the dates of a routine that lie ahead.
func Ahead(tx *gate.Tx, r *record.Record, most int) ([]Date, error) {
	p, err := PlanOf(tx, r)
	if err != nil {
		return nil, err
	}
	now := time.UnixMilli(tx.Now)
	list, err := p.Next(worktime.DayOf(now.In(p.zone()))-farthest-1, most+2*farthest)
	var out []Date
	for _, d := range list {
		if d.At.After(now) && len(out) < most {
			out = append(out, d)
		}
	}
	return out, err
}

// Done is a date of a routine that is done.
type Done struct {
	Day  worktime.Day
	Made id.ID // 0 for nothing
	At   int64 // Unix milliseconds
	Said string
}

// DoneOf lists the dates of a routine that are done, the latest first.
func DoneOf(tx *gate.Tx, routine id.ID, most int) ([]Done, error) {
	rows, err := tx.Query(`select day, made_id, at, said from routine_done where routine_id = ? order by day desc limit ?`, int64(routine), most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Done
	for rows.Next() {
		var d Done
		var day, made int64
		if err := rows.Scan(&day, &made, &d.At, &d.Said); err != nil {
			return nil, err
		}
		d.Day, d.Made = worktime.Day(day), id.ID(made)
		out = append(out, d)
	}
	return out, rows.Err()
}

// Rounds gives the next dates of a routine and the last ones, the latest of them first.
func Rounds(tx *gate.Tx, r *record.Record) ([]automation.Round, error) {
	var out []automation.Round
	if r.Values.Bool("active") && !r.Archived {
		list, err := Ahead(tx, r, 8)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			x := automation.Round{At: d.At.UnixMilli(), Day: d.At.Format("Mon 2 Jan 2006, 15:04 MST"), Ahead: true}
			if worktime.DayOf(d.At) != d.Day {
				x.Said = "Moved from " + d.Day.String() + "."
			}
			out = append(out, x)
		}
	}
	past, err := DoneOf(tx, r.ID, 8)
	for _, d := range past {
		out = append(out, automation.Round{At: d.At, Day: d.Day.String(), Made: d.Made, Said: d.Said})
	}
	return out, err
}

// Clock makes what is due. Fill the fields.
type Clock struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// Run makes what is due in a tenant. A schedule calls it; it bears repetition, and to be
// broken off.
func (c *Clock) Run(ctx context.Context, tenant string) error {
	if c.Records.Kinds.Kind(Kind) == nil {
		return nil
	}
	var due []id.ID
	err := c.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) {
		due, err = tx.IDs(`select routine_id from routine_next where at <= ? order by at, routine_id`, tx.Now)
		return err
	})
	if err != nil {
		return err
	}
	var failed []error
	for _, n := range due {
		failed = append(failed, c.one(ctx, tenant, n))
	}
	return errors.Join(failed...)
}

// one makes what is due of one routine; what is refused is noted, and the date is done.
func (c *Clock) one(ctx context.Context, tenant string, routine id.ID) error {
	var caller *access.Caller
	var said string
	err := c.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		r, err := c.Records.Get(tx, Kind, routine)
		if err != nil {
			return err
		}
		caller, said, err = automation.Acting(tx, r.ID, "Routine: "+r.Name, r.Values.ID("acts_as_id"))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil // it is in the trash, and comes round when it is back
	}
	if err != nil {
		return err
	}
	if caller != nil {
		err = c.Gate.Change(ctx, caller, access.View, gate.Thing{ID: routine}, func(tx *gate.Tx) error { return c.make(tx, routine, "") })
		switch k := fault.Of(err); {
		case err == nil || ctx.Err() != nil || k == fault.Internal || k == fault.Unavailable || k == fault.Conflict:
			return err
		}
		said = fault.Say(err).Text
	}
	return c.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return c.make(tx, routine, said)
	})
}

// make makes what a routine is to make now, unless said tells why not, and keeps when it comes
// round next.
func (c *Clock) make(tx *gate.Tx, routine id.ID, said string) error {
	var first, at int64
	err := tx.QueryRow(`select day, at from routine_next where routine_id = ? and at <= ?`, int64(routine), tx.Now).Scan(&first, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // another process was first
	}
	if err != nil {
		return err
	}
	r, err := c.Records.Get(tx, Kind, routine)
	if err != nil {
		return err
	}
	p, err := PlanOf(tx, r)
	if err != nil {
		return err
	}
	due := Date{worktime.Day(first), time.UnixMilli(at)}
	var next *Date
	for next == nil {
		list, err := p.Next(due.Day, 1)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		if list[0].At.UnixMilli() > tx.Now {
			next = &list[0]
			break
		}
		if err := done(tx, routine, due.Day, 0, "It was missed, and a later one was made."); err != nil {
			return err
		}
		due = list[0]
	}
	if _, err := tx.Exec(`delete from routine_next where routine_id = ?`, int64(routine)); err != nil {
		return err
	}
	if next != nil {
		if err := keep(tx, routine, *next); err != nil {
			return err
		}
	}
	var have int
	if err := tx.QueryRow(`select count(*) from routine_done where routine_id = ? and day = ?`, int64(routine), int64(due.Day)).Scan(&have); err != nil || have > 0 {
		return err
	}
	made := id.ID(0)
	if said == "" {
		if made, err = c.work(tx, r, due); err != nil {
			return err
		}
	}
	return done(tx, routine, due.Day, made, said)
}

func done(tx *gate.Tx, routine id.ID, day worktime.Day, made id.ID, said string) error {
	_, err := tx.Exec(`insert into routine_done (routine_id, day, made_id, at, said) values (?, ?, ?, ?, ?) on conflict do nothing`, int64(routine), int64(day), int64(made), tx.Now, said)
	return err
}

// work makes the task, ticket or checklist of a date.
func (c *Clock) work(tx *gate.Tx, r *record.Record, d Date) (id.ID, error) {
	k := c.Records.Kinds.Kind(kinds()[r.Values.Text("makes")])
	if k == nil {
		return 0, fault.New(fault.Invalid, "A routine does not know how to make this.")
	}
	day := d.At.Format(time.DateOnly)
	v := record.Values{"organization_id": r.Org, "name": strings.ReplaceAll(r.Name, "{date}", day)}
	for from, to := range map[string]string{"contact_id": "contact_id", "team_id": "team_id", "owner_id": "owner_id", "description": "description", "template_id": checklist.OfTemplate} {
		if k.Field(to) != nil && r.Values[from] != nil {
			v[to] = r.Values[from]
		}
	}
	if k.Name == checklist.Kind {
		v["assignee_id"], v["due_date"] = r.Values["owner_id"], day
	}
	if k.Field("target_date") != nil {
		v["target_date"] = day
	}
	made, err := c.Records.Create(tx, k.Name, v)
	if err != nil {
		return 0, err
	}
	if k.Name == checklist.Kind {
		err = checklist.Fill(tx, c.Records, made)
	}
	return made.ID, err
}
