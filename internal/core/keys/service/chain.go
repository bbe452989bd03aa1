package service

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys/wire"
)

const chainSchema = `
create table if not exists entry (
	seq int not null constraint entry_pk primary key, -- from 1, without gaps
	text text not null, -- JSON
	hash bytes not null -- SHA-256 over the entry before and the text
)`

// entry is one line of the service's own log. It holds ids, times and hashes
// only.
type entry struct {
	Seq     int64        `json:"seq"`
	Time    int64        `json:"time"` // Unix milliseconds, by the service's clock
	Call    string       `json:"call"`
	Tenant  string       `json:"tenant,omitempty"`
	Ticket  *wire.Ticket `json:"ticket,omitempty"`
	Kind    string       `json:"kind,omitempty"` // this and the next three are the header's
	Object  int64        `json:"object,omitempty"`
	Field   string       `json:"field,omitempty"`
	Version uint32       `json:"version,omitempty"`
	Header  string       `json:"header,omitempty"` // SHA-256, hexadecimal
	Key     string       `json:"key,omitempty"`    // key id, hexadecimal
	To      string       `json:"to,omitempty"`     // of rewrap: key id, hexadecimal
	Suite   string       `json:"suite,omitempty"`
	First   uint32       `json:"first,omitempty"` // of retire: the first generation that stays
}

// link gives the hash of an entry: SHA-256 over the length-prefixed parts
// "strongroom/keylog/1", hash of the entry before (zeros for the first) and
// text.
func link(previous [32]byte, text []byte) [32]byte {
	return sha256.Sum256(envelope.Bind("strongroom/keylog/1", string(previous[:]), string(text)))
}

// chain appends entries; those that wait together are committed together.
type chain struct {
	db    *sqldb.DB
	now   func() time.Time
	queue chan pending
	wg    sync.WaitGroup
}

// end is where the next entry goes on.
type end struct {
	seq  int64    // of the last entry; 0 when there is none
	hash [32]byte // its hash
}

type pending struct {
	entries []entry
	done    chan error
}

const maxTogether = 512

func openChain(ctx context.Context, path string, key []byte, now func() time.Time) (*chain, error) {
	db, err := openDatabase(ctx, path, key)
	if err != nil {
		return nil, err
	}
	err = db.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(tx.Dialect().DDL(chainSchema))
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c := &chain{db: db, now: now, queue: make(chan pending, 64)}
	c.wg.Go(c.write)
	return c, nil
}

func (c *chain) close() error {
	close(c.queue)
	c.wg.Wait()
	return c.db.Close()
}

// append makes entries durable, in order and without others between them.
func (c *chain) append(entries ...entry) error {
	p := pending{entries, make(chan error, 1)}
	c.queue <- p
	if err := <-p.done; err != nil {
		return fault.Wrap(err, fault.Unavailable, "The key service cannot write its log, so it did nothing.").
			WithHint("Check the space on the disk of the key service.")
	}
	return nil
}

// write is alone in writing the log, so it need not read where the log ends but
// at first and after a failure.
func (c *chain) write() {
	var last *end
	for p := range c.queue {
		runtime.Gosched() // who is about to append joins this commit
		batch := []pending{p}
		for n := len(p.entries); n < maxTogether; {
			q, ok := c.waiting()
			if !ok {
				break
			}
			batch, n = append(batch, q), n+len(q.entries)
		}
		var next end
		err := c.db.Change(context.Background(), func(tx *sqldb.Tx) (err error) {
			if next, err = ending(tx, last); err == nil {
				next, err = c.insert(tx, batch, next)
			}
			return err
		})
		if last = &next; err != nil {
			last = nil
		}
		for _, b := range batch {
			b.done <- err
		}
	}
}

func (c *chain) waiting() (pending, bool) {
	select {
	case p, ok := <-c.queue:
		return p, ok
	default:
		return pending{}, false
	}
}

func (c *chain) insert(tx *sqldb.Tx, batch []pending, at end) (end, error) {
	now := c.now().UnixMilli()
	for _, b := range batch {
		for _, e := range b.entries {
			at.seq++
			e.Seq, e.Time = at.seq, now
			text, err := json.Marshal(e)
			if err != nil {
				return at, err
			}
			at.hash = link(at.hash, text)
			if _, err := tx.Exec(`insert into entry (seq, text, hash) values (?, ?, ?)`, at.seq, string(text), at.hash[:]); err != nil {
				return at, err
			}
		}
	}
	return at, nil
}

// ending gives where the log ends: known, or read when known is nil.
func ending(tx *sqldb.Tx, known *end) (at end, err error) {
	if known != nil {
		return *known, nil
	}
	var hash []byte
	err = tx.QueryRow(`select seq, hash from entry order by seq desc limit 1`).Scan(&at.seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return at, nil
	}
	copy(at.hash[:], hash)
	return at, err
}

// Entry is one line of the key service's log.
type Entry struct {
	Seq  int64
	Text string // JSON, see doc/formats/key-protocol.md
}

// VerifyLog reads the log in the key service's folder from its beginning,
// also while the service runs, checks that every entry continues the one
// before, gives each to fn (which may be nil) and tells how many there are.
// Invalid names the first entry that was altered or is missing.
func VerifyLog(ctx context.Context, dir string, root []byte, fn func(Entry) error) (int64, error) {
	d, err := derive(root)
	if err != nil {
		return 0, err
	}
	defer d.forget()
	db, err := openDatabase(ctx, filepath.Join(dir, chainFile), d.chain)
	if err != nil {
		return 0, err
	}
	n, err := verify(ctx, db, fn)
	return n, errors.Join(err, db.Close())
}

func verify(ctx context.Context, db *sqldb.DB, fn func(Entry) error) (int64, error) {
	var n int64
	err := db.View(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(`select seq, text, hash from entry order by seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		var previous [32]byte
		for rows.Next() {
			var e Entry
			var hash []byte
			if err := rows.Scan(&e.Seq, &e.Text, &hash); err != nil {
				return err
			}
			previous = link(previous, []byte(e.Text))
			if e.Seq != n+1 || string(hash) != string(previous[:]) {
				return fault.New(fault.Invalid, "Entry %d of the key service's log was altered or is missing.", n+1).
					WithHint("Everything before it is as it was written; compare with a backup.")
			}
			n = e.Seq
			if fn == nil {
				continue
			}
			if err := fn(e); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return n, err
}
