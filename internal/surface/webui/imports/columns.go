package imports

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
	"strongroom/internal/feature/importer/mapping"
	"strongroom/internal/surface/webui/shell"
)

// columnForm is the second step: what each column is, and what becomes of rows.
func (v *visit) columnForm(tx *gate.Tx, stage id.ID, k *record.Kind, seen *columns.Seen, m *columns.Mapping, o importer.Options) (*ui.Form, error) {
	f := &ui.Form{Action: "/import-tables/" + stage.String(), Submit: "Check what would happen", Cancel: "/import-tables/" + stage.String(),
		Hidden: []ui.Hidden{{Name: "kind", Value: chosenKind(m)}}}
	f.Fields = append(f.Fields, ui.Field{Type: "heading", Label: "Columns", Hint: "The rows are " + shell.Lower(k.Labels) + ". A column without a field is not read."})
	targets := columns.Targets(k)
	for i, h := range seen.Headings {
		field := ""
		if at := slices.IndexFunc(m.Columns, func(c columns.Column) bool { return c.Heading == h }); at >= 0 {
			field = m.Columns[at].Field
		}
		col := ui.Field{Name: "c" + strconv.Itoa(i), Label: h, Type: "select", Value: field, Options: targetOptions(targets, field)}
		if shows(k, m, h) {
			col.Hint = firstValues(seen, i)
		}
		f.Fields = append(f.Fields, col)
	}
	f.Fields = append(f.Fields, ui.Field{Type: "heading", Label: "Rows"})
	if k.Scope == record.OfOrganization || k.Scope == record.OfParent {
		org := ui.Field{Name: "organization", Label: "Organization of all rows", Type: "ref", Source: "/refs/organization", Wide: true, Hint: "Empty: the column that names it decides."}
		if m.Org != 0 {
			names, err := v.Records.Names(tx, m.Org)
			if err != nil {
				return nil, err
			}
			org.Chosen = []ui.Option{{Value: m.Org.String(), Label: names[m.Org]}}
		}
		f.Fields = append(f.Fields, org, ui.Field{Name: "create", Label: "Make the organizations that rows name and nobody knows yet", Type: "checkbox", Checked: o.CreateMissingOrganizations, Wide: true, Hint: "Otherwise such rows are left out."})
	}
	return f, v.ruleFields(f, k, m)
}

// ruleFields are how rows are known, and what becomes of them.
func (v *visit) ruleFields(f *ui.Form, k *record.Kind, m *columns.Mapping) error {
	match := []ui.Option{{Value: columns.MatchName, Label: "their name"}, {Value: columns.MatchID, Label: "their id in the other system"}}
	if k.Scope == record.OfOrganization {
		match[0].Label = "their name within the organization"
	}
	for _, field := range columns.Matches(k) {
		match = append(match, ui.Option{Value: field.Name, Label: field.Title()})
	}
	f.Fields = append(f.Fields,
		ui.Field{Name: "match", Label: "A record is known by", Type: "select", Value: m.Match, Options: chosen(match, m.Match), Hint: "Empty: each row becomes a new record, even when it was imported before."},
		ui.Field{Name: "source", Label: "Name of the other system", Type: "text", Value: m.Source, Most: 60, Hint: "Whose ids they are, when rows are known by them. Use the same name each time."},
		ui.Field{Name: "rule", Label: "What becomes of rows", Type: "select", Required: true, Value: either(m.Rule), Options: chosen([]ui.Option{{Value: "both", Label: "Create what is new, change what is here"}, {Value: columns.CreateOnly, Label: "Create what is new only"}, {Value: columns.UpdateOnly, Label: "Change what is here only"}}, either(m.Rule))},
		ui.Field{Name: "dates", Label: "Dates are written", Type: "select", Value: m.Dates, Options: chosen([]ui.Option{{Value: columns.DayFirst, Label: "day first: 22.11.2026, 22/11/2026"}, {Value: columns.MonthFirst, Label: "month first: 11/22/2026"}}, m.Dates), Hint: "Empty: year first, as 2026-11-22."},
		ui.Field{Name: "clear", Label: "An empty cell clears the field", Type: "checkbox", Checked: m.Clear, Hint: "Otherwise it leaves the field as it is."},
		ui.Field{Type: "heading", Label: "Again"},
		ui.Field{Name: "save", Label: "Keep this mapping as", Type: "text", Most: 200, Wide: true, Hint: "A name, for the next table of this sort. Empty: it is not kept."})
	return nil
}

