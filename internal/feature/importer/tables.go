package importer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/table"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/reach"
)

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
	for _, k := range r.m.Records.Kinds.Documented() {
		if k.Sheet {
			out = append(out, sheet(k))
		}
	}
	return append(out, &tableSpec{name: "passwords", kind: "password", stage: "Passwords", org: true, required: []string{"id"}, build: buildPassword,
		columns: []string{"name", "password_category", "category", "resource_type", "resource_id", "username", "password", "otp_secret", "otp_secret_key",
			"one_time_password", "url", "notes"}})
}

// put sets a field to what stands in the first of the columns that is there. A
// value that the field cannot take goes into the notes.
func (it *item) put(field string, columns ...string) {
	if slices.ContainsFunc(columns, it.row.Has) {
		it.set(field, it.row.Get(columns...))
	}
}

// set sets a field to a value as a cell holds it.
func (it *item) set(name, text string) {
	f := it.field(name)
	var in any = text
	if f.Type == record.Date && text != "" {
		if day, err := table.ParseDate(text); err == nil {
			in = day
		}
	}
	v, err := f.Parse(in)
	if err != nil {
		it.keep(f.Title(), text)
		v = nil
	}
	it.values[name] = v
}

func (it *item) field(name string) *record.Field {
	k := it.r.m.Records.Kinds.Kind(it.kind)
	if f := k.Field(name); f != nil {
		return f
	}
	if n, ok := strings.CutPrefix(name, "t"); ok && k.Variants != nil {
		if _, ok := id.Parse(n); ok {
			return nil
		}
	}
	return &record.Field{Name: name, Type: record.Bool}
}

func (it *item) bool(field string, columns ...string) {
	if !slices.ContainsFunc(columns, it.row.Has) {
		return
	}
	text := it.row.Get(columns...)
	on, err := table.ParseBool(text)
	if err != nil {
		it.keep(it.field(field).Title(), text)
	}
	it.values[field] = on
}

// keep puts a value that found no field into the notes, and says so without
// showing it: a cell may hold anything.
func (it *item) keep(label, text string) {
	it.notes = append(it.notes, label+": "+text)
	it.warn("Look at the notes of the record.", "Line %d of %s: the value of %s could not be used and was kept in the notes.", it.line, it.file, strings.ToLower(label[:1])+label[1:])
}

// addNotes writes what was kept below the notes of the row.
func (it *item) addNotes() {
	if len(it.notes) == 0 {
		return
	}
	name := "notes"
	if it.kind == "organization" {
		name = "quick_notes"
	}
	k := it.r.m.Records.Kinds.Kind(it.kind)
	f := k.Field(name)
	if f == nil {
		return
	}
	have, more := it.values.Text(name), strings.Join(it.notes, "\n")
	if f.Type == record.HTML {
		it.values[name] = richtext.Clean(have + richtext.FromText(more))
		return
	}
	if have != "" {
		have += "\n"
	}
	it.values[name] = have + more
}

// named is for the name of a record: when the row has none, the first of the
// others that is not empty, or the kind and the row's id.
func (it *item) named(label string, others ...string) {
	it.set("name", it.row.Get("name"))
	if it.values.Text("name") != "" {
		return
	}
	name := it.row.Get(others...)
	if name == "" {
		name = label + " " + it.foreign
	}
	it.set("name", name)
	it.warn("Rename it if you like.", "Line %d of %s has no name; the record is called %s.", it.line, it.file, it.title())
}

// list sets a reference to the entry of a tenant-wide list with that name.
func (it *item) list(field, kind string, columns ...string) {
	if !slices.ContainsFunc(columns, it.row.Has) {
		return
	}
	it.values[field] = nil
	if name := strings.TrimSpace(it.row.Get(columns...)); name != "" {
		it.lists = append(it.lists, listWant{field: field, kind: kind, name: name})
	}
}

// ref sets a reference to a location or contact of the same organization, by
// its name.
func (it *item) ref(field, kind string, columns ...string) error {
	if _, said := it.extra.ref(field); said || !slices.ContainsFunc(columns, it.row.Has) {
		return nil
	}
	it.values[field] = nil
	name := strings.TrimSpace(it.row.Get(columns...))
	if name == "" {
		return nil
	}
	k, err := it.r.named(kind, it.org, name)
	if err != nil {
		return err
	}
	if k == nil {
		it.marks = append(it.marks, "without "+field)
		it.notes = append(it.notes, it.field(field).Title()+": "+name)
		it.warn("Set it by hand.", "Line %d of %s: the organization has no %s, or several, called %q; the name was kept in the notes.", it.line, it.file, kind, short(name))
		return nil
	}
	it.values[field] = k.rec
	return nil
}

var tagLike = regexp.MustCompile(`<[a-zA-Z/!][^<]*>`)

