// Package flag holds flags: short coloured labels that a tenant chooses and that
// people put on records of any kind.
//
// Always true: a flag is put on and taken off by who may change the record, and
// that is recorded; who may not see a record does not learn what flags it bears.
package flag

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Kind is the name of the kind of flags.
const Kind = "flag"

// Most is how many flags a record bears.
const Most = 12

// Colours are what flags can be coloured.
func Colours() []string {
	return []string{"grey", "blue", "green", "amber", "red", "violet", "teal", "pink"}
}

// Feature is the kind of flags, and the table of who bears which.
func Feature() record.Feature {
	return record.Feature{Name: "flag", Kinds: []*record.Kind{flags()}, Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists record_flag (record_id int not null, flag_id int not null, at int not null, primary key (record_id, flag_id))`,
	`create index if not exists record_flag_flag on record_flag (flag_id, record_id)`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from record_flag where record_id = ? or flag_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// Borne tells whether records of a kind bear flags, in a house that has the kinds.
func Borne(kinds *record.Registry, k *record.Kind) bool {
	return kinds.Kind(Kind) != nil && (k.Scope == record.OfOrganization || k.Scope == record.Organization)
}

func flags() *record.Kind {
	return &record.Kind{
		Name: Kind, Plural: "flags", Label: "Flag", Labels: "Flags", Icon: "flag", Scope: record.OfTenant,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, List: true, Hint: "One or two words, such as: VIP."},
			{Name: "colour", Type: record.Choice, Class: record.Internal, Choices: Colours(), Required: true, Default: "grey", Filter: true, List: true},
			{Name: "meaning", Type: record.Text, Class: record.Internal, List: true, Hint: "When it is used: shown where one chooses."},
		},
	}
}

// Flag is a flag as it stands on a record.
type Flag struct {
	ID      id.ID
	Name    string
	Colour  string
	Meaning string
}

// List gives the tenant's flags by name, those in use in the first place.
func List(tx *gate.Tx) ([]Flag, error) {
	cond, args := tx.Visible("r")
	return read(tx, `select r.id, r.name, coalesce(k.colour, ''), coalesce(k.meaning, '') from record r join k_flag k on k.id = r.id
		where r.kind = 'flag' and r.trashed_at is null and r.archived = 0 and `+cond+` order by r.name_fold, r.id`, args...)
}

// Of gives the flags that a record bears, by name. The record is one that the
// caller sees: who does not gets none.
func Of(tx *gate.Tx, rec id.ID) ([]Flag, error) {
	cond, args := tx.Visible("o")
	return read(tx, `select r.id, r.name, coalesce(k.colour, ''), coalesce(k.meaning, '') from record_flag f join record r on r.id = f.flag_id join k_flag k on k.id = r.id
		join record o on o.id = f.record_id where f.record_id = ? and r.trashed_at is null and `+cond+` order by r.name_fold, r.id`, append([]any{int64(rec)}, args...)...)
}

// OfMany gives the flags of records that the caller has been shown, by record, in one
// statement.
func OfMany(tx *gate.Tx, recs []id.ID) (map[id.ID][]Flag, error) {
	out := map[id.ID][]Flag{}
	if len(recs) == 0 {
		return out, nil
	}
	cond, args := tx.Visible("o")
	rows, err := tx.Query(`select f.record_id, r.id, r.name, coalesce(k.colour, ''), coalesce(k.meaning, '') from record_flag f join record r on r.id = f.flag_id join k_flag k on k.id = r.id
		join record o on o.id = f.record_id where f.record_id in (`+access.Marks(len(recs))+`) and r.trashed_at is null and `+cond+` order by f.record_id, r.name_fold, r.id`,
		append(access.Args(recs), args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f Flag
		var rec, n int64
		if err := rows.Scan(&rec, &n, &f.Name, &f.Colour, &f.Meaning); err != nil {
			return nil, err
		}
		f.ID = id.ID(n)
		out[id.ID(rec)] = append(out[id.ID(rec)], f)
	}
	return out, rows.Err()
}

func read(tx *gate.Tx, q string, args ...any) ([]Flag, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Flag
	for rows.Next() {
		var f Flag
		var n int64
		if err := rows.Scan(&n, &f.Name, &f.Colour, &f.Meaning); err != nil {
			return nil, err
		}
		f.ID = id.ID(n)
		out = append(out, f)
	}
	return out, rows.Err()
}

// Bearing gives the records of a kind, of an organization or with org 0 of all,
// that bear a flag and that the caller may see, at most limit of them.
func Bearing(tx *gate.Tx, flag id.ID, kind string, org id.ID, limit int) ([]id.ID, error) {
	cond, args := tx.Visible("r")
	q := `select r.id from record_flag f join record r on r.id = f.record_id where f.flag_id = ? and r.kind = ? and r.trashed_at is null and ` + cond
	args = append([]any{int64(flag), kind}, args...)
	if org != 0 {
		q, args = q+` and r.org_id = ?`, append(args, int64(org))
	}
	return tx.IDs(q+` order by r.id limit ?`, append(args, limit)...)
}

// Put puts a flag on a record. NotFound for a record or flag that the caller does
// not see. One that is there already changes nothing.
func Put(tx *gate.Tx, rec, flag id.ID) error {
	now, err := Of(tx, rec)
	if err != nil {
		return err
	}
	return Set(tx, rec, append(ids(now), flag))
}

// Take takes a flag off a record.
func Take(tx *gate.Tx, rec, flag id.ID) error {
	now, err := Of(tx, rec)
	if err != nil {
		return err
	}
	return Set(tx, rec, slices.DeleteFunc(ids(now), func(f id.ID) bool { return f == flag }))
}

func ids(list []Flag) []id.ID {
	var out []id.ID
	for _, f := range list {
		out = append(out, f.ID)
	}
	return out
}

// Set says which flags a record bears from now on.
func Set(tx *gate.Tx, rec id.ID, flags []id.ID) error {
	e, err := tx.Allow(access.Edit, gate.Thing{ID: rec})
	if err != nil {
		return err
	}
	before, err := Of(tx, rec)
	if err != nil {
		return err
	}
	all, err := List(tx)
	if err != nil {
		return err
	}
	var on, off []string
	for _, f := range flags {
		known := slices.IndexFunc(all, func(x Flag) bool { return x.ID == f })
		switch {
		case slices.Contains(ids(before), f):
			continue
		case known < 0:
			return gate.Missing()
		}
		n, err := tx.Exec(`insert into record_flag (record_id, flag_id, at) values (?, ?, ?) on conflict do nothing`, int64(rec), int64(f), tx.Now)
		if err != nil {
			return err
		}
		if n > 0 {
			on = append(on, all[known].Name)
		}
	}
	if len(before)+len(on) > Most {
		return fault.Field("flags", "A record bears at most %d flags.", Most)
	}
	for _, f := range before {
		if slices.Contains(flags, f.ID) {
			continue
		}
		if _, err := tx.Exec(`delete from record_flag where record_id = ? and flag_id = ?`, int64(rec), int64(f.ID)); err != nil {
			return err
		}
		off = append(off, f.Name)
	}
	switch {
	case len(on)+len(off) == 0:
		tx.Withdraw(e)
	case len(off) == 0:
		e.Detail.Text = "flagged it: " + strings.Join(on, ", ")
	case len(on) == 0:
		e.Detail.Text = "took off the flag: " + strings.Join(off, ", ")
	default:
		e.Detail.Text = "flagged it: " + strings.Join(on, ", ") + "; took off: " + strings.Join(off, ", ")
	}
	return nil
}
