package itglue

import "strings"

// Own is the folder of what Strongroom's own export keeps beside the layout of
// IT Glue, which has no place for it. doc/formats/export.md describes the files;
// all but the first are JSON lines.
const (
	Own           = "strongroom"
	ManifestFile  = Own + "/export.json"
	ListsFile     = Own + "/lists.jsonl"
	FoldersFile   = Own + "/folders.jsonl"
	SectionsFile  = Own + "/sections.jsonl"
	FilesFile     = Own + "/files.jsonl"
	SheetsFile    = Own + "/sheets.jsonl"
	RelationsFile = Own + "/relations.jsonl"
	RefsFile      = Own + "/external.jsonl"
	WithheldFile  = Own + "/withheld.jsonl"
	CommentsFile  = Own + "/comments.jsonl"
)

// RecordsFile is the file of what a table cannot hold of its rows: an Extra for
// some of them, in their order.
func RecordsFile(table string) string { return Own + "/records/" + table + ".jsonl" }

// KindFile is the file of all records of a kind that the layout of IT Glue has no
// place for: an Extra for each, those above before those below.
func KindFile(table string) string { return Own + "/kinds/" + table + ".jsonl" }

// KindTable gives the table of a KindFile.
func KindTable(file string) (table string, ok bool) {
	table, ok = strings.CutPrefix(file, Own+"/kinds/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(table, ".jsonl")
}

// SecretsFile is the file of the versions of the secrets of a table's rows.
func SecretsFile(table string) string { return Own + "/secrets/" + table + ".jsonl" }

// Withheld is a line of WithheldFile: a secret that the export lacks, and why. It is
// for people; an import takes nothing from it.
type Withheld struct {
	Table string `json:"table"`
	ID    string `json:"id"`
	Name  string `json:"name"` // of the record
	Field string `json:"field"`
	Why   string `json:"why"`
}

// Comment is a line of CommentsFile: what somebody said about a record. It is for people;
// an import takes nothing from it.
type Comment struct {
	Of     RowRef `json:"of"`
	Author string `json:"author,omitempty"` // the name, where who exported sees it
	Text   string `json:"text"`             // Markdown
	Made   string `json:"made"`             // RFC 3339
	Edited string `json:"edited,omitempty"`
}

// Held tells whether the layout has a place for records of a kind, as a table, in
// a cell or in a file of its own above.
func Held(kind string) bool {
	switch kind {
	case "organization", "location", "contact", "configuration", "configuration_interface", "document", "document_folder", "document_section", "password", "password_folder":
		return true
	}
	return false
}

// Heading is the name of a field's column in the table of a kind that is declared
// to have one. The cell of a reference holds a name.
func Heading(field string) string { return strings.TrimSuffix(field, "_id") }

// Format is the version of the files.
const Format = 1

// OwnSource is how the sources of Strongroom's own exports begin; the id of the
// tenant follows. The ids in the export are those of that tenant.
const OwnSource = "strongroom-"

// Manifest says that Strongroom made the export, and of what.
type Manifest struct {
	Format       int    `json:"format"`
	Product      string `json:"product"`
	Tenant       string `json:"tenant"`                 // id, 32 hexadecimal digits
	Organization string `json:"organization,omitempty"` // id, of an export of one
	Made         string `json:"made"`                   // RFC 3339
}

// RowRef names a row of a table of the export.
type RowRef struct {
	Table string `json:"table"`
	ID    string `json:"id"`
}

// Extra is what is kept of a record beside its row; of a folder, a section,
// an entry of a list or a record in a KindFile it is everything.
type Extra struct {
	ID     string              `json:"id,omitempty"`
	Kind   string              `json:"kind,omitempty"`
	Values map[string]any      `json:"values,omitempty"`
	Refs   map[string]RowRef   `json:"refs,omitempty"`   // field -> what it refers to
	Names  map[string]string   `json:"names,omitempty"`  // field -> name of an entry of a list
	Lists  map[string][]RowRef `json:"lists,omitempty"`  // field -> all that it refers to
	Images map[string]string   `json:"images,omitempty"` // last part of an image's entry -> its name for people
	Files  []string            `json:"files,omitempty"`  // entries of the images of a gallery
}

// Empty tells whether there is nothing to keep.
func (e *Extra) Empty() bool {
	return len(e.Values)+len(e.Refs)+len(e.Lists)+len(e.Names)+len(e.Images)+len(e.Files) == 0
}

// Version is one version of a secret of a record; the last one of a field is the
// value in the table.
type Version struct {
	ID       string `json:"id"`
	Field    string `json:"field"`
	Value    string `json:"value"`
	Reason   string `json:"reason,omitempty"`
	Restores uint32 `json:"restores,omitempty"`
}

// FileEntry says what the entry of an attached file does not: its name for
// people, and of which field of its record it is.
type FileEntry struct {
	Entry string `json:"entry"`
	Name  string `json:"name"`
	Field string `json:"field,omitempty"`
}

// Sheet names a table at the top of the zip that repeats, for readers of IT Glue's
// layout, what lies in a KindFile, and the folders of the files of its fields.
type Sheet struct {
	Table   string   `json:"table"`
	Folders []string `json:"folders,omitempty"`
}

// Pair is two related records.
type Pair struct {
	From  RowRef `json:"from"`
	To    RowRef `json:"to"`
	Notes string `json:"notes,omitempty"`
	// Depends says that From depends on To, or is used by it.
	Depends string `json:"depends,omitempty"`
}

// Ref says which row of another system a record stands for.
type Ref struct {
	RowRef
	Source  string `json:"source"`
	Type    string `json:"type"`
	Foreign string `json:"foreign"`
}
