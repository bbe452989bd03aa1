package ivanti

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/ivanti/odata"
)

// mostNamed is how many records one name in a filter may stand for.
const mostNamed = 200

// query turns what a request asks for into the engine's words.
func (a *API) query(tx *gate.Tx, o *object, q odata.Query) (record.Query, error) {
	out := record.Query{Limit: q.Top, Offset: q.Skip}
	for _, terms := range q.Filter {
		var all []record.Filter
		for _, t := range terms {
			f, err := a.term(tx, o, t)
			if err != nil {
				return out, err
			}
			all = append(all, f...)
		}
		out.Any = append(out.Any, all)
	}
	for _, by := range q.Order {
		name, err := o.orderBy(by.Field)
		if err != nil {
			return out, err
		}
		out.Sort = append(out.Sort, record.Order{Field: name, Desc: by.Desc})
	}
	if len(out.Sort) == 0 {
		out.Sort = []record.Order{{Field: "updated_at", Desc: true}}
	}
	if q.Search != "" {
		hits, err := findAny(tx, q.Search, o.kind.Name)
		if err != nil {
			return out, err
		}
		found := make([]any, len(hits))
		for i, h := range hits {
			found[i] = h.ID
		}
		out.Filters = append(out.Filters, record.Filter{Field: "id", Op: record.Eq, Values: found})
	}
	return out, nil
}

// orderBy gives our name of what a list is sorted by.
func (o *object) orderBy(name string) (string, error) {
	p, ok := o.parts[strings.ToLower(name)]
	switch {
	case !ok:
		return "", o.unknown(name)
	case p.suffix != "":
		return "", fault.New(fault.Invalid, "%s cannot be sorted by %s.", o.name, p.name+p.suffix).WithHint("Sort by %s.", p.name)
	case p.of != nil && p.of.Type == record.Ref:
		return strings.TrimSuffix(p.of.Name, "_id") + "_name", nil
	case p.of != nil:
		return p.of.Name, nil
	}
	ours, ok := map[string]string{recID: "id", created: "created_at", modified: "updated_at", display: "name"}[p.name]
	if !ok {
		return "", fault.New(fault.Invalid, "%s cannot be sorted by %s.", o.name, p.name)
	}
	return ours, nil
}

func (o *object) unknown(name string) error {
	return fault.New(fault.Invalid, "%s has no field %s.", o.name, name).WithHint("Its fields are listed at /api/odata/%s/$metadata.", o.set)
}

// term turns one comparison into filters that must all be met.
func (a *API) term(tx *gate.Tx, o *object, t odata.Term) ([]record.Filter, error) {
	p, ok := o.parts[strings.ToLower(t.Field)]
	if !ok {
		return nil, o.unknown(t.Field)
	}
	if t.Value == "" && (p.form == link || p.form == named || p.form == title) { // no name is no record
		t.Value = nil
	}
	switch {
	case p.form == upward && p.suffix != "_Category":
		return o.ofParent(a, tx, t)
	case p.suffix == "_Category" || p.form == derived || p.of == nil && (p.name == creator || p.name == modifier):
		return nil, fault.New(fault.Invalid, "%s cannot be filtered by %s.", o.name, p.name+p.suffix)
	case p.of == nil:
		return o.system(p.name, t)
	case p.form == choice && p.suffix == "_Valid":
		return o.valid(p.of, t)
	case (p.form == named && p.suffix == "" || p.form == title) && t.Value != nil:
		return a.byName(tx, p.of, t)
	case p.of.Type == record.Ref:
		return reference(p.of.Name, t)
	}
	return compare(p.of, p.of.Name, t)
}

// valid compares with the RecId of a choice.
func (o *object) valid(f *record.Field, t odata.Term) ([]record.Filter, error) {
	if s, ok := t.Value.(string); ok && s != "" {
		if t.Value = o.chosen(f, s); t.Value == "" { // no choice has it
			return reference(f.Name, odata.Term{Field: t.Field, Op: t.Op, Value: "none"})
		}
	}
	return compare(f, f.Name, t)
}

func (o *object) system(name string, t odata.Term) ([]record.Filter, error) {
	at := &record.Field{Name: name, Type: record.Time}
	switch name {
	case recID:
		return reference("id", t)
	case created:
		return compare(at, "created_at", t)
	case modified:
		return compare(at, "updated_at", t)
	case display:
		return compare(&record.Field{Name: name, Type: record.Text}, "name", t)
	}
	if f := o.kind.Field("final"); f != nil { // ReadOnly
		return compare(f, "final", t)
	}
	return nil, fault.New(fault.Invalid, "%s cannot be filtered by %s.", o.name, name)
}

// reference compares with the RecId of a record. What is no RecId is nobody's.
func reference(ours string, t odata.Term) ([]record.Filter, error) {
	if t.Op != odata.Equal && t.Op != odata.NotEqual {
		return nil, fault.New(fault.Invalid, "%s is compared by eq and ne alone.", t.Field)
	}
	if t.Value == nil {
		return []record.Filter{{Field: ours, Op: nullOp(t.Op)}}, nil
	}
	f := record.Filter{Field: ours, Op: record.Eq}
	if t.Op == odata.NotEqual {
		f.Op = record.Ne
	}
	if rid, ok := id.Parse(fmt.Sprint(t.Value)); ok {
		f.Values = []any{rid}
	}
	return []record.Filter{f}, nil
}

