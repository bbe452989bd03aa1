package vault_test

import (
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
)

// TestRotate: new keys come with every vault under them, or not at all; who has access
// keeps it, and is told by which statements the new keys follow.
func TestRotate(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	reader, rk := h.with(hostproof.Reader)
	h.must(h.vaults.SetRecovery(ctx, h.Admin(), vault.RecoveryKit, 0, nil))
	kit, _, err := h.keys.RecoverByKit(1, 1)
	h.must(err)
	h.must(h.vaults.Enrol(ctx, h.me, kit.Marshal()))

	first := h.keys
	next, lock, err := first.NewKeys(passphrase, hostproof.NewKDF(), 2)
	h.must(err)
	h.keys = next
	w, v := h.renewal(map[*hostproof.Statement]hostproof.Role{rk.Statement: hostproof.Reader})
	r := vault.Rotation{Statement: next.Statement.Marshal(), Lock: lock, Vaults: map[id.ID]vault.Renewal{h.at: w}}
	without, foreign := r, r
	without.Vaults = nil
	foreign.Vaults = map[id.ID]vault.Renewal{h.at: w, h.at + 1: w}
	for name, err := range map[string]error{
		"new keys alone":            h.vaults.SaveKeyset(ctx, h.me, r.Statement, lock),
		"without a vault":           h.vaults.Rotate(ctx, h.me, without),
		"with somebody else's":      h.vaults.Rotate(ctx, h.me, foreign),
		"of somebody else":          h.vaults.Rotate(ctx, reader, r),
		"the same keys, as new":     h.vaults.Rotate(ctx, h.me, vault.Rotation{Statement: first.Statement.Marshal(), Lock: h.lock}),
		"a lock of the keys before": h.vaults.Rotate(ctx, h.me, vault.Rotation{Statement: r.Statement, Lock: h.lock, Vaults: r.Vaults}),
	} {
		if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st, err := h.vaults.State(ctx, h.me); err != nil || string(st.Statement) != string(first.Statement.Marshal()) || len(st.Before) != 0 {
		t.Fatalf("after what was refused there are other keys, %v", err)
	}
	h.must(h.vaults.Rotate(ctx, h.me, r))
	got, err := h.vaults.Read(ctx, reader, h.at)
	h.must(err)
	for _, m := range got.Members {
		if m.User == h.me.User && (len(m.Before) != 1 || string(m.Before[0]) != string(first.Statement.Marshal())) {
			t.Errorf("a member is shown %d statements before", len(m.Before))
		}
	}
	g, err := hostproof.ParseGrant(got.Grant)
	h.must(err)
	opened, err := rk.OpenVault(g, int64(h.at), next.Statement, []*hostproof.Statement{next.Statement}, 2)
	h.must(err)
	for _, sealed := range got.Items {
		if c, _, err := opened.Open(sealed); err != nil || c["title"] != "anew" {
			t.Errorf("it opens to %v, %v", c, err)
		}
	}
	if opened.Epoch != v.Epoch || opened.Epoch != 2 {
		t.Errorf("the epoch is %d", opened.Epoch)
	}
	if now, err := h.vaults.Recovery(ctx, h.me); err != nil || now.Sealed != nil {
		t.Errorf("the recovery of the keys before is there, %v", err)
	}
}
