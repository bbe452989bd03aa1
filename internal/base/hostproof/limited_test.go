package hostproof_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
)

// team is a vault whose item 7 is limited to its owner and one of two members.
type team struct {
	*house
	in, out *person
	members []hostproof.Member
	grants  map[*person]*hostproof.Grant
	writer  *hostproof.Vault // as the member who is in sees it
	plainly []byte           // item 7 before it was limited
}

func newTeam(t testing.TB, who func(testing.TB, int64) *person) *team {
	t.Helper()
	x := &team{house: newHouse(t, who(t, ines), vaultN), in: who(t, noor), out: who(t, 43)}
	x.grants = map[*person]*hostproof.Grant{x.me: x.grant}
	for _, p := range []*person{x.in, x.out} {
		g, m := x.gives(p, hostproof.Writer)
		x.grants[p], x.members = g, append(x.members, m)
	}
	var err error
	x.writer, err = x.as(x.in, x.grants[x.in], x.members...)
	must(t, err)
	x.plainly = x.items[7]
	x.limit(x.in, x.writer, hostproof.Content{"title": "Router", "password": "of two"}, x.me, x.in)
	return x
}

func (x *team) limit(by *person, v *hostproof.Vault, c hostproof.Content, to ...*person) {
	x.t.Helper()
	last := x.leaves[7]
	sealed, leaf, err := by.SealFor(v, 7, &last, c, statements(to), now)
	must(x.t, err)
	x.items[7], x.leaves[7] = sealed, leaf
	x.manifest, err = by.Manifest(v, x.manifest, x.list(), now)
	must(x.t, err)
}

func headerOf(t testing.TB, sealed []byte) []byte {
	t.Helper()
	e, err := envelope.Parse(sealed)
	must(t, err)
	return e.HeaderBytes()
}

// reads is what a client does with the items and headers that a server sends to somebody.
func (x *team) reads(p *person, items [][]byte, withheld ...[]byte) (map[int64]hostproof.Content, error) {
	v, err := x.as(p, x.grants[p], x.members...)
	if err != nil {
		return nil, err
	}
	out := map[int64]hostproof.Content{}
	var leaves []hostproof.Leaf
	for _, b := range items {
		c, leaf, err := v.Open(b)
		if err != nil {
			return nil, err
		}
		out[leaf.Item], leaves = c, append(leaves, leaf)
	}
	for _, h := range withheld {
		leaf, err := v.Withheld(h)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
	}
	_, err = v.Check(x.manifest, leaves, hostproof.Memory{})
	return out, err
}

// TestLimited: an item opens for those whom it is for; the others verify the list without
// it; and a server cannot change for whom it is.
func TestLimited(t *testing.T) {
	x := newTeam(t, bare)
	all := [][]byte{x.items[0], x.items[7], x.items[9]}
	for _, p := range []*person{x.me, x.in} {
		if got, err := x.reads(p, all); err != nil || got[7]["password"] != "of two" {
			t.Errorf("user %d reads %v, %v", p.Statement.User, got, err)
		}
	}
	header, rest := headerOf(t, x.items[7]), [][]byte{x.items[0], x.items[9]}
	if got, err := x.reads(x.out, rest, header); err != nil || len(got) != 2 {
		t.Errorf("the other reads %v, %v", got, err)
	}
	refuse := func(name, want string, p *person, items [][]byte, withheld ...[]byte) {
		t.Helper()
		_, err := x.reads(p, items, withheld...)
		wants(t, name, err, want)
		if !fault.Is(err, fault.Denied) {
			t.Errorf("%s: it is %v", name, err)
		}
	}
	refuse("it is shown to the other", "limited to others", x.out, all)
	refuse("it is left out", "left items", x.out, rest)
	refuse("it is kept from somebody whom it is for", "for you too", x.in, rest, header)
	refuse("it is kept from the owner", "for you too", x.me, rest, header)
	refuse("an item for everybody is kept back", "as if it were limited", x.out, [][]byte{x.items[0]}, header, headerOf(t, x.items[9]))
	refuse("the name of the vault is kept back", "as if it were limited", x.out, [][]byte{x.items[9]}, header, headerOf(t, x.items[0]))
	refuse("the item before it was limited", "left items", x.out, [][]byte{x.items[0], x.plainly, x.items[9]})
	refuse("it is there twice", "twice", x.out, rest, header, header)
	for at := range header {
		if _, err := x.reads(x.out, rest, changed(header, at)); err == nil {
			t.Errorf("byte %d of the header was altered and nobody noticed", at)
		}
	}
	// An item for everybody is shown as limited: its header is another one than the list says.
	h, err := envelope.ParseHeader(headerOf(t, x.items[9]))
	must(t, err)
	h.Field = "limited:41,42"
	made, err := h.Encode()
	must(t, err)
	refuse("a made up limitation", "left items", x.out, [][]byte{x.items[0]}, header, made)
	// A recipient more: those who were chosen notice it.
	e, err := envelope.Parse(x.items[7])
	must(t, err)
	key := make([]byte, envelope.KeySize)
	r, err := x.out.Statement.Encryption.Wrap(e.HeaderBytes(), key)
	must(t, err)
	if more, err := e.WithRecipient(r); err == nil {
		refuse("a recipient in the place of another", "", x.in, [][]byte{x.items[0], more, x.items[9]})
	}
	for at := len(header) + 6; at < len(header)+6+2500; at += 31 {
		if _, err := x.reads(x.in, [][]byte{x.items[0], changed(x.items[7], at), x.items[9]}); err == nil {
			t.Errorf("byte %d of the recipients was altered and nobody noticed", at)
		}
	}
	x.changes(t, header)
	x.bounds(t)
}

