package sqldb_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"strongroom/internal/base/sqldb"
)

func TestSmoke(t *testing.T) {
	db, err := sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{
		Path: filepath.Join(t.TempDir(), "a b?.db"),
		Key:  func() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Change(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(db.Dialect().DDL(`create table t (id id primary key, name text not null, n int, constraint positive check (n > 0)); create unique index t_name on t (name);
		create virtual table f using fts5(body)`))
		if err != nil {
			return err
		}
		n, err := tx.Exec(`insert into t (id, name, n) values (?, ?, ?), (?, ?, ?)`, 1, "one", 1, 2, "two", nil)
		if n != 2 {
			t.Error(n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Change(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`insert into t (id, name, n) values (?, ?, ?)`, 3, "one", 1)
		t.Log(sqldb.ConstraintOf(err))
		return err
	})
	t.Log(err)
	err = db.View(t.Context(), func(tx *sqldb.Tx) error {
		var s string
		if err := tx.QueryRow(`select name from t where id = ?`, 2).Scan(&s); err != nil || s != "two" {
			t.Error(s, err)
		}
		_, err := tx.Exec(`delete from t`)
		t.Log(err)
		return nil
	})
	t.Log(err)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
