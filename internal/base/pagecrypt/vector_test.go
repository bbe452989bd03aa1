package pagecrypt_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"

	"strongroom/internal/base/pagecrypt"
)

var update = flag.Bool("update", false, "write the vectors anew")

// count is a source of bytes that goes 0, 1, 2, ...
type count struct{ n byte }

func (c *count) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.n
		c.n++
	}
	return len(p), nil
}

// sequence gives n bytes: first, first+step, first+2*step, ...
func sequence(n int, first, step byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = first + byte(i)*step
	}
	return p
}

// vector is testdata/vectors.json; doc/formats/sqlite-pages.md explains it.
type vector struct {
	Key        string `json:"key"`
	ID         string `json:"file_id"`
	Nonces     string `json:"nonces"`
	Page       string `json:"page"`
	LogHeader  string `json:"log_header"`
	Frame      string `json:"frame_header"`
	FirstBlock string `json:"first_block_64_bytes"`
	DiskPage   string `json:"page_number_5_sealed"`
	DiskLog    string `json:"log_with_one_frame_sealed"`
}

func TestVectors(t *testing.T) {
	got := vector{
		Key:       hex.EncodeToString(sequence(32, 0, 1)),
		ID:        hex.EncodeToString(sequence(16, 0xa0, 1)),
		Nonces:    "00 01 02 ... ff 00 01 ..., twelve bytes for each sealing, in the order of the fields below",
		Page:      "4064 bytes: byte i is 7*i mod 256",
		LogHeader: hex.EncodeToString(sequence(32, 0x40, 1)),
		Frame:     hex.EncodeToString(sequence(24, 0x60, 1)),
	}
	key, id, random := sequence(32, 0, 1), [16]byte(sequence(16, 0xa0, 1)), &count{}
	page := append(sequence(4064, 0, 7), make([]byte, 32)...)
	first, err := pagecrypt.First(key, id)
	if err != nil {
		t.Fatal(err)
	}
	got.FirstBlock = hex.EncodeToString(first[:64])
	var disk, log vfsutil.SliceFile
	f, err := pagecrypt.Database(&disk, key, id, random)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, page, 4*4096)
	got.DiskPage = hex.EncodeToString(disk[5*4096:])
	random.n = 12 // the nonces of one file come in batches
	if f, err = pagecrypt.Log(&log, key, id, random); err != nil {
		t.Fatal(err)
	}
	write(t, f, sequence(32, 0x40, 1), 0)
	write(t, f, sequence(24, 0x60, 1), 32)
	write(t, f, page, 32+24)
	got.DiskLog = hex.EncodeToString(log)

	name := filepath.Join("testdata", "vectors.json")
	if *update {
		b, err := json.MarshalIndent(got, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var want vector
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("the format has changed\ngot  %+v\nwant %+v", got, want)
	}
}

func write(t testing.TB, f io.WriterAt, p []byte, off int64) {
	t.Helper()
	if n, err := f.WriteAt(p, off); err != nil || n == 0 {
		t.Fatal(n, err)
	}
}

// A database that an earlier build wrote can be read for ever.
func TestGolden(t *testing.T) {
	key := sequence(32, 0, 1)
	golden := filepath.Join("testdata", "golden.db")
	if *update {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		name, release := pagecrypt.RegisterFixed(key, rand.Reader)
		c := open(t, golden, name)
		run(t, c, "create table g (id integer primary key, s text); insert into g values (1, 'kept')")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		release()
	}
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "g.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, path, register(t, key))
	defer c.Close()
	if s := text(t, c, "select s from g where id = 1"); s != "kept" {
		t.Error(s)
	}
}

func register(t testing.TB, key []byte) string {
	t.Helper()
	name, release, err := pagecrypt.Register(bytes.Clone(key))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return name
}

func open(t testing.TB, path, vfs string) *sqlite3.Conn {
	t.Helper()
	c, err := sqlite3.Open("file:" + path + "?vfs=" + vfs)
	if err != nil {
		t.Fatal(err)
	}
	run(t, c, "pragma temp_store = memory")
	return c
}

func run(t testing.TB, c *sqlite3.Conn, q string) {
	t.Helper()
	if err := c.Exec(q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

func text(t testing.TB, c *sqlite3.Conn, q string) string {
	t.Helper()
	s, err := ask(c, q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return s
}

func ask(c *sqlite3.Conn, q string) (string, error) {
	s, _, err := c.Prepare(q)
	if err != nil {
		return "", err
	}
	var v string
	if s.Step() {
		v = s.ColumnText(0)
	}
	err = s.Err()
	if e := s.Close(); err == nil {
		err = e
	}
	return v, err
}
