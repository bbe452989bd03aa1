package archive

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
	"path"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// Writer makes a zip as a stream: nothing is sought and only the directory is
// kept in memory. Without a password the same entries give the same bytes.
// With one, every entry is AES-256 (AE-2); names, sizes and times stay readable,
// as in every encrypted zip.
type Writer struct {
	Rand io.Reader // of salts; nil means crypto/rand

	out      counter
	password string
	dir      []record
	names    map[string]bool
	pack     *flate.Writer
	open     *sink
	closed   bool
	err      error
}

// record is what the directory says of one entry.
type record struct {
	name         string
	mod          time.Time
	method       uint16
	crc          uint32
	size, packed uint64
	offset       uint64
}

// counter counts what went out.
type counter struct {
	w io.Writer
	n uint64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += uint64(n)
	return n, err
}

// Create starts a zip on w; a password that is not empty encrypts every entry.
func Create(w io.Writer, password string) *Writer {
	return &Writer{out: counter{w: w}, password: password, names: map[string]bool{}}
}

// packedAlready are endings of formats that do not get smaller.
const packedAlready = " .7z .avif .docx .gif .gz .heic .jpeg .jpg .mov .mp3 .mp4 .odt .png .pptx .rar .webp .xlsx .zip "

// Add begins an entry and ends the one before; its content is what is written
// until the next Add or Close. The name follows the rules of the reader and is
// used once. A zero modtime leaves the time out.
func (w *Writer) Add(name string, modtime time.Time) (io.Writer, error) {
	if err := w.endEntry(); err != nil {
		return nil, err
	}
	clean, err := cleanName(name, 3)
	if err != nil {
		return nil, err
	}
	if clean != name || strings.HasSuffix(name, "/") || strings.ToValidUTF8(name, "") != name {
		return nil, badName(name, "has a name that is not in its plain form")
	}
	if w.names[name] {
		return nil, fault.New(fault.Invalid, "The zip would hold the entry %s twice.", quote(name)).WithHint("Give one of them another name.")
	}
	w.names[name] = true
	r := record{name: name, mod: modtime.UTC(), method: methodDeflate, offset: w.out.n}
	if ext := strings.ToLower(path.Ext(name)); ext != "" && strings.Contains(packedAlready, " "+ext+" ") {
		r.method = methodStore
	}
	if w.err = w.writeLocal(r); w.err != nil {
		return nil, w.err
	}
	if w.open, w.err = w.newSink(r); w.err != nil {
		return nil, w.err
	}
	return w.open, nil
}

// sink packs and encrypts one entry.
type sink struct {
	w     *Writer
	r     record
	sum   hash.Hash32
	start uint64
	to    io.Writer // of packed bytes
	pack  *flate.Writer
	keys  aesKeys
	done  bool
}

func (w *Writer) newSink(r record) (*sink, error) {
	s := &sink{w: w, r: r, sum: crc32.NewIEEE(), start: w.out.n, to: &w.out}
	if w.password != "" {
		if err := s.encrypt(w.password); err != nil {
			return nil, err
		}
		s.to = &aesWriter{w: &w.out, keys: s.keys}
	}
	if r.method == methodStore {
		return s, nil
	}
	if w.pack == nil {
		var err error
		if w.pack, err = flate.NewWriter(s.to, flate.DefaultCompression); err != nil {
			return nil, err
		}
	}
	w.pack.Reset(s.to)
	s.pack = w.pack
	return s, nil
}

var written = aesExtra{version: 2, strength: 3}

// encrypt draws a salt and writes it with the verifier.
func (s *sink) encrypt(password string) error {
	source := s.w.Rand
	if source == nil {
		source = rand.Reader
	}
	salt := make([]byte, written.saltLen())
	if _, err := io.ReadFull(source, salt); err != nil {
		return err
	}
	var err error
	if s.keys, err = written.derive(password, salt); err != nil {
		return err
	}
	_, err = s.w.out.Write(append(salt, s.keys.verifier...))
	return err
}

// aesWriter encrypts and authenticates what passes.
type aesWriter struct {
	w    io.Writer
	keys aesKeys
	buf  []byte
}

func (a *aesWriter) Write(p []byte) (int, error) {
	a.buf = append(a.buf[:0], p...)
	a.keys.stream.XORKeyStream(a.buf, a.buf)
	a.keys.mac.Write(a.buf)
	return a.w.Write(a.buf)
}

func (s *sink) Write(p []byte) (int, error) {
	if s.done {
		return 0, fault.New(fault.Internal, "Written to a zip entry that has ended.")
	}
	s.sum.Write(p)
	s.r.size += uint64(len(p))
	var n int
	if s.pack != nil {
		n, s.w.err = s.pack.Write(p)
	} else {
		n, s.w.err = s.to.Write(p)
	}
	return n, s.w.err
}

