// Package ballot has tickets approved, in phases, before they go on.
//
// Always true: how an approval stands follows from what happened to it and from nothing
// else (Tally); each voter counts once in a phase, and nobody votes on what she asked for;
// a vote is given by a person who is signed in and by nothing that only looks; what was
// approved is what the ticket said then, and an approval of something else counts no
// more; a delegate votes for who is away, while she is.
package ballot

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// PlanKind is the kind of the plans.
const PlanKind = "approval_plan"

// Feature is the plans, and what happened by them.
func Feature() record.Feature {
	return record.Feature{Name: "ballot", Kinds: []*record.Kind{plans()}, Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists ballot (id id primary key, record_id int not null, user_id int not null, plan_id int not null, phases text not null, digest text not null, at int not null,
		state text not null, applied int not null default 0)`,
	`create index if not exists ballot_record on ballot (record_id, id)`,
	`create index if not exists ballot_state on ballot (state, applied)`,
	`create table if not exists ballot_event (id id primary key, ballot_id int not null, at int not null, what text not null, phase int not null, user_id int not null, by_id int not null, yes int not null, words text not null, voters text not null)`,
	`create index if not exists ballot_event_ballot on ballot_event (ballot_id, id)`,
	`create table if not exists ballot_voter (ballot_id int not null, user_id int not null, primary key (user_id, ballot_id))`, // who may decide now
	`create table if not exists ballot_absence (user_id int not null, to_id int not null, from_at int not null, until_at int not null, primary key (user_id))`,
}

// purge forgets the approvals of a record that is purged, and who stood for a user.
func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, q := range []string{
		`delete from ballot_event where ballot_id in (select id from ballot where record_id = ?)`, `delete from ballot_voter where ballot_id in (select id from ballot where record_id = ?)`,
		`delete from ballot where record_id = ?`, `delete from ballot_voter where user_id = ?`, `delete from ballot_absence where user_id = ?`, `delete from ballot_absence where to_id = ?`,
	} {
		if _, err := tx.Exec(q, n); err != nil {
			return err
		}
	}
	return nil
}

// Who decides, by what they are.
const (
	Person  = "Person"
	Group   = "Group"
	Team    = "Team of the ticket"
	Manager = "Manager of the customer"
	Admins  = "Administrators"
)

// Roles are what those who decide can be.
func Roles() []string { return []string{Team, Group, Person, Manager, Admins} }

// Template is the kind of templates of changes. Without a plan of their own they follow that
// of changes that names no type.
const Template = "change_template"

// Kinds are the kinds that take approvals.
func Kinds() []string { return []string{"change", "service_request", "release", Template} }

// mostPhases is how many phases a plan has at the most.
const mostPhases = 10

func plans() *record.Kind {
	text := func(name, label, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Text, Class: record.Internal, Hint: hint}
	}
	choice := func(name, label string, of ...string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Choice, Choices: of, Class: record.Internal}
	}
	number := func(name, label, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Integer, Class: record.Internal, Hint: hint}
	}
	first := text("name", "Phase", "")
	first.Required = true
	return &record.Kind{
		Name: PlanKind, Plural: "approval_plans", Label: "Approval plan", Labels: "Approval plans", Icon: "shield-check",
		Scope: record.OfTenant, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "of_kind", Label: "Of", Type: record.Choice, Choices: Kinds(), Class: record.Internal, Required: true, Filter: true, List: true},
			{Name: "of_type", Label: "Type", Type: record.Text, Class: record.Internal, Filter: true, List: true, Hint: "Of a change or release; left empty, each one that no other plan names."},
			{Name: "offering_id", Label: "Offering", Type: record.Ref, Ref: "offering", Class: record.Internal, Filter: true, List: true, Hint: "Of a request; left empty, each one that needs approval."},
			{Name: "phases", Type: record.Rows, Class: record.Internal, Rows: []record.Field{
				first, choice("who", "Who decides", Roles()...), text("named", "Which", "The group, or the person's e-mail address."),
				choice("rule", "Passes with", string(All), string(Any), string(Quorum)), number("needed", "Quorum", ""),
				number("hours", "Within hours", ""), choice("then", "Otherwise", string(Escalates), string(Denies), string(Passes)),
				choice("to_who", "Escalated to", Roles()...), text("to_named", "Which", ""),
			}},
		},
	}
}

// before refuses a plan that nobody could follow.
func before(tx *gate.Tx, now, _ *record.Record) error {
	list := phasesOf(now)
	switch {
	case len(list) == 0:
		return fault.Field("phases", "A plan has one phase at least.")
	case len(list) > mostPhases:
		return fault.Field("phases", "A plan has %d phases at the most.", mostPhases)
	}
	for _, p := range list {
		if p.Rule == Quorum && p.Needed < 1 {
			return fault.Field("phases", "%s: a quorum is 1 at least.", p.Name)
		}
		if p.Hours < 0 || p.Hours > 24*365 {
			return fault.Field("phases", "%s: give hours from 1 to %d, or none for no end.", p.Name, 24*365)
		}
		if p.Then == Escalates && p.Hours > 0 && p.To.As == "" {
			return fault.Field("phases", "%s: say to whom it is escalated.", p.Name)
		}
		for _, w := range []Who{p.Who, p.To} {
			if w.As != Person && w.As != Group {
				continue
			}
			if people, err := named(tx, w); err != nil || len(people) == 0 {
				if err == nil {
					err = fault.Field("phases", "%s: there is nobody called %q, or the group is empty.", p.Name, w.Named)
				}
				return err
			}
		}
	}
	return nil
}

// phasesOf reads the phases of a plan.
func phasesOf(r *record.Record) []Phase {
	rows, _ := r.Values["phases"].([]map[string]any)
	var out []Phase
	for _, row := range rows {
		text := func(name string) string { s, _ := row[name].(string); return strings.TrimSpace(s) }
		number := func(name string) int64 { n, _ := row[name].(int64); return n }
		p := Phase{Name: text("name"), Rule: Rule(text("rule")), Needed: int(number("needed")), Who: Who{text("who"), text("named")}, Hours: number("hours"), Then: End(text("then")), To: Who{text("to_who"), text("to_named")}}
		if p.Rule == "" {
			p.Rule = All
		}
		if p.Then == "" {
			p.Then = Denies
		}
		if p.Who.As == "" {
			p.Who.As = Team
		}
		out = append(out, p)
	}
	return out
}

// typeField is the field that says of which type a record of a kind is.
func typeField(kind string) string {
	return map[string]string{"change": "change_type", "release": "release_type"}[kind]
}

// free are the types that take no approval, whatever is planned.
func free(kind, typ string) bool {
	return kind == "change" && (typ == "Standard" || typ == "Minor") || kind == "release" && typ != "Major"
}

// planFor finds the plan that a record follows; nil when it takes no approval.
func planFor(tx *gate.Tx, e *record.Engine, r *record.Record) (*record.Record, error) {
	if e.Kinds.Kind(PlanKind) == nil {
		return nil, nil
	}
	typ, offering := r.Values.Text(typeField(r.Kind.Name)), id.ID(0)
	if r.Kind.Name == "service_request" {
		if offering = r.Values.ID("offering_id"); offering == 0 {
			return nil, nil
		}
		needs, err := e.Field(tx, "offering", "approval", offering)
		if err != nil || needs[offering] != true {
			return nil, err
		}
	}
	if free(r.Kind.Name, typ) {
		return nil, nil
	}
	plan, err := planOf(tx, e, r.Kind.Name, typ, offering)
	if err == nil && plan == nil && r.Kind.Name == Template {
		return planOf(tx, e, "change", "", 0)
	}
	return plan, err
}

// Takes tells whether a record takes an approval.
func Takes(tx *gate.Tx, r *record.Record) (bool, error) {
	plan, err := planFor(tx, r.Kind.Engine(), r)
	return plan != nil, err
}

// planOf finds the plan for a type or an offering, or the one for all that no other names.
func planOf(tx *gate.Tx, e *record.Engine, kind, typ string, offering id.ID) (*record.Record, error) {
	p, err := e.List(tx, PlanKind, record.Query{Archived: "no", Limit: 500, NoTotal: true, Filters: []record.Filter{{Field: "of_kind", Op: record.Eq, Values: []any{kind}}}})
	if err != nil {
		return nil, err
	}
	var general *record.Record
	for _, plan := range p.Records {
		of, its := plan.Values.Text("of_type"), plan.Values.ID("offering_id")
		switch {
		case of == "" && its == 0:
			general = plan
		case of != "" && strings.EqualFold(of, typ), its != 0 && its == offering:
			return plan, nil
		}
	}
	return general, nil
}
