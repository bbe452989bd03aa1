package sqldb_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
)

const marker = "PLAINTEXTMARKER"

// seen looks for the marker in every file below dir, and gives how many files
// there are.
func seen(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, text := range []string{marker, "marked_table", "SQLite format"} {
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("%s can be read in %s", text, filepath.Base(path))
			}
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(path, "-shm") {
			t.Errorf("%s: others may read it: %v %v", filepath.Base(path), info.Mode(), err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestNothingIsPlain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	db := lite(t, path)
	change(t, db, "create table marked_table (id integer primary key, s text)", "create virtual table f using fts5 (s)")
	err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
		for i := range 4000 { // more than the cache holds and than one checkpoint
			if _, err := tx.Exec("insert into marked_table values (?, ?)", i, strings.Repeat(marker, 20)); err != nil {
				return err
			}
			if _, err := tx.Exec("insert into f values (?)", fmt.Sprint(marker, i)); err != nil {
				return err
			}
		}
		if n := seen(t, dir); n != 3 {
			t.Errorf("%d files during the transaction", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	change(t, db, "update marked_table set s = s || 'x' where id < 500")
	number(t, db, "select count(*) from (select s, id from marked_table order by s, id desc)") // a large sort
	if n := seen(t, dir); n != 3 {
		t.Errorf("%d files while it is open, want the database, its log and its index", n)
	}
	backup := filepath.Join(dir, "copy of a.db")
	if err := db.BackupTo(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n := seen(t, dir); n != 2 {
		t.Errorf("%d files after closing, want the database and its copy", n)
	}
}

func TestWrongKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	change(t, lite(t, path), "create table e (id integer)")
	open := func(path string, key func() ([]byte, error)) error {
		db, err := sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{Path: path, Key: key})
		if err == nil {
			t.Cleanup(func() { _ = db.Close() })
		}
		return err
	}
	plain := filepath.Join(t.TempDir(), "plain.db")
	if err := os.WriteFile(plain, append([]byte("SQLite format 3\x00"), make([]byte, 8176)...), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		key  func() ([]byte, error)
		say  string
	}{
		"other key":  {path, key(2), "The database cannot be opened with this key."},
		"short key":  {path, func() ([]byte, error) { return make([]byte, 16), nil }, "The key of the database must have 32 bytes."},
		"no key":     {path, nil, "The database cannot be opened without a key."},
		"plain file": {plain, key(1), "The file is not a database of Strongroom."},
		"empty file": {empty, key(1), "The file is not a database of Strongroom."},
	} {
		err := open(c.path, c.key)
		if !fault.Is(err, fault.Invalid) || fault.Say(err).Text != c.say {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := open(path, func() ([]byte, error) { return nil, fs.ErrPermission }); err != fs.ErrPermission {
		t.Error(err)
	}
	if err := open(filepath.Join(t.TempDir(), "no", "folder.db"), key(1)); err == nil {
		t.Error("a database without a folder was opened")
	}
	if err := open(path, key(1)); err != nil {
		t.Error(err)
	}
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	db := lite(t, filepath.Join(dir, "a.db"))
	change(t, db, "create table e (id integer primary key, s text)")
	add := func(ctx context.Context, n int) error {
		return db.Change(ctx, func(tx *sqldb.Tx) error {
			for range n {
				if _, err := tx.Exec("insert into e (s) values (?)", strings.Repeat("x", 500)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := add(t.Context(), 5000); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	wrote := make(chan error)
	go func() { // a writer goes on meanwhile
		var err error
		for err == nil && ctx.Err() == nil {
			err = add(t.Context(), 10)
		}
		wrote <- err
	}()
	path := filepath.Join(dir, "copy ü.db")
	err := db.BackupTo(t.Context(), path)
	stop()
	if e := <-wrote; err != nil || e != nil {
		t.Fatal(err, e)
	}
	if err := db.BackupTo(t.Context(), path); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	copied := lite(t, path)
	sound(t, copied)
	if n := number(t, copied, "select count(*) from e"); n < 5000 || n%10 != 0 {
		t.Errorf("%d rows", n)
	}
	change(t, copied, "insert into e (s) values ('new')")
	_, err = sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{Path: path, Key: key(2)})
	if !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	failed := filepath.Join(dir, "failed.db")
	if err := db.BackupTo(ctx, failed); err == nil {
		t.Error("a cancelled backup succeeded")
	}
	left, err := filepath.Glob(filepath.Join(dir, "failed*"))
	if err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

func TestBackupOfPostgres(t *testing.T) {
	if err := postgres(t).BackupTo(t.Context(), filepath.Join(t.TempDir(), "b")); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// image copies the database at path and its log into a folder of their own, as
// they would be found after the power went.
func image(t *testing.T, path string) (copied string, db, log []byte) {
	t.Helper()
	copied = filepath.Join(t.TempDir(), "image.db")
	db, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err = os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return copied, db, log
}

func lay(t *testing.T, path string, db, log []byte) {
	t.Helper()
	if err := os.RemoveAll(path + "-shm"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, db, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", log, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The power goes during a checkpoint: pages in the database are torn, page 1
// among them, and the log still has all of them.
func TestTornCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := lite(t, path)
	change(t, db, "create table e (id integer primary key, s text)", "create table another (id integer)")
	err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
		for i := range 1000 {
			if _, err := tx.Exec("insert into e values (?, ?)", i, strings.Repeat("x", 501)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	copied, file, log := image(t, path)
	lay(t, copied, file, log)
	if err := lite(t, copied).Close(); err != nil { // a whole checkpoint
		t.Fatal(err)
	}
	file, err = os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	pages := len(file)/4096 - 1
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		torn := bytes.Clone(file)
		for n := range pages {
			if round > 0 && random.IntN(2) == 0 || round == 0 && n > 0 {
				continue
			}
			page := torn[(n+1)*4096 : (n+2)*4096]
			at := random.IntN(8) * 512
			switch random.IntN(3) {
			case 0:
				clear(page[at:])
			case 1:
				clear(page[:at+1])
			case 2:
				for i := range page {
					page[i] = byte(random.Uint32())
				}
			}
		}
		if round > 20 {
			torn = torn[:2*4096+random.IntN(len(torn)-2*4096)]
		}
		lay(t, copied, torn, log)
		again := lite(t, copied)
		if n := number(t, again, "select count(*) from e where length(s) = 501"); n != 1000 {
			t.Errorf("round %d: %d rows", round, n)
		}
		sound(t, again)
		if err := again.Close(); err != nil { // checkpoint
			t.Fatal(err)
		}
		again = lite(t, copied)
		sound(t, again)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The power goes while the log is written: what was committed before stays,
// what was half written is gone, and nothing is refused.
func TestTornLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := lite(t, path)
	change(t, db, "create table e (id integer primary key)")
	for i := range 30 {
		change(t, db, fmt.Sprintf("insert into e values (%d)", i))
	}
	copied, file, log := image(t, path)
	before := int64(-1)
	for size := 60 + 2*4148; size <= len(log); size += 331 {
		lay(t, copied, file, log[:size])
		again := lite(t, copied)
		n := number(t, again, "select count(*) from e")
		if n < before {
			t.Errorf("%d bytes of the log hold %d rows, fewer bytes held %d", size, n, before)
		}
		before = n
		change(t, again, "insert into e values (1000)")
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if before < 29 {
		t.Error(before)
	}
	for name, log := range map[string][]byte{
		"zeros":              make([]byte, len(log)),
		"empty":              {},
		"half a header":      log[:40],
		"a tail of zeros":    append(bytes.Clone(log), make([]byte, 10000)...),
		"the last one torn":  append(bytes.Clone(log[:len(log)-2000]), make([]byte, 2000)...),
		"the last two wrong": append(bytes.Clone(log[:len(log)-4148]), bytes.Repeat([]byte{9}, 4148)...),
	} {
		lay(t, copied, file, log)
		again, err := sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{Path: copied, Key: key(1)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A flipped bit in the log is refused, or cuts the log before the transaction
// that was written last. It never changes what is read.
func TestAlteredLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := lite(t, path)
	change(t, db, "create table e (id integer primary key, s text)")
	for i := range 20 {
		change(t, db, fmt.Sprintf("insert into e values (%d, 'as it was')", i))
	}
	copied, file, log := image(t, path)
	last := len(log) - 2*4148 // where the last transaction begins, at the earliest
	refused := 0
	for at := 5; at < len(log); at += 997 {
		altered := bytes.Clone(log)
		altered[at] ^= 1 << (at % 8)
		lay(t, copied, file, altered)
		again, err := sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{Path: copied, Key: key(1)})
		if err != nil {
			refused++
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("byte %d: %v", at, err)
			}
			continue
		}
		n := number(t, again, "select count(*) from e where s = 'as it was'")
		if all := number(t, again, "select count(*) from e"); all != n || n < 19 || at < last {
			t.Errorf("byte %d of %d: %d rows of %d", at, len(log), n, all)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	// The log of another database with the same key.
	other := filepath.Join(t.TempDir(), "b.db")
	odb := lite(t, other)
	change(t, odb, "create table e (id integer primary key, s text)", "insert into e values (1, 'foreign')")
	_, _, foreign := image(t, other)
	lay(t, copied, file, foreign)
	if _, err := sqldb.OpenSQLite(t.Context(), sqldb.SQLiteOptions{Path: copied, Key: key(1)}); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

// A page that is altered while the database is open is refused as well.
func TestAlteredWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := lite(t, path)
	change(t, db, "create table e (id integer primary key, s text)")
	err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
		for i := range 5000 {
			if _, err := tx.Exec("insert into e values (?, ?)", i, strings.Repeat("x", 500)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 9000; at < len(b); at += 4000 {
			b[at] ^= 1
		}
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	err = db.View(t.Context(), func(tx *sqldb.Tx) error {
		return tx.QueryRow("select sum(length(s)) from e").Scan(&n)
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Error(n, err)
	}
}
