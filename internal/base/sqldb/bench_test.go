package sqldb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/sqldb"
)

func benchmarkBoth(b *testing.B, fn func(b *testing.B, db *sqldb.DB)) {
	b.Run("sqlite", func(b *testing.B) { fn(b, lite(b, filepath.Join(b.TempDir(), "a.db"))) })
	b.Run("postgres", func(b *testing.B) { fn(b, postgres(b)) })
}

// A change writes two rows; one client at a time, or sixteen that share
// commits.
func BenchmarkCommit(b *testing.B) {
	benchmarkBoth(b, func(b *testing.B, db *sqldb.DB) {
		change(b, db, "create table e (id bigint primary key, s text)")
		var next atomic.Int64
		write := func() error {
			return db.Change(b.Context(), func(tx *sqldb.Tx) error {
				for range 2 {
					if _, err := tx.Exec("insert into e (id, s) values (?, ?)", next.Add(1), "some text"); err != nil {
						return err
					}
				}
				return nil
			})
		}
		b.Run("1 client", func(b *testing.B) {
			for b.Loop() {
				if err := write(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("16 clients", func(b *testing.B) {
			b.SetParallelism(8) // times GOMAXPROCS
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if err := write(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	})
}

func BenchmarkPointRead(b *testing.B) {
	benchmarkBoth(b, func(b *testing.B, db *sqldb.DB) {
		change(b, db, "create table e (id bigint primary key, s text)")
		err := db.Change(b.Context(), func(tx *sqldb.Tx) error {
			for i := range 20 {
				var q []string
				for k := range 1000 {
					q = append(q, fmt.Sprintf("(%d, '%0300d')", i*1000+k, k))
				}
				if _, err := tx.Exec("insert into e (id, s) values " + strings.Join(q, ", ")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; b.Loop(); i++ {
			err := db.View(b.Context(), func(tx *sqldb.Tx) error {
				var s string
				return tx.QueryRow("select s from e where id = ?", i*7919%20000).Scan(&s)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
