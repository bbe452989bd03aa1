// Package design guesses what fields a table has that says nothing of them but
// their names and values.
//
// Always true: a guess is careful: a field is more than a text only when every
// value says so (of references, almost every one), and what is guessed can be
// changed later without losing a value.
package design

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/table"
)

// The kinds of fields that are guessed, as feature/flexibleasset calls them.
const (
	IsText     = "Text"
	IsTextbox  = "Textbox"
	IsNumber   = "Number"
	IsDate     = "Date"
	IsCheckbox = "Checkbox"
	IsPassword = "Password"
	IsTag      = "Tag"
	IsUpload   = "Upload"
)

// Field is what is guessed of a column.
type Field struct {
	Name    string // for people
	Kind    string // one of the kinds
	TagType string
	List    bool
	Title   bool
	Expires bool
}

// Clues say what else is known of the table.
type Clues struct {
	// Refers gives the tag types of what is called so in an organization.
	Refers func(org, name string) []string
	// Files tells whether files of a column are kept apart.
	Files func(column string) bool
	// Secret tells whether the values of a column are kept among the passwords.
	Secret func(header string) bool
}

// Table collects what the rows of a table say. Make it with New.
type Table struct {
	clues   Clues
	columns []*column
}

type column struct {
	name                          string // plain
	header                        string
	filled, dates, bools, numbers int
	rich                          int
	refers                        map[string]int
	secret, files, long, first    bool
}

// New starts with the columns of a table: their plain names, and as they stand
// in the file.
func New(names, headers []string, c Clues) *Table {
	t := &Table{clues: c}
	first := slices.IndexFunc(names, func(n string) bool { return !own(n) })
	for i, n := range names {
		t.columns = append(t.columns, &column{name: n, header: strings.TrimSpace(headers[i]), refers: map[string]int{}, files: c.Files(n), secret: c.Secret(headers[i]), first: i == first})
	}
	return t
}

// own tells whether a column is about the row and no field.
func own(name string) bool {
	switch name {
	case "id", "organization", "organization_id", "organization_name", "archived", "created_at", "updated_at", "resource_url", "locator", "restricted":
		return true
	}
	return false
}

var (
	markup  = regexp.MustCompile(`(?i)</(p|div|span|br|ul|ol|li|b|strong|em|i|u|a|h[1-6]|table|tr|td)>|<br ?/?>|<img `)
	figure  = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$`)
	noSum   = regexp.MustCompile(`(?i)phone|fax|serial|zip|postal|account|customer|(^|[^a-z])(id|pin|code|number|no)($|[^a-z])`)
	ends    = regexp.MustCompile(`(?i)expir|renew|valid (un)?til|(^|[^a-z])(ends?|until|due)($|[^a-z])`)
	heading = regexp.MustCompile(`[A-Z ]`)
)

// Row takes one row, of an organization.
func (t *Table) Row(org string, cells []string) {
	for i, c := range t.columns {
		if own(c.name) || c.files || i >= len(cells) {
			continue
		}
		if v := strings.TrimSpace(cells[i]); v != "" {
			c.take(t.clues, org, v)
		}
	}
}

func (c *column) take(clues Clues, org, v string) {
	c.filled++
	if _, err := table.ParseDate(v); err == nil {
		c.dates++
	}
	if _, err := table.ParseBool(v); err == nil && v != "0" && v != "1" {
		c.bools++
	}
	if figure.MatchString(v) {
		c.numbers++
	}
	if markup.MatchString(v) {
		c.rich++
	}
	if strings.ContainsAny(v, "\r\n") {
		c.long = true
	}
	for _, k := range Named(v, func(name string) []string { return clues.Refers(org, name) }) {
		c.refers[k]++
	}
}

// Named gives what all names in a cell can be: the whole of it, or else its parts
// between commas.
func Named(cell string, refers func(name string) []string) []string {
	if whole := refers(cell); len(whole) > 0 {
		return whole
	}
	var out []string
	parts := strings.Split(cell, ",")
	if len(parts) < 2 {
		return nil
	}
	for i, p := range parts {
		have := refers(strings.TrimSpace(p))
		if i == 0 {
			out = slices.Clone(have)
			continue
		}
		out = slices.DeleteFunc(out, func(k string) bool { return !slices.Contains(have, k) })
	}
	return out
}

// mostListed is how many fields lists show.
const mostListed = 6

// Fields gives a field for each column that is one, beside the names of the
// columns.
func (t *Table) Fields() (columns []string, fields []Field) {
	listed, titled := 0, -1
	for _, c := range t.columns {
		if own(c.name) {
			continue
		}
		f := c.guess()
		switch f.Kind {
		case IsTextbox, IsUpload, IsPassword:
		default:
			if listed++; listed <= mostListed {
				f.List = true
			}
		}
		if f.Kind == IsText && (titled < 0 || c.name == "name") {
			titled = len(fields)
		}
		columns, fields = append(columns, c.name), append(fields, f)
	}
	if titled >= 0 {
		fields[titled].Title, fields[titled].List = true, true
	}
	return columns, fields
}

func (c *column) guess() Field {
	f := Field{Name: Label(c.header), Kind: IsText}
	tag, n := "", 0
	for _, k := range slices.Sorted(keys(c.refers)) {
		if c.refers[k] > n {
			tag, n = k, c.refers[k]
		}
	}
	switch {
	case c.files:
		f.Kind = IsUpload
	case c.secret:
		f.Kind = IsPassword
	case c.filled == 0:
	case c.dates == c.filled:
		f.Kind, f.Expires = IsDate, ends.MatchString(f.Name)
	case c.bools == c.filled:
		f.Kind = IsCheckbox
	case c.numbers == c.filled && !noSum.MatchString(f.Name):
		f.Kind = IsNumber
	case n*10 >= c.filled*9 && !c.first && c.name != "name": // what comes first is the name of the row itself
		f.Kind, f.TagType = IsTag, tag
	case c.rich > 0 || c.long:
		f.Kind = IsTextbox
	}
	return f
}

func keys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Label makes a name for people of a header: slugs lose their hyphens.
func Label(header string) string {
	if heading.MatchString(header) {
		return strings.ToUpper(header[:1]) + header[1:]
	}
	s := strings.Join(strings.FieldsFunc(header, func(r rune) bool { return r == '_' || r == '-' }), " ")
	if s == "" {
		return strconv.Quote(header)
	}
	for _, short := range []string{"lan", "wan", "vlan", "vpn", "dns", "dhcp", "ip", "mac", "ssid", "url", "ssl", "isp", "sql", "nas", "ups", "rdp", "it"} {
		s = words(s, short)
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// words writes a word in capitals wherever it stands alone.
func words(s, short string) string {
	parts := strings.Split(s, " ")
	for i, p := range parts {
		if p == short {
			parts[i] = strings.ToUpper(p)
		}
	}
	return strings.Join(parts, " ")
}
