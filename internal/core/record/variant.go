package record

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/compare"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/search"
)

// Variants say that the records of a kind are of several makes, which tenants
// design themselves: each record names, in the field By, another record that
// declares further fields, its traits. A record's Kind then is a copy of the
// declared one with the traits among its fields.
//
// Traits live in one JSON column; those that are marked Filter, Sort or Expires,
// and all references, have rows of the table trait besides, by which lists are
// filtered and sorted. A value whose trait is gone, or cannot hold it any more,
// stays in the JSON until it is set anew.
type Variants struct {
	By    string // a required Ref field that never changes
	Parts string // the kind of the records that declare the traits
	// Depends is the field of those that says what the Depends of a trait is; empty
	// when they say nothing of it.
	Depends string
	// Of reads what the record by declares. Its fields have Trait set; their names
	// are those that TraitName gives. NotFound for one that is not there.
	Of func(tx *gate.Tx, by id.ID) (*Variant, error)
	// Embed keeps the secret of a trait of the type Secret somewhere else than at
	// the record itself; an empty text clears it.
	Embed func(tx *gate.Tx, r *Record, f *Field, text string) error
}

// Variant is what makes one variant of a kind. Empty names leave those of the
// kind.
type Variant struct {
	Label, Labels, Icon string
	Fields              []Field
	Adapt               func(k *Kind) // what else differs in the copy: how it is named, its states
}

// TraitName is the name of the field that a record declares as a trait.
func TraitName(by id.ID) string { return "t" + by.String() }

type shapesOfTx struct{}

type shapes map[id.ID]*Kind

// Clone makes a copy for gate.Tx.Try.
func (s shapes) Clone() gate.Cloner { return maps.Clone(s) }

func shapesOf(tx *gate.Tx) shapes {
	return tx.Local(shapesOfTx{}, func() any { return shapes{} }).(shapes)
}

// Shape gives a kind as the variant by makes it; by 0 gives the kind itself.
// NotFound when there is no such variant.
func (e *Engine) Shape(tx *gate.Tx, kind string, by id.ID) (*Kind, error) {
	k := e.Kinds.Kind(kind)
	if k == nil {
		return nil, gate.Missing()
	}
	return e.shape(tx, k, by)
}

func (e *Engine) shape(tx *gate.Tx, k *Kind, by id.ID) (*Kind, error) {
	if k.Variants == nil || by == 0 || k.Variant == by {
		return k, nil
	}
	have := shapesOf(tx)
	if s := have[by]; s != nil {
		return s, nil
	}
	v, err := k.Variants.Of(tx, by)
	if err != nil {
		return nil, err
	}
	s := *e.Kinds.Kind(k.Name)
	s.Variant, s.Fields = by, slices.Concat(s.Fields, v.Fields)
	for i := len(s.Fields) - len(v.Fields); i < len(s.Fields); i++ {
		if f := &s.Fields[i]; f.Type != Secret && f.Type != Files {
			s.traits = append(s.traits, f)
		}
	}
	if v.Label != "" {
		s.Label, s.Labels = v.Label, v.Labels
	}
	if v.Icon != "" {
		s.Icon = v.Icon
	}
	if v.Adapt != nil {
		v.Adapt(&s)
	}
	have[by] = &s
	return &s, nil
}

// Reshaped forgets what was read of a variant in this transaction, after its
// declaration has changed, and brings names, search and the rows of trait of its
// records to what it is now.
func (e *Engine) Reshaped(tx *gate.Tx, kind string, by id.ID) error {
	delete(shapesOf(tx), by)
	k, err := e.Shape(tx, kind, by)
	if err != nil {
		return err
	}
	for last := id.ID(0); ; {
		list, err := e.allOf(tx, k, last)
		if err != nil || len(list) == 0 {
			return err
		}
		last = list[len(list)-1].ID
		for _, r := range list {
			if err := e.reshape(tx, r); err != nil {
				return err
			}
		}
	}
}

// allOf reads some records of a variant whoever may see them, those in the trash
// too: a change of the declaration is a change of the house.
func (e *Engine) allOf(tx *gate.Tx, k *Kind, after id.ID) ([]*Record, error) {
	rows, err := tx.Query(`select `+k.all().list()+` from record r join `+k.Table()+` k on k.id = r.id
		where r.variant_id = ? and r.variant_id <> 0 and r.id > ? order by r.id limit 500`, int64(k.Variant), int64(after))
	if err != nil {
		return nil, err
	}
	out, err := k.all().readAll(rows, 500)
	if err != nil {
		return nil, err
	}
	return out, e.shapeAll(tx, out)
}

