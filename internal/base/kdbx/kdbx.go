// Package kdbx reads KeePass databases: KDBX 4 and 3.1 files and the XML that KeePass 2
// exports. It writes KDBX 4.
//
// Always true: nothing of a KDBX 4 file is used before it is authenticated (the hash and
// HMAC of the header, the HMAC of each block); what a header asks for is bounded before it is
// done, so that a file cannot make the reader take all memory or never end; a wrong
// passphrase and a changed file are told apart only where the format can.
//
// Sources: keepass.info/help/kb/kdbx.html (KDBX 4.1), RFC 9106 (Argon2), RFC 8439
// (ChaCha20), and the specification of Salsa20.
package kdbx

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"io"

	"golang.org/x/crypto/chacha20"

	"strongroom/internal/base/fault"
)

// Bounds of what a file may ask for.
const (
	mostMemory = 1 << 30   // bytes of Argon2
	mostPasses = 1000      // of Argon2, and passes times memory are at most mostWork
	mostWork   = 16 << 30  // bytes
	mostRounds = 500 << 20 // of AES-KDF: a minute
	mostPlain  = 512 << 20 // bytes of the content
)

// Key is what opens a database.
type Key struct {
	Passphrase string
	File       []byte // content of the key file; nil for none
}

// IsDatabase tells whether a file begins like a KeePass database of any version.
func IsDatabase(head []byte) bool { return bytes.HasPrefix(head, []byte{0x03, 0xd9, 0xa2, 0x9a}) }

// Open reads a KDBX 4 or 3.1 database. Denied when the key is wrong, Invalid for what is no such
// file, is damaged or uses what is not known.
func Open(b []byte, k Key) (*Database, error) {
	if len(b) >= 12 && IsDatabase(b) && binary.LittleEndian.Uint32(b[4:]) == 0xb54bfb67 && binary.LittleEndian.Uint16(b[10:]) == 3 {
		return openThree(b, k)
	}
	h, rest, err := readHeader(b)
	if err != nil {
		return nil, err
	}
	composite, err := k.composite()
	if err != nil {
		return nil, err
	}
	transformed, err := h.kdf.derive(composite)
	if err != nil {
		return nil, err
	}
	mac := sha512.Sum512(bytes.Join([][]byte{h.seed, transformed, {1}}, nil))
	content, err := h.content(b[:len(b)-len(rest)], rest, mac[:])
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(append(append([]byte{}, h.seed...), transformed...))
	plain, err := h.decrypt(content, key[:])
	if err != nil {
		return nil, err
	}
	return readInner(plain)
}

// broken says that a file is damaged.
func broken(what string) error {
	return fault.New(fault.Invalid, "The KeePass database is damaged: %s.", what).WithHint("Take another copy of the file.")
}

// header is the outer header.
type header struct {
	cipher   string // id in hex
	compress bool
	seed, iv []byte
	kdf      kdf
}

// The ciphers.
const (
	withAES      = "31c1f2e6bf714350be5805216afc5aff"
	withTwofish  = "ad68f29f576f4bb9a36ad47af965346c"
	withChaCha20 = "d6038a2b8b6f4cb5a524339a31dbb59a"
)

func readHeader(b []byte) (*header, []byte, error) {
	if len(b) < 12 || !IsDatabase(b) || binary.LittleEndian.Uint32(b[4:]) != 0xb54bfb67 {
		return nil, nil, fault.New(fault.Invalid, "This is no database of KeePass 2.").WithHint("Choose a file that ends in .kdbx.")
	}
	if major := binary.LittleEndian.Uint16(b[10:]); major != 4 {
		return nil, nil, fault.New(fault.Invalid, "The database is in the format KDBX %d; KDBX 3.1 and 4 can be read.", major).
			WithHint("Open it in KeePass or KeePassXC, choose the format KDBX 4 with Argon2 in the settings of the database, and save it; or export it as XML.")
	}
	h, rest := &header{}, b[12:]
	for {
		if len(rest) < 5 {
			return nil, nil, broken("its header is cut off")
		}
		id, n := rest[0], binary.LittleEndian.Uint32(rest[1:])
		if uint64(n) > uint64(len(rest)-5) {
			return nil, nil, broken("its header is cut off")
		}
		v := rest[5 : 5+n]
		rest = rest[5+n:]
		if id == 0 {
			return h, rest, h.check()
		}
		if err := h.field(id, v); err != nil {
			return nil, nil, err
		}
	}
}

