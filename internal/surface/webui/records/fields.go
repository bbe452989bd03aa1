package records

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// field draws one field of the form. What is sealed is not in it, and stays as it
// is unless something is entered.
func (f *filling) field(v *visit, x *record.Field, short map[string][]ui.Option) ui.Field {
	out := f.input(v, x, short)
	if f.sealed(x) {
		out.Holder, out.Required = "Sealed. Leave empty to keep it", false
		out.Hint = strings.TrimSpace(out.Hint + " There is a sealed value; it stays unless you enter another.")
	}
	return out
}

// sealed tells whether the record has a sealed value of a field.
func (f *filling) sealed(x *record.Field) bool {
	return f.record != nil && slices.Contains(f.record.Hidden, x.Name)
}

// clears is the name of the tick that takes the sealed value of a field away.
func clears(x *record.Field) string { return "clear-" + x.Name }

// clearing is that tick: an empty field leaves what is sealed.
func (f *filling) clearing(x *record.Field) ui.Field {
	val, sent := f.values[x.Name]
	return ui.Field{Name: clears(x), Label: "Take the sealed value of " + x.Title() + " away", Type: "checkbox", Wide: true, Checked: sent && val == nil}
}

func (f *filling) input(v *visit, x *record.Field, short map[string][]ui.Option) ui.Field {
	val := f.values[x.Name]
	out := ui.Field{Name: x.Name, Label: x.Title(), Hint: x.Hint, Required: x.Required, Value: shell.Plain(val), Most: 0}
	switch x.Type {
	case record.Text:
		out.Type = "text"
		switch x.Format {
		case record.Email:
			out.Type = "email"
		case record.Phone:
			out.Type = "tel"
		}
		out.Wide = x.Name == "name"
	case record.Multiline:
		out.Type, out.Wide = "textarea", true
	case record.HTML:
		out.Type = "html"
	case record.Integer:
		out.Type, out.Step = "number", "1"
	case record.Number:
		out.Type, out.Step = "number", "any"
	case record.Bool:
		out.Type = "checkbox"
		out.Checked = val == true || val == "1"
	case record.Date:
		out.Type = "date"
	case record.Time:
		out.Type, out.Unit = "datetime-local", "UTC"
		if ms, ok := val.(int64); ok {
			out.Value = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04")
		}
	case record.Choice:
		out.Type = "select"
		for _, c := range x.Choices {
			out.Options = append(out.Options, ui.Option{Value: c, Label: shell.Capital(c), Selected: c == out.Value})
		}
	case record.Ref:
		f.refField(v, x, &out, short[x.Ref])
	case record.Refs:
		f.refsField(v, x, &out)
	case record.Secret:
		f.secretField(x, &out)
	case record.Rows:
		return rowsField(x, out, val)
	}
	return out
}

func (f *filling) secretField(x *record.Field, out *ui.Field) {
	out.Type, out.Value = "secret", ""
	if x.Format != record.Otpauth {
		out.Generate = "/generate"
	}
	if f.record != nil {
		out.Holder = "Leave empty to keep the present one"
		out.Required = false
	}
}

// refField is a list where the kind is a short one, and a search otherwise.
func (f *filling) refField(v *visit, x *record.Field, out *ui.Field, list []ui.Option) {
	k := v.Kind(x.Ref)
	out.Type = "ref"
	if len(list) > 0 && len(list) <= shell.MostOptions || k.Scope == record.OfTenant && !k.Fixed && !k.Admin && len(list) == 0 {
		out.Type = "select"
		known := out.Value == ""
		for _, o := range list {
			o.Selected = o.Value == out.Value
			known = known || o.Selected
			out.Options = append(out.Options, o)
		}
		if !known && f.names[x.Name] != "" { // archived meanwhile: it stays until somebody chooses another
			out.Options = append(out.Options, ui.Option{Value: out.Value, Label: f.names[x.Name], Selected: true})
		}
		return
	}
	out.Source = "/refs/" + k.Name
	if f.org != 0 && k.Scope != record.OfTenant && k.Scope != record.Organization {
		out.Source += "?organization_id=" + f.org.String()
	}
	if out.Value != "" && f.names[x.Name] != "" {
		out.Chosen = []ui.Option{{Value: out.Value, Label: f.names[x.Name], Icon: k.Icon}}
	}
}

// refsField is a search that takes several records.
func (f *filling) refsField(v *visit, x *record.Field, out *ui.Field) {
	out.Type, out.Multiple, out.Wide, out.Source = "ref", true, true, "/refs/any"
	q := url.Values{}
	if k := v.Kind(x.Ref); k != nil {
		out.Source = "/refs/" + k.Name
		if f.org != 0 && k.Scope != record.OfTenant && k.Scope != record.Organization {
			q.Set("organization_id", f.org.String())
		}
		if x.RefVariant != 0 {
			q.Set(k.Variants.By, x.RefVariant.String())
		}
	}
	if len(q) > 0 {
		out.Source += "?" + q.Encode()
	}
	ids, _ := f.values[x.Name].([]id.ID)
	if s, ok := f.values[x.Name].(string); ok { // as somebody sent it
		if p, err := x.Parse(s); err == nil {
			ids, _ = p.([]id.ID)
		}
	}
	for _, n := range ids {
		l, ok := f.links[n]
		o := ui.Option{Value: n.String(), Label: l.Name}
		if !ok {
			o.Label = n.String()
		}
		if k := v.Kind(l.Kind); k != nil {
			o.Icon = k.Icon
		}
		out.Chosen = append(out.Chosen, o)
	}
}

// Rows: columns that do not make an otherwise empty line count end so. A choice that begins
// with nothing does, once somebody has chosen.
func rowColumn(c *record.Field) string {
	switch c.Type {
	case record.Bool:
		return c.Name + "_tick"
	case record.Choice:
		if !unsaid(c) {
			return c.Name + "_kind"
		}
	}
	return c.Name
}

// unsaid tells of a choice that nothing is said by it unless somebody says it.
func unsaid(c *record.Field) bool { return !c.Required && c.Default == nil }

func rowsField(x *record.Field, out ui.Field, val any) ui.Field {
	var columns []ui.Field
	for i := range x.Rows {
		c := &x.Rows[i]
		if c.ReadOnly {
			continue
		}
		col := ui.Field{Name: rowColumn(c), Label: c.Title(), Type: "text"}
		switch c.Type {
		case record.Bool:
			col.Type = "checkbox"
		case record.Choice:
			col.Type = "select"
			if unsaid(c) {
				col.Options = append(col.Options, ui.Option{})
			}
			for _, o := range c.Choices {
				col.Options = append(col.Options, ui.Option{Value: o, Label: shell.Capital(o)})
			}
		}
		columns = append(columns, col)
	}
	var lines []map[string]string
	list, _ := val.([]map[string]any)
	for _, row := range list {
		line := map[string]string{}
		for i := range x.Rows {
			c := &x.Rows[i]
			line[rowColumn(c)] = shell.Plain(row[c.Name])
			if written := shell.Plain(row["formatted_"+c.Name]); written != "" { // as people read it; the rule keeps both
				line[rowColumn(c)] = written
			}
			if c.Type == record.Bool {
				line[rowColumn(c)] = ""
				if on := row[c.Name]; on == true || on == "1" {
					line[rowColumn(c)] = "1"
				}
			}
		}
		lines = append(lines, line)
	}
	out.Value = ""
	return ui.RowsField(out, columns, lines, 1)
}
