package audit

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Report is what a verification found.
type Report struct {
	Tenant      string
	Entries     int64       // entries that are there
	Root        merkle.Hash // of the tree of all of them
	Checkpoints int         // signed checkpoints that agree
	Signed      int64       // entries that the newest of these covers
	Details     int64       // details that were compared with their entries
	Erased      int64       // details that were taken away, or whose person was erased
	Bad         *Finding    // the first thing that is wrong; nil when all is well
}

// Finding says what is wrong, from which entry on.
type Finding struct {
	Seq  int64  // the first entry that it concerns
	What string // a whole sentence
}

// String gives the report in one sentence or two.
func (r Report) String() string {
	if r.Bad != nil {
		return fmt.Sprintf("The audit log does not verify from entry %d on. %s", r.Bad.Seq, r.Bad.What)
	}
	return fmt.Sprintf("All %d entries verify; %d of them are covered by signed checkpoints, of which there are %d.", r.Entries, r.Signed, r.Checkpoints)
}

// check follows a log entry by entry; it is what Verify and VerifyExport share.
type check struct {
	report Report
	key    string // of the checkpoints
	front  merkle.Frontier
	last   merkle.Checkpoint // the newest that agreed
}

// errBad ends a verification that has found something.
var errBad = errors.New("the log does not verify")

func (c *check) bad(seq int64, format string, args ...any) error {
	c.report.Bad = &Finding{Seq: seq, What: fmt.Sprintf(format, args...)}
	return errBad
}

// entry takes the next leaf.
func (c *check) entry(leaf []byte) {
	c.front.Append(merkle.LeafHash(leaf))
	c.report.Entries = c.front.Size()
	c.report.Root = c.front.Root()
}

// checkpoint takes a signed note that states the entries taken so far.
func (c *check) checkpoint(signed string) error {
	p, err := merkle.OpenCheckpoint([]byte(signed), c.key)
	size := c.front.Size()
	switch {
	case err != nil:
		return c.bad(c.last.Size, "The checkpoint at %d entries is not signed by this tenant's key.", size)
	case p.Origin != merkle.OriginPrefix+c.report.Tenant:
		return c.bad(c.last.Size, "The checkpoint at %d entries belongs to another tenant.", size)
	case p.Size != size:
		return c.bad(c.last.Size, "The checkpoint at %d entries states %d entries.", size, p.Size)
	case p.Root != c.front.Root():
		return c.bad(c.last.Size, "Entries %d to %d are not those that were signed on %s.", c.last.Size, size-1, p.When().UTC().Format(time.DateTime))
	}
	c.last = p
	c.report.Checkpoints++
	c.report.Signed = size
	return nil
}

// page is how many entries are read at once.
const page = 1000

// Verify reads a tenant's whole log and compares everything with everything:
// each entry with its hash, each detail with its entry, all of them with the
// head of the tree, and the beginnings of the log with the signed checkpoints.
// What is appended meanwhile is left for the next time. key is the note
// verifier key of the tenant, from where the one who verifies keeps it. What is
// wrong is in the report; the error says why it could not be verified at all.
func Verify(ctx context.Context, db *sqldb.DB, l *Log, key string) (Report, error) {
	v := &verifier{
		check: check{report: Report{Tenant: l.Tenant}, key: key},
		log:   &Log{Tenant: l.Tenant, root: l.root, persons: map[id.ID]cipher.AEAD{}}, // remembers no key from before
		gone:  map[id.ID]bool{},
		taken: map[int64]bool{},
	}
	if err := usable(key); err != nil {
		return v.report, err
	}
	err := v.run(ctx, db)
	if errors.Is(err, errBad) {
		err = nil
	}
	return v.report, err
}

// verifier reads the log of a database.
type verifier struct {
	check
	log    *Log
	head   merkle.Frontier // as stored
	behind int64           // entries that the head does not state
	points []signed        // checkpoints not reached yet
	gone   map[id.ID]bool  // whether the key of a person was destroyed
	taken  map[int64]bool  // entries without their details, of which no later one has said so yet
}

