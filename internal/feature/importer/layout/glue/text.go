package glue

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer/itglue"
	"strongroom/internal/feature/importer/state"
)

// text is the text of a document on its way in.
type text struct {
	raw    string // as the export has it
	html   string // with addresses of images taken out: see mark
	images []*picture
	links  map[string]itglue.Target // by address
	lost   []string                 // addresses into the other system that lead to nothing known
	gone   []string                 // images that the zip does not hold
}

// picture is an inline image.
type picture struct {
	entry   string // in the zip, or "data" and a number for one inside the text
	data    []byte // of one inside the text
	name    string // for people
	sum     string
	content *attachment.Content
	file    id.ID
}

// mark stands for the address of a picture until it has one.
func mark(n int) string { return "/documents/images/import-" + strconv.Itoa(n) }

// newText finds what a text needs: images of the zip, links into the other
// system.
func newText(it *item, raw string) *text {
	t := &text{raw: raw, links: map[string]itglue.Target{}}
	t.html = t.pictures(it, raw)
	return t
}

// pictures puts marks in place of the images that the zip or the text itself
// holds, and cleans the text.
func (t *text) pictures(it *item, s string) string {
	d := it.doc
	s = itglue.FullSize(s, func(src string) bool { return it.r.x.ImageEntry(d, src) != "" })
	s, _ = richtext.InlineImages(s, func(_ string, content []byte) (string, error) {
		n := len(t.images)
		t.images = append(t.images, &picture{entry: "data " + strconv.Itoa(n), data: content, name: "image " + strconv.Itoa(n+1)})
		return mark(n), nil
	})
	at := map[string]string{}
	for i, m := range t.images {
		at[mark(i)] = m.entry
	}
	s = richtext.Rewrite(s, func(tag, attr, v string) string {
		switch {
		case tag == "a":
			t.link(it, v)
			return v
		case attr != "src":
			return ""
		case at[v] != "" && strings.HasPrefix(v, "/documents/images/import-"):
			return v
		}
		entry := it.r.x.ImageEntry(d, v)
		if entry == "" {
			if u := strings.ToLower(v); !strings.HasPrefix(u, "http:") && !strings.HasPrefix(u, "https:") || strings.Contains(u, ".itglue.com/") {
				t.gone = append(t.gone, v)
			}
			return v
		}
		for i, m := range t.images {
			if m.entry == entry {
				return mark(i)
			}
		}
		t.images = append(t.images, &picture{entry: entry, name: it.extra.imageName(path.Base(entry))})
		return mark(len(t.images) - 1)
	})
	return richtext.Clean(s)
}

// link remembers an address that leads to a record of the export.
func (t *text) link(it *item, href string) {
	target, foreign, ok := itglue.Link(href)
	if !ok {
		if foreign {
			t.lost = append(t.lost, href)
		}
		return
	}
	t.links[href] = target
}

// needsMore tells whether the text cannot be kept before everything else is
// there.
func (t *text) needsMore() bool { return len(t.images) > 0 || len(t.links) > 0 }

// holder is the record that the pictures of a text are attached to.
func (it *item) holder() id.ID {
	if it.within != 0 {
		return it.within
	}
	return it.Known.Rec
}

// open gives the content of a picture.
func (p *picture) open(it *item) (io.ReadCloser, error) {
	if p.data != nil {
		return io.NopCloser(bytes.NewReader(p.data)), nil
	}
	r, _, err := it.r.x.Open(p.entry)
	return r, err
}

// sums reads the pictures for their hashes. One that cannot be read is left out
// of the text's images and stays as it is in the text.
func (t *text) sums(it *item) error {
	if t == nil {
		return nil
	}
	for _, m := range t.images {
		in, err := m.open(it)
		if err == nil {
			m.sum, err = it.r.fileSum(in)
			in.Close()
		}
		if err != nil {
			if err := it.unread(err); err != nil {
				return err
			}
			m.sum = "unread"
		}
	}
	return nil
}

