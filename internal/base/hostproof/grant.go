package hostproof

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// Role says what a grant lets somebody do.
type Role uint8

// The roles of a grant.
const (
	Reader Role = 1 // opens items
	Writer Role = 2 // and writes them
	Owner  Role = 3 // and grants
)

const (
	grantMagic   = "SRG1"
	grantVersion = 2
)

// Grant gives somebody the key of a vault's epoch: wrapped to her keys and signed
// by who gives it.
type Grant struct {
	Tenant     string
	Vault      int64
	Epoch      uint64 // from 1
	Grantee    int64
	Key        envelope.KeyID // of the grantee, to which the vault key is wrapped
	Generation uint32         // of that key
	Role       Role
	Granter    int64
	Time       int64    // Unix milliseconds
	Expiry     int64    // Unix milliseconds; 0 is never
	Commitment [32]byte // of the vault key: a grant opens to this key or not at all

	// Fingerprint is that of the grantee's keys: with her encryption key it binds the
	// one that she signs with. Grants of the first version have none, and are somebody's
	// to herself.
	Fingerprint [16]byte

	version   uint16
	body      []byte
	wrapped   []byte
	signature envelope.Signature
}

const wrappedSize = pointSize + 1088 + envelope.KeySize + envelope.BoxOverhead

// ParseGrant reads a stored grant and accepts only its one form. Nothing of it
// has been verified.
func ParseGrant(b []byte) (*Grant, error) {
	r := reader{b: b}
	g := &Grant{body: r.framed(grantMagic)}
	g.wrapped = r.take(wrappedSize)
	g.signature = r.signature()
	in := reader{b: g.body}
	g.version = in.u16()
	g.Tenant, g.Vault, g.Epoch, g.Grantee = in.text(), in.i64(), in.u64(), in.i64()
	kind := in.u16()
	in.into(g.Key[:])
	g.Generation, g.Role, g.Granter, g.Time, g.Expiry = in.u32(), Role(in.u8()), in.i64(), in.i64(), in.i64()
	in.into(g.Commitment[:])
	if g.version == grantVersion {
		in.into(g.Fingerprint[:])
	}
	if !r.done() || !in.done() || g.version < formatVersion || g.version > grantVersion || g.version == formatVersion && g.Granter != g.Grantee || kind != hybridType || g.Tenant == "" || g.Vault == 0 || g.Epoch == 0 || g.Epoch > 1<<31 ||
		g.Grantee == 0 || g.Granter == 0 || g.Role < Reader || g.Role > Owner {
		return nil, malformed("grant")
	}
	return g, nil
}

func (g *Grant) encode() []byte {
	var w writer
	w.u16(grantVersion)
	w.text(g.Tenant)
	w.i64(g.Vault)
	w.u64(g.Epoch)
	w.i64(g.Grantee)
	w.u16(hybridType)
	w.raw(g.Key[:])
	w.u32(g.Generation)
	w.u8(uint8(g.Role))
	w.i64(g.Granter)
	w.i64(g.Time)
	w.i64(g.Expiry)
	w.raw(g.Commitment[:])
	w.raw(g.Fingerprint[:])
	return w.b
}

func (g *Grant) message() []byte {
	wrapped := sha256.Sum256(g.wrapped)
	return joined([]byte("strongroom/grant/1"), g.body, wrapped[:])
}

// Marshal gives the stored form.
func (g *Grant) Marshal() []byte {
	w := writer{b: framed(grantMagic, g.body)}
	w.raw(g.wrapped)
	w.signature(g.signature)
	return w.b
}

// Verify checks that a grant is of this vault and person, made by the granter
// with the signing key of her statement, and wrapped to a key of the grantee's.
// now is in Unix milliseconds.
func (g *Grant) Verify(vault int64, grantee, granter *Statement, now int64) error {
	switch {
	case g.Tenant != grantee.Tenant || g.Tenant != granter.Tenant || g.Vault != vault || g.Grantee != grantee.User || g.Granter != granter.User:
		return alarm("The server sent a grant of another vault or person.")
	case g.Key != grantee.Encryption.ID || g.Generation != grantee.Generation || g.version == grantVersion && g.Fingerprint != grantee.Fingerprint():
		return alarm("The server sent a grant for keys that are not known.")
	case !verified(g.signature, granter.Signing, g.message()):
		return alarm("The server sent a grant that nobody signed who may.")
	case g.Ended(now):
		return fault.New(fault.Denied, "This access to the vault has ended.").WithHint("Ask its owner.")
	}
	return nil
}

// Ended tells whether a grant has an end that has come. now is in Unix milliseconds.
func (g *Grant) Ended(now int64) bool { return g.Expiry != 0 && now >= g.Expiry }

func commitmentOf(key []byte) (c [32]byte) {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("strongroom/vault/commit/1"))
	m.Sum(c[:0])
	return c
}

