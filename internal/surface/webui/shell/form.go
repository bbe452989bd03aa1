package shell

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Choices lists the records of a kind of the tenant that are not archived, and
// archived ones that are chosen.
func (v *Visit) Choices(tx *gate.Tx, kind string, chosen map[id.ID]bool) ([]ui.Option, error) {
	p, err := v.Records.List(tx, kind, record.Query{Limit: 1000, NoTotal: true})
	if err != nil {
		return nil, err
	}
	var out []ui.Option
	for _, r := range p.Records {
		if r.Archived && !chosen[r.ID] {
			continue
		}
		o := ui.Option{Value: r.ID.String(), Label: r.Name, Selected: chosen[r.ID]}
		if kind == "user" {
			o.Sub = r.Values.Text("role_name")
		}
		out = append(out, o)
	}
	return out, nil
}

// IDs reads a list of ids; what is none is left out.
func IDs(texts []string) []id.ID {
	var out []id.ID
	for _, t := range texts {
		if i, ok := id.Parse(t); ok {
			out = append(out, i)
		}
	}
	return out
}

// RefIDs reads a field that refers to several records: ids with commas between.
func RefIDs(form *web.Form, name string) []id.ID {
	var texts []string
	for _, s := range form.All(name) {
		texts = append(texts, strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	return IDs(texts)
}

// Refusable tells whether a failure is answered with the form again.
func Refusable(err error) bool {
	k := fault.Of(err)
	return k == fault.Invalid || k == fault.Conflict
}

// ListPage is what the page "list" shows: a table and nothing else.
type ListPage struct {
	Head  ui.Head
	Table ui.Table
}

// FormPage is what the page "form" shows: a form and nothing else.
type FormPage struct {
	Head ui.Head
	Form ui.Form
}

// Sections is what the page "sections" shows: cards below each other.
type Sections struct {
	Head  ui.Head
	Cards []*ui.Section
}