func either(rule string) string {
	if rule == "" {
		return "both"
	}
	return rule
}

func chosen(list []ui.Option, value string) []ui.Option {
	for i := range list {
		list[i].Selected = list[i].Value == value
	}
	return list
}

func targetOptions(targets []columns.Target, field string) []ui.Option {
	var out []ui.Option
	for _, t := range targets {
		label := t.Label
		if t.Field != nil && t.Field.Required {
			label += " *"
		}
		out = append(out, ui.Option{Value: t.Name, Label: label, Selected: t.Name == field})
	}
	return out
}

// firstValues are what the first rows say in a column.
func firstValues(seen *columns.Seen, column int) string {
	var out []string
	for _, row := range seen.Rows {
		if s := cut(row[column], 40); s != "" {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return "Empty in the first rows."
	}
	return "For example: " + strings.Join(out, " · ")
}

// saveTable ends the second step: the mapping is kept with the upload.
func (v *visit) saveTable(s *importChecks) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	_, seen, err := v.looked(stage)
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	o, old, err := v.planned(stage)
	if err != nil {
		return err
	}
	m := mappingOf(form, seen, &old)
	var k *record.Kind
	err = v.View(func(tx *gate.Tx) (err error) { k, err = v.kindOf(tx, form.Text("kind"), m); return err })
	if err != nil {
		return err
	}
	o.Layout, o.CreateMissingOrganizations = columns.Name, form.Bool("create")
	err = v.keepTable(stage, m, o, form.Text("save"))
	if err == nil {
		err = m.Check(k)
	}
	if shell.Refusable(err) {
		return v.tableAgain(stage, m, o, err)
	}
	if err != nil {
		return err
	}
	if len(unknownValues(k, seen, m)) > 0 {
		return web.SeeOther(v.W, v.R, "/import-tables/"+stage.String()+"/values")
	}
	s.forget(key)
	return web.SeeOther(v.W, v.R, "/import-checks/"+stage.String())
}

// mappingOf reads the second step's form; what was said of values stays.
func mappingOf(form *web.Form, seen *columns.Seen, old *columns.Mapping) *columns.Mapping {
	m := &columns.Mapping{Match: form.Text("match"), Rule: form.Text("rule"), Dates: form.Text("dates"), Clear: form.Bool("clear"), Source: form.Text("source")}
	if m.Rule == "both" {
		m.Rule = ""
	}
	if orgs := shell.RefIDs(form, "organization"); len(orgs) > 0 {
		m.Org = orgs[0]
	}
	for i, h := range seen.Headings {
		c := columns.Column{Heading: h, Field: form.Text("c" + strconv.Itoa(i))}
		for _, was := range old.Columns {
			if was.Heading == h && was.Field == c.Field {
				c.Values = was.Values
			}
		}
		m.Columns = append(m.Columns, c)
	}
	return m
}

// keepTable keeps a mapping with the upload, and under a name when one is given.
func (v *visit) keepTable(stage id.ID, m *columns.Mapping, o importer.Options, name string) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	o.Settings = b
	if err := v.Importer.SetPlan(v.R.Context(), v.Caller, stage, o); err != nil {
		return err
	}
	if name == "" {
		return nil
	}
	reuse := *m
	reuse.Org = 0
	if b, err = json.Marshal(&reuse); err != nil {
		return err
	}
	return v.Change(access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "kept a mapping of columns"
		return mapping.Save(tx, name, m.Kind, string(b))
	})
}

