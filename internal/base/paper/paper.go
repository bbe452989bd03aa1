// Package paper writes sanitised HTML as PDF.
//
// Always true: the same book gives the same bytes; nothing is fetched, since
// pictures come from the caller; nothing runs, neither script nor form; what the
// fonts cannot show is shown as a replacement character and told in a note at
// the end, never left out in silence; work and memory grow with the text and
// have bounds, however the text is nested.
//
// The format is PDF with embedded subsets of TrueType fonts, as codeberg.org/go-pdf/fpdf
// writes it; what stands where is decided here. Headings, paragraphs, lists, tables and
// pictures are tagged, for who reads with a screen reader; see tag.go.
package paper

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
)

// Size is a size of paper.
type Size string

// The sizes of paper.
const (
	A4     Size = "A4"
	Letter Size = "Letter"
)

// mostPages bounds a book.
const mostPages = 5000

// Book is what is printed. Fill the fields, add headings and text in their
// order, then Write.
type Book struct {
	Title    string
	Lines    []string // below the title
	Author   string
	Owner    string    // whose it is; in the head of each page
	Language string    // BCP 47; empty is en
	Made     time.Time // printed in its own time zone
	Size     Size      // empty is A4
	Cover    bool      // the title has a page of its own
	Contents int       // levels of headings in the table of contents; 0 for none
	Base     string    // what stands before links that begin with /; empty makes text of them

	// Image gives the picture at an address in the text: PNG, JPEG, GIF or WebP.
	// A picture that it fails to give is named by its alternative text, and noted.
	// nil gives none.
	Image func(ctx context.Context, src string) ([]byte, error)

	parts []part
	heads []head
}

// part is a heading or a piece of HTML, in the order in which they were added.
type part struct {
	html  string
	shift int // added to the levels of headings
	head  int // of Book.heads; -1 for HTML
	first int // heading of the HTML in Book.heads
}

// head is a heading; its place becomes known when it is printed.
type head struct {
	level int // 1 is the highest
	text  string
	link  int // of the PDF
	page  int
	at    string
}

// Notes tell what could not be printed as it is.
type Notes struct {
	Pages       int
	Missing     []rune   // characters that the fonts lack, sorted; at most a hundred
	Pictures    []string // that could not be read, by their alternative text or address
	RightToLeft bool     // there is text that is written from right to left; its order on paper may be wrong
}

// Heading adds a heading. Level 1 is the highest. Links in the text to the path
// at lead to it; empty is none.
func (b *Book) Heading(level int, text, at string) {
	b.parts = append(b.parts, part{head: len(b.heads)})
	b.heads = append(b.heads, head{level: max(level, 1), text: oneLine(text), at: at})
}

// HTML adds text. Its highest headings stand one level below level, and those
// below them accordingly; a link to #part-N leads to the Nth of them.
func (b *Book) HTML(level int, s string) {
	s = richtext.Clean(s)
	if strings.TrimSpace(s) == "" {
		return
	}
	p := part{html: s, head: -1, first: len(b.heads)}
	least := 7
	for _, root := range parse(s) {
		for n := range all(root) {
			if l := headingLevel(n); l > 0 && textOf(n) != "" {
				least = min(least, l)
				b.heads = append(b.heads, head{level: l, text: textOf(n), at: ""})
			}
		}
	}
	p.shift = level + 1 - least
	for i := p.first; i < len(b.heads); i++ {
		b.heads[i].level += p.shift
		b.heads[i].at = "#" + strconv.Itoa(p.first) + "#part-" + strconv.Itoa(i-p.first+1)
	}
	b.parts = append(b.parts, p)
}

// Write lays the book out and writes it to w. Fault kinds: Invalid for a book of
// more than 5,000 pages.
func (b *Book) Write(ctx context.Context, w io.Writer) (*Notes, error) {
	p, err := b.press(ctx)
	if err != nil {
		return nil, err
	}
	p.front()
	for _, part := range b.parts {
		p.part(part)
		if p.err != nil {
			return nil, p.err
		}
	}
	p.flush()
	p.notes()
	if p.err != nil {
		return nil, p.err
	}
	p.finish()
	var file bytes.Buffer
	if err := p.pdf.Output(&file); err != nil {
		return nil, err
	}
	return p.told, p.tagged(file.Bytes(), w)
}

func (b *Book) press(ctx context.Context) (*press, error) {
	size := b.Size
	if size == "" {
		size = A4
	}
	if size != A4 && size != Letter {
		return nil, fault.New(fault.Invalid, "The size of paper is A4 or Letter.")
	}
	pdf := fpdf.New("P", "pt", string(size), "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(0, 0, 0)
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(b.Made)
	pdf.SetModificationDate(b.Made)
	pdf.SetTitle(oneLine(b.Title), true)
	pdf.SetAuthor(oneLine(b.Author), true)
	pdf.SetProducer("Strongroom", true)
	pdf.SetCreator("Strongroom", true)
	pdf.SetLang(language(b.Language))
	p := &press{b: b, ctx: ctx, pdf: pdf, fonts: &fonts{pdf: pdf, missing: map[rune]bool{}}, told: &Notes{},
		links: map[string]int{}, pictures: map[string]*picture{}, levels: b.Contents,
		tree: &element{role: "Document"}, marks: map[int][]*element{}, numbers: map[*element]int{}}
	p.width, p.height = pdf.GetPageSize()
	for i := range b.heads {
		h := &b.heads[i]
		h.page, h.link = 0, pdf.AddLink()
		if h.at != "" {
			p.links[h.at] = h.link
		}
	}
	return p, nil
}

// language gives a language that may stand in the catalogue as it is.
func language(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return "en"
	}
	return s
}

// parse gives the nodes of HTML in the normal form.
func parse(s string) []*html.Node {
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil { // deeper than the parser goes: Clean gives no such thing
		return []*html.Node{{Type: html.TextNode, Data: richtext.Text(s)}}
	}
	return nodes
}

// all gives a node and everything in it, in the order of the text.
func all(n *html.Node) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		if !yield(n) {
			return
		}
		for d := range n.Descendants() {
			if !yield(d) {
				return
			}
		}
	}
}

func headingLevel(n *html.Node) int {
	if n.Type == html.ElementNode && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
		return int(n.Data[1] - '0')
	}
	return 0
}

// textOf gives the text in a node on one line.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range all(n) {
		switch {
		case d.Type == html.TextNode:
			b.WriteString(d.Data)
		case d.DataAtom == atom.Br:
			b.WriteByte(' ')
		}
	}
	return oneLine(b.String())
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " ")
}
