// Package breaker stops who reveals unusually many different secrets.
//
// Always true: what counts are records whose secrets were shown, each once, to one
// person in all sessions or to one API key, within a window of time; when a limit is
// reached, that is in the audit log, and administrators are told, in the transaction of
// the reveal that reached it; from then on until a time that the refusal names nothing
// is shown to that person or key, also after a restart. Exports are counted apart: they
// need the right to export, and the key service has a budget for them.
package breaker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
)

// The actions of the audit entries.
const (
	Opened  = "reveal.stopped"    // a limit was reached
	Closed  = "reveal.resumed"    // an administrator lets somebody go on before the time
	Changed = "reveal.limits"     // somebody changed the limits
	topic   = "breaker"           // of notices
	Budget  = "reveal.budget"     // a budget of the key service is used up
	limited = "/settings/reveals" // where administrators see who is stopped
)

// Feature is the tables of the breaker.
func Feature() record.Feature {
	return record.Feature{Name: "breaker", Schema: []string{
		`create table if not exists reveal_limit (one int primary key check (one = 1), people int not null, keys int not null, span int not null, pause int not null)`,
		`create table if not exists reveal_breaker (user_id int not null, key_id int not null, session text not null, name text not null, opened_at int not null, until int not null, n int not null,
			primary key (user_id, key_id))`,
	}, Purge: purge}
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from reveal_breaker where user_id = ?`, int64(r.ID))
	return err
}

// Limits are how many records' secrets may be shown. 0 is no limit.
type Limits struct {
	People int           // to one person; 500 when nothing was set
	Keys   int           // to one API key; 20,000
	Window time.Duration // within this time; a day
	Pause  time.Duration // how long somebody is stopped; an hour
}

func usual() Limits {
	return Limits{People: 500, Keys: 20_000, Window: 24 * time.Hour, Pause: time.Hour}
}

func (l Limits) check() error {
	bad := map[string]string{}
	for name, n := range map[string]int{"people": l.People, "keys": l.Keys} {
		if n < 0 || n > 1_000_000 {
			bad[name] = "This is between 0, for no limit, and 1,000,000."
		}
	}
	if l.Window < time.Minute || l.Window > 30*24*time.Hour {
		bad["window"] = "This is between a minute and 30 days."
	}
	if l.Pause < time.Minute || l.Pause > 30*24*time.Hour {
		bad["pause"] = "This is between a minute and 30 days."
	}
	return fault.Fields(bad)
}

// Stopped is somebody to whom nothing is shown for a while.
type Stopped struct {
	User  id.ID
	Key   id.ID // 0 for the person herself
	Name  string
	Since int64 // Unix milliseconds
	Until int64
	Count int // records
}

// Breaker counts. The zero value works and is safe for concurrent use.
type Breaker struct {
	mu   sync.Mutex
	seen map[subject]*shown
}

// subject is one that is counted.
type subject struct {
	tenant    string
	user, key id.ID
}

// shown are the records whose secrets were shown to a subject, by the time of the
// last one.
type shown struct {
	last  map[id.ID]int64
	order []one // by time; those that last knows a later time of do not count
}

type one struct {
	record id.ID
	at     int64
}

// subjects is how many are remembered before those that nothing was shown to of late
// are forgotten.
const subjects = 10_000

// Policy is a policy of secret.Revealer: the last of them, so that only what the
// others allow is counted.
func (b *Breaker) Policy(tx *gate.Tx, ref secret.Ref, _ *audit.Entry) error {
	s := subject{tx.Tenant.ID, tx.Caller.User, tx.Caller.Key}
	if s.user == 0 && s.key == 0 || tx.Entry().Action == string(access.Export) {
		return nil
	}
	l, until, err := state(tx, s)
	if err != nil {
		return err
	}
	if until > tx.Now {
		return fault.New(fault.Denied, "Unusually many secrets were opened here. Until %s no more are shown.", clock(until)).
			WithHint("An administrator can let you go on before, in the settings.")
	}
	most := l.People
	if s.key != 0 {
		most = l.Keys
	}
	if most == 0 {
		return nil
	}
	return b.count(tx, s, ref.Object, most, max(tx.Now-l.Window.Milliseconds(), until), l.Pause)
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04") + " UTC" }

// state reads the limits and until when the subject was or is stopped, in one
// statement: it is in the way of every reveal.
func state(tx *gate.Tx, s subject) (l Limits, until int64, err error) {
	var people, keys, span, pause, at sql.NullInt64
	err = tx.QueryRow(`select l.people, l.keys, l.span, l.pause, b.until from (select 1 as one) o
		left join reveal_limit l on l.one = o.one left join reveal_breaker b on b.user_id = ? and b.key_id = ?`, int64(s.user), int64(s.key)).
		Scan(&people, &keys, &span, &pause, &at)
	l = usual()
	if people.Valid {
		l = Limits{int(people.Int64), int(keys.Int64), time.Duration(span.Int64) * time.Millisecond, time.Duration(pause.Int64) * time.Millisecond}
	}
	return l, at.Int64, err
}

// count adds a record to those shown to s once the transaction is durable, and stops s
// when they are most since a time.
func (b *Breaker) count(tx *gate.Tx, s subject, rec id.ID, most int, since int64, pause time.Duration) error {
	n, known, err := b.since(tx, s, rec, since)
	if err != nil {
		return err
	}
	tx.After(func() { b.add(s, rec, tx.Now) })
	if known || n+1 < most {
		return nil
	}
	return stop(tx, s, n+1, tx.Now+pause.Milliseconds())
}

// since counts the records shown to s from a time on, and tells whether rec is one of
// them. What was shown before this process began is read from the audit log.
func (b *Breaker) since(tx *gate.Tx, s subject, rec id.ID, from int64) (int, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.seen[s]
	if w == nil {
		var err error
		if w, err = recall(tx, s, from); err != nil {
			return 0, false, err
		}
		b.sweep(from)
		if b.seen == nil {
			b.seen = map[subject]*shown{}
		}
		b.seen[s] = w
	}
	w.forget(from)
	_, known := w.last[rec]
	return len(w.last), known, nil
}

// forget drops what was shown before a time.
func (w *shown) forget(from int64) {
	n := 0
	for ; n < len(w.order) && w.order[n].at < from; n++ {
		if o := w.order[n]; w.last[o.record] == o.at {
			delete(w.last, o.record)
		}
	}
	w.order = w.order[n:]
}

func (b *Breaker) add(s subject, rec id.ID, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.seen[s]
	if w == nil || w.last[rec] >= at {
		return
	}
	if _, known := w.last[rec]; known && len(w.order) > 2*len(w.last)+64 { // one record again and again
		var kept []one
		for _, o := range w.order {
			if w.last[o.record] == o.at {
				kept = append(kept, o)
			}
		}
		w.order = kept
	}
	w.last[rec] = at
	w.order = append(w.order, one{rec, at})
}

// sweep forgets subjects to whom nothing was shown since a time; the lock is held.
func (b *Breaker) sweep(from int64) {
	if len(b.seen) < subjects {
		return
	}
	for s, w := range b.seen {
		if len(w.order) == 0 || w.order[len(w.order)-1].at < from {
			delete(b.seen, s)
		}
	}
}

// recall reads what was shown to s from the audit log, from its end back to a time.
func recall(tx *gate.Tx, s subject, from int64) (*shown, error) {
	w := &shown{last: map[id.ID]int64{}}
	rows, err := tx.Query(`select object, time, action, result, via, session from audit_entry where actor = ? order by seq desc`, int64(s.user))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n, at int64
		var action, result, via, session string
		if err := rows.Scan(&n, &at, &action, &result, &via, &session); err != nil {
			return nil, err
		}
		if at < from {
			break
		}
		mine := via == "session"
		if s.key != 0 {
			mine = session == tx.Caller.Session
		}
		if _, known := w.last[id.ID(n)]; !mine || known || action != secret.Granted && action != sealed.Shown || result != audit.OK {
			continue
		}
		w.last[id.ID(n)] = at
		w.order = append(w.order, one{id.ID(n), at})
	}
	slices.Reverse(w.order)
	return w, rows.Err()
}

// stop opens the breaker for s.
func stop(tx *gate.Tx, s subject, n int, until int64) error {
	c := tx.Caller
	_, err := tx.Exec(`insert into reveal_breaker (user_id, key_id, session, name, opened_at, until, n) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (user_id, key_id) do update set session = excluded.session, name = excluded.name, opened_at = excluded.opened_at, until = excluded.until, n = excluded.n`,
		int64(s.user), int64(s.key), c.Session, c.Name, tx.Now, until, n)
	if err != nil {
		return err
	}
	who := "This person"
	if s.key != 0 {
		who = "This API key"
	}
	tx.Also(&audit.Entry{Action: Opened, Kind: "user", Object: s.user, Detail: audit.Detail{Name: c.Name,
		Text: fmt.Sprintf("%s opened the secrets of %d records; nothing is shown until %s", who, n, clock(until))}})
	words := fmt.Sprintf("%s opened the secrets of %d records and is stopped until %s.", c.Name, n, clock(until))
	if s.key != 0 {
		words = fmt.Sprintf("An API key of %s opened the secrets of %d records and is stopped until %s.", c.Name, n, clock(until))
	}
	return tell(tx, words, fmt.Sprintf("breaker/%d/%d/%d", s.user, s.key, tx.Now))
}

// again is how long administrators are not told again that a budget is used up.
const again = time.Hour

// Throttled gives a secret.Revealer's Throttled: that a budget of the key service is used
// up is recorded, and administrators are told, once in an hour.
func Throttled(g *gate.Gate) func(context.Context, *access.Caller, bool) error {
	return func(ctx context.Context, c *access.Caller, export bool) error {
		system := access.System(c.Tenant, "breaker")
		told := false
		err := g.View(ctx, system, func(tx *gate.Tx) error {
			_, until, err := state(tx, subject{})
			told = until > tx.Now
			return err
		})
		if err != nil || told {
			return err
		}
		return g.Change(ctx, system, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			return used(tx, c, export)
		})
	}
}

// used keeps, as of nobody, until when administrators are not told again.
func used(tx *gate.Tx, c *access.Caller, export bool) error {
	e := tx.Entry()
	what := "opened secrets"
	if export {
		what = "exported secrets"
	}
	e.Action, e.Kind, e.Object = Budget, "user", c.User
	e.Detail.Name, e.Detail.Text = c.Name, "the key service refused more while this person "+what
	_, err := tx.Exec(`insert into reveal_breaker (user_id, key_id, session, name, opened_at, until, n) values (0, 0, '', '', ?, ?, 0)
		on conflict (user_id, key_id) do update set opened_at = excluded.opened_at, until = excluded.until`, tx.Now, tx.Now+again.Milliseconds())
	if err != nil {
		return err
	}
	words := fmt.Sprintf("The key service refused to open more secrets while %s %s: its budget is used up for now.", c.Name, what)
	return tell(tx, words, fmt.Sprintf("breaker/budget/%d", tx.Now))
}

// tell tells all administrators.
func tell(tx *gate.Tx, words, key string) error {
	people, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? order by user_id`, string(access.Administrator))
	if err != nil || len(people) == 0 {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: topic, To: people, Own: true, Href: limited, Text: []notification.Part{notification.Words(words)}, Key: key})
	return err
}

