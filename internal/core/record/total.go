package record

import (
	"cmp"

	"strongroom/internal/core/compare"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record/plan"
	"strongroom/internal/core/tally"
)

// total counts without reading all rows where it can: from the page itself, or
// from the totals that are kept.
func (e *Engine) total(tx *gate.Tx, b *builder, q Query, got, limit int) (int64, error) {
	if got < limit && (got > 0 || q.Offset == 0) {
		return int64(q.Offset + got), nil
	}
	if q.plain() && b.counts != nil {
		return b.counts.Hers, nil
	}
	if q.plain() {
		of := tally.Variant(b.kind.Name, q.Variant)
		all, err := tally.Kept(tx, q.Org, of, q.Archived)
		return all[of], err
	}
	if states := b.states(q); len(states) > 0 {
		if n, kept, err := tally.InStates(tx, q.Org, q.Archived, states...); kept || err != nil {
			return n, err
		}
	}
	if b.countable(tx, q) {
		return b.countMatches(tx, q)
	}
	way := plan.AnyWay
	if b.counts != nil {
		way = b.counts.ToCount()
	}
	b.drive(tx, q, way)
	var n int64
	return n, tx.QueryRow(`select count(*)`+b.tables()+b.where(), b.allArgs()...).Scan(&n)
}

// plain tells whether a query asks for all of a kind or of an organization.
func (q Query) plain() bool {
	return len(q.Filters) == 0 && len(q.Any) == 0 && q.Text == "" && q.Parent == 0 && !q.Trashed
}

// states are the names of the totals of which a query asks for all records, and nothing more.
func (b *builder) states(q Query) (names []string) {
	name := b.kind.state()
	if name == "" || len(q.Filters) != 1 || q.Filters[0].Field != name || q.Filters[0].Op != Eq {
		return nil
	}
	if _, hidden := b.marks[name]; hidden {
		return nil
	}
	for _, v := range q.Filters[0].Values {
		if s, ok := v.(string); ok {
			names = append(names, tally.State(b.kind.Name, compare.Clip(Fold(s))))
		}
	}
	if q.Filters = nil; !q.plain() {
		return nil
	}
	return names
}

// state is the field by which the kind's records are counted apart; "" for none. States of
// variants are their own.
func (k *Kind) state() string {
	if k.Life == nil || k.Scope != OfOrganization || k.Variants != nil {
		return ""
	}
	return k.Life.StateField()
}

// states are those as which the record is counted.
func (r *Record) states() (out []string) {
	name := r.Kind.state()
	if name == "" {
		return nil
	}
	if s := r.Values.Text(name); s != "" {
		out = append(out, compare.Clip(Fold(s)))
	}
	if over, known := r.Values[r.Kind.Ended].(bool); known && !over {
		out = append(out, tally.Unended)
	}
	return out
}

// Totals counts what is not archived, by kind and by tally.Variant, of one organization or, with 0,
// of the whole tenant, as far as the caller may see it.
func (e *Engine) Totals(tx *gate.Tx, org id.ID) (map[string]int64, error) {
	return tally.Kept(tx, org, "", "no")
}

// count moves a record from the totals that old belongs to, if it was there, to
// those of now.
//
// What administrators alone change, users among it, says who somebody is and what she may
// do: whoever remembers that looks again.
func count(tx *gate.Tx, old, now *Record) error {
	if cmp.Or(now, old).Kind.Admin {
		tx.SQL().NewEdition()
	}
	sums := tally.Changes{}
	addTo(sums, old, -1)
	addTo(sums, now, +1)
	return sums.Later(tx)
}

// Total is the total that the record is counted in.
func (r *Record) Total() tally.Key {
	return tally.Key{Org: r.Org, Kind: r.Kind.Name, Archived: r.Archived, Restricted: r.Restricted}
}

// Value is that of a field or, with created_at, when the record was made.
func (r *Record) Value(field string) any {
	if field == "created_at" {
		return r.Created
	}
	return r.Values[field]
}

func addTo(sums tally.Changes, r *Record, n int64) {
	if r == nil || r.Trashed != 0 {
		return
	}
	sums[r.Total()] += n
	r.Kind.Days.Add(sums, r.Total(), r.Value, n)
	for _, s := range r.states() {
		sums[tally.Key{Org: r.Org, Kind: tally.State(r.Kind.Name, s), Archived: r.Archived, Restricted: r.Restricted}] += n
	}
	if v := r.Variant(); v != 0 {
		sums[tally.Key{Org: r.Org, Kind: tally.Variant(r.Kind.Name, v), Archived: r.Archived, Restricted: r.Restricted}] += n
	}
}
