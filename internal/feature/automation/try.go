package automation

import (
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The bounds of a dry run.
const (
	mostTried    = 200 // records
	mostVersions = 20  // of each
)

// Match is a record, at a time, about which a rule would have run.
type Match struct {
	Record id.ID
	Name   string
	At     int64 // Unix milliseconds
	Why    string
}

// Tried is what a dry run found.
type Tried struct {
	Looked  int // records
	Matches []Match
}

// Try says about which of the records that changed last a rule would have run, had it been
// on, as far as the caller and the rule both see them. Nothing is done.
func (r *Rules) Try(tx *gate.Tx, x *Rule) (*Tried, error) {
	p, err := r.Records.List(tx, x.Of, record.Query{Limit: mostTried, NoTotal: true, Archived: "no", Sort: []record.Order{{Field: "updated_at", Desc: true}}})
	if err != nil {
		return nil, err
	}
	out := &Tried{}
	for _, rec := range p.Records {
		ok, err := may(tx, x, access.View, rec, false)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		out.Looked++
		m, err := r.try(tx, x, rec)
		if err != nil {
			return nil, err
		}
		out.Matches = append(out.Matches, m...)
	}
	return out, nil
}

// try looks at the versions of one record.
func (r *Rules) try(tx *gate.Tx, x *Rule, rec *record.Record) (out []Match, err error) {
	add := func(at int64, now, old *record.Record) error {
		if !x.met(now, old, nil) {
			return nil
		}
		said, err := why(tx, x, now, old, nil)
		out = append(out, Match{rec.ID, rec.Name, at, said})
		return err
	}
	switch x.When {
	case Created, Changed, FieldHas:
	case Elapsed:
		at := rec.Created
		if x.Since == SinceChanged {
			at = rec.Updated
		}
		if due := at + int64(x.Hours*float64(time.Hour.Milliseconds())); due <= tx.Now {
			err = add(due, rec, rec)
		}
		return out, err
	default: // it is not kept when that was: whether it would run now
		err = add(tx.Now, rec, rec)
		return out, err
	}
	list, err := r.Records.Revisions(tx, x.Of, rec.ID)
	if err != nil {
		return nil, err
	}
	for i, v := range list[:min(len(list), mostVersions)] {
		var old *record.Record
		if i+1 < len(list) {
			old = version(rec, list[i+1])
		} else if v.Version != 1 {
			break
		}
		if now := version(rec, v); x.occasion(now, old) {
			if err := add(v.Time, now, old); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// version is a record as it was.
func version(rec *record.Record, v record.Revision) *record.Record {
	out := *rec
	out.Values, out.Version = v.Values, v.Version
	out.Name, out.Org, out.Archived = v.Values.Text("name"), v.Values.ID("organization_id"), v.Values.Bool("archived")
	return &out
}

// By says which versions of a record rules made, by their names.
func By(tx *gate.Tx, e *record.Engine, rec id.ID) (map[int64]string, error) {
	if e.Kinds.Kind(Kind) == nil {
		return nil, nil
	}
	rows, err := tx.Query(`select a.made, r.name, a.why from automation_run a join record r on r.id = a.rule_id where a.record_id = ? and a.made > 0 and a.once not like 'filled/%'`, int64(rec))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]string{}
	for rows.Next() {
		var n int64
		var name, why string
		if err := rows.Scan(&n, &name, &why); err != nil {
			return nil, err
		}
		out[n] = "By rule " + name + ", because " + why
	}
	return out, rows.Err()
}
