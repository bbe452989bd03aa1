// Package entry names what is written on tickets, for those who show it: the kind, its
// types, the tickets that an entry may be on.
//
// Always true: it holds names alone, and no rule.
package entry

import (
	"slices"
	"time"

	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Kind is the name of the kind.
const Kind = "journal"

// The types of entries.
const (
	Note     = "Note"  // among those who see the ticket
	Reply    = "Reply" // to the customer
	WorkNote = "Work note"
	Email    = "Email"
)

// Types lists the types of entries.
func Types() []string { return []string{Note, Reply, WorkNote, Email} }

// Grace is how long after writing an entry its author may change it.
const Grace = 15 * time.Minute

// Tickets are the fields that name the ticket, with the kinds that they refer to.
func Tickets() []record.Field {
	of := func(name, label, kind string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Ref, Ref: kind, Class: record.Internal, Filter: true, Group: "Belongs to"}
	}
	return []record.Field{of("incident_id", "Incident", "incident"), of("service_request_id", "Service request", "service_request"),
		of("problem_id", "Problem", "problem"), of("change_id", "Change", "change"), of("task_id", "Task", "task"), of("release_id", "Release", "release")}
}

// Public tells whether entries of a type are for the customer whatever else they say.
func Public(typ string) bool { return slices.Contains([]string{Reply, Email}, typ) }

// FieldOf is the field that names a ticket of a kind; empty when entries are on none
// such.
func FieldOf(kind string) string {
	for _, f := range Tickets() {
		if f.Ref == kind {
			return f.Name
		}
	}
	return ""
}

// Place is where an entry stands on the page of its ticket.
func Place(entry id.ID) string { return "entry-" + entry.String() }
