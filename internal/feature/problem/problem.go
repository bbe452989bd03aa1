// Package problem holds the problems behind incidents: their cause, a way around
// them, and how they were removed.
//
// Always true: a problem goes through the states of its lifecycle; it is identified
// only with a root cause, and is a known error from then on; once closed it does not
// change any more.
package problem

import (
	"slices"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
)

// Kind is the name of the kind.
const Kind = "problem"

// The states of a problem.
const (
	Logged         = "Logged"
	Investigation  = "Investigation"
	Identified     = "Identified"
	Active         = "Active"
	WaitThirdParty = "Waiting for 3rd party"
	WaitResource   = "Waiting for resource"
	Resolved       = "Resolved"
	Closed         = "Closed"
	Canceled       = "Canceled"
)

// Feature is the kind problem.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{problems()}, Schema: desk.Indexes(Kind)}
}

// Life is the lifecycle of problems.
func Life() *lifecycle.Lifecycle {
	worked := []string{"owner_id", "team_id"}
	found := append(slices.Clone(worked), "root_cause")
	solved := append(slices.Clone(worked), "resolution")
	waits := []string{WaitThirdParty, WaitResource}
	wait := func(name string) lifecycle.State {
		return lifecycle.State{Name: name, To: []string{Investigation, Active, Resolved, Canceled}, Requires: worked}
	}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Logged, Begins: true, To: []string{Investigation, Active, Canceled}},
		{Name: Investigation, To: append([]string{Identified, Active, Resolved, Canceled}, waits...), Requires: worked},
		{Name: Identified, To: append([]string{Investigation, Active, Resolved, Canceled}, waits...), Requires: found},
		{Name: Active, Begins: true, To: append([]string{Investigation, Identified, Resolved, Canceled}, waits...), Requires: worked},
		wait(WaitThirdParty), wait(WaitResource),
		{Name: Resolved, To: []string{Active, Closed}, Requires: solved},
		{Name: Closed, Requires: solved, Frozen: true},
		{Name: Canceled, Frozen: true},
	}}
}

func problems() *record.Kind {
	l := Life()
	rules := &desk.Rules{Life: l, Usual: Logged, Done: []string{Resolved, Closed}, Final: []string{Closed, Canceled}, Fill: fill}
	category := desk.Category()
	category.Required = true
	k := &record.Kind{
		Name: Kind, Plural: "problems", Label: "Problem", Labels: "Problems", Icon: "bug",
		Scope: record.OfOrganization, Menu: 33, Ended: "final", Days: desk.Days(false), Life: l, Before: rules.Before, After: rules.After,
		Fields: []record.Field{
			desk.Subject(), desk.Number("PRB"), desk.Status(l, "Left empty, it is Logged."),
			desk.Priority(), desk.Urgency(), desk.Impact(),
			{Name: "problem_type", Label: "Type", Type: record.Choice, Choices: []string{"Reactive", "Proactive"}, Default: "Reactive", Class: record.Internal, Filter: true,
				Hint: "Reactive when incidents led to it."},
			{Name: "environment", Type: record.Choice, Choices: []string{"Production", "Test", "Development"}, Class: record.Internal, Filter: true},
			desk.Service(), category, desk.Team(), desk.Owner(),
			desk.Description(),
			{Name: "error_message", Type: record.Multiline, Class: record.Internal, Search: true, Group: "Description"},
			{Name: "workaround", Type: record.HTML, Class: record.Internal, Search: true, Group: "Cause", Hint: "What helps until it is removed."},
			{Name: "root_cause", Type: record.HTML, Class: record.Internal, Search: true, Group: "Cause"},
			{Name: "known_error_at", Label: "Known error since", Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Sort: true, Group: "Cause"},
			{Name: "target_date", Label: "To be resolved by", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, Expires: true},
			desk.Resolution(),
			{Name: "article_id", Label: "Article", Type: record.Ref, Ref: "knowledge_article", Class: record.Internal, Filter: true, Group: "Resolution", Hint: "That tells of it."},
		},
	}
	k.Fields = append(append(k.Fields, desk.Merged(Kind)), append(append(desk.Clocked(), desk.Tagged()), desk.Stamps()...)...)
	return k
}

// fill notes since when the cause is known.
func fill(tx *gate.Tx, now, _ *record.Record) error {
	switch {
	case now.Values.Text("root_cause") == "":
		delete(now.Values, "known_error_at")
	case now.Values["known_error_at"] == nil:
		now.Values["known_error_at"] = tx.Now
	}
	return nil
}
