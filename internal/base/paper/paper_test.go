package paper_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/paper"
)

func book() *paper.Book {
	return &paper.Book{Title: "Runbook – Οδηγός", Lines: []string{"For Example Ltd"}, Author: "A. Writer", Owner: "Harbour",
		Made: time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC), Base: "https://docs.example.com"}
}

func write(t *testing.T, b *paper.Book) ([]byte, *paper.Notes) {
	t.Helper()
	var out bytes.Buffer
	n, err := b.Write(t.Context(), &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), n
}

// read gives what a program of poppler, which knows nothing of how it was
// written, reads in a PDF.
func read(t *testing.T, pdf []byte, program string, args ...string) string {
	t.Helper()
	bin, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("no %s here: install poppler-utils, as make test does", program)
	}
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if program == "pdftotext" {
		args = append(args, file, "-")
	} else {
		args = append(args, file)
	}
	cmd := exec.CommandContext(t.Context(), bin, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil || said.Len() > 0 {
		t.Fatalf("%s: %v: %s", program, err, &said)
	}
	return out.String()
}

// inOrder tells what of the list does not follow what is before it in s.
func inOrder(s string, list ...string) string {
	s = strings.Join(strings.Fields(s), " ")
	for _, want := range list {
		i := strings.Index(s, want)
		if i < 0 {
			return want
		}
		s = s[i+len(want):]
	}
	return ""
}

const everything = `<h1>Intro</h1><p>Plain <strong>bold</strong> <em>slanted</em> <u>under</u> <s>struck</s> <code>ls -la</code> H<sub>2</sub>O
Ελληνικά Кириллица ąčęș Việt.</p><h3>Lists</h3><ul><li>first<ol start="4"><li>four</li><li>five</li></ol></li><li data-checked="true">done</li>
<li data-checked="false">open</li></ul><blockquote><p>quoted</p></blockquote><details><summary>More</summary><p>folded</p></details><hr>
<pre>func main() {
	return
}</pre><table><caption>Addresses</caption><thead><tr><th>Name</th><th>Address</th></tr></thead><tbody><tr><td>fw-01</td><td><p>10.0.0.1</p><ul><li>inside</li></ul></td></tr></tbody></table>`

func TestTextIsReadInItsOrder(t *testing.T) {
	b := book()
	b.HTML(0, everything)
	pdf, n := write(t, b)
	text := read(t, pdf, "pdftotext")
	if missing := inOrder(text, "Runbook – Οδηγός", "For Example Ltd", "Intro", "Plain bold slanted under struck ls -la H2O Ελληνικά Кириллица ąčęș Việt.",
		"Lists", "first", "4.", "four", "5.", "five", "☑", "done", "☐", "open", "quoted", "More", "folded", "func main() {", "return", "}",
		"Addresses", "Name", "Address", "fw-01", "10.0.0.1", "inside"); missing != "" {
		t.Errorf("%q is not where it belongs in:\n%s", missing, text)
	}
	for _, want := range []string{"Harbour", "2026-11-22 14:30 UTC", "Page 1 of 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if said := n.Sentences(); len(said) > 0 || n.Pages != 1 {
		t.Errorf("notes %q, %d pages", said, n.Pages)
	}
	info := read(t, pdf, "pdfinfo")
	for _, want := range []string{"Runbook – Οδηγός", "A. Writer", "Sun Nov 22 14:30:00 2026", "Pages:           1", "A4"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in the document's information:\n%s", want, info)
		}
	}
	if !bytes.Contains(pdf, []byte("/Lang")) {
		t.Error("the document has no language")
	}
}

func TestTheSameBookIsTheSameBytes(t *testing.T) {
	b := book()
	b.Cover, b.Contents = true, 3
	b.Image = func(context.Context, string) ([]byte, error) { return pictureOf(t, "png", 40, 30), nil }
	b.HTML(0, everything+`<p><img src="/a"><img src="/b"></p>`)
	first, _ := write(t, b)
	for range 3 {
		if again, _ := write(t, b); !bytes.Equal(first, again) {
			t.Fatal("the same book gave other bytes")
		}
	}
}

