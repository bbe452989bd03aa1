package secret

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 names it, and authenticator apps use nothing else
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// seed is a one-time-code seed with its parameters.
type seed struct {
	key    []byte
	hash   func() hash.Hash
	digits int
	period int64 // seconds
}

// Code gives the one-time code of RFC 6238 for a seed at a time, and for how
// many more seconds it is valid. The seed is base32 as services show it
// (spaces, hyphens, lower case and missing padding are understood; SHA-1, 6
// digits, 30 seconds), or an otpauth://totp/ URI. Invalid when it is neither; Unavailable for SHA-1
// and short keys in FIPS-only mode.
func Code(text string, t time.Time) (code string, secondsLeft int, err error) {
	s, err := parseSeed(text)
	if err != nil {
		return "", 0, err
	}
	now := t.Unix()
	if now < 0 {
		return "", 0, fault.New(fault.Invalid, "One-time codes begin in 1970.")
	}
	if fips140.Enforced() && (s.hash().Size() == sha1.Size || len(s.key) < 14) {
		return "", 0, fault.New(fault.Unavailable, "This one-time code is computed with SHA-1 or a short key, which the FIPS-only mode of this server does not allow.").
			WithHint("Use a seed with algorithm=SHA256 if the service offers one, or an authenticator app.")
	}
	mac := hmac.New(s.hash, s.key)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(now/s.period))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	n := uint64(binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff)
	mod := uint64(1)
	for range s.digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", s.digits, n%mod), int(s.period - now%s.period), nil
}

// CheckSeed tells whether Code can use a seed.
func CheckSeed(text string) error {
	_, err := parseSeed(text)
	return err
}

// Seed gives a seed as it is kept: an address as it is, base32 in capitals
// without what people put between the letters. Invalid when Code cannot use it.
func Seed(text string) (string, error) {
	if _, err := parseSeed(text); err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	if strings.Contains(text, ":") {
		return text, nil
	}
	return plainSeed(text), nil
}

func badSeed(text string) *fault.Error {
	return fault.New(fault.Invalid, "%s", text).WithHint("Paste the key that the service shows beside its QR code, or the address inside it, which begins with otpauth://totp/.")
}

func parseSeed(text string) (seed, error) {
	s := seed{hash: sha1.New, digits: 6, period: 30}
	text = strings.TrimSpace(text)
	if len(text) > 4096 {
		return s, badSeed("This one-time-code seed is too long.")
	}
	if len(text) < 8 || !strings.EqualFold(text[:8], "otpauth:") {
		return s, s.setKey(text)
	}
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Host, "totp") {
		return s, badSeed("This is not the address of a time-based one-time code.")
	}
	q := u.Query()
	if err := s.setKey(q.Get("secret")); err != nil {
		return s, err
	}
	return s, s.setOptions(q.Get("algorithm"), q.Get("digits"), q.Get("period"))
}

// plainSeed takes out what people put between the letters of base32.
func plainSeed(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '=' || r == '\t' || r == '\u00a0':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, text)
}

func (s *seed) setKey(text string) error {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(plainSeed(text))
	if err != nil || len(key) == 0 {
		return badSeed("This one-time-code seed is not base32: letters A to Z and digits 2 to 7.")
	}
	s.key = key
	return nil
}

func (s *seed) setOptions(algorithm, digits, period string) error {
	switch strings.ReplaceAll(strings.ToUpper(algorithm), "-", "") {
	case "", "SHA1":
	case "SHA256":
		s.hash = sha256.New
	case "SHA512":
		s.hash = sha512.New
	default:
		return badSeed("This one-time code uses an algorithm that is not known here.")
	}
	if digits != "" {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 6 || n > 8 {
			return badSeed("One-time codes have 6 to 8 digits.")
		}
		s.digits = n
	}
	if period != "" {
		n, err := strconv.ParseInt(period, 10, 32)
		if err != nil || n < 1 || n > 3600 {
			return badSeed("One-time codes change every 1 to 3,600 seconds.")
		}
		s.period = n
	}
	return nil
}