// vaultKey is the key of an epoch in the form that items are wrapped with: its id
// is the first 16 bytes of SHA-256 over the length-prefixed parts
// "strongroom/vaultkey/1", vault, epoch and commitment.
func vaultKey(vault int64, epoch uint64, key []byte) envelope.SymmetricKey {
	c := commitmentOf(key)
	sum := sha256.Sum256(joined([]byte("strongroom/vaultkey/1"), number64(uint64(vault)), number64(epoch), c[:]))
	k := envelope.SymmetricKey{Generation: uint32(epoch)}
	copy(k.ID[:], sum[:])
	copy(k.Key[:], key)
	return k
}

// NewVault makes a vault with a fresh key for its first epoch and the owner's
// grant to herself.
func (k *Keyset) NewVault(vault, now int64) (*Vault, *Grant, error) {
	key := make([]byte, envelope.KeySize)
	rand.Read(key)
	defer clear(key)
	v := &Vault{Tenant: k.Statement.Tenant, ID: vault, Epoch: 1, Role: Owner, key: vaultKey(vault, 1, key), writers: map[int64][]byte{k.Statement.User: k.Statement.Signing}, me: k.Statement.User, owner: k.Statement.User, private: k.private}
	g, err := k.Grant(v, k.Statement, Owner, 0, now)
	return v, g, err
}

// Grant gives somebody the key of a vault. The statement must be one that was
// verified and whose fingerprint was compared: its key is the one that is used.
func (k *Keyset) Grant(v *Vault, to *Statement, role Role, expiry, now int64) (*Grant, error) {
	if v.Role != Owner {
		return nil, fault.New(fault.Denied, "Only the owner of a vault gives access to it.")
	}
	g := &Grant{Tenant: v.Tenant, Vault: v.ID, Epoch: v.Epoch, Grantee: to.User, Key: to.Encryption.ID, Generation: to.Generation, Role: role,
		Granter: k.Statement.User, Time: now, Expiry: expiry, Commitment: commitmentOf(v.key.Key[:]), Fingerprint: to.Fingerprint(), version: grantVersion}
	g.body = g.encode()
	r, err := to.Encryption.Wrap(g.body, v.key.Key[:])
	if err != nil {
		return nil, err
	}
	g.wrapped = r.Wrapped
	g.signature, err = k.signer.Sign(g.message())
	return g, err
}

// Member is somebody who has a grant for a vault, with her statement.
type Member struct {
	Statement *Statement
	Grant     *Grant
}

// Writers gives the statements of those who may write in a vault's epoch: its
// owner, and everybody whose grant by the owner says so and names the very keys
// of her statement. owner must be known to be hers; the others need not be, for
// the owner's signature vouches for them.
func Writers(vault int64, epoch uint64, owner *Statement, members []Member) ([]*Statement, error) {
	out := []*Statement{owner}
	for _, m := range members {
		if err := m.Statement.Verify(owner.Tenant, m.Grant.Grantee); err != nil {
			return nil, err
		}
		if err := m.Grant.Verify(vault, m.Statement, owner, 0); err != nil {
			return nil, err
		}
		if m.Grant.Epoch != epoch {
			return nil, alarm("The server sent a grant under a key that is not in use.")
		}
		if m.Grant.Role >= Writer && m.Grant.Grantee != owner.User {
			out = append(out, m.Statement)
		}
	}
	return out, nil
}

// NextEpoch gives a vault a fresh key, which nobody has yet: grants under it go to
// those who keep their access, and every item is sealed anew.
func (k *Keyset) NextEpoch(v *Vault) (*Vault, error) {
	if v.Role != Owner {
		return nil, fault.New(fault.Denied, "Only the owner of a vault changes its keys.")
	}
	key := make([]byte, envelope.KeySize)
	rand.Read(key)
	defer clear(key)
	return &Vault{Tenant: v.Tenant, ID: v.ID, Epoch: v.Epoch + 1, Role: Owner, key: vaultKey(v.ID, v.Epoch+1, key), writers: map[int64][]byte{k.Statement.User: k.Statement.Signing}, me: k.Statement.User, owner: k.Statement.User, private: k.private}, nil
}

// OpenVault opens a vault with a grant that the granter gave to the owner of this
// keyset. writers are the verified statements of everybody who may write.
func (k *Keyset) OpenVault(g *Grant, vault int64, granter *Statement, writers []*Statement, now int64) (*Vault, error) {
	if err := g.Verify(vault, k.Statement, granter, now); err != nil {
		return nil, err
	}
	key, err := envelope.Unwrap(k.private, envelope.Recipient{Type: hybridType, KeyID: g.Key, Generation: g.Generation, Wrapped: g.wrapped}, g.body)
	if err != nil {
		return nil, alarm("The server sent a grant that does not open with your keys.")
	}
	defer clear(key)
	if commitmentOf(key) != g.Commitment {
		return nil, alarm("The server sent a grant with another key than it states.")
	}
	v := &Vault{Tenant: g.Tenant, ID: vault, Epoch: g.Epoch, Role: g.Role, key: vaultKey(vault, g.Epoch, key), writers: map[int64][]byte{},
		me: k.Statement.User, owner: granter.User, private: k.private}
	for _, s := range writers {
		v.writers[s.User] = s.Signing
	}
	return v, nil
}
