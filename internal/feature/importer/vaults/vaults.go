// Package vaults reads what password managers export: Bitwarden, 1Password, LastPass,
// Dashlane and KeePass. doc/formats/passwordmanagers.md says what is known of the formats.
//
// Always true: what a product keeps hidden (hidden fields, secure notes, the numbers of
// cards, keys) is in Hidden or Password and never among what becomes notes; a file that
// is not wholly understood is refused with a sentence that names the entry and the
// field, and what an export holds that cannot come in is in Left; no value of a secret is
// in a sentence.
package vaults

import (
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/table"
	"strongroom/internal/core/id"
)

// The products, as layouts, jobs and commands call them.
const (
	Bitwarden   = "bitwarden"
	OnePassword = "1password"
	LastPass    = "lastpass"
	Dashlane    = "dashlane"
	KeePass     = "keepass"
)

// Product is one password manager.
type Product struct {
	Name  string // of the layout
	Label string // for people
	Files string // what it exports that can be read, for people
}

// Products are all that can be read.
func Products() []Product {
	return []Product{
		{Bitwarden, "Bitwarden", "JSON, CSV, or the zip with attachments; of a vault or of an organization"},
		{OnePassword, "1Password", "1PUX, or CSV"},
		{LastPass, "LastPass", "CSV"},
		{Dashlane, "Dashlane", "the zip of CSV files, or credentials.csv"},
		{KeePass, "KeePass", "the database itself (KDBX 4 or 3.1), XML of KeePass 2, or CSV"},
	}
}

// Label gives the name of a product for people.
func Label(product string) string {
	for _, p := range Products() {
		if p.Name == product {
			return p.Label
		}
	}
	return product
}

// File is an export.
type File struct {
	io.ReaderAt
	Size int64
	Name string
}

// Places say where entries go.
type Places struct {
	Org     id.ID            `json:"org,omitempty"`     // of what nothing else places
	Folders map[string]id.ID `json:"folders,omitempty"` // the organization of an outermost folder; 0 leaves its entries out
	Named   bool             `json:"named,omitempty"`   // an outermost folder is the organization of that name
}

// Entry is one thing that a password manager keeps.
type Entry struct {
	ID     string   // in the product; "" where the export tells none
	File   string   // that it stands in, for sentences
	Line   int      // of the file, or its number among the entries where there are no lines
	Folder []string // the names of what it is filed in, the outermost first

	Title, User, Password, OTP, URL, Notes string

	Hidden   []Hidden // what else is secret
	Past     []Past   // earlier passwords, oldest first
	Files    []Attached
	Archived bool
	Lost     []string // what of it cannot come in: "a passkey"
}

// Hidden is a secret beside the password.
type Hidden struct{ Label, Value string }

// Past is an earlier password.
type Past struct {
	Password string
	Until    string // day, yyyy-mm-dd; "" when it is not known
}

// Attached is a file of an entry.
type Attached struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Left is what an export holds that has no place here.
type Left struct {
	What  string
	Count int64
	Note  string
}

// Warning is what was tolerated in a file, or a row that was left out.
type Warning struct {
	File    string
	Line    int
	Text    string
	Skipped bool
}

// Vault is an export as it was read.
type Vault struct {
	Product  string
	Entries  []*Entry
	Left     []Left
	Warnings []Warning
}

// Tops gives the outermost folders, sorted; "" when there are entries in none.
func (v *Vault) Tops() []string {
	var out []string
	for _, e := range v.Entries {
		top := ""
		if len(e.Folder) > 0 {
			top = e.Folder[0]
		}
		if !slices.Contains(out, top) {
			out = append(out, top)
		}
	}
	slices.Sort(out)
	return out
}

// left counts something that cannot come in.
func (v *Vault) left(what, note string) {
	for i := range v.Left {
		if v.Left[i].What == what {
			v.Left[i].Count++
			return
		}
	}
	v.Left = append(v.Left, Left{what, 1, note})
}

// note adds a line to the notes.
func (e *Entry) note(label, value string) {
	if value = strings.TrimSpace(value); value == "" {
		return
	}
	if label != "" {
		value = label + ": " + value
	}
	if e.Notes != "" {
		e.Notes += "\n"
	}
	e.Notes += value
}

// hide adds a secret beside the password.
func (e *Entry) hide(label, value string) {
	if strings.TrimSpace(value) != "" {
		e.Hidden = append(e.Hidden, Hidden{label, value})
	}
}

// address takes an address: the first is that of the entry, the others are notes.
func (e *Entry) address(label, url string) {
	url = strings.TrimSpace(url)
	switch {
	case url == "" || url == e.URL:
	case e.URL == "":
		e.URL = url
	default:
		if label == "" {
			label = "Address"
		}
		e.note(label, url)
	}
}

