// Package sensitive lets administrators say which fields are sensitive, and shows
// the values of such fields to who may see them.
//
// Always true: each look at a value is in the audit log, durable, before the value
// is given, and obeys the policies that secrets obey; marking and its contrary are
// recorded, and bring the values from before along by a job that goes on where it
// was cut short, during which every value can be read and written.
package sensitive

import (
	"context"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/secret"
)

// The actions of the audit entries.
const (
	Marked   = "field.marked"   // somebody said that a field is sensitive
	Unmarked = "field.unmarked" // or that it is no more
	Shown    = sealed.Shown     // somebody saw a value
)

// Fields marks and shows. Fill the fields; it then is safe for concurrent use.
type Fields struct {
	Gate    *gate.Gate
	Records *record.Engine
	Jobs    *job.Runner

	// Policies say whether a value may be shown now; see secret.Revealer.
	Policies []secret.Policy
}

// Line is one marked field.
type Line struct {
	sealed.Mark
	Shape *record.Kind  // nil when what declared the field is gone
	Of    *record.Field // likewise
	Busy  bool          // a job is at it
}

// List gives the marked fields by kind and field. Denied for who may not
// administer the tenant.
func (s *Fields) List(tx *gate.Tx) ([]Line, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	all, err := sealed.All(tx)
	if err != nil {
		return nil, err
	}
	busy, err := at(tx)
	if err != nil {
		return nil, err
	}
	var out []Line
	for _, k := range s.Records.Kinds.Kinds() {
		names := make([]string, 0, len(all[k.Name]))
		for name := range all[k.Name] {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			l := Line{Mark: all[k.Name][name], Busy: slices.Contains(busy, payload{k.Name, name})}
			if l.Shape, l.Of, err = s.field(tx, k.Name, name); err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// field finds a field of a kind, or one that a variant of it adds.
func (s *Fields) field(tx *gate.Tx, kind, name string) (*record.Kind, *record.Field, error) {
	k := s.Records.Kinds.Kind(kind)
	if k == nil {
		return nil, nil, gate.Missing()
	}
	if f := k.Field(name); f != nil {
		return k, f, nil
	}
	by, ok := id.ID(0), false
	if k.Variants != nil && len(name) > 1 {
		by, ok = id.Parse(name[1:])
	}
	if !ok || record.TraitName(by) != name {
		return nil, nil, gate.Missing()
	}
	part, err := s.Records.Get(tx, k.Variants.Parts, by)
	if err != nil {
		return nil, nil, err
	}
	of := part.Parent
	if of == 0 { // it is of the tenant, and names what it is a part of
		of = part.Values.ID(k.Variants.By)
	}
	if k, err = s.Records.Shape(tx, kind, of); err != nil {
		return nil, nil, err
	}
	if f := k.Field(name); f != nil {
		return k, f, nil
	}
	return nil, nil, gate.Missing()
}

// Mark says that a field is sensitive, and begins to seal the values that it has;
// exact lets records be found by the whole value. Of a field that is marked
// already it begins what was cut short. It gives the id of the job. Fault kinds:
// Denied, NotFound, Invalid for a field that cannot be marked, Conflict while a
// job is at it.
func (s *Fields) Mark(ctx context.Context, c *access.Caller, kind, field string, exact bool) (id.ID, error) {
	return s.change(ctx, c, kind, field, func(tx *gate.Tx, k *record.Kind, f *record.Field, m sealed.Mark, has bool) error {
		if said := Unfit(k, f); said != "" {
			return fault.Field("field", "%s cannot be sealed: %s", f.Title(), said)
		}
		if exact && !Comparable(f) {
			return fault.Field("exact", "Records cannot be found by the whole value of %s: it is no short text, number or date.", f.Title())
		}
		e := tx.Entry()
		e.Action, e.Detail.Text = Marked, "its values are sealed"
		if exact {
			e.Detail.Text += "; records can be found by the whole value"
		}
		if has && m.Exact != exact {
			return fault.New(fault.Conflict, "%s is sealed already.", f.Title()).WithHint("Take the mark off and set it again to change how records are found by it.")
		}
		return sealed.Set(tx, sealed.Mark{Kind: kind, Field: field, State: sealed.Sealing, Exact: exact, At: tx.Now, By: tx.Caller.User})
	})
}

// Unmark says that a field is not sensitive any more: who may see its records
// sees its values again once the job is done whose id it gives. Fault kinds as of
// Mark.
func (s *Fields) Unmark(ctx context.Context, c *access.Caller, kind, field string) (id.ID, error) {
	return s.change(ctx, c, kind, field, func(tx *gate.Tx, _ *record.Kind, f *record.Field, m sealed.Mark, has bool) error {
		if !has {
			return fault.New(fault.Conflict, "%s is not sealed.", f.Title())
		}
		e := tx.Entry()
		e.Action, e.Detail.Text = Unmarked, "its values are opened"
		m.State = sealed.Opening
		return sealed.Set(tx, m)
	})
}

func (s *Fields) change(ctx context.Context, c *access.Caller, kind, field string, set func(*gate.Tx, *record.Kind, *record.Field, sealed.Mark, bool) error) (jid id.ID, err error) {
	err = s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if !tx.Caller.Everything() {
			return fault.New(fault.Denied, "This API key is for some organizations only.")
		}
		k, f, err := s.field(tx, kind, field)
		if err != nil {
			return err
		}
		busy, err := at(tx)
		if err != nil {
			return err
		}
		if slices.Contains(busy, payload{kind, field}) {
			return fault.New(fault.Conflict, "%s is just being sealed or opened.", f.Title()).WithHint("Wait until that has ended.")
		}
		marks, err := sealed.Of(tx, kind)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Detail.Fields, e.Detail.Name = []string{kind + "." + field}, k.Label+", "+f.Title()
		m, has := marks[field]
		if err := set(tx, k, f, m, has); err != nil {
			return err
		}
		jid, err = s.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{kind, field}})
		return err
	})
	return jid, err
}

