// Package compare gives the forms in which values are compared, on both databases
// alike.
//
// Always true: what is equal to a reader has one form, and the order of the forms
// is the order of the values.
package compare

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"strongroom/internal/core/id"
)

// Fold is the form in which texts are compared, sorted and kept unique: NFKC,
// case folded, spaces trimmed and single.
func Fold(s string) string {
	if ascii(s) {
		return strings.Join(strings.Fields(strings.ToLower(s)), " ")
	}
	return strings.Join(strings.Fields(cases.Fold().String(norm.NFKC.String(s))), " ")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Clip keeps index entries small.
func Clip(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// Key is the form in which values of different types are compared as texts:
// texts folded, numbers so that their order is that of the texts. ok is false for
// a value that is a list.
func Key(v any) (key any, ok bool) {
	switch x := v.(type) {
	case nil:
		return nil, true
	case string:
		return Clip(Fold(x)), true
	case bool:
		if x {
			return "1", true
		}
		return "0", true
	case int64:
		return numberKey(float64(x)), true
	case int:
		return numberKey(float64(x)), true
	case float64:
		return numberKey(x), true
	case id.ID:
		return x.String(), true
	}
	return nil, false
}

// numberKey turns the bits of an IEEE 754 number so that their order is the
// order of the numbers.
func numberKey(n float64) string {
	bits := math.Float64bits(n)
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	s := strconv.FormatUint(bits, 16)
	return strings.Repeat("0", 16-len(s)) + s
}
