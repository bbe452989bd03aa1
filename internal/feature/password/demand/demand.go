// Package demand keeps what seeing a password takes: approvals, and that it is
// checked out.
//
// Always true: a demand of a folder holds for all that lies in it and below, the
// strongest of several counts, and what leaves a folder takes the demand along. It
// decides about nobody: who calls it was allowed to.
package demand

import (
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/password/filed"
)

// Schema is the table of demands.
const Schema = `create table if not exists password_demand (record_id id primary key, needed int not null, exclusive int not null, set_by int not null, set_at int not null)`

// Demand says what a reveal takes.
type Demand struct {
	Needed int   // how many approvals; 0: none
	From   id.ID // the password or folder that demands them
	Own    int   // how many the record itself demands

	Exclusive    bool  // it has to be checked out
	OwnExclusive bool  // the record itself demands that
	Exclusively  id.ID // the password or folder that demands it, the record itself if it does
}

// demands is the key of what a transaction knows of the number of demands.
type demands struct{}

type known struct {
	asked bool
	n     int64
}

// none tells whether nothing in the tenant demands anything, with one statement for
// the whole transaction.
func none(tx *gate.Tx) (bool, error) {
	some, _ := tx.Local(demands{}, func() any { return &known{} }).(*known)
	if some.asked {
		return some.n == 0, nil
	}
	some.asked = true
	err := tx.QueryRow(`select count(*) from password_demand`).Scan(&some.n)
	return some.n == 0, err
}

// Of tells what a password or folder demands: itself, or the folders above it, of
// which the strongest demand counts. It decides nothing: the caller has been allowed to see the record.
func Of(tx *gate.Tx, kind string, rec id.ID) (Demand, error) {
	var d Demand
	if none, err := none(tx); none || err != nil {
		return d, err
	}
	chain, err := filed.Above(tx, kind, rec)
	if err != nil {
		return d, err
	}
	return most(tx, append([]id.ID{rec}, chain...), rec)
}

// most gives the strongest demand of a chain; own is the record whose own is told.
func most(tx *gate.Tx, chain []id.ID, own id.ID) (d Demand, err error) {
	rows, err := tx.Query(`select record_id, needed, exclusive from password_demand where record_id in (`+access.Marks(len(chain))+`) order by record_id`, access.Args(chain)...)
	if err != nil {
		return d, err
	}
	defer rows.Close()
	for rows.Next() {
		var rec, n int64
		var exclusive bool
		if err := rows.Scan(&rec, &n, &exclusive); err != nil {
			return d, err
		}
		if id.ID(rec) == own {
			d.Own, d.OwnExclusive = int(n), exclusive
		}
		if exclusive && (d.Exclusively == 0 || id.ID(rec) == own) {
			d.Exclusive, d.Exclusively = true, id.ID(rec)
		}
		if int(n) > d.Needed {
			d.Needed, d.From = int(n), id.ID(rec)
		}
	}
	return d, rows.Err()
}

// Raise has a record demand at least so many approvals, and with exclusive that it
// is checked out.
func Raise(tx *gate.Tx, rec id.ID, needed int, exclusive bool) error {
	_, err := tx.Exec(`insert into password_demand (record_id, needed, exclusive, set_by, set_at) values (?, ?, ?, ?, ?)
		on conflict (record_id) do update set needed = case when password_demand.needed < excluded.needed then excluded.needed else password_demand.needed end,
			exclusive = case when password_demand.exclusive < excluded.exclusive then excluded.exclusive else password_demand.exclusive end,
			set_by = excluded.set_by, set_at = excluded.set_at`,
		int64(rec), needed, exclusive, int64(tx.Caller.User), tx.Now)
	if some, ok := tx.Local(demands{}, func() any { return &known{} }).(*known); ok {
		some.asked = false // there is one more
	}
	return err
}

// Lift takes a record's own demand for approvals away.
func Lift(tx *gate.Tx, rec id.ID) error {
	return less(tx, `update password_demand set needed = 0 where record_id = ?`, rec)
}

// Share takes a record's own demand away that it is checked out.
func Share(tx *gate.Tx, rec id.ID) error {
	return less(tx, `update password_demand set exclusive = 0 where record_id = ?`, rec)
}

func less(tx *gate.Tx, q string, rec id.ID) error {
	if _, err := tx.Exec(q, int64(rec)); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from password_demand where record_id = ? and needed = 0 and exclusive = 0`, int64(rec))
	return err
}

// Moved is told before a password or folder goes from one folder to another (0 for
// none): a demand that it would leave behind goes along.
func Moved(tx *gate.Tx, rec, from, to id.ID) error {
	if from == 0 || from == to || rec == 0 {
		return nil
	}
	was, err := Of(tx, filed.Folder, from)
	if err != nil || was.Needed == 0 && !was.Exclusive {
		return err
	}
	will := Demand{}
	if to != 0 {
		if will, err = Of(tx, filed.Folder, to); err != nil {
			return err
		}
	}
	needed, exclusive := was.Needed, was.Exclusive && !will.Exclusive
	if will.Needed >= needed {
		needed = 0
	}
	if needed == 0 && !exclusive {
		return nil
	}
	return Raise(tx, rec, needed, exclusive)
}

// Purge forgets the demand of what is purged; what lies in a folder demands from now
// on what the folder did.
func Purge(tx *gate.Tx, kind string, rec id.ID) error {
	if kind == filed.Folder {
		if err := keep(tx, rec); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from password_demand where record_id = ?`, int64(rec))
	return err
}

func keep(tx *gate.Tx, folder id.ID) error {
	d, err := Of(tx, filed.Folder, folder)
	if err != nil || d.Needed == 0 && !d.Exclusive {
		return err
	}
	below, err := filed.Below(tx, folder)
	for _, rec := range below {
		if err == nil {
			err = Raise(tx, rec, d.Needed, d.Exclusive)
		}
	}
	return err
}
