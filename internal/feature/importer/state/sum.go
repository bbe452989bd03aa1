package state

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
)

// Sum is the keyed hash of a row: a row may hold a password, and whoever steals
// a database must not be able to try passwords on it. The zero Sum is of none.
type Sum [16]byte

func (s Sum) String() string {
	if s == (Sum{}) {
		return ""
	}
	return hex.EncodeToString(s[:])
}

// ParseSum reads what String gave; anything else is the zero Sum.
func ParseSum(s string) (out Sum) {
	if b, err := hex.DecodeString(s); err == nil {
		copy(out[:], b)
	}
	return out
}

// SumOf is the sum of the texts that f puts.
func SumOf(key []byte, f func(put func(string))) (out Sum) {
	h := hmac.New(sha256.New, key)
	f(func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		io.WriteString(h, s)
	})
	copy(out[:], h.Sum(nil))
	return out
}
