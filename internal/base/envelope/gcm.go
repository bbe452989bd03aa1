package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"strongroom/internal/base/fault"
)

const (
	// KeySize is the length of every symmetric key, in bytes.
	KeySize = 32

	nonceSize = 12
	tagSize   = 16
	gcmSpare  = nonceSize + tagSize
)

// aead gives AES-256-GCM that makes its own nonces and puts them in front.
func aead(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fault.New(fault.Internal, "An encryption key has the wrong length.")
	}
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The cipher is not available.")
	}
	g, err := cipher.NewGCMWithRandomNonce(b)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The cipher is not available.")
	}
	return g, nil
}

// prefixed joins parts without ambiguity: each is preceded by its length as
// four bytes, big-endian.
func prefixed(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += 4 + len(p)
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func malformed(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithHint("The stored form is damaged or was made by a newer version; restore it from a backup or update.")
}

func altered(cause error, what string) error {
	return fault.Wrap(cause, fault.Internal, "This %s cannot be opened: it was altered, or it belongs to another place or key.", what).
		WithHint("Restore it from a backup and tell your administrator.")
}
