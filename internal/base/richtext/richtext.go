// Package richtext holds the HTML of documents and notes.
//
// Always true: what Clean returns is in one normal form made only of the
// elements and attributes named in Elements and policy, so it runs no script,
// loads nothing but images, carries no style, class, id or event, and links only
// by http, https, mailto, tel, ssh, rdp or a path of our own; cleaning it again
// changes nothing. Two sieves that know nothing of each other must both let a
// piece through: a tree builder written here and bluemonday.
//
// The form: blocks (headings, paragraphs, lists, tables, quotes, code, rules,
// details) hold blocks or text; text has marks in one fixed order; a place that
// holds nothing but text needs no paragraph. It is what the editor writes.
package richtext

import (
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// Elements is the allow-list of elements; the editor's schema has the same.
func Elements() []string {
	return []string{
		"h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "blockquote", "hr", "details", "summary",
		"ul", "ol", "li", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th",
		"a", "strong", "em", "u", "s", "sub", "sup", "code", "br", "img",
	}
}

// The values attributes may have.
var (
	spanValue    = regexp.MustCompile(`^([2-9]|[1-9][0-9]{1,2})$`)
	startValue   = regexp.MustCompile(`^[0-9]{1,6}$`)
	sizeValue    = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
	widthsValue  = regexp.MustCompile(`^[0-9]{1,5}(,[0-9]{1,5}){0,99}$`)
	checkedValue = regexp.MustCompile(`^(true|false)$`)
	policy       = newPolicy()
)

// newPolicy is the second sieve.
func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(Elements()...)
	p.AllowNoAttrs().OnElements("details", "summary", "u", "s")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(sizeValue).OnElements("img")
	p.AllowAttrs("colspan", "rowspan").Matching(spanValue).OnElements("td", "th")
	p.AllowAttrs("data-colwidth").Matching(widthsValue).OnElements("td", "th")
	p.AllowAttrs("start").Matching(startValue).OnElements("ol")
	p.AllowAttrs("data-checked").Matching(checkedValue).OnElements("li")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("http", "https", "mailto", "tel", "ssh", "rdp")
	return p
}

// rounds is how often Clean tries to reach the normal form.
const rounds = 4

// Clean brings any HTML into the normal form. Text is kept wherever it was
// visible; what else is not allowed is left out. HTML that is built to be read
// in several ways becomes its plain text.
func Clean(html string) string {
	s := strings.ToValidUTF8(html, "\ufffd")
	if !strings.ContainsAny(s, "<>&\x00\r\u00a0") && !blank(s) {
		return s
	}
	for range rounds {
		once, ok := normal(s)
		if !ok {
			break
		}
		next, ok := normal(policy.Sanitize(once))
		if !ok {
			break
		}
		if next == once && fixed(next, s) {
			return next
		}
		s = next
	}
	return FromText(Text(html))
}

// normal is the first sieve.
func normal(s string) (string, bool) {
	tree, err := build(s)
	if err != nil {
		return "", false
	}
	return tree.html(), true
}

// fixed tells whether the first sieve leaves s as it is; it need not be asked
// when s is what it was just given.
func fixed(s, given string) bool {
	if s == given {
		return true
	}
	again, ok := normal(s)
	return ok && again == s
}

// FromText makes paragraphs of plain text: a blank line ends one, a newline
// inside one stays a line break. The result is in the normal form.
func FromText(plain string) string {
	plain = strings.ToValidUTF8(plain, "\ufffd")
	plain = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(plain)
	var b strings.Builder
	lines := 0
	for line := range strings.SplitSeq(plain, "\n") {
		if strings.TrimSpace(line) == "" {
			if lines > 0 {
				b.WriteString("</p>")
			}
			lines = 0
			continue
		}
		if lines++; lines == 1 {
			b.WriteString("<p>")
		} else {
			b.WriteString("<br>")
		}
		b.WriteString(escapeText(line))
	}
	if lines > 0 {
		b.WriteString("</p>")
	}
	return b.String()
}
