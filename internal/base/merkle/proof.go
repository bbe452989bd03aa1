package merkle

import (
	"math/bits"

	"strongroom/internal/base/fault"

	"golang.org/x/mod/sumdb/tlog"
)

// BlockSize is the number of leaves of the subtrees whose roots a Source may
// have stored.
const BlockSize = 256

// Source reads the hashes of a stored tree to compute roots and proofs.
type Source struct {
	// Leaves gives the hashes of leaves from (inclusive) to to (exclusive),
	// never more than BlockSize of them.
	Leaves func(from, to int64) ([]Hash, error)
	// Blocks gives the roots of the complete subtrees of BlockSize leaves,
	// block n covering leaves n*BlockSize and on. When nil, they are computed
	// from the leaves.
	Blocks func(from, to int64) ([]Hash, error)
}

// Root gives the root of the first size leaves.
func (s Source) Root(size int64) (Hash, error) { return s.span(0, size) }

// Inclusion proves that leaf index is in the tree of the first size leaves
// (RFC 6962, 2.1.1): hashes from the leaf's sibling up.
func (s Source) Inclusion(index, size int64) ([]Hash, error) {
	if index < 0 || index >= size {
		return nil, fault.New(fault.Invalid, "Entry %d is not in a log of %d entries.", index, size)
	}
	var down []Hash
	for from, to := int64(0), size; to-from > 1; {
		mid := from + split(to-from)
		otherFrom, otherTo := mid, to
		if index < mid {
			to = mid
		} else {
			otherFrom, otherTo = from, mid
			from = mid
		}
		h, err := s.span(otherFrom, otherTo)
		if err != nil {
			return nil, err
		}
		down = append(down, h)
	}
	return reversed(down), nil
}

// Consistency proves that the tree of the first old leaves is the beginning of
// that of the first size leaves (RFC 6962, 2.1.2). It is empty when they are
// equal; old is at least 1.
func (s Source) Consistency(old, size int64) ([]Hash, error) {
	if old < 1 || old > size {
		return nil, fault.New(fault.Invalid, "A log of %d entries cannot be the beginning of one of %d.", old, size)
	}
	var down []Hash
	from, to, whole := int64(0), size, true
	for old < to {
		mid := from + split(to-from)
		otherFrom, otherTo := mid, to
		if old <= mid {
			to = mid
		} else {
			otherFrom, otherTo = from, mid
			from, whole = mid, false
		}
		h, err := s.span(otherFrom, otherTo)
		if err != nil {
			return nil, err
		}
		down = append(down, h)
	}
	if !whole {
		h, err := s.span(from, to)
		if err != nil {
			return nil, err
		}
		down = append(down, h)
	}
	return reversed(down), nil
}

func reversed(h []Hash) []Hash {
	out := make([]Hash, len(h))
	for i, x := range h {
		out[len(h)-1-i] = x
	}
	return out
}

// split gives the largest power of two below n, for n > 1.
func split(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) }

// span gives the root over leaves from to to. Spans that arise from splitting
// begin at a multiple of BlockSize when they are longer than it, so that the
// blocks and the rest behind them are the leaves of a tree of the same root.
func (s Source) span(from, to int64) (Hash, error) {
	if to-from <= BlockSize {
		return s.small(from, to)
	}
	blocks, err := s.blocks(from/BlockSize, to/BlockSize)
	if err != nil {
		return Hash{}, err
	}
	if rest := to / BlockSize * BlockSize; rest < to {
		h, err := s.small(rest, to)
		if err != nil {
			return Hash{}, err
		}
		blocks = append(blocks, h)
	}
	return SubtreeRoot(blocks), nil
}

func (s Source) small(from, to int64) (Hash, error) {
	if s.Blocks != nil && to-from == BlockSize && from%BlockSize == 0 {
		b, err := s.blocks(from/BlockSize, to/BlockSize)
		if err != nil {
			return Hash{}, err
		}
		return b[0], nil
	}
	leaves, err := s.Leaves(from, to)
	if err != nil {
		return Hash{}, err
	}
	if int64(len(leaves)) != to-from {
		return Hash{}, missing(from, to, len(leaves))
	}
	return SubtreeRoot(leaves), nil
}

func (s Source) blocks(from, to int64) ([]Hash, error) {
	if s.Blocks == nil {
		return s.computed(from, to)
	}
	b, err := s.Blocks(from, to)
	if err != nil {
		return nil, err
	}
	if int64(len(b)) != to-from {
		return nil, missing(from*BlockSize, to*BlockSize, len(b)*BlockSize)
	}
	return append(make([]Hash, 0, len(b)+1), b...), nil
}

func (s Source) computed(from, to int64) ([]Hash, error) {
	out := make([]Hash, 0, to-from+1)
	for b := from; b < to; b++ {
		h, err := s.small(b*BlockSize, (b+1)*BlockSize)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

func missing(from, to int64, have int) error {
	return fault.New(fault.Internal, "The log has only %d of the entries %d to %d.", have, from, to-1).
		WithHint("Run audit verify to see what is missing.")
}

// VerifyInclusion checks a proof by Inclusion.
func VerifyInclusion(proof []Hash, size int64, root Hash, index int64, leaf Hash) error {
	if err := tlog.CheckRecord(proof, size, root, index, leaf); err != nil {
		return fault.Wrap(err, fault.Invalid, "The proof does not show that entry %d is in the log of %d entries.", index, size)
	}
	return nil
}

// VerifyConsistency checks a proof by Consistency.
func VerifyConsistency(proof []Hash, size int64, root Hash, old int64, oldRoot Hash) error {
	if err := tlog.CheckTree(proof, size, root, old, oldRoot); err != nil {
		return fault.Wrap(err, fault.Invalid, "The log of %d entries is not a continuation of the one of %d entries.", size, old)
	}
	return nil
}
