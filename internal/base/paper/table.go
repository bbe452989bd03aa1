package paper

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// row is one of a table.
type row struct {
	cells []cell
	head  []*box // the rows that are repeated on each page
}

// cell is a part of a row.
type cell struct {
	x, w       float64
	boxes      []*box
	ground     bool // of a heading
	above      bool // it goes on from the row above
	below      bool // it goes on in the row below
	wide, tall int
	node       *html.Node
}

const (
	cellPad  = 4.0
	thinnest = 26.0 // of a column; where there is less, rows become lists
	nestable = 3    // tables in tables; deeper ones are plain text
	mostCols = 200
	measured = 400 // rows that the widths of columns are made from
)

// grid is a table as rows of cells.
type grid struct {
	rows    [][]cell
	heads   int // rows at the top that are repeated
	columns int
}

func (f *flow) table(n *html.Node) {
	f.gap(f.size * 0.7)
	f.tag("Table", func() { f.grid(n) })
}

func (f *flow) grid(n *html.Node) {
	g := &grid{}
	for k := range n.ChildNodes() {
		switch k.DataAtom {
		case atom.Caption:
			f.tag("Caption", func() { f.caption(k) })
		case atom.Thead, atom.Tbody, atom.Tfoot:
			g.section(k)
		}
	}
	width := f.width - f.left
	if g.columns == 0 {
		return
	}
	if f.inside >= nestable || width/float64(g.columns) < thinnest || g.columns > mostCols {
		f.stacked(g)
		return
	}
	widths, scale := f.widths(g, width)
	var head []*box
	for i, cells := range g.rows {
		if f.p.err != nil {
			return
		}
		b := f.row(cells, widths, scale)
		if i < g.heads {
			b.keep = true
			f.add(b)
			head = append(head, b)
			continue
		}
		b.row.head = head
		f.add(b)
	}
	f.gap(f.size * 0.5)
}

func (f *flow) caption(n *html.Node) {
	put := f.put
	f.put = func(b *box) {
		b.keep = true
		put(b)
	}
	weight := f.weight
	f.weight = true
	f.blocks(n)
	f.gap(f.size * 0.3)
	f.weight, f.put = weight, put
}

// section reads rows; spans of rows are written out as cells that go on.
func (g *grid) section(n *html.Node) {
	held := map[int]*cell{} // by column: cells that reach down, with how far
	for tr := range n.ChildNodes() {
		if tr.DataAtom != atom.Tr {
			continue
		}
		var cells []cell
		at, onlyHeads := 0, true
		down := func() {
			for h := held[at]; h != nil; h = held[at] {
				h.tall--
				c := cell{above: true, below: h.tall > 1, wide: h.wide, ground: h.ground}
				if h.tall <= 1 {
					delete(held, at)
				}
				cells = append(cells, c)
				at += h.wide
			}
		}
		for td := range tr.ChildNodes() {
			if td.DataAtom != atom.Td && td.DataAtom != atom.Th {
				continue
			}
			down()
			c := cell{node: td, wide: span1(td, "colspan"), tall: span1(td, "rowspan"), ground: td.DataAtom == atom.Th}
			onlyHeads = onlyHeads && c.ground
			c.below = c.tall > 1
			for i := 1; i < c.wide; i++ {
				if held[at+i] != nil { // it would cover a cell that reaches down
					c.wide = i
				}
			}
			if c.below {
				h := c
				held[at] = &h
			}
			cells = append(cells, c)
			at += c.wide
		}
		down()
		g.columns = max(g.columns, at)
		if len(g.rows) == g.heads && len(g.rows) < 5 && (n.DataAtom == atom.Thead || onlyHeads && g.heads == 0 && len(cells) > 1) {
			g.heads++
		}
		g.rows = append(g.rows, cells)
	}
}

func span1(n *html.Node, key string) int {
	v, err := strconv.Atoi(value(n, key))
	if err != nil {
		return 1
	}
	return min(max(v, 1), mostCols)
}

