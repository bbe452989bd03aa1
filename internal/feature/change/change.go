// Package change holds changes: what is to be altered, why, when, and how it is
// taken back when it fails.
//
// Always true: a change from a template that was approved, and is not over, takes no vote, and says
// what the template said when it was made, or becomes a change that is voted on; a change goes through the states of its lifecycle; it is scheduled
// only with a beginning and an end, and into no freeze unless it is an emergency; implemented only when the tasks that whoever says so can see are over, and
// closed only with a review where its type takes one; what it affects is kept with it, and
// is part of what is approved; once closed, denied or canceled it does not change any more.
package change

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/desk"
)

// Kind is the name of the kind.
const Kind = "change"

// The states of a change.
const (
	Logged          = "Logged"
	Proposed        = "Proposed"
	Requested       = "Requested"
	PendingApproval = "Pending Approval"
	Scheduled       = "Scheduled"
	Implemented     = "Implemented"
	Closed          = "Closed"
	Denied          = "Denied"
	Deferred        = "Deferred"
	Canceled        = "Canceled"
)

// Feature is the kinds change and change_freeze.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{templates(), changes(), freezes()}, Schema: append(desk.Indexes(Kind), schema...), Purge: purge}
}

// Types are the types of changes. Standard and minor ones take no approval.
func Types() []string { return []string{"Standard", "Minor", "Significant", "Major", "Emergency"} }

// Life is the lifecycle of changes.
func Life() *lifecycle.Lifecycle {
	asked := []string{"description", "change_type"}
	planned := []string{"description", "change_type", "owner_id", "team_id", "scheduled_start", "scheduled_end"}
	both := []lifecycle.Part{desk.Owns, desk.Leads}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Logged, Begins: true, To: []string{Requested, Scheduled, Canceled}},
		{Name: Proposed, Begins: true, To: []string{Requested}},
		{Name: Requested, To: []string{PendingApproval, Denied, Canceled}, Requires: asked},
		{Name: PendingApproval, To: []string{Scheduled, Denied, Deferred, Canceled}, Requires: asked},
		{Name: Scheduled, To: []string{Implemented, Canceled}, Requires: planned},
		{Name: Implemented, To: []string{Closed}, Requires: planned},
		{Name: Closed, Requires: append([]string{"closed_code"}, planned...), Frozen: true},
		{Name: Denied, Frozen: true},
		{Name: Deferred, To: []string{Requested}},
		{Name: Canceled, Frozen: true},
	}, Is: func(tx *gate.Tx, r *record.Record, p lifecycle.Part) (bool, error) {
		if p == fromTemplate {
			return r.Values.ID(TemplateField) != 0, nil
		}
		return desk.Is(tx, r, p)
	}, Rights: []lifecycle.Right{
		{From: []string{Logged}, To: []string{Scheduled}, By: []lifecycle.Part{fromTemplate}},
		{From: []string{Requested, PendingApproval, Scheduled}, To: []string{Canceled}, By: []lifecycle.Part{desk.Leads}},
		{From: []string{Requested, PendingApproval}, To: []string{Denied, Deferred}, By: []lifecycle.Part{desk.Leads}},
		{From: []string{Implemented}, To: []string{Closed}, By: both},
		{Fields: []string{"team_id"}, In: []string{Requested, PendingApproval, Scheduled, Implemented}, By: []lifecycle.Part{desk.Leads}},
		{Fields: []string{"scheduled_start", "scheduled_end", "plan", "backout"}, In: []string{Scheduled, Implemented}, By: both},
	}}
}

