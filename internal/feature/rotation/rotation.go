// Package rotation says how old passwords may become, and which are older.
//
// Always true: the most specific policy holds: the password's own, then that of the
// nearest folder above it that has one, then that of its category; what is overdue is
// computed when it is asked for, and told only to who may see the password.
package rotation

import (
	"database/sql"
	"errors"
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

// Category is the kind of categories of passwords.
const Category = "password_category"

// The actions of the audit entries.
const (
	Chosen  = "rotation.policy"
	Removed = "rotation.no-policy"
)

// Longest is the longest age that can be chosen, in days.
const Longest = 3650

const day = 24 * 60 * 60 * 1000 // milliseconds

// Feature is the tables of policies and of what was told.
func Feature() record.Feature {
	return record.Feature{Name: "rotation", Schema: schema, Purge: purge}
}

// days is 0 where a password or what lies in a folder may become as old as it likes,
// whatever a less specific policy says.
var schema = []string{
	`create table if not exists rotation_policy (record_id id primary key, days int not null, set_by int not null, set_at int not null)`,
	`create table if not exists rotation_told (record_id int not null, changed_at int not null, at int not null, primary key (record_id, changed_at))`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from rotation_policy where record_id = ?`, `delete from rotation_told where record_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Policy is how old something may become.
type Policy struct {
	From id.ID // the password, folder or category that says so; 0 when nothing does
	Days int   // 0: as old as it likes
	Own  bool  // the record itself says so
}

// Set gives a password, a folder or a category a policy: so many days, or with 0 no
// limit, whatever a less specific policy says. Managers and administrators may.
func Set(tx *gate.Tx, kind string, rec id.ID, days int) error {
	e, err := may(tx, kind, rec)
	if err != nil {
		return err
	}
	if days < 0 || days > Longest {
		return fault.Field("days", "Choose a number of days from 1 to %d, or 0 for no limit.", Longest)
	}
	e.Action, e.Detail.Text = Chosen, fmt.Sprintf("at most %d days", days)
	if days == 0 {
		e.Detail.Text = "no limit"
	}
	_, err = tx.Exec(`insert into rotation_policy (record_id, days, set_by, set_at) values (?, ?, ?, ?)
		on conflict (record_id) do update set days = excluded.days, set_by = excluded.set_by, set_at = excluded.set_at`, int64(rec), days, int64(tx.Caller.User), tx.Now)
	return err
}

// Remove takes a policy away: a less specific one holds.
func Remove(tx *gate.Tx, kind string, rec id.ID) error {
	e, err := may(tx, kind, rec)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`delete from rotation_policy where record_id = ?`, int64(rec))
	if e.Action = Removed; n == 0 {
		tx.Withdraw(e)
	}
	return err
}

func may(tx *gate.Tx, kind string, rec id.ID) (*audit.Entry, error) {
	if kind == Category {
		return tx.Allow(access.Edit, gate.Thing{Kind: kind, ID: rec})
	}
	return demand.Decider(tx, kind, rec)
}

// Of tells which policy holds for a password, folder or category. The caller of it has
// been allowed to see the record.
func Of(tx *gate.Tx, kind string, rec id.ID) (Policy, error) {
	all, err := policies(tx)
	if err != nil || len(all) == 0 {
		return Policy{}, err
	}
	chain, err := filed.Above(tx, kind, rec)
	if err != nil {
		return Policy{}, err
	}
	for _, at := range append([]id.ID{rec}, chain...) {
		if days, ok := all[at]; ok {
			return Policy{From: at, Days: days, Own: at == rec}, nil
		}
	}
	if kind != filed.Password {
		return Policy{}, nil
	}
	var category sql.NullInt64
	err = tx.QueryRow(`select password_category_id from k_password where id = ?`, int64(rec)).Scan(&category)
	if errors.Is(err, sql.ErrNoRows) {
		return Policy{}, nil
	}
	if days, ok := all[id.ID(category.Int64)]; ok {
		return Policy{From: id.ID(category.Int64), Days: days}, err
	}
	return Policy{}, err
}

// policies gives every policy of the tenant: they are few.
func policies(tx *gate.Tx) (map[id.ID]int, error) {
	rows, err := tx.Query(`select record_id, days from rotation_policy`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[id.ID]int{}
	for rows.Next() {
		var rec int64
		var days int
		if err := rows.Scan(&rec, &days); err != nil {
			return nil, err
		}
		out[id.ID(rec)] = days
	}
	return out, rows.Err()
}
