package envelope

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"strongroom/internal/base/fault"
)

// A stream (suite 2) is
//
//	"SRS1" · 28 random bytes · segments
//
// where every segment is the AES-256-GCM form (nonce, ciphertext, tag) of
// SegmentSize bytes of plaintext, the last one of 1 to SegmentSize bytes (0
// only when the whole stream is empty).  The segments' key is
// HKDF-SHA-256(key, salt = the random bytes, info = "strongroom/stream/1" ·
// SHA-256(bind)); their associated data is SHA-256(bind) · index (8 bytes) ·
// final flag (1 byte).  A stream that is cut, reordered, extended, spliced
// with another or opened under another bind is refused.
const (
	// SegmentSize is the plaintext length of every segment but the last.
	SegmentSize = 64 << 10

	streamMagic  = "SRS1"
	streamPrefix = 32
	sealedSize   = SegmentSize + gcmSpare
)

// StreamOverhead is how many bytes longer the sealed form of size bytes is.
func StreamOverhead(size int64) int64 {
	n := (size + SegmentSize - 1) / SegmentSize
	return streamPrefix + max(n, 1)*gcmSpare
}

// segments seals and opens the segments of one stream.
type segments struct {
	gcm  cipher.AEAD
	bind [sha256.Size]byte
}

func newSegments(key, prefix, bind []byte) (*segments, error) {
	if len(key) != KeySize {
		return nil, fault.New(fault.Internal, "An encryption key has the wrong length.")
	}
	s := &segments{bind: sha256.Sum256(bind)}
	k, err := hkdf.Key(sha256.New, key, prefix[len(streamMagic):], "strongroom/stream/1"+string(s.bind[:]), KeySize)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The key of a stream could not be made.")
	}
	s.gcm, err = aead(k)
	clear(k)
	return s, err
}

func (s *segments) data(index int64, final bool) []byte {
	b := make([]byte, 0, sha256.Size+9)
	b = append(b, s.bind[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(index))
	if final {
		return append(b, 1)
	}
	return append(b, 0)
}

func (s *segments) seal(dst, plain []byte, index int64, final bool) []byte {
	return s.gcm.Seal(dst, nil, plain, s.data(index, final))
}

func (s *segments) open(dst, sealed []byte, index int64, final bool) ([]byte, error) {
	p, err := s.gcm.Open(dst, nil, sealed, s.data(index, final))
	if err != nil {
		return nil, altered(err, "file")
	}
	return p, nil
}

// SealStream starts a sealed stream on dst.  key is 32 bytes and may be used
// for many streams; bind names what the stream is (an envelope's header, a
// blob's name) and must be given again to open it.  Close writes the last
// segment: a stream that was not closed does not open.  Close does not close
// dst.
func SealStream(dst io.Writer, key, bind []byte) (io.WriteCloser, error) {
	prefix := make([]byte, streamPrefix)
	copy(prefix, streamMagic)
	rand.Read(prefix[len(streamMagic):])
	s, err := newSegments(key, prefix, bind)
	if err != nil {
		return nil, err
	}
	if _, err := dst.Write(prefix); err != nil {
		return nil, err
	}
	return &streamWriter{dst: dst, seg: s, plain: make([]byte, 0, SegmentSize)}, nil
}

type streamWriter struct {
	dst    io.Writer
	seg    *segments
	plain  []byte // waiting; a full one waits until it is known not to be the last
	sealed []byte
	index  int64
	err    error
}

var errClosed = errors.New("envelope: write to a closed stream")

func (w *streamWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n := 0
	for len(p) > 0 {
		if len(w.plain) == SegmentSize {
			if err := w.flush(false); err != nil {
				return n, err
			}
		}
		k := min(len(p), SegmentSize-len(w.plain))
		w.plain = append(w.plain, p[:k]...)
		p, n = p[k:], n+k
	}
	return n, nil
}

func (w *streamWriter) flush(final bool) error {
	w.sealed = w.seg.seal(w.sealed[:0], w.plain, w.index, final)
	w.index++
	w.plain = w.plain[:0]
	_, w.err = w.dst.Write(w.sealed)
	return w.err
}

func (w *streamWriter) Close() error {
	if errors.Is(w.err, errClosed) {
		return nil
	}
	if w.err != nil {
		return w.err
	}
	if err := w.flush(true); err != nil {
		return err
	}
	clear(w.plain[:cap(w.plain)])
	w.err = errClosed
	return nil
}

// StreamReader gives random access to an opened stream.  It is safe for
// concurrent use.
type StreamReader struct {
	src   io.ReaderAt
	seg   *segments
	size  int64 // of the plaintext
	count int64 // of segments
	last  int   // sealed length of the last segment

	mu     sync.Mutex
	index  int64 // of the segment in plain; -1 when none
	plain  []byte
	sealed []byte
}

// OpenStream opens a sealed stream of size bytes for random access; it reads
// and checks the last segment, so that a stream that was cut or extended is
// refused here.
func OpenStream(src io.ReaderAt, size int64, key, bind []byte) (*StreamReader, error) {
	prefix := make([]byte, streamPrefix)
	body := size - streamPrefix
	if body < gcmSpare {
		return nil, malformed("This is not a whole sealed file: it is too short.")
	}
	if err := readFull(src, prefix, 0); err != nil {
		return nil, err
	}
	if string(prefix[:len(streamMagic)]) != streamMagic {
		return nil, malformed("This is not a sealed file.")
	}
	s, err := newSegments(key, prefix, bind)
	if err != nil {
		return nil, err
	}
	r := &StreamReader{src: src, seg: s, index: -1, count: (body + sealedSize - 1) / sealedSize}
	r.last = int(body - (r.count-1)*sealedSize)
	if r.last < gcmSpare || r.last == gcmSpare && r.count > 1 {
		return nil, malformed("This is not a whole sealed file: its last part is too short.")
	}
	r.size = body - r.count*gcmSpare
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(r.count - 1); err != nil {
		return nil, err
	}
	return r, nil
}

func readFull(src io.ReaderAt, p []byte, off int64) error {
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return malformed("This is not a whole sealed file: it ends too early.")
	}
	return err
}

