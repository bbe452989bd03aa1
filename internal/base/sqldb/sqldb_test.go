package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
)

func TestValues(t *testing.T) {
	type id int64
	type name string
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, db.Dialect().DDL("create table v (id id primary key, i int, r real, s text, b bytes, j json)"))
		seven := int64(7)
		err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
			for _, row := range [][]any{
				{1, int64(1 << 60), 1.5, "text \x7f ü ''", []byte{0, 255}, `{"a":1}`},
				{id(2), true, float32(0.25), name("n"), []byte{}, nil},
				{3, nil, nil, nil, []byte(nil), (*string)(nil)},
				{uint8(4), &seven, 2, "", nil, sql.Null[string]{}},
			} {
				if n, err := tx.Exec("insert into v (id, i, r, s, b, j) values (?, ?, ?, ?, ?, ?)", row...); err != nil || n != 1 {
					return fmt.Errorf("%d rows: %w", n, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(tx *sqldb.Tx) error {
			rows, err := tx.Query("select i, r, s, b, j from v order by id")
			if err != nil {
				return err
			}
			defer rows.Close()
			var got [][]any
			for rows.Next() {
				row := make([]any, 5)
				if err := rows.Scan(&row[0], &row[1], &row[2], &row[3], &row[4]); err != nil {
					return err
				}
				got = append(got, row)
			}
			want := [][]any{
				{int64(1 << 60), 1.5, "text \x7f ü ''", []byte{0, 255}, `{"a":1}`},
				{int64(1), 0.25, "n", []byte{}, nil},
				{nil, nil, nil, nil, nil},
				{int64(7), 2.0, "", nil, nil},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
			if names := strings.Join(rows.Columns(), " "); names != "i r s b j" {
				t.Error(names)
			}
			var (
				n    id
				flag bool
				s    *name
				f    float32
				none *int64
				null sql.Null[int64]
			)
			if err := tx.QueryRow("select id, i, s, r from v where id = ?", 2).Scan(&n, &flag, &s, &f); err != nil {
				return err
			}
			if n != 2 || !flag || *s != "n" || f != 0.25 {
				t.Error(n, flag, *s, f)
			}
			if err := tx.QueryRow("select i, i from v where id = 3").Scan(&none, &null); err != nil || none != nil || null.Valid {
				t.Error(none, null, err)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestRefusedValues(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			for _, v := range []any{time.Now(), struct{}{}, []string{"a"}, uint64(1 << 63), &[]time.Time{{}}[0],
				"nul \x00", "not utf-8 \xff", "\xff"} {
				var n any
				if err := tx.QueryRow("select ?", v).Scan(&n); err == nil {
					t.Errorf("%T was stored as %v", v, n)
				}
			}
			var (
				small int8
				whole int64
				flag  bool
				text  string
			)
			for _, c := range []struct {
				q    string
				dest any
			}{
				{"select 300", &small}, {"select null", &whole}, {"select null", &text}, {"select 2", &flag},
				{"select 'x'", &whole}, {"select 1", &text}, {"select 1", text}, {"select 1", nil},
			} {
				if err := tx.QueryRow(c.q).Scan(c.dest); err == nil {
					t.Errorf("%s was scanned into %T", c.q, c.dest)
				}
			}
			if err := tx.QueryRow("select 1, 2").Scan(&whole); err == nil {
				t.Error("two columns went into one place")
			}
			return tx.QueryRow("select 1").Scan(&whole) // conversions do not spoil the transaction
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestNoRows(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key)")
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			var n int
			return tx.QueryRow("select id from e where id = ?", 1).Scan(&n)
		})
		if !errors.Is(err, sql.ErrNoRows) {
			t.Error(err)
		}
	})
}

func TestRowsAffected(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
			for _, c := range []struct {
				q    string
				want int64
			}{
				{"create table e (id bigint primary key); create index e_id on e (id)", 0},
				{"insert into e (id) values (1), (2), (3)", 3},
				{"select 1", 0},
				{"update e set id = id + 10 where id > 1", 2},
				{"update e set id = id where id = 99", 0},
				{"create table f (id bigint)", 0},
				{"delete from e", 3},
				{"-- nothing; at all\n insert into f values (1); insert into f values (2), (3);", 2},
			} {
				n, err := tx.Exec(c.q)
				if err != nil || n != c.want {
					t.Errorf("%s: %d, want %d, %v", c.q, n, c.want, err)
				}
			}
			var id int
			if err := tx.QueryRow("insert into e (id) values (?) returning id", 5).Scan(&id); err != nil || id != 5 {
				t.Error(id, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := number(t, db, "select sum(id) from e"); n != 5 {
			t.Error(n)
		}
	})
}

// Rows stay readable while other statements run.
func TestNestedQueries(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key)", "insert into e values (1), (2), (3)")
		err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
			rows, err := tx.Query("select id from e order by id")
			if err != nil {
				return err
			}
			defer rows.Close()
			var seen []int64
			for rows.Next() {
				var a, b int64
				if err := rows.Scan(&a); err != nil {
					return err
				}
				if _, err := tx.Exec("insert into e values (?)", a+10); err != nil {
					return err
				}
				if err := tx.QueryRow("select id from e where id = ?", a+10).Scan(&b); err != nil {
					return err
				}
				if err := rows.Scan(&a); err != nil || b != a+10 { // the row is still the current one
					t.Error(a, b, err)
				}
				seen = append(seen, a)
			}
			if fmt.Sprint(seen) != "[1 2 3]" {
				t.Error(seen)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestViewIsASnapshotThatCannotWrite(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key)")
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			var n int
			if err := tx.QueryRow("select count(*) from e").Scan(&n); err != nil {
				return err
			}
			change(t, db, "insert into e values (1)")
			if err := tx.QueryRow("select count(*) from e").Scan(&n); err != nil || n != 0 {
				t.Error("the snapshot moved", n, err)
			}
			_, err := tx.Exec("delete from e")
			return err
		})
		if err == nil {
			t.Error("a view could write")
		}
		if n := number(t, db, "select count(*) from e"); n != 1 {
			t.Error(n)
		}
	})
}

