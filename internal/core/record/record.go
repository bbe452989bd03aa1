package record

import (
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/sealed"
)

// Record is one record as the caller may see it. Secrets are not in it.
type Record struct {
	ID     id.ID
	Kind   *Kind
	Org    id.ID // 0 for tenant-wide kinds; its own id for an organization
	Parent id.ID // the record whose access it shares, or 0
	Guard  id.ID // the record whose grants count: itself, or its parent's guard
	Name   string

	Archived   bool
	Restricted bool  // closed to all but those granted, and administrators
	Trashed    int64 // Unix milliseconds, 0 when it is not in the trash

	Created, Updated     int64 // Unix milliseconds
	CreatedBy, UpdatedBy id.ID
	Version              int64

	Values  Values
	Rest    map[string]any    // of a variant: values that none of its traits can hold, by the traits' names
	Names   map[string]string // Ref field -> name of what it points to, where the caller may see that
	Links   map[id.ID]Link    // what Refs fields point to, where the caller may see it
	OrgName string
	Hidden  []string // marked fields that have a sealed value, see core/sealed

	traits string // JSON, as it was read
	saved  int    // Tx.Execs when it was saved; 0 when it was read

	cleared []string         // what is to have no value any more
	sealing []sealed.Pending // what is written to marked fields
}

// Link is the name and kind of a record that another refers to.
type Link struct{ Name, Kind string }

// Variant is the id of the record that declares the traits; 0 without any.
func (r *Record) Variant() id.ID {
	if r.Kind.Variants == nil {
		return 0
	}
	return r.Values.ID(r.Kind.Variants.By)
}

// Engine works on records of all kinds. It has no state.
type Engine struct {
	Kinds *Registry

	// Sealed, when set, runs in the transaction that stores a secret of a record:
	// for what can only be told of a secret while it is at hand.
	Sealed func(tx *gate.Tx, r *Record, field string, version uint32, text string) error

	inside, bare bool
}

// Inside gives an engine that may also set fields which are ReadOnly and change
// kinds which are Fixed, and keeps a one-time-code seed that is none: for rules
// of the house that act on a caller's behalf, such as an import. The system itself always may.
func (e *Engine) Inside() *Engine {
	in := *e
	in.inside = true
	return &in
}

// Bare gives an engine whose records lack the names of what they refer to: for
// bulk changes, which have no use for them.
func (e *Engine) Bare() *Engine {
	out := *e
	out.bare = true
	return &out
}

func (e *Engine) free(tx *gate.Tx) bool { return e.inside || tx.Caller.User == 0 }

// changeable refuses changes of a kind that nobody may change.
func (e *Engine) changeable(tx *gate.Tx, k *Kind) error {
	if k.Fixed && !e.free(tx) {
		return fault.New(fault.Denied, "%s cannot be changed.", k.Labels)
	}
	return nil
}

const spineColumns = `r.id, r.org_id, r.parent_id, r.guard_id, r.name, r.archived, r.restricted, coalesce(r.trashed_at, 0),
	r.created_at, r.updated_at, r.created_by, r.updated_by, r.version`

// spineWidth is how many columns spineColumns names.
const spineWidth = 13

// columns are those of a kind's own table that are read.
type columns struct {
	kind   *Kind
	fields []*Field
	traits bool // and that of the traits
}

// all are the columns of every field.
func (k *Kind) all() columns { return columns{k, k.columns(), k.Variants != nil} }

// only are the columns of the named fields, and of that which names a variant;
// nil names all.
func (k *Kind) only(names []string) columns {
	if names == nil {
		return k.all()
	}
	c := columns{kind: k}
	for _, f := range k.columns() {
		if slices.Contains(names, f.Name) || k.Variants != nil && f.Name == k.Variants.By {
			c.fields = append(c.fields, f)
		}
	}
	if k.Variants != nil { // which traits there are is known only once the shape is
		c.traits = slices.ContainsFunc(names, func(name string) bool {
			return !slices.ContainsFunc(k.columns(), func(f *Field) bool { return f.Name == name })
		})
	}
	return c
}

// list gives the select list: the spine and the columns.
func (c columns) list() string {
	var b strings.Builder
	b.WriteString(spineColumns)
	for _, f := range c.fields {
		b.WriteString(`, k."` + f.Name + `"`) // quoted: a field may be named like a word of SQL
	}
	if c.traits {
		b.WriteString(`, k.traits`)
	}
	return b.String()
}

