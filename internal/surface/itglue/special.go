package itglue

import (
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// special is what a resource has that does not follow from its kind's
// declaration. The zero special is a kind without peculiarities.
type special struct {
	methods   string            // the methods it takes, separated by spaces; "" is all
	segment   string            // in the address for people, instead of the plural
	alias     string            // a second name before /relationships
	under     map[string]string // its name below a parent, by the parent's kind
	readOnly  []string          // fields that callers of this API do not set
	required  []string          // attributes that a new one needs, beyond the kind's own rules
	hide      []string          // attributes that are not shown
	showOnly  []string          // attributes that lists leave out
	moments   []string          // dates that the protocol gives as times
	clip      map[string]int    // most characters of an attribute in a list
	fixed     []fixed           // attributes that are the same for all
	sort      []record.Order    // of a list when nothing else is asked
	nullRef   string            // reference whose empty filter asks for those without one
	noContent bool              // DELETE of one answers 204
	noNested  bool              // and so does it below a parent
	publish   bool              // PATCH /:id/publish
	secret    string            // secret field that is part of a shown record
	keep      []string          // fields that an empty value leaves alone on PATCH

	// narrow completes a list's query.
	narrow func(c *call, q *record.Query)
	// filter reads filters that are no field.
	filter map[string]func(tx *gate.Tx, values []string) (record.Filter, error)
	more   []more // attributes that are worked out
	sends  string // attributes of bodies that are no field, as describe.Attrs reads them
	with   string // the relationship whose records may come with a new one
	// saved does what a body asks for beyond the record's fields, in the same
	// transaction; created tells that the record is new.
	saved func(c *call, tx *gate.Tx, rec *record.Record, item jsonapi.Item, created bool) error
}

// fixed is an attribute that is the same for all records.
type fixed struct{ name, json string }

// more adds attributes to the objects of a page; one tells that it is a single
// record which is shown.
type more struct {
	adds string // as describe.Attrs reads it
	to   func(c *call, tx *gate.Tx, list []*object, one bool) error
}

// specials is the table of what is special, by kind.
func specials() map[string]special {
	synced := []fixed{{"synced", "false"}}
	above := more{"ancestor-ids ids", ancestors}
	list := special{fixed: synced}
	return map[string]special{
		"organization": {
			clip:   map[string]int{"quick_notes": 250},
			fixed:  []fixed{{"logo", "null"}, {"synced", "false"}, {"psa_integration", "null"}, {"my_glue", "false"}},
			filter: map[string]func(*gate.Tx, []string) (record.Filter, error){"group_id": organizationsOfGroups},
			more:   []more{above},
		},
		"organization_type":    list,
		"organization_status":  list,
		"configuration_type":   {fixed: synced, more: []more{count("configurations-count", "configuration", "configuration_type_id")}},
		"configuration_status": list,
		"contact_type":         list,
		"manufacturer":         list,
		"model":                list,
		"configuration": {
			fixed: []fixed{{"psa_integration", "null"}, {"my_glue", "false"}},
			more:  []more{{"configuration-type-kind text", configurationTypeKind}, {"organization-short-name text", shortName}},
			saved: embeddedInterfaces, with: "configuration_interfaces",
		},
		"configuration_interface": {noContent: true, noNested: true, sort: []record.Order{{Field: "created_at"}, {Field: "id"}}},
		"contact":                 {fixed: []fixed{{"psa_integration", "null"}}},
		"password": {
			hide:   []string{"cached_resource_name"},
			filter: map[string]func(*gate.Tx, []string) (record.Filter, error){"cached_resource_name": passwordsByOwner},
			secret: "password", required: []string{"password"}, keep: []string{"password"}, noContent: true,
			fixed: []fixed{{"my_glue", "false"}, {"vault_id", "null"}, {"personal", "false"}, {"updated_by_type", `"User"`}},
			more:  []more{{"cached-resource-name text; updated-by id; parent-url url", passwordOwner}},
		},
		"personal_password": {secret: "password", keep: []string{"password"}, noContent: true},
		"password_category": {more: []more{count("passwords-count", "password", "password_category_id")}},
		"password_folder":   {more: []more{above, count("passwords-count", "password", "password_folder_id")}},
		"document": {
			segment: "docs", publish: true, nullRef: "document_folder_id", narrow: rootDocuments,
			readOnly: []string{"content"}, hide: []string{"content"},
			more: []more{{"content text", documentBody}},
		},
		"document_folder": {alias: "folders", more: []more{above, count("documents-count", "document", "document_folder_id")}},
		"document_section": {
			under: map[string]string{"document": "sections"}, sort: []record.Order{{Field: "sort"}, {Field: "id"}},
			more: []more{{"rendered-content text; resource-id id; document-gallery-id id; document-images objects", sectionRendered}},
		},
		"flexible_asset": {
			narrow: ofVariant, noContent: true, saved: attachUploads, required: []string{"flexible_asset_type_id"},
			fixed: []fixed{{"my_glue", "false"}}, more: []more{{"traits object", traits}}, sends: "traits object",
		},
		"custom_object": {
			narrow: ofVariant, noContent: true, saved: attachUploads, required: []string{"object_type_id"}, more: []more{{"traits object", traits}}, sends: "traits object",
		},
		"flexible_asset_type":     {saved: designedFields, with: "flexible_asset_fields"},
		"flexible_asset_field":    {noContent: true, noNested: true, sort: []record.Order{{Field: "order"}, {Field: "id"}}},
		"checklist":               {saved: fromTemplate},
		"checklist_task":          {sort: []record.Order{{Field: "order"}, {Field: "id"}}},
		"checklist_template_task": {sort: []record.Order{{Field: "order"}, {Field: "id"}}},
		"domain":                  {moments: []string{"expires_on"}, fixed: []fixed{{"screenshot", "null"}}},
		"ssl_certificate":         {moments: []string{"valid_from", "valid_until"}},
		"user": {
			methods: "GET PATCH PUT", readOnly: []string{"email", "role_name", "contact_id", "archived", "restricted"},
			fixed: []fixed{{"avatar", "null"}, {"my_glue", "false"}, {"my_glue_account_id", "null"}, {"salesforce_id", "null"}},
		},
		"group": {
			fixed: []fixed{{"hide_from_my_glue", "false"}, {"my_glue", "false"}, {"my_glue_account_id", "null"}},
			more:  []more{{"accounts-user-ids ids", groupMembers}},
			saved: saveGroup, sends: "accounts-user-ids ids; organization-ids ids; all-organizations yes",
		},
	}
}
