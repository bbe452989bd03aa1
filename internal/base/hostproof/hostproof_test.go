package hostproof_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/merkle"
)

const (
	tenant = "northbeam"
	ines   = int64(41)
	vaultN = int64(977)
	now    = int64(1_790_000_000_000)

	passphrase = "lantern harbour 72 violet"
)

// person is somebody with an opened keyset, and what the server has of it.
type person struct {
	*hostproof.Keyset
	lock []byte
}

func someone(t testing.TB, user int64) *person {
	t.Helper()
	k, lock, err := hostproof.NewKeyset(tenant, user, passphrase, hostproof.NewKDF(), now)
	if err != nil {
		t.Fatal(err)
	}
	return &person{k, lock}
}

// house is a vault with two items as a server has it.
type house struct {
	t        testing.TB
	me       *person
	vault    *hostproof.Vault
	grant    *hostproof.Grant
	items    map[int64][]byte
	leaves   map[int64]hostproof.Leaf
	manifest *hostproof.Manifest
}

func newHouse(t testing.TB, me *person, vault int64) *house {
	t.Helper()
	v, g, err := me.NewVault(vault, now)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, me: me, vault: v, grant: g, items: map[int64][]byte{}, leaves: map[int64]hostproof.Leaf{}}
	h.put(0, hostproof.Content{"title": "Personal"})
	h.put(7, hostproof.Content{"title": "Router", "username": "admin", "password": "s3cret"})
	h.put(9, hostproof.Content{"title": "Bank", "password": "hunter2"})
	return h
}

func (h *house) seal(item int64, c hostproof.Content) ([]byte, hostproof.Leaf) {
	h.t.Helper()
	var last *hostproof.Leaf
	if l, ok := h.leaves[item]; ok {
		last = &l
	}
	sealed, leaf, err := h.me.Seal(h.vault, item, last, c, now)
	if err != nil {
		h.t.Fatal(err)
	}
	return sealed, leaf
}

func (h *house) list() (out []hostproof.Leaf) {
	for _, l := range h.leaves {
		out = append(out, l)
	}
	return out
}

func (h *house) put(item int64, c hostproof.Content) {
	h.t.Helper()
	h.items[item], h.leaves[item] = h.seal(item, c)
	var err error
	if h.manifest, err = h.me.Manifest(h.vault, h.manifest, h.list(), now); err != nil {
		h.t.Fatal(err)
	}
}

// served is everything that a server hands out to somebody who opens her vault.
type served struct {
	statement []byte
	lock      []byte
	grant     []byte
	granter   *hostproof.Statement // that the client knows the granter by
	manifest  []byte
	items     map[int64][]byte
}

func (h *house) served() served {
	return served{h.me.Statement.Marshal(), h.me.lock, h.grant.Marshal(), h.me.Statement, h.manifest.Marshal(), maps.Clone(h.items)}
}

// read does what a client does with what a server sent, from the passphrase on.
// keyset is given where it has been opened already.
func (s served) read(keyset *hostproof.Keyset, seen hostproof.Memory) (map[int64]hostproof.Content, hostproof.Memory, error) {
	if keyset == nil {
		st, err := hostproof.ParseStatement(s.statement)
		if err != nil {
			return nil, seen, err
		}
		if keyset, err = hostproof.Unlock(tenant, ines, st, s.lock, passphrase); err != nil {
			return nil, seen, err
		}
	}
	g, err := hostproof.ParseGrant(s.grant)
	if err != nil {
		return nil, seen, err
	}
	v, err := keyset.OpenVault(g, vaultN, s.granter, []*hostproof.Statement{s.granter}, now)
	if err != nil {
		return nil, seen, err
	}
	m, err := hostproof.ParseManifest(s.manifest)
	if err != nil {
		return nil, seen, err
	}
	out := map[int64]hostproof.Content{}
	var leaves []hostproof.Leaf
	for _, sealed := range s.items {
		c, leaf, err := v.Open(sealed)
		if err != nil {
			return nil, seen, err
		}
		out[leaf.Item] = c
		leaves = append(leaves, leaf)
	}
	seen, err = v.Check(m, leaves, seen)
	return out, seen, err
}

