package itglue

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
)

// Table gives the rows of one CSV file of an export.
type Table struct {
	Name string // of the entry, for sentences

	in     io.Closer
	rows   *table.Reader
	extra  []extra
	told   int // warnings given out
	sorted []int
	names  []string // plain names of the columns
}

type extra struct {
	at, n, line int
}

// Table opens a table. reads tells which columns, by their plain names, the
// caller reads; required are those without which nothing can be done: Invalid
// when one is missing. A nil Table means that the export has no such table.
func (x *Export) Table(name string, required []string, reads func(column string) bool) (*Table, error) {
	entry := x.File(name)
	if entry == "" {
		return nil, nil
	}
	in, err := x.zip.Open(entry)
	if err != nil {
		return nil, err
	}
	t := &Table{Name: entry, in: in}
	if t.rows, err = table.Read(in, entry, table.Options{Required: required}); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	for i, h := range t.rows.Header() {
		n := column(h)
		t.names = append(t.names, n)
		t.sorted = append(t.sorted, i)
		if !slices.Contains(required, n) && !reads(n) {
			t.extra = append(t.extra, extra{at: i})
		}
	}
	slices.SortFunc(t.sorted, func(a, b int) int { return strings.Compare(t.names[a], t.names[b]) })
	return t, nil
}

// column is the plain form of a column's name.
func column(h string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(h), func(r rune) bool { return r == '_' || r == '-' || r == ' ' }), "_")
}

// Close ends reading.
func (t *Table) Close() error { return t.in.Close() }

// Columns are the plain names of the columns, in the order of the file.
func (t *Table) Columns() []string { return t.names }

// Row is one row.
type Row struct {
	table.Row
	t *Table
}

// Next gives the next row. It ends with io.EOF, or Invalid when the rest of the
// file cannot be told into rows.
func (t *Table) Next() (Row, error) {
	r, err := t.rows.Next()
	if err != nil {
		return Row{}, err
	}
	for i := range t.extra {
		e := &t.extra[i]
		if v := strings.TrimSpace(r.Cells[e.at]); v != "" && !strings.EqualFold(v, "no") && !strings.EqualFold(v, "false") {
			if e.n++; e.n == 1 {
				e.line = r.Line
			}
		}
	}
	return Row{r, t}, nil
}

// Each calls f with every value that is not empty and its column's plain name,
// in the order of the columns' names, whatever the order in the file.
func (r Row) Each(f func(column, value string)) {
	for _, i := range r.t.sorted {
		if v := r.Cells[i]; v != "" {
			f(r.t.names[i], v)
		}
	}
}

// Problems gives what was tolerated or left out since it was last asked, and at
// the end of the file the columns that hold values and that nobody reads.
func (t *Table) Problems(end bool) []Problem {
	var out []Problem
	all := t.rows.Warnings()
	for _, w := range all[min(t.told, len(all)):] {
		p := Problem{File: t.Name, Line: w.Line, Severity: Warning, Text: w.Text}
		if w.Skipped {
			p.Severity, p.Hint = Error, "Correct this row in the file and import again; what is there already stays as it is."
		}
		out = append(out, p)
	}
	t.told = len(all)
	if !end {
		return out
	}
	for _, e := range t.extra {
		if e.n > 0 {
			out = append(out, Problem{File: t.Name, Line: e.line, Severity: Info,
				Text: fmt.Sprintf("The column %q of %s is not imported; it holds a value in %s, first on line %d.", t.rows.Header()[e.at], t.Name, count(e.n, "row"), e.line),
				Hint: "Keep the zip if you need what stands there."})
		}
	}
	return out
}

// Skipped tells how many rows could not be read since the file was opened.
func (t *Table) Skipped() int {
	n := 0
	for _, w := range t.rows.Warnings() {
		if w.Skipped {
			n++
		}
	}
	return n
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// count counts the rows of a table as far as they can be read.
func (x *Export) count(entry string) (int64, error) {
	in, err := x.zip.Open(entry)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	rows, err := table.Read(in, entry, table.Options{})
	var n int64
	for err == nil {
		if _, err = rows.Next(); err == nil {
			n++
		}
	}
	if errors.Is(err, io.EOF) || fault.Is(err, fault.Invalid) {
		return n, nil
	}
	return n, err
}

// Count counts the rows of a table; 0 when there is none.
func (x *Export) Count(name string) (int64, error) {
	if x.File(name) == "" {
		return 0, nil
	}
	return x.count(x.File(name))
}

// Columns are the plain names of the columns, beside Cells.
func (r Row) Columns() []string { return r.t.names }

// Headers are the names of the columns as they stand in the file.
func (t *Table) Headers() []string { return t.rows.Header() }
