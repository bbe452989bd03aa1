package importer

import (
	"strings"

	"strongroom/internal/feature/importer/reach"
)

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

// reach sets how to reach the contact.
func (it *item) reach() {
	ways := reach.Read(it.row.Columns(), it.row.Cells)
	for _, l := range ways.Left {
		it.keep(l.Label, l.Value)
	}
	if ways.Found {
		it.rows("contact_emails", ways.Emails)
		it.rows("contact_phones", ways.Phones)
	}
}

func (it *item) rows(field string, list []map[string]any) {
	it.values[field] = nil
	if len(list) > 0 {
		it.values[field] = list
	}
}
