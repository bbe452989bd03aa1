package ui

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Table is a list with filter, views, sort, selection, paging ("table"). Its id
// is also the name of the block that a swap asks for: the page defines
//
//	{{define "people"}}{{template "table" .Data.People}}{{end}}
type Table struct {
	ID      string
	Title   string // for screen readers
	Columns []Column
	Rows    []Row
	Filter  *Filter
	Views   []NavItem
	Saved   *Saved
	Tools   []Action // at the right end of the toolbar
	Choose  *Chooser
	Export  []NavItem
	Bulk    []Action // what may be done with selected rows; empty: no boxes
	BulkURL string   // address the selection is POSTed to: fields "id", many, and "do"; or "all", see Matching
	Hidden  []Hidden // sent along with the selection
	// Matching is how many rows match over all pages. Above zero, the selection
	// may be widened to all of them: the POST then holds all=1, and Hidden must
	// hold the filter.
	Matching int
	Pager    Pager
	Empty    Empty
}

// Filter is the line that narrows a list as one types. Fields are the rest of
// the address's query, which stays.
type Filter struct {
	Action string
	Name   string // of the query's field, usually "q"
	Value  string
	Label  string // "Filter configurations"
	Hidden []Hidden
	Fields []Field // more narrowing: selects
	Chips  []NavItem

	Swap string // set by the table
}

// In gives the filter of the table with this id.
func (f *Filter) In(id string) Filter { g := *f; g.Swap = id; return g }

// Saved is the menu of views with names: those that there are, and a form that
// saves the list as it stands.
type Saved struct {
	Lines  []SavedLine
	Action string // takes "name", "shared" and Hidden
	Hidden []Hidden
	Share  bool // the person may save views for everybody
	Most   int  // characters of a name
}

// SavedLine is one view with what removes it, if the person may.
type SavedLine struct {
	NavItem
	Shared bool
	Remove *Action
}

// Chooser lets a person pick the columns: a form with a checkbox "col" each.
type Chooser struct {
	Action  string
	Hidden  []Hidden
	Options []Option
}

// Column is a column of a table.
type Column struct {
	Label string
	Href  string // sorts by it; empty: cannot be sorted
	Sort  string // "", "ascending" or "descending"
	Right bool   // numbers
	Hide  int    // hidden when the table is narrower than 1 = 1100, 2 = 900, 3 = 700 pixels
	// Phone says where the column stands on a phone, where a row is a block:
	// "title", "end" (right of the title), "line" (under it) or "" not at all.
	Phone string

	Swap string // set by the table
}

// Class is the column's classes.
func (c Column) Class() string {
	var b strings.Builder
	if c.Right {
		b.WriteString("num ")
	}
	if c.Hide > 0 {
		b.WriteString("hide" + strconv.Itoa(c.Hide) + " ")
	}
	return b.String() + "ph-" + cmp.Or(c.Phone, "no")
}

// In gives the column of the table with this id.
func (c Column) In(id string) Column { c.Swap = id; return c }

// Row is a row; Cells are in the order of the columns.
type Row struct {
	ID    string
	Name  string // what "Select NAME" says
	Cells []Cell
	Muted bool   // archived
	Marks []Pill // behind the first cell
}

// Pager is the foot of a list. Words says where one is: "1–25 of 148", "10,000+".
type Pager struct {
	Words      string
	Prev, Next string

	Swap string // set by the table
}

// In gives the pager of the block with this id.
func (p Pager) In(id string) Pager { p.Swap = id; return p }

// Query is a list's state in the address, to change one thing of it at a time.
type Query struct {
	Path   string
	Values url.Values
}

// With gives the address with some fields changed; an empty value takes a field
// away. Paging starts again, unless the page is what changes.
func (q Query) With(kv ...string) string {
	v := maps.Clone(q.Values)
	if v == nil {
		v = url.Values{}
	}
	for _, k := range []string{"page", "after", "before"} {
		v.Del(k)
	}
	for i := 0; i+1 < len(kv); i += 2 {
		if v.Set(kv[i], kv[i+1]); kv[i+1] == "" {
			v.Del(kv[i])
		}
	}
	if len(v) == 0 {
		return q.Path
	}
	return q.Path + "?" + v.Encode()
}

// Sortable gives a column that sorts by key through the fields "sort" and
// "dir", descending the second time.
func (q Query) Sortable(c Column, key string) Column {
	now, dir := q.Values.Get("sort"), q.Values.Get("dir")
	c.Href = q.With("sort", key, "dir", "")
	if now != key {
		return c
	}
	c.Sort = "ascending"
	if dir == "desc" {
		c.Sort = "descending"
	} else {
		c.Href = q.With("sort", key, "dir", "desc")
	}
	return c
}

// Hidden gives the fields of the query but those named, for a form that
// changes these.
func (q Query) Hidden(but ...string) []Hidden {
	var out []Hidden
	for _, k := range slices.Sorted(maps.Keys(q.Values)) {
		if slices.Contains(but, k) || k == "page" || k == "after" || k == "before" {
			continue
		}
		for _, v := range q.Values[k] {
			out = append(out, Hidden{k, v})
		}
	}
	return out
}

func itoa(i int) string { return strconv.Itoa(i) }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
