package vault_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/vault"
)

// TestLimited: an item that is limited is given to those whom it is for; it is for people
// with access by their very keys, for the owner and the author; and stays so when access
// ends.
func TestLimited(t *testing.T) {
	h := open(t)
	in, ik := h.with(hostproof.Reader)
	out, _ := h.with(hostproof.Writer)
	limit := func(last *hostproof.Leaf, n int64, to ...*hostproof.Statement) error {
		t.Helper()
		sealed, leaf, err := h.keys.SealFor(h.vault, n, last, hostproof.Content{"title": "limited"}, to, 1)
		h.must(err)
		was, old := h.leaves[n], h.last
		h.leaves[n] = leaf
		var all []hostproof.Leaf
		for _, l := range h.leaves {
			all = append(all, l)
		}
		h.last, err = h.keys.Manifest(h.vault, h.last, all, 1)
		h.must(err)
		err = h.send(vault.Write{Put: [][]byte{sealed}, Manifest: h.last.Marshal()})
		if err != nil {
			h.last, h.leaves[n] = old, was
		}
		return err
	}
	last := h.leaves[5]
	stranger, _ := h.keyset(h.User(access.Editor))
	if err := limit(&last, 5, h.keys.Statement, stranger.Statement); err == nil {
		t.Error("it is limited to somebody without access")
	}
	others, _, err := hostproof.NewKeyset(h.me.Tenant, int64(in.User), passphrase, hostproof.NewKDF(), 1)
	h.must(err)
	if err := limit(&last, 5, h.keys.Statement, others.Statement); err == nil {
		t.Error("it is limited to other keys of a member")
	}
	h.must(limit(&last, 5, h.keys.Statement, ik.Statement))
	gets := func(c *access.Caller, items, withheld int) {
		t.Helper()
		got, err := h.vaults.Read(t.Context(), c, h.at)
		h.must(err)
		f, err := h.vaults.File(t.Context(), c)
		h.must(err)
		if len(got.Items) != items || len(got.Withheld) != withheld || len(f.Vaults[h.at].Items) != items || len(f.Vaults[h.at].Withheld) != withheld {
			t.Errorf("user %d gets %d items, %d are withheld", c.User, len(got.Items), len(got.Withheld))
		}
	}
	gets(in, 2, 0)
	gets(out, 1, 1)
	gets(h.me, 2, 0)
	if got, err := h.vaults.Read(t.Context(), out, h.at); err != nil || strings.Contains(string(got.Withheld[0]), "SRE1") || len(got.Withheld[0]) > 300 {
		t.Errorf("what is withheld is %d bytes, %v", len(got.Withheld[0]), err)
	}
	// The reader whom it is for loses her access: what is sealed anew is for the owner alone.
	v, err := h.keys.NextEpoch(h.vault)
	h.must(err)
	renewed := func(to ...*hostproof.Statement) error {
		own, err := h.keys.Grant(v, h.keys.Statement, hostproof.Owner, 0, 1)
		h.must(err)
		w := vault.Renewal{Grants: [][]byte{own.Marshal()}}
		var all []hostproof.Leaf
		for n, l := range h.leaves {
			sealed, leaf, err := h.keys.Seal(v, n, &l, hostproof.Content{"title": "anew"}, 1)
			if n == 5 {
				sealed, leaf, err = h.keys.SealFor(v, n, &l, hostproof.Content{"title": "anew"}, to, 1)
			}
			h.must(err)
			w.Put, all = append(w.Put, sealed), append(all, leaf)
		}
		m, err := h.keys.Manifest(v, h.last, all, 1)
		h.must(err)
		w.Manifest = m.Marshal()
		return h.vaults.Renew(t.Context(), h.me, h.at, w)
	}
	if err := renewed(h.keys.Statement, ik.Statement); err == nil {
		t.Error("it stays limited to who has no access any more")
	}
	h.must(renewed(h.keys.Statement))
	gets(h.me, 2, 0)
}
