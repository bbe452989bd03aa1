package pagecrypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Sizes, in bytes.
const (
	KeySize   = 32
	PageSize  = 4096
	Reserved  = 32                  // at the end of every page
	usable    = PageSize - Reserved // what SQLite uses of a page
	idSize    = 16
	tagSize   = 16
	nonceSize = 12
	epoch     = 0 // the only key epoch there is so far
)

// Errors that an operation on a file ends with; they can be found with
// errors.Is in what the driver gives.
var (
	ErrKey     = errors.New("pagecrypt: the file cannot be opened with this key")
	ErrFormat  = errors.New("pagecrypt: this is not a file of encrypted pages")
	ErrDamaged = errors.New("pagecrypt: a page does not verify")
	ErrRefused = errors.New("pagecrypt: only databases in WAL mode are encrypted")
)

const magic = "SRPAGES\x01"

// The kinds of thing that are sealed; part of the associated data.
const (
	kindPage      = 1 // a page of the database; its number counts from 0
	kindWALPage   = 2 // the page in a frame of the log; numbered by the frame, from 0
	kindWALFrame  = 3 // the header of a frame
	kindWALHeader = 4 // the header of the log; its number is 0
)

// fileKeys are the keys of one database file and its log.
type fileKeys struct {
	id    [idSize]byte
	check []byte      // key of the check value in the first block
	pages cipher.AEAD // both choose a random nonce for each sealing and put it in front
	log   cipher.AEAD
	buf   []byte // a page with its nonce in front; a connection does one thing at a time
}

// derive makes the keys of the file with this id (RFC 5869, HKDF-SHA256).
func derive(key []byte, id [idSize]byte) (*fileKeys, error) {
	k := &fileKeys{id: id, buf: make([]byte, nonceSize+usable+tagSize)}
	var err error
	if k.check, err = expand(key, id, "check"); err != nil {
		return nil, err
	}
	if k.pages, err = aead(key, id, "pages"); err != nil {
		return nil, err
	}
	if k.log, err = aead(key, id, "log"); err != nil {
		return nil, err
	}
	return k, nil
}

func expand(key []byte, id [idSize]byte, use string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, id[:], "strongroom sqlite-pages 1 epoch 0 "+use, KeySize)
}

func aead(key []byte, id [idSize]byte, use string) (cipher.AEAD, error) {
	k, err := expand(key, id, use)
	if err != nil {
		return nil, err
	}
	defer clear(k)
	b, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(b) // the one way that FIPS 140 allows without a protocol around it
}

// first gives the file's first block: magic, id, epoch and check value.
func (k *fileKeys) first() []byte {
	b := make([]byte, PageSize)
	copy(b, magic)
	copy(b[8:24], k.id[:])
	binary.BigEndian.PutUint32(b[24:28], epoch)
	copy(b[32:64], k.sum(b[:32]))
	return b
}

func (k *fileKeys) sum(b []byte) []byte {
	m := hmac.New(sha256.New, k.check)
	m.Write(b)
	return m.Sum(nil)
}

// unlock checks a file's first block and gives the keys of the file.
func unlock(key, block []byte) (*fileKeys, error) {
	if len(block) != PageSize || !bytes.HasPrefix(block, []byte(magic)) {
		return nil, ErrFormat
	}
	k, err := derive(key, [idSize]byte(block[8:24]))
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(k.sum(block[:32]), block[32:64]) {
		return nil, ErrKey
	}
	if !bytes.Equal(k.first(), block) { // an epoch of the future, or bytes that should be zero
		return nil, ErrFormat
	}
	return k, nil
}

// associated gives the associated data: id (16), kind (1), number (8), epoch (4).
func (k *fileKeys) associated(kind byte, number int64) []byte {
	a := make([]byte, 0, idSize+13)
	a = append(a, k.id[:]...)
	a = append(a, kind)
	a = binary.BigEndian.AppendUint64(a, uint64(number))
	return binary.BigEndian.AppendUint32(a, epoch)
}

// sealPage writes the sealed form of page to dst; both have PageSize bytes and
// may not overlap. The last Reserved bytes of page are not kept.
//
//	ciphertext (4064) | tag (16) | nonce (12) | epoch (4)
func (k *fileKeys) sealPage(dst, page []byte, kind byte, number int64) {
	a := k.pages
	if kind == kindWALPage {
		a = k.log
	}
	b := a.Seal(k.buf[:0], nil, page[:usable], k.associated(kind, number))
	copy(dst[copy(dst, b[nonceSize:]):], b[:nonceSize])
	binary.BigEndian.PutUint32(dst[PageSize-4:], epoch)
}

// openPage opens a sealed page in place; its reserved bytes become zero.
func (k *fileKeys) openPage(p []byte, kind byte, number int64) error {
	a := k.pages
	if kind == kindWALPage {
		a = k.log
	}
	if binary.BigEndian.Uint32(p[PageSize-4:PageSize]) != epoch {
		return ErrDamaged
	}
	const end = usable + tagSize
	copy(k.buf[copy(k.buf, p[end:end+nonceSize]):], p[:end])
	if _, err := a.Open(p[:0], nil, k.buf, k.associated(kind, number)); err != nil {
		return ErrDamaged
	}
	clear(p[usable:PageSize])
	return nil
}

// overhead is what sealing adds to the headers of the log.
const overhead = tagSize + nonceSize

// sealHeader gives the sealed form of a header of the log:
//
//	ciphertext | tag (16) | nonce (12)
func (k *fileKeys) sealHeader(dst, header []byte, kind byte, number int64) []byte {
	b := k.log.Seal(k.buf[:0], nil, header, k.associated(kind, number))
	return append(append(dst[:0], b[nonceSize:]...), b[:nonceSize]...)
}

// openHeader writes the header to dst, which may be the start of sealed.
func (k *fileKeys) openHeader(dst, sealed []byte, kind byte, number int64) error {
	n := len(sealed) - nonceSize
	b := append(append(k.buf[:0], sealed[n:]...), sealed[:n]...)
	if _, err := k.log.Open(dst[:0], nil, b, k.associated(kind, number)); err != nil {
		return ErrDamaged
	}
	return nil
}

// birth gives page 1 of an empty database in WAL mode, as SQLite itself lays
// it out (https://sqlite.org/fileformat2.html), with the reserved bytes set.
func birth() []byte {
	p := make([]byte, PageSize)
	copy(p, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(p[16:], PageSize)
	p[18], p[19] = 2, 2 // WAL
	p[20] = Reserved
	p[21], p[22], p[23] = 64, 32, 32
	p[31] = 1     // pages in the file
	p[100] = 0x0d // an empty leaf of a table
	binary.BigEndian.PutUint16(p[105:], usable)
	return p
}
