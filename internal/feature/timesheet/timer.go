package timesheet

import (
	"database/sql"
	"errors"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
)

// Timer is the one of a person that runs.
type Timer struct {
	Ticket  id.ID
	Started int64 // Unix milliseconds
}

// Minutes that it ran: begun ones count, and an entry holds a day at most.
func (t Timer) Minutes(now int64) int64 {
	return min(max(1, (now-t.Started+time.Minute.Milliseconds()-1)/time.Minute.Milliseconds()), mostMinutes)
}

// Running gives the caller's timer; nil when none runs.
func Running(tx *gate.Tx) (*Timer, error) {
	var t Timer
	var n int64
	err := tx.QueryRow(`select ticket_id, started_at from time_timer where user_id = ?`, int64(tx.Caller.User)).Scan(&n, &t.Started)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	t.Ticket = id.ID(n)
	return &t, err
}

// Start lets the caller's timer run for a ticket that she may see. One that runs for it goes on; one that
// runs for another is refused, so that no time is lost.
func Start(tx *gate.Tx, ticket id.ID) error {
	if !isPerson(tx) {
		return fault.New(fault.Denied, "Timers are people's.").WithHint("Enter the minutes.")
	}
	if _, err := tx.Allow(access.View, gate.Thing{ID: ticket}); err != nil {
		return err
	}
	if err := tx.Check(access.Create, gate.Thing{Kind: Kind}); err != nil {
		return err
	}
	t, err := Running(tx)
	if err != nil || t != nil && t.Ticket == ticket {
		return err
	}
	if t != nil {
		return fault.New(fault.Conflict, "Your timer runs for another ticket.").WithHint("Stop it there first: one runs at a time.")
	}
	_, err = tx.Exec(`insert into time_timer (user_id, ticket_id, started_at) values (?, ?, ?) on conflict (user_id) do nothing`, int64(tx.Caller.User), int64(ticket), tx.Now)
	return err
}

// Drop ends the caller's timer without an entry.
func Drop(tx *gate.Tx) error {
	_, err := tx.Exec(`delete from time_timer where user_id = ?`, int64(tx.Caller.User))
	return err
}

// Stop ends the caller's timer with an entry of the time that it ran; nil when none runs for the ticket.
func Stop(tx *gate.Tx, e *record.Engine, ticket *record.Record, note string, billable bool) (*record.Record, error) {
	t, err := Running(tx)
	if err != nil || t == nil || t.Ticket != ticket.ID {
		return nil, err
	}
	made, err := e.Create(tx, Kind, record.Values{entry.FieldOf(ticket.Kind.Name): ticket.ID, "name": note, "minutes": t.Minutes(tx.Now), "billable": billable})
	if err != nil {
		return nil, err
	}
	return made, Drop(tx)
}

// Closed tells whether the times of a month are closed.
func Closed(tx *gate.Tx, month string) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from time_period where month = ?`, month).Scan(&n)
	return n > 0, err
}

// Close closes a month, or opens it again, for who manages the tenant's lists; to open one takes an
// administrator.
func Close(tx *gate.Tx, month string, on bool) error {
	if _, err := time.Parse("2006-01", month); err != nil {
		return fault.Wrap(err, fault.Invalid, "%q is no month.", month).WithHint("Say it as 2026-11.")
	}
	if !on {
		if !tx.Caller.May(access.Administer) {
			return fault.New(fault.Denied, "Only administrators open a month again.")
		}
		_, err := tx.Exec(`delete from time_period where month = ?`, month)
		return err
	}
	if !tx.Caller.May(access.Configure) {
		return fault.New(fault.Denied, "Only who manages the tenant's lists closes a month.").WithHint("Ask a manager.")
	}
	if month >= day(tx.Now)[:7] {
		return fault.New(fault.Invalid, "%s is not over yet.", month).WithHint("A month is closed once it is over.")
	}
	_, err := tx.Exec(`insert into time_period (month, closed_at, closed_by) values (?, ?, ?) on conflict (month) do nothing`, month, tx.Now, int64(tx.Caller.User))
	return err
}

// marksKept is how long a form may be sent again without a second entry.
const marksKept = 24 * time.Hour

// First tells whether a form with a mark is sent by the caller for the first time, so that a second click
// enters nothing. One without a mark always is.
func First(tx *gate.Tx, mark string) (bool, error) {
	if mark == "" {
		return true, nil
	}
	if len(mark) > 64 {
		mark = mark[:64]
	}
	if _, err := tx.Exec(`delete from time_sent where at < ?`, tx.Now-marksKept.Milliseconds()); err != nil {
		return false, err
	}
	n, err := tx.Exec(`insert into time_sent (user_id, mark, at) values (?, ?, ?) on conflict (user_id, mark) do nothing`, int64(tx.Caller.User), mark, tx.Now)
	return n > 0, err
}
