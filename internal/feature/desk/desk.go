// Package desk holds what all kinds of tickets share: the fields that are called
// alike, and the rules that complete a ticket before its lifecycle decides.
//
// Always true: a ticket has a number of its series, once in a tenant; its priority
// follows from urgency and impact; it is known when and by whom it was resolved and
// closed, as long as it is; what came with its number from another house is in the
// state that it had there.
package desk

import (
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
	"strongroom/internal/feature/sla"
)

// Grades are the choices of urgency and impact.
func Grades() []string { return []string{"High", "Medium", "Low"} }

// Priorities are the choices of priority, the most pressing first.
func Priorities() []string { return []string{"1", "2", "3", "4", "5"} }

// Subject is what a ticket is called.
func Subject() record.Field {
	return record.Field{Name: "name", Label: "Subject", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true}
}

// Number is the running number of a series.
func Number(series string) record.Field {
	return record.Field{Name: "number", Type: record.Integer, Series: series, Class: record.Internal, ReadOnly: true, Kept: true, Unique: true,
		Filter: true, Sort: true, Search: true, List: true}
}

// Status is the state of a lifecycle.
func Status(l *lifecycle.Lifecycle, hint string) record.Field {
	return record.Field{Name: l.Field, Type: record.Choice, Choices: l.Names(), Class: record.Internal, Filter: true, Sort: true, List: true, Hint: hint}
}

// Urgency says how soon the customer needs it.
func Urgency() record.Field {
	return record.Field{Name: "urgency", Type: record.Choice, Choices: Grades(), Default: "Medium", Class: record.Internal, Filter: true, Group: "Priority",
		Hint: "How soon the customer needs it."}
}

// Impact says how much stands still.
func Impact() record.Field {
	return record.Field{Name: "impact", Type: record.Choice, Choices: Grades(), Default: "Medium", Class: record.Internal, Filter: true, Group: "Priority",
		Hint: "How many people or how much work it stops."}
}

// Priority follows from the two.
func Priority() record.Field {
	return record.Field{Name: "priority", Type: record.Choice, Choices: Priorities(), Class: record.Internal, ReadOnly: true, Filter: true, Sort: true, List: true, Group: "Priority"}
}

// Customer is the contact for whom the work is done.
func Customer() record.Field {
	return record.Field{Name: "contact_id", Label: "Customer", Type: record.Ref, Ref: "contact", Class: record.Internal, Filter: true, List: true}
}

// Service, Category, Team and Owner say what a ticket is about and with whom it lies.
func Service() record.Field {
	return record.Field{Name: "service_id", Label: "Service", Type: record.Ref, Ref: "service", Class: record.Internal, Filter: true, Group: "Assignment"}
}

// Category is one of the service's, or of none.
func Category() record.Field {
	return record.Field{Name: "category_id", Label: "Category", Type: record.Ref, Ref: "category", Class: record.Internal, Filter: true, Group: "Assignment"}
}

// Team is with whom a ticket lies.
func Team() record.Field {
	return record.Field{Name: "team_id", Label: "Team", Type: record.Ref, Ref: "team", Class: record.Internal, Filter: true, List: true, Group: "Assignment"}
}

// Owner is who works on a ticket.
func Owner() record.Field {
	return record.Field{Name: "owner_id", Label: "Owner", Type: record.Ref, Ref: "user", Class: record.Personal, Filter: true, List: true, Group: "Assignment"}
}

// Sources are where tickets come from.
func Sources() []string {
	return []string{"Phone", "Email", "Self Service", "Chat", "Walk-In", "Network Monitor", "AutoTicket", "Change Request", "Instant Message", "Microsoft Teams", "Voice Mail", "Fax"}
}

// Source is where a ticket came from.
func Source() record.Field {
	return record.Field{Name: "source", Type: record.Choice, Choices: Sources(), Default: "Phone", Class: record.Internal, Filter: true}
}

// Description is what it is about, in the customer's words.
func Description() record.Field {
	return record.Field{Name: "description", Type: record.HTML, Class: record.Personal, Search: true, Group: "Description"}
}

// Resolution is what was done.
func Resolution() record.Field {
	return record.Field{Name: "resolution", Type: record.HTML, Class: record.Personal, Search: true, Group: "Resolution"}
}

// Clocked are when a ticket came in, when the next of its clocks runs out, and what came of
// those that are over.
func Clocked() []record.Field {
	return append([]record.Field{
		{Name: sla.Reported, Label: "Reported", Type: record.Time, Format: record.Moment, Class: record.Internal, Filter: true, Sort: true, Hint: "When it came in, if that was before it was written down. Its clocks run from then."},
		{Name: sla.Due, Label: "Due", Type: record.Time, Format: record.Moment, Class: record.Internal, ReadOnly: true, Filter: true, Sort: true, List: true},
	}, sla.FactFields()...)
}

// Days are what is counted of tickets by day, so that reports do not read each of them.
// Those that customers are asked about are counted by what they said too.
func Days(satisfied bool) tally.Days {
	out := tally.Days{
		{At: "created_at", Of: []string{sla.Reopened}},
		{At: "resolved_at", Of: []string{sla.ResponseTime, sla.ResponseLate, sla.ResolutionTime, sla.ResolutionLate}, By: []string{"owner_id"}},
		{At: "closed_at"},
	}
	if satisfied {
		out = append(out, tally.Daily{At: "satisfaction_at", Of: []string{"satisfaction"}})
	}
	return out
}

// Satisfied are what the customer says of what was done, once she is asked.
func Satisfied() []record.Field {
	return []record.Field{
		{Name: "satisfaction", Type: record.Integer, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Sort: true, Group: "Satisfaction", Hint: "1 to 5, as the customer said it."},
		{Name: "satisfaction_at", Label: "Said", Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Sort: true, Group: "Satisfaction"},
		{Name: "satisfaction_words", Label: "What the customer says", Type: record.Multiline, Class: record.Personal, ReadOnly: true, Kept: true, Group: "Satisfaction"},
	}
}

// Stamps are when and by whom a ticket was resolved and closed, and whether it is
// over; rules set them.
func Stamps() []record.Field {
	at := func(name, label string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Sort: true, Group: "Resolution"}
	}
	by := func(name, label string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true, Group: "Resolution"}
	}
	return []record.Field{
		at("resolved_at", "Resolved"), by("resolved_by_id", "Resolved by"), at("closed_at", "Closed"), by("closed_by_id", "Closed by"),
		{Name: "final", Label: "Over", Type: record.Bool, Class: record.Internal, ReadOnly: true, Kept: true, Default: false, Filter: true},
	}
}
