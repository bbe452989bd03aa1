// Package automation holds the rules by which a tenant has things done by themselves:
// when something happens to a record, if it is so and so, then this is done.
//
// Always true: a rule acts with the rights that who saved it last has at that moment, and
// reads no secret; it sees and changes nothing that she could not; what it does is recorded
// as done by the rule in her name; a rule is not set off by what it did itself, and what
// rules set off ends after few steps and within a rate for each record and tenant; what is
// over is left alone unless the rule says otherwise; what a run does is one transaction with
// the note that it was done, so that it is done once.
package automation

import (
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/term"
)

// Kind is the name of the kind of rules, and JobKind that of the jobs that run them.
const (
	Kind    = "automation_rule"
	JobKind = "automation"
)

// Via is how callers come that are rules.
const Via = "rule"

// When says what sets a rule off.
type When = string

// The occasions.
const (
	Created  When = "It is created"
	Changed  When = "It changes"
	FieldHas When = "A field changes"
	Written  When = "An entry is written"
	Warned   When = "A deadline is near"
	Breached When = "A deadline has passed"
	Elapsed  When = "Time has passed"
	ByHand   When = "Somebody asks for it"
)

// Occasions lists them, for choices.
func Occasions() []When {
	return []When{Created, Changed, FieldHas, Written, Warned, Breached, Elapsed, ByHand}
}

// What a rule does.
const (
	Sets      = "Set a field"
	Moves     = "Move to"
	Tells     = "Tell"
	Watches   = "Add a watcher"
	Notes     = "Add a note"
	MakesTask = "Create a task"
	Lists     = "Add a checklist"
	Opens     = "Open a ticket"
	Asks      = "Ask for approval"
	Starts    = "Start a process"
	Calls     = "Call a webhook"
	Assigns   = "Give to somebody of a team"
)

// Deeds lists them, for choices.
func Deeds() []string {
	return []string{Sets, Moves, Tells, Watches, Notes, MakesTask, Lists, Opens, Asks, Assigns, Calls, Starts}
}

// Since what time is counted.
const (
	SinceCreated = "it was created"
	SinceChanged = "it was changed"
)

// How much a rule holds.
const (
	mostTerms = 20
	mostActs  = 10
	mostHours = 24 * 366
)

// Act is one thing that a rule does.
type Act struct {
	Do, Field, Value string
}

// Rule is a rule as it is run.
type Rule struct {
	ID      id.ID
	Version int64
	Name    string
	On      bool
	Of      string // the kind of records
	When    When
	Field   string // of FieldHas
	Since   string
	Hours   float64
	Any     bool // one of If is enough
	If      []term.Term
	Then    []Act
	Over    bool  // of what is over too
	Maker   id.ID // whose rights it has; 0 for nobody's
}

// Rules runs the rules of all tenants. Fill the fields.
type Rules struct {
	Gate    *gate.Gate
	Records *record.Engine
	// Do does what a run says, in the transaction and as the caller that it is given: what
	// fails, fails as a whole.
	Do func(tx *gate.Tx, e *record.Engine, w *Work) error
	// Rounds, when set, tells when a routine comes round, and what it made.
	Rounds func(tx *gate.Tx, r *record.Record) ([]Round, error)
	Jobs   *job.Runner // nil leaves what waits to the schedule
	Most   int         // runs of a tenant within an hour; 0 is 2,000
}

// Routine is the name of the kind of routines.
const Routine = "routine"

// Round is one time that a routine comes round.
type Round struct {
	At    int64 // Unix milliseconds
	Day   string
	Ahead bool
	Made  id.ID // 0 for nothing, or not yet
	Said  string
}

// Feature is the kind of rules, and what they did.
func Feature() record.Feature {
	return record.Feature{Name: "automation", Kinds: []*record.Kind{rules()}, Schema: schema, Purge: purge}
}

// The statements make what rules did or are to do, and until when the passing of time was
// looked at.
var schema = []string{
	`create table if not exists automation_run (id id primary key, rule_id int not null, rule_version int not null, record_id int not null, happens text not null, once text not null,
		at int not null, next_at int not null, state text not null, why text not null default '', did text not null default '', depth int not null, chain text not null,
		made int not null default 0, attempts int not null default 0, ended_at int not null default 0)`,
	`create unique index if not exists automation_run_once on automation_run (rule_id, record_id, once)`,
	`create index if not exists automation_run_record on automation_run (record_id, at)`,
	`create index if not exists automation_run_at on automation_run (at, id)`,
	`create index if not exists automation_run_waiting on automation_run (next_at, id) where state = 'waiting'`,
	`create table if not exists automation_seen (rule_id int primary key, until int not null)`,
}

