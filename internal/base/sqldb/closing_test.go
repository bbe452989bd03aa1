package sqldb_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"strongroom/internal/base/sqldb"
)

// line appends to a log that changes share: their numbers in order, and how many
// came together.
func line(tx *sqldb.Tx, list []int) error {
	for _, n := range list {
		if _, err := tx.Exec("insert into line (n, place) select ?, count(*) from line", n); err != nil {
			return err
		}
	}
	_, err := tx.Exec("insert into run (n) values (?)", len(list))
	return err
}

// Sixteen goroutines leave items for the commit. Each item of a change that was
// acknowledged is written once, and no other.
func TestAtCommit(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table line (n bigint primary key, place bigint not null unique)")
		change(t, db, "create table run (n bigint not null)")
		const clients, rounds = 16, 20
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				for r := range rounds {
					n := c*rounds + r
					err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
						tried := tx.Try(func() error {
							return errors.Join(sqldb.AtCommit(tx, "lines", line, -n-1), errOnPurpose)
						})
						if !errors.Is(tried, errOnPurpose) {
							t.Error(tried)
						}
						if err := sqldb.AtCommit(tx, "lines", line, n); err != nil {
							return err
						}
						if n%3 == 0 {
							return errOnPurpose
						}
						return nil
					})
					if (err != nil) != (n%3 == 0) {
						t.Errorf("change %d: %v", n, err)
					}
				}
			})
		}
		wg.Wait()
		want := int64(0)
		for n := range clients * rounds {
			if n%3 != 0 {
				want++
			}
		}
		if got := number(t, db, "select count(*) from line where n >= 0"); got != want {
			t.Errorf("%d lines, want %d", got, want)
		}
		if got := number(t, db, "select count(*) from line where n < 0 or n - n / 3 * 3 = 0"); got != 0 {
			t.Errorf("%d lines of what was taken back", got)
		}
		if got := number(t, db, "select cast(sum(n) as bigint) from run"); got != want {
			t.Errorf("%d items were run, want %d", got, want)
		}
	})
}

// Work that fails, or panics, fails the change, and nothing of it is kept.
func TestFailingWork(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		change(t, db, "create table e (id bigint primary key)")
		for name, work := range map[string]func(*sqldb.Tx, []int) error{
			"purpose":  func(*sqldb.Tx, []int) error { return errOnPurpose },
			"panicked": func(*sqldb.Tx, []int) error { panic("out") },
			"failed": func(tx *sqldb.Tx, _ []int) error {
				tx.Exec("insert into e values (1)") // again: the statement spoils the transaction
				return nil
			},
		} {
			err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
				if _, err := tx.Exec("insert into e values (1)"); err != nil {
					return err
				}
				return sqldb.AtCommit(tx, name, work, 1)
			})
			if err == nil || name != "failed" && !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
			if n := number(t, db, "select count(*) from e"); n != 0 {
				t.Errorf("%s: %d rows were kept", name, n)
			}
		}
		change(t, db, "insert into e values (1)") // it goes on
		err := db.View(t.Context(), func(tx *sqldb.Tx) error { return sqldb.AtCommit(tx, "view", line, 1) })
		if err == nil {
			t.Error("a view took work for a commit")
		}
	})
}
