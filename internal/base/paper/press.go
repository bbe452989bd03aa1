package paper

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"strongroom/internal/base/fault"
)

// Margins of a page in points.
const (
	marginX = 56.0
	marginT = 66.0
	marginB = 58.0
)

// press puts boxes on pages.
type press struct {
	b     *Book
	ctx   context.Context //nolint:containedctx // a press lives for one call
	pdf   *fpdf.Fpdf
	fonts *fonts
	told  *Notes
	err   error

	width, height float64
	y             float64
	pages         int
	top           bool // nothing stands on the page yet
	waiting       []*box
	plain         int // pages at the front without head and foot
	contents      int // the first page of the table of contents

	set typeset // what the page has last

	tree    *element           // of the whole book
	marks   map[int][]*element // of the content of a page, by its number
	numbers map[*element]int   // of the objects of elements
	fronted int                // elements before the table of contents
	again   bool               // what is drawn stands on an earlier page already
	links   map[string]int
	level   int // that the next bookmark has at most

	pictures map[string]*picture
	pictured int // bytes
	within   int // the first heading of the part that is printed
	next     int // the heading that is printed next
	levels   int // of the table of contents
}

type typeset struct {
	page int
	face face
	size float64
}

func (p *press) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *press) body() float64   { return p.height - marginT - marginB }
func (p *press) bottom() float64 { return p.height - marginB }
func (p *press) column() float64 { return p.width - 2*marginX }

func (p *press) page() {
	if err := p.ctx.Err(); err != nil {
		p.fail(err)
	}
	if p.pages == mostPages {
		p.fail(fault.New(fault.Invalid, "This would have more than %d pages.", mostPages).WithHint("Choose fewer parts, or make several."))
	}
	if p.err != nil {
		p.y, p.top = marginT, true
		return
	}
	p.pdf.AddPage()
	p.pages++
	p.y, p.top = marginT, true
}

// part lays out one part of the book.
func (p *press) part(t part) {
	f := &flow{p: p, width: p.column(), size: textSize, put: p.place, any: true, el: p.tree}
	if t.head >= 0 {
		h := &p.b.heads[t.head]
		if h.level == 1 && p.b.Cover && !p.top {
			p.flush()
			p.page()
		}
		st := style{size: headSize(h.level), bold: true}
		f.gap(st.size * 0.9)
		c := &pieces{p: p}
		c.text(h.text, &st)
		f.tag(headRole(h.level), func() {
			p.wrap(c.list, p.column(), func(line []piece) {
				f.add(&box{h: st.size * leading, base: st.size * 1.08, spans: spans(line), keep: true, head: h})
				h = nil
			})
		})
		return
	}
	f.shift = t.shift
	p.within, p.next = t.first, t.first
	for _, n := range parse(t.html) {
		if p.err != nil {
			return
		}
		p.top1(f, n)
	}
	f.gap(textSize * 0.6)
}

// place puts a box on the page. What must not be the last on a page waits for
// what follows.
func (p *press) place(b *box) {
	if p.err != nil {
		return
	}
	if b.keep || b.gap && len(p.waiting) > 0 {
		if p.waiting = append(p.waiting, b); len(p.waiting) < 40 {
			return
		}
		b = p.waiting[len(p.waiting)-1]
		p.waiting = p.waiting[:len(p.waiting)-1]
	}
	need := b.h
	if b.row != nil {
		need = min(need, 48)
		if len(p.waiting) == 0 { // the head of its table moves with it
			p.put(b)
			return
		}
	}
	for _, w := range p.waiting {
		need += w.h
	}
	if !p.top && p.y+need > p.bottom() {
		p.page()
	}
	list := p.waiting
	p.waiting = nil
	for _, w := range list {
		p.put(w)
	}
	p.put(b)
}

// flush puts what waits.
func (p *press) flush() {
	list := p.waiting
	p.waiting = nil
	for _, w := range list {
		p.put(w)
	}
}

func (p *press) put(b *box) {
	if p.err != nil || b.gap && p.top {
		return
	}
	if b.row != nil {
		p.rows(b)
		return
	}
	if p.y+b.h > p.bottom() && !p.top {
		p.page()
		if b.gap {
			return
		}
	}
	p.draw(b, marginX, p.y)
	p.y += b.h
	p.top = p.top && b.gap
}

// rows puts the row of a table, on several pages if it must be.
func (p *press) rows(b *box) {
	for b != nil && p.err == nil {
		if p.y+b.h <= p.bottom() {
			p.draw(b, marginX, p.y)
			p.y += b.h
			p.top = false
			return
		}
		fresh := p.top
		headed := p.headed(b)
		if !fresh && b.h < p.body()-headed-1 && b.h < p.body()/2 {
			p.turn(b)
			continue
		}
		first, rest := b.cut(p.bottom()-p.y, fresh)
		if first == nil {
			p.turn(b)
			if p.err != nil {
				return
			}
			first, rest = b.cut(p.bottom()-p.y, true)
			if first == nil {
				first, rest = b, nil
			}
		}
		p.draw(first, marginX, p.y)
		p.y += first.h
		p.top = false
		if b = rest; b != nil {
			p.turn(b)
		}
	}
}

