package tally

import (
	"database/sql"
	"errors"
	"hash/fnv"
	"slices"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Daily says what is counted of the records of a kind by the day, in UTC, of one of their
// times: how many there are; by each value of the fields Of, where they have one, and By, where
// none is 0.
type Daily struct {
	At string
	Of []string // whole numbers and yes or no
	By []string // references
}

// Days are the daily totals of a kind.
type Days []Daily

// whole stands for all organizations together, in the rows of the daily totals.
const whole = -1

const day = 24 * 60 * 60 * 1000

// fact is how a total is called in the table.
func fact(kind, at, of string) int64 {
	h := fnv.New32a()
	h.Write([]byte(kind + "/" + at + "/" + of))
	return int64(h.Sum32())
}

// Add adds a record n times, of the organization and standing that k says.
func (d Days) Add(sums Changes, k Key, value func(string) any, n int64) {
	for _, x := range d {
		at, ok := number(value(x.At))
		if !ok {
			continue
		}
		k.Day, k.Value, k.Fact = at/day, 0, fact(k.Kind, x.At, "")
		put(sums, k, n)
		for _, of := range slices.Concat(x.Of, x.By) {
			v, ok := number(value(of))
			if k.Value, k.Fact = v, fact(k.Kind, x.At, of); ok || slices.Contains(x.By, of) {
				put(sums, k, n)
			}
		}
	}
}

func put(sums Changes, k Key, n int64) {
	sums[k] += n
	k.Org = whole
	sums[k] += n
}

// Move changes the totals for a record whose fields became others in passing, by what they
// were and what they are. It stands as k says; one that is in the trash is in no total.
func (d Days) Move(tx *gate.Tx, k Key, was, is func(string) any) error {
	sums := Changes{}
	d.Add(sums, k, was, -1)
	d.Add(sums, k, is, +1)
	return sums.Later(tx)
}

func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case id.ID:
		return int64(v), v != 0
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// writeDays changes the daily totals.
func (t Changes) writeDays(tx *sqldb.Tx) error {
	return t.write(func(k Key, n int64) error {
		_, err := tx.Exec(`insert into record_daily (fact, org_id, day, value, archived, restricted, n) values (?, ?, ?, ?, ?, ?, ?)
			on conflict (fact, org_id, day, value, archived, restricted) do update set n = record_daily.n + excluded.n`, k.Fact, int64(k.Org), k.Day, k.Value, k.Archived, k.Restricted, n)
		return err
	})
}

// declared is the declaration in words, by which it is known whether the totals are of it.
func (d Days) declared() string {
	var b strings.Builder
	b.WriteString("1")
	for _, x := range d {
		b.WriteString(" " + x.At + ":" + strings.Join(x.Of, ",") + ":" + strings.Join(x.By, ","))
	}
	return b.String()
}

// FillDays counts the records of a kind by day, unless they are counted as it is declared. Table
// and fields are names of declarations; created_at is a column of the spine.
func FillDays(tx *sqldb.Tx, kind, table string, d Days) error {
	if len(d) == 0 {
		return nil
	}
	var had string
	err := tx.QueryRow(`select declared from record_daily_filled where kind = ?`, kind).Scan(&had)
	if err == nil && had == d.declared() || err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for _, x := range d {
		for _, of := range slices.Concat([]string{""}, x.Of, x.By) {
			if err := x.fill(tx, kind, table, of); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(`insert into record_daily_filled (kind, declared) values (?, ?) on conflict (kind) do update set declared = excluded.declared`, kind, d.declared())
	return err
}

// fill counts one fact anew.
func (x Daily) fill(tx *sqldb.Tx, kind, table, of string) error {
	f := fact(kind, x.At, of)
	if _, err := tx.Exec(`delete from record_daily where fact = ?`, f); err != nil {
		return err
	}
	at, value, so := `k."`+x.At+`"`, `0`, ``
	if x.At == "created_at" {
		at = `r.created_at`
	}
	switch {
	case slices.Contains(x.By, of):
		value = `coalesce(k."` + of + `", 0)`
	case of != "":
		value, so = `k."`+of+`"`, ` and k."`+of+`" is not null`
	}
	_, err := tx.Exec(`insert into record_daily (fact, org_id, day, value, archived, restricted, n)
		select cast(? as bigint), org_id, day, value, archived, restricted, count(*) from (select r.org_id, `+at+` / 86400000 as day, `+value+` as value, r.archived, r.restricted
			from `+table+` k join record r on r.id = k.id where r.trashed_at is null and `+at+` is not null`+so+`) x
		group by org_id, day, value, archived, restricted`, f)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into record_daily (fact, org_id, day, value, archived, restricted, n)
		select fact, -1, day, value, archived, restricted, sum(n) from record_daily where fact = ? group by fact, day, value, archived, restricted`, f)
	return err
}

// Counted is what a report by days asks of the totals.
type Counted struct {
	Kind, At, Of string // Of is "" for how many there are
	Org          id.ID  // 0 for all that the caller sees
	From, Before int64  // Unix milliseconds at which days begin; both 0 for ever
	ByOrg        bool   // rows of single organizations are needed
}

// Rows gives what follows "from" for reading the totals of what is not archived, as far as the
// caller may see it: rows t with day, value, org_id and n. They are not kept where totals do not
// say so: who sees some records by their own, or what is not counted.
func (d Days) Rows(tx *gate.Tx, q Counted) (from string, args []any, kept bool) {
	c := tx.Caller
	counted := slices.ContainsFunc(d, func(x Daily) bool {
		return x.At == q.At && (q.Of == "" || slices.Contains(x.Of, q.Of) || slices.Contains(x.By, q.Of))
	})
	if !counted || c.Role == access.SelfService || c.Granted && c.Role != access.Administrator || c.Scope.Provisions || slices.Contains(c.Scope.Narrow.Kinds, q.Kind) || !c.Sees(q.Kind) || access.Personal(q.Kind) {
		return "", nil, false
	}
	args = []any{fact(q.Kind, q.At, q.Of)}
	cond, orgs := access.Reach(c, "t.org_id")
	switch {
	case q.Org != 0:
		cond, orgs = `t.org_id = ?`, []any{int64(q.Org)}
	case cond != "", q.ByOrg:
		cond = strings.TrimPrefix(cond+` and t.org_id > 0`, ` and `)
	default:
		cond = `t.org_id = -1`
	}
	open, who := access.Open(c, "t") // the totals have the columns that the condition is about
	from, args = ` from record_daily t where t.fact = ? and `+cond+` and `+open+` and t.archived = 0 and t.n <> 0`, slices.Concat(args, orgs, who)
	if q.Before != 0 {
		from, args = from+` and t.day >= ? and t.day < ?`, append(args, q.From/day, q.Before/day)
	}
	return from, args, true
}