// purge forgets what was done to a record that is purged, or by a rule.
func purge(tx *gate.Tx, r *record.Record) error {
	if _, err := tx.Exec(`delete from automation_run where record_id = ? or rule_id = ?`, int64(r.ID), int64(r.ID)); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from automation_seen where rule_id = ?`, int64(r.ID))
	return err
}

func rules() *record.Kind {
	text := func(name, label, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Text, Class: record.Internal, Hint: hint}
	}
	of := text("of_kind", "Of", "What the rule is about. Conditions and actions are chosen once the rule is made.")
	of.Required, of.Filter, of.List = true, true, true
	which := text("field", "Which field", "The one that has to change, where the rule waits for that.")
	which.Group = "When"
	deed := record.Field{Name: "do", Label: "Do", Type: record.Choice, Choices: Deeds(), Class: record.Internal, Required: true}
	return &record.Kind{
		Name: Kind, Plural: "automation_rules", Label: "Rule", Labels: "Rules", Icon: "bolt", Scope: record.OfTenant, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			of,
			{Name: "active", Label: "On", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true, Hint: "Only a person turns a rule on, and it acts with the rights of who saved it last."},
			{Name: "place", Label: "Order", Type: record.Integer, Class: record.Internal, Default: int64(100), Sort: true, List: true, Hint: "Rules of one occasion run from the smallest."},
			{Name: "happens", Label: "When", Type: record.Choice, Choices: Occasions(), Class: record.Internal, Required: true, Filter: true, List: true, Group: "When"},
			which,
			{Name: "since", Label: "Counted since", Type: record.Choice, Choices: []string{SinceCreated, SinceChanged}, Class: record.Internal, Group: "When", Hint: "When time has passed."},
			{Name: "hours", Label: "Hours", Type: record.Number, Class: record.Internal, Group: "When", Hint: "So many have passed."},
			{Name: "any_term", Label: "One of the conditions is enough", Type: record.Bool, Class: record.Internal, Default: false, Group: "If"},
			{Name: "also_over", Label: "Also of what is over", Type: record.Bool, Class: record.Internal, Default: false, Group: "If", Hint: "Otherwise closed tickets are left alone."},
			{Name: "conditions", Type: record.Rows, Class: record.Internal, Group: "If", Rows: []record.Field{text("field", "Field", ""),
				{Name: "op", Label: "Is", Type: record.Choice, Choices: term.Ops(), Class: record.Internal}, text("value", "Value", "")}},
			{Name: "actions", Type: record.Rows, Class: record.Internal, Group: "Then", Rows: []record.Field{deed, text("field", "Field, or whom", ""), text("value", "Value, or what", "")}},
			{Name: "acts_as_id", Label: "Rights of", Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true, Group: "Rights"},
		},
	}
}

// Of reads a rule of its record.
func Of(r *record.Record) *Rule {
	v := r.Values
	out := &Rule{ID: r.ID, Version: r.Version, Name: r.Name, On: v.Bool("active") && !r.Archived, Of: v.Text("of_kind"), When: v.Text("happens"), Field: v.Text("field"), Since: v.Text("since"),
		Any: v.Bool("any_term"), Over: v.Bool("also_over"), Maker: v.ID("acts_as_id")}
	out.Hours, _ = v["hours"].(float64)
	text := func(row map[string]any, name string) string { s, _ := row[name].(string); return strings.TrimSpace(s) }
	for _, row := range v.Rows("conditions") {
		t := term.Term{Field: text(row, "field"), Op: text(row, "op"), Value: text(row, "value")}
		if t.Field == "" && t.Value == "" {
			continue
		}
		if t.Op == "" {
			t.Op = term.Is
		}
		out.If = append(out.If, t)
	}
	for _, row := range v.Rows("actions") {
		out.Then = append(out.Then, Act{text(row, "do"), text(row, "field"), text(row, "value")})
	}
	return out
}

// Governed tells whether there can be rules about records of a kind.
func Governed(k *record.Kind) bool {
	return k.Scope == record.OfOrganization && !k.Fixed && !k.Admin && !k.Shared && k.Variants == nil
}
