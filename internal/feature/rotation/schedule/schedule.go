// Package schedule says when passwords are changed at their systems by themselves; keeper
// does it.
//
// Always true: a plan is carried out by the rights of who made it, as they are when it is
// done; the nearest plan holds.
package schedule

import (
	"fmt"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
)

// The actions of the audit entries.
const (
	Chosen  = "rotation.schedule"
	Removed = "rotation.no-schedule"
)

const (
	day       = 24 * 60
	narrowest = 30 // minutes of a window: a dry run and a change fit into it
	longest   = 3650
)

// Feature is the table of schedules.
func Feature() record.Feature {
	return record.Feature{Name: "schedule", Purge: purge, Schema: []string{
		`create table if not exists rotation_schedule (record_id id primary key, days int not null, from_minute int not null, until_minute int not null, after_checkin int not null, by_id int not null, set_at int not null)`,
	}}
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from rotation_schedule where record_id = ? or by_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// Plan says when a password is changed by itself: one of its own, or that of the nearest
// folder above it that has one.
type Plan struct {
	Record      id.ID // the password or folder that has it
	Days        int   // every so many days; 0 is not by age
	From, Until int   // minutes of the day in UTC between which it is; the same is all day
	After       bool  // also once a check-out has ended
	By          id.ID // by whose rights
	ByName      string
	At          int64 // when it was said, Unix milliseconds
}

// Within tells whether a minute of the day lies in the window, which may go over midnight.
func (p *Plan) Within(minute int) bool {
	switch {
	case p.From == p.Until:
		return true
	case p.From < p.Until:
		return p.From <= minute && minute < p.Until
	}
	return minute >= p.From || minute < p.Until
}

// Set gives a password or a folder a plan, which is carried out by the rights of the caller.
// Managers and administrators may, who may see the passwords. Fault kinds: Denied, NotFound,
// Invalid with fields.
func Set(tx *gate.Tx, kind string, rec id.ID, p Plan) error {
	e, err := may(tx, kind, rec)
	if err != nil {
		return err
	}
	bad := map[string]string{}
	if p.Days < 0 || p.Days > longest || p.Days == 0 && !p.After {
		bad["every"] = fmt.Sprintf("Choose a number of days from 1 to %d.", longest)
	}
	if p.From < 0 || p.From >= day || p.Until < 0 || p.Until >= day {
		bad["from"] = "Enter a time such as 02:00."
	} else if n := (p.Until - p.From + day) % day; n != 0 && n < narrowest {
		bad["until"] = fmt.Sprintf("Leave at least %d minutes, for a dry run and a change.", narrowest)
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	e.Action, e.Detail.Text = Chosen, p.Words()
	_, err = tx.Exec(`insert into rotation_schedule (record_id, days, from_minute, until_minute, after_checkin, by_id, set_at) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (record_id) do update set days = excluded.days, from_minute = excluded.from_minute, until_minute = excluded.until_minute, after_checkin = excluded.after_checkin, by_id = excluded.by_id, set_at = excluded.set_at`,
		int64(rec), p.Days, p.From, p.Until, p.After, int64(tx.Caller.User), tx.Now)
	return err
}

// Words says a plan in words.
func (p *Plan) Words() string {
	text := ""
	if p.Days > 0 {
		text = fmt.Sprintf("every %d days", p.Days)
		if p.From != p.Until {
			text += fmt.Sprintf(" between %02d:%02d and %02d:%02d UTC", p.From/60, p.From%60, p.Until/60, p.Until%60)
		}
	}
	if p.After {
		if text != "" {
			text += ", and "
		}
		text += "after each check-out"
	}
	return text
}

// Remove takes a plan away: that of a folder above holds.
func Remove(tx *gate.Tx, kind string, rec id.ID) error {
	e, err := may(tx, kind, rec)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`delete from rotation_schedule where record_id = ?`, int64(rec))
	if e.Action = Removed; n == 0 {
		tx.Withdraw(e)
	}
	return err
}

func may(tx *gate.Tx, kind string, rec id.ID) (*audit.Entry, error) {
	if tx.Caller.User == 0 || tx.Caller.Key != 0 {
		return nil, fault.New(fault.Denied, "Who has passwords changed by themselves says so in person.").WithHint("Sign in to do this.")
	}
	e, err := demand.Decider(tx, kind, rec)
	if err == nil {
		err = tx.Check(access.Reveal, gate.Thing{Kind: kind, ID: rec})
	}
	return e, err
}

// Of gives the plan that holds for a password or folder; nil for none. The caller of it has
// been allowed to see the record.
func Of(tx *gate.Tx, kind string, rec id.ID) (*Plan, error) {
	all, err := Every(tx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	chain, err := filed.Above(tx, kind, rec)
	for _, at := range append([]id.ID{rec}, chain...) {
		if p := all[at]; p != nil {
			return p, err
		}
	}
	return nil, err
}

// Every gives all plans of the tenant, by what has them: they are few.
func Every(tx *gate.Tx) (map[id.ID]*Plan, error) {
	rows, err := tx.Query(`select s.record_id, s.days, s.from_minute, s.until_minute, s.after_checkin, s.by_id, s.set_at, coalesce(u.name, '') from rotation_schedule s left join record u on u.id = s.by_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID]*Plan{}
	for rows.Next() {
		p := &Plan{}
		var rec, by int64
		if err := rows.Scan(&rec, &p.Days, &p.From, &p.Until, &p.After, &by, &p.At, &p.ByName); err != nil {
			return nil, err
		}
		p.Record, p.By = id.ID(rec), id.ID(by)
		out[p.Record] = p
	}
	return out, rows.Err()
}
