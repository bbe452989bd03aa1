// Package closed has what lies in a restricted password folder restricted with it.
//
// Always true: a password or folder that is restricted itself is open to those whom
// it names; any other is open to those of the nearest folder above it that is
// restricted, and to nobody else but administrators; who they are is found in the
// row of the spine alone (guard_id and restricted), which is written, and counted,
// in the transaction of whatever changes it; and what a purged folder restricted
// stays restricted.
package closed

import (
	"database/sql"
	"errors"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/tally"
	"strongroom/internal/feature/password/filed"
)

// deepest is how many folders below are looked at: more than may lie in each other.
const deepest = 64

// Standing is by whom a record is restricted.
type Standing struct {
	Guard      id.ID // the record whose grants count: itself, or a folder
	Restricted bool
}

// Settle gives a password or folder, and what lies in it and below, the restriction
// that it has by itself or by the folders above it, and tells the record's own.
// Whoever calls it changed the record, or where it lies.
func Settle(tx *gate.Tx, kind string, rec id.ID) (Standing, error) {
	above, err := filed.Above(tx, kind, rec)
	if err != nil {
		return Standing{}, err
	}
	now, err := standing(tx, rec)
	if err != nil {
		return now, err
	}
	if !now.Restricted || now.Guard != rec {
		now = Standing{Guard: rec}
		if len(above) > 0 {
			folder, err := standing(tx, above[0])
			if err != nil {
				return now, err
			}
			if folder.Restricted {
				now = folder
			}
		}
		if err := set(tx, now, `select cast(? as bigint)`, int64(rec)); err != nil {
			return now, err
		}
	}
	if kind != filed.Folder {
		return now, nil
	}
	return now, set(tx, now, below, int64(rec), deepest, deepest)
}

// inherits is the condition on a row of the spine that is not restricted itself.
const inherits = `not (r.restricted = 1 and r.guard_id = r.id)`

// below gives the ids of what lies in a folder and below, as far as no folder in
// between is restricted itself.
const below = `with recursive down (id, depth) as (
		select cast(? as bigint), 1 union all
		select k.id, down.depth + 1 from down join k_password_folder k on k.parent_id = down.id join record r on r.id = k.id where down.depth <= ? and ` + inherits + `)
	select id from down where depth > 1 union all select k.id from down join k_password k on k.password_folder_id = down.id where down.depth <= ?`

// set restricts what does not itself, of the records that a query gives, as now says;
// now of no restriction is that each is its own guard.
func set(tx *gate.Tx, now Standing, ids string, args ...any) error {
	guard, first := `r.id`, []any{now.Restricted}
	if now.Restricted {
		guard, first = `?`, append(first, int64(now.Guard))
	}
	which := ` where r.id in (` + ids + `) and ` + inherits
	rows, err := tx.Query(`select r.org_id, r.kind, r.archived, count(*) from record r`+which+` and r.trashed_at is null and r.restricted <> ? group by r.org_id, r.kind, r.archived`,
		append(args[:len(args):len(args)], now.Restricted)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	sums := tally.Changes{}
	for rows.Next() {
		var org, n int64
		k := tally.Key{Restricted: !now.Restricted}
		if err := rows.Scan(&org, &k.Kind, &k.Archived, &n); err != nil {
			return err
		}
		k.Org = id.ID(org)
		sums[k] -= n
		k.Restricted = now.Restricted
		sums[k] += n
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if _, err := tx.Exec(`update record as r set restricted = ?, guard_id = `+guard+which, append(first, args...)...); err != nil {
		return err
	}
	return sums.Later(tx)
}

func standing(tx *gate.Tx, rec id.ID) (s Standing, err error) {
	var guard int64
	err = tx.QueryRow(`select guard_id, restricted from record where id = ?`, int64(rec)).Scan(&guard, &s.Restricted)
	if errors.Is(err, sql.ErrNoRows) {
		return Standing{Guard: rec}, nil
	}
	s.Guard = id.ID(guard)
	return s, err
}

// Purge is told before a folder is purged: what it restricted is restricted itself
// from now on, to the same users and groups for as long.
func Purge(tx *gate.Tx, kind string, rec id.ID) error {
	if kind != filed.Folder {
		return nil
	}
	if err := access.Pass(tx.SQL(), rec); err != nil {
		return err
	}
	_, err := tx.Exec(`update record set guard_id = id where guard_id = ?`, int64(rec))
	return err
}
