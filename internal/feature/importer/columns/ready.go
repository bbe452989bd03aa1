package columns

import (
	"slices"

	"strongroom/internal/feature/flexibleasset"
)

// Ready says what the columns of another product's table are. doc/formats/itflow.md
// says where the headings are from.
type Ready struct {
	Product string
	Table   string // as people of that product call it
	Kind    string
	Type    string // of a kind with types that are designed: the one of the library
	Match   string
	Needs   []string          // headings by which the table is known
	Fields  map[string]string // heading -> field, of a type its name for people; several may be one text or list
}

// Recognize finds the product of a table by its headings; nil for none.
func Recognize(headings []string) *Ready {
	for _, r := range ready() {
		if !slices.ContainsFunc(r.Needs, func(h string) bool { return !slices.Contains(headings, h) }) {
			return &r
		}
	}
	return nil
}

// Columns says what each column is, of what the kind can be; one that the product did
// not have when this was written is not read. What a type has no field for, because it
// was changed since it came from the library, stands in its notes, if it has such.
func (r *Ready) Columns(headings []string, targets []Target) []Column {
	out := make([]Column, len(headings))
	for i, h := range headings {
		out[i] = Column{Heading: h, Field: r.Fields[h]}
		if r.Type != "" && out[i].Field != "" {
			out[i].Field = labelled(targets, out[i].Field)
		}
	}
	return out
}

func labelled(targets []Target, label string) string {
	notes := ""
	for _, t := range targets {
		switch {
		case plain(t.Label) == plain(label):
			return t.Name
		case plain(t.Label) == "notes" && t.Joins():
			notes = t.Name
		}
	}
	return notes
}

// ready are the tables of ITFlow. Its networks, software and vendors become assets of
// types of the library.
func ready() []Ready {
	list := []Ready{
		{Table: "Clients", Kind: "organization", Needs: []string{"Client Name", "Industry", "Referral"}, Fields: map[string]string{
			"Client Name": "name", "Industry": "organization_type_id", "Abbreviation": "short_name", "Referral": "quick_notes", "Website": "quick_notes", "Primary Location Name": "quick_notes",
			"Location Phone": "quick_notes", "Location Address": "quick_notes", "City": "quick_notes", "State": "quick_notes", "Postal Code": "quick_notes", "Country": "quick_notes",
			"Primary Contact Name": "quick_notes", "Title": "quick_notes", "Contact Phone": "quick_notes", "Extension": "quick_notes", "Contact Mobile": "quick_notes", "Contact Email": "quick_notes",
			"Hourly Rate": "quick_notes", "Currency": "quick_notes", "Payment Terms": "quick_notes", "Tax ID": "quick_notes"}},
		{Table: "Contacts", Kind: "contact", Needs: []string{"Name", "Title", "Department", "Email", "Phone", "Ext", "Mobile"}, Fields: map[string]string{
			"Name": "name", "Title": "title", "Department": "notes", "Email": "contact_emails", "Phone": "contact_phones", "Ext": "notes", "Mobile": "contact_phones", "Location": "location_id"}},
		{Table: "Contacts", Kind: "contact", Needs: []string{"Full Name", "Job Title", "Department Name", "Email Address", "Office Phone", "Mobile Phone"}, Fields: map[string]string{ // its template
			"Full Name": "name", "Job Title": "title", "Department Name": "notes", "Email Address": "contact_emails", "Office Phone": "contact_phones", "Office Extension": "notes", "Mobile Phone": "contact_phones",
			"Office Location": "location_id"}},
		{Table: "Locations", Kind: "location", Needs: []string{"Name", "Description", "Address", "City", "State", "Postal Code", "Phone", "Hours"}, Fields: map[string]string{
			"Name": "name", "Description": "notes", "Address": "address_1", "City": "city", "State": "region_id", "Postal Code": "postal_code", "Phone": "phone", "Hours": "notes"}},
		{Table: "Assets", Kind: "configuration", Needs: []string{"Name", "Type", "Make", "Model", "Serial Number", "Operating System", "Purchase Date", "Warranty Expire", "Install Date", "Assigned To"}, Fields: map[string]string{
			"Name": "name", "Description": "notes", "Type": "configuration_type_id", "Make": "manufacturer_id", "Model": "model_id", "Serial Number": "serial_number",
			"Operating System": "operating_system_id", "Purchase Date": "purchased_at", "Warranty Expire": "warranty_expires_at", "Install Date": "installed_at", "Assigned To": "contact_id",
			"Location": "location_id", "Physical Location": "position", "Notes": "notes"}},
		{Table: "Assets", Kind: "configuration", Needs: []string{"Name", "Type", "Make", "Model", "Serial", "OS", "Purchase Date", "Assigned To"}, Fields: map[string]string{ // its template
			"Name": "name", "Description": "notes", "Type": "configuration_type_id", "Make": "manufacturer_id", "Model": "model_id", "Serial": "serial_number",
			"OS": "operating_system_id", "Purchase Date": "purchased_at", "Assigned To": "contact_id", "Location": "location_id", "Physical Location": "position", "Notes": "notes"}},
		{Table: "Credentials", Kind: "password", Needs: []string{"Name", "Description", "Username", "Password", "TOTP", "URI"}, Fields: map[string]string{
			"Name": "name", "Description": "notes", "Username": "username", "Password": "password", "TOTP": "otp_secret", "URI": "url", "URI_2": "notes", "Note": "notes", "Important": "notes"}},
		{Table: "Domains", Kind: "domain", Needs: []string{"Domain", "Description", "Registrar", "Web Host", "Expiration Date"}, Fields: map[string]string{
			"Domain": "name", "Description": "notes", "Registrar": "registrar_name", "Web Host": "notes", "Expiration Date": "expires_on"}},
		{Table: "Certificates", Kind: "ssl_certificate", Needs: []string{"Name", "Description", "Domain", "Issuer", "Expiration Date"}, Fields: map[string]string{
			"Name": "name", "Description": "notes", "Domain": "host", "Issuer": "issued_by", "Expiration Date": "valid_until"}},
		{Table: "Networks", Kind: flexibleasset.Kind, Type: "LAN", Needs: []string{"Name", "Gateway", "Primary DNS", "Secondary DNS"}, Fields: map[string]string{
			"Name": "Name", "Description": "Notes", "vLAN": "VLAN", "VLAN": "VLAN", "IP/Network": "Subnet", "Network (CIDR)": "Subnet", "Subnet Mask": "Notes", "Gateway": "Gateway",
			"Primary DNS": "Name servers", "Secondary DNS": "Notes", "DHCP Range": "DHCP range", "IP Range": "DHCP range"}},
		{Table: "Software", Kind: flexibleasset.Kind, Type: "Licence", Needs: []string{"Name", "Version", "License Type", "Seats"}, Fields: map[string]string{
			"Name": "Product", "Version": "Notes", "Description": "Notes", "Type": "Notes", "License Type": "Notes", "Seats": "Seats", "Key": "Key", "Assets": "Notes", "Contacts": "Notes",
			"Purchased": "Bought on", "Expires": "Renewal", "Notes": "Notes"}},
		{Table: "Vendors", Kind: flexibleasset.Kind, Type: "Vendor", Needs: []string{"Name", "Description", "Contact Name", "Phone", "Website", "Account Number"}, Fields: map[string]string{
			"Name": "Name", "Description": "For what", "Contact Name": "Notes", "Phone": "Support telephone", "Website": "Support address", "Account Number": "Account number", "Notes": "Notes"}},
	}
	for i := range list {
		list[i].Product, list[i].Match = "ITFlow", MatchName
	}
	return list
}
