package record

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/compare"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/search"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tally"
)

// insert writes both rows of a new record.
func (e *Engine) insert(tx *gate.Tx, r *Record) error {
	_, err := tx.Exec(`insert into record (id, kind, org_id, parent_id, guard_id, name, name_fold, archived, restricted, created_at, updated_at, created_by, updated_by, version, variant_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, int64(r.ID), r.Kind.Name, int64(r.Org), int64(r.Parent), int64(r.Guard), r.Name, Fold(r.Name),
		r.Archived, r.Restricted, r.Created, r.Updated, int64(r.CreatedBy), int64(r.UpdatedBy), r.Version, int64(r.Variant()))
	if err != nil {
		return err
	}
	names, args, err := r.cells(nil)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into `+r.Kind.Table()+` (id`+strings.Join(append([]string{""}, names...), ", ")+`) values (`+access.Marks(len(names)+1)+`)`,
		append([]any{int64(r.ID)}, args...)...)
	return err
}

// Raw writes a new record as it is: no rule is asked, nothing is recorded, and what must be
// true of it is the caller's to know. It is for filling a tenant that is measured.
func (e *Engine) Raw(tx *gate.Tx, r *Record) error {
	d := r.document()
	d.New = true
	return errors.Join(e.insert(tx, r), search.Put(tx.SQL(), d), count(tx, nil, r))
}

// write saves a changed record over old and keeps old as a revision.
func (e *Engine) write(tx *gate.Tx, r, old *Record) error {
	if err := keepRevision(tx, old); err != nil {
		return err
	}
	names, args := r.spineChanges(old)
	_, err := tx.Exec(`update record set `+strings.Join(names, " = ?, ")+` = ? where id = ?`, append(args, int64(r.ID))...)
	if err != nil {
		return err
	}
	if old.Restricted != r.Restricted || old.Org != r.Org {
		if err := tally.MoveParts(tx, old.ID, old.Total(), r.Total()); err != nil {
			return err
		}
		if _, err := tx.Exec(`update record set org_id = ?, restricted = ? where guard_id = ? and guard_id <> id`, int64(r.Org), r.Restricted, int64(r.ID)); err != nil {
			return err
		}
	}
	names, args, err = r.cells(old)
	if err != nil || len(names) == 0 {
		return err
	}
	_, err = tx.Exec(`update `+r.Kind.Table()+` set `+strings.Join(names, " = ?, ")+` = ? where id = ?`, append(args, int64(r.ID))...)
	return err
}

// spineChanges gives the columns of the spine that differ from old and their
// arguments. A column that is set is written into each index that holds it, even
// where it stays the same: only what differs is set.
func (r *Record) spineChanges(old *Record) (names []string, args []any) {
	names, args = []string{`updated_at`, `updated_by`, `version`}, []any{r.Updated, int64(r.UpdatedBy), r.Version}
	set := func(differs bool, name string, arg any) {
		if differs {
			names, args = append(names, name), append(args, arg)
		}
	}
	set(r.Org != old.Org, `org_id`, int64(r.Org))
	set(r.Parent != old.Parent, `parent_id`, int64(r.Parent))
	set(r.Guard != old.Guard, `guard_id`, int64(r.Guard))
	set(r.Name != old.Name, `name`, r.Name)
	set(r.Name != old.Name, `name_fold`, Fold(r.Name))
	set(r.Archived != old.Archived, `archived`, r.Archived)
	set(r.Restricted != old.Restricted, `restricted`, r.Restricted)
	return names, args
}

// cells gives the columns of the kind's own table, those that differ from old
// when there is one, and their arguments.
func (r *Record) cells(old *Record) (names []string, args []any, err error) {
	for _, f := range r.Kind.columns() {
		v := r.Values[f.Name]
		if old != nil && same(old.Values[f.Name], v) {
			continue
		}
		a, err := f.arg(v)
		if err != nil {
			return nil, nil, err
		}
		names, args = append(names, `"`+f.Name+`"`), append(args, a)
		if f.folded() {
			var folded any
			if s, ok := v.(string); ok {
				folded = compare.Clip(Fold(s))
			}
			names, args = append(names, `"`+f.Name+`_fold"`), append(args, folded)
		}
	}
	if r.Kind.Variants != nil && (old == nil || traitsDiffer(old, r)) {
		packed, err := r.packTraits()
		if err != nil {
			return nil, nil, err
		}
		names, args = append(names, `traits`), append(args, packed)
	}
	return names, args, nil
}