func (v *verifier) run(ctx context.Context, db *sqldb.DB) error {
	if err := db.View(ctx, v.start); err != nil {
		return err
	}
	for done := false; !done; {
		err := db.View(ctx, func(tx *sqldb.Tx) error {
			list, err := scan(tx, `select `+columns+` from audit_entry where seq >= ? and seq < ? order by seq limit ?`, v.front.Size(), v.head.Size(), page)
			if err != nil {
				return err
			}
			done = len(list) == 0
			for _, e := range list {
				if err := v.stored(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := db.View(ctx, v.unsaid); err != nil {
		return err
	}
	return v.end()
}

// unsaid finds details that were taken away without an entry that says so: among those that
// were appended meanwhile, too.
func (v *verifier) unsaid(tx *sqldb.Tx) error {
	if len(v.taken) == 0 {
		return nil
	}
	list, err := scan(tx, `select `+columns+` from audit_entry where seq >= ? and action = ?`, v.head.Size(), Taken)
	if err != nil {
		return err
	}
	for _, e := range list {
		v.said(e)
	}
	for _, seq := range slices.Sorted(maps.Keys(v.taken)) {
		return v.bad(seq, "The detail of entry %d was taken away.", seq)
	}
	return nil
}

// said takes an entry that says which details were taken away.
func (v *verifier) said(e *Entry) {
	for seq := e.Cites - 1; seq < min(e.Cites-1+e.Count, e.Seq); seq++ {
		if v.taken[seq] {
			delete(v.taken, seq)
			v.report.Erased++
		}
	}
}

// start reads what one moment said of the log.
func (v *verifier) start(tx *sqldb.Tx) error {
	f, err := head(tx, false)
	if fault.Is(err, fault.Invalid) {
		return v.bad(0, "The head of the tree cannot be read.")
	}
	if err != nil {
		return err
	}
	v.head = f.Clone()
	if v.points, err = checkpoints(tx); err != nil {
		return err
	}
	return tx.QueryRow(`select count(*) from audit_entry where seq < 0 or seq >= ?`, v.head.Size()).Scan(&v.behind)
}

// stored takes one entry as it is stored.
func (v *verifier) stored(tx *sqldb.Tx, e *Entry) error {
	want := v.front.Size()
	if e.Seq != want {
		return v.bad(want, "Entry %d is missing.", want)
	}
	leaf, err := e.Leaf(v.log.Tenant)
	if err != nil {
		return err
	}
	if merkle.LeafHash(leaf) != e.hash {
		return v.bad(want, "Entry %d was altered: it does not agree with its hash.", want)
	}
	if err := v.detail(tx, e); err != nil {
		return err
	}
	if e.Action == Taken {
		v.said(e)
	}
	v.entry(leaf)
	for len(v.points) > 0 && v.points[0].size <= v.front.Size() {
		if err := v.point(v.points[0]); err != nil {
			return err
		}
		v.points = v.points[1:]
	}
	return nil
}

// point takes the checkpoint that is due after the present entry.
func (v *verifier) point(p signed) error {
	if p.size < v.front.Size() {
		return v.bad(v.last.Size, "A checkpoint at %d entries is kept, which nobody signs.", p.size)
	}
	before := v.last.Size
	if err := v.checkpoint(p.note); err != nil {
		return err
	}
	if p.time != v.last.Time {
		return v.bad(before, "The time stored beside the checkpoint at %d entries is not the one that was signed.", p.size)
	}
	return nil
}

// detail compares the detail of an entry with the entry.
func (v *verifier) detail(tx *sqldb.Tx, e *Entry) error {
	gone, known := v.gone[e.Actor]
	if !known {
		var key []byte
		err := tx.QueryRow(`select sealed from audit_person where person = ?`, int64(e.Actor)).Scan(&key)
		if errors.Is(err, sql.ErrNoRows) {
			return v.bad(e.Seq, "The key of person %d, to whom entry %d belongs, is missing.", int64(e.Actor), e.Seq)
		}
		if err != nil {
			return err
		}
		gone = key == nil
		v.gone[e.Actor] = gone
	}
	if gone {
		v.report.Erased++
		return nil
	}
	if e.sealed == nil { // a later entry says so, or it is wrong
		v.taken[e.Seq] = true
		return nil
	}
	if err := v.log.open(tx, e); err != nil {
		if fault.Is(err, fault.Unavailable) || tx.Context().Err() != nil {
			return err
		}
		return v.bad(e.Seq, "The detail of entry %d was altered.", e.Seq)
	}
	v.report.Details++
	return nil
}

// end compares what was read with the head, and sees that no checkpoint states
// more.
func (v *verifier) end() error {
	have := v.front.Size()
	if n := len(v.points); n > 0 {
		if _, err := merkle.OpenCheckpoint([]byte(v.points[n-1].note), v.key); err != nil {
			return v.bad(have, "A checkpoint at %d entries is kept that is not signed by this tenant's key.", v.points[n-1].size)
		}
		return v.bad(have, "The log ends after %d entries, but %d were signed: the last ones were taken away.", have, v.points[n-1].size)
	}
	if have < v.head.Size() {
		return v.bad(have, "The log ends after %d entries, but the head of the tree states %d.", have, v.head.Size())
	}
	if v.behind > 0 {
		return v.bad(have, "There are %d entries that the head of the tree does not state.", v.behind)
	}
	if string(v.head.Marshal()) != string(v.front.Marshal()) {
		return v.bad(v.last.Size, "The head of the tree has another root than the %d entries that are there.", have)
	}
	return nil
}
