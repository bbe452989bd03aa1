package vault_test

import (
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/vault"
)

const passphrase = "lantern harbour 72 violet"

// house is a house with somebody who has a vault of two items.
type house struct {
	*coretest.House
	t      *testing.T
	vaults *vault.Vaults
	me     *access.Caller
	keys   *hostproof.Keyset
	lock   []byte
	at     id.ID
	vault  *hostproof.Vault
	leaves map[int64]hostproof.Leaf
	last   *hostproof.Manifest
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{House: coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: coretest.Kinds()}, vault.Feature(), notification.Feature()}}), t: t, leaves: map[int64]hostproof.Leaf{}}
	h.vaults, h.me = &vault.Vaults{Gate: h.Gate}, h.User(access.Editor)
	h.keys, h.lock = h.keyset(h.me)
	h.must(h.vaults.SaveKeyset(t.Context(), h.me, h.keys.Statement.Marshal(), h.lock))
	var err error
	h.at, err = h.vaults.Reserve(t.Context(), h.me)
	h.must(err)
	v, g, err := h.keys.NewVault(int64(h.at), 1)
	h.must(err)
	h.vault = v
	w := h.write(map[int64]string{0: "Personal", 5: "Router"}, nil)
	w.Grant = g.Marshal()
	h.must(h.send(w))
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) keyset(c *access.Caller) (*hostproof.Keyset, []byte) {
	h.t.Helper()
	k, lock, err := hostproof.NewKeyset(c.Tenant, int64(c.User), passphrase, hostproof.NewKDF(), 1)
	h.must(err)
	return k, lock
}

// write makes a change and takes it for done.
func (h *house) write(put map[int64]string, remove []int64) vault.Write {
	h.t.Helper()
	w := vault.Write{Remove: remove}
	for _, i := range remove {
		delete(h.leaves, i)
	}
	for i, title := range put {
		var last *hostproof.Leaf
		if l, ok := h.leaves[i]; ok {
			last = &l
		}
		sealed, leaf, err := h.keys.Seal(h.vault, i, last, hostproof.Content{"title": title}, 1)
		h.must(err)
		w.Put, h.leaves[i] = append(w.Put, sealed), leaf
	}
	var all []hostproof.Leaf
	for _, l := range h.leaves {
		all = append(all, l)
	}
	m, err := h.keys.Manifest(h.vault, h.last, all, 1)
	h.must(err)
	h.last, w.Manifest = m, m.Marshal()
	return w
}

func (h *house) send(w vault.Write) error {
	return h.vaults.Write(h.t.Context(), h.me, h.at, w)
}

func TestVaultIsKept(t *testing.T) {
	h := open(t)
	h.must(h.send(h.write(map[int64]string{5: "Router two", 9: "Bank"}, nil)))
	h.must(h.send(h.write(map[int64]string{}, []int64{9})))
	c, err := h.vaults.Read(t.Context(), h.me, h.at)
	h.must(err)
	if len(c.Items) != 2 {
		t.Fatalf("there are %d items", len(c.Items))
	}
	one, leaf, err := h.vault.Open(c.Items[1])
	h.must(err)
	if one["title"] != "Router two" || leaf.Version != 2 || string(c.Manifest) != string(h.last.Marshal()) {
		t.Errorf("the item is %v, %v", one, leaf)
	}
	st, err := h.vaults.State(t.Context(), h.me)
	h.must(err)
	if len(st.Vaults) != 1 || st.Vaults[0] != h.at || string(st.Lock) != string(h.lock) {
		t.Errorf("the state is %v", st)
	}
}

