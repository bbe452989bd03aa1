package exporter

import (
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/crossref"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/importer/itglue"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// paper is one document with all that is written of it.
type paper struct {
	rec      *record.Record
	body     string // what a reader sees
	content  string // without the sections
	sections []*record.Record
	images   map[id.ID]*attachment.File
	gallery  map[id.ID][]*attachment.File // of a section
	dir      string
}

// inDir is where an image lies in the document's folder.
func (p *paper) inDir(image id.ID) string {
	return p.rec.Org.String() + "/docs/" + p.rec.ID.String() + "/images/" + image.String()
}

// documents writes the folders of the documents, and then what they cannot
// hold.
func (r *run) documents() error {
	r.stage("Texts of documents")
	for _, n := range r.ids["documents"] {
		p, err := r.paper(n)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := r.write(p); err != nil {
			return err
		}
	}
	spec := r.specOf("document")
	out := &lines{r: r, name: itglue.RecordsFile("documents")}
	for _, n := range r.ids["documents"] {
		p, err := r.paper(n)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		x := r.extra(p.rec, spec.beside)
		if len(p.sections) > 0 {
			x.Values["content"] = p.local(p.content)
		}
		x.Images = p.names(p.images)
		if x.Empty() {
			continue
		}
		if err := out.put(x); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) specOf(kind string) *tableSpec {
	all := r.tableSpecs()
	return all[slices.IndexFunc(all, func(t *tableSpec) bool { return t.kind == kind })]
}

func (p *paper) names(of map[id.ID]*attachment.File) map[string]string {
	out := map[string]string{}
	for n, f := range of {
		out[n.String()] = f.Name
	}
	return out
}

// paper reads a document.
func (r *run) paper(n id.ID) (*paper, error) {
	p := &paper{images: map[id.ID]*attachment.File{}, gallery: map[id.ID][]*attachment.File{}}
	err := r.view(func(tx *gate.Tx) error {
		var err error
		if p.rec, err = r.e.Records.Get(tx, "document", n); err != nil {
			return err
		}
		if p.sections, err = document.Sections(tx, r.e.Records, n); err != nil {
			return err
		}
		if p.body, err = document.Body(tx, r.e.Records, p.rec); err != nil {
			return err
		}
		p.content = p.rec.Values.Text("content")
		if err := p.elsewhere(tx, r.e.Records); err != nil {
			return err
		}
		return p.findImages(tx)
	})
	if err != nil {
		return nil, err
	}
	p.dir = r.docDir(p.rec)
	return p, nil
}

// elsewhere lets links that follow names lead to the records' pages, as another
// house that takes the export finds them.
func (p *paper) elsewhere(tx *gate.Tx, e *record.Engine) (err error) {
	if p.body, err = crossref.Plain(tx, e, p.body); err != nil {
		return err
	}
	if p.content, err = crossref.Plain(tx, e, p.content); err != nil {
		return err
	}
	for _, s := range p.sections {
		text, err := crossref.Plain(tx, e, s.Values.Text("content"))
		if err != nil {
			return err
		}
		if s.Values["content"] != nil {
			s.Values["content"] = text
		}
	}
	return nil
}

// findImages finds the images of the document, of its galleries, and those of
// others that its text shows.
func (p *paper) findImages(tx *gate.Tx) error {
	list, err := document.Images(tx, p.rec.ID)
	if err != nil {
		return err
	}
	for _, f := range list {
		p.images[f.ID] = f
	}
	for _, s := range p.sections {
		if s.Values.Text("resource_type") != document.Gallery {
			continue
		}
		if p.gallery[s.ID], err = document.Images(tx, s.ID); err != nil {
			return err
		}
	}
	for _, src := range richtext.Images(p.body) {
		n, ok := imageID(src)
		if !ok || p.images[n] != nil || p.inGallery(n) {
			continue
		}
		f, err := attachment.Get(tx, n)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		p.images[n] = f
	}
	return nil
}

func (p *paper) inGallery(n id.ID) bool {
	for _, list := range p.gallery {
		for _, f := range list {
			if f.ID == n {
				return true
			}
		}
	}
	return false
}

func imageID(src string) (id.ID, bool) {
	rest, ok := strings.CutPrefix(src, "/documents/images/")
	if !ok {
		return 0, false
	}
	return id.Parse(rest)
}

// local gives a text whose images are those in the document's folder.
func (p *paper) local(s string) string {
	return richtext.Rewrite(s, func(tag, attr, v string) string {
		if n, ok := imageID(v); tag == "img" && ok && (p.images[n] != nil || p.inGallery(n)) {
			return p.inDir(n)
		}
		return v
	})
}

// docDir is the folder of a document. Folders above it are left out when the
// path would be too long; folders.jsonl has them all.
func (r *run) docDir(rec *record.Record) string {
	own := "DOC-" + rec.Org.String() + "-" + rec.ID.String() + " " + itglue.FileName(rec.Name)
	var above []string
	for at := rec.Values.ID("document_folder_id"); at != 0 && len(above) < 40; at = r.folders[at].above {
		if f, ok := r.folders[at]; ok {
			above = append([]string{itglue.FileName(f.name)}, above...)
		}
	}
	if r.o.Org == 0 {
		above = append([]string{itglue.FileName(rec.OrgName)}, above...)
	}
	if dir := strings.Join(append(append([]string{"documents"}, above...), own), "/"); len(dir) < 2500 {
		return dir
	}
	return "documents/" + own
}

// write writes the text and the images of a document.
func (r *run) write(p *paper) error {
	w, err := r.add(p.dir + "/" + itglue.FileName(p.rec.Name) + ".html")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, p.local(p.body)); err != nil {
		return err
	}
	all := maps.Clone(p.images)
	for _, list := range p.gallery {
		for _, f := range list {
			all[f.ID] = f
		}
	}
	for _, n := range slices.Sorted(maps.Keys(all)) {
		if err := r.copyFile(n, p.dir+"/"+p.inDir(n)); err != nil {
			return err
		}
	}
	return nil
}

// copyFile writes the content of a file as an entry.
func (r *run) copyFile(file id.ID, entry string) error {
	if err := r.view(func(*gate.Tx) error { return nil }); err != nil { // files are what takes long
		return err
	}
	_, o, err := r.e.Files.Open(r.ctx, r.c, file)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer o.Close()
	w, err := r.add(entry)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, o)
	return err
}

