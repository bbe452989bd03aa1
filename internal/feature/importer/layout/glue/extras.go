package glue

import (
	"errors"
	"io"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
)

// extra is what an own export says of a record beside the table.
type extra struct {
	itglue.Extra

	raw  string
	file string // in which it stands
}

func (e *extra) imageName(base string) string {
	if e != nil && e.Images[base] != "" {
		return e.Images[base]
	}
	return "image-" + base
}

// beside gives an item its extra.
func (it *item) beside(x *extra) {
	if it.extra = x; x != nil {
		it.Beside = x.raw
	}
}

func (e *extra) text(name string) (string, bool) {
	if e == nil {
		return "", false
	}
	s, ok := e.Values[name].(string)
	return s, ok
}

func (e *extra) ref(field string) (itglue.RowRef, bool) {
	if e == nil {
		return itglue.RowRef{}, false
	}
	r, ok := e.Refs[field]
	return r, ok
}

// eachLine calls f with every line of an own file; there may be no such file.
func (r *run) eachLine(name string, f func(line []byte) error) error {
	l, err := r.lines(name)
	if err != nil || l == nil {
		return err
	}
	defer l.Close()
	for {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(line); err != nil {
			return err
		}
		if err := r.Ctx.Err(); err != nil {
			return err
		}
	}
}

func (r *run) lines(name string) (*itglue.Lines, error) {
	if r.own == nil {
		return nil, nil
	}
	return r.x.Lines(name)
}

// extras gives the extras of a table beside its rows: both are in the same
// order, so one line is in memory at a time. The versions of passwords come the
// same way.
type extras struct {
	r       *run
	name    string
	lines   *itglue.Lines
	waiting *extra
	past    *itglue.Lines
	version *itglue.Version
}

func (r *run) extras(table string) (*extras, error) {
	e := &extras{r: r, name: itglue.RecordsFile(table)}
	var err error
	if e.lines, err = r.lines(e.name); err != nil {
		return nil, err
	}
	e.past, err = r.lines(itglue.SecretsFile(table))
	return e, err
}

func (e *extras) close() {
	for _, l := range []*itglue.Lines{e.lines, e.past} {
		if l != nil {
			l.Close()
		}
	}
}

// take gives the extra of a row; nil when the next one is of another row.
func (e *extras) take(foreign string) *extra {
	if e.lines == nil {
		return nil
	}
	if e.waiting == nil {
		line, err := e.lines.Next()
		if err != nil {
			e.stop(err)
			return nil
		}
		x := &extra{raw: string(line), file: e.name}
		if err := itglue.Unmarshal(e.name, line, x); err != nil {
			e.stop(err)
			return nil
		}
		e.waiting = x
	}
	if e.waiting.ID != foreign {
		return nil
	}
	x := e.waiting
	e.waiting = nil
	return x
}

// stop ends the reading of extras; a failure is told, and the rows go on.
func (e *extras) stop(err error) {
	if !errors.Is(err, io.EOF) {
		said := fault.Say(err)
		e.r.Problem(e.name, 0, itglue.Error, said.Hint, "%s", said.Text+" The rows go on without what stands there.")
	}
	e.lines.Close()
	e.lines = nil
}

// history gives the versions of the secrets of a row.
func (e *extras) history(foreign string) ([]importer.Version, error) {
	var out []importer.Version
	for e.past != nil {
		if e.version == nil {
			line, err := e.past.Next()
			if err != nil {
				e.past.Close()
				e.past = nil
				if errors.Is(err, io.EOF) {
					break
				}
				return out, err
			}
			e.version = new(itglue.Version)
			if err := itglue.Unmarshal(e.past.Name, line, e.version); err != nil {
				return nil, err
			}
		}
		if e.version.ID != foreign {
			break
		}
		out = append(out, importer.Version{Field: e.version.Field, Value: e.version.Value, Reason: e.version.Reason, Restores: e.version.Restores})
		e.version = nil
	}
	return out, nil
}

// left says when the rows are in another order than their extras.
func (e *extras) left(r *run) {
	if e.waiting != nil {
		r.Problem(e.name, 0, itglue.Error, "Leave the rows of the table in the order of the export, then import again into an empty tenant.",
			"From the row %s on, what stands in %s belongs to no row in the same order; it was left out.", importer.Short(e.waiting.ID), e.name)
	}
}

