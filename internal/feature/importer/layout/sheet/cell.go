package sheet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/table"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
)

// line is one row as it was read.
type line struct {
	*importer.Item
	cells   cells
	foreign string
	names   map[string]string // what was written where a record is meant, by field
	found   id.ID             // the record that the row is
	key     key
}

// cells are the cells of a row by what they are.
type cells map[string]string

// Has tells whether a column is so.
func (c cells) Has(name string) bool { _, ok := c[name]; return ok }

// Get gives the first that is not empty.
func (c cells) Get(names ...string) string {
	for _, n := range names {
		if c[n] != "" {
			return c[n]
		}
	}
	return ""
}

// Each calls f with the cells that are not empty, in the order of their names.
func (c cells) Each(f func(name, value string)) {
	var names []string
	for n := range c {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if c[n] != "" {
			f(n, c[n])
		}
	}
}

// line reads a row; nil for one that is left out, which was said then.
func (x *reading) line(row table.Row) *line {
	l := &line{Item: x.Item(x.kind.Name, "", "", x.file.Name, row.Line), cells: cells{}, names: map[string]string{}}
	l.Secret, l.Loose = x.secrets(), true
	for _, a := range x.at {
		text := a.text(row.Cells)
		if !a.target.Secret() {
			text = strings.TrimSpace(text)
		}
		l.cells[a.Field] = text
	}
	l.Row = l.cells
	if x.kind.Variants != nil {
		l.Values[x.kind.Variants.By] = x.Variant
	}
	if !x.place(l) {
		return nil
	}
	for _, a := range x.at {
		if err := x.cell(l, a); err != nil {
			x.leave(l, a.Heading, err)
			return nil
		}
	}
	l.Shown = x.nameOf(l)
	return l
}

func (x *reading) secrets() (out []string) {
	for _, a := range x.at {
		if a.target.Secret() {
			out = append(out, a.Field)
		}
	}
	return out
}

// text gives what a row says of a field. Of several columns that are one long text,
// those that are empty are left out, and each but the first is a line of its own with
// its heading; of those that are a list, all are in it.
func (a at) text(cells []string) string {
	out := cells[a.column]
	for i, c := range a.more {
		more := strings.TrimSpace(cells[c])
		switch {
		case more == "":
			continue
		case a.target.Field.Type == record.Rows:
			out += ";" + more
		default:
			out = strings.TrimSpace(out + "\n" + a.names[i] + ": " + more)
		}
	}
	return out
}

// fullName sets first and last name: before and behind the last space, or the other
// way round with a comma between.
func (l *line) fullName(text string) {
	first, last, two := strings.Cut(text, ", ")
	if two {
		first, last = last, first
	} else if i := strings.LastIndexByte(text, ' '); i > 0 {
		first, last = text[:i], text[i+1:]
	}
	for name, v := range map[string]string{"first_name": first, "last_name": last} {
		if v = strings.TrimSpace(v); v != "" && l.cells[name] == "" {
			l.Values[name] = v
		}
	}
}

// leave leaves a row out because of a cell.
func (x *reading) leave(l *line, heading string, err error) {
	said := fault.Say(err)
	hint := said.Hint
	if hint == "" {
		hint = "Correct the cell in the file, or leave the column out, and import it again."
	}
	_ = l.Skip(hint, "Line %d of %s was skipped: column %q: %s", l.Line, l.File, heading, said.Text)
}

// place finds the organization of a row; false when the row was skipped.
func (x *reading) place(l *line) bool {
	named := l.cells[columns.Organization] != ""
	switch {
	case x.kind.Scope != record.OfOrganization && x.kind.Scope != record.OfParent:
		return true
	case x.org != nil:
		l.Org = x.org
	case !named && (x.kind.Shared || x.kind.Scope == record.OfParent):
		return true
	default:
		org, err := x.Organization(l.Item)
		if err != nil {
			x.leave(l, "organization", err)
		}
		if org == nil || err != nil {
			return false
		}
		l.Org = org
	}
	if x.kind.Scope == record.OfOrganization {
		l.Values["organization_id"] = l.Org.Rec
	}
	return true
}