func nullOp(op odata.Op) record.Op {
	if op == odata.Equal {
		return record.Null
	}
	return record.NotNull
}

// byName compares with the name of what is referred to, of a person also with her
// address.
func (a *API) byName(tx *gate.Tx, f *record.Field, t odata.Term) ([]record.Filter, error) {
	op, ok := map[odata.Op]record.Op{odata.Equal: record.Eq, odata.NotEqual: record.Eq, odata.Contains: record.Contains, odata.StartsWith: record.Prefix}[t.Op]
	if !ok {
		return nil, fault.New(fault.Invalid, "%s is compared by eq, ne, contains and startswith.", t.Field)
	}
	list, err := a.named(tx, f, op, fmt.Sprint(t.Value), mostNamed+1)
	if err != nil {
		return nil, err
	}
	if len(list) > mostNamed {
		return nil, fault.New(fault.Invalid, "More than %d are called like that: %s.", mostNamed, t.Field).WithHint("Filter by %s_Valid.", t.Field)
	}
	out := record.Filter{Field: f.Name, Op: record.Eq}
	if t.Op == odata.NotEqual {
		out.Op = record.Ne
	}
	for _, rid := range list {
		out.Values = append(out.Values, rid)
	}
	return []record.Filter{out}, nil
}

// named finds what a reference may lead to, by its name.
func (a *API) named(tx *gate.Tx, f *record.Field, op record.Op, name string, most int) ([]id.ID, error) {
	q := record.Query{Any: [][]record.Filter{{{Field: "name", Op: op, Values: []any{name}}}}, Limit: most, NoTotal: true, Only: []string{}}
	if mail := a.Records.Kinds.Kind(f.Ref).Field("email"); mail != nil && mail.Filter && op == record.Eq {
		q.Any = append(q.Any, []record.Filter{{Field: "email", Op: op, Values: []any{name}}})
	}
	page, err := a.Records.List(tx, f.Ref, q)
	if err != nil {
		return nil, err
	}
	out := make([]id.ID, len(page.Records))
	for i, r := range page.Records {
		out[i] = r.ID
	}
	return out, nil
}

// compare turns a comparison of a value into filters by ours.
func compare(f *record.Field, ours string, t odata.Term) ([]record.Filter, error) {
	if t.Value == nil || t.Value == "" && (t.Op == odata.Equal || t.Op == odata.NotEqual) { // an empty text is kept as none
		return []record.Filter{{Field: ours, Op: nullOp(t.Op)}}, nil
	}
	v, err := operand(f, t)
	if err != nil {
		return nil, err
	}
	one := func(op record.Op, values ...any) record.Filter {
		return record.Filter{Field: ours, Op: op, Values: values}
	}
	switch t.Op {
	case odata.Equal:
		return []record.Filter{one(record.Eq, v)}, nil
	case odata.NotEqual:
		return []record.Filter{one(record.Ne, v)}, nil
	case odata.LessEqual:
		return []record.Filter{one(record.Range, nil, v)}, nil
	case odata.GreaterEqual:
		return []record.Filter{one(record.Range, v, nil)}, nil
	case odata.Less:
		return []record.Filter{one(record.Range, nil, v), one(record.Ne, v)}, nil
	case odata.Greater:
		return []record.Filter{one(record.Range, v, nil), one(record.Ne, v)}, nil
	case odata.Contains:
		return []record.Filter{one(record.Contains, v)}, nil
	}
	return []record.Filter{one(record.Prefix, v)}, nil
}

// operand gives the value of a comparison as the field has it.
func operand(f *record.Field, t odata.Term) (any, error) {
	wrong := func(what string) error {
		return fault.New(fault.Invalid, "%s is compared with %s.", t.Field, what)
	}
	if t.Op == odata.Contains || t.Op == odata.StartsWith {
		if f.Type != record.Text && f.Type != record.Choice {
			return nil, fault.New(fault.Invalid, "%s is no text: it cannot be searched for a part.", t.Field)
		}
		return t.Value, nil
	}
	switch f.Type {
	case record.Time, record.Date:
		at, ok := t.Value.(time.Time)
		if s, quoted := t.Value.(string); quoted {
			at, ok = odata.Time(s)
		}
		if !ok {
			return nil, wrong("a date or time, such as 2026-11-22T10:00:00Z")
		}
		if f.Type == record.Date {
			return at.Format(time.DateOnly), nil
		}
		return at.UnixMilli(), nil
	case record.Bool:
		b, err := strconv.ParseBool(strings.ToLower(fmt.Sprint(t.Value)))
		if err != nil {
			return nil, wrong("true or false")
		}
		return b, nil
	case record.Integer:
		v, err := f.Parse(fmt.Sprint(t.Value))
		if err != nil {
			return nil, wrong("a whole number")
		}
		return v, nil
	case record.Number:
		n, err := strconv.ParseFloat(fmt.Sprint(t.Value), 64)
		if err != nil {
			return nil, wrong("a number")
		}
		return n, nil
	}
	if at, ok := t.Value.(time.Time); ok {
		return nil, wrong("a text in quotes, not with " + at.Format(time.DateOnly))
	}
	return fmt.Sprint(t.Value), nil
}
