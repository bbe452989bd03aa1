package apikey

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/core/gate"
)

const (
	prefix = "ITG."
	// Length is how many characters a key has.
	Length = 100
	check7 = 7 // characters of the check at the end
	shown  = 8 // random characters of a hint: far too few to guess the others from
)

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newText makes a key: with the longest name a tenant can have, 56 random
// characters are left, which are 280 bits.
func newText(tenant string) string {
	head := prefix + tenant + "."
	raw := make([]byte, Length)
	rand.Read(raw)
	body := head + alphabet.EncodeToString(raw)[:Length-check7-len(head)]
	return body + sum(body)
}

// sum is the check: CRC-32, which finds a key that was copied in part.
func sum(body string) string {
	return alphabet.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

// TenantOf gives the name of the tenant that a key is for; "" when s has not the
// form of a key.
func TenantOf(s string) string {
	if len(s) != Length || !strings.HasPrefix(s, prefix) || sum(s[:Length-check7]) != s[Length-check7:] {
		return ""
	}
	name, _, ok := strings.Cut(s[len(prefix):], ".")
	if !ok {
		return ""
	}
	return name
}

// hint is the beginning of a key as lists show it.
func hint(text string) string {
	return text[:strings.LastIndex(text, ".")+1+shown]
}

// digest is what is stored of a key: an HMAC under a key of the tenant.
func digest(tx *gate.Tx, text string) ([]byte, error) {
	key, err := envelope.Derive(tx.Tenant.Keys.Index, "strongroom/apikey/key/1")
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil), nil
}
