package richtext

import (
	"strings"

	"golang.org/x/net/html"
)

// Text gives the visible text of any HTML, for search and previews: a newline
// between blocks and for a line break, a tab between cells, images by their
// alternative text, white space joined except in code blocks.
func Text(s string) string {
	tree, err := build(strings.ToValidUTF8(s, "\ufffd"))
	if err != nil {
		return tokens(s)
	}
	var w textWriter
	w.block(tree)
	return strings.TrimSpace(w.out.String())
}

type textWriter struct {
	out strings.Builder
	gap string // before the next text
}

func (w *textWriter) put(s string) {
	if s == "" {
		return
	}
	if w.out.Len() > 0 {
		w.out.WriteString(w.gap)
	}
	w.gap = ""
	w.out.WriteString(s)
}

func (w *textWriter) block(b *block) {
	if b.line {
		w.put(lineText(b))
		w.gap = "\n"
		return
	}
	for i, k := range b.kids {
		if (k.tag == "td" || k.tag == "th") && i > 0 {
			w.gap = "\t"
		}
		w.block(k)
	}
	w.gap = "\n"
}

func lineText(b *block) string {
	var out strings.Builder
	for _, r := range b.text {
		switch {
		case r.tag == "br":
			out.WriteString("\n")
		case r.tag == "img":
			for _, a := range r.attrs {
				if a.key == "alt" {
					out.WriteString(" " + a.value + " ")
				}
			}
		case b.tag == "pre":
			out.WriteString(r.text)
		default:
			out.WriteString(strings.ReplaceAll(r.text, "\n", " "))
		}
	}
	if b.tag == "pre" {
		return strings.Trim(out.String(), "\r\n")
	}
	var joined []string
	for line := range strings.SplitSeq(out.String(), "\n") {
		joined = append(joined, strings.Join(strings.Fields(line), " "))
	}
	return strings.TrimSpace(strings.Join(joined, "\n"))
}

// tokens gives the text of HTML that is nested too deeply for a tree.
func tokens(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	var out []string
	hidden := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(out, " ")
		case html.StartTagToken:
			if name, _ := z.TagName(); hidden == "" && isHidden(string(name)) {
				hidden = string(name)
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == hidden {
				hidden = ""
			}
		case html.TextToken:
			if t := strings.Join(strings.Fields(string(z.Text())), " "); hidden == "" && t != "" {
				out = append(out, t)
			}
		}
	}
}

func isHidden(name string) bool {
	switch name {
	case "script", "style", "template", "iframe", "noscript", "noembed", "noframes", "textarea", "title", "xmp", "svg", "math":
		return true
	}
	return false
}
