// Package table reads and writes CSV files as streams.
//
// Always true: one row is in memory at a time; a value comes back byte for byte
// as it was written, newlines included; a row that cannot be read is reported
// with its file and physical line and never shifts the rows after it; nothing is
// left out silently.
//
// Source: RFC 4180, and what Excel and exports of other products make of it.
package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"strongroom/internal/base/fault"
)

const (
	defaultMaxCell = 16 << 20 // bytes
	maxRow         = 64 << 20 // bytes
	maxColumns     = 10_000
	maxWarnings    = 1000
)

// Options say what a file must and may have; the zero value takes any table.
type Options struct {
	Required []string // columns without which the file is refused
	Known    []string // further columns the caller reads; all others are Extra
	Comma    byte     // between cells; 0 finds comma, semicolon or tab in the header
	MaxCell  int      // bytes of one value; 0 means 16 MiB
}

// Warning is something that was tolerated or left out.
type Warning struct {
	Line    int    // physical line, from 1, where the row starts
	Text    string // a whole sentence that names the file and the line
	Skipped bool   // the row was left out
}

// Reader gives the rows of one file.
type Reader struct {
	name     string
	scan     *scanner
	header   []string
	column   map[string]int // by normal form
	extra    []int          // columns that are neither required nor known
	warnings []Warning
	more     int
	err      error
}

