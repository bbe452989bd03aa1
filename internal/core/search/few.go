package search

import (
	"fmt"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
)

// orgs gives the condition on an organization column under which a record can
// be in question at all, grants aside, and its arguments; empty when every
// organization can be.
func (f *finder) orgs(column string) (cond string, args []any) {
	c := f.tx.Caller
	switch {
	case f.o.Org != 0:
		return column + ` = ?`, []any{int64(f.o.Org)}
	case len(c.Scope.Orgs) > 0:
		return column + ` in (0, ` + access.Marks(len(c.Scope.Orgs)) + `)`, access.Args(c.Scope.Orgs)
	case !c.AllOrgs && c.Role != access.Administrator:
		return column + ` in (select 0 union all select ao.org_id from access_org ao where ao.user_id = ?)`, []any{int64(c.User)}
	}
	return "", nil
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
	var n int64
	err := f.tx.QueryRow(`select cast(coalesce(sum(t.n), 0) as bigint) from record_total t where `+strings.Join(conds, ` and `), args...).Scan(&n)
	return n <= maxRead, err
}

// byReading looks at every record in question.
func (f *finder) byReading() error {
	has := `instr`
	if f.tx.Dialect() == sqldb.Postgres {
		has = `strpos`
	}
	names, body := `(' ' || d.names)`, `(' ' || d.names || ' ' || d.body)`
	if f.brief() {
		body = names
	}
	var allNames, allBody []string
	var terms []any
	for _, t := range f.terms {
		allNames = append(allNames, has+`(`+names+`, ?) > 0`)
		allBody = append(allBody, has+`(`+body+`, ?) > 0`)
		terms = append(terms, " "+t)
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
	cond, args := f.orgs("r.org_id")
	if cond == "" {
		return `select r.id from record r where r.trashed_at is null` + narrow, more
	}
	q, args = `select r.id from record r where r.trashed_at is null and `+cond+narrow, append(args, more...)
	if f.o.Org != 0 {
		return q, args
	}
	who := append([]id.ID{f.tx.Caller.User}, f.tx.Caller.Groups...)
	grant := `select ag.record_id from access_grant ag where (ag.user_id = ? and ag.user_id <> 0)`
	grants := []any{int64(who[0])}
	if len(who) > 1 {
		grant += ` or (ag.group_id in (` + access.Marks(len(who)-1) + `) and ag.group_id <> 0)`
		grants = append(grants, access.Args(who[1:])...)
	}
	for _, column := range []string{`r.id`, `r.guard_id <> r.id and r.guard_id`} {
		q += ` union select r.id from record r where ` + column + ` in (` + grant + `)` + narrow
		args = append(append(args, grants...), more...)
	}
	return q, args
}