// changes: whom an item is for changes with a new key, and with a new epoch.
func (x *team) changes(t *testing.T, before []byte) {
	was := x.items[7]
	v, err := x.as(x.me, x.grant, x.members...)
	must(t, err)
	x.limit(x.me, v, hostproof.Content{"title": "Router", "password": "of the other"}, x.me, x.out)
	if got, err := x.reads(x.out, [][]byte{x.items[0], x.items[7], x.items[9]}); err != nil || got[7]["password"] != "of the other" {
		t.Errorf("who was taken in reads %v, %v", got, err)
	}
	header := headerOf(t, x.items[7])
	if _, err := x.reads(x.in, [][]byte{x.items[0], x.items[9]}, header); err != nil {
		t.Error(err)
	}
	_, err = x.reads(x.in, [][]byte{x.items[0], x.items[9], was})
	wants(t, "yesterday's item, to who was left out", err, "left items")
	a, err := envelope.ParseHeader(before)
	must(t, err)
	b, err := envelope.ParseHeader(header)
	must(t, err)
	if a.Commitment == b.Commitment {
		t.Error("the item has the same key as before")
	}
	next, err := x.me.NextEpoch(v)
	must(t, err)
	last := x.leaves[7]
	_, leaf, err := x.me.SealFor(next, 7, &last, hostproof.Content{"title": "Router"}, statements([]*person{x.me}), now)
	must(t, err)
	if !slices.Equal(leaf.For, []int64{ines}) {
		t.Errorf("it is for %v", leaf.For)
	}
	old, err := x.as(x.in, x.grants[x.in], x.members...)
	must(t, err)
	_, err = old.Withheld(headerOf(t, x.sealedFor(next)))
	wants(t, "a header of another epoch", err, "not in use")
}

func (x *team) sealedFor(v *hostproof.Vault) []byte {
	sealed, _, err := x.me.SealFor(v, 8, nil, hostproof.Content{"title": "x"}, statements([]*person{x.me}), now)
	must(x.t, err)
	return sealed
}

// bounds: nobody limits an item without its owner, without herself, to too many, or the
// name of a vault.
func (x *team) bounds(t *testing.T) {
	many := []*person{x.me, x.in}
	for i := range int64(hostproof.MostLimited) {
		many = append(many, bare(t, 100+i))
	}
	for name, c := range map[string]struct {
		to   []*person
		item int64
		want string
	}{
		"without the owner": {[]*person{x.in, x.out}, 9, "The owner of the vault"},
		"without oneself":   {[]*person{x.me, x.out}, 9, "The owner of the vault"},
		"to nobody":         {nil, 9, "at most 14"},
		"to one twice":      {[]*person{x.me, x.in, x.in}, 9, "at most 14"},
		"to too many":       {many, 9, "at most 14"},
		"the vault's name":  {[]*person{x.me, x.in}, 0, "at most 14"},
	} {
		last := x.leaves[c.item]
		_, _, err := x.in.SealFor(x.writer, c.item, &last, hostproof.Content{"title": "x"}, statements(c.to), now)
		wants(t, name, err, c.want)
	}
}

