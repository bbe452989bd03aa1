// Package source reads files that were written elsewhere as documents: Word,
// Markdown, HTML and plain text.
//
// Always true: what is read is in the normal form of package richtext; nothing is
// fetched, and pictures are those that are in the file.
package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"strongroom/internal/base/docx"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/markdown"
	"strongroom/internal/base/richtext"
)

// Document is a file that was read.
type Document struct {
	Name string // of the document
	HTML string // in the normal form; pictures have addresses of the file

	open func(address string) (name string, in io.ReadCloser, err error)
}

// ErrNoPicture says that a picture is not in the file.
var ErrNoPicture = errors.New("the picture is not in the file")

// Picture opens a picture by its address in the text. ErrNoPicture when the file
// does not hold it.
func (s *Document) Picture(address string) (name string, in io.ReadCloser, err error) {
	if s.open == nil {
		return "", nil, ErrNoPicture
	}
	if name, in, err = s.open(address); fault.Is(err, fault.NotFound) {
		err = ErrNoPicture
	}
	return name, in, err
}

// MostFile is how large a file may be, in bytes.
const MostFile = 32 << 20

// Endings are the ends of the names of files that can be read.
func Endings() []string { return []string{".docx", ".md", ".markdown", ".html", ".htm", ".txt"} }

// Read reads a file by the end of its name. Invalid, in words for people, for what
// cannot be read.
func Read(file string, r io.ReaderAt, size int64) (*Document, error) {
	end := strings.ToLower(path.Ext(file))
	name := strings.TrimSpace(strings.TrimSuffix(path.Base(file), path.Ext(file)))
	if size > MostFile {
		return nil, fault.New(fault.Invalid, "%s is larger than %d MB.", file, MostFile>>20).WithHint("Split it, or attach it to a document as a file.")
	}
	if end == ".docx" {
		d, err := docx.Read(r, size)
		if err != nil {
			return nil, err
		}
		return &Document{Name: cmp.Or(d.Title, name), HTML: withoutTitle(d.HTML, d.Title), open: d.Open}, nil
	}
	raw, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	switch end {
	case ".md", ".markdown":
		return fromMarkdown(name, decode(raw, "text/plain"))
	case ".html", ".htm":
		return fromHTML(name, decode(raw, "text/html"))
	case ".txt":
		return &Document{Name: name, HTML: richtext.FromText(decode(raw, "text/plain"))}, nil
	}
	return nil, fault.New(fault.Invalid, "%s cannot be made a document.", file).WithHint("Files that end in %s can; attach others to a document.", strings.Join(Endings(), ", "))
}

// decode gives a text as UTF-8, whatever it says it is written in.
func decode(raw []byte, media string) string {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	enc, _, certain := charset.DetermineEncoding(raw, media)
	if !certain && bytes.Equal(bytes.ToValidUTF8(raw, nil), raw) {
		return string(raw)
	}
	if out, err := enc.NewDecoder().Bytes(raw); err == nil {
		return string(out)
	}
	return strings.ToValidUTF8(string(raw), "\ufffd")
}

func fromMarkdown(name, text string) (*Document, error) {
	text = frontMatter(text)
	doc, err := markdown.HTML(text)
	if err != nil {
		return nil, err
	}
	title := firstHeading(doc)
	return &Document{Name: cmp.Or(title, name), HTML: withoutTitle(doc, title)}, nil
}

// frontMatter leaves out the lines between --- with which some programs begin a
// text.
func frontMatter(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	rest, ok := strings.CutPrefix(text, "---\n")
	if !ok {
		return text
	}
	if _, body, ok := strings.Cut(rest, "\n---\n"); ok {
		return body
	}
	return text
}

func fromHTML(name, text string) (*Document, error) {
	type picture struct {
		name    string
		content []byte
	}
	pictures := map[string]picture{}
	text, err := richtext.InlineImages(text, func(media string, content []byte) (string, error) {
		at := fmt.Sprintf("/inline/%d", len(pictures)+1)
		pictures[at] = picture{fmt.Sprintf("image-%d.%s", len(pictures)+1, strings.TrimPrefix(media, "image/")), content}
		return at, nil
	})
	if err != nil {
		return nil, err
	}
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s cannot be read as HTML.", name)
	}
	title := ""
	for n := range root.Descendants() {
		if n.DataAtom == atom.Title && n.FirstChild != nil && title == "" {
			title = strings.Join(strings.Fields(n.FirstChild.Data), " ")
		}
	}
	doc := richtext.Clean(text)
	title = cmp.Or(title, firstHeading(doc))
	return &Document{Name: cmp.Or(title, name), HTML: withoutTitle(doc, title), open: func(address string) (string, io.ReadCloser, error) {
		p, ok := pictures[address]
		if !ok {
			return "", nil, fault.New(fault.NotFound, "The file has no such picture.")
		}
		return p.name, io.NopCloser(bytes.NewReader(p.content)), nil
	}}, nil
}

// firstHeading is the text of a heading of the first level that begins a document.
func firstHeading(doc string) string {
	rest, ok := strings.CutPrefix(doc, "<h1>")
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(rest, "</h1>")
	return strings.Join(strings.Fields(richtext.Text(text)), " ")
}

// withoutTitle leaves out a first heading that only says what the document is
// called.
func withoutTitle(doc, title string) string {
	if title == "" || firstHeading(doc) != title {
		return doc
	}
	_, rest, _ := strings.Cut(doc, "</h1>")
	return rest
}
