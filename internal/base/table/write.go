package table

import (
	"bufio"
	"io"
	"regexp"
	"strings"

	"strongroom/internal/base/fault"
)

// Writer writes one CSV file: UTF-8, commas, lines that end in \r\n (RFC 4180).
type Writer struct {
	out   *bufio.Writer
	width int
	guard bool
	err   error
}

// Create starts a CSV file that a program will read back: values are written as
// they are.
func Create(w io.Writer, header []string) (*Writer, error) {
	return create(w, header, false)
}

// CreateForSpreadsheet starts a CSV file that people open in a spreadsheet. It
// begins with a byte order mark, without which Excel does not see UTF-8, and a
// value that a spreadsheet would take for a formula gets an apostrophe before
// it; so it does not come back unchanged.
func CreateForSpreadsheet(w io.Writer, header []string) (*Writer, error) {
	return create(w, header, true)
}

func create(w io.Writer, header []string, guard bool) (*Writer, error) {
	t := &Writer{out: bufio.NewWriterSize(w, 32<<10), width: len(header), guard: guard}
	if len(header) == 0 {
		return nil, fault.New(fault.Internal, "A table without columns cannot be written.")
	}
	if guard {
		t.put("\ufeff")
	}
	return t, t.Write(header...)
}

// Write writes one row, which must be as wide as the header.
func (w *Writer) Write(cells ...string) error {
	if len(cells) != w.width {
		return fault.New(fault.Internal, "A row of %d cells does not fit a table of %d columns.", len(cells), w.width)
	}
	for i, c := range cells {
		if i > 0 {
			w.put(",")
		}
		if w.guard {
			c = defused(c)
		}
		w.cell(c)
	}
	w.put("\r\n")
	return w.err
}

func (w *Writer) cell(c string) {
	c = strings.ToValidUTF8(c, "\ufffd")
	if c == "" && w.width > 1 {
		return
	}
	if c != "" && !strings.ContainsAny(c, ",;\t\"\r\n") && strings.TrimSpace(c) == c && !strings.HasPrefix(c, "\ufeff") && !strings.HasPrefix(c, "sep=") {
		w.put(c)
		return
	}
	w.put(`"`)
	w.put(strings.ReplaceAll(c, `"`, `""`))
	w.put(`"`)
}

func (w *Writer) put(s string) {
	if w.err == nil {
		_, w.err = w.out.WriteString(s)
	}
}

// Close writes what is still waiting; it does not close the writer below.
func (w *Writer) Close() error {
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return w.err
}

var number = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)*%?$`)

// defused puts an apostrophe before what a spreadsheet would calculate. Plain
// numbers with a sign are left alone. See OWASP, "CSV Injection".
func defused(c string) string {
	trimmed := strings.TrimLeft(c, " \t\r\n\u00a0\ufeff")
	if c != "" && (c[0] == '\t' || c[0] == '\r') || trimmed != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(trimmed)[0]) && !number.MatchString(trimmed) {
		return "'" + c
	}
	return c
}
