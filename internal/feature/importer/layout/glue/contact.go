package glue

import (
	"strings"

	"strongroom/internal/feature/importer/reach"
)

func buildContact(r *run, it *item) error {
	it.contactName()
	it.Put("title", "title", "job_title")
	it.List("contact_type_id", "contact_type", "contact_type", "type")
	it.Bool("important", "important")
	it.Lines("notes", "notes")
	if err := it.ref("location_id", "location", "location", "location_name"); err != nil {
		return err
	}
	it.reach()
	if it.Values.Text("first_name")+it.Values.Text("last_name") == "" {
		name := "Contact " + it.Foreign
		if list := it.Values.Rows("contact_emails"); len(list) > 0 {
			name, _ = list[0]["value"].(string)
		}
		it.Values["last_name"] = name
		it.Warn("Rename it if you like.", "Line %d of %s has no name; the contact is called %s.", it.Line, it.File, it.Title())
	}
	return nil
}

func (it *item) contactName() {
	it.Put("first_name", "first_name")
	it.Put("last_name", "last_name")
	name := strings.TrimSpace(it.Row.Get("name"))
	if name == "" || it.Values.Text("first_name")+it.Values.Text("last_name") != "" {
		return
	}
	first, last, two := strings.Cut(name, ", ")
	if two {
		first, last = last, first
	} else if i := strings.LastIndexByte(name, ' '); i > 0 {
		first, last = name[:i], name[i+1:]
	}
	it.Set("first_name", first)
	it.Set("last_name", last)
}

// reach sets how to reach the contact.
func (it *item) reach() {
	ways := reach.Read(it.row.Columns(), it.row.Cells)
	for _, l := range ways.Left {
		it.Keep(l.Label, l.Value)
	}
	if ways.Found {
		it.rows("contact_emails", ways.Emails)
		it.rows("contact_phones", ways.Phones)
	}
}

func (it *item) rows(field string, list []map[string]any) {
	it.Values[field] = nil
	if len(list) > 0 {
		it.Values[field] = list
	}
}
