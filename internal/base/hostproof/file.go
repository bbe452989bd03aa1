package hostproof

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"math/bits"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
)

// The limits of files in a vault.
const (
	MostFiles    = 20        // of one item
	MostFileSize = 128 << 20 // bytes
)

// files is the member of a content that lists its files: a JSON list.
const files = "files"

// File is a file of an item, as the item lists it: what it is called, and what opens
// the sealed bytes that the server keeps. It is part of the item's content.
type File struct {
	Number int64  `json:"n"` // drawn at random, as an item's is
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	Since  uint32 `json:"since"` // version of the item that it came with
	Key    []byte `json:"key"`
	Root   []byte `json:"root"` // see doc/formats/vault.md: the very bytes that were sealed
}

// Files lists the files of an item.
func (c Content) Files() ([]File, error) {
	if c[files] == "" {
		return nil, nil
	}
	var list []File
	if err := json.Unmarshal([]byte(c[files]), &list); err != nil || len(list) > MostFiles {
		return nil, malformed("list of files")
	}
	seen := map[int64]bool{}
	for _, f := range list {
		if f.Number <= 0 || f.Number >= 1<<48 || f.Size < 0 || f.Size > MostFileSize || f.Since == 0 || len(f.Key) != envelope.KeySize || len(f.Root) != len(merkle.Hash{}) || seen[f.Number] {
			return nil, malformed("list of files")
		}
		seen[f.Number] = true
	}
	return list, nil
}

// WithFiles gives the content with other files.
func (c Content) WithFiles(list []File) (Content, error) {
	if len(list) > MostFiles {
		return nil, fault.New(fault.Invalid, "An item has at most %d files.", MostFiles).WithHint("Make another item for the rest.")
	}
	out := Content{}
	for name, value := range c {
		out[name] = value
	}
	delete(out, files)
	if len(list) == 0 {
		return out, nil
	}
	b, err := json.Marshal(list)
	out[files] = string(b)
	return out, err
}

// PaddedSize gives how long a file of size bytes is before it is sealed: 4 KiB, or the
// next of the numbers that are 4 to 7 times a power of two. The server sees no more
// of its size.
func PaddedSize(size int64) int64 {
	if size <= 4<<10 {
		return 4 << 10
	}
	step := int64(1) << (bits.Len64(uint64(size-1)) - 3)
	return (size + step - 1) / step * step
}

// SealedSize gives how long a file of size bytes is when it is sealed.
func SealedSize(size int64) int64 {
	n := PaddedSize(size)
	return n + envelope.StreamOverhead(n)
}

func (v *Vault) fileBind(item int64, f *File) []byte {
	return joined([]byte("strongroom/vault/file/1"), []byte(v.Tenant), number64(uint64(v.ID)), number64(uint64(item)), number64(uint64(f.Since)), number64(uint64(f.Number)))
}

// SealFile seals f.Size bytes of r for an item under a fresh key, and sets f's key and
// root. Number, Size and Since are given.
func (v *Vault) SealFile(w io.Writer, item int64, f *File, r io.Reader) error {
	if f.Size < 0 || f.Size > MostFileSize {
		return fault.New(fault.Invalid, "A file in a vault has at most %d MiB.", MostFileSize>>20)
	}
	f.Key = make([]byte, envelope.KeySize)
	rand.Read(f.Key)
	var tree tree
	s, err := envelope.SealStream(io.MultiWriter(w, &tree), f.Key, v.fileBind(item, f))
	if err != nil {
		return err
	}
	n, err := io.Copy(s, io.LimitReader(r, f.Size))
	if err != nil {
		return err
	}
	if n != f.Size {
		return fault.New(fault.Conflict, "The file became shorter while it was read.").WithHint("Try again when nothing writes it.")
	}
	if _, err := io.CopyN(s, zeros{}, PaddedSize(f.Size)-f.Size); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	f.Root = tree.root()
	return nil
}

// OpenFile writes what was sealed as a file of an item to w. What it wrote is to be
// used only when it gives no error: that nothing was left out is known at the end.
func (v *Vault) OpenFile(w io.Writer, item int64, f *File, sealed io.Reader) error {
	var tree tree
	r, err := envelope.ReadStream(io.TeeReader(io.LimitReader(sealed, SealedSize(f.Size)+1), &tree), f.Key, v.fileBind(item, f))
	if err != nil {
		return alteredFile(err)
	}
	if _, err := io.CopyN(w, r, f.Size); err != nil {
		return alteredFile(err)
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil {
		return alteredFile(err)
	}
	if rest != PaddedSize(f.Size)-f.Size || !bytes.Equal(tree.root(), f.Root) {
		return alteredFile(nil)
	}
	return nil
}

func alteredFile(err error) error {
	if err == nil || fault.Is(err, fault.Internal) || fault.Is(err, fault.Invalid) || errors.Is(err, io.EOF) {
		return alarm("The server sent a file that was altered, cut off, or is another one than the item names.")
	}
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// tree is the RFC 6962 tree over a stream as it is stored: its first 32 bytes, then
// each sealed segment.
type tree struct {
	frontier merkle.Frontier
	part     []byte
	begun    bool
}

func (t *tree) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		whole := envelope.SegmentSize + envelope.BoxOverhead
		if !t.begun {
			whole = 32
		}
		k := min(len(p), whole-len(t.part))
		t.part, p = append(t.part, p[:k]...), p[k:]
		if len(t.part) == whole {
			t.leaf()
		}
	}
	return n, nil
}

func (t *tree) leaf() {
	t.frontier.Append(merkle.LeafHash(t.part))
	t.part, t.begun = t.part[:0], true
}

func (t *tree) root() []byte {
	if len(t.part) > 0 {
		t.leaf()
	}
	h := t.frontier.Root()
	return h[:]
}
