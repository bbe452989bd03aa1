package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"strings"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/shamir"
)

// A share of the root key is 42 bytes: the set it is of (4, random), how many shares are
// needed, its number, 32 bytes of share, and 4 bytes of SHA-256("strongroom/root/share/1",
// root), which tell whether shares that were combined give that root. Its text is as that
// of a root key: "SR-SHARE-1-" and groups of four characters of base32 over these bytes
// and three of a SHA-256 as a check.
const (
	sharePrefix = "SR-SHARE-1-"
	shareSet    = 4
	shareHead   = shareSet + 2
	shareSize   = shareHead + RootSize + shareSet
)

// MostShares is into how many shares a root key is split at most.
const MostShares = 20

func shareSum(share []byte) []byte {
	sum := sha256.Sum256(append([]byte("strongroom/root/share/text/1"), share...))
	return sum[:rootCheck]
}

func shareRoot(root []byte) []byte {
	sum := sha256.Sum256(append([]byte("strongroom/root/share/1"), root...))
	return sum[:shareSet]
}

// SplitRoot gives the texts of n shares of a root key, of which any needed give it again
// and fewer say nothing of it. Invalid when needed is not 2 to n, or n more than MostShares.
func SplitRoot(root []byte, n, needed int) ([]string, error) {
	if needed < 2 || n < needed || n > MostShares || len(root) != RootSize {
		return nil, fault.New(fault.Invalid, "A root key cannot be split like this.").WithHint("Make up to %d shares, and let 2 or more of them be needed.", MostShares)
	}
	values, err := shamir.Split(root, n, needed)
	if err != nil {
		return nil, err
	}
	set := make([]byte, shareSet)
	rand.Read(set)
	texts := make([]string, n)
	for i, v := range values {
		share := append(bytes.Clone(set), byte(needed), byte(i+1))
		share = append(append(share, v...), shareRoot(root)...)
		texts[i] = grouped(sharePrefix, append(bytes.Clone(share), shareSum(share)...))
		clear(v)
	}
	return texts, nil
}

// grouped writes bytes as a person copies them from paper.
func grouped(prefix string, b []byte) string {
	s := base32.StdEncoding.EncodeToString(b)
	var groups []string
	for ; len(s) > 0; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return prefix + strings.Join(groups, "-")
}

// IsShare tells whether a text is meant to be a share of a root key.
func IsShare(text string) bool {
	return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), strings.TrimSuffix(sharePrefix, "1-"))
}

// ParseShare reads the text of a share as ParseRoot reads that of a root key.
func ParseShare(text string) ([]byte, error) {
	bad := fault.New(fault.Invalid, "This is not a share of a root key, or it has a typing mistake.").
		WithHint("It begins with %s and has 18 groups of four characters after that.", sharePrefix)
	t, ok := strings.CutPrefix(strings.ToUpper(strings.Join(strings.Fields(text), "")), sharePrefix)
	if !ok {
		return nil, bad
	}
	t = strings.NewReplacer("-", "", "0", "O", "1", "I", "8", "B").Replace(t)
	b, err := base32.StdEncoding.DecodeString(t)
	if err != nil || len(b) != shareSize+rootCheck || !bytes.Equal(b[shareSize:], shareSum(b[:shareSize])) || b[shareSet] < 2 || b[shareSet+1] == 0 {
		return nil, bad
	}
	return b[:shareSize], nil
}

// shareTime is how long shares are kept for the others to come.
const shareTime = time.Hour

// shares are those given so far, while the service is sealed.
type shares struct {
	mu     sync.Mutex
	first  []byte          // what shares of one set have in common: set, needed and sum of the root
	values map[byte][]byte // by number
	begun  time.Time
}

// forget wipes what was given; the lock is held.
func (h *shares) forget() {
	for _, v := range h.values {
		clear(v)
	}
	h.first, h.values = nil, nil
}

// add takes a share and gives how many are still needed, and the root once none is. A
// share of another set, or one that comes too late, begins anew.
func (h *shares) add(share []byte, now time.Time) (left int, root []byte, err error) {
	if len(share) != shareSize || share[shareSet] < 2 || share[shareSet+1] == 0 {
		return 0, nil, fault.New(fault.Invalid, "This is not a share of a root key.")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	common := append(bytes.Clone(share[:shareSet+1]), share[shareHead+RootSize:]...)
	if !bytes.Equal(common, h.first) || now.Sub(h.begun).Abs() > shareTime {
		h.forget()
		h.first, h.values, h.begun = common, map[byte][]byte{}, now
	}
	number := share[shareSet+1]
	if have, ok := h.values[number]; ok && !bytes.Equal(have, share[shareHead:shareHead+RootSize]) {
		h.forget()
		return 0, nil, wrongShares()
	}
	h.values[number] = bytes.Clone(share[shareHead : shareHead+RootSize])
	if left = int(share[shareSet]) - len(h.values); left > 0 {
		return left, nil, nil
	}
	defer h.forget()
	root, err = shamir.Combine(h.values)
	if err == nil && subtle.ConstantTimeCompare(shareRoot(root), share[shareHead+RootSize:]) != 1 {
		clear(root)
		root, err = nil, wrongShares()
	}
	return 0, root, err
}

func wrongShares() error {
	return fault.New(fault.Invalid, "One of these shares is not what it was: together they give no root key.").
		WithHint("All that were given are forgotten. Give them again, and use another one in the place of that which may be wrong.")
}

// share takes one share of the root key, and unseals when it was the last one needed.
func (s *service) share(ctx context.Context, share []byte) (left int, err error) {
	s.mu.RLock()
	open := s.v != nil
	s.mu.RUnlock()
	if open {
		return 0, fault.New(fault.Conflict, "The key service is open already.").WithHint("No share is needed.")
	}
	left, root, err := s.shares.add(share, s.o.Now())
	if err != nil || left > 0 {
		s.log.Info("a share of the root key was given", "left", left, "error", err)
		return left, err
	}
	defer clear(root)
	return 0, s.unseal(ctx, root)
}