// cell reads what one cell says.
func (x *reading) cell(l *line, a at) error {
	f, text := a.target.Field, l.cells[a.Field]
	switch {
	case a.Field == columns.External:
		l.foreign = text
		return nil
	case f == nil:
		return nil
	case strings.TrimSpace(text) == "":
		if x.Clear && f.Type != record.Secret && a.Field != columns.Archived && !f.Required {
			l.Values[a.Field] = nil
		}
		return nil
	}
	if a.Field == columns.FullName && !x.kind.HasName() {
		l.fullName(text)
		return nil
	}
	switch f.Type {
	case record.Secret:
		if f.Format == record.Otpauth && secret.CheckSeed(text) != nil {
			l.Warn("Look it up here and put in the key that the other system shows.", "Line %d of %s: the one-time-code key gives no codes; it is taken over as it is.", l.Line, l.File)
		}
		l.Values[a.Field] = text
		return nil
	case record.Ref:
		return x.ref(l, a)
	case record.Refs:
		return x.manyRefs(l, a)
	}
	v, err := x.value(a, text)
	if err != nil {
		return err
	}
	l.Values[a.Field] = v
	return nil
}

// value reads a cell that names no record.
func (x *reading) value(a at, text string) (any, error) {
	f := a.target.Field
	var in any = text
	var err error
	switch f.Type {
	case record.Date:
		in, err = day(text, x.Dates)
	case record.Time:
		in, err = moment(text, x.Dates)
	case record.Bool:
		in, err = table.ParseBool(text)
		if err != nil {
			err = fault.New(fault.Invalid, "It is neither yes nor no.").WithHint("Write Yes or No.")
		}
	case record.Choice:
		return choice(a, text)
	case record.HTML:
		if !strings.Contains(text, "</") && !strings.Contains(text, "/>") && !strings.Contains(text, "<br>") {
			in = richtext.FromText(text)
		}
	case record.Rows:
		in = rowsOf(text)
	}
	if err != nil {
		return nil, err
	}
	v, err := f.Parse(in)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s", fault.Say(err).Text).WithHint("Correct the cell in the file, or leave the column out, and import it again.")
	}
	return v, nil
}

// choice finds the choice that a cell means.
func choice(a at, text string) (any, error) {
	if c, ok := a.Values[record.Fold(text)]; ok {
		if c == "" {
			return nil, nil
		}
		text = c
	}
	for _, c := range a.target.Field.Choices {
		if record.Fold(c) == record.Fold(text) {
			return c, nil
		}
	}
	return nil, fault.New(fault.Invalid, "%s is none of the choices of %s.", quoted(text), a.target.Label).
		WithHint("Say in the mapping which choice is meant: %s.", strings.Join(a.target.Field.Choices, ", "))
}

func quoted(s string) string { return fmt.Sprintf("%q", importer.Short(s)) }

// rowsOf reads a list of values: JSON, or values between semicolons or lines. The
// first is the primary one.
func rowsOf(text string) any {
	if strings.HasPrefix(text, "[") {
		return text
	}
	var out []map[string]any
	for _, v := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' || r == '\r' }) {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, map[string]any{"value": v, "primary": len(out) == 0})
		}
	}
	return out
}

// day reads a date in the order that the mapping says.
func day(text, order string) (any, error) {
	layouts := map[string][]string{
		columns.DayFirst:   {"2.1.2006", "2/1/2006", "2-1-2006", "2.1.06", "2/1/06"},
		columns.MonthFirst: {"1/2/2006", "1-2-2006", "1/2/06", "Jan 2, 2006", "January 2, 2006"},
	}[order]
	date, _, _ := strings.Cut(text, " ")
	for _, l := range layouts {
		for _, s := range []string{text, date} {
			if t, err := time.Parse(l, s); err == nil {
				return t.Format(time.DateOnly), nil
			}
		}
	}
	d, err := table.ParseDate(text)
	if err != nil || order == columns.DayFirst && strings.Contains(text, "/") { // not to be taken for one of the other order
		return nil, fault.New(fault.Invalid, "%s is no date in the order that was chosen.", quoted(text)).WithHint("Choose how dates are written in the mapping, or write them as 2026-11-22.")
	}
	return d, nil
}

