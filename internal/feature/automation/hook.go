package automation

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/journal/entry"
)

// hook is a rule of a kind.
type hook = func(tx *gate.Tx, now, old *record.Record) error

// Over gives features whose kinds have rules: what tenants say is filled in before a kind's
// own rules decide, and what else they say follows what was saved.
func (r *Rules) Over(list []record.Feature) []record.Feature {
	for _, f := range list {
		for _, k := range f.Kinds {
			if before, after := k.Before, k.After; Governed(k) {
				k.Before = func(tx *gate.Tx, now, old *record.Record) error { return r.fill(tx, now, old, before) }
				k.After = func(tx *gate.Tx, now, old *record.Record) error {
					if after != nil {
						if err := after(tx, now, old); err != nil {
							return err
						}
					}
					return r.follow(tx, now, old)
				}
			}
			if after := k.After; k.Name == entry.Kind {
				k.After = func(tx *gate.Tx, now, old *record.Record) error {
					if err := after(tx, now, old); err != nil {
						return err
					}
					return r.written(tx, now, old)
				}
			}
		}
	}
	return list
}

type activeKey struct{}

// active are the rules that are on, in their order, read once in a transaction.
func active(tx *gate.Tx, e *record.Engine) (list []*Rule, err error) {
	got := tx.Local(activeKey{}, func() any {
		list, err = read(tx, e)
		return list
	})
	list, _ = got.([]*Rule)
	return list, err
}

