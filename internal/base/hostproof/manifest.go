package hostproof

import (
	"crypto/sha256"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

const manifestMagic = "SRM1"

// Manifest says what is in a vault, signed at each write by who wrote.
type Manifest struct {
	Tenant   string
	Vault    int64
	Epoch    uint64
	Counter  uint64 // of writes, from 1
	Time     int64  // Unix milliseconds
	Author   int64
	Previous [32]byte // Hash of the manifest before; zeros for the first
	Items    uint32   // how many leaves the tree has
	Root     [32]byte // see Root

	body      []byte
	signature envelope.Signature
}

// ParseManifest reads a stored manifest and accepts only its one form. Nothing of
// it has been verified.
func ParseManifest(b []byte) (*Manifest, error) {
	r := reader{b: b}
	m := &Manifest{body: r.framed(manifestMagic)}
	m.signature = r.signature()
	in := reader{b: m.body}
	version := in.u16()
	m.Tenant, m.Vault, m.Epoch, m.Counter, m.Time, m.Author = in.text(), in.i64(), in.u64(), in.u64(), in.i64(), in.i64()
	in.into(m.Previous[:])
	m.Items = in.u32()
	in.into(m.Root[:])
	if !r.done() || !in.done() || version != formatVersion || m.Tenant == "" || m.Vault == 0 || m.Epoch == 0 || m.Counter == 0 || m.Counter > 1<<53 ||
		m.Author == 0 || m.Items > MostItems+1 || (m.Counter == 1) != (m.Previous == [32]byte{}) {
		return nil, malformed("manifest")
	}
	return m, nil
}

func (m *Manifest) encode() []byte {
	var w writer
	w.u16(formatVersion)
	w.text(m.Tenant)
	w.i64(m.Vault)
	w.u64(m.Epoch)
	w.u64(m.Counter)
	w.i64(m.Time)
	w.i64(m.Author)
	w.raw(m.Previous[:])
	w.u32(m.Items)
	w.raw(m.Root[:])
	return w.b
}

func (m *Manifest) message() []byte { return joined([]byte("strongroom/manifest/1"), m.body) }

// Marshal gives the stored form.
func (m *Manifest) Marshal() []byte {
	w := writer{b: framed(manifestMagic, m.body)}
	w.signature(m.signature)
	return w.b
}

// Hash is SHA-256 over the length-prefixed parts "strongroom/manifest/hash/1" and
// the body: what the next manifest names and a client remembers.
func (m *Manifest) Hash() [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/manifest/hash/1"), m.body))
}

// SignedBy tells whether the owner of this signing key, an uncompressed P-256
// point, signed the manifest.
func (m *Manifest) SignedBy(public []byte) bool { return verified(m.signature, public, m.message()) }

// Manifest states what is in a vault after a write; last is the manifest before,
// nil for the first.
func (k *Keyset) Manifest(v *Vault, last *Manifest, leaves []Leaf, now int64) (*Manifest, error) {
	if v.Role < Writer {
		return nil, fault.New(fault.Denied, "You may read this vault and not write in it.")
	}
	if len(leaves) > MostItems+1 {
		return nil, fault.New(fault.Invalid, "A vault holds at most %d items.", MostItems)
	}
	root, err := Root(leaves)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Tenant: v.Tenant, Vault: v.ID, Epoch: v.Epoch, Counter: 1, Time: now, Author: k.Statement.User, Items: uint32(len(leaves)), Root: root}
	if last != nil {
		m.Counter, m.Previous = last.Counter+1, last.Hash()
	}
	m.body = m.encode()
	m.signature, err = k.signer.Sign(m.message())
	return m, err
}

// LastManifest states that the owner ended a vault: nothing is in it, not even what
// says its name, and nothing follows.
func (k *Keyset) LastManifest(v *Vault, last *Manifest, now int64) (*Manifest, error) {
	if v.Role != Owner || last == nil {
		return nil, fault.New(fault.Denied, "Only the owner of a vault deletes it.")
	}
	return k.Manifest(v, last, nil, now)
}

// Last tells whether a manifest is the last of its vault.
func (m *Manifest) Last() bool { return m.Items == 0 && m.Root == sha256.Sum256(nil) }

// CheckLast verifies that a manifest ends a vault of the owner of a statement, and
// follows what is remembered of it. It gives what is to be remembered, so that an
// earlier state is never taken for the vault again.
func CheckLast(m *Manifest, owner *Statement, vault int64, seen Memory) (Memory, error) {
	switch {
	case !m.Last() || m.Tenant != owner.Tenant || m.Vault != vault || m.Author != owner.User || !m.SignedBy(owner.Signing):
		return seen, alarm("The server says that a vault was deleted, and its owner did not sign that.")
	case m.Counter < seen.Counter, m.Epoch < seen.Epoch, m.Counter == seen.Counter && m.Hash() != seen.Hash, m.Counter == seen.Counter+1 && m.Previous != seen.Hash:
		return seen, alarm("The server says that a vault was deleted in another history than the one seen here before.")
	}
	return Memory{m.Epoch, m.Counter, m.Hash()}, nil
}

// Memory is what a client keeps of a vault, so that it notices when it is shown
// an older one. The zero value remembers nothing.
type Memory struct {
	Epoch   uint64
	Counter uint64
	Hash    [32]byte // of the manifest with that counter
}

// Check verifies a manifest against what the server sent with it and against
// what is remembered, and gives what is to be remembered from now on.
func (v *Vault) Check(m *Manifest, leaves []Leaf, seen Memory) (Memory, error) {
	public := v.writers[m.Author]
	switch {
	case m.Tenant != v.Tenant || m.Vault != v.ID:
		return seen, alarm("The server sent the list of another vault.")
	case m.Epoch != v.Epoch:
		return seen, alarm("The server sent a list under a key that is not in use.")
	case public == nil || !m.SignedBy(public):
		return seen, alarm("The server sent a list that nobody signed who may write in this vault.")
	case m.Counter < seen.Counter || m.Epoch < seen.Epoch:
		return seen, alarm("The server sent an older state of this vault than the one seen here before.")
	case m.Counter == seen.Counter && m.Hash() != seen.Hash, m.Counter == seen.Counter+1 && m.Previous != seen.Hash:
		return seen, alarm("The server sent another history of this vault than the one seen here before.")
	}
	root, err := Root(leaves)
	if err != nil {
		return seen, err
	}
	if int(m.Items) != len(leaves) || root != m.Root {
		return seen, alarm("The server left items of this vault out, added some, or sent old versions of them.")
	}
	return Memory{m.Epoch, m.Counter, m.Hash()}, nil
}
