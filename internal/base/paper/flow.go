package paper

import (
	"strconv"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// box is what is put on paper in one piece: a line of text, a picture, a rule or
// a gap; or the row of a table, which may be cut.
type box struct {
	h    float64
	x    float64   // of its content
	base float64   // of a line, from its top
	bars []float64 // lines along the left of quotes
	back *back     // behind a line of code

	spans   []span
	markers []span // before the text: bullets and numbers
	picture *picture
	w       float64 // of the picture or the rule
	row     *row
	head    *head    // a heading that begins here
	el      *element // whose content it is; nil of what is none
	rule    bool
	gap     bool // nothing: left out at the top of a page
	keep    bool // not the last on a page
}

// back is the ground of code.
type back struct{ x, w float64 }

// flow makes boxes of nodes.
type flow struct {
	p      *press
	width  float64
	left   float64
	bars   []float64
	size   float64
	shift  int
	weight bool // bold: the head of a table
	inside int  // tables around
	marker *span
	el     *element // that holds what is laid out
	put    func(*box)
	any    bool // a box was put
}

// Sizes of the text in points.
const (
	textSize = 10.0
	leading  = 1.42
	indent   = 18.0
	narrow   = 90.0 // narrower than this, nothing is indented further
)

func (f *flow) style() style { return style{size: f.size, bold: f.weight} }

func (f *flow) add(b *box) {
	b.x += f.left
	b.bars = f.bars
	if b.el == nil {
		b.el = f.el
	}
	if f.marker != nil && !b.gap {
		m := *f.marker
		f.marker = nil
		b.markers = append(b.markers, m)
		if b.spans == nil {
			b.base = m.style.size
		}
	}
	f.any = f.any || !b.gap
	f.put(b)
}

func (f *flow) gap(h float64) {
	if f.any && f.marker == nil {
		f.add(&box{h: h, gap: true})
	}
}

// blocks lays out what a container holds; text between blocks is a paragraph.
func (f *flow) blocks(n *html.Node) {
	st := f.style()
	c := &pieces{p: f.p}
	end := func() {
		if len(c.list) > 0 {
			f.tag("P", func() { f.lines(c.list, f.size) })
		}
		c = &pieces{p: f.p}
	}
	for k := range n.ChildNodes() {
		if f.p.err != nil {
			return
		}
		if isBlock(k) {
			end()
			f.block(k)
			continue
		}
		c.node(k, &st)
	}
	end()
}

func isBlock(n *html.Node) bool {
	if headingLevel(n) > 0 {
		return true
	}
	switch n.DataAtom {
	case atom.P, atom.Pre, atom.Blockquote, atom.Hr, atom.Details, atom.Summary, atom.Ul, atom.Ol, atom.Table:
		return n.Type == html.ElementNode
	}
	return false
}

func (f *flow) block(n *html.Node) {
	if l := headingLevel(n); l > 0 {
		f.heading(n, l)
		return
	}
	st := f.style()
	switch n.DataAtom {
	case atom.P, atom.Summary:
		st.bold = st.bold || n.DataAtom == atom.Summary
		f.paragraph(n, st)
	case atom.Pre:
		f.code(n, st)
	case atom.Blockquote, atom.Details:
		f.quote(n)
	case atom.Hr:
		f.gap(f.size * 0.7)
		f.add(&box{h: 1, rule: true, w: f.width - f.left})
		f.gap(f.size * 0.7)
	case atom.Ul, atom.Ol:
		f.list(n)
	case atom.Table:
		f.table(n)
	}
}

func (f *flow) paragraph(n *html.Node, st style) {
	f.gap(f.size * 0.55)
	c := &pieces{p: f.p}
	for k := range n.ChildNodes() {
		c.node(k, &st)
	}
	f.tag("P", func() { f.lines(c.list, f.size) })
}

// headSize gives the size of a heading.
func headSize(level int) float64 {
	return [...]float64{17.5, 15, 13, 11.5, 11, 10.5, 10}[min(max(level, 1), 7)-1]
}

func (f *flow) heading(n *html.Node, level int) {
	st := f.style()
	st.bold, st.size = true, headSize(level+f.shift)*f.size/textSize
	h := f.p.heading(textOf(n))
	f.gap(st.size * 0.9)
	c := &pieces{p: f.p}
	for k := range n.ChildNodes() {
		c.node(k, &st)
	}
	put := f.put
	f.put = func(b *box) {
		b.keep = true
		if !b.gap {
			b.head, h = h, nil
		}
		put(b)
	}
	f.tag(headRole(level+f.shift), func() { f.lines(c.list, st.size) })
	f.gap(st.size * 0.1)
	f.put = put
}

// headRole is what a heading is in the tree.
func headRole(level int) string { return "H" + strconv.Itoa(min(max(level, 1), 6)) }

// lines puts text that is broken into lines; pictures stand on lines of their own.
func (f *flow) lines(list []piece, size float64) {
	f.p.wrap(list, max(f.width-f.left, 1), func(line []piece) {
		h := size
		for _, q := range line {
			h = max(h, q.style.size)
		}
		if s := spans(line); len(s) > 0 || line[0].kind == breaks {
			f.add(&box{h: h * leading, base: h * 1.08, spans: s})
		}
		if last := line[len(line)-1]; last.kind == figure {
			f.picture(last)
		}
	})
}

func (f *flow) code(n *html.Node, st style) {
	f.gap(f.size * 0.6)
	st.mono, st.size = true, st.size*0.86
	c := &pieces{p: f.p, pre: true}
	for k := range n.ChildNodes() {
		c.node(k, &st)
	}
	for len(c.list) > 0 && (c.list[len(c.list)-1].kind == breaks) {
		c.list = c.list[:len(c.list)-1]
	}
	ground := &back{x: f.left, w: f.width - f.left}
	pad := min(6, (f.width-f.left)/10)
	f.left += pad
	f.width -= pad
	put := f.put
	f.put = func(b *box) {
		b.back = ground
		put(b)
	}
	f.add(&box{h: pad * 0.7})
	f.tag("P", func() { f.tag("Code", func() { f.lines(c.list, st.size) }) })
	f.add(&box{h: pad * 0.7})
	f.put = put
	f.left -= pad
	f.width += pad
}

// inner lays out what stands further to the right.
func (f *flow) inner(by float64, fn func()) {
	least := narrow
	if f.inside > 0 {
		least /= 3
	}
	if f.width-f.left-by < least {
		by = min(by, max((f.width-f.left-least)/2, 0))
	}
	f.left += by
	fn()
	f.left -= by
}

func (f *flow) quote(n *html.Node) {
	f.gap(f.size * 0.6)
	bars := f.bars
	f.bars = append(bars[:len(bars):len(bars)], f.left+2)
	f.tag("BlockQuote", func() { f.inner(12, func() { f.blocks(n) }) })
	f.bars = bars
}

// list puts a list; what its items hold stands beside their marks.
func (f *flow) list(n *html.Node) { f.tag("L", func() { f.items(n) }) }

func (f *flow) items(n *html.Node) {
	number := 1
	if s, err := strconv.Atoi(value(n, "start")); err == nil {
		number = s
	}
	first := true
	for li := range n.ChildNodes() {
		if li.DataAtom != atom.Li {
			continue
		}
		if first && f.inside == 0 {
			f.gap(f.size * 0.45)
		} else {
			f.gap(f.size * 0.2)
		}
		first = false
		mark := "•"
		switch {
		case value(li, "data-checked") == "true":
			mark = "☑"
		case value(li, "data-checked") == "false":
			mark = "☐"
		case n.DataAtom == atom.Ol:
			mark = strconv.Itoa(number) + "."
			number++
		}
		f.tag("LI", func() { f.item(li, mark) })
	}
}

func (f *flow) item(li *html.Node, mark string) {
	st := style{size: f.size}
	w := f.p.fonts.width(regular, f.size, mark)
	by := max(indent*f.size/textSize, w+6)
	outer := f.marker
	f.inner(by, func() {
		f.p.fonts.shown(regular, mark)
		f.marker = &span{x: -w - 5, w: w, text: mark, face: regular, style: &st, el: f.el.child("Lbl")}
		if outer != nil { // an item that begins with a list: both marks on one line
			f.marker.x = max(f.marker.x, -by+1)
			put := f.put
			f.put = func(b *box) {
				if outer != nil && !b.gap {
					m := *outer
					m.x -= by
					b.markers, outer = append(b.markers, m), nil
				}
				put(b)
			}
			defer func() { f.put = put }()
		}
		f.tag("LBody", func() { f.blocks(li) })
		if f.marker != nil { // an empty item
			f.add(&box{h: f.size * leading, base: f.size * 1.08})
		}
	})
}
