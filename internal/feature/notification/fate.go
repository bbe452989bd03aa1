package notification

import (
	"strconv"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// What can become of a notice by one channel.
const (
	Waits   = "waits"   // until At
	Given   = "given"   // handed over to the channel
	Arrived = "sent"    // the other side has taken it
	Failed  = "failed"  // it was refused, or for too long; Said tells
	Dropped = "dropped" // it was read, hidden or no news any more before it left
)

// Fate is what became of a notice by one channel.
type Fate struct {
	Channel string
	State   string
	At      int64 // Unix milliseconds
	Said    string
}

func fate(tx *gate.Tx, notice id.ID, channel, state string, at int64, said string) error {
	_, err := tx.Exec(`insert into notification_fate (notification_id, channel, state, at, said) values (?, ?, ?, ?, ?)
		on conflict (notification_id, channel) do update set state = excluded.state, at = excluded.at, said = excluded.said`, int64(notice), channel, state, at, said)
	return err
}

// Note writes down what became of notices by a channel that has taken them over: Arrived, Failed
// or Dropped. One that is gone meanwhile is passed over.
func Note(tx *gate.Tx, channel, state, said string, notices ...id.ID) error {
	for _, n := range notices {
		if _, err := tx.Exec(`update notification_fate set state = ?, at = ?, said = ? where notification_id = ? and channel = ?`, state, tx.Now, said, int64(n), channel); err != nil {
			return err
		}
	}
	return nil
}

// Still gives those of some notices that a person still is to be told of, the oldest first: she
// has not read them, and they are about nothing that is hidden from the caller, whom tx has to
// be of.
func Still(tx *gate.Tx, user id.ID, notices ...id.ID) ([]*Line, error) {
	var out []*Line
	for _, n := range notices {
		where, args := visible(tx, user)
		p, err := list(tx, Query{ID: n, Unread: true, Limit: 1}, where, args)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Lines...)
	}
	return out, nil
}

// Told lists the caller's notices, the newest first, also those that are not in the list of the
// app, and by the id of each what became of it by every channel.
func Told(tx *gate.Tx, q Query) (*Page, map[id.ID][]Fate, error) {
	where, args := visible(tx, tx.Caller.User)
	p, err := list(tx, q, where, args)
	if err != nil || len(p.Lines) == 0 {
		return p, nil, err
	}
	ids := make([]id.ID, len(p.Lines))
	for i, l := range p.Lines {
		ids[i] = l.ID
	}
	rows, err := tx.Query(`select notification_id, channel, state, at, said from notification_fate where notification_id in (`+access.Marks(len(ids))+`) order by channel limit `+strconv.Itoa(16*len(ids)), access.Args(ids)...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	out := map[id.ID][]Fate{}
	for rows.Next() {
		var n int64
		var f Fate
		if err := rows.Scan(&n, &f.Channel, &f.State, &f.At, &f.Said); err != nil {
			return nil, nil, err
		}
		out[id.ID(n)] = append(out[id.ID(n)], f)
	}
	return p, out, rows.Err()
}

// Open has a person told by a channel of her own too, Shut no more: what waits for it goes.
func Open(tx *gate.Tx, user id.ID, channel string) error {
	_, err := tx.Exec(`insert into notification_channel (user_id, channel) values (?, ?) on conflict (user_id, channel) do nothing`, int64(user), channel)
	return err
}

// Shut ends what Open began.
func Shut(tx *gate.Tx, user id.ID, channel string) error {
	if _, err := tx.Exec(`delete from notification_channel where user_id = ? and channel = ?`, int64(user), channel); err != nil {
		return err
	}
	if _, err := tx.Exec(`update notification_fate set state = ?, at = ? where channel = ? and notification_id in (select notification_id from notification_out where user_id = ? and channel = ?)`, Dropped, tx.Now, channel, int64(user), channel); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from notification_out where user_id = ? and channel = ?`, int64(user), channel)
	return err
}

// opened are the channels of their own that people have, with one statement.
func opened(tx *gate.Tx, people ...id.ID) (map[id.ID][]string, error) {
	rows, err := tx.Query(`select user_id, channel from notification_channel where user_id in (`+access.Marks(len(people))+`) order by channel`, access.Args(people)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID][]string{}
	for rows.Next() {
		var u int64
		var ch string
		if err := rows.Scan(&u, &ch); err != nil {
			return nil, err
		}
		out[id.ID(u)] = append(out[id.ID(u)], ch)
	}
	return out, rows.Err()
}
