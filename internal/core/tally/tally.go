// Package tally keeps how many records there are of each kind, so that nothing
// has to be counted when a list or a menu says how many.
//
// Always true: a total changes in the commit of the change that it counts; the
// totals of the tenant are the sums of those of its organizations; what is in the
// trash is in none; and a caller is told of those only that she may see.
package tally

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Schema is the tables of the totals: of each organization, and of the tenant.
var Schema = []string{
	`create table if not exists record_total (org_id int not null, kind text not null, archived int not null, restricted int not null, n int not null,
		primary key (kind, org_id, archived, restricted))`,
	`create index if not exists record_total_org on record_total (org_id)`,
	`create table if not exists record_count (kind text not null, archived int not null, restricted int not null, n int not null, primary key (kind, archived, restricted))`,
	`insert into record_count (kind, archived, restricted, n) select kind, archived, restricted, sum(n) from record_total where n <> 0 group by kind, archived, restricted on conflict do nothing`,
	// The daily totals. A fact is what is counted, see fact: a number takes a tenth of the space of its words, in as
	// many rows as there are records.
	`create table if not exists record_daily (fact int not null, org_id int not null, day int not null, value int not null, archived int not null, restricted int not null, n int not null,
		primary key (fact, org_id, day, value, archived, restricted)) without rowid`,
	`create table if not exists record_daily_filled (kind text primary key, declared text not null)`,
}

// Variant is how the totals of a variant of a kind are called: kind/id. With
// variant 0 it is the name of the kind.
func Variant(kind string, variant id.ID) string {
	if variant == 0 {
		return kind
	}
	return kind + "/" + variant.String()
}

// Unended stands for all states of records that are not over, see record.Kind.Ended.
const Unended = ""

// State is how the totals of the records of a kind in one state are called. The state is
// folded as for comparing.
func State(kind, state string) string { return kind + "?" + state }

// base is the kind of a name.
func base(name string) string {
	if i := strings.IndexAny(name, "/?"); i >= 0 {
		return name[:i]
	}
	return name
}

// InStates counts the records that the caller may see and that are in some states, each named as
// State does. It is not kept when the totals do not say so, because she sees some records by
// their own.
func InStates(tx *gate.Tx, org id.ID, archived string, names ...string) (n int64, kept bool, err error) {
	c := tx.Caller
	if c.Role == access.SelfService || c.Granted && c.Role != access.Administrator || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(c.Scope.Narrow.Kinds, base(name)) }) {
		return 0, false, nil
	}
	all, err := totals(tx, org, archived, names...)
	for name, x := range all {
		if c.Sees(base(name)) {
			n += x
		}
	}
	return n, true, err
}

// FillStates counts the records of a kind by their state, and those that are not over, unless
// they are counted already. Table and columns are names of declarations: the column that holds
// the folded state, and the one that says of a record that it is over, or "".
func FillStates(tx *sqldb.Tx, kind, table, state, ended string) error {
	from, to := State(kind, Unended), State(kind, "\U0010ffff")
	if err := fill(tx, table, from, `k."`+state+`"`, `c.kind > ? and c.kind < ?`, from, to); err != nil {
		return err
	}
	if ended != "" {
		if err := fill(tx, table, from, `case when k."`+ended+`" = 0 then '' end`, `c.kind = ?`, from); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`insert into record_count (kind, archived, restricted, n) select kind, archived, restricted, sum(n) from record_total
		where kind >= ? and kind < ? and n <> 0 group by kind, archived, restricted on conflict do nothing`, from, to)
	return err
}

// fill counts by what is behind a beginning of names, unless there are totals so called.
func fill(tx *sqldb.Tx, table, beginning, behind, so string, called ...any) error {
	_, err := tx.Exec(`insert into record_total (org_id, kind, archived, restricted, n)
		select org_id, kind, archived, restricted, count(*) from (select r.org_id, cast(? as text) || `+behind+` as kind, r.archived, r.restricted
			from `+table+` k join record r on r.id = k.id where r.trashed_at is null) x
		where kind is not null and not exists (select 1 from record_count c where `+so+`) group by org_id, kind, archived, restricted on conflict do nothing`, append([]any{beginning}, called...)...)
	return err
}

