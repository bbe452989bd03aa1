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

// Digest is that somebody wants what can wait together: once an hour, or once a day at a time
// of the clock on the wall in her time zone.
type Digest struct {
	Zone   string
	Daily  bool
	Minute int // of the day, of a daily one
}

// How often, as people choose it; anything else is at once.
const (
	Hourly = "hourly"
	Daily  = "daily"
)

// ParseDigest reads what people choose; nil for at once. Fault kind Invalid.
func ParseDigest(every, at, zone string) (*Digest, error) {
	d := &Digest{Zone: strings.TrimSpace(zone), Daily: every == Daily}
	switch every {
	case "":
		return nil, nil
	case Hourly, Daily:
	default:
		return nil, fault.Field("every", "It comes at once, once an hour, or once a day.")
	}
	if _, err := time.LoadLocation(d.Zone); err != nil || d.Zone == "" || d.Zone == "Local" {
		return nil, fault.Field("zone", "There is no time zone %q.", zone).WithHint("Write it as Europe/Berlin or America/New_York.")
	}
	if d.Daily {
		t, err := time.Parse("15:04", strings.TrimSpace(at))
		if err != nil {
			return nil, fault.Field("at", "Give a time of the day, such as 08:00.")
		}
		d.Minute = t.Hour()*60 + t.Minute()
	}
	return d, nil
}

// Next is when what happens now leaves: at the next full hour, or when the clock next shows
// the time of the day.
func (d *Digest) Next(now time.Time) time.Time {
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		return now // the zone is not known any more: nothing waits
	}
	t := now.In(zone)
	if !d.Daily {
		past := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
		return t.Add(time.Hour - past)
	}
	for day := t.Day(); ; day++ {
		if at := time.Date(t.Year(), t.Month(), day, d.Minute/60, d.Minute%60, 0, 0, zone); at.After(now) {
			return at
		}
	}
}

// DigestOf is what the caller has chosen; nil for at once.
func DigestOf(tx *gate.Tx) (*Digest, error) {
	d := &Digest{}
	err := tx.QueryRow(`select zone, daily, at_minute from notification_digest where user_id = ?`, int64(tx.Caller.User)).Scan(&d.Zone, &d.Daily, &d.Minute)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return d, err
}

// SetDigest keeps what the caller chooses; nil is at once.
func SetDigest(tx *gate.Tx, d *Digest) error {
	if tx.Caller.User == 0 {
		return fault.New(fault.Denied, "Only people are told of things.")
	}
	if d == nil {
		_, err := tx.Exec(`delete from notification_digest where user_id = ?`, int64(tx.Caller.User))
		return err
	}
	_, err := tx.Exec(`insert into notification_digest (user_id, zone, daily, at_minute) values (?, ?, ?, ?)
		on conflict (user_id) do update set zone = excluded.zone, daily = excluded.daily, at_minute = excluded.at_minute`, int64(tx.Caller.User), d.Zone, d.Daily, d.Minute)
	return err
}

// digests are those of some people, with one statement.
func digests(tx *gate.Tx, people []id.ID) (map[id.ID]*Digest, error) {
	rows, err := tx.Query(`select user_id, zone, daily, at_minute from notification_digest where user_id in (`+access.Marks(len(people))+`)`, access.Args(people)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID]*Digest{}
	for rows.Next() {
		var u int64
		d := &Digest{}
		if err := rows.Scan(&u, &d.Zone, &d.Daily, &d.Minute); err != nil {
			return nil, err
		}
		out[id.ID(u)] = d
	}
	return out, rows.Err()
}

// mostTogether is how many notices one digest has at the most; what is more comes with the
// next message.
const mostTogether = 200

// together takes what waits for somebody to leave with a digest, the oldest first, out of what
// waits, as far as she may still be told of it and has not read it.
func together(tx *gate.Tx, w waiting) ([]*Line, error) {
	waits, err := tx.IDs(`select notification_id from notification_out where channel = ? and user_id = ? and digest = 1 and at <= ? order by notification_id limit ?`, w.channel, int64(w.user), tx.Now, mostTogether)
	if err != nil || len(waits) == 0 {
		return nil, err
	}
	var out []*Line
	for _, n := range waits {
		l, err := leaving(tx, waiting{channel: w.channel, notice: n, user: w.user, at: w.at})
		if err != nil {
			return nil, err
		}
		if l != nil {
			out = append(out, l)
		}
	}
	return out, nil
}
