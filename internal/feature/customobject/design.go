package customobject

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
)

// Design is a kind that a tenant defined.
type Design struct {
	ID                  id.ID
	Label, Labels, Icon string
	Key                 string // in addresses and metadata
	Prefix              string // of numbers
	Fields              []Field
	Life                *lifecycle.Lifecycle // nil for one without states
}

// Field is a field of it.
type Field struct {
	flexibleasset.Field
	Shown, Needed When
	target        id.ID // of a Link or Tag: the definition of what it leads to
	kind          string
}

// When is a condition: that another field has a value, or one value.
type When struct{ Key, Is string }

// Trait is the name of the field among an object's values.
func (f *Field) Trait() string { return record.TraitName(f.ID) }

// field finds a field by its key or its name; nil when there is none.
func (d *Design) field(said string) *Field {
	said = strings.TrimSpace(said)
	for i := range d.Fields {
		if f := &d.Fields[i]; f.Key == said || record.Fold(f.Name) == record.Fold(said) {
			return f
		}
	}
	return nil
}

// Of reads a definition. NotFound when there is none.
func Of(tx *gate.Tx, typ id.ID) (*Design, error) {
	d := &Design{ID: typ}
	var states string
	err := tx.QueryRow(`select r.name, coalesce(k.plural_name, ''), coalesce(k.icon, ''), coalesce(k.name_key, ''), coalesce(k.prefix, ''), coalesce(cast(k.states as text), '')
		from record r join k_object_type k on k.id = r.id where r.id = ?`, int64(typ)).Scan(&d.Label, &d.Labels, &d.Icon, &d.Key, &d.Prefix, &states)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	d.Labels = cmp.Or(d.Labels, d.Label)
	if err := d.readFields(tx); err != nil {
		return nil, err
	}
	var rows []map[string]any
	if states != "" {
		if err := json.Unmarshal([]byte(states), &rows); err != nil {
			return nil, err
		}
	}
	d.Life = d.life(rows)
	return d, nil
}

func (d *Design) readFields(tx *gate.Tx) error {
	list, err := flexibleasset.FieldsOf(tx, &record.Kind{Variants: &record.Variants{By: TypeField, Parts: FieldKind}}, d.ID)
	if err != nil {
		return err
	}
	rules := map[id.ID][2]When{}
	rows, err := tx.Query(`select k.id, coalesce(k.shown_when, ''), coalesce(k.shown_is, ''), coalesce(k.required_when, ''), coalesce(k.required_is, '') from k_object_field k where k.object_type_id = ?`, int64(d.ID))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var a, b When
		if err := rows.Scan(&n, &a.Key, &a.Is, &b.Key, &b.Is); err != nil {
			return err
		}
		rules[id.ID(n)] = [2]When{a, b}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, f := range list {
		x := Field{Field: f, Shown: rules[f.ID][0], Needed: rules[f.ID][1]}
		if err := x.leads(tx); err != nil {
			return err
		}
		d.Fields = append(d.Fields, x)
	}
	return nil
}

// objectOf is how what a field links to names a kind of objects; the key follows.
const objectOf = "Object:"

// leads finds what a Link or Tag leads to.
func (f *Field) leads(tx *gate.Tx) error {
	if f.Kind != Link && f.Kind != flexibleasset.Tag {
		return nil
	}
	key, ours := strings.CutPrefix(f.TagType, objectOf)
	if f.kind = strings.TrimSpace(f.TagType); !ours {
		return nil
	}
	f.kind = Kind
	var n int64
	err := tx.QueryRow(`select k.id from k_object_type k join record r on r.id = k.id where k.name_key = ? and r.trashed_at is null`, strings.TrimSpace(key)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	f.target = id.ID(n)
	return err
}

// Place moves a field of a definition to a place among the others, counted from 0.
// Fault kinds: Denied, NotFound.
func Place(tx *gate.Tx, e *record.Engine, typ, field id.ID, place int) error {
	list, err := flexibleasset.FieldsOf(tx, e.Kinds.Kind(Kind), typ)
	if err != nil {
		return err
	}
	return flexibleasset.Reorder(tx, e, FieldKind, list, field, place)
}

// listed are the names in a cell, with commas between them.
func listed(cell any) []string {
	s, _ := cell.(string)
	var out []string
	for x := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if x = strings.TrimSpace(x); x != "" {
			out = append(out, x)
		}
	}
	return out
}

