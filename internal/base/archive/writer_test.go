package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
)

var when = time.Date(2025, 6, 7, 8, 9, 10, 0, time.UTC)

func writeAll(t testing.TB, w *archive.Writer, entries map[string]string, order ...string) {
	t.Helper()
	for _, name := range order {
		e, err := w.Add(name, when)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(e, entries[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

var sample = map[string]string{
	"organizations.csv":             "id,name\r\n1,Contoso\r\n",
	"documents/DOC-1-2 Ü/ü.html":    strings.Repeat("<p>hello</p>", 4000),
	"attachments/passwords/1/a.png": "\x89PNG not really",
	"empty.csv":                     "",
}

var sampleOrder = []string{"organizations.csv", "documents/DOC-1-2 Ü/ü.html", "attachments/passwords/1/a.png", "empty.csv"}

func TestStandardLibraryReadsOurs(t *testing.T) {
	var b bytes.Buffer
	writeAll(t, archive.Create(&b, ""), sample, sampleOrder...)
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != len(sample) {
		t.Fatalf("%d files", len(r.File))
	}
	for i, f := range r.File {
		e, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(e)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name != sampleOrder[i] || string(got) != sample[f.Name] || !f.Modified.Equal(when) || f.NonUTF8 {
			t.Errorf("%q: %d bytes, %v", f.Name, len(got), f.Modified)
		}
	}
	if r.File[2].Method != zip.Store || r.File[1].Method != zip.Deflate {
		t.Error("a picture is packed again, or a page is not")
	}
}

func TestSameEntriesSameBytes(t *testing.T) {
	var a, b bytes.Buffer
	writeAll(t, archive.Create(&a, ""), sample, sampleOrder...)
	writeAll(t, archive.Create(&b, ""), sample, sampleOrder...)
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two zips of the same entries differ")
	}
	a.Reset()
	b.Reset()
	for _, to := range []*bytes.Buffer{&a, &b} {
		w := archive.Create(to, "p")
		w.Rand = bytes.NewReader(make([]byte, 1000))
		writeAll(t, w, sample, sampleOrder...)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("with the same salts, two zips differ")
	}
}

func TestEncryptedRoundTrip(t *testing.T) {
	var b bytes.Buffer
	writeAll(t, archive.Create(&b, "pässword"), sample, sampleOrder...)
	for name, body := range sample {
		if len(body) > 5 && bytes.Contains(b.Bytes(), []byte(body[:6])) {
			t.Errorf("the content of %s is readable", name)
		}
	}
	a := open(t, b.Bytes(), archive.Options{Password: "pässword"})
	for name, body := range sample {
		if read(t, a, name) != body {
			t.Errorf("%s came back changed", name)
		}
	}
	_, err := archive.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), archive.Options{Password: "other"})
	refused(t, err, "password does not open")
}

// TestEncryptedChangesAreSeen flips each byte of the first content.
func TestEncryptedChangesAreSeen(t *testing.T) {
	b := packOwn(t, "p", "the content of the entry")
	start := len("PK\x03\x04") + 26 + len("a.txt") + 11
	for i := start; i < bytes.Index(b, []byte("PK\x07\x08")); i++ {
		c := bytes.Clone(b)
		c[i] ^= 1
		a, err := archive.Open(bytes.NewReader(c), int64(len(c)), archive.Options{Password: "p"})
		if err == nil {
			_, err = readErr(a, "a.txt")
		}
		if !fault.Is(err, fault.Invalid) {
			t.Fatalf("byte %d: got %v", i, err)
		}
	}
}

func TestSevenZipReadsOurs(t *testing.T) {
	tool, err := exec.LookPath("7zz")
	if err != nil {
		t.Skip("the program 7zz is not installed")
	}
	for _, password := range []string{"", "pass word"} {
		dir := t.TempDir()
		var b bytes.Buffer
		writeAll(t, archive.Create(&b, password), sample, sampleOrder...)
		if err := os.WriteFile(filepath.Join(dir, "x.zip"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), tool, "x", "-p"+password, "-oout", "x.zip")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for name, body := range sample {
			got, err := os.ReadFile(filepath.Join(dir, "out", filepath.FromSlash(name)))
			if err != nil || string(got) != body {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
	}
}

func TestAddRefuses(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"../x", "outside"}, {"/x", "absolute"}, {`a\b`, "backslash"}, {"a//b", "plain form"}, {"./a", "plain form"},
		{"folder/", "plain form"}, {"", "no name"}, {"\xff", "plain form"}, {"once", "twice"},
	} {
		w := archive.Create(io.Discard, "")
		if _, err := w.Add("once", when); err != nil {
			t.Fatal(err)
		}
		_, err := w.Add(c.name, when)
		refused(t, err, c.want)
	}
}

type brokenWriter struct{ left int }

var errFull = errors.New("disk full")

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterKeepsTheFirstFailure(t *testing.T) {
	for left := 0; left < 400; left += 7 {
		w := archive.Create(&brokenWriter{left}, "p")
		var err error
		for i := 0; i < 5 && err == nil; i++ {
			var e io.Writer
			if e, err = w.Add(fmt.Sprint(i), when); err == nil {
				_, err = io.WriteString(e, strings.Repeat("x", 10))
			}
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Fatalf("after %d bytes: %v", left, err)
		}
	}
}

func TestWriteAfterEntryEnded(t *testing.T) {
	w := archive.Create(io.Discard, "")
	first, err := w.Add("a", when)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add("b", when); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Write([]byte("x")); err == nil {
		t.Error("an ended entry took more")
	}
}

// sparse keeps only the chunks that are not zeros, so that a zip of more than
// 4 GiB of zeros fits in memory.
type sparse struct {
	chunks map[int64][]byte
	n      int64
}

const sparseChunk = 1 << 20

func (s *sparse) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		at := s.n + int64(done)
		n := min(len(p)-done, int(sparseChunk-at%sparseChunk))
		if part := p[done : done+n]; len(bytes.Trim(part, "\x00")) > 0 {
			c := s.chunks[at/sparseChunk]
			if c == nil {
				c = make([]byte, sparseChunk)
				s.chunks[at/sparseChunk] = c
			}
			copy(c[at%sparseChunk:], part)
		}
		done += n
	}
	s.n += int64(len(p))
	return len(p), nil
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.n {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), sparseChunk-off%sparseChunk, s.n-off)]
	clear(p)
	if c := s.chunks[off/sparseChunk]; c != nil {
		copy(p, c[off%sparseChunk:])
	}
	return len(p), nil
}

