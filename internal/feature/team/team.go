// Package team holds the teams of a service desk.
//
// Always true: a team is the whole tenant's; its members are users.
package team

import "strongroom/internal/core/record"

// Feature is the kind team.
func Feature() record.Feature { return record.Feature{Name: "team", Kinds: []*record.Kind{teams()}} }

func teams() *record.Kind {
	return &record.Kind{
		Name: "team", Plural: "teams", Label: "Team", Labels: "Teams", Icon: "users-group", Scope: record.OfTenant,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "email", Label: "E-mail", Type: record.Text, Format: record.Email, Class: record.Internal, Filter: true, List: true,
				Hint: "Where the team is written to."},
			{Name: "manager_id", Label: "Manager", Type: record.Ref, Ref: "user", Class: record.Personal, Filter: true, List: true},
			{Name: "member_ids", Label: "Members", Type: record.Refs, Ref: "user", Class: record.Personal, List: true,
				Hint: "Who is in one team alone has her tickets go to that team."},
		},
		Seed: []record.Values{{"name": "Service desk"}, {"name": "Infrastructure"}, {"name": "Applications"}},
	}
}
