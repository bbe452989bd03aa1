// Package release holds releases: changes that are built, tried and brought out
// together, in milestones.
//
// Always true: a release goes through the states of its lifecycle; a major one is made
// with the usual milestones; it is closed only with a review, and when each milestone is
// done or skipped; once closed or canceled it does not change any more.
package release

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/desk"
)

// The names of the kinds.
const (
	Kind          = "release"
	MilestoneKind = "release_milestone"
)

// The states of a release.
const (
	Draft     = "Draft"
	Requested = "Requested"
	Active    = "Active"
	Closed    = "Closed"
	Canceled  = "Canceled"
)

// Major is the type of release that is made with milestones.
const Major = "Major"

// Types are the types of releases.
func Types() []string { return []string{Major, "Minor", "Emergency"} }

// Milestones are the usual ones, in their order.
func Milestones() []string {
	return []string{"Release and Deployment Planning", "Build and Test Release", "Service Testing and Pilot", "Deployment Preparation", "Deployment", "Early Life Support", "Release Review and Closure"}
}

// Feature is releases and their milestones.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{releases(), milestones()}}
}

// Life is the lifecycle of releases.
func Life() *lifecycle.Lifecycle {
	planned := []string{"description", "owner_id", "team_id", "scheduled_start", "scheduled_end"}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Draft, Begins: true, To: []string{Requested, Canceled}},
		{Name: Requested, Begins: true, To: []string{Draft, Active, Canceled}, Requires: []string{"description"}},
		{Name: Active, To: []string{Closed, Canceled}, Requires: planned},
		{Name: Closed, Requires: append([]string{"review"}, planned...), Frozen: true},
		{Name: Canceled, Frozen: true},
	}, Is: desk.Is, Rights: []lifecycle.Right{
		{From: []string{Active}, To: []string{Canceled}, By: []lifecycle.Part{desk.Leads}},
		{From: []string{Active}, To: []string{Closed}, By: []lifecycle.Part{desk.Owns, desk.Leads}},
		{Fields: []string{"team_id"}, In: []string{Active}, By: []lifecycle.Part{desk.Leads}},
	}}
}

func releases() *record.Kind {
	l := Life()
	rules := &desk.Rules{Life: l, Usual: Draft, Done: []string{Closed}, Final: []string{Closed, Canceled}, Fill: fill}
	requester := desk.Customer()
	requester.Label = "Requester"
	k := &record.Kind{
		Name: Kind, Plural: "releases", Label: "Release", Labels: "Releases", Icon: "rocket",
		Scope: record.OfOrganization, Menu: 36, Ended: "final", Days: desk.Days(false), Life: l, Before: rules.Before, After: after(rules),
		Fields: []record.Field{
			desk.Subject(), desk.Number("REL"), desk.Status(l, "Left empty, it is Draft."),
			{Name: "release_type", Label: "Type", Type: record.Choice, Choices: Types(), Default: "Minor", Class: record.Internal, Filter: true, List: true, Hint: "A major one is made with milestones."},
			{Name: "priority", Type: record.Choice, Choices: desk.Priorities(), Default: "3", Class: record.Internal, Filter: true, Sort: true, List: true},
			requester, desk.Service(), desk.Team(), desk.Owner(), desk.Description(),
			{Name: "scope", Type: record.HTML, Class: record.Internal, Search: true, Group: "Description", Hint: "What is in it, and what is not."},
			{Name: "scheduled_start", Label: "Begins", Type: record.Time, Format: record.Moment, Class: record.Internal, Filter: true, Sort: true, List: true, Group: "Plan"},
			{Name: "scheduled_end", Label: "Ends", Type: record.Time, Format: record.Moment, Class: record.Internal, Filter: true, Sort: true, Group: "Plan"},
			{Name: "review", Type: record.HTML, Class: record.Internal, Search: true, Group: "Review", Hint: "How it went. A release is closed with one."},
		},
	}
	k.Fields = append(k.Fields, append(append(desk.Clocked(), desk.Tagged()), desk.Stamps()...)...)
	return k
}

