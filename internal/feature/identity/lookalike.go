package identity

import (
	"unicode"

	"strongroom/internal/base/fault"
)

// alikes are the scripts with letters that look like those of another one.
func alikes() []*unicode.RangeTable {
	return []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic}
}

// lookalike refuses an address that could be made to look like another one's: with a word
// of two scripts whose letters look alike, or with what is not seen. Forms of one letter
// need no refusal: they are folded before addresses are compared.
func lookalike(email string) error {
	scripts, script := alikes(), -1
	for _, r := range email {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Co, r) || unicode.Is(unicode.Mn, r) && script < 0 {
			return fault.Field("email", "This e-mail address holds a character that is not seen.").WithHint("Type it anew rather than copying it.")
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) {
			script = -1 // another word
			continue
		}
		for i, s := range scripts {
			if !unicode.Is(s, r) {
				continue
			}
			if script >= 0 && script != i {
				return fault.Field("email", "A word of this e-mail address mixes letters of several scripts, which look alike.").WithHint("Type it anew rather than copying it.")
			}
			script = i
		}
	}
	return nil
}
