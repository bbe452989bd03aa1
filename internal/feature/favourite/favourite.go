// Package favourite holds what each user keeps at hand: favourites, and what
// was looked at last.
//
// Always true: a list is its user's own and shows only what that user may still
// see; looking at something is kept for that user's convenience only, at most
// Keep records of it, and is no part of the audit log.
package favourite

import (
	"context"
	"database/sql"
	"errors"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Keep is how many records a user has looked at last are kept.
const Keep = 50

// again is how long, in milliseconds, looking at the same record again writes
// nothing.
const again = 60 * 1000

// Item is a record that a user keeps at hand.
type Item struct {
	Record   id.ID
	Kind     string
	Name     string
	Org      id.ID
	OrgName  string
	Archived bool
	At       int64 // when it was marked or last seen, Unix milliseconds
}

// Feature is the tables of favourites and of what was seen last.
func Feature() record.Feature {
	return record.Feature{Name: "favourite", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists favourite (user_id int not null, record_id int not null, at int not null, primary key (user_id, record_id))`,
	`create index if not exists favourite_record on favourite (record_id)`,
	`create table if not exists recently_viewed (user_id int not null, record_id int not null, at int not null, primary key (user_id, record_id))`,
	`create index if not exists recently_viewed_record on recently_viewed (record_id)`,
	`create index if not exists recently_viewed_last on recently_viewed (user_id, at, record_id)`, // the last few, without reading what all fifty are
}

// purge also forgets the lists of a user that is purged.
func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{
		`delete from favourite where record_id = ? or user_id = ?`,
		`delete from recently_viewed where record_id = ? or user_id = ?`,
	} {
		if _, err := tx.Exec(q, int64(r.ID), int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Set marks a record as a favourite of the caller, or unmarks it. The
// transaction may be one that began with View.
func Set(tx *gate.Tx, rec id.ID, on bool) error {
	if _, err := tx.Allow(access.View, gate.Thing{ID: rec}); err != nil {
		return err
	}
	if !on {
		_, err := tx.Exec(`delete from favourite where user_id = ? and record_id = ?`, int64(tx.Caller.User), int64(rec))
		return err
	}
	_, err := tx.Exec(`insert into favourite (user_id, record_id, at) values (?, ?, ?) on conflict do nothing`, int64(tx.Caller.User), int64(rec), tx.Now)
	return err
}

// Is tells whether a record is a favourite of the caller.
func Is(tx *gate.Tx, rec id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from favourite where user_id = ? and record_id = ?`, int64(tx.Caller.User), int64(rec)).Scan(&n)
	return n > 0, err
}

// List gives the caller's favourites by name, at most 500.
func List(tx *gate.Tx) ([]Item, error) {
	return items(tx, `favourite`, `r.name_fold, r.id`, 500)
}

// Recent gives what the caller looked at last, the latest first.
func Recent(tx *gate.Tx, limit int) ([]Item, error) {
	return items(tx, `recently_viewed`, `f.at desc, f.record_id desc`, limit)
}

func items(tx *gate.Tx, table, order string, limit int) ([]Item, error) {
	cond, args := tx.Visible("r")
	named, who := tx.Visible("o")
	rows, err := tx.Query(`select r.id, r.kind, r.name, r.org_id, coalesce(o.name, ''), r.archived, f.at from `+table+` f cross join record r
		left join record o on o.id = r.org_id and `+named+` where f.user_id = ? and r.id = f.record_id and r.trashed_at is null and `+cond+` order by `+order+` limit ?`,
		append(append(append(who, int64(tx.Caller.User)), args...), limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Item
	for rows.Next() {
		var it Item
		var rec, org int64
		if err := rows.Scan(&rec, &it.Kind, &it.Name, &org, &it.OrgName, &it.Archived, &it.At); err != nil {
			return nil, err
		}
		it.Record, it.Org = id.ID(rec), id.ID(org)
		out = append(out, it)
	}
	return out, rows.Err()
}

// Visits notes what people look at.
type Visits struct{ Gate *gate.Gate }

// Note keeps that the caller looked at a record just now. What was noted less
// than a minute ago costs a read only; keys and the system itself look at
// nothing.
func (v Visits) Note(ctx context.Context, c *access.Caller, rec id.ID) error {
	if c.User == 0 || c.Via != "session" {
		return nil
	}
	fresh := false
	err := v.Gate.View(ctx, c, func(tx *gate.Tx) error {
		var at int64
		err := tx.QueryRow(`select at from recently_viewed where user_id = ? and record_id = ?`, int64(c.User), int64(rec)).Scan(&at)
		fresh = err == nil && tx.Now-at < again
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || fresh {
		return err
	}
	return v.Gate.Change(ctx, c, access.View, gate.Thing{ID: rec}, func(tx *gate.Tx) error {
		_, err := tx.Exec(`insert into recently_viewed (user_id, record_id, at) values (?, ?, ?)
			on conflict (user_id, record_id) do update set at = excluded.at`, int64(c.User), int64(rec), tx.Now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`delete from recently_viewed where user_id = ? and record_id not in
			(select record_id from recently_viewed where user_id = ? order by at desc, record_id desc limit ?)`, int64(c.User), int64(c.User), Keep)
		return err
	})
}
