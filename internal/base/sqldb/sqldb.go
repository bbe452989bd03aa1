package sqldb

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"strongroom/internal/base/fault"
)

// DB is an open database. It is safe for use by many goroutines.
type DB struct {
	dialect    Dialect
	path       string
	vfs        string // under which SQLite finds the key
	dial       func(ctx context.Context, reader bool) (conn, error)
	begin      string        // starts a change
	beginView  string        // starts a snapshot
	readers    chan struct{} // one token for each reader that may be open
	idle       chan conn     // open readers that nobody uses
	queue      chan *change
	stop       chan struct{} // closed by Close
	done       chan struct{} // closed when the writer has ended
	writer     *writer       // belongs to its goroutine until done is closed
	closing    sync.Mutex
	closed     bool
	statements atomic.Int64
	schema     atomic.Int64 // counts changes of the schema made here
	edition    atomic.Uint64
	release    func() // frees what OpenSQLite registered
}

// start makes the database ready for use and begins its writer. first is the
// connection that proved the database to be usable; it becomes the writer's.
func (d *DB) start(first conn, readers int) {
	d.readers = make(chan struct{}, readers)
	d.idle = make(chan conn, readers)
	d.queue = make(chan *change)
	d.stop = make(chan struct{})
	d.done = make(chan struct{})
	d.writer = &writer{db: d, c: first}
	d.edition.Store(rand.Uint64()) // #nosec G404 -- no secret: no other opening of the database had it
	go d.writer.serve()
}

// Dialect tells which database this is.
func (d *DB) Dialect() Dialect { return d.dialect }

// Path is the file of a SQLite database; empty for PostgreSQL.
func (d *DB) Path() string { return d.path }

// Statements counts the statements that functions have run since the database
// was opened; transaction control is not counted.
func (d *DB) Statements() int64 { return d.statements.Load() }

// Edition is a number for whoever remembers what a snapshot said: taken before that
// snapshot, it is another one as soon as a change has been answered that called
// NewEdition. ok is false where other processes write too, which tell nobody.
func (d *DB) Edition() (n uint64, ok bool) { return d.edition.Load(), d.dialect == SQLite }

// Close refuses new work, waits for the changes and views that have begun and
// closes the connections. Closing again does nothing.
func (d *DB) Close() error {
	d.closing.Lock()
	defer d.closing.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	close(d.stop)
	<-d.done
	for range cap(d.readers) { // each view that ends gives its token back; none begins
		d.readers <- struct{}{}
	}
	close(d.idle)
	var err error
	for c := range d.idle {
		err = errors.Join(err, c.close())
	}
	if d.writer.c != nil {
		err = errors.Join(err, d.writer.c.close()) // last: SQLite empties its log now
	}
	if d.release != nil {
		d.release()
	}
	return err
}

func closedFault() error {
	return fault.New(fault.Unavailable, "The database is closed.").WithHint("Try again in a moment.")
}

// marks tell which transactions a context is inside of.
type viewMark struct{ db *DB }
type changeMark struct{ db *DB }

// View runs fn on a snapshot that cannot write. It gives fn's error, an
// Unavailable fault when the database is closed, or ctx's error when no
// connection became free in time.
func (d *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if ctx.Value(viewMark{d}) != nil {
		return fault.New(fault.Internal, "A view was opened inside a view.").WithHint("Pass the outer transaction on.")
	}
	c, err := d.take(ctx)
	if err != nil {
		return err
	}
	defer d.put(c)
	if err := d.refresh(ctx, c); err != nil {
		return typed(ctx, c, err)
	}
	if err := c.control(ctx, d.beginView); err != nil {
		return typed(ctx, c, err)
	}
	t := &Tx{db: d, c: c, ctx: context.WithValue(ctx, viewMark{d}, true), run: ctx}
	defer func() { // also when fn panics
		t.end(nil)
		if c.open() {
			// A rollback that fails leaves a connection that put closes.
			_ = c.control(context.WithoutCancel(ctx), "rollback")
		}
	}()
	return t.end(fn(t))
}

// take gives a reader that is in nobody's hands.
func (d *DB) take(ctx context.Context) (conn, error) {
	select {
	case <-d.stop:
		return nil, closedFault()
	default:
	}
	select {
	case d.readers <- struct{}{}:
		// Close may have begun meanwhile; it waits for this token.
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.stop:
		return nil, closedFault()
	}
	select {
	case c := <-d.idle:
		return c, nil
	default:
	}
	c, err := d.dial(ctx, true)
	if err != nil {
		<-d.readers
		return nil, err
	}
	return c, nil
}

// refresh makes c forget what it prepared for an older schema.
func (d *DB) refresh(ctx context.Context, c conn) error {
	now, seen := d.schema.Load(), c.seen()
	if *seen == now {
		return nil
	}
	*seen = now
	return c.forget(ctx)
}

// put gives a reader back; one that is broken or still inside a transaction is
// closed instead.
func (d *DB) put(c conn) {
	if c.alive() && !c.open() {
		d.idle <- c
	} else {
		_ = c.close() // it is broken: its error says nothing new
	}
	<-d.readers
}

// BackupTo writes a consistent copy of a SQLite database to path, which must
// not exist, encrypted with the same key. Changes go on meanwhile. PostgreSQL
// is refused (Invalid): its own tools make its backups.
func (d *DB) BackupTo(ctx context.Context, path string) error {
	if d.dialect != SQLite {
		return fault.New(fault.Invalid, "A PostgreSQL database cannot be copied to a file from here.").
			WithHint("Use pgBackRest or pg_dump.")
	}
	c, err := d.take(ctx)
	if err != nil {
		return err
	}
	defer d.put(c)
	return d.copyTo(ctx, c, path)
}
