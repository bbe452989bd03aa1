package shell

import (
	"html/template"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/record"
)

// FieldGroup is the fields that stand under one heading.
type FieldGroup struct {
	Title string
	Props []ui.Prop
	Texts []LongText
	Lists []Sublist
}

// LongText is a text of several lines under its label.
type LongText struct {
	Label string
	HTML  template.HTML
}

// Sublist is a small table: the rows of a field, or records that live within
// another.
type Sublist struct {
	ID, Title string
	Columns   []string
	Rows      []Subrow
	Add       *ui.Action
	Empty     string
}

// Subrow is a line of such a table.
type Subrow struct {
	Cells   []ui.Cell
	Actions []ui.Action
}

// FieldGroups are the fields of a record under their headings, without those that
// are not set.
func (v *Visit) FieldGroups(r *record.Record) []FieldGroup {
	var out []FieldGroup
	at := map[string]int{}
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if f.Type == record.Secret || f.Type == record.Files || f.Name == "name" || r.Variant() != 0 && f.Name == r.Kind.Variants.By || r.Kind.NamesParent(f.Name) {
			continue
		}
		if r.Values[f.Name] == nil || f.Type == record.Ref && r.Names[f.Name] == "" {
			continue
		}
		n, ok := at[f.Group]
		if !ok {
			n = len(out)
			at[f.Group] = n
			out = append(out, FieldGroup{Title: f.Group})
		}
		g := &out[n]
		switch f.Type {
		case record.HTML, record.Multiline:
			g.Texts = append(g.Texts, LongText{Label: f.Title(), HTML: Prose(f, r.Values.Text(f.Name))})
		case record.Rows:
			g.Lists = append(g.Lists, v.rowsList(r, f))
		case record.Refs:
			if cells := v.LinkCells(r, f); len(cells) > 0 {
				g.Props = append(g.Props, ui.Prop{Label: f.Title(), Cells: cells})
			}
		default:
			p := ui.Prop{Label: f.Title(), Cells: []ui.Cell{v.Cell(r, f)}}
			if p.Cells[0].Type == "pill" {
				p.Cells = append([]ui.Cell{v.DateCell(&record.Field{}, r.Values.Text(f.Name))}, p.Cells...)
			}
			g.Props = append(g.Props, p)
		}
	}
	out = append(out, leftOver(r)...)
	for i := range out {
		if g := &out[i]; len(g.Texts) == 1 && len(g.Props) == 0 && g.Texts[0].Label == g.Title {
			g.Texts[0].Label = "" // the heading says it
		}
	}
	return out
}

// leftOver shows the values that the fields of the type cannot hold.
func leftOver(r *record.Record) []FieldGroup {
	g := FieldGroup{Title: "Values that their fields cannot hold"}
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if v, ok := r.Rest[f.Name]; ok && f.Trait != 0 {
			g.Props = append(g.Props, ui.Prop{Label: f.Title(), Cells: []ui.Cell{{Text: Plain(v)}}})
		}
	}
	if len(g.Props) == 0 {
		return nil
	}
	return []FieldGroup{g}
}

// rowsList shows the rows of a field.
func (v *Visit) rowsList(r *record.Record, f *record.Field) Sublist {
	s := Sublist{ID: f.Name, Title: f.Title()}
	for _, c := range f.Rows {
		if !c.ReadOnly {
			s.Columns = append(s.Columns, c.Title())
		}
	}
	for _, row := range r.Values.Rows(f.Name) {
		line := &record.Record{Kind: &record.Kind{Fields: f.Rows}, Values: row}
		var cells []ui.Cell
		for i := range f.Rows {
			c := &f.Rows[i]
			if c.ReadOnly {
				continue
			}
			cell := v.Cell(line, c)
			if written := Plain(row["formatted_"+c.Name]); written != "" { // as people read it
				cell.Text = written
			}
			cells = append(cells, cell)
		}
		s.Rows = append(s.Rows, Subrow{Cells: cells})
	}
	return s
}
