package exporter

import (
	"encoding/json"
	"fmt"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/importer/itglue"
)

// tableSpec says what a table holds of a kind, and what is kept beside it.
type tableSpec struct {
	table, kind string
	stage       string
	columns     []string
	row         func(r *run, rec *record.Record, b *beside) []string
	beside      []string // fields that no column holds
}

// beside is what the rows of one part need that is not in the records.
type beside struct {
	ports   map[id.ID][]map[string]any
	secrets map[secret.Ref]string
}

func (r *run) tableSpecs() []*tableSpec {
	out := []*tableSpec{
		{table: "organizations", kind: "organization", stage: "Organizations", row: organizationRow, beside: []string{"parent_id", "primary"},
			columns: []string{"id", "name", "organization_type", "organization_status", "short_name", "description", "quick_notes", "alert", "archived"}},
		{table: "locations", kind: "location", stage: "Locations", row: locationRow,
			columns: []string{"id", "organization", "name", "address_1", "address_2", "city", "region", "postal_code", "country", "phone", "fax", "notes", "primary", "archived"}},
		{table: "contacts", kind: "contact", stage: "Contacts", row: contactRow, beside: []string{"location_id"},
			columns: []string{"id", "organization", "first_name", "last_name", "title", "contact_type", "location", "important", "notes", "primary_email", "primary_phone",
				"contact_emails", "contact_phones", "archived"}},
		{table: "configurations", kind: "configuration", stage: "Configurations", row: configurationRow, beside: []string{"location_id", "contact_id"},
			columns: []string{"id", "organization", "name", "hostname", "ip", "mac", "default_gateway", "serial", "asset_tag", "manufacturer", "model", "operating_system",
				"operating_system_notes", "notes", "configuration_type", "configuration_status", "configuration_interfaces", "location", "contact", "position",
				"installed_at", "installed_by", "purchased_at", "purchased_by", "warranty_expires_at", "mitp_device_expiration_date", "mitp_end_of_life_date", "archived"}},
		{table: "documents", kind: "document", stage: "Documents", row: documentRow, beside: []string{"document_folder_id", "published", "is_uploaded", "sop_generator"},
			columns: []string{"id", "organization", "name", "expires_on", "owner", "publisher", "locator", "public", "archived", "help_center"}},
	}
	for _, k := range r.e.Records.Kinds.Documented() {
		if k.Sheet {
			out = append(out, sheet(k))
		}
	}
	return append(out, &tableSpec{table: "passwords", kind: "password", stage: "Passwords", row: passwordRow,
		beside: []string{"password_folder_id", "flexible_asset_field_id", "reason_required", "shareable", "is_live", "autofill_selectors", "generated_password_type", "password_updated_at",
			"external_source", "external_resource_type", "external_resource_id", "cached_resource_name"},
		columns: []string{"id", "organization", "name", "password_category", "resource_type", "resource_id", "username", "password", "otp_secret", "url", "notes", "archived"}})
}

