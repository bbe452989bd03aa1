package importer

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer/history"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/state"
)

// Outcome is what becomes of a row.
type Outcome int

const (
	Skipped Outcome = iota
	Created
	Changed
	Unchanged
	Conflict
)

// Row is the cells of a row, by the names of their columns in snake case.
type Row interface {
	// Has tells whether there is such a column.
	Has(column string) bool
	// Get gives the first cell of the columns that is not empty.
	Get(columns ...string) string
	// Each calls f with every cell that is not empty, in an order that does not
	// depend on that of the columns.
	Each(f func(column, value string))
}

// Version is an earlier value of a secret.
type Version struct {
	Field, Value, Reason string
	Restores             uint32
}

// Item is one row on its way to a record. Make it with Run.Item.
type Item struct {
	r *Run

	Kind           string // of the record
	Table, Foreign string // of the row in its source
	File           string
	Line           int    // 0 for what is no line
	Row            Row    // nil for what is no row
	Org            *Known // the organization that it belongs to

	Values record.Values
	Lists  []Want    // values that are names of tenant-wide lists
	Notes  []string  // what found no field
	Marks  []string  // what else tells one state of the source from another
	Secret []string  // names of the fields that are secrets
	Past   []Version // of the secrets, oldest first
	Beside string    // what the source says of the row beside its cells
	Shown  string    // a name for sentences, of what has none in its values
	Loose  bool      // what other imports know of the record stays, so that they do not take this change for their own

	// Prepare runs before the transaction, once it is known that the item is to
	// be saved.
	Prepare func() error
	// Before completes the values in the transaction, of a record that is there.
	Before func(tx *gate.Tx, v record.Values) error
	// After runs in the transaction once the record is saved.
	After func(tx *gate.Tx, rec *record.Record) error
	// Kept runs once that transaction is durable.
	Kept func()

	Known    *Known
	Hash     Sum
	What     Outcome
	Link     bool // only remembered: the record is here already
	Partly   bool // the text of a document comes later
	Silent   bool // the text of a document that was counted before
	Warnings []Problem
}

// Sum is the keyed hash of a row.
type Sum = state.Sum

// NewHash makes a hash under the tenant's key.
func (r *Run) NewHash() hash.Hash { return hmac.New(sha256.New, r.key) }

// Sum is the keyed hash of the texts that f puts.
func (r *Run) Sum(f func(put func(string))) Sum { return state.SumOf(r.key, f) }

// Item makes the item of a row.
func (r *Run) Item(kind, table, foreign, file string, line int) *Item {
	return &Item{r: r, Kind: kind, Table: table, Foreign: foreign, File: file, Line: line, Values: record.Values{}}
}

// RowSum is the hash of a row: its cells, and what its references came to.
func (it *Item) RowSum() Sum {
	return it.r.Sum(func(put func(string)) {
		put(it.Table)
		if it.Row != nil {
			it.Row.Each(func(column, value string) { put(column); put(value) })
		}
		for _, m := range it.Marks {
			put("\x00" + m)
		}
		if it.Beside != "" {
			put("\x00extra")
			put(it.Beside)
		}
	})
}

// secretSum tells whether a secret value is another one than last time.
func (it *Item) secretSum(field string) string {
	s := it.Values.Text(field)
	if s == "" {
		return "-"
	}
	return it.r.Sum(func(put func(string)) { put(it.Foreign); put(field); put(s) }).String()
}

// Title names an item in a sentence.
func (it *Item) Title() string {
	name := it.Values.Text("name")
	if name == "" {
		name = strings.TrimSpace(it.Values.Text("first_name") + " " + it.Values.Text("last_name"))
	}
	if name == "" {
		name = it.Shown
	}
	if name == "" {
		return "the record"
	}
	return fmt.Sprintf("%q", Short(name))
}

// Short is a text for a sentence.
func Short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}

// Missing says which required field has no value.
func (it *Item) Missing() string {
	k := it.r.Importer.Records.Kinds.Kind(it.Kind)
	for _, f := range k.Fields {
		wanted := slices.ContainsFunc(it.Lists, func(l Want) bool { return l.Field == f.Name })
		if f.Required && f.Type != record.Secret && it.Values[f.Name] == nil && !wanted {
			return f.Title() + " is missing."
		}
	}
	return ""
}

// Skip leaves a row out, and says so.
func (it *Item) Skip(hint, format string, args ...any) error {
	it.r.Problem(it.File, it.Line, problem.Error, hint, format, args...)
	it.r.Report.Count(it.Kind, Skipped)
	return nil // so that a caller can end with it
}

