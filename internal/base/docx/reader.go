package docx

import (
	"html"
	"strconv"
	"strings"

	"strongroom/internal/base/archive"
)

// reader writes the HTML of a document.
type reader struct {
	zip   *archive.Archive
	main  string
	rels  map[string]relation
	style map[string]style
	lists map[string]map[string]bool // numId -> level -> whether it is numbered
	notes map[string]*node           // footnotes and endnotes by sort and id

	out     strings.Builder
	open    []string // the lists that are open: "ul" or "ol"
	code    bool     // lines of code are open
	heading string   // the first one
	noted   []*node  // notes that the text referred to, in order
}

// style is what counts of a paragraph's style.
type style struct {
	level      int // of a heading, from 1; 0 for none
	quote, pre bool
	num        *node // numPr
}

// load reads the parts that the text refers to.
func (p *reader) load(d *Document) (err error) {
	if p.rels, err = d.relations(p.main); err != nil {
		return err
	}
	p.style, p.lists, p.notes = map[string]style{}, map[string]map[string]bool{}, map[string]*node{}
	for _, r := range p.rels {
		if r.external {
			continue
		}
		var read func(*node)
		switch {
		case strings.HasSuffix(r.sort, "/styles"):
			read = p.readStyles
		case strings.HasSuffix(r.sort, "/numbering"):
			read = p.readLists
		case strings.HasSuffix(r.sort, "/footnotes"):
			read = func(n *node) { p.readNotes("footnote", n) }
		case strings.HasSuffix(r.sort, "/endnotes"):
			read = func(n *node) { p.readNotes("endnote", n) }
		default:
			continue
		}
		root, err := d.xml(r.target)
		if err != nil {
			return err
		}
		if root != nil {
			read(root)
		}
	}
	return nil
}

func (p *reader) readStyles(root *node) {
	for _, s := range root.all("style") {
		name := strings.ToLower(s.child("name").attr("val"))
		x := style{num: s.at("pPr", "numPr"), quote: strings.Contains(name, "quote") || name == "block text", pre: strings.Contains(name, "code") || strings.Contains(name, "preformatted") || strings.Contains(name, "macro text")}
		if n, err := strconv.Atoi(s.at("pPr", "outlineLvl").attr("val")); err == nil && n >= 0 && n < 9 {
			x.level = n + 1
		}
		if rest, ok := strings.CutPrefix(name, "heading "); ok {
			if n, err := strconv.Atoi(rest); err == nil {
				x.level = n
			}
		}
		if name == "title" {
			x.level = 1
		}
		x.level = min(x.level, 6)
		if of := p.style[s.child("basedOn").attr("val")]; x.level == 0 && of.level > 0 {
			x.level = of.level
		}
		if s.attr("type") == "paragraph" || s.attr("type") == "" {
			p.style[s.attr("styleId")] = x
		}
	}
}

// readLists tells which levels of which lists are numbered (ECMA-376 Part 1,
// 17.9).
func (p *reader) readLists(root *node) {
	abstract := map[string]map[string]bool{}
	for _, a := range root.all("abstractNum") {
		levels := map[string]bool{}
		for _, l := range a.all("lvl") {
			format := l.child("numFmt").attr("val")
			levels[l.attr("ilvl")] = format != "bullet" && format != "none" && format != ""
		}
		abstract[a.attr("abstractNumId")] = levels
	}
	for _, n := range root.all("num") {
		p.lists[n.attr("numId")] = abstract[n.child("abstractNumId").attr("val")]
	}
}

func (p *reader) readNotes(sort string, root *node) {
	for _, n := range root.all(sort) {
		p.notes[sort+n.attr("id")] = n
	}
}

