package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// plain spells the letters that no Unicode decomposition takes apart.
var plain = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h")

// Fold gives the form in which texts are compared: compatibility forms
// replaced (NFKC), case folded, diacritics of Latin, Greek and Cyrillic
// letters taken off, and every run of white space made one space.
func Fold(s string) string {
	if ascii(s) {
		return strings.Join(strings.Fields(strings.ToLower(s)), " ")
	}
	s = norm.NFKD.String(cases.Fold().String(norm.NFKC.String(s)))
	s = strings.Map(func(r rune) rune {
		if r >= 0x0300 && r <= 0x036f { // combining diacritical marks
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(plain.Replace(norm.NFKC.String(s))), " ")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

const (
	joiners  = ".-_:@/+#&" // inside a term they hold its parts together
	maxTerm  = 48          // letters of a term; the rest is cut off
	maxParts = 16          // parts of a term from which a tail is indexed
	maxTerms = 8           // terms of a question; more are ignored
	maxBytes = 400 << 10   // of indexed terms of a document
)

func joins(r rune) bool      { return strings.ContainsRune(joiners, r) }
func apostrophe(r rune) bool { return r == '\'' || r == '’' || r == 'ʼ' }
func letter(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// ideograph tells whether r belongs to a script written without spaces, where
// a word may begin at any letter.
func ideograph(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// words cuts folded text into runs of letters and joiners, without joiners at
// their ends.
func words(folded string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(folded, func(r rune) bool { return !letter(r) && !joins(r) && !apostrophe(r) }) {
		w = strings.TrimFunc(w, func(r rune) bool { return !letter(r) })
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// terms gives the terms of a question, which the terms of a document must begin
// with.
func terms(q string) []string {
	var out []string
	for _, w := range words(Fold(q)) {
		if len(out) == maxTerms {
			break
		}
		out = append(out, cut(without(w, apostrophe)))
	}
	return out
}

// index collects the terms that a text is found by, each once: every word from
// each of its parts on (hdg-srv-file01, srv-file01, file01), and without its
// joiners (aabbccddeeff for aa:bb:cc:dd:ee:ff).
type index struct {
	seen  map[string]bool
	list  []string
	bytes int
}

func (x *index) add(term string) {
	term = cut(term)
	if term == "" || x.seen[term] || x.bytes+len(term) >= maxBytes {
		return
	}
	if x.seen == nil {
		x.seen = map[string]bool{}
	}
	x.seen[term] = true
	x.bytes += len(term) + 1
	x.list = append(x.list, term)
}

func (x *index) text(s string) {
	for _, w := range words(Fold(s)) {
		x.word(w)
	}
}

func (x *index) word(w string) {
	parts, inside, joined := 0, false, false
	for i, r := range w {
		switch {
		case joins(r):
			inside, joined = false, true
			continue
		case apostrophe(r):
			inside = false
			continue
		}
		if !inside || ideograph(r) {
			if parts++; parts <= maxParts {
				x.add(without(w[i:], apostrophe))
			} else {
				x.add(without(part(w[i:]), apostrophe))
			}
		}
		inside = true
	}
	if joined && len(w) <= maxTerm {
		x.add(without(w, func(r rune) bool { return !letter(r) }))
	}
}

// number adds the digits of a telephone number written in groups, from each of
// its groups on.
func (x *index) number(s string) {
	if strings.Trim(s, "0123456789 ()+-./") != "" {
		return
	}
	for i := range len(s) {
		if !digit(rune(s[i])) || i > 0 && digit(rune(s[i-1])) {
			continue
		}
		if tail := without(s[i:], func(r rune) bool { return !digit(r) }); len(tail) >= 7 {
			x.add(tail)
		}
	}
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func (x *index) String() string { return strings.Join(x.list, " ") }

// part gives the beginning of w up to its first joiner.
func part(w string) string {
	if n := strings.IndexFunc(w, joins); n >= 0 {
		return w[:n]
	}
	return w
}

func without(s string, drop func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, s)
}

// cut gives at most the first maxTerm letters.
func cut(s string) string {
	n := 0
	for i := range s {
		if n == maxTerm {
			return s[:i]
		}
		n++
	}
	return s
}

// Indexed gives the terms that a text is found by, each once, for an index of what is no
// record.
func Indexed(text string) []string {
	var x index
	x.text(text)
	return x.list
}

// Asked gives the terms of a question; a text is found when for each of them one of its
// own begins with it.
func Asked(q string) []string { return terms(q) }
