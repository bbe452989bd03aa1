package tenant

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
)

// SetDue notes that the tenant has work waiting at that time (Unix
// milliseconds), unless it already has some earlier.
func (h *House) SetDue(ctx context.Context, name string, at int64) error {
	return h.control.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`insert into due (tenant, at) values (?, ?) on conflict (tenant) do update set at = excluded.at where excluded.at < due.at`, name, at)
		return err
	})
}

// TakeDue gives the tenants whose work is due at now and forgets that it was;
// who takes it calls SetDue again for what is left.
func (h *House) TakeDue(ctx context.Context, now int64) ([]string, error) {
	var out []string
	err := h.control.Change(ctx, func(tx *sqldb.Tx) error {
		out = nil
		rows, err := tx.Query(`delete from due where at <= ? returning tenant`, now)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				return err
			}
			out = append(out, n)
		}
		return rows.Err()
	})
	return out, err
}

// Setting reads a setting of the whole installation; empty when not set.
func (h *House) Setting(ctx context.Context, name string) (string, error) {
	var v string
	err := h.control.View(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(`select value from setting where name = ?`, name).Scan(&v)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return v, err
}

// SetSetting saves a setting of the whole installation.
func (h *House) SetSetting(ctx context.Context, name, value string) error {
	return h.control.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`insert into setting (name, value) values (?, ?) on conflict (name) do update set value = excluded.value`, name, value)
		return err
	})
}

// createDatabase makes a database of that name when there is none.
func createDatabase(ctx context.Context, dsn, name string) error {
	return admin(ctx, dsn, func(c *pgx.Conn) error {
		var n int
		if err := c.QueryRow(ctx, `select count(*) from pg_database where datname = $1`, name).Scan(&n); err != nil || n > 0 {
			return err
		}
		_, err := c.Exec(ctx, `create database `+pgx.Identifier{name}.Sanitize()+` encoding 'UTF8' template template0`)
		return err
	})
}

func dropDatabase(ctx context.Context, dsn, name string) error {
	return admin(ctx, dsn, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `drop database if exists `+pgx.Identifier{name}.Sanitize()+` with (force)`)
		return err
	})
}

// admin runs fn on a connection outside any transaction: PostgreSQL makes and
// drops databases only there.
func admin(ctx context.Context, dsn string, fn func(*pgx.Conn) error) error {
	const hint = "Check that it runs and that the user in the address may create databases."
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The PostgreSQL server cannot be reached.").WithHint(hint)
	}
	defer c.Close(context.WithoutCancel(ctx))
	if err := fn(c); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The PostgreSQL server did not do what was asked.").WithHint(hint)
	}
	return nil
}