// read makes a record of one row of list.
func (c columns) read(row []any) (*Record, error) {
	n := func(i int) int64 { v, _ := row[i].(int64); return v }
	r := &Record{
		Kind: c.kind, ID: id.ID(n(0)), Org: id.ID(n(1)), Parent: id.ID(n(2)), Guard: id.ID(n(3)),
		Archived: n(5) != 0, Restricted: n(6) != 0, Trashed: n(7), Created: n(8), Updated: n(9),
		CreatedBy: id.ID(n(10)), UpdatedBy: id.ID(n(11)), Version: n(12),
	}
	r.Name, _ = row[4].(string)
	cells := row[spineWidth:]
	set := 0
	for _, cell := range cells {
		if cell != nil {
			set++
		}
	}
	r.Values = make(Values, set)
	if c.traits {
		r.traits, _ = cells[len(cells)-1].(string)
	}
	for i, f := range c.fields {
		v, err := f.value(cells[i])
		if err != nil {
			return nil, err
		}
		if v != nil {
			r.Values[f.Name] = v
		}
	}
	return r, nil
}

// readOne makes a record of the only row of a query; sql.ErrNoRows when there is none.
func (c columns) readOne(row *sqldb.Row) (*Record, error) {
	v, err := row.Values()
	if err != nil {
		return nil, err
	}
	return c.read(v)
}

