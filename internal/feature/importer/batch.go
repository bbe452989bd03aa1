package importer

import (
	"crypto/hmac"
	"crypto/sha256"
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
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/state"
)

// outcome is what becomes of a row.
type outcome int

const (
	skipped outcome = iota
	created
	changed
	unchanged
	conflict
)

// item is one row on its way to a record.
type item struct {
	r              *run
	kind           string // of the record
	table, foreign string // of the row in its source
	file           string
	line           int
	row            itglue.Row
	org            *known

	values record.Values
	lists  []listWant // values that are names of tenant-wide lists
	notes  []string   // what found no field
	marks  []string   // what else tells one state of the source from another
	secret []string   // names of the fields that are secrets

	doc    *itglue.Document // of a document
	extra  *extra           // what Strongroom's own export says of the row beside the table
	past   []itglue.Version // of the secrets, from the same
	within id.ID            // the record that holds the pictures of a section
	late   []late           // references to what may come later
	shown  string           // the name of an asset, which its fields make

	// prepare runs before the transaction, once it is known that the item is to
	// be saved.
	prepare func() error
	// before completes the values in the transaction, of a record that is there.
	before func(tx *gate.Tx, v record.Values) error
	// after runs in the transaction once the record is saved.
	after func(tx *gate.Tx, it *item, rec *record.Record) error

	known    *known
	hash     sum
	what     outcome
	link     bool // only remembered: the record is here already
	partly   bool // the text of a document comes later
	silent   bool // the text of a document that was counted before
	warnings []Problem
}

type sum = state.Sum

func (r *run) newHash() hash.Hash { return hmac.New(sha256.New, r.key) }

func (r *run) sum(f func(put func(string))) sum { return state.SumOf(r.key, f) }

// rowSum is the hash of a row: its cells, and what its references came to.
func (it *item) rowSum() sum {
	return it.r.sum(func(put func(string)) {
		put(it.table)
		if it.row.Cells != nil {
			it.row.Each(func(column, value string) { put(column); put(value) })
		}
		for _, m := range it.marks {
			put("\x00" + m)
		}
		if it.extra != nil {
			put("\x00extra")
			put(it.extra.raw)
		}
	})
}

// secretSum tells whether a secret value is another one than last time.
func (it *item) secretSum(field string) string {
	s := it.values.Text(field)
	if s == "" {
		return "-"
	}
	return it.r.sum(func(put func(string)) { put(it.foreign); put(field); put(s) }).String()
}

// title names an item in a sentence.
func (it *item) title() string {
	name := it.values.Text("name")
	if name == "" {
		name = strings.TrimSpace(it.values.Text("first_name") + " " + it.values.Text("last_name"))
	}
	if name == "" {
		name = it.shown
	}
	if name == "" {
		return "the record"
	}
	return fmt.Sprintf("%q", short(name))
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}

// missing says which required field has no value.
func (it *item) missing() string {
	k := it.r.m.Records.Kinds.Kind(it.kind)
	for _, f := range k.Fields {
		wanted := slices.ContainsFunc(it.lists, func(l listWant) bool { return l.field == f.Name })
		if f.Required && f.Type != record.Secret && it.values[f.Name] == nil && !wanted {
			return f.Title() + " is missing."
		}
	}
	return ""
}

// skip leaves a row out, and says so.
func (it *item) skip(hint, format string, args ...any) error {
	it.r.problem(it.file, it.line, itglue.Error, hint, format, args...)
	it.r.report.count(it.kind, skipped)
	return nil // so that a caller can end with it
}