// fileSum is the keyed hash of a file's content.
func (r *run) fileSum(in io.Reader) (string, error) {
	h := r.NewHash()
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// write keeps the pictures that are not kept yet.
func (t *text) write(it *item) error {
	for _, m := range t.images {
		if m.sum == "unread" {
			continue
		}
		have, err := it.r.keptFile(it.holder(), m.path())
		if err != nil {
			return err
		}
		if have.ID != 0 && have.There && have.Sum == m.sum {
			m.file = have.ID
			continue
		}
		if err := m.write(it); err != nil {
			return err
		}
	}
	return nil
}

func (p *picture) path() string { return "images/" + path.Base(p.entry) }

func (p *picture) write(it *item) error {
	in, err := p.open(it)
	if err != nil {
		return it.unread(err)
	}
	defer in.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(in, head)
	if n == 0 {
		return it.unread(notEmpty(err))
	}
	head = head[:n]
	name := p.name
	if path.Ext(name) == "" {
		name += extension(http.DetectContentType(head))
	}
	p.content, err = it.r.Importer.Files.Write(it.r.Ctx, it.r.Caller, name, io.MultiReader(bytes.NewReader(head), in))
	if err != nil {
		return it.unread(err)
	}
	return nil
}

func notEmpty(err error) error {
	if err == io.EOF {
		return fault.New(fault.Invalid, "An image is empty.")
	}
	return err
}

func extension(media string) string {
	switch media {
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/gif":
		return ".gif"
	case "image/webp":
		return ".webp"
	case "image/bmp":
		return ".bmp"
	}
	return ""
}

// place puts the pictures into the document, and their addresses and those of
// the linked records into its text.
func (t *text) place(it *item) func(tx *gate.Tx, v record.Values) error {
	return func(tx *gate.Tx, v record.Values) error {
		to := map[string]string{}
		for i, m := range t.images {
			src, err := m.place(tx, it)
			if err != nil {
				return err
			}
			to[mark(i)] = src
		}
		content, err := t.resolve(tx, it, t.html, to)
		if err != nil {
			return err
		}
		v["content"] = content
		return nil
	}
}

// place attaches a picture to its document and gives its address.
func (p *picture) place(tx *gate.Tx, it *item) (string, error) {
	file := p.file
	switch {
	case p.content == nil && file == 0:
		return p.entry, nil
	case p.content != nil:
		role := attachment.Image
		if !attachment.Viewable(p.content.Type) {
			role = attachment.Attached
		}
		f, err := attachment.Attach(tx, it.holder(), role, p.content)
		if err != nil {
			return "", err
		}
		if err := it.r.MadeFile(tx, f, false); err != nil {
			return "", err
		}
		if err := state.SaveFile(tx, it.holder(), p.path(), f.ID, p.sum); err != nil {
			return "", err
		}
		if file = f.ID; role == attachment.Attached {
			return p.entry, nil
		}
	}
	return "/documents/images/" + file.String(), nil
}

// resolve writes the addresses that are known now.
func (t *text) resolve(tx *gate.Tx, it *item, s string, images map[string]string) (string, error) {
	var failed error
	s = richtext.Rewrite(s, func(tag, attr, v string) string {
		if tag == "img" {
			if src, ok := images[v]; ok {
				return src
			}
			return v
		}
		target, _, ok := itglue.Link(v)
		if !ok {
			return v
		}
		to, err := it.r.address(tx, target)
		if err != nil {
			failed = err
		}
		if to == "" {
			return v
		}
		return to
	})
	return richtext.Clean(s), failed
}

// address gives where a record of the export is here; "" when it is not.
func (r *run) address(tx *gate.Tx, t itglue.Target) (string, error) {
	k := r.Look.Table(t.Table)[t.ID]
	if k == nil || k.Rec <= 0 {
		return "", nil
	}
	if t.Table == "organizations" {
		return "/" + k.Rec.String(), nil
	}
	var org int64
	err := tx.QueryRow(`select org_id from record where id = ?`, int64(k.Rec)).Scan(&org)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	segment := t.Table
	switch {
	case segment == "documents":
		segment = "docs"
	case r.assetTable(segment) != nil:
		segment = "flexible_assets"
	}
	return "/" + id.ID(org).String() + "/" + segment + "/" + k.Rec.String(), err
}
