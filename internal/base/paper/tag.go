package paper

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"strongroom/internal/base/fault"
)

// A book is tagged, as ISO 32000-1, 14.7 and 14.8 have it: what is drawn on a page is
// either the content of an element, such as a paragraph, or an artifact, such as a rule
// and the head of a page; the elements form a tree in the order of the text. fpdf knows
// nothing of it: the marks are written among what it draws, and the tree is added behind
// its file, as an update of it.

// element is a node of that tree.
type element struct {
	role string
	alt  string // of a figure
	kids []kid
}

// kid is an element, or content: the mark of that number on a page.
type kid struct {
	el         *element
	page, mark int
}

// child adds an element.
func (e *element) child(role string) *element {
	k := &element{role: role}
	e.kids = append(e.kids, kid{el: k})
	return k
}

// empty tells whether nothing was drawn of an element.
func (e *element) empty() bool {
	for _, k := range e.kids {
		if k.el == nil || !k.el.empty() {
			return false
		}
	}
	return true
}

// tag lays out what fn does as an element.
func (f *flow) tag(role string, fn func()) {
	was := f.el
	f.el = was.child(role)
	fn()
	f.el = was
}

// marked draws the content of an element; of none, or where what is drawn was drawn
// before, it is an artifact.
func (p *press) marked(e *element, fn func()) {
	if p.err != nil {
		return
	}
	if e == nil || p.again {
		p.pdf.RawWriteStr("/Artifact BMC")
	} else {
		page := p.pdf.PageNo()
		n := len(p.marks[page])
		p.marks[page] = append(p.marks[page], e)
		e.kids = append(e.kids, kid{page: page, mark: n})
		p.pdf.RawWriteStr("/" + e.role + " <</MCID " + strconv.Itoa(n) + ">> BDC")
	}
	fn()
	p.pdf.RawWriteStr("EMC")
}

// update is what is added behind a file.
type update struct {
	file  []byte
	at    []int  // of the objects of the file, by number
	tail  string // the entries of the trailer
	prev  int
	out   bytes.Buffer
	where map[int]int // of the objects that are written, by number
	next  int
}

// tagged writes the file of fpdf and the tree of the book.
func (p *press) tagged(file []byte, w io.Writer) error {
	u, err := readUpdate(file)
	if err != nil {
		return err
	}
	pages := u.pages()
	root, numbers := u.number(), u.number()
	top := p.element(u, p.tree, root, pages)
	u.object(root, fmt.Sprintf("<</Type /StructTreeRoot /K [%d 0 R] /ParentTree %d 0 R /ParentTreeNextKey %d>>", top, numbers, len(pages)))
	var tree strings.Builder
	for i := range pages {
		fmt.Fprintf(&tree, "%d [", i)
		for _, e := range p.marks[i+1] {
			fmt.Fprintf(&tree, "%d 0 R ", p.numbers[e])
		}
		tree.WriteString("]\n")
	}
	u.object(numbers, "<</Nums ["+tree.String()+"]>>")
	for i, n := range pages {
		u.object(n, strings.Replace(u.text(n), "/Type /Page", fmt.Sprintf("/Type /Page\n/StructParents %d\n/Tabs /S", i), 1))
	}
	if err := u.catalog(root); err != nil {
		return err
	}
	if _, err := w.Write(file); err != nil {
		return err
	}
	_, err = w.Write(u.end())
	return err
}

func sortedKeys(m map[int]int) []int { return slices.Sorted(maps.Keys(m)) }

// element writes an element and what is below it, and gives its number.
func (p *press) element(u *update, e *element, parent int, pages []int) int {
	n := u.number()
	p.numbers[e] = n
	var kids []string
	for _, k := range e.kids {
		switch {
		case k.el == nil:
			kids = append(kids, fmt.Sprintf("<</Type /MCR /Pg %d 0 R /MCID %d>>", pages[k.page-1], k.mark))
		case !k.el.empty():
			kids = append(kids, fmt.Sprintf("%d 0 R", p.element(u, k.el, n, pages)))
		}
	}
	alt := ""
	if e.alt != "" {
		alt = " /Alt " + hexText(e.alt)
	}
	if e.role == "TH" {
		alt += " /A <</O /Table /Scope /Column>>"
	}
	u.object(n, fmt.Sprintf("<</Type /StructElem /S /%s /P %d 0 R%s /K [%s]>>", e.role, parent, alt, strings.Join(kids, " ")))
	return n
}

