package audit

import (
	"strconv"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Filter picks entries. Zero members pick everything.
type Filter struct {
	Object id.ID
	Actor  id.ID
	Org    id.ID
	Kind   string
	Action string
	Result string
	From   int64 // Unix milliseconds, inclusive
	To     int64 // exclusive
	Before int64 // only entries with a smaller seq; 0 means from the newest
	Since  int64 // only entries with this seq or a greater one
	Limit  int   // 50 when 0
	Oldest bool  // the oldest ones first, instead of the newest

	Where string // a further condition on the columns of audit_entry, with Args
	Args  []any
}

const columns = `seq, time, actor, behalf, via, session, action, kind, object, org, version, result, level, cites, count, digest, detail, hash`

// List gives entries, newest first unless Oldest, with their details opened. What may be
// listed is the caller's affair: use it through the gate.
func (l *Log) List(tx *sqldb.Tx, f Filter) ([]*Entry, error) {
	var where []string
	var args []any
	add := func(on bool, cond string, arg any) {
		if on {
			where, args = append(where, cond), append(args, arg)
		}
	}
	add(f.Object != 0, `object = ?`, int64(f.Object))
	add(f.Actor != 0, `actor = ?`, int64(f.Actor))
	add(f.Org != 0, `org = ?`, int64(f.Org))
	add(f.Kind != "", `kind = ?`, f.Kind)
	add(f.Action != "", `action = ?`, f.Action)
	add(f.Result != "", `result = ?`, f.Result)
	add(f.From != 0, `time >= ?`, f.From)
	add(f.To != 0, `time < ?`, f.To)
	add(f.Before != 0, `seq < ?`, f.Before)
	add(f.Since != 0, `seq >= ?`, f.Since)
	if f.Where != "" {
		where, args = append(where, f.Where), append(args, f.Args...)
	}
	q := `select ` + columns + ` from audit_entry`
	if len(where) > 0 {
		q += ` where ` + strings.Join(where, ` and `)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	order := ` order by seq desc limit ?`
	if f.Oldest {
		order = ` order by seq limit ?`
	}
	return l.query(tx, q+order, append(args, limit)...)
}

// From gives up to limit entries in order, starting at seq. Followers read the
// log with it.
func (l *Log) From(tx *sqldb.Tx, seq int64, limit int) ([]*Entry, error) {
	return l.query(tx, `select `+columns+` from audit_entry where seq >= ? order by seq limit ?`, seq, limit)
}

func (l *Log) query(tx *sqldb.Tx, q string, args ...any) ([]*Entry, error) {
	out, err := scan(tx, q, args...)
	if err != nil {
		return nil, err
	}
	for _, e := range out {
		if err := l.open(tx, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func scan(tx *sqldb.Tx, q string, args ...any) ([]*Entry, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Entry
	for rows.Next() {
		var e Entry
		var actor, behalf, object, org int64
		var hash []byte
		if err := rows.Scan(&e.Seq, &e.Time, &actor, &behalf, &e.Via, &e.Session, &e.Action, &e.Kind, &object, &org, &e.Version,
			&e.Result, &e.Level, &e.Cites, &e.Count, &e.digest, &e.sealed, &hash); err != nil {
			return nil, err
		}
		e.Actor, e.Behalf, e.Object, e.Org = id.ID(actor), id.ID(behalf), id.ID(object), id.ID(org)
		copy(e.hash[:], hash)
		out = append(out, &e)
	}
	return out, rows.Err()
}

// Position gives how far a follower has read: the seq of its next entry.
func Position(tx *sqldb.Tx, follower string) (int64, error) {
	var n int64
	err := tx.QueryRow(`select coalesce(max(seq), 0) from follower where name = ?`, follower).Scan(&n)
	return n, err
}

// SetPosition saves how far a follower has read, in the transaction of what it
// did with it.
func SetPosition(tx *sqldb.Tx, follower string, next int64) error {
	_, err := tx.Exec(`insert into follower (name, seq) values (?, ?) on conflict (name) do update set seq = excluded.seq`, follower, next)
	return err
}

// Tally is what one user did to things of one kind, of one organization, on one
// day.
type Tally struct {
	Actor, Org id.ID
	Kind       string
	Day        int64 // days since 1970-01-01, UTC

	Created, Edited, Viewed, Deleted int64 // Viewed are secrets that were shown: nothing else that is looked at is recorded
}

const day = 24 * 60 * 60 * 1000 // milliseconds

// Tallies counts what succeeded from a time until another one (Unix
// milliseconds), of users only. What may be counted is the caller's affair: use
// it through the gate.
func Tallies(tx *sqldb.Tx, from, until int64, where string, args []any) ([]Tally, error) {
	q := `select actor, org, kind, time / ` + strconv.Itoa(day) + `,
			cast(sum(case when action = 'create' then audit_entry.count else 0 end) as bigint),
			cast(sum(case when action in ('edit', 'archive', 'restore', 'restrict') then audit_entry.count else 0 end) as bigint),
			cast(sum(case when action in ('reveal', 'reveal.granted') then audit_entry.count else 0 end) as bigint),
			cast(sum(case when action = 'delete' then audit_entry.count else 0 end) as bigint)
		from audit_entry where time >= ? and time < ? and result = 'ok' and object <> 0 and action in ('create', 'edit', 'archive', 'restore', 'restrict', 'reveal', 'reveal.granted', 'delete')
			and actor in (select u.id from record u where u.kind = 'user')`
	if where != "" {
		q += ` and ` + where
	}
	rows, err := tx.Query(q+` group by 1, 2, 3, 4 order by 4, 1, 2, 3`, append([]any{from, until}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Tally
	for rows.Next() {
		var t Tally
		var actor, org int64
		if err := rows.Scan(&actor, &org, &t.Kind, &t.Day, &t.Created, &t.Edited, &t.Viewed, &t.Deleted); err != nil {
			return nil, err
		}
		t.Actor, t.Org = id.ID(actor), id.ID(org)
		out = append(out, t)
	}
	return out, rows.Err()
}
