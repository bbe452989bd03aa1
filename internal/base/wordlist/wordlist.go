// Package wordlist turns bytes into English words that people can say to each
// other, and back.
//
// Always true: the list is that of BIP-39, 2,048 words of which the first four
// letters tell each from all others; 16 bytes have one form of 12 words, the last
// of which checks the others.
package wordlist

import (
	"crypto/sha256"
	_ "embed" // the list
	"slices"
	"strings"

	"strongroom/internal/base/fault"
)

//go:embed words.txt
var text string

// Size is how many words the list has.
const Size = 2048

// Words gives the list, in alphabetical order.
func Words() []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// Encode gives the 12 words of 16 bytes, as BIP-39 does for entropy of 128 bits.
func Encode(b [16]byte) []string {
	sum := sha256.Sum256(b[:])
	all, words := append(b[:], sum[0]), Words()
	out := make([]string, 12)
	for i := range out {
		n := 0
		for bit := 11 * i; bit < 11*i+11; bit++ {
			n = n<<1 | int(all[bit/8]>>(7-bit%8)&1)
		}
		out[i] = words[n]
	}
	return out
}

// Decode gives the 16 bytes of 12 words, whatever is between them. Invalid when
// they are not such words, with a hint that says which one is none.
func Decode(s string) (b [16]byte, err error) {
	list := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(list) != 12 {
		return b, fault.New(fault.Invalid, "These are %d words, and not 12.", len(list))
	}
	var all [17]byte
	words := Words()
	for i, w := range list {
		n, ok := slices.BinarySearch(words, w)
		if !ok {
			return b, fault.New(fault.Invalid, "The words do not fit together.").WithHint("Word %d is not one of the list.", i+1)
		}
		for j := range 11 {
			if n>>(10-j)&1 == 1 {
				bit := 11*i + j
				all[bit/8] |= 0x80 >> (bit % 8)
			}
		}
	}
	copy(b[:], all[:])
	if sum := sha256.Sum256(b[:]); (sum[0]^all[16])&0xf0 != 0 {
		return [16]byte{}, fault.New(fault.Invalid, "The words do not fit together.").WithHint("One of them is another word, or they are in another order.")
	}
	return b, nil
}