func TestConstraints(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, db.Dialect().DDL(`
			create table p (id id primary key, a int, b text, c int not null default 1, u text unique,
				constraint p_c_is_positive check (c > 0));
			create unique index p_b_per_a on p (a, b);
			create unique index p_lower on p (lower(b)) where a = 9;
			create table child (id id primary key, p int, constraint child_of_p foreign key (p) references p (id));
			insert into p (id, a, b, u) values (1, 1, 'x', 'u')`))
		trigger := `create trigger p_kept before delete on p begin select raise(abort, 'rows are kept'); end`
		if db.Dialect() == sqldb.Postgres {
			trigger = `create function kept() returns trigger language plpgsql as $$ begin raise exception 'rows are kept'; end $$;
				create trigger p_kept before delete on p for each row execute function kept()`
		}
		change(t, db, trigger)
		lite := db.Dialect() == sqldb.SQLite
		pick := func(a, b string) string {
			if lite {
				return a
			}
			return b
		}
		for _, c := range []struct{ q, name, kind string }{
			{"insert into p (id) values (1)", "p_pkey", "unique"},
			{"insert into p (id, a, b) values (2, 1, 'x')", "p_b_per_a", "unique"},
			{"insert into p (id, a, b) values (2, 9, 'y'), (3, 9, 'Y')", "p_lower", "unique"},
			{"insert into p (id, u) values (2, 'u')", pick("p.u", "p_u_key"), "unique"},
			{"insert into p (id, c) values (2, -1)", "p_c_is_positive", "check"},
			{"insert into p (id, c) values (2, null)", "p.c", "notnull"},
			{"insert into child (id, p) values (1, 77)", pick("", "child_of_p"), "foreign"},
			{"delete from p", "rows are kept", "trigger"},
		} {
			err := db.Change(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(c.q); return err })
			if name, kind, ok := sqldb.ConstraintOf(err); !ok || name != c.name || kind != c.kind {
				t.Errorf("%s: %q %q %v, want %q %q (%v)", c.q, name, kind, ok, c.name, c.kind, err)
			}
			if fault.Of(err) != fault.Internal {
				t.Error("a broken constraint may be told to people")
			}
		}
		if _, _, ok := sqldb.ConstraintOf(errors.New("other")); ok {
			t.Error("a stranger is a constraint")
		}
	})
}

// A failed statement spoils the work, unless it was tried.
func TestFailedStatement(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key)", "insert into e values (1)")
		err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
			if _, err := tx.Exec("insert into e values (2)"); err != nil {
				return err
			}
			if _, err := tx.Exec("insert into e values (1)"); err == nil {
				t.Error("a duplicate went in")
			}
			if _, err := tx.Exec("insert into e values (3)"); err == nil {
				t.Error("the spoiled transaction went on")
			}
			return nil
		})
		if _, kind, _ := sqldb.ConstraintOf(err); kind != "unique" {
			t.Error(err)
		}
		err = db.Change(t.Context(), func(tx *sqldb.Tx) error {
			if _, err := tx.Exec("insert into e values (4)"); err != nil {
				return err
			}
			err := tx.Try(func() error {
				if _, err := tx.Exec("insert into e values (5)"); err != nil {
					return err
				}
				inner := tx.Try(func() error { _, err := tx.Exec("insert into e values (6)"); return err })
				if inner != nil {
					t.Error(inner)
				}
				_, err := tx.Exec("insert into e values (1)")
				return err
			})
			if _, kind, _ := sqldb.ConstraintOf(err); kind != "unique" {
				t.Error(err)
			}
			return tx.Try(func() error { _, err := tx.Exec("insert into e values (7)"); return err })
		})
		if err != nil {
			t.Error(err)
		}
		if n := number(t, db, "select sum(id) from e"); n != 1+4+7 {
			t.Error(n)
		}
	})
}