// life reads the states of a definition; nil for none. What a state needs that is no field
// any more is left out.
func (d *Design) life(rows []map[string]any) *lifecycle.Lifecycle {
	l := &lifecycle.Lifecycle{Field: State}
	for _, row := range rows {
		name, _ := row["state"].(string)
		if strings.TrimSpace(name) == "" {
			continue
		}
		s := lifecycle.State{Name: strings.TrimSpace(name), Begins: row["begins"] == true, Frozen: row["closed"] == true, To: listed(row["becomes"])}
		for _, said := range listed(row["needs"]) {
			if f := d.field(said); f != nil {
				s.Requires = append(s.Requires, f.Trait())
			}
		}
		l.States = append(l.States, s)
	}
	if len(l.States) == 0 {
		return nil
	}
	return l
}

// variant reads a definition as a variant of the kind of objects.
func variant(tx *gate.Tx, typ id.ID) (*record.Variant, error) {
	d, err := Of(tx, typ)
	if err != nil {
		return nil, err
	}
	v := &record.Variant{Label: d.Label, Labels: d.Labels, Icon: d.Icon}
	group := ""
	for i := range d.Fields {
		f := &d.Fields[i]
		if f.Kind == flexibleasset.Header {
			group = f.Name
			continue
		}
		x := f.Record()
		x.Group = group
		v.Fields = append(v.Fields, x)
	}
	v.Adapt = d.adapt
	return v, nil
}

// adapt makes the kind of objects the one that was defined.
func (d *Design) adapt(k *record.Kind) {
	k.NameOf = d.called
	for i := range k.Fields {
		switch f := &k.Fields[i]; f.Name {
		case "number":
			f.Series = d.Prefix
		case State:
			if f.ReadOnly = d.Life == nil; d.Life != nil {
				f.Type, f.Choices = record.Choice, d.Life.Names()
			} else {
				f.List = false
			}
		}
	}
	if d.Life != nil {
		k.Life = d.Life
	}
}

// called is the name of an object that was given none.
func (d *Design) called(v record.Values) string {
	var words []string
	for i := range d.Fields {
		if f := &d.Fields[i]; f.Title && v[f.Trait()] != nil {
			words = append(words, plain(v[f.Trait()]))
		}
	}
	if len(words) == 0 {
		n, _ := v["number"].(int64)
		return fmt.Sprintf("%s %s-%d", d.Label, d.Prefix, n)
	}
	s := []rune(strings.Join(words, " "))
	return string(s[:min(len(s), 250)])
}

// Record is the field as the engine knows it. What is required on a condition is asked by
// the rule of objects.
func (f *Field) Record() record.Field {
	out := f.Field.Record()
	switch f.Kind {
	case Lines:
		out.Type, out.Filter, out.Sort = record.Multiline, false, false
	case Whole:
		out.Type, out.Search = record.Integer, false
	case Moment:
		out.Type, out.Format, out.Search = record.Time, record.Moment, false
	case Mail:
		out.Format = record.Email
	case Phone:
		out.Format = record.Phone
	case Address:
		out.Format = record.URL
	case Link:
		out.Type, out.Search = record.Ref, false
	}
	if f.Kind == Link || f.Kind == flexibleasset.Tag {
		out.Ref, out.RefVariant, out.Depends, out.Default = f.kind, f.target, f.Depends, nil
	}
	if out.Default != nil && slices.Contains([]string{Lines, Whole, Moment, Mail, Phone, Address}, f.Kind) {
		out.Default, _ = out.Parse(f.Default) // what it cannot hold it does not begin with
	}
	out.Required = f.Required && f.Shown.Key == ""
	return out
}
