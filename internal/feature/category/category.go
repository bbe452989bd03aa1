// Package category holds the categories by which tickets are sorted.
//
// Always true: a category is the whole tenant's; one that belongs to a service is
// of tickets about that service alone.
package category

import "strongroom/internal/core/record"

// Feature is the kind category.
func Feature() record.Feature {
	return record.Feature{Name: "category", Kinds: []*record.Kind{categories()}}
}

func categories() *record.Kind {
	k := &record.Kind{
		Name: "category", Plural: "categories", Label: "Category", Labels: "Categories", Icon: "category", Scope: record.OfTenant,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "service_id", Label: "Service", Type: record.Ref, Ref: "service", Class: record.Internal, Filter: true, List: true,
				Hint: "Left empty, it is of every service."},
		},
	}
	for _, n := range []string{"Hardware", "Software", "Account and access", "Connectivity", "Performance", "Security", "Request", "Other"} {
		k.Seed = append(k.Seed, record.Values{"name": n})
	}
	return k
}
