package pagecrypt_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"

	"strongroom/internal/base/pagecrypt"
)

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

// TestVectorsOpen: what the format says is what is read.
func TestVectorsOpen(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	key, id, page := unhex(t, v.Key), [16]byte(unhex(t, v.ID)), append(sequence(4064, 0, 7), make([]byte, 32)...)
	first, err := pagecrypt.First(key, id)
	if err != nil || hex.EncodeToString(first[:64]) != v.FirstBlock {
		t.Errorf("the first block is %x: %v", first[:64], err)
	}
	disk := vfsutil.SliceFile(append(make([]byte, 5*4096), unhex(t, v.DiskPage)...))
	f, err := pagecrypt.Database(&disk, key, id)
	if err != nil {
		t.Fatal(err)
	}
	reads(t, f, 4*4096, page)
	log := vfsutil.SliceFile(unhex(t, v.DiskLog))
	if f, err = pagecrypt.Log(&log, key, id); err != nil {
		t.Fatal(err)
	}
	reads(t, f, 0, unhex(t, v.LogHeader))
	reads(t, f, 32, unhex(t, v.Frame))
	reads(t, f, 32+24, page)
}

// TestWhatIsWrittenIsTheFormat: what is written opens with nothing but the
// format's own description, and no nonce comes twice.
func TestWhatIsWrittenIsTheFormat(t *testing.T) {
	key, id, page := sequence(32, 0, 1), [16]byte(sequence(16, 0xa0, 1)), append(sequence(4064, 0, 7), make([]byte, 32)...)
	header, frame := sequence(32, 0x40, 1), sequence(24, 0x60, 1)
	nonces := map[string]bool{}
	opens := func(use string, kind byte, number uint64, content, nonce, want []byte) {
		t.Helper()
		k, err := hkdf.Key(sha256.New, key, id[:], "strongroom sqlite-pages 1 epoch 0 "+use, 32)
		if err != nil {
			t.Fatal(err)
		}
		c, err := aes.NewCipher(k)
		if err != nil {
			t.Fatal(err)
		}
		a, err := cipher.NewGCM(c)
		if err != nil {
			t.Skip("GCM with a nonce of one's own is not allowed here: ", err)
		}
		bound := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(append(bytes.Clone(id[:]), kind), number), 0)
		if got, err := a.Open(nil, nonce, content, bound); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s, kind %d: %v", use, kind, err)
		}
		if nonces[string(nonce)] {
			t.Errorf("the nonce %x came twice", nonce)
		}
		nonces[string(nonce)] = true
	}
	for range 20 {
		var disk, log vfsutil.SliceFile
		f, err := pagecrypt.Database(&disk, key, id)
		if err != nil {
			t.Fatal(err)
		}
		write(t, f, page, 4*4096)
		p := disk[5*4096:]
		opens("pages", 1, 4, p[:4080], p[4080:4092], page[:4064])
		if !bytes.Equal(p[4092:], make([]byte, 4)) {
			t.Errorf("the epoch is %x", p[4092:])
		}
		if f, err = pagecrypt.Log(&log, key, id); err != nil {
			t.Fatal(err)
		}
		write(t, f, header, 0)
		write(t, f, frame, 32)
		write(t, f, page, 32+24)
		opens("log", 4, 0, log[:48], log[48:60], header)
		opens("log", 3, 0, log[60:100], log[100:112], frame)
		opens("log", 2, 0, log[112:112+4080], log[112+4080:112+4092], page[:4064])
		reads(t, f, 32+24, page)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func reads(t testing.TB, f io.ReaderAt, off int64, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := f.ReadAt(got, off); err != nil && err != io.EOF || n != len(want) || !bytes.Equal(got, want) {
		t.Errorf("at %d: %d bytes, %v, equal: %v", off, n, err, bytes.Equal(got, want))
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
