// Package password holds the secrets that people need for their work: what they
// are for, where they are used and how they are filed. The secret values are
// kept by core/secret and are never in a record.
//
// Always true: a password that is embedded in a record names the record's sort
// and id, and both are of the password's own organization; the name of that
// record is nowhere in the password, since not everybody who sees the one sees
// the other; what leaves a folder keeps what the folder demanded of those who
// want to see it, and is restricted as the folder that it comes to; what was imported for something that has no kind here keeps the
// foreign name of it instead; folders of one organization form trees.
package password

import (
	"errors"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/password/closed"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/rule"
)

// Feature is the kinds password_category, password_folder and password.
func Feature() record.Feature {
	return record.Feature{Name: "password", Kinds: []*record.Kind{categories(), folders(), passwords()}, Schema: []string{demand.Schema},
		Purge: func(tx *gate.Tx, r *record.Record) error {
			return errors.Join(demand.Purge(tx, r.Kind.Name, r.ID), closed.Purge(tx, r.Kind.Name, r.ID))
		}}
}

func passwords() *record.Kind {
	return &record.Kind{
		Name: "password", Plural: "passwords", Label: "Password", Labels: "Passwords", Icon: "key",
		Scope: record.OfOrganization, Menu: 3, Before: before, After: after, Guarded: guarded,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "username", Label: "User name", Type: record.Text, Format: record.Mono, Class: record.Personal, Sort: true, Search: true, List: true},
			{Name: "password", Type: record.Secret},
			{Name: "otp_secret", Label: "One-time code", Type: record.Secret, Format: record.Otpauth,
				Hint: "The key or the otpauth address that the other system shows for an authenticator app."},
			{Name: "url", Label: "Address", Type: record.Text, Format: record.URL, Class: record.Internal, Filter: true, Sort: true, Search: true, List: true},
			{Name: "password_category_id", Label: "Category", Type: record.Ref, Ref: "password_category", Class: record.Internal, Group: "Filing", Filter: true, List: true},
			{Name: "password_folder_id", Label: "Folder", Type: record.Ref, Ref: "password_folder", Class: record.Internal, Group: "Filing", Filter: true},
			{Name: "resource_type", Label: "Belongs to", Type: record.Text, Class: record.Internal, Group: "Filing", Filter: true,
				Hint: "The sort of record that this password is embedded in, such as Configuration."},
			{Name: "resource_id", Label: "Record", Type: record.Integer, Class: record.Internal, Group: "Filing", Filter: true},
			{Name: "flexible_asset_field_id", Label: "Field", Type: record.Integer, Class: record.Internal, ReadOnly: true, Filter: true},
			{Name: "cached_resource_name", Label: "Belongs to", Type: record.Text, Class: record.Internal, ReadOnly: true, Filter: true, Search: true,
				Hint: "Only of what has no record here; see OwnerNames."},
			{Name: "cached_resource_type_name", Label: "Sort of record", Type: record.Text, Class: record.Internal, ReadOnly: true},
			{Name: "external_source", Label: "Foreign source", Type: record.Text, Class: record.Internal, ReadOnly: true},
			{Name: "external_resource_type", Label: "Foreign sort", Type: record.Text, Class: record.Internal, ReadOnly: true},
			{Name: "external_resource_id", Label: "Foreign id", Type: record.Text, Class: record.Internal, ReadOnly: true, Filter: true},
			{Name: "reason_required", Label: "Ask for a reason", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false,
				Hint: "Whoever reveals it says why; the reason is recorded."},
			{Name: "shareable", Type: record.Bool, Class: record.Internal, Group: "Options", Default: true,
				Hint: "May be given to somebody outside by a one-time link."},
			{Name: "is_live", Label: "Rotated automatically", Type: record.Bool, Class: record.Internal, Group: "Options", Default: false},
			{Name: "autofill_selectors", Type: record.Text, Class: record.Internal, Group: "Options",
				Hint: "Where a browser extension puts the values, as CSS selectors."},
			{Name: "generated_password_type", Label: "Generated as", Type: record.Text, Class: record.Internal, Group: "Options"},
			{Name: "otp_enabled", Label: "Has one-time codes", Type: record.Bool, Class: record.Internal, ReadOnly: true, Filter: true, List: true, Default: false},
			{Name: "password_updated_at", Label: "Password changed", Type: record.Time, Class: record.Internal, Sort: true, List: true},
			{Name: "notes", Type: record.Multiline, Class: record.Internal, Group: "Notes", Search: true,
				Hint: "No secrets here: notes are found by the search."},
		},
	}
}

func categories() *record.Kind {
	k := &record.Kind{
		Name: "password_category", Plural: "password_categories", Label: "Password category", Labels: "Password categories", Icon: "tags",
		Scope: record.OfTenant,
		Fields: []record.Field{{Name: "name", Type: record.Text, Class: record.Public, Required: true, Unique: true,
			Filter: true, Sort: true, Search: true, List: true}},
	}
	for _, n := range []string{
		"Active Directory", "Application", "Backup", "Cloud", "Database", "E-mail", "Financial", "Hardware", "Hosting", "Local administrator",
		"Microsoft 365", "Network", "Other", "Physical access", "Remote access", "Service account", "Social media", "Vendor", "Website", "Wireless",
	} {
		k.Seed = append(k.Seed, record.Values{"name": n})
	}
	return k
}

func folders() *record.Kind {
	return &record.Kind{
		Name: "password_folder", Plural: "password_folders", Label: "Password folder", Labels: "Password folders", Icon: "folder",
		Scope: record.OfOrganization,
		Before: func(tx *gate.Tx, now, old *record.Record) error {
			if err := rule.Stay(now, old); err != nil {
				return err
			}
			if err := rule.Tree(tx, now, old, "parent_id"); err != nil {
				return err
			}
			return refiled(tx, now, old, "parent_id")
		},
		After: func(tx *gate.Tx, now, old *record.Record) error {
			return errors.Join(stays(tx, now), settle(tx, now, old, "parent_id"))
		},
		Guarded: guarded,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "parent_id", Label: "Folder above", Type: record.Ref, Ref: "password_folder", Class: record.Internal, Filter: true, List: true},
		},
	}
}

// Ancestors gives the folders above a password folder, the outermost first.
func Ancestors(tx *gate.Tx, folder id.ID) ([]id.ID, error) {
	return rule.Ancestors(tx, folders(), "parent_id", folder)
}
