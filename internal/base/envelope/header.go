package envelope

import (
	"crypto/sha256"
	"encoding/binary"
	"unicode/utf8"

	"strongroom/internal/base/fault"
)

// Suites of content encryption.
const (
	SuiteSingle uint16 = 1 // AES-256-GCM, random nonce, single-use key, padded
	SuiteStream uint16 = 2 // 64 KiB segments, see SealStream
)

// Classes of secrets.
const (
	ClassServer    uint8 = 1 // opened for a caller who may, always recorded
	ClassHostProof uint8 = 2 // opened only in a user's browser or command line
)

// Unpadded is the Bucket of a stream.
const Unpadded uint8 = 0xff

const headerVersion = 1

// Header says what a sealed secret is and where it belongs. All of it is
// authenticated. Commitment and Bucket are filled in by Seal.
type Header struct {
	Suite       uint16   // SuiteSingle or SuiteStream
	Class       uint8    // ClassServer or ClassHostProof
	Tenant      string   // the tenant's permanent name at the key service, 1 to 255 bytes
	Kind        string   // kind of the record, such as "password"; 1 to 255 bytes
	Container   int64    // organization or vault; 0 when there is none
	Object      int64    // id of the record or item
	Field       string   // name of the secret field, such as "password"; up to 255 bytes
	Version     uint32   // of the secret, from 1
	Previous    [32]byte // SHA-256 of the previous version's header; zeros for the first
	AccessEpoch uint64   // of the container's access list, or of the vault key
	Time        int64    // Unix milliseconds
	Author      int64    // user id; 0 for the system
	Commitment  [32]byte // HMAC-SHA-256(data key, "strongroom/commit/1")
	Bucket      uint8    // padded size, see BucketSize
}

// Encode gives the one encoding of h. It refuses what has no encoding:
// unknown suites or classes, texts that are too long, negative numbers.
func (h Header) Encode() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 160+len(h.Tenant)+len(h.Kind)+len(h.Field))
	b = binary.BigEndian.AppendUint16(b, headerVersion)
	b = binary.BigEndian.AppendUint16(b, h.Suite)
	b = append(b, h.Class)
	b = appendText(b, h.Tenant)
	b = appendText(b, h.Kind)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Container))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Object))
	b = appendText(b, h.Field)
	b = binary.BigEndian.AppendUint32(b, h.Version)
	b = append(b, h.Previous[:]...)
	b = binary.BigEndian.AppendUint64(b, h.AccessEpoch)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Time))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Author))
	b = append(b, h.Commitment[:]...)
	return append(b, h.Bucket), nil
}

func (h Header) check() error {
	for _, t := range []struct {
		name, text string
		least      int
	}{{"tenant", h.Tenant, 1}, {"kind", h.Kind, 1}, {"field", h.Field, 0}} {
		if len(t.text) < t.least || len(t.text) > 255 || !utf8.ValidString(t.text) {
			return malformed("The header of a sealed secret has no valid %s.", t.name)
		}
	}
	switch {
	case h.Suite != SuiteSingle && h.Suite != SuiteStream:
		return malformed("This secret is sealed with the unknown suite %d.", h.Suite)
	case h.Class != ClassServer && h.Class != ClassHostProof:
		return malformed("This secret has the unknown class %d.", h.Class)
	case h.Container < 0 || h.Object < 0 || h.Time < 0 || h.Author < 0:
		return malformed("The header of a sealed secret has a negative number.")
	case h.Suite == SuiteStream && h.Bucket != Unpadded, h.Suite == SuiteSingle && int(h.Bucket) >= bucketCount:
		return malformed("The header of a sealed secret has the unknown padding %d.", h.Bucket)
	}
	return nil
}

// ParseHeader reads the encoding of a header and accepts nothing else.
func ParseHeader(b []byte) (Header, error) {
	c := cursor{b: b}
	if v := c.u16(); !c.bad && v != headerVersion {
		return Header{}, malformed("This secret has the unknown format version %d.", v)
	}
	var h Header
	h.Suite, h.Class = c.u16(), c.u8()
	h.Tenant, h.Kind = c.text(), c.text()
	h.Container, h.Object = c.i64(), c.i64()
	h.Field, h.Version = c.text(), c.u32()
	c.into(h.Previous[:])
	h.AccessEpoch, h.Time, h.Author = c.u64(), c.i64(), c.i64()
	c.into(h.Commitment[:])
	h.Bucket = c.u8()
	if !c.done() {
		return Header{}, malformed("The header of a sealed secret is damaged.")
	}
	return h, h.check()
}

// HashHeader gives the SHA-256 of stored header bytes: what the next version
// names as its Previous.
func HashHeader(header []byte) [32]byte { return sha256.Sum256(header) }

// Buckets are 64, 96, 128, 192, 256, 384, ... 1,048,576 bytes; four of them
// hold the length.
const (
	bucketCount = 29
	lengthSize  = 4
	// MaxSecret is the longest plaintext of SuiteSingle, in bytes.
	MaxSecret = 1<<20 - lengthSize
)

// BucketSize gives the padded size in bytes that bucket b stands for; 0 for
// Unpadded and unknown ones.
func BucketSize(b uint8) int {
	if int(b) >= bucketCount {
		return 0
	}
	if b%2 == 1 {
		return 96 << (b / 2)
	}
	return 64 << (b / 2)
}

// pad gives length · plaintext · zeros, as long as the smallest bucket that
// holds it.
func pad(plain []byte) ([]byte, uint8, error) {
	for b := range uint8(bucketCount) {
		if n := BucketSize(b); n >= len(plain)+lengthSize {
			p := make([]byte, n)
			binary.BigEndian.PutUint32(p, uint32(len(plain)))
			copy(p[lengthSize:], plain)
			return p, b, nil
		}
	}
	return nil, 0, fault.New(fault.Invalid, "This secret is too long: at most %d bytes can be sealed.", MaxSecret).
		WithHint("Store it as an attachment instead.")
}

func unpad(p []byte) ([]byte, error) {
	n := int64(binary.BigEndian.Uint32(p))
	rest := p[lengthSize:]
	if n > int64(len(rest)) {
		return nil, malformed("The padding of this secret is damaged.")
	}
	for _, z := range rest[n:] {
		if z != 0 {
			return nil, malformed("The padding of this secret is damaged.")
		}
	}
	return rest[:n:n], nil
}
