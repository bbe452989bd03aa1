// Package contact holds the people of an organization: how they are called and
// how they are reached.
//
// Always true: a contact's name is its first and last name; when it has e-mail
// addresses, one of them is primary, and the same goes for telephone numbers;
// everything that says who somebody is, is classified personal.
package contact

import (
	"strongroom/internal/core/record"
)

// Feature is the kinds contact_type, department and contact.
func Feature() record.Feature {
	return record.Feature{Name: "contact", Kinds: []*record.Kind{types(), departments(), contacts()}}
}

// Labels of e-mail addresses and telephone numbers that the form offers; others
// are kept as they come.
const (
	Work   = "Work"
	Home   = "Home"
	Mobile = "Mobile"
)

func contacts() *record.Kind {
	return &record.Kind{
		Name: "contact", Plural: "contacts", Label: "Contact", Labels: "Contacts", Icon: "user",
		Scope: record.OfOrganization, Menu: 5, NameOf: nameOf, Before: before,
		Fields: []record.Field{
			{Name: "first_name", Type: record.Text, Class: record.Personal, Filter: true, Sort: true},
			{Name: "last_name", Type: record.Text, Class: record.Personal, Filter: true, Sort: true},
			{Name: "title", Label: "Job title", Type: record.Text, Class: record.Personal, Filter: true, Search: true, List: true},
			{Name: "contact_type_id", Label: "Type", Type: record.Ref, Ref: "contact_type", Class: record.Internal, Filter: true, List: true},
			{Name: "location_id", Label: "Location", Type: record.Ref, Ref: "location", Class: record.Internal, Filter: true, List: true},
			{Name: "department_id", Label: "Department", Type: record.Ref, Ref: "department", Class: record.Internal, Filter: true},
			{Name: "important", Type: record.Bool, Class: record.Internal, Filter: true, Default: false, List: true,
				Hint: "Somebody whose request comes first."},
			{Name: "contact_emails", Label: "E-mail addresses", Type: record.Rows, Class: record.Personal, Group: "Reach", Rows: []record.Field{
				{Name: "value", Label: "Address", Type: record.Text, Format: record.Email, Class: record.Personal, Required: true, Search: true},
				{Name: "label_name", Label: "Label", Type: record.Text, Class: record.Internal},
				{Name: "primary", Type: record.Bool, Class: record.Internal},
			}, Search: true},
			{Name: "contact_phones", Label: "Telephone numbers", Type: record.Rows, Class: record.Personal, Group: "Reach", Rows: []record.Field{
				{Name: "value", Label: "Number", Type: record.Text, Format: record.Phone, Class: record.Personal, Required: true, Search: true},
				{Name: "extension", Type: record.Text, Class: record.Personal},
				{Name: "label_name", Label: "Label", Type: record.Text, Class: record.Internal},
				{Name: "label_type", Label: "Line", Type: record.Choice, Choices: []string{"phone", "fax"}, Default: "phone", Class: record.Internal},
				{Name: "primary", Type: record.Bool, Class: record.Internal},
				{Name: "formatted_value", Label: "Written", Type: record.Text, Class: record.Personal, ReadOnly: true},
			}, Search: true},
			{Name: "primary_email", Label: "E-mail", Type: record.Text, Class: record.Personal, ReadOnly: true, Filter: true, Sort: true, List: true},
			{Name: "primary_phone", Label: "Telephone", Type: record.Text, Class: record.Personal, ReadOnly: true, List: true},
			{Name: "notes", Type: record.Multiline, Class: record.Personal, Group: "Notes", Search: true},
		},
	}
}

func departments() *record.Kind {
	return &record.Kind{
		Name: "department", Plural: "departments", Label: "Department", Labels: "Departments", Icon: "sitemap",
		Scope: record.OfOrganization,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "manager_id", Label: "Manager", Type: record.Ref, Ref: "user", Class: record.Personal, Filter: true, List: true, Hint: "Who approves what its people ask for."},
			{Name: "cost_center", Type: record.Text, Class: record.Internal, Filter: true, List: true},
		},
	}
}

func types() *record.Kind {
	k := &record.Kind{
		Name: "contact_type", Plural: "contact_types", Label: "Contact type", Labels: "Contact types", Icon: "users",
		Scope: record.OfTenant,
		Fields: []record.Field{{Name: "name", Type: record.Text, Class: record.Public, Required: true, Unique: true,
			Filter: true, Sort: true, Search: true, List: true}},
	}
	for _, n := range []string{"Approver", "Decision maker", "End user", "External", "Executive", "Site contact", "Technical contact"} {
		k.Seed = append(k.Seed, record.Values{"name": n})
	}
	return k
}

func nameOf(v record.Values) string {
	first, last := v.Text("first_name"), v.Text("last_name")
	if first == "" || last == "" {
		return first + last
	}
	return first + " " + last
}
