// Package docx reads Word documents as HTML.
//
// Always true: what is read is what a reader of the document sees with all
// changes accepted: deleted text is left out, inserted text is there; the HTML is
// in the normal form of package richtext; nothing is fetched, and nothing outside
// of the file is read.
//
// The format is WordprocessingML in an Open Packaging zip: ECMA-376 Part 1, 17
// (text) and 20.4 (pictures), Part 2 (packages); the names in the code are those
// of the standard.
package docx

import (
	"bytes"
	"io"
	"path"
	"strings"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
)

// Document is one that was read.
type Document struct {
	Title string // by its properties or its first heading; may be empty
	HTML  string // pictures have addresses that begin with Picture

	zip *archive.Archive
}

// Picture begins the address of a picture that is in the file.
const Picture = "/docx/"

// Bounds of what is read, in bytes.
const (
	mostXML     = 32 << 20
	mostPicture = 32 << 20
)

// Read reads the document of size bytes behind r. Invalid for what is none, with
// what to do.
func Read(r io.ReaderAt, size int64) (*Document, error) {
	var head [8]byte
	if n, _ := r.ReadAt(head[:], 0); n == 8 && bytes.Equal(head[:], []byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}) {
		return nil, fault.New(fault.Invalid, "This is a Word document in the old format, or one that is protected by a password.").
			WithHint("Open it in a word processor and save it as .docx without a password.")
	}
	z, err := archive.Open(r, size, archive.Options{Limits: archive.Limits{Entries: 10_000, Entry: 256 << 20, Total: 1 << 30}})
	if err != nil {
		return nil, err
	}
	d := &Document{zip: z}
	p := &reader{zip: z}
	if p.main, err = d.mainPart(); err != nil {
		return nil, err
	}
	root, err := d.xml(p.main)
	if err != nil {
		return nil, err
	}
	if root == nil || root.find("body") == nil {
		return nil, fault.New(fault.Invalid, "This is not a Word document: it has no text in it.").WithHint("Choose a .docx file.")
	}
	if err := p.load(d); err != nil {
		return nil, err
	}
	p.blocks(root.find("body").kids)
	p.endNotes()
	d.HTML = richtext.Clean(p.out.String())
	d.Title = d.title(p.heading)
	return d, nil
}

// mainPart finds the part with the text, by the relations of the package.
func (d *Document) mainPart() (string, error) {
	rels, err := d.relations("")
	if err != nil {
		return "", err
	}
	for _, r := range rels {
		if strings.HasSuffix(r.sort, "/officeDocument") {
			return r.target, nil
		}
	}
	return "word/document.xml", nil
}

// relation is one part that another names by an id.
type relation struct {
	sort, target string
	external     bool
}

// relations gives those of a part, with targets as names in the zip.
func (d *Document) relations(part string) (map[string]relation, error) {
	root, err := d.xml(path.Join(path.Dir(part), "_rels", path.Base("/"+part)+".rels"))
	if part == "" {
		root, err = d.xml("_rels/.rels")
	}
	if err != nil || root == nil {
		return nil, err
	}
	out := map[string]relation{}
	for _, k := range root.kids {
		r := relation{sort: k.attr("Type"), target: k.attr("Target"), external: k.attr("TargetMode") == "External"}
		if !r.external {
			if r.target = strings.TrimPrefix(path.Join("/", path.Dir("/"+part), r.target), "/"); strings.HasPrefix(k.attr("Target"), "/") {
				r.target = strings.TrimPrefix(path.Clean(k.attr("Target")), "/")
			}
		}
		out[k.attr("Id")] = r
	}
	return out, nil
}

// xml reads a part; nil when there is none.
func (d *Document) xml(name string) (*node, error) {
	f, ok := d.zip.Stat(name)
	if !ok {
		return nil, nil
	}
	if f.Size > mostXML {
		return nil, fault.New(fault.Invalid, "This Word document is too large to be read: its part %s has %d MB.", name, f.Size>>20).WithHint("Save it in several parts.")
	}
	in, err := d.zip.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return parse(in, name)
}

// Open gives a picture by its address in the HTML, and a name for it. NotFound
// when there is none, or none that can be shown.
func (d *Document) Open(address string) (name string, in io.ReadCloser, err error) {
	part, ok := strings.CutPrefix(address, Picture)
	f, found := d.zip.Stat(part)
	if !ok || !found || f.Size > mostPicture {
		return "", nil, fault.New(fault.NotFound, "The document has no such picture.")
	}
	in, err = d.zip.Open(part)
	return path.Base(part), in, err
}

// title is what the document calls itself.
func (d *Document) title(heading string) string {
	root, err := d.xml("docProps/core.xml")
	if err == nil && root != nil {
		if t := root.find("title"); t != nil && strings.TrimSpace(t.content()) != "" {
			return strings.Join(strings.Fields(t.content()), " ")
		}
	}
	return heading
}
