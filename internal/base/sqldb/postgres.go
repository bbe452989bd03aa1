package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"strongroom/internal/base/fault"
)

// PostgresOptions says which database to open.
type PostgresOptions struct {
	DSN      string // a URL or a list of key=value pairs, as pgx reads them
	MaxConns int    // one writer and the rest readers; 4 when zero, at least 2
}

// changeLock is the key of the advisory lock that a batch of changes holds.
// It counts within one database.
const changeLock = 0x5374726f6e67 // "Strong"

// OpenPostgres connects to a PostgreSQL database. Faults: Invalid for a DSN
// that cannot be read, Unavailable when the server does not answer.
func OpenPostgres(ctx context.Context, o PostgresOptions) (*DB, error) {
	cfg, err := pgx.ParseConfig(o.DSN)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The address of the PostgreSQL database cannot be read.").
			WithHint("Write it as postgres://user@host/database.")
	}
	if o.MaxConns == 0 {
		o.MaxConns = 4
	}
	d := &DB{
		dialect:   Postgres,
		begin:     fmt.Sprintf("begin; set local lock_timeout = '10s'; select pg_advisory_xact_lock(%d)", changeLock),
		beginView: "begin isolation level repeatable read read only",
	}
	d.dial = func(ctx context.Context, _ bool) (conn, error) { return dialPostgres(ctx, cfg) }
	first, err := d.dial(ctx, false)
	if err != nil {
		return nil, err
	}
	d.start(first, max(1, o.MaxConns-1))
	return d, nil
}

func dialPostgres(ctx context.Context, cfg *pgx.ConnConfig) (conn, error) {
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The PostgreSQL database cannot be reached.").
			WithHint("Check that the server runs and that its address and account are right.")
	}
	return &pgConn{c: c, bound: map[string]string{}}, nil
}

// pgConn is a connection to PostgreSQL. pgx keeps its prepared statements.
type pgConn struct {
	c     *pgx.Conn
	bound map[string]string // statements with their placeholders rewritten
	shape
}

func (p *pgConn) rebind(q string) string {
	if s, ok := p.bound[q]; ok {
		return s
	}
	if len(p.bound) >= 1000 {
		clear(p.bound)
	}
	s := Postgres.Rebind(q)
	p.bound[q] = s
	return s
}

func (p *pgConn) exec(ctx context.Context, q string, args []any) (int64, error) {
	if len(args) == 0 && strings.Contains(q, ";") {
		results, err := p.c.PgConn().Exec(ctx, q).ReadAll()
		if err != nil || len(results) == 0 {
			return 0, err
		}
		return changed(results[len(results)-1].CommandTag), nil
	}
	tag, err := p.c.Exec(ctx, p.rebind(q), args...)
	return changed(tag), p.without(ctx, err)
}

// without takes the values out of an error: pgx quotes an argument that it
// cannot encode, and the server one that does not fit its column (SQLSTATE
// class 22). Other messages of the server hold none.
func (p *pgConn) without(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || !p.alive() {
		return err
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return errors.New("the arguments do not fit the placeholders")
	case strings.HasPrefix(e.Code, "22"):
		return fmt.Errorf("a value does not fit its place (SQLSTATE %s)", e.Code)
	}
	return err
}

// changed counts the rows that a statement changed; a select changes none.
func changed(tag pgconn.CommandTag) int64 {
	if tag.Insert() || tag.Update() || tag.Delete() {
		return tag.RowsAffected()
	}
	return 0
}

func (p *pgConn) query(ctx context.Context, q string, args []any) (cursor, error) {
	rows, err := p.c.Query(ctx, p.rebind(q), args...)
	if err != nil {
		return nil, p.without(ctx, err)
	}
	return &pgCursor{p, ctx, rows}, nil
}

func (p *pgConn) control(ctx context.Context, q string) error {
	if q == "commit" && p.c.PgConn().TxStatus() == 'E' { // the server would roll back and call it a success
		return errors.New("the transaction has failed")
	}
	_, err := p.c.PgConn().Exec(ctx, q).ReadAll()
	return err
}

// forget drops the prepared statements: after a change of the schema their
// results may have another shape, which PostgreSQL refuses.
func (p *pgConn) forget(ctx context.Context) error { return p.c.DeallocateAll(ctx) }

func (p *pgConn) alive() bool { return !p.c.IsClosed() }

func (p *pgConn) open() bool { return !p.c.IsClosed() && p.c.PgConn().TxStatus() != 'I' }

func (p *pgConn) close() error { return p.c.Close(context.Background()) }

type pgCursor struct {
	p    *pgConn
	ctx  context.Context
	rows pgx.Rows
}

func (c *pgCursor) columns() []string {
	fields := c.rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

func (c *pgCursor) next() bool { return c.rows.Next() }

func (c *pgCursor) values() ([]any, error) {
	row, err := c.rows.Values()
	if err != nil {
		return nil, err
	}
	for i, v := range row {
		if row[i], err = plain(v); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// plain turns what pgx gives into the five kinds of value.
func plain(v any) (any, error) {
	switch n := v.(type) {
	case nil, int64, float64, string, []byte:
		return v, nil
	case bool:
		return binding(n)
	case int32:
		return int64(n), nil
	case int16:
		return int64(n), nil
	case float32:
		return float64(n), nil
	case pgtype.Numeric: // the sum of bigints
		if i, err := n.Int64Value(); err == nil && i.Valid {
			return i.Int64, nil
		}
		f, err := n.Float64Value()
		if err != nil {
			return nil, err
		}
		return f.Float64, nil
	}
	return nil, fmt.Errorf("a value of type %T is not read here", v)
}

func (c *pgCursor) err() error { return c.p.without(c.ctx, c.rows.Err()) }

func (c *pgCursor) close() error {
	c.rows.Close()
	return c.err()
}
