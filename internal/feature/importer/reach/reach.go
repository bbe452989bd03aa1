// Package reach reads from the cells of a row how to reach a person.
//
// Always true: nothing that a cell says is lost; what is no address or number is
// given back as left.
package reach

import (
	"encoding/json"
	"net/mail"
	"regexp"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer/itglue"
)

// The columns that say how to reach a person have many spellings.
var (
	mailColumn  = regexp.MustCompile(`(^|_)e?_?mails?(_|$)|email`)
	phoneColumn = regexp.MustCompile(`phone|(^|_)(mobile|cell|fax|tel|pager|landline)(_|$)`)
	extColumn   = regexp.MustCompile(`(^|_)(ext|extension)(_|$)`)
	labelNoise  = regexp.MustCompile(`(^|_)(contact|primary|e_?mails?|emails?|mails?|address|addresses|phones?|telephone|number|tel|\d+)(_|$)`)
)

// Column tells whether a column, in snake case, says how to reach a person.
func Column(name string) bool {
	return mailColumn.MatchString(name) || phoneColumn.MatchString(name) || extColumn.MatchString(name)
}

// Ways are the ways to reach a person, as the rows of the fields contact_emails
// and contact_phones.
type Ways struct {
	Found  bool // the row has such columns
	Emails []map[string]any
	Phones []map[string]any
	Left   []Left
}

// Left is a value that is no address and no number.
type Left struct{ Label, Value string }

func (w *Ways) keep(label, value string) { w.Left = append(w.Left, Left{label, value}) }

// Read collects e-mail addresses and telephone numbers from all columns that
// hold some. The names of the columns are in snake case.
func Read(columns, cells []string) *Ways {
	w := &Ways{}
	ext := ""
	whole := wholeLists(columns, cells)
	for i, column := range columns {
		value := strings.TrimSpace(cells[i])
		if whole && value != "" && !strings.HasPrefix(value, "[") {
			continue
		}
		switch {
		case mailColumn.MatchString(column):
			w.Found = true
			w.Emails = w.gather(w.Emails, column, value, false)
		case phoneColumn.MatchString(column) && !extColumn.MatchString(column):
			w.Found = true
			w.Phones = w.gather(w.Phones, column, value, true)
		case extColumn.MatchString(column) && value != "":
			ext = value
		}
	}
	if ext != "" && len(w.Phones) > 0 && w.Phones[0]["extension"] == nil {
		w.Phones[0]["extension"] = ext
	} else if ext != "" && len(w.Phones) == 0 {
		w.keep("Extension", ext)
	}
	return w
}

// wholeLists tells whether a column holds all addresses as a list in JSON; then
// the others repeat some of them.
func wholeLists(columns, cells []string) bool {
	for i, c := range columns {
		if (c == "contact_emails" || c == "contact_phones") && strings.HasPrefix(cells[i], "[") {
			return true
		}
	}
	return false
}

// gather adds what a cell holds: JSON, or values with separators, each perhaps
// with its label before a colon.
func (w *Ways) gather(list []map[string]any, column, cell string, phone bool) []map[string]any {
	if cell == "" {
		return list
	}
	if strings.HasPrefix(cell, "[") {
		var rows []any
		if err := json.Unmarshal([]byte(cell), &rows); err == nil {
			for _, row := range rows {
				list = w.gatherRow(list, column, row, phone)
			}
			return list
		}
	}
	cut := func(r rune) bool { return strings.ContainsRune(";|\r\n", r) || r == ',' }
	for _, part := range strings.FieldsFunc(cell, cut) {
		list = w.gatherRow(list, column, part, phone)
	}
	return list
}

func (w *Ways) gatherRow(list []map[string]any, column string, row any, phone bool) []map[string]any {
	out := map[string]any{"label_name": labelOf(column)}
	if strings.Contains(column, "primary") {
		out["primary"] = true
	}
	switch v := row.(type) {
	case string:
		if label, rest, ok := strings.Cut(v, ":"); ok && !strings.ContainsAny(label, "@0123456789+") {
			out["label_name"], v = strings.TrimSpace(label), rest
		}
		out["value"] = strings.TrimSpace(v)
	case map[string]any:
		for _, f := range []string{"value", "label_name", "label_type", "extension", "primary"} {
			if x := itglue.Object(v).Text(f, strings.ReplaceAll(f, "_", "-")); x != "" {
				out[f] = x
			}
		}
		on, _ := table.ParseBool(itglue.Object(v).Text("primary"))
		out["primary"] = on
		if written := itglue.Object(v).Text("formatted_value", "formatted-value"); written != "" && onlyDigits(written) == out["value"] {
			out["value"] = written // as people wrote it
		}
	}
	value, _ := out["value"].(string)
	if value == "" {
		return list
	}
	if phone {
		if strings.Contains(column, "fax") {
			out["label_type"] = "fax"
		}
		if t := out["label_type"]; t != nil && t != "fax" {
			out["label_type"] = "phone"
		}
	} else if a, err := mail.ParseAddress(value); err != nil {
		w.keep("E-mail address", value)
		return list
	} else {
		out["value"] = a.Address
		delete(out, "extension")
		delete(out, "label_type")
	}
	if len(value) > 200 {
		w.keep("Telephone number", value)
		return list
	}
	return merge(list, out)
}

// merge adds a value once; primary in any column is primary.
func merge(list []map[string]any, row map[string]any) []map[string]any {
	for _, have := range list {
		if record.Fold(have["value"].(string)) == record.Fold(row["value"].(string)) {
			if row["primary"] == true {
				have["primary"] = true
			}
			return list
		}
	}
	return append(list, row)
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, s)
}

// labelOf makes a label of what a column's name says beside the obvious.
func labelOf(column string) string {
	s := column
	for range 4 {
		s = labelNoise.ReplaceAllString(s, "_")
	}
	s = strings.Trim(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '_' }), " "), " ")
	switch s {
	case "", "office", "business", "work", "direct":
		return "Work"
	case "cell", "mobile":
		return "Mobile"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
