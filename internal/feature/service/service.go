// Package service holds the services that a service desk keeps running for its
// customers.
//
// Always true: a service is the whole tenant's. There is one called Service Desk in
// a new tenant, which tickets are about that name no other.
package service

import "strongroom/internal/core/record"

// Feature is the kind service.
func Feature() record.Feature {
	return record.Feature{Name: "service", Kinds: []*record.Kind{services()}}
}

func services() *record.Kind {
	k := &record.Kind{
		Name: "service", Plural: "services", Label: "Service", Labels: "Services", Icon: "lifebuoy", Scope: record.OfTenant,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "criticality", Type: record.Choice, Choices: []string{"High", "Medium", "Low"}, Class: record.Internal, Filter: true, List: true},
			{Name: "team_id", Label: "Team", Type: record.Ref, Ref: "team", Class: record.Internal, Filter: true, List: true, Hint: "Who looks after it."},
			{Name: "owner_id", Label: "Owner", Type: record.Ref, Ref: "user", Class: record.Personal, Filter: true, List: true, Hint: "Who answers for it."},
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true},
		},
	}
	for _, n := range []string{"Service Desk", "E-mail", "Network", "Telephony", "Workplace", "Printing", "Files and backup", "Business applications"} {
		k.Seed = append(k.Seed, record.Values{"name": n})
	}
	return k
}
