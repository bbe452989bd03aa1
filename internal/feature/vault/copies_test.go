package vault_test

import (
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/vault"
)

// TestCopies: an emergency copy is recorded as its maker made it, for people who are
// there; its receipt stands in the log once; passwords leave by the setting alone.
func TestCopies(t *testing.T) {
	h := open(t)
	holder, hk := h.with(hostproof.Reader)
	now := h.Gate.Now().UnixMilli()
	made := func(k *hostproof.Keyset, second *hostproof.Statement) (*hostproof.Copy, []hostproof.Code) {
		t.Helper()
		x, codes, err := k.NewCopy([]hostproof.Copied{{From: "Personal", Content: hostproof.Content{"title": "Router"}}},
			[]hostproof.Holder{{Name: "Holder", Statement: second}, {Name: "Safe"}, {Name: "Notary"}}, 2, now+1_000_000, now)
		h.must(err)
		return x, codes
	}
	x, codes := made(h.keys, hk.Statement)
	in := vault.NewCopy{Head: x.Head(), Items: 1}
	h.must(h.vaults.RecordCopy(t.Context(), h.me, in))
	h.must(h.vaults.RecordCopy(t.Context(), h.me, in))
	refused := func(name, want string, c *access.Caller, in vault.NewCopy) {
		t.Helper()
		if err := h.vaults.RecordCopy(t.Context(), c, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused("somebody else's", "not made by you", holder, in)
	refused("nothing in it", "not made by you", h.me, vault.NewCopy{Head: x.Head()})
	refused("altered", "not saved", h.me, vault.NewCopy{Head: append(x.Head()[:len(x.Head())-1], 0), Items: 1})
	stranger, _ := h.keyset(h.User(access.Editor))
	y, _ := made(h.keys, stranger.Statement)
	refused("a holder whose keys are not kept", "other keys now", h.me, vault.NewCopy{Head: y.Head(), Items: 1})
	other, _, err := hostproof.NewKeyset(h.me.Tenant, int64(holder.User), passphrase, hostproof.NewKDF(), 1)
	h.must(err)
	y, _ = made(h.keys, other.Statement)
	refused("other keys of a holder", "other keys now", h.me, vault.NewCopy{Head: y.Head(), Items: 1})
	passwords := vault.NewCopy{Head: x.Head(), Passwords: 1}
	refused("passwords, by an editor", "may not export", h.me, passwords)
	manager := h.User(access.Manager)
	mk, lock := h.keyset(manager)
	h.must(h.vaults.SaveKeyset(t.Context(), manager, mk.Statement.Marshal(), lock))
	m, _ := made(mk, hk.Statement)
	passwords.Head = m.Head()
	refused("passwords", "do not let you", manager, passwords)
	h.vaults.Leave = func(*gate.Tx) (bool, error) { return false, nil }
	refused("passwords that may not leave", "do not let you", manager, passwords)
	h.vaults.Leave = func(*gate.Tx) (bool, error) { return true, nil }
	h.must(h.vaults.RecordCopy(t.Context(), manager, passwords))

	_, r, err := hostproof.Opening{Codes: codes, Reason: "fire"}.Open(x, now)
	h.must(err)
	got := vault.Receipt{Receipt: r.Marshal()}
	h.must(h.vaults.HandIn(t.Context(), holder, got))
	h.must(h.vaults.HandIn(t.Context(), holder, got))
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Action: "vault.opened"})
		h.must(err)
		if len(list) != 1 || !strings.Contains(list[0].Detail.Text, "paper 2, paper 3") || list[0].Detail.Reason != "fire" {
			t.Errorf("the log says %+v", list)
		}
		return nil
	})
	h.lists(x, manager, holder)
	z, zc := made(h.keys, hk.Statement)
	_, r, err = hostproof.Opening{Codes: zc, Reason: "fire"}.Open(z, now)
	h.must(err)
	if err := h.vaults.HandIn(t.Context(), holder, vault.Receipt{Receipt: r.Marshal()}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a receipt of a copy that was not recorded: %v", err)
	}
}

// lists checks who is told of copies: the maker and holders of theirs, whoever may read the audit log of all.
func (h *house) lists(x *hostproof.Copy, manager, holder *access.Caller) {
	h.t.Helper()
	list := func(c *access.Caller) []*vault.Listed {
		h.t.Helper()
		got, err := h.vaults.Copies(h.t.Context(), c)
		h.must(err)
		return got
	}
	mine := list(h.me)
	if len(mine) != 1 || mine[0].Items != 1 || mine[0].Passwords != 0 || mine[0].Needed != 2 || mine[0].Expires != x.Expiry || len(mine[0].Holders) != 3 || mine[0].Holders[1] != "Safe" || len(mine[0].Openings) != 1 ||
		mine[0].Openings[0].Reason != "fire" || strings.Join(mine[0].Openings[0].By, " and ") != "Safe and Notary" || mine[0].Openings[0].At == 0 {
		h.t.Errorf("its maker is told of %+v", mine)
	}
	theirs := slices.DeleteFunc(list(manager), func(l *vault.Listed) bool { return l.Maker != manager.User })
	if len(theirs) != 1 || theirs[0].Passwords != 1 || len(theirs[0].Openings) != 0 {
		h.t.Errorf("the other maker is told of %+v", theirs)
	}
	if held := list(holder); len(held) != 2 {
		h.t.Errorf("who holds shares of two is told of %d", len(held))
	}
	if all := list(h.Admin()); len(all) != 2 {
		h.t.Errorf("who reads the audit log is told of %d", len(all))
	}
	if none := list(h.User(access.Editor)); len(none) != 0 {
		h.t.Errorf("somebody else is told of %+v", none)
	}
	if _, err := h.vaults.Copies(h.t.Context(), h.User(access.Lite)); !fault.Is(err, fault.Denied) {
		h.t.Errorf("who sees no passwords: %v", err)
	}
}