// Kept counts by kind what the caller may see, from the totals that are kept:
// those of the tenant, or those of the organizations in question.
func Kept(tx *gate.Tx, org id.ID, kind, archived string) (map[string]int64, error) {
	if tx.Caller.Role == access.SelfService { // no total counts only what a customer sees
		out := map[string]int64{}
		return out, addNarrow(tx, out, org, kind, archived)
	}
	var names []string
	if kind != "" {
		names = []string{kind}
	}
	out, err := totals(tx, org, archived, names...)
	if err == nil && tx.Caller.Granted && tx.Caller.Role != access.Administrator {
		err = addGranted(tx, out, org, kind, archived)
	}
	for _, k := range tx.Caller.Scope.Narrow.Kinds {
		if err == nil && (kind == "" || k == base(kind)) {
			delete(out, k)
			err = addNarrow(tx, out, org, k, archived)
		}
	}
	if access.Personal(kind) && err == nil { // of all people's; hers are counted
		delete(out, kind)
		err = addNarrow(tx, out, org, kind, archived)
	}
	maps.DeleteFunc(out, func(name string, _ int64) bool {
		k := base(name)
		return !tx.Caller.Sees(k) || kind == "" && (access.Personal(k) || strings.Contains(name, "?"))
	})
	return out, err
}

// totals sums up by name what is kept, of all names or some.
func totals(tx *gate.Tx, org id.ID, archived string, names ...string) (map[string]int64, error) {
	more, args := countedBy("t", 0, "", archived)
	if len(names) > 0 {
		more += ` and t.kind in (` + access.Marks(len(names)) + `)`
		for _, n := range names {
			args = append(args, n)
		}
	}
	from := `record_count`
	if cond, orgs := access.Reach(tx.Caller, "t.org_id"); org != 0 || cond != "" {
		from = `record_total`
		if org != 0 {
			cond, orgs = `t.org_id = ?`, []any{int64(org)}
		}
		more, args = more+` and `+cond, append(args, orgs...)
	}
	open, who := access.Open(tx.Caller, "t") // the totals have the columns that the condition is about
	out := map[string]int64{}
	return out, addCounts(tx, out, `select t.kind, cast(sum(t.n) as bigint) from `+from+` t where `+open+more+` group by t.kind`, append(who, args...))
}

// addNarrow counts records of a kind of which the caller sees only some, whatever the
// totals are. Such kinds have no variants.
func addNarrow(tx *gate.Tx, out map[string]int64, org id.ID, kind, archived string) error {
	visible, args := tx.Visible("r")
	more, a := countedBy("r", org, kind, archived)
	return addCounts(tx, out, `select r.kind, count(*) from record r where r.trashed_at is null and `+visible+more+` group by r.kind`, append(args, a...))
}

// addGranted counts what is open to the caller by a grant alone.
func addGranted(tx *gate.Tx, out map[string]int64, org id.ID, kind, archived string) error {
	grant, who := access.Grant(tx.Caller, tx.Now)
	visible, a := tx.Visible("r")
	open, b := access.Open(tx.Caller, "r")
	name := `r.kind`
	_, variant, of := strings.Cut(kind, "/")
	more, c := countedBy("r", org, base(kind), archived)
	if of {
		name, more, c = `r.kind || '/' || r.variant_id`, more+` and r.variant_id = ?`, append(c, variantID(variant))
	}
	from, args := ` from record r where r.id in (
			select x.id from record x where x.id in (`+grant+`) union select x.id from record x where x.guard_id <> x.id and x.guard_id in (`+grant+`))
		and r.trashed_at is null and `+visible+` and not (`+open+`)`+more, slices.Concat(who, who, a, b, c)
	if err := addCounts(tx, out, `select `+name+`, count(*)`+from+` group by 1`, args); err != nil || kind != "" {
		return err
	}
	return addCounts(tx, out, `select r.kind || '/' || r.variant_id, count(*)`+from+` and r.variant_id <> 0 group by 1`, args)
}

func variantID(s string) int64 {
	n, _ := id.Parse(s)
	return int64(n)
}

