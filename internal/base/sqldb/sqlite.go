package sqldb

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/pagecrypt"
)

// SQLiteOptions says which file to open.
type SQLiteOptions struct {
	Path    string                 // the database's file; its folder must exist
	Key     func() ([]byte, error) // gives the 32-byte key; asked once
	Readers int                    // how many views may run at once; 4 when zero
}

// OpenSQLite opens the encrypted database at o.Path and makes it when there is
// none. Faults: Invalid when there is no key or when the file cannot be opened
// with it.
func OpenSQLite(ctx context.Context, o SQLiteOptions) (*DB, error) {
	if o.Key == nil {
		return nil, fault.New(fault.Invalid, "The database cannot be opened without a key.")
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, err
	}
	key, err := o.Key()
	if err != nil {
		return nil, err
	}
	vfs, release, err := pagecrypt.Register(key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The key of the database must have 32 bytes.")
	}
	uri := sqliteURI(path, vfs)
	d := &DB{
		dialect:   SQLite,
		path:      o.Path,
		vfs:       vfs,
		begin:     "begin immediate",
		beginView: "begin",
		release:   release,
	}
	d.dial = func(ctx context.Context, reader bool) (conn, error) { return dialSQLite(ctx, uri, reader) }
	first, err := d.dial(ctx, false)
	if err != nil {
		release()
		return nil, err
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	d.start(first, o.Readers)
	return d, nil
}

// sqliteURI names a file for SQLite. The key is never part of it. The log gets
// the access rights of the database (modeof).
func sqliteURI(path, vfs string) string {
	escaped := (&url.URL{Path: path}).EscapedPath()
	query := url.Values{"vfs": {vfs}, "modeof": {path}}.Encode()
	return "file:" + escaped + "?" + strings.ReplaceAll(query, "+", "%20") // SQLite takes a plus for a plus
}

const (
	readPages   = 64      // pages that a reader keeps: 256 KiB
	writePages  = 1000    // pages that the writer keeps at most, so that a bulk change seldom writes one twice: 4 MiB
	keptQueries = 100     // prepared statements each connection keeps
	keptLog     = 4 << 20 // bytes of the log that stay allocated
)

func dialSQLite(ctx context.Context, uri string, reader bool) (conn, error) {
	c, err := sqlite3.OpenContext(ctx, uri)
	if err != nil {
		return nil, typed(ctx, nil, err)
	}
	s := &sqliteConn{c: c, kept: map[string]*list.Element{}, order: list.New()}
	if err := s.settle(reader); err != nil {
		return nil, errors.Join(typed(ctx, s, err), c.Close())
	}
	return s, nil
}

// settle applies the settings every connection has.
func (s *sqliteConn) settle(reader bool) error {
	if err := s.c.BusyTimeout(10 * time.Second); err != nil { // first: what follows may meet a lock
		return err
	}
	if err := fts5.Register(s.c); err != nil {
		return err
	}
	// A plan must not depend on the values bound to it: SQLite would else prepare
	// a statement again at each run that a partial index might serve.
	if _, err := s.c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
		return err
	}
	pages := writePages
	if reader {
		pages = readPages
	}
	pragmas := `pragma temp_store = memory;
		pragma journal_mode = wal;
		pragma synchronous = full;
		pragma foreign_keys = on;
		pragma secure_delete = fast;
		pragma journal_size_limit = ` + fmt.Sprint(keptLog) + `;
		pragma trusted_schema = off;
		pragma cache_size = ` + fmt.Sprint(pages) + `;`
	if reader {
		pragmas += `pragma query_only = on;`
	}
	return s.c.Exec(pragmas)
}

// sqliteConn is a connection to SQLite with its prepared statements.
type sqliteConn struct {
	c     *sqlite3.Conn
	kept  map[string]*list.Element // of *prepared
	order *list.List               // the one used last is in front
	shape
}

type prepared struct {
	q string
	s *sqlite3.Stmt
}

// stmt gives a prepared statement for q, which must be a single statement;
// rest is what follows it.
func (s *sqliteConn) stmt(q string) (st *sqlite3.Stmt, rest string, err error) {
	if e, ok := s.kept[q]; ok {
		s.order.MoveToFront(e)
		return e.Value.(*prepared).s, "", nil
	}
	st, rest, err = s.c.PrepareFlags(q, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, "", err
	}
	if blank(rest) && st != nil {
		s.keep(q, st)
		rest = ""
	}
	return st, rest, nil
}

func (s *sqliteConn) keep(q string, st *sqlite3.Stmt) {
	s.kept[q] = s.order.PushFront(&prepared{q, st})
	if s.order.Len() <= keptQueries {
		return
	}
	old := s.order.Remove(s.order.Back()).(*prepared)
	delete(s.kept, old.q)
	_ = old.s.Close() // repeats the error of its last run, which was reported then
}

// blank tells whether q holds nothing but space, comments and semicolons.
func blank(q string) bool {
	for i := 0; i < len(q); {
		k, end := lex(q, i)
		if k != space && q[i] != ';' {
			return false
		}
		i = end
	}
	return true
}

