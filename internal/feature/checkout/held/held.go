// Package held tells which passwords are checked out, and which were.
//
// Always true: it only reads; what it lists, the caller may see.
package held

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Out is a password that somebody has, or had.
type Out struct {
	ID       id.ID
	Record   id.ID
	Name     string // of the password
	Org      id.ID
	OrgName  string
	User     id.ID
	UserName string
	Reason   string
	At, Ends int64 // Unix milliseconds; Ends is when it ended, or will
}

const columns = `select c.id, c.record_id, r.name, r.org_id, coalesce(o.name, ''), c.user_id, coalesce(u.name, ''), c.reason, c.at, c.ends_at from password_checkout c
	join record r on r.id = c.record_id left join record u on u.id = c.user_id left join record o on o.id = r.org_id `

func read(tx *gate.Tx, q string, args ...any) ([]*Out, error) {
	rows, err := tx.Query(columns+q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Out
	for rows.Next() {
		h := &Out{}
		var n, rec, org, user int64
		if err := rows.Scan(&n, &rec, &h.Name, &org, &h.OrgName, &user, &h.UserName, &h.Reason, &h.At, &h.Ends); err != nil {
			return nil, err
		}
		h.ID, h.Record, h.Org, h.User = id.ID(n), id.ID(rec), id.ID(org), id.ID(user)
		out = append(out, h)
	}
	return out, rows.Err()
}

// Holding tells who has a password now; nil when nobody has. The caller of it has been
// allowed to see the password.
func Holding(tx *gate.Tx, rec id.ID) (*Out, error) {
	list, err := read(tx, `where c.record_id = ? and c.ended_at = 0 and c.ends_at > ? order by c.id desc limit 1`, int64(rec), tx.Now)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// Now gives what is checked out, of what the caller may see, what ends first in the
// first place.
func Now(tx *gate.Tx) ([]*Out, error) {
	cond, args := tx.Visible("r")
	return read(tx, `where r.trashed_at is null and c.ended_at = 0 and c.ends_at > ? and `+cond+` order by c.ends_at, c.id limit 200`, append([]any{tx.Now}, args...)...)
}

// Unchanged gives what was checked out and not changed since, of what the caller may
// see, of an organization or with 0 of all: the last check-out of each, the oldest first.
// A password is changed when its value has a newer version than when it was checked out;
// what was checked out before versions were noted is judged by the password's date.
func Unchanged(tx *gate.Tx, org id.ID, limit int) ([]*Out, error) {
	cond, args := tx.Visible("r")
	q, args := `join k_password k on k.id = c.record_id where r.trashed_at is null and r.archived = 0 and (c.ended_at > 0 or c.ends_at <= ?)
		and case when c.version > 0 then (select max(v.version) from secret_version v where v.object = c.record_id and v.field = 'password') <= c.version
			else k.password_updated_at is null or k.password_updated_at <= c.at end and not exists (select 1 from password_checkout n where n.record_id = c.record_id and n.id > c.id) and `+cond,
		append([]any{tx.Now}, args...)
	if org != 0 {
		q, args = q+` and r.org_id = ?`, append(args, int64(org))
	}
	return read(tx, q+` order by c.ends_at, c.id limit ?`, append(args, limit)...)
}

// Ended gives the check-outs whose time is over and whose end nobody noted yet, of the
// whole tenant: for the job that notes them.
func Ended(tx *gate.Tx) ([]*Out, error) {
	return read(tx, `where c.ended_at = 0 and c.ends_at <= ? order by c.ends_at limit 500`, tx.Now)
}
