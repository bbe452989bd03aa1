package maps

import (
	"cmp"
	"fmt"
	"strings"

	"strongroom/internal/core/id"
	"strongroom/internal/feature/relation/graph"
)

// Measures of the picture, in its own units, which are pixels on a wide screen.
const (
	boxWide  = 180
	boxHigh  = 40
	gapWide  = 48 // between two columns
	gapHigh  = 10 // between two boxes of a column
	margin   = 14
	sides    = 44 // for links that go round a column
	textLeft = 38 // of the words in a box
	textWide = boxWide - textLeft - 10
)

// picture is a drawn map.
type picture struct {
	W, H   int
	Curves []curve
	Boxes  []box
	Label  string
	Fits   bool // may be drawn a little smaller to fit a usual window
}

// box is a record.
type box struct {
	X, Y                  int
	Name, How, Icon, Href string
	Label                 string // what it is, in full
	First, Archived       bool
}

// curve is a link. With Arrow it points to what the other end depends on.
type curve struct {
	D     string
	Far   bool // joins boxes that stand apart: no branch of the tree
	Arrow bool
}

// point is the middle of a box.
type point struct{ x, y float64 }

// draw lays a map out as a tree of who was found from whom, whose columns are the
// hops: each box has a row of its own, so that nothing covers anything. A small
// tree grows to both sides of the first record, others to the right alone.
func draw(m *graph.Map, lines []line, oneSided bool) *picture {
	t := &tree{children: map[id.ID][]id.ID{}, at: map[id.ID]point{}}
	deep := 0
	for _, n := range m.Nodes[1:] {
		t.children[n.Via] = append(t.children[n.Via], n.ID)
		deep = max(deep, n.Hops)
	}
	t.place(m.Nodes[0].ID, oneSided || deep > 2 || len(m.Nodes) < 7)
	p := &picture{W: int(t.right-t.left) + boxWide + 2*sides, H: int(t.bottom) + boxHigh + 2*margin, Label: fmt.Sprintf("Map of %d records; the list has the same", len(m.Nodes))}
	p.Fits = p.W <= 5*boxWide+4*gapWide+2*sides
	for i, n := range m.Nodes {
		at := t.at[n.ID]
		l := lines[i]
		b := box{X: int(at.x-t.left) + sides, Y: int(at.y) + margin, Name: clip(l.Name, textWide, 1), How: clip(cmp.Or(l.Note, l.How), textWide, .85), Icon: l.Icon, Href: l.Href,
			Label: l.Name + ", " + l.Kind, First: i == 0, Archived: l.Archived}
		if l.How == "" {
			b.How = clip(l.Kind, textWide, .85)
		} else {
			b.Label += ": " + l.How
		}
		p.Boxes = append(p.Boxes, b)
	}
	branch := map[[2]id.ID]bool{}
	for _, n := range m.Nodes[1:] {
		branch[[2]id.ID{n.Via, n.ID}] = true
	}
	drawn := map[[2]id.ID]bool{}
	for _, e := range m.Edges { // what depends first: of two links between the same two it is the one drawn
		if e.Needed != 0 && !drawn[pair(e)] {
			drawn[pair(e)] = true
			p.Curves = append(p.Curves, t.curve(e, branch))
		}
	}
	for _, e := range m.Edges {
		if !drawn[pair(e)] {
			drawn[pair(e)] = true
			p.Curves = append(p.Curves, t.curve(e, branch))
		}
	}
	return p
}

func pair(e *graph.Edge) [2]id.ID { return [2]id.ID{min(e.From, e.To), max(e.From, e.To)} }

// tree is where the boxes stand.
type tree struct {
	children            map[id.ID][]id.ID
	at                  map[id.ID]point
	left, right, bottom float64
}