// rich sets an HTML field; plain text keeps its lines.
func (it *item) rich(field string, columns ...string) {
	if !slices.ContainsFunc(columns, it.row.Has) {
		return
	}
	text := it.row.Get(columns...)
	if it.r.own == nil && strings.ContainsAny(text, "\r\n") && !tagLike.MatchString(text) {
		text = richtext.FromText(text)
	}
	it.set(field, text)
}

// lines sets a field of plain text; HTML loses its tags, not its text.
func (it *item) lines(field string, columns ...string) {
	if !slices.ContainsFunc(columns, it.row.Has) {
		return
	}
	text := it.row.Get(columns...)
	if it.r.own == nil && closedTag.MatchString(text) {
		text = richtext.Text(richtext.Clean(text))
	}
	it.set(field, text)
}

var closedTag = regexp.MustCompile(`(?i)</(p|div|span|br|ul|ol|li|b|strong|em|i|u|a|h[1-6]|table|tr|td)>|<br ?/?>`)

func buildOrganization(r *run, it *item) error {
	it.set("name", it.row.Get("name"))
	it.put("short_name", "short_name")
	it.list("organization_type_id", "organization_type", "organization_type", "type")
	it.list("organization_status_id", "organization_status", "organization_status", "status")
	it.lines("description", "description")
	it.lines("alert", "alert")
	it.rich("quick_notes", "quick_notes")
	return nil
}

func buildLocation(r *run, it *item) error {
	it.named("Location", "city", "address_1", "address1", "address")
	it.put("address_1", "address_1", "address1", "address", "street")
	it.put("address_2", "address_2", "address2")
	it.put("city", "city")
	it.put("postal_code", "postal_code", "zip", "zip_code")
	it.put("phone", "phone")
	it.put("fax", "fax")
	it.lines("notes", "notes")
	it.bool("primary", "primary")
	it.place()
	return nil
}

