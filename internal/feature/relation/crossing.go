package relation

import (
	"strconv"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Crossing is a reference that leads from one organization into another once a record is
// moved.
type Crossing struct {
	Record   id.ID // that refers
	Kind     string
	Name     string
	Field    string // of it
	Label    string // of the field
	Required bool   // the field must have a value
	Many     bool   // the field names several; To is the one
	To       id.ID
	Own      bool // the moved record refers, to what stays
}

// Crossings gives the references of records of its organization to a record, and those
// that types of assets have, in either direction, as far as the caller sees both ends.
// What the record's own fields name, its form knows; what is within it moves with it.
func (s *Relations) Crossings(tx *gate.Tx, rec *record.Record) ([]Crossing, error) {
	var out []Crossing
	cond, who := tx.Visible("r")
	for _, other := range s.Records.Kinds.Kinds() {
		for i := range other.Fields {
			f := &other.Fields[i]
			if f.Type != record.Ref || f.Ref != rec.Kind.Name || other.NamesParent(f.Name) {
				continue
			}
			c := Crossing{Kind: other.Name, Field: f.Name, Label: f.Title(), Required: f.Required, To: rec.ID}
			list, err := crossings(tx, c, `select r.id, r.kind, r.name, 0, '' from `+other.Table()+` k join record r on r.id = k.id where k."`+f.Name+`" = ? and r.org_id = ? and r.id <> ? and r.trashed_at is null and `+cond,
				append([]any{int64(rec.ID), int64(rec.Org), int64(rec.ID)}, who...)...)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	tags := func(own bool, self, other string) error {
		list, err := crossings(tx, Crossing{Many: true, Own: own}, `select r.id, r.kind, r.name, t.field_id, f.name from trait t join record f on f.id = t.field_id join record r on r.id = t.`+other+`
			where t.`+self+` = ? and t.ref <> 0 and r.org_id = ? and r.id <> ? and r.id <> r.org_id and f.trashed_at is null and r.trashed_at is null and `+cond,
			append([]any{int64(rec.ID), int64(rec.Org), int64(rec.ID)}, who...)...)
		for _, c := range list {
			if c.To = rec.ID; own {
				c.Record, c.To, c.Kind = rec.ID, c.Record, rec.Kind.Name
			}
			out = append(out, c)
		}
		return err
	}
	if err := tags(false, "ref", "record_id"); err != nil {
		return nil, err
	}
	return out, tags(true, "record_id", "ref")
}

func crossings(tx *gate.Tx, c Crossing, q string, args ...any) ([]Crossing, error) {
	rows, err := tx.Query(q+` order by r.name_fold, r.id limit `+strconv.Itoa(most), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Crossing
	for rows.Next() {
		x := c
		var rec, field int64
		var label string
		if err := rows.Scan(&rec, &x.Kind, &x.Name, &field, &label); err != nil {
			return nil, err
		}
		if x.Record = id.ID(rec); field != 0 {
			x.Field, x.Label = record.TraitName(id.ID(field)), label
		}
		out = append(out, x)
	}
	return out, rows.Err()
}
