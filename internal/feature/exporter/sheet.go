package exporter

import (
	"strconv"

	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer/itglue"
)

// sheet writes the table of a kind that has one from its declaration: a column
// for each field that a cell can hold. References go by name into the cell, and
// by id beside it.
func sheet(k *record.Kind) *tableSpec {
	t := &tableSpec{table: k.Plural, kind: k.Name, stage: k.Labels, columns: []string{"id", "organization"}}
	var fields []*record.Field
	for i := range k.Fields {
		f := &k.Fields[i]
		switch {
		case f.ReadOnly || f.Type == record.Secret || f.Type == record.Files:
			continue
		case f.Type == record.Rows || f.Type == record.Refs:
			t.beside = append(t.beside, f.Name)
			continue
		case f.Type == record.Ref:
			t.beside = append(t.beside, f.Name)
		}
		t.columns, fields = append(t.columns, itglue.Heading(f.Name)), append(fields, f)
	}
	t.columns = append(t.columns, "archived")
	t.row = func(_ *run, rec *record.Record, _ *beside) []string {
		row := []string{rec.ID.String(), rec.OrgName}
		for _, f := range fields {
			row = append(row, cell(rec, f))
		}
		return append(row, yes(rec.Archived))
	}
	return t
}

// cell is a value as a table has it.
func cell(rec *record.Record, f *record.Field) string {
	if f.Name == "name" {
		return rec.Name
	}
	switch v := rec.Values[f.Name].(type) {
	case string:
		return v
	case bool:
		return yes(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case id.ID:
		return rec.Names[f.Name]
	}
	return ""
}
