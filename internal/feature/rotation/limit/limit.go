// Package limit says how old passwords may become.
//
// Always true: the most specific policy holds: the password's own, then that of the
// nearest folder above it that has one, then that of its category; and nobody alone
// lets something become older than it may.
package limit

import (
	"database/sql"
	"errors"
	"fmt"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
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

// Policy is how old something may become.
type Policy struct {
	From id.ID // the password, folder or category that says so; 0 when nothing does
	Days int   // 0: as old as it likes
	Own  bool  // the record itself says so
}

// Set gives a password, a folder or a category a policy: so many days, or with 0 no
// limit, whatever a less specific policy says. Managers and administrators may, but
// what would let something become older than now: that takes an approval.
func Set(tx *gate.Tx, kind string, rec id.ID, days int) error {
	e, err := may(tx, kind, rec)
	if err != nil {
		return err
	}
	if days < 0 || days > Longest {
		return fault.Field("days", "Choose a number of days from 1 to %d, or 0 for no limit.", Longest)
	}
	if err := strict(tx, kind, rec, days); err != nil {
		return err
	}
	e.Action, e.Detail.Text = Chosen, said(days)
	return put(tx, rec, days)
}

func strict(tx *gate.Tx, kind string, rec id.ID, days int) error {
	looser, err := Loosens(tx, kind, rec, days)
	if err == nil && looser {
		err = fault.Field("days", "To let it become older than now takes an approval.")
	}
	return err
}

func said(days int) string {
	if days == 0 {
		return "no limit"
	}
	return fmt.Sprintf("at most %d days", days)
}

func put(tx *gate.Tx, rec id.ID, days int) error {
	_, err := tx.Exec(`insert into rotation_policy (record_id, days, set_by, set_at) values (?, ?, ?, ?)
		on conflict (record_id) do update set days = excluded.days, set_by = excluded.set_by, set_at = excluded.set_at`, int64(rec), days, int64(tx.Caller.User), tx.Now)
	return err
}

// Remove takes a policy away: a less specific one holds. As with Set, that takes an
// approval where it lets something become older than now.
func Remove(tx *gate.Tx, kind string, rec id.ID) error {
	e, err := may(tx, kind, rec)
	if err != nil {
		return err
	}
	if err := strict(tx, kind, rec, None); err != nil {
		return err
	}
	n, err := drop(tx, rec)
	if e.Action = Removed; n == 0 {
		tx.Withdraw(e)
	}
	return err
}

func drop(tx *gate.Tx, rec id.ID) (int64, error) {
	return tx.Exec(`delete from rotation_policy where record_id = ?`, int64(rec))
}

// None, for a number of days, is that a record has no policy of its own.
const None = -1

// Loosens tells whether something could become older than now if a record had a policy
// of so many days, or with None no policy.
func Loosens(tx *gate.Tx, kind string, rec id.ID, days int) (bool, error) {
	now, err := Of(tx, kind, rec)
	if err != nil {
		return false, err
	}
	then := days
	if days == None {
		if !now.Own {
			return false, nil
		}
		less, err := of(tx, kind, rec, rec)
		if err != nil {
			return false, err
		}
		then = less.Days
	}
	limit := now.Days
	if kind == filed.Folder && now.From == 0 && days != None { // what lies in it may have a limit by its category
		err = tx.QueryRow(`select coalesce(min(p.days), 0) from rotation_policy p join k_password_category c on c.id = p.record_id where p.days > 0`).Scan(&limit)
	}
	return limit > 0 && (then == 0 || then > limit), err
}

// Apply gives a record a policy, or with None takes it away, without asking who may:
// for what was approved.
func Apply(tx *gate.Tx, kind string, rec id.ID, days int) error {
	e := &audit.Entry{Action: Chosen, Kind: kind, Object: rec, Detail: audit.Detail{Text: said(max(days, 0))}}
	if days == None {
		e.Action, e.Detail.Text = Removed, ""
	}
	var org int64
	if err := tx.QueryRow(`select org_id, name from record where id = ?`, int64(rec)).Scan(&org, &e.Detail.Name); err != nil {
		return err
	}
	e.Org = id.ID(org)
	tx.Also(e)
	if days == None {
		_, err := drop(tx, rec)
		return err
	}
	return put(tx, rec, days)
}

func may(tx *gate.Tx, kind string, rec id.ID) (*audit.Entry, error) {
	if kind == Category {
		return tx.Allow(access.Edit, gate.Thing{Kind: kind, ID: rec})
	}
	return demand.Decider(tx, kind, rec)
}

// Of tells which policy holds for a password, folder or category. The caller of it has
// been allowed to see the record.
func Of(tx *gate.Tx, kind string, rec id.ID) (Policy, error) { return of(tx, kind, rec, 0) }

// of is Of as if but, where it is not 0, had no policy.
func of(tx *gate.Tx, kind string, rec, but id.ID) (Policy, error) {
	all, err := All(tx)
	if err != nil || len(all) == 0 {
		return Policy{}, err
	}
	delete(all, but)
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

// All gives every policy of the tenant, in days by what has it: they are few.
func All(tx *gate.Tx) (map[id.ID]int, error) {
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
