package vault_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
)

func listingOf(p *audit.Proof) *hostproof.Listing {
	l := hostproof.Listing(*p)
	return &l
}

// TestListing: keys stand in the signed audit log; other keys, another log and an older
// one are refused, and the proof tells nothing of whoever sent them.
func TestListing(t *testing.T) {
	h := open(t)
	first, err := h.vaults.Listing(t.Context(), h.me, h.me.User, 0)
	h.must(err)
	seen, err := listingOf(first).Check(h.keys.Statement, hostproof.LogSeen{})
	h.must(err)
	if !strings.Contains(first.Leaf, `"actor":0`) || strings.Contains(first.Detail, h.me.Name) {
		t.Errorf("the entry is %s %s", first.Leaf, first.Detail)
	}
	other := h.User(access.Editor)
	k, lock := h.keyset(other)
	h.must(h.vaults.SaveKeyset(t.Context(), other, k.Statement.Marshal(), lock))
	p, err := h.vaults.Listing(t.Context(), h.me, other.User, seen.Size)
	h.must(err)
	now, err := listingOf(p).Check(k.Statement, seen)
	h.must(err)
	if now.Size <= seen.Size || now.Key != seen.Key {
		t.Errorf("the log had %d entries and has %d", seen.Size, now.Size)
	}
	forged, _ := h.keyset(other)
	change := func(f func(l *hostproof.Listing)) *hostproof.Listing {
		l := *listingOf(p)
		l.Path, l.Since = append([][]byte{}, l.Path...), append([][]byte{}, l.Since...)
		f(&l)
		return &l
	}
	elsewhere := now
	elsewhere.Root[0] ^= 1
	for name, x := range map[string]struct {
		l    *hostproof.Listing
		st   *hostproof.Statement
		seen hostproof.LogSeen
	}{
		"other keys":          {listingOf(p), forged.Statement, seen},
		"somebody else's":     {listingOf(p), h.keys.Statement, seen},
		"another log":         {listingOf(p), k.Statement, elsewhere},
		"another key":         {listingOf(p), k.Statement, hostproof.LogSeen{Key: "x"}},
		"an older log":        {listingOf(first), h.keys.Statement, now},
		"another detail":      {change(func(l *hostproof.Listing) { l.Detail = strings.Replace(l.Detail, "a", "b", 1) + " " }), k.Statement, seen},
		"another leaf":        {change(func(l *hostproof.Listing) { l.Leaf = first.Leaf }), k.Statement, seen},
		"another place":       {change(func(l *hostproof.Listing) { l.Seq-- }), k.Statement, seen},
		"a path cut off":      {change(func(l *hostproof.Listing) { l.Path = l.Path[1:] }), k.Statement, seen},
		"nothing of before":   {change(func(l *hostproof.Listing) { l.Since = nil }), k.Statement, hostproof.LogSeen{Key: seen.Key, Size: seen.Size, Root: elsewhere.Root}},
		"no signature":        {change(func(l *hostproof.Listing) { l.Checkpoint = "" }), k.Statement, seen},
		"a changed signature": {change(func(l *hostproof.Listing) { l.Checkpoint = strings.Replace(l.Checkpoint, "\ntime 1", "\ntime 2", 1) }), k.Statement, seen},
	} {
		if _, err := x.l.Check(x.st, x.seen); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.vaults.Listing(t.Context(), h.me, other.User+1000, 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := h.vaults.Listing(t.Context(), h.User(access.Lite), h.me.User, 0); !fault.Is(err, fault.Denied) {
		t.Errorf("a Lite user: %v", err)
	}
}

// TestListedInAnExport: a keyset that a server made up stands in the exported log.
func TestListedInAnExport(t *testing.T) {
	h := open(t)
	next, lock, err := h.keys.ChangePassphrase("another sentence of words", hostproof.NewKDF(), 2)
	h.must(err)
	h.must(h.vaults.SaveKeyset(t.Context(), h.me, next.Statement.Marshal(), lock))
	var file bytes.Buffer
	tenant := h.Tenant()
	defer tenant.Release()
	h.must(audit.Export(t.Context(), tenant.DB, tenant.Audit, tenant.Keys.CheckpointKey, &file, 1, true))
	got := audit.StatedIn(file.Bytes(), hostproof.ListedAction)
	one, two := h.keys.Statement.Hash(), next.Statement.Hash()
	want := []audit.Stated{{Object: id.ID(h.me.User), Version: 1, Text: hex.EncodeToString(one[:])}, {Object: id.ID(h.me.User), Version: 2, Text: hex.EncodeToString(two[:])}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("the log states %v", got)
	}
}
