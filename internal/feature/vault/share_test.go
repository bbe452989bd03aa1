package vault_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/vault"
)

// with gives the vault to somebody new who has keys.
func (h *house) with(role hostproof.Role) (*access.Caller, *hostproof.Keyset) {
	h.t.Helper()
	c := h.User(access.Editor)
	k, lock := h.keyset(c)
	h.must(h.vaults.SaveKeyset(h.t.Context(), c, k.Statement.Marshal(), lock))
	h.must(h.grant(k.Statement, role))
	return c, k
}

func (h *house) grant(to *hostproof.Statement, role hostproof.Role) error {
	g, err := h.keys.Grant(h.vault, to, role, 0, 1)
	h.must(err)
	return h.vaults.Grant(h.t.Context(), h.me, h.at, g.Marshal())
}

// renewal seals everything anew for the owner and those who keep their access.
func (h *house) renewal(keep map[*hostproof.Statement]hostproof.Role) (vault.Renewal, *hostproof.Vault) {
	h.t.Helper()
	v, err := h.keys.NextEpoch(h.vault)
	h.must(err)
	var w vault.Renewal
	keep[h.keys.Statement] = hostproof.Owner
	for st, role := range keep {
		g, err := h.keys.Grant(v, st, role, 0, 1)
		h.must(err)
		w.Grants = append(w.Grants, g.Marshal())
	}
	var all []hostproof.Leaf
	for i, l := range h.leaves {
		sealed, leaf, err := h.keys.Seal(v, i, &l, hostproof.Content{"title": "anew"}, 1)
		h.must(err)
		w.Put, all = append(w.Put, sealed), append(all, leaf)
	}
	m, err := h.keys.Manifest(v, h.last, all, 1)
	h.must(err)
	w.Manifest = m.Marshal()
	return w, v
}

// TestSharing: a reader reads, a writer writes, and neither says who has access.
func TestSharing(t *testing.T) {
	h := open(t)
	reader, rk := h.with(hostproof.Reader)
	writer, wk := h.with(hostproof.Writer)
	for _, c := range []*access.Caller{reader, writer} {
		got, err := h.vaults.Read(t.Context(), c, h.at)
		h.must(err)
		if len(got.Members) != 3 || got.Owner != h.me.User || len(got.Items) != 2 {
			t.Errorf("%d members, %d items", len(got.Members), len(got.Items))
		}
		if err := h.vaults.Grant(t.Context(), c, h.at, got.Grant); !fault.Is(err, fault.Denied) {
			t.Errorf("somebody else than the owner gives access: %v", err)
		}
		if err := h.vaults.Renew(t.Context(), c, h.at, vault.Renewal{Manifest: got.Manifest}); !fault.Is(err, fault.Denied) {
			t.Errorf("somebody else than the owner changes the keys: %v", err)
		}
	}
	var members []hostproof.Member
	got, err := h.vaults.Read(t.Context(), writer, h.at)
	h.must(err)
	g, err := hostproof.ParseGrant(got.Grant)
	h.must(err)
	writers, err := hostproof.Writers(int64(h.at), 1, h.keys.Statement, members)
	h.must(err)
	v, err := wk.OpenVault(g, int64(h.at), h.keys.Statement, append(writers, wk.Statement), 1)
	h.must(err)
	mine, hers, leaves := h.keys, h.vault, h.leaves
	h.keys, h.vault = wk, v
	w := h.write(map[int64]string{5: "by the writer"}, nil)
	h.keys, h.vault = mine, hers
	if err := h.vaults.Write(t.Context(), reader, h.at, w); !fault.Is(err, fault.Denied) {
		t.Errorf("a reader writes: %v", err)
	}
	h.must(h.vaults.Write(t.Context(), writer, h.at, w))
	if leaves[5].Version != 2 {
		t.Errorf("the item has version %d", leaves[5].Version)
	}
	if err := h.grant(rk.Statement, hostproof.Reader); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same access again: %v", err)
	}
	if err := h.grant(wk.Statement, hostproof.Reader); !fault.Is(err, fault.Conflict) {
		t.Errorf("less access without new keys: %v", err)
	}
	h.must(h.grant(rk.Statement, hostproof.Writer))
	people, err := h.vaults.People(t.Context(), h.me)
	h.must(err)
	if len(people) != 2 {
		t.Errorf("%d people have keys", len(people))
	}
}

