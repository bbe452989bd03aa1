// Package incident holds the incidents of organizations: what stopped working, for
// whom, and what was done about it.
//
// Always true: an incident goes through the states of its lifecycle; once closed it
// does not change, but for the problem that it is found to belong to.
package incident

import (
	"slices"

	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
)

// Kind is the name of the kind.
const Kind = "incident"

// The states of an incident.
const (
	Logged         = "Logged"
	Active         = "Active"
	WaitCustomer   = "Waiting for Customer"
	WaitThirdParty = "Waiting for 3rd Party"
	WaitResolution = "Waiting for Resolution"
	Resolved       = "Resolved"
	Closed         = "Closed"
)

// Feature is the kind incident.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{incidents()}, Schema: desk.Indexes(Kind)}
}

// Life is the lifecycle of incidents.
func Life() *lifecycle.Lifecycle {
	known := []string{"category_id", "service_id", "owner_id", "team_id"}
	solved := append(slices.Clone(known), "resolution", "cause_code")
	after := []string{"actual_category_id", "actual_service_id", "first_call"}
	wait := func(name string) lifecycle.State {
		return lifecycle.State{Name: name, To: []string{Active, Resolved}, Requires: known}
	}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Logged, Begins: true, To: []string{Active, Closed}},
		{Name: Active, Begins: true, To: []string{WaitCustomer, WaitThirdParty, WaitResolution, Resolved}, Requires: known},
		wait(WaitCustomer), wait(WaitThirdParty), wait(WaitResolution),
		{Name: Resolved, To: []string{Active, Closed}, Requires: solved, Opens: after},
		{Name: Closed, Requires: solved, Opens: after, Frozen: true, Except: []string{"problem_id"}},
	}}
}

// Causes are the codes of causes.
func Causes() []string {
	return []string{"Configuration", "Documentation Request", "Hardware", "Install Request", "Installation", "Linked Problem", "Other", "Reference Request",
		"Session Reset", "Software", "Training"}
}

func incidents() *record.Kind {
	l := Life()
	rules := &desk.Rules{Life: l, Usual: Active, Done: []string{Resolved, Closed}, Final: []string{Closed}, Fill: fill}
	customer := desk.Customer()
	customer.Required = true
	k := &record.Kind{
		Name: Kind, Plural: "incidents", Label: "Incident", Labels: "Incidents", Icon: "flame",
		Scope: record.OfOrganization, Menu: 31, Ended: "final", Days: desk.Days(true), Life: l, Before: rules.Before, After: rules.After,
		Fields: []record.Field{
			desk.Subject(), desk.Number("INC"),
			desk.Status(l, "Left empty, it is Active once the category is known, and Logged until then."),
			desk.Priority(), desk.Urgency(), desk.Impact(), customer,
			{Name: "reported_by_id", Label: "Reported by", Type: record.Ref, Ref: "contact", Class: record.Internal, Filter: true, Hint: "When it is not the customer."},
			{Name: "vip", Label: "VIP", Type: record.Bool, Class: record.Internal, ReadOnly: true, Default: false, Filter: true},
			desk.Source(),
			{Name: "incident_type", Label: "Type", Type: record.Choice, Choices: []string{"Failure", "Degradation", "Security", "Question"}, Default: "Failure", Class: record.Internal, Filter: true},
			desk.Service(), desk.Category(), desk.Team(), desk.Owner(),
			desk.Description(), desk.Resolution(),
			{Name: "cause_code", Label: "Cause", Type: record.Choice, Choices: Causes(), Class: record.Internal, Filter: true, Group: "Resolution"},
			{Name: "actual_service_id", Label: "Service in fact", Type: record.Ref, Ref: "service", Class: record.Internal, Filter: true, Group: "Resolution",
				Hint: "Once it is resolved: what it turned out to be about."},
			{Name: "actual_category_id", Label: "Category in fact", Type: record.Ref, Ref: "category", Class: record.Internal, Filter: true, Group: "Resolution"},
			{Name: "first_call", Label: "Resolved at first contact", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, Group: "Resolution"},
			{Name: "article_id", Label: "What solved it", Type: record.Ref, Ref: "knowledge_article", Class: record.Internal, Filter: true, Group: "Resolution"},
			{Name: "master", Label: "Master incident", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, Group: "Belongs to",
				Hint: "Others are the same as this one."},
			{Name: "master_id", Label: "Its master", Type: record.Ref, Ref: Kind, Class: record.Internal, Filter: true, Group: "Belongs to"},
			{Name: "problem_id", Label: "Problem", Type: record.Ref, Ref: "problem", Class: record.Internal, Filter: true, Group: "Belongs to", Hint: "That is behind it."},
		},
	}
	k.Fields = append(append(k.Fields, desk.Merged(Kind), desk.Tagged()), slices.Concat(desk.Clocked(), desk.Stamps(), desk.Satisfied())...)
	return k
}