// limitedVector is a vault with a limited item as a server sends it to two members.
type limitedVector struct {
	Made       string            `json:"made_by"`
	Tenant     string            `json:"tenant"`
	Passphrase string            `json:"passphrase"`
	Vault      int64             `json:"vault"`
	Owner      string            `json:"owner"` // the statement, in hex, like all that follows
	Members    []limitedMember   `json:"members"`
	Manifest   string            `json:"manifest"`
	Items      []string          `json:"items"`   // in their order: about, the limited one, one for everybody
	Content    hostproof.Content `json:"content"` // of the limited one
}

// limitedMember is somebody who has access: the first is the owner, the second one whom
// the item is for, the third another.
type limitedMember struct {
	User      int64  `json:"user"`
	Statement string `json:"statement"`
	Lock      string `json:"lock"`
	Grant     string `json:"grant"`
}

// TestLimitedVectors opens limited items of both implementations.
func TestLimitedVectors(t *testing.T) {
	dir := filepath.Join("testdata", "limited")
	if *newVectors {
		x := newTeam(t, someone)
		v := limitedVector{Made: "Go", Tenant: tenant, Passphrase: passphrase, Vault: vaultN, Owner: hex.EncodeToString(x.me.Statement.Marshal()), Manifest: hex.EncodeToString(x.manifest.Marshal()), Content: hostproof.Content{"title": "Router", "password": "of two"}}
		for _, p := range []*person{x.me, x.in, x.out} {
			v.Members = append(v.Members, limitedMember{p.Statement.User, hex.EncodeToString(p.Statement.Marshal()), hex.EncodeToString(p.lock), hex.EncodeToString(x.grants[p].Marshal())})
		}
		for _, i := range []int64{0, 7, 9} {
			v.Items = append(v.Items, hex.EncodeToString(x.items[i]))
		}
		b, err := json.MarshalIndent(v, "", "\t")
		must(t, err)
		must(t, os.MkdirAll(dir, 0o700))
		must(t, os.WriteFile(filepath.Join(dir, "go.json"), append(b, '\n'), 0o600))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	must(t, err)
	if len(files) < 2 {
		t.Errorf("there are %d vectors", len(files))
	}
	for _, f := range files {
		text, err := os.ReadFile(f) //nolint:gosec // a file of this folder
		must(t, err)
		var v limitedVector
		must(t, json.Unmarshal(text, &v))
		v.check(t)
	}
}

func (v *limitedVector) check(t *testing.T) {
	t.Helper()
	raw := func(s string) []byte {
		b, err := hex.DecodeString(s)
		must(t, err)
		return b
	}
	owner, err := hostproof.ParseStatement(raw(v.Owner))
	must(t, err)
	var members []hostproof.Member
	for _, m := range v.Members {
		s, err := hostproof.ParseStatement(raw(m.Statement))
		must(t, err)
		g, err := hostproof.ParseGrant(raw(m.Grant))
		must(t, err)
		members = append(members, hostproof.Member{Statement: s, Grant: g})
	}
	manifest, err := hostproof.ParseManifest(raw(v.Manifest))
	must(t, err)
	writers, err := hostproof.Writers(v.Vault, manifest.Epoch, owner, members)
	must(t, err)
	for i := 1; i < 3; i++ {
		m := v.Members[i]
		k, err := hostproof.Unlock(v.Tenant, m.User, members[i].Statement, raw(m.Lock), v.Passphrase)
		must(t, err)
		opened, err := k.OpenVault(members[i].Grant, v.Vault, owner, writers, manifest.Time)
		must(t, err)
		var leaves []hostproof.Leaf
		for n, text := range v.Items {
			if n == 1 && i == 2 {
				leaf, err := opened.Withheld(headerOf(t, raw(text)))
				must(t, err)
				leaves = append(leaves, leaf)
				continue
			}
			c, leaf, err := opened.Open(raw(text))
			must(t, err)
			if n == 1 && (c["title"] != v.Content["title"] || c["password"] != v.Content["password"] || len(leaf.For) != 2) {
				t.Errorf("%s: it is %v, for %v", v.Made, c, leaf.For)
			}
			leaves = append(leaves, leaf)
		}
		_, err = opened.Check(manifest, leaves, hostproof.Memory{})
		must(t, err)
	}
}
