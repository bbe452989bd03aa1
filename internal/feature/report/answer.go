package report

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/view"
)

// asked is a question on its way to an answer.
type asked struct {
	Ask
	tx           *gate.Tx
	engine       *record.Engine
	kind         *record.Kind
	query        record.Query
	values       url.Values // of the list of all
	from, before int64      // the period
}

// Answered asks as the caller. Invalid, with the field, for what cannot be asked.
func (a Ask) Answered(tx *gate.Tx, e *record.Engine) (*Answer, error) {
	k, q, err := a.check(e.Kinds)
	if err != nil {
		return nil, err
	}
	s := &asked{Ask: a, tx: tx, engine: e, kind: k, query: q}
	if s.values, err = url.ParseQuery(a.Query); err != nil {
		return nil, err
	}
	for _, name := range []string{ByOrg, "sort", "dir", "cols", "per", "page"} {
		s.values.Del(name)
	}
	s.from, s.before = a.span(tx.Now)
	switch {
	case a.Days > 0:
		s.narrow(s.values, &s.query, a.Time+view.From, s.from)
		s.narrow(s.values, &s.query, a.Time+view.Before, s.before)
	case Timed(a.Group) || a.Group == ByAge:
		s.narrow(s.values, &s.query, a.Time+view.Unset, 0)
	}
	if a.Of != "" {
		s.narrow(s.values, &s.query, a.Of+view.Unset, 0)
	}
	out := &Answer{Ask: a}
	total, err := s.cells("")
	if err != nil {
		return nil, err
	}
	out.Total = Cell{Label: "In all", Org: q.Org, Query: s.values}
	if len(total) > 0 {
		out.Total.Value, out.Total.N = total[0].Value, total[0].N
	}
	if a.Group == "" {
		return out, nil
	}
	if out.Cells, err = s.cells(a.Group); err != nil {
		return nil, err
	}
	if out.More = !Timed(a.Group) && len(out.Cells) > mostGroups; out.More {
		out.Cells = out.Cells[:mostGroups]
	}
	return out, s.name(out.Cells)
}

// narrow adds a condition, to the list and to its address alike.
func (s *asked) narrow(values url.Values, q *record.Query, name string, n int64) {
	said := strconv.FormatInt(n, 10)
	values.Set(name, said)
	if f, known, err := view.Narrow(s.kind, name, said); known && err == nil && q != nil {
		q.Filters = append(q.Filters, f)
	}
}

