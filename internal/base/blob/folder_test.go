package blob_test

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/blob/blobtest"
	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

var root = bytes.Repeat([]byte{7}, blob.RootSize)

func folder(t testing.TB, dir string, root []byte) *blob.Folder {
	t.Helper()
	f, err := blob.OpenFolder(dir, root)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFolder(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return folder(t, t.TempDir(), root) })
}

func TestRootLength(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := blob.OpenFolder(t.TempDir(), make([]byte, n)); err == nil {
			t.Errorf("a root of %d bytes was taken", n)
		}
	}
}

// files gives every file below dir by its path in dir.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNothingReadableOnDisk(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("a very recognisable sentence ", 10_000)
	ref := blobtest.Put(t, folder(t, dir, root), []byte(text))
	again := blobtest.Put(t, folder(t, dir, root), []byte(text))
	all := files(t, dir)
	if len(all) != 2 {
		t.Fatalf("%d files", len(all))
	}
	for path, b := range all {
		if bytes.Contains(b, []byte("recognisable")) || strings.Contains(path, ref.SHA256[:8]) {
			t.Errorf("%s shows content or its sum", path)
		}
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if bytes.Equal(all[filepath.Join(ref.ID[:2], ref.ID)], all[filepath.Join(again.ID[:2], again.ID)]) {
		t.Error("equal contents can be told from the disk")
	}
}

func TestAnotherRoot(t *testing.T) {
	dir := t.TempDir()
	ref := blobtest.Put(t, folder(t, dir, root), []byte("secret"))
	other := bytes.Repeat([]byte{8}, blob.RootSize)
	if _, err := blobtest.Get(t, folder(t, dir, other), ref.ID); err == nil {
		t.Error("another root opened it")
	}
	if sum := blobtest.Put(t, folder(t, t.TempDir(), other), []byte("secret")).SHA256; sum == ref.SHA256 {
		t.Error("equal files of two tenants have one sum")
	}
}

func TestAlteredFilesAreRefused(t *testing.T) {
	content := blobtest.Content(envelope.SegmentSize*2 + 500)
	for _, c := range []struct {
		why  string
		edit func(own, other []byte) []byte
	}{
		{"cut by one byte", func(b, _ []byte) []byte { return b[:len(b)-1] }},
		{"cut by the last segment", func(b, _ []byte) []byte { return b[:32+2*(envelope.SegmentSize+28)] }},
		{"cut to nothing", func(b, _ []byte) []byte { return nil }},
		{"longer", func(b, _ []byte) []byte { return append(b, 0) }},
		{"flip at the start", func(b, _ []byte) []byte { b[10] ^= 1; return b }},
		{"flip in the first segment", func(b, _ []byte) []byte { b[100] ^= 1; return b }},
		{"flip at the end", func(b, _ []byte) []byte { b[len(b)-1] ^= 1; return b }},
		{"another object", func(_, other []byte) []byte { return other }},
		{"segments of another", func(b, other []byte) []byte { copy(b[32:], other[32:]); return b }},
		{"segments changed over", func(b, _ []byte) []byte {
			const n = envelope.SegmentSize + 28
			first := bytes.Clone(b[32 : 32+n])
			copy(b[32:], b[32+n:32+2*n])
			copy(b[32+n:], first)
			return b
		}},
	} {
		t.Run(c.why, func(t *testing.T) {
			dir := t.TempDir()
			s := folder(t, dir, root)
			a, b := blobtest.Put(t, s, content), blobtest.Put(t, s, content)
			path := filepath.Join(dir, a.ID[:2], a.ID)
			own, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			other, err := os.ReadFile(filepath.Join(dir, b.ID[:2], b.ID))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.edit(own, other), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := blobtest.Get(t, s, a.ID)
			if err == nil {
				t.Fatal("it was read")
			}
			if !bytes.HasPrefix(content, got) {
				t.Error("altered content was given out")
			}
		})
	}
}

// TestKilledWriter kills a process that has one committed object and one half
// written.
func TestKilledWriter(t *testing.T) {
	if dir := os.Getenv("BLOB_TEST_CHILD"); dir != "" {
		child(t, dir)
		return
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKilledWriter$")
	cmd.Env = append(os.Environ(), "BLOB_TEST_CHILD="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
	s := folder(t, dir, root)
	id := strings.TrimSpace(line)
	if got, err := blobtest.Get(t, s, id); err != nil || string(got) != "committed" {
		t.Errorf("the committed object: %q %v", got, err)
	}
	if got := blobtest.List(t, s); len(got) != 1 {
		t.Errorf("list %v", got)
	}
	sweep(t, s, time.Now().Add(-time.Hour), 0)
	sweep(t, s, time.Now().Add(time.Hour), 1)
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("%d files stay", n)
	}
}

func sweep(t *testing.T, s *blob.Folder, before time.Time, want int) {
	t.Helper()
	if n, err := s.Sweep(t.Context(), before); err != nil || n != want {
		t.Errorf("swept %d, %v; want %d", n, err, want)
	}
}

func child(t *testing.T, dir string) {
	s := folder(t, dir, root)
	ref := blobtest.Put(t, s, []byte("committed"))
	w, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(blobtest.Content(1 << 20)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString(ref.ID + "\n"); err != nil {
		t.Fatal(err)
	}
	os.Stdin.Read(make([]byte, 1)) // until killed, or the parent is gone
}

func TestStrangeFilesArePassedOver(t *testing.T) {
	dir := t.TempDir()
	s := folder(t, dir, root)
	ref := blobtest.Put(t, s, []byte("x"))
	for _, name := range []string{"README", ref.ID[:2] + "/.DS_Store", "tmp/old"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := blobtest.List(t, s); len(got) != 1 || got[ref.ID] != 1 {
		t.Errorf("list %v", got)
	}
}

func TestFolderGone(t *testing.T) {
	dir := t.TempDir()
	s := folder(t, dir, root)
	ref := blobtest.Put(t, s, []byte("x"))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context()); err == nil {
		t.Error("created without a folder")
	}
	if err := s.List(t.Context(), func(string, int64) error { return nil }); err == nil {
		t.Error("a missing folder listed as empty")
	}
	if _, err := s.Open(t.Context(), ref.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("open: %v", err)
	}
}

func BenchmarkPut(b *testing.B) {
	s := folder(b, b.TempDir(), root)
	content := blobtest.Content(1 << 20)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		blobtest.Put(b, s, content)
	}
}
