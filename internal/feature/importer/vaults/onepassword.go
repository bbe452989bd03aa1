package vaults

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/fault"
)

// pux is export.data of a 1PUX file.
type pux struct {
	Accounts []struct {
		Attrs  struct{ AccountName string }
		Vaults []struct {
			Attrs struct{ UUID, Name string }
			Items []json.RawMessage
		}
	}
}

// puxItem is one entry. Older files wrap it once more.
type puxItem struct {
	Item         *puxItem
	UUID         string
	State        string
	CategoryUUID string
	Trashed      bool
	Details      struct {
		LoginFields []struct {
			Value, Name, FieldType, Designation string
		}
		NotesPlain         string
		Password           string
		Sections           []puxSection
		PasswordHistory    []puxPast
		DocumentAttributes *puxFile
	}
	Overview struct {
		Title, URL string
		URLs       []struct{ Label, URL string }
		Tags       []string
	}
}

type puxPast struct {
	Value string
	Time  int64
}

type puxFile struct{ FileName, DocumentID string }

type puxSection struct {
	Title  string
	Fields []puxField
}

type puxField struct {
	Title, ID string
	Value     map[string]json.RawMessage
}

// puxSecureNote is the category of secure notes.
const puxSecureNote = "003"

// onePassword reads export.data.
func (v *Vault) onePassword(b []byte, z *archive.Archive) error {
	const name = "export.data"
	var f pux
	if err := json.Unmarshal(b, &f); err != nil {
		return fault.New(fault.Invalid, "%s cannot be read as JSON%s.", name, jsonPlace(b, err)).WithHint("Export again as 1PUX.")
	}
	if len(f.Accounts) == 0 {
		return v.strange(name)
	}
	files := map[string]string{}
	for _, at := range z.Under("files") {
		doc, _, _ := strings.Cut(strings.TrimPrefix(at.Name, "files/"), "__")
		files[doc] = at.Name
	}
	open := func(f *puxFile) (Attached, bool) {
		at, ok := files[f.DocumentID]
		return Attached{or(f.FileName, "file"), func() (io.ReadCloser, error) { return z.Open(at) }}, ok
	}
	n := 0
	for _, a := range f.Accounts {
		for _, vault := range a.Vaults {
			for _, raw := range vault.Items {
				n++
				var it puxItem
				if err := json.Unmarshal(raw, &it); err != nil {
					return fault.New(fault.Invalid, "Entry %d of %s, in the vault %q, cannot be read%s.", n, name, vault.Attrs.Name, jsonField(err)).WithHint("Export again as 1PUX.")
				}
				if it.Item != nil {
					it = *it.Item
				}
				if it.Trashed || it.State == "deleted" {
					v.left("deleted entries", "They were deleted in 1Password and are not brought in.")
					continue
				}
				e := &Entry{ID: it.UUID, File: name + ", entries", Line: n, Folder: folders(vault.Attrs.Name, "\x00"), Title: it.Overview.Title, Archived: it.State == "archived"}
				it.fill(e, open)
				v.Entries = append(v.Entries, e)
			}
		}
	}
	return nil
}

// fill takes what an item holds.
func (it *puxItem) fill(e *Entry, open func(*puxFile) (Attached, bool)) {
	d := &it.Details
	e.Password, e.Notes = d.Password, d.NotesPlain
	if it.CategoryUUID == puxSecureNote {
		e.Password, e.Notes = d.NotesPlain, ""
	}
	for _, f := range d.LoginFields {
		switch {
		case f.Designation == "username":
			e.User = f.Value
		case f.Designation == "password":
			e.Password = f.Value
		case f.FieldType == "P":
			e.hide(or(f.Name, "Field"), f.Value)
		case f.FieldType == "T" || f.FieldType == "E" || f.FieldType == "N" || f.FieldType == "U" || f.FieldType == "TEL":
			e.note(or(f.Name, "Field"), f.Value)
		}
	}
	e.address("", it.Overview.URL)
	for _, u := range it.Overview.URLs {
		e.address(u.Label, u.URL)
	}
	for _, s := range d.Sections {
		for _, f := range s.Fields {
			it.field(e, s.Title, f, open)
		}
	}
	if d.DocumentAttributes != nil {
		e.attach(d.DocumentAttributes, open)
	}
	e.note("Tags", strings.Join(it.Overview.Tags, ", "))
	for _, p := range d.PasswordHistory {
		e.Past = append(e.Past, Past{p.Value, unixDay(p.Time)})
	}
	reverseByDay(e.Past)
}

func (e *Entry) attach(f *puxFile, open func(*puxFile) (Attached, bool)) {
	if a, ok := open(f); ok {
		e.Files = append(e.Files, a)
		return
	}
	e.Lost = append(e.Lost, "a file that is not in the export")
}

// field takes a field of a section. What is not known to be harmless is a secret.
func (it *puxItem) field(e *Entry, section string, f puxField, open func(*puxFile) (Attached, bool)) {
	label := or(f.Title, or(section, "Field"))
	for kind, raw := range f.Value {
		text := puxText(kind, raw)
		switch kind {
		case "totp":
			if e.OTP == "" {
				e.OTP = text
				continue
			}
			e.hide(label, text)
		case "concealed", "creditCardNumber":
			if e.Password == "" && it.CategoryUUID != puxSecureNote && len(it.Details.LoginFields) == 0 {
				e.Password = text
				continue
			}
			e.hide(label, text)
		case "sshKey":
			var key struct{ PrivateKey string }
			_ = json.Unmarshal(raw, &key) // what is not of that form has no key
			if e.Password == "" {
				e.Password = key.PrivateKey
				continue
			}
			e.hide(label, key.PrivateKey)
		case "url":
			e.address(label, text)
		case "file":
			var at puxFile
			_ = json.Unmarshal(raw, &at) // said as a file that is not in the export
			e.attach(&at, open)
		case "reference": // to another entry, by an id that says nothing here
		case "string", "email", "phone", "address", "date", "monthYear", "menu", "gender", "creditCardType":
			if e.User == "" && len(it.Details.LoginFields) == 0 && (f.ID == "username" || f.ID == "name" || f.ID == "cardholder") {
				e.User = text
				continue
			}
			e.note(label, text)
		default:
			e.hide(label, text)
		}
	}
}

// puxText gives the value of a field as a text.
func puxText(kind string, raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	switch v := v.(type) {
	case string:
		return v
	case float64:
		n := int64(v)
		switch {
		case kind == "date":
			return unixDay(n)
		case kind == "monthYear" && n > 9999:
			return fmt.Sprintf("%04d-%02d", n/100, n%100)
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case map[string]any:
		texts := plainTexts(v)
		var parts []string
		for _, k := range []string{"email_address", "street", "zip", "city", "state", "country"} {
			if texts[k] != "" {
				parts = append(parts, texts[k])
			}
		}
		return strings.Join(parts, ", ")
	}
	return ""
}

func unixDay(n int64) string {
	if n == 0 {
		return ""
	}
	return time.Unix(n, 0).UTC().Format(time.DateOnly)
}
