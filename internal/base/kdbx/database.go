package kdbx

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/salsa20"

	"strongroom/internal/base/fault"
)

// Database is what a file holds.
type Database struct {
	Root *Group // the group that is the database itself
	Bin  string // UUID of the group of deleted entries; "" for none
}

// Group is a folder.
type Group struct {
	UUID, Name string
	Groups     []*Group
	Entries    []*Entry
}

// Entry is one entry.
type Entry struct {
	UUID    string
	Fields  []Field // the standard ones too: Title, UserName, Password, URL, Notes
	Files   []File
	Tags    string
	Changed time.Time // zero when it is not known
	Expires time.Time // zero for never
	Past    []*Entry  // oldest first
}

// Field is one field of an entry.
type Field struct {
	Name, Value string
	Protected   bool // the field is hidden
}

// File is an attached file.
type File struct {
	Name    string
	Content []byte
}

// Get gives the value of a field.
func (e *Entry) Get(name string) string {
	for _, f := range e.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// readInner reads the inner header and the XML behind it.
func readInner(b []byte) (*Database, error) {
	var stream uint32
	var key []byte
	files := map[string][]byte{}
	for {
		if len(b) < 5 {
			return nil, broken("its content is cut off")
		}
		id, n := b[0], binary.LittleEndian.Uint32(b[1:])
		if uint64(n) > uint64(len(b)-5) {
			return nil, broken("its content is cut off")
		}
		v := b[5 : 5+n]
		b = b[5+n:]
		switch {
		case id == 0:
			s, err := streamOf(stream, key)
			if err != nil {
				return nil, err
			}
			return readXML(b, s, files)
		case id == 1 && n == 4:
			stream = binary.LittleEndian.Uint32(v)
		case id == 2:
			key = v
		case id == 3 && n > 0:
			files[strconv.Itoa(len(files))] = v[1:]
		}
	}
}

// The streams that cover protected values.
const (
	withSalsa20Stream  = 2
	withChaCha20Stream = 3
)

func streamOf(kind uint32, key []byte) (cipher.Stream, error) {
	switch kind {
	case withChaCha20Stream:
		sum := sha512.Sum512(key)
		return chacha20.NewUnauthenticatedCipher(sum[:32], sum[32:44])
	case withSalsa20Stream:
		return &salsaStream{key: sha256.Sum256(key)}, nil
	}
	return nil, fault.New(fault.Invalid, "The fields of the database are covered in a way that is not known.").WithHint("Open it in KeePassXC and save it, or export it as XML.")
}

// salsaStream is Salsa20 as a stream, with the nonce that KeePass always uses.
type salsaStream struct {
	key  [32]byte
	made []byte // of the stream, from its beginning
	at   int
}

// XORKeyStream covers or uncovers src.
func (s *salsaStream) XORKeyStream(dst, src []byte) {
	if need := s.at + len(src); need > len(s.made) {
		s.made = make([]byte, 2*need)
		salsa20.XORKeyStream(s.made, s.made, []byte{0xe8, 0x30, 0x09, 0x4b, 0x97, 0x20, 0x5d, 0x2a}, &s.key)
	}
	for i, c := range src {
		dst[i] = c ^ s.made[s.at+i]
	}
	s.at += len(src)
}

// ReadXML reads what KeePass 2 exports as XML, which is not encrypted.
func ReadXML(b []byte) (*Database, error) { return readXML(b, nil, map[string][]byte{}) }

// The XML of a database.
type (
	xmlFile struct {
		XMLName xml.Name `xml:"KeePassFile"`
		Meta    struct {
			RecycleBinEnabled string
			RecycleBinUUID    string
			Binaries          struct{ Binary []xmlBinary }
		}
		Root struct{ Group *xmlGroup }
	}
	xmlBinary struct {
		ID         string `xml:",attr"`
		Compressed string `xml:",attr"`
		Text       string `xml:",chardata"`
	}
	xmlGroup struct {
		UUID, Name string
		Entry      []*xmlEntry
		Group      []*xmlGroup
	}
	xmlEntry struct {
		UUID, Tags string
		Times      struct{ LastModificationTime, ExpiryTime, Expires string }
		String     []struct {
			Key   string
			Value xmlValue
		}
		Binary []struct {
			Key   string
			Value struct {
				Ref  string `xml:",attr"`
				Text string `xml:",chardata"`
			}
		}
		History struct{ Entry []*xmlEntry }
	}
	xmlValue struct {
		Protected       string `xml:",attr"`
		ProtectInMemory string `xml:",attr"`
		Text            string `xml:",chardata"`
	}
)

func readXML(b []byte, s cipher.Stream, files map[string][]byte) (*Database, error) {
	if s != nil {
		var err error
		if b, err = uncover(b, s); err != nil {
			return nil, err
		}
	}
	var f xmlFile
	if err := xml.Unmarshal(b, &f); err != nil {
		return nil, fault.New(fault.Invalid, "The XML of the database cannot be read%s.", xmlPlace(err)).WithHint("Export it again as KeePass XML (2.x).")
	}
	if f.Root.Group == nil {
		return nil, fault.New(fault.Invalid, "The XML of the database has no group.").WithHint("Export it again as KeePass XML (2.x).")
	}
	for _, x := range f.Meta.Binaries.Binary {
		content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(x.Text))
		if err == nil && strings.EqualFold(x.Compressed, "true") {
			content, err = unzip(content)
		}
		if err != nil {
			return nil, broken("the attached file " + strconv.Quote(x.ID) + " cannot be read")
		}
		files[x.ID] = content
	}
	d := &Database{Root: f.Root.Group.group(files, s != nil)}
	if strings.EqualFold(f.Meta.RecycleBinEnabled, "true") && strings.Trim(f.Meta.RecycleBinUUID, "A=") != "" {
		d.Bin = f.Meta.RecycleBinUUID
	}
	return d, nil
}

