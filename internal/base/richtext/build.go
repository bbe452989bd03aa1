package richtext

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// block is a node of the normal form: a container of blocks, or a line of text
// whose tag is "" while it is not known to need a paragraph.
type block struct {
	tag   string
	attrs []attr
	kids  []*block
	line  bool // text, not blocks
	text  []run
}

type attr struct{ key, value string }

// run is a piece of a line with its marks: text, a line break or an image.
type run struct {
	marks []attr // tag and, for a link, address; in the order of markOrder
	tag   string // "" for text, else br or img
	text  string
	attrs []attr // of img
}

// markOrder is the order in which marks are nested.
var markOrder = []string{"a", "strong", "em", "u", "s", "sub", "sup", "code"}

// marks maps elements to the mark they are written as.
var marks = map[atom.Atom]string{
	atom.Strong: "strong", atom.B: "strong", atom.Em: "em", atom.I: "em", atom.U: "u", atom.Ins: "u",
	atom.S: "s", atom.Strike: "s", atom.Del: "s", atom.Sub: "sub", atom.Sup: "sup",
	atom.Code: "code", atom.Tt: "code", atom.Kbd: "code", atom.Samp: "code",
}

// dropped elements go with all they hold; so does everything that is SVG or
// MathML.
var dropped = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Template: true, atom.Iframe: true, atom.Object: true, atom.Embed: true,
	atom.Applet: true, atom.Noscript: true, atom.Noembed: true, atom.Noframes: true, atom.Textarea: true, atom.Select: true,
	atom.Title: true, atom.Head: true, atom.Xmp: true, atom.Plaintext: true, atom.Audio: true, atom.Video: true,
	atom.Canvas: true, atom.Frameset: true, atom.Frame: true, atom.Link: true, atom.Meta: true, atom.Base: true,
	atom.Param: true, atom.Source: true, atom.Track: true, atom.Col: true, atom.Colgroup: true, atom.Svg: true, atom.Math: true,
	atom.Datalist: true, atom.Map: true, atom.Area: true,
}

// lines are elements that hold one line of text.
var lines = map[atom.Atom]bool{
	atom.P: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Pre: true, atom.Summary: true,
}

// boxes only separate their content from what stands around.
var boxes = map[atom.Atom]bool{
	atom.Div: true, atom.Section: true, atom.Article: true, atom.Header: true, atom.Footer: true, atom.Main: true, atom.Nav: true,
	atom.Aside: true, atom.Address: true, atom.Figure: true, atom.Figcaption: true, atom.Center: true, atom.Form: true,
	atom.Fieldset: true, atom.Legend: true, atom.Dl: true, atom.Dt: true, atom.Dd: true, atom.Hgroup: true, atom.Menu: true,
	atom.Dir: true, atom.Body: true, atom.Html: true, atom.Listing: true, atom.Tr: true, atom.Td: true, atom.Th: true,
	atom.Tbody: true, atom.Thead: true, atom.Tfoot: true, atom.Caption: true,
}

// build reads HTML into the normal form. It fails only on nesting that is
// deeper than the parser goes.
func build(s string) (*block, error) {
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		return nil, err
	}
	root := &block{}
	f := &flow{to: root}
	for _, n := range nodes {
		f.node(n)
	}
	f.end()
	return root, nil
}

// flow fills one container.
type flow struct {
	to    *block
	open  *block // the line being filled
	tag   string // of the element whose line it is; "" between elements
	marks []attr
}

// end closes the open line.
func (f *flow) end() { f.open = nil }

func (f *flow) add(b *block) {
	f.end()
	f.to.kids = append(f.to.kids, b)
}

// begin opens a line with the tag of the element around.
func (f *flow) begin() {
	tag := f.tag
	if tag == "summary" && (f.to.tag != "details" || len(f.to.kids) > 0) {
		tag = "p"
	}
	f.open = &block{tag: tag, line: true}
	f.to.kids = append(f.to.kids, f.open)
}

func (f *flow) put(r run) {
	if f.open == nil {
		if r.tag == "" && blank(r.text) {
			return // between blocks
		}
		f.begin()
	}
	r.marks = f.marks
	if n := len(f.open.text); r.tag == "" && n > 0 && f.open.text[n-1].tag == "" && slices.Equal(f.open.text[n-1].marks, r.marks) {
		f.open.text[n-1].text += r.text
		return
	}
	f.open.text = append(f.open.text, r)
}

func (f *flow) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		f.node(c)
	}
}

func (f *flow) node(n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		if n.Data != "" {
			f.put(run{text: n.Data})
		}
		return
	case n.Type != html.ElementNode || n.Namespace != "" || dropped[n.DataAtom]:
		return
	case lines[n.DataAtom]:
		f.line(n)
		return
	case boxes[n.DataAtom]:
		f.end()
		f.children(n)
		f.end()
		return
	}
	if mark, ok := marks[n.DataAtom]; ok {
		f.marked(n, attr{key: mark})
		return
	}
	f.special(n)
}

func (f *flow) special(n *html.Node) {
	switch n.DataAtom {
	case atom.A:
		if href, ok := cleanURL(value(n, "href"), true); ok {
			f.marked(n, attr{"a", href})
			return
		}
		f.children(n)
	case atom.Br:
		f.put(run{tag: "br"})
	case atom.Img:
		f.image(n)
	case atom.Hr:
		f.add(&block{tag: "hr"})
	case atom.Blockquote, atom.Details:
		f.add(f.container(n, n.Data, nil))
	case atom.Ul, atom.Ol:
		f.add(f.list(n))
	case atom.Li: // outside a list
		f.add(&block{tag: "ul", kids: []*block{f.item(n)}})
	case atom.Table:
		if t := f.table(n); len(t.kids) > 0 {
			f.add(t)
		}
	case atom.Input:
		f.checkbox(n)
	default:
		f.children(n)
	}
}

