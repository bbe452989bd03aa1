// Package archive reads and writes zip files that strangers made or will open.
//
// Always true: nothing is read as a stream and nothing is unpacked to a disk;
// an entry is found by random access and read through guards. Every name is
// relative, slash separated, free of `..` and unique. No entry gives more bytes
// than the directory promised, the promises together stay under the limits, no
// two entries share bytes of the file, and a content whose checksum or
// authentication code is wrong ends in an error instead of io.EOF. What is wrong
// with a file is a fault.Invalid that names the entry; failures of the disk
// below pass through as they are.
//
// Sources: PKWARE APPNOTE.TXT 6.3.10; WinZip "AE-1 and AE-2" specification.
package archive

import (
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// Limits bound what a zip may ask of us; a zero field means its default.
type Limits struct {
	Entries int   // number of entries, folders included; default 1,000,000
	Entry   int64 // bytes of one entry, unpacked; default 64 GiB
	Total   int64 // bytes of all entries, unpacked; default 512 GiB
	Ratio   int64 // unpacked to packed bytes of one entry, looked at above 64 MiB; default 400
}

// ratioFloor is the unpacked size in bytes up to which any ratio is allowed:
// short repetitive lists pack very well and harm nobody.
const ratioFloor = 64 << 20

func (l Limits) withDefaults() Limits {
	if l.Entries == 0 {
		l.Entries = 1_000_000
	}
	if l.Entry == 0 {
		l.Entry = 64 << 30
	}
	if l.Total == 0 {
		l.Total = 512 << 30
	}
	if l.Ratio == 0 {
		l.Ratio = 400
	}
	return l
}

// Options say how to open a zip; the zero value opens an unprotected one.
type Options struct {
	Password string // of an encrypted zip, ZipCrypto or WinZip AES
	Limits   Limits
}

// File is one entry; folders are not listed.
type File struct {
	Name    string    // cleaned, slash separated, relative
	Size    int64     // unpacked bytes; reading gives exactly this many or fails
	ModTime time.Time // UTC; zips without a time zone are taken as UTC

	offset     int64 // of the local header in the reader
	packed     int64
	crc        uint32
	flags      uint16
	method     uint16
	dosTime    uint16
	nameLen    int
	aes        aesExtra
	cipherKind cipherKind
}

// Archive is an opened zip. It is safe for concurrent use after Strip.
type Archive struct {
	r        io.ReaderAt
	limits   Limits
	password string
	files    []File // sorted by name
	byName   map[string]int
	notes    []string
}

// Open reads the directory of the zip of size bytes behind r, checks every
// entry's promises and, if something is encrypted, the password.
func Open(r io.ReaderAt, size int64, o Options) (*Archive, error) {
	a := &Archive{r: r, limits: o.Limits.withDefaults()}
	dir, err := findDirectory(r, size)
	if err != nil {
		return nil, err
	}
	if err := a.readDirectory(dir); err != nil {
		return nil, err
	}
	if err := a.checkSizes(); err != nil {
		return nil, err
	}
	if err := a.checkOverlap(dir.start); err != nil {
		return nil, err
	}
	if err := a.index(); err != nil {
		return nil, err
	}
	if err := a.choosePassword(o.Password); err != nil {
		return nil, err
	}
	return a, nil
}

// checkSizes compares the promised sizes with the limits.
func (a *Archive) checkSizes() error {
	var total int64
	for i := range a.files {
		f := &a.files[i]
		if f.Size > a.limits.Entry {
			return tooBig("The zip entry %s says it is %s unpacked; at most %s are allowed.", quote(f.Name), bytesText(f.Size), bytesText(a.limits.Entry))
		}
		if f.Size > ratioFloor && f.Size/max(f.packed, 1) > a.limits.Ratio {
			return tooBig("The zip entry %s unpacks to more than %d times its packed size, which no ordinary file does.", quote(f.Name), a.limits.Ratio)
		}
		if total += f.Size; total > a.limits.Total {
			return tooBig("The zip unpacks to more than %s in all.", bytesText(a.limits.Total))
		}
	}
	return nil
}

func tooBig(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithHint("If the file comes from a source you trust, split it into smaller zips.")
}

// checkOverlap refuses entries that share bytes with each other or with the
// directory, which is how small zips are made to unpack to enormous ones.
func (a *Archive) checkOverlap(dirStart int64) error {
	byOffset := make([]*File, len(a.files))
	for i := range a.files {
		byOffset[i] = &a.files[i]
	}
	sort.Slice(byOffset, func(i, j int) bool { return byOffset[i].offset < byOffset[j].offset })
	for i, f := range byOffset {
		end := dirStart
		if i+1 < len(byOffset) {
			end = byOffset[i+1].offset
		}
		if f.offset < 0 || f.packed < 0 || f.packed > end || f.offset > end-f.packed-localHeaderSize-int64(f.nameLen) {
			return broken("The zip entry %s lies over other data of the file.", quote(f.Name))
		}
	}
	return nil
}

// index drops folders, sorts by name and refuses duplicates.
func (a *Archive) index() error {
	kept := a.files[:0]
	for _, f := range a.files {
		if !strings.HasSuffix(f.Name, "/") {
			kept = append(kept, f)
		}
	}
	a.files = kept
	sort.Slice(a.files, func(i, j int) bool { return a.files[i].Name < a.files[j].Name })
	a.byName = make(map[string]int, len(a.files))
	for i, f := range a.files {
		if _, twice := a.byName[f.Name]; twice {
			return fault.New(fault.Invalid, "The zip holds the entry %s twice.", quote(f.Name)).
				WithHint("It is unclear which one is meant. Make the zip again from its files.")
		}
		a.byName[f.Name] = i
	}
	return nil
}

// Files lists all entries, sorted by name. The slice belongs to the archive.
func (a *Archive) Files() []File { return a.files }

// Notes are whole sentences about oddities that were tolerated, at most 100.
func (a *Archive) Notes() []string { return a.notes }

func (a *Archive) note(format string, args ...any) {
	if len(a.notes) < 100 {
		a.notes = append(a.notes, fmt.Sprintf(format, args...))
	}
}

// Stat finds an entry by its exact name.
func (a *Archive) Stat(name string) (File, bool) {
	i, ok := a.byName[name]
	if !ok {
		return File{}, false
	}
	return a.files[i], true
}

// Under lists the entries below a folder, given without a slash at its end;
// "" is the root. The slice belongs to the archive.
func (a *Archive) Under(folder string) []File {
	if folder == "" {
		return a.files
	}
	prefix := strings.TrimSuffix(folder, "/") + "/"
	from := sort.Search(len(a.files), func(i int) bool { return a.files[i].Name >= prefix })
	to := from + sort.Search(len(a.files)-from, func(i int) bool { return !strings.HasPrefix(a.files[from+i].Name, prefix) })
	return a.files[from:to]
}

// Glob lists the entries whose whole name matches a pattern of path.Match; a
// star does not match a slash. A malformed pattern matches nothing.
func (a *Archive) Glob(pattern string) []File {
	var out []File
	for _, f := range a.files {
		if ok, err := path.Match(pattern, f.Name); ok && err == nil {
			out = append(out, f)
		}
	}
	return out
}

// Strip removes one folder that wraps everything, as people make it when they
// unpack and pack again, and returns its name, or "" when there is none. A top
// folder named in known is never taken for a wrapping one. Leftovers of macOS
// (`__MACOSX`, `.DS_Store`) are not counted, and those outside the wrapping
// folder are dropped.
func (a *Archive) Strip(known ...string) string {
	wrap := ""
	for _, f := range a.files {
		if leftover(f.Name) {
			continue
		}
		top, _, inFolder := strings.Cut(f.Name, "/")
		if !inFolder || (wrap != "" && top != wrap) {
			return ""
		}
		wrap = top
	}
	for _, k := range known {
		if k == wrap {
			return ""
		}
	}
	if wrap == "" {
		return ""
	}
	a.dropPrefix(wrap + "/")
	a.note("Everything lay in the folder %s, which was left out.", quote(wrap))
	return wrap
}

func (a *Archive) dropPrefix(prefix string) {
	var kept []File
	for _, f := range a.files {
		if rest, ok := strings.CutPrefix(f.Name, prefix); ok {
			f.Name = rest
			kept = append(kept, f)
		}
	}
	a.files = kept // the order by name is that of the names without their common prefix
	clear(a.byName)
	for i, f := range a.files {
		a.byName[f.Name] = i
	}
}

func leftover(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || path.Base(name) == ".DS_Store"
}

// Open gives the content of an entry. Reading it to io.EOF means that length,
// checksum and, where there is one, authentication code were right; what was
// read before another error must not be trusted.
func (a *Archive) Open(name string) (io.ReadCloser, error) {
	i, ok := a.byName[name]
	if !ok {
		return nil, fault.New(fault.Invalid, "The zip has no file %s.", quote(name))
	}
	return a.openFile(&a.files[i])
}

func broken(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).
		WithHint("The file was damaged or not copied completely. Download or make it again.")
}

// quote shows a name in a sentence, shortened when it is very long.
func quote(name string) string {
	if len(name) > 160 {
		name = name[:80] + "..." + name[len(name)-80:]
	}
	return fmt.Sprintf("%q", name)
}

func bytesText(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.size {
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
