package glue

import (
	"fmt"
	"io"
	"path"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
)

// maxText is how long the text of a document may be, in bytes.
const maxText = record.MaxLong

// docs is what the export holds of documents beside documents.csv.
type docs struct {
	byID map[string]*itglue.Document
	top  map[string]string // organization's id in the source -> the first folder of all its documents
}

func (r *run) indexDocuments() {
	r.docs = docs{byID: map[string]*itglue.Document{}, top: map[string]string{}}
	for _, d := range r.x.Documents() {
		if _, twice := r.docs.byID[d.ID]; !twice {
			r.docs.byID[d.ID] = d
		}
		first := ""
		if len(d.Folders) > 0 {
			first = d.Folders[0]
		}
		if have, ok := r.docs.top[d.Org]; ok && have != first {
			first = ""
		}
		r.docs.top[d.Org] = first
	}
}

// documentSpec is the table of documents. It is gone through twice: first new
// documents are created, then texts get their images, and links to everything
// that was created.
func (r *run) documentSpec(build func(r *run, it *item) error) *tableSpec {
	return &tableSpec{name: "documents", kind: "document", stage: "Documents", org: true, required: []string{"id"}, build: build, last: r.strayDocuments,
		columns: []string{"name", "locator", "expires_on", "public", "published"}}
}

// strayDocuments imports the documents that documents.csv does not name.
func (r *run) strayDocuments(s *tableSpec) error {
	for _, d := range r.x.Documents() {
		if k := r.Look.Table("documents")[d.ID]; r.docs.byID[d.ID] != d || k != nil && k.Seen && k.Line != 0 {
			continue
		}
		it := r.item(s.kind, s.name, d.ID, d.Dir, 0)
		it.doc = d
		if it.Org = r.Look.Table("organizations")[d.Org]; it.Org == nil || it.Org.Rec == 0 {
			if !r.second {
				_ = it.Skip("Add the organization to organizations.csv.", "The document %q was skipped: the export has no organization with the id %s.", d.Dir, d.Org)
			}
			continue
		}
		it.Values["organization_id"] = it.Org.Rec
		if err := s.build(r, it); err != nil {
			return err
		}
	}
	return nil
}

// document sets what stands in the row and in the folder's name.
func (it *item) document() error {
	d := it.doc
	if it.Row != nil {
		if d = it.r.docs.byID[it.Foreign]; d == nil {
			if t, _, ok := itglue.Link(it.Row.Get("locator")); ok {
				d = it.r.docs.byID[t.ID]
			}
		}
		it.Set("name", it.Row.Get("name"))
		it.Put("expires_on", "expires_on")
		it.Bool("public", "public")
		it.Bool("published", "published")
	}
	it.doc = d
	if it.Values.Text("name") == "" {
		name := "Document " + it.Foreign
		if d != nil && d.Name != "" {
			name = d.Name
		}
		it.Set("name", name)
	}
	if d == nil {
		return nil
	}
	if d.Size == 0 && it.r.x.HasFiles("documents", it.Foreign) {
		it.Values["is_uploaded"] = true
	}
	if it.extra != nil {
		return nil // the export says itself which folder it is
	}
	folder, err := it.r.folder(it.Org, d)
	if folder != 0 {
		it.Values["document_folder_id"] = folder
	}
	return err
}

// createDocument is the first time through: what is not here yet is created,
// with its text when that needs nothing else.
func createDocument(r *run, it *item) error {
	if err := it.document(); err != nil {
		return err
	}
	if bad := it.Missing(); bad != "" {
		return it.Skip("Correct the row in its source.", "Line %d of %s was skipped: %s", it.Line, it.File, bad)
	}
	if !it.Claim() || it.Known.Rec != 0 {
		return nil
	}
	text, err := it.readText()
	if err != nil {
		return err
	}
	it.What = importer.Created
	switch {
	case text == nil:
	case text.needsMore():
		it.Partly = true
	default:
		it.Values["content"] = text.html
	}
	if it.doc == nil {
		it.Warn("Look whether the export is complete.", "Line %d of %s: the zip has no text for the document %s; it was imported empty.", it.Line, it.File, it.Title())
	}
	if !it.Partly {
		it.Hash = it.docSum(text)
	}
	return r.Push(it.Item)
}

