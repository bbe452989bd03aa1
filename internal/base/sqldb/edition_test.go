package sqldb_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/sqldb"
)

// TestEdition: what was read in an edition holds everything that was answered before that
// edition was looked at again, however changes and readers cross.
func TestEdition(t *testing.T) {
	both(t, func(t *testing.T, db *sqldb.DB) {
		if _, ok := db.Edition(); ok != (db.Dialect() == sqldb.SQLite) {
			t.Fatalf("an edition: %v", ok)
		}
		change(t, db, "create table held (id bigint primary key, n bigint not null)")
		const writers, rounds = 4, 40
		for w := range writers {
			change(t, db, fmt.Sprintf("insert into held (id, n) values (%d, 0)", w))
		}
		var answered [writers]atomic.Int64
		var stop atomic.Bool
		var writing, reading sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for n := range int64(rounds) {
					err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
						tx.NewEdition()
						_, err := tx.Exec("update held set n = ? where id = ?", n+1, w)
						return err
					})
					if err != nil {
						t.Error(err)
					}
					answered[w].Store(n + 1)
				}
			})
		}
		var again atomic.Int64
		for range 3 {
			reading.Go(func() {
				for !stop.Load() {
					edition, _ := db.Edition()
					read := [writers]int64{}
					for w := range writers {
						read[w] = number(t, db, "select n from held where id = ?", w)
					}
					for range 20 {
						var before [writers]int64
						for w := range writers {
							before[w] = answered[w].Load()
						}
						if now, _ := db.Edition(); now != edition {
							break
						}
						again.Add(1)
						for w := range writers {
							if before[w] > read[w] {
								t.Errorf("read %d of writer %d in an edition that still is, who had got to %d", read[w], w, before[w])
							}
						}
					}
				}
			})
		}
		writing.Wait()
		for n := again.Load(); again.Load() == n; runtime.Gosched() { // the last edition is asked too
		}
		stop.Store(true)
		reading.Wait()

		e, _ := db.Edition()
		change(t, db, "update held set n = 0")
		if now, _ := db.Edition(); now != e {
			t.Error("a change that outdates nothing made a new edition")
		}
		_ = db.Change(t.Context(), func(tx *sqldb.Tx) error { tx.NewEdition(); return errOnPurpose })
		if err := db.Change(t.Context(), func(tx *sqldb.Tx) error { tx.NewEdition(); return nil }); err != nil {
			t.Fatal(err)
		}
		if now, _ := db.Edition(); now == e {
			t.Error("no new edition")
		}
	})
}
