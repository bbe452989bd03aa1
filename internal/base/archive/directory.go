package archive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"strongroom/internal/base/fault"
)

// Signatures and fixed sizes (APPNOTE 4.3).
const (
	sigLocal       = 0x04034b50
	sigDirectory   = 0x02014b50
	sigEnd         = 0x06054b50
	sigEnd64       = 0x06064b50
	sigLocator64   = 0x07064b50
	sigDescriptor  = 0x08074b50
	sigDirectorySD = 0x05054b50 // digital signature after the directory

	localHeaderSize  = 30
	directorySize    = 46
	endSize          = 22
	end64Size        = 56
	locator64Size    = 20
	maxComment       = 65535
	flagEncrypted    = 1 << 0
	flagDescriptor   = 1 << 3
	flagStrong       = 1 << 6
	flagUTF8         = 1 << 11
	flagMaskedHeader = 1 << 13

	methodStore   = 0
	methodDeflate = 8
	methodAES     = 99

	extraZip64       = 0x0001
	extraTime        = 0x5455
	extraUnicodePath = 0x7075
	extraAES         = 0x9901
)

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// directory says where the central directory lies.
type directory struct {
	r     io.ReaderAt
	start int64 // of its first byte
	size  int64
	base  int64 // bytes before the zip, as in self-extracting files
	count uint64
	wide  bool // ZIP64: count is exact, not modulo 65536
}

// readAt fills b or fails; a short file is broken, another failure passes.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken("The zip file ends too early.")
	}
	return fmt.Errorf("read zip: %w", err)
}

func findDirectory(r io.ReaderAt, size int64) (directory, error) {
	end, at, err := findEnd(r, size)
	if err != nil {
		return directory{}, err
	}
	d := directory{r: r, count: uint64(le16(end[10:])), size: int64(le32(end[12:]))}
	offset := int64(le32(end[16:]))
	disk, dirDisk := uint32(le16(end[4:])), uint32(le16(end[6:]))
	if d.count == 0xffff || d.size == 0xffffffff || offset == 0xffffffff || disk == 0xffff {
		wide, wideAt, err := findEnd64(r, at)
		if err != nil {
			return directory{}, err
		}
		if wide != nil {
			d.wide, at = true, wideAt
			disk, dirDisk = le32(wide[16:]), le32(wide[20:])
			d.count, d.size, offset = le64(wide[32:]), int64(le64(wide[40:])), int64(le64(wide[48:]))
		}
	}
	if disk != 0 || dirDisk != 0 {
		return directory{}, fault.New(fault.Invalid, "The zip is one part of a zip that was split over several files.").
			WithHint("Join the parts into one zip and try again.")
	}
	if d.size < 0 || offset < 0 || d.size > at || offset > at-d.size {
		return directory{}, broken("The directory at the end of the zip points outside the file.")
	}
	d.base = at - d.size - offset
	if d.base > 0 && startsEntry(r, offset) {
		d.base = 0 // the directory is where it says, with other data after it
	}
	d.start = d.base + offset
	return d, nil
}

func startsEntry(r io.ReaderAt, off int64) bool {
	var b [4]byte
	return readAt(r, b[:], off) == nil && le32(b[:]) == sigDirectory
}

// findEnd finds the end record in the last 64 KiB of the file.
func findEnd(r io.ReaderAt, size int64) ([]byte, int64, error) {
	if size < endSize {
		return nil, 0, notZip(r, size)
	}
	tail := make([]byte, min(size, endSize+maxComment))
	from := size - int64(len(tail))
	if err := readAt(r, tail, from); err != nil {
		return nil, 0, err
	}
	sig := []byte("PK\x05\x06")
	for i := bytes.LastIndex(tail, sig); i >= 0; i = bytes.LastIndex(tail[:i], sig) {
		if i+endSize <= len(tail) && i+endSize+int(le16(tail[i+20:])) <= len(tail) {
			return tail[i : i+endSize], from + int64(i), nil
		}
	}
	return nil, 0, notZip(r, size)
}