// Warn says something of a row that comes in.
func (it *Item) Warn(hint, format string, args ...any) {
	it.Warnings = append(it.Warnings, Problem{File: it.File, Line: it.Line, Severity: problem.Warning, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// Push keeps an item for the next batch.
func (r *Run) Push(it *Item) error {
	it.AddNotes()
	if r.Dry {
		if it.Known.Rec == 0 {
			it.Known.Rec, it.Known.Fresh, it.Known.Pending = r.NextPseudo(), true, it.Partly
		}
		if !it.Link {
			r.wouldList(it)
		}
		r.Report.Add(it.Warnings...)
		if !it.Silent {
			r.Report.Count(it.Kind, it.What)
		}
		return nil
	}
	if it.Prepare != nil {
		if err := it.Prepare(); err != nil {
			return err
		}
	}
	n := r.Importer.Batch
	if n == 0 {
		n = 500
	}
	if len(r.pending) >= n || r.size > 8<<20 { // before the item, which is not finished: its row goes on
		if err := r.begun(); err != nil {
			return err
		}
	}
	if err := r.ahead.More(r.Tenant, it.sealed()); err != nil {
		return err
	}
	r.pending = append(r.pending, it)
	for _, v := range it.Values {
		if s, ok := v.(string); ok {
			r.size += len(s)
		}
	}
	return nil
}

// sealed tells how many secrets the item has to seal.
func (it *Item) sealed() int {
	n := len(it.Past)
	for _, f := range it.Secret {
		if it.Values.Text(f) != "" {
			n++
		}
	}
	return n
}

// NextPseudo stands for the id of what a dry run would create.
func (r *Run) NextPseudo() id.ID {
	r.pseudo--
	return r.pseudo
}

// RowFault tells whether an error is about a row, and not about the database.
func RowFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.Of(err) {
	case fault.Invalid, fault.NotFound, fault.Denied, fault.Conflict:
		return true
	}
	return false
}

// Sentence joins what a failure says of fields.
func Sentence(e *fault.Error) string {
	if len(e.Fields) < 2 {
		return e.Text
	}
	var parts []string
	for _, f := range sortedKeys(e.Fields) {
		parts = append(parts, e.Fields[f])
	}
	return strings.Join(parts, " ")
}

// saved is what became of an item in a transaction.
type saved struct {
	rec      id.ID
	before   int64 // the version that was changed; 0 of a new record
	err      error
	warnings []Problem
}

func (r *Run) save(list []*Item, ahead *secret.Ahead, alone bool) ([]saved, error) {
	done := make([]saved, len(list))
	err := r.Importer.Quietly(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		clear(done)
		ahead.In(tx)
		r.Look.added = nil
		for i, it := range list {
			if !alone {
				if done[i].rec, done[i].before, done[i].err = it.save(tx); done[i].err != nil {
					return done[i].err
				}
				continue
			}
			if err := it.tryHard(tx, &done[i]); err != nil {
				return err
			}
		}
		if err := r.remember(tx, list, done); err != nil {
			return err
		}
		for i, it := range list {
			if done[i].err == nil {
				if it.Silent || it.Link {
					continue
				}
				if err := r.Note(tx, it.Kind, it.What, 1, append(it.Warnings, done[i].warnings...)...); err != nil {
					return err
				}
			}
		}
		for _, a := range r.Look.added {
			if err := r.Note(tx, a.key.Kind, Created, 1); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

// tryHard saves an item so that its failure undoes only itself, without the
// values that are refused if it cannot be saved with them.
func (it *Item) tryHard(tx *gate.Tx, d *saved) error {
	for range 8 {
		added := len(it.r.Look.added)
		d.err = tx.Try(func() error {
			var err error
			d.rec, d.before, err = it.save(tx)
			return err
		})
		if d.err == nil {
			return nil
		}
		it.r.Look.added = it.r.Look.added[:added]
		if !RowFault(d.err) {
			return d.err
		}
		said := fault.Say(d.err)
		if !it.leaveOut(said) {
			return nil
		}
		d.warnings = append(d.warnings, Problem{File: it.File, Line: it.Line, Severity: problem.Warning,
			Text: fmt.Sprintf("Line %d of %s came in without a value: %s", it.Line, it.File, Sentence(said)), Hint: "Set it by hand."})
	}
	return nil
}

// leaveOut takes the refused values out; false when the record cannot be
// without one of them.
func (it *Item) leaveOut(e *fault.Error) bool {
	k := it.r.Importer.Records.Kinds.Kind(it.Kind)
	out := 0
	for name := range e.Fields {
		f := k.Field(name)
		if f == nil && k.Variants == nil || f != nil && f.Required || name == "name" {
			return false
		}
		if _, ok := it.Values[name]; ok {
			delete(it.Values, name)
			out++
		}
		it.Lists = slices.DeleteFunc(it.Lists, func(l Want) bool {
			if l.Field == name {
				out++
			}
			return l.Field == name
		})
		if name == "resource_id" {
			delete(it.Values, "resource_type")
		}
	}
	return out > 0
}

// save creates or changes the record of an item.
func (it *Item) save(tx *gate.Tx) (made id.ID, before int64, err error) {
	if it.Link {
		return it.Known.Rec, 0, nil
	}
	v := it.Values.Clone()
	for _, l := range it.Lists {
		n, err := it.r.Look.list(tx, it.r, l)
		if err != nil {
			return 0, 0, err
		}
		v[l.Field] = n
	}
	if it.Before != nil {
		if err := it.Before(tx, v); err != nil {
			return 0, 0, err
		}
	}
	e := it.r.Importer.Records.Bare()
	var rec *record.Record
	if it.What == Created {
		rec, err = it.create(tx, v)
	} else {
		if before, err = history.Version(tx, it.Known.Rec); err == nil {
			err = errors.Join(it.keepSecrets(tx, v), it.replaces(tx, v))
		}
		if err != nil {
			return 0, 0, err
		}
		rec, err = e.Update(tx, it.Kind, it.Known.Rec, 0, v)
	}
	if err != nil {
		return 0, 0, err
	}
	if it.After != nil {
		if err := it.After(tx, rec); err != nil {
			return 0, 0, err
		}
	}
	return rec.ID, before, nil
}

func (it *Item) create(tx *gate.Tx, v record.Values) (*record.Record, error) {
	e := it.r.Importer.Records.Bare()
	for _, f := range it.Secret {
		past := slices.ContainsFunc(it.Past, func(p Version) bool { return p.Field == f })
		if v.Text(f) == "" || past { // a first version that says nothing is none
			delete(v, f)
		}
	}
	if len(it.Past) == 0 {
		return e.Create(tx, it.Kind, v)
	}
	at := v["password_updated_at"]
	delete(v, "password_updated_at")
	rec, err := e.Create(tx, it.Kind, v)
	if err != nil {
		return nil, err
	}
	return rec, it.savePast(tx, rec, at)
}

// keepSecrets takes out of v the secrets that are the same as last time, so that
// they get no new version.
func (it *Item) keepSecrets(tx *gate.Tx, v record.Values) error {
	if len(it.Secret) == 0 || it.Loose {
		return nil
	}
	have, err := state.Secrets(tx, it.Known.Rec)
	if err != nil {
		return err
	}
	for i, f := range it.Secret {
		if i < len(have) && have[i] == it.secretSum(f) {
			delete(v, f)
		}
	}
	return nil
}

// replaces keeps which versions of secrets are about to be replaced.
func (it *Item) replaces(tx *gate.Tx, v record.Values) error {
	k := it.r.Importer.Records.Kinds.Kind(it.Kind)
	for _, f := range it.Secret {
		if _, set := v[f]; !set || k.Field(f) == nil {
			continue
		}
		have, err := secret.Current(tx, it.Known.Rec)
		if err != nil {
			return err
		}
		if err := history.Secret(tx, it.r.id, it.Known.Rec, f, have[f].Number); err != nil {
			return err
		}
	}
	return nil
}

// remember notes what the rows looked like and which versions of the records are
// the import's own.
func (r *Run) remember(tx *gate.Tx, list []*Item, done []saved) error {
	refs, last := make([]external.Ref, 0, len(list)), map[external.Row]int{}
	states := make([]state.State, 0, len(list))
	var wrote []history.Change
	for i, it := range list {
		if done[i].err != nil {
			continue
		}
		if !it.Link {
			wrote = append(wrote, history.Change{Record: done[i].rec, Before: done[i].before})
		}
		if it.Foreign == "" {
			continue
		}
		ref := external.Ref{Row: external.Row{Source: r.Source, Type: it.Table, ID: it.Foreign}, Record: done[i].rec, Hash: it.Hash.String()}
		if it.Partly {
			ref.Hash = pendingHash
		}
		if at, again := last[ref.Row]; again { // a row that is there twice: what comes later counts
			refs[at] = ref
		} else {
			last[ref.Row] = len(refs)
			refs = append(refs, ref)
		}
		var sums []string
		for _, f := range it.Secret {
			sums = append(sums, it.secretSum(f))
		}
		if it.Loose {
			continue
		}
		states = append(states, state.State{Record: done[i].rec, Secrets: strings.Join(sums, " ")})
	}
	if err := state.Save(tx, states); err != nil {
		return err
	}
	if err := history.Keep(tx, r.id, wrote); err != nil {
		return err
	}
	return external.SaveMany(tx, refs)
}

// savePast gives a new record the versions of its secrets, oldest first.
func (it *Item) savePast(tx *gate.Tx, rec *record.Record, changedAt any) error {
	for _, v := range it.Past {
		p := secret.Place{Kind: it.Kind, Org: rec.Org, Object: rec.ID, Field: v.Field}
		if _, err := secret.Put(tx, p, v.Value, secret.Note{Reason: v.Reason, Restores: v.Restores}); err != nil {
			return err
		}
	}
	if rec.Kind.Field("password_updated_at") == nil {
		return nil
	}
	if changedAt == nil {
		changedAt = tx.Now
	}
	_, err := it.r.Importer.Records.Update(tx, it.Kind, rec.ID, 0, record.Values{"password_updated_at": changedAt})
	return err
}
