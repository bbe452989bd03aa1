package automations

import (
	"slices"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/duty/method"
	"strongroom/internal/surface/webui/shell"
)

// form makes the derived form one in plain words: fields are chosen by their labels, and
// what a rule refers to stands with its name. A new rule first says what it is about.
func form(v *shell.Visit, f *ui.Form, r *record.Record) error {
	if r == nil {
		first := []string{"name", "of_kind", "happens"}
		f.Fields = slices.DeleteFunc(f.Fields, func(x ui.Field) bool { return !slices.Contains(first, x.Name) })
		f.Note = "It begins turned off. What it does is chosen next."
	}
	for i := range f.Fields {
		if x := &f.Fields[i]; x.Name == "of_kind" {
			ofKind(v, x, r)
		}
	}
	if r == nil {
		return nil
	}
	k := v.Kind(r.Values.Text("of_kind"))
	d := &drawing{v: v, k: k}
	if err := v.View(func(tx *gate.Tx) error { return d.read(tx, automation.Of(r)) }); err != nil {
		return err
	}
	for i := range f.Fields {
		switch x := &f.Fields[i]; x.Name {
		case "field":
			choose(x, d.fields(func(*record.Field) bool { return true }))
		case "conditions":
			d.rows(x, d.fields(func(*record.Field) bool { return true }))
			x.Hint = "Values as people write them: the name of a team, yes or no, 2026-11-30."
		case "actions":
			d.rows(x, d.objects())
			x.Hint = "Texts may name fields in braces: {number}, {name}, {priority}."
		}
	}
	return nil
}

// ofKind lets the kind be chosen once.
func ofKind(v *shell.Visit, x *ui.Field, r *record.Record) {
	var list []ui.Option
	for _, k := range v.Records.Kinds.Kinds() {
		if automation.Governed(k) && (r == nil || k.Name == x.Value) && k.Menu > 0 {
			list = append(list, ui.Option{Value: k.Name, Label: k.Labels, Selected: k.Name == x.Value})
		}
	}
	x.Type, x.Options = "select", list
	if r != nil {
		x.Hint = "This stays."
	}
}

// drawing is the form of one rule.
type drawing struct {
	v      *shell.Visit
	k      *record.Kind
	people []ui.Option
	names  map[id.ID]string
}

// read reads whom a rule can name, and the names of what it refers to.
func (d *drawing) read(tx *gate.Tx, x *automation.Rule) (err error) {
	if d.people, err = d.v.Choices(tx, "user", nil); err != nil {
		return err
	}
	d.names, err = d.v.Records.Names(tx, x.Refs(d.k)...)
	return err
}

// fields are the fields that a rule may ask for, by their labels.
func (d *drawing) fields(take func(*record.Field) bool) (out []ui.Option) {
	names := []string{"name", "organization_id"}
	for i := range d.k.Fields {
		if n := d.k.Fields[i].Name; n != "name" {
			names = append(names, n)
		}
	}
	for _, n := range append(names, term.Origin, term.EntryType, term.Public) {
		if f := automation.Field(d.k, n); f != nil && take(f) {
			out = append(out, ui.Option{Value: n, Label: f.Title()})
		}
	}
	return out
}

// objects are what an action is about: a field, people, or what is opened.
func (d *drawing) objects() []ui.Option {
	out := grouped("Set", d.fields(func(f *record.Field) bool {
		return automation.Settable(f) && (d.k.Life == nil || f.Name != d.k.Life.StateField())
	}))
	var whom []ui.Option
	for _, w := range automation.Whom() {
		whom = append(whom, ui.Option{Value: w, Label: "The " + w})
	}
	out = append(out, grouped("Tell", append(whom, d.people...))...)
	var tickets []ui.Option
	for _, name := range automation.Opened() {
		if k := d.v.Kind(name); k != nil {
			tickets = append(tickets, ui.Option{Value: name, Label: k.Label})
		}
	}
	var how []ui.Option
	if method.Takes(d.k) {
		for _, m := range method.All() {
			how = append(how, ui.Option{Value: m, Label: shell.Capital(m)})
		}
	}
	return append(append(out, grouped("Open", tickets)...), grouped("Give", how)...)
}

func grouped(name string, list []ui.Option) []ui.Option {
	for i := range list {
		list[i].Group = name
	}
	return list
}

// choose makes a select of a field; what is chosen and not offered stays.
func choose(x *ui.Field, list []ui.Option) {
	x.Type, x.Options = "select", []ui.Option{{Label: "—", Selected: x.Value == ""}}
	known := x.Value == ""
	for _, o := range list {
		o.Selected = o.Value == x.Value
		known = known || o.Selected
		x.Options = append(x.Options, o)
	}
	if !known {
		x.Options = append(x.Options, ui.Option{Value: x.Value, Label: x.Value, Selected: true})
	}
}

// rows makes selects of the column of fields, and names of the ids in that of values.
func (d *drawing) rows(x *ui.Field, list []ui.Option) {
	for i := range x.Columns {
		if x.Columns[i].Name == "field" {
			choose(&x.Columns[i], list)
		}
	}
	for _, line := range x.Lines {
		for i := range line {
			switch {
			case strings.HasSuffix(line[i].Name, ".field"):
				choose(&line[i], list)
			case strings.HasSuffix(line[i].Name, ".value"):
				if n, ok := id.Parse(line[i].Value); ok && d.names[n] != "" {
					line[i].Value = d.names[n]
				}
			}
		}
	}
}
