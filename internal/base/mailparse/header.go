package mailparse

import (
	"bytes"
	"encoding/base64"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"unicode"
)

// field is a line of a header.
type field struct{ name, value string }

// header is the fields in their order, with canonical names.
type header []field

// split reads the header of a mail or a part, and gives what comes after it. What is
// no field is left out, and said.
func split(raw []byte) (h header, body []byte, broken string) {
	rest := raw
	used := 0
	for len(rest) > 0 {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		used += len(line)
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, rest, broken
		}
		if used > mostHeader || len(h) >= mostFields {
			broken = "Its header is very long; only the beginning was read."
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if len(h) > 0 && len(h[len(h)-1].value)+len(line) <= mostField {
				h[len(h)-1].value += " " + strings.TrimLeft(string(line), " \t")
			}
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		name = strings.TrimRight(name, " \t")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			if !strings.HasPrefix(string(line), "From ") && !strings.HasPrefix(string(line), ">From ") {
				broken = "A line of its header is none."
			}
			continue
		}
		h = append(h, field{textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value[:min(len(value), mostField)])})
	}
	return h, nil, broken
}

func (h header) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func (h header) has(name string) bool { return h.count(name) > 0 }

func (h header) count(name string) (n int) {
	for _, f := range h {
		if f.name == name {
			n++
		}
	}
	return n
}

// text is a field as people read it, on one line.
func (h header) text(name string) string { return Words(h.get(name)) }

// oneLine joins white space, and leaves out what is not seen.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\ufeff' || r == '\u200b':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

var encoded = regexp.MustCompile(`=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=`)

// Words decodes the encoded words (RFC 2047) of a field, also those that are cut in
// the middle of a character, hold spaces or are badly padded.
func Words(s string) string {
	s = raw8(s)
	found := encoded.FindAllStringSubmatchIndex(s, -1)
	var out strings.Builder
	var pending []byte
	last, charset := 0, ""
	flush := func() {
		text, _ := decode(pending, charset)
		out.WriteString(text)
		pending = nil
	}
	for n, at := range found {
		between := s[last:at[0]]
		set, _, _ := strings.Cut(strings.ToLower(s[at[2]:at[3]]), "*")
		joined := n > 0 && strings.TrimSpace(between) == ""
		if !joined || set != charset {
			flush()
		}
		if !joined {
			out.WriteString(between)
		}
		charset = set
		if strings.EqualFold(s[at[4]:at[5]], "b") {
			pending = append(pending, unbase64([]byte(s[at[6]:at[7]]))...)
		} else {
			pending = append(pending, unquote([]byte(strings.ReplaceAll(s[at[6]:at[7]], "_", " ")))...)
		}
		last = at[1]
	}
	flush()
	out.WriteString(s[last:])
	return oneLine(out.String())
}

// raw8 is a field that holds more than ASCII without saying in what set.
func raw8(s string) string {
	text, _ := decode([]byte(s), "")
	return text
}

// unbase64 decodes what can be decoded.
func unbase64(b []byte) []byte {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
			clean = append(clean, c)
		case c == '-':
			clean = append(clean, '+')
		case c == '_':
			clean = append(clean, '/')
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean)
	return out[:n]
}

// unquote decodes quoted-printable, and leaves what is none as it is.
func unquote(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '=' {
			out = append(out, b[i])
			continue
		}
		rest := b[i+1:]
		end := bytes.IndexByte(rest, '\n')
		switch {
		case len(rest) >= 2 && hexed(rest[0]) >= 0 && hexed(rest[1]) >= 0:
			out = append(out, byte(hexed(rest[0])<<4|hexed(rest[1])))
			i += 2
		case end >= 0 && len(bytes.TrimSpace(rest[:end])) == 0: // the line goes on
			i += end + 1
		case len(bytes.TrimSpace(rest)) == 0:
			i = len(b)
		default:
			out = append(out, '=')
		}
	}
	return out
}

func hexed(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

var angled = regexp.MustCompile(`<\s*([^<>\s]{3,512})\s*>`)

// ids reads the message ids of a field.
func (h header) ids(name string) []string {
	var out []string
	for _, f := range h {
		if f.name != name {
			continue
		}
		for _, m := range angled.FindAllStringSubmatch(f.value, mostRefs) {
			out = append(out, oneLine(raw8(m[1])))
		}
		if v := strings.TrimSpace(f.value); len(out) == 0 && v != "" && len(v) < 512 && !strings.ContainsAny(v, " <>") {
			out = append(out, oneLine(raw8(v)))
		}
	}
	if len(out) > mostRefs {
		out = append(out[:1], out[len(out)-mostRefs+1:]...)
	}
	return out
}

// addresses reads all addresses of the fields with a name. What is none is left out.
func (h header) addresses(name string) []mail.Address {
	var out []mail.Address
	for _, f := range h {
		if f.name != name {
			continue
		}
		for _, part := range commas(f.value) {
			if a, ok := address(part); ok && len(out) < mostAddress {
				out = append(out, a)
			}
		}
	}
	return out
}

// commas splits a list at commas and semicolons that are not quoted or in brackets.
func commas(s string) []string {
	var out []string
	quoted, angle, from := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case (c == ',' || c == ';') && !angle:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

// address reads one address with its name.
func address(s string) (mail.Address, bool) {
	s = strings.TrimSpace(s)
	name, spec := "", s
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		name, spec = s[:i], s[i+1:]
		if j := strings.IndexByte(spec, '>'); j >= 0 {
			spec = spec[:j]
		}
	} else if i := strings.IndexByte(s, '('); i > 0 { // ines@example.com (Ines)
		name, spec = strings.TrimRight(s[i+1:], ") "), s[:i]
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 { // the first of a group
		spec = s[i+1:]
	}
	spec = strings.ToLower(strings.Trim(strings.TrimSpace(spec), `'"`))
	spec = strings.TrimPrefix(spec, "mailto:")
	at := strings.LastIndexByte(spec, '@')
	if at <= 0 || at == len(spec)-1 || len(spec) > 254 || strings.ContainsFunc(spec, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>,;:"\()[]`, r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar
	}) || strings.Count(spec, "@") != 1 {
		return mail.Address{}, false
	}
	name = strings.TrimSpace(name)
	if len(name) > 1 && name[0] == '"' && name[len(name)-1] == '"' {
		name = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(name[1 : len(name)-1])
	}
	return mail.Address{Name: strings.Trim(Words(name), `"' `), Address: spec}, true
}
