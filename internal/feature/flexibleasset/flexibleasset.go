// Package flexibleasset lets administrators design what is documented: types of
// assets with fields of their own, and the assets of those types.
//
// Always true: a field of a type is known by its id, so that renaming, reordering
// or taking away a field loses no value; a field that has values never becomes
// one whose values are kept elsewhere; the password of an asset is a password
// like any other, embedded in it.
package flexibleasset

import (
	"strings"

	"strongroom/internal/core/record"
)

// The names of the kinds.
const (
	TypeKind  = "flexible_asset_type"
	FieldKind = "flexible_asset_field"
	Kind      = "flexible_asset"
)

// TypeField is the field of an asset that names its type.
const TypeField = "flexible_asset_type_id"

// Feature is the kinds of designed assets.
func Feature() record.Feature {
	return record.Feature{Name: "flexibleasset", Kinds: []*record.Kind{types(), parts(), assets()}, Purge: purge}
}

func types() *record.Kind {
	return &record.Kind{
		Name: TypeKind, Plural: "flexible_asset_types", Label: "Asset type", Labels: "Asset types",
		Icon: "stack-2", Scope: record.OfTenant, Admin: true, After: afterType,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "description", Type: record.Multiline, Class: record.Internal, List: true},
			{Name: "icon", Type: record.Text, Class: record.Public, Filter: true, Hint: "The name of one of the icons of the menu."},
			{Name: "enabled", Type: record.Bool, Class: record.Public, Default: true, Filter: true, List: true, Hint: "Offered when assets are added."},
			{Name: "show_in_menu", Type: record.Bool, Class: record.Public, Default: true},
			{Name: "builtin", Type: record.Bool, Class: record.Public, ReadOnly: true},
		},
	}
}

func parts() *record.Kind {
	return &record.Kind{
		Name: FieldKind, Plural: "flexible_asset_fields", Label: "Field", Labels: "Fields",
		Icon: "list", Scope: record.OfTenant, Admin: true, Before: beforeField, After: afterField,
		Fields: []record.Field{
			{Name: TypeField, Label: "Type", Type: record.Ref, Ref: TypeKind, Class: record.Public, Required: true, Filter: true},
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, List: true},
			{Name: "name_key", Type: record.Text, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true},
			{Name: "kind", Type: record.Choice, Class: record.Public, Required: true, Choices: kindNames(), List: true},
			{Name: "order", Type: record.Integer, Class: record.Public, Sort: true},
			{Name: "hint", Type: record.Text, Class: record.Internal},
			{Name: "tag_type", Type: record.Text, Class: record.Public, Hint: "What a Tag refers to: Configurations, Contacts, or FlexibleAssetType: and an id."},
			{Name: "dependence", Label: "If it fails", Type: record.Choice, Class: record.Public, Choices: record.Dependences(),
				Hint: "Of a Tag: an asset depends on what it refers to and fails with it, or is used by it. Said in the map, under what breaks."},
			{Name: "default_value", Type: record.Multiline, Class: record.Internal, Hint: "Of a Select, what there is to choose from, one on a line."},
			{Name: "decimals", Type: record.Integer, Class: record.Public},
			{Name: "required", Type: record.Bool, Class: record.Public},
			{Name: "show_in_list", Type: record.Bool, Class: record.Public, List: true},
			{Name: "use_for_title", Type: record.Bool, Class: record.Public},
			{Name: "expiration", Type: record.Bool, Class: record.Public},
		},
	}
}

func assets() *record.Kind {
	return &record.Kind{
		Name: Kind, Plural: "flexible_assets", Label: "Asset", Labels: "Assets",
		Icon: "stack-2", Scope: record.OfOrganization, Menu: 7, Before: beforeAsset,
		NameOf:   func(record.Values) string { return "" },
		Variants: &record.Variants{By: TypeField, Parts: FieldKind, Depends: "dependence", Of: variant, Embed: embed},
		Fields: []record.Field{
			{Name: TypeField, Label: "Type", Type: record.Ref, Ref: TypeKind, Class: record.Public, Required: true, Filter: true, List: true},
		},
	}
}

// The kinds of fields.
const (
	Text     = "Text"
	Textbox  = "Textbox"
	Number   = "Number"
	Percent  = "Percent"
	Date     = "Date"
	Checkbox = "Checkbox"
	Select   = "Select"
	Header   = "Header"
	Password = "Password"
	Tag      = "Tag"
	Upload   = "Upload"
)

func kindNames() []string {
	return []string{Text, Textbox, Number, Percent, Date, Checkbox, Select, Header, Password, Tag, Upload}
}

// Key makes the key of a field of its name: small letters and digits, with a
// hyphen for all else.
func Key(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	return b.String()
}

// TagTypes are what a Tag may refer to, besides types of assets.
func TagTypes() []string {
	return []string{"Checklists", "ChecklistTemplates", "Configurations", "Contacts", "Documents", "Domains", "Locations", "Organizations", "Passwords", "SslCertificates", "AccountsUsers"}
}

// tagKind gives the kind of record that a tag type names, in the spelling of IT
// Glue.
func tagKind(tagType string) (kind string, ok bool) {
	switch strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(tagType)) {
	case "":
		return "", true // any record
	case "accountsusers", "users":
		return "user", true
	case "checklists":
		return "checklist", true
	case "checklisttemplates":
		return "checklist_template", true
	case "contacts":
		return "contact", true
	case "configurations":
		return "configuration", true
	case "documents":
		return "document", true
	case "domains":
		return "domain", true
	case "passwords":
		return "password", true
	case "locations":
		return "location", true
	case "organizations":
		return "organization", true
	case "sslcertificates":
		return "ssl_certificate", true
	case "tickets":
		return "ticket", true
	}
	return "", false
}