func changes() *record.Kind {
	l := Life()
	rules := &desk.Rules{Life: l, Usual: Logged, Done: []string{Implemented, Closed}, Final: []string{Closed, Denied, Canceled}, Held: []string{PendingApproval, Deferred, Scheduled}, Fill: fill}
	requester := desk.Customer()
	requester.Label = "Requester"
	k := &record.Kind{
		Name: Kind, Plural: "changes", Label: "Change", Labels: "Changes", Icon: "git-branch",
		Scope: record.OfOrganization, Menu: 34, Ended: "final", Days: desk.Days(false), Life: l, Before: rules.Before, After: after(rules),
		Fields: []record.Field{
			desk.Subject(), desk.Number("CHG"), desk.Status(l, "Left empty, it is Logged."),
			desk.Priority(), desk.Urgency(), desk.Impact(),
			{Name: "change_type", Label: "Type", Type: record.Choice, Choices: Types(), Default: "Minor", Class: record.Internal, Filter: true, List: true},
			{Name: TemplateField, Label: "Template", Type: record.Ref, Ref: TemplateKind, Class: record.Internal, Filter: true, Hint: "An approved one makes it a standard change: what the template says is filled in, and it is scheduled in one step."},
			{Name: "risk", Type: record.Choice, Choices: desk.Grades(), Class: record.Internal, Filter: true, Hint: "Follows from the questions on it, once all are answered."},
			requester,
			desk.Service(), desk.Category(), desk.Team(), desk.Owner(),
			desk.Description(),
			question("risk_reach", "If it fails, who notices", reach()), question("risk_back", "The way back takes", back()), question("risk_tried", "Tried before", tried()), question("risk_done", "We have done this", done()),
			{Name: "justification", Type: record.HTML, Class: record.Internal, Search: true, Group: "Description", Hint: "Why it is worth it."},
			{Name: "scheduled_start", Label: "Begins", Type: record.Time, Format: record.Moment, Class: record.Internal, Filter: true, Sort: true, List: true, Group: "Plan"},
			{Name: "scheduled_end", Label: "Ends", Type: record.Time, Format: record.Moment, Class: record.Internal, Filter: true, Sort: true, Group: "Plan"},
			{Name: Impact, Label: "Impact", Type: record.Integer, Class: record.Internal, ReadOnly: true, Group: "Plan", Hint: "Counts how often what it affects has changed, until it is scheduled."},
			{Name: "plan", Label: "Steps", Type: record.HTML, Class: record.Internal, Search: true, Group: "Plan"},
			{Name: "backout", Label: "Way back", Type: record.HTML, Class: record.Internal, Search: true, Group: "Plan", Hint: "What is done when it fails."},
			{Name: "tested", Label: "Tried before", Type: record.Bool, Class: record.Internal, Default: false, Group: "Plan"},
			{Name: "review", Type: record.HTML, Class: record.Internal, Search: true, Group: "Review", Hint: "How it went. A change that is neither standard nor minor is closed with one."},
			{Name: "closed_code", Label: "Outcome", Type: record.Choice, Choices: []string{"Successful", "Successful with difficulties", "Taken back", "Failed"}, Class: record.Internal, Filter: true, Group: "Review"},
			{Name: "incident_id", Label: "Incident", Type: record.Ref, Ref: "incident", Class: record.Internal, Filter: true, Group: "Belongs to", Hint: "That led to it."},
			{Name: "problem_id", Label: "Problem", Type: record.Ref, Ref: "problem", Class: record.Internal, Filter: true, Group: "Belongs to", Hint: "That it removes."},
			{Name: "release_id", Label: "Release", Type: record.Ref, Ref: "release", Class: record.Internal, Filter: true, Group: "Belongs to", Hint: "With which it is brought out."},
		},
	}
	k.Fields = append(k.Fields, append(append(desk.Clocked(), desk.Tagged()), desk.Stamps()...)...)
	return k
}

// fill refuses what no lifecycle can: an end before the beginning, and a change that
// is implemented while tasks of it are open.
func fill(tx *gate.Tx, now, old *record.Record) error {
	if risk := RiskOf(now.Values); risk != "" {
		now.Values["risk"] = risk
	}
	if err := modelled(tx, now, old); err != nil {
		return err
	}
	if err := straight(tx, now, old); err != nil {
		return err
	}
	if err := weigh(tx, now, old); err != nil {
		return err
	}
	if err := thought(now, old); err != nil {
		return err
	}
	if err := frozen(tx, now, old); err != nil {
		return err
	}
	from, begins := now.Values["scheduled_start"].(int64)
	if to, ends := now.Values["scheduled_end"].(int64); begins && ends && to <= from {
		return fault.Field("scheduled_end", "It ends before it begins.")
	}
	if err := ballot.Entering(tx, now, old, Scheduled); err != nil {
		return err
	}
	if old == nil || now.Values.Text("status") != Implemented || old.Values.Text("status") == Implemented {
		return nil
	}
	open, err := now.Kind.Engine().List(tx, "task", record.Query{Limit: 1, NoTotal: true, Filters: []record.Filter{
		{Field: "change_id", Op: record.Eq, Values: []any{now.ID}}, {Field: "final", Op: record.Eq, Values: []any{false}}}})
	if err == nil && len(open.Records) > 0 {
		err = fault.Field("status", "Not all is done: %s is open.", open.Records[0].Name).WithHint("Complete or cancel its tasks first.")
	}
	return err
}

// Weighty tells whether changes of a type are thought through: they take a plan and a way
// back before they are approved, and a review before they are closed.
func Weighty(typ string) bool { return typ != "Standard" && typ != "Minor" }

// thought refuses a weighty change that lacks what it takes, when it moves on.
func thought(now, old *record.Record) error {
	to := now.Values.Text("status")
	if !Weighty(now.Values.Text("change_type")) || old == nil || old.Values.Text("status") == to {
		return nil
	}
	bad := map[string]string{}
	takes := map[string][]string{PendingApproval: {"plan", "backout"}, Scheduled: {"plan", "backout"}, Implemented: {"plan", "backout"}, Closed: {"review"}}
	for _, f := range takes[to] {
		if strings.TrimSpace(now.Values.Text(f)) == "" {
			bad[f] = now.Kind.Field(f).Title() + " is missing: a change of the type " + now.Values.Text("change_type") + " takes it to be " + to + "."
		}
	}
	return fault.Fields(bad)
}

// after has a change approved that waits for it; its clocks follow it.
func after(rules *desk.Rules) func(tx *gate.Tx, now, old *record.Record) error {
	return func(tx *gate.Tx, now, old *record.Record) error {
		if err := keepTemplate(tx, now, old); err != nil {
			return err
		}
		if now.Values.Text("status") == PendingApproval {
			if err := ballot.Demand(tx, now); err != nil {
				return err
			}
		}
		return rules.After(tx, now, old)
	}
}