func (e *Engine) reshape(tx *gate.Tx, r *Record) error {
	if r.Kind.NameOf != nil {
		if name := strings.TrimSpace(r.Kind.NameOf(r.Values)); name != "" && name != r.Name {
			r.Name = name
			if _, err := tx.Exec(`update record set name = ?, name_fold = ? where id = ?`, r.Name, Fold(r.Name), int64(r.ID)); err != nil {
				return err
			}
		}
	}
	if err := writeTraits(tx, r, true); err != nil {
		return err
	}
	if r.Trashed != 0 {
		return nil
	}
	return search.Put(tx.SQL(), r.document())
}

// shapeAll gives records of kinds with variants their shapes and traits, and
// takes out what is sealed.
func (e *Engine) shapeAll(tx *gate.Tx, list []*Record) error {
	if err := e.shapeEach(tx, list); err != nil {
		return err
	}
	for _, r := range list {
		if err := sealed.Veil(tx, r.Kind.Name, r.Values, r.Rest); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) shapeEach(tx *gate.Tx, list []*Record) error {
	for _, r := range list {
		if r.Kind.Variants == nil {
			continue
		}
		k, err := e.shape(tx, r.Kind, r.Values.ID(r.Kind.Variants.By))
		if fault.Is(err, fault.NotFound) { // what declared it was deleted for good: it keeps its own fields
			continue
		}
		if err != nil {
			return err
		}
		r.Kind = k
		if err := r.readTraits(); err != nil {
			return err
		}
	}
	return nil
}

// readTraits takes apart what the JSON column holds. What no trait can hold
// stays in rest.
func (r *Record) readTraits() error {
	if r.traits == "" {
		return nil
	}
	all := make(map[string]any, len(r.Kind.traits))
	if err := json.Unmarshal([]byte(r.traits), &all); err != nil { // ids and numbers are exact as float64
		return err
	}
	values := make(Values, len(all)+len(r.Values))
	for _, f := range r.Kind.traits {
		v := all[f.Name]
		if s, ok := v.(string); !ok || f.Type != Choice || s == "" { // a choice that was taken off the list stays until another is chosen
			v, _ = f.Parse(v)
		}
		if v != nil {
			values[f.Name] = v
		}
	}
	maps.DeleteFunc(all, func(name string, _ any) bool { return values[name] != nil })
	maps.Copy(values, r.Values)
	r.Values, r.Rest = values, all
	return nil
}

// packTraits puts the traits, and what was left of earlier ones, into JSON.
func (r *Record) packTraits() (string, error) {
	all := map[string]any{}
	maps.Copy(all, r.Rest)
	for _, f := range r.Kind.traits {
		if v := r.Values[f.Name]; v != nil {
			all[f.Name] = v
		}
	}
	b, err := json.Marshal(all)
	return string(b), err
}

// traitSchema holds the tables of variants.
var traitSchema = []string{
	`create table if not exists trait (field_id int not null, record_id int not null references record (id) on delete cascade,
		key text, ref int not null default 0, expires int not null default 0)`,
	`create index if not exists trait_key on trait (field_id, key, record_id)`,
	`create index if not exists trait_of on trait (record_id, field_id, key)`, // so that a record is asked for one trait without reading the others
	`drop index if exists trait_record`,
	`create index if not exists trait_ref on trait (ref, record_id) where ref <> 0`,
	`create index if not exists trait_expires on trait (key, record_id) where expires = 1`,
}

// keyed tells whether a trait has rows of the table trait.
func (f *Field) keyed() bool {
	return f.Filter || f.Sort || f.Expires || f.Type == Ref || f.Type == Refs
}

// writeTraits writes the rows of trait of a record; again when there are some.
func writeTraits(tx *gate.Tx, r *Record, again bool) error {
	if again {
		if _, err := tx.Exec(`delete from trait where record_id = ?`, int64(r.ID)); err != nil {
			return err
		}
	}
	var rows []string
	var args []any
	for _, f := range r.Kind.traits {
		if !f.keyed() {
			continue
		}
		v := r.Values[f.Name]
		refs := []id.ID{0}
		switch x := v.(type) {
		case id.ID:
			refs = []id.ID{x}
		case []id.ID:
			refs = x
		}
		for _, to := range refs {
			if v != nil && f.Type == Refs {
				v = to
			}
			key, _ := compare.Key(v)
			rows, args = append(rows, `(?, ?, ?, ?, ?)`), append(args, int64(f.Trait), int64(r.ID), key, int64(to), f.Expires)
		}
	}
	for len(rows) > 0 {
		n := min(len(rows), 100)
		if _, err := tx.Exec(`insert into trait (field_id, record_id, key, ref, expires) values `+strings.Join(rows[:n], ", "), args[:5*n]...); err != nil {
			return err
		}
		rows, args = rows[n:], args[5*n:]
	}
	return nil
}
