package lists

import (
	"bytes"
	"time"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/table"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

const mostExport = 100000 // rows of an export for a spreadsheet

// export answers with everything that the list's filter finds, for a
// spreadsheet: values that it would take for formulas are kept as text.
func (v *visit) export(k *record.Kind, org id.ID) error {
	l, err := v.newListing(k, org, shell.ListURL(k), v.R.URL.Query())
	if err != nil {
		return err
	}
	return v.exportIDs(l, nil)
}

func (v *visit) exportIDs(l *listing, ids []id.ID) error {
	k := l.kind
	if len(ids) > 0 {
		list := make([]any, len(ids))
		for i, x := range ids {
			list[i] = x
		}
		l.query = record.Query{Variant: k.Variant, Filters: []record.Filter{{Field: "id", Op: record.Eq, Values: list}}}
	}
	columns := everything(k)
	if v.R.URL.Query().Get("as") == "shown" {
		columns = asShown(k, l.columns)
	}
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.head
	}
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, header)
	if err != nil {
		return err
	}
	l.query.Limit, l.query.NoTotal = 1000, true
	narrow := len(ids) == 0
	thing := gate.Thing{Kind: k.Name, Org: l.org}
	err = v.View(func(tx *gate.Tx) error { // a long list keeps nobody from writing
		if _, err := tx.Allow(access.Export, thing); err != nil {
			return err
		}
		if narrow {
			if err := l.narrowByFlag(tx); err != nil {
				return err
			}
		}
		return l.each(v, tx, func(r *record.Record) error { return out.Write(csvRow(r, columns)...) })
	})
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	err = v.Change(access.Export, thing, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "list as CSV"
		return nil
	})
	if err != nil { // what is not recorded is not given
		return err
	}
	return v.CSV(k.Plural, b.Bytes())
}

// each gives the records that the list finds, in its order, at most mostExport.
func (l *listing) each(v *visit, tx *gate.Tx, give func(*record.Record) error) error {
	for l.query.Offset = 0; l.query.Offset < mostExport; l.query.Offset += l.query.Limit {
		page, err := v.Records.List(tx, l.kind.Name, l.query)
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if err := give(r); err != nil {
				return err
			}
		}
		if len(page.Records) < l.query.Limit {
			return nil
		}
	}
	return nil
}

// column is one of an exported list.
type column struct {
	head  string
	value func(r *record.Record) string
}

// everything are the columns of all that a list can tell, named as programs name
// them; traits have names for people alone.
func everything(k *record.Kind) []column {
	names := []string{"id"}
	if k.Scope == record.OfOrganization {
		names = append(names, "organization_id")
	}
	names = append(names, "name")
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Type != record.Secret && f.Type != record.Files && f.Name != "name" {
			names = append(names, f.Name)
		}
	}
	var out []column
	for _, name := range append(names, "archived", "created_at", "updated_at") {
		c := columnOf(k, name)
		switch f := k.Field(name); {
		case name == "organization_id":
			c.head = "organization"
		case f == nil || f.Trait == 0:
			c.head = name
		}
		out = append(out, c)
	}
	return out
}

// asShown are the columns of a list as a person sees it.
func asShown(k *record.Kind, names []string) []column {
	var out []column
	for _, name := range names {
		out = append(out, columnOf(k, name))
	}
	return out
}

func columnOf(k *record.Kind, name string) column {
	c := column{head: columnLabel(k, name)}
	switch name {
	case "id":
		c.value = func(r *record.Record) string { return r.ID.String() }
	case "organization_id":
		c.value = func(r *record.Record) string { return r.OrgName }
	case "name":
		c.value = func(r *record.Record) string { return r.Name }
	case "archived":
		c.value = func(r *record.Record) string { return shell.Plain(r.Archived) }
	case "created_at":
		c.value = func(r *record.Record) string { return stamp(r.Created) }
	case "updated_at":
		c.value = func(r *record.Record) string { return stamp(r.Updated) }
	default:
		f := k.Field(name)
		c.value = func(r *record.Record) string { return fieldText(r, f) }
	}
	return c
}

func csvRow(r *record.Record, columns []column) []string {
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.value(r)
	}
	return row
}

// fieldText is a value as a table holds it.
func fieldText(r *record.Record, f *record.Field) string {
	switch f.Type {
	case record.Ref:
		return r.Names[f.Name]
	case record.Refs:
		return shell.LinkNames(r, f)
	case record.HTML:
		return richtext.Text(shell.Plain(r.Values[f.Name]))
	case record.Time:
		ms, _ := r.Values[f.Name].(int64)
		return stamp(ms)
	}
	return shell.Plain(r.Values[f.Name])
}

func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return shell.When(ms).Format(time.RFC3339)
}
