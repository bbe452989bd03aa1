// Package history keeps which records each import made and changed, so that an
// import can be taken back.
//
// Always true: a record that an import wrote is listed in the transaction that
// wrote it, once for each import, with its version before the first and after the
// last change by that import; so is each file and each relation that it made, with the
// record that it was made for; no value is kept here.
package history

import (
	"database/sql"
	"errors"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Schema is the tables.
func Schema() []string {
	return []string{
		`create table if not exists import_run (id id primary key, layout text not null, name text not null, created_at int not null, created_by int not null, undo_job int not null default 0, undone_at int not null default 0)`,
		`create table if not exists import_job (job_id id primary key, run_id int not null)`,
		`create table if not exists import_change (run_id int not null, record_id int not null, version_before int not null, version_after int not null, undone int not null default 0, primary key (run_id, record_id))`,
		`create table if not exists import_secret_was (run_id int not null, record_id int not null, field text not null, version int not null, done int not null default 0, primary key (run_id, record_id, field))`,
		`create index if not exists import_change_record on import_change (record_id)`,
		`create table if not exists import_made (run_id int not null, thing_id int not null, sort text not null, record_id int not null, made_at int not null, undone int not null default 0, primary key (run_id, thing_id))`,
		`create index if not exists import_made_record on import_made (record_id)`,
	}
}

// Purge forgets a record.
func Purge(tx *gate.Tx, r *record.Record) error {
	for _, table := range []string{"import_change", "import_secret_was", "import_made"} {
		if _, err := tx.Exec(`delete from `+table+` where record_id = ?`, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Secret keeps which version of a secret an import replaced; 0 when there was none.
func Secret(tx *gate.Tx, run, rec id.ID, field string, version uint32) error {
	_, err := tx.Exec(`insert into import_secret_was (run_id, record_id, field, version) values (?, ?, ?, ?) on conflict (run_id, record_id, field) do nothing`,
		int64(run), int64(rec), field, int64(version))
	return err
}

// Begin notes that an import begins; job is 0 without one.
func Begin(tx *gate.Tx, layout, name string, job id.ID) (id.ID, error) {
	run, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(`insert into import_run (id, layout, name, created_at, created_by) values (?, ?, ?, ?, ?)`,
		int64(run), layout, name, tx.Now, int64(tx.Caller.User)); err != nil {
		return 0, err
	}
	if job != 0 {
		_, err = tx.Exec(`insert into import_job (job_id, run_id) values (?, ?)`, int64(job), int64(run))
	}
	return run, err
}

// Change is a record that an import wrote.
type Change struct {
	Record id.ID
	Before int64 // its version before; 0 when the import made it
}

// together is how many rows one statement saves, where there are as many.
const together = 32

// Keep lists records that were written in this transaction.
func Keep(tx *gate.Tx, run id.ID, list []Change) error {
	const row = `(?, ?, ?, (select r.version from record r where r.id = ?))`
	seen := map[id.ID]bool{}
	var once []Change
	for _, c := range list {
		if !seen[c.Record] {
			seen[c.Record] = true
			once = append(once, c)
		}
	}
	for list = once; len(list) > 0; {
		n := 1
		if len(list) >= together {
			n = together
		}
		args := make([]any, 0, 4*n)
		for _, c := range list[:n] {
			args = append(args, int64(run), int64(c.Record), c.Before, int64(c.Record))
		}
		_, err := tx.Exec(`insert into import_change (run_id, record_id, version_before, version_after) values `+row+strings.Repeat(`, `+row, n-1)+`
			on conflict (run_id, record_id) do update set version_after = excluded.version_after`, args...)
		if err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// The sorts of what an import makes beside records.
const (
	File     = "file"
	Relation = "relation"
)

// Beside lists a file or a relation that this transaction made for a record.
func Beside(tx *gate.Tx, run id.ID, sort string, thing, rec id.ID) error {
	_, err := tx.Exec(`insert into import_made (run_id, thing_id, sort, record_id, made_at) values (?, ?, ?, ?, ?) on conflict (run_id, thing_id) do nothing`,
		int64(run), int64(thing), sort, int64(rec), tx.Now)
	return err
}

// OfJob gives the import that a job did; 0 when there is none.
func OfJob(tx *gate.Tx, job id.ID) (id.ID, error) {
	var run int64
	err := tx.QueryRow(`select run_id from import_job where job_id = ?`, int64(job)).Scan(&run)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id.ID(run), err
}

// Version gives a record's present version; 0 when there is none.
func Version(tx *gate.Tx, rec id.ID) (int64, error) {
	var n int64
	err := tx.QueryRow(`select version from record where id = ?`, int64(rec)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}