func (t *tree) place(root id.ID, oneSided bool) {
	list := t.children[root]
	half := len(list)
	if !oneSided {
		all := t.rows(root)
		half = 0
		for n := 0; half < len(list) && n < (all+1)/2; half++ {
			n += t.rows(list[half])
		}
	}
	right := t.column(list[:half], 1, 0)
	left := t.column(list[half:], -1, 0)
	tall := max(right, left, boxHigh+gapHigh)
	t.shift(list[:half], (tall-right)/2)
	t.shift(list[half:], (tall-left)/2)
	t.at[root] = point{0, (tall - gapHigh - boxHigh) / 2}
	if oneSided && len(list) > 0 {
		t.at[root] = point{0, (t.at[list[0]].y + t.at[list[len(list)-1]].y) / 2}
	}
	for _, p := range t.at {
		t.left, t.right, t.bottom = min(t.left, p.x), max(t.right, p.x), max(t.bottom, p.y)
	}
}

// rows is how many rows a record and what was found from it take.
func (t *tree) rows(rec id.ID) int {
	n := 0
	for _, c := range t.children[rec] {
		n += t.rows(c)
	}
	return max(n, 1)
}

// column places records one under the other at a hop, negative to the left, with
// what was found from each beside it, and gives where the next one would stand.
func (t *tree) column(list []id.ID, hop int, y float64) float64 {
	step := 1
	if hop < 0 {
		step = -1
	}
	for _, rec := range list {
		next := t.children[rec]
		top := y
		if len(next) == 0 {
			y += boxHigh + gapHigh
		} else {
			y = t.column(next, hop+step, y)
		}
		middle := top
		if len(next) > 0 {
			middle = (t.at[next[0]].y + t.at[next[len(next)-1]].y) / 2
		}
		t.at[rec] = point{float64(hop * (boxWide + gapWide)), middle}
	}
	return y
}

func (t *tree) shift(list []id.ID, by float64) {
	for _, rec := range list {
		p := t.at[rec]
		t.at[rec] = point{p.x, p.y + by}
		t.shift(t.children[rec], by)
	}
}

// curve draws a link from the end that depends, or that says it, to the other.
func (t *tree) curve(e *graph.Edge, branch map[[2]id.ID]bool) curve {
	from, to := e.From, e.To
	if e.Needed == from {
		from, to = to, from
	}
	a, b := t.at[from], t.at[to]
	c := curve{Arrow: e.Needed != 0, Far: !branch[[2]id.ID{from, to}] && !branch[[2]id.ID{to, from}]}
	x := func(p point, right bool) float64 {
		x := p.x - t.left + sides
		if right {
			x += boxWide
		}
		return x
	}
	y := func(p point) float64 { return p.y + margin + boxHigh/2 }
	if a.x == b.x { // in one column: round the outer side
		right := a.x >= 0
		out := 34.0
		if !right {
			out = -out
		}
		c.D = fmt.Sprintf("M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f", x(a, right), y(a), x(a, right)+out, y(a), x(b, right)+out, y(b), x(b, right), y(b))
		return c
	}
	right := b.x > a.x
	x1, x2 := x(a, right), x(b, !right)
	bend := (x2 - x1) / 2
	c.D = fmt.Sprintf("M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f", x1, y(a), x1+bend, y(a), x2-bend, y(b), x2, y(b))
	return c
}

// clip cuts a text to what has room in a width, at a size of so many times that
// of a box's name.
func clip(s string, width, size float64) string {
	room := width / size
	end := 0
	for i, r := range s {
		if room -= wide(r); room < 0 {
			return strings.TrimRight(s[:end], " ") + "…"
		}
		if room > wide('…') {
			end = i + len(string(r))
		}
	}
	return s
}

// wide is about how wide a letter of a box's name is.
func wide(r rune) float64 {
	switch {
	case strings.ContainsRune("iljtfrI.,:;'|!()[] -", r):
		return 4.3
	case strings.ContainsRune("mwMW@%", r):
		return 11
	case r >= 'A' && r <= 'Z', r >= 0x1100:
		return 8.8 + 4.5*float64(min(1, r/0x1100))
	}
	return 7.3
}
