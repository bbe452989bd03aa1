package sqldb

import (
	"context"
	"errors"
	"time"

	"strongroom/internal/base/fault"
)

// The bounds of one group commit.
const (
	maxMembers = 64
	maxWork    = 5 * time.Millisecond
)

// change is one call of Change. The function runs in the caller's goroutine,
// while the writer waits for it: a panic or a test's FailNow stays where it
// belongs.
type change struct {
	ctx    context.Context
	turn   chan *Tx   // the writer hands over the transaction
	ran    chan error // the caller tells how the function ended
	answer chan error // the writer tells whether the work is durable
}

// Change runs fn in a transaction and gives nil when its work is durable. An
// error or a panic of fn takes back what it did. When the commit itself fails,
// nothing of it is kept and the error is given. A ctx that ends before fn's
// turn gives its error, and fn is not run; later, statements are refused.
func (d *DB) Change(ctx context.Context, fn func(*Tx) error) error {
	if ctx.Value(changeMark{d}) != nil {
		return fault.New(fault.Internal, "A change was opened inside a change.").WithHint("Pass the outer transaction on.")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m := &change{ctx: ctx, turn: make(chan *Tx), ran: make(chan error), answer: make(chan error, 1)}
	select {
	case <-d.stop:
		return closedFault()
	default:
	}
	select {
	case d.queue <- m:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.stop:
		return closedFault()
	}
	select {
	case t := <-m.turn:
		m.perform(t, fn)
		return <-m.answer
	case err := <-m.answer: // the transaction could not begin
		return err
	}
}

var errUnfinished = errors.New("sqldb: the function did not return")

// perform runs fn and tells the writer, also when fn panics or ends its
// goroutine: the panic then goes on in the caller.
func (m *change) perform(t *Tx, fn func(*Tx) error) {
	err := errUnfinished
	defer func() { m.ran <- err }()
	err = t.end(fn(t))
}

// writer runs changes, one after the other, on one connection.
type writer struct {
	db      *DB
	c       conn // nil when none is open
	members []*change
	save    bool // a savepoint is open and holds nothing
	nested  bool // a savepoint is open and holds the last member's work
	owed    bool // this member has a savepoint only once it writes, and has not written
	ddl     bool // a member changed the schema
	anew    bool // a member asked for a new edition

	closings []closing // what members left for the end
}

func (w *writer) serve() {
	defer close(w.db.done)
	for {
		select {
		case m := <-w.db.queue:
			w.batch(m)
		case <-w.db.stop:
			return
		}
	}
}

// batch runs first and whatever waits, commits once and answers all.
func (w *writer) batch(first *change) {
	w.members, w.save, w.nested, w.owed, w.ddl, w.anew, w.closings = w.members[:0], false, false, false, false, false, nil
	from := time.Now()
	for m := first; m != nil; {
		if !w.member(m) {
			return
		}
		m = nil
		if len(w.members) < maxMembers && time.Since(from) < maxWork {
			select {
			case m = <-w.db.queue:
			default:
			}
		}
	}
	if len(w.members) == 0 {
		return
	}
	if err := w.finish(); err != nil {
		w.lose(err)
		return
	}
	w.answer(w.commit())
}

// member runs one change inside the open transaction; false means that the
// transaction is lost and that everybody was answered.
func (w *writer) member(m *change) bool {
	if err := m.ctx.Err(); err != nil {
		m.answer <- err
		return true
	}
	if err := w.prepare(); err != nil {
		m.answer <- err
		w.lose(err)
		return false
	}
	run := context.WithoutCancel(m.ctx) // one member's cancellation must not end the others' transaction
	t := &Tx{db: w.db, c: w.c, ctx: context.WithValue(m.ctx, changeMark{w.db}, true), run: run, writes: true, begin: w.mark}
	m.turn <- t
	err := <-m.ran
	w.ddl, w.anew = w.ddl || t.ddl, w.anew || t.anew
	if err == nil {
		w.members = append(w.members, m)
		w.closings = append(w.closings, t.closings...)
		if !w.owed { // otherwise nothing of it needs holding, and the last savepoint is as it was
			w.nested, w.save = w.save, false
		}
		return true
	}
	t.end(nil) // a panic may have left rows open
	if back := w.takeBack(); back != nil {
		m.answer <- err
		w.lose(errors.Join(err, back))
		return false
	}
	m.answer <- err
	return true
}

// prepare opens the transaction, or a savepoint inside it when it already
// holds another member's work.
func (w *writer) prepare() error {
	ctx := context.Background()
	w.owed = false
	if w.c != nil && !w.c.alive() && len(w.members) == 0 {
		_ = w.c.close() // broken
		w.c = nil
	}
	if w.c == nil {
		c, err := w.db.dial(ctx, false)
		if err != nil {
			return err
		}
		w.c = c
	}
	switch {
	case !w.c.open():
		if len(w.members) > 0 {
			return errors.New("sqldb: the transaction was lost")
		}
		if err := w.db.refresh(ctx, w.c); err != nil {
			return typed(ctx, w.c, err)
		}
		return w.control(w.db.begin)
	case len(w.members) == 0 || w.save:
		return nil
	}
	w.owed = true
	if w.db.dialect != SQLite { // where a query that fails spoils the transaction
		return w.mark()
	}
	return nil
}

// mark opens the savepoint that a member is owed, before it writes. What only reads,
// and leaves its writing to the commit, needs none.
func (w *writer) mark() error {
	if !w.owed {
		return nil
	}
	w.owed = false
	q := "savepoint member"
	if w.nested {
		q = "release savepoint member; savepoint member"
	}
	if err := w.control(q); err != nil {
		return err
	}
	w.save, w.nested = true, false
	return nil
}

// takeBack undoes what the last member did.
func (w *writer) takeBack() error {
	switch {
	case !w.c.open(): // the database has already taken everything back
		if len(w.members) > 0 {
			return errors.New("sqldb: the transaction was lost")
		}
		return nil
	case w.owed:
		return nil
	case w.save:
		return w.control("rollback to savepoint member")
	}
	return w.control("rollback")
}

func (w *writer) commit() error {
	if !w.c.open() {
		return errors.New("sqldb: the transaction was lost")
	}
	err := w.control("commit")
	if err != nil && w.c.open() {
		_ = w.control("rollback") // on failure the next prepare finds the connection broken
	}
	if w.ddl {
		w.db.schema.Add(1)
	}
	if w.anew {
		w.db.edition.Add(1)
	}
	return err
}

// lose gives up the transaction and answers its members with err.
func (w *writer) lose(err error) {
	if w.c != nil {
		if w.c.open() {
			_ = w.control("rollback") // the connection is closed below
		}
		_ = w.c.close()
		w.c = nil
	}
	w.answer(err)
}

func (w *writer) answer(err error) {
	for i, m := range w.members {
		m.answer <- err
		w.members[i] = nil
	}
	w.members = w.members[:0]
}

func (w *writer) control(q string) error {
	ctx := context.Background()
	if err := w.c.control(ctx, q); err != nil {
		return typed(ctx, w.c, err)
	}
	return nil
}
