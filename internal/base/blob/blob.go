// Package blob keeps files as immutable, encrypted objects.
//
// Always true: an object's content never changes and is complete, since it
// becomes visible in one step when it is committed; each object has a key of its
// own, derived from the tenant's blob root and the object's random id, so that
// nothing can be read without the root and an object put in another's place is
// refused; names, kinds and people of files are known to the database only. What
// can be seen without the root: ids, times of writing and sizes.
package blob

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// RootSize is the length of a blob root in bytes.
const RootSize = 32

// Store is where objects are kept. It is safe for concurrent use.
type Store interface {
	// Create begins an object; it exists once the writer is committed.
	Create(ctx context.Context) (*Writer, error)
	// Open gives the object named id; NotFound when there is none. An altered
	// object fails, here or when the altered part is read: every part is
	// authenticated before it is given out.
	Open(ctx context.Context, id string) (*Object, error)
	// Remove deletes the object named id; it is no failure when there is none.
	Remove(ctx context.Context, id string) error
	// List calls f with every committed object and its size in bytes, in no
	// order, until f fails; it returns f's failure.
	List(ctx context.Context, f func(id string, size int64) error) error
}

// WriteText keeps a short text as an object and gives its id; an empty one is not
// kept and has none.
func WriteText(ctx context.Context, s Store, text string) (id string, err error) {
	if text == "" {
		return "", nil
	}
	w, err := s.Create(ctx)
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if _, err := io.WriteString(w, text); err != nil {
		return "", err
	}
	ref, err := w.Commit()
	return ref.ID, err
}

// ReadText gives the text of an object, 64 KiB of it at most; "" for no id.
func ReadText(ctx context.Context, s Store, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	o, err := s.Open(ctx, id)
	if err != nil {
		return "", err
	}
	defer o.Close()
	b, err := io.ReadAll(io.LimitReader(o, 1<<16))
	return string(b), err
}

// Ref is what the database keeps of an object.
type Ref struct {
	ID     string // 32 hexadecimal digits, random
	Size   int64  // of the content, in bytes
	SHA256 string // 64 hexadecimal digits: HMAC-SHA-256 of the content under a key of the root
}

// Writer takes the content of one object. It is not safe for concurrent use.
// Either Commit or Abort must be called; Abort after Commit does nothing, so
// that it can be deferred.
type Writer struct {
	ctx   context.Context
	id    string
	seal  io.WriteCloser
	sum   hash.Hash
	size  int64
	place place
	ended bool
}

// place is a driver's half-written object.
type place interface {
	io.Writer
	publish() error // durable and visible
	discard()
}

var errEnded = errors.New("blob: the writer has ended")

// Write adds to the content. It fails when the context it was created with has
// ended.
func (w *Writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, errEnded
	}
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.seal.Write(p)
	w.sum.Write(p[:n])
	w.size += int64(n)
	return n, storeError(err)
}

// ID is the name the object will have.
func (w *Writer) ID() string { return w.id }

// Commit makes the object durable and visible. When it fails, nothing stays.
func (w *Writer) Commit() (Ref, error) {
	if w.ended {
		return Ref{}, errEnded
	}
	err := w.ctx.Err()
	if err == nil {
		err = w.seal.Close()
	}
	if err == nil {
		err = w.place.publish()
	}
	if err != nil {
		w.Abort()
		return Ref{}, storeError(err)
	}
	w.ended = true
	return Ref{ID: w.id, Size: w.size, SHA256: hex.EncodeToString(w.sum.Sum(nil))}, nil
}

// Abort drops what was written.
func (w *Writer) Abort() {
	if !w.ended {
		w.ended = true
		w.place.discard()
	}
}

// Object is an opened object: io.ReaderAt and io.ReadSeekCloser. ReadAt is safe
// for concurrent use.
type Object struct {
	content *io.SectionReader
	close   func() error
}

// Size is the length of the content in bytes.
func (o *Object) Size() int64 { return o.content.Size() }

// ReadAt has the meaning of io.ReaderAt.
func (o *Object) ReadAt(p []byte, off int64) (int, error) { return o.content.ReadAt(p, off) }

// Read has the meaning of io.Reader.
func (o *Object) Read(p []byte) (int, error) { return o.content.Read(p) }

// Seek has the meaning of io.Seeker.
func (o *Object) Seek(offset int64, whence int) (int64, error) { return o.content.Seek(offset, whence) }

// Close ends reading.
func (o *Object) Close() error { return o.close() }

// keyring derives the keys of one tenant's objects from its blob root.
type keyring struct{ root []byte }

func newKeyring(root []byte) (keyring, error) {
	if len(root) != RootSize {
		return keyring{}, fault.New(fault.Internal, "A blob root has the wrong length.")
	}
	return keyring{append([]byte(nil), root...)}, nil
}

func (k keyring) derive(info string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.root, nil, info, envelope.KeySize)
}

func bind(id string) []byte { return []byte("strongroom/blob/1/" + id) }

// writer starts sealing an object into p.
func (k keyring) writer(ctx context.Context, id string, p place) (*Writer, error) {
	key, err := k.derive("strongroom/blob/object/1/" + id)
	if err != nil {
		return nil, err
	}
	sumKey, err := k.derive("strongroom/blob/sum/1")
	if err != nil {
		return nil, err
	}
	seal, err := envelope.SealStream(p, key, bind(id))
	clear(key)
	if err != nil {
		return nil, storeError(err)
	}
	return &Writer{ctx: ctx, id: id, seal: seal, sum: hmac.New(sha256.New, sumKey), place: p}, nil
}

// object opens the sealed object of size bytes behind r.
func (k keyring) object(id string, r io.ReaderAt, size int64, close func() error) (*Object, error) {
	key, err := k.derive("strongroom/blob/object/1/" + id)
	if err != nil {
		return nil, err
	}
	s, err := envelope.OpenStream(r, size, key, bind(id))
	clear(key)
	if err != nil {
		return nil, err
	}
	return &Object{content: io.NewSectionReader(s, 0, s.Size()), close: close}, nil
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func validID(id string) bool {
	if len(id) != 32 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func missing() error {
	return fault.New(fault.NotFound, "The file is not there.").
		WithHint("It may have been deleted; reload the page to see which files there are.")
}

// plainSize is the inverse of envelope.StreamOverhead: the content's length
// from the sealed length.
func plainSize(sealed int64) int64 {
	perSegment := envelope.StreamOverhead(envelope.SegmentSize+1) - envelope.StreamOverhead(1)
	body := sealed - (envelope.StreamOverhead(0) - perSegment)
	segment := envelope.SegmentSize + perSegment
	return max(0, body-(body+segment-1)/segment*perSegment)
}
