// Package task holds the tasks of tickets: a part of the work that lies with one team
// or person.
//
// Always true: a task belongs to one ticket at most, of the same organization; it
// goes through the states of its lifecycle, and is completed only with the effort
// that it took.
package task

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
)

// Kind is the name of the kind.
const Kind = "task"

// The states of a task.
const (
	Logged     = "Logged"
	Accepted   = "Accepted"
	Waiting    = "Waiting"
	Completed  = "Completed"
	Rejected   = "Rejected"
	Reassigned = "Reassigned"
	Canceled   = "Canceled"
)

// Feature is the kind task.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{tasks()}, Schema: desk.Indexes(Kind)}
}

// Types are the types of tasks.
func Types() []string {
	return []string{"Assignment", "Work Order", "Computer Provisioning", "Software Installation"}
}

// Life is the lifecycle of tasks.
func Life() *lifecycle.Lifecycle {
	taken := []string{"owner_id"}
	return &lifecycle.Lifecycle{Field: "status", States: []lifecycle.State{
		{Name: Logged, Begins: true, To: []string{Accepted, Rejected, Reassigned, Canceled}},
		{Name: Accepted, Begins: true, To: []string{Waiting, Completed, Reassigned, Canceled}, Requires: taken},
		{Name: Waiting, To: []string{Accepted, Completed, Reassigned, Canceled}, Requires: taken},
		{Name: Completed, Requires: []string{"owner_id", "actual_effort"}, Frozen: true},
		{Name: Rejected, To: []string{Reassigned, Canceled}},
		{Name: Reassigned, To: []string{Accepted, Rejected, Canceled}},
		{Name: Canceled, Frozen: true},
	}, Is: desk.Is, Rights: []lifecycle.Right{
		{From: []string{Accepted, Waiting}, To: []string{Completed}, By: []lifecycle.Part{desk.Owns, desk.Leads}},
	}}
}

// parents are the fields that name the ticket.
func parents() []string {
	return []string{"incident_id", "service_request_id", "problem_id", "change_id"}
}

func tasks() *record.Kind {
	l := Life()
	rules := &desk.Rules{Life: l, Usual: Logged, Done: []string{Completed}, Final: []string{Completed, Canceled}, Fill: fill}
	of := func(name, label, kind string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Ref, Ref: kind, Class: record.Internal, Filter: true, Group: "Belongs to"}
	}
	k := &record.Kind{
		Name: Kind, Plural: "tasks", Label: "Task", Labels: "Tasks", Icon: "subtask",
		Scope: record.OfOrganization, Menu: 35, Ended: "final", Days: desk.Days(false), Life: l, Before: rules.Before, After: rules.After,
		Fields: []record.Field{
			desk.Subject(), desk.Number("TSK"), desk.Status(l, "Left empty, it is Logged."),
			{Name: "priority", Type: record.Choice, Choices: desk.Priorities(), Default: "3", Class: record.Internal, Filter: true, Sort: true, List: true},
			{Name: "task_type", Label: "Type", Type: record.Choice, Choices: Types(), Default: Types()[0], Class: record.Internal, Filter: true},
			desk.Team(), desk.Owner(),
			desk.Description(),
			{Name: "target_date", Label: "Due", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, List: true, Expires: true, Group: "Plan"},
			{Name: "starts_on", Label: "Begins", Type: record.Date, Class: record.Internal, Group: "Plan"},
			{Name: "planned_effort", Type: record.Number, Class: record.Internal, Group: "Plan", Hint: "In hours."},
			{Name: "actual_effort", Type: record.Number, Class: record.Internal, Group: "Plan", Hint: "In hours. A task is completed with it."},
			{Name: "order", Type: record.Integer, Class: record.Internal, Sort: true, Group: "Plan", Hint: "Its place among the tasks of the ticket."},
			of("incident_id", "Incident", "incident"), of("service_request_id", "Service request", "service_request"),
			of("problem_id", "Problem", "problem"), of("change_id", "Change", "change"),
		},
	}
	k.Fields = append(k.Fields, append(append(desk.Clocked(), desk.Tagged()), desk.Stamps()...)...)
	return k
}

// fill refuses a task of several tickets, and takes the owner off a task that is
// passed on to somebody who is not named yet.
func fill(_ *gate.Tx, now, old *record.Record) error {
	first := ""
	for _, f := range parents() {
		switch {
		case now.Values.ID(f) == 0:
		case first != "":
			return fault.Field(f, "A task belongs to one ticket, and this has one.")
		default:
			first = f
		}
	}
	if old != nil && now.Values.Text("status") == Reassigned && old.Values.Text("status") != Reassigned && now.Values.ID("owner_id") == old.Values.ID("owner_id") {
		delete(now.Values, "owner_id")
	}
	return nil
}