// TestNobodyElse: an administrator is told no more than that there is nothing.
func TestNobodyElse(t *testing.T) {
	h := open(t)
	w := h.write(map[int64]string{6: "x"}, nil)
	for _, c := range []*access.Caller{h.Admin(), h.User(access.Editor), h.User(access.Administrator)} {
		for _, n := range []id.ID{h.at, h.at + 1000} {
			if _, err := h.vaults.Read(t.Context(), c, n); !fault.Is(err, fault.NotFound) && c.User != 0 {
				t.Errorf("%s reads %d: %v", c.Role, n, err)
			}
			if err := h.vaults.Write(t.Context(), c, n, w); !fault.Is(err, fault.NotFound) && c.User != 0 {
				t.Errorf("%s writes %d: %v", c.Role, n, err)
			}
		}
	}
	lite := h.User(access.Lite)
	if _, err := h.vaults.State(t.Context(), lite); !fault.Is(err, fault.Denied) {
		t.Errorf("a Lite user: %v", err)
	}
	blind := *h.me
	blind.Scope = access.Scope{NoPasswords: true}
	if _, err := h.vaults.Read(t.Context(), &blind, h.at); !fault.Is(err, fault.Denied) {
		t.Errorf("a key without passwords: %v", err)
	}
	reading := *h.me
	reading.Scope = access.Scope{ReadOnly: true}
	if err := h.vaults.Write(t.Context(), &reading, h.at, w); !fault.Is(err, fault.Denied) {
		t.Errorf("a key that reads: %v", err)
	}
	if _, err := h.vaults.Read(t.Context(), &reading, h.at); err != nil {
		t.Errorf("a key that reads: %v", err)
	}
}

// TestWhatDoesNotFit: the server refuses what the next client would refuse, and
// nothing of it is kept.
func TestWhatDoesNotFit(t *testing.T) {
	h := open(t)
	stale := h.write(map[int64]string{5: "one"}, nil)
	before := h.last
	h.must(h.send(stale))
	good := h.write(map[int64]string{5: "two", 7: "new"}, nil)
	other, _ := h.keyset(h.User(access.Editor))
	for name, c := range map[string]struct {
		w    vault.Write
		want fault.Kind
	}{
		"the write before": {stale, fault.Conflict},
		"without an item":  {vault.Write{Put: good.Put[:1], Manifest: good.Manifest}, fault.Invalid},
		"removed too":      {vault.Write{Put: good.Put, Remove: []int64{5}, Manifest: good.Manifest}, fault.Conflict},
		"removed nothing":  {vault.Write{Put: good.Put, Remove: []int64{99}, Manifest: good.Manifest}, fault.Conflict},
		"put twice":        {vault.Write{Put: append(good.Put, good.Put...), Manifest: good.Manifest}, fault.Conflict},
		"no manifest":      {vault.Write{Put: good.Put}, fault.Invalid},
		"a stranger's list": {vault.Write{Put: good.Put, Manifest: func() []byte {
			m, err := other.Manifest(h.vault, before, nil, 1)
			h.must(err)
			return m.Marshal()
		}()}, fault.Invalid},
		"a stranger's item": {vault.Write{Put: [][]byte{func() []byte {
			b, _, err := other.Seal(h.vault, 8, nil, hostproof.Content{}, 1)
			h.must(err)
			return b
		}()}, Manifest: good.Manifest}, fault.Invalid},
	} {
		if err := h.send(c.w); fault.Of(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.must(h.send(good))
}

func TestKeysetOnce(t *testing.T) {
	h := open(t)
	again, lock := h.keyset(h.me)
	if err := h.vaults.SaveKeyset(t.Context(), h.me, again.Statement.Marshal(), lock); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second keyset: %v", err)
	}
	strangers, lock := h.keyset(h.User(access.Editor))
	if err := h.vaults.SaveKeyset(t.Context(), h.me, strangers.Statement.Marshal(), lock); !fault.Is(err, fault.Invalid) {
		t.Errorf("somebody else's keyset: %v", err)
	}
	next, lock, err := h.keys.ChangePassphrase("another sentence of words", hostproof.NewKDF(), 2)
	h.must(err)
	h.must(h.vaults.SaveKeyset(t.Context(), h.me, next.Statement.Marshal(), lock))
	st, err := h.vaults.State(t.Context(), h.me)
	h.must(err)
	if string(st.Lock) != string(lock) {
		t.Error("the lock is the old one")
	}
	var kept int
	h.View(h.me, func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from vault_keyset where user_id = ? and locked is not null`, int64(h.me.User)).Scan(&kept)
	})
	if kept != 1 {
		t.Errorf("%d locks are kept", kept)
	}
}

func TestPurgeOfAUser(t *testing.T) {
	h := open(t)
	feature := vault.Feature()
	h.Change(func(tx *gate.Tx) error {
		r, err := h.Records.Get(tx, "user", h.me.User)
		if err != nil {
			return err
		}
		return feature.Purge(tx, r)
	})
	for _, table := range []string{"vault", "vault_item", "vault_grant", "vault_keyset"} {
		var n int
		h.View(h.me, func(tx *gate.Tx) error { return tx.QueryRow(`select count(*) from ` + table).Scan(&n) })
		if n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}
