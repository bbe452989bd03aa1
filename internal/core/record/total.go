package record

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

// total counts without reading all rows where it can: from the page itself, or
// from the totals that are kept.
func (e *Engine) total(tx *gate.Tx, b *builder, q Query, got, limit int) (int64, error) {
	if got < limit && (got > 0 || q.Offset == 0) {
		return int64(q.Offset + got), nil
	}
	if q.plain() && b.counts != nil {
		return b.counts.hers, nil
	}
	if q.plain() {
		of := VariantName(b.kind.Name, q.Variant)
		all, err := kept(tx, q.Org, of, q.Archived)
		return all[of], err
	}
	if b.countable(tx, q) {
		return b.countMatches(tx, q)
	}
	way := anyWay
	if b.counts != nil {
		way = b.counts.toCount()
	}
	b.drive(tx, q, way)
	var n int64
	return n, tx.QueryRow(`select count(*)`+b.tables()+b.where(), b.allArgs()...).Scan(&n)
}

// plain tells whether a query asks for all of a kind or of an organization.
func (q Query) plain() bool {
	return len(q.Filters) == 0 && q.Text == "" && q.Parent == 0 && !q.Trashed
}

// VariantName is how the totals of a variant of a kind are called: kind/id. With
// variant 0 it is the name of the kind.
func VariantName(kind string, variant id.ID) string {
	if variant == 0 {
		return kind
	}
	return kind + "/" + variant.String()
}

// Totals counts what is not archived, by kind and by VariantName, of one organization or, with 0,
// of the whole tenant, as far as the caller may see it.
func (e *Engine) Totals(tx *gate.Tx, org id.ID) (map[string]int64, error) {
	return kept(tx, org, "", "no")
}

// kept counts by kind what the caller may see, from the totals that are kept:
// those of the tenant, or those of the organizations in question.
func kept(tx *gate.Tx, org id.ID, kind, archived string) (map[string]int64, error) {
	more, args := countedBy("t", 0, kind, archived)
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
	err := addCounts(tx, out, `select t.kind, cast(sum(t.n) as bigint) from `+from+` t where `+open+more+` group by t.kind`, append(who, args...))
	if err == nil && tx.Caller.Granted && tx.Caller.Role != access.Administrator {
		err = addGranted(tx, out, org, kind, archived)
	}
	return out, err
}

// addGranted counts what is open to the caller by a grant alone.
func addGranted(tx *gate.Tx, out map[string]int64, org id.ID, kind, archived string) error {
	grant, who := access.Grant(tx.Caller)
	visible, a := tx.Visible("r")
	open, b := access.Open(tx.Caller, "r")
	name := `r.kind`
	base, variant, of := strings.Cut(kind, "/")
	more, c := countedBy("r", org, base, archived)
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

type totalKey struct {
	org        id.ID
	kind       string
	archived   bool
	restricted bool
}

type counting struct{}

// totals are by how much totals change.
type totals map[totalKey]int64

// count moves a record from the totals that old belongs to, if it was there, to
// those of now. They are written at the commit, once for all changes that share
// it.
func count(tx *gate.Tx, old, now *Record) error {
	sums := totals{}
	sums.add(old, -1)
	sums.add(now, +1)
	return sums.later(tx)
}

func (t totals) add(r *Record, n int64) {
	if r == nil || r.Trashed != 0 {
		return
	}
	t[totalKey{r.Org, r.Kind.Name, r.Archived, r.Restricted}] += n
	if v := r.Variant(); v != 0 {
		t[totalKey{r.Org, VariantName(r.Kind.Name, v), r.Archived, r.Restricted}] += n
	}
}

func (t totals) later(tx *gate.Tx) error {
	maps.DeleteFunc(t, func(_ totalKey, n int64) bool { return n == 0 })
	if len(t) == 0 {
		return nil
	}
	return sqldb.AtCommit(tx.SQL(), counting{}, writeTotals, t)
}

// countParts moves the totals of the records that share a record's access to
// where it goes.
func countParts(tx *gate.Tx, old, now *Record) error {
	rows, err := tx.Query(`select kind, archived, count(*) from record where guard_id = ? and guard_id <> id and trashed_at is null group by kind, archived`, int64(old.ID))
	if err != nil {
		return err
	}
	defer rows.Close()
	sums := totals{}
	for rows.Next() {
		var kind string
		var archived bool
		var n int64
		if err := rows.Scan(&kind, &archived, &n); err != nil {
			return err
		}
		sums[totalKey{old.Org, kind, archived, old.Restricted}] -= n
		sums[totalKey{now.Org, kind, archived, now.Restricted}] += n
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return sums.later(tx)
}

// writeTotals changes the totals of each organization and those of the tenant.
func writeTotals(tx *sqldb.Tx, list []totals) error {
	sums, whole := totals{}, totals{}
	for _, t := range list {
		for k, n := range t {
			sums[k] += n
			k.org = 0
			whole[k] += n
		}
	}
	err := sums.write(func(k totalKey, n int64) error {
		_, err := tx.Exec(`insert into record_total (org_id, kind, archived, restricted, n) values (?, ?, ?, ?, ?)
			on conflict (kind, org_id, archived, restricted) do update set n = record_total.n + excluded.n`, int64(k.org), k.kind, k.archived, k.restricted, n)
		return err
	})
	if err != nil {
		return err
	}
	return whole.write(func(k totalKey, n int64) error {
		_, err := tx.Exec(`insert into record_count (kind, archived, restricted, n) values (?, ?, ?, ?)
			on conflict (kind, archived, restricted) do update set n = record_count.n + excluded.n`, k.kind, k.archived, k.restricted, n)
		return err
	})
}

// write gives what differs to f, in one order everywhere, so that writers do not
// wait for each other in a ring.
func (t totals) write(f func(totalKey, int64) error) error {
	keys := slices.SortedFunc(maps.Keys(t), func(a, b totalKey) int {
		return cmp.Or(cmp.Compare(a.org, b.org), strings.Compare(a.kind, b.kind), compareBool(a.archived, b.archived), compareBool(a.restricted, b.restricted))
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