// Read reads the header of a CSV file; name is used in sentences. The file is
// UTF-8, UTF-16 with a byte order mark, or else Windows-1252. Column names are
// compared without regard to case, spaces, underscores and hyphens. An empty
// file, an unusable header and all missing columns together are Invalid.
func Read(r io.Reader, name string, o Options) (*Reader, error) {
	t := &Reader{name: name, column: map[string]int{}}
	text, err := decoded(r, func(line int, s string) {
		t.warn(Warning{Line: line, Text: name + ": " + s})
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	t.scan = &scanner{in: text, comma: o.Comma, maxCell: o.MaxCell, name: name, line: 1}
	if t.scan.maxCell == 0 {
		t.scan.maxCell = defaultMaxCell
	}
	if o.Comma == 0 {
		t.scan.comma = t.scan.findComma()
	}
	if err := t.readHeader(); err != nil {
		return nil, err
	}
	return t, t.checkColumns(o)
}

// findComma looks at the first line: `sep=;` as Excel writes it, or whichever
// of semicolon and tab stands there when no comma does.
func (s *scanner) findComma() byte {
	head := s.peek(bufSize / 2)
	if len(head) >= 6 && strings.EqualFold(string(head[:4]), "sep=") && (head[5] == '\r' || head[5] == '\n') {
		comma := head[4]
		for b, ok := s.next(); ok; b, ok = s.next() {
			if b == '\r' || b == '\n' {
				s.newlineEnds(b)
				break
			}
		}
		return comma
	}
	count := map[byte]int{}
	quoted := false
	for _, b := range bytes.TrimLeft(head, "\r\n") {
		if b == '"' {
			quoted = !quoted
		}
		if quoted {
			continue
		}
		if b == '\n' || b == '\r' {
			break
		}
		count[b]++
	}
	switch {
	case count[','] > 0:
		return ','
	case count[';'] > 0 && count[';'] >= count['\t']:
		return ';'
	case count['\t'] > 0:
		return '\t'
	}
	return ','
}

func (t *Reader) readHeader() error {
	for {
		line, broken, err := t.scan.row()
		switch {
		case errors.Is(err, io.EOF):
			return fault.New(fault.Invalid, "The file %s is empty.", t.name).WithHint("The first line must hold the names of the columns.")
		case err != nil:
			return t.readError(err)
		case t.scan.nul:
			return fault.New(fault.Invalid, "The file %s is not text: its first line holds zero bytes.", t.name).
				WithHint("Save it as CSV in UTF-8 and try again.")
		case broken || t.scan.stray:
			return fault.New(fault.Invalid, "The names of the columns on line %d of %s have a quotation mark in the wrong place.", line, t.name).
				WithHint("Correct the first line and try again.")
		case t.scan.blank():
			continue
		}
		return t.setHeader(line, t.scan.cells())
	}
}

func (t *Reader) setHeader(line int, cells []string) error {
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 0 {
		return fault.New(fault.Invalid, "The file %s names no columns on line %d.", t.name, line).
			WithHint("The first line must hold the names of the columns.")
	}
	for i, c := range cells {
		if c == "" {
			c = "column " + strconv.Itoa(i+1)
			t.warn(Warning{Line: line, Text: fmt.Sprintf("Column %d of %s has no name on line %d and is called %q.", i+1, t.name, line, c)})
		}
		t.addColumn(line, c)
	}
	return nil
}

// addColumn gives a column that is there already another name, so that nothing
// is lost.
func (t *Reader) addColumn(line int, c string) {
	name := c
	for n := 2; ; n++ {
		if _, twice := t.column[normal(name)]; !twice {
			break
		}
		name = fmt.Sprintf("%s (%d)", c, n)
	}
	if name != c {
		t.warn(Warning{Line: line, Text: fmt.Sprintf("The column %q of %s is named twice on line %d; the later one is called %q.", c, t.name, line, name)})
	}
	t.column[normal(name)] = len(t.header)
	t.header = append(t.header, name)
}

// checkColumns reports all missing columns and finds the extra ones.
func (t *Reader) checkColumns(o Options) error {
	var missing []string
	named := map[string]bool{}
	for _, c := range o.Required {
		if !t.Has(c) {
			missing = append(missing, strconv.Quote(c))
		}
		named[normal(c)] = true
	}
	for _, c := range o.Known {
		named[normal(c)] = true
	}
	for i, c := range t.header {
		if !named[normal(c)] {
			t.extra = append(t.extra, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	what := "column " + missing[0]
	if n := len(missing); n > 1 {
		what = "columns " + strings.Join(missing[:n-1], ", ") + " and " + missing[n-1]
	}
	return fault.New(fault.Invalid, "The file %s lacks the %s.", t.name, what).
		WithHint("It has %s. Check that it is the right file and that its first line names the columns.", shorten(strings.Join(t.header, ", ")))
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "..."
	}
	return s
}

// normal is the form in which column names are compared.
func normal(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.TrimSpace(name) {
		if r == '_' || r == '-' || unicode.IsSpace(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		b.WriteRune(unicode.ToLower(r))
	}
	if b.Len() == 0 {
		return name
	}
	return b.String()
}

// Header gives the names of the columns as the file spells them, trimmed; a
// name that came twice is followed by a number.
func (t *Reader) Header() []string { return t.header }

// Comma gives what stands between the cells.
func (t *Reader) Comma() byte { return t.scan.comma }

// Has tells whether the file has a column.
func (t *Reader) Has(column string) bool {
	_, ok := t.find(column)
	return ok
}

func (t *Reader) find(column string) (int, bool) {
	if i, ok := t.column[column]; ok {
		return i, true
	}
	i, ok := t.column[normal(column)]
	return i, ok
}

// Warnings gives what was tolerated or left out so far, at most a thousand and
// then the number of the others.
func (t *Reader) Warnings() []Warning {
	if t.more == 0 {
		return t.warnings
	}
	return append(t.warnings[:len(t.warnings):len(t.warnings)],
		Warning{Text: fmt.Sprintf("%s has %d further warnings, which are not listed.", t.name, t.more)})
}

func (t *Reader) warn(w Warning) {
	if len(t.warnings) < maxWarnings {
		t.warnings = append(t.warnings, w)
		return
	}
	t.more++
}

func (t *Reader) readError(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fmt.Errorf("read %s: %w", t.name, err)
}

// Next gives the next row that can be read; rows that cannot be are reported in
// Warnings. It ends with io.EOF, or with an Invalid failure when the rest of
// the file cannot be told into rows; after either it gives the same again.
func (t *Reader) Next() (Row, error) {
	for t.err == nil {
		line, broken, err := t.scan.row()
		if err != nil {
			t.err = err
			if err != io.EOF {
				t.err = t.readError(err)
			}
			break
		}
		if t.scan.blank() {
			continue
		}
		cells := t.scan.cells()
		if cells, ok := t.fit(line, broken, cells); ok {
			return Row{Line: line, Cells: cells, table: t}, nil
		}
	}
	return Row{}, t.err
}

// fit brings a row to the width of the header or reports why it cannot be used.
func (t *Reader) fit(line int, broken bool, cells []string) ([]string, bool) {
	if t.scan.nul {
		t.warn(Warning{Line: line, Text: fmt.Sprintf("Line %d of %s held zero bytes, which were removed.", line, t.name)})
	}
	width := len(t.header)
	for len(cells) > width && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	switch {
	case broken || t.scan.stray && len(cells) != width:
		t.skip(line, "Line %d of %s has a quotation mark in the wrong place and was skipped.", line, t.name)
		return nil, false
	case len(cells) > width:
		t.skip(line, "Line %d of %s has %d cells instead of %d and was skipped.", line, t.name, len(cells), width)
		return nil, false
	case len(cells) < width:
		t.warn(Warning{Line: line, Text: fmt.Sprintf("Line %d of %s has %d cells instead of %d; the missing ones were taken as empty.", line, t.name, len(cells), width)})
		cells = append(cells, make([]string, width-len(cells))...)
	}
	if t.scan.stray {
		t.warn(Warning{Line: line, Text: fmt.Sprintf("Line %d of %s has a single quotation mark inside a quoted value, which was kept.", line, t.name)})
	}
	return cells, true
}

func (t *Reader) skip(line int, format string, args ...any) {
	t.warn(Warning{Line: line, Text: fmt.Sprintf(format, args...), Skipped: true})
}

// Row is one row, as wide as the header.
type Row struct {
	Line  int      // physical line, from 1, where the row starts
	Cells []string // beside Header
	table *Reader
}

// Get gives the first value that is not empty of the named columns, for files
// that spell a column in several ways; "" when there is none.
func (r Row) Get(columns ...string) string {
	for _, c := range columns {
		if i, ok := r.table.find(c); ok && r.Cells[i] != "" {
			return r.Cells[i]
		}
	}
	return ""
}

// Has tells whether the file has a column, empty in this row or not.
func (r Row) Has(column string) bool { return r.table.Has(column) }

// Extra gives the values, empty ones too, of the columns that were neither
// required nor known, by their names as in Header.
func (r Row) Extra() map[string]string {
	out := make(map[string]string, len(r.table.extra))
	for _, i := range r.table.extra {
		out[r.table.header[i]] = r.Cells[i]
	}
	return out
}