// tables writes the CSV files, and beside each what it cannot hold. Texts of
// documents come later.
func (r *run) tables() error {
	for _, t := range r.tableSpecs() {
		if err := r.table(t); err != nil {
			return err
		}
		if t.kind == "document" {
			continue
		}
		out := &lines{r: r, name: itglue.RecordsFile(t.table)}
		err := r.records(t.kind, r.ids[t.table], chunk, func(list []*record.Record) error {
			for _, rec := range list {
				if x := r.extra(rec, t.beside); !x.Empty() {
					if err := out.put(x); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) table(t *tableSpec) error {
	r.stage(t.stage)
	w, err := r.add(strings.ReplaceAll(t.table, "_", "-") + ".csv")
	if err != nil {
		return err
	}
	csv, err := table.Create(w, t.columns)
	if err != nil {
		return err
	}
	var written []id.ID
	err = r.records(t.kind, r.ids[t.table], chunk, func(list []*record.Record) error {
		b, err := r.besides(t, list)
		if err != nil {
			return err
		}
		for _, rec := range list {
			if err := csv.Write(t.row(r, rec, b)...); err != nil {
				return err
			}
			written = append(written, rec.ID)
		}
		r.did(t.kind, len(list))
		return nil
	})
	if err != nil {
		return err
	}
	r.ids[t.table] = written // what is kept beside the rows is of these, in this order
	return csv.Close()
}

// besides reads what the rows need besides the records.
func (r *run) besides(t *tableSpec, list []*record.Record) (*beside, error) {
	b := &beside{}
	var err error
	switch t.kind {
	case "configuration":
		b.ports, err = r.ports(list)
	case "password":
		b.secrets, err = r.secretsOf(r.e.Records.Kinds.Kind(t.kind), list)
	}
	return b, err
}

// ports gives the interfaces of configurations, as their cell has them.
func (r *run) ports(list []*record.Record) (map[id.ID][]map[string]any, error) {
	found := map[id.ID][]*record.Record{}
	err := r.view(func(tx *gate.Tx) error {
		have := map[id.ID]bool{}
		var ids []id.ID
		for _, rec := range list {
			ids = append(ids, rec.ID)
		}
		marks, args := in(ids)
		err := each(tx, func(n []int64) { have[id.ID(n[0])] = true }, 1,
			`select distinct parent_id from record where kind = 'configuration_interface' and trashed_at is null and parent_id in (`+marks+`)`, args...)
		if err != nil {
			return err
		}
		for of := range have {
			p, err := r.e.Records.List(tx, "configuration_interface", record.Query{Parent: of, Limit: 1000, NoTotal: true, Sort: []record.Order{{Field: "id"}}})
			if err != nil {
				return err
			}
			found[of] = p.Records
		}
		return nil
	})
	out := map[id.ID][]map[string]any{}
	for of, all := range found {
		if err == nil {
			err = r.unseal(all)
		}
		for _, i := range all {
			port := map[string]any{"name": i.Name, "ip_address": i.Values["ip_address"], "mac_address": i.Values["mac_address"],
				"primary": i.Values.Bool("primary"), "notes": i.Values["notes"]}
			if i.Archived {
				port["archived"] = true
			}
			out[of] = append(out[of], port)
		}
	}
	return out, err
}

// secretsOf reveals the secrets of a part, through the gate.
func (r *run) secretsOf(k *record.Kind, list []*record.Record) (map[secret.Ref]string, error) {
	out := map[secret.Ref]string{}
	if r.o.NoSecrets {
		return out, nil
	}
	var refs []secret.Ref
	names := map[id.ID]string{}
	for _, rec := range list {
		names[rec.ID] = rec.Name
		for _, f := range k.Secrets() {
			refs = append(refs, secretRef(rec, f))
		}
	}
	if len(refs) == 0 {
		return out, nil
	}
	err := r.e.Secrets.RevealMany(r.ctx, r.c, refs, r.o.Reason, func(ref secret.Ref, text string, withheld error) error {
		out[ref] = text
		if withheld != nil {
			r.report.Withheld++
			r.withheld = append(r.withheld, itglue.Withheld{Table: k.Plural, ID: ref.Object.String(), Name: names[ref.Object], Field: ref.Field, Why: fault.Say(withheld).Text})
		}
		return nil
	})
	return out, err
}

func secretRef(rec *record.Record, field string) secret.Ref {
	return secret.Ref{Kind: rec.Kind.Name, Object: rec.ID, Field: field}
}

func yes(on bool) string {
	if on {
		return "Yes"
	}
	return "No"
}

func organizationRow(_ *run, rec *record.Record, _ *beside) []string {
	v := rec.Values
	return []string{rec.ID.String(), rec.Name, rec.Names["organization_type_id"], rec.Names["organization_status_id"], v.Text("short_name"),
		v.Text("description"), v.Text("quick_notes"), v.Text("alert"), yes(rec.Archived)}
}

func locationRow(_ *run, rec *record.Record, _ *beside) []string {
	v := rec.Values
	return []string{rec.ID.String(), rec.OrgName, rec.Name, v.Text("address_1"), v.Text("address_2"), v.Text("city"), rec.Names["region_id"], v.Text("postal_code"),
		rec.Names["country_id"], v.Text("phone"), v.Text("fax"), v.Text("notes"), yes(v.Bool("primary")), yes(rec.Archived)}
}

func contactRow(_ *run, rec *record.Record, _ *beside) []string {
	v := rec.Values
	return []string{rec.ID.String(), rec.OrgName, v.Text("first_name"), v.Text("last_name"), v.Text("title"), rec.Names["contact_type_id"], rec.Names["location_id"],
		yes(v.Bool("important")), v.Text("notes"), v.Text("primary_email"), v.Text("primary_phone"), list(v.Rows("contact_emails")), list(v.Rows("contact_phones")), yes(rec.Archived)}
}

// list is a list in a cell.
func list(rows []map[string]any) string {
	if len(rows) == 0 {
		return ""
	}
	b, err := json.Marshal(rows)
	if err != nil { // maps of texts and truth values
		return fmt.Sprint(rows)
	}
	return string(b)
}

func configurationRow(_ *run, rec *record.Record, b *beside) []string {
	v := rec.Values
	return []string{rec.ID.String(), rec.OrgName, rec.Name, v.Text("hostname"), v.Text("primary_ip"), v.Text("mac_address"), v.Text("default_gateway"),
		v.Text("serial_number"), v.Text("asset_tag"), rec.Names["manufacturer_id"], rec.Names["model_id"], rec.Names["operating_system_id"], v.Text("operating_system_notes"),
		v.Text("notes"), rec.Names["configuration_type_id"], rec.Names["configuration_status_id"], list(b.ports[rec.ID]), rec.Names["location_id"], rec.Names["contact_id"],
		v.Text("position"), v.Text("installed_at"), v.Text("installed_by"), v.Text("purchased_at"), v.Text("purchased_by"), v.Text("warranty_expires_at"),
		v.Text("mitp_device_expiration_date"), v.Text("mitp_end_of_life_date"), yes(rec.Archived)}
}

func documentRow(_ *run, rec *record.Record, _ *beside) []string {
	v := rec.Values
	return []string{rec.ID.String(), rec.OrgName, rec.Name, v.Text("expires_on"), "", "", "DOC-" + rec.Org.String() + "-" + rec.ID.String(), yes(v.Bool("public")), yes(rec.Archived), "No"}
}

func passwordRow(_ *run, rec *record.Record, b *beside) []string {
	v := rec.Values
	typ, of := "", ""
	switch n, ok := v["resource_id"].(int64); {
	case ok:
		typ, of = v.Text("resource_type"), id.ID(n).String()
		switch { // as IT Glue calls assets and their fields
		case typ != "Flexible Asset":
		case v["flexible_asset_field_id"] != nil:
			typ = "StructuredData::Cell"
		default:
			typ = "StructuredData::Row"
		}
	case v.Text("external_resource_type") != "":
		typ, of = v.Text("external_resource_type"), v.Text("external_resource_id")
	}
	return []string{rec.ID.String(), rec.OrgName, rec.Name, rec.Names["password_category_id"], typ, of, v.Text("username"), b.secrets[secretRef(rec, "password")],
		b.secrets[secretRef(rec, "otp_secret")], v.Text("url"), v.Text("notes"), yes(rec.Archived)}
}

// extra is what is kept of a record beside its row.
func (r *run) extra(rec *record.Record, fields []string) *itglue.Extra {
	x := &itglue.Extra{ID: rec.ID.String(), Values: map[string]any{}, Refs: map[string]itglue.RowRef{}, Lists: map[string][]itglue.RowRef{}}
	if rec.Restricted {
		x.Values["restricted"] = true
	}
	for _, name := range fields {
		f, v := rec.Kind.Field(name), rec.Values[name]
		switch {
		case v == nil || v == f.Default || v == false:
			if f.Default == true && v != true {
				x.Values[name] = false
			}
		case f.Type == record.Ref:
			to, _ := v.(id.ID)
			if t := r.tableOf[to]; t != "" {
				x.Refs[name] = itglue.RowRef{Table: t, ID: to.String()}
			}
		case f.Type == record.Refs:
			for _, to := range rec.Values.IDs(name) {
				if t := r.tableOf[to]; t != "" {
					x.Lists[name] = append(x.Lists[name], itglue.RowRef{Table: t, ID: to.String()})
				}
			}
		case name == "flexible_asset_field_id": // a reference that is kept as a number
			n, _ := v.(int64)
			x.Refs[name] = r.rowRef(id.ID(n))
		default:
			x.Values[name] = v
		}
	}
	return x
}

func in(ids []id.ID) (string, []any) {
	args := make([]any, 0, len(ids))
	marks := make([]byte, 0, 2*len(ids))
	for i, n := range ids {
		if i > 0 {
			marks = append(marks, ',')
		}
		marks = append(marks, '?')
		args = append(args, int64(n))
	}
	return string(marks), args
}