func TestLinksAndBookmarks(t *testing.T) {
	b := book()
	b.Cover, b.Contents = true, 2
	b.Heading(1, "Configurations", "")
	b.Heading(2, "fw-01", "/configurations/1")
	b.HTML(2, `<p><a href="/documents/7">inside</a> <a href="/documents/8">outside</a> <a href="https://example.com/x">far</a></p>`)
	b.Heading(1, "Documents", "")
	b.Heading(2, "Restart", "/documents/7")
	b.HTML(2, `<p><a href="#part-2">down</a></p><h1>One</h1><h1>Two</h1>`)
	pdf, n := write(t, b)
	if n.Pages != 4 { // cover, contents, two parts
		t.Errorf("%d pages", n.Pages)
	}
	x := read(t, pdf, "pdftohtml", "-xml", "-i", "-stdout")
	_, outline, _ := strings.Cut(x, "<outline>")
	if missing := inOrder(outline, `page="3">Configurations`, `page="3">fw-01`, `page="4">Documents`, `page="4">Restart`, `page="4">One`, `page="4">Two`); missing != "" {
		t.Errorf("no bookmark %s in order:\n%s", missing, outline)
	}
	for _, want := range []string{`#4">inside`, `href="https://docs.example.com/documents/8">outside`, `href="https://example.com/x">far`, `#4">down`, `#3">`} {
		if !strings.Contains(x, want) {
			t.Errorf("no link %s:\n%s", want, x)
		}
	}
	contents := strings.Split(read(t, pdf, "pdftotext", "-layout"), "\f")[1]
	for _, want := range []string{"Contents", "Configurations . ", "fw-01 . ", "Restart", "Page 2 of 4"} {
		if !strings.Contains(contents, want) {
			t.Errorf("no %q in the contents:\n%s", want, contents)
		}
	}
	if strings.Contains(contents, "One . ") {
		t.Error("the contents have a level more than they should")
	}
}

func TestTableOverPages(t *testing.T) {
	b := book()
	var s strings.Builder
	s.WriteString(`<table><thead><tr><th>Name</th><th>Remarks</th></tr></thead><tbody>`)
	for i := range 200 {
		s.WriteString("<tr><td>host-" + strconv.Itoa(i) + "</td><td>" + strings.Repeat("some remark ", i%40) + "</td></tr>")
	}
	b.HTML(0, s.String()+"</tbody></table>")
	pdf, n := write(t, b)
	if n.Pages < 5 {
		t.Fatalf("%d pages", n.Pages)
	}
	text := read(t, pdf, "pdftotext", "-layout")
	for i, page := range strings.Split(strings.TrimSuffix(text, "\f"), "\f") {
		if strings.Count(page, "Remarks") != 1 {
			t.Errorf("page %d has no head of the table, or two", i+1)
		}
	}
	for i := range 200 {
		if strings.Count(text, "host-"+strconv.Itoa(i)+" ")+strings.Count(text, "host-"+strconv.Itoa(i)+"\n") != 1 {
			t.Errorf("row %d is not there once", i)
		}
	}
}

func TestWideTables(t *testing.T) {
	for _, columns := range []int{9, 14, 40, 300} {
		b := book()
		head, row := "", ""
		for i := range columns {
			head += "<th>Column" + strconv.Itoa(i) + "</th>"
			row += "<td>v" + strconv.Itoa(i) + "x</td>"
		}
		b.HTML(0, "<table><thead><tr>"+head+"</tr></thead><tbody><tr>"+row+"</tr></tbody></table>")
		pdf, _ := write(t, b)
		text := read(t, pdf, "pdftotext")
		for i := range columns {
			if !strings.Contains(text, "v"+strconv.Itoa(i)+"x") {
				t.Errorf("of %d columns, %d is not on paper", columns, i)
			}
		}
	}
}

func TestSpans(t *testing.T) {
	b := book()
	b.HTML(0, `<table><tbody><tr><td colspan="2">wide</td><td rowspan="3">tall</td></tr><tr><td rowspan="2">two</td><td>b</td></tr><tr><td colspan="9">c</td></tr></tbody></table>`)
	pdf, _ := write(t, b)
	if missing := inOrder(read(t, pdf, "pdftotext", "-layout"), "wide", "tall", "two", "b", "c"); missing != "" {
		t.Errorf("no %q", missing)
	}
}

