package hostproof

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"slices"
	"unicode/utf8"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
)

// The words by which an item's envelope names what it is. The item with the
// number 0 is about the vault itself: its title.
const (
	Kind       = "vault_item"
	FieldItem  = "item"
	FieldAbout = "about"
)

// The limits of a vault.
const (
	MostItems   = 10_000
	MostContent = 64 << 10 // bytes of one item's content
)

// Content is what stands in an item: names and values. Known are title, username,
// password, url and notes; others are kept as they are.
type Content map[string]string

// Encode gives the JSON object that is encrypted.
func (c Content) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]string(c)); err != nil {
		return nil, err
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(out) > MostContent {
		return nil, fault.New(fault.Invalid, "An item holds at most %d bytes.", MostContent)
	}
	return out, nil
}

// ParseContent reads what Encode made: one JSON object whose values are texts.
func ParseContent(b []byte) (Content, error) {
	var c Content
	if len(b) > MostContent || !utf8.Valid(b) || json.Unmarshal(b, &c) != nil || c == nil {
		return nil, malformed("item")
	}
	return c, nil
}

// Leaf is what a manifest says of one item.
type Leaf struct {
	Item    int64 // 0 for what is about the vault
	Version uint32
	Header  [32]byte // SHA-256 of the header of its envelope

	For []int64 // the members whom it is for, ascending; nobody is everybody in the vault
}

// Root gives the root of the RFC 6962 tree over items, in the order of their
// numbers; a leaf's data is item (8), version (4) and header hash (32). Two
// leaves of one item have no root.
func Root(leaves []Leaf) (merkle.Hash, error) {
	list := slices.Clone(leaves)
	slices.SortFunc(list, func(a, b Leaf) int {
		if a.Item < b.Item {
			return -1
		}
		return 1
	})
	var f merkle.Frontier
	for i, l := range list {
		if i > 0 && l.Item == list[i-1].Item {
			return merkle.Hash{}, alarm("The server sent one item of a vault twice.")
		}
		data := binary.BigEndian.AppendUint32(number64(uint64(l.Item)), l.Version)
		f.Append(merkle.LeafHash(append(data, l.Header[:]...)))
	}
	return f.Root(), nil
}

// Vault is an opened vault: its key and who may write in it. It refuses to print.
type Vault struct {
	Tenant string
	ID     int64
	Epoch  uint64
	Role   Role

	key     envelope.SymmetricKey
	writers map[int64][]byte // signing keys by user

	me, owner int64
	private   envelope.PrivateKey // of who opened it, for items that are limited
}

func (*Vault) String() string               { return redacted }
func (*Vault) GoString() string             { return redacted }
func (*Vault) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (*Vault) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Seal seals a version of an item; last is the leaf of the version before, nil
// for a new item.
func (k *Keyset) Seal(v *Vault, item int64, last *Leaf, c Content, now int64) ([]byte, Leaf, error) {
	return k.sealItem(v, item, last, c, fieldFor(item, nil), []envelope.WrapKey{v.key}, now)
}

func (k *Keyset) sealItem(v *Vault, item int64, last *Leaf, c Content, field string, to []envelope.WrapKey, now int64) ([]byte, Leaf, error) {
	plain, err := c.Encode()
	if err != nil {
		return nil, Leaf{}, err
	}
	defer clear(plain)
	if v.Role < Writer {
		return nil, Leaf{}, fault.New(fault.Denied, "You may read this vault and not write in it.")
	}
	h := envelope.Header{Class: envelope.ClassHostProof, Tenant: v.Tenant, Kind: Kind, Container: v.ID, Object: item, Field: field,
		Version: 1, AccessEpoch: v.Epoch, Time: now, Author: k.Statement.User}
	if last != nil {
		h.Version, h.Previous = last.Version+1, last.Header
	}
	sealed, hash, err := envelope.SealWith(h, to, plain)
	if err != nil {
		return nil, Leaf{}, err
	}
	e, err := envelope.Parse(sealed)
	if err != nil {
		return nil, Leaf{}, err
	}
	sig, err := k.signer.Sign(e.SignedBytes())
	if err != nil {
		return nil, Leaf{}, err
	}
	sealed, err = envelope.Sign(sealed, sig)
	users, _ := audience(item, field)
	return sealed, Leaf{item, h.Version, hash, users}, err
}

// ParseItem reads an item's envelope and checks what everybody can without a
// key: that it is an item of this vault.
func ParseItem(tenant string, vault int64, sealed []byte) (*envelope.Envelope, Leaf, error) {
	e, err := envelope.Parse(sealed)
	if err != nil {
		return nil, Leaf{}, err
	}
	h := e.Header()
	to, ok := audience(h.Object, h.Field)
	switch {
	case h.Class != envelope.ClassHostProof || h.Suite != envelope.SuiteSingle:
		return nil, Leaf{}, alarm("The server sent something that was not sealed for a vault.")
	case h.Tenant != tenant || h.Kind != Kind || h.Container != vault || !ok:
		return nil, Leaf{}, alarm("The server sent an item of another vault.")
	case !recipientsFit(e.Recipients(), to) || e.Signature().Type != envelope.SignatureP256:
		return nil, Leaf{}, alarm("The server sent an item in a form that vaults do not use.")
	case h.Version == 0 || (h.Version == 1) != (h.Previous == [32]byte{}):
		return nil, Leaf{}, malformed("item")
	}
	return e, Leaf{h.Object, h.Version, e.HeaderHash(), to}, nil
}

// recipientsFit tells whether an item is wrapped to the vault's key, or to each of those
// whom it is for.
func recipientsFit(list []envelope.Recipient, to []int64) bool {
	want := uint16(envelope.RecipientSymmetric)
	if len(to) > 0 {
		want = envelope.RecipientHybrid
	}
	return len(list) == max(1, len(to)) && !slices.ContainsFunc(list, func(r envelope.Recipient) bool { return r.Type != want })
}

// Open opens an item: it is of this vault and epoch, signed by somebody who may
// write in it, and sealed under its key.
func (v *Vault) Open(sealed []byte) (Content, Leaf, error) {
	e, leaf, err := ParseItem(v.Tenant, v.ID, sealed)
	if err != nil {
		return nil, leaf, err
	}
	h := e.Header()
	public := v.writers[h.Author]
	switch {
	case h.AccessEpoch != v.Epoch:
		return nil, leaf, alarm("The server sent an item under a key that is not in use.")
	case public == nil || e.Signature().KeyID != SignerID(public) || e.VerifySignature(public) != nil:
		return nil, leaf, alarm("The server sent an item that nobody signed who may write in this vault.")
	}
	mine, err := v.forMe(h, leaf.For)
	if err != nil {
		return nil, leaf, err
	}
	if !mine {
		return nil, leaf, alarm("The server sent an item that is limited to others.")
	}
	dataKey, err := v.dataKey(e, leaf.For)
	if err != nil {
		return nil, leaf, alarm("The server sent an item that the key of this vault does not open.")
	}
	defer clear(dataKey)
	plain, err := e.Open(dataKey)
	if err != nil {
		return nil, leaf, alarm("The server sent an item that was altered.")
	}
	defer clear(plain)
	c, err := ParseContent(plain)
	return c, leaf, err
}
