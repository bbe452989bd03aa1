package pagecrypt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"pgregory.net/rapid"

	"strongroom/internal/base/pagecrypt"
)

// filled makes a closed database of about 100 pages and gives its bytes.
func filled(t testing.TB, path, vfs, word string) []byte {
	t.Helper()
	c := open(t, path, vfs)
	run(t, c, "create table e (id integer primary key, s text)")
	run(t, c, fmt.Sprintf("with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) insert into e select i, printf('%%s%%0300d', '%s', i) from n", word))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check opens a database and reads all of it.
func check(path, vfs string) error {
	c, err := sqlite3.Open("file:" + path + "?vfs=" + vfs)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := ask(c, "select sum(length(s)) from e")
	if err == nil && s != "301000" {
		err = fmt.Errorf("the sum is %s", s)
	}
	return err
}

func TestBirth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	c := open(t, path, register(t, sequence(32, 0, 1)))
	defer c.Close()
	for q, want := range map[string]string{
		"pragma journal_mode":    "wal",
		"pragma page_size":       "4096",
		"pragma page_count":      "1",
		"pragma integrity_check": "ok",
		"pragma encoding":        "UTF-8",
	} {
		if got := text(t, c, q); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	// SQLite itself makes the same page, but for what WAL and the reserve change.
	plain := filepath.Join(t.TempDir(), "plain.db")
	p, err := sqlite3.Open("file:" + plain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, 32); err != nil {
		t.Fatal(err)
	}
	run(t, p, "pragma journal_mode = wal")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[24:28]) // change counter
	clear(b[92:100])
	if !bytes.Equal(b, pagecrypt.Birth()) {
		t.Errorf("SQLite makes another page 1\n% x\n% x", b[:120], pagecrypt.Birth()[:120])
	}
}

// Every byte of a database is covered: the first block, ciphertext, tag, nonce
// and epoch.
func TestBitFlips(t *testing.T) {
	dir := t.TempDir()
	vfs := register(t, sequence(32, 0, 1))
	path := filepath.Join(dir, "a.db")
	whole := filled(t, path, vfs, "x")
	places := []int{0, 7, 8, 23, 24, 27, 28, 31, 32, 63, 64, 4095}
	for _, page := range []int{1, 2, 5, len(whole)/4096 - 1} {
		for _, at := range []int{0, 18, 99, 100, 2000, 4063, 4064, 4079, 4080, 4091, 4092, 4095} {
			places = append(places, page*4096+at)
		}
	}
	if err := check(path, vfs); err != nil {
		t.Fatal(err)
	}
	for _, at := range places {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		put(t, path, b)
		if err := check(path, vfs); !errors.Is(err, sqlite3.IOERR_DATA) && !errors.Is(err, sqlite3.CANTOPEN) {
			t.Errorf("byte %d of page %d: %v", at%4096, at/4096, err)
		}
	}
}