// sections writes the sections of documents.
func (r *run) sections() error {
	out := &lines{r: r, name: itglue.SectionsFile}
	for _, n := range r.ids["documents"] {
		p, err := r.paper(n)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, s := range p.sections {
			x := &itglue.Extra{ID: s.ID.String(), Values: map[string]any{}, Refs: map[string]itglue.RowRef{"document_id": r.rowRef(n)}, Images: map[string]string{}}
			for name, v := range s.Values {
				if f := s.Kind.Field(name); f.Type != record.Ref {
					x.Values[name] = v
				}
			}
			x.Values["content"] = p.local(s.Values.Text("content"))
			for _, f := range p.gallery[s.ID] {
				x.Files = append(x.Files, p.dir+"/"+p.inDir(f.ID))
				x.Images[f.ID.String()] = f.Name
			}
			for _, src := range richtext.Images(s.Values.Text("content")) {
				if f, ok := imageID(src); ok && p.images[f] != nil {
					x.Images[f.String()] = p.images[f].Name
				}
			}
			if err := out.put(x); err != nil {
				return err
			}
		}
		r.report.Kinds["document_section"] += int64(len(p.sections))
	}
	return nil
}

// attachments writes the files of all records.
func (r *run) attachments() error {
	r.stage("Attachments")
	for _, table := range sortedKeys(r.ids) {
		ids := r.ids[table]
		for len(ids) > 0 {
			part := ids[:min(len(ids), chunk)]
			ids = ids[len(part):]
			list, err := r.filesOf(part)
			if err != nil {
				return err
			}
			if err := r.copyAll(table, list); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) filesOf(ids []id.ID) (out []*attachment.File, err error) {
	err = r.view(func(tx *gate.Tx) error {
		marks, args := in(ids)
		var have []id.ID
		err := each(tx, func(n []int64) { have = append(have, id.ID(n[0])) }, 1,
			`select distinct record_id from attachment where role <> 'image' and record_id in (`+marks+`) order by record_id`, args...)
		if err != nil {
			return err
		}
		for _, n := range have {
			list, err := attachment.All(tx, n)
			if err != nil && !gone(err) {
				return err
			}
			out = append(out, slices.DeleteFunc(list, func(f *attachment.File) bool { return f.Role == attachment.Image })...)
		}
		return nil
	})
	return out, err
}

func (r *run) copyAll(table string, list []*attachment.File) error {
	used := map[string]bool{}
	for _, f := range list {
		entry, folder := "", table
		if sheet := r.sheetOf[f.Record]; sheet != nil {
			entry, folder = sheet.fileEntry(f, used), sheet.name
		}
		if entry == "" {
			prefix := "attachments/" + folder + "/" + f.Record.String() + "/"
			entry = prefix + unique(used, prefix, itglue.FileName(f.FileName))
		}
		if err := r.copyFile(f.ID, entry); err != nil {
			return err
		}
		if attachment.CleanName(path.Base(entry)) != f.Name || f.Role != attachment.Attached {
			r.names = append(r.names, itglue.FileEntry{Entry: entry, Name: f.Name, Field: string(f.Role)})
		}
		r.did("attachment", 1)
	}
	return nil
}

// unique gives a file a name that no other file of its record has.
func unique(used map[string]bool, prefix, name string) string {
	base := name
	for n := 2; used[prefix+strings.ToLower(base)]; n++ {
		ext := path.Ext(name)
		base = strings.TrimSuffix(name, ext) + " (" + id.ID(n).String() + ")" + ext
	}
	used[prefix+strings.ToLower(base)] = true
	return base
}

func (r *run) fileNames() error {
	out := &lines{r: r, name: itglue.FilesFile}
	for _, f := range r.names {
		if err := out.put(f); err != nil {
			return err
		}
	}
	return nil
}
