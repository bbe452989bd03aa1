package hostproof_test

import (
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/base/hostproof"
)

const noor = int64(42)

// as opens a vault for somebody who was given it: with the owner that she knows and
// the grants and statements that a server sends.
func (h *house) as(p *person, g *hostproof.Grant, members ...hostproof.Member) (*hostproof.Vault, error) {
	writers, err := hostproof.Writers(h.vault.ID, g.Epoch, h.me.Statement, members)
	if err != nil {
		return nil, err
	}
	return p.OpenVault(g, h.vault.ID, h.me.Statement, writers, now)
}

func (h *house) gives(to *person, role hostproof.Role) (*hostproof.Grant, hostproof.Member) {
	h.t.Helper()
	g, err := h.me.Grant(h.vault, to.Statement, role, 0, now)
	if err != nil {
		h.t.Fatal(err)
	}
	if g, err = hostproof.ParseGrant(g.Marshal()); err != nil {
		h.t.Fatal(err)
	}
	return g, hostproof.Member{Statement: to.Statement, Grant: g}
}

// TestSharing: a writer writes what the owner opens, a reader does not, and nobody
// reads or writes any more whose access was ended.
func TestSharing(t *testing.T) {
	me, writer, reader := someone(t, ines), someone(t, noor), someone(t, 43)
	h := newHouse(t, me, vaultN)
	wg, wm := h.gives(writer, hostproof.Writer)
	rg, rm := h.gives(reader, hostproof.Reader)
	v, err := h.as(writer, wg, wm, rm)
	if err != nil {
		t.Fatal(err)
	}
	leaf := h.leaves[7]
	sealed, next, err := writer.Seal(v, 7, &leaf, hostproof.Content{"title": "Router", "password": "by the writer"}, now)
	if err != nil {
		t.Fatal(err)
	}
	h.items[7], h.leaves[7] = sealed, next
	if h.manifest, err = writer.Manifest(v, h.manifest, h.list(), now); err != nil {
		t.Fatal(err)
	}
	for name, who := range map[string]struct {
		*person
		grant *hostproof.Grant
	}{"owner": {me, h.grant}, "writer": {writer, wg}, "reader": {reader, rg}} {
		v, err := h.as(who.person, who.grant, wm, rm)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c, _, err := v.Open(h.items[7]); err != nil || c["password"] != "by the writer" {
			t.Errorf("the %s opens %v, %v", name, c, err)
		}
		if _, err := v.Check(h.manifest, h.list(), hostproof.Memory{}); err != nil {
			t.Errorf("the %s: %v", name, err)
		}
	}
	if v, err = h.as(reader, rg, wm, rm); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader.Seal(v, 11, nil, hostproof.Content{}, now); err == nil {
		t.Error("a reader writes")
	}
	if _, err := reader.NextEpoch(v); err == nil {
		t.Error("a reader changes the keys")
	}
	h.without(t, v, wm)
}

// without ends the access of everybody: who had it opens nothing new.
func (h *house) without(t *testing.T, had *hostproof.Vault, writer hostproof.Member) {
	t.Helper()
	seen, err := had.Check(h.manifest, h.list(), hostproof.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	old := h.items[7]
	if h.vault, err = h.me.NextEpoch(h.vault); err != nil {
		t.Fatal(err)
	}
	if h.grant, err = h.me.Grant(h.vault, h.me.Statement, hostproof.Owner, 0, now); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int64{0, 7, 9} {
		h.items[i], h.leaves[i] = h.seal(i, hostproof.Content{"title": "sealed anew"})
	}
	if h.manifest, err = h.me.Manifest(h.vault, h.manifest, h.list(), now); err != nil {
		t.Fatal(err)
	}
	if _, err := h.vault.Check(h.manifest, h.list(), seen); err != nil {
		t.Errorf("the new epoch does not follow the old one: %v", err)
	}
	if _, _, err := had.Open(h.items[7]); err == nil {
		t.Error("who was removed reads a new item")
	}
	if _, _, err := h.vault.Open(old); err == nil {
		t.Error("an item of the epoch before is taken")
	}
	if _, err := hostproof.Writers(h.vault.ID, h.vault.Epoch, h.me.Statement, []hostproof.Member{writer}); err == nil {
		t.Error("a grant of the epoch before makes a writer")
	}
}

// TestSubstitutedKeys: a server that shows other keys for somebody gains nothing.
func TestSubstitutedKeys(t *testing.T) {
	me, writer, mallory, other := someone(t, ines), someone(t, noor), someone(t, noor), someone(t, 44)
	h := newHouse(t, me, vaultN)
	g, m := h.gives(writer, hostproof.Writer)
	forged, err := other.Grant(func() *hostproof.Vault { v, _, _ := other.NewVault(vaultN, now); return v }(), other.Statement, hostproof.Owner, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		members []hostproof.Member
		want    string
	}{
		"other keys of a writer":                   {[]hostproof.Member{{Statement: mallory.Statement, Grant: g}}, "keys that are not known"},
		"somebody else's statement":                {[]hostproof.Member{{Statement: other.Statement, Grant: g}}, "somebody else's keyset"},
		"a grant that the owner did not sign":      {[]hostproof.Member{m, {Statement: other.Statement, Grant: forged}}, "another vault or person"},
		"a grant of a vault that somebody injects": {[]hostproof.Member{{Statement: writer.Statement, Grant: func() *hostproof.Grant { g, _ := newHouse(t, me, vaultN+1).gives(writer, hostproof.Writer); return g }()}}, "another vault"},
	} {
		if _, err := h.as(writer, g, c.members...); !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := mallory.OpenVault(g, vaultN, me.Statement, nil, now); err == nil {
		t.Error("other keys open the grant")
	}
	// A vault under the number of hers that somebody else made does not open as the owner's.
	injected := newHouse(t, other, vaultN)
	ig, _ := injected.gives(writer, hostproof.Writer)
	if _, err := writer.OpenVault(ig, vaultN, me.Statement, nil, now); !strings.Contains(fmt.Sprint(err), "another vault or person") {
		t.Errorf("an injected vault: %v", err)
	}
}