// row lays out the cells of a row.
func (f *flow) row(cells []cell, widths []float64, scale float64) *box {
	r := &row{}
	b := &box{row: r}
	line := f.el.child("TR")
	x, at := 0.0, 0
	for _, c := range cells {
		w := 0.0
		for i := at; i < min(at+c.wide, len(widths)); i++ {
			w += widths[i]
		}
		c.x, c.w = x, w
		if c.node != nil {
			in := &flow{p: f.p, width: max(w-2*cellPad, 6), size: f.cellSize() * scale, shift: 6, weight: c.ground, inside: f.inside + 1, el: line.child(cellRole(c))}
			in.put = func(b *box) { c.boxes = append(c.boxes, b) }
			in.blocks(c.node)
		}
		b.h = max(b.h, heightOf(c.boxes)+2*cellPad)
		r.cells = append(r.cells, c)
		x, at = x+w, at+c.wide
	}
	b.w = x
	return b
}

func cellRole(c cell) string {
	if c.ground {
		return "TH"
	}
	return "TD"
}

func (f *flow) cellSize() float64 {
	if f.inside > 0 {
		return f.size
	}
	return f.size * 0.9
}

func heightOf(list []*box) float64 {
	h := 0.0
	for _, b := range list {
		h += b.h
	}
	return h
}

// widths shares the width between the columns, and tells how much smaller than
// usual the text is.
func (f *flow) widths(g *grid, width float64) ([]float64, float64) {
	least, most := make([]float64, g.columns), make([]float64, g.columns)
	given := make([]float64, g.columns)
	for _, cells := range g.rows[:min(len(g.rows), measured)] {
		at := 0
		for _, c := range cells {
			if c.node != nil {
				f.fit(c, at, least, most)
				asked(c, at, given)
			}
			at += c.wide
		}
	}
	sumLeast, sumMost, sumGiven, all := 0.0, 0.0, 0.0, true
	for i := range least {
		least[i] = max(least[i], 2*cellPad+8)
		most[i] = max(most[i], least[i])
		sumLeast, sumMost, sumGiven = sumLeast+least[i], sumMost+most[i], sumGiven+given[i]
		all = all && given[i] > 0
	}
	scale := 1.0
	if sumLeast > width {
		scale = max(width/sumLeast, 0.6)
	}
	for i := range most {
		switch {
		case all && sumLeast <= width:
			most[i] = max(given[i], least[i]*0.5) * min(width/sumGiven, 1)
		case sumMost <= width: // as wide as they like
		case sumLeast <= width:
			most[i] = least[i] + (width-sumLeast)*(most[i]-least[i])/(sumMost-sumLeast)
		default:
			most[i] = least[i] * width / sumLeast
		}
	}
	return squeezed(most, width), scale
}

// squeezed makes columns fit that are wider than the table may be.
func squeezed(widths []float64, width float64) []float64 {
	sum := 0.0
	for _, w := range widths {
		sum += w
	}
	for i := range widths {
		if sum > width {
			widths[i] *= width / sum
		}
	}
	return widths
}

// asked reads the widths that the author drew, in pixels.
func asked(c cell, at int, given []float64) {
	for i, w := range strings.Split(value(c.node, "data-colwidth"), ",") {
		if v, err := strconv.Atoi(w); err == nil && i < c.wide && at+i < len(given) {
			given[at+i] = max(given[at+i], float64(v)*0.75)
		}
	}
}

// fit measures a cell: as narrow as its longest word, as wide as its longest line.
func (f *flow) fit(c cell, at int, least, most []float64) {
	m := &measure{f: f, size: f.cellSize(), bold: c.ground}
	m.node(c.node)
	m.end()
	n := float64(c.wide)
	for i := at; i < min(at+c.wide, len(least)); i++ {
		least[i] = max(least[i], (min(m.least, 110)+2*cellPad+1)/n)
		most[i] = max(most[i], (min(m.most, 480)+2*cellPad+1)/n)
	}
}

// measure finds the longest word and line in a cell, roughly: bold and code are
// counted as wider than they are.
type measure struct {
	f           *flow
	size        float64
	bold        bool
	line        float64
	least, most float64
	margin      float64
}

func (m *measure) end() {
	m.most, m.line = max(m.most, m.line+m.margin), 0
}

func (m *measure) node(n *html.Node) {
	if n.Type == html.TextNode {
		m.text(n)
		return
	}
	switch {
	case n.DataAtom == atom.Img:
		m.least, m.most = max(m.least, 40), max(m.most, 160)
		return
	case n.DataAtom == atom.Br:
		m.end()
		return
	case n.DataAtom == atom.Li || n.DataAtom == atom.Blockquote || n.DataAtom == atom.Details:
		m.margin += indent
		defer func() { m.margin -= indent }()
	}
	block := isBlock(n) || n.DataAtom == atom.Li || n.DataAtom == atom.Tr
	if block {
		m.end()
	}
	if n.DataAtom == atom.Td || n.DataAtom == atom.Th {
		m.line += 2 * cellPad
	}
	for k := range n.ChildNodes() {
		m.node(k)
	}
	if block {
		m.end()
	}
}