// endEntry finishes the open entry, if any, and remembers it.
func (w *Writer) endEntry() error {
	if w.err != nil || w.open == nil {
		return w.err
	}
	s := w.open
	w.open, s.done = nil, true
	if s.pack != nil {
		if w.err = s.pack.Close(); w.err != nil {
			return w.err
		}
	}
	if w.password == "" {
		s.r.crc = s.sum.Sum32() // AE-2 leaves it out: it would tell short contents
	} else if _, w.err = w.out.Write(s.keys.mac.Sum(nil)[:aesMAC]); w.err != nil {
		return w.err
	}
	s.r.packed = w.out.n - s.start
	w.dir = append(w.dir, s.r)
	w.err = w.writeDescriptor(s.r)
	return w.err
}

// Close ends the last entry and writes the directory; it does not close the
// writer below.
func (w *Writer) Close() error {
	if w.closed {
		return w.err
	}
	w.closed = true
	if err := w.endEntry(); err != nil {
		return err
	}
	w.err = w.writeDirectory()
	return w.err
}

// fields builds little-endian records.
type fields struct{ bytes.Buffer }

func (f *fields) put(values ...any) {
	for _, v := range values {
		switch v := v.(type) {
		case uint16:
			f.Write(binary.LittleEndian.AppendUint16(nil, v))
		case uint32:
			f.Write(binary.LittleEndian.AppendUint32(nil, v))
		case uint64:
			f.Write(binary.LittleEndian.AppendUint64(nil, v))
		case string:
			f.WriteString(v)
		}
	}
}

const max32 = 1<<32 - 1

func clip32(n uint64) uint32 { return uint32(min(n, max32)) }

// common writes the fields that local header and directory share, from the
// version needed to the modification date.
func (w *Writer) common(f *fields, r record, wide bool) {
	version, flags, method := uint16(20), uint16(flagDescriptor|flagUTF8), r.method
	if wide {
		version = 45
	}
	if w.password != "" {
		version, flags, method = 51, flags|flagEncrypted, methodAES
	}
	date, clock := toDOS(r.mod)
	f.put(version, flags, method, clock, date)
}

// extra gives the extra fields of r that do not depend on its sizes.
func (w *Writer) extra(r record) string {
	var f fields
	if n := r.mod.Unix(); !r.mod.IsZero() && n == int64(int32(n)) {
		f.put(uint16(extraTime), uint16(5), "\x01", uint32(n))
	}
	if w.password != "" {
		f.put(uint16(extraAES), uint16(7), written.version, "AE"+string(rune(written.strength)), r.method)
	}
	return f.String()
}

func (w *Writer) writeLocal(r record) error {
	var f fields
	x := w.extra(r)
	f.put(uint32(sigLocal))
	w.common(&f, r, false)
	f.put(uint32(0), uint32(0), uint32(0), uint16(len(r.name)), uint16(len(x)), r.name, x)
	_, err := w.out.Write(f.Bytes())
	return err
}

func (w *Writer) writeDescriptor(r record) error {
	var f fields
	f.put(uint32(sigDescriptor), r.crc)
	if r.size >= max32 || r.packed >= max32 {
		f.put(r.packed, r.size)
	} else {
		f.put(uint32(r.packed), uint32(r.size))
	}
	_, err := w.out.Write(f.Bytes())
	return err
}

func (w *Writer) writeDirectory() error {
	start := w.out.n
	for _, r := range w.dir {
		if err := w.writeRecord(r); err != nil {
			return err
		}
	}
	var f fields
	size, count, end := w.out.n-start, uint64(len(w.dir)), w.out.n
	if count >= 0xffff || start >= max32 || size >= max32 {
		f.put(uint32(sigEnd64), uint64(end64Size-12), uint16(3<<8|45), uint16(45), uint32(0), uint32(0), count, count, size, start)
		f.put(uint32(sigLocator64), uint32(0), end, uint32(1))
	}
	short := uint16(min(count, 0xffff))
	f.put(uint32(sigEnd), uint16(0), uint16(0), short, short, clip32(size), clip32(start), uint16(0))
	_, err := w.out.Write(f.Bytes())
	return err
}

func (w *Writer) writeRecord(r record) error {
	var f fields
	x := w.extra(r)
	wide := r.size >= max32 || r.packed >= max32 || r.offset >= max32
	size, packed, offset := clip32(r.size), clip32(r.packed), clip32(r.offset)
	if wide {
		var z fields
		z.put(uint16(extraZip64), uint16(24), r.size, r.packed, r.offset)
		x = z.String() + x
		size, packed, offset = max32, max32, max32
	}
	f.put(uint32(sigDirectory), uint16(3<<8|51))
	w.common(&f, r, wide)
	f.put(r.crc, packed, size, uint16(len(r.name)), uint16(len(x)), uint16(0), uint16(0), uint16(0), uint32(0o100644<<16), offset, r.name, x)
	_, err := w.out.Write(f.Bytes())
	return err
}

// toDOS encodes a time in MS-DOS's two words; what it cannot hold is 1980.
func toDOS(t time.Time) (date, clock uint16) {
	if t.Year() < 1980 || t.Year() > 2107 {
		return 1<<5 | 1, 0
	}
	return uint16(t.Year()-1980)<<9 | uint16(t.Month())<<5 | uint16(t.Day()), uint16(t.Hour())<<11 | uint16(t.Minute())<<5 | uint16(t.Second()/2)
}
