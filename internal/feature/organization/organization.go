// Package organization holds whom a tenant works for: its clients or
// departments, their types and their statuses.
//
// Always true: organizations form trees, none is below itself; at most one
// organization is the tenant's own (primary).
package organization

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/rule"
)

// Feature is the kinds organization, organization_type and organization_status.
func Feature() record.Feature {
	return record.Feature{Name: "organization", Kinds: []*record.Kind{types(), statuses(), organizations()}}
}

func organizations() *record.Kind {
	return &record.Kind{
		Name: "organization", Plural: "organizations", Label: "Organization", Labels: "Organizations", Icon: "building",
		Scope: record.Organization, Menu: 1, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "short_name", Type: record.Text, Class: record.Internal, Filter: true, Sort: true, Search: true, List: true,
				Hint: "The abbreviation people use, such as HDG."},
			{Name: "organization_type_id", Label: "Type", Type: record.Ref, Ref: "organization_type", Class: record.Internal, Filter: true, List: true},
			{Name: "organization_status_id", Label: "Status", Type: record.Ref, Ref: "organization_status", Class: record.Internal, Filter: true, List: true},
			{Name: "parent_id", Label: "Parent organization", Type: record.Ref, Ref: "organization", Class: record.Internal, Filter: true,
				Hint: "The organization that this one is a part of."},
			{Name: "primary", Label: "Our own organization", Type: record.Bool, Class: record.Internal, ReadOnly: true, Filter: true, Default: false},
			{Name: "alert", Type: record.Multiline, Class: record.Internal, Group: "Notes", Search: true,
				Hint: "Shown on top of every page of this organization."},
			{Name: "description", Type: record.Multiline, Class: record.Internal, Group: "Notes", Search: true},
			{Name: "quick_notes", Type: record.HTML, Class: record.Internal, Group: "Notes", Search: true,
				Hint: "What somebody answering the telephone should know."},
		},
	}
}

func types() *record.Kind {
	return &record.Kind{
		Name: "organization_type", Plural: "organization_types", Label: "Organization type", Labels: "Organization types", Icon: "tag",
		Scope: record.OfTenant, Fields: names(),
		Seed: seeds("Customer", "Department", "Internal", "Partner", "Prospect", "Supplier"),
	}
}

func statuses() *record.Kind {
	return &record.Kind{
		Name: "organization_status", Plural: "organization_statuses", Label: "Organization status", Labels: "Organization statuses", Icon: "circle-dot",
		Scope: record.OfTenant, Fields: names(),
		Seed: seeds("Active", "Onboarding", "Offboarding", "Inactive"),
	}
}

func names() []record.Field {
	return []record.Field{{Name: "name", Type: record.Text, Class: record.Public, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true}}
}

func seeds(list ...string) []record.Values {
	var out []record.Values
	for _, n := range list {
		out = append(out, record.Values{"name": n})
	}
	return out
}

// Ancestors gives the organizations above org, the outermost first.
func Ancestors(tx *gate.Tx, org id.ID) ([]id.ID, error) {
	return rule.Ancestors(tx, organizations(), "parent_id", org)
}

func before(tx *gate.Tx, now, old *record.Record) error {
	if err := rule.Tree(tx, now, old, "parent_id"); err != nil {
		return err
	}
	return onlyPrimary(tx, now, old)
}
