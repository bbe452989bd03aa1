// Package itglue reads a whole IT Glue export: one zip of CSV files, documents
// and attachments. It knows the layout and its spellings, and nothing of where
// the rows go.
//
// Always true: nothing is unpacked, and of a CSV file one row is in memory at a
// time; what the zip holds is either given as a table, a document or an
// attachment, or listed by Others; a value that is a secret is in no sentence
// that this package makes.
package itglue

import (
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/importer/problem"
)

// Problem is one thing to know about an export.
type Problem = problem.Problem

// What a problem means.
const (
	Error   = problem.Error
	Warning = problem.Warning
	Info    = problem.Info
)

// Export is an opened export. It is safe for concurrent use.
type Export struct {
	zip    *archive.Archive
	tables map[string]string // name in its plain form -> entry
	docs   []*Document
}

// Open reads the directory of a zip of size bytes. Invalid when the file is no
// zip, is broken or guarded by another password, or is no such export.
func Open(r io.ReaderAt, size int64, password string) (*Export, error) {
	z, err := archive.Open(r, size, archive.Options{Password: password})
	if err != nil {
		return nil, err
	}
	z.Strip("documents", "attachments", Own)
	x := &Export{zip: z, tables: map[string]string{}}
	for _, f := range z.Files() {
		if name, ok := strings.CutSuffix(strings.ToLower(f.Name), ".csv"); ok && !strings.Contains(name, "/") {
			x.tables[plain(name)] = f.Name
		}
	}
	x.docs = documents(z)
	if len(x.tables) == 0 && len(x.docs) == 0 {
		return nil, fault.New(fault.Invalid, "The zip is no IT Glue export: it holds neither CSV files nor documents.").
			WithHint("Choose the zip as IT Glue made it: organizations.csv and the other CSV files lie at its top.")
	}
	return x, nil
}

// plain is the form in which names of tables and folders are compared.
func plain(name string) string {
	return strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(strings.TrimSpace(name)))
}

// Notes are oddities of the zip that were tolerated.
func (x *Export) Notes() []Problem {
	var out []Problem
	for _, n := range x.zip.Notes() {
		out = append(out, Problem{Severity: Info, Text: n})
	}
	return out
}

// File gives the entry of a table by its name without .csv, or "".
func (x *Export) File(table string) string { return x.tables[plain(table)] }

// Open gives the content of an entry and its size in bytes.
func (x *Export) Open(entry string) (io.ReadCloser, int64, error) {
	f, _ := x.zip.Stat(entry)
	r, err := x.zip.Open(entry)
	return r, f.Size, err
}

// Has tells whether the zip holds an entry.
func (x *Export) Has(entry string) bool {
	_, ok := x.zip.Stat(entry)
	return ok
}

// Size gives the size of an entry in bytes; 0 when there is none.
func (x *Export) Size(entry string) int64 {
	f, _ := x.zip.Stat(entry)
	return f.Size
}

// Documents lists the documents, in the order of their paths.
func (x *Export) Documents() []*Document { return x.docs }

// HasFiles tells whether files are attached to a record of a table.
func (x *Export) HasFiles(table, foreign string) bool {
	return len(x.zip.Under("attachments/"+table+"/"+foreign)) > 0
}

// Attachment is a file that belongs to a record.
type Attachment struct {
	Table string // of the record, in its plain form: configurations
	ID    string // of the record
	Name  string
	Entry string
	Size  int64 // bytes
}

// Attachments calls f with every file under attachments/, sorted by path.
func (x *Export) Attachments(f func(Attachment) error) error {
	for _, e := range x.zip.Under("attachments") {
		p := strings.SplitN(e.Name, "/", 4)
		a := Attachment{Entry: e.Name, Size: e.Size, Name: path.Base(e.Name)}
		if len(p) == 4 {
			a.Table, a.ID = plain(p[1]), p[2]
		}
		if err := f(a); err != nil {
			return err
		}
	}
	return nil
}

