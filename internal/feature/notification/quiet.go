package notification

import (
	"database/sql"
	"errors"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Quiet is when somebody wants nothing to leave the house for her that can wait: from a time
// of the clock on the wall until another, in her time zone. What is urgent goes out all the
// same, and in Strongroom everything stands at once.
type Quiet struct {
	Zone        string
	From, Until int // minutes of the day; from 22:00 until 07:00 goes over midnight
}

// ParseQuiet reads quiet hours as people write them; nil for none. Fault kind Invalid.
func ParseQuiet(zone, from, until string) (*Quiet, error) {
	zone, from, until = strings.TrimSpace(zone), strings.TrimSpace(from), strings.TrimSpace(until)
	if from == "" && until == "" {
		return nil, nil
	}
	q := &Quiet{Zone: zone}
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return nil, fault.Field("zone", "There is no time zone %q.", zone).WithHint("Write it as Europe/Berlin or America/New_York.")
	}
	for name, x := range map[string]struct {
		text string
		into *int
	}{"from": {from, &q.From}, "until": {until, &q.Until}} {
		t, err := time.Parse("15:04", x.text)
		if err != nil {
			return nil, fault.Field(name, "Give a time of the day, such as 22:00.")
		}
		*x.into = t.Hour()*60 + t.Minute()
	}
	if q.From == q.Until {
		return nil, fault.Field("until", "These hours would never end.")
	}
	return q, nil
}

// Ends is when quiet hours end that an instant is in; the instant itself when it is in none.
func (q *Quiet) Ends(now time.Time) time.Time {
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return now // the zone is not known any more: nothing waits
	}
	t := now.In(zone)
	m := t.Hour()*60 + t.Minute()
	within := q.From <= m && m < q.Until
	if q.Until < q.From {
		within = m >= q.From || m < q.Until
	}
	if !within {
		return now
	}
	end := time.Date(t.Year(), t.Month(), t.Day(), q.Until/60, q.Until%60, 0, 0, zone)
	if !end.After(now) {
		end = time.Date(t.Year(), t.Month(), t.Day()+1, q.Until/60, q.Until%60, 0, 0, zone)
	}
	return end
}

// QuietOf are the caller's quiet hours; nil for none.
func QuietOf(tx *gate.Tx) (*Quiet, error) {
	q := &Quiet{}
	err := tx.QueryRow(`select zone, from_minute, until_minute from notification_quiet where user_id = ?`, int64(tx.Caller.User)).Scan(&q.Zone, &q.From, &q.Until)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return q, err
}

// SetQuiet keeps the caller's quiet hours; nil ends them.
func SetQuiet(tx *gate.Tx, q *Quiet) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people are told of things.")
	}
	if q == nil {
		_, err := tx.Exec(`delete from notification_quiet where user_id = ?`, int64(tx.Caller.User))
		return err
	}
	_, err := tx.Exec(`insert into notification_quiet (user_id, zone, from_minute, until_minute) values (?, ?, ?, ?)
		on conflict (user_id) do update set zone = excluded.zone, from_minute = excluded.from_minute, until_minute = excluded.until_minute`, int64(tx.Caller.User), q.Zone, q.From, q.Until)
	return err
}

// leave is when a notice may leave the house, and whether with others.
type leave struct {
	at     int64 // Unix milliseconds
	digest bool
}

// leaves says when a notice of a topic may leave the house for each of some people: what can
// wait with her next digest, and not in her quiet hours.
func leaves(tx *gate.Tx, t Topic, people []id.ID) (func(id.ID) leave, error) {
	hours, together := map[id.ID]*Quiet{}, map[id.ID]*Digest{}
	if !t.Urgent {
		var err error
		if together, err = digests(tx, people); err != nil {
			return nil, err
		}
		if hours, err = quiets(tx, people); err != nil {
			return nil, err
		}
	}
	return func(u id.ID) leave {
		at, d := time.UnixMilli(tx.Now), together[u]
		if d != nil {
			at = d.Next(at)
		}
		if q := hours[u]; q != nil {
			at = q.Ends(at)
		}
		return leave{at.UnixMilli(), d != nil}
	}, nil
}

// quiets are the quiet hours of some people, with one statement.
func quiets(tx *gate.Tx, people []id.ID) (map[id.ID]*Quiet, error) {
	rows, err := tx.Query(`select user_id, zone, from_minute, until_minute from notification_quiet where user_id in (`+access.Marks(len(people))+`)`, access.Args(people)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID]*Quiet{}
	for rows.Next() {
		var u int64
		q := &Quiet{}
		if err := rows.Scan(&u, &q.Zone, &q.From, &q.Until); err != nil {
			return nil, err
		}
		out[id.ID(u)] = q
	}
	return out, rows.Err()
}
