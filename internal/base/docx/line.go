package docx

import (
	"slices"
	"strconv"
	"strings"
)

// line collects the text of a paragraph. Runs of the same form are joined.
type line struct {
	r        *reader
	spans    []span
	plain    strings.Builder
	pictures bool
	boxes    []*node // text boxes, to be written below
	fields   []field // that are open, the innermost last
}

// span is some text in one form.
type span struct {
	marks []string // elements, outermost first
	href  string
	html  string
}

// field is a complex field (ECMA-376 Part 1, 17.16.18) that has begun.
type field struct {
	code   strings.Builder
	result bool // what follows is its result
	href   string
}

func (l *line) add(s span) {
	if k := len(l.spans) - 1; k >= 0 && l.spans[k].href == s.href && slices.Equal(l.spans[k].marks, s.marks) {
		l.spans[k].html += s.html
		return
	}
	l.spans = append(l.spans, s)
}

func (l *line) html() string {
	var b strings.Builder
	for _, s := range l.spans {
		if s.href != "" {
			b.WriteString(`<a href="` + escape(s.href) + `">`)
		}
		for _, m := range s.marks {
			b.WriteString("<" + m + ">")
		}
		b.WriteString(s.html)
		for _, m := range slices.Backward(s.marks) {
			b.WriteString("</" + m + ">")
		}
		if s.href != "" {
			b.WriteString("</a>")
		}
	}
	return b.String()
}

// runs reads what is within a paragraph; href is the link that it is in.
func (l *line) runs(list []*node, href string) {
	for _, n := range list {
		switch n.name {
		case "r":
			l.run(n, href)
		case "hyperlink":
			to := href
			if r, ok := l.r.rels[n.attr("id")]; ok && r.external {
				to = r.target
			}
			l.runs(n.kids, to)
		case "ins", "moveTo", "smartTag", "customXml", "fldSimple", "dir", "bdo":
			l.runs(n.kids, href)
		case "sdt":
			if in := n.child("sdtContent"); in != nil {
				l.runs(in.kids, href)
			}
		case "AlternateContent":
			l.runs(chosen(n), href)
		}
	}
}

func (l *line) run(n *node, href string) {
	props := n.child("rPr")
	if props.on("vanish") {
		return
	}
	marks := marksOf(props)
	for _, k := range n.kids {
		l.piece(k, marks, href)
	}
}

// piece reads one thing of a run.
func (l *line) piece(k *node, marks []string, href string) {
	if k.name == "fldChar" || k.name == "instrText" {
		l.field(k)
		return
	}
	if f := len(l.fields) - 1; f >= 0 {
		if !l.fields[f].result {
			return
		}
		if l.fields[f].href != "" {
			href = l.fields[f].href
		}
	}
	put := func(plain, html string) {
		l.plain.WriteString(plain)
		l.add(span{marks, href, html})
	}
	switch k.name {
	case "t":
		put(k.content(), escape(k.content()))
	case "tab", "ptab":
		put(" ", " ")
	case "br", "cr":
		if k.attr("type") == "" || k.attr("type") == "textWrapping" {
			put("\n", "<br>")
		}
	case "noBreakHyphen":
		put("\u2011", "\u2011")
	case "sym":
		if c, err := strconv.ParseUint(k.attr("char"), 16, 16); err == nil && (c < 0xf000 || c > 0xf0ff) { // others are of symbol fonts
			put(string(rune(c)), escape(string(rune(c))))
		}
	case "footnoteReference":
		l.note("footnote" + k.attr("id"))
	case "endnoteReference":
		l.note("endnote" + k.attr("id"))
	case "drawing", "pict", "object":
		l.picture(k, href)
	case "AlternateContent":
		for _, c := range chosen(k) {
			l.piece(c, marks, href)
		}
	}
}

// field follows the beginning, code and end of a field; of links, the address is
// used.
func (l *line) field(k *node) {
	last := len(l.fields) - 1
	switch {
	case k.name == "instrText" && last >= 0:
		l.fields[last].code.WriteString(k.content())
	case k.attr("fldCharType") == "begin":
		l.fields = append(l.fields, field{})
	case k.attr("fldCharType") == "separate" && last >= 0:
		f := &l.fields[last]
		f.result = true
		if code := strings.Fields(f.code.String()); len(code) > 1 && strings.EqualFold(code[0], "HYPERLINK") && strings.HasPrefix(code[1], `"`) {
			f.href = strings.Trim(code[1], `"`)
		}
	case k.attr("fldCharType") == "end" && last >= 0:
		l.fields = l.fields[:last]
	}
}

func (l *line) note(id string) {
	n := l.r.notes[id]
	if n == nil {
		return
	}
	l.r.noted = append(l.r.noted, n)
	number := strconv.Itoa(len(l.r.noted))
	l.plain.WriteString(number)
	l.add(span{[]string{"sup"}, "", number})
}

// picture reads the pictures and text boxes of a drawing.
func (l *line) picture(k *node, href string) {
	l.boxes = append(l.boxes, k.all("txbxContent")...)
	said := k.find("docPr").attr("descr")
	for _, tag := range []string{"blip", "imagedata"} {
		for _, b := range k.all(tag) {
			of := b.attr("embed")
			if tag == "imagedata" {
				of = b.attr("id")
			}
			if r, ok := l.r.rels[of]; ok && !r.external {
				l.pictures = true
				l.add(span{nil, href, `<img src="` + escape(Picture+r.target) + `" alt="` + escape(said) + `">`})
			}
		}
	}
}

// marksOf gives the elements that stand for a run's properties.
func marksOf(props *node) []string {
	var out []string
	if props.on("b") {
		out = append(out, "strong")
	}
	if props.on("i") {
		out = append(out, "em")
	}
	if props.on("u") {
		out = append(out, "u")
	}
	if props.on("strike") || props.on("dstrike") {
		out = append(out, "s")
	}
	switch props.child("vertAlign").attr("val") {
	case "superscript":
		out = append(out, "sup")
	case "subscript":
		out = append(out, "sub")
	}
	switch props.child("rFonts").attr("ascii") {
	case "Consolas", "Courier", "Courier New", "Lucida Console", "Menlo", "Monaco", "Cascadia Code", "Cascadia Mono", "Source Code Pro", "DejaVu Sans Mono", "Liberation Mono":
		out = append(out, "code")
	}
	if s := props.child("rStyle").attr("val"); s == "VerbatimChar" || s == "HTMLCode" {
		out = append(out, "code")
	}
	return out
}
