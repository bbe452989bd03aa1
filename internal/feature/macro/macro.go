// Package macro holds what is done to tickets again and again: a text with placeholders,
// fields that are set, and a move, under one name.
//
// Always true: a macro does what who applies it might do by hand, and no more; all of it
// happens or nothing does; a macro of a team is applied by those who belong to it; a
// value that takes the place of a placeholder stands in the text as it is, and is never
// read for placeholders or as markup.
package macro

import (
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
)

// Kind is the name of the kind.
const Kind = "macro"

// most is how many macros are offered.
const most = 100

// What a macro does with the owner.
const (
	Leave   = "Leave it"
	Applier = "Who applies it"
	Nobody  = "Nobody"
)

// on are the kinds of tickets that a macro may be for, by their choices; Any is all.
const anyTicket = "Any ticket"

func on() map[string]string {
	return map[string]string{"Incidents": "incident", "Service requests": "service_request", "Problems": "problem", "Changes": "change", "Tasks": "task"}
}

// Feature is the kind macro.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{macros()}}
}

func macros() *record.Kind {
	ref := func(name, label, kind, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Ref, Ref: kind, Class: record.Internal, Filter: true, Group: "What it sets", Hint: hint}
	}
	choice := func(name, label string, choices []string, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Choice, Choices: choices, Class: record.Internal, Filter: true, Group: "What it sets", Hint: hint}
	}
	return &record.Kind{
		Name: Kind, Plural: "macros", Label: "Macro", Labels: "Macros", Icon: "wand", Scope: record.OfTenant, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "ticket_kind", Label: "For", Type: record.Choice, Choices: append([]string{anyTicket}, slices.Sorted(maps.Keys(on()))...), Default: anyTicket, Class: record.Internal, Filter: true, List: true},
			{Name: "team_id", Label: "Team", Type: record.Ref, Ref: "team", Class: record.Internal, Filter: true, List: true, Hint: "Only who belongs to it may apply it. Left empty, everybody may."},
			{Name: "shortcut", Label: "Key", Type: record.Choice, Choices: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, Class: record.Internal, Filter: true, List: true, Hint: "That applies it at the desk."},
			{Name: "journal_type", Label: "Written as", Type: record.Choice, Choices: []string{entry.Reply, entry.Note, entry.WorkNote}, Default: entry.Reply, Class: record.Internal, Filter: true, Group: "What it writes"},
			{Name: "text", Type: record.HTML, Class: record.Internal, Search: true, Group: "What it writes",
				Hint: "It may hold " + strings.Join(braced(), ", ") + ". A macro that does nothing but write is filled in, to be changed and sent."},
			choice("owner", "Owner", []string{Leave, Applier, Nobody}, ""),
			ref("to_team_id", "To team", "team", ""), ref("category_id", "Category", "category", ""),
			choice("urgency", "Urgency", grades(), ""), choice("impact", "Impact", grades(), ""),
			{Name: "add_tags", Label: "Add tags", Type: record.Text, Class: record.Internal, Group: "What it sets", Hint: "Words with commas between. Those that the ticket has stay."},
			ref("template_id", "Checklist", "checklist_template", "Its tasks are ticked off on the ticket. It is there once, however often the macro is applied."),
			{Name: "then", Label: "State", Type: record.Text, Class: record.Internal, Filter: true, List: true, Group: "What it sets", Hint: "As it is called, such as Waiting for Customer."},
		},
	}
}

// places are the placeholders.
func places() []string {
	return []string{"customer", "first_name", "organization", "number", "subject", "status", "agent"}
}

func braced() (out []string) {
	for _, p := range places() {
		out = append(out, "{"+p+"}")
	}
	return out
}

var place = regexp.MustCompile(`\{([a-z_]+)\}`)

// Expand puts values in the place of placeholders, in a text that is sanitised markup. One
// that has no value becomes nothing.
func Expand(text string, values map[string]string) string {
	return place.ReplaceAllStringFunc(text, func(m string) string {
		name := strings.Trim(m, "{}")
		if !slices.Contains(places(), name) {
			return m
		}
		return html.EscapeString(values[name])
	})
}

// before refuses a macro that does nothing, or something that cannot be.
func before(_ *gate.Tx, now, _ *record.Record) error {
	v := now.Values
	for _, m := range place.FindAllStringSubmatch(v.Text("text"), -1) {
		if !slices.Contains(places(), m[1]) {
			return fault.Field("text", "There is no {%s}.", m[1]).WithHint("There are %s.", strings.Join(braced(), ", "))
		}
	}
	kinds := []string{on()[v.Text("ticket_kind")]}
	if kinds[0] == "" {
		kinds = slices.Collect(maps.Values(on()))
	}
	if then := v.Text("then"); then != "" {
		is := false
		for _, name := range kinds {
			if l, ok := lifeOf(now.Kind.Engine().Kinds.Kind(name)); ok && l.State(then) != nil {
				is = true
			}
		}
		if !is {
			return fault.Field("then", "No ticket that this macro is for is ever %q.", then).WithHint("Write the state as it stands on the ticket.")
		}
	}
	if !writes(v) && len(sets(v, 0)) == 0 && v.ID("template_id") == 0 {
		return fault.Field("text", "This macro does nothing yet.").WithHint("Give it a text, something to set, or a state.")
	}
	return nil
}