// read reads the rules that are on. It asks nothing more when there are none.
func read(tx *gate.Tx, e *record.Engine) ([]*Rule, error) {
	if e.Kinds.Kind(Kind) == nil {
		return nil, nil
	}
	rows, err := tx.Query(`select r.id, r.version, r.name, k.of_kind, k.happens, coalesce(k.field, ''), coalesce(k.since, ''), coalesce(k.hours, 0), coalesce(k.any_term, 0), coalesce(k.also_over, 0),
		coalesce(k.conditions, ''), coalesce(k.actions, ''), coalesce(k.acts_as_id, 0) from k_automation_rule k join record r on r.id = k.id
		where k.active = 1 and r.archived = 0 and r.trashed_at is null order by coalesce(k.place, 0), r.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	k := e.Kinds.Kind(Kind)
	var out []*Rule
	for rows.Next() {
		r := &record.Record{Kind: k, Values: record.Values{"active": true}}
		var n, maker, anyTerm, over int64
		var of, when, field, since, conditions, actions string
		var hours float64
		if err := rows.Scan(&n, &r.Version, &r.Name, &of, &when, &field, &since, &hours, &anyTerm, &over, &conditions, &actions, &maker); err != nil {
			return nil, err
		}
		r.ID = id.ID(n)
		for name, v := range map[string]any{"of_kind": of, "happens": when, "field": field, "since": since, "hours": hours, "any_term": anyTerm == 1, "also_over": over == 1, "acts_as_id": id.ID(maker)} {
			r.Values[name] = v
		}
		for name, text := range map[string]string{"conditions": conditions, "actions": actions} {
			v, err := k.Field(name).Parse(text)
			if err != nil {
				return nil, err
			}
			r.Values[name] = v
		}
		out = append(out, Of(r))
	}
	return out, rows.Err()
}

// occasion tells whether what happens to a record sets a rule off, before its conditions.
func (x *Rule) occasion(now, old *record.Record) bool {
	switch {
	case x.Of != now.Kind.Name:
		return false
	case x.When == Created:
		return old == nil
	case x.When == Changed:
		return old != nil
	case x.When == FieldHas:
		return old != nil && (term.Term{Field: x.Field, Op: term.Changed}).Met(now, old, nil)
	}
	return false
}

// over tells whether a record is over, and was before: such a one is left alone.
func over(now, old *record.Record) bool {
	was := old == nil || old.Values.Bool(now.Kind.Ended) || old.Archived
	return now.Archived && was || now.Kind.Ended != "" && now.Values.Bool(now.Kind.Ended) && was
}

// met tells whether the conditions of a rule hold of a record that it may leave or take.
func (x *Rule) met(now, old *record.Record, said term.Facts) bool {
	return (x.Over || !over(now, old)) && term.All(x.If, x.Any, now, old, said)
}

// fills are what a rule sets at once, in the save that set it off: every field but the
// state, which may be refused and then waits.
func (x *Rule) fills() (out []Act) {
	for _, a := range x.Then {
		if a.Do == Sets {
			out = append(out, a)
		}
	}
	return out
}

// later tells whether a rule has something to do that waits until the save is durable.
func (x *Rule) later() bool {
	return slices.ContainsFunc(x.Then, func(a Act) bool { return a.Do != Sets })
}

// filled is what a rule set in a save.
type filled struct {
	rule    *Rule
	fields  []string
	refused string
}

type filledKey struct{ record id.ID }

// errProbe ends what was only tried.
var errProbe = errors.New("only tried")

// fill sets what rules say in a record that is about to be saved, then lets the kind's own
// rules decide. What rules say never keeps somebody from saving: without it the save is
// tried again.
func (r *Rules) fill(tx *gate.Tx, now, old *record.Record, kinds hook) error {
	own := func(rec *record.Record) error {
		if kinds == nil {
			return nil
		}
		return kinds(tx, rec, old)
	}
	list, err := r.candidates(tx, now, old)
	if err != nil || len(list) == 0 {
		return errors.Join(err, own(now))
	}
	probe := clone(now)
	if err := tx.Try(func() error { return errors.Join(own(probe), errProbe) }); errors.Is(err, errProbe) && err.Error() != errProbe.Error() {
		probe = clone(now) // it is refused as it is: perhaps not with what the rules fill in
	}
	was := clone(now)
	var done []filled
	err = tx.Try(func() error {
		if done, err = r.apply(tx, now, probe, old, list); err != nil {
			return err
		}
		return own(now)
	})
	if err != nil && len(done) > 0 {
		why := fault.Say(err).Text
		now.Name, now.Values, now.Archived = was.Name, was.Values, was.Archived
		if err := own(now); err != nil {
			return err
		}
		for i := range done {
			done[i].refused = why
		}
		err = nil
	}
	if len(done) > 0 {
		kept := tx.Local(filledKey{now.ID}, func() any { return &[]filled{} }).(*[]filled)
		*kept = done
	}
	return err
}

func clone(r *record.Record) *record.Record {
	out := *r
	out.Values = r.Values.Clone()
	return &out
}

// candidates are the rules that may fill something in.
func (r *Rules) candidates(tx *gate.Tx, now, old *record.Record) ([]*Rule, error) {
	if quiet(tx) || old != nil && old.Trashed != now.Trashed {
		return nil, nil
	}
	list, err := active(tx, now.Kind.Engine())
	if err != nil {
		return nil, err
	}
	var out []*Rule
	for _, x := range list {
		if x.Of == now.Kind.Name && slices.Contains([]When{Created, Changed, FieldHas}, x.When) && len(x.fills()) > 0 && !slices.Contains(from(tx).chain, x.ID) && len(from(tx).chain) < mostSteps {
			out = append(out, x)
		}
	}
	return out, nil
}

// apply sets in now what the rules say of probe, which is now as the kind completes it.
func (r *Rules) apply(tx *gate.Tx, now, probe, old *record.Record, list []*Rule) (done []filled, err error) {
	said := term.Facts{term.Origin: brought(tx)}
	for _, x := range list {
		if !x.occasion(probe, old) || !x.met(probe, old, said) {
			continue
		}
		ok, err := may(tx, x, access.Edit, now, old == nil)
		if err != nil {
			return done, err
		}
		if !ok {
			continue
		}
		f := filled{rule: x}
		for _, a := range x.fills() {
			field := Field(now.Kind, a.Field)
			if field == nil {
				continue
			}
			v, err := field.Parse(Expand(a.Value, probe))
			if err != nil || term.Text(field, v) == term.Text(field, Value(probe, a.Field)) {
				continue
			}
			set(now, field.Name, v)
			set(probe, field.Name, v)
			f.fields = append(f.fields, field.Name)
		}
		if len(f.fields) > 0 || x.later() {
			done = append(done, f)
		}
	}
	return done, nil
}

// Value is the value of a field, the name among them.
func Value(r *record.Record, field string) any {
	if field == "name" {
		return r.Name
	}
	return r.Values[field]
}

func set(r *record.Record, field string, v any) {
	switch {
	case field == "name":
		if s, ok := v.(string); ok {
			r.Name = s
		}
	case v == nil:
		delete(r.Values, field)
	default:
		r.Values[field] = v
	}
}

// follow notes what rules filled in, and puts what else they say into the queue, in the
// transaction of what set them off.
func (r *Rules) follow(tx *gate.Tx, now, old *record.Record) error {
	if quiet(tx) || old != nil && old.Trashed != now.Trashed {
		return nil
	}
	list, err := active(tx, now.Kind.Engine())
	if err != nil || len(list) == 0 {
		return err
	}
	done := map[id.ID]filled{}
	kept := tx.Local(filledKey{now.ID}, func() any { return &[]filled{} }).(*[]filled)
	for _, f := range *kept {
		done[f.rule.ID] = f
	}
	*kept = nil
	said := term.Facts{term.Origin: brought(tx)}
	for _, x := range list {
		f, has := done[x.ID]
		switch {
		case has:
			if err := r.keep(tx, now, old, f); err != nil {
				return err
			}
		case len(x.fills()) > 0 || !x.occasion(now, old) || !x.met(now, old, said):
			continue
		}
		if x.later() {
			if err := r.enqueue(tx, x, now, old, fmt.Sprintf("version/%d", now.Version), said); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep notes what a rule filled in.
func (r *Rules) keep(tx *gate.Tx, now, old *record.Record, f filled) error {
	if len(f.fields) == 0 {
		return nil
	}
	said, err := why(tx, f.rule, now, old, term.Facts{term.Origin: brought(tx)})
	if err != nil {
		return err
	}
	run := Run{Rule: f.rule.ID, RuleVersion: f.rule.Version, Record: now.ID, Happens: f.rule.When, Once: fmt.Sprintf("filled/%d", now.Version), State: Done, Why: said, Made: now.Version, Did: "Set " + strings.Join(titles(now.Kind, f.fields), ", ") + "."}
	if f.refused != "" {
		run.State, run.Did, run.Made = Failed, "Could not set "+strings.Join(titles(now.Kind, f.fields), ", ")+": "+f.refused, 0
	} else {
		noted(tx, f.rule, now, f.fields, said)
	}
	_, err = run.put(tx, from(tx))
	return err
}

func titles(k *record.Kind, fields []string) (out []string) {
	for _, n := range fields {
		out = append(out, Field(k, n).Title())
	}
	return out
}

// written sets off the rules of a ticket on which somebody wrote.
func (r *Rules) written(tx *gate.Tx, e, old *record.Record) error {
	if old != nil || quiet(tx) {
		return nil
	}
	list, err := active(tx, e.Kind.Engine())
	if err != nil || !slices.ContainsFunc(list, func(x *Rule) bool { return x.When == Written }) {
		return err
	}
	ticket, err := e.Kind.Engine().Get(tx, "", e.Parent)
	if err != nil {
		return err
	}
	said := term.Facts{term.EntryType: e.Values.Text("journal_type"), term.Public: term.Text(nil, e.Values.Bool("publish_to_web")), term.Origin: brought(tx)}
	return r.off(tx, ticket, Written, "entry/"+e.ID.String(), said)
}

// off sets off the rules of an occasion that is no change of the record itself.
func (r *Rules) off(tx *gate.Tx, rec *record.Record, when When, once string, said term.Facts) error {
	list, err := active(tx, rec.Kind.Engine())
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.Of != rec.Kind.Name || x.When != when || !x.met(rec, rec, said) {
			continue
		}
		if err := r.enqueue(tx, x, rec, nil, once, said); err != nil {
			return err
		}
	}
	return nil
}

// Clock sets off the rules of a deadline that is near, or has passed. mark is its key.
func (r *Rules) Clock(tx *gate.Tx, ticket *record.Record, late bool, mark string) error {
	when := Warned
	if late {
		when = Breached
	}
	return r.off(tx, ticket, when, "clock/"+mark, term.Facts{term.Origin: term.ByHouse})
}