// cells asks for the numbers of all groups in one statement; with no group, for one.
func (s *asked) cells(group string) ([]Cell, error) {
	var fields []string
	switch {
	case Timed(group) || group == ByAge:
		fields = append(fields, s.Time)
	case group != "":
		fields = append(fields, group)
	}
	if s.Of != "" {
		fields = append(fields, s.Of)
	}
	columns, from, args, err := s.engine.Sought(s.tx, s.Kind, s.query, fields...)
	if err != nil {
		return nil, err
	}
	by, of := `0`, `0`
	var cuts []any
	if group != "" {
		by, cuts = s.by(group, columns[0])
	}
	if s.Of != "" {
		of = columns[len(columns)-1]
	}
	limit := mostGroups + 1
	if Timed(group) {
		limit = mostTimes
	}
	q, all, kept := s.kept(group)
	switch {
	case kept && s.place() > 0:
		out, err := s.placed(group, q, all)
		return s.ordered(group, out[:min(len(out), limit)]), err
	case !kept:
		q, all = s.statement(by, of, from), append(cuts, args...)
	}
	rows, err := s.tx.Query(q, append(all, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Cell
	for rows.Next() {
		var key sql.NullString
		var c Cell
		if err := rows.Scan(&key, &c.N, &c.Value); err != nil {
			return nil, err
		}
		if s.Measure == Within && c.N > 0 {
			c.Value /= float64(c.N)
		}
		if c.N > 0 {
			out = append(out, s.cell(group, key, c))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return s.ordered(group, out), nil
}

// ordered puts groups that follow each other in their order.
func (s *asked) ordered(group string, out []Cell) []Cell {
	if Timed(group) {
		return s.filled(group, out)
	}
	if group == ByAge {
		slices.SortFunc(out, func(a, b Cell) int {
			return -cmp.Compare(number(a.Query, s.Time+view.From), number(b.Query, s.Time+view.From))
		})
	}
	return out
}

func number(v url.Values, name string) int64 {
	n, _ := strconv.ParseInt(v.Get(name), 10, 64)
	return n
}

// statement gives the groups with how many records each has and what is told of them. Of a
// median it is the value at its place; a value is one that a record has, and none between.
func (s *asked) statement(by, of, from string) string {
	if place := map[Measure]string{Median: "50", P90: "90"}[s.Measure]; place != "" {
		return `select cast(g as text), n, cast(v as double precision) from (
			select g, v, row_number() over (partition by g order by v) as i, count(*) over (partition by g) as n from (select ` + by + ` as g, ` + of + ` as v` + from + `) x) y
			where i = (n * ` + place + ` + 99) / 100 order by n desc, g limit ?`
	}
	value := map[Measure]string{Count: `count(*)`, Sum: `sum(v)`, Mean: `cast(sum(v) as double precision) / count(*)`, Within: `sum(case when v = 0 then 1 else 0 end)`}[s.Measure]
	return `select cast(g as text), count(*), cast(coalesce(` + value + `, 0) as double precision) from (select ` + by + ` as g, ` + of + ` as v` + from + `) x group by g order by 2 desc, g limit ?`
}

// ages are where the groups of ages begin, in days, the youngest first.
var ages = [...]int64{0, 1, 3, 7, 30}

// by is the expression of a group, with its arguments.
func (s *asked) by(group, column string) (string, []any) {
	switch group {
	case ByDay:
		return column + ` / ` + strconv.FormatInt(day, 10), nil
	case ByWeek: // the day 0 was a Thursday
		return `(` + column + ` / ` + strconv.FormatInt(day, 10) + ` + 3) / 7`, nil
	case ByMonth:
		if string(s.tx.Dialect()) == "sqlite" {
			return `strftime('%Y-%m', ` + column + ` / 1000, 'unixepoch')`, nil
		}
		return `to_char(to_timestamp(` + column + ` / 1000) at time zone 'UTC', 'YYYY-MM')`, nil
	case ByAge:
		expr, args := `case`, []any(nil)
		for i := len(ages) - 1; i > 0; i-- {
			expr, args = expr+` when `+column+` < ? then `+strconv.Itoa(i), append(args, s.tx.Now-ages[i]*day)
		}
		return expr + ` else 0 end`, args
	}
	return column, nil
}

// cell completes a cell with the list that it is of.
func (s *asked) cell(group string, key sql.NullString, c Cell) Cell {
	c.Org, c.Query = s.query.Org, maps.Clone(s.values)
	f := s.kind.Field(group)
	switch {
	case group == "":
	case group == ByOrg:
		c.Org, _ = id.Parse(key.String)
		c.Label = key.String
	case Timed(group):
		from, before := bounds(group, key.String)
		return s.during(group, from, before, c)
	case group == ByAge:
		i, _ := strconv.Atoi(key.String)
		c.Label = aged(i)
		delete(c.Query, s.Time+view.Unset)
		if i > 0 {
			s.narrow(c.Query, nil, s.Time+view.Before, s.tx.Now-ages[i]*day)
		}
		if i < len(ages)-1 {
			s.narrow(c.Query, nil, s.Time+view.From, s.tx.Now-ages[i+1]*day)
		}
	case !key.Valid:
		c.Label = "None"
		c.Query.Set(group+view.Unset, "1")
	case f.Type == record.Bool:
		c.Label = map[bool]string{true: f.Title(), false: "Not: " + f.Title()}[key.String != "0"]
		c.Query.Set(group, key.String)
	case f.Type == record.Choice:
		c.Label = key.String
		for _, x := range f.Choices {
			if record.Fold(x) == key.String {
				c.Label = x
			}
		}
		c.Query.Set(group, c.Label)
	default:
		c.Label = key.String
		c.Query.Set(group, key.String)
	}
	return c
}

func aged(i int) string {
	switch {
	case i == 0:
		return "Up to a day"
	case i == len(ages)-1:
		return fmt.Sprintf("Over %d days", ages[i])
	}
	return fmt.Sprintf("%d to %d days", ages[i], ages[i+1])
}

// during is the cell of a time, as far as that lies in the period.
func (s *asked) during(group string, from, before int64, c Cell) Cell {
	c.Label = map[string]string{ByDay: time.UnixMilli(from).UTC().Format("2 Jan"), ByWeek: "Week of " + time.UnixMilli(from).UTC().Format("2 Jan"), ByMonth: time.UnixMilli(from).UTC().Format("Jan 2006")}[group]
	if s.before > 0 {
		from, before = max(from, s.from), min(before, s.before)
	}
	c.Org, c.Query = s.query.Org, maps.Clone(s.values)
	delete(c.Query, s.Time+view.Unset)
	s.narrow(c.Query, nil, s.Time+view.From, from)
	s.narrow(c.Query, nil, s.Time+view.Before, before)
	return c
}

// bounds are where the group of a time begins and ends.
func bounds(group, key string) (from, before int64) {
	n, _ := strconv.ParseInt(key, 10, 64)
	switch group {
	case ByDay:
		return n * day, (n + 1) * day
	case ByWeek:
		return (n*7 - 3) * day, (n*7 + 4) * day
	}
	t, _ := time.Parse("2006-01", key)
	return t.UnixMilli(), t.AddDate(0, 1, 0).UnixMilli()
}

// filled puts the groups of a time in order, and counts where there was nothing as such.
func (s *asked) filled(group string, list []Cell) []Cell {
	slices.SortFunc(list, func(a, b Cell) int {
		return cmp.Compare(number(a.Query, s.Time+view.From), number(b.Query, s.Time+view.From))
	})
	if s.before == 0 || s.Measure != Count && s.Measure != Sum {
		return list
	}
	var out []Cell
	for at := s.from; at < s.before; {
		t := time.UnixMilli(at).UTC()
		key := strconv.FormatInt(at/day, 10)
		switch group {
		case ByWeek:
			key = strconv.FormatInt((at/day+3)/7, 10)
		case ByMonth:
			key = t.Format("2006-01")
		}
		from, before := bounds(group, key)
		c := s.during(group, from, before, Cell{})
		if len(list) > 0 && list[0].Label == c.Label && number(list[0].Query, s.Time+view.From) == number(c.Query, s.Time+view.From) {
			c, list = list[0], list[1:]
		}
		out, at = append(out, c), before
	}
	return out
}

// name says the names of the records that cells are of.
func (s *asked) name(cells []Cell) error {
	f := s.kind.Field(s.Group)
	if s.Group != ByOrg && (f == nil || f.Type != record.Ref) {
		return nil
	}
	var ids []id.ID
	for _, c := range cells {
		if n, ok := id.Parse(strings.TrimSpace(c.Label)); ok && n != 0 {
			ids = append(ids, n)
		}
	}
	names, err := s.engine.Names(s.tx, ids...)
	if err != nil {
		return err
	}
	for i, c := range cells {
		if n, ok := id.Parse(c.Label); ok {
			if cells[i].Label, ok = names[n]; !ok {
				cells[i].Label, cells[i].Hidden = "Hidden", true
			}
		}
	}
	return nil
}