func TestVaultOpens(t *testing.T) {
	h := newHouse(t, someone(t, ines), vaultN)
	got, seen, err := h.served().read(nil, hostproof.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	if got[0]["title"] != "Personal" || got[7]["password"] != "s3cret" || got[9]["password"] != "hunter2" || len(got) != 3 {
		t.Errorf("the vault holds %v", got)
	}
	if seen.Counter != 3 || seen.Hash != h.manifest.Hash() {
		t.Errorf("remembered is %v", seen)
	}
	h.put(7, hostproof.Content{"title": "Router", "password": "changed"})
	delete(h.items, 9)
	delete(h.leaves, 9)
	h.put(8, hostproof.Content{"title": "New"})
	if got, seen, err = h.served().read(h.me.Keyset, seen); err != nil || got[7]["password"] != "changed" || len(got) != 3 || seen.Counter != 5 {
		t.Errorf("after two writes: %v, %v, %v", got, seen, err)
	}
}

// TestHostileServer lets a server do what it must not get away with.
func TestHostileServer(t *testing.T) {
	me, other := someone(t, ines), someone(t, 42)
	h := newHouse(t, me, vaultN)
	old := h.served()
	h.put(7, hostproof.Content{"title": "Router", "password": "second"})
	_, seen, err := h.served().read(me.Keyset, hostproof.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := newHouse(t, me, vaultN+1)
	strangers := newHouse(t, other, vaultN)
	for _, c := range []struct {
		name string
		do   func(s *served)
		want string
	}{
		{"yesterday's data", func(s *served) { *s = old }, "older state"},
		{"another history", func(s *served) {
			fork := newHouse(t, me, vaultN)
			fork.vault, fork.grant = h.vault, h.grant
			fork.manifest, fork.leaves, fork.items = nil, map[int64]hostproof.Leaf{}, map[int64][]byte{}
			for i := range int64(4) {
				fork.put(i, hostproof.Content{"title": "other"})
			}
			s.manifest, s.items = fork.manifest.Marshal(), fork.items
		}, "another history"},
		{"an item left out", func(s *served) { delete(s.items, 9) }, "left items"},
		{"all items left out", func(s *served) { clear(s.items) }, "left items"},
		{"an item sent twice", func(s *served) { s.items[-1] = s.items[9] }, "twice"},
		{"an old version of an item", func(s *served) { s.items[7] = old.items[7] }, "old versions"},
		{"an item of another vault of hers", func(s *served) { s.items[7] = elsewhere.items[7] }, "another vault"},
		{"the list of another vault of hers", func(s *served) { s.manifest = elsewhere.manifest.Marshal() }, "list of another vault"},
		{"an item in the place of another", func(s *served) { s.items[7] = s.items[9] }, "twice"},
		{"an item of a stranger", func(s *served) { s.items[7] = strangers.items[7] }, "nobody signed"},
		{"a list of a stranger", func(s *served) { s.manifest = strangers.manifest.Marshal() }, "nobody signed"},
		{"an injected vault", func(s *served) { s.grant, s.manifest, s.items = injected(t, me, other) }, "another vault or person"},
		{"an injected vault, and its granter", func(s *served) {
			s.grant, s.manifest, s.items = injected(t, me, other)
			g, err := hostproof.ParseGrant(s.grant)
			if err != nil || g.Granter != other.Statement.User {
				t.Fatalf("the injected grant is %v, %v", g, err)
			}
			lied := *me.Statement
			lied.User, s.granter = other.Statement.User, &lied
		}, "nobody signed"},
		{"the grant of another vault of hers", func(s *served) { s.grant = elsewhere.grant.Marshal() }, "another vault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := h.served()
			c.do(&s)
			_, again, err := s.read(me.Keyset, seen)
			if !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, and not %q", err, c.want)
			}
			if again != seen {
				t.Error("something was remembered of it")
			}
		})
	}
}

