package exporter

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/importer/itglue"
)

// assetSheet is the table of the assets of one type, as IT Glue's layout has it.
type assetSheet struct {
	name    string // of the table, and how the folders of its files begin
	fields  []flexibleasset.Field
	columns []string // of the fields
	ids     []id.ID
	files   map[id.ID][]*attachment.File // of one part
}

// assetTable is the table of all assets in the house's own files.
const assetTable = "flexible_assets"

// assetTables writes a table for each type of assets, for readers of IT Glue's
// layout: all that the tables hold is in the house's own files too.
func (r *run) assetTables() error {
	if r.e.Records.Kinds.Kind(flexibleasset.Kind) == nil {
		return nil
	}
	if err := r.planSheets(); err != nil {
		return err
	}
	for _, s := range r.sheets {
		if err := r.assetSheet(s); err != nil {
			return err
		}
	}
	out := &lines{r: r, name: itglue.SheetsFile}
	for _, s := range r.sheets {
		sheet := itglue.Sheet{Table: s.name}
		for i, f := range s.fields {
			if f.Kind == flexibleasset.Upload {
				sheet.Folders = append(sheet.Folders, s.folder(i))
			}
		}
		if err := out.put(sheet); err != nil {
			return err
		}
	}
	return nil
}

// planSheets finds the types of the assets that are exported.
func (r *run) planSheets() error {
	r.sheetOf = map[id.ID]*assetSheet{}
	byType := map[id.ID]*assetSheet{}
	used := map[string]bool{"organizations": true, "documents": true, "attachments": true, "strongroom": true, "checklists": true, "checklist-templates": true}
	for _, t := range r.tableSpecs() {
		used[strings.ReplaceAll(t.table, "_", "-")] = true
	}
	ids := r.ids[assetTable]
	for len(ids) > 0 {
		part := ids[:min(len(ids), chunk)]
		ids = ids[len(part):]
		err := r.view(func(tx *gate.Tx) error {
			typeOf := map[id.ID]id.ID{}
			marks, args := in(part)
			err := each(tx, func(n []int64) { typeOf[id.ID(n[0])] = id.ID(n[1]) }, 2, `select id, flexible_asset_type_id from k_flexible_asset where id in (`+marks+`)`, args...)
			for _, n := range part {
				typ := typeOf[n]
				s := byType[typ]
				if s == nil && err == nil {
					s, err = r.newSheet(tx, typ, used)
					byType[typ], r.sheets = s, append(r.sheets, s)
				}
				if err != nil {
					return err
				}
				s.ids, r.sheetOf[n] = append(s.ids, n), s
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) newSheet(tx *gate.Tx, typ id.ID, used map[string]bool) (*assetSheet, error) {
	names, err := r.e.Records.Names(tx, typ)
	if err != nil {
		return nil, err
	}
	s := &assetSheet{name: strings.ReplaceAll(flexibleasset.Key(names[typ]), "_", "-")}
	if s.name == "" { // of other letters
		s.name = "assets"
	}
	s.name = free(used, s.name, "-")
	fields, err := flexibleasset.Fields(tx, typ)
	columns := map[string]bool{"id": true, "organization": true, "organization_id": true, "archived": true, "": true}
	for _, f := range fields {
		if f.Kind != flexibleasset.Header {
			name := strings.ReplaceAll(flexibleasset.Key(f.Name), "-", "_")
			if name == "" {
				name = "field"
			}
			s.fields, s.columns = append(s.fields, f), append(s.columns, free(columns, name, "_"))
		}
	}
	return s, err
}

// free gives a name that is not used yet, with a number after it where it is.
func free(used map[string]bool, name, gap string) string {
	out := name
	for n := 2; used[out]; n++ {
		out = name + gap + strconv.Itoa(n)
	}
	used[out] = true
	return out
}

// folder is where the files of a field lie.
func (s *assetSheet) folder(field int) string {
	return s.name + "-" + strings.ReplaceAll(s.columns[field], "_", "-")
}

// fileEntry is where a file of a field of an asset lies; empty for one that only
// hangs on it.
func (s *assetSheet) fileEntry(f *attachment.File, used map[string]bool) string {
	i := slices.IndexFunc(s.fields, func(x flexibleasset.Field) bool {
		return x.Kind == flexibleasset.Upload && record.TraitName(x.ID) == string(f.Role)
	})
	if i < 0 {
		return ""
	}
	prefix := s.folder(i) + "/" + f.Record.String() + "-"
	return prefix + unique(used, prefix, itglue.FileName(f.FileName))
}

// assetSheet writes the table of a type.
func (r *run) assetSheet(s *assetSheet) error {
	w, err := r.add(s.name + ".csv")
	if err != nil {
		return err
	}
	csv, err := table.Create(w, append(append([]string{"id", "organization"}, s.columns...), "archived"))
	if err != nil {
		return err
	}
	err = r.records(flexibleasset.Kind, s.ids, chunk, func(list []*record.Record) error {
		secrets, err := r.assetBesides(s, list)
		if err != nil {
			return err
		}
		used := map[string]bool{}
		for _, rec := range list {
			row := []string{rec.ID.String(), rec.OrgName}
			for i := range s.fields {
				row = append(row, s.cell(rec, i, secrets, used))
			}
			if err := csv.Write(append(row, yes(rec.Archived))...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return csv.Close()
}

// assetBesides gives the names of the passwords embedded in some assets, by asset
// and field, and reads their files.
func (r *run) assetBesides(s *assetSheet, list []*record.Record) (map[id.ID]map[id.ID]string, error) {
	out := map[id.ID]map[id.ID]string{}
	var ids []id.ID
	for _, rec := range list {
		ids = append(ids, rec.ID)
	}
	err := r.view(func(tx *gate.Tx) error {
		embedded, err := flexibleasset.Passwords(tx, ids...)
		if err != nil {
			return err
		}
		var want []id.ID
		for _, of := range embedded {
			for _, p := range of {
				want = append(want, p)
			}
		}
		slices.Sort(want)
		names, err := r.e.Records.Names(tx, want...)
		for asset, of := range embedded {
			out[asset] = map[id.ID]string{}
			for field, p := range of {
				out[asset][field] = names[p]
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.files = map[id.ID][]*attachment.File{}
	files, err := r.filesOf(ids)
	for _, f := range files {
		s.files[f.Record] = append(s.files[f.Record], f)
	}
	return out, err
}

// cell is the value of a field: names of what is tagged, the name of a password,
// the names of files within the field's folder.
func (s *assetSheet) cell(rec *record.Record, field int, secrets map[id.ID]map[id.ID]string, used map[string]bool) string {
	f := &s.fields[field]
	switch f.Kind {
	case flexibleasset.Password:
		return secrets[rec.ID][f.ID]
	case flexibleasset.Upload:
		var names []string
		for _, file := range s.files[rec.ID] {
			if string(file.Role) == record.TraitName(f.ID) {
				names = append(names, strings.TrimPrefix(s.fileEntry(file, used), s.folder(field)+"/"))
			}
		}
		return strings.Join(names, ", ")
	}
	trait := rec.Kind.Field(record.TraitName(f.ID))
	if trait == nil {
		return ""
	}
	if trait.Type == record.Refs {
		var names []string
		for _, n := range rec.Values.IDs(trait.Name) {
			if l, ok := rec.Links[n]; ok {
				names = append(names, l.Name)
			}
		}
		return strings.Join(names, ", ")
	}
	return cell(rec, trait)
}