// hexText is a text as a PDF holds it.
func hexText(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, c := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", c)
	}
	return b.String() + ">"
}

var (
	startXref = regexp.MustCompile(`startxref\n(\d+)\n%%EOF\s*$`)
	xrefHead  = regexp.MustCompile(`^xref\n0 (\d+)\n`)
	trailer   = regexp.MustCompile(`(?s)trailer\n<<\n(.*?)\n?>>\nstartxref`)
	sizeEntry = regexp.MustCompile(`/Size \d+`)
)

// readUpdate reads the table of objects at the end of a file, as fpdf writes it.
func readUpdate(file []byte) (*update, error) {
	broken := fault.New(fault.Internal, "The file that was written cannot be tagged.")
	m := startXref.FindSubmatch(file[max(0, len(file)-64):])
	if m == nil {
		return nil, broken
	}
	u := &update{file: file, where: map[int]int{}}
	u.prev, _ = strconv.Atoi(string(m[1]))
	if u.prev <= 0 || u.prev >= len(file) {
		return nil, broken
	}
	table := file[u.prev:]
	head := xrefHead.FindSubmatch(table)
	t := trailer.FindSubmatch(table)
	if head == nil || t == nil {
		return nil, broken
	}
	u.next, _ = strconv.Atoi(string(head[1]))
	lines := table[len(head[0]):]
	if len(lines) < 20*u.next {
		return nil, broken
	}
	for i := range u.next {
		at, err := strconv.Atoi(string(lines[20*i : 20*i+10]))
		if err != nil || at >= len(file) {
			return nil, broken
		}
		u.at = append(u.at, at)
	}
	u.tail = string(t[1])
	return u, nil
}

// text gives what stands in an object that has no stream.
func (u *update) text(n int) string {
	_, rest, ok := bytes.Cut(u.file[u.at[n]:], []byte(" obj\n"))
	body, _, _ := bytes.Cut(rest, []byte("\nendobj"))
	if !ok {
		return ""
	}
	return string(body)
}

// pages gives the numbers of the pages, in their order.
func (u *update) pages() (out []int) {
	for n := 1; n < len(u.at); n++ {
		if i := bytes.Index(u.file[u.at[n]:min(u.at[n]+80, len(u.file))], []byte("<</Type /Page\n")); i >= 0 && i < 24 {
			out = append(out, n)
		}
	}
	return out
}

// catalog says that the file is tagged, and that its title is shown.
func (u *update) catalog(root int) error {
	for n := len(u.at) - 1; n > 0; n-- {
		if i := bytes.Index(u.file[u.at[n]:min(u.at[n]+80, len(u.file))], []byte("/Type /Catalog")); i >= 0 && i < 40 {
			u.object(n, strings.Replace(u.text(n), "/Type /Catalog", fmt.Sprintf("/Type /Catalog\n/Version /1.7\n/MarkInfo <</Marked true>>\n/StructTreeRoot %d 0 R\n/ViewerPreferences <</DisplayDocTitle true>>", root), 1))
			return nil
		}
	}
	return fault.New(fault.Internal, "The file that was written has no catalogue.")
}

func (u *update) number() int {
	u.next++
	return u.next - 1
}

func (u *update) object(n int, body string) {
	u.where[n] = len(u.file) + u.out.Len()
	fmt.Fprintf(&u.out, "%d 0 obj\n%s\nendobj\n", n, body)
}

// end gives the update with its table of objects.
func (u *update) end() []byte {
	at := len(u.file) + u.out.Len()
	u.out.WriteString("xref\n")
	for _, n := range sortedKeys(u.where) {
		fmt.Fprintf(&u.out, "%d 1\n%010d 00000 n \n", n, u.where[n])
	}
	fmt.Fprintf(&u.out, "trailer\n<<\n%s\n/Prev %d\n>>\nstartxref\n%d\n%%%%EOF\n", sizeEntry.ReplaceAllString(u.tail, "/Size "+strconv.Itoa(u.next)), u.prev, at)
	return u.out.Bytes()
}
