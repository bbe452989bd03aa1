package envelope

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"strongroom/internal/base/fault"
)

// Types of signatures.
const (
	SignatureNone    uint16 = 0
	SignatureP256    uint16 = 1 // ECDSA P-256 with SHA-256, r and s of 32 bytes each, as WebCrypto gives it
	SignatureEd25519 uint16 = 2

	signatureSize = 64
)

// Signature is the author's, over the header, recipients and content; the
// zero value stands for none.
type Signature struct {
	Type  uint16
	KeyID KeyID
	Bytes []byte // 64
}

// Signature gives the signature; nobody has checked it.
func (e *Envelope) Signature() Signature { return e.signature }

func (c *cursor) signature() Signature {
	s := Signature{Type: c.u16()}
	if s.Type != SignatureNone {
		c.into(s.KeyID[:])
		s.Bytes = c.take(signatureSize)
	}
	return s
}

func (s Signature) check() error {
	if s.Type > SignatureEd25519 {
		return malformed("This secret has a signature of the unknown type %d.", s.Type)
	}
	return nil
}

// SignedBytes gives what a signature signs: the length-prefixed parts
// "strongroom/sig/1", header, SHA-256 of the recipients and SHA-256 of the
// content (nonce, ciphertext and tag).
func (e *Envelope) SignedBytes() []byte {
	recipients, content := sha256.Sum256(e.listed), sha256.Sum256(e.content)
	return prefixed([]byte("strongroom/sig/1"), e.stored, recipients[:], content[:])
}

// Sign gives sealed, which must be unsigned, with s at its end.
func Sign(sealed []byte, s Signature) ([]byte, error) {
	e, err := Parse(sealed)
	if err != nil {
		return nil, err
	}
	if e.signature.Type != SignatureNone || s.Type == SignatureNone || s.check() != nil || len(s.Bytes) != signatureSize {
		return nil, fault.New(fault.Internal, "This secret cannot take this signature.")
	}
	out := append([]byte(nil), sealed[:len(sealed)-2]...)
	out = binary.BigEndian.AppendUint16(out, s.Type)
	return append(append(out, s.KeyID[:]...), s.Bytes...), nil
}

// VerifySignature checks the author's signature with a raw public key: an
// uncompressed P-256 point (65 bytes) or an Ed25519 key (32 bytes).
func (e *Envelope) VerifySignature(public []byte) error {
	ok := false
	switch {
	case e.signature.Type == SignatureP256 && len(public) == pointSize:
		k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
		if err != nil {
			return malformed("This signing key is not valid.")
		}
		sum := sha256.Sum256(e.SignedBytes())
		r, s := new(big.Int).SetBytes(e.signature.Bytes[:32]), new(big.Int).SetBytes(e.signature.Bytes[32:])
		ok = ecdsa.Verify(k, sum[:], r, s)
	case e.signature.Type == SignatureEd25519 && len(public) == ed25519.PublicKeySize:
		ok = ed25519.Verify(public, e.SignedBytes(), e.signature.Bytes)
	}
	if !ok {
		return fault.New(fault.Denied, "This secret is not signed by this author.").WithHint("Restore it from a backup and tell your administrator.")
	}
	return nil
}
