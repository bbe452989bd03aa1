package search

import (
	"fmt"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
)

// orgs gives the condition on an organization column under which a record can
// be in question at all, grants aside, and its arguments; empty when every
// organization can be.
func (f *finder) orgs(column string) (cond string, args []any) {
	if f.o.Org != 0 {
		return column + ` = ?`, []any{int64(f.o.Org)}
	}
	return access.Reach(f.tx.Caller, column)
}

// few tells whether so few records are in question that they are better read
// than asked of the index.
func (f *finder) few() (bool, error) {
	var conds []string
	cond, args := f.orgs("t.org_id")
	if cond != "" {
		conds = append(conds, cond)
	}
	if len(f.o.Kinds) > 0 {
		conds = append(conds, `t.kind in (`+access.Marks(len(f.o.Kinds))+`)`)
		for _, k := range f.o.Kinds {
			args = append(args, k)
		}
	}
	if len(conds) == 0 {
		return false, nil
	}
	if known, ok := f.counted()[f.within()]; ok { // by another word of the same text
		return known, nil
	}
	var n int64
	err := f.tx.QueryRow(`select cast(coalesce(sum(t.n), 0) as bigint) from record_total t where `+strings.Join(conds, ` and `), args...).Scan(&n)
	if err == nil {
		f.counted()[f.within()] = n <= maxRead
	}
	return n <= maxRead, err
}

// within is what a question is narrowed to.
func (f *finder) within() string { return f.o.Org.String() + " " + strings.Join(f.o.Kinds, " ") }

type countedKey struct{}

// counted are the answers of few, of one transaction.
func (f *finder) counted() map[string]bool {
	return f.tx.Local(countedKey{}, func() any { return map[string]bool{} }).(map[string]bool) //nolint:forcetypeassert // its own
}

// byReading looks at every record in question.
func (f *finder) byReading() error {
	has := `instr`
	if f.tx.Dialect() == sqldb.Postgres {
		has = `strpos`
	}
	names, body, end := `(' ' || d.names || ' ')`, `(' ' || d.names || ' ' || d.body || ' ')`, ""
	if f.o.Whole {
		end = " "
	}
	if f.brief() {
		body = names
	}
	var allNames, allBody []string
	var terms []any
	for _, t := range f.terms {
		allNames = append(allNames, has+`(`+names+`, ?) > 0`)
		allBody = append(allBody, has+`(`+body+`, ?) > 0`)
		terms = append(terms, " "+t+end)
	}
	class := fmt.Sprintf(`case when d.name = ? then %d when d.name >= ? and d.name < ? then %d when %s then %d else %d end`,
		exact, beginning, strings.Join(allNames, ` and `), inNames, inBody)
	args := append([]any{f.typed, f.typed, f.typed + last}, terms...)
	ids, more := f.questioned()
	args = append(args, more...)
	visible, more := f.tx.Visible("r")
	args = append(append(append(args, more...), terms...), maxCandidates)
	return f.take(found+class+` as class from (`+ids+`) q`+f.each("search_doc", "d")+f.each("record", "r")+`
		where d.id = q.id and r.id = q.id and r.trashed_at is null and `+visible+` and `+strings.Join(allBody, ` and `)+` order by class, r.updated_at desc limit ?`, args...)
}

// each joins the row of table that has the id of q, one look-up for each row of
// q: both databases are kept from reading the whole table for it.
func (f *finder) each(table, alias string) string {
	if f.tx.Dialect() == sqldb.Postgres {
		return ` cross join lateral (select * from ` + table + ` where id = q.id offset 0) ` + alias
	}
	return ` cross join ` + table + ` ` + alias
}

// questioned gives the query for the ids of the records in question.
func (f *finder) questioned() (q string, args []any) {
	narrow, more := f.narrowed()
	return access.Question(f.tx.Caller, f.tx.Now, f.o.Org, narrow, more)
}