func (m *measure) text(n *html.Node) {
	a, wider := regular, 1.0
	if m.bold {
		a = bold
	}
	for up := n.Parent; up != nil && up.DataAtom != atom.Td && up.DataAtom != atom.Th; up = up.Parent {
		switch up.DataAtom {
		case atom.Strong, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			a = bold
		case atom.Code, atom.Pre:
			wider = 1.25
		}
	}
	sp := m.f.p.fonts.width(a, m.size, " ")
	for i, w := range strings.FieldsFunc(n.Data, func(r rune) bool { return strings.ContainsRune(blanks, r) }) {
		if i > 0 || n.Data[0] == ' ' {
			m.line += sp
		}
		wide := m.f.p.fonts.width(a, m.size, w) * wider
		m.line += wide
		m.least = max(m.least, wide+m.margin)
		if m.line > 600 && m.least > 120 {
			break // as wide as anything
		}
	}
	if strings.HasSuffix(n.Data, " ") {
		m.line += sp
	}
}

// stacked puts a table with too many columns for the paper as one list for each
// row, in which each cell stands below its heading.
func (f *flow) stacked(g *grid) {
	names := make([]string, g.columns)
	for _, cells := range g.rows[:g.heads] {
		at := 0
		for _, c := range cells {
			if c.node != nil && at < len(names) {
				names[at] = textOf(c.node)
			}
			at += c.wide
		}
	}
	f.inside++
	f.el.role = "Div" // its rows are lists
	for i, cells := range g.rows[g.heads:] {
		if i > 0 {
			f.gap(f.size * 0.4)
			f.add(&box{h: 1, rule: true, w: f.width - f.left})
			f.gap(f.size * 0.4)
		}
		at := 0
		for _, c := range cells {
			if f.p.err != nil {
				break
			}
			if c.node != nil && at < len(names) {
				f.stackedCell(c, names[at])
			}
			at += c.wide
		}
	}
	f.inside--
}

func (f *flow) stackedCell(c cell, name string) {
	if textOf(c.node) == "" && c.node.FirstChild == nil {
		return
	}
	if name != "" {
		st := f.style()
		st.bold = true
		text := &pieces{p: f.p}
		text.text(name+":", &st)
		put := f.put
		f.put = func(b *box) {
			b.keep = true
			put(b)
		}
		f.tag("P", func() { f.lines(text.list, f.size) })
		f.put = put
	}
	f.inner(indent/2, func() { f.blocks(c.node) })
}

// cut divides a row so that the first part is at most h high. It gives nil when
// nothing of the row fits; with force, a line of each cell at least.
func (b *box) cut(h float64, force bool) (*box, *box) {
	first, rest := *b, *b
	first.row, rest.row = &row{head: b.row.head}, &row{head: b.row.head}
	first.markers, rest.markers = b.markers, nil
	took, left := false, false
	first.h, rest.h = 0, 0
	for _, c := range b.row.cells {
		a, z := c, c
		a.boxes, z.boxes = divide(c.boxes, h-2*cellPad, force)
		took, left = took || len(a.boxes) > 0, left || len(z.boxes) > 0
		first.h = max(first.h, heightOf(a.boxes)+2*cellPad)
		rest.h = max(rest.h, heightOf(z.boxes)+2*cellPad)
		first.row.cells = append(first.row.cells, a)
		rest.row.cells = append(rest.row.cells, z)
	}
	if !took {
		return nil, b
	}
	if !left {
		return &first, nil
	}
	return &first, &rest
}

// divide takes from the top what fits.
func divide(list []*box, h float64, force bool) (fit, rest []*box) {
	for i, b := range list {
		if b.h <= h {
			h -= b.h
			fit = append(fit, b)
			continue
		}
		if b.row != nil {
			if a, z := b.cut(h, force && i == 0); a != nil {
				fit = append(fit, a)
				if z == nil {
					return fit, list[i+1:]
				}
				return fit, append([]*box{z}, list[i+1:]...)
			}
		}
		if i == 0 && force {
			return list[:1], list[1:]
		}
		return fit, list[i:]
	}
	return fit, nil
}