func bindAll(st *sqlite3.Stmt, args []any) error {
	if n := st.BindCount(); n != len(args) {
		return fmt.Errorf("%d arguments for %d placeholders", len(args), n)
	}
	for i, a := range args {
		var err error
		switch v := a.(type) {
		case nil:
			err = st.BindNull(i + 1)
		case int64:
			err = st.BindInt64(i+1, v)
		case float64:
			err = st.BindFloat(i+1, v)
		case string:
			err = st.BindText(i+1, v)
		case []byte:
			err = st.BindBlob(i+1, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteConn) exec(ctx context.Context, q string, args []any) (int64, error) {
	defer s.c.SetInterrupt(s.c.SetInterrupt(ctx))
	var n int64
	for !blank(q) {
		st, rest, err := s.stmt(q)
		if err != nil {
			return 0, err
		}
		if rest != "" && len(args) > 0 {
			return 0, errors.Join(errors.New("several statements cannot have arguments"), st.Close())
		}
		before := s.c.TotalChanges()
		err = bindAll(st, args)
		if err == nil {
			err = st.Exec()
		}
		if rest != "" {
			err = errors.Join(err, st.Close())
		}
		if err != nil {
			return 0, err
		}
		n = 0
		if s.c.TotalChanges() != before {
			n = s.c.Changes()
		}
		q = rest
	}
	return n, nil
}

func (s *sqliteConn) query(ctx context.Context, q string, args []any) (cursor, error) {
	st, rest, err := s.stmt(q)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, errors.New("an empty statement")
	}
	if rest != "" {
		return nil, errors.Join(errors.New("several statements in one query"), st.Close())
	}
	if err := bindAll(st, args); err != nil {
		return nil, err
	}
	return &sqliteCursor{s: s, st: st, ctx: ctx}, nil
}

func (s *sqliteConn) control(ctx context.Context, q string) error {
	defer s.c.SetInterrupt(s.c.SetInterrupt(ctx))
	for part := range strings.SplitSeq(q, "; ") {
		st, _, err := s.stmt(part)
		if err == nil {
			err = st.Exec()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget does nothing: SQLite prepares anew by itself.
func (s *sqliteConn) forget(context.Context) error { return nil }

func (s *sqliteConn) alive() bool { return true }

func (s *sqliteConn) open() bool { return !s.c.GetAutocommit() }

func (s *sqliteConn) close() error {
	for _, e := range s.kept {
		_ = e.Value.(*prepared).s.Close() // repeats an error that was reported
	}
	s.kept, s.order = nil, list.New()
	return s.c.Close()
}

type sqliteCursor struct {
	s    *sqliteConn
	st   *sqlite3.Stmt
	ctx  context.Context
	fail error
}

func (c *sqliteCursor) columns() []string {
	names := make([]string, c.st.ColumnCount())
	for i := range names {
		names[i] = c.st.ColumnName(i)
	}
	return names
}

func (c *sqliteCursor) next() bool {
	old := c.s.c.SetInterrupt(c.ctx)
	ok := c.st.Step()
	if !ok {
		c.fail = c.st.Err()
	}
	c.s.c.SetInterrupt(old)
	return ok
}

func (c *sqliteCursor) values() ([]any, error) {
	row := make([]any, c.st.ColumnCount())
	if err := c.st.Columns(row...); err != nil {
		return nil, err
	}
	for i, v := range row {
		if b, ok := v.([]byte); ok && b == nil {
			row[i] = []byte{}
		}
	}
	return row, nil
}

func (c *sqliteCursor) err() error { return c.fail }

func (c *sqliteCursor) close() error {
	err := c.st.Reset()
	if c.fail != nil {
		return nil // already told by err
	}
	return err
}

// copyTo writes a copy of the database, as one snapshot sees it, to path.
func (d *DB) copyTo(ctx context.Context, c conn, path string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fault.New(fault.Conflict, "The file of the backup already exists.").WithHint("Choose another name.")
	}
	if err := c.control(ctx, "begin"); err != nil {
		return typed(ctx, c, err)
	}
	defer func() { err = errors.Join(err, c.control(context.WithoutCancel(ctx), "rollback")) }()
	if _, err := c.exec(ctx, "select count(*) from sqlite_schema", nil); err != nil { // begins the snapshot
		return typed(ctx, c, err)
	}
	if err := copyPages(ctx, c.(*sqliteConn).c, sqliteURI(path, d.vfs)); err != nil {
		for _, end := range []string{"", "-wal", "-shm"} {
			if rerr := os.Remove(path + end); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
		return typed(ctx, c, err)
	}
	return nil
}

// copyPages runs SQLite's backup a megabyte at a time, so that ctx can end it.
func copyPages(ctx context.Context, c *sqlite3.Conn, uri string) error {
	b, err := c.BackupInit("main", uri)
	if err != nil {
		return err
	}
	for done := false; err == nil && !done; {
		if err = ctx.Err(); err == nil {
			done, err = b.Step(256)
		}
	}
	return errors.Join(err, b.Close())
}
