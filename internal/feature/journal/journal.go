// Package journal holds what is written on tickets: replies to the customer, notes
// among those who work on them, notes of the work done.
//
// Always true: an entry belongs to one ticket for good, and whoever may see that may
// read it, and nobody else; it says what it said from Grace after it was written on,
// and until then its author alone changes it, with what it said before kept; a work
// note is never public, a reply always.
package journal

import (
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/richtext"
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

// mostName is how many characters of a text are the name of an entry that has no
// subject.
const mostName = 80

// Feature is the kind journal.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{entries()}}
}

// tickets are the fields that name the ticket, with the kinds that they refer to.
func tickets() []record.Field {
	of := func(name, label, kind string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Ref, Ref: kind, Class: record.Internal, Filter: true, Group: "Belongs to"}
	}
	return []record.Field{of("incident_id", "Incident", "incident"), of("service_request_id", "Service request", "service_request"),
		of("problem_id", "Problem", "problem"), of("change_id", "Change", "change"), of("task_id", "Task", "task")}
}

func entries() *record.Kind {
	k := &record.Kind{
		Name: Kind, Plural: "journals", Label: "Journal entry", Labels: "Journal entries", Icon: "message-2",
		Scope: record.OfParent, Parent: "incident_id", Before: before, After: after, NameOf: named,
		Fields: []record.Field{
			{Name: "name", Label: "Subject", Type: record.Text, Class: record.Personal, Filter: true, Search: true, Hint: "Left empty, it is how the text begins."},
			{Name: "journal_type", Label: "Type", Type: record.Choice, Choices: Types(), Default: Note, Class: record.Internal, Filter: true, List: true,
				Hint: "A reply is for the customer; a note for those who see the ticket."},
			{Name: "notes_body", Label: "Text", Type: record.HTML, Class: record.Personal, Required: true, Search: true},
			{Name: "publish_to_web", Label: "Public", Type: record.Bool, Class: record.Internal, Filter: true, List: true, Hint: "The customer may read it. Replies are public, work notes are not."},
			{Name: "source", Type: record.Text, Class: record.Internal, Hint: "Where it came from, when that was another program."},
		},
	}
	for i, f := range tickets() {
		k.Fields = append(k.Fields, f)
		if i > 0 {
			k.Parents = append(k.Parents, f.Name)
		}
	}
	return k
}

// named is how the text begins.
func named(v record.Values) string {
	text := []rune(strings.Join(strings.Fields(richtext.Text(v.Text("notes_body"))), " "))
	if len(text) > mostName {
		return strings.TrimSpace(string(text[:mostName-1])) + "…"
	}
	return string(text)
}

// Public tells whether entries of a type are for the customer whatever else they say.
func Public(typ string) bool { return slices.Contains([]string{Reply, Email}, typ) }

// FieldOf is the field that names a ticket of a kind; empty when entries are on none
// such.
func FieldOf(kind string) string {
	for _, f := range tickets() {
		if f.Ref == kind {
			return f.Name
		}
	}
	return ""
}
