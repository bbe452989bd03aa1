package envelope

import (
	"crypto/hkdf"
	"crypto/sha256"

	"strongroom/internal/base/fault"
)

// BoxOverhead is how many bytes longer than its content a box is.
const BoxOverhead = gcmSpare

// SealBox encrypts something small under a long-lived 32-byte key: nonce (12),
// ciphertext, tag (16). bind says what and where it is and must be given again
// to open it. One key seals at most 2^32 boxes. For what has versions and
// recipients use Seal.
func SealBox(key, bind, plain []byte) ([]byte, error) {
	g, err := aead(key)
	if err != nil {
		return nil, err
	}
	return g.Seal(nil, nil, plain, bind), nil
}

// OpenBox opens what SealBox made; it refuses a box that was altered or made
// with another key or bind.
func OpenBox(key, bind, box []byte) ([]byte, error) {
	g, err := aead(key)
	if err != nil {
		return nil, err
	}
	p, err := g.Open(nil, nil, box, bind)
	if err != nil {
		return nil, altered(err, "value")
	}
	return p, nil
}

// Bind joins parts without ambiguity, for use as a bind: each part is preceded
// by its length as four bytes, big-endian.
func Bind(parts ...string) []byte {
	b := make([][]byte, len(parts))
	for i, p := range parts {
		b[i] = []byte(p)
	}
	return prefixed(b...)
}

// Derive gives the 32-byte key below root that label and parts name:
// HKDF-SHA-256(root, no salt, info = Bind(label, parts...)). root is a key of
// at least 32 bytes, never a passphrase.
func Derive(root []byte, label string, parts ...string) ([]byte, error) {
	if len(root) < KeySize {
		return nil, fault.New(fault.Internal, "A root key is too short.")
	}
	k, err := hkdf.Key(sha256.New, root, nil, string(Bind(append([]string{label}, parts...)...)), KeySize)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A key could not be derived.")
	}
	return k, nil
}
