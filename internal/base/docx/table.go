package docx

import (
	"strconv"
	"strings"
)

// cell is a cell of a table with the columns that it covers.
type cell struct {
	node     *node
	at, span int
	above    bool // it is part of the cell above
	rows     int
}

// table writes a table; a first row that is repeated on every page is its head.
func (p *reader) table(n *node) {
	var rows [][]*cell
	var heads []bool
	for _, tr := range n.rows("tr") {
		var row []*cell
		at, _ := strconv.Atoi(tr.at("trPr", "gridBefore").attr("val"))
		for _, tc := range tr.rows("tc") {
			c := &cell{node: tc, at: at, span: 1, rows: 1}
			if s, err := strconv.Atoi(tc.at("tcPr", "gridSpan").attr("val")); err == nil && s > 1 && s < 1000 {
				c.span = s
			}
			if m := tc.at("tcPr", "vMerge"); m != nil && m.attr("val") != "restart" {
				c.above = true
			}
			row, at = append(row, c), at+c.span
		}
		rows, heads = append(rows, row), append(heads, tr.child("trPr").on("tblHeader"))
	}
	stretch(rows)
	p.out.WriteString("<table>")
	for i, row := range rows {
		p.out.WriteString("<tr>")
		tag := "td"
		if heads[i] {
			tag = "th"
		}
		for _, c := range row {
			if c.above {
				continue
			}
			p.out.WriteString("<" + tag)
			if c.span > 1 {
				p.out.WriteString(` colspan="` + strconv.Itoa(c.span) + `"`)
			}
			if c.rows > 1 {
				p.out.WriteString(` rowspan="` + strconv.Itoa(c.rows) + `"`)
			}
			p.out.WriteString(">")
			p.out.WriteString(p.inside(c.node) + "</" + tag + ">")
		}
		p.out.WriteString("</tr>")
	}
	p.out.WriteString("</table>")
}

// inside gives what is in a cell; one paragraph alone is its text.
func (p *reader) inside(n *node) string {
	in := *p
	in.out, in.open = strings.Builder{}, nil
	in.blocks(n.kids)
	p.heading, p.noted = in.heading, in.noted
	s := in.out.String()
	if text, ok := strings.CutPrefix(s, "<p>"); ok && strings.Count(s, "<p>") == 1 && strings.HasSuffix(s, "</p>") {
		return strings.TrimSuffix(text, "</p>")
	}
	return s
}

// rows gives the rows of a table or the cells of a row, those of inserted or
// bound content too, but none of tables inside.
func (n *node) rows(name string) []*node {
	var out []*node
	for _, k := range n.kids {
		switch k.name {
		case name:
			if k.child("trPr").child("del") == nil { // a row that was deleted
				out = append(out, k)
			}
		case "sdt":
			if in := k.child("sdtContent"); in != nil {
				out = append(out, in.rows(name)...)
			}
		case "ins", "customXml":
			out = append(out, k.rows(name)...)
		}
	}
	return out
}

// stretch counts how many rows a cell covers. A part of a cell above that has
// none above becomes a cell of its own.
func stretch(rows [][]*cell) {
	above := map[int]*cell{}
	for _, row := range rows {
		now := map[int]*cell{}
		for _, c := range row {
			if up := above[c.at]; c.above && up != nil {
				up.rows++
				now[c.at] = up
				continue
			}
			c.above = false
			now[c.at] = c
		}
		above = now
	}
}
