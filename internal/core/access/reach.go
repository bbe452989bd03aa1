package access

import (
	"strings"

	"strongroom/internal/core/id"
)

// Reach gives a condition on an organization column, and its arguments, that
// holds of all that c may see, grants aside: an index can serve it where it can
// not serve Visible. It is empty when every organization may hold something.
func Reach(c *Caller, column string) (string, []any) {
	switch {
	case c.Role == SelfService:
		return column + ` in (0, ` + herOrg + `)`, []any{int64(c.Contact)}
	case len(c.Scope.Orgs) > 0:
		return column + ` in (0, ` + Marks(len(c.Scope.Orgs)) + `)`, Args(c.Scope.Orgs)
	case !c.AllOrgs && c.Role != Administrator:
		return column + ` in (select 0 union all select ao.org_id from access_org ao where ao.user_id = ?)`, []any{int64(c.User)}
	}
	return "", nil
}

// Open is Visible without the grants, and without what narrows kinds, see Sees: the
// condition on what is open to c by her organizations alone, what belongs to single
// people included: a total of their kinds is not for telling.
func Open(c *Caller, alias string) (string, []any) {
	plain := *c
	plain.Granted, plain.Scope.Narrow, plain.Custom = false, Narrow{}, nil
	cond, args := visible(&plain, alias, "", 0)
	return strings.Join(append(cond, `1 = 1`), ` and `), args
}

// Grant gives the query for the ids of the records that are open to c by name or
// by group at now, and its arguments. What belongs to such a record is open too.
func Grant(c *Caller, now int64) (string, []any) {
	q, args := `select ag.record_id from access_grant ag where (ag.ends_at = 0 or ag.ends_at > ?) and ((ag.user_id = ? and ag.user_id <> 0)`, []any{now, int64(c.User)}
	if len(c.Groups) > 0 {
		q += ` or (ag.group_id in (` + Marks(len(c.Groups)) + `) and ag.group_id <> 0)`
		args = append(args, Args(c.Groups)...)
	}
	return q + `)`, args
}

// Question gives the query for the ids of all records that c may see at now, and of a
// few more: what is in question when she sees little, found without reading the
// rest. The condition narrow, on the spine row r, begins with " and " or is
// empty; one of org narrows to an organization.
func Question(c *Caller, now int64, org id.ID, narrow string, more []any) (q string, args []any) {
	cond, args := Reach(c, "r.org_id")
	if org != 0 {
		cond, args = `r.org_id = ?`, []any{int64(org)}
	}
	if cond != "" {
		cond = ` and ` + cond
	}
	q, args = `select r.id from record r where r.trashed_at is null`+cond+narrow, append(args, more...)
	if org != 0 || cond == "" || !c.Granted {
		return q, args
	}
	grant, who := Grant(c, now)
	for _, column := range []string{`r.id`, `r.guard_id <> r.id and r.guard_id`} {
		q += ` union select r.id from record r where ` + column + ` in (` + grant + `)` + narrow
		args = append(append(args, who...), more...)
	}
	return q, args
}
