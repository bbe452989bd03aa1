package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"strongroom/internal/base/pgtest"
)

func TestDatabasesAreApart(t *testing.T) {
	for range 2 {
		c, err := pgx.Connect(t.Context(), pgtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), "create table only_here (id bigint)"); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	count := func() (n int) {
		c, err := pgx.Connect(t.Context(), pgtest.Loopback(t)("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		if err := c.QueryRow(t.Context(), "select count(*) from pg_database").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	t.Run("use", func(t *testing.T) {
		pgtest.Database(t)
		if n := count(); n != before+1 {
			t.Errorf("%d databases, want %d", n, before+1)
		}
	})
	if n := count(); n != before {
		t.Errorf("%d databases after the test, want %d", n, before)
	}
}

func TestSwitchedOff(t *testing.T) {
	t.Setenv("STRONGROOM_TEST_PG", "off")
	t.Run("skipped", func(t *testing.T) {
		defer func() {
			if !t.Skipped() {
				t.Error("not skipped")
			}
		}()
		pgtest.Database(t)
	})
}