func TestSchema(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, db.Dialect().DDL("create table things (id id primary key, name text)"))
		change(t, db, db.Dialect().DDL("alter table things add column weight real"))
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			cols, err := tx.Columns("things")
			if want := map[string]bool{"id": true, "name": true, "weight": true}; !reflect.DeepEqual(cols, want) {
				t.Error(cols)
			}
			if err != nil {
				return err
			}
			if cols, err := tx.Columns("nothing"); len(cols) != 0 || err != nil {
				t.Error(cols, err)
			}
			for name, want := range map[string]bool{"things": true, "nothing": false} {
				if got, err := tx.HasTable(name); got != want || err != nil {
					t.Error(name, got, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Connections follow a change of the schema, also with statements that they
// have prepared.
func TestChangedSchema(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint)", "insert into e values (1)")
		columns := func(tx *sqldb.Tx) (n int, err error) {
			rows, err := tx.Query("select * from e")
			if err != nil {
				return 0, err
			}
			defer rows.Close()
			rows.Next()
			return len(rows.Columns()), rows.Close()
		}
		look := func(want int) {
			t.Helper()
			for _, in := range []func(context.Context, func(*sqldb.Tx) error) error{db.View, db.Change} {
				err := in(t.Context(), func(tx *sqldb.Tx) error {
					n, err := columns(tx)
					if n != want {
						t.Errorf("%d columns, want %d", n, want)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		}
		look(1)
		change(t, db, " -- more\n alter table e add column more bigint")
		look(2)
		change(t, db, "drop table e", "create table e (a text, b text, c text)", "insert into e values ('', '', '')")
		look(3)
	})
}

// An argument that does not fit is not quoted in the error.
func TestErrorsHoldNoValues(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key, s varchar(3))")
		for _, args := range [][]any{{1, "hunter2"}, {"hunter2", "x"}, {1, 7, "hunter2"}, {nil, "hunter2"}} {
			err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
				if _, err := tx.Exec("insert into e values (?, ?)", args...); err != nil {
					return err
				}
				_, err := tx.Exec("insert into e values (?, ?)", args...)
				return err
			})
			if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "hunter2") {
				t.Error(err)
			}
		}
	})
}

func TestStatementsAreCounted(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key)")
		from := db.Statements()
		change(t, db, "insert into e values (1)", "insert into e values (2)")
		number(t, db, "select count(*) from e")
		if n := db.Statements() - from; n != 3 {
			t.Errorf("%d statements, want 3", n)
		}
	})
}

func TestCancelledView(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := db.View(ctx, func(tx *sqldb.Tx) error {
			var n int
			return tx.QueryRow(`with recursive c(i) as (select 1 union all select i + 1 from c where i < 1000000000) select count(*) from c`).Scan(&n)
		})
		if !errors.Is(err, context.DeadlineExceeded) || !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		for range 6 { // the connections are fit for use
			if n := number(t, db, "select 7"); n != 7 {
				t.Error(n)
			}
		}
	})
}

func TestNestingIsRefused(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		nothing := func(*sqldb.Tx) error { return nil }
		err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
			if err := db.View(tx.Context(), nothing); err != nil {
				t.Error(err)
			}
			return db.Change(tx.Context(), nothing)
		})
		if !fault.Is(err, fault.Internal) {
			t.Error(err)
		}
		err = db.View(t.Context(), func(tx *sqldb.Tx) error { return db.View(tx.Context(), nothing) })
		if !fault.Is(err, fault.Internal) {
			t.Error(err)
		}
	})
}

func TestClosed(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		var kept *sqldb.Tx
		if err := db.View(t.Context(), func(tx *sqldb.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Query("select 1"); err == nil {
			t.Error("a transaction outlives its function")
		}
		for range 2 {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		nothing := func(*sqldb.Tx) error { t.Error("run"); return nil }
		if err := db.View(t.Context(), nothing); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		if err := db.Change(t.Context(), nothing); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}

func TestTextIsOrderedByBytes(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, db.Dialect().DDL("create table w (s text)"), "insert into w values ('a'), ('B'), ('ä'), ('_'), ('Z')")
		var got string
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			rows, err := tx.Query("select s from w order by s")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					return err
				}
				got += s
			}
			return rows.Err()
		})
		if err != nil || got != "BZ_aä" {
			t.Error(got, err)
		}
	})
}

func TestFullTextSearch(t *testing.T) {
	db := lite(t, filepath.Join(t.TempDir(), "f.db"))
	change(t, db, "create virtual table f using fts5 (body)", "insert into f values ('the quick brown fox'), ('slow')")
	if n := number(t, db, "select count(*) from f where f match ?", "brown"); n != 1 {
		t.Error(n)
	}
}

func TestUnreachable(t *testing.T) {
	for dsn, kind := range map[string]fault.Kind{
		"postgres://x:hunter2@[::1": fault.Invalid,
		"postgres://x:hunter2@127.0.0.1:1/none?sslmode=disable&connect_timeout=1": fault.Unavailable,
	} {
		_, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresOptions{DSN: dsn})
		if fault.Of(err) != kind {
			t.Errorf("%v: %v, want %v", err, fault.Of(err), kind)
		}
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Error("the password is in the error")
		}
	}
}