// apply sets what the extra says.
func (it *item) apply() error {
	if it.extra == nil {
		return nil
	}
	for name, in := range it.extra.Values {
		if name == "content" && it.Kind == "document" {
			continue
		}
		f := it.Field(name)
		if f == nil { // a trait, of which the engine decides
			it.Values[name] = in
			continue
		}
		v, err := f.Parse(in)
		if err != nil {
			it.Warn("Set it by hand.", "%s of the record %s in %s: %s", f.Title(), it.Foreign, it.extra.file, importer.Sentence(fault.Say(err)))
			continue
		}
		it.Values[name] = v
	}
	for name, ref := range it.extra.Refs {
		if it.Field(name) == nil { // a trait, which may lead to what comes later
			it.late = append(it.late, late{kind: it.Kind, field: name, file: it.File, line: it.Line, to: []itglue.RowRef{ref}, one: true})
			continue
		}
		k := it.r.Look.Table(ref.Table)[ref.ID]
		if k != nil && k.Rec == 0 {
			if err := it.r.Flush(); err != nil {
				return err
			}
		}
		if k == nil || k.Rec == 0 {
			it.Marks = append(it.Marks, "without "+name)
			it.Warn("Set it by hand.", "%s of the record %s in %s is not in the export.", it.Field(name).Title(), it.Foreign, it.extra.file)
			continue
		}
		it.Values[name] = k.Rec
		if it.Field(name).Type == record.Integer {
			it.Values[name] = int64(k.Rec)
		}
	}
	for name, list := range it.extra.Lists {
		it.late = append(it.late, late{kind: it.Kind, field: name, file: it.File, line: it.Line, to: list})
	}
	for name, of := range it.extra.Names {
		if it.Field(name) == nil {
			it.Warn("Set it by hand.", "A link of the record %s in %s to %q was left out: it leads to a list of the house.", it.Foreign, it.extra.file, importer.Short(of))
			continue
		}
		it.Lists = append(it.Lists, importer.Want{Field: name, Kind: it.Field(name).Ref, Name: of})
	}
	return nil
}

// ownItem makes an item of a line of an own file.
func (r *run) ownItem(kind, table, file string, line []byte) (*item, error) {
	x := &extra{raw: string(line), file: file}
	if err := itglue.Unmarshal(file, line, x); err != nil {
		return nil, err
	}
	it := r.item(kind, table, x.ID, file, 0)
	it.beside(x)
	return it, nil
}

// ownLists makes the entries of lists that are missing.
func (r *run) ownLists() error {
	return r.eachLine(itglue.ListsFile, func(line []byte) error {
		x := &extra{}
		if err := itglue.Unmarshal(itglue.ListsFile, line, x); err != nil {
			return err
		}
		k := r.Importer.Records.Kinds.Kind(x.Kind)
		name, _ := x.text("name")
		if k == nil || k.Scope != record.OfTenant || k.Admin || k.Fixed || name == "" {
			return nil
		}
		key := importer.ListKey{Kind: x.Kind, Name: record.Fold(name)}
		if maker := x.Names["manufacturer_id"]; maker != "" {
			key.Of = r.Look.Lists[importer.ListKey{Kind: "manufacturer", Name: record.Fold(maker)}]
		}
		if _, ok := r.Look.Lists[key]; ok {
			return nil
		}
		if r.Dry {
			r.WouldAdd(key)
			return nil
		}
		return r.makeEntry(key, x)
	})
}

