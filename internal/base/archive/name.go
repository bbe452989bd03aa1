package archive

import (
	"hash/crc32"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"strongroom/internal/base/fault"
)

const (
	maxName  = 4096 // bytes of a whole name
	maxDepth = 100  // folders in a name
)

// Systems that made an entry (high byte of "version made by") and whose tools
// write backslashes between folders and names in the DOS code page.
func dosLike(host uint8) bool { return host == 0 || host == 10 || host == 11 || host == 14 }

func unixLike(host uint8) bool { return host == 3 || host == 19 }

// decodeName turns the stored bytes of a name into text. Order: the Unicode
// path extra field where its checksum fits, UTF-8 where it is valid, else the
// old code page of the system that made the entry; note is then not empty.
func decodeName(raw, unicodePath []byte, host uint8) (name, note string) {
	if len(unicodePath) > 5 && unicodePath[0] == 1 && le32(unicodePath[1:]) == crc32.ChecksumIEEE(raw) && utf8.Valid(unicodePath[5:]) {
		return string(unicodePath[5:]), ""
	}
	if utf8.Valid(raw) {
		return string(raw), ""
	}
	page, label := charmap.ISO8859_1, "Latin-1"
	if dosLike(host) {
		page, label = charmap.CodePage437, "the DOS code page 437"
	}
	text, err := page.NewDecoder().Bytes(raw)
	if err != nil { // a single-byte page decodes every byte
		text = []byte(strings.ToValidUTF8(string(raw), "\ufffd"))
	}
	return string(text), "The name of the zip entry " + quote(string(text)) + " is not UTF-8 and was read as " + label + "."
}

// cleanName checks a name and brings it into its one form: relative, slash
// separated, without empty and `.` parts. A folder keeps its slash at the end.
func cleanName(name string, host uint8) (string, error) {
	if strings.Contains(name, `\`) {
		if !dosLike(host) {
			return "", badName(name, "contains a backslash")
		}
		name = strings.ReplaceAll(name, `\`, "/")
	}
	switch {
	case name == "":
		return "", badName(name, "has no name")
	case len(name) > maxName:
		return "", badName(name, "has a name that is too long")
	case strings.ContainsRune(name, 0):
		return "", badName(name, "has a zero byte in its name")
	case strings.HasPrefix(name, "/"):
		return "", badName(name, "has an absolute path")
	case len(name) >= 2 && name[1] == ':' && isLetter(name[0]):
		return "", badName(name, "names a drive")
	}
	folder := strings.HasSuffix(name, "/")
	parts := make([]string, 0, 8)
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			return "", badName(name, "points outside its folder")
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) > maxDepth {
		return "", badName(name, "lies in too many folders")
	}
	if len(parts) == 0 && !folder {
		return "", badName(name, "has no name")
	}
	clean := strings.Join(parts, "/")
	if folder {
		clean += "/"
	}
	return clean, nil
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func badName(name, what string) error {
	return fault.New(fault.Invalid, "The zip entry %s %s.", quote(name), what).
		WithHint("Such names can be used for attacks, so the file is refused. Make the zip again from its files.")
}