// load makes segment i the one in plain; the lock is held.
func (r *StreamReader) load(i int64) error {
	if r.index == i {
		return nil
	}
	n, final := sealedSize, i == r.count-1
	if final {
		n = r.last
	}
	if cap(r.sealed) < n {
		r.sealed = make([]byte, n)
	}
	r.index = -1
	if err := readFull(r.src, r.sealed[:n], streamPrefix+i*sealedSize); err != nil {
		return err
	}
	p, err := r.seg.open(r.plain[:0], r.sealed[:n], i, final)
	if err != nil {
		return err
	}
	r.plain, r.index = p, i
	return nil
}

// Size is the length of the plaintext in bytes.
func (r *StreamReader) Size() int64 { return r.size }

// ReadAt reads plaintext; see io.ReaderAt.  Every segment it touches is
// authenticated before a byte of it is given out.
func (r *StreamReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.New(fault.Internal, "A file was read before its beginning.")
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= r.size {
			return n, io.EOF
		}
		k, err := r.copyFrom(p[n:], at)
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

func (r *StreamReader) copyFrom(p []byte, at int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(at / SegmentSize); err != nil {
		return 0, err
	}
	return copy(p, r.plain[at%SegmentSize:]), nil
}

// ReadStream opens a sealed stream for reading from front to back, for sources
// without random access.  A cut stream is an error at its end, never io.EOF;
// whoever acts on the content must have seen io.EOF first.
func ReadStream(src io.Reader, key, bind []byte) (io.Reader, error) {
	prefix := make([]byte, streamPrefix)
	if _, err := io.ReadFull(src, prefix); err != nil {
		return nil, endsEarly(err)
	}
	if string(prefix[:len(streamMagic)]) != streamMagic {
		return nil, malformed("This is not a sealed file.")
	}
	s, err := newSegments(key, prefix, bind)
	if err != nil {
		return nil, err
	}
	return &streamSource{src: src, seg: s, sealed: make([]byte, 0, sealedSize+1)}, nil
}

func endsEarly(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("This is not a whole sealed file: it ends too early.")
	}
	return err
}

type streamSource struct {
	src    io.Reader
	seg    *segments
	sealed []byte // bytes of the next segment read so far: at most one beyond it
	room   []byte
	plain  []byte // opened and not yet given out
	index  int64
	err    error
}

func (r *streamSource) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.plain) == 0 && r.err == nil {
		r.err = r.next()
	}
	if len(r.plain) == 0 {
		return 0, r.err
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// next opens one segment; it gives io.EOF together with the last one.
func (r *streamSource) next() error {
	have := len(r.sealed)
	n, err := io.ReadFull(r.src, r.sealed[have:cap(r.sealed)])
	got := r.sealed[:have+n]
	final := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !final {
		return err
	}
	seg := got[:min(len(got), sealedSize)]
	if len(seg) < gcmSpare || final && r.index > 0 && len(seg) == gcmSpare {
		return malformed("This is not a whole sealed file: it ends too early.")
	}
	p, err := r.seg.open(r.room[:0], seg, r.index, final)
	if err != nil {
		return err
	}
	r.room, r.plain = p, p
	r.index++
	r.sealed = r.sealed[:copy(r.sealed[:cap(r.sealed)], got[len(seg):])]
	if final {
		return io.EOF
	}
	return nil
}