func lifeOf(k *record.Kind) (*lifecycle.Lifecycle, bool) {
	if k == nil {
		return nil, false
	}
	l, ok := k.Life.(*lifecycle.Lifecycle)
	return l, ok
}

func writes(v record.Values) bool { return strings.TrimSpace(richtext.Text(v.Text("text"))) != "" }

// sets is what a macro sets of a ticket, applied by somebody.
func sets(v record.Values, who id.ID) record.Values {
	out := record.Values{}
	switch v.Text("owner") {
	case Applier:
		out["owner_id"] = who
	case Nobody:
		out["owner_id"] = nil
	}
	for field, of := range map[string]string{"team_id": "to_team_id", "category_id": "category_id"} {
		if n := v.ID(of); n != 0 {
			out[field] = n
		}
	}
	for _, f := range []string{"urgency", "impact"} {
		if g := v.Text(f); g != "" {
			out[f] = g
		}
	}
	if s := v.Text("then"); s != "" {
		out["status"] = s
	}
	if s := v.Text("add_tags"); s != "" {
		out["tags"] = s // beside those that there are, see Of
	}
	return out
}

// OnlyWrites tells whether a macro does nothing but write: it is a text to be filled in.
func OnlyWrites(m *record.Record) bool {
	return len(sets(m.Values, 0)) == 0 && m.Values.ID("template_id") == 0
}

// Offered lists the macros that the caller may apply to tickets of a kind.
func Offered(tx *gate.Tx, e *record.Engine, kind string, teams []id.ID) ([]*record.Record, error) {
	if e.Kinds.Kind(Kind) == nil {
		return nil, nil
	}
	p, err := e.List(tx, Kind, record.Query{Archived: "no", Limit: most, NoTotal: true})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(p.Records, func(m *record.Record) bool { return refused(m, kind, teams) != nil }), nil
}

// refused says why a macro cannot be applied to tickets of a kind by who belongs to some
// teams; nil when it can.
func refused(m *record.Record, kind string, teams []id.ID) error {
	if of := on()[m.Values.Text("ticket_kind")]; of != "" && of != kind {
		return fault.New(fault.Invalid, "The macro %s is not for tickets of this kind.", m.Name)
	}
	if t := m.Values.ID("team_id"); t != 0 && !slices.Contains(teams, t) {
		return fault.New(fault.Denied, "The macro %s is another team's.", m.Name).WithHint("Ask somebody of that team, or do by hand what it does.")
	}
	return nil
}

// Deed is what a macro does to one ticket.
type Deed struct {
	Entry record.Values // of the journal; nil for none
	Sets  record.Values // of the ticket; empty for none
	List  id.ID         // of a template, whose tasks are to be ticked off; 0 for none
}

// grades are those of urgency and impact; the kinds of tickets refuse any other.
func grades() []string { return []string{"High", "Medium", "Low"} }

// Of gives what a macro does to a ticket when the caller, who belongs to some teams, applies it. NotFound for no macro;
// Denied or Invalid for one that is not for her, or not for the ticket.
func Of(tx *gate.Tx, e *record.Engine, macro id.ID, ticket *record.Record, teams []id.ID) (*record.Record, *Deed, error) {
	m, err := e.Get(tx, Kind, macro)
	if err != nil {
		return nil, nil, err
	}
	if err := refused(m, ticket.Kind.Name, teams); err != nil || m.Archived {
		if err == nil {
			err = gate.Missing()
		}
		return nil, nil, err
	}
	d := &Deed{Sets: sets(m.Values, tx.Caller.User), List: m.Values.ID("template_id")}
	if more, ok := d.Sets["tags"].(string); ok {
		d.Sets["tags"] = ticket.Values.Text("tags") + ", " + more
	}
	for f := range d.Sets {
		if ticket.Kind.Field(f) == nil {
			return nil, nil, fault.New(fault.Invalid, "The macro %s sets something that this ticket does not have.", m.Name).WithHint("Do the rest of it by hand.")
		}
	}
	if !writes(m.Values) {
		return m, d, nil
	}
	values, err := said(tx, e, ticket)
	if err != nil {
		return nil, nil, err
	}
	d.Entry = record.Values{entry.FieldOf(ticket.Kind.Name): ticket.ID, "journal_type": m.Values.Text("journal_type"), "notes_body": Expand(m.Values.Text("text"), values)}
	return m, d, nil
}

// said are the values of the placeholders.
func said(tx *gate.Tx, e *record.Engine, r *record.Record) (map[string]string, error) {
	out := map[string]string{"customer": r.Names["contact_id"], "organization": r.OrgName, "subject": r.Name, "status": r.Values.Text("status"), "agent": tx.Caller.Name}
	if n, ok := r.Values["number"].(int64); ok {
		out["number"] = r.Kind.Field("number").Numbered(n)
	}
	if c := r.Values.ID("contact_id"); c != 0 && out["customer"] != "" {
		first, err := e.Field(tx, "contact", "first_name", c)
		if err != nil {
			return nil, err
		}
		out["first_name"], _ = first[c].(string)
	}
	return out, nil
}
