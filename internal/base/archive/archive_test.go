package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
)

// member is an entry to be written by the standard library.
type member struct {
	name, body string
	change     func(*zip.FileHeader)
}

func pack(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if m.change != nil {
			m.change(h)
		}
		e, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(e, m.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, b []byte, o archive.Options) *archive.Archive {
	t.Helper()
	a, err := archive.Open(bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func read(t testing.TB, a *archive.Archive, name string) string {
	t.Helper()
	b, err := readErr(a, name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

func readErr(a *archive.Archive, name string) (string, error) {
	r, err := a.Open(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func names(files []archive.File) string {
	var out []string
	for _, f := range files {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

// refused checks that err is a sentence for people that contains want, with a
// hint.
func refused(t testing.TB, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != fault.Invalid {
		t.Fatalf("got %v, want an invalid fault with %q", err, want)
	}
	if !strings.Contains(e.Text, want) || !strings.HasSuffix(e.Text, ".") || e.Hint == "" {
		t.Fatalf("got %q, hint %q; want a sentence with %q and a hint", e.Text, e.Hint, want)
	}
}

func TestReadsWhatTheStandardLibraryWrote(t *testing.T) {
	when := time.Date(2024, 2, 29, 12, 30, 44, 0, time.UTC)
	b := pack(t,
		member{name: "passwords.csv", body: "id,name\n", change: func(h *zip.FileHeader) { h.Modified = when }},
		member{name: "documents/", body: ""},
		member{name: "documents/DOC-1-2 Übersicht/a.html", body: strings.Repeat("<p>text</p>", 5000)},
		member{name: "attachments/x/1/a.png", body: "png", change: func(h *zip.FileHeader) { h.Method = zip.Store }},
		member{name: "./b//c.txt", body: ""},
	)
	a := open(t, b, archive.Options{})
	if got, want := names(a.Files()), "attachments/x/1/a.png b/c.txt documents/DOC-1-2 Übersicht/a.html passwords.csv"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
	if got := read(t, a, "documents/DOC-1-2 Übersicht/a.html"); got != strings.Repeat("<p>text</p>", 5000) {
		t.Error("another content came back")
	}
	if read(t, a, "attachments/x/1/a.png") != "png" || read(t, a, "b/c.txt") != "" {
		t.Error("stored or empty entry came back changed")
	}
	f, ok := a.Stat("passwords.csv")
	if !ok || !f.ModTime.Equal(when) || f.Size != 8 {
		t.Errorf("stat %+v %v", f, ok)
	}
	if got := names(a.Under("attachments/x")); got != "attachments/x/1/a.png" {
		t.Errorf("under: %q", got)
	}
	if got := names(a.Glob("*.csv")); got != "passwords.csv" {
		t.Errorf("glob: %q", got)
	}
	if _, err := a.Open("nope"); err == nil {
		t.Error("a missing file opened")
	} else if e := fault.Say(err); e.Kind != fault.Invalid || !strings.Contains(e.Text, "nope") {
		t.Errorf("missing: %v", err)
	}
}

func TestUnderDoesNotMatchNeighbours(t *testing.T) {
	a := open(t, pack(t, member{name: "a-b/1"}, member{name: "a/1"}, member{name: "a/2/3"}, member{name: "a.csv"}, member{name: "ab/1"}), archive.Options{})
	for folder, want := range map[string]string{"a": "a/1 a/2/3", "a/": "a/1 a/2/3", "a/2": "a/2/3", "b": "", "": names(a.Files())} {
		if got := names(a.Under(folder)); got != want {
			t.Errorf("under %q: %q, want %q", folder, got, want)
		}
	}
}

func TestNamesRefused(t *testing.T) {
	for _, c := range []struct {
		why, name string
		host      uint16
		want      string
	}{
		{"traversal", "../etc/passwd", 3, "outside its folder"},
		{"traversal inside", "a/../../b", 3, "outside its folder"},
		{"traversal as folder", "a/..", 3, "outside its folder"},
		{"absolute", "/etc/passwd", 3, "absolute path"},
		{"drive", `C:/x`, 3, "names a drive"},
		{"drive without slash", `c:x`, 3, "names a drive"},
		{"backslash on Unix", `a\b`, 3, "backslash"},
		{"traversal with DOS slashes", `..\..\x`, 0, "outside its folder"},
		{"share", `\\server\share`, 0, "absolute path"},
		{"zero byte", "a\x00.csv", 3, "zero byte"},
		{"too long", strings.Repeat("a", 5000), 3, "too long"},
		{"too deep", strings.Repeat("a/", 200) + "b", 3, "too many folders"},
		{"empty", "", 3, "no name"},
		{"dot", ".", 3, "no name"},
	} {
		t.Run(c.why, func(t *testing.T) {
			b := pack(t, member{name: c.name, change: func(h *zip.FileHeader) { h.CreatorVersion = c.host<<8 | 20; h.Extra = []byte{} }})
			_, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{})
			refused(t, err, c.want)
		})
	}
}

func TestNamesDecoded(t *testing.T) {
	raw := func(host uint16) func(*zip.FileHeader) {
		return func(h *zip.FileHeader) { h.NonUTF8, h.CreatorVersion = true, host<<8|20 }
	}
	for _, c := range []struct {
		stored, want string
		host         uint16
		notes        int
	}{
		{"M\x81ller.txt", "Müller.txt", 0, 1},
		{"M\xfcller.txt", "Müller.txt", 3, 1},
		{"Müller.txt", "Müller.txt", 3, 0},
		{`docs\a.txt`, "docs/a.txt", 0, 0},
	} {
		a := open(t, pack(t, member{name: c.stored, body: "x", change: raw(c.host)}), archive.Options{})
		if got := names(a.Files()); got != c.want || len(a.Notes()) != c.notes {
			t.Errorf("%q: %q %q, want %q and %d notes", c.stored, got, a.Notes(), c.want, c.notes)
		}
		if read(t, a, c.want) != "x" {
			t.Errorf("%q: content", c.stored)
		}
	}
}

func TestEntriesRefused(t *testing.T) {
	zeros := strings.Repeat("\x00", 70<<20)
	for _, c := range []struct {
		why     string
		members []member
		limits  archive.Limits
		want    string
	}{
		{"symbolic link", []member{{name: "l", body: "/etc/passwd", change: func(h *zip.FileHeader) { h.SetMode(os.ModeSymlink | 0o777) }}}, archive.Limits{}, "link or device"},
		{"device", []member{{name: "l", change: func(h *zip.FileHeader) { h.SetMode(os.ModeDevice | 0o777) }}}, archive.Limits{}, "link or device"},
		{"duplicate", []member{{name: "a", body: "1"}, {name: "a", body: "2"}}, archive.Limits{}, "twice"},
		{"duplicate after cleaning", []member{{name: "a/b"}, {name: "a/./b"}}, archive.Limits{}, "twice"},
		{"too many", []member{{name: "a"}, {name: "b"}, {name: "c"}}, archive.Limits{Entries: 2}, "more than 2 entries"},
		{"entry too big", []member{{name: "a", body: strings.Repeat("x", 2000)}}, archive.Limits{Entry: 1024}, "at most 1 KiB"},
		{"all too big", []member{{name: "a", body: strings.Repeat("x", 2000)}, {name: "b", body: strings.Repeat("x", 2000)}}, archive.Limits{Total: 3000}, "in all"},
		{"bomb", []member{{name: "a", body: zeros}}, archive.Limits{}, "packed size"},
	} {
		t.Run(c.why, func(t *testing.T) {
			b := pack(t, c.members...)
			_, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{Limits: c.limits})
			refused(t, err, c.want)
		})
	}
}

// TestLyingSizes writes headers that promise less or more than the content is.
func TestLyingSizes(t *testing.T) {
	body := strings.Repeat("0123456789", 1000)
	honest := pack(t, member{name: "a", body: body})
	at := bytes.Index(honest, []byte("PK\x01\x02"))
	for _, c := range []struct {
		why  string
		edit func([]byte)
		want string
	}{
		{"promises less", func(d []byte) { d[24], d[25] = 10, 0 }, "larger than it says"},
		{"promises more", func(d []byte) { d[26]++ }, "shorter than it says"},
		{"checksum", func(d []byte) { d[16] ^= 1 }, "checksum"},
		{"method", func(d []byte) { d[10] = 0; copy(d[20:24], d[24:28]) }, "over other data"},
		{"odd method", func(d []byte) { d[10] = 12 }, "method 12"},
		{"strong encryption", func(d []byte) { d[8] |= 0x41 }, "not supported"},
		{"offset", func(d []byte) { d[42] = 5 }, "not where the directory says"},
		{"offset far away", func(d []byte) { d[44] = 5 }, "over other data"},
	} {
		t.Run(c.why, func(t *testing.T) {
			b := bytes.Clone(honest)
			c.edit(b[at:])
			a, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{})
			if err == nil {
				var got string
				got, err = readErr(a, "a")
				if len(got) > len(body) {
					t.Errorf("%d bytes came out", len(got))
				}
			}
			refused(t, err, c.want)
		})
	}
}

// TestOverlap lets two directory entries point to one content.
func TestOverlap(t *testing.T) {
	b := pack(t, member{name: "a", body: strings.Repeat("x", 5000)}, member{name: "b", body: "y"})
	first := bytes.Index(b, []byte("PK\x01\x02"))
	second := first + 1 + bytes.Index(b[first+1:], []byte("PK\x01\x02"))
	copy(b[second+16:second+28], b[first+16:first+28])
	copy(b[second+42:second+46], b[first+42:first+46])
	_, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{})
	refused(t, err, "over other data")
}

func TestBrokenFiles(t *testing.T) {
	good := pack(t, member{name: "a.csv", body: strings.Repeat("abc", 1000)}, member{name: "b.csv", body: "x"})
	for _, c := range []struct {
		why  string
		b    []byte
		want string
	}{
		{"empty", nil, "empty"},
		{"cut off", good[:len(good)-30], "cut off"},
		{"one byte", good[:1], "not a zip"},
		{"web page", []byte("<!doctype html><title>Sign in</title>" + strings.Repeat(" ", 50)), "web page"},
		{"gzip", append([]byte("\x1f\x8b"), make([]byte, 100)...), "another kind"},
		{"text", []byte(strings.Repeat("id,name\n", 10)), "not a zip"},
		{"middle missing", append(bytes.Clone(good[:40]), good[60:]...), "points outside"},
		{"directory zeroed", zero(good, bytes.Index(good, []byte("PK\x01\x02")), 4), "directory"},
		{"part of several", func() []byte { b := bytes.Clone(good); b[len(b)-18] = 1; return b }(), "split over several files"},
	} {
		t.Run(c.why, func(t *testing.T) {
			_, err := archive.Open(bytes.NewReader(c.b), int64(len(c.b)), archive.Options{})
			refused(t, err, c.want)
		})
	}
}

func zero(b []byte, at, n int) []byte {
	b = bytes.Clone(b)
	clear(b[at : at+n])
	return b
}

// failing is a disk that fails from an offset on.
type failing struct {
	b    []byte
	from int64
	err  error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, f.err
	}
	return bytes.NewReader(f.b).ReadAt(p, off)
}

func TestDiskFailurePassesThrough(t *testing.T) {
	b := pack(t, member{name: "a", body: "x"})
	bad := errors.New("disk gone")
	_, err := archive.Open(failing{b, 0, bad}, int64(len(b)), archive.Options{})
	if !errors.Is(err, bad) || fault.Of(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
}

func TestPrependedData(t *testing.T) {
	b := append([]byte("#!/bin/sh self-extracting\n"), pack(t, member{name: "a", body: "x"})...)
	if got := read(t, open(t, b, archive.Options{}), "a"); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestStrip(t *testing.T) {
	for _, c := range []struct {
		names []string
		wrap  string
		want  string
	}{
		{[]string{"export/a.csv", "export/d/b"}, "export", "a.csv d/b"},
		{[]string{"export/a.csv", "__MACOSX/export/._a.csv", ".DS_Store"}, "export", "a.csv"},
		{[]string{"a.csv", "d/b"}, "", "a.csv d/b"},
		{[]string{"documents/a", "documents/b"}, "", "documents/a documents/b"},
		{[]string{"x/a", "y/b"}, "", "x/a y/b"},
		{[]string{"w/v/a"}, "w", "v/a"},
	} {
		var members []member
		for _, n := range c.names {
			members = append(members, member{name: n, body: n})
		}
		a := open(t, pack(t, members...), archive.Options{})
		if got := a.Strip("documents"); got != c.wrap || names(a.Files()) != c.want {
			t.Errorf("%q: wrap %q files %q, want %q %q", c.names, got, names(a.Files()), c.wrap, c.want)
		}
		for _, f := range a.Files() {
			if got := read(t, a, f.Name); !strings.HasSuffix(got, f.Name) {
				t.Errorf("%s holds %q", f.Name, got)
			}
		}
	}
}

// TestReadsOtherTools opens zips of 7-Zip 26 and Info-ZIP 3.0, see testdata/README.
func TestReadsOtherTools(t *testing.T) {
	for _, name := range []string{"aes128.zip", "aes256.zip", "zipcrypto.zip", "infozip.zip", "infozip-stream.zip"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			a := open(t, b, archive.Options{Password: "correct horse"})
			if got := names(a.Files()); got != "documents/a.html empty.txt organizations.csv" {
				t.Errorf("files %q", got)
			}
			if got := read(t, a, "organizations.csv"); got != "id,name\n1,Contoso\n" {
				t.Errorf("csv %q", got)
			}
			if got := read(t, a, "documents/a.html"); got != strings.Repeat("<p>hello</p>", 500)+"\n" {
				t.Errorf("html of %d bytes", len(got))
			}
			if got := read(t, a, "empty.txt"); got != "" {
				t.Errorf("empty %q", got)
			}
			_, err = archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{})
			refused(t, err, "protected with a password")
			for _, wrong := range []string{"correct horsf", "x", "Correct Horse"} {
				_, err = archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{Password: wrong})
				refused(t, err, "password does not open")
				if fault.Say(err).Fields["password"] == "" {
					t.Error("the field is not named")
				}
			}
			for i := range b { // every byte of every content matters
				if i%7 != 0 {
					continue
				}
				c := bytes.Clone(b)
				c[i] ^= 0x40
				a, err := archive.Open(bytes.NewReader(c), int64(len(c)), archive.Options{Password: "correct horse"})
				if err != nil {
					continue
				}
				for _, f := range a.Files() {
					if got, err := readErr(a, f.Name); err == nil && f.Name == "organizations.csv" && got != "id,name\n1,Contoso\n" {
						t.Fatalf("byte %d changed the content unseen: %q", i, got)
					}
				}
			}
		})
	}
}

// zipCrypt is PKWARE's encryption from its description, written apart from the
// reader: it keeps the keys as big numbers and its own checksum table.
func zipCrypt(password, plain []byte, check byte) []byte {
	table := crc32.MakeTable(0xedb88320)
	var k0, k1, k2 uint64 = 305419896, 591751049, 878082192
	turn := func(b byte) {
		k0 = uint64(table[(k0^uint64(b))&255]) ^ k0>>8
		k1 = (k1 + k0&255) & 0xffffffff
		k1 = (k1*134775813 + 1) & 0xffffffff
		k2 = uint64(table[(k2^k1>>24)&255]) ^ k2>>8
	}
	for _, b := range password {
		turn(b)
	}
	var out []byte
	for _, b := range append([]byte("elevenbytes"+string(rune(check&0x7f))), plain...) {
		x := k2&0xffff | 2
		out = append(out, b^byte(x*(x^1)>>8))
		turn(b)
	}
	return out
}

func TestZipCryptoTable(t *testing.T) {
	for _, c := range []struct{ password, spelled, body string }{
		{"a", "a", ""},
		{"secret", "secret", "x"},
		{"schlüssel", "schlüssel", strings.Repeat("text ", 4000)},
		{"schlüssel", "schl\x81ssel", "code page 437"},
		{"schlüssel", "schl\xfcssel", "Windows-1252"},
	} {
		b := encryptedBy(t, c.spelled, c.body)
		a := open(t, b, archive.Options{Password: c.password})
		if got := read(t, a, "f"); got != c.body {
			t.Errorf("%q: %q", c.spelled, got)
		}
	}
}

// encryptedBy makes a stored zip whose descriptor flag makes the check byte the
// high byte of the time, which is chosen below 128.
func encryptedBy(t testing.TB, password, body string) []byte {
	t.Helper()
	const clock = 0x4200
	content := zipCrypt([]byte(password), []byte(body), clock>>8)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	//lint:ignore SA1019 ZipCrypto checks the password against the raw time of the entry, which Modified does not set
	h := &zip.FileHeader{Name: "f", Flags: 1 | 8, ModifiedTime: clock, ModifiedDate: 0x5821, CRC32: crc32.ChecksumIEEE([]byte(body)),
		CompressedSize64: uint64(len(content)), UncompressedSize64: uint64(len(body))}
	e, err := w.CreateRaw(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestZipCryptoLatePassword is a wrong password that passes the check byte.
func TestZipCryptoLatePassword(t *testing.T) {
	b := encryptedBy(t, "right", "some content")
	for i := range 20000 {
		a, err := archive.Open(bytes.NewReader(b), int64(len(b)), archive.Options{Password: fmt.Sprint("wrong", i)})
		if err != nil {
			continue
		}
		_, err = readErr(a, "f")
		refused(t, err, "checksum")
		if !strings.Contains(fault.Say(err).Hint, "password") {
			t.Errorf("hint %q", fault.Say(err).Hint)
		}
		return
	}
	t.Fatal("no wrong password passed the check byte")
}

func TestInfoZipTool(t *testing.T) {
	tool, err := exec.LookPath("zip")
	if err != nil {
		t.Skip("the program zip is not installed")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte(strings.Repeat("a,b\n", 3000)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), tool, "-q", "-P", "pass word", "x.zip", "a.csv")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "x.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, open(t, b, archive.Options{Password: "pass word"}), "a.csv"); got != strings.Repeat("a,b\n", 3000) {
		t.Error("another content came back")
	}
}

func TestReaderIsWellBehaved(t *testing.T) {
	body := strings.Repeat("some text, ", 3000)
	for _, password := range []string{"", "p"} {
		b := packOwn(t, password, body)
		r, err := open(t, b, archive.Options{Password: password}).Open("a.txt")
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(r, []byte(body)); err != nil {
			t.Error(err)
		}
	}
}

func packOwn(t testing.TB, password, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := archive.Create(&b, password)
	e, err := w.Add("a.txt", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(e, body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