// TestRenew: who is left out of new keys is told that there is nothing, and a
// renewal is whole or nothing.
func TestRenew(t *testing.T) {
	h := open(t)
	out, _ := h.with(hostproof.Writer)
	stays, sk := h.with(hostproof.Reader)
	stranger, _ := h.keyset(h.User(access.Editor))
	good, next := h.renewal(map[*hostproof.Statement]hostproof.Role{sk.Statement: hostproof.Reader})
	more, _ := h.renewal(map[*hostproof.Statement]hostproof.Role{sk.Statement: hostproof.Writer})
	another, _ := h.renewal(map[*hostproof.Statement]hostproof.Role{stranger.Statement: hostproof.Reader})
	for name, c := range map[string]struct {
		w    vault.Renewal
		want fault.Kind
	}{
		"not everything sealed anew": {vault.Renewal{Grants: good.Grants, Put: good.Put[:1], Manifest: good.Manifest}, fault.Invalid},
		"without the owner":          {vault.Renewal{Put: good.Put, Manifest: good.Manifest}, fault.Invalid},
		"more than somebody had":     {more, fault.Conflict},
		"somebody who had nothing":   {another, fault.Conflict},
		"grants of other keys":       {vault.Renewal{Grants: more.Grants[:1], Put: good.Put[:0], Manifest: good.Manifest}, fault.Invalid},
	} {
		if err := h.vaults.Renew(t.Context(), h.me, h.at, c.w); fault.Of(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := h.vaults.Read(t.Context(), out, h.at); err != nil || len(got.Members) != 3 {
		t.Fatalf("after what was refused: %v", err)
	}
	h.must(h.vaults.Renew(t.Context(), h.me, h.at, good))
	if _, err := h.vaults.Read(t.Context(), out, h.at); !fault.Is(err, fault.NotFound) {
		t.Errorf("who was left out: %v", err)
	}
	if err := h.vaults.Renew(t.Context(), out, h.at, good); !fault.Is(err, fault.NotFound) {
		t.Errorf("who was left out changes the keys: %v", err)
	}
	got, err := h.vaults.Read(t.Context(), stays, h.at)
	h.must(err)
	for _, sealed := range got.Items {
		if c, _, err := next.Open(sealed); err != nil || c["title"] != "anew" {
			t.Errorf("it opens to %v, %v", c, err)
		}
		if _, _, err := h.vault.Open(sealed); err == nil {
			t.Error("the keys before open it")
		}
	}
	if err := h.send(h.write(map[int64]string{5: "under the keys before"}, nil)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a write under the keys before: %v", err)
	}
	h.told("vault.grant", "reads and writes")
	h.told("vault.renew", "2 people keep their access, 1 lose it")
}

// told looks for an entry of the audit log.
func (h *house) told(action, text string) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Action: action})
		for _, e := range list {
			if strings.Contains(e.Detail.Text, text) && e.Object == h.at && e.Detail.Name == "" {
				return err
			}
		}
		h.t.Errorf("no entry %s says %q", action, text)
		return err
	})
}

// TestPurgeOfAWriter: what a deleted person wrote in somebody's vault can be verified.
func TestPurgeOfAWriter(t *testing.T) {
	h := open(t)
	writer, wk := h.with(hostproof.Writer)
	h.Change(func(tx *gate.Tx) error {
		r, err := h.Records.Get(tx, "user", writer.User)
		if err != nil {
			return err
		}
		return vault.Feature().Purge(tx, r)
	})
	got, err := h.vaults.Read(t.Context(), h.me, h.at)
	h.must(err)
	if len(got.Members) != 2 || string(got.Members[0].Statement)+string(got.Members[1].Statement) == "" {
		t.Errorf("%d members are left", len(got.Members))
	}
	st, err := h.vaults.State(t.Context(), writer)
	h.must(err)
	if string(st.Statement) != string(wk.Statement.Marshal()) || len(st.Lock) != 0 {
		t.Error("her public keys are gone, or what opens the private ones is not")
	}
}

