package hostproof

import (
	"encoding/binary"
	"unicode/utf8"
)

// reader reads big-endian fields; after the first one that is not there, bad is
// true and every further field is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) number(size int) uint64 {
	var n uint64
	for _, c := range r.take(size) {
		n = n<<8 | uint64(c)
	}
	return n
}

func (r *reader) u8() uint8   { return uint8(r.number(1)) }
func (r *reader) u16() uint16 { return uint16(r.number(2)) }
func (r *reader) u32() uint32 { return uint32(r.number(4)) }
func (r *reader) u64() uint64 { return r.number(8) }

// i64 reads a number that may not be negative.
func (r *reader) i64() int64 {
	n := int64(r.number(8))
	if n < 0 {
		r.bad = true
		return 0
	}
	return n
}

func (r *reader) text() string {
	p := r.take(int(r.u8()))
	if !utf8.Valid(p) {
		r.bad = true
	}
	return string(p)
}

func (r *reader) into(dst []byte) { copy(dst, r.take(len(dst))) }

// framed reads a magic, and as many bytes as the length behind it says.
func (r *reader) framed(magic string) []byte {
	if string(r.take(len(magic))) != magic {
		r.bad = true
	}
	return r.take(int(r.u16()))
}

// done tells whether everything was there and nothing is left.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

// writer appends big-endian fields.
type writer struct{ b []byte }

func (w *writer) u8(n uint8)    { w.b = append(w.b, n) }
func (w *writer) u16(n uint16)  { w.b = binary.BigEndian.AppendUint16(w.b, n) }
func (w *writer) u32(n uint32)  { w.b = binary.BigEndian.AppendUint32(w.b, n) }
func (w *writer) u64(n uint64)  { w.b = binary.BigEndian.AppendUint64(w.b, n) }
func (w *writer) i64(n int64)   { w.u64(uint64(n)) }
func (w *writer) raw(p []byte)  { w.b = append(w.b, p...) }
func (w *writer) text(s string) { w.u8(uint8(len(s))); w.b = append(w.b, s...) }

// framed gives magic, the body's length and the body.
func framed(magic string, body []byte) []byte {
	w := writer{b: []byte(magic)}
	w.u16(uint16(len(body)))
	w.raw(body)
	return w.b
}

// joined puts parts together without ambiguity, each behind its length as u32.
func joined(parts ...[]byte) []byte {
	var w writer
	for _, p := range parts {
		w.u32(uint32(len(p)))
		w.raw(p)
	}
	return w.b
}

func number64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// nameable tells whether s can stand in a header: 1 to 255 bytes of UTF-8.
func nameable(s string) bool { return len(s) > 0 && len(s) <= 255 && utf8.ValidString(s) }
