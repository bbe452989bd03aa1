// Package sealed keeps the values of fields that a tenant marked as sensitive.
//
// Always true: the value of a marked field lies in no column of its record, in no
// revision, index or search, but here, encrypted under a key of its record that is
// derived from the tenant's field root, bound to the tenant, the kind, the record,
// the field and the version that first had it, so that a value that was moved or
// altered is refused; what may be compared is a keyed hash of the newest value,
// under a key of its field, and only where the mark says so; nothing here decides
// who may see a value.
package sealed

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"strconv"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/compare"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Schema is the tables of marks and values. A row of sealed_value holds what the
// field was from that version of the record on; sealed is null where it was
// cleared, blind where nothing can be asked of it.
var Schema = []string{
	`create table if not exists sealed_field (kind text not null, field text not null, state text not null, exact int not null,
		marked_at int not null, marked_by int not null, primary key (kind, field))`,
	`create table if not exists sealed_value (record_id int not null references record (id) on delete cascade, field text not null, version int not null,
		sealed bytes, blind bytes, primary key (record_id, field, version))`,
	`create index if not exists sealed_value_blind on sealed_value (blind, record_id) where blind is not null`,
}

// Shown is the action of the audit entry of a look at a sealed value.
const Shown = "field.shown"

// The states of a mark. What is written is sealed in the first two.
const (
	Sealing = "sealing" // values from before are being sealed
	Done    = "sealed"
	Opening = "opening" // the mark is being taken off: values go back to their columns
)

// Mark says that a field of a kind is sensitive.
type Mark struct {
	Kind, Field string
	State       string
	Exact       bool // records can be found by the whole value
	At          int64
	By          id.ID
}

// Place is where a value belongs.
type Place struct {
	Kind   string
	Record id.ID
	Field  string
}

type marksOfTx struct{}

// marks are those of a tenant, by kind and field, as a transaction read them.
type marks struct {
	read bool
	all  map[string]map[string]Mark
}

// Clone makes a copy for gate.Tx.Try.
func (m *marks) Clone() gate.Cloner { return &marks{m.read, maps.Clone(m.all)} }

func local(tx *gate.Tx) *marks {
	return tx.Local(marksOfTx{}, func() any { return &marks{} }).(*marks)
}

