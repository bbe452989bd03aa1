// Package process runs work of several steps about a ticket: things that are done, waits,
// branches, steps beside each other, approvals.
//
// Always true: a run goes on under the steps that it began with, whatever becomes of the
// process; each step that was begun is a row; what a step does is one transaction with the
// note that it was done and with the row of the next, so that it is done once; it acts with
// the rights that who saved the process last has at that moment; nothing waits for ever, and
// what turns in a circle is counted.
package process

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/process/course"
	"strongroom/internal/feature/sla"
)

// Kind is the name of the kind, and JobKind that of the jobs that go on with what waits.
const (
	Kind    = "process"
	JobKind = "process"
)

// How a process begins.
const (
	ByHand  = "by hand"
	AtOnce  = "when one is opened"
	Ordered = "when the offering is ordered"
)

// Feature is the kind, and what runs.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{processes()}, Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists process_run (id id primary key, process_id int not null, version int not null, record_id int not null, once text not null, course text not null, chain text not null, state text not null, said text not null default '', at int not null, ended_at int not null default 0)`,
	`create unique index if not exists process_run_once on process_run (process_id, record_id, once)`,
	`create index if not exists process_run_record on process_run (record_id, id)`,
	`create table if not exists process_step (id id primary key, run_id int not null, record_id int not null, n int not null, place int not null, state text not null, at int not null, due int not null, next_at int not null, attempts int not null default 0, said text not null default '', ended_at int not null default 0)`,
	`create unique index if not exists process_step_once on process_step (run_id, n)`,
	`create index if not exists process_step_next on process_step (next_at, id) where state = 'open'`,
	`create index if not exists process_step_record on process_step (record_id) where state = 'open'`,
}

// purge forgets what ran about a record that is purged, or of a process.
func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, q := range []string{`delete from process_step where run_id in (select id from process_run where record_id = ? or process_id = ?)`, `delete from process_run where record_id = ? or process_id = ?`} {
		if _, err := tx.Exec(q, n, n); err != nil {
			return err
		}
	}
	return nil
}

func processes() *record.Kind {
	text := func(name, label, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Text, Class: record.Internal, Hint: hint}
	}
	step := text("step", "Step", "")
	step.Required = true
	of := text("of_kind", "Of", "Such as service_request. It stays.")
	of.Required, of.Filter, of.List = true, true, true
	return &record.Kind{
		Name: Kind, Plural: "processes", Label: "Process", Labels: "Processes", Icon: "route", Scope: record.OfTenant, Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			of,
			{Name: "active", Label: "On", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true, Hint: "Only a person turns a process on, and it acts with the rights of who saved it last."},
			{Name: "begins", Type: record.Choice, Choices: []string{ByHand, AtOnce, Ordered}, Default: ByHand, Class: record.Internal, Filter: true, List: true},
			{Name: "offering_id", Label: "Offering", Type: record.Ref, Ref: "offering", Class: record.Internal, Filter: true, Hint: "That it fulfils, when it begins with an order."},
			{Name: "calendar_id", Label: "Calendar", Type: record.Ref, Ref: sla.Calendar, Class: record.Internal, Hint: "By which working hours and working days are counted. Empty: each day and hour, in UTC."},
			{Name: "steps", Type: record.Rows, Class: record.Internal, Hint: "One below the other. Conditions of a step say whether it is done, or what it waits for.", Rows: []record.Field{
				step,
				{Name: "do", Label: "Do", Type: record.Choice, Choices: Deeds(), Class: record.Internal, Required: true},
				text("field", "Field, or whom", ""), text("value", "Value, or what", ""),
				text("if_field", "If field", ""), {Name: "if_op", Label: "Is", Type: record.Choice, Choices: term.Ops(), Class: record.Internal}, text("if_value", "Value", ""),
				{Name: "hours", Label: "How long", Type: record.Number, Class: record.Internal}, {Name: "counted", Label: "Counted in", Type: record.Choice, Choices: course.Counted(), Class: record.Internal}, text("then", "Then step", ""), text("otherwise", "Otherwise step", ""),
				{Name: "most", Label: "Times", Type: record.Integer, Class: record.Internal}, text("together", "Beside", ""),
			}},
			{Name: "acts_as_id", Label: "Rights of", Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true, Group: "Rights"},
		},
	}
}

// Deeds are what a step can do.
func Deeds() []string {
	own := slices.DeleteFunc(automation.Deeds(), func(d string) bool { return d == automation.Asks || d == automation.Starts })
	return append(append(own, course.Waits()...), course.End)
}

// StepsOf reads the steps of a process.
func StepsOf(r *record.Record) (out course.Course) {
	for _, row := range r.Values.Rows("steps") {
		text := func(name string) string { s, _ := row[name].(string); return strings.TrimSpace(s) }
		s := course.Step{Name: text("step"), Do: text("do"), Field: text("field"), Value: text("value"), Then: text("then"), Else: text("otherwise"), Together: text("together"), Counted: text("counted")}
		s.Hours, _ = row["hours"].(float64)
		if n, ok := row["most"].(int64); ok {
			s.Most = int(n)
		}
		if f := text("if_field"); f != "" {
			t := term.Term{Field: f, Op: text("if_op"), Value: text("if_value")}
			if t.Op == "" {
				t.Op = term.Is
			}
			s.If = &t
		}
		out = append(out, s)
	}
	return out
}