// countedBy narrows a count.
func countedBy(alias string, org id.ID, kind, archived string) (cond string, args []any) {
	if org != 0 {
		cond, args = cond+` and `+alias+`.org_id = ?`, append(args, int64(org))
	}
	if kind != "" {
		cond, args = cond+` and `+alias+`.kind = ?`, append(args, kind)
	}
	if archived != "" {
		cond, args = cond+` and `+alias+`.archived = ?`, append(args, archived == "yes")
	}
	return cond, args
}

func addCounts(tx *gate.Tx, out map[string]int64, q string, args []any) error {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var n int64
		if err := rows.Scan(&kind, &n); err != nil {
			return err
		}
		out[kind] += n
	}
	return rows.Err()
}

// All counts the records of one kind, or variant, in the whole tenant, seen or not:
// for choosing how to look, not for telling.
func All(tx *gate.Tx, kind string) (int64, error) {
	all := map[string]int64{}
	err := addCounts(tx, all, `select kind, cast(sum(n) as bigint) from record_count where kind = ? group by kind`, []any{kind})
	return all[kind], err
}

// Key says which total: its organization, kind or variant, and how the records
// stand.
type Key struct {
	Org        id.ID
	Kind       string
	Archived   bool
	Restricted bool
	// Of a daily total: what is counted, of which day since 1970, and of what value.
	Fact, Day, Value int64
}

type counting struct{}

// Changes are by how much totals change.
type Changes map[Key]int64

// Later writes the changes at the commit, once for all that share it.
func (t Changes) Later(tx *gate.Tx) error {
	maps.DeleteFunc(t, func(_ Key, n int64) bool { return n == 0 })
	if len(t) == 0 {
		return nil
	}
	return sqldb.AtCommit(tx.SQL(), counting{}, writeTotals, t)
}

// MoveParts moves the totals of the records that share a record's access to where it goes.
func MoveParts(tx *gate.Tx, of id.ID, was, is Key) error {
	rows, err := tx.Query(`select kind, archived, count(*) from record where guard_id = ? and guard_id <> id and trashed_at is null group by kind, archived`, int64(of))
	if err != nil {
		return err
	}
	defer rows.Close()
	sums := Changes{}
	for rows.Next() {
		var kind string
		var archived bool
		var n int64
		if err := rows.Scan(&kind, &archived, &n); err != nil {
			return err
		}
		sums[Key{Org: was.Org, Kind: kind, Archived: archived, Restricted: was.Restricted}] -= n
		sums[Key{Org: is.Org, Kind: kind, Archived: archived, Restricted: is.Restricted}] += n
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return sums.Later(tx)
}

// writeTotals changes the totals of each organization and those of the tenant.
func writeTotals(tx *sqldb.Tx, list []Changes) error {
	sums, whole, days := Changes{}, Changes{}, Changes{}
	for _, t := range list {
		for k, n := range t {
			if k.Fact != 0 {
				days[k] += n
				continue
			}
			sums[k] += n
			k.Org = 0
			whole[k] += n
		}
	}
	if err := days.writeDays(tx); err != nil {
		return err
	}
	err := sums.write(func(k Key, n int64) error {
		_, err := tx.Exec(`insert into record_total (org_id, kind, archived, restricted, n) values (?, ?, ?, ?, ?)
			on conflict (kind, org_id, archived, restricted) do update set n = record_total.n + excluded.n`, int64(k.Org), k.Kind, k.Archived, k.Restricted, n)
		return err
	})
	if err != nil {
		return err
	}
	return whole.write(func(k Key, n int64) error {
		_, err := tx.Exec(`insert into record_count (kind, archived, restricted, n) values (?, ?, ?, ?)
			on conflict (kind, archived, restricted) do update set n = record_count.n + excluded.n`, k.Kind, k.Archived, k.Restricted, n)
		return err
	})
}

// write gives what differs to f, in one order everywhere, so that writers do not
// wait for each other in a ring.
func (t Changes) write(f func(Key, int64) error) error {
	keys := slices.SortedFunc(maps.Keys(t), func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Org, b.Org), strings.Compare(a.Kind, b.Kind), compareBool(a.Archived, b.Archived), compareBool(a.Restricted, b.Restricted),
			cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Value, b.Value))
	})
	for _, k := range keys {
		if t[k] == 0 {
			continue
		}
		if err := f(k, t[k]); err != nil {
			return err
		}
	}
	return nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
