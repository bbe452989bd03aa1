package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// conn is one connection to either database.
type conn interface {
	exec(ctx context.Context, q string, args []any) (int64, error)
	query(ctx context.Context, q string, args []any) (cursor, error)
	control(ctx context.Context, q string) error // begin, commit, savepoint
	forget(ctx context.Context) error            // the schema has changed
	seen() *int64                                // the schema that its statements were prepared for
	alive() bool                                 // false: close it and open another
	open() bool                                  // whether a transaction is open
	close() error
}

// shape is the part of a connection that remembers DB.schema.
type shape struct{ n int64 }

func (s *shape) seen() *int64 { return &s.n }

// cursor is a running query. The values it gives are int64, float64, string,
// []byte or nil, and belong to the caller.
type cursor interface {
	columns() []string
	next() bool
	values() ([]any, error)
	err() error
	close() error
}

// Tx is a transaction: a snapshot inside View, a unit of work inside Change.
// It belongs to the goroutine that runs the function and ends with it.
type Tx struct {
	db     *DB
	c      conn
	ctx    context.Context // the caller's, marked with this transaction
	run    context.Context // what statements are run with
	rows   *Rows           // open rows, if any
	failed error           // the statement that spoiled the transaction
	over   bool
	ddl    bool // a statement changed the schema
	anew   bool // see NewEdition
	deep   int

	writes   bool         // it is a change
	begin    func() error // of a change: runs before it writes, or tries to; may be nil
	execs    int          // statements that Exec ran
	closings []closing    // see AtCommit
}

var errOver = errors.New("sqldb: the transaction has ended")

// Dialect tells which database this is.
func (t *Tx) Dialect() Dialect { return t.db.dialect }

// Context is the context given to View or Change.
func (t *Tx) Context() context.Context { return t.ctx }

// NewEdition says that this change outdates what others remember; see DB.Edition.
func (t *Tx) NewEdition() { t.anew = true }

// ready refuses a statement that must not run and makes room for the next one.
func (t *Tx) ready() error {
	if t.over {
		return errOver
	}
	if t.rows != nil {
		t.rows.drain()
	}
	if t.failed != nil {
		return fmt.Errorf("sqldb: an earlier statement of this transaction failed: %w", t.failed)
	}
	if err := t.ctx.Err(); err != nil {
		return err
	}
	t.db.statements.Add(1)
	return nil
}

// fail notes that a statement failed and gives the error in its typed form.
func (t *Tx) fail(err error) error {
	err = typed(t.run, t.c, err)
	t.failed = err
	return err
}

// Exec runs a statement and gives the number of rows it changed. Without
// arguments q may hold several statements, separated by semicolons.
func (t *Tx) Exec(q string, args ...any) (int64, error) {
	if err := t.ready(); err != nil {
		return 0, err
	}
	vals, err := bindings(args)
	if err != nil {
		return 0, fmt.Errorf("sqldb: %w in %q", err, short(q))
	}
	if err := t.writing(); err != nil {
		return 0, t.fail(err)
	}
	t.ddl = t.ddl || definition(q)
	t.execs++
	n, err := t.c.exec(t.run, q, vals)
	if err != nil {
		return 0, t.fail(fmt.Errorf("%w in %q", err, short(q)))
	}
	return n, nil
}

// Execs counts the statements that Exec ran: while it stays the same, what was
// read in this transaction is as it was.
func (t *Tx) Execs() int { return t.execs }

// writing runs before anything that can change the database.
func (t *Tx) writing() error {
	if t.begin == nil {
		return nil
	}
	return t.begin()
}

// reads tells whether q begins as a query that can change nothing.
func reads(q string) bool { return firstWord(q) == "select" }

// definition tells whether q begins with a statement that changes the schema.
func definition(q string) bool {
	switch firstWord(q) {
	case "create", "alter", "drop":
		return true
	}
	return false
}

// firstWord is the first word of a statement, in lower case.
func firstWord(q string) string {
	for i := 0; i < len(q); {
		k, end := lex(q, i)
		if k == word {
			return strings.ToLower(q[i:end])
		}
		i = end
	}
	return ""
}

// Query runs a statement that gives rows. Close the rows, or read them to the
// end.
func (t *Tx) Query(q string, args ...any) (*Rows, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	vals, err := bindings(args)
	if err != nil {
		return nil, fmt.Errorf("sqldb: %w in %q", err, short(q))
	}
	if !reads(q) {
		if err := t.writing(); err != nil {
			return nil, t.fail(err)
		}
	}
	c, err := t.c.query(t.run, q, vals)
	if err != nil {
		return nil, t.fail(fmt.Errorf("%w in %q", err, short(q)))
	}
	t.rows = &Rows{t: t, c: c, q: q}
	return t.rows, nil
}

// QueryRow runs a statement of which only the first row is wanted.
func (t *Tx) QueryRow(q string, args ...any) *Row {
	r, err := t.Query(q, args...)
	return &Row{r, err}
}