// before refuses a process that could not be run or would not end, and gives it the rights of
// who saves it.
func before(tx *gate.Tx, now, old *record.Record) error {
	e := now.Kind.Engine()
	k := e.Kinds.Kind(now.Values.Text("of_kind"))
	switch {
	case k == nil || !automation.Governed(k):
		return fault.Field("of_kind", "There can be no processes about this.").WithHint("Write the name of a kind, such as service_request or incident.")
	case old != nil && old.Values.Text("of_kind") != k.Name:
		return fault.Field("of_kind", "What a process is about stays.").WithHint("Make another process.")
	case now.Values.Text("begins") == Ordered && (k.Name != "service_request" || now.Values.ID("offering_id") == 0):
		return fault.Field("offering_id", "Name the offering that it fulfils; it is about service requests.")
	}
	c := StepsOf(now)
	if now.Values.Bool("active") && len(c) == 0 {
		return fault.Field("steps", "A process that is on has steps.")
	}
	if wrong := c.Check(); len(wrong) > 0 {
		var said []string
		for _, p := range wrong {
			said = append(said, p.Step+" "+p.Said)
		}
		return fault.Field("steps", "%s", strings.Join(said, " "))
	}
	rows := slices.Clone(now.Values.Rows("steps"))
	for i, s := range c {
		row, err := checked(tx, now, k, s, rows[i])
		if err != nil {
			return err
		}
		rows[i] = row
	}
	if len(rows) > 0 {
		now.Values["steps"] = rows
	}
	return automation.Made(tx, now, old, func(old, now *record.Record) bool {
		return old.Values.Bool("active") == now.Values.Bool("active") && old.Values.Text("begins") == now.Values.Text("begins") && old.Values.ID("offering_id") == now.Values.ID("offering_id") && old.Values.ID("calendar_id") == now.Values.ID("calendar_id") && equal(StepsOf(old), StepsOf(now))
	})
}

func equal(a, b course.Course) bool {
	return slices.EqualFunc(a, b, func(x, y course.Step) bool {
		same := (x.If == nil) == (y.If == nil) && (x.If == nil || *x.If == *y.If)
		x.If, y.If = nil, nil
		return same && x == y
	})
}

// checked looks at what a step does and asks, and puts names in their ids' place.
func checked(tx *gate.Tx, now *record.Record, k *record.Kind, s course.Step, row map[string]any) (map[string]any, error) {
	wrong := func(err error) error {
		if !fault.Is(err, fault.Invalid) {
			return err
		}
		said := fault.Say(err)
		words := said.Text
		for _, f := range said.Fields {
			words = f
		}
		return fault.Field("steps", "%s: %s", s.Name, words)
	}
	out := map[string]any{}
	for name, v := range row {
		out[name] = v
	}
	switch {
	case s.Do == course.Entry && automation.EntriesOf(now.Kind.Engine(), k) == "", s.Do == course.Tasks && automation.TasksOf(now.Kind.Engine(), k) == "":
		return nil, fault.Field("steps", "%s: this does not go with %s.", s.Name, strings.ToLower(k.Labels))
	case s.Do == course.Approval:
		if _, err := automation.CheckedAct(tx, now, k, automation.Act{Do: automation.Asks}); err != nil {
			return nil, wrong(err)
		}
	case s.Do != course.End && !slices.Contains(course.Waits(), s.Do):
		a, err := automation.CheckedAct(tx, now, k, automation.Act{Do: s.Do, Field: s.Field, Value: s.Value})
		if err != nil {
			return nil, wrong(err)
		}
		put(out, "field", a.Field)
		put(out, "value", a.Value)
	}
	if s.If != nil {
		t, err := automation.CheckedTerm(tx, now, k, *s.If)
		if err != nil {
			return nil, wrong(err)
		}
		put(out, "if_value", t.Value)
	}
	return out, nil
}

// put keeps a text of a step; an empty one is none, as it is read again.
func put(row map[string]any, name, text string) {
	if text != "" {
		row[name] = text
	}
}

// Refs are the records that steps name, for their names.
func Refs(c course.Course) (out []id.ID) {
	for _, s := range c {
		texts := []string{s.Field, s.Value}
		if s.If != nil {
			texts = append(texts, s.If.Value)
		}
		for _, t := range texts {
			if n, ok := id.Parse(t); ok {
				out = append(out, n)
			}
		}
	}
	return out
}

// long says how long a step waits.
func long(s course.Step) string {
	n := strconv.FormatFloat(s.Hours, 'f', -1, 64)
	what := map[string]string{course.Working: "working hour", course.Workdays: "working day"}[s.Counted]
	if what == "" {
		what = "hour"
	}
	if s.Hours != 1 {
		what += "s"
	}
	if m, _ := s.Minute(); s.Do == course.Pause && s.Counted == course.Workdays {
		return fmt.Sprintf("%s %s, until %d:%02d", n, what, m/60, m%60)
	}
	return n + " " + what
}

// Sentence says what a step does, in plain words.
func Sentence(k *record.Kind, s course.Step, names map[id.ID]string) string {
	hours := long(s)
	when := ""
	if s.If != nil {
		when = automation.SayTerm(k, *s.If, names)
	}
	out := ""
	switch s.Do {
	case course.Pause:
		out = "wait " + hours
	case course.Until:
		out, when = "wait until "+when+", "+hours+" at the most", ""
	case course.Entry:
		out = "wait for an entry, " + hours + " at the most"
	case course.Tasks:
		out = "wait until its tasks are over, " + hours + " at the most"
	case course.Approval:
		out = "ask for approval and wait for it, " + hours + " at the most"
	case course.End:
		out = "end"
	default:
		out = automation.SayAct(k, automation.Act{Do: s.Do, Field: s.Field, Value: s.Value}, names)
	}
	if when != "" {
		out = "if " + when + ": " + out
	}
	if s.Together != "" {
		out += ", beside the others of “" + s.Together + "”"
	}
	if s.Then != "" {
		out += "; then “" + s.Then + "”"
	}
	if s.Else != "" {
		out += "; otherwise “" + s.Else + "”"
	}
	return out + "."
}
