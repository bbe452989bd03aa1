package change

import (
	"slices"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/relation/graph"
)

// Impact is the field that counts how often what a change affects has changed. What it
// affects stands beside the record: it is of any organization, and not for everybody.
const Impact = "impact_version"

var schema = []string{
	`create table if not exists change_affects (change_id int not null, thing_id int not null, primary key (change_id, thing_id))`,
	`create table if not exists change_model (change_id int not null primary key, template_id int not null, version int not null, said json not null)`,
	`create index if not exists change_affects_thing on change_affects (thing_id)`,
}

// purge forgets what a change that is purged affects, and that a record was affected.
func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from change_affects where change_id = ?`, `delete from change_affects where thing_id = ?`, `delete from change_model where change_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Bounds of what is looked at.
const mostRoots, mostAffected = 50, 300

// affected computes what a change affects: the records that it is related to and that
// something can depend on, and what breaks with them. It is looked for as the house, so that
// it is the same whoever saves the change; people are shown of it what they see.
func affected(tx *gate.Tx, r *record.Record) ([]id.ID, error) {
	defer func(was *access.Caller) { tx.Caller = was }(tx.Caller)
	tx.Caller = access.System(tx.Caller.Tenant, "impact")
	x := &graph.Explorer{Relations: &relation.Relations{Records: r.Kind.Engine()}}
	near, err := x.Map(tx, graph.Query{From: r.ID, Hops: 1, Only: roots(r.Kind.Engine().Kinds), Also: []string{"service"}, Most: mostRoots})
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for _, n := range near.Nodes[1:] {
		m, err := x.Map(tx, graph.Query{From: n.ID, Follow: graph.Breaks, Also: []string{"service"}, Most: mostAffected})
		if err != nil {
			return nil, err
		}
		for _, n := range m.Nodes {
			out = append(out, n.ID)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), mostAffected)], nil
}

// roots are the kinds that a change is made of, among those that a house has.
func roots(g *record.Registry) []string {
	var out []string
	for _, k := range []string{"configuration", "flexible_asset", "service", "location", "domain", "certificate"} {
		if g.Kind(k) != nil {
			out = append(out, k)
		}
	}
	return out
}

// weigh keeps what a change affects up to date until it is scheduled: from then on it is
// what was approved.
func weigh(tx *gate.Tx, now, old *record.Record) error {
	if old == nil || now.Kind.Engine().Kinds.Kind("configuration") == nil { // nothing is related to it yet
		return nil
	}
	if slices.Contains([]string{Scheduled, Implemented, Closed, Denied, Canceled}, old.Values.Text("status")) {
		return nil
	}
	list, err := affected(tx, now)
	if err != nil {
		return err
	}
	were, err := Affects(tx, now.ID)
	if err != nil || slices.Equal(were[now.ID], list) {
		return err
	}
	if _, err := tx.Exec(`delete from change_affects where change_id = ?`, int64(now.ID)); err != nil {
		return err
	}
	for _, n := range list {
		if _, err := tx.Exec(`insert into change_affects (change_id, thing_id) values (?, ?)`, int64(now.ID), int64(n)); err != nil {
			return err
		}
	}
	n, _ := old.Values[Impact].(int64)
	now.Values[Impact] = n + 1
	return nil
}

// Affects gives what some changes affect, whoever sees it: show of it what Things gives.
func Affects(tx *gate.Tx, changes ...id.ID) (map[id.ID][]id.ID, error) {
	out := map[id.ID][]id.ID{}
	if len(changes) == 0 {
		return out, nil
	}
	rows, err := tx.Query(`select change_id, thing_id from change_affects where change_id in (`+access.Marks(len(changes))+`) order by change_id, thing_id`, access.Args(changes)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c, n int64
		if err := rows.Scan(&c, &n); err != nil {
			return nil, err
		}
		out[id.ID(c)] = append(out[id.ID(c)], id.ID(n))
	}
	return out, rows.Err()
}

// Conflict is two changes that are made at the same time to the same things.
type Conflict struct {
	A, B *record.Record
	Both []id.ID // what both affect
}

// Conflicts are those among changes that have a beginning and an end, in the order of the
// list, by what each affects. Half-open times: what begins when another ends is none.
func Conflicts(list []*record.Record, affects map[id.ID][]id.ID) []Conflict {
	var out []Conflict
	for i, a := range list {
		for _, b := range list[i+1:] {
			from, to := a.Values["scheduled_start"].(int64), a.Values["scheduled_end"].(int64)
			if b.Values["scheduled_start"].(int64) >= to || b.Values["scheduled_end"].(int64) <= from {
				continue
			}
			theirs := affects[b.ID]
			both := slices.DeleteFunc(slices.Clone(affects[a.ID]), func(n id.ID) bool { return !slices.Contains(theirs, n) })
			if len(both) > 0 {
				out = append(out, Conflict{a, b, both})
			}
		}
	}
	return out
}

// Thing is something that a change affects.
type Thing struct {
	ID         id.ID
	Kind, Name string
	Org        id.ID
	OrgName    string // as far as the caller sees it
}

// Things are those of some records that the caller sees, organization by organization.
func Things(tx *gate.Tx, e *record.Engine, ids []id.ID) ([]Thing, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	sees, who := tx.Visible("r")
	rows, err := tx.Query(`select r.id, r.kind, r.name, r.org_id from record r where r.id in (`+access.Marks(len(ids))+`) and r.trashed_at is null and `+sees+` order by r.org_id, r.kind, r.name_fold, r.id`,
		append(access.Args(ids), who...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Thing
	var orgs []id.ID
	for rows.Next() {
		var t Thing
		var n, org int64
		if err := rows.Scan(&n, &t.Kind, &t.Name, &org); err != nil {
			return nil, err
		}
		t.ID, t.Org = id.ID(n), id.ID(org)
		if out = append(out, t); org != 0 {
			orgs = append(orgs, t.Org)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	names, err := e.Names(tx, slices.Compact(orgs)...)
	for i := range out {
		out[i].OrgName = names[out[i].Org]
	}
	return out, err
}
