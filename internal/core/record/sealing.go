package record

import (
	"maps"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/search"
)

// hidden fills in which fields of records of one kind have a sealed value.
func hidden(tx *gate.Tx, list []*Record) error {
	if len(list) == 0 {
		return nil
	}
	marks, err := sealed.Of(tx, list[0].Kind.Name)
	if err != nil || marks == nil {
		return err
	}
	ids := make([]id.ID, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	held, err := sealed.Held(tx, ids...)
	for _, r := range list {
		r.Hidden = held[r.ID]
	}
	return err
}

// settle takes out of a record, which was read whole, what is marked as
// sensitive. Where it may write, it brings the record and its revisions to what
// the marks of its kind say first.
func (r *Record) settle(tx *gate.Tx) error {
	marks, err := sealed.Of(tx, r.Kind.Name)
	if err != nil || marks == nil || !tx.Writes() {
		return sealed.Veil(tx, r.Kind.Name, r.Values, r.Rest)
	}
	was, changed := *r, false
	was.Values, was.Rest = r.Values.Clone(), maps.Clone(r.Rest)
	for name, m := range marks {
		f, did := r.Kind.Field(name), false
		if f == nil {
			continue
		}
		if m.State == sealed.Opening {
			did, err = r.open(tx, f)
		} else {
			did, err = sealed.Close(tx, m, r.ID, r.Version, r.Values, r.Rest)
		}
		if err != nil {
			return err
		}
		changed = changed || did
	}
	if !changed {
		return nil
	}
	names, args, err := r.cells(&was)
	for i := 0; err == nil && i < len(names); i++ {
		_, err = tx.Exec(`update `+r.Kind.Table()+` set `+names[i]+` = ? where id = ?`, args[i], int64(r.ID))
	}
	if err == nil && len(r.Kind.traits) > 0 {
		err = writeTraits(tx, r, true)
	}
	if err == nil && r.Trashed == 0 {
		err = search.Put(tx.SQL(), r.document())
	}
	return err
}

// open puts what a field was back into r; a trait that cannot hold it any more
// leaves it to Rest when it is read.
func (r *Record) open(tx *gate.Tx, f *Field) (bool, error) {
	now, had, err := sealed.Open(tx, sealed.Place{Kind: r.Kind.Name, Record: r.ID, Field: f.Name})
	if p, bad := f.Parse(now); bad == nil {
		now = p
	}
	if err == nil && now != nil {
		r.Values[f.Name] = now
	}
	return had, err
}

// hiddenFilter adds a filter by a marked field.
func (b *builder) hiddenFilter(tx *gate.Tx, m sealed.Mark, f Filter) error {
	var keys []any
	if field := b.kind.Field(f.Field); field != nil {
		var err error
		if keys, err = b.keys(f, field); err != nil {
			return err
		}
	}
	cond, args, err := m.Condition(tx, string(f.Op), keys)
	if err == nil {
		b.add(cond, args...)
	}
	return err
}