// TestAccessWithAnEnd: who had access until a time is then told of nothing, and may get
// it again; the end does not move in new keys, and comes no earlier without them.
func TestAccessWithAnEnd(t *testing.T) {
	h := open(t)
	c := h.User(access.Editor)
	k, lock := h.keyset(c)
	h.must(h.vaults.SaveKeyset(t.Context(), c, k.Statement.Marshal(), lock))
	until := func(role hostproof.Role, at int64) error {
		g, err := h.keys.Grant(h.vault, k.Statement, role, at, 1)
		h.must(err)
		return h.vaults.Grant(t.Context(), h.me, h.at, g.Marshal())
	}
	now := h.Clock.Now().UnixMilli()
	if err := until(hostproof.Reader, now); !fault.Is(err, fault.Denied) && !fault.Is(err, fault.Invalid) {
		t.Errorf("access that has ended: %v", err)
	}
	h.must(until(hostproof.Reader, now+1000))
	for what, err := range map[string]error{"the same": until(hostproof.Reader, now+1000), "earlier": until(hostproof.Reader, now+500), "more, and earlier": until(hostproof.Writer, now+500)} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.must(until(hostproof.Reader, now+2000))
	there := func() int {
		st, err := h.vaults.State(t.Context(), c)
		h.must(err)
		return len(st.Vaults)
	}
	if there() != 1 {
		t.Error("the vault is not there")
	}
	w, next := h.renewal(map[*hostproof.Statement]hostproof.Role{})
	longer, err := h.keys.Grant(next, k.Statement, hostproof.Reader, 0, 1)
	h.must(err)
	w.Grants = append(w.Grants, longer.Marshal())
	if err := h.vaults.Renew(t.Context(), h.me, h.at, w); !fault.Is(err, fault.Conflict) {
		t.Errorf("new keys without an end: %v", err)
	}
	h.Clock.Advance(3 * time.Second)
	if there() != 0 {
		t.Error("the vault is there after the end")
	}
	if _, err := h.vaults.Read(t.Context(), c, h.at); !fault.Is(err, fault.NotFound) {
		t.Errorf("after the end: %v", err)
	}
	h.must(until(hostproof.Reader, 0))
	if there() != 1 {
		t.Error("it was given again and is not there")
	}
}

// TestEnd: a vault is deleted by its owner, with a list that she signed.
func TestEnd(t *testing.T) {
	h := open(t)
	reader, _ := h.with(hostproof.Reader)
	writer, wk := h.with(hostproof.Writer)
	last, err := h.keys.LastManifest(h.vault, h.last, 2)
	h.must(err)
	full := h.write(map[int64]string{7: "more"}, nil)
	forged, err := wk.Manifest(h.vault, nil, nil, 2)
	h.must(err)
	for name, x := range map[string]struct {
		who  *access.Caller
		list []byte
		want fault.Kind
	}{
		"a reader":             {reader, last.Marshal(), fault.Denied},
		"a writer":             {writer, forged.Marshal(), fault.Denied},
		"a stranger":           {h.User(access.Editor), last.Marshal(), fault.NotFound},
		"a list with items":    {h.me, full.Manifest, fault.Invalid},
		"somebody else's list": {h.me, forged.Marshal(), fault.Invalid},
		"something else":       {h.me, []byte("x"), fault.Invalid},
	} {
		if err := h.vaults.End(t.Context(), x.who, h.at, x.list); fault.Of(err) != x.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.send(vault.Write{Remove: []int64{0, 5}, Manifest: last.Marshal()}); err == nil {
		t.Error("a write empties the vault")
	}
	h.must(h.vaults.End(t.Context(), h.me, h.at, last.Marshal()))
	if _, err := h.vaults.Read(t.Context(), reader, h.at); !fault.Is(err, fault.NotFound) {
		t.Errorf("it is read: %v", err)
	}
	st, err := h.vaults.State(t.Context(), h.me)
	h.must(err)
	if len(st.Vaults) != 0 || len(st.Ended) != 1 || string(st.Ended[0]) != string(last.Marshal()) {
		t.Errorf("%d vaults, %d last lists", len(st.Vaults), len(st.Ended))
	}
}