func xmlPlace(err error) string {
	if bad, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return ": it is broken in line " + strconv.Itoa(bad.Line)
	}
	return ""
}

// uncover takes the cover off all protected values, in the order in which they stand, and
// leaves each as base64.
func uncover(b []byte, s cipher.Stream) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	var out bytes.Buffer
	e := xml.NewEncoder(&out)
	covered := false
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, broken("its XML cannot be read" + xmlPlace(err))
		}
		switch x := t.(type) {
		case xml.StartElement:
			covered = false
			for _, a := range x.Attr {
				covered = covered || a.Name.Local == "Protected" && strings.EqualFold(a.Value, "true")
			}
		case xml.EndElement:
			covered = false
		case xml.CharData:
			if covered {
				text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(x)))
				if err != nil {
					return nil, broken("a protected field cannot be read")
				}
				s.XORKeyStream(text, text)
				t = xml.CharData(base64.StdEncoding.EncodeToString(text))
			}
		case xml.ProcInst, xml.Comment, xml.Directive:
			continue
		}
		if err := e.EncodeToken(t); err != nil {
			return nil, broken("its XML cannot be read")
		}
	}
	if err := e.Close(); err != nil {
		return nil, broken("its XML cannot be read")
	}
	return out.Bytes(), nil
}

func (g *xmlGroup) group(files map[string][]byte, covered bool) *Group {
	out := &Group{UUID: g.UUID, Name: g.Name}
	for _, e := range g.Entry {
		out.Entries = append(out.Entries, e.entry(files, covered))
	}
	for _, below := range g.Group {
		out.Groups = append(out.Groups, below.group(files, covered))
	}
	return out
}

func (e *xmlEntry) entry(files map[string][]byte, covered bool) *Entry {
	out := &Entry{UUID: e.UUID, Tags: e.Tags, Changed: moment(e.Times.LastModificationTime)}
	if strings.EqualFold(e.Times.Expires, "true") {
		out.Expires = moment(e.Times.ExpiryTime)
	}
	for _, f := range e.String {
		hidden := strings.EqualFold(f.Value.Protected, "true")
		field := Field{f.Key, f.Value.Text, hidden || strings.EqualFold(f.Value.ProtectInMemory, "true")}
		if hidden && covered {
			text, _ := base64.StdEncoding.DecodeString(f.Value.Text) // uncover wrote it
			field.Value = string(text)
		}
		out.Fields = append(out.Fields, field)
	}
	for _, b := range e.Binary {
		content, ok := files[b.Value.Ref]
		if b.Value.Ref == "" {
			var err error
			content, err = base64.StdEncoding.DecodeString(strings.TrimSpace(b.Value.Text))
			ok = err == nil
		}
		if ok {
			out.Files = append(out.Files, File{b.Key, content})
		}
	}
	for _, p := range e.History.Entry {
		out.Past = append(out.Past, p.entry(files, covered))
	}
	return out
}

// moment reads a time: ISO 8601, or base64 of the seconds since the year 1.
func moment(s string) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 8 {
		return time.Time{}
	}
	n := binary.LittleEndian.Uint64(b)
	if n > 400_000_000_000 { // beyond the year 9999
		return time.Time{}
	}
	return time.Unix(int64(n)+time.Time{}.Unix(), 0).UTC() // #nosec G115 -- bounded above
}
