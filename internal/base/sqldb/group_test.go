package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/pgtest"
	"strongroom/internal/base/sqldb"
)

// Sixteen goroutines write pairs of rows; every third of them fails after the
// first row, every fifth panics, every seventh spoils its transaction. Of each
// pair both or none are there, and the answer says which.
func TestGroupCommit(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table pair (id bigint primary key, half bigint not null)")
		const clients, rounds = 16, 30
		kept := make([]bool, clients*rounds)
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				for r := range rounds {
					n := c*rounds + r
					kept[n] = pair(t, db, n)
				}
			})
		}
		wg.Wait()
		want := int64(0)
		for n, ok := range kept {
			if ok != (n%3 != 0 && n%5 != 0 && n%7 != 0) {
				t.Errorf("pair %d: %v", n, ok)
			}
			if ok {
				want += 2
			}
			if got := number(t, db, "select count(*) from pair where half = ?", n); got != 0 && !ok || got != 2 && ok {
				t.Errorf("pair %d has %d rows", n, got)
			}
		}
		if got := number(t, db, "select count(*) from pair"); got != want {
			t.Errorf("%d rows, want %d", got, want)
		}
	})
}

// first writes the first row of a pair, by each way that there is to write.
func first(tx *sqldb.Tx, n int) error {
	switch n % 4 {
	case 0:
		return tx.QueryRow("insert into pair values (?, ?) returning id", 2*n, n).Scan(new(int64))
	case 1:
		return tx.Try(func() error {
			return tx.QueryRow("-- one\ninsert into pair values (?, ?) returning id", 2*n, n).Scan(new(int64))
		})
	}
	_, err := tx.Exec("insert into pair values (?, ?)", 2*n, n)
	return err
}

var errOnPurpose = errors.New("on purpose")

// pair writes two rows and tells whether they were acknowledged.
func pair(t *testing.T, db *sqldb.DB, n int) (ok bool) {
	defer func() {
		if p := recover(); p != nil && p != "on purpose" {
			t.Error(p)
		}
	}()
	err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
		if n%2 == 1 { // reads before it writes
			if err := tx.QueryRow("select count(*) from pair where half = ?", n).Scan(new(int64)); err != nil {
				return err
			}
		}
		if err := first(tx, n); err != nil {
			return err
		}
		switch {
		case n%3 == 0:
			return errOnPurpose
		case n%5 == 0:
			panic("on purpose")
		case n%7 == 0:
			_, err := tx.Exec("insert into pair values (?, ?)", 2*n, n) // a duplicate
			if err == nil {
				t.Error("a duplicate went in")
			}
			return nil
		}
		_, err := tx.Exec("insert into pair values (?, ?)", 2*n+1, n)
		return err
	})
	if _, _, broken := sqldb.ConstraintOf(err); err != nil && !broken && err != errOnPurpose {
		t.Error(err)
	}
	return err == nil
}

// Changes that wait while another runs share its commit: none of them is
// answered before the commit, and the failing one takes nothing with it.
func TestBatchIsOneCommit(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key)")
		started, finish := make(chan bool), make(chan bool)
		var wg sync.WaitGroup
		var order atomic.Int64
		for i := range 8 {
			wg.Go(func() {
				err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
					if order.Add(1) == 1 {
						close(started)
						<-finish
					}
					if _, err := tx.Exec("insert into e values (?)", i); err != nil {
						return err
					}
					if i == 5 {
						return errOnPurpose
					}
					return nil
				})
				if (i == 5) != (err == errOnPurpose) || i != 5 && err != nil {
					t.Error(i, err)
				}
			})
		}
		<-started
		if n := number(t, db, "select count(*) from e"); n != 0 {
			t.Errorf("%d rows were visible before the commit", n)
		}
		close(finish)
		wg.Wait()
		if n := number(t, db, "select sum(id) from e"); n != 0+1+2+3+4+6+7 {
			t.Error(n)
		}
	})
}

func TestPanicGoesToTheCaller(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint)", "insert into e values (1), (2)")
		func() {
			defer func() {
				if p := recover(); p != errOnPurpose {
					t.Error(p)
				}
			}()
			err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
				rows, err := tx.Query("delete from e returning id")
				if err != nil || !rows.Next() {
					t.Error(err)
				}
				panic(errOnPurpose)
			})
			t.Error("no panic", err)
		}()
		func() {
			defer func() {
				if p := recover(); p != errOnPurpose {
					t.Error(p)
				}
			}()
			err := db.View(t.Context(), func(tx *sqldb.Tx) error {
				rows, err := tx.Query("select id from e")
				if err != nil || !rows.Next() {
					t.Error(err)
				}
				panic(errOnPurpose)
			})
			t.Error("no panic", err)
		}()
		done := make(chan bool)
		go func() { // what a test's FailNow does
			defer close(done)
			_ = db.Change(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec("delete from e")
				if err != nil {
					t.Error(err)
				}
				runtime.Goexit()
				return nil
			})
		}()
		<-done
		if n := number(t, db, "select count(*) from e"); n != 2 {
			t.Error(n)
		}
		change(t, db, "insert into e values (3)")
	})
}