// field takes a field that both versions have.
func (h *header) field(id byte, v []byte) (err error) {
	switch id {
	case 2:
		h.cipher = hex.EncodeToString(v)
	case 3:
		h.compress = len(v) == 4 && v[0] == 1
	case 4:
		h.seed = v
	case 7:
		h.iv = v
	case 11:
		h.kdf, err = readKDF(v)
	}
	return err
}

func (h *header) check() error {
	switch {
	case h.cipher == withTwofish:
		return fault.New(fault.Invalid, "The database is encrypted with Twofish, which is not read.").WithHint("Choose AES or ChaCha20 in the settings of the database, and save it.")
	case h.cipher == withAES && len(h.iv) != aes.BlockSize, h.cipher == withChaCha20 && len(h.iv) != chacha20.NonceSize, len(h.seed) != 32, h.kdf == nil:
		return broken("its header is not whole")
	case h.cipher != withAES && h.cipher != withChaCha20:
		return fault.New(fault.Invalid, "The database is encrypted with a cipher that is not known.").WithHint("Choose AES or ChaCha20 in the settings of the database, and save it.")
	}
	return nil
}

// content checks the header and the blocks, and joins these.
func (h *header) content(head, rest, mac []byte) ([]byte, error) {
	if len(rest) < 64 {
		return nil, broken("it is cut off")
	}
	if sum := sha256.Sum256(head); !hmac.Equal(sum[:], rest[:32]) {
		return nil, broken("its header was changed")
	}
	if !hmac.Equal(macOf(^uint64(0), mac, head), rest[32:64]) {
		return nil, wrongKey()
	}
	rest = rest[64:]
	var out []byte
	for i := uint64(0); ; i++ {
		if len(rest) < 36 {
			return nil, broken("it is cut off")
		}
		sum, size := rest[:32], rest[32:36]
		n := binary.LittleEndian.Uint32(size)
		if uint64(n) > uint64(len(rest)-36) {
			return nil, broken("it is cut off")
		}
		data := rest[36 : 36+n]
		if !hmac.Equal(macOf(i, mac, binary.LittleEndian.AppendUint64(nil, i), size, data), sum) {
			return nil, broken("a block of it was changed")
		}
		if n == 0 {
			return out, nil
		}
		out, rest = append(out, data...), rest[36+n:]
	}
}

// macOf is the HMAC of a block, or with the highest number of the header.
func macOf(i uint64, mac []byte, parts ...[]byte) []byte {
	key := sha512.Sum512(append(binary.LittleEndian.AppendUint64(nil, i), mac...))
	h := hmac.New(sha256.New, key[:])
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// decrypt gives the content without cipher and compression.
func (h *header) decrypt(b, key []byte) ([]byte, error) {
	b, err := h.cleartext(b, key)
	if err != nil || !h.compress {
		return b, err
	}
	return unzip(b)
}

// cleartext takes the cipher off, in place.
func (h *header) cleartext(b, key []byte) ([]byte, error) {
	if h.cipher == withChaCha20 {
		s, err := chacha20.NewUnauthenticatedCipher(key, h.iv)
		if err != nil {
			return nil, err
		}
		s.XORKeyStream(b, b)
		return b, nil
	}
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return nil, broken("its content is cut off")
	}
	cipher.NewCBCDecrypter(c, h.iv).CryptBlocks(b, b) // of KDBX 4 each block was authenticated above
	pad := int(b[len(b)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, broken("its content does not end as it should")
	}
	return b[:len(b)-pad], nil
}

func unzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, broken("its content cannot be unpacked")
	}
	out, err := io.ReadAll(io.LimitReader(z, mostPlain+1))
	if err != nil {
		return nil, broken("its content cannot be unpacked")
	}
	if len(out) > mostPlain {
		return nil, fault.New(fault.Invalid, "The database is larger than 512 MiB.").WithHint("Take large files out of it.")
	}
	return out, nil
}