func (r *run) makeEntry(key importer.ListKey, x *extra) error {
	v := record.Values(x.Values)
	for field, name := range x.Names {
		if f := r.Importer.Records.Kinds.Kind(x.Kind).Field(field); f != nil {
			if n := r.Look.Lists[importer.ListKey{Kind: f.Ref, Name: record.Fold(name)}]; n != 0 {
				v[field] = n
			}
		}
	}
	if err := r.Wait(); err != nil {
		return err
	}
	var made id.ID
	err := r.Importer.Quietly(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		rec, err := r.Importer.Records.Create(tx, x.Kind, v)
		if err != nil {
			return err
		}
		made = rec.ID
		if err := r.Wrote(tx, made, 0); err != nil {
			return err
		}
		return r.Note(tx, x.Kind, importer.Created, 1)
	})
	if importer.RowFault(err) {
		said := fault.Say(err)
		r.Problem(itglue.ListsFile, 0, itglue.Warning, said.Hint, "The entry %q of the list %s was left out: %s", importer.Short(v.Text("name")), x.Kind, importer.Sentence(said))
		return nil
	}
	if err == nil {
		r.Look.Lists[key] = made
		r.Report.Count(x.Kind, importer.Created)
	}
	return err
}

// ownFolders makes the folders of documents and passwords, those above first.
func (r *run) ownFolders() error {
	return r.eachLine(itglue.FoldersFile, func(line []byte) error {
		it, err := r.ownItem("", "", itglue.FoldersFile, line)
		if err != nil {
			return err
		}
		switch it.extra.Kind {
		case "document_folder", "password_folder":
			it.Kind, it.Table = it.extra.Kind, it.extra.Kind+"s"
		default:
			return nil
		}
		if err := it.apply(); err != nil {
			return err
		}
		return r.decide(it)
	})
}

// ownSections makes the sections of documents.
func (r *run) ownSections() error {
	r.Stage("Sections of documents")
	return r.eachLine(itglue.SectionsFile, func(line []byte) error {
		it, err := r.ownItem("document_section", "document_sections", itglue.SectionsFile, line)
		if err != nil {
			return err
		}
		parent := it.extra.Refs["document_id"].ID
		k := r.Look.Table("documents")[parent]
		if k == nil || k.Rec == 0 {
			return it.Skip("", "A section of the document %s was skipped: the document was not imported.", parent)
		}
		if err := it.apply(); err != nil {
			return err
		}
		it.within = k.Rec
		if it.doc = r.docs.byID[parent]; it.doc != nil {
			it.sectionText()
		}
		return r.decide(it)
	})
}

func (it *item) sectionText() {
	var pictures []*picture
	for _, entry := range it.extra.Files {
		if it.r.x.Has(entry) {
			pictures = append(pictures, &picture{entry: entry, name: it.extra.imageName(baseOf(entry))})
		}
	}
	t := newText(it, it.Values.Text("content"))
	it.Prepare = func() error {
		if err := t.sums(it); err != nil {
			return err
		}
		if err := t.write(it); err != nil {
			return err
		}
		for _, p := range pictures {
			if err := p.write(it); err != nil {
				return err
			}
		}
		return nil
	}
	it.Before = t.place(it)
	it.After = func(tx *gate.Tx, rec *record.Record) error {
		if it.What != importer.Created {
			return nil
		}
		holder := it.within
		it.within = rec.ID
		defer func() { it.within = holder }()
		for _, p := range pictures {
			if _, err := p.place(tx, it); err != nil {
				return err
			}
		}
		return nil
	}
}

func baseOf(entry string) string { return entry[strings.LastIndexByte(entry, '/')+1:] }

// fileNames gives the names of attached files that are not those of their
// entries.
func (r *run) fileNames() (map[string]itglue.FileEntry, error) {
	out := map[string]itglue.FileEntry{}
	err := r.eachLine(itglue.FilesFile, func(line []byte) error {
		var f itglue.FileEntry
		err := itglue.Unmarshal(itglue.FilesFile, line, &f)
		out[f.Entry] = f
		return err
	})
	return out, err
}

// eachSheet calls f with the tables that repeat what lies in the house's own files.
func (r *run) eachSheet(f func(itglue.Sheet)) error {
	return r.eachLine(itglue.SheetsFile, func(line []byte) error {
		var s itglue.Sheet
		err := itglue.Unmarshal(itglue.SheetsFile, line, &s)
		f(s)
		return err
	})
}

// ref sets a reference by a name, unless the extra says to what it is.
func (it *item) ref(field, kind string, columns ...string) error {
	if _, said := it.extra.ref(field); said {
		return nil
	}
	return it.Ref(field, kind, columns...)
}
