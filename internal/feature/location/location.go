// Package location holds places: where an organization's people work and where
// its things stand, and the countries and regions that addresses name.
//
// Always true: a location's region lies in its country; at most one location of
// an organization is its primary one; countries and regions are those of ISO
// 3166 and nobody changes them.
package location

import (
	"strongroom/internal/core/record"
)

// Feature is the kinds country, region and location.
func Feature() record.Feature {
	return record.Feature{Name: "location", Kinds: []*record.Kind{countries(), regions(), locations()}}
}

func locations() *record.Kind {
	k := &record.Kind{
		Name: "location", Plural: "locations", Label: "Location", Labels: "Locations", Icon: "map-pin",
		Scope: record.OfOrganization, Menu: 6, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true,
				Hint: "What people call it, such as Head office."},
			{Name: "primary", Label: "Primary location", Type: record.Bool, Class: record.Internal, Sort: true, List: true, Default: false,
				Hint: "The one to visit or write to when nothing else is said. Marking this one unmarks the other."},
			{Name: "address_1", Label: "Address", Type: record.Text, Class: record.Internal, Group: "Address", Search: true, List: true},
			{Name: "address_2", Label: "Address, second line", Type: record.Text, Class: record.Internal, Group: "Address"},
			{Name: "city", Type: record.Text, Class: record.Internal, Group: "Address", Filter: true, Search: true, List: true},
			{Name: "postal_code", Type: record.Text, Class: record.Internal, Group: "Address", Search: true},
			{Name: "region_id", Label: "State or region", Type: record.Ref, Ref: "region", Class: record.Internal, Group: "Address", Filter: true},
			{Name: "country_id", Label: "Country", Type: record.Ref, Ref: "country", Class: record.Internal, Group: "Address", Filter: true, List: true},
			{Name: "phone", Type: record.Text, Format: record.Phone, Class: record.Internal, Group: "Reach", Search: true, List: true},
			{Name: "fax", Type: record.Text, Format: record.Phone, Class: record.Internal, Group: "Reach"},
			{Name: "formatted_phone", Type: record.Text, Class: record.Internal, ReadOnly: true},
			{Name: "formatted_fax", Type: record.Text, Class: record.Internal, ReadOnly: true},
			{Name: "notes", Type: record.Multiline, Class: record.Internal, Group: "Notes", Search: true,
				Hint: "Opening hours, alarm, who has the key, where to park."},
		},
	}
	k.After = onePrimary(k)
	return k
}

func countries() *record.Kind {
	return &record.Kind{
		Name: "country", Plural: "countries", Label: "Country", Labels: "Countries", Icon: "world",
		Scope: record.OfTenant, Fixed: true, Seed: countrySeeds(),
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Public, Required: true, Unique: true, Filter: true, Sort: true, List: true},
			{Name: "iso", Label: "ISO code", Type: record.Text, Class: record.Public, Required: true, Unique: true, Filter: true, Sort: true, List: true},
		},
	}
}

func regions() *record.Kind {
	return &record.Kind{
		Name: "region", Plural: "regions", Label: "Region", Labels: "Regions", Icon: "map",
		Scope: record.OfTenant, Fixed: true, Seed: regionSeeds(), Before: findCountry,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Public, Required: true, Filter: true, Sort: true, List: true},
			{Name: "country_id", Label: "Country", Type: record.Ref, Ref: "country", Class: record.Public, Required: true, Filter: true, Sort: true, List: true},
			{Name: "iso", Label: "ISO code", Type: record.Text, Class: record.Public, Required: true, Filter: true, Sort: true, List: true,
				Hint: "The part of the ISO 3166-2 code after the country's."},
			{Name: "country_iso", Label: "Country's ISO code", Type: record.Text, Class: record.Public, Required: true, ReadOnly: true, Filter: true},
		},
	}
}
