package hostproof_test

import (
	"bytes"
	"strings"
	"testing"

	"strongroom/internal/base/hostproof"
)

// TestFiles: a file opens as it was sealed, says little of its size, and is refused when
// it was changed in any way, or is another one's.
func TestFiles(t *testing.T) {
	h := newHouse(t, someone(t, ines), vaultN)
	seal := func(item int64, f *hostproof.File, plain []byte) []byte {
		t.Helper()
		f.Size = int64(len(plain))
		var out bytes.Buffer
		if err := h.vault.SealFile(&out, item, f, bytes.NewReader(plain)); err != nil {
			t.Fatal(err)
		}
		if int64(out.Len()) != hostproof.SealedSize(f.Size) {
			t.Errorf("%d bytes are %d when sealed, and not %d", f.Size, out.Len(), hostproof.SealedSize(f.Size))
		}
		return out.Bytes()
	}
	for _, n := range []int{0, 1, 4096, 4097, 65_536, 65_537, 300_000} {
		plain := bytes.Repeat([]byte{7}, n)
		f := &hostproof.File{Number: 5, Since: 2}
		sealed := seal(7, f, plain)
		var got bytes.Buffer
		if err := h.vault.OpenFile(&got, 7, f, bytes.NewReader(sealed)); err != nil || !bytes.Equal(got.Bytes(), plain) {
			t.Errorf("a file of %d bytes: %d, %v", n, got.Len(), err)
		}
		if p := hostproof.PaddedSize(int64(n)); n > 4096 && (p < int64(n) || p > int64(n)*5/4+1) {
			t.Errorf("%d bytes are padded to %d", n, p)
		}
	}
	f := &hostproof.File{Number: 5, Since: 2, Name: "plan.pdf", Type: "application/pdf"}
	plain := []byte(strings.Repeat("0123456789abcdef", 20_000))
	sealed := seal(7, f, plain)
	const segment = 65_564
	other := *f
	again := seal(7, &other, plain) // sealed once more, under the same place
	reader := *f
	reader.Key = other.Key
	for what, c := range map[string]struct {
		item   int64
		file   hostproof.File
		sealed []byte
	}{
		"altered":            {7, *f, withBit(sealed, 70_000)},
		"altered salt":       {7, *f, withBit(sealed, 9)},
		"another format":     {7, *f, withBit(sealed, 1)},
		"cut at a segment":   {7, *f, sealed[:32+3*segment]},
		"cut within one":     {7, *f, sealed[:len(sealed)-5]},
		"empty":              {7, *f, nil},
		"longer":             {7, *f, append(bytes.Clone(sealed), 0)},
		"reordered":          {7, *f, append(append(append(bytes.Clone(sealed[:32]), sealed[32+segment:32+2*segment]...), sealed[32:32+segment]...), sealed[32+2*segment:]...)},
		"a segment repeated": {7, *f, append(append(bytes.Clone(sealed[:32+segment]), sealed[32:32+segment]...), sealed[32+2*segment:]...)},
		"another file":       {7, *f, again},
		"another key":        {7, reader, sealed},
		"same key, other bytes": {7, func() hostproof.File {
			x := other
			x.Root = f.Root
			return x
		}(), again},
		"of another item":    {9, *f, sealed},
		"of another version": {7, hostproof.File{Number: 5, Since: 3, Size: f.Size, Key: f.Key, Root: f.Root}, sealed},
		"of another number":  {7, hostproof.File{Number: 6, Since: 2, Size: f.Size, Key: f.Key, Root: f.Root}, sealed},
		"shorter than said":  {7, hostproof.File{Number: 5, Since: 2, Size: 1 << 20, Key: f.Key, Root: f.Root}, sealed},
	} {
		var out bytes.Buffer
		if err := h.vault.OpenFile(&out, c.item, &c.file, bytes.NewReader(c.sealed)); err == nil || !strings.Contains(err.Error(), "altered, cut off") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func withBit(b []byte, at int) []byte {
	out := bytes.Clone(b)
	out[at] ^= 1
	return out
}

// TestListOfFiles: what is no list of files is not taken for one.
func TestListOfFiles(t *testing.T) {
	ok := hostproof.File{Number: 5, Name: "a", Since: 1, Key: make([]byte, 32), Root: make([]byte, 32)}
	c, err := hostproof.Content{"title": "x"}.WithFiles([]hostproof.File{ok})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := c.Files(); err != nil || len(list) != 1 || list[0].Name != "a" {
		t.Errorf("the files are %v, %v", list, err)
	}
	if same := (hostproof.Content{"title": "x", "files": "[]"}).Following(c, 1); same["history"] != "" {
		t.Errorf("the keys of files stand in the history: %s", same["history"])
	}
	for _, bad := range []func(f *hostproof.File){
		func(f *hostproof.File) { f.Number = 0 }, func(f *hostproof.File) { f.Number = 1 << 48 }, func(f *hostproof.File) { f.Size = -1 },
		func(f *hostproof.File) { f.Since = 0 }, func(f *hostproof.File) { f.Key = nil }, func(f *hostproof.File) { f.Root = nil },
	} {
		f := ok
		bad(&f)
		c, err := hostproof.Content{}.WithFiles([]hostproof.File{f})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Files(); err == nil {
			t.Errorf("%+v is a file", f)
		}
	}
	if c, _ = (hostproof.Content{}).WithFiles([]hostproof.File{ok, ok}); c["files"] == "" {
		t.Fatal("no list")
	}
	if _, err := c.Files(); err == nil {
		t.Error("two files have one number")
	}
	if _, err := (hostproof.Content{}).WithFiles(make([]hostproof.File, hostproof.MostFiles+1)); err == nil {
		t.Error("an item has too many files")
	}
}