func put(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMovedPages(t *testing.T) {
	dir := t.TempDir()
	vfs := register(t, sequence(32, 0, 1))
	path := filepath.Join(dir, "a.db")
	a, b := filled(t, path, vfs, "x"), filled(t, filepath.Join(dir, "b.db"), vfs, "x")
	page := func(b []byte, n int) []byte { return b[n*4096 : (n+1)*4096] }
	for name, alter := range map[string]func(m []byte){
		"swapped within the file":        func(m []byte) { copy(page(m, 6), page(a, 7)); copy(page(m, 7), page(a, 6)) },
		"copied within the file":         func(m []byte) { copy(page(m, 6), page(a, 7)) },
		"from the same place of another": func(m []byte) { copy(page(m, 6), page(b, 6)) },
		"page 1 of another":              func(m []byte) { copy(page(m, 1), page(b, 1)) },
		"first block of another":         func(m []byte) { copy(page(m, 0), page(b, 0)) },
		"zeros":                          func(m []byte) { clear(page(m, 6)) },
	} {
		m := bytes.Clone(a)
		alter(m)
		put(t, path, m)
		if err := check(path, vfs); !errors.Is(err, sqlite3.IOERR_DATA) {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(t, path, a[:len(a)-3*4096])
	if err := check(path, vfs); err == nil {
		t.Error("a shortened file is sound")
	}
}

func TestKeysOfOpening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	right, wrong := register(t, sequence(32, 0, 1)), register(t, sequence(32, 1, 1))
	b := filled(t, path, right, "x")
	if err := check(path, wrong); !errors.Is(err, pagecrypt.ErrKey) {
		t.Error(err)
	}
	b[0] = 'X'
	put(t, path, b)
	if err := check(path, right); !errors.Is(err, pagecrypt.ErrFormat) {
		t.Error(err)
	}
	if _, _, err := pagecrypt.Register(make([]byte, 31)); err == nil {
		t.Error("a short key was taken")
	}
}

// Files that would hold plain data, or would be sealed the wrong way, cannot be
// opened.
func TestRefusedFiles(t *testing.T) {
	name := register(t, sequence(32, 0, 1))
	v := vfs.Find(name)
	for _, flags := range []vfs.OpenFlag{vfs.OPEN_MAIN_JOURNAL, vfs.OPEN_TEMP_DB, vfs.OPEN_TEMP_JOURNAL,
		vfs.OPEN_TRANSIENT_DB, vfs.OPEN_SUBJOURNAL, vfs.OPEN_SUPER_JOURNAL} {
		if _, _, err := v.(vfs.VFSFilename).OpenFilename(nil, flags|vfs.OPEN_CREATE|vfs.OPEN_READWRITE); err == nil {
			t.Errorf("flags %x were opened", flags)
		}
		if _, _, err := v.Open(filepath.Join(t.TempDir(), "x"), flags|vfs.OPEN_CREATE|vfs.OPEN_READWRITE); err == nil {
			t.Errorf("flags %x were opened", flags)
		}
	}
	dir := t.TempDir()
	c := open(t, filepath.Join(dir, "a.db"), name)
	defer c.Close()
	run(t, c, "create table e (id integer)")
	if err := c.Exec("pragma journal_mode = delete"); err == nil {
		if err := c.Exec("insert into e values (1)"); err == nil {
			t.Error("a write outside WAL mode was let through")
		}
	}
	if err := c.Exec(`pragma temp_store = file; create temp table x as
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) select printf('%0400d', i) from n`); err == nil {
		t.Error("a temporary file was let through")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*-journal"))
	if err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// Opening one new database many times at once makes one database.
func TestBirthRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	name := register(t, sequence(32, 0, 1))
	ended := make(chan error)
	for i := range 8 {
		go func() {
			c, err := sqlite3.Open("file:" + path + "?vfs=" + name + "&_pragma=busy_timeout(10000)")
			if err == nil {
				err = c.Exec(fmt.Sprintf("create table t%d (id integer)", i))
			}
			ended <- errors.Join(err, c.Close())
		}()
	}
	for range 8 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	c := open(t, path, name)
	defer c.Close()
	if n := text(t, c, "select count(*) from sqlite_schema"); n != "8" {
		t.Error(n)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*-new-*"))
	if err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// The sealed log behaves like a plain file under everything SQLite does to it.
func TestLogLikeAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var disk, plain vfsutil.SliceFile
		log, err := pagecrypt.Log(&disk, make([]byte, 32), [16]byte{})
		if err != nil {
			t.Fatal(err)
		}
		both := func(p []byte, off int64) {
			p = bytes.Clone(p)
			if len(p) == 4096 {
				clear(p[4064:])
			}
			if _, err := log.WriteAt(p, off); err != nil {
				t.Fatal(err)
			}
			if _, err := plain.WriteAt(p, off); err != nil {
				t.Fatal(err)
			}
		}
		both(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "header"), 0)
		frames := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				both(bytes.Repeat([]byte{rapid.Byte().Draw(t, "head")}, 24), 32+frames*4120)
				both(bytes.Repeat([]byte{rapid.Byte().Draw(t, "page")}, 4096), 32+frames*4120+24)
				frames++
			},
			"rewrite": func(t *rapid.T) {
				if frames == 0 {
					return
				}
				n := rapid.Int64Range(0, frames-1).Draw(t, "frame")
				if rapid.Bool().Draw(t, "head or page") {
					both(bytes.Repeat([]byte{rapid.Byte().Draw(t, "head")}, 24), 32+n*4120)
				} else {
					both(bytes.Repeat([]byte{rapid.Byte().Draw(t, "page")}, 4096), 32+n*4120+24)
				}
			},
			"truncate": func(t *rapid.T) {
				n := rapid.Int64Range(0, frames).Draw(t, "frames")
				if err := errors.Join(log.Truncate(32+n*4120), plain.Truncate(32+n*4120)); err != nil {
					t.Fatal(err)
				}
				frames = n
			},
			"": func(t *rapid.T) {
				a, err := log.Size()
				b, _ := plain.Size()
				if a != b || err != nil {
					t.Fatalf("size %d, want %d, %v", a, b, err)
				}
				reads := [][2]int64{{0, 32}, {24, 8}}
				for n := range frames {
					at := 32 + n*4120
					reads = append(reads, [][2]int64{{at, 4120}, {at, 24}, {at + 16, 8}, {at + 24, 4096}}...)
				}
				for _, r := range reads {
					x, y := make([]byte, r[1]), make([]byte, r[1])
					if n, err := log.ReadAt(x, r[0]); n != len(x) || err != nil {
						t.Fatalf("%v: %d %v", r, n, err)
					}
					if _, err := plain.ReadAt(y, r[0]); err != nil || !bytes.Equal(x, y) {
						t.Fatalf("%v differs (%v)", r, err)
					}
				}
				if n, err := log.ReadAt(make([]byte, 4120), 32+frames*4120); n != 0 || err != io.EOF {
					t.Fatalf("beyond the end: %d %v", n, err)
				}
			},
		})
	})
}

