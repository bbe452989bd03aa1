package desk

import (
	"slices"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
)

// Queue narrows the open tickets that a caller sees. What is not said does not narrow.
type Queue struct {
	Owner   id.ID
	Unowned bool
	Teams   []id.ID // the tickets lie with one of them; empty is no narrowing
	NoTeam  bool    // nothing is in it: of who belongs to no team
	Before  int64   // due before then, in Unix milliseconds
	Org     id.ID

	Kind, Status string // of the tickets
	Priority     string // at least as pressing
	Unteamed     bool   // it lies with no team
	Customer     id.ID
	Text         string // is in the subject; folded
	Tag          string // it has this one
	Sort         string // one of Orders

	only []id.ID // these; empty is no narrowing
}

// Waiting is a line of a queue.
type Waiting struct {
	Ticket
	Org               id.ID
	OrgName, Customer string // as far as the caller sees them
	Owner, Team       id.ID
	OwnerName, Lies   string // with which team
	Created           int64
	Due               int64 // Unix milliseconds; 0 for none
	Tags              string
	customer          id.ID
}

// queued are the kinds that stand in queues, with the fields that not all of them have.
func queued() []struct{ kind, priority, customer string } {
	return []struct{ kind, priority, customer string }{
		{"incident", `coalesce(k.priority, '')`, `coalesce(k.contact_id, 0)`},
		{"service_request", `case k.urgency when 'High' then '2' when 'Low' then '4' else '3' end`, `coalesce(k.contact_id, 0)`},
		{"problem", `coalesce(k.priority, '')`, `0`}, {"change", `coalesce(k.priority, '')`, `coalesce(k.contact_id, 0)`}, {"task", `coalesce(k.priority, '')`, `0`},
	}
}

// Indexes are those by which the tickets of a kind that are not over are found: they stay small
// however many are over. They begin with what all have alike, by which databases would else choose
// the index of all tickets. They belong to the feature of the kind.
func Indexes(kind string) []string {
	var out []string
	for _, column := range []string{"owner_id", "team_id", "due_at"} {
		out = append(out, `create index if not exists k_`+kind+`_unended_`+column+` on k_`+kind+` (final, `+column+`, id) where final = 0`)
	}
	return append(out, `create index if not exists k_`+kind+`_tagged on k_`+kind+` (id, tags) where tags > ''`)
}

// part is the statement that gives the open tickets of one kind.
type part struct {
	sql   string
	args  []any
	order string // of queues, in its own columns
}

// all joins statements to one, each narrowed further by a condition, which may be empty.
func all(parts []part, narrow string) (string, []any) {
	var list []string
	var args []any
	for _, p := range parts {
		list, args = append(list, p.sql+narrow), append(args, p.args...)
	}
	return strings.Join(list, ` union all `), args
}

// soonest joins the statements to one, of the first so many of each that are due at all.
func soonest(parts []part, limit int) (string, []any) {
	var list []string
	var args []any
	for _, p := range parts {
		list = append(list, `select * from (`+p.sql+` and k.due_at > 0 order by `+p.order+` limit ?) p`)
		args = append(append(args, p.args...), limit)
	}
	return strings.Join(list, ` union all `), args
}

// open are the statements that give the tickets that are not over and that the caller
// sees, of the kinds that the house has, as far as q narrows it.
func open(tx *gate.Tx, kinds *record.Registry, q Queue) (parts []part) {
	for _, k := range queued() {
		if kinds.Kind(k.kind) == nil || q.Kind != "" && q.Kind != k.kind {
			continue
		}
		sees, who := tx.VisibleOf("r", k.kind)
		sql, args := `select r.id, r.kind, r.name, r.org_id, coalesce(k.number, 0) as number, coalesce(k.status, '') as status, `+k.priority+` as priority, `+k.customer+` as customer,
			coalesce(k.owner_id, 0) as owner, coalesce(k.team_id, 0) as team, coalesce(k.due_at, 0) as due, coalesce(k.tags, '') as tags, r.created_at, r.updated_at
			from k_`+k.kind+` k cross join record r where r.id = k.id and k.final = 0 and r.archived = 0 and r.trashed_at is null and `+sees, who
		if q.Owner != 0 {
			sql, args = sql+` and k.owner_id = ?`, append(args, int64(q.Owner))
		}
		if len(q.only) > 0 {
			sql, args = sql+` and k.id in (`+access.Marks(len(q.only))+`)`, append(args, access.Args(q.only)...)
		}
		if q.Unowned {
			sql += ` and k.owner_id is null`
		}
		if q.NoTeam {
			sql += ` and 1 = 0`
		}
		if len(q.Teams) > 0 {
			sql, args = sql+` and k.team_id in (`+access.Marks(len(q.Teams))+`)`, append(args, access.Args(q.Teams)...)
		}
		if q.Before != 0 {
			sql, args = sql+` and k.due_at > 0 and k.due_at < ?`, append(args, q.Before)
		}
		if q.Org != 0 {
			sql, args = sql+` and r.org_id = ?`, append(args, int64(q.Org))
		}
		if q.Status != "" {
			sql, args = sql+` and k.status = ?`, append(args, q.Status)
		}
		if q.Priority != "" {
			sql, args = sql+` and `+k.priority+` > '' and `+k.priority+` <= ?`, append(args, q.Priority)
		}
		if q.Unteamed {
			sql += ` and k.team_id is null`
		}
		if q.Customer != 0 {
			sql, args = sql+` and `+k.customer+` = ?`, append(args, int64(q.Customer))
		}
		if q.Text != "" {
			sql, args = sql+` and r.name_fold like ? escape '\'`, append(args, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Text)+"%")
		}
		if q.Tag != "" {
			sql, args = sql+` and ', ' || k.tags || ',' like ? escape '\'`, append(args, "%, "+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Tag)+",%")
		}
		parts = append(parts, part{sql, args, `k.due_at, case ` + k.priority + ` when '' then '3' else ` + k.priority + ` end, r.updated_at desc, r.id`})
	}
	return parts
}

