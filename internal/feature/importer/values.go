package importer

import (
	"regexp"
	"slices"
	"strings"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/table"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Put sets a field to what stands in the first of the columns that is there. A
// value that the field cannot take goes into the notes.
func (it *Item) Put(field string, columns ...string) {
	if slices.ContainsFunc(columns, it.Row.Has) {
		it.Set(field, it.Row.Get(columns...))
	}
}

// Set sets a field to a value as a cell holds it.
func (it *Item) Set(name, text string) {
	f := it.Field(name)
	var in any = text
	if f.Type == record.Date && text != "" {
		if day, err := table.ParseDate(text); err == nil {
			in = day
		}
	}
	v, err := f.Parse(in)
	if err != nil {
		it.Keep(f.Title(), text)
		v = nil
	}
	it.Values[name] = v
}

// Field gives the declaration of a field; nil for a trait.
func (it *Item) Field(name string) *record.Field {
	k := it.r.Importer.Records.Kinds.Kind(it.Kind)
	if f := k.Field(name); f != nil {
		return f
	}
	if n, ok := strings.CutPrefix(name, "t"); ok && k.Variants != nil {
		if _, ok := id.Parse(n); ok {
			return nil
		}
	}
	return &record.Field{Name: name, Type: record.Bool}
}

// Bool sets a field to whether a cell says yes.
func (it *Item) Bool(field string, columns ...string) {
	if !slices.ContainsFunc(columns, it.Row.Has) {
		return
	}
	text := it.Row.Get(columns...)
	on, err := table.ParseBool(text)
	if err != nil {
		it.Keep(it.Field(field).Title(), text)
	}
	it.Values[field] = on
}

// Keep puts a value that found no field into the notes, and says so without
// showing it: a cell may hold anything.
func (it *Item) Keep(label, text string) {
	it.Notes = append(it.Notes, label+": "+text)
	it.Warn("Look at the notes of the record.", "Line %d of %s: the value of %s could not be used and was kept in the notes.", it.Line, it.File, strings.ToLower(label[:1])+label[1:])
}

// AddNotes writes what was kept below the notes of the row.
func (it *Item) AddNotes() {
	if len(it.Notes) == 0 {
		return
	}
	name := "notes"
	if it.Kind == "organization" {
		name = "quick_notes"
	}
	k := it.r.Importer.Records.Kinds.Kind(it.Kind)
	f := k.Field(name)
	if f == nil {
		return
	}
	have, more := it.Values.Text(name), strings.Join(it.Notes, "\n")
	if f.Type == record.HTML {
		it.Values[name] = richtext.Clean(have + richtext.FromText(more))
		return
	}
	if have != "" {
		have += "\n"
	}
	it.Values[name] = have + more
}

// Named is for the name of a record: when the row has none, the first of the
// others that is not empty, or the kind and the row's id.
func (it *Item) Named(label string, others ...string) {
	it.Set("name", it.Row.Get("name"))
	if it.Values.Text("name") != "" {
		return
	}
	name := it.Row.Get(others...)
	if name == "" {
		name = label + " " + it.Foreign
	}
	it.Set("name", name)
	it.Warn("Rename it if you like.", "Line %d of %s has no name; the record is called %s.", it.Line, it.File, it.Title())
}

// List sets a reference to the entry of a tenant-wide list with that name.
func (it *Item) List(field, kind string, columns ...string) {
	if !slices.ContainsFunc(columns, it.Row.Has) {
		return
	}
	it.Values[field] = nil
	if name := strings.TrimSpace(it.Row.Get(columns...)); name != "" {
		it.Lists = append(it.Lists, Want{Field: field, Kind: kind, Name: name})
	}
}

// Ref sets a reference to a location or contact of the same organization, by
// its name.
func (it *Item) Ref(field, kind string, columns ...string) error {
	if !slices.ContainsFunc(columns, it.Row.Has) {
		return nil
	}
	it.Values[field] = nil
	name := strings.TrimSpace(it.Row.Get(columns...))
	if name == "" {
		return nil
	}
	k, err := it.r.named(kind, it.Org, name)
	if err != nil {
		return err
	}
	if k == nil {
		it.Marks = append(it.Marks, "without "+field)
		it.Notes = append(it.Notes, it.Field(field).Title()+": "+name)
		it.Warn("Set it by hand.", "Line %d of %s: the organization has no %s, or several, called %q; the name was kept in the notes.", it.Line, it.File, kind, Short(name))
		return nil
	}
	it.Values[field] = k.Rec
	return nil
}

var tagLike = regexp.MustCompile(`<[a-zA-Z/!][^<]*>`)

// Rich sets an HTML field; plain text keeps its lines.
func (it *Item) Rich(field string, columns ...string) {
	if !slices.ContainsFunc(columns, it.Row.Has) {
		return
	}
	text := it.Row.Get(columns...)
	if !it.r.Ours && strings.ContainsAny(text, "\r\n") && !tagLike.MatchString(text) {
		text = richtext.FromText(text)
	}
	it.Set(field, text)
}

// Lines sets a field of plain text; HTML loses its tags, not its text.
func (it *Item) Lines(field string, columns ...string) {
	if !slices.ContainsFunc(columns, it.Row.Has) {
		return
	}
	text := it.Row.Get(columns...)
	if !it.r.Ours && closedTag.MatchString(text) {
		text = richtext.Text(richtext.Clean(text))
	}
	it.Set(field, text)
}

var closedTag = regexp.MustCompile(`(?i)</(p|div|span|br|ul|ol|li|b|strong|em|i|u|a|h[1-6]|table|tr|td)>|<br ?/?>`)

// Wants tells whether a field gets an entry of a list.
func (it *Item) Wants(field string) bool {
	return slices.ContainsFunc(it.Lists, func(l Want) bool { return l.Field == field })
}
