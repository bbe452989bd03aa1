package glue

import (
	"errors"
	"io"
	"strings"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/itglue"
)

// Steps are the parts, in the order in which they refer to each other.
func (r *run) Steps() []func() error {
	var steps []func() error
	add := func(f func() error) { steps = append(steps, f) }
	add(r.ownLists)
	for _, t := range r.tables() {
		if t.name == "passwords" { // may be embedded in documents
			add(r.ownFolders)
			add(func() error { return r.table(r.documentSpec(createDocument)) })
			for _, k := range r.otherKinds() {
				add(func() error { return r.ownKind(k) })
			}
			add(r.designAssets)
			add(r.assetRows)
		}
		add(func() error { return r.table(t) })
	}
	add(func() error { r.second = true; return r.table(r.documentSpec(completeDocument)) })
	add(r.ownSections)
	add(r.links)
	add(r.completeKinds)
	add(r.attachments)
	add(r.fieldFiles)
	add(r.ownRelations)
	add(r.ownRefs)
	add(r.others)
	return steps
}

// Total counts what there is to do.
func (r *run) Total() (total int64, err error) {
	names := []string{"documents"} // a second time
	for _, t := range r.tables() {
		names = append(names, t.name)
	}
	for _, t := range r.assets {
		names = append(names, t.name)
	}
	for _, name := range append(names, "documents") {
		n, err := r.x.Count(name)
		if err != nil {
			return 0, err
		}
		total += n
	}
	for _, k := range r.otherKinds() {
		if err := r.eachLine(itglue.KindFile(k.Plural), func([]byte) error { total++; return nil }); err != nil {
			return 0, err
		}
	}
	return total + r.fileTotal(), nil
}

// table imports the rows of one table.
func (r *run) table(s *tableSpec) error {
	r.Stage(s.stage)
	t, err := r.x.Table(s.name, s.required, s.reads)
	if fault.Is(err, fault.Invalid) {
		said := fault.Say(err)
		r.Problem(r.x.File(s.name), 0, itglue.Error, said.Hint, "%s", said.Text+" Nothing of it was imported.")
		return nil
	}
	if err != nil {
		return err
	}
	if t == nil {
		return s.end(r)
	}
	defer t.Close()
	extras, err := r.extras(s.name)
	if err != nil {
		return err
	}
	defer extras.close()
	quiet := s.name == "documents" && r.second // said the first time
	for {
		row, err := t.Next()
		if list := t.Problems(false); !quiet {
			r.Report.Add(list...)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if fault.Is(err, fault.Invalid) {
			said := fault.Say(err)
			r.Problem(t.Name, 0, itglue.Error, said.Hint, "%s", said.Text+" The rows before it were read, those after it were not.")
			break
		}
		if err != nil {
			return err
		}
		if err := r.row(s, t.Name, row, extras); err != nil {
			return err
		}
	}
	if !quiet {
		for range t.Skipped() {
			r.Report.Count(s.kind, importer.Skipped)
		}
		r.Report.Add(t.Problems(true)...)
		extras.left(r)
	}
	return s.end(r)
}

func (s *tableSpec) end(r *run) error {
	if s.last == nil {
		return nil
	}
	return s.last(s)
}

// row builds an item of one row and decides what becomes of it.
func (r *run) row(s *tableSpec, file string, row itglue.Row, extras *extras) error {
	if err := r.Ctx.Err(); err != nil {
		return err
	}
	if r.Progress.Done++; r.Progress.Done%500 == 0 {
		r.Tell()
	}
	it := r.item(s.kind, s.name, row.Get("id"), file, row.Line)
	it.Row, it.row = row, row
	if it.Foreign == "" {
		return it.Skip("Give every row its id.", "Line %d of %s has no id and was skipped.", row.Line, file)
	}
	it.beside(extras.take(it.Foreign))
	var err error
	if it.Past, err = extras.history(it.Foreign); err != nil {
		return err
	}
	if s.org {
		org, err := r.Organization(it.Item)
		if err != nil || org == nil {
			return err
		}
		it.Org = org
		it.Values["organization_id"] = org.Rec
	}
	if row.Has("archived") {
		it.Bool("archived", "archived")
	}
	if err := it.apply(); err != nil {
		return err
	}
	if err := s.build(r, it); err != nil {
		return err
	}
	if it.Kind != "document" { // whose builders decide themselves
		if err := r.decide(it); err != nil {
			return err
		}
	}
	r.giveNames(it)
	return nil
}

// giveNames remembers the names by which later rows refer to this one.
func (r *run) giveNames(it *item) {
	if it.Known == nil {
		return
	}
	switch it.Kind {
	case flexibleasset.Kind:
		r.noteAsset(it)
	case "organization":
		r.Look.NameOrg(it.Values.Text("name"), it.Known)
	case "location":
		r.GiveName(it.Kind, it.Org, it.Values.Text("name"), it.Known)
	case "contact":
		r.GiveName(it.Kind, it.Org, it.Values.Text("first_name")+" "+it.Values.Text("last_name"), it.Known)
	}
}

// others lists what has no kind here.
func (r *run) others() error {
	known := []string{"documents"}
	for _, t := range r.tables() {
		known = append(known, strings.ReplaceAll(t.name, "_", "-"))
	}
	for _, k := range r.otherKinds() {
		known = append(known, k.JSONType())
	}
	var folders []string
	for _, t := range r.assets {
		known = append(known, t.name)
		folders = append(folders, sortedKeys(t.folders)...)
	}
	err := r.eachSheet(func(s itglue.Sheet) {
		known = append(known, s.Table)
		folders = append(folders, s.Folders...)
	})
	if err != nil {
		return err
	}
	list, err := r.x.Others(known, folders)
	if err != nil {
		return err
	}
	for _, o := range list {
		r.Report.Unknown = append(r.Report.Unknown, importer.Unknown{File: o.File, Rows: o.Rows, Note: unknownNote(o.File)})
	}
	return r.foreignKinds()
}
