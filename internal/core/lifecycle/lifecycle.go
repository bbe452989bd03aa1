// Package lifecycle holds the records of a kind to the states and moves that the
// kind declares: what may follow what, what a state demands, what can be changed in
// it, and who alone makes a move or a change.
//
// Always true: a save that goes through Rule leaves a record in a declared state,
// reached by a declared move that the caller may make, with every field that the state
// demands. Rules that fill fields come before those that refuse.
package lifecycle

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// Lifecycle declares the states of a kind, in the order in which people read them.
type Lifecycle struct {
	Field  string // the Choice field that holds the state
	States []State
	// Rights give moves and fields to some people alone; Is tells what the caller is to a
	// record, and is needed where there are any.
	Rights []Right
	Is     func(tx *gate.Tx, r *record.Record, p Part) (bool, error)
}

// State is one of them.
type State struct {
	Name     string
	Begins   bool     // a record may begin in it
	To       []string // the states that may follow
	Requires []string // fields that must be set in it
	// Opens are fields that can be changed only in the states that open them. A
	// field that no state opens can be changed in all.
	Opens []string
	// Frozen lets only the fields of Except change, and the state by a move.
	Frozen bool
	Except []string
}

// Names lists the states, as the choices of the field.
func (l *Lifecycle) Names() []string {
	out := make([]string, len(l.States))
	for i, s := range l.States {
		out[i] = s.Name
	}
	return out
}

// StateField is the field that holds the state.
func (l *Lifecycle) StateField() string { return l.Field }

// Next are the states that may follow one; none when there is no such state.
func (l *Lifecycle) Next(state string) []string {
	if s := l.State(state); s != nil {
		return s.To
	}
	return nil
}

// State finds a state; nil when there is none of that name.
func (l *Lifecycle) State(name string) *State {
	for i := range l.States {
		if l.States[i].Name == name {
			return &l.States[i]
		}
	}
	return nil
}

// Rule is a kind's Before: fill, which may be nil, completes the record, and then
// Allow and Check decide.
func (l *Lifecycle) Rule(fill func(tx *gate.Tx, now, old *record.Record) error) func(tx *gate.Tx, now, old *record.Record) error {
	return func(tx *gate.Tx, now, old *record.Record) error {
		if fill != nil {
			if err := fill(tx, now, old); err != nil {
				return err
			}
		}
		if err := l.Allow(tx, now, old); err != nil {
			return err
		}
		return l.Check(now, old)
	}
}

// Check decides whether old may become now; old is nil for a new record. Fault
// kind Invalid with fields, all that are wrong at once.
func (l *Lifecycle) Check(now, old *record.Record) error {
	is := l.State(now.Values.Text(l.Field))
	label := strings.ToLower(now.Kind.Label)
	if is == nil {
		return fault.Field(l.Field, "%q is no state of a %s.", now.Values.Text(l.Field), label).WithHint("There are %s.", strings.Join(l.Names(), ", "))
	}
	if old == nil && !is.Begins {
		return fault.Field(l.Field, "No %s begins as %s.", label, is.Name)
	}
	if old != nil {
		if err := l.move(now, old, is); err != nil {
			return err
		}
	}
	bad := map[string]string{}
	if old != nil {
		l.frozen(now, old, bad)
	}
	for _, f := range l.closed(is) {
		if changed(now, old, f) {
			bad[f] = title(now.Kind, f) + " cannot be changed while this is " + is.Name + "."
		}
	}
	for _, f := range is.Requires {
		if value(now, f) == nil {
			bad[f] = title(now.Kind, f) + " is missing, and needed while this is " + is.Name + "."
		}
	}
	return fault.Fields(bad)
}

// move decides on a change of state. From a state that is declared no more, each
// is allowed: the record would be stuck otherwise.
func (l *Lifecycle) move(now, old *record.Record, to *State) error {
	from := l.State(old.Values.Text(l.Field))
	if from == nil || from.Name == to.Name || slices.Contains(from.To, to.Name) {
		return nil
	}
	err := fault.Field(l.Field, "What is %s does not become %s.", from.Name, to.Name)
	if len(from.To) == 0 {
		return err.WithHint("It stays %s.", from.Name)
	}
	return err.WithHint("It may become %s.", strings.Join(from.To, ", "))
}

// frozen refuses changes of what a frozen state keeps.
func (l *Lifecycle) frozen(now, old *record.Record, bad map[string]string) {
	from := l.State(old.Values.Text(l.Field))
	if from == nil || !from.Frozen {
		return
	}
	for i := range now.Kind.Fields {
		if f := now.Kind.Fields[i].Name; f != l.Field && !slices.Contains(from.Except, f) && changed(now, old, f) {
			bad[f] = title(now.Kind, f) + " cannot be changed any more: this is " + from.Name + "."
		}
	}
	if now.Org != old.Org {
		bad["organization_id"] = "The organization cannot be changed any more: this is " + from.Name + "."
	}
}

// closed are the fields that other states open and this one does not.
func (l *Lifecycle) closed(is *State) []string {
	var out []string
	for _, s := range l.States {
		for _, f := range s.Opens {
			if !slices.Contains(is.Opens, f) && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// Fits tells what is wrong with the declaration, given the kind that has it.
func (l *Lifecycle) Fits(k *record.Kind) error {
	f := k.Field(l.Field)
	if f == nil || f.Type != record.Choice || !slices.Equal(f.Choices, l.Names()) {
		return fmt.Errorf("kind %s: %q is no Choice field of the states", k.Name, l.Field)
	}
	begins := false
	for i, s := range l.States {
		begins = begins || s.Begins
		if slices.Contains(l.Names()[:i], s.Name) {
			return fmt.Errorf("kind %s: state %s is declared twice", k.Name, s.Name)
		}
		for _, to := range s.To {
			if l.State(to) == nil || to == s.Name {
				return fmt.Errorf("kind %s: %s becomes %q, which is no other state", k.Name, s.Name, to)
			}
		}
		for _, name := range slices.Concat(s.Requires, s.Opens, s.Except) {
			if k.Field(name) == nil {
				return fmt.Errorf("kind %s: state %s names the field %q, which is not declared", k.Name, s.Name, name)
			}
		}
	}
	if !begins {
		return fmt.Errorf("kind %s: no record can begin", k.Name)
	}
	return l.rightsFit(k)
}

// value of a field; nil when it is not set.
func value(r *record.Record, field string) any {
	if field != "name" {
		return r.Values[field]
	}
	if r.Name == "" {
		return nil
	}
	return r.Name
}

func changed(now, old *record.Record, field string) bool {
	if old == nil {
		f := now.Kind.Field(field)
		return value(now, field) != nil && !reflect.DeepEqual(value(now, field), f.Default)
	}
	return !reflect.DeepEqual(value(now, field), value(old, field))
}

func title(k *record.Kind, field string) string { return k.Field(field).Title() }
