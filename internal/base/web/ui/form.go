package ui

import "html/template"

// Form is a whole form ("form").
type Form struct {
	ID        string // empty: "form"
	Action    string
	Fields    []Field
	Hidden    []Hidden
	Submit    string // "Create LAN"
	Again     string // "Create and add another", sent as again=1; empty hides it
	Cancel    string // address
	Draft     string // key under which an unsent draft is kept in this browser; empty keeps none
	Errors    *Errors
	Note      string // beside the buttons
	Danger    bool
	Multipart bool // has file fields
}

// Errors is the summary above a form that was refused ("errors").
type Errors struct {
	Text   string
	Hint   string
	Fields []FieldError
}

// FieldError leads to the field that is wrong.
type FieldError struct{ Name, Label, Text string }

// Field is one input ("field"). Type says which:
//
//	text, email, url, tel, search, number, date, datetime-local, time, color
//	textarea   Rows lines
//	html       rich text; Upload takes images
//	code       textarea in the fixed font
//	checkbox   Checked
//	select     Options; Multiple makes it a list of ticks
//	ref        one record, or with Multiple several: Options, or Source for a search
//	secret     a new password, with Generate; never filled with the old one
//	password   a password to sign in with
//	rows       Columns and Lines: e-mail addresses, interfaces
//	file       Accept
//	heading    a title between fields
//	note       Text between fields
//	fixed      shown, not changed
type Field struct {
	Name     string
	Label    string
	Type     string
	Value    string
	Checked  bool
	Hint     string
	Error    string
	Required bool
	Wide     bool
	Disabled bool
	Focus    bool
	Holder   string // placeholder
	Complete string // autocomplete; empty is "off"
	Min, Max string
	Step     string
	Most     int // characters
	Rows     int
	Multiple bool
	Options  []Option
	Source   string   // ref: address that answers ?q= with JSON {"items":[{"id","label","sub","icon"}]}
	Chosen   []Option // ref with Source: what is chosen now
	Upload   string   // html: address that takes an image, multipart field "file", and answers JSON {"url"}
	Generate string   // secret: address that answers a POST with JSON {"secret"}
	Accept   string
	Columns  []Field
	Lines    [][]Field // rows: one list of fields for each line, named NAME.0.COLUMN
	Text     string
	Unit     string // after the input: "days"
	HTML     template.HTML
	Cells    []Cell // fixed
	Inline   bool   // set by RowsField: the label is for screen readers only
}

// Option is a choice.
type Option struct {
	Value, Label string
	Sub, Icon    string
	Group        string
	Selected     bool
}

// RowsField makes a rows field of values, one map a line, with spare empty lines
// at the end for browsers without script. columns are the fields of one line; a
// select or checkbox column whose name should not make an otherwise empty line
// count ends in "_kind" or "_tick" (see web.Form.Rows).
func RowsField(f Field, columns []Field, values []map[string]string, spare int) Field {
	f.Type, f.Wide, f.Columns = "rows", true, columns
	f.Lines = nil
	for i := range len(values) + spare {
		var v map[string]string
		if i < len(values) {
			v = values[i]
		}
		f.Lines = append(f.Lines, rowLine(f.Name, i, columns, v))
	}
	return f
}

func rowLine(name string, i int, columns []Field, v map[string]string) []Field {
	line := make([]Field, len(columns))
	for c, column := range columns {
		field := column
		field.Name = name + "." + itoa(i) + "." + column.Name
		field.Value = v[column.Name]
		field.Inline = true
		field.Checked = v[column.Name] != "" && v[column.Name] != "0"
		field.Options = make([]Option, len(column.Options))
		for o, option := range column.Options {
			option.Selected = option.Value == field.Value
			field.Options[o] = option
		}
		line[c] = field
	}
	return line
}

// Wrong puts the sentences of a refused form beside its fields and gives the
// summary, in the order of the fields.
func (f *Form) Wrong(text, hint string, fields map[string]string) {
	if len(fields) == 1 {
		text = "One field needs attention." // its sentence follows
	}
	f.Errors = &Errors{Text: text, Hint: hint}
	known := map[string]bool{}
	for i := range f.Fields {
		name := f.Fields[i].Name
		if s := fields[name]; s != "" {
			f.Fields[i].Error = s
			known[name] = true
			f.Errors.Fields = append(f.Errors.Fields, FieldError{Name: name, Label: f.Fields[i].Label, Text: s})
		}
	}
	for _, name := range sortedKeys(fields) {
		if !known[name] {
			f.Errors.Fields = append(f.Errors.Fields, FieldError{Text: fields[name]})
		}
	}
}