// blocks writes what stands below each other.
func (p *reader) blocks(list []*node) {
	for _, n := range list {
		switch n.name {
		case "p":
			p.paragraph(n)
		case "tbl":
			p.closeLists(0)
			p.table(n)
		case "sdt":
			if in := n.child("sdtContent"); in != nil {
				p.blocks(in.kids)
			}
		case "ins", "moveTo", "customXml", "smartTag":
			p.blocks(n.kids)
		case "AlternateContent":
			p.blocks(chosen(n))
		}
	}
	p.closeLists(0)
}

// chosen gives what is in the first choice of several forms of the same.
func chosen(n *node) []*node {
	if c := n.child("Choice"); c != nil {
		return c.kids
	}
	if c := n.child("Fallback"); c != nil {
		return c.kids
	}
	return nil
}

func (p *reader) paragraph(n *node) {
	props := n.child("pPr")
	st := p.style[props.child("pStyle").attr("val")]
	if lvl, err := strconv.Atoi(props.child("outlineLvl").attr("val")); err == nil && lvl >= 0 && lvl < 6 {
		st.level = lvl + 1
	}
	in := &line{r: p}
	in.runs(n.kids, "")
	text := in.html()
	num := props.child("numPr")
	if num == nil {
		num = st.num
	}
	numID, level := num.child("numId").attr("val"), num.child("ilvl").attr("val")
	switch _, listed := p.lists[numID]; {
	case strings.TrimSpace(in.plain.String()) == "" && !in.pictures:
	case st.level > 0: // headings may be numbered too: their numbers are left out
		p.closeLists(0)
		if p.heading == "" {
			p.heading = strings.Join(strings.Fields(in.plain.String()), " ")
		}
		tag := "h" + strconv.Itoa(st.level)
		p.out.WriteString("<" + tag + ">" + text + "</" + tag + ">")
	case listed && numID != "0":
		p.item(numID, level, text)
	case st.pre:
		p.codeLine(in.plain.String())
	case st.quote:
		p.closeLists(0)
		p.out.WriteString("<blockquote><p>" + text + "</p></blockquote>")
	default:
		p.closeLists(0)
		p.out.WriteString("<p>" + text + "</p>")
	}
	for _, box := range in.boxes {
		p.blocks(box.kids)
	}
}

// item writes an item of a list at a level, counted from 0.
func (p *reader) item(num, level, text string) {
	depth, _ := strconv.Atoi(level)
	depth = min(max(depth, 0), 8) + 1
	tag := "ul"
	if p.lists[num][strconv.Itoa(depth-1)] {
		tag = "ol"
	}
	if len(p.open) >= depth && p.open[depth-1] != tag {
		p.closeLists(depth - 1)
	}
	p.closeLists(depth)
	if len(p.open) == depth {
		p.out.WriteString("</li><li>")
	}
	for len(p.open) < depth {
		p.out.WriteString("<" + tag + "><li>")
		p.open = append(p.open, tag)
	}
	p.out.WriteString(text)
}

// closeLists leaves depth lists open.
func (p *reader) closeLists(depth int) {
	if p.code {
		p.out.WriteString("</code></pre>")
		p.code = false
	}
	for len(p.open) > depth {
		last := len(p.open) - 1
		p.out.WriteString("</li></" + p.open[last] + ">")
		p.open = p.open[:last]
	}
}

// codeLine writes a line of code, below the one before.
func (p *reader) codeLine(text string) {
	if p.code {
		p.out.WriteString("\n")
	} else {
		p.closeLists(0)
		p.out.WriteString("<pre><code>")
		p.code = true
	}
	p.out.WriteString(escape(text))
}

// endNotes writes the notes below the text.
func (p *reader) endNotes() {
	if len(p.noted) == 0 {
		return
	}
	p.out.WriteString("<hr><ol>")
	for i := 0; i < len(p.noted); i++ { // a note may refer to further ones
		p.out.WriteString("<li>")
		p.blocks(p.noted[i].kids)
		p.out.WriteString("</li>")
	}
	p.out.WriteString("</ol>")
}

func escape(s string) string { return html.EscapeString(s) }