// saved does what follows from a saved record: secrets, search, totals, names
// and the kind's own rules.
func (e *Engine) saved(tx *gate.Tx, r, old *Record, secrets map[string]string) error {
	for f, text := range secrets {
		if field := r.Kind.Field(f); field.Trait != 0 && r.Kind.Variants.Embed != nil {
			if err := r.Kind.Variants.Embed(tx, r, field, text); err != nil {
				return err
			}
			continue
		}
		place := secret.Place{Kind: r.Kind.Name, Org: r.Org, Object: r.ID, Field: f}
		version, err := secret.Put(tx, place, text, secret.Note{Reason: tx.Caller.Reason})
		if err == nil && e.Sealed != nil {
			err = e.Sealed(tx, r, f, version, text)
		}
		if err != nil {
			return err
		}
	}
	for _, p := range r.sealing {
		if err := sealed.Put(tx, p.Mark, r.ID, r.Version, p.Value); err != nil {
			return err
		}
	}
	if len(r.Kind.traits) > 0 && (old == nil || traitsDiffer(old, r)) {
		if err := writeTraits(tx, r, old != nil); err != nil {
			return err
		}
	}
	if old == nil || found(old, r) {
		d := r.document()
		d.New = old == nil
		if err := search.Put(tx.SQL(), d); err != nil {
			return err
		}
	}
	if err := count(tx, old, r); err != nil {
		return err
	}
	if r.Kind.After != nil {
		if err := r.Kind.After(tx, r, old); err != nil {
			return err
		}
	}
	return e.decorate(tx, []*Record{r})
}

// SecretRestored makes a new version of a record whose secret was set back to an
// earlier one: its rules run, and who has the record open is told. It is what
// secret.Revealer.Restored asks for.
func (e *Engine) SecretRestored(tx *gate.Tx, p secret.Place, _ uint32) error {
	old, err := e.load(tx, p.Kind, p.Object, false)
	if err != nil {
		return err
	}
	r := *old
	r.Values = old.Values.Clone()
	r.Version, r.Updated, r.UpdatedBy = old.Version+1, tx.Now, tx.Caller.User
	if err := e.write(tx, &r, old); err != nil {
		return err
	}
	return e.saved(tx, &r, old, nil)
}

// found tells whether the search finds now by something else than old.
func found(old, now *Record) bool {
	return old.Name != now.Name || slices.ContainsFunc(now.Kind.Fields, func(f Field) bool {
		return f.Search && f.Type != Secret && !same(old.Values[f.Name], now.Values[f.Name])
	})
}

// document is what the search finds the record by.
func (r *Record) document() search.Doc {
	d := search.Doc{ID: r.ID, Names: []string{r.Name}}
	var body []string
	for _, f := range r.Kind.Fields {
		if !f.Search || f.Type == Secret {
			continue
		}
		switch v := r.Values[f.Name].(type) {
		case int64:
			if f.Series != "" {
				d.Names = append(d.Names, f.Numbered(v))
			}
		case string:
			switch f.Type {
			case HTML:
				body = append(body, richtext.Text(v))
			case Multiline:
				body = append(body, v)
			default:
				d.Names = append(d.Names, v)
			}
		case []map[string]any:
			for _, row := range v {
				for _, col := range f.Rows {
					if s, ok := row[col.Name].(string); ok && col.Search {
						d.Names = append(d.Names, s)
					}
				}
			}
		}
	}
	d.Body = strings.Join(body, "\n")
	return d
}

// differences lists the names whose values differ.
func differences(old, now *Record) []string {
	var out []string
	add := func(differs bool, name string) {
		if differs {
			out = append(out, name)
		}
	}
	add(old.Name != now.Name, "name")
	add(old.Org != now.Org, "organization_id")
	add(old.Archived != now.Archived, "archived")
	add(old.Restricted != now.Restricted, "restricted")
	for _, f := range now.Kind.columns() {
		add(!same(old.Values[f.Name], now.Values[f.Name]), f.Name)
	}
	for _, f := range now.Kind.traits {
		add(traitDiffers(old, now, f), f.Name)
	}
	return out
}

func traitDiffers(old, now *Record, f *Field) bool {
	return !same(old.Values[f.Name], now.Values[f.Name]) || !same(old.Rest[f.Name], now.Rest[f.Name])
}

func traitsDiffer(old, now *Record) bool {
	return slices.ContainsFunc(now.Kind.traits, func(f *Field) bool { return traitDiffers(old, now, f) })
}

func same(a, b any) bool {
	switch a.(type) {
	case nil, string, int64, bool, float64, id.ID: // most, and much faster so
		return a == b
	}
	if reflect.DeepEqual(a, b) {
		return true
	}
	_, rowsA := a.([]map[string]any)
	_, rowsB := b.([]map[string]any)
	if !rowsA || !rowsB {
		return false
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// conflict says in words which unique value is taken. PostgreSQL names the
// index, unique_kind__field; SQLite names it where only one index is over the
// column, and the column, table.field_fold, otherwise.
func conflict(k *Kind, err error) error {
	name, kind, ok := sqldb.ConstraintOf(err)
	if !ok || kind != "unique" {
		return err
	}
	_, field, indexed := strings.Cut(name, "__")
	if !indexed {
		_, field, _ = strings.Cut(name, ".")
		field = strings.TrimSuffix(field, "_fold")
	}
	label := strings.ToLower(k.Label)
	f := k.Field(field)
	if f == nil {
		return fault.Wrap(err, fault.Conflict, "There is already a %s like this.", label)
	}
	text := "There is already a " + label + " with this " + strings.ToLower(f.Title()) + "."
	return &fault.Error{Kind: fault.Invalid, Text: text, Fields: map[string]string{field: text}, Cause: err}
}
