package hostproof

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"log/slog"
	"strings"

	"strongroom/internal/base/fault"
)

// codeLetters are the digits and letters without I, L, O and U, which are taken for
// others.
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Code is what stands on a printed recovery kit: 128 random bits. It refuses to print;
// Text writes it.
type Code [16]byte

func (Code) String() string               { return redacted }
func (Code) GoString() string             { return redacted }
func (Code) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Code) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// NewCode draws a code.
func NewCode() (c Code) {
	rand.Read(c[:])
	return c
}

// check is the first four bytes of SHA-256 over the length-prefixed parts
// "strongroom/recovery/code/1" and the code.
func (c Code) check() []byte {
	sum := sha256.Sum256(joined([]byte("strongroom/recovery/code/1"), c[:]))
	return sum[:4]
}

func codeEncoding() *base32.Encoding {
	return base32.NewEncoding(codeLetters).WithPadding(base32.NoPadding)
}

// Text gives the code as people type it: 32 digits and letters in groups of four, the
// last of which check the others.
func (c Code) Text() string {
	s := codeEncoding().EncodeToString(append(c[:], c.check()...))
	var groups []string
	for ; s != ""; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(groups, "-")
}

// ParseCode reads what somebody typed: upper or lower case, with anything between the
// groups, O for 0, I or L for 1.
func ParseCode(s string) (c Code, err error) {
	s = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	s = strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, s)
	b, err := codeEncoding().DecodeString(s)
	if err != nil || len(s) != 32 || len(b) != 20 {
		return c, fault.New(fault.Invalid, "This is no recovery code.").WithHint("It has 32 digits and letters, in groups of four.")
	}
	defer clear(b)
	copy(c[:], b)
	if subtle.ConstantTimeCompare(c.check(), b[16:]) != 1 {
		return Code{}, fault.New(fault.Invalid, "A digit or letter of the recovery code is another one.").WithHint("Compare it with the kit once more.")
	}
	return c, nil
}
