package mailparse

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var (
	quoteClass = regexp.MustCompile(`(?:^|\s)(gmail_quote(_container)?|yahoo_quoted|protonmail_quote|tutanota_quote|zmail_extra|mail-quote|quote-container)(?:\s|$)`)
	beforeCite = regexp.MustCompile(`(?:^|\s)(moz-cite-prefix|gmail_attr)(?:\s|$)`)
	signClass  = regexp.MustCompile(`(?:^|\s)(gmail_signature|moz-signature|protonmail_signature_block|ms-outlook-mobile-signature)(?:\s|$)`)
	cutID      = regexp.MustCompile(`^(x_)*(divRplyFwdMsg|appendonsend|reply-intro|mail-editor-reference-message-container|OLK_SRC_BODY_SECTION)$`)
	topBorder  = regexp.MustCompile(`(?i)border-top:\s*(solid|1\.0pt|#)`)
)

// mostNodes is how many elements of a mail are looked at.
const mostNodes = 100_000

// foldHTML parts HTML into what was written, and what is quoted or a signature.
func foldHTML(s string) (fresh, rest string) {
	root, err := html.Parse(strings.NewReader(s))
	if err != nil {
		return s, ""
	}
	body := find(root, atom.Body)
	if body == nil {
		return s, ""
	}
	var out strings.Builder
	f := &folder{}
	f.look(body)
	if f.cut != nil {
		f.after(f.cut, body)
	}
	if len(f.quotes) == 1 || len(f.quotes) > 1 && f.cut == nil && !f.between() {
		for _, q := range f.quotes {
			f.take(q)
		}
	}
	for _, n := range f.signs {
		f.take(n)
	}
	for _, n := range f.taken {
		if n.Parent == nil {
			continue
		}
		n.Parent.RemoveChild(n)
		if html.Render(&out, n) != nil {
			return s, ""
		}
	}
	fresh = inner(body)
	if strings.TrimSpace(visible(body)) == "" && find(body, atom.Img) == nil {
		return s, ""
	}
	return fresh, out.String()
}

// folder is what was found in a mail.
type folder struct {
	nodes  int
	cut    *html.Node   // all that follows is quoted, and this
	quotes []*html.Node // what holds quoted text
	signs  []*html.Node
	taken  []*html.Node
}

func (f *folder) take(n *html.Node) { f.taken = append(f.taken, n) }

// look walks until it is known from where on everything is quoted.
func (f *folder) look(n *html.Node) {
	for k := n.FirstChild; k != nil && f.cut == nil; k = k.NextSibling {
		if f.nodes++; f.nodes > mostNodes || k.Type != html.ElementNode {
			continue
		}
		class, id := attr(k, "class"), attr(k, "id")
		switch {
		case cutID.MatchString(id):
			f.cut = k
		case (k.DataAtom == atom.Div || k.DataAtom == atom.P || k.DataAtom == atom.Hr) && f.outlook(k):
			f.cut = k
		case quoteClass.MatchString(class), beforeCite.MatchString(class), k.DataAtom == atom.Blockquote && (strings.EqualFold(attr(k, "type"), "cite") || attr(k, "cite") != ""):
			f.quotes = append(f.quotes, k)
		case signClass.MatchString(class) || strings.EqualFold(id, "Signature"):
			f.signs = append(f.signs, k)
		default:
			f.look(k)
		}
	}
}

// outlook tells whether an element is a rule above the head of a quoted mail, or that
// head itself.
func (f *folder) outlook(n *html.Node) bool {
	if n.DataAtom == atom.Hr {
		next := n.NextSibling
		for next != nil && strings.TrimSpace(visible(next)) == "" {
			next = next.NextSibling
		}
		return next != nil && block(first(next))
	}
	if n.DataAtom == atom.Div && topBorder.MatchString(attr(n, "style")) {
		return block(first(n))
	}
	if n.DataAtom == atom.P {
		return block(first(n))
	}
	return false
}

// first gives the first lines of an element.
func first(n *html.Node) []string {
	var out []string
	for line := range strings.SplitSeq(visible(n), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
		if len(out) == 6 {
			break
		}
	}
	return out
}

// between tells whether something was written between the quotes.
func (f *folder) between() bool {
	last := f.quotes[len(f.quotes)-1]
	for _, q := range f.quotes[:len(f.quotes)-1] {
		for n := q.NextSibling; n != nil && n != last; n = n.NextSibling {
			if strings.TrimSpace(visible(n)) == "" || contains(f.quotes, n) {
				continue
			}
			return true
		}
		if q.Parent != last.Parent {
			return true
		}
	}
	return false
}

func contains(list []*html.Node, n *html.Node) bool {
	for _, k := range list {
		if k == n {
			return true
		}
	}
	return false
}

// after takes an element and all that follows it within top.
func (f *folder) after(n, top *html.Node) {
	f.take(n)
	for n != top && n != nil {
		for k := n.NextSibling; k != nil; k = k.NextSibling {
			f.take(k)
		}
		n = n.Parent
	}
}

func find(n *html.Node, a atom.Atom) *html.Node {
	for k := range n.Descendants() {
		if k.DataAtom == a {
			return k
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func inner(n *html.Node) string {
	var out strings.Builder
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		if html.Render(&out, k) != nil {
			return ""
		}
	}
	return strings.TrimSpace(out.String())
}

// visible is the text of an element, a line for each of its lines, as far as a fold
// needs to know it.
func visible(n *html.Node) string {
	const most = 4000
	var out strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case out.Len() > most:
			return
		case n.Type == html.TextNode:
			out.WriteString(strings.ReplaceAll(strings.ReplaceAll(n.Data, "\n", " "), "\u00a0", " "))
		case n.DataAtom == atom.Style || n.DataAtom == atom.Script || n.DataAtom == atom.Title:
			return
		case n.DataAtom == atom.Br:
			out.WriteByte('\n')
		}
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			walk(k)
		}
		if n.DataAtom == atom.Div || n.DataAtom == atom.P || n.DataAtom == atom.Tr {
			out.WriteByte('\n')
		}
	}
	walk(n)
	return out.String()
}
