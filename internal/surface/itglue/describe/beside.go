package describe

import "strongroom/internal/base/openapi"

// Beside are the resources that are no kind of record.
func Beside() []Resource {
	whose := "organization-id id; organization-name text; "
	when := "; created-at time; updated-at time"
	return []Resource{
		{Type: "attachments", One: "attachment", Many: "attachments", About: "Files that hang on a record.",
			Shown: Attrs("name text; attachment-file-name text; attachment-content-type text; attachment-file-size integer; ext text; viewable yes; download-url url" + when),
			Sent:  file("attachment")},
		{Type: "related-items", One: "related item", Many: "related items", About: "Relations between records, told at both ends.",
			Shown: Attrs("destination-id id; destination-type text; name text; resource-id id; resource-url url; resource-type-name text; asset-type text; notes text; reason text; dependence text; archived yes" +
				when + "; source-id id; source-type text; source-name text"),
			Sent: Attrs("destination-id any; destination-type text; notes text; dependence text"), Required: []string{"destination-id", "destination-type"}},
		{Type: "resource-accesses", One: "resource access", Many: "resource accesses", About: "Users and groups to whom a restricted record is granted.",
			Shown: Attrs("accessor-id id; accessor-type text; expires-at time"), Sent: Attrs("accessor-id any; accessor-type text; expires-at time")},
		{Type: "document-images", One: "document image", Many: "document images", About: "Images within documents and galleries.",
			Shown: Attrs("name text; inline-resource-url text" + when),
			Sent:  append(file("image"), Attr{"target", objectOf(is("type", text()), is("id", Schema("any")))}), Required: []string{"image", "target"}},
		{Type: "expirations", One: "expiration", Many: "expirations", About: "Dates on which something runs out.",
			Shown:   Attrs(whose + "resource-id id; resource-name text; resource-type text; resource-type-name text; resource-url url; description text; expiration-date time" + when),
			Filters: []string{"id", "resource-id", "organization-id", "resource-name", "resource-type-name", "description", "expiration-date"},
			Sorts:   []string{"id", "organization-id", "expiration-date", "created-at", "updated-at"}},
		{Type: "logs", One: "log entry", Many: "log entries", About: "What happened: the audit log of the last 30 days.",
			Shown: Attrs("account-id nothing; action text; created-at time; ip-address text; ip-city nothing; ip-country nothing; ip-region nothing; level integer; organization-id id; resource-id id; " +
				"resource-name text; resource-type text; user-agent nothing; user-id id; user-name text; result text; reason text; detail text"),
			Filters: []string{"created-at"}, Sorts: []string{"created-at"}},
		{Type: "user-metrics", One: "user metric", Many: "user metrics", About: "How much each user did, by organization, type of resource and day.",
			Shown:   Attrs("user-id id; organization-id id; resource-type text; date day; created integer; viewed integer; edited integer; deleted integer"),
			Filters: []string{"user-id", "organization-id", "resource-type", "date"}, Sorts: []string{"id", "created", "viewed", "edited", "deleted", "date"}},
		{Type: "exports", One: "export", Many: "exports", About: "Zips of everything, or of an organization.",
			Shown: Attrs(whose + "export-all yes; include-logs yes; encrypted-status yes; export-status text; error text; download-url url; file-size integer; withheld-count integer" + when),
			Sent:  Attrs("organization-id any; zip-password text")},
		{Type: "tokens", One: "token", Many: "tokens", About: "Access with an e-mail address and a password, where a key does not fit."},
	}
}

// file is a file in a body.
func file(name string) []Attr {
	s := objectOf(is("content", &openapi.Schema{Type: openapi.Types{"string"}, Format: "byte", Description: "In base64."}), is("file_name", text()))
	return []Attr{{name, s}}
}

// addMap adds what maps answer.
func addMap(c *openapi.Components) {
	item := func(typ, attributes string) *openapi.Schema {
		return resourceObject(&Resource{Type: typ, Shown: Attrs(attributes)})
	}
	c.Schemas.Set("map-nodes", item("map-nodes",
		"name text; resource-type text; resource-type-name text; resource-url url; organization-id id; organization-name text; archived yes; hops integer; via-id id"))
	c.Schemas.Set("map-links", item("map-links", "from-id id; to-id id; reason text; notes text; related-item-id id; needed-id id"))
	c.Responses.Set("map", &openapi.Response{Description: "Records, and as included what links them; cut tells that there are more.", Content: jsonAPI(objectOf(
		is("data", listOf(ref("map-nodes"))), is("included", listOf(ref("map-links"))), is("meta", objectOf(is("cut", Schema("yes"))))))})
}