// whole makes short reads at chunk ends whole, as io.ReaderAt asks.
type whole struct{ *sparse }

func (w whole) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := w.sparse.ReadAt(p[done:], off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func TestLargeEntry(t *testing.T) {
	if testing.Short() {
		t.Skip("4 GiB take seconds; -short was asked for")
	}
	s := &sparse{chunks: map[int64][]byte{}}
	w := archive.Create(s, "")
	big, err := w.Add("big.zip", when) // stored
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 4<<20)
	for range 1025 {
		if _, err := big.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	small, err := w.Add("after.csv", when)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(small, "behind 4 GiB"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(whole{s}, s.n)
	if err != nil {
		t.Fatal(err)
	}
	if r.File[0].UncompressedSize64 != 1025*4<<20 {
		t.Errorf("the standard library sees %d bytes", r.File[0].UncompressedSize64)
	}
	a, err := archive.Open(whole{s}, s.n, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := a.Stat("big.zip"); f.Size != 1025*4<<20 {
		t.Errorf("size %d", f.Size)
	}
	if got := read(t, a, "after.csv"); got != "behind 4 GiB" {
		t.Errorf("got %q", got)
	}
}

func TestManyEntries(t *testing.T) {
	var b bytes.Buffer
	w := archive.Create(&b, "")
	for i := range 70_000 {
		if _, err := w.Add(fmt.Sprintf("%d.zip", i), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil || len(r.File) != 70_000 {
		t.Fatalf("the standard library: %v", err)
	}
	a := open(t, b.Bytes(), archive.Options{})
	if len(a.Files()) != 70_000 {
		t.Fatalf("%d files", len(a.Files()))
	}
	if f, ok := a.Stat("69999.zip"); !ok || !f.ModTime.IsZero() {
		t.Errorf("last entry %+v %v", f, ok)
	}
}

func TestRoundTripOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.SampledFrom([]string{"", "p"}).Draw(t, "password")
		entries := rapid.MapOfN(rapid.StringMatching(`[a-zß]{1,9}(/[ a-z.]?[a-z]{1,5}){0,3}(\.png|\.csv)?`), rapid.SliceOf(rapid.Byte()), 0, 6).Draw(t, "entries")
		var b bytes.Buffer
		w := archive.Create(&b, password)
		for name, body := range entries {
			e, err := w.Add(name, when)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Write(body); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		a, err := archive.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), archive.Options{Password: password})
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Files()) != len(entries) {
			t.Fatalf("%d files of %d", len(a.Files()), len(entries))
		}
		for name, body := range entries {
			if got, err := readErr(a, name); err != nil || got != string(body) {
				t.Fatalf("%s: %q %v", name, got, err)
			}
		}
	})
}

// FuzzOpen: any bytes are refused with a sentence or keep the promises of the
// package.
func FuzzOpen(f *testing.F) {
	f.Add(pack(f, member{name: "a.csv", body: "id\n1\n"}, member{name: "d/b", body: strings.Repeat("x", 300)}))
	f.Add(packOwn(f, "", "hello"))
	f.Add(packOwn(f, "p", "hello"))
	f.Add(encryptedBy(f, "p", "hello"))
	limits := archive.Limits{Entries: 100, Entry: 1 << 20, Total: 4 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{Password: "p", Limits: limits})
		if err != nil {
			refused(t, err, "")
			return
		}
		for _, e := range a.Files() {
			if strings.HasPrefix(e.Name, "/") || strings.Contains("/"+e.Name+"/", "/../") || strings.ContainsAny(e.Name, "\\\x00") {
				t.Errorf("name %q", e.Name)
			}
			got, err := readErr(a, e.Name)
			if err != nil {
				refused(t, err, "")
			} else if int64(len(got)) != e.Size {
				t.Errorf("%q: %d bytes of %d", e.Name, len(got), e.Size)
			}
		}
	})
}