// injected is a vault that a stranger made and gave to somebody, with rights.
func injected(t *testing.T, to, by *person) (grant, manifest []byte, items map[int64][]byte) {
	h := newHouse(t, by, vaultN)
	g, err := by.Grant(h.vault, to.Statement, hostproof.Owner, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	return g.Marshal(), h.manifest.Marshal(), h.items
}

// TestHostileKeyset lets a server lie about keys and their lock.
func TestHostileKeyset(t *testing.T) {
	me, other := someone(t, ines), someone(t, ines)
	h := newHouse(t, me, vaultN)
	st := h.served().statement
	derived := func(with ...byte) func(*served) {
		return func(s *served) { s.statement = patched(st, kdfAt(st), with...) }
	}
	for _, c := range []struct {
		name string
		do   func(s *served)
		want string
	}{
		{"somebody else's keyset", func(s *served) { k := someone(t, 42); s.statement, s.lock = k.Statement.Marshal(), k.lock }, "somebody else's keyset"},
		{"a lock of other keys", func(s *served) { s.lock = other.lock }, "damaged"},
		{"fewer rounds", derived(0, 2, 0, 0, 0x13, 0x88, 0, 0, 0, 0), "5000 rounds"},
		{"fewer passes", derived(0, 1, 0, 0, 0, 2, 0, 1, 0, 0), "2 passes"},
		{"less memory", derived(0, 1, 0, 0, 0, 3, 0, 0, 0xff, 0xff), "65535 KiB"},
		{"work for hours", derived(0, 1, 0, 0, 0, 21, 0, 1, 0, 0), "21 passes"},
		{"memory for nobody", derived(0, 1, 0, 0, 0, 3, 0, 0x10, 0, 1), "1048577 KiB"},
		{"another method", derived(0, 2, 0, 9, 0x27, 0xc1, 0, 0, 0, 0), "not signed"},
		{"more memory than was stated", derived(0, 1, 0, 0, 0, 3, 0, 2, 0, 0), "not signed"},
		{"a method with what it does not have", derived(0, 2, 0, 9, 0x27, 0xc0, 0, 1, 0, 0), "unknown way"},
		{"an unknown derivation", derived(0, 9), "unknown way"},
		{"another salt", func(s *served) { s.statement = patched(st, kdfAt(st)+10, 1) }, "not signed"},
		{"another signature", func(s *served) { s.statement = patched(st, len(st)-1, st[len(st)-1]^1) }, "not signed"},
		{"a lock that was altered", func(s *served) { s.lock = patched(s.lock, len(s.lock)-1, s.lock[len(s.lock)-1]^1) }, "does not open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := h.served()
			c.do(&s)
			_, _, err := s.read(nil, hostproof.Memory{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, and not %q", err, c.want)
			}
		})
	}
}

// kdfAt is where the derivation stands in a statement with one signature.
func kdfAt(statement []byte) int { return len(statement) - (1 + 1 + 2 + 16 + 64) - (2 + 4 + 4 + 32) }

func patched(b []byte, at int, with ...byte) []byte {
	out := append([]byte(nil), b...)
	copy(out[at:], with)
	return out
}

// TestEveryByteCounts turns every byte of what is served, one at a time: nothing
// of it may pass for the original.
func TestEveryByteCounts(t *testing.T) {
	me := someone(t, ines)
	h := newHouse(t, me, vaultN)
	good := h.served()
	for _, c := range []struct {
		name string
		of   func(s *served) *[]byte
		skip int
	}{
		{"grant", func(s *served) *[]byte { return &s.grant }, 7},
		{"manifest", func(s *served) *[]byte { return &s.manifest }, 1},
		{"item", func(s *served) *[]byte { b := s.items[7]; return &b }, 3},
	} {
		for i := 0; i < len(*c.of(&good)); i += c.skip {
			s := h.served()
			b := patched(*c.of(&s), i, (*c.of(&s))[i]^0x40)
			switch c.name {
			case "item":
				s.items[7] = b
			default:
				*c.of(&s) = b
			}
			if _, _, err := s.read(me.Keyset, hostproof.Memory{}); err == nil {
				t.Errorf("%s: byte %d was altered and nobody noticed", c.name, i)
			}
		}
	}
}

func TestStatementsFollow(t *testing.T) {
	me, other := someone(t, ines), someone(t, ines)
	next, lock, err := me.ChangePassphrase("a wholly other sentence", hostproof.NewKDF(), now+1)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Statement.Follows(me.Statement); err != nil {
		t.Error(err)
	}
	if err := me.Statement.Follows(next.Statement); err == nil {
		t.Error("an older statement follows a newer one")
	}
	if err := other.Statement.Follows(me.Statement); err == nil {
		t.Error("other keys follow")
	}
	stored, err := hostproof.ParseStatement(next.Statement.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hostproof.Unlock(tenant, ines, stored, lock, passphrase); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("the old passphrase: %v", err)
	}
	opened, err := hostproof.Unlock(tenant, ines, stored, lock, "a wholly other sentence")
	if err != nil {
		t.Fatal(err)
	}
	if opened.Statement.Fingerprint() != me.Statement.Fingerprint() || other.Statement.Fingerprint() == me.Statement.Fingerprint() {
		t.Error("a fingerprint does not stand for its keys")
	}
}

func TestExpiredGrant(t *testing.T) {
	me, other := someone(t, ines), someone(t, 42)
	h := newHouse(t, me, vaultN)
	g, err := me.Grant(h.vault, other.Statement, hostproof.Reader, now+10, now)
	if err != nil {
		t.Fatal(err)
	}
	v, err := other.OpenVault(g, vaultN, me.Statement, []*hostproof.Statement{me.Statement}, now)
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := v.Open(h.items[7]); err != nil || c["username"] != "admin" {
		t.Errorf("a reader reads %v, %v", c, err)
	}
	if _, _, err := other.Seal(v, 11, nil, hostproof.Content{}, now); err == nil {
		t.Error("a reader writes")
	}
	if _, err := other.Grant(v, other.Statement, hostproof.Owner, 0, now); err == nil {
		t.Error("a reader grants")
	}
	if _, err := other.OpenVault(g, vaultN, me.Statement, nil, now+10); !strings.Contains(fmt.Sprint(err), "ended") {
		t.Errorf("after its end the grant says %v", err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	me := someone(t, ines)
	h := newHouse(t, me, vaultN)
	for _, v := range []any{me.Keyset, h.vault} {
		if s := fmt.Sprintf("%v %+v %#v", v, v, v); s != "[redacted] [redacted] [redacted]" {
			t.Errorf("it prints %s", s)
		}
	}
}

// TestRoot compares with the tree of base/merkle, in any order of the leaves.
func TestRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "n")
		var hashes []merkle.Hash
		var leaves []hostproof.Leaf
		for i := range n {
			l := hostproof.Leaf{Item: int64(i * 3), Version: rapid.Uint32Range(1, 9).Draw(t, "version"), Header: [32]byte{byte(i)}}
			data := append([]byte{0, 0, 0, 0, 0, 0, 0, byte(l.Item), 0, 0, 0, byte(l.Version)}, l.Header[:]...)
			leaves, hashes = append(leaves, l), append(hashes, merkle.LeafHash(data))
		}
		leaves = rapid.Permutation(leaves).Draw(t, "order")
		got, err := hostproof.Root(leaves)
		if err != nil || got != merkle.SubtreeRoot(hashes) {
			t.Fatalf("the root is %v, %v", got, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	me := someone(f, ines)
	h := newHouse(f, me, vaultN)
	for _, b := range [][]byte{me.Statement.Marshal(), h.grant.Marshal(), h.manifest.Marshal(), h.items[7]} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := hostproof.ParseStatement(b); err == nil && string(s.Marshal()) != string(b) {
			t.Error("a statement has two forms")
		}
		if g, err := hostproof.ParseGrant(b); err == nil && string(g.Marshal()) != string(b) {
			t.Error("a grant has two forms")
		}
		if m, err := hostproof.ParseManifest(b); err == nil && string(m.Marshal()) != string(b) {
			t.Error("a manifest has two forms")
		}
		_, _, _ = hostproof.ParseItem(tenant, vaultN, b)
	})
}

func FuzzContent(f *testing.F) {
	f.Add([]byte(`{"title":"a","notes":"\u2028"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := hostproof.ParseContent(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			return // it grew over the limit
		}
		if d, err := hostproof.ParseContent(again); err != nil || !maps.Equal(c, d) {
			t.Errorf("%v became %v, %v", c, d, err)
		}
	})
}