func TestCancelledChange(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint)")
		ctx, cancel := context.WithCancel(t.Context())
		started, finish, waiting := make(chan bool), make(chan bool), make(chan error)
		first := make(chan error)
		go func() {
			first <- db.Change(t.Context(), func(tx *sqldb.Tx) error {
				close(started)
				<-finish
				_, err := tx.Exec("insert into e values (1)")
				return err
			})
		}()
		<-started
		go func() {
			waiting <- db.Change(ctx, func(tx *sqldb.Tx) error { return errors.New("was run") })
		}()
		cancel()
		if err := <-waiting; err != context.Canceled {
			t.Error(err)
		}
		close(finish)
		if err := <-first; err != nil {
			t.Error(err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		err := db.Change(ctx, func(tx *sqldb.Tx) error {
			if _, err := tx.Exec("insert into e values (2)"); err != nil {
				return err
			}
			cancel()
			_, err := tx.Exec("insert into e values (3)")
			return err
		})
		if err != context.Canceled {
			t.Error(err)
		}
		if n := number(t, db, "select sum(id) from e"); n != 1 {
			t.Error(n)
		}
	})
}

// A commit that fails is told to every member, and the next change works.
func TestFailedCommit(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, db.Dialect().DDL(`create table p (id id primary key);
			create table c (p int references p (id) deferrable initially deferred)`))
		err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec("insert into c values (1)")
			return err
		})
		if _, kind, _ := sqldb.ConstraintOf(err); kind != "foreign" {
			t.Error(err)
		}
		change(t, db, "insert into c values (2)", "insert into p values (2)")
		if n := number(t, db, "select sum(p) from c"); n != 2 {
			t.Error(n)
		}
	})
}

// The server ends the writer's connection in the middle of a change: the
// change fails, and the next one has a new connection.
func TestLostConnection(t *testing.T) {
	db := postgres(t)
	change(t, db, "create table e (id bigint)")
	err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
		if _, err := tx.Exec("insert into e values (1)"); err != nil {
			return err
		}
		_, err := tx.Exec("select pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	err = db.View(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec("select pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	change(t, db, "insert into e values (2)")
	if n := number(t, db, "select sum(id) from e"); n != 2 {
		t.Error(n)
	}
}

// Two openings of one database count up without losing a step, which they
// would if their changes did not exclude each other.
func TestTwoNodes(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		other := db
		if db.Dialect() == sqldb.SQLite {
			path := filepath.Join(t.TempDir(), "two.db")
			db, other = lite(t, path), lite(t, path)
		} else {
			dsn := pgtest.Database(t)
			db, other = openPostgres(t, dsn), openPostgres(t, dsn)
		}
		change(t, db, "create table counter (n bigint not null)", "insert into counter values (0)")
		var wg sync.WaitGroup
		for i := range 8 {
			node := []*sqldb.DB{db, other}[i%2]
			wg.Go(func() {
				for range 10 {
					err := node.Change(t.Context(), func(tx *sqldb.Tx) error {
						var n int
						if err := tx.QueryRow("select n from counter").Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec("update counter set n = ?", n+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := number(t, db, "select n from counter"); n != 80 {
			t.Error(n)
		}
	})
}

// While money moves between accounts, no reader ever sees a wrong sum.
func TestReadersBesideWriters(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table account (id bigint primary key, sum bigint not null)",
			"insert into account values (0, 100), (1, 100), (2, 100), (3, 100)")
		var writers, readers sync.WaitGroup
		var over atomic.Bool
		for w := range 4 {
			writers.Go(func() {
				for i := range 40 {
					err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
						if _, err := tx.Exec("update account set sum = sum - ? where id = ?", i, w); err != nil {
							return err
						}
						_, err := tx.Exec("update account set sum = sum + ? where id = ?", i, (w+i)%4)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 6 { // more than there are connections
			readers.Go(func() {
				for !over.Load() {
					if n := number(t, db, "select sum(sum) from account"); n != 400 {
						t.Errorf("the sum is %d", n)
					}
				}
			})
		}
		writers.Wait()
		over.Store(true)
		readers.Wait()
	})
}

// A transaction larger than the cache spills into the log; taking back a part
// of it leaves the rest whole.
func TestLargeTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.db")
	db := lite(t, path)
	change(t, db, "create table e (id integer primary key, s text)")
	fill := func(tx *sqldb.Tx, from int) error {
		for i := range 3000 {
			if _, err := tx.Exec("insert into e values (?, ?)", from+i, fmt.Sprintf("%0300d", i)); err != nil {
				return err
			}
		}
		return nil
	}
	err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
		if err := fill(tx, 0); err != nil {
			return err
		}
		for n := range 3 {
			err := tx.Try(func() error {
				if err := fill(tx, 10_000*(n+1)); err != nil {
					return err
				}
				if _, err := tx.Exec("update e set s = s || 'x' where id < 3000"); err != nil {
					return err
				}
				return errOnPurpose
			})
			if err != errOnPurpose {
				return err
			}
		}
		_, err := tx.Exec("update e set s = 'y' || s where id % 7 = 0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = lite(t, path)
	if n := number(t, db, "select count(*) from e where length(s) = 300 + (id % 7 = 0)"); n != 3000 {
		t.Error(n)
	}
	sound(t, db)
}
