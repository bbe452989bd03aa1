package glue

import (
	"strings"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer/itglue"
)

// sheet reads the table of a kind that has one from its declaration: a column
// for each field.
func sheet(k *record.Kind) *tableSpec {
	s := &tableSpec{name: k.Plural, kind: k.Name, stage: k.Labels, org: true, required: []string{"id"}, build: buildSheet}
	for i := range k.Fields {
		s.columns = append(s.columns, headings(&k.Fields[i])...)
	}
	return s
}

// headings are the names that a field's column may have.
func headings(f *record.Field) []string {
	return append([]string{itglue.Heading(f.Name)}, f.Headings...)
}

func buildSheet(r *run, it *item) error {
	k := r.Importer.Records.Kinds.Kind(it.Kind)
	for i := range k.Fields {
		f := &k.Fields[i]
		columns := headings(f)
		switch {
		case f.ReadOnly || f.Name == "name":
		case f.Type == record.Ref && r.Importer.Records.Kinds.Kind(f.Ref).Scope == record.OfTenant:
			it.List(f.Name, f.Ref, columns...)
		case f.Type == record.Ref:
			if err := it.ref(f.Name, f.Ref, columns...); err != nil {
				return err
			}
		case f.Type == record.Bool:
			it.Bool(f.Name, columns...)
		case f.Type == record.HTML:
			it.Rich(f.Name, columns...)
		case f.Type == record.Multiline:
			it.Lines(f.Name, columns...)
		case f.Type != record.Rows && f.Type != record.Refs && f.Type != record.Secret && f.Type != record.Files:
			it.Put(f.Name, columns...)
		}
	}
	if k.HasName() {
		if others := it.nameless(k); others == "" {
			it.Named(k.Label)
		}
	}
	return nil
}

// nameless sets the name; what a kind makes a name of when a row has none comes
// back.
func (it *item) nameless(k *record.Kind) string {
	it.Put("name", headings(k.Field("name"))...)
	if it.Values.Text("name") != "" || k.NameOf == nil {
		return it.Values.Text("name")
	}
	return strings.TrimSpace(k.NameOf(it.Values))
}
