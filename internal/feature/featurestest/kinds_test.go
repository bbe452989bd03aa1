// Package featurestest_test tests the features of the documentation together,
// through a real house: their rules refer to each other's kinds.
package featurestest_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/core/record"
)

// answered are the attributes that have no field, and who answers for them.
var answered = map[string]string{
	"created_at":        "the spine",
	"updated_at":        "the spine",
	"archived":          "the spine",
	"restricted":        "the spine",
	"organization_id":   "the spine",
	"updated_by":        "the spine",
	"updated_by_type":   "the API: always a user",
	"organization_name": "the engine, beside the record",
	"resource_url":      "the API, from kind and id",
	"parent_url":        "the API, from resource_type and resource_id",
	"synced":            "the API, from external_ref",
	"psa_integration":   "the API, from external_ref",
	"my_glue":           "the API: there is no such thing here",
	"logo":              "the API: none",
	"ancestor_ids":      "organization.Ancestors, document.Ancestors, password.Ancestors",
	"vault_id":          "the vault",
	"personal":          "the vault",

	"configurations.organization_short_name":   "the API, from the organization",
	"configurations.configuration_type_kind":   "the API, from configuration_type.kind",
	"configuration_types.configurations_count": "the API, counted",
	"password_categories.passwords_count":      "the API, counted",
	"password_folders.passwords_count":         "the API, counted",
	"document_folders.documents_count":         "the API, counted",
	"document_sections.resource_id":            "the API: the section's own id",
	"document_sections.rendered_content":       "document.Rendered",
	"document_sections.document_gallery_id":    "the API: a gallery's own id",
	"document_sections.document_images":        "document.Images",
}

// otherwise are fields that differ from the attribute on purpose.
var otherwise = map[string]string{
	"documents.content":             "kept when sent; the API ignores it on update as promised",
	"operating_systems.name":        "the API only reads; an import or the pages may add one",
	"operating_systems.platform_id": "as the name",
	"platforms.name":                "as operating systems",
	"countries.name":                "the whole kind is fixed",
	"countries.iso":                 "the whole kind is fixed",
	"regions.name":                  "the whole kind is fixed",
	"regions.iso":                   "the whole kind is fixed",
	"regions.country_id":            "the whole kind is fixed",
	"passwords.password":            "an import may bring one without a value",
	"document_sections.document_id": "named by the address in the API",
}

// elsewhere are filters and sorts that the API answers from other tables.
var elsewhere = []string{"id", "created_at", "updated_at", "archived", "organization_id", "group_id", "my_glue_account_id",
	"psa_id", "psa_integration_type", "rmm_id", "rmm_integration_type", "ne"}

type resource struct {
	name       string
	attributes [][]string
	filters    []string
	sorts      []string
}

func resources(t *testing.T) []resource {
	t.Helper()
	text, err := os.ReadFile("testdata/itglue.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []resource
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		cells := strings.Split(line, "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			out = append(out, resource{name: strings.Trim(line, "[]")})
		case cells[0] == "filter":
			out[len(out)-1].filters = strings.Fields(cells[1])
		case cells[0] == "sort":
			out[len(out)-1].sorts = strings.Fields(cells[1])
		default:
			out[len(out)-1].attributes = append(out[len(out)-1].attributes, cells)
		}
	}
	if len(out) != 22 {
		t.Fatalf("the table has %d resources, want 22", len(out))
	}
	return out
}

