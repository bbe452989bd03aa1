package local

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"strongroom/internal/base/fault"
)

// The lengths of passwords, in code points. There are no rules of composition
// and no expiry (NIST SP 800-63B).
const (
	MinLength = 12
	MaxLength = 256
	maxBytes  = 4 * MaxLength
)

// common.txt holds very common passwords of at least MinLength characters,
// folded, one a line: those of zxcvbn-ts (MIT, see common.LICENSE) and
// keyboard walks.
//
//go:embed common.txt
var common string

// plain are words that, followed by nothing but digits and signs, make no
// password.
const plain = `password passwort passw motdepasse contrasena wachtwoord welcome willkommen bienvenue admin administrator
	root qwerty qwertz azerty letmein iloveyou changeme secret geheim strongroom summer winter spring autumn sommer herbst
	january february march april june july august september october november december monday tuesday wednesday thursday friday
	saturday sunday company office monkey dragon master login access default hello sunshine princess football baseball`

// Policy says whether a password may be used: Invalid with the field password
// when not. not lists the names that it must not be made of: the e-mail address, the name
// of the user and of the company.
func Policy(password string, not ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return bad("The password holds characters that cannot be typed.")
	case n < MinLength:
		return bad("The password has %d characters; at least %d are needed. Several words in a row are easy to remember.", n, MinLength)
	case n > MaxLength:
		return bad("The password has %d characters; at most %d are possible.", n, MaxLength)
	}
	p := fold(password)
	if known(p, not) {
		return bad("The password is nothing but names: yours, your e-mail address or your company's.")
	}
	if repeats(p) || sequence(p) {
		return bad("The password is one pattern repeated.")
	}
	if listed(p) {
		return bad("The password is among the most common ones.")
	}
	return nil
}

func bad(format string, args ...any) error { return fault.Field("password", format, args...) }

func fold(s string) string { return cases.Fold().String(norm.NFKC.String(s)) }

// known tells whether the letters of a password are names alone, in any order and as
// often as one likes: of the user, her address and her company, whole or by their words.
func known(p string, not []string) bool {
	var names []string
	for _, x := range not {
		x = fold(x)
		name, domain, _ := strings.Cut(x, "@")
		names = append(names, letters(x), letters(name), letters(domain))
		names = append(names, strings.FieldsFunc(x, func(r rune) bool { return !unicode.IsLetter(r) })...)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	rest := letters(p)
	whole := rest
	for _, n := range names {
		if len(n) > 2 {
			rest = strings.ReplaceAll(rest, n, "")
		}
	}
	return rest == "" && whole != ""
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
}

// repeats tells whether s is a block of up to a third of it, over and over, or
// has three different characters or fewer.
func repeats(s string) bool {
	r := []rune(s)
	seen := map[rune]bool{}
	for _, c := range r {
		seen[c] = true
	}
	if len(seen) <= 3 {
		return true
	}
	for n := 1; n <= len(r)/3; n++ {
		same := true
		for i := n; i < len(r) && same; i++ {
			same = r[i] == r[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// sequence tells whether the characters follow each other up or down in the
// alphabet, by the same step.
func sequence(s string) bool {
	r := []rune(s)
	step := r[1] - r[0]
	for i := 1; i < len(r); i++ {
		if d := r[i] - r[i-1]; d != step && d != step-10*sign(step) { // 7890: after 9 comes 0
			return false
		}
	}
	return step >= -2 && step <= 2
}

func sign(n rune) rune {
	if n < 0 {
		return -1
	}
	return 1
}

// listed tells whether a folded password is on the list, or is a plain word
// with digits and signs.
func listed(p string) bool {
	if strings.Contains(common, "\n"+p+"\n") && !strings.Contains(p, "\n") {
		return true
	}
	trimmed := strings.TrimRightFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	undone := strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "0", "o", "$", "s", "5", "s").Replace(trimmed)
	for _, w := range strings.Fields(plain) {
		for _, x := range []string{letters(p), letters(undone)} {
			if x == w || x == w+w {
				return true
			}
		}
	}
	return false
}
