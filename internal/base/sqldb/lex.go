package sqldb

import "strings"

type kind int

const (
	space   kind = iota // white space and comments
	word                // identifiers, keywords and numbers
	literal             // quoted strings, quoted identifiers, dollar quotes
	holder              // ? or ?12
	other               // one byte of anything else
)

// lex gives the kind and the end of the token of q that starts at i; i must
// lie within q. It knows standard SQL quoting, both kinds of comment and
// PostgreSQL's dollar quotes. An unclosed token reaches to the end.
func lex(q string, i int) (kind, int) {
	rest := q[i:]
	switch c := q[i]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		return space, i + 1
	case strings.HasPrefix(rest, "--"):
		return space, i + until(rest, "\n", 2)
	case strings.HasPrefix(rest, "/*"):
		return space, i + until(rest, "*/", 2)
	case c == '\'' || c == '"' || c == '`':
		return literal, i + quoted(rest, c)
	case c == '$':
		if tag := dollarTag(rest); tag != "" {
			return literal, i + until(rest, tag, len(tag))
		}
		return other, i + 1
	case c == '?':
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		return holder, i + n
	case wordByte(c):
		n := 1
		for n < len(rest) && (wordByte(rest[n]) || rest[n] == '$') {
			n++
		}
		return word, i + n
	}
	return other, i + 1
}

func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// until gives the length of s up to and including the first end at or after from.
func until(s, end string, from int) int {
	if n := strings.Index(s[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(s)
}

// quoted gives the length of the quoted token that s starts with; a doubled
// quote stands for itself.
func quoted(s string, q byte) int {
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			continue
		}
		if i+1 < len(s) && s[i+1] == q {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

// dollarTag gives "$$" or "$tag$" when s starts with one.
func dollarTag(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] == '$' {
			return s[:i+1]
		}
		if !wordByte(s[i]) || i == 1 && s[i] >= '0' && s[i] <= '9' {
			return ""
		}
	}
	return ""
}
