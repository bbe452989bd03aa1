package service_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/service"

	"pgregory.net/rapid"
)

func TestRootFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "root")
	root, created, text, err := service.LoadOrCreateRoot(path)
	if err != nil || !created || len(root) != service.RootSize || !strings.HasPrefix(text, "SR-ROOT-1-") {
		t.Fatalf("%v %v %v", created, len(root), err)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", st.Mode(), err)
	}
	again, created, text2, err := service.LoadOrCreateRoot(path)
	if err != nil || created || text2 != "" || !bytes.Equal(root, again) {
		t.Errorf("second time: created %v, %v", created, err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, _, _, err := service.LoadOrCreateRoot(path)
		want(t, mode.String(), err, fault.Denied)
		if f := fault.Say(err); f.Hint != "Run: chmod 600 "+path {
			t.Errorf("hint %q", f.Hint)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path))
	for mode, fits := range map[os.FileMode]bool{0o400: true, 0o440: true, 0o444: false, 0o460: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		got, err := service.LoadCredential("root")
		if fits && !bytes.Equal(got, root) || !fits && !fault.Is(err, fault.Denied) {
			t.Errorf("credential of %v: %v", mode, err)
		}
	}
	_, err = service.LoadCredential("../root/x")
	want(t, "credential that is not there", err, fault.NotFound)
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	_, err = service.LoadCredential("root")
	want(t, "no credentials", err, fault.NotFound)
	_, err = service.LoadRoot(t.TempDir())
	want(t, "folder", err, fault.Denied)
}

func TestRootText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root")
		text := service.FormatRoot(root)
		typed := strings.NewReplacer("-", " ", "O", "0", "I", "1", "B", "8").Replace(strings.ToLower(text[10:]))
		for _, s := range []string{text, " " + text + "\n", "sr-root-1-" + typed} {
			got, err := service.ParseRoot(s)
			if err != nil || !bytes.Equal(got, root) {
				t.Fatalf("%q: %v", s, err)
			}
		}
		b := []byte(text)
		at := rapid.IntRange(10, len(b)-1).Draw(t, "at")
		b[at] = rapid.SampledFrom([]byte("ABCXYZ234-!")).Draw(t, "typo")
		got, err := service.ParseRoot(string(b))
		if err == nil && string(b) != text && !bytes.Equal(got, root) {
			t.Fatalf("the typo in %q was taken", b)
		}
		if err != nil && strings.Contains(err.Error(), text[10:20]) {
			t.Fatalf("the error tells the root: %v", err)
		}
	})
	for _, s := range []string{"", "SR-ROOT-1-", "SR-ROOT-2-AAAA", strings.Repeat("A", 5000)} {
		_, err := service.ParseRoot(s)
		want(t, s, err, fault.Invalid)
	}
}

func FuzzParseRoot(f *testing.F) {
	f.Add(service.FormatRoot(make([]byte, 32)))
	f.Add("SR-ROOT-1-====")
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := service.ParseRoot(s); err == nil && len(b) != 32 {
			t.Fatalf("%d bytes", len(b))
		}
	})
}
