package report

import (
	"cmp"
	"database/sql"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
	"strongroom/internal/feature/view"
)

// kept gives the statement that answers a group from the daily totals, with its arguments, if
// these say so: what is asked is of a period of whole days, and narrowed by one value at most.
func (s *asked) kept(group string) (q string, args []any, ok bool) {
	if s.kind.Days == nil || s.Time == "" || s.Days == 0 && !Timed(s.Group) || s.query.Text != "" || s.query.Archived != "no" {
		return "", nil, false
	}
	c := tally.Counted{Kind: s.Kind, At: s.Time, Of: s.Of, Org: s.query.Org, From: s.from, Before: s.before, ByOrg: group == ByOrg}
	cond, narrowed, ok := s.condition()
	filters := 1 // that the moment is set, or its two ends
	for _, one := range []bool{s.Days > 0, s.Of != "", narrowed != ""} {
		if one {
			filters++
		}
	}
	if !ok || len(s.query.Filters) != filters {
		return "", nil, false
	}
	by := `0`
	switch {
	case group == "":
	case group == ByOrg:
		by = `t.org_id`
	case Timed(group):
		by = s.byDay(group)
	case isRef(s.kind, group) && s.Measure == Count && narrowed == "":
		by, narrowed = `nullif(t.value, 0)`, group
	default:
		return "", nil, false
	}
	if narrowed != "" {
		if c.Of != "" && c.Of != narrowed {
			return "", nil, false
		}
		c.Of = narrowed
	}
	from, args, ok := s.kind.Days.Rows(s.tx, c)
	if !ok {
		return "", nil, false
	}
	if s.place() > 0 {
		if Timed(group) {
			by = `t.day`
		}
		return `select ` + by + `, t.value, t.n` + from + cond, args, true
	}
	return s.weighed(by, from+cond), args, true
}

func isRef(k *record.Kind, name string) bool {
	f := k.Field(name)
	return f != nil && f.Type == record.Ref
}

// condition reads what the list is narrowed by beside the period: one field that is yes or
// no, or a number from one on.
func (s *asked) condition() (cond, field string, ok bool) {
	for name, said := range s.values {
		base, how, _ := strings.Cut(name, ".")
		switch {
		case base == s.Time && (how == "from" || how == "before"):
			continue
		case how == "unset" && said[0] == "0" && (base == s.Time || base == s.Of):
			continue
		}
		f := s.kind.Field(base)
		if field != "" || f == nil || len(said) != 1 {
			return "", "", false
		}
		n, err := strconv.ParseInt(said[0], 10, 64)
		if err != nil {
			return "", "", false
		}
		switch {
		case f.Type == record.Bool && how == "" && (n == 0 || n == 1):
			cond = ` and t.value = ` + strconv.FormatInt(n, 10)
		case f.Type == record.Integer && "."+how == view.From:
			cond = ` and t.value >= ` + strconv.FormatInt(n, 10)
		case f.Type == record.Integer && "."+how == view.Before:
			cond = ` and t.value < ` + strconv.FormatInt(n, 10)
		default:
			return "", "", false
		}
		field = base
	}
	return cond, field, true
}

// byDay is the expression of a group of days.
func (s *asked) byDay(group string) string {
	switch {
	case group == ByWeek: // the day 0 was a Thursday
		return `(t.day + 3) / 7`
	case group == ByMonth && string(s.tx.Dialect()) == "sqlite":
		return `strftime('%Y-%m', t.day * 86400, 'unixepoch')`
	case group == ByMonth:
		return `to_char(to_timestamp(t.day * 86400) at time zone 'UTC', 'YYYY-MM')`
	}
	return `t.day`
}

// place is which of a hundred values in order a measure tells; 0 for those that tell none.
func (s *asked) place() int64 { return map[Measure]int64{Median: 50, P90: 90}[s.Measure] }

// placed gives the cells of a measure that tells a value at its place, from what the totals
// say of days or organizations, values and how many have them. Databases take ten times as long
// to put so many values in order.
func (s *asked) placed(group, q string, args []any) ([]Cell, error) {
	rows, err := s.tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type weight struct{ value, n int64 }
	all := map[int64][]weight{}
	for rows.Next() {
		var by int64
		var w weight
		if err := rows.Scan(&by, &w.value, &w.n); err != nil {
			return nil, err
		}
		switch group {
		case ByWeek:
			by = (by + 3) / 7
		case ByMonth:
			t := time.UnixMilli(by * day).UTC()
			by = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC).UnixMilli() / day
		}
		all[by] = append(all[by], w)
	}
	var out []Cell
	for _, by := range slices.Sorted(maps.Keys(all)) {
		var c Cell
		for _, w := range all[by] {
			c.N += w.n
		}
		slices.SortFunc(all[by], func(a, b weight) int { return cmp.Compare(a.value, b.value) })
		left := (c.N*s.place() + 99) / 100
		for _, w := range all[by] {
			if left -= w.n; left <= 0 {
				c.Value = float64(w.value)
				break
			}
		}
		key := strconv.FormatInt(by, 10)
		if group == ByMonth {
			key = time.UnixMilli(by * day).UTC().Format("2006-01")
		}
		out = append(out, s.cell(group, sql.NullString{String: key, Valid: true}, c))
	}
	slices.SortStableFunc(out, func(a, b Cell) int { return cmp.Compare(b.N, a.N) })
	return out, rows.Err()
}

// weighed is as statement, of rows that stand for many records each.
func (s *asked) weighed(by, from string) string {
	rows := `(select ` + by + ` as g, t.value as v, cast(sum(t.n) as bigint) as n` + from + ` group by 1, 2) x`
	value := map[Measure]string{Count: `sum(n)`, Sum: `sum(v * n)`, Mean: `cast(sum(v * n) as double precision) / sum(n)`, Within: `sum(case when v = 0 then n else 0 end)`}[s.Measure]
	return `select cast(g as text), cast(sum(n) as bigint), cast(coalesce(` + value + `, 0) as double precision) from ` + rows + ` group by g order by 2 desc, g limit ?`
}