// Try runs fn in a savepoint of its own: when fn or one of its statements
// fails, only what fn did is taken back, and the transaction goes on. It is
// for changes; a View has nothing to take back.
func (t *Tx) Try(fn func() error) error {
	if t.over || t.failed != nil {
		return t.ready()
	}
	if t.rows != nil {
		t.rows.drain()
	}
	t.deep++
	defer func() { t.deep-- }()
	name := fmt.Sprintf("try%d", t.deep)
	if err := t.writing(); err != nil {
		return t.fail(err)
	}
	if err := t.c.control(t.run, "savepoint "+name); err != nil {
		return t.fail(err)
	}
	done, closings := false, len(t.closings)
	defer func() {
		if !done { // fn panicked: the whole transaction is taken back anyway
			t.failed = errors.New("sqldb: a tried function did not return")
		}
	}()
	err := fn()
	done = true
	if t.rows != nil {
		t.rows.Close()
	}
	if err == nil {
		err = t.failed
	}
	if err == nil {
		if err := t.c.control(t.run, "release savepoint "+name); err != nil {
			return t.fail(err)
		}
		return nil
	}
	if back := t.c.control(t.run, "rollback to savepoint "+name+"; release savepoint "+name); back != nil {
		return t.fail(errors.Join(err, back))
	}
	t.failed, t.closings = nil, t.closings[:closings]
	return err
}

// end closes what is open and tells whether the work may be kept.
func (t *Tx) end(err error) error {
	if t.rows != nil {
		t.rows.Close()
	}
	t.over = true
	if err == nil {
		err = t.failed
	}
	return err
}

// Rows are the result of a query, read in order.
type Rows struct {
	t     *Tx
	c     cursor // nil once all rows are in memory, or closed
	names []string
	q     string
	ahead [][]any // rows read into memory
	row   []any
	err   error
}

// Columns gives the names of the columns. They are certain after the first
// Next: a change of the schema may have come between.
func (r *Rows) Columns() []string {
	if r.names == nil && r.c != nil {
		return r.c.columns()
	}
	return r.names
}

// Next goes to the next row; false at the end or after an error (see Err).
func (r *Rows) Next() bool {
	if len(r.ahead) > 0 {
		r.row, r.ahead = r.ahead[0], r.ahead[1:]
		return true
	}
	r.row = nil
	if r.c == nil || !r.step() {
		return false
	}
	return true
}

// step reads one row from the database; at the end it closes the cursor.
func (r *Rows) step() bool {
	if r.c.next() {
		row, err := r.c.values()
		if err == nil {
			if r.names == nil {
				r.names = r.c.columns()
			}
			r.row = row
			return true
		}
		r.err = err
	}
	r.finish()
	return false
}

// finish closes the cursor and keeps its error.
func (r *Rows) finish() {
	err := r.err
	if err == nil {
		err = r.c.err()
	}
	if e := r.c.close(); err == nil {
		err = e
	}
	r.c = nil
	if r.t.rows == r {
		r.t.rows = nil
	}
	if err != nil {
		r.err = r.t.fail(fmt.Errorf("%w in %q", err, short(r.q)))
	}
}

// drain reads the rest into memory, so that another statement may run.
func (r *Rows) drain() {
	now := r.row
	for r.c != nil && r.step() {
		r.ahead = append(r.ahead, r.row)
	}
	r.row = now
	if r.t.rows == r {
		r.t.rows = nil
	}
}

// Scan copies the columns of the current row into what dest points to: *int64,
// *int, *string, *[]byte, *bool, *float64, named types of these, pointers to
// such pointers (nil for a null), *any, and sql.Scanner.
func (r *Rows) Scan(dest ...any) error {
	if r.row == nil {
		return errors.New("sqldb: Scan without a row")
	}
	if len(dest) != len(r.row) {
		return fmt.Errorf("sqldb: %d columns scanned into %d places in %q", len(r.row), len(dest), short(r.q))
	}
	for i, d := range dest {
		if err := assign(d, r.row[i]); err != nil {
			return fmt.Errorf("sqldb: column %s: %w in %q", r.names[i], err, short(r.q))
		}
	}
	return nil
}

// Values gives the columns of the current row as they are: int64, float64,
// string, []byte or nil. They belong to the caller.
func (r *Rows) Values() []any { return r.row }

// Err gives the error that ended the rows early, if any.
func (r *Rows) Err() error { return r.err }

// Close ends the query. It may be called twice.
func (r *Rows) Close() error {
	r.ahead, r.row = nil, nil
	if r.c != nil {
		c := r.c
		r.c = nil
		if r.t.rows == r {
			r.t.rows = nil
		}
		if err := c.close(); err != nil && r.err == nil {
			r.err = r.t.fail(fmt.Errorf("%w in %q", err, short(r.q)))
		}
	}
	return r.err
}

// Row is the first row of a query.
type Row struct {
	r   *Rows
	err error
}

// Scan is Rows.Scan of the first row; sql.ErrNoRows when there is none.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.r.Close()
	if err := r.first(); err != nil {
		return err
	}
	if err := r.r.Scan(dest...); err != nil {
		return err
	}
	return r.r.Close()
}

func (r *Row) first() error {
	switch {
	case r.r.Next():
		return nil
	case r.r.err != nil:
		return r.r.err
	}
	return sql.ErrNoRows
}

// Values is Rows.Values of the first row; sql.ErrNoRows when there is none.
func (r *Row) Values() ([]any, error) {
	if r.err != nil {
		return nil, r.err
	}
	defer r.r.Close()
	if err := r.first(); err != nil {
		return nil, err
	}
	row := r.r.Values()
	return row, r.r.Close()
}

// short cuts a statement for an error message. Statements hold no values.
func short(q string) string {
	if len(q) > 200 {
		return q[:200] + "..."
	}
	return q
}
