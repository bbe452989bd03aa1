package glue

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/reach"
)

func (s *tableSpec) reads(column string) bool {
	return slices.Contains(s.columns, column) || column == "id" || column == "archived" || s.pattern != nil && s.pattern(column) ||
		s.org && slices.Contains([]string{"organization", "organization_id", "organization_name"}, column)
}

// kindOfTable gives the kind that a table's rows become.
var kindOfTable = map[string]string{
	"organizations": "organization", "locations": "location", "contacts": "contact", "configurations": "configuration",
	"documents": "document", "passwords": "password",
}

// tables are the tables that are imported row by row, in an order in which rows
// refer to earlier ones only.
func (r *run) tables() []*tableSpec {
	out := []*tableSpec{
		{name: "organizations", kind: "organization", stage: "Organizations", required: []string{"id", "name"}, build: buildOrganization,
			columns: []string{"organization_type", "type", "organization_status", "status", "short_name", "description", "quick_notes", "alert"}},
		{name: "locations", kind: "location", stage: "Locations", org: true, required: []string{"id"}, build: buildLocation,
			columns: []string{"name", "address_1", "address1", "address", "street", "address_2", "address2", "city", "region", "state", "province", "region_name",
				"postal_code", "zip", "zip_code", "country", "country_name", "phone", "fax", "notes", "primary"}},
		{name: "contacts", kind: "contact", stage: "Contacts", org: true, required: []string{"id"}, build: buildContact, pattern: reach.Column,
			columns: []string{"name", "first_name", "last_name", "title", "job_title", "contact_type", "type", "location", "location_name", "important", "notes"}},
		{name: "configurations", kind: "configuration", stage: "Configurations", org: true, required: []string{"id"}, build: buildConfiguration,
			columns: configurationColumns()},
	}
	for _, k := range r.Importer.Records.Kinds.Documented() {
		if k.Sheet {
			out = append(out, sheet(k))
		}
	}
	return append(out, &tableSpec{name: "passwords", kind: "password", stage: "Passwords", org: true, required: []string{"id"}, build: buildPassword,
		columns: []string{"name", "password_category", "category", "resource_type", "resource_id", "username", "password", "otp_secret", "otp_secret_key",
			"one_time_password", "url", "notes"}})
}

func buildOrganization(r *run, it *item) error {
	it.Set("name", it.Row.Get("name"))
	it.Put("short_name", "short_name")
	it.List("organization_type_id", "organization_type", "organization_type", "type")
	it.List("organization_status_id", "organization_status", "organization_status", "status")
	it.Lines("description", "description")
	it.Lines("alert", "alert")
	it.Rich("quick_notes", "quick_notes")
	return nil
}

func buildLocation(r *run, it *item) error {
	it.Named("Location", "city", "address_1", "address1", "address")
	it.Put("address_1", "address_1", "address1", "address", "street")
	it.Put("address_2", "address_2", "address2")
	it.Put("city", "city")
	it.Put("postal_code", "postal_code", "zip", "zip_code")
	it.Put("phone", "phone")
	it.Put("fax", "fax")
	it.Lines("notes", "notes")
	it.Bool("primary", "primary")
	it.place()
	return nil
}

// place finds country and region by their names or codes.
func (it *item) place() {
	country, region := strings.TrimSpace(it.Row.Get("country", "country_name")), strings.TrimSpace(it.Row.Get("region", "state", "province", "region_name"))
	var c id.ID
	it.Values["country_id"], it.Values["region_id"] = nil, nil
	if country != "" {
		if c = it.r.Look.Places.Country(country); c != 0 {
			it.Values["country_id"] = c
		} else {
			it.unplaced("country", country)
		}
	}
	if region == "" {
		return
	}
	of := c
	if country == "" {
		of = 0
	}
	if n := it.r.Look.Places.Region(of, region); n != 0 && (c != 0 || country == "") {
		it.Values["region_id"] = n
		return
	}
	it.unplaced("region", region)
}

func (it *item) unplaced(what, name string) {
	it.Notes = append(it.Notes, strings.ToUpper(what[:1])+what[1:]+": "+name)
	it.Warn("Choose it by hand.", "Line %d of %s: the %s %q is not known; it was kept in the notes.", it.Line, it.File, what, importer.Short(name))
}

func configurationColumns() []string {
	return []string{"name", "hostname", "host_name", "ip", "primary_ip", "ip_address", "mac", "mac_address", "default_gateway", "gateway", "serial", "serial_number", "asset_tag",
		"position", "manufacturer", "model", "notes", "configuration_type", "type", "configuration_status", "status", "configuration_interfaces", "interfaces",
		"operating_system", "operating_system_notes", "installed_at", "installed_on", "installed_by", "purchased_at", "purchased_on", "purchased_by",
		"warranty_expires_at", "warranty_expires_on", "warranty_expiration", "mitp_device_expiration_date", "mitp_end_of_life_date",
		"location", "location_name", "contact", "contact_name"}
}

