package hostproof

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"math/big"

	"strongroom/internal/base/envelope"
)

const (
	pointSize  = 65
	scalarSize = 32
	redacted   = "[redacted]"
)

// Signer makes signatures: ECDSA P-256 with SHA-256. It refuses to print.
type Signer struct {
	key *ecdsa.PrivateKey
	pub []byte // uncompressed point
}

// NewSigner makes a signing key.
func NewSigner() (*Signer, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return signerOf(k)
}

func parseSigner(scalar []byte) (*Signer, error) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return nil, malformed("signing key")
	}
	return signerOf(k)
}

func signerOf(k *ecdsa.PrivateKey) (*Signer, error) {
	pub, err := k.PublicKey.Bytes()
	return &Signer{k, pub}, err
}

func (*Signer) String() string               { return redacted }
func (*Signer) GoString() string             { return redacted }
func (*Signer) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (*Signer) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Public gives the key that verifies: an uncompressed P-256 point, 65 bytes.
func (s *Signer) Public() []byte { return s.pub }

// Sign signs a message that begins with a label.
func (s *Signer) Sign(message []byte) (envelope.Signature, error) {
	sum := sha256.Sum256(message)
	r, x, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return envelope.Signature{}, err
	}
	b := make([]byte, 64)
	r.FillBytes(b[:32])
	x.FillBytes(b[32:])
	return envelope.Signature{Type: envelope.SignatureP256, KeyID: SignerID(s.pub), Bytes: b}, nil
}

// SignerID is the first 16 bytes of SHA-256 over the length-prefixed parts
// "strongroom/signer/1", the type of signature and the public key.
func SignerID(public []byte) (id envelope.KeyID) {
	sum := sha256.Sum256(joined([]byte("strongroom/signer/1"), []byte{0, byte(envelope.SignatureP256)}, public))
	copy(id[:], sum[:])
	return id
}

// verified tells whether s is the signature of message by the owner of a key.
func verified(s envelope.Signature, public, message []byte) bool {
	if s.Type != envelope.SignatureP256 || len(s.Bytes) != 64 || s.KeyID != SignerID(public) {
		return false
	}
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(message)
	return ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(s.Bytes[:32]), new(big.Int).SetBytes(s.Bytes[32:]))
}

func (r *reader) signature() envelope.Signature {
	s := envelope.Signature{Type: r.u16()}
	r.into(s.KeyID[:])
	s.Bytes = r.take(64)
	if s.Type != envelope.SignatureP256 {
		r.bad = true
	}
	return s
}

func (w *writer) signature(s envelope.Signature) {
	w.u16(s.Type)
	w.raw(s.KeyID[:])
	w.raw(s.Bytes)
}