// notZip says what a file without an end record seems to be.
func notZip(r io.ReaderAt, size int64) error {
	head := make([]byte, min(size, 512))
	if err := readAt(r, head, 0); err != nil {
		return err
	}
	trimmed := bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n")
	switch {
	case size == 0:
		return fault.New(fault.Invalid, "The file is empty.").WithHint("Download the export again.")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return fault.New(fault.Invalid, "The zip file is cut off: its end is missing.").
			WithHint("The download was probably interrupted. Download the file again and compare its size.")
	case bytes.HasPrefix(trimmed, []byte("<")):
		return fault.New(fault.Invalid, "The file is a web page or XML, not a zip.").
			WithHint("The download link had probably expired. Sign in at the source and download the export again.")
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf")), bytes.HasPrefix(head, []byte("Rar!")), bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return fault.New(fault.Invalid, "The file is another kind of archive, not a zip.").WithHint("Pack its files as a zip.")
	}
	return fault.New(fault.Invalid, "The file is not a zip.").WithHint("Choose the .zip file of the export.")
}

// findEnd64 finds the ZIP64 end record by its locator before the end record at
// at; nil when there is none, since old writers may really mean 65535.
func findEnd64(r io.ReaderAt, at int64) ([]byte, int64, error) {
	if at < locator64Size+end64Size {
		return nil, 0, nil
	}
	var loc [locator64Size]byte
	if err := readAt(r, loc[:], at-locator64Size); err != nil {
		return nil, 0, err
	}
	if le32(loc[:]) != sigLocator64 {
		return nil, 0, nil
	}
	rec := make([]byte, end64Size)
	for _, off := range []int64{int64(le64(loc[8:])), at - locator64Size - end64Size} {
		if off < 0 || off > at-locator64Size-end64Size {
			continue
		}
		if err := readAt(r, rec, off); err != nil {
			return nil, 0, err
		}
		if le32(rec) == sigEnd64 {
			return rec, off, nil
		}
	}
	return nil, 0, broken("The zip's large directory is missing.")
}

func (a *Archive) readDirectory(d directory) error {
	in := bufio.NewReaderSize(io.NewSectionReader(d.r, d.start, d.size), 1<<16)
	count := uint64(0)
	for {
		head := make([]byte, directorySize)
		n, err := io.ReadFull(in, head)
		if n == 0 && err == io.EOF || n >= 4 && le32(head) == sigDirectorySD {
			break
		}
		if err != nil || le32(head) != sigDirectory {
			return dirError(err)
		}
		if count++; count > uint64(a.limits.Entries) {
			return tooBig("The zip has more than %d entries.", a.limits.Entries)
		}
		if err := a.readEntry(in, head, d.base); err != nil {
			return err
		}
	}
	if d.wide && count != d.count || !d.wide && uint16(count) != uint16(d.count) {
		return broken("The zip says it has %d entries but lists %d.", d.count, count)
	}
	return nil
}

func dirError(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken("The directory at the end of the zip is damaged.")
	}
	return fmt.Errorf("read zip directory: %w", err)
}

// readEntry reads the variable part behind head and adds the file.
func (a *Archive) readEntry(in io.Reader, head []byte, base int64) error {
	nameLen, extraLen, commentLen := int(le16(head[28:])), int(le16(head[30:])), int(le16(head[32:]))
	rest := make([]byte, nameLen+extraLen+commentLen)
	if _, err := io.ReadFull(in, rest); err != nil {
		return dirError(err)
	}
	host := head[5]
	f := File{
		flags: le16(head[8:]), method: le16(head[10:]), dosTime: le16(head[12:]),
		ModTime: dosTime(le16(head[14:]), le16(head[12:])),
		crc:     le32(head[16:]), packed: int64(le32(head[20:])), Size: int64(le32(head[24:])),
		offset: int64(le32(head[42:])), nameLen: nameLen,
	}
	x := readExtra(&f, rest[nameLen:nameLen+extraLen])
	name, note := decodeName(rest[:nameLen], x.unicodePath, host)
	clean, err := cleanName(name, host)
	if err != nil {
		return err
	}
	f.Name = clean
	if note != "" {
		a.note("%s", note)
	}
	if x.damaged {
		return broken("The directory entry of %s in the zip is damaged.", quote(f.Name))
	}
	if err := checkKind(&f, host, le32(head[38:])); err != nil {
		return err
	}
	f.offset += base
	a.files = append(a.files, f)
	return nil
}