func buildConfiguration(r *run, it *item) error {
	it.Named("Configuration", "hostname", "serial", "serial_number", "asset_tag")
	it.Put("hostname", "hostname", "host_name")
	it.Put("primary_ip", "ip", "primary_ip", "ip_address")
	it.Put("mac_address", "mac", "mac_address")
	it.Put("default_gateway", "default_gateway", "gateway")
	it.Put("serial_number", "serial", "serial_number")
	it.Put("asset_tag", "asset_tag")
	it.Put("position", "position")
	it.Lines("operating_system_notes", "operating_system_notes")
	it.Put("installed_at", "installed_at", "installed_on")
	it.Put("installed_by", "installed_by")
	it.Put("purchased_at", "purchased_at", "purchased_on")
	it.Put("purchased_by", "purchased_by")
	it.Put("warranty_expires_at", "warranty_expires_at", "warranty_expires_on", "warranty_expiration")
	it.Put("mitp_device_expiration_date", "mitp_device_expiration_date")
	it.Put("mitp_end_of_life_date", "mitp_end_of_life_date")
	it.Rich("notes", "notes")
	it.List("configuration_status_id", "configuration_status", "configuration_status", "status")
	it.List("operating_system_id", "operating_system", "operating_system")
	it.List("manufacturer_id", "manufacturer", "manufacturer")
	it.model()
	if it.List("configuration_type_id", "configuration_type", "configuration_type", "type"); !it.Wants("configuration_type_id") {
		it.Lists = append(it.Lists, importer.Want{Field: "configuration_type_id", Kind: "configuration_type", Name: "Other"})
		it.Warn("Choose its type by hand.", "Line %d of %s has no configuration type; %s got the type Other.", it.Line, it.File, it.Title())
	}
	if err := it.ref("location_id", "location", "location", "location_name"); err != nil {
		return err
	}
	if err := it.ref("contact_id", "contact", "contact", "contact_name"); err != nil {
		return err
	}
	it.interfaces()
	return nil
}

func (it *item) model() {
	if !it.Row.Has("model") {
		return
	}
	it.Values["model_id"] = nil
	if name := strings.TrimSpace(it.Row.Get("model")); name != "" {
		it.Lists = append(it.Lists, importer.Want{Field: "model_id", Kind: "model", Name: name, Maker: strings.TrimSpace(it.Row.Get("manufacturer"))})
	}
}

func buildPassword(r *run, it *item) error {
	it.Named("Password", "username", "url")
	it.Put("username", "username")
	it.Put("url", "url")
	it.Lines("notes", "notes")
	it.List("password_category_id", "password_category", "password_category", "category")
	it.Secret = []string{"password", "otp_secret"}
	if it.Row.Has("password") {
		it.Values["password"] = it.Row.Get("password")
	}
	otp := []string{"otp_secret", "otp_secret_key", "one_time_password"}
	if slices.ContainsFunc(otp, it.Row.Has) {
		seed := strings.TrimSpace(it.Row.Get(otp...))
		it.Values["otp_secret"] = seed
		if seed != "" && secret.CheckSeed(seed) != nil {
			it.Warn("Look it up here and put in the key that the other system shows.", "Line %d of %s: the one-time-code key of %s gives no codes; it was imported as it is.", it.Line, it.File, it.Title())
		}
	}
	it.owner()
	return nil
}

// owner attaches an embedded password to what it belongs to. What has no kind
// here, or is not there, is remembered by its name in the source.
func (it *item) owner() {
	typ, foreign := strings.TrimSpace(it.Row.Get("resource_type")), strings.TrimSpace(it.Row.Get("resource_id"))
	if _, said := it.extra.text("external_resource_type"); said || typ == "" && foreign == "" {
		return
	}
	if k, field := it.r.assetOwner(typ, foreign, it.Values.Text("name"), it.Org); k != nil {
		it.Values["resource_type"], it.Values["resource_id"] = "Flexible Asset", int64(k.Rec)
		if field != 0 {
			it.Values["flexible_asset_field_id"] = int64(field)
		}
		return
	}
	name, tab := it.r.ownerTable(typ)
	if k := it.r.Look.Table(tab)[foreign]; tab != "" && k != nil && k.Rec != 0 {
		it.Values["resource_type"], it.Values["resource_id"] = name, int64(k.Rec)
		return
	}
	it.Marks = append(it.Marks, "without owner")
	it.Values["external_source"], it.Values["external_resource_type"], it.Values["external_resource_id"] = it.r.Source, typ, foreign
	if tab != "" {
		it.Warn("Attach it by hand, or add the missing row and import again.",
			"Line %d of %s: %s is embedded in a %s with the id %s, which is not in the export; it was imported on its own.", it.Line, it.File, it.Title(), strings.ToLower(name), importer.Short(foreign))
	}
}

