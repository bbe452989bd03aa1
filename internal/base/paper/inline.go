package paper

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// style is how a piece of text looks.
type style struct {
	bold, italic, mono  bool
	under, strike, grey bool
	rise                float64 // of the baseline, in parts of the size
	size                float64 // points
	link                string  // an address as written
}

func (s *style) face() face {
	switch {
	case s.mono && s.bold:
		return monoBold
	case s.mono:
		return mono
	case s.bold && s.italic:
		return boldItalic
	case s.bold:
		return bold
	case s.italic:
		return italic
	}
	return regular
}

// piece is a word or a part of one, a space, a line break or a picture.
type piece struct {
	kind  pieceKind
	text  string
	face  face
	style *style
	w     float64
	image *html.Node
}

type pieceKind int

const (
	word pieceKind = iota
	space
	breaks
	figure
)

// span is text on a line.
type span struct {
	x, w  float64
	text  string
	face  face
	style *style
	el    *element // of a mark beside the text
}

// pieces reads the text of a line.
type pieces struct {
	p    *press
	list []piece
	pre  bool
}

func (c *pieces) node(n *html.Node, st *style) {
	if n.Type == html.TextNode {
		c.text(n.Data, st)
		return
	}
	s := *st
	switch n.DataAtom {
	case atom.Br:
		c.list = append(c.list, piece{kind: breaks, style: st})
		return
	case atom.Img:
		c.list = append(c.list, piece{kind: figure, style: st, image: n})
		return
	case atom.A:
		s.link = value(n, "href")
	case atom.Strong:
		s.bold = true
	case atom.Em:
		s.italic = true
	case atom.U:
		s.under = true
	case atom.S:
		s.strike = true
	case atom.Code:
		s.mono = true
		s.size *= 0.92
	case atom.Sub:
		s.rise, s.size = s.rise-0.2, max(s.size*0.7, 4)
	case atom.Sup:
		s.rise, s.size = s.rise+0.45, max(s.size*0.7, 4)
	}
	for k := range n.ChildNodes() {
		c.node(k, &s)
	}
}

func (c *pieces) text(s string, st *style) {
	if c.pre {
		for i, line := range strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ").Replace(s), "\n") {
			if i > 0 {
				c.list = append(c.list, piece{kind: breaks, style: st})
			}
			c.word(strings.ReplaceAll(line, " ", "\u00a0"), st)
		}
		return
	}
	for s != "" {
		i := strings.IndexAny(s, blanks)
		if i < 0 {
			i = len(s)
		}
		if i > 0 {
			c.word(s[:i], st)
		}
		rest := strings.TrimLeft(s[i:], blanks)
		if len(rest) < len(s[i:]) {
			c.list = append(c.list, piece{kind: space, text: " ", face: st.face(), style: st, w: c.p.fonts.width(st.face(), st.size, " ")})
		}
		s = rest
	}
}

// blanks is HTML's white space; a no-break space is text.
const blanks = " \t\r\n\f"

func (c *pieces) word(s string, st *style) {
	for _, t := range c.p.fonts.shown(st.face(), s) {
		c.list = append(c.list, piece{text: t.text, face: t.face, style: st, w: c.p.fonts.width(t.face, st.size, t.text)})
	}
}

// wrapper breaks pieces into lines.
type wrapper struct {
	p     *press
	width float64
	line  []piece
	x     float64
	put   func([]piece)
}

func (p *press) wrap(list []piece, width float64, put func([]piece)) {
	w := &wrapper{p: p, width: width, put: put}
	var gap *piece
	for i := 0; i < len(list); {
		if list[i].kind == space {
			if gap == nil {
				gap = &list[i]
			}
			i++
			continue
		}
		if list[i].kind == breaks || list[i].kind == figure {
			w.line = append(w.line, list[i])
			w.end()
			gap = nil
			i++
			continue
		}
		j, wide := i, 0.0
		for ; j < len(list) && list[j].kind == word; j++ {
			wide += list[j].w
		}
		w.group(list[i:j], wide, gap)
		gap, i = nil, j
	}
	if len(w.line) > 0 {
		w.end()
	}
}

func (w *wrapper) end() {
	w.put(w.line)
	w.line, w.x = nil, 0
}

// group puts what must stay together, if it fits on a line at all.
func (w *wrapper) group(g []piece, wide float64, gap *piece) {
	if gap != nil && len(w.line) > 0 {
		if w.x+gap.w+wide > w.width+fits {
			w.end()
		} else {
			w.line = append(w.line, *gap)
			w.x += gap.w
		}
	} else if len(w.line) > 0 && w.x+wide > w.width+fits {
		w.end()
	}
	for _, q := range g {
		w.chop(q)
	}
}

// fits forgives what adding up widths loses.
const fits = 0.01

// chop puts a piece, broken where it must be.
func (w *wrapper) chop(q piece) {
	for w.x+q.w > w.width+fits {
		cut := w.cut(&q)
		if cut == 0 {
			if len(w.line) == 0 { // not one character fits: it stands out
				break
			}
			w.end()
			continue
		}
		a := q
		a.text, q.text = q.text[:cut], q.text[cut:]
		a.w = w.p.fonts.width(a.face, a.style.size, a.text)
		q.w -= a.w
		w.line = append(w.line, a)
		w.end()
		if q.text == "" {
			return
		}
	}
	w.line = append(w.line, q)
	w.x += q.w
}

// cut tells how many bytes of a piece fit on the rest of the line: to the last
// place in its second half where one may break, else as many as fit.
func (w *wrapper) cut(q *piece) int {
	g := w.p.fonts.glyphs(q.face)
	x, most, nice := w.x, 0, 0
	for i, r := range q.text {
		x += g.width(r) * q.style.size
		end := i + len(string(r))
		if x > w.width+fits {
			if nice > most/2 {
				return nice
			}
			if most == 0 && len(w.line) == 0 {
				return end // one character at least
			}
			return most
		}
		if most = end; strings.ContainsRune("-/\\_.,;:@?&=+ ", r) {
			nice = end
		}
	}
	return most
}

// spans joins pieces of a line that look alike.
func spans(line []piece) []span {
	var out []span
	x := 0.0
	for _, q := range line {
		if q.kind != word && q.kind != space {
			continue
		}
		if n := len(out); n > 0 && out[n-1].face == q.face && *out[n-1].style == *q.style {
			out[n-1].text += q.text
			out[n-1].w += q.w
		} else {
			out = append(out, span{x: x, w: q.w, text: q.text, face: q.face, style: q.style})
		}
		x += q.w
	}
	return out
}

func value(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
