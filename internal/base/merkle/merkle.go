// Package merkle is the tamper-evident tree of RFC 6962 (section 2): hashes,
// an appendable frontier, proofs, and signed checkpoints.
//
// Always true: every hash is computed by golang.org/x/mod/sumdb/tlog, so a
// root or proof made here is the one any RFC 6962 verifier computes; leaf n is
// counted from 0; a tree of size 0 has the SHA-256 of nothing as its root.
package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"strongroom/internal/base/fault"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash of a leaf, node or root.
type Hash = tlog.Hash

// LeafHash gives the hash of a leaf: SHA-256(0x00 · data).
func LeafHash(data []byte) Hash { return tlog.RecordHash(data) }

// Frontier is what is needed to append to a tree: its size and the roots of
// its complete subtrees, the largest first. The zero value is the empty tree.
// It costs at most 64 hashes whatever the size.
type Frontier struct {
	size  int64
	peaks []Hash
}

// Append adds a leaf.
func (f *Frontier) Append(leaf Hash) {
	f.size++
	f.peaks = append(f.peaks, leaf)
	for n := f.size; n&1 == 0; n >>= 1 {
		k := len(f.peaks)
		f.peaks = append(f.peaks[:k-2], tlog.NodeHash(f.peaks[k-2], f.peaks[k-1]))
	}
}

// Clone gives an independent copy.
func (f *Frontier) Clone() Frontier {
	return Frontier{size: f.size, peaks: append([]Hash(nil), f.peaks...)}
}

// Size is the number of leaves.
func (f *Frontier) Size() int64 { return f.size }

// Root gives the root hash.
func (f *Frontier) Root() Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	root := f.peaks[len(f.peaks)-1]
	for i := len(f.peaks) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.peaks[i], root)
	}
	return root
}

// Marshal gives the size (8 bytes, big-endian) and the peaks (32 bytes each).
func (f *Frontier) Marshal() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(f.peaks)*tlog.HashSize), uint64(f.size))
	for _, p := range f.peaks {
		b = append(b, p[:]...)
	}
	return b
}

// ParseFrontier reads what Marshal made and accepts nothing else.
func ParseFrontier(b []byte) (Frontier, error) {
	var f Frontier
	if len(b) < 8 {
		return f, fault.New(fault.Invalid, "The stored head of the tree is too short.")
	}
	f.size = int64(binary.BigEndian.Uint64(b))
	rest := b[8:]
	if f.size < 0 || len(rest) != bits.OnesCount64(uint64(f.size))*tlog.HashSize {
		return Frontier{}, fault.New(fault.Invalid, "The stored head of the tree has a wrong length.")
	}
	for ; len(rest) > 0; rest = rest[tlog.HashSize:] {
		f.peaks = append(f.peaks, Hash(rest[:tlog.HashSize]))
	}
	return f, nil
}

// SubtreeRoot gives the root of a tree of these leaf hashes.
func SubtreeRoot(leaves []Hash) Hash {
	var f Frontier
	for _, h := range leaves {
		f.Append(h)
	}
	return f.Root()
}
