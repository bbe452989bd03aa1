package paper

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// top1 lays out a node that stands in no other.
func (p *press) top1(f *flow, n *html.Node) {
	if isBlock(n) {
		f.block(n)
		return
	}
	st := f.style()
	c := &pieces{p: p}
	c.node(n, &st)
	f.tag("P", func() { f.lines(c.list, f.size) })
}

// ink is a colour.
type ink [3]int

func dark() ink  { return ink{0x1c, 0x21, 0x28} }
func soft() ink  { return ink{0x5b, 0x64, 0x70} }
func blue() ink  { return ink{0x0b, 0x50, 0xb5} }
func lines() ink { return ink{0xc4, 0xca, 0xd2} }

func (p *press) draw(b *box, x, y float64) {
	if b.back != nil {
		p.marked(nil, func() {
			p.pdf.SetFillColor(0xf3, 0xf4, 0xf6)
			p.pdf.Rect(x+b.back.x, y, b.back.w, b.h+0.3, "F")
		})
	}
	for _, bar := range b.bars {
		p.stroke(x+bar, y, x+bar, y+b.h, 1.6)
	}
	if b.head != nil {
		p.mark(b.head, y)
	}
	for i := range b.markers {
		p.marked(b.markers[i].el, func() { p.span(&b.markers[i], x+b.x, y+b.base) })
	}
	if len(b.spans) > 0 {
		p.marked(b.el, func() {
			for i := range b.spans {
				p.span(&b.spans[i], x+b.x, y+b.base)
			}
		})
	}
	switch {
	case b.picture != nil:
		p.marked(b.el, func() { p.pdf.Image(b.picture.name, x+b.x, y, b.w, b.h, false, "", 0, "") })
	case b.rule:
		p.stroke(x+b.x, y, x+b.x+b.w, y, 0.8)
	case b.row != nil:
		p.cells(b, x+b.x, y)
	}
}

func (p *press) cells(b *box, x, y float64) {
	for _, c := range b.row.cells {
		if c.ground {
			p.marked(nil, func() {
				p.pdf.SetFillColor(0xee, 0xf0, 0xf3)
				p.pdf.Rect(x+c.x, y, c.w, b.h, "F")
			})
		}
	}
	for _, c := range b.row.cells {
		left, right := x+c.x, x+c.x+c.w
		p.stroke(left, y, left, y+b.h, 0.6)
		p.stroke(right, y, right, y+b.h, 0.6)
		if !c.above {
			p.stroke(left, y, right, y, 0.6)
		}
		if !c.below {
			p.stroke(left, y+b.h, right, y+b.h, 0.6)
		}
		at := y + cellPad
		for _, k := range c.boxes {
			p.draw(k, left+cellPad, at)
			at += k.h
		}
	}
}

func (p *press) stroke(x1, y1, x2, y2, width float64) {
	p.marked(nil, func() {
		c := lines()
		p.pdf.SetDrawColor(c[0], c[1], c[2])
		p.pdf.SetLineWidth(width)
		p.pdf.Line(x1, y1, x2, y2)
	})
}

// font sets the face for what is drawn next on the page.
func (p *press) font(a face, size float64) {
	t := typeset{p.pdf.PageNo(), a, size}
	if t != p.set {
		p.fonts.glyphs(a)
		p.pdf.SetFont(a.file(), "", size)
		p.set = t
	}
}

func (p *press) text(x, y float64, s string, a face, size float64, c ink) {
	p.font(a, size)
	p.pdf.SetTextColor(c[0], c[1], c[2])
	p.pdf.Text(x, y, s)
}

func (p *press) span(s *span, x, y float64) {
	c := dark()
	if s.style.grey {
		c = soft()
	}
	id, url := p.target(s.style.link)
	if id != 0 || url != "" {
		c = blue()
	}
	x, size := x+s.x, s.style.size
	y -= s.style.rise * size
	p.text(x, y, s.text, s.face, size, c)
	if id != 0 || url != "" || s.style.under {
		p.pdf.SetDrawColor(c[0], c[1], c[2])
		p.pdf.SetLineWidth(size * 0.05)
		p.pdf.Line(x, y+size*0.13, x+s.w, y+size*0.13)
	}
	if s.style.strike {
		p.pdf.SetDrawColor(c[0], c[1], c[2])
		p.pdf.SetLineWidth(size * 0.06)
		p.pdf.Line(x, y-size*0.27, x+s.w, y-size*0.27)
	}
	switch {
	case id != 0:
		p.pdf.Link(x, y-size, s.w, size*1.25, id)
	case url != "":
		p.pdf.LinkString(x, y-size, s.w, size*1.25, url)
	}
}

