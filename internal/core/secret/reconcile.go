package secret

import (
	"context"
	"fmt"
	"slices"
	"time"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/keys"
)

// Odd is a reveal that stands in one of the two logs and not in the other, or in
// both and not alike.
type Odd struct {
	Entry *int64 `json:"entry,omitempty"` // seq in the tenant's audit log
	Line  *int64 `json:"line,omitempty"`  // seq in the key service's log
	Time  int64  `json:"time"`            // Unix milliseconds
	Text  string `json:"text"`            // a whole sentence
}

// Reconciled is what a comparison of the two logs found.
type Reconciled struct {
	Granted int64 `json:"granted"` // reveals that the tenant's audit log grants
	Failed  int64 `json:"failed"`  // of these, those that it says showed nothing, and for which no key was given
	Recent  int64 `json:"recent"`  // of these, those of this moment that are not in the key service's log yet
	Opened  int64 `json:"opened"`  // keys that the key service's log says it gave out for the tenant
	Odd     []Odd `json:"odd"`     // what does not agree, in the order in which it was found
}

// late is how long after its grant no reveal is asked for any more; the two clocks
// differ by some minutes at most, or tickets are refused.
const late = 15 * time.Minute

// granted is an entry reveal.granted of the audit log, or one that a bulk ticket cites.
type granted struct {
	seq, time int64
	hash      [32]byte
	action    string
	kind      string
	object    int64
	version   int64
	fields    []string
	opened    bool // the key service gave its key
	failed    bool
}

// reconciling compares.
type reconciling struct {
	db     *sqldb.DB
	log    *audit.Log
	tenant string
	fresh  int64 // from this time on a reveal may be on its way to the key service
	by     map[int64]*granted
	next   int64 // entries read
	out    *Reconciled
}

// Reconcile compares the reveals of a tenant's audit log with those of the key
// service's log, which keyLog gives in order. Both have been verified. Reveals go on
// meanwhile: what was granted from fresh on, and has no key yet, is left for the next
// time.
func Reconcile(ctx context.Context, db *sqldb.DB, log *audit.Log, tenant string, fresh time.Time, keyLog func(func(keys.LogEntry) error) error) (*Reconciled, error) {
	r := &reconciling{db: db, log: log, tenant: tenant, fresh: fresh.UnixMilli(), by: map[int64]*granted{}, out: &Reconciled{Odd: []Odd{}}}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	first := r.next
	var lines []keys.LogEntry
	err := keyLog(func(e keys.LogEntry) error {
		if e.Tenant == tenant && e.Ticket != nil {
			lines = append(lines, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil { // what was granted while the other log was read
		return nil, err
	}
	for _, e := range lines {
		r.line(e)
	}
	r.unopened(first)
	return r.out, nil
}

// read reads on in the audit log, up to its end.
func (r *reconciling) read(ctx context.Context) error {
	for {
		var list []*audit.Entry
		err := r.db.View(ctx, func(tx *sqldb.Tx) (err error) {
			list, err = r.log.From(tx, r.next, 1000)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			if e.Action == Failed && e.Cites > 0 {
				if g := r.by[e.Cites-1]; g != nil {
					g.failed = true
				}
			}
			if e.Action == Failed || e.Result != audit.OK {
				continue
			}
			r.by[e.Seq] = &granted{seq: e.Seq, time: e.Time, hash: e.Hash(), action: e.Action, kind: e.Kind, object: int64(e.Object), version: e.Version, fields: e.Detail.Fields}
		}
		r.next = list[len(list)-1].Seq + 1
	}
}

func (r *reconciling) odd(entry, line *int64, when int64, format string, args ...any) {
	r.out.Odd = append(r.out.Odd, Odd{entry, line, when, fmt.Sprintf(format, args...)})
}

// line looks for what an entry of the key service's log cites.
func (r *reconciling) line(e keys.LogEntry) {
	if e.Opens() {
		r.out.Opened++
	}
	t := e.Ticket
	g := r.by[t.AuditSeq]
	what := fmt.Sprintf("the field %s of the %s %d, version %d", e.Field, e.Kind, e.Object, e.Version)
	switch {
	case g == nil:
		r.odd(nil, &e.Seq, e.Time, "The key service opened %s, for entry %d of the audit log, which grants nothing or is not there.", what, t.AuditSeq)
		return
	case g.hash != t.AuditLeaf:
		r.odd(&g.seq, &e.Seq, e.Time, "The key service opened %s, for an entry %d that is not the one of the audit log.", what, t.AuditSeq)
		return
	case !e.Opens(): // a rotation: nothing was given out
		return
	}
	if t.Bulk {
		g = r.ofBulk(g, e)
	} else if g.action != Granted || !g.is(e) {
		g = nil
	}
	if g != nil && e.Time-g.time > late.Milliseconds() {
		r.odd(&g.seq, &e.Seq, e.Time, "The key service opened %s, %s after it was granted.", what, time.Duration(e.Time-g.time)*time.Millisecond)
	}
	if g == nil {
		r.odd(&t.AuditSeq, &e.Seq, e.Time, "The key service opened %s, and the entry of the audit log that it was asked by is of something else.", what)
		return
	}
	g.opened = true
}

// is tells whether a grant is of the secret that was opened.
func (g *granted) is(e keys.LogEntry) bool {
	return g.kind == e.Kind && g.object == e.Object && g.version == int64(e.Version) && (len(g.fields) == 0 || slices.Contains(g.fields, e.Field))
}

// ofBulk finds the grant of one item of a bulk ticket: those of an export follow its
// own entry.
func (r *reconciling) ofBulk(export *granted, e keys.LogEntry) *granted {
	var again *granted
	for seq := export.seq + 1; seq < min(r.next, export.seq+4*batch); seq++ {
		g := r.by[seq] // nil for what the policy withheld
		if g == nil || g.action != Granted || !g.is(e) {
			continue
		}
		if !g.opened {
			return g
		}
		again = g
	}
	return again // asked for twice, after a broken connection
}

// unopened lists the grants for which no key was given, of the entries before a seq.
func (r *reconciling) unopened(before int64) {
	for seq := range r.next {
		g := r.by[seq]
		if g == nil || g.action != Granted {
			continue
		}
		r.out.Granted++
		switch {
		case g.opened:
		case g.failed:
			r.out.Failed++
		case seq >= before, g.time >= r.fresh:
			r.out.Recent++
		default:
			r.odd(&g.seq, nil, g.time, "Entry %d of the audit log grants a reveal of the %s %d, version %d, and the key service's log has none.", g.seq, g.kind, g.object, g.version)
		}
	}
}