func registry(t *testing.T) *record.Registry {
	t.Helper()
	g, err := record.NewRegistry(features()...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestNothingForgotten: every attribute, filter and sort that programs know is
// a field, or somebody answers for it.
func TestNothingForgotten(t *testing.T) {
	g := registry(t)
	for _, r := range resources(t) {
		k := g.Plural(r.name)
		if k == nil {
			t.Errorf("no kind has the plural %s", r.name)
			continue
		}
		for _, a := range r.attributes {
			attribute(t, k, a[0], a[1], a[2])
		}
		for _, f := range r.filters {
			if d := k.Field(f); !slices.Contains(elsewhere, f) && (d == nil || !d.Filter) {
				t.Errorf("%s cannot be filtered by %s", r.name, f)
			}
		}
		for _, s := range r.sorts {
			d := k.Field(s)
			byName := strings.HasSuffix(s, "_name") && k.Field(strings.TrimSuffix(s, "_name")+"_id") != nil
			if !slices.Contains(elsewhere, s) && !byName && s != "name" && (d == nil || !d.Sort) {
				t.Errorf("%s cannot be sorted by %s", r.name, s)
			}
		}
	}
}

func attribute(t *testing.T, k *record.Kind, name, typ, mode string) {
	t.Helper()
	f := k.Field(name)
	key := k.Plural + "." + name
	if f == nil {
		base := strings.TrimSuffix(name, "_name")
		if base != name && k.Field(base+"_id") != nil || answered[name] != "" || answered[key] != "" || name == "name" && k.NameOf != nil {
			return
		}
		t.Errorf("%s: nobody answers for the attribute %s", k.Plural, name)
		return
	}
	types := map[string][]record.Type{
		"string": {record.Text, record.Multiline, record.HTML, record.Choice, record.Secret}, "integer": {record.Ref, record.Integer},
		"boolean": {record.Bool}, "date": {record.Date}, "datetime": {record.Time}, "array": {record.Rows},
	}
	if !slices.Contains(types[typ], f.Type) {
		t.Errorf("%s is %s, the API says %s", key, f.Type, typ)
	}
	if otherwise[key] != "" {
		return
	}
	if f.ReadOnly != (mode == "read-only") {
		t.Errorf("%s: read-only is %v, the API says %s", key, f.ReadOnly, mode)
	}
	if f.Required != (mode == "required") {
		t.Errorf("%s: required is %v, the API says %s", key, f.Required, mode)
	}
}

// TestExcusesAreTight: an excuse that nothing needs any more is deleted.
func TestExcusesAreTight(t *testing.T) {
	g := registry(t)
	seen := map[string]bool{}
	for _, r := range resources(t) {
		for _, a := range r.attributes {
			if k := g.Plural(r.name); k != nil && k.Field(a[0]) == nil {
				seen[a[0]], seen[r.name+"."+a[0]] = true, true
			} else if k != nil {
				seen["field "+r.name+"."+a[0]] = true
			}
		}
	}
	for a, why := range answered {
		if !seen[a] || why == "" {
			t.Errorf("nothing needs the line %q of answered", a)
		}
	}
	for a := range otherwise {
		if !seen["field "+a] {
			t.Errorf("nothing needs the line %q of otherwise", a)
		}
	}
}

// TestDeclarations: what the engine does not insist on, people do.
func TestDeclarations(t *testing.T) {
	icons := map[string]bool{}
	menu := map[int]string{}
	for _, k := range registry(t).Kinds() {
		if k.Name == "user" || k.Name == "group" {
			continue
		}
		if k.Icon == "" {
			t.Errorf("%s has no icon", k.Name)
		}
		icons[k.Icon] = true
		if k.Menu != 0 {
			if other := menu[k.Menu]; other != "" {
				t.Errorf("%s and %s have the same place in the menu", k.Name, other)
			}
			menu[k.Menu] = k.Name
		}
		listed := !k.HasName()
		for _, f := range k.Fields {
			listed = listed || f.List
			if f.Class == record.Unclassified && f.Type != record.Secret {
				t.Errorf("%s.%s is not classified", k.Name, f.Name)
			}
			if f.Type == record.Secret && f.Class != record.Unclassified {
				t.Errorf("%s.%s is a secret with a class of its own", k.Name, f.Name)
			}
			if f.Hint != "" && !strings.HasSuffix(f.Hint, ".") {
				t.Errorf("%s.%s: the hint is no sentence: %q", k.Name, f.Name, f.Hint)
			}
			for _, col := range f.Rows {
				if col.Class == record.Unclassified {
					t.Errorf("%s.%s.%s is not classified", k.Name, f.Name, col.Name)
				}
			}
		}
		if !listed {
			t.Errorf("the list of %s has no column", k.Plural)
		}
	}
	want := map[int]string{1: "organization", 2: "configuration", 3: "password", 4: "document", 5: "contact", 6: "location", 8: "checklist", 9: "domain", 10: "ssl_certificate"}
	for n, name := range want {
		if menu[n] != name {
			t.Errorf("place %d of the menu is %q, want %q", n, menu[n], name)
		}
	}
}