func TestWhatTheFontsLackIsSaid(t *testing.T) {
	b := book()
	b.HTML(0, "<p>A 你 B 😀 C \u05d0 D\u00ad\u200d.</p>")
	pdf, n := write(t, b)
	if !slices.Equal(n.Missing, []rune{'你', '😀'}) && !slices.Equal(n.Missing, []rune{'\u05d0', '你', '😀'}) || !n.RightToLeft {
		t.Errorf("missing %q, right to left %v", n.Missing, n.RightToLeft)
	}
	text := read(t, pdf, "pdftotext")
	if missing := inOrder(text, "A", "\ufffd", "B", "\ufffd", "C", "D.", "U+4F60", "U+1F600", "wrong order"); missing != "" {
		t.Errorf("no %q in:\n%s", missing, text)
	}
}

func pictureOf(t *testing.T, format string, w, h int) []byte {
	t.Helper()
	m := image.NewNRGBA64(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			m.Set(x, y, color.NRGBA64{uint16(x * 999), uint16(y * 999), 0x7777, 0xaaaa})
		}
	}
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "jpeg":
		err = jpeg.Encode(&b, m, nil)
	case "gif":
		err = gif.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPictures(t *testing.T) {
	webp, err := os.ReadFile("testdata/picture.webp")
	if err != nil {
		t.Fatal(err)
	}
	huge := pictureOf(t, "gif", 4, 4)
	huge[6], huge[7], huge[8], huge[9] = 0xff, 0xff, 0xff, 0xff
	files := map[string][]byte{"/png": pictureOf(t, "png", 3000, 40), "/jpeg": pictureOf(t, "jpeg", 60, 2500), "/gif": pictureOf(t, "gif", 30, 30), "/webp": webp,
		"/broken": pictureOf(t, "png", 60, 60)[:200], "/text": []byte("no picture"), "/huge": huge}
	b := book()
	b.Image = func(_ context.Context, src string) ([]byte, error) {
		if files[src] == nil {
			return nil, errors.New("not there")
		}
		return files[src], nil
	}
	b.HTML(0, `<p><img src="/png"><img src="/jpeg" width="50"><img src="/gif"><img src="/webp"> text <img src="/gif"></p><table><tbody><tr><td><img src="/jpeg"></td></tr></tbody></table>
<p><img src="/broken" alt="A broken one"><img src="/text"><img src="/huge"><img src="/gone"></p>`)
	pdf, n := write(t, b)
	if !slices.Equal(n.Pictures, []string{"A broken one", "/text", "/huge", "/gone"}) {
		t.Errorf("not printed: %q", n.Pictures)
	}
	if missing := inOrder(read(t, pdf, "pdftotext"), "text", "[picture: A broken one]", "[picture: /text]", "could not be printed are named in their place: 4."); missing != "" {
		t.Errorf("no %q", missing)
	}
	objects := map[string]bool{}
	for line := range strings.Lines(read(t, pdf, "pdfimages", "-list")) {
		if c := strings.Fields(line); len(c) > 10 && c[2] == "image" {
			objects[c[10]] = true
		}
	}
	if len(objects) != 4 {
		t.Errorf("%d pictures in the file, each of them once should be 4", len(objects))
	}
}

