package report

import (
	"strconv"
	"strings"

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

// weighed is as statement, of rows that stand for many records each.
func (s *asked) weighed(by, from string) string {
	rows := `(select ` + by + ` as g, t.value as v, cast(sum(t.n) as bigint) as n` + from + ` group by 1, 2) x`
	if place := map[Measure]string{Median: "50", P90: "90"}[s.Measure]; place != "" {
		return `select cast(g as text), cast(max(m) as bigint), cast(min(v) as double precision) from (
			select g, v, cast(sum(n) over (partition by g order by v) as bigint) as i, cast(sum(n) over (partition by g) as bigint) as m from ` + rows + `) y
			where i >= (m * ` + place + ` + 99) / 100 group by g order by 2 desc, g limit ?`
	}
	value := map[Measure]string{Count: `sum(n)`, Sum: `sum(v * n)`, Mean: `cast(sum(v * n) as double precision) / sum(n)`, Within: `sum(case when v = 0 then n else 0 end)`}[s.Measure]
	return `select cast(g as text), cast(sum(n) as bigint), cast(coalesce(` + value + `, 0) as double precision) from ` + rows + ` group by g order by 2 desc, g limit ?`
}
