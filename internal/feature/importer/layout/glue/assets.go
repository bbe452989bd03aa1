package glue

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/design"
	"strongroom/internal/feature/importer/itglue"
)

// assetTable is a table of an export that is a type of assets here.
type assetTable struct {
	name, file string
	label      string // of the type
	typ        id.ID  // below 0 in a dry run for one that would be made
	fields     []assetField
	of         map[id.ID][]*importer.Known // its assets by organization, two at most
	folders    map[string]string           // of the files of fields -> plain name of the field
}

// hasFolder tells whether the files of a column lie in a folder.
func (t *assetTable) hasFolder(column string) bool {
	for _, field := range t.folders {
		if field == strings.ReplaceAll(column, "_", "-") {
			return true
		}
	}
	return false
}

type assetField struct {
	flexibleasset.Field
	column string
}

// notAssets are tables of things that have no kind yet, and are no assets.
func notAssets() []string {
	return []string{"documents", "domains", "ssl-certificates", "checklists", "checklist-templates", "tickets", "users", "groups", "logs", "related-items"}
}

// findAssets tells which tables are types of assets: all that have ids and
// organizations, and are nothing else.
func (r *run) findAssets() error {
	if r.own != nil || r.Importer.Records.Kinds.Kind(flexibleasset.Kind) == nil {
		return nil
	}
	others := notAssets()
	for _, t := range r.tables() {
		others = append(others, strings.ReplaceAll(t.name, "_", "-"))
	}
	for _, name := range r.x.Tables() {
		if slices.Contains(others, name) {
			continue
		}
		t, err := r.x.Table(name, nil, func(string) bool { return true })
		if fault.Is(err, fault.Invalid) {
			continue // listed with what has no kind
		}
		if err != nil {
			return err
		}
		columns := t.Columns()
		if err := t.Close(); err != nil {
			return err
		}
		if slices.Contains(columns, "id") && (slices.Contains(columns, "organization") || slices.Contains(columns, "organization_id")) {
			r.assets = append(r.assets, &assetTable{name: name, file: r.x.File(name), label: design.Label(name), of: map[id.ID][]*importer.Known{}, folders: r.x.FieldFolders(name)})
		}
	}
	return nil
}