// turn begins a page with the head of the table that goes on.
func (p *press) turn(b *box) {
	p.page()
	if p.headed(b) == 0 || p.err != nil {
		return
	}
	p.again = true
	defer func() { p.again = false }()
	for _, h := range b.row.head {
		p.draw(h, marginX, p.y)
		p.y += h.h
		p.top = false
	}
}

// headed is how high the head of a row's table is, when it is repeated.
func (p *press) headed(b *box) float64 {
	if h := heightOf(b.row.head); h < p.body()/3 {
		return h
	}
	return 0
}

// front makes the cover, the table of contents' empty pages, or the title above
// the text.
func (p *press) front() {
	p.page()
	f := &flow{p: p, width: p.column(), size: textSize, put: p.put, el: p.tree}
	if p.b.Cover {
		p.y = p.height * 0.3
		p.top = false
		p.plain = 1
	}
	p.titles(f)
	p.fronted = len(p.tree.kids)
	if n := p.listed(); n > 0 {
		if !p.b.Cover { // a title stands above the contents
			p.plain = 0
		}
		p.page()
		p.contents = p.pages
		for range (n+perPage(p)-1)/perPage(p) - 1 {
			p.page()
		}
	}
	if p.b.Cover || p.contents > 0 {
		p.page()
	}
}

func (p *press) titles(f *flow) {
	title, line := style{size: 24, bold: true}, style{size: 11, grey: true}
	if !p.b.Cover {
		title.size, line.size = 22, 9.5
	}
	for i, text := range append([]string{p.b.Title}, p.b.Lines...) {
		st := &line
		if i == 0 {
			st = &title
		}
		c := &pieces{p: p}
		c.text(oneLine(text), st)
		f.tag("P", func() { // ISO 32000-1 has no element for a title
			p.wrap(c.list, p.column(), func(l []piece) {
				f.add(&box{h: st.size * leading, base: st.size * 1.08, spans: spans(l)})
			})
		})
		if i == 0 {
			f.gap(6)
		}
	}
	f.gap(8)
	f.add(&box{h: 1, rule: true, w: p.column()})
	f.gap(10)
}

// listed tells how many lines the table of contents has. One of thousands of
// lines has the highest headings only.
func (p *press) listed() int {
	count := func(levels int) int {
		n := 0
		for _, h := range p.b.heads {
			if h.level <= levels {
				n++
			}
		}
		return n
	}
	for p.levels > 1 && count(p.levels) > 2000 {
		p.levels--
	}
	return count(p.levels)
}

const contentsLine = 17.0

// perPage is how many lines of the table of contents stand on a page; each page
// has room for its title.
func perPage(p *press) int { return int((p.body() - 40) / contentsLine) }

// notes tells on paper what could not be printed.
func (p *press) notes() {
	p.told.Missing, p.told.RightToLeft = p.fonts.lacking(), p.fonts.rtl
	said := p.told.Sentences()
	if len(said) == 0 || p.err != nil {
		return
	}
	f := &flow{p: p, width: p.column(), size: 8.5, put: p.put, any: true, el: p.tree}
	f.gap(14)
	f.add(&box{h: 1, rule: true, w: p.column()})
	f.gap(4)
	st := style{size: 8.5, grey: true}
	for _, s := range said {
		c := &pieces{p: p}
		c.text(s, &st)
		f.tag("P", func() { f.lines(c.list, st.size) })
	}
}

// Sentences gives the notes as whole sentences; none when there is nothing to say.
func (n *Notes) Sentences() []string {
	var out []string
	if len(n.Missing) > 0 {
		var names []string
		for _, r := range n.Missing[:min(len(n.Missing), 20)] {
			names = append(names, fmt.Sprintf("U+%04X", r))
		}
		more := ""
		if len(n.Missing) > 20 {
			more = " and others"
		}
		out = append(out, "Characters that the fonts of this print lack are shown as "+string(replacement)+": "+strings.Join(names, ", ")+more+".")
	}
	if len(n.Pictures) > 0 {
		out = append(out, "Pictures that could not be printed are named in their place: "+strconv.Itoa(len(n.Pictures))+".")
	}
	if n.RightToLeft {
		out = append(out, "Text that is written from right to left may stand in the wrong order on paper.")
	}
	return out
}

// heading finds the heading with a text that is printed next.
func (p *press) heading(text string) *head {
	for i := p.next; i < len(p.b.heads) && text != ""; i++ {
		if p.b.heads[i].text == text {
			p.next = i + 1
			return &p.b.heads[i]
		}
	}
	return nil
}