// target gives where a link leads: a place in the book, or an address.
func (p *press) target(href string) (int, string) {
	switch {
	case href == "":
		return 0, ""
	case strings.HasPrefix(href, "#"):
		return p.links["#"+strconv.Itoa(p.within)+href], ""
	case p.links[href] != 0:
		return p.links[href], ""
	case strings.HasPrefix(href, "/"):
		if p.b.Base == "" {
			return 0, ""
		}
		return 0, p.b.Base + href
	case !strings.Contains(href, ":"): // relative to a page that is not here
		return 0, ""
	}
	return 0, href
}

// mark makes a heading a place that links and bookmarks lead to.
func (p *press) mark(h *head, y float64) {
	if h.page != 0 {
		return // the head of a table, again
	}
	h.page = p.pdf.PageNo()
	p.pdf.SetLink(h.link, max(y-6, 0), h.page)
	level := min(h.level-1, p.level)
	p.font(regular, textSize)
	p.pdf.Bookmark(h.text, level, max(y-6, 0))
	p.level = level + 1
}

// finish draws what needs to be known of the whole book.
func (p *press) finish() {
	p.told.Pages = p.pages
	p.table()
	for n := p.plain + 1; n <= p.pages; n++ {
		p.pdf.SetPage(n)
		p.set = typeset{}
		p.edges(n)
	}
	p.pdf.SetPage(p.pages)
}

// table draws the table of contents on the pages that were left for it.
func (p *press) table() {
	if p.contents == 0 {
		return
	}
	page, row := p.contents, 0
	toc := &element{role: "TOC"}
	p.tree.kids = slices.Insert(p.tree.kids, min(p.fronted, len(p.tree.kids)), kid{el: toc})
	begin := func() {
		p.pdf.SetPage(page)
		p.set = typeset{}
		if page == p.contents {
			p.marked(toc.child("Caption"), func() { p.text(marginX, marginT+20, "Contents", bold, 20, dark()) })
		}
	}
	begin()
	for _, h := range p.b.heads {
		if h.level > p.levels || h.page == 0 {
			continue
		}
		if row == perPage(p) {
			page, row = page+1, 0
			begin()
		}
		p.marked(toc.child("TOCI"), func() { p.entry(h, marginT+40+float64(row)*contentsLine+12) })
		row++
	}
}

func (p *press) entry(h head, y float64) {
	a, size := regular, 10.0
	if h.level == 1 {
		a = bold
	}
	x := marginX + float64(h.level-1)*14
	right := p.width - marginX
	number := strconv.Itoa(h.page)
	nw := p.fonts.width(regular, size, number)
	end := p.line(h.text, x, y, right-nw-24-x, a, size, dark())
	dot := p.fonts.width(regular, size, ".") * 2
	if n := int((right - nw - 8 - end - 6) / dot); n > 0 {
		p.text(right-nw-6-float64(n)*dot, y, strings.Repeat(". ", n), regular, size, soft())
	}
	p.text(right-nw, y, number, regular, size, dark())
	p.pdf.Link(x, y-size, right-x, contentsLine, h.link)
}

// line draws text on one line that is at most width wide, and gives where it ends.
func (p *press) line(s string, x, y, width float64, a face, size float64, c ink) float64 {
	for _, t := range p.fonts.shown(a, s) {
		w := p.fonts.width(t.face, size, t.text)
		if w > width {
			t.text = p.shortened(t, size, width)
			w = p.fonts.width(t.face, size, t.text)
			width = 0
		}
		p.text(x, y, t.text, t.face, size, c)
		x += w
		if width -= w; width <= 0 {
			break
		}
	}
	return x
}

func (p *press) shortened(t stretch, size, width float64) string {
	g := p.fonts.glyphs(t.face)
	width -= g.width('…') * size
	for i, r := range t.text {
		if width -= g.width(r) * size; width < 0 {
			return strings.TrimRight(t.text[:i], " ") + "…"
		}
	}
	return t.text
}

// edges draws the head and the foot of a page.
func (p *press) edges(n int) {
	const size = 8.0
	p.marked(nil, func() { p.edge(n, size) })
	y := marginT - 22
	p.stroke(marginX, y, p.width-marginX, y, 0.5)
}

func (p *press) edge(n int, size float64) {
	y := marginT - 28
	right := p.width - marginX
	end := 0.0
	if p.b.Owner != "" {
		w := min(p.fonts.width(regular, size, oneLine(p.b.Owner)), p.column()*0.4)
		p.line(oneLine(p.b.Owner), right-w-1, y, w+1, regular, size, soft())
		end = w + 16
	}
	p.line(oneLine(p.b.Title), marginX, y, p.column()-end, regular, size, soft())
	y = p.height - marginB + 28
	p.text(marginX, y, p.b.Made.Format("2006-01-02 15:04 MST"), regular, size, soft())
	of := "Page " + strconv.Itoa(n) + " of " + strconv.Itoa(p.pages)
	p.text(right-p.fonts.width(regular, size, of), y, of, regular, size, soft())
}