func TestFailingStoreEndsIt(t *testing.T) {
	b := book()
	b.Image = func(context.Context, string) ([]byte, error) {
		return nil, fault.New(fault.Unavailable, "The store is away.")
	}
	b.HTML(0, `<p><img src="/a"></p>`)
	if _, err := b.Write(t.Context(), &bytes.Buffer{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestSizes(t *testing.T) {
	b := book()
	b.Size = paper.Letter
	pdf, _ := write(t, b)
	if info := read(t, pdf, "pdfinfo"); !strings.Contains(info, "612 x 792") {
		t.Errorf("no Letter: %s", info)
	}
	b.Size = "A0"
	if _, err := b.Write(t.Context(), &bytes.Buffer{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

// TestBounds: much text, and text that is nested or joined as nobody writes it,
// is printed in time that grows with it, or refused.
func TestBounds(t *testing.T) {
	for name, s := range map[string]string{
		"a long paragraph": "<p>" + strings.Repeat("word ", 10_000) + "</p>",
		"a long word":      "<p>" + strings.Repeat("x", 300_000) + "</p>",
		"nested quotes":    strings.Repeat("<blockquote>", 200) + "deep" + strings.Repeat("</blockquote>", 200),
		"nested lists":     strings.Repeat("<ul><li>", 200) + "deep" + strings.Repeat("</li></ul>", 200),
		"nested tables":    strings.Repeat("<table><tr><td>", 60) + "deep" + strings.Repeat("</td></tr></table>", 60),
		"a tall cell":      "<table><tr><td>" + strings.Repeat("<p>line</p>", 5_000) + "</td><td>x</td></tr></table>",
		"a tall head":      "<table><thead><tr><th>" + strings.Repeat("<p>line</p>", 200) + "</th></tr></thead><tbody><tr><td>" + strings.Repeat("<p>y</p>", 200) + "</td></tr></tbody></table>",
		"many rows":        "<table>" + strings.Repeat("<tr><td>a</td><td>b</td><td>c</td></tr>", 8_000) + "</table>",
		"many headings":    strings.Repeat("<h2>Heading</h2>", 3_000),
	} {
		t.Run(name, func(t *testing.T) {
			b := book()
			b.Contents = 3
			b.HTML(0, s)
			pdf, n := write(t, b)
			if n.Pages > 1000 || len(pdf) > 16<<20 {
				t.Errorf("%d pages, %d bytes", n.Pages, len(pdf))
			}
		})
	}
	b := book()
	b.HTML(0, strings.Repeat("<hr><p>"+strings.Repeat("<br>", 100)+"</p>", 2_700))
	if _, err := b.Write(t.Context(), &bytes.Buffer{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a book of too many pages: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := b.Write(ctx, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("when stopped: %v", err)
	}
}

// FuzzBook: any HTML is printed.
func FuzzBook(f *testing.F) {
	f.Add(everything)
	f.Add(`<table><tr><td colspan=7 rowspan=900><table><tr><td><img src=/a width=1><td>`)
	f.Add(`<ul><ul><li><li><pre>` + "\t\n\n" + `<ol start=999999><li><h1>a<h6>b<a href="#part-2">`)
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 10_000 {
			return
		}
		b := book()
		b.Cover, b.Contents = true, 3
		b.Image = func(_ context.Context, src string) ([]byte, error) { return []byte(src), nil }
		b.Heading(1, s, s)
		b.HTML(1, s)
		var out bytes.Buffer
		n, err := b.Write(t.Context(), &out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(out.Bytes(), []byte("%PDF-")) || n.Pages < 3 {
			t.Errorf("%d pages", n.Pages)
		}
	})
}

// TestTags: another program finds the tree, in the order of the text, and each text in it
// once; what is an artifact is in none.
func TestTags(t *testing.T) {
	b := book()
	b.Contents, b.Language = 2, "de"
	b.Image = func(context.Context, string) ([]byte, error) { return pictureOf(t, "png", 8, 8), nil }
	b.Heading(1, "Chapter", "")
	b.HTML(1, everything+`<p>See <img src="/x.png" alt="A rack"></p>`)
	b.HTML(1, "<table><thead><tr><th>Host</th><th>Use</th></tr></thead><tbody>"+strings.Repeat("<tr><td>row</td><td>kept</td></tr>", 120)+"</tbody></table>")
	pdf, _ := write(t, b)
	info := read(t, pdf, "pdfinfo")
	for _, want := range []string{"Tagged:          yes", "PDF version:     1.7"} {
		if !strings.Contains(info, want) {
			t.Errorf("pdfinfo lacks %q: %s", want, info)
		}
	}
	tree := read(t, pdf, "pdfinfo", "-struct-text")
	if miss := inOrder(tree, "Document", "TOC", "H1", "Chapter", "H2", "Intro", "P", "Plain", "L", "LI", "Lbl", "•", "LBody", "first", "Lbl", "4.", "LBody", "four", "BlockQuote", "quoted", "Code", "func main",
		"Table", "Caption", "Addresses", "TR", "TH", "Name", "TD", "fw-01", "L", "inside", "Figure", "Table", "Host", "kept"); miss != "" {
		t.Errorf("%q is not in its place in the tree:\n%s", miss, tree)
	}
	if n := strings.Count(tree, "\"Host\""); n != 1 {
		t.Errorf("the head of a table that goes on over pages is read %d times", n)
	}
	if n := strings.Count(tree, "\"kept\""); n != 120 {
		t.Errorf("%d of 120 rows are read", n)
	}
	if strings.Contains(tree, "Page 2 of") {
		t.Error("the foot of a page is read as text")
	}
	if !bytes.Contains(pdf, []byte("/Lang (de)")) || !bytes.Contains(pdf, []byte("/DisplayDocTitle true")) || !bytes.Contains(pdf, []byte("/Alt <FEFF00410020007200610063006B>")) {
		t.Error("the language, the title or the text of the picture is not said")
	}
}