func (r *run) assetTable(name string) *assetTable {
	i := slices.IndexFunc(r.assets, func(t *assetTable) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return r.assets[i]
}

// designAssets makes the types and fields that are missing.
func (r *run) designAssets() error {
	if len(r.assets) == 0 {
		return nil
	}
	r.Stage("Types of assets")
	names, err := r.scanNames()
	if err != nil {
		return err
	}
	for _, t := range r.assets {
		if err := r.designOne(t, names); err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls f with the rows of a table as far as they can be read.
func (r *run) eachRow(name string, f func(t *itglue.Table, row itglue.Row)) error {
	t, err := r.x.Table(name, nil, func(string) bool { return true })
	if t == nil || fault.Is(err, fault.Invalid) {
		return nil
	}
	if err != nil {
		return err
	}
	defer t.Close()
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) || fault.Is(err, fault.Invalid) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.Ctx.Err(); err != nil {
			return err
		}
		f(t, row)
	}
}

// nameScan knows what is called how in which organization, by hash, and which
// secrets are kept for a field of an asset.
type nameScan struct {
	r       *run
	tags    []string // by bit
	of      map[importer.Sum]uint64
	secrets map[string]bool // folded names of fields
}

func (s *nameScan) key(org, name string) importer.Sum {
	return s.r.Sum(func(put func(string)) { put(record.Fold(org)); put(record.Fold(name)) })
}

// refers gives the tag types of what is called so.
func (s *nameScan) refers(org, name string) []string {
	bits := s.of[s.key(org, name)]
	var out []string
	for i, t := range s.tags {
		if bits&(1<<i) != 0 {
			out = append(out, t)
		}
	}
	return out
}

// scanNames reads the names of all that a field can refer to.
func (r *run) scanNames() (*nameScan, error) {
	s := &nameScan{r: r, of: map[importer.Sum]uint64{}, secrets: map[string]bool{}}
	tables := []string{"configurations", "contacts", "locations", "documents", "passwords"}
	for _, name := range tables {
		s.tags = append(s.tags, strings.ToUpper(name[:1])+name[1:])
	}
	for _, t := range r.assets[:min(len(r.assets), 58)] {
		tables, s.tags = append(tables, t.name), append(s.tags, "table "+t.name)
	}
	for i, name := range tables {
		err := r.eachRow(name, func(_ *itglue.Table, row itglue.Row) {
			called := row.Get("name")
			if name == "contacts" {
				called = strings.TrimSpace(row.Get("first_name") + " " + row.Get("last_name"))
			}
			if called == "" && i >= 5 && len(row.Cells) > 2 {
				called = row.Cells[2]
			}
			if name == "passwords" && strings.EqualFold(row.Get("resource_type"), "StructuredData::Cell") {
				s.secrets[record.Fold(called)] = true
				return
			}
			if called != "" {
				s.of[s.key(row.Get("organization", "organization_name"), called)] |= 1 << i
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// designOne finds or makes the type of a table, and its fields.
func (r *run) designOne(t *assetTable, names *nameScan) error {
	g, err := r.guess(t, names)
	if err != nil || g == nil {
		return err
	}
	columns, fields := g.Fields()
	for _, field := range slices.Sorted(maps.Values(t.folders)) { // of a column that was left out
		if column := strings.ReplaceAll(field, "-", "_"); !slices.Contains(columns, column) {
			columns, fields = append(columns, column), append(fields, design.Field{Name: design.Label(field), Kind: flexibleasset.Upload})
		}
	}
	if err := r.existing(t); err != nil {
		return err
	}
	if t.typ == 0 {
		if err := r.makeType(t); err != nil {
			return r.undesigned(t, err)
		}
	}
	for i, f := range fields {
		key := flexibleasset.Key(f.Name)
		at := slices.IndexFunc(t.fields, func(have assetField) bool {
			return have.Key == key || have.Key == strings.ReplaceAll(columns[i], "_", "-") || record.Fold(have.Name) == record.Fold(f.Name)
		})
		if at >= 0 {
			t.fields[at].column = columns[i]
			continue
		}
		tag := f.TagType
		if of, ok := strings.CutPrefix(tag, "table "); ok {
			if tag, err = r.tagOf(of); err != nil {
				return err
			}
		}
		n, err := r.makeDesign(flexibleasset.FieldKind, record.Values{flexibleasset.TypeField: t.typ, "name": f.Name, "kind": f.Kind, "tag_type": tag, "order": int64(len(t.fields) + 1),
			"show_in_list": f.List, "use_for_title": f.Title, "expiration": f.Expires})
		if err != nil {
			return r.undesigned(t, err)
		}
		t.fields = append(t.fields, assetField{Field: flexibleasset.Field{ID: n, Type: t.typ, Name: f.Name, Key: key, Kind: f.Kind, TagType: tag}, column: columns[i]})
	}
	return nil
}

// undesigned says why the rows of a table cannot come in.
func (r *run) undesigned(t *assetTable, err error) error {
	if !importer.RowFault(err) {
		return err
	}
	said := fault.Say(err)
	r.Problem(t.file, 0, itglue.Error, said.Hint, "The type %q could not be made, and nothing of %s was imported: %s", t.label, t.file, importer.Sentence(said))
	r.assets = slices.DeleteFunc(slices.Clone(r.assets), func(have *assetTable) bool { return have == t })
	return nil
}

func (r *run) guess(t *assetTable, names *nameScan) (g *design.Table, err error) {
	err = r.eachRow(t.name, func(in *itglue.Table, row itglue.Row) {
		if g == nil {
			g = design.New(in.Columns(), in.Headers(), design.Clues{
				Refers: names.refers,
				Files:  t.hasFolder,
				Secret: func(header string) bool {
					return names.secrets[record.Fold(header)] || names.secrets[record.Fold(design.Label(header))]
				},
			})
		}
		g.Row(row.Get("organization", "organization_name"), row.Cells)
	})
	return g, err
}

// existing finds a type that is here already, by its name.
func (r *run) existing(t *assetTable) error {
	return r.Importer.Gate.View(r.Ctx, r.Caller, func(tx *gate.Tx) error {
		err := importer.Each(tx, func(n int64, name string) {
			if key := flexibleasset.Key(name); key == t.name || key+"s" == t.name || key == t.name+"s" {
				t.typ, t.label = id.ID(n), name
			}
		}, `select r.id, r.name from record r where r.kind = ? and r.trashed_at is null`, flexibleasset.TypeKind)
		if err != nil || t.typ == 0 {
			return err
		}
		list, err := flexibleasset.Fields(tx, t.typ)
		for _, f := range list {
			if f.Kind != flexibleasset.Header {
				t.fields = append(t.fields, assetField{Field: f})
			}
		}
		return err
	})
}

// tagOf gives the tag type of another table's assets, whose type is made when it
// is not there.
func (r *run) tagOf(name string) (string, error) {
	t := r.assetTable(name)
	if t == nil {
		return "", nil
	}
	if t.typ == 0 {
		if err := r.existing(t); err != nil {
			return "", err
		}
		t.fields = nil // found again when its turn comes
	}
	if t.typ == 0 {
		if err := r.makeType(t); err != nil {
			return "", err
		}
	}
	return "FlexibleAssetType: " + t.typ.String(), nil
}

func (r *run) makeType(t *assetTable) (err error) {
	t.typ, err = r.makeDesign(flexibleasset.TypeKind, record.Values{"name": t.label, "description": "From " + t.file + " of an IT Glue export."})
	return err
}

func (r *run) makeDesign(kind string, v record.Values) (n id.ID, err error) {
	if r.Dry {
		err := r.Importer.Gate.View(r.Ctx, r.Caller, func(tx *gate.Tx) error {
			_, err := tx.Allow(access.Create, gate.Thing{Kind: kind})
			return err
		})
		if err != nil {
			return 0, err
		}
		r.Report.Count(kind, importer.Created)
		return r.NextPseudo(), nil
	}
	if err := r.Wait(); err != nil {
		return 0, err
	}
	err = r.Importer.Gate.Change(r.Ctx, r.Caller, access.Create, gate.Thing{Kind: kind}, func(tx *gate.Tx) error {
		rec, err := r.Importer.Records.Create(tx, kind, v)
		if err != nil {
			return err
		}
		n = rec.ID
		if err := r.Wrote(tx, n, 0); err != nil {
			return err
		}
		return r.Note(tx, kind, importer.Created, 1)
	})
	if err == nil {
		r.Report.Count(kind, importer.Created)
	}
	return n, err
}

// assetRows imports the rows of the tables of assets.
func (r *run) assetRows() error {
	for _, t := range r.assets {
		s := &tableSpec{name: t.name, kind: flexibleasset.Kind, stage: t.label, org: true, required: []string{"id"}, pattern: func(string) bool { return true },
			build: func(r *run, it *item) error { return r.buildAsset(t, it) }}
		if err := r.table(s); err != nil {
			return err
		}
		if err := r.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) buildAsset(t *assetTable, it *item) error {
	it.Values[flexibleasset.TypeField] = t.typ
	for i := range t.fields {
		f := &t.fields[i]
		if f.column == "" || !it.Row.Has(f.column) {
			continue
		}
		name, text := record.TraitName(f.ID), strings.TrimSpace(it.Row.Get(f.column))
		switch f.Kind {
		case flexibleasset.Upload, flexibleasset.Password: // both are kept elsewhere in the export
		case flexibleasset.Tag:
			if text != "" {
				it.late = append(it.late, late{kind: it.Kind, field: name, cell: text, tag: f.TagType, org: it.Org, file: it.File, line: it.Line})
			}
		default:
			it.Values[name] = cellValue(f.Kind, text)
		}
		if f.Title && text != "" || it.Shown == "" {
			it.Shown = text
		}
	}
	return nil
}

// cellValue reads what a cell says, in the spellings of cells.
func cellValue(kind, text string) any {
	switch kind {
	case flexibleasset.Date:
		if day, err := table.ParseDate(text); err == nil {
			return day
		}
	case flexibleasset.Checkbox:
		if on, err := table.ParseBool(text); err == nil {
			return on
		}
	}
	if text == "" {
		return nil
	}
	return text
}

// noteAsset remembers an asset of an organization, for the passwords of its
// fields.
func (r *run) noteAsset(it *item) {
	t := r.assetTable(it.Table)
	if t == nil || it.Org == nil || it.Known == nil {
		return
	}
	it.Known.Org = it.Org.Rec
	if list := t.of[it.Org.Rec]; len(list) < 2 {
		t.of[it.Org.Rec] = append(list, it.Known)
	}
	r.GiveName(flexibleasset.Kind+" "+t.typ.String(), it.Org, it.Shown, it.Known)
}

// assetOwner finds the asset that a password is embedded in, and, for the
// password of a field, the field: those are told by name and organization only.
func (r *run) assetOwner(typ, foreign, name string, org *importer.Known) (*importer.Known, id.ID) {
	cell := strings.EqualFold(typ, "StructuredData::Cell")
	for _, t := range r.assets {
		k := r.Look.Table(t.name)[foreign]
		if k == nil || k.Rec == 0 || k.Org != org.Rec {
			continue
		}
		if !cell {
			return k, 0
		}
		for _, f := range t.fields { // some exports tell the asset, others the cell
			if f.keeps(name) {
				return k, f.ID
			}
		}
	}
	if !cell {
		return nil, 0
	}
	var owner *importer.Known
	var field id.ID
	for _, t := range r.assets {
		for _, f := range t.fields {
			if !f.keeps(name) {
				continue
			}
			for _, k := range t.of[org.Rec] {
				if owner != nil {
					return nil, 0
				}
				owner, field = k, f.ID
			}
		}
	}
	return owner, field
}

// keeps tells whether the field is one for a password of that name.
func (f *assetField) keeps(name string) bool {
	return f.Kind == flexibleasset.Password && (record.Fold(f.Name) == record.Fold(name) || f.Key == flexibleasset.Key(name))
}

// fieldFiles brings in the files of Upload fields.
func (r *run) fieldFiles() error {
	for _, t := range r.assets {
		for _, folder := range sortedKeys(t.folders) {
			at := slices.IndexFunc(t.fields, func(f assetField) bool { return strings.ReplaceAll(f.column, "_", "-") == t.folders[folder] })
			if at < 0 {
				continue
			}
			role := attachment.Attached // of a field that is no longer for files
			if t.fields[at].Kind == flexibleasset.Upload {
				role = attachment.Role(record.TraitName(t.fields[at].ID))
			}
			if err := r.folderFiles(t, folder, role); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) folderFiles(t *assetTable, folder string, role attachment.Role) error {
	var waiting []*attach
	err := r.x.FieldFiles(t.name, folder, func(a itglue.Attachment) error {
		w, err := r.file(a)
		if err != nil || w == nil {
			return err
		}
		w.role = role
		if waiting = append(waiting, w); len(waiting) < fileBatch {
			return nil
		}
		err = r.attachAll(waiting)
		waiting = nil
		return err
	})
	if err != nil {
		return err
	}
	return r.attachAll(waiting)
}