// All gives every mark, by kind and field.
func All(tx *gate.Tx) (map[string]map[string]Mark, error) {
	have := local(tx)
	if have.read {
		return have.all, nil
	}
	rows, err := tx.Query(`select kind, field, state, exact, marked_at, marked_by from sealed_field`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all map[string]map[string]Mark
	for rows.Next() {
		var m Mark
		var by int64
		if err := rows.Scan(&m.Kind, &m.Field, &m.State, &m.Exact, &m.At, &by); err != nil {
			return nil, err
		}
		m.By = id.ID(by)
		if all == nil {
			all = map[string]map[string]Mark{}
		}
		if all[m.Kind] == nil {
			all[m.Kind] = map[string]Mark{}
		}
		all[m.Kind][m.Field] = m
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	have.read, have.all = true, all
	return all, nil
}

// Of gives the marks of a kind by field; nil when there are none.
func Of(tx *gate.Tx, kind string) (map[string]Mark, error) {
	all, err := All(tx)
	return all[kind], err
}

// Set makes a mark, or changes one. The caller has been allowed to.
func Set(tx *gate.Tx, m Mark) error {
	local(tx).read = false
	_, err := tx.Exec(`insert into sealed_field (kind, field, state, exact, marked_at, marked_by) values (?, ?, ?, ?, ?, ?)
		on conflict (kind, field) do update set state = excluded.state, exact = excluded.exact`, m.Kind, m.Field, m.State, m.Exact, m.At, int64(m.By))
	return err
}

// Remove takes a mark off whose values have all been taken out. The caller has
// been allowed to.
func Remove(tx *gate.Tx, kind, field string) error {
	local(tx).read = false
	_, err := tx.Exec(`delete from sealed_field where kind = ? and field = ?`, kind, field)
	return err
}

// Put keeps the value that a field has from that version of its record on; nil
// is that it was cleared. It takes the place of all before it as what can be
// asked for.
func Put(tx *gate.Tx, m Mark, rec id.ID, version int64, v any) error {
	if _, err := tx.Exec(`update sealed_value set blind = null where record_id = ? and field = ? and blind is not null`, int64(rec), m.Field); err != nil {
		return err
	}
	var box, hash any
	if v != nil {
		b, err := seal(tx, Place{m.Kind, rec, m.Field}, version, v)
		if err != nil {
			return err
		}
		box = b
		if key, ok := compare.Key(v); ok && m.Exact {
			if hash, err = blind(tx, m.Kind, m.Field, key.(string)); err != nil {
				return err
			}
		}
	}
	_, err := tx.Exec(`insert into sealed_value (record_id, field, version, sealed, blind) values (?, ?, ?, ?, ?)
		on conflict (record_id, field, version) do update set sealed = excluded.sealed, blind = excluded.blind`, int64(rec), m.Field, version, box, hash)
	return err
}

// blind gives the keyed hash by which records with a value are found.
func blind(tx *gate.Tx, kind, field, key string) ([]byte, error) {
	k, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/field/blind/1", tx.Tenant.ID, kind, field)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, k)
	h.Write([]byte(key))
	return h.Sum(nil), nil
}

func bind(tx *gate.Tx, p Place, version int64) []byte {
	return envelope.Bind("strongroom/field/1", tx.Tenant.ID, p.Kind, p.Record.String(), p.Field, strconv.FormatInt(version, 10))
}

func rowKey(tx *gate.Tx, rec id.ID) ([]byte, error) {
	return envelope.Derive(tx.Tenant.Keys.Fields, "strongroom/field/row/1", tx.Tenant.ID, rec.String())
}

func seal(tx *gate.Tx, p Place, version int64, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	key, err := rowKey(tx, p.Record)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return envelope.SealBox(key, bind(tx, p, version), plain)
}

func unseal(tx *gate.Tx, p Place, version int64, box []byte) (any, error) {
	key, err := rowKey(tx, p.Record)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, err := envelope.OpenBox(key, bind(tx, p, version), box)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The sealed value of the field %s of record %s was altered, or belongs to another place.", p.Field, p.Record).
			WithHint("The database was altered. Restore it from a backup and compare the audit log.")
	}
	defer clear(plain)
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber()
	var v any
	return v, d.Decode(&v)
}

// Value is what a field was from a version of its record on; nil when it was
// cleared then.
type Value struct {
	Version int64
	Value   any // as JSON gives it, numbers as json.Number
}

// Get gives what a field was at a version of its record; 0 is now. has is false
// when it was not set. The caller has been allowed to see it, or it is not shown.
func Get(tx *gate.Tx, p Place, version int64) (v any, has bool, err error) {
	q, args := `select version, sealed from sealed_value where record_id = ? and field = ?`, []any{int64(p.Record), p.Field}
	if version != 0 {
		q, args = q+` and version <= ?`, append(args, version)
	}
	var from int64
	var box []byte
	err = tx.QueryRow(q+` order by version desc limit 1`, args...).Scan(&from, &box)
	if errors.Is(err, sql.ErrNoRows) || err == nil && box == nil {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	v, err = unseal(tx, p, from, box)
	return v, err == nil, err
}

// Versions gives from which versions of its record on a field had values, newest
// first, at most fifty.
func Versions(tx *gate.Tx, p Place) ([]int64, error) {
	rows, err := tx.Query(`select version from sealed_value where record_id = ? and field = ? and sealed is not null order by version desc limit 50`, int64(p.Record), p.Field)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// History gives everything that a field was, oldest first.
func History(tx *gate.Tx, p Place) ([]Value, error) {
	rows, err := tx.Query(`select version, sealed from sealed_value where record_id = ? and field = ? order by version`, int64(p.Record), p.Field)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Value
	for rows.Next() {
		var v Value
		var box []byte
		if err := rows.Scan(&v.Version, &box); err != nil {
			return nil, err
		}
		if box != nil {
			if v.Value, err = unseal(tx, p, v.Version, box); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Drop removes everything that a field was.
func Drop(tx *gate.Tx, rec id.ID, field string) error {
	_, err := tx.Exec(`delete from sealed_value where record_id = ? and field = ?`, int64(rec), field)
	return err
}

// Held gives the fields of each of the records that have a sealed value now, in
// the order of their names.
func Held(tx *gate.Tx, recs ...id.ID) (map[id.ID][]string, error) {
	out := map[id.ID][]string{}
	if len(recs) == 0 {
		return out, nil
	}
	rows, err := tx.Query(`select v.record_id, v.field from sealed_value v where v.record_id in (`+access.Marks(len(recs))+`) and v.sealed is not null
		and not exists (select 1 from sealed_value w where w.record_id = v.record_id and w.field = v.field and w.version > v.version) order by v.record_id, v.field`, access.Args(recs)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var field string
		if err := rows.Scan(&n, &field); err != nil {
			return nil, err
		}
		out[id.ID(n)] = append(out[id.ID(n)], field)
	}
	return out, rows.Err()
}