// moment reads a point in time: Unix milliseconds, RFC 3339, or a day.
func moment(text, order string) (any, error) {
	for _, l := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(l, text); err == nil {
			return t.UnixMilli(), nil
		}
	}
	d, err := day(text, order)
	if err != nil {
		return nil, err
	}
	t, err := time.Parse(time.DateOnly, d.(string))
	return t.UnixMilli(), err
}

// refKey is a record by its name.
type refKey struct {
	kind, name string
	org        id.ID
}

// ref finds what a cell names: an entry of a list, which is made when it is
// missing, or a record of the same organization.
func (x *reading) ref(l *line, a at) error {
	f, text := a.target.Field, l.cells[a.Field]
	switch f.Ref {
	case "country":
		return x.found(l, a, x.Look.Places.Country(text))
	case "region":
		return x.found(l, a, x.Look.Places.Region(x.Look.Places.Country(l.cells["country_id"]), text))
	}
	k := x.Importer.Records.Kinds.Kind(f.Ref)
	if k.Scope == record.OfTenant && !k.Admin && !k.Fixed && k.Field("name") != nil && f.RefVariant == 0 && f.Trait == 0 {
		w := importer.Want{Field: a.Field, Kind: f.Ref, Name: text}
		if f.Ref == "model" {
			w.Maker = l.cells["manufacturer_id"]
		}
		l.Lists = append(l.Lists, w)
		l.names[a.Field] = text
		return nil
	}
	n, err := x.named(l, k, text)
	if err != nil {
		return err
	}
	return x.found(l, a, n)
}

func (x *reading) found(l *line, a at, n id.ID) error {
	if n == 0 {
		return fault.New(fault.Invalid, "There is no %s %s, or there are several.", strings.ToLower(x.Importer.Records.Kinds.Kind(a.target.Field.Ref).Label), quoted(l.cells[a.Field])).
			WithHint("Add it first, or correct the cell, or leave the column out.")
	}
	l.Values[a.Field], l.names[a.Field] = n, l.cells[a.Field]
	return nil
}

func (x *reading) manyRefs(l *line, a at) error {
	k := x.Importer.Records.Kinds.Kind(a.target.Field.Ref)
	var out []id.ID
	for _, name := range strings.FieldsFunc(l.cells[a.Field], func(r rune) bool { return r == ';' || r == '\n' || r == '\r' }) {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		n, err := x.named(l, k, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Invalid, "There is no %s %s, or there are several.", strings.ToLower(k.Label), quoted(name)).WithHint("Add it first, or correct the cell, or leave the column out.")
		}
		out = append(out, n)
	}
	l.Values[a.Field], l.names[a.Field] = out, l.cells[a.Field]
	return nil
}

// named finds the one record of a kind with a name, in the organization of the row
// if the kind is of organizations; 0 when there is none or several.
func (x *reading) named(l *line, k *record.Kind, name string) (id.ID, error) {
	key := refKey{kind: k.Name, name: record.Fold(name)}
	if l.Org != nil && (k.Scope == record.OfOrganization || k.Scope == record.OfParent) {
		if key.org = l.Org.Rec; key.org < 0 {
			return 0, nil
		}
	}
	if n, ok := x.refs[key]; ok {
		return n, nil
	}
	var list []id.ID
	if err := x.ByName(k.Name, key.org, key.name, &list); err != nil {
		return 0, err
	}
	if len(list) != 1 {
		list = []id.ID{0}
	}
	x.refs[key] = list[0]
	return list[0], nil
}

// nameOf gives the name that a row makes.
func (x *reading) nameOf(l *line) string {
	if x.kind.HasName() {
		return l.Values.Text("name")
	}
	if x.kind.NameOf == nil {
		return ""
	}
	return strings.TrimSpace(x.kind.NameOf(l.Values))
}
