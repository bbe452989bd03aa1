package hostproof

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

const (
	statementMagic = "SRK1"
	formatVersion  = 1
	hybridType     = envelope.RecipientHybrid
	hybridPublic   = pointSize + 1184
)

// The roles in which a statement is signed.
const (
	bySelf        = 1
	byPredecessor = 2
)

// Statement is what somebody says about her keys: signed by the keys that it
// names, and by those before when they were changed.
type Statement struct {
	Tenant     string
	User       int64
	Number     uint32             // of the statement, from 1
	Generation uint32             // of the keys, from 1; the same as before when they are
	Time       int64              // Unix milliseconds
	Encryption envelope.PublicKey // hybrid
	Signing    []byte             // uncompressed P-256 point
	Previous   [32]byte           // Hash of the statement before; zeros for the first
	KDF        KDF

	body       []byte
	signatures []envelope.Signature // self, and predecessor when the keys are new
}

// ParseStatement reads a stored statement and accepts only its one form. Nothing
// of it has been verified.
func ParseStatement(b []byte) (*Statement, error) {
	r := reader{b: b}
	s := &Statement{body: r.framed(statementMagic)}
	n := r.u8()
	for role := range n {
		if r.u8() != role+1 {
			r.bad = true
		}
		s.signatures = append(s.signatures, r.signature())
	}
	if !r.done() || n < 1 || n > 2 || s.read() != nil {
		return nil, malformed("keyset statement")
	}
	if n == 2 && (s.Generation < 2 || s.Number < 2) {
		return nil, malformed("keyset statement")
	}
	return s, nil
}

func (s *Statement) read() error {
	r := reader{b: s.body}
	version := r.u16()
	s.Tenant, s.User, s.Number, s.Generation, s.Time = r.text(), r.i64(), r.u32(), r.u32(), r.i64()
	kind := r.u16()
	public := r.take(int(r.u16()))
	signs := r.u16()
	s.Signing = r.take(pointSize)
	r.into(s.Previous[:])
	s.KDF = r.kdf()
	if !r.done() || version != formatVersion || s.Tenant == "" || s.User == 0 || s.Number == 0 || s.Generation == 0 || s.Generation > s.Number ||
		kind != hybridType || signs != envelope.SignatureP256 || (s.Number == 1) != (s.Previous == [32]byte{}) {
		return malformed("keyset statement")
	}
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), s.Signing); err != nil {
		return malformed("keyset statement")
	}
	var err error
	s.Encryption, err = publicKey(s.Generation, public)
	return err
}

func publicKey(generation uint32, raw []byte) (envelope.PublicKey, error) {
	var w writer
	w.u16(hybridType)
	w.u32(generation)
	w.u16(uint16(len(raw)))
	w.raw(raw)
	return envelope.ParsePublicKey(w.b)
}

func (s *Statement) encode() ([]byte, error) {
	public := s.Encryption.Raw()
	if !nameable(s.Tenant) || s.User <= 0 || len(public) != hybridPublic || len(s.Signing) != pointSize {
		return nil, fault.New(fault.Internal, "A keyset statement is incomplete.")
	}
	var w writer
	w.u16(formatVersion)
	w.text(s.Tenant)
	w.i64(s.User)
	w.u32(s.Number)
	w.u32(s.Generation)
	w.i64(s.Time)
	w.u16(hybridType)
	w.u16(uint16(len(public)))
	w.raw(public)
	w.u16(envelope.SignatureP256)
	w.raw(s.Signing)
	w.raw(s.Previous[:])
	w.kdf(s.KDF)
	return w.b, nil
}

func (s *Statement) message(role uint8) []byte {
	return joined([]byte("strongroom/keyset/1"), []byte{role}, s.body)
}

// sign completes a statement; old is the predecessor's key when keys are new.
func (s *Statement) sign(self, old *Signer) (err error) {
	if s.body, err = s.encode(); err != nil {
		return err
	}
	for role, k := range []*Signer{self, old} {
		if k == nil {
			continue
		}
		sig, err := k.Sign(s.message(uint8(role + 1)))
		if err != nil {
			return err
		}
		s.signatures = append(s.signatures, sig)
	}
	return nil
}

// Marshal gives the stored form.
func (s *Statement) Marshal() []byte {
	w := writer{b: framed(statementMagic, s.body)}
	w.u8(uint8(len(s.signatures)))
	for i, sig := range s.signatures {
		w.u8(uint8(i + 1))
		w.signature(sig)
	}
	return w.b
}

// Hash is SHA-256 over the length-prefixed parts "strongroom/statement/1" and the
// body: what the next statement and the lock name.
func (s *Statement) Hash() [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/statement/1"), s.body))
}

// Fingerprint is what people compare: the first 16 bytes of SHA-256 over the
// length-prefixed parts "strongroom/fingerprint/1", tenant, user, encryption key
// and signing key. It is computed from the very keys that are used.
func (s *Statement) Fingerprint() [16]byte {
	sum := sha256.Sum256(joined([]byte("strongroom/fingerprint/1"), []byte(s.Tenant), number64(uint64(s.User)), s.Encryption.Raw(), s.Signing))
	return [16]byte(sum[:16])
}

// Verify checks that a statement is of this user and signed by the keys that it
// names, and that its key derivation is not below the floors. It says that the
// statement hangs together, not whose it is: that is known from a fingerprint, or
// from the statement before, by Follows.
func (s *Statement) Verify(tenant string, user int64) error {
	if s.Tenant != tenant || s.User != user {
		return alarm("The server sent somebody else's keyset.")
	}
	if err := s.KDF.Check(); err != nil {
		return err
	}
	if !verified(s.signatures[0], s.Signing, s.message(bySelf)) {
		return alarm("The server sent a keyset that is not signed by its own key.")
	}
	return nil
}

// Follows checks that s is the statement after old: it names it, and where the
// keys are others, the old ones signed it. Both must be verified.
func (s *Statement) Follows(old *Statement) error {
	same := bytes.Equal(s.Signing, old.Signing) && s.Encryption.ID == old.Encryption.ID
	switch {
	case s.Tenant != old.Tenant || s.User != old.User:
		return alarm("The server sent somebody else's keyset.")
	case s.Number != old.Number+1 || s.Previous != old.Hash():
		return alarm("The server sent a keyset that does not follow the one known before.")
	case same && s.Generation == old.Generation && len(s.signatures) == 1:
		return nil
	case !same && s.Generation == old.Generation+1 && len(s.signatures) == 2 && verified(s.signatures[1], old.Signing, s.message(byPredecessor)):
		return nil
	}
	return alarm("The server sent a keyset with other keys, which the keys before did not sign.")
}