// checkKind refuses links, devices and ways of packing that are not read here.
func checkKind(f *File, host uint8, attributes uint32) error {
	if mode := attributes >> 16 & 0xf000; unixLike(host) && mode != 0 && mode != 0x8000 && mode != 0x4000 {
		return fault.New(fault.Invalid, "The zip entry %s is a link or device, not a file.", quote(f.Name)).
			WithHint("Make the zip again with the file itself.")
	}
	switch {
	case f.flags&(flagStrong|flagMaskedHeader) != 0:
		return fault.New(fault.Invalid, "The zip entry %s is encrypted in a way that is not supported.", quote(f.Name)).
			WithHint("Make the zip again without a password, or with AES-256 or ZipCrypto.")
	case f.flags&flagEncrypted == 0:
		f.cipherKind = cipherNone
	case f.method == methodAES:
		f.cipherKind, f.method = cipherAES, f.aes.method
	default:
		f.cipherKind = cipherZip
	}
	if f.method != methodStore && f.method != methodDeflate {
		return fault.New(fault.Invalid, "The zip entry %s is packed in a way that is not supported (method %d).", quote(f.Name), f.method).
			WithHint("Make the zip again with the method Deflate.")
	}
	if f.method == methodStore && f.cipherKind == cipherNone && f.packed != f.Size {
		return broken("The zip entry %s says two different sizes.", quote(f.Name))
	}
	return nil
}

// extras are the fields of a directory entry's extra data that are not kept.
type extras struct {
	unicodePath []byte
	damaged     bool
}

// readExtra reads the extra fields known here into f and ignores the others.
func readExtra(f *File, b []byte) extras {
	var x extras
	wide := false
	for len(b) >= 4 {
		tag, n := le16(b), int(le16(b[2:]))
		if b = b[4:]; n > len(b) {
			break // padding of some writers
		}
		field := b[:n]
		b = b[n:]
		switch tag {
		case extraZip64:
			wide = true
			x.damaged = !readZip64(f, field)
		case extraTime:
			if n >= 5 && field[0]&1 != 0 {
				f.ModTime = time.Unix(int64(int32(le32(field[1:]))), 0).UTC()
			}
		case extraUnicodePath:
			x.unicodePath = field
		case extraAES:
			f.aes = readAESExtra(field)
		}
	}
	if !wide && (f.packed == 0xffffffff || f.offset == 0xffffffff) {
		x.damaged = true
	}
	return x
}

// readZip64 takes those sizes that did not fit in their 32 bits.
func readZip64(f *File, field []byte) bool {
	for _, p := range []*int64{&f.Size, &f.packed, &f.offset} {
		if *p != 0xffffffff {
			continue
		}
		if len(field) < 8 {
			return false
		}
		if *p = int64(le64(field)); *p < 0 {
			return false
		}
		field = field[8:]
	}
	return true
}

// dosTime decodes the two words of MS-DOS, two seconds exact, taken as UTC.
func dosTime(date, clock uint16) time.Time {
	if date == 0 || date == 1<<5|1 && clock == 0 { // how writers leave it out
		return time.Time{}
	}
	return time.Date(int(date>>9)+1980, time.Month(date>>5&15), int(date&31), int(clock>>11), int(clock>>5&63), int(clock&31)*2, 0, time.UTC)
}