// LimitsOf gives the limits that hold in a tenant. The caller has been allowed to
// administer it in tx.
func LimitsOf(tx *gate.Tx) (Limits, error) {
	l, _, err := state(tx, subject{})
	return l, err
}

// SetLimits sets the limits of the caller's tenant. Invalid, with the fields people,
// keys, window and pause, for what is out of bounds.
func SetLimits(ctx context.Context, g *gate.Gate, c *access.Caller, to Limits) error {
	return g.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if err := to.check(); err != nil {
			return err
		}
		e := tx.Entry()
		e.Action = Changed
		e.Detail.Text = fmt.Sprintf("people %d, keys %d, within %s, stopped for %s", to.People, to.Keys, to.Window, to.Pause)
		_, err := tx.Exec(`insert into reveal_limit (one, people, keys, span, pause) values (1, ?, ?, ?, ?)
			on conflict (one) do update set people = excluded.people, keys = excluded.keys, span = excluded.span, pause = excluded.pause`,
			to.People, to.Keys, to.Window.Milliseconds(), to.Pause.Milliseconds())
		return err
	})
}

// List gives those who are stopped, the latest first. Denied for who may not
// administer the tenant.
func List(tx *gate.Tx) ([]Stopped, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select user_id, key_id, name, opened_at, until, n from reveal_breaker where until > ? and (user_id <> 0 or key_id <> 0) order by opened_at desc, user_id, key_id limit 1000`, tx.Now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Stopped
	for rows.Next() {
		var s Stopped
		var u, k int64
		if err := rows.Scan(&u, &k, &s.Name, &s.Since, &s.Until, &s.Count); err != nil {
			return nil, err
		}
		s.User, s.Key = id.ID(u), id.ID(k)
		out = append(out, s)
	}
	return out, rows.Err()
}

// Resume lets somebody who is stopped go on at once; counting begins anew. NotFound
// when nobody of that id is stopped, Denied for oneself.
func Resume(ctx context.Context, g *gate.Gate, c *access.Caller, user, key id.ID) error {
	return g.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		var name string
		err := tx.QueryRow(`select name from reveal_breaker where user_id = ? and key_id = ? and until > ?`, int64(user), int64(key), tx.Now).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return gate.Missing()
		}
		if err != nil {
			return err
		}
		if user == c.User {
			return fault.New(fault.Denied, "Another administrator has to let you go on.")
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = Closed, "user", user, name
		_, err = tx.Exec(`update reveal_breaker set until = ? where user_id = ? and key_id = ?`, tx.Now, int64(user), int64(key))
		return err
	})
}