// line fills a line of its own; blocks inside it split it.
func (f *flow) line(n *html.Node) {
	f.end()
	outer, before := f.tag, len(f.to.kids)
	f.tag = n.Data
	f.begin()
	first := f.open
	f.children(n)
	f.end()
	f.tag = outer
	if len(first.text) == 0 && len(f.to.kids) > before+1 {
		f.to.kids = slices.Delete(f.to.kids, before, before+1)
	}
}

// marked goes on with one mark more; an inner link replaces an outer one.
func (f *flow) marked(n *html.Node, m attr) {
	outer := f.marks
	rank := slices.Index(markOrder, m.key)
	var with []attr
	for _, o := range outer {
		if slices.Index(markOrder, o.key) < rank {
			with = append(with, o)
		}
	}
	with = append(with, m)
	for _, o := range outer {
		if slices.Index(markOrder, o.key) > rank {
			with = append(with, o)
		}
	}
	f.marks = with
	f.children(n)
	f.marks = outer
}

// container makes a block that holds blocks; marks around it go on inside.
func (f *flow) container(n *html.Node, tag string, attrs []attr) *block {
	b := &block{tag: tag, attrs: attrs}
	inner := &flow{to: b, marks: f.marks}
	inner.children(n)
	return b
}

// list makes ul or ol. What stands in it outside an item becomes one, except a
// list, which belongs to the item before it.
func (f *flow) list(n *html.Node) *block {
	l := &block{tag: n.Data}
	if start := value(n, "start"); l.tag == "ol" && start != "1" && startValue.MatchString(start) {
		l.attrs = []attr{{"start", start}}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && c.DataAtom == atom.Li && c.Namespace == "" {
			l.kids = append(l.kids, f.item(c))
			continue
		}
		stray := &block{tag: "li"}
		inner := &flow{to: stray, marks: f.marks}
		inner.node(c)
		switch {
		case len(stray.kids) == 0:
		case len(l.kids) > 0 && c.Type == html.ElementNode && (c.DataAtom == atom.Ul || c.DataAtom == atom.Ol):
			last := l.kids[len(l.kids)-1]
			last.kids = append(last.kids, stray.kids...)
		default:
			l.kids = append(l.kids, stray)
		}
	}
	if len(l.kids) == 0 {
		l.kids = []*block{{tag: "li"}}
	}
	return l
}

func (f *flow) item(n *html.Node) *block {
	var attrs []attr
	if v := value(n, "data-checked"); checkedValue.MatchString(v) {
		attrs = []attr{{"data-checked", v}}
	}
	return f.container(n, "li", attrs)
}

// checkbox turns the box at the start of an item into the item's state.
func (f *flow) checkbox(n *html.Node) {
	if f.to.tag != "li" || f.to.attrs != nil || len(f.to.kids) > 1 || !strings.EqualFold(value(n, "type"), "checkbox") {
		return
	}
	state := "false"
	if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
		state = "true"
	}
	f.to.attrs = []attr{{"data-checked", state}}
}

func (f *flow) image(n *html.Node) {
	src, ok := cleanURL(value(n, "src"), false)
	if !ok {
		return
	}
	attrs := []attr{{"src", src}}
	if alt := value(n, "alt"); alt != "" {
		attrs = append(attrs, attr{"alt", alt})
	}
	for _, k := range []string{"width", "height"} {
		if v := value(n, k); sizeValue.MatchString(v) {
			attrs = append(attrs, attr{k, v})
		}
	}
	f.put(run{tag: "img", attrs: attrs})
}

// table keeps sections, rows and cells; the parser has put everything else
// outside.
func (f *flow) table(n *html.Node) *block {
	t := &block{tag: "table"}
	var caption *block
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.DataAtom == atom.Caption && caption == nil:
			caption = f.container(c, "caption", nil)
		case c.DataAtom == atom.Thead || c.DataAtom == atom.Tbody || c.DataAtom == atom.Tfoot:
			if s := f.section(c); len(s.kids) > 0 {
				t.kids = append(t.kids, s)
			}
		}
	}
	if caption != nil && len(t.kids) > 0 && len(caption.kids) > 0 {
		t.kids = slices.Insert(t.kids, 0, caption)
	}
	return t
}

func (f *flow) section(n *html.Node) *block {
	s := &block{tag: n.Data}
	for r := n.FirstChild; r != nil; r = r.NextSibling {
		if r.DataAtom != atom.Tr {
			continue
		}
		row := &block{tag: "tr"}
		for c := r.FirstChild; c != nil; c = c.NextSibling {
			if c.DataAtom == atom.Td || c.DataAtom == atom.Th {
				row.kids = append(row.kids, f.container(c, c.Data, cellAttrs(c)))
			}
		}
		if len(row.kids) > 0 {
			s.kids = append(s.kids, row)
		}
	}
	return s
}

func cellAttrs(n *html.Node) []attr {
	var attrs []attr
	for _, k := range []string{"colspan", "rowspan"} {
		if v := value(n, k); spanValue.MatchString(v) {
			attrs = append(attrs, attr{k, v})
		}
	}
	v := value(n, "data-colwidth")
	if v == "" {
		v = value(n, "colwidth")
	}
	if widthsValue.MatchString(v) {
		attrs = append(attrs, attr{"data-colwidth", v})
	}
	return attrs
}

func value(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

// blank tells whether s is nothing but HTML's white space; a no-break space is
// text.
func blank(s string) bool { return strings.Trim(s, " \t\r\n\f") == "" }
