package sqldb_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"strongroom/internal/base/pgtest"
	"strongroom/internal/base/sqldb"
)

// key gives a 32-byte key made of one byte.
func key(b byte) func() ([]byte, error) {
	return func() ([]byte, error) { return bytes.Repeat([]byte{b}, 32), nil }
}

// lite opens a SQLite database that is closed when t ends.
func lite(t testing.TB, path string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{Path: path, Key: key(1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func postgres(t testing.TB) *sqldb.DB {
	t.Helper()
	return openPostgres(t, pgtest.Database(t))
}

func openPostgres(t testing.TB, dsn string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresOptions{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// both runs fn on an empty database of either kind.
func both(t *testing.T, fn func(t *testing.T, db *sqldb.DB)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, lite(t, filepath.Join(t.TempDir(), "a b?#.db"))) })
	t.Run("postgres", func(t *testing.T) { fn(t, postgres(t)) })
}

// change runs statements, none of which has arguments.
func change(t testing.TB, db *sqldb.DB, statements ...string) {
	t.Helper()
	err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
		for _, q := range statements {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// number gives the number that a query selects.
func number(t testing.TB, db *sqldb.DB, q string, args ...any) (n int64) {
	t.Helper()
	err := db.View(t.Context(), func(tx *sqldb.Tx) error { return tx.QueryRow(q, args...).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sound runs SQLite's own check.
func sound(t testing.TB, db *sqldb.DB) {
	t.Helper()
	var s string
	err := db.View(t.Context(), func(tx *sqldb.Tx) error { return tx.QueryRow("pragma integrity_check").Scan(&s) })
	if err != nil || s != "ok" {
		t.Errorf("integrity_check: %s %v", s, err)
	}
}
