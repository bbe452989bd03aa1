package envelope

import (
	"crypto/ecdh"
	"crypto/fips140"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"log/slog"

	"strongroom/internal/base/fault"
)

// KeySuite names the sort of a key pair.
type KeySuite string

// The suites of key pairs.
const (
	Hybrid  KeySuite = "hybrid"        // P-256 ECDH and ML-KEM-768 together; the default
	RSA2048 KeySuite = "rsa-oaep-2048" // RSA-OAEP with SHA-256
	RSA3072 KeySuite = "rsa-oaep-3072"
	RSA4096 KeySuite = "rsa-oaep-4096"
)

// KeySuites lists every suite, the default first.
func KeySuites() []KeySuite { return []KeySuite{Hybrid, RSA2048, RSA3072, RSA4096} }

func (s KeySuite) bits() int {
	switch s {
	case RSA2048:
		return 2048
	case RSA3072:
		return 3072
	case RSA4096:
		return 4096
	}
	return 0
}

func (s KeySuite) recipient() uint16 {
	if s == Hybrid {
		return RecipientHybrid
	}
	return RecipientRSA
}

// KeyID is the first 16 bytes of SHA-256 over the length-prefixed parts
// "strongroom/key/1", recipient type and public key, so an id stands for
// exactly one key.
type KeyID [16]byte

func (id KeyID) String() string { return fmt.Sprintf("%x", id[:]) }

const (
	pointSize  = 65   // uncompressed P-256 point
	kemKeySize = 1184 // ML-KEM-768 encapsulation key
)

// PublicKey is what secrets are sealed to.
type PublicKey struct {
	Suite      KeySuite
	ID         KeyID
	Generation uint32 // counts the key pairs of one owner, from 1

	raw   []byte // RSA: PKIX DER; Hybrid: point (65) · encapsulation key (1184)
	rsa   *rsa.PublicKey
	point *ecdh.PublicKey
	kem   *mlkem.EncapsulationKey768
}

// PrivateKey opens what was sealed to its PublicKey. It refuses to print.
type PrivateKey struct {
	Public PublicKey

	rsa    *rsa.PrivateKey
	scalar *ecdh.PrivateKey
	kem    *mlkem.DecapsulationKey768
}

const redacted = "[redacted private key]"

func (PrivateKey) String() string               { return redacted }
func (PrivateKey) GoString() string             { return redacted }
func (PrivateKey) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (PrivateKey) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// GenerateKey makes a new key pair. RSA takes from a tenth of a second to
// several seconds.
func GenerateKey(suite KeySuite, generation uint32) (PrivateKey, error) {
	if suite == Hybrid {
		return generateHybrid(generation)
	}
	bits := suite.bits()
	if bits == 0 {
		return PrivateKey{}, fault.New(fault.Invalid, "There is no key suite %q.", string(suite)).WithHint("Choose one of %v.", KeySuites())
	}
	if fips140.Enforced() && bits < 3072 {
		return PrivateKey{}, fault.New(fault.Invalid, "In the FIPS profile new RSA keys have at least 3072 bits.").WithHint("Choose %s or larger.", RSA3072)
	}
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return PrivateKey{}, fault.Wrap(err, fault.Internal, "A key pair could not be made.")
	}
	return fromRSA(k, generation)
}

func generateHybrid(generation uint32) (PrivateKey, error) {
	s, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return PrivateKey{}, fault.Wrap(err, fault.Internal, "A key pair could not be made.")
	}
	m, err := mlkem.GenerateKey768()
	if err != nil {
		return PrivateKey{}, fault.Wrap(err, fault.Internal, "A key pair could not be made.")
	}
	return fromHybrid(s, m, generation)
}

func fromRSA(k *rsa.PrivateKey, generation uint32) (PrivateKey, error) {
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		return PrivateKey{}, fault.Wrap(err, fault.Internal, "A public key could not be encoded.")
	}
	pub, err := newPublic(RecipientRSA, generation, der)
	return PrivateKey{Public: pub, rsa: k}, err
}

func fromHybrid(s *ecdh.PrivateKey, m *mlkem.DecapsulationKey768, generation uint32) (PrivateKey, error) {
	raw := append(s.PublicKey().Bytes(), m.EncapsulationKey().Bytes()...)
	pub, err := newPublic(RecipientHybrid, generation, raw)
	return PrivateKey{Public: pub, scalar: s, kem: m}, err
}

func newPublic(recipient uint16, generation uint32, raw []byte) (PublicKey, error) {
	p := PublicKey{Generation: generation, raw: raw}
	sum := sha256.Sum256(prefixed([]byte("strongroom/key/1"), binary.BigEndian.AppendUint16(nil, recipient), raw))
	copy(p.ID[:], sum[:])
	switch recipient {
	case RecipientRSA:
		return p, p.setRSA()
	case RecipientHybrid:
		return p, p.setHybrid()
	}
	return p, malformed("This key is of the unknown type %#x.", recipient)
}

