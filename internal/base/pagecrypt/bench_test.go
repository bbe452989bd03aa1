package pagecrypt_test

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// sealedAndPlain runs fn on an encrypted database and on an ordinary one.
func sealedAndPlain(b *testing.B, fn func(b *testing.B, c *sqlite3.Conn)) {
	for _, name := range []string{"sealed", "plain"} {
		b.Run(name, func(b *testing.B) {
			vfs := "os"
			if name == "sealed" {
				vfs = register(b, sequence(32, 0, 1))
			}
			c := open(b, filepath.Join(b.TempDir(), "a.db"), vfs)
			defer c.Close()
			run(b, c, "pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = 64; create table e (id integer primary key, s text)")
			run(b, c, "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into e select i, printf('%0300d', i) from n; pragma wal_checkpoint")
			fn(b, c)
		})
	}
}

func BenchmarkPointRead(b *testing.B) {
	sealedAndPlain(b, func(b *testing.B, c *sqlite3.Conn) {
		s, _, err := c.Prepare("select s from e where id = ?")
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		for i := 0; b.Loop(); i++ {
			if err := s.BindInt(1, 1+i*7919%20000); err != nil {
				b.Fatal(err)
			}
			if !s.Step() || len(s.ColumnText(0)) != 300 {
				b.Fatal(s.Err())
			}
			if err := s.Reset(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCommit(b *testing.B) {
	sealedAndPlain(b, func(b *testing.B, c *sqlite3.Conn) {
		s, _, err := c.Prepare("insert into e (s) values (printf('%0300d', ?))")
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		for i := 0; b.Loop(); i++ {
			if err := s.BindInt(1, i); err != nil {
				b.Fatal(err)
			}
			if err := s.Exec(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
