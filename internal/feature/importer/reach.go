package importer

import (
	"encoding/json"
	"net/mail"
	"regexp"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/core/record"
)

// The columns of a contact that say how to reach them have many spellings.
var (
	mailColumn  = regexp.MustCompile(`(^|_)e?_?mails?(_|$)|email`)
	phoneColumn = regexp.MustCompile(`phone|(^|_)(mobile|cell|fax|tel|pager|landline)(_|$)`)
	extColumn   = regexp.MustCompile(`(^|_)(ext|extension)(_|$)`)
	labelNoise  = regexp.MustCompile(`(^|_)(contact|primary|e_?mails?|emails?|mails?|address|addresses|phones?|telephone|number|tel|\d+)(_|$)`)
)

// reaches tells whether a column says how to reach a contact.
func reaches(column string) bool {
	return mailColumn.MatchString(column) || phoneColumn.MatchString(column) || extColumn.MatchString(column)
}

func buildContact(r *run, it *item) error {
	it.contactName()
	it.put("title", "title", "job_title")
	it.list("contact_type_id", "contact_type", "contact_type", "type")
	it.bool("important", "important")
	it.lines("notes", "notes")
	if err := it.ref("location_id", "location", "location", "location_name"); err != nil {
		return err
	}
	it.reach()
	if it.values.Text("first_name")+it.values.Text("last_name") == "" {
		name := "Contact " + it.foreign
		if list := it.values.Rows("contact_emails"); len(list) > 0 {
			name, _ = list[0]["value"].(string)
		}
		it.values["last_name"] = name
		it.warn("Rename it if you like.", "Line %d of %s has no name; the contact is called %s.", it.line, it.file, it.title())
	}
	return nil
}

func (it *item) contactName() {
	it.put("first_name", "first_name")
	it.put("last_name", "last_name")
	name := strings.TrimSpace(it.row.Get("name"))
	if name == "" || it.values.Text("first_name")+it.values.Text("last_name") != "" {
		return
	}
	first, last, two := strings.Cut(name, ", ")
	if two {
		first, last = last, first
	} else if i := strings.LastIndexByte(name, ' '); i > 0 {
		first, last = name[:i], name[i+1:]
	}
	it.set("first_name", first)
	it.set("last_name", last)
}

// reach collects e-mail addresses and telephone numbers from all columns that
// hold some.
func (it *item) reach() {
	var mails, phones []map[string]any
	ext := ""
	found := false
	whole := it.wholeLists()
	for i, column := range it.row.Columns() {
		value := strings.TrimSpace(it.row.Cells[i])
		if whole && value != "" && !strings.HasPrefix(value, "[") {
			continue
		}
		switch {
		case mailColumn.MatchString(column):
			found = true
			mails = it.gather(mails, column, value, false)
		case phoneColumn.MatchString(column) && !extColumn.MatchString(column):
			found = true
			phones = it.gather(phones, column, value, true)
		case extColumn.MatchString(column) && value != "":
			ext = value
		}
	}
	if ext != "" && len(phones) > 0 && phones[0]["extension"] == nil {
		phones[0]["extension"] = ext
	} else if ext != "" && len(phones) == 0 {
		it.keep("Extension", ext)
	}
	if found {
		it.rows("contact_emails", mails)
		it.rows("contact_phones", phones)
	}
}

// wholeLists tells whether a column holds all addresses as a list in JSON; then
// the others repeat some of them.
func (it *item) wholeLists() bool {
	for _, c := range []string{"contact_emails", "contact_phones"} {
		if strings.HasPrefix(it.row.Get(c), "[") {
			return true
		}
	}
	return false
}

func (it *item) rows(field string, list []map[string]any) {
	it.values[field] = nil
	if len(list) > 0 {
		it.values[field] = list
	}
}

// gather adds what a cell holds: JSON, or values with separators, each perhaps
// with its label before a colon.
func (it *item) gather(list []map[string]any, column, cell string, phone bool) []map[string]any {
	if cell == "" {
		return list
	}
	if strings.HasPrefix(cell, "[") {
		var rows []any
		if err := json.Unmarshal([]byte(cell), &rows); err == nil {
			for _, row := range rows {
				list = it.gatherRow(list, column, row, phone)
			}
			return list
		}
	}
	cut := func(r rune) bool { return strings.ContainsRune(";|\r\n", r) || r == ',' }
	for _, part := range strings.FieldsFunc(cell, cut) {
		list = it.gatherRow(list, column, part, phone)
	}
	return list
}

func (it *item) gatherRow(list []map[string]any, column string, row any, phone bool) []map[string]any {
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
			if x := port(v).text(f, strings.ReplaceAll(f, "_", "-")); x != "" {
				out[f] = x
			}
		}
		on, _ := table.ParseBool(port(v).text("primary"))
		out["primary"] = on
		if w := port(v).text("formatted_value", "formatted-value"); w != "" && onlyDigits(w) == out["value"] {
			out["value"] = w // as people wrote it
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
		it.keep("E-mail address", value)
		return list
	} else {
		out["value"] = a.Address
		delete(out, "extension")
		delete(out, "label_type")
	}
	if len(value) > 200 {
		it.keep("Telephone number", value)
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