// completeDocument is the second time through.
func completeDocument(r *run, it *item) error {
	it.Known = r.Look.Table("documents")[it.Foreign]
	k := it.Known
	if k == nil || k.Rec == 0 || k.Line != it.Line || k.Fresh && !k.Pending {
		return nil
	}
	if err := it.document(); err != nil {
		return err
	}
	text, err := it.readText()
	if err != nil {
		return err
	}
	if !k.Fresh || !r.Dry {
		if err := text.sums(it); err != nil {
			return err
		}
		it.Hash = it.docSum(text)
	}
	if it.Silent = k.Fresh; k.Pending && !k.Fresh && r.Earlier.Kinds["document"].Created > 0 {
		it.Silent = true // an earlier attempt created it
		r.Report.Count(it.Kind, importer.Unchanged)
	}
	it.linked(text)
	if r.Dry && k.Fresh {
		r.Report.Add(it.Warnings...)
		return nil
	}
	if text != nil {
		it.Prepare, it.Before = func() error { return text.write(it) }, text.place(it)
	}
	return r.Settle(it.Item)
}

// docSum is the hash of everything that makes up a document.
func (it *item) docSum(t *text) importer.Sum {
	row := it.RowSum()
	return it.r.Sum(func(put func(string)) {
		put(row.String())
		if t == nil {
			return
		}
		put(t.raw)
		for _, m := range t.images {
			put(m.entry)
			put(m.sum)
		}
	})
}

// folder finds or makes the folder that a document lies in.
func (r *run) folder(org *importer.Known, d *itglue.Document) (id.ID, error) {
	parts := d.Folders
	if top := r.docs.top[d.Org]; top != "" && itglue.SameFile(top, r.Look.OrgName[org]) {
		parts = parts[1:]
	}
	var above id.ID
	at := d.Org
	for _, name := range parts {
		at += "/" + name
		refs := r.Look.Table("document_folders")
		k := refs[at]
		if k == nil || k.Rec == 0 {
			made, err := r.makeFolder(org, above, name, at)
			if err != nil {
				return 0, err
			}
			refs[at] = &importer.Known{Rec: made, Seen: true}
		}
		above = refs[at].Rec
	}
	return above, nil
}

func (r *run) makeFolder(org *importer.Known, above id.ID, name, foreign string) (made id.ID, err error) {
	if err := r.Wait(); err != nil {
		return 0, err
	}
	r.Report.Count("document_folder", importer.Created)
	if r.Dry {
		return r.NextPseudo(), nil
	}
	v := record.Values{"name": name, "organization_id": org.Rec}
	if above != 0 {
		v["parent_id"] = above
	}
	err = r.Importer.Gate.Change(r.Ctx, r.Caller, access.Create, gate.Thing{Kind: "document_folder", Org: org.Rec}, func(tx *gate.Tx) error {
		rec, err := r.Importer.Records.Create(tx, "document_folder", v)
		if err != nil {
			return err
		}
		made = rec.ID
		if err := r.Wrote(tx, made, 0); err != nil {
			return err
		}
		if err := r.Note(tx, "document_folder", importer.Created, 1); err != nil {
			return err
		}
		return external.Save(tx, r.Source, "document_folders", foreign, made, "folder")
	})
	return made, err
}

// readText reads the text of a document; nil when there is none. Of a document
// with sections the file holds them too; then the text without them stands
// beside it.
func (it *item) readText() (*text, error) {
	if own, ok := it.extra.text("content"); ok && it.doc != nil {
		return newText(it, own), nil
	}
	if it.doc == nil || it.doc.HTML == "" {
		return nil, nil
	}
	in, size, err := it.r.x.Open(it.doc.HTML)
	if err != nil {
		return nil, it.unread(err)
	}
	defer in.Close()
	if size > maxText {
		it.Warn("Attach it as a file.", "The document %q is longer than %d MiB and was imported without its text.", it.doc.HTML, maxText>>20)
		return nil, nil
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return nil, it.unread(err)
	}
	s, told := itglue.Decode(b)
	if told {
		it.Warn("", "The document %q is not UTF-8 and was read as Windows-1252 (Latin-1).", it.doc.HTML)
	}
	return newText(it, s), nil
}

// unread goes on without a part of the zip that is broken.
func (it *item) unread(err error) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	said := fault.Say(err)
	it.Warn(said.Hint, "%s The document %s was imported without it.", said.Text, it.Title())
	return nil
}

// linked says which links of the text lead nowhere here.
func (it *item) linked(t *text) {
	if t == nil {
		return
	}
	for _, href := range sortedKeys(t.links) {
		to := t.links[href]
		if k := it.r.Look.Table(to.Table)[to.ID]; k == nil || k.Rec == 0 {
			t.lost = append(t.lost, href)
		}
	}
	if n := len(t.lost); n > 0 {
		it.Warn("Correct them by hand.", "The document %q has %s to what is not in the export, such as %s; left as written.", it.doc.HTML, plural(n, "link"), importer.Short(t.lost[0]))
	}
	if n := len(t.gone); n > 0 {
		it.Warn("Add them by hand.", "The document %q names %s that the zip does not hold, such as %s.", it.doc.HTML, plural(n, "image"), importer.Short(path.Base(t.gone[0])))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