func (p *PublicKey) setRSA() error {
	k, err := x509.ParsePKIXPublicKey(p.raw)
	if err != nil {
		return malformed("This RSA key is damaged.")
	}
	r, ok := k.(*rsa.PublicKey)
	if !ok || r.E != 65537 {
		return malformed("This is not an RSA key with the exponent 65537.")
	}
	if der, err := x509.MarshalPKIXPublicKey(r); err != nil || string(der) != string(p.raw) {
		return malformed("This RSA key is not in its one valid encoding.")
	}
	for _, s := range KeySuites() {
		if s.bits() == r.N.BitLen() {
			p.Suite, p.rsa = s, r
			return nil
		}
	}
	return malformed("RSA keys of %d bits are not used here.", r.N.BitLen())
}

func (p *PublicKey) setHybrid() error {
	if len(p.raw) != pointSize+kemKeySize {
		return malformed("This hybrid key has a wrong length.")
	}
	var err error
	if p.point, err = ecdh.P256().NewPublicKey(p.raw[:pointSize]); err != nil {
		return malformed("The P-256 half of this hybrid key is not valid.")
	}
	if p.kem, err = mlkem.NewEncapsulationKey768(p.raw[pointSize:]); err != nil {
		return malformed("The ML-KEM half of this hybrid key is not valid.")
	}
	p.Suite = Hybrid
	return nil
}

// Raw gives the public key itself: for RSA the SubjectPublicKeyInfo (PKIX
// DER), for Hybrid the uncompressed P-256 point (65 bytes) followed by the
// ML-KEM-768 encapsulation key (1,184 bytes).
func (p PublicKey) Raw() []byte { return append([]byte(nil), p.raw...) }

// Marshal gives type (2 bytes), generation (4), length (2) and Raw.
func (p PublicKey) Marshal() []byte {
	return marshalKey(p.Suite.recipient(), p.Generation, p.raw)
}

func marshalKey(recipient uint16, generation uint32, raw []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, recipient)
	b = binary.BigEndian.AppendUint32(b, generation)
	b = binary.BigEndian.AppendUint16(b, uint16(len(raw)))
	return append(b, raw...)
}

func parseKey(b []byte) (recipient uint16, generation uint32, raw []byte, err error) {
	c := cursor{b: b}
	recipient, generation = c.u16(), c.u32()
	raw = c.take(int(c.u16()))
	if !c.done() {
		return 0, 0, nil, malformed("This key is damaged.")
	}
	return recipient, generation, append([]byte(nil), raw...), nil
}

// ParsePublicKey reads what PublicKey.Marshal made.
func ParsePublicKey(b []byte) (PublicKey, error) {
	recipient, generation, raw, err := parseKey(b)
	if err != nil {
		return PublicKey{}, err
	}
	return newPublic(recipient, generation, raw)
}

// Marshal gives type (2 bytes), generation (4), length (2) and the private
// key: PKCS #8 DER for RSA; scalar (32) and seed (64) for Hybrid. Whoever
// calls it clears the bytes.
func (k PrivateKey) Marshal() ([]byte, error) {
	if k.Public.Suite == Hybrid {
		raw := append(k.scalar.Bytes(), k.kem.Bytes()...)
		defer clear(raw)
		return marshalKey(RecipientHybrid, k.Public.Generation, raw), nil
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k.rsa)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A private key could not be encoded.")
	}
	defer clear(raw)
	return marshalKey(RecipientRSA, k.Public.Generation, raw), nil
}

// ParsePrivateKey reads what PrivateKey.Marshal made.
func ParsePrivateKey(b []byte) (PrivateKey, error) {
	recipient, generation, raw, err := parseKey(b)
	if err != nil {
		return PrivateKey{}, err
	}
	defer clear(raw)
	switch recipient {
	case RecipientRSA:
		k, err := x509.ParsePKCS8PrivateKey(raw)
		if err != nil {
			return PrivateKey{}, malformed("This private key is damaged.")
		}
		r, ok := k.(*rsa.PrivateKey)
		if !ok {
			return PrivateKey{}, malformed("This is not an RSA private key.")
		}
		return fromRSA(r, generation)
	case RecipientHybrid:
		return parseHybrid(raw, generation)
	}
	return PrivateKey{}, malformed("This key is of the unknown type %#x.", recipient)
}

func parseHybrid(raw []byte, generation uint32) (PrivateKey, error) {
	if len(raw) != 32+mlkem.SeedSize {
		return PrivateKey{}, malformed("This private key is damaged.")
	}
	s, err := ecdh.P256().NewPrivateKey(raw[:32])
	if err != nil {
		return PrivateKey{}, malformed("This private key is damaged.")
	}
	m, err := mlkem.NewDecapsulationKey768(raw[32:])
	if err != nil {
		return PrivateKey{}, malformed("This private key is damaged.")
	}
	return fromHybrid(s, m, generation)
}
