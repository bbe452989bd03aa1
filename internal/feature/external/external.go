// Package external remembers where a record came from: which row of which
// foreign system it stands for, and what that row looked like when it was last
// taken over.
//
// Always true: a foreign row (source, type, id) stands for at most one record;
// the hash is of the row as the source last gave it, never of what is here, so
// that an unchanged source is told from a changed one however much the record
// was edited. Several foreign rows may stand for one record.
package external

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Row names a row of a foreign system. Source is the system (itglue, hudu, an
// integration's own id), Type what it calls the row, ID its key there.
type Row struct {
	Source, Type, ID string
}

// Ref is what is remembered of a foreign row.
type Ref struct {
	Row
	Record id.ID
	Hash   string // Hash of the row as the source last gave it
}

// Feature is the table of references. They go with the record they lead to.
func Feature() record.Feature {
	return record.Feature{Name: "external", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists external_ref (source text not null, type text not null, foreign_id text not null,
		record_id int not null, hash text not null default '', primary key (source, type, foreign_id))`,
	`create index if not exists external_ref_record on external_ref (record_id)`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from external_ref where record_id = ?`, int64(r.ID))
	return err
}

// Find gives the record that a foreign row stands for, and the hash that the row
// had; 0 when nothing is remembered of it. The record may meanwhile be in the
// trash or hidden from the caller: load it through the engine.
func Find(tx *gate.Tx, source, typ, foreign string) (id.ID, string, error) {
	var rec int64
	var hash string
	err := tx.QueryRow(`select record_id, hash from external_ref where source = ? and type = ? and foreign_id = ?`, source, typ, foreign).Scan(&rec, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return id.ID(rec), hash, err
}

// Save remembers that the foreign row stands for rec and looked like hash. What
// was remembered of the row before is replaced. The transaction must already be
// allowed to change something.
func Save(tx *gate.Tx, source, typ, foreign string, rec id.ID, hash string) error {
	return SaveMany(tx, []Ref{{Row{source, typ, foreign}, rec, hash}})
}

// together is how many rows one statement saves, where there are as many.
const together = 32

// SaveMany is Save for many rows, of which no two are the same.
func SaveMany(tx *gate.Tx, list []Ref) error {
	for len(list) > 0 {
		n := 1
		if len(list) >= together {
			n = together
		}
		args := make([]any, 0, 5*n)
		for _, r := range list[:n] {
			args = append(args, r.Source, r.Type, r.ID, int64(r.Record), r.Hash)
		}
		_, err := tx.Exec(`insert into external_ref (source, type, foreign_id, record_id, hash) values `+strings.TrimSuffix(strings.Repeat(`(?, ?, ?, ?, ?), `, n), `, `)+`
			on conflict (source, type, foreign_id) do update set record_id = excluded.record_id, hash = excluded.hash`, args...)
		if err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// Forget removes what is remembered of one foreign row.
func Forget(tx *gate.Tx, source, typ, foreign string) error {
	_, err := tx.Exec(`delete from external_ref where source = ? and type = ? and foreign_id = ?`, source, typ, foreign)
	return err
}

// ForgetType forgets all rows of one type.
func ForgetType(tx *gate.Tx, source, typ string) error {
	_, err := tx.Exec(`delete from external_ref where source = ? and type = ?`, source, typ)
	return err
}

// Undone makes what is remembered of a record stand for no state of its source: the
// next import of a row changes the record again.
func Undone(tx *gate.Tx, rec id.ID) error {
	_, err := tx.Exec(`update external_ref set hash = ? where record_id = ?`, strings.Repeat("f", 32), int64(rec))
	return err
}

// ForgetRecord forgets all rows that a record stands for.
func ForgetRecord(tx *gate.Tx, rec id.ID) error {
	_, err := tx.Exec(`delete from external_ref where record_id = ?`, int64(rec))
	return err
}

// BySource gives everything remembered of one type of rows, by their foreign
// id: what an import loads once instead of asking for each row.
func BySource(tx *gate.Tx, source, typ string) (map[string]Ref, error) {
	list, err := refs(tx, `where source = ? and type = ?`, source, typ)
	out := make(map[string]Ref, len(list))
	for _, r := range list {
		out[r.ID] = r
	}
	return out, err
}

// Of lists the foreign rows that a record stands for, in a fixed order.
func Of(tx *gate.Tx, rec id.ID) ([]Ref, error) {
	return refs(tx, `where record_id = ? order by source, type, foreign_id`, int64(rec))
}

// Records gives the records that foreign rows of a source stand for, whatever
// their type: what a list filtered by a foreign id needs.
func Records(tx *gate.Tx, source, foreign string) ([]id.ID, error) {
	list, err := refs(tx, `where source = ? and foreign_id = ? order by record_id`, source, foreign)
	var out []id.ID
	for _, r := range list {
		out = append(out, r.Record)
	}
	return out, err
}

func refs(tx *gate.Tx, where string, args ...any) ([]Ref, error) {
	rows, err := tx.Query(`select source, type, foreign_id, record_id, hash from external_ref `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Ref
	for rows.Next() {
		var r Ref
		var rec int64
		if err := rows.Scan(&r.Source, &r.Type, &r.ID, &rec, &r.Hash); err != nil {
			return nil, err
		}
		r.Record = id.ID(rec)
		out = append(out, r)
	}
	return out, rows.Err()
}

// Hash gives the hash of a row's cells, in the order given. A cell's length is
// part of it, so that no two different rows look alike.
func Hash(cells ...string) string {
	h := sha256.New()
	var n [8]byte
	for _, c := range cells {
		for i := range n {
			n[i] = byte(uint64(len(c)) >> (8 * i))
		}
		h.Write(n[:])
		h.Write([]byte(c))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