// warn says something of a row that comes in.
func (it *item) warn(hint, format string, args ...any) {
	it.warnings = append(it.warnings, Problem{File: it.file, Line: it.line, Severity: itglue.Warning, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// push keeps an item for the next batch.
func (r *run) push(it *item) error {
	it.addNotes()
	if r.dry {
		if it.known.rec == 0 {
			it.known.rec, it.known.fresh, it.known.pending = r.nextPseudo(), true, it.partly
		}
		if !it.link {
			r.wouldList(it)
		}
		r.report.problem(it.warnings...)
		if !it.silent {
			r.report.count(it.kind, it.what)
		}
		return nil
	}
	if it.prepare != nil {
		if err := it.prepare(); err != nil {
			return err
		}
	}
	n := r.m.Batch
	if n == 0 {
		n = 500
	}
	if len(r.pending) >= n || r.size > 8<<20 { // before the item, which is not finished: its row goes on
		if err := r.begun(); err != nil {
			return err
		}
	}
	if err := r.ahead.More(r.tenant, it.sealed()); err != nil {
		return err
	}
	r.pending = append(r.pending, it)
	for _, v := range it.values {
		if s, ok := v.(string); ok {
			r.size += len(s)
		}
	}
	return nil
}

// sealed tells how many secrets the item has to seal.
func (it *item) sealed() int {
	n := len(it.past)
	for _, f := range it.secret {
		if it.values.Text(f) != "" {
			n++
		}
	}
	return n
}

// nextPseudo stands for the id of what a dry run would create.
func (r *run) nextPseudo() id.ID {
	r.pseudo--
	return r.pseudo
}

// rowFault tells whether an error is about a row, and not about the database.
func rowFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.Of(err) {
	case fault.Invalid, fault.NotFound, fault.Denied, fault.Conflict:
		return true
	}
	return false
}

// sentence joins what a failure says of fields.
func sentence(e *fault.Error) string {
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
	err      error
	warnings []Problem
}

func (r *run) save(list []*item, ahead *secret.Ahead, alone bool) ([]saved, error) {
	done := make([]saved, len(list))
	err := r.m.quietly(r.ctx, r.c, func(tx *gate.Tx) error {
		clear(done)
		ahead.In(tx)
		r.look.added = nil
		for i, it := range list {
			if !alone {
				if done[i].rec, done[i].err = it.save(tx); done[i].err != nil {
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
				if it.silent || it.link {
					continue
				}
				if err := r.note(tx, it.kind, it.what, 1, append(it.warnings, done[i].warnings...)...); err != nil {
					return err
				}
			}
		}
		for _, a := range r.look.added {
			if err := r.note(tx, a.key.kind, created, 1); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

// tryHard saves an item so that its failure undoes only itself, without the
// values that are refused if it cannot be saved with them.
func (it *item) tryHard(tx *gate.Tx, d *saved) error {
	for range 8 {
		added := len(it.r.look.added)
		d.err = tx.Try(func() error {
			var err error
			d.rec, err = it.save(tx)
			return err
		})
		if d.err == nil {
			return nil
		}
		it.r.look.added = it.r.look.added[:added]
		if !rowFault(d.err) {
			return d.err
		}
		said := fault.Say(d.err)
		if !it.leaveOut(said) {
			return nil
		}
		d.warnings = append(d.warnings, Problem{File: it.file, Line: it.line, Severity: itglue.Warning,
			Text: fmt.Sprintf("Line %d of %s came in without a value: %s", it.line, it.file, sentence(said)), Hint: "Set it by hand."})
	}
	return nil
}

// leaveOut takes the refused values out; false when the record cannot be
// without one of them.
func (it *item) leaveOut(e *fault.Error) bool {
	k := it.r.m.Records.Kinds.Kind(it.kind)
	out := 0
	for name := range e.Fields {
		f := k.Field(name)
		if f == nil && k.Variants == nil || f != nil && f.Required || name == "name" {
			return false
		}
		if _, ok := it.values[name]; ok {
			delete(it.values, name)
			out++
		}
		it.lists = slices.DeleteFunc(it.lists, func(l listWant) bool {
			if l.field == name {
				out++
			}
			return l.field == name
		})
		if name == "resource_id" {
			delete(it.values, "resource_type")
		}
	}
	return out > 0
}

// save creates or changes the record of an item.
func (it *item) save(tx *gate.Tx) (id.ID, error) {
	if it.link {
		return it.known.rec, nil
	}
	v := it.values.Clone()
	for _, l := range it.lists {
		n, err := it.r.look.list(tx, it.r, l)
		if err != nil {
			return 0, err
		}
		v[l.field] = n
	}
	if it.before != nil {
		if err := it.before(tx, v); err != nil {
			return 0, err
		}
	}
	e := it.r.m.Records.Bare()
	var rec *record.Record
	var err error
	if it.what == created {
		rec, err = it.create(tx, v)
	} else {
		if err := it.keepSecrets(tx, v); err != nil {
			return 0, err
		}
		rec, err = e.Update(tx, it.kind, it.known.rec, 0, v)
	}
	if err != nil {
		return 0, err
	}
	if it.after != nil {
		if err := it.after(tx, it, rec); err != nil {
			return 0, err
		}
	}
	return rec.ID, nil
}

func (it *item) create(tx *gate.Tx, v record.Values) (*record.Record, error) {
	e := it.r.m.Records.Bare()
	for _, f := range it.secret {
		past := slices.ContainsFunc(it.past, func(p itglue.Version) bool { return p.Field == f })
		if v.Text(f) == "" || past { // a first version that says nothing is none
			delete(v, f)
		}
	}
	if len(it.past) == 0 {
		return e.Create(tx, it.kind, v)
	}
	at := v["password_updated_at"]
	delete(v, "password_updated_at")
	rec, err := e.Create(tx, it.kind, v)
	if err != nil {
		return nil, err
	}
	return rec, it.savePast(tx, rec, at)
}

// keepSecrets takes out of v the secrets that are the same as last time, so that
// they get no new version.
func (it *item) keepSecrets(tx *gate.Tx, v record.Values) error {
	if len(it.secret) == 0 {
		return nil
	}
	have, err := state.Secrets(tx, it.known.rec)
	if err != nil {
		return err
	}
	for i, f := range it.secret {
		if i < len(have) && have[i] == it.secretSum(f) {
			delete(v, f)
		}
	}
	return nil
}

// remember notes what the rows looked like and which versions of the records are
// the import's own.
func (r *run) remember(tx *gate.Tx, list []*item, done []saved) error {
	refs, last := make([]external.Ref, 0, len(list)), map[external.Row]int{}
	states := make([]state.State, 0, len(list))
	for i, it := range list {
		if done[i].err != nil {
			continue
		}
		ref := external.Ref{Row: external.Row{Source: r.source(), Type: it.table, ID: it.foreign}, Record: done[i].rec, Hash: it.hash.String()}
		if it.partly {
			ref.Hash = pendingHash
		}
		if at, again := last[ref.Row]; again { // a row that is there twice: what comes later counts
			refs[at] = ref
		} else {
			last[ref.Row] = len(refs)
			refs = append(refs, ref)
		}
		var sums []string
		for _, f := range it.secret {
			sums = append(sums, it.secretSum(f))
		}
		states = append(states, state.State{Record: done[i].rec, Secrets: strings.Join(sums, " ")})
	}
	if err := state.Save(tx, states); err != nil {
		return err
	}
	return external.SaveMany(tx, refs)
}
