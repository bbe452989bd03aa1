// Package journal holds what is written on tickets: replies to the customer, notes
// among those who work on them, notes of the work done.
//
// Always true: an entry belongs to one ticket for good, and whoever may see that may
// read it, and nobody else; it says what it said from entry.Grace after it was written on,
// and until then its author alone changes it, with what it said before kept; a work
// note is never public, a reply always.
package journal

import (
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
)

// mostName is how many characters of a text are the name of an entry that has no
// subject.
const mostName = 80

// Feature is the kind journal.
func Feature() record.Feature {
	return record.Feature{Name: entry.Kind, Kinds: []*record.Kind{entries()}}
}

func entries() *record.Kind {
	k := &record.Kind{
		Name: entry.Kind, Plural: "journals", Label: "Journal entry", Labels: "Journal entries", Icon: "message-2",
		Scope: record.OfParent, Parent: "incident_id", Before: before, After: after, NameOf: named,
		Fields: []record.Field{
			{Name: "name", Label: "Subject", Type: record.Text, Class: record.Personal, Filter: true, Search: true, Hint: "Left empty, it is how the text begins."},
			{Name: "journal_type", Label: "Type", Type: record.Choice, Choices: entry.Types(), Default: entry.Note, Class: record.Internal, Filter: true, List: true,
				Hint: "A reply is for the customer; a note for those who see the ticket."},
			{Name: "notes_body", Label: "Text", Type: record.HTML, Class: record.Personal, Required: true, Search: true},
			{Name: "publish_to_web", Label: "Public", Type: record.Bool, Class: record.Internal, Filter: true, List: true, Hint: "The customer may read it. Replies are public, work notes are not."},
			{Name: "source", Type: record.Text, Class: record.Internal, Hint: "Where it came from, when that was another program."},
		},
	}
	for i, f := range entry.Tickets() {
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
