package shell

import (
	"encoding/hex"
	"strings"

	"strongroom/internal/base/web"
	"strongroom/internal/core/record"
)

// Lower gives a label as it stands within a sentence.
func Lower(label string) string {
	if len(label) > 1 && strings.ToUpper(label[:2]) == label[:2] {
		return label // an abbreviation
	}
	return strings.ToLower(label[:1]) + label[1:]
}

// Count counts records of a kind: "1 contact", "1,204 contacts".
func Count(n int64, k *record.Kind) string {
	return Counted(n, Lower(k.Label), Lower(k.Labels))
}

// Counted counts something: "1 name", "1,204 names".
func Counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return web.Number(n) + " " + many
}

// Capital begins a word that stands alone with a capital letter.
func Capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// Fingerprint shows a key's id in groups of four, to read it out.
func Fingerprint(b []byte) string {
	s := hex.EncodeToString(b)
	var parts []string
	for len(s) > 4 {
		parts, s = append(parts, s[:4]), s[4:]
	}
	return strings.Join(append(parts, s), " ")
}
