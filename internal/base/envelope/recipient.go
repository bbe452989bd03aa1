package envelope

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"log/slog"

	"strongroom/internal/base/fault"
)

// Types of recipients.
const (
	RecipientRSA       uint16 = 0x11 // RSA-OAEP-SHA-256, label = wrap context
	RecipientHybrid    uint16 = 0x12 // P-256 ECDH and ML-KEM-768, HKDF-SHA-384
	RecipientSymmetric uint16 = 0x21 // AES-256-GCM under a symmetric key
)

// Recipient is one key that the data key is wrapped to, as stored.
type Recipient struct {
	Type       uint16
	KeyID      KeyID
	Generation uint32
	Wrapped    []byte // length by type: modulus, 1213, 60
}

const (
	hybridSize    = pointSize + mlkem.CiphertextSize768 + KeySize + gcmSpare // 1213
	symmetricSize = KeySize + gcmSpare
	maxRSASize    = 512
)

// WrapContext binds a wrapped data key to its header and recipient: SHA-256
// over the length-prefixed parts "strongroom/wrap/1", header, type, key id and
// generation.
func WrapContext(header []byte, recipient uint16, id KeyID, generation uint32) [32]byte {
	return sha256.Sum256(prefixed([]byte("strongroom/wrap/1"), header,
		binary.BigEndian.AppendUint16(nil, recipient), id[:], binary.BigEndian.AppendUint32(nil, generation)))
}

// WrapKey is a key that data keys can be wrapped to: a PublicKey or a
// SymmetricKey.
type WrapKey interface {
	// Wrap wraps dataKey (32 bytes) for this key, bound to header.
	Wrap(header, dataKey []byte) (Recipient, error)
}

// Wrap wraps dataKey (32 bytes) to p, bound to header.
func (p PublicKey) Wrap(header, dataKey []byte) (Recipient, error) {
	return p.wrap(header, dataKey, func(dataKey, ctx []byte) ([]byte, error) {
		if p.Suite != Hybrid {
			return rsa.EncryptOAEP(sha256.New(), rand.Reader, p.rsa, dataKey, ctx)
		}
		a, err := p.Agree()
		if err != nil {
			return nil, err
		}
		return a.seal(dataKey, ctx)
	})
}

func (p PublicKey) wrap(header, dataKey []byte, seal func(dataKey, ctx []byte) ([]byte, error)) (Recipient, error) {
	r := Recipient{Type: p.Suite.recipient(), KeyID: p.ID, Generation: p.Generation}
	if len(dataKey) != KeySize || p.raw == nil {
		return r, fault.New(fault.Internal, "An encryption key has the wrong length.")
	}
	ctx := WrapContext(header, r.Type, r.KeyID, r.Generation)
	var err error
	if r.Wrapped, err = seal(dataKey, ctx[:]); err != nil {
		return r, fault.Wrap(err, fault.Internal, "A key could not be wrapped.")
	}
	return r, nil
}

// hybridKey derives the key-encryption key from both secrets; sent is the
// sender's point and the KEM ciphertext, public the recipient's point and
// encapsulation key.
func hybridKey(classic, quantum, sent, public, ctx []byte) ([]byte, error) {
	secret := append(append(make([]byte, 0, 64), classic...), quantum...)
	defer clear(secret)
	info := prefixed([]byte("strongroom/kem/1"), []byte{0x00, 0x12},
		sent[:pointSize], sent[pointSize:], public[:pointSize], public[pointSize:], ctx)
	return hkdf.Key(sha512.New384, secret, nil, string(info), KeySize)
}

// Unwrap gives the data key (32 bytes) that r holds for priv, if r was made
// for exactly these header bytes. The caller clears it after use.
func Unwrap(priv PrivateKey, r Recipient, header []byte) ([]byte, error) {
	p := priv.Public
	if p.raw == nil || r.Type != p.Suite.recipient() || r.KeyID != p.ID || r.Generation != p.Generation {
		return nil, altered(nil, "secret")
	}
	ctx := WrapContext(header, r.Type, r.KeyID, r.Generation)
	var key []byte
	var err error
	if p.Suite == Hybrid {
		key, err = priv.unwrapHybrid(r.Wrapped, ctx[:])
	} else {
		key, err = rsa.DecryptOAEP(sha256.New(), nil, priv.rsa, r.Wrapped, ctx[:])
	}
	if err != nil || len(key) != KeySize {
		return nil, altered(err, "secret")
	}
	return key, nil
}

func (k PrivateKey) unwrapHybrid(wrapped, ctx []byte) ([]byte, error) {
	if len(wrapped) != hybridSize {
		return nil, malformed("A wrapped key has a wrong length.")
	}
	sent := wrapped[:pointSize+mlkem.CiphertextSize768]
	point, err := ecdh.P256().NewPublicKey(sent[:pointSize])
	if err != nil {
		return nil, err
	}
	classic, err := k.scalar.ECDH(point)
	if err != nil {
		return nil, err
	}
	quantum, err := k.kem.Decapsulate(sent[pointSize:])
	if err != nil {
		return nil, err
	}
	kek, err := hybridKey(classic, quantum, sent, k.Public.raw, ctx)
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	g, err := aead(kek)
	if err != nil {
		return nil, err
	}
	return g.Open(nil, nil, wrapped[len(sent):], ctx)
}

// SymmetricKey wraps data keys under a 32-byte key, such as the key of a
// vault. It refuses to print.
type SymmetricKey struct {
	ID         KeyID
	Generation uint32
	Key        [KeySize]byte
}

func (SymmetricKey) String() string               { return redacted }
func (SymmetricKey) GoString() string             { return redacted }
func (SymmetricKey) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (SymmetricKey) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Wrap wraps dataKey (32 bytes), bound to header.
func (s SymmetricKey) Wrap(header, dataKey []byte) (Recipient, error) {
	r := Recipient{Type: RecipientSymmetric, KeyID: s.ID, Generation: s.Generation}
	if len(dataKey) != KeySize {
		return r, fault.New(fault.Internal, "An encryption key has the wrong length.")
	}
	ctx := WrapContext(header, r.Type, r.KeyID, r.Generation)
	g, err := aead(s.Key[:])
	if err != nil {
		return r, err
	}
	r.Wrapped = g.Seal(nil, nil, dataKey, ctx[:])
	return r, nil
}

// Unwrap gives the data key that r holds for s, if r was made for exactly
// these header bytes.
func (s SymmetricKey) Unwrap(r Recipient, header []byte) ([]byte, error) {
	if r.Type != RecipientSymmetric || r.KeyID != s.ID || r.Generation != s.Generation || len(r.Wrapped) != symmetricSize {
		return nil, altered(nil, "secret")
	}
	ctx := WrapContext(header, r.Type, r.KeyID, r.Generation)
	g, err := aead(s.Key[:])
	if err != nil {
		return nil, err
	}
	key, err := g.Open(nil, nil, r.Wrapped, ctx[:])
	if err != nil {
		return nil, altered(err, "secret")
	}
	return key, nil
}

// checkLength refuses recipients of unknown type and wrapped keys of
// impossible length.
func (r Recipient) checkLength() error {
	n, ok := len(r.Wrapped), false
	switch r.Type {
	case RecipientRSA:
		ok = n == 256 || n == 384 || n == maxRSASize
	case RecipientHybrid:
		ok = n == hybridSize
	case RecipientSymmetric:
		ok = n == symmetricSize
	default:
		return malformed("This secret has a recipient of the unknown type %#x.", r.Type)
	}
	if !ok {
		return malformed("A wrapped key has a wrong length.")
	}
	return nil
}