// Comparable tells whether records can be found by the whole value of a field.
func Comparable(f *record.Field) bool {
	switch f.Type {
	case record.Text, record.Integer, record.Number, record.Date, record.Time, record.Choice:
		return true
	}
	return false
}

// Unfit says, in the rest of a sentence, why a field cannot be marked; empty when
// it can.
func Unfit(k *record.Kind, f *record.Field) string {
	switch {
	case k.Admin || k.Fixed || k.Scope == record.OfTenant:
		return "every record may refer to " + k.Labels + "."
	case k.Scope == record.OfPerson:
		return "nobody but their owner sees " + k.Labels + " anyway."
	case k.Name == "document" || k.Name == "document_section" || k.Name == "document_template":
		return "a document is read as a whole; restrict it instead."
	case f.Type == record.Secret:
		return "it is a secret anyway."
	case f.Type == record.Files, f.Type == record.Ref, f.Type == record.Refs, f.Type == record.Bool:
		return "it is no text, number, date or list of them."
	case f.Name == "name", f.Unique, named(k, f):
		return "records are known by it."
	case f.ReadOnly, f.Own, f.Expires, f.Of != "", f.Name == k.Ended, slices.ContainsFunc(k.Fields, func(x record.Field) bool { return x.Of == f.Name }):
		return "rules of the house read it."
	}
	return ""
}

// named tells whether records have their name from a field.
func named(k *record.Kind, f *record.Field) bool {
	if k.NameOf == nil {
		return false
	}
	var probe any = "probe"
	switch f.Type {
	case record.Integer, record.Time:
		probe = int64(4711)
	case record.Number:
		probe = 4711.5
	case record.Date:
		probe = "2011-11-11"
	case record.Rows:
		row := map[string]any{}
		for _, c := range f.Rows {
			row[c.Name] = "probe"
		}
		probe = []map[string]any{row}
	}
	return k.NameOf(record.Values{f.Name: probe}) != k.NameOf(record.Values{})
}

// Value is one that was shown.
type Value struct {
	Record  *record.Record
	Field   *record.Field
	Value   any   // of the field's Go type, or as it was kept when that has changed
	Version int64 // of the record that it is of

	Versions []int64 // of the record, from which on there are values, newest first
}

// Show gives the value that a field of a record has now or, with a version, had
// then. That it was shown is in the audit log when it returns. Fault kinds:
// NotFound for a record that the caller may not see and where nothing is sealed,
// Denied.
func (s *Fields) Show(ctx context.Context, c *access.Caller, rec id.ID, field string, version int64, reason string) (*Value, error) {
	out := &Value{}
	err := s.Gate.Change(ctx, c, access.Reveal, gate.Thing{ID: rec}, func(tx *gate.Tx) (err error) {
		e := tx.Entry()
		e.Action, e.Detail.Fields = Shown, []string{field}
		if reason != "" {
			e.Detail.Reason = reason
		}
		if out.Record, err = s.Records.Get(tx, e.Kind, rec); err != nil {
			return err
		}
		k := out.Record.Kind
		if out.Field, out.Version = k.Field(field), version; out.Field == nil {
			return gate.Missing()
		}
		if version == 0 {
			out.Version = out.Record.Version
		}
		e.Version = out.Version
		v, has, err := sealed.Get(tx, sealed.Place{Kind: k.Name, Record: rec, Field: field}, version)
		if err != nil {
			return err
		}
		if !has {
			return fault.New(fault.NotFound, "%s has no sealed value.", out.Field.Title())
		}
		for _, p := range s.Policies {
			if err := p(tx, secret.Ref{Kind: k.Name, Object: rec, Field: field}, e); err != nil {
				if fault.Is(err, fault.Denied) {
					tx.Refuse(e)
				}
				return err
			}
		}
		if out.Value, err = out.Field.Parse(v); err != nil { // its rules have changed since
			out.Value = v
		}
		out.Versions, err = sealed.Versions(tx, sealed.Place{Kind: k.Name, Record: rec, Field: field})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
