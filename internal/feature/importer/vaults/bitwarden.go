package vaults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/bitjson"
	"strongroom/internal/base/fault"
)

// bitwardenFile is the JSON of a vault or of an organization.
type bitwardenFile struct {
	Encrypted   bool
	Folders     []named
	Collections []named
	Items       []json.RawMessage
}

type named struct{ ID, Name string }

// bitwardenItem is one entry.
type bitwardenItem struct {
	ID              string
	FolderID        string
	CollectionIDs   []string
	Type            int
	Name, Notes     string
	Fields          []bitwardenField
	Login           bitwardenLogin
	Card            map[string]any
	Identity        map[string]any
	SSHKey          map[string]any
	PasswordHistory []struct{ LastUsedDate, Password string }
	ArchivedDate    string
}

type bitwardenField struct {
	Name, Value string
	Type        int
}

type bitwardenLogin struct {
	URIs                     []struct{ URI string }
	Username, Password, TOTP string
	Fido2Credentials         []json.RawMessage
}

// The types of items and fields.
const (
	bitLogin, bitNote, bitCard, bitIdentity, bitSSHKey = 1, 2, 3, 4, 5
	bitText, bitHidden, bitBoolean, bitLinked          = 0, 1, 2, 3
)

// bitwarden reads the JSON; z holds the attachments, or is nil.
func (v *Vault) bitwarden(b []byte, name string, z *archive.Archive) error {
	var f bitwardenFile
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &f); err != nil {
		return fault.New(fault.Invalid, "%s cannot be read as JSON%s.", name, jsonPlace(b, err)).WithHint("Export again, as .json and not as encrypted .json.")
	}
	if f.Encrypted {
		return fault.New(fault.Invalid, "%s is an encrypted export that only the account it is from can open.", name).WithHint("Export again in Bitwarden with a password for the file, or as .json, which is not encrypted; import that at once and delete it.")
	}
	if f.Items == nil {
		return v.strange(name)
	}
	filed := map[string]string{}
	for _, n := range append(f.Folders, f.Collections...) {
		filed[n.ID] = n.Name
	}
	line, at := 1, 0
	for i, raw := range f.Items {
		if next := bytes.Index(b[at:], raw); next >= 0 {
			line += bytes.Count(b[at:at+next], []byte("\n"))
			at += next
		}
		var it bitwardenItem
		if err := json.Unmarshal(raw, &it); err != nil {
			return fault.New(fault.Invalid, "Entry %d of %s, in line %d, cannot be read%s.", i+1, name, line, jsonField(err)).WithHint("Export again, or take the entry out of the file.")
		}
		e := &Entry{ID: it.ID, File: name, Line: line, Title: it.Name, Notes: it.Notes, Archived: it.ArchivedDate != ""}
		e.Folder = folders(filed[it.FolderID], "/")
		for _, c := range it.CollectionIDs {
			if filed[c] != "" {
				e.Folder = folders(filed[c], "/")
				break
			}
		}
		it.fill(e)
		if z != nil && it.ID != "" {
			e.Files = attachedTo(z, path.Join("attachments", it.ID))
		}
		v.Entries = append(v.Entries, e)
	}
	return nil
}

// unlocked opens an export that has a password of its own; others are as they are.
func unlocked(b []byte, lock string) ([]byte, error) {
	if !bitjson.IsSealed(b) {
		return b, nil
	}
	if lockOf(lock).Passphrase == "" {
		return nil, fault.New(fault.Denied, "This export has a password of its own.").WithHint("Give the password that was chosen for the file.")
	}
	return bitjson.Open(b, lockOf(lock).Passphrase)
}

// fill takes what an item holds.
func (it *bitwardenItem) fill(e *Entry) {
	switch it.Type {
	case bitNote:
		e.Password, e.Notes = it.Notes, ""
	case bitCard:
		card := plainTexts(it.Card)
		e.User, e.Password = card["cardholderName"], card["number"]
		e.note("Brand", card["brand"])
		e.note("Expires", strings.Trim(card["expMonth"]+"/"+card["expYear"], "/"))
		e.hide("Security code", card["code"])
	case bitIdentity:
		it.identity(e)
	case bitSSHKey:
		key := plainTexts(it.SSHKey)
		e.Password = key["privateKey"]
		e.note("Public key", key["publicKey"])
		e.note("Fingerprint", key["keyFingerprint"])
	default:
		l := it.Login
		e.User, e.Password, e.OTP = l.Username, l.Password, l.TOTP
		for _, u := range l.URIs {
			e.address("", u.URI)
		}
		if len(l.Fido2Credentials) > 0 {
			e.Lost = append(e.Lost, "a passkey")
		}
	}
	for _, f := range it.Fields {
		switch f.Type {
		case bitHidden:
			e.hide(or(f.Name, "Hidden field"), f.Value)
		case bitLinked: // says again what another field says
		default:
			e.note(or(f.Name, "Field"), f.Value)
		}
	}
	for _, p := range it.PasswordHistory {
		e.Past = append(e.Past, Past{p.Password, day(p.LastUsedDate)})
	}
	reverseByDay(e.Past)
}

func (it *bitwardenItem) identity(e *Entry) {
	id := plainTexts(it.Identity)
	e.User = id["username"]
	for _, f := range []struct{ key, label string }{{"title", "Title"}, {"firstName", "First name"}, {"middleName", "Middle name"}, {"lastName", "Last name"}, {"company", "Company"}, {"email", "E-mail"}, {"phone", "Telephone"},
		{"address1", "Address"}, {"address2", "Address, second line"}, {"address3", "Address, third line"}, {"postalCode", "Postal code"}, {"city", "City"}, {"state", "State"}, {"country", "Country"}} {
		e.note(f.label, id[f.key])
	}
	e.hide("Social security number", id["ssn"])
	e.hide("Passport number", id["passportNumber"])
	e.hide("License number", id["licenseNumber"])
}

// plainTexts gives the values of an object that are texts or numbers.
func plainTexts(m map[string]any) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		switch v := v.(type) {
		case string:
			out[k] = v
		case float64:
			out[k] = fmt.Sprint(v)
		}
	}
	return out
}

// attachedTo gives the files in a folder of a zip.
func attachedTo(z *archive.Archive, folder string) (out []Attached) {
	for _, f := range z.Under(folder) {
		out = append(out, Attached{path.Base(f.Name), func() (io.ReadCloser, error) { return z.Open(f.Name) }})
	}
	return out
}

func or(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}