// place finds country and region by their names or codes.
func (it *item) place() {
	country, region := strings.TrimSpace(it.row.Get("country", "country_name")), strings.TrimSpace(it.row.Get("region", "state", "province", "region_name"))
	var c id.ID
	it.values["country_id"], it.values["region_id"] = nil, nil
	if country != "" {
		if c = it.r.look.places.Country(country); c != 0 {
			it.values["country_id"] = c
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
	if n := it.r.look.places.Region(of, region); n != 0 && (c != 0 || country == "") {
		it.values["region_id"] = n
		return
	}
	it.unplaced("region", region)
}

func (it *item) unplaced(what, name string) {
	it.notes = append(it.notes, strings.ToUpper(what[:1])+what[1:]+": "+name)
	it.warn("Choose it by hand.", "Line %d of %s: the %s %q is not known; it was kept in the notes.", it.line, it.file, what, short(name))
}

func configurationColumns() []string {
	return []string{"name", "hostname", "host_name", "ip", "primary_ip", "ip_address", "mac", "mac_address", "default_gateway", "gateway", "serial", "serial_number", "asset_tag",
		"position", "manufacturer", "model", "notes", "configuration_type", "type", "configuration_status", "status", "configuration_interfaces", "interfaces",
		"operating_system", "operating_system_notes", "installed_at", "installed_on", "installed_by", "purchased_at", "purchased_on", "purchased_by",
		"warranty_expires_at", "warranty_expires_on", "warranty_expiration", "mitp_device_expiration_date", "mitp_end_of_life_date",
		"location", "location_name", "contact", "contact_name"}
}

func buildConfiguration(r *run, it *item) error {
	it.named("Configuration", "hostname", "serial", "serial_number", "asset_tag")
	it.put("hostname", "hostname", "host_name")
	it.put("primary_ip", "ip", "primary_ip", "ip_address")
	it.put("mac_address", "mac", "mac_address")
	it.put("default_gateway", "default_gateway", "gateway")
	it.put("serial_number", "serial", "serial_number")
	it.put("asset_tag", "asset_tag")
	it.put("position", "position")
	it.lines("operating_system_notes", "operating_system_notes")
	it.put("installed_at", "installed_at", "installed_on")
	it.put("installed_by", "installed_by")
	it.put("purchased_at", "purchased_at", "purchased_on")
	it.put("purchased_by", "purchased_by")
	it.put("warranty_expires_at", "warranty_expires_at", "warranty_expires_on", "warranty_expiration")
	it.put("mitp_device_expiration_date", "mitp_device_expiration_date")
	it.put("mitp_end_of_life_date", "mitp_end_of_life_date")
	it.rich("notes", "notes")
	it.list("configuration_status_id", "configuration_status", "configuration_status", "status")
	it.list("operating_system_id", "operating_system", "operating_system")
	it.list("manufacturer_id", "manufacturer", "manufacturer")
	it.model()
	if it.list("configuration_type_id", "configuration_type", "configuration_type", "type"); !it.wants("configuration_type_id") {
		it.lists = append(it.lists, listWant{field: "configuration_type_id", kind: "configuration_type", name: "Other"})
		it.warn("Choose its type by hand.", "Line %d of %s has no configuration type; %s got the type Other.", it.line, it.file, it.title())
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

func (it *item) wants(field string) bool {
	return slices.ContainsFunc(it.lists, func(l listWant) bool { return l.field == field })
}

func (it *item) model() {
	if !it.row.Has("model") {
		return
	}
	it.values["model_id"] = nil
	if name := strings.TrimSpace(it.row.Get("model")); name != "" {
		it.lists = append(it.lists, listWant{field: "model_id", kind: "model", name: name, maker: strings.TrimSpace(it.row.Get("manufacturer"))})
	}
}

func buildPassword(r *run, it *item) error {
	it.named("Password", "username", "url")
	it.put("username", "username")
	it.put("url", "url")
	it.lines("notes", "notes")
	it.list("password_category_id", "password_category", "password_category", "category")
	it.secret = []string{"password", "otp_secret"}
	if it.row.Has("password") {
		it.values["password"] = it.row.Get("password")
	}
	otp := []string{"otp_secret", "otp_secret_key", "one_time_password"}
	if slices.ContainsFunc(otp, it.row.Has) {
		seed := strings.TrimSpace(it.row.Get(otp...))
		it.values["otp_secret"] = seed
		if seed != "" && secret.CheckSeed(seed) != nil {
			it.warn("Look it up here and put in the key that the other system shows.", "Line %d of %s: the one-time-code key of %s gives no codes; it was imported as it is.", it.line, it.file, it.title())
		}
	}
	it.owner()
	return nil
}

// owner attaches an embedded password to what it belongs to. What has no kind
// here, or is not there, is remembered by its name in the source.
func (it *item) owner() {
	typ, foreign := strings.TrimSpace(it.row.Get("resource_type")), strings.TrimSpace(it.row.Get("resource_id"))
	if _, said := it.extra.text("external_resource_type"); said || typ == "" && foreign == "" {
		return
	}
	if k, field := it.r.assetOwner(typ, foreign, it.values.Text("name"), it.org); k != nil {
		it.values["resource_type"], it.values["resource_id"] = "Flexible Asset", int64(k.rec)
		if field != 0 {
			it.values["flexible_asset_field_id"] = int64(field)
		}
		return
	}
	name, tab := it.r.ownerTable(typ)
	if k := it.r.look.table(tab)[foreign]; tab != "" && k != nil && k.rec != 0 {
		it.values["resource_type"], it.values["resource_id"] = name, int64(k.rec)
		return
	}
	it.marks = append(it.marks, "without owner")
	it.values["external_source"], it.values["external_resource_type"], it.values["external_resource_id"] = it.r.source(), typ, foreign
	if tab != "" {
		it.warn("Attach it by hand, or add the missing row and import again.",
			"Line %d of %s: %s is embedded in a %s with the id %s, which is not in the export; it was imported on its own.", it.line, it.file, it.title(), strings.ToLower(name), short(foreign))
	}
}

func (r *run) ownerTable(typ string) (name, tab string) {
	word := strings.TrimSuffix(strings.ToLower(typ), "s")
	if k := r.m.Records.Kinds.Kind(strings.NewReplacer(" ", "_", "-", "_").Replace(word)); k != nil && k.Sheet {
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
	text := strings.TrimSpace(it.row.Get("configuration_interfaces", "interfaces"))
	if text == "" || text == "[]" {
		return
	}
	var list []itglue.Object
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		it.keep("Interfaces", text)
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
			return it.values.Text("primary_ip") != "" && v.Text("ip_address") == it.values.Text("primary_ip")
		}))
	}
	for i, v := range rows {
		v["primary"] = i == first
		it.checkPort(i, v)
	}
	for _, p := range [][2]string{{"primary_ip", "ip_address"}, {"mac_address", "mac_address"}} { // the primary interface decides
		if s := rows[first].Text(p[1]); s != "" {
			it.values[p[0]] = s
		} else if s := it.values.Text(p[0]); s != "" {
			rows[first][p[1]] = s
		}
	}
	it.after = it.savePorts(rows)
}

// checkPort takes out of an interface what cannot be used.
func (it *item) checkPort(i int, v record.Values) {
	k := it.r.m.Records.Kinds.Kind("configuration_interface")
	for _, f := range []string{"name", "ip_address", "mac_address", "notes"} {
		d := k.Field(f)
		p, err := d.Parse(v[f])
		if err != nil {
			it.keep(fmt.Sprintf("Interface %d, %s", i+1, d.Title()), v.Text(f))
			p = nil
		}
		v[f] = p
	}
}