func TestOddAccess(t *testing.T) {
	var disk vfsutil.SliceFile
	for _, make1 := range []func(vfs.File, []byte, [16]byte) (vfs.File, error){pagecrypt.Database, pagecrypt.Log} {
		f, err := make1(&disk, make([]byte, 32), [16]byte{})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []struct {
			off int64
			n   int
		}{{1, 4096}, {4096, 100}, {-4096, 4096}, {8, 8}, {4090, 4096}, {0, 5000}} {
			if _, err := f.WriteAt(make([]byte, w.n), w.off); err == nil {
				t.Errorf("%T: %d bytes were written at %d", f, w.n, w.off)
			}
			if n, err := f.ReadAt(make([]byte, w.n), w.off); err == nil {
				t.Errorf("%T: %d bytes were read at %d", f, n, w.off)
			}
		}
	}
	if len(disk) != 0 {
		t.Error("something was written")
	}
	db, err := pagecrypt.Database(&disk, make([]byte, 32), [16]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.WriteAt(make([]byte, 4096), 0); !errors.Is(err, pagecrypt.ErrRefused) && err == nil {
		t.Error("a page 1 without room for the seal was written")
	}
}

// Whatever lies in a file, reading it gives no data and does not panic.
func FuzzGarbage(f *testing.F) {
	key := sequence(32, 0, 1)
	first, err := pagecrypt.First(key, [16]byte{1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first, int64(0), 100)
	f.Add(bytes.Repeat([]byte{7}, 60+3*4148), int64(32), 4120)
	f.Add(make([]byte, 20000), int64(4096+50), 16)
	f.Fuzz(func(t *testing.T, content []byte, off int64, n int) {
		if n < 0 || n > 70000 {
			return
		}
		for _, make1 := range []func(vfs.File, []byte, [16]byte) (vfs.File, error){pagecrypt.Database, pagecrypt.Log} {
			disk := vfsutil.SliceFile(bytes.Clone(content))
			file, err := make1(&disk, key, [16]byte{1})
			if err != nil {
				t.Fatal(err)
			}
			if size, err := file.Size(); size < 0 || size > int64(len(content)) || err != nil {
				t.Error(size, err)
			}
			p := make([]byte, n)
			if got, _ := file.ReadAt(p, off); got > 0 && !bytes.Equal(p, make([]byte, n)) {
				t.Errorf("%T gave %d bytes out of garbage", file, got)
			}
		}
		if err := pagecrypt.Unlock(key, content); err == nil && !bytes.Equal(content[32:64], first[32:64]) && len(content) != 4096 {
			t.Error("garbage is a first block")
		}
	})
}

// TestNobodyElseReadsTheFiles: whatever the umask, only the owner may read what
// lies beside the database.
func TestNobodyElseReadsTheFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	name := register(t, sequence(32, 0, 1))
	for range 2 { // the second time over files that were closed
		c, err := sqlite3.Open("file:" + path + "?vfs=" + name + "&modeof=" + path)
		if err != nil {
			t.Fatal(err)
		}
		run(t, c, "create table if not exists e (id integer primary key); insert into e default values")
		for _, end := range []string{"", "-wal", "-shm"} {
			fi, err := os.Stat(path + end)
			if err != nil {
				t.Fatal(err)
			}
			if fi.Mode().Perm() != 0o600 {
				t.Errorf("%s is %v", fi.Name(), fi.Mode())
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
