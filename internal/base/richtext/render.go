package richtext

import (
	"slices"
	"strings"
)

// escapeText and escapeValue write characters as browsers do when asked for
// innerHTML, so that what the editor sends is already in the normal form.
func escapeText(s string) string { return textEscapes.Replace(s) }

func escapeValue(s string) string { return valueEscapes.Replace(s) }

var (
	textEscapes  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\u00a0", "&nbsp;")
	valueEscapes = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;", "\u00a0", "&nbsp;")
)

func (b *block) html() string {
	var out strings.Builder
	b.content(&out)
	return out.String()
}

func tag(out *strings.Builder, name string, attrs []attr) {
	out.WriteByte('<')
	out.WriteString(name)
	for _, a := range attrs {
		out.WriteString(" " + a.key + `="` + escapeValue(a.value) + `"`)
	}
	out.WriteByte('>')
}

// content writes what a container holds: bare text when that is all.
func (b *block) content(out *strings.Builder) {
	if len(b.kids) == 1 && b.kids[0].line && b.kids[0].tag == "" {
		inline(out, b.kids[0].text)
		return
	}
	for _, k := range b.kids {
		k.write(out)
	}
}

func (b *block) write(out *strings.Builder) {
	name, text := b.tag, b.text
	if b.line && name == "" {
		if name, text = "p", trimmed(text); len(text) == 0 {
			return
		}
	}
	tag(out, name, b.attrs)
	switch {
	case name == "hr":
		return
	case b.line:
		if name == "pre" && len(text) > 0 && strings.HasPrefix(text[0].text, "\n") {
			out.WriteByte('\n') // the parser takes the first one away
		}
		inline(out, text)
	default:
		b.content(out)
	}
	out.WriteString("</" + name + ">")
}

// trimmed takes white space from both ends of a line.
func trimmed(line []run) []run {
	line = slices.Clone(line)
	for len(line) > 0 && line[0].tag == "" {
		if line[0].text = strings.TrimLeft(line[0].text, " \t\r\n\f"); line[0].text != "" {
			break
		}
		line = line[1:]
	}
	for n := len(line) - 1; n >= 0 && line[n].tag == ""; n-- {
		if line[n].text = strings.TrimRight(line[n].text, " \t\r\n\f"); line[n].text != "" {
			break
		}
		line = line[:n]
	}
	return line
}

// inline writes runs, keeping marks open as long as they go on.
func inline(out *strings.Builder, line []run) {
	var open []attr
	shut := func(keep int) {
		for len(open) > keep {
			out.WriteString("</" + open[len(open)-1].key + ">")
			open = open[:len(open)-1]
		}
	}
	for _, r := range line {
		same := 0
		for same < len(open) && same < len(r.marks) && open[same] == r.marks[same] {
			same++
		}
		shut(same)
		for _, m := range r.marks[same:] {
			var attrs []attr
			if m.key == "a" {
				attrs = []attr{{"href", m.value}}
			}
			tag(out, m.key, attrs)
			open = append(open, m)
		}
		if r.tag == "" {
			out.WriteString(escapeText(r.text))
		} else {
			tag(out, r.tag, r.attrs)
		}
	}
	shut(0)
}