func milestones() *record.Kind {
	return &record.Kind{
		Name: MilestoneKind, Plural: "release_milestones", Label: "Milestone", Labels: "Milestones", Icon: "flag",
		Scope: record.OfParent, Parent: "release_id", Ended: "over", Before: stamp,
		Fields: []record.Field{
			{Name: "release_id", Label: "Release", Type: record.Ref, Ref: Kind, Class: record.Internal, Required: true, Filter: true},
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Search: true, List: true},
			{Name: "status", Type: record.Choice, Choices: []string{"Open", "Done", "Skipped"}, Default: "Open", Class: record.Internal, Filter: true, List: true},
			{Name: "due_date", Label: "Due", Type: record.Date, Class: record.Internal, Sort: true, List: true, Expires: true},
			{Name: "order", Type: record.Integer, Class: record.Internal, Sort: true},
			{Name: "notes", Type: record.Multiline, Class: record.Internal, Search: true, Hint: "What came of it."},
			{Name: "over", Type: record.Bool, Class: record.Internal, ReadOnly: true, Default: false, Filter: true},
			{Name: "done_at", Label: "Done", Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true},
		},
	}
}

// fill refuses what no lifecycle can: an end before the beginning, and the closing of a
// release while milestones are open.
func fill(tx *gate.Tx, now, old *record.Record) error {
	from, begins := now.Values["scheduled_start"].(int64)
	if to, ends := now.Values["scheduled_end"].(int64); begins && ends && to <= from {
		return fault.Field("scheduled_end", "It ends before it begins.")
	}
	if err := ballot.Entering(tx, now, old, Active); err != nil {
		return err
	}
	if old == nil || now.Values.Text("status") != Closed || old.Values.Text("status") == Closed {
		return nil
	}
	open, err := now.Kind.Engine().List(tx, MilestoneKind, record.Query{Parent: now.ID, Limit: 20, NoTotal: true, Filters: []record.Filter{{Field: "status", Op: record.Eq, Values: []any{"Open"}}}})
	if err != nil || len(open.Records) == 0 {
		return err
	}
	var names []string
	for _, r := range open.Records {
		names = append(names, r.Name)
	}
	return fault.Field("status", "Not all is done: %s.", strings.Join(names, ", ")).WithHint("Set each milestone to Done or Skipped first.")
}

// after plans a release; its clocks follow it.
func after(rules *desk.Rules) func(tx *gate.Tx, now, old *record.Record) error {
	return func(tx *gate.Tx, now, old *record.Record) error {
		if err := plan(tx, now, old); err != nil {
			return err
		}
		return rules.After(tx, now, old)
	}
}

// plan gives a major release the usual milestones, when it becomes one, and has one that
// is requested approved.
func plan(tx *gate.Tx, now, old *record.Record) error {
	if now.Values.Text("status") == Requested {
		if err := ballot.Demand(tx, now); err != nil {
			return err
		}
	}
	if now.Values.Text("release_type") != Major || old != nil && old.Values.Text("release_type") == Major {
		return nil
	}
	e := now.Kind.Engine()
	have, err := e.List(tx, MilestoneKind, record.Query{Parent: now.ID, Limit: 1, NoTotal: true})
	if err != nil || len(have.Records) > 0 {
		return err
	}
	for i, name := range Milestones() {
		if _, err := e.Inside().Create(tx, MilestoneKind, record.Values{"release_id": now.ID, "name": name, "order": int64(i + 1)}); err != nil {
			return err
		}
	}
	return nil
}

// stamp notes when a milestone was done.
func stamp(tx *gate.Tx, now, old *record.Record) error {
	state := now.Values.Text("status")
	now.Values["over"] = state != "Open"
	switch {
	case state != "Done":
		delete(now.Values, "done_at")
	case old == nil || old.Values.Text("status") != "Done":
		now.Values["done_at"] = tx.Now
	}
	return nil
}