func (r *run) ownerTable(typ string) (name, tab string) {
	if r.own != nil && strings.HasPrefix(strings.ToLower(typ), "structureddata::") {
		return "Flexible Asset", ownAssets
	}
	word := strings.TrimSuffix(strings.ToLower(typ), "s")
	if k := r.Importer.Records.Kinds.Kind(strings.NewReplacer(" ", "_", "-", "_").Replace(word)); k != nil && k.Sheet {
		return typ, k.Plural
	}
	switch word {
	case "configuration":
		return "Configuration", "configurations"
	case "location":
		return "Location", "locations"
	case "contact":
		return "Contact", "contacts"
	case "document":
		return "Document", "documents"
	case "flexible asset":
		return "Flexible Asset", "flexible_assets"
	}
	return "", ""
}

// interfaces reads the list of interfaces, which is JSON in a cell.
func (it *item) interfaces() {
	text := strings.TrimSpace(it.Row.Get("configuration_interfaces", "interfaces"))
	if text == "" || text == "[]" {
		return
	}
	var list []itglue.Object
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		it.Keep("Interfaces", text)
		return
	}
	var rows []record.Values
	first := -1
	for i, p := range list {
		on, _ := table.ParseBool(p.Text("primary"))
		if on && first < 0 {
			first = i
		}
		archived, _ := table.ParseBool(p.Text("archived"))
		rows = append(rows, record.Values{"archived": archived, "name": p.Text("name"), "ip_address": p.Text("ip_address", "ip"), "mac_address": p.Text("mac_address", "mac"), "notes": p.Text("notes")})
	}
	if first < 0 {
		first = max(0, slices.IndexFunc(rows, func(v record.Values) bool {
			return it.Values.Text("primary_ip") != "" && v.Text("ip_address") == it.Values.Text("primary_ip")
		}))
	}
	for i, v := range rows {
		v["primary"] = i == first
		it.checkPort(i, v)
	}
	for _, p := range [][2]string{{"primary_ip", "ip_address"}, {"mac_address", "mac_address"}} { // the primary interface decides
		if s := rows[first].Text(p[1]); s != "" {
			it.Values[p[0]] = s
		} else if s := it.Values.Text(p[0]); s != "" {
			rows[first][p[1]] = s
		}
	}
	it.After = it.savePorts(rows)
}

// checkPort takes out of an interface what cannot be used.
func (it *item) checkPort(i int, v record.Values) {
	k := it.r.Importer.Records.Kinds.Kind("configuration_interface")
	for _, f := range []string{"name", "ip_address", "mac_address", "notes"} {
		d := k.Field(f)
		p, err := d.Parse(v[f])
		if err != nil {
			it.Keep(fmt.Sprintf("Interface %d, %s", i+1, d.Title()), v.Text(f))
			p = nil
		}
		v[f] = p
	}
}

// remembered are the tables whose rows are remembered, with their kinds.
func (r *run) remembered() map[string]string {
	out := maps.Clone(kindOfTable)
	out["document_folders"], out["password_folders"], out["document_sections"] = "document_folder", "password_folder", "document_section"
	for _, k := range r.Importer.Records.Kinds.Documented() {
		if k.Sheet || slices.Contains(r.otherKinds(), k) {
			out[k.Plural] = k.Name
		}
	}
	for _, t := range r.assets {
		out[t.name] = flexibleasset.Kind
	}
	return out
}

// tableSpec says how the rows of one table become records.
type tableSpec struct {
	name, kind, stage string
	org               bool // its rows belong to an organization
	required          []string
	columns           []string                 // that are read, in snake case
	pattern           func(column string) bool // further ones
	build             func(r *run, it *item) error
	last              func(s *tableSpec) error // runs when the rows are through
}

// kindOf gives the kind that the rows of a table become; empty for none.
func (r *run) kindOf(table string) string {
	if kind := kindOfTable[table]; kind != "" {
		return kind
	}
	if r.assetTable(table) != nil {
		return flexibleasset.Kind
	}
	if k := r.Importer.Records.Kinds.Plural(table); k != nil && (k.Sheet || slices.Contains(r.otherKinds(), k)) {
		return k.Name
	}
	return ""
}