// folders cuts a path of folders.
func folders(text, between string) (out []string) {
	for _, s := range strings.Split(text, between) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// most is how much of a file is read into memory at once, and mostZip bounds a zip.
const (
	most    = 256 << 20
	mostZip = 4 << 30
)

// shape is what a file is by its first bytes.
type shape int

const (
	aTable shape = iota
	aZip
	aJSON
	anXML
	aDatabase
)

func shapeOf(f File) (shape, error) {
	head := make([]byte, 64)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	head = bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf"))
	switch text := bytes.TrimSpace(head); {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return aZip, nil
	case bytes.HasPrefix(head, []byte("\x03\xd9\xa2\x9a")):
		return aDatabase, nil
	case bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")):
		return aJSON, nil
	case bytes.HasPrefix(text, []byte("<")):
		return anXML, nil
	}
	return aTable, nil
}

// Recognize tells of which product a file is, by what is in it; "" for one that is of
// none.
func Recognize(f File) (product string, err error) {
	s, err := shapeOf(f)
	if err != nil {
		return "", err
	}
	switch s {
	case aZip:
		z, err := archive.Open(f, f.Size, archive.Options{Limits: archive.Limits{Total: mostZip}})
		if err != nil { // said by who imports it
			return "", nil
		}
		return productOfZip(z), nil
	case aJSON:
		head := make([]byte, min(f.Size, 4096))
		if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if bytes.Contains(head, []byte(`"encrypted"`)) {
			return Bitwarden, nil
		}
	case aDatabase:
		return KeePass, nil
	case anXML:
		head := make([]byte, min(f.Size, 1024))
		if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if bytes.Contains(head, []byte("<KeePassFile")) {
			return KeePass, nil
		}
	case aTable:
		t, err := table.Read(io.NewSectionReader(f, 0, f.Size), f.Name, table.Options{})
		if err != nil { // said by who imports it
			return "", nil
		}
		if k := tableOf(t); k != nil {
			return k.product, nil
		}
	}
	return "", nil
}

func productOfZip(z *archive.Archive) string {
	z.Strip("files", "attachments")
	for name, product := range map[string]string{"export.data": OnePassword, "credentials.csv": Dashlane, "data.json": Bitwarden} {
		if _, ok := z.Stat(name); ok {
			return product
		}
	}
	return ""
}

// Read reads an export of a product. Invalid, with a sentence that says what to do, for
// a file that is none or is damaged.
// lock is what opens it, as Lock.String writes it. Denied when it does not open.
func Read(product string, f File, lock string) (*Vault, error) {
	s, err := shapeOf(f)
	if err != nil {
		return nil, err
	}
	v := &Vault{Product: product}
	switch {
	case s == aZip:
		err = v.zip(f, lock)
	case s == aJSON && product == Bitwarden:
		var b []byte
		if b, err = whole(io.NewSectionReader(f, 0, f.Size), f.Name, f.Size); err == nil {
			b, err = unlocked(b, lock)
			if err == nil {
				err = v.bitwarden(b, f.Name, nil)
			}
		}
	case product == KeePass && (s == aDatabase || s == anXML):
		err = v.keePass(f, s, lock)
	case s == aTable:
		err = v.table(io.NewSectionReader(f, 0, f.Size), f.Name)
	default:
		err = v.strange(f.Name)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// strange refuses a file that is not of the product.
func (v *Vault) strange(name string) error {
	for _, p := range Products() {
		if p.Name == v.Product {
			return fault.New(fault.Invalid, "%s is no export of %s that can be read.", path.Base(name), p.Label).WithHint("These can be: %s.", p.Files)
		}
	}
	return fault.New(fault.Invalid, "There is no password manager %q.", v.Product)
}

// zip reads an export that is a zip.
func (v *Vault) zip(f File, lock string) error {
	z, err := archive.Open(f, f.Size, archive.Options{Password: lockOf(lock).Passphrase, Limits: archive.Limits{Total: mostZip}})
	if err != nil {
		return err
	}
	switch product := productOfZip(z); {
	case product != v.Product:
		return v.strange(f.Name)
	case product == Dashlane:
		return v.dashlane(z)
	case product == Bitwarden:
		b, err := entryOf(z, "data.json")
		if err != nil {
			return err
		}
		return v.bitwarden(b, "data.json", z)
	}
	b, err := entryOf(z, "export.data")
	if err != nil {
		return err
	}
	return v.onePassword(b, z)
}

// entryOf reads an entry of a zip.
func entryOf(z *archive.Archive, name string) ([]byte, error) {
	at, ok := z.Stat(name)
	if !ok {
		return nil, fault.New(fault.Invalid, "The zip holds no %s.", name).WithHint("Export again.")
	}
	in, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return whole(in, name, at.Size)
}

func whole(r io.Reader, name string, size int64) ([]byte, error) {
	if size > most {
		return nil, fault.New(fault.Invalid, "%s is larger than 256 MiB.", name).WithHint("Export in parts, such as one folder or collection after the other.")
	}
	return io.ReadAll(r)
}