// FieldFile finds a file in the folder of a field, <id>-<file>; false when there is
// none.
func (x *Export) FieldFile(entry string) (Attachment, bool) {
	_, rest, _ := strings.Cut(entry, "/")
	m := fieldFile.FindStringSubmatch(rest)
	e, ok := x.zip.Stat(entry)
	if m == nil || !ok {
		return Attachment{}, false
	}
	return Attachment{ID: m[1], Name: path.Base(m[2]), Entry: e.Name, Size: e.Size}, true
}

// Other is something that an export holds beside what is asked for.
type Other struct {
	File string // a table, or a folder with a slash at its end
	Rows int64  // rows of a table, files in a folder
}

// Others lists the tables and folders that are not in known, which are names of
// tables without .csv, and not among the folders read. Rows of a table that cannot be read count as far as they
// could be.
func (x *Export) Others(known, read []string) ([]Other, error) {
	var out []Other
	for _, name := range sortedKeys(x.tables) {
		if slices.Contains(known, name) {
			continue
		}
		n, err := x.count(x.tables[name])
		if err != nil {
			return nil, err
		}
		out = append(out, Other{x.tables[name], n})
	}
	folders := map[string]int64{}
	for _, f := range x.zip.Files() {
		top, rest, in := strings.Cut(f.Name, "/")
		switch {
		case !in && strings.EqualFold(path.Ext(f.Name), ".csv"), top == Own, top == "__MACOSX", path.Base(f.Name) == ".DS_Store":
		case !in:
			folders[f.Name]++
		case top == "attachments":
			if kind, _, _ := strings.Cut(rest, "/"); !slices.Contains(known, plain(kind)) {
				folders[top+"/"+kind+"/"]++
			}
		case top == "documents":
			if !docPart.MatchString(f.Name) {
				folders[f.Name]++
			}
		case slices.Contains(read, top):
		default:
			folders[top+"/"]++
		}
	}
	for _, name := range sortedKeys(folders) {
		out = append(out, Other{name, folders[name]})
	}
	return out, nil
}

var docPart = regexp.MustCompile(`(^|/)DOC-\d+-\d+(\s[^/]*)?/`)

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Under lists the entries below a folder, sorted.
func (x *Export) Under(folder string) []string {
	var out []string
	for _, f := range x.zip.Under(folder) {
		out = append(out, f.Name)
	}
	return out
}

// Tables lists the names of all tables, in their plain form.
func (x *Export) Tables() []string { return sortedKeys(x.tables) }

// FieldFolders gives the folders of the files of a table's fields, each with the
// rest of its name, which is that of the field: <table>-<field>, or with other
// separators. Of several tables, the one with the longest name has a folder.
func (x *Export) FieldFolders(name string) map[string]string {
	out := map[string]string{}
	for _, f := range x.zip.Files() {
		top, _, in := strings.Cut(f.Name, "/")
		if !in || top == "documents" || top == "attachments" || top == Own {
			continue
		}
		field, ok := strings.CutPrefix(plain(top), plain(name)+"-")
		if !ok || slices.ContainsFunc(sortedKeys(x.tables), func(t string) bool { return len(t) > len(name) && strings.HasPrefix(plain(top), t+"-") }) {
			continue
		}
		out[top] = field
	}
	return out
}

// FieldFiles calls f with every file in the folder of a field: <id>-<file>, or
// <id>/<file>.
func (x *Export) FieldFiles(name, folder string, f func(Attachment) error) error {
	for _, e := range x.zip.Under(folder) {
		rest := strings.TrimPrefix(e.Name, folder+"/")
		m := fieldFile.FindStringSubmatch(rest)
		if m == nil {
			m = []string{"", "", rest}
		}
		if err := f(Attachment{Table: plain(name), ID: m[1], Name: path.Base(m[2]), Entry: e.Name, Size: e.Size}); err != nil {
			return err
		}
	}
	return nil
}

var fieldFile = regexp.MustCompile(`^(\d+)[-/](.+)$`)
