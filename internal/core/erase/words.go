package erase

import (
	"encoding/json"
	"html"
	"maps"
	"slices"
	"strings"
	"unicode"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/compare"
)

// Word is what a person is called or reached by, and what stands in its place once she
// is erased.
type Word struct {
	Text string `json:"text"`
	As   string `json:"as"`
}

// Least is how many characters a word has at the least: shorter ones stand in too much
// that is about others.
const Least = 4

// Matcher finds words in texts, whatever their case and the spaces between their parts,
// where they stand alone: Ada Lind is not in Ada Lindgren, and rosa@lind.example is not in
// ada.rosa@lind.example.
type Matcher struct {
	words []spelling
	parts []string // the longest part of each spelling, for asking the database
}

// spelling is one way in which a word is written.
type spelling struct {
	runes   []rune // lower case, one space between parts
	as      []rune
	address bool
}

// NewMatcher makes a matcher of words. It also finds them as texts of HTML and JSON hold
// them, and as they are kept for comparing.
func NewMatcher(words []Word) *Matcher {
	m, seen := &Matcher{}, map[string]bool{}
	add := func(text, as string) {
		low := lower(strings.Join(strings.Fields(text), " "))
		if len(low) == 0 || seen[string(low)] {
			return
		}
		seen[string(low)] = true
		m.words = append(m.words, spelling{low, []rune(as), strings.Contains(text, "@")})
		m.parts = append(m.parts, slices.MaxFunc(strings.Fields(string(low)), func(a, b string) int { return len(a) - len(b) }))
	}
	for _, w := range words {
		for _, text := range []string{w.Text, compare.Fold(w.Text)} {
			add(text, w.As)
			add(html.EscapeString(text), w.As)
			for _, t := range []string{text, html.EscapeString(text)} {
				if b, err := json.Marshal(t); err == nil {
					add(string(b[1:len(b)-1]), w.As)
				}
			}
		}
	}
	slices.SortStableFunc(m.words, func(a, b spelling) int { return len(b.runes) - len(a.runes) }) // the longest wins
	return m
}

func lower(s string) []rune {
	out := []rune(s)
	for i, r := range out {
		out[i] = unicode.ToLower(r)
	}
	return out
}

// replaceText gives the text with each word replaced, and how many were.
func (m *Matcher) replaceText(text string) (string, int) {
	if len(m.words) == 0 {
		return text, 0
	}
	in, low := []rune(text), lower(text)
	out, n, from := make([]rune, 0, len(in)), 0, 0
	for i := 0; i < len(in); {
		w, end := m.at(low, i)
		if w == nil {
			i++
			continue
		}
		out, n = append(append(out, in[from:i]...), w.as...), n+1
		i, from = end, end
	}
	if n == 0 {
		return text, 0
	}
	return string(append(out, in[from:]...)), n
}

// Excerpt gives what stands around the first word in text, on one line and as people read
// it; empty when there is none.
func (m *Matcher) Excerpt(text string) string {
	var v any
	if (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) && json.Unmarshal([]byte(text), &v) == nil {
		if s := m.leaf(v); s != "" {
			return s
		}
	}
	if strings.Contains(text, "<") {
		if s := m.around(richtext.Text(text)); s != "" {
			return s
		}
	}
	return m.around(text)
}

// leaf gives the excerpt of the first text in a value of JSON that has words, by the names
// of its members.
func (m *Matcher) leaf(v any) string {
	switch x := v.(type) {
	case string:
		return m.Excerpt(x)
	case []any:
		for _, y := range x {
			if s := m.leaf(y); s != "" {
				return s
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(x)) {
			if s := m.leaf(x[name]); s != "" {
				return s
			}
		}
	}
	return ""
}

func (m *Matcher) around(text string) string {
	const around = 50
	in, low := []rune(text), lower(text)
	for i := range in {
		if w, end := m.at(low, i); w != nil {
			a, b := max(0, i-around), min(len(in), end+around)
			s := strings.Join(strings.Fields(string(in[a:b])), " ")
			if a > 0 {
				s = "…" + s
			}
			if b < len(in) {
				s += "…"
			}
			return s
		}
	}
	return ""
}

// at gives the spelling that begins at i, and where it ends.
func (m *Matcher) at(text []rune, i int) (*spelling, int) {
	for k := range m.words {
		w := &m.words[k]
		if text[i] != w.runes[0] || i > 0 && w.inside(text[i-1]) {
			continue
		}
		if end, ok := w.match(text, i); ok && !w.goesOn(text, end) {
			return w, end
		}
	}
	return nil, 0
}

// match tells whether the word stands at i, and where it ends.
func (w *spelling) match(text []rune, i int) (int, bool) {
	for _, r := range w.runes {
		if r == ' ' {
			begin := i
			for i < len(text) {
				n := space(text[i:])
				if n == 0 {
					break
				}
				i += n
			}
			if i == begin {
				return 0, false
			}
			continue
		}
		if i == len(text) || text[i] != r {
			return 0, false
		}
		i++
	}
	return i, true
}

// space gives how many letters at the beginning of text are a space, as HTML and JSON may
// write it too.
func space(text []rune) int {
	if unicode.IsSpace(text[0]) {
		return 1
	}
	for _, s := range []string{"&nbsp;", "&#160;", "&#xa0;", `\n`, `\t`, `\r`} {
		if len(text) >= len(s) && string(text[:len(s)]) == s {
			return len(s)
		}
	}
	return 0
}

// inside tells whether a letter before the word makes it a part of another one.
func (w *spelling) inside(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || w.address && strings.ContainsRune("._%+-", r)
}

// goesOn tells whether the word goes on at end.
func (w *spelling) goesOn(text []rune, end int) bool {
	if end == len(text) {
		return false
	}
	letter := func(i int) bool { return i < len(text) && (unicode.IsLetter(text[i]) || unicode.IsDigit(text[i])) }
	return letter(end) || w.address && (text[end] == '-' || text[end] == '.') && letter(end+1)
}