// tableAgain shows the second step again, with what is wrong.
func (v *visit) tableAgain(stage id.ID, m *columns.Mapping, o importer.Options, refused error) error {
	name, seen, err := v.looked(stage)
	if err != nil {
		return err
	}
	view := v.tableViewOf(stage, name, seen)
	err = v.View(func(tx *gate.Tx) error {
		k, err := v.kindOf(tx, chosenKind(m), m)
		if err != nil {
			return err
		}
		v.sample(view, k, seen, m)
		view.Form, err = v.columnForm(tx, stage, k, seen, m, o)
		return err
	})
	if err != nil {
		return err
	}
	say := fault.Say(refused)
	view.Form.Wrong(say.Text, say.Hint, say.Fields)
	return v.renderTable(web.Status(refused), name, view)
}

// unknownValue is what cells of a column of choices say and no choice is.
type unknownValue struct {
	column int
	value  string
	field  *record.Field
}

func unknownValues(k *record.Kind, seen *columns.Seen, m *columns.Mapping) []unknownValue {
	var out []unknownValue
	for i, c := range m.Columns {
		f := k.Field(c.Field)
		at := slices.Index(seen.Headings, c.Heading)
		if f == nil || f.Type != record.Choice || at < 0 {
			continue
		}
		var values []string
		for value := range seen.Values[at] {
			_, said := c.Values[record.Fold(value)]
			known := slices.ContainsFunc(f.Choices, func(choice string) bool { return record.Fold(choice) == record.Fold(value) })
			if !said && !known && strings.TrimSpace(value) != "" {
				values = append(values, value)
			}
		}
		slices.Sort(values)
		for _, value := range values {
			out = append(out, unknownValue{i, value, f})
		}
	}
	return out
}

// tableValues is the third step: what the values of choices mean.
func (v *visit) tableValues(s *importChecks) error { return v.values(s, nil) }

// saveValues ends it.
func (v *visit) saveValues(s *importChecks) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	return v.values(s, form)
}

func (v *visit) values(s *importChecks, form *web.Form) error {
	stage, key, err := v.stage()
	if err != nil {
		return err
	}
	name, seen, err := v.looked(stage)
	if err != nil {
		return err
	}
	o, m, err := v.planned(stage)
	if err != nil {
		return err
	}
	var k *record.Kind
	err = v.View(func(tx *gate.Tx) (err error) { k, err = v.kindOf(tx, chosenKind(&m), &m); return err })
	if err != nil {
		return err
	}
	list := unknownValues(k, seen, &m)
	at := "/import-tables/" + stage.String()
	if form != nil {
		for i, u := range list {
			c := &m.Columns[u.column]
			if c.Values == nil {
				c.Values = map[string]string{}
			}
			if choice := form.Text("v" + strconv.Itoa(i)); choice == "" || slices.Contains(u.field.Choices, choice) {
				c.Values[record.Fold(u.value)] = choice
			}
		}
		if err := v.keepTable(stage, &m, o, ""); err != nil {
			return err
		}
	}
	if form != nil || len(list) == 0 {
		s.forget(key)
		return web.SeeOther(v.W, v.R, "/import-checks/"+stage.String())
	}
	view := v.tableViewOf(stage, name, seen)
	view.Form = &ui.Form{Action: at + "/values", Submit: "Check what would happen", Cancel: at + "?kind=" + url.QueryEscape(chosenKind(&m)),
		Fields: []ui.Field{{Type: "heading", Label: "Choices", Hint: "These cells say something that is no choice of their field. Empty: the field stays empty."}}}
	for i, u := range list {
		var options []ui.Option
		for _, c := range u.field.Choices {
			options = append(options, ui.Option{Value: c, Label: c})
		}
		view.Form.Fields = append(view.Form.Fields, ui.Field{Name: "v" + strconv.Itoa(i), Label: u.field.Title() + ": " + cut(u.value, 60), Type: "select", Options: options})
	}
	return v.renderTable(http.StatusOK, name, view)
}
