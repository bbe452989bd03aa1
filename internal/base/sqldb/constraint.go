package sqldb

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/pagecrypt"
)

// ConstraintError says that a statement broke a rule of the schema.
type ConstraintError struct {
	Name  string // see ConstraintOf
	Kind  string // "unique", "foreign", "check", "notnull" or "trigger"
	Cause error
}

func (e *ConstraintError) Error() string { return e.Cause.Error() }

// Unwrap gives the driver's error.
func (e *ConstraintError) Unwrap() error { return e.Cause }

// ConstraintOf tells which rule of the schema err broke. The name is the same
// on both databases for a unique index that was made with "create unique
// index", for a primary key of one column ("table_pkey"), for a named check
// and for a missing value ("table.column"). SQLite does not name foreign keys
// (the name is empty) and tells of other unique constraints as "table.column,
// table.column". Kind "trigger" is an abort by a trigger; its name is the
// trigger's message.
func ConstraintOf(err error) (name string, kind string, ok bool) {
	e, ok := errors.AsType[*ConstraintError](err)
	if !ok {
		return "", "", false
	}
	return e.Name, e.Kind, true
}

// typed gives err as a ConstraintError or a fault where it is one.
func typed(ctx context.Context, c conn, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*ConstraintError](err); ok {
		return err
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return typedPostgres(e, err)
	}
	if p, ok := c.(*pgConn); ok && !p.alive() && ctx.Err() == nil {
		return fault.Wrap(err, fault.Unavailable, "The connection to the database was lost.").WithHint("Try again in a moment.")
	}
	if errors.Is(err, pagecrypt.ErrKey) {
		return fault.Wrap(err, fault.Invalid, "The database cannot be opened with this key.").
			WithHint("Check that the data folder and the key belong together.")
	}
	if errors.Is(err, pagecrypt.ErrFormat) {
		return fault.Wrap(err, fault.Invalid, "The file is not a database of Strongroom.")
	}
	// The driver forgets the cause of an error when SQLite reads on, hence the code.
	if errors.Is(err, pagecrypt.ErrDamaged) || errors.Is(err, sqlite3.IOERR_DATA) {
		return fault.Wrap(err, fault.Unavailable, "The database does not verify: its file was damaged or altered.").
			WithHint("Restore it from a backup.")
	}
	code, ok := errors.AsType[sqlite3.ExtendedErrorCode](err)
	if !ok {
		return err
	}
	switch code.Code() {
	case sqlite3.CONSTRAINT:
		return typedSQLite(ctx, c, code, err)
	case sqlite3.FULL:
		return fault.Wrap(err, fault.Unavailable, "The disk that holds the database is full.").WithHint("Free some space.")
	case sqlite3.BUSY:
		return fault.Wrap(err, fault.Unavailable, "The database is busy.").WithHint("Try again in a moment.")
	case sqlite3.INTERRUPT:
		if cause := ctx.Err(); cause != nil {
			return errors.Join(cause, err)
		}
	}
	return err
}

func typedPostgres(e *pgconn.PgError, err error) error {
	switch e.Code {
	case "23505":
		return &ConstraintError{e.ConstraintName, "unique", err}
	case "23503":
		return &ConstraintError{e.ConstraintName, "foreign", err}
	case "23514":
		return &ConstraintError{e.ConstraintName, "check", err}
	case "23502":
		return &ConstraintError{e.TableName + "." + e.ColumnName, "notnull", err}
	case "P0001":
		return &ConstraintError{e.Message, "trigger", err}
	case "53100":
		return fault.Wrap(err, fault.Unavailable, "The disk that holds the database is full.").WithHint("Free some space.")
	case "55P03", "40001", "40P01", "53300", "57P01", "57P02", "57P03":
		return fault.Wrap(err, fault.Unavailable, "The database is busy.").WithHint("Try again in a moment.")
	}
	return err
}

func typedSQLite(ctx context.Context, c conn, code sqlite3.ExtendedErrorCode, err error) error {
	msg := err.Error()
	if e, ok := errors.AsType[*sqlite3.Error](err); ok {
		msg = e.Error()
	}
	_, text, _ := strings.Cut(msg, "constraint failed: ") // the driver's own prefix
	_, what, _ := strings.Cut(text, " constraint failed: ")
	switch code {
	case sqlite3.CONSTRAINT_UNIQUE:
		return &ConstraintError{uniqueIndex(ctx, c, what), "unique", err}
	case sqlite3.CONSTRAINT_PRIMARYKEY, sqlite3.CONSTRAINT_ROWID:
		if table, _, one := strings.Cut(what, "."); one && !strings.Contains(what, ",") {
			what = table + "_pkey"
		}
		return &ConstraintError{what, "unique", err}
	case sqlite3.CONSTRAINT_FOREIGNKEY:
		return &ConstraintError{"", "foreign", err}
	case sqlite3.CONSTRAINT_CHECK:
		return &ConstraintError{what, "check", err}
	case sqlite3.CONSTRAINT_NOTNULL:
		return &ConstraintError{what, "notnull", err}
	case sqlite3.CONSTRAINT_TRIGGER:
		return &ConstraintError{text, "trigger", err}
	}
	return err
}

// uniqueIndex finds the one named unique index over exactly the columns that
// SQLite lists ("t.a, t.b"); the list itself when there is none or more.
func uniqueIndex(ctx context.Context, c conn, list string) string {
	if name, ok := strings.CutPrefix(list, "index '"); ok {
		return strings.TrimSuffix(name, "'")
	}
	table, _, ok := strings.Cut(list, ".")
	if !ok {
		return list
	}
	cur, err := c.query(ctx, `select l.name, (select group_concat(?1 || '.' || i.name, ', ') from pragma_index_info(l.name) i)
		from pragma_index_list(?1) l where l."unique" = 1 and l.origin = 'c'`, []any{table})
	if err != nil {
		return list
	}
	defer cur.close()
	var names []string
	for cur.next() {
		row, err := cur.values()
		if err != nil {
			return list
		}
		name, _ := row[0].(string)
		if columns, _ := row[1].(string); columns == list {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return list
	}
	return names[0]
}