// order is how the lines of a queue stand.
func order(sort string) string {
	const due, pressing, changed = `case when due = 0 then 1 else 0 end, due`, `case priority when '' then '3' else priority end`, `updated_at desc, id`
	switch sort {
	case "priority":
		return pressing + `, ` + due + `, ` + changed
	case "oldest":
		return `created_at, id`
	case "changed":
		return changed
	}
	return due + `, ` + pressing + `, ` + changed
}

// Count is how many tickets are in a queue.
func Count(tx *gate.Tx, e *record.Engine, q Queue) (n int64, err error) {
	parts := open(tx, e.Kinds, q)
	if len(parts) == 0 {
		return 0, nil
	}
	from, args := all(parts, "")
	err = tx.QueryRow(`select count(*) from (`+from+`) t`, args...).Scan(&n)
	return n, err
}

// Queued lists open tickets, those that are due first before others, then the most
// pressing, then those changed last; and whether there are more.
func Queued(tx *gate.Tx, e *record.Engine, q Queue, limit int) (list []Waiting, more bool, err error) {
	parts := open(tx, e.Kinds, q)
	if len(parts) == 0 {
		return nil, false, nil
	}
	if list, err = first(tx, parts, q.Sort, limit+1); err != nil {
		return nil, false, err
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return list, more, Name(tx, e, list)
}

// first reads the first lines of statements of open. Where those that are due come first, an
// index gives the first of them, and the others are read only when there are too few.
func first(tx *gate.Tx, parts []part, sort string, limit int) ([]Waiting, error) {
	if sort != "" && sort != Orders()[0] {
		from, args := all(parts, "")
		return lines(tx, from, args, sort, limit)
	}
	from, args := soonest(parts, limit)
	list, err := lines(tx, from, args, sort, limit)
	if err != nil || len(list) == limit {
		return list, err
	}
	from, args = all(parts, ` and coalesce(k.due_at, 0) = 0`)
	rest, err := lines(tx, from, args, sort, limit-len(list))
	return append(list, rest...), err
}

// lines reads the lines of a statement of open, in their order.
func lines(tx *gate.Tx, from string, args []any, sort string, limit int) (list []Waiting, err error) {
	rows, err := tx.Query(`select id, kind, name, org_id, number, status, priority, customer, owner, team, due, tags, created_at, updated_at from (`+from+`) t
		order by `+order(sort)+` limit ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Waiting
		var n, org, customer, owner, team int64
		if err := rows.Scan(&n, &t.Kind, &t.Name, &org, &t.Number, &t.Status, &t.Priority, &customer, &owner, &team, &t.Due, &t.Tags, &t.Created, &t.Updated); err != nil {
			return nil, err
		}
		t.ID, t.Org, t.customer, t.Owner, t.Team = id.ID(n), id.ID(org), id.ID(customer), id.ID(owner), id.ID(team)
		list = append(list, t)
	}
	return list, rows.Err()
}

// Name fills what the organizations, customers, owners and teams of some lines are called, as far as
// the caller sees them.
func Name(tx *gate.Tx, e *record.Engine, list []Waiting) error {
	var named []id.ID
	for _, t := range list {
		for _, x := range []id.ID{t.Org, t.customer, t.Owner, t.Team} {
			if x != 0 {
				named = append(named, x)
			}
		}
	}
	slices.Sort(named)
	names, err := e.Names(tx, slices.Compact(named)...)
	for i := range list {
		t := &list[i]
		t.OrgName, t.Customer, t.OwnerName, t.Lies = names[t.Org], names[t.customer], names[t.Owner], names[t.Team]
	}
	return err
}

// Counts are how many open tickets the queues of somebody hold.
type Counts struct{ All, Mine, Team, Unowned, Due int64 }

// CountOpen counts the open tickets that the caller sees: all, those that lie with
// her, with her teams, and with nobody, and those that are due before a moment.
func CountOpen(tx *gate.Tx, e *record.Engine, teams []id.ID, before int64) (c Counts, err error) {
	for _, x := range []struct {
		n *int64
		q Queue
	}{{&c.Mine, Queue{Owner: tx.Caller.User}}, {&c.Team, Queue{Teams: teams, NoTeam: len(teams) == 0}}, {&c.Unowned, Queue{Unowned: true}}, {&c.Due, Queue{Before: before}}} {
		if x.q.NoTeam || x.q.Owner == 0 && x.n == &c.Mine {
			continue
		}
		if *x.n, err = Count(tx, e, x.q); err != nil {
			return c, err
		}
	}
	var names []string
	for _, k := range queued() {
		names = append(names, tally.State(k.kind, tally.Unended))
	}
	var kept bool
	if c.All, kept, err = tally.InStates(tx, 0, "no", names...); err == nil && !kept {
		c.All, err = Count(tx, e, Queue{})
	}
	return c, err
}

// TeamsOf are the teams that somebody belongs to.
func TeamsOf(tx *gate.Tx, e *record.Engine, user id.ID) ([]id.ID, error) {
	p, err := e.List(tx, "team", record.Query{Archived: "no", Limit: 500, NoTotal: true, Only: []string{"member_ids"}})
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for _, r := range p.Records {
		if slices.Contains(r.Values.IDs("member_ids"), user) {
			out = append(out, r.ID)
		}
	}
	return out, nil
}