// readAll makes records of all rows, about so many.
func (c columns) readAll(rows *sqldb.Rows, about int) ([]*Record, error) {
	defer rows.Close()
	out := make([]*Record, 0, min(about, 1000))
	for rows.Next() {
		r, err := c.read(rows.Values())
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// value turns what a column holds into the field's Go type.
func (f *Field) value(cell any) (any, error) {
	switch c := cell.(type) {
	case int64:
		switch f.Type {
		case Ref:
			return id.ID(c), nil
		case Bool:
			return c != 0, nil
		case Number:
			return float64(c), nil
		}
	case string:
		if f.Type == Rows || f.Type == Refs {
			return f.Parse(c)
		}
	}
	return cell, nil
}

// arg turns a value into a query argument.
func (f *Field) arg(v any) (any, error) {
	switch x := v.(type) {
	case id.ID:
		return int64(x), nil
	case []map[string]any, []id.ID:
		b, err := json.Marshal(x)
		return string(b), err
	}
	return v, nil
}

// Get gives one record with the names of what it refers to. kind may be "" for
// any. NotFound when it is not there, not visible or in the trash.
func (e *Engine) Get(tx *gate.Tx, kind string, rid id.ID) (*Record, error) {
	r, err := e.load(tx, kind, rid, false)
	if err != nil {
		return nil, err
	}
	return r, e.decorate(tx, []*Record{r})
}

// Again gives a record that Create or Update gave as it is now: rules may have
// changed it since. When nothing was written since, nothing is read.
func (e *Engine) Again(tx *gate.Tx, r *Record) (*Record, error) {
	if r.saved != 0 && r.saved == tx.SQL().Execs() && r.Kind.Variants == nil && r.Names != nil {
		return r, nil
	}
	return e.Get(tx, r.Kind.Name, r.ID)
}

// GetTrashed is Get for a record that may be in the trash.
func (e *Engine) GetTrashed(tx *gate.Tx, kind string, rid id.ID) (*Record, error) {
	r, err := e.load(tx, kind, rid, true)
	if err != nil {
		return nil, err
	}
	return r, e.decorate(tx, []*Record{r})
}

func (e *Engine) load(tx *gate.Tx, kind string, rid id.ID, trashed bool) (*Record, error) {
	if kind == "" {
		err := tx.QueryRow(`select kind from record where id = ?`, int64(rid)).Scan(&kind)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, gate.Missing()
		}
		if err != nil {
			return nil, err
		}
	}
	k := e.Kinds.Kind(kind)
	if k == nil {
		return nil, gate.Missing()
	}
	cond, args := tx.Visible("r")
	q := `select ` + k.all().list() + ` from record r join ` + k.Table() + ` k on k.id = r.id where r.id = ? and r.kind = ? and ` + cond
	if !trashed {
		q += ` and r.trashed_at is null`
	}
	r, err := k.all().readOne(tx.QueryRow(q, append([]any{int64(rid), k.Name}, args...)...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	if err := e.shapeEach(tx, []*Record{r}); err != nil {
		return nil, err
	}
	return r, r.settle(tx)
}

// decorate fills in the names of organizations and referenced records, with one
// query for the whole list.
func (e *Engine) decorate(tx *gate.Tx, list []*Record) error {
	if e.bare {
		return nil
	}
	if err := hidden(tx, list); err != nil {
		return err
	}
	want := make(map[id.ID]bool, 2*len(list))
	for r, refs := range referring(list) {
		own(tx, r.Kind, r.ID, r.Values)
		want[r.Org] = true
		for _, f := range refs {
			switch v := r.Values[f.Name].(type) {
			case id.ID:
				want[v] = true
			case []id.ID:
				for _, n := range v {
					want[n] = true
				}
			}
		}
	}
	delete(want, 0)
	links, err := e.Links(tx, slices.Collect(maps.Keys(want))...)
	if err != nil {
		return err
	}
	for r, refs := range referring(list) {
		r.OrgName = links[r.Org].Name
		r.Names = make(map[string]string, len(refs))
		for _, f := range refs {
			switch v := r.Values[f.Name].(type) {
			case id.ID:
				if l, ok := links[v]; ok {
					r.Names[f.Name] = l.Name
				}
			case []id.ID:
				r.link(v, links)
			}
		}
	}
	return nil
}

// referring gives each record with the fields by which it may refer to others.
func referring(list []*Record) iter.Seq2[*Record, []*Field] {
	return func(yield func(*Record, []*Field) bool) {
		var k *Kind
		var refs []*Field
		for _, r := range list {
			if r.Kind != k { // seldom: a list is of one kind
				k, refs = r.Kind, nil
				for i := range k.Fields {
					if f := &k.Fields[i]; f.Type == Ref || f.Type == Refs {
						refs = append(refs, f)
					}
				}
			}
			if !yield(r, refs) {
				return
			}
		}
	}
}

// own takes out what is for administrators and for the user whom it is about.
func own(tx *gate.Tx, k *Kind, rid id.ID, v Values) {
	if tx.Caller.May(access.Administer) || rid == tx.Caller.User {
		return
	}
	for i := range k.Fields {
		if k.Fields[i].Own {
			delete(v, k.Fields[i].Name)
		}
	}
}

func (r *Record) link(to []id.ID, links map[id.ID]Link) {
	if r.Links == nil {
		r.Links = map[id.ID]Link{}
	}
	for _, n := range to {
		if l, ok := links[n]; ok {
			r.Links[n] = l
		}
	}
}

// Names gives the names of those of the records that the caller may see.
func (e *Engine) Names(tx *gate.Tx, ids ...id.ID) (map[id.ID]string, error) {
	links, err := e.Links(tx, ids...)
	out := make(map[id.ID]string, len(links))
	for n, l := range links {
		out[n] = l.Name
	}
	return out, err
}

// Links gives the names and kinds of those of the records that the caller may
// see.
func (e *Engine) Links(tx *gate.Tx, ids ...id.ID) (map[id.ID]Link, error) {
	out := make(map[id.ID]Link, len(ids))
	for part := range slices.Chunk(ids, 500) {
		cond, args := tx.Visible("r")
		part = alike(part)
		rows, err := tx.Query(`select r.id, r.name, r.kind from record r where r.id in (`+access.Marks(len(part))+`) and r.trashed_at is null and `+cond,
			append(access.Args(part), args...)...)
		if err != nil {
			return nil, err
		}
		if err := eachLink(rows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// alike repeats the last of some ids until there are two, four, eight or a multiple of
// sixteen, so that many lists are asked for by few statements, which are prepared once.
func alike(ids []id.ID) []id.ID {
	out := slices.Clone(ids)
	for n := len(out); n&(n-1) != 0 && n%16 != 0; n = len(out) {
		out = append(out, out[len(out)-1])
	}
	return out
}

func eachLink(rows *sqldb.Rows, out map[id.ID]Link) error {
	defer rows.Close()
	for rows.Next() {
		var i int64
		var l Link
		if err := rows.Scan(&i, &l.Name, &l.Kind); err != nil {
			return err
		}
		out[id.ID(i)] = l
	}
	return rows.Err()
}

// Field gives one field of those of the records that the caller may see and in
// which it is set: what a list says of the things that its rows refer to.
func (e *Engine) Field(tx *gate.Tx, kind, field string, ids ...id.ID) (map[id.ID]any, error) {
	k := e.Kinds.Kind(kind)
	if k == nil || k.Field(field) == nil || !slices.Contains(k.columns(), k.Field(field)) {
		return nil, fault.New(fault.Internal, "%s has no field %s to read.", kind, field)
	}
	out := map[id.ID]any{}
	if marks, err := sealed.Of(tx, kind); err != nil || marks[field].Kind != "" && marks[field].State != sealed.Opening {
		return out, err
	}
	for part := range slices.Chunk(ids, 500) {
		cond, args := tx.Visible("r")
		part = alike(part)
		rows, err := tx.Query(`select k.id, k."`+field+`" from `+k.Table()+` k join record r on r.id = k.id
			where k.id in (`+access.Marks(len(part))+`) and r.trashed_at is null and `+cond, append(access.Args(part), args...)...)
		if err != nil {
			return nil, err
		}
		if err := k.Field(field).readEach(rows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (f *Field) readEach(rows *sqldb.Rows, out map[id.ID]any) error {
	defer rows.Close()
	for rows.Next() {
		row := rows.Values()
		v, err := f.value(row[1])
		if err != nil {
			return err
		}
		if n, _ := row[0].(int64); v != nil {
			out[id.ID(n)] = v
		}
	}
	return rows.Err()
}
