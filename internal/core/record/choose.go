package record

import (
	"slices"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record/plan"
	"strongroom/internal/core/tally"
)

// choose says in which order the tables are looked at, where the database knows
// too little to choose well.
func (b *builder) choose(tx *gate.Tx, q Query, order string, limit int) error {
	traits := b.trait != nil || len(b.matches) > 0
	reach, _ := access.Reach(tx.Caller, "")
	if traits || q.plain() && reach != "" && q.Org == 0 { // else the database has an index for it
		if err := b.count(tx, q, reach != "" || q.Org != 0); err != nil {
			return err
		}
		passing := int64(1)
		if traits {
			passing = plan.Sorting
		}
		b.drive(tx, q, b.counts.ToList(int64(q.Offset+limit), passing))
	}
	many := len(q.Filters) == 0
	if b.from == "" && tx.Dialect() == sqldb.SQLite {
		asked, err := b.few(tx, q)
		if many = many || asked == len(q.Filters) && q.Org == 0 && q.Parent == 0; err != nil {
			return err
		}
	}
	if b.from == "" && many && len(q.Any) == 0 && strings.HasPrefix(order, ` order by k.`) {
		// SQLite takes the tables of a cross join in this order, so that the index
		// of the column that is sorted by gives the first rows at once.
		b.from = ` from ` + b.kind.Table() + ` k cross join record r`
		b.add(`r.id = k.id`)
		for i, c := range b.conds { // and not what a filter finds, which is much
			if strings.HasPrefix(c, `k."`) {
				b.conds[i] = `+` + c
			}
		}
	}
	return nil
}

// few begins the tables with what one filter by a field finds, when that is little: SQLite
// does not know how many rows a value has, and would else go through the list in its order.
func (b *builder) few(tx *gate.Tx, q Query) (asked int, err error) {
	for _, f := range q.Filters {
		one := &builder{kind: b.kind}
		_, hidden := b.marks[f.Field]
		if field := b.kind.Field(f.Field); hidden || f.Field == "name" || f.Op != Eq || field == nil || !field.Filter || field.Trait != 0 || one.filter(tx, f) != nil {
			continue
		}
		all, n := int64(0), int64(0)
		if all, err = tally.All(tx, b.kind.Name); err != nil {
			return asked, err
		}
		enough := plan.Many(all)
		if all >= enough { // else what a filter finds is fewer still
			err = tx.QueryRow(`select count(*) from (select 1 from `+b.kind.Table()+` k`+one.where()+` limit ?) x`, append(one.args, enough)...).Scan(&n)
		}
		if asked, b.read = asked+1, err == nil && n < enough; b.read {
			b.from = ` from ` + b.kind.Table() + ` k cross join record r`
			b.add(`r.id = k.id`)
		}
		if b.read || err != nil {
			break
		}
	}
	return asked, err
}

// count finds out what choose goes by.
func (b *builder) count(tx *gate.Tx, q Query, narrow bool) error {
	of := tally.Variant(b.kind.Name, q.Variant)
	c := &plan.Counts{Narrow: narrow && !q.Trashed && q.Parent == 0}
	hers, err := tally.Kept(tx, q.Org, of, q.Archived)
	if err != nil {
		return err
	}
	c.Hers = hers[of]
	if c.All, err = tally.All(tx, of); err != nil {
		return err
	}
	if len(b.matches) > 0 {
		m := b.matches[0]
		c.Filtered = true
		found, args, some := `select 1 from trait t where `+m.cond, slices.Clip(m.args), !b.countable(tx, q)
		if some { // else the total asks for all of them
			found, args = found+` limit ?`, append(args, plan.Enough)
		}
		if err := tx.QueryRow(`select count(*) from (`+found+`) x`, args...).Scan(&c.Matches); err != nil {
			return err
		}
		if some && c.Matches == plan.Enough {
			c.Matches = max(plan.Enough, c.All/plan.Sorting)
		}
	}
	b.counts = c
	return nil
}

// drive begins the tables with those of a driver, and makes conditions of the
// filters by traits that are left.
func (b *builder) drive(tx *gate.Tx, q Query, d plan.Driver) {
	first := -1
	switch {
	case d == plan.BySight && q.Org != 0 && q.Variant != 0: // an index of the spine has all that decides
		b.from = ` from record r`
	case d == plan.BySight:
		narrow, more := ` and r.kind = ?`, []any{b.kind.Name}
		if q.Variant != 0 {
			narrow, more = ` and r.variant_id = ? and r.variant_id <> 0`, []any{int64(q.Variant)}
		}
		ids, args := access.Question(tx.Caller, tx.Now, q.Org, narrow, more)
		b.begin(`(`+ids+`) q`, args, `r.id = q.id`)
	case d == plan.ByMatches:
		first = 0
		m := b.matches[0]
		b.begin(`(select distinct t.record_id from trait t where `+m.cond+`) w`, m.args, `r.id = w.record_id`)
	case b.trait != nil: // each record of the variant has a row in the index of the trait
		b.from = ` from trait o cross join record r`
	}
	if b.trait != nil {
		if b.from != ` from trait o cross join record r` {
			b.from += ` cross join trait o`
		}
		b.add(`o.field_id = ? and o.record_id = r.id`, int64(b.trait.Trait))
	}
	if b.from != "" && (b.needsKind || b.joins != "") {
		b.from += ` cross join ` + b.kind.Table() + ` k`
		b.add(`k.id = r.id`)
	}
	b.demand(first)
}

// begin begins the tables with one that gives the ids of records.
func (b *builder) begin(table string, args []any, on string) {
	b.from = ` from ` + table + ` cross join record r`
	b.joinArgs = append(args[:len(args):len(args)], b.joinArgs...)
	b.add(on)
}

// demand makes conditions of all filters by traits but one.
func (b *builder) demand(but int) {
	for i, m := range b.matches {
		if i != but {
			b.add(`exists (select 1 from trait t where t.record_id = r.id and `+m.cond+`)`, m.args...)
		}
	}
	b.matches = nil
}

// apart is the condition on the spine row, with the given alias and a dot, that a
// record of a variant is archived, restricted or in the trash. Few are.
func apart(alias string) string {
	return alias + `variant_id <> 0 and (` + alias + `archived <> 0 or ` + alias + `restricted <> 0 or ` + alias + `trashed_at is not null)`
}

// countable tells whether the rows of one filter by a trait are, but for a few,
// the list.
func (b *builder) countable(tx *gate.Tx, q Query) bool {
	reach, _ := access.Reach(tx.Caller, "")
	return len(b.matches) == 1 && !b.matches[0].many && len(q.Filters) == 1 && len(q.Any) == 0 && reach == "" && q.Org == 0 && q.Text == "" && q.Parent == 0 && !q.Trashed && q.Archived != "yes"
}

// countMatches counts what the filter of a countable list finds: the rows of its
// index, less those of records that are apart and not in the list.
func (b *builder) countMatches(tx *gate.Tx, q Query) (int64, error) {
	m, less := b.matches[0], int64(0)
	out := `r.trashed_at is not null`
	if q.Archived == "no" {
		out += ` or r.archived <> 0`
	}
	visible, who := tx.VisibleOf("r", b.kind.Name)
	args := slices.Concat([]any{int64(q.Variant)}, who, m.args)
	err := tx.QueryRow(`select count(*) from record r where r.variant_id = ? and `+apart("r.")+` and (`+out+` or not (`+visible+`))
		and exists (select 1 from trait t where t.record_id = r.id and `+m.cond+`)`, args...).Scan(&less)
	return b.counts.Matches - less, err
}
