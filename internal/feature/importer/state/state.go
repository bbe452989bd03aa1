// Package state is what an import remembers of the records that it made: at
// which version they are its own, what their secrets looked like in the source,
// and which file came of which entry.
//
// Always true: no secret is in it, only keyed hashes of them; what is remembered
// of a record goes with it.
package state

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
		`create table if not exists import_state (record_id id primary key, version int not null, secrets text not null default '')`,
		`create table if not exists import_secret (record_id int not null, field text not null, sum text not null, primary key (record_id, field))`,
		`create table if not exists import_file (record_id int not null, path text not null, file_id int not null, sum text not null, primary key (record_id, path))`,
	}
}

// Purge forgets a record.
func Purge(tx *gate.Tx, r *record.Record) error {
	for _, table := range []string{"import_state", "import_secret", "import_file"} {
		if _, err := tx.Exec(`delete from `+table+` where record_id = ?`, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// State is what is remembered of a record besides its version.
type State struct {
	Record  id.ID
	Secrets string // hashes, separated by spaces
}

// together is how many rows one statement saves, where there are as many.
const together = 32

// Save remembers that the present versions of records are the import's own. Of
// two states of one record the later one counts.
func Save(tx *gate.Tx, list []State) error {
	const row = `(?, (select r.version from record r where r.id = ?), ?)`
	for list = last(list); len(list) > 0; {
		n := 1
		if len(list) >= together {
			n = together
		}
		args := make([]any, 0, 3*n)
		for _, s := range list[:n] {
			args = append(args, int64(s.Record), int64(s.Record), s.Secrets)
		}
		_, err := tx.Exec(`insert into import_state (record_id, version, secrets) values `+row+strings.Repeat(`, `+row, n-1)+`
			on conflict (record_id) do update set version = excluded.version, secrets = excluded.secrets`, args...)
		if err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func last(list []State) []State {
	out, at := make([]State, 0, len(list)), make(map[id.ID]int, len(list))
	for _, s := range list {
		if i, again := at[s.Record]; again {
			out[i] = s
			continue
		}
		at[s.Record] = len(out)
		out = append(out, s)
	}
	return out
}

// Secrets gives the hashes that were saved with a record; none when nothing is
// remembered of it.
func Secrets(tx *gate.Tx, rec id.ID) ([]string, error) {
	var was string
	err := tx.QueryRow(`select secrets from import_state where record_id = ?`, int64(rec)).Scan(&was)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return strings.Fields(was), err
}

// SameSecret tells whether the last secret that an import of a table gave a field
// had this hash.
func SameSecret(tx *gate.Tx, rec id.ID, field, sum string) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from import_secret where record_id = ? and field = ? and sum = ?`, int64(rec), field, sum).Scan(&n)
	return n > 0, err
}

// SaveSecret remembers that hash.
func SaveSecret(tx *gate.Tx, rec id.ID, field, sum string) error {
	_, err := tx.Exec(`insert into import_secret (record_id, field, sum) values (?, ?, ?) on conflict (record_id, field) do update set sum = excluded.sum`, int64(rec), field, sum)
	return err
}

// Untouched tells whether a record, which the caller may see, is as an import
// left it.
func Untouched(tx *gate.Tx, rec id.ID) (bool, error) {
	cond, args := tx.Visible("r")
	var n int
	err := tx.QueryRow(`select count(*) from record r join import_state s on s.record_id = r.id where r.id = ? and r.version = s.version and r.trashed_at is null and `+cond,
		append([]any{int64(rec)}, args...)...).Scan(&n)
	return n == 1, err
}

// Renew takes the present version of a record for the import's own.
func Renew(tx *gate.Tx, rec id.ID) error {
	_, err := tx.Exec(`update import_state set version = (select r.version from record r where r.id = ?) where record_id = ?`, int64(rec), int64(rec))
	return err
}

// Forget forgets a record, as if it had not been imported.
func Forget(tx *gate.Tx, rec id.ID) error {
	return Purge(tx, &record.Record{ID: rec})
}

// Next takes the version after that of rec for the import's own, if rec was.
func Next(tx *gate.Tx, rec *record.Record) error {
	_, err := tx.Exec(`update import_state set version = ? where record_id = ? and version = ?`, rec.Version+1, int64(rec.ID), rec.Version)
	return err
}

// File is what is remembered of a file: the attachment, whether that is there
// still, and the hash of its content.
type File struct {
	ID    id.ID
	Sum   string
	There bool
}

// FileOf gives what is remembered of the file that came to a record from path;
// the zero File when nothing is.
func FileOf(tx *gate.Tx, rec id.ID, path string) (f File, err error) {
	var file, there int64
	err = tx.QueryRow(`select f.file_id, f.sum, case when a.id is null then 0 else 1 end from import_file f left join attachment a on a.id = f.file_id
		where f.record_id = ? and f.path = ?`, int64(rec), path).Scan(&file, &f.Sum, &there)
	if errors.Is(err, sql.ErrNoRows) {
		return File{}, nil
	}
	f.ID, f.There = id.ID(file), there == 1
	return f, err
}

// SaveFile remembers a file.
func SaveFile(tx *gate.Tx, rec id.ID, path string, file id.ID, sum string) error {
	_, err := tx.Exec(`insert into import_file (record_id, path, file_id, sum) values (?, ?, ?, ?)
		on conflict (record_id, path) do update set file_id = excluded.file_id, sum = excluded.sum`, int64(rec), path, int64(file), sum)
	return err
}

// ForgetFile forgets a file, as if it had not been imported.
func ForgetFile(tx *gate.Tx, file id.ID) error {
	_, err := tx.Exec(`delete from import_file where file_id = ?`, int64(file))
	return err
}
