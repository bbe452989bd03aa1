package archive

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"hash"
	"io"

	"strongroom/internal/base/fault"
)

// Fixed by the WinZip specification.
const (
	aesRounds   = 1000 // of PBKDF2-HMAC-SHA-1
	aesVerifier = 2    // bytes that tell most wrong passwords
	aesMAC      = 10   // bytes kept of the HMAC-SHA-1 over the ciphertext
)

// aesExtra is the extra field 0x9901.
type aesExtra struct {
	version  uint16 // 1: the checksum is kept too; 2: it is zero
	strength byte   // 1, 2, 3: AES-128, -192, -256
	method   uint16 // of packing, before encryption
}

func readAESExtra(field []byte) aesExtra {
	if len(field) < 7 || string(field[2:4]) != "AE" {
		return aesExtra{}
	}
	return aesExtra{version: le16(field), strength: field[4], method: le16(field[5:])}
}

func (x aesExtra) keyLen() int  { return 8 + 8*int(x.strength) }
func (x aesExtra) saltLen() int { return 4 + 4*int(x.strength) }

// aesKeys are derived from a password and an entry's salt.
type aesKeys struct {
	stream   *aesStream
	mac      hash.Hash
	verifier []byte
}

func (x aesExtra) derive(password string, salt []byte) (aesKeys, error) {
	if fips140.Enforced() {
		return aesKeys{}, fault.New(fault.Invalid, "A password-protected zip needs SHA-1, which this installation's FIPS profile does not allow.").
			WithHint("Use a zip without a password and protect it in another way.")
	}
	n := x.keyLen()
	k, err := pbkdf2.Key(sha1.New, password, salt, aesRounds, 2*n+aesVerifier)
	if err != nil {
		return aesKeys{}, err
	}
	block, err := aes.NewCipher(k[:n])
	if err != nil {
		return aesKeys{}, err
	}
	return aesKeys{stream: &aesStream{block: block}, mac: hmac.New(sha1.New, k[n:2*n]), verifier: k[2*n:]}, nil
}

// aesStream is AES in counter mode with WinZip's little-endian counter from 1,
// which cipher.NewCTR cannot count.
type aesStream struct {
	block   cipher.Block
	counter uint64
	pad     [32 * aes.BlockSize]byte
	used    int // bytes of pad used; all of them at the start of each round
	filled  bool
}

// XORKeyStream has the meaning of cipher.Stream.
func (s *aesStream) XORKeyStream(dst, src []byte) {
	for len(src) > 0 {
		if !s.filled || s.used == len(s.pad) {
			s.refill()
		}
		n := subtle.XORBytes(dst, src, s.pad[s.used:])
		dst, src, s.used = dst[n:], src[n:], s.used+n
	}
}

func (s *aesStream) refill() {
	var in [aes.BlockSize]byte
	for i := 0; i < len(s.pad); i += aes.BlockSize {
		s.counter++
		binary.LittleEndian.PutUint64(in[:], s.counter)
		s.block.Encrypt(s.pad[i:i+aes.BlockSize], in[:])
	}
	s.used, s.filled = 0, true
}

// aesReader decrypts what lies between verifier and authentication code.
type aesReader struct {
	f    *File
	r    io.Reader // ciphertext only
	keys aesKeys
	tail *io.SectionReader // authentication code
}

// openAES derives the keys for f and checks the password's verifier.
func openAES(f *File, packed *io.SectionReader, password string) (*aesReader, error) {
	x := f.aes
	if x.version < 1 || x.version > 2 || x.strength < 1 || x.strength > 3 {
		return nil, broken("The zip entry %s does not say how it is encrypted.", quote(f.Name))
	}
	head := int64(x.saltLen() + aesVerifier)
	content := packed.Size() - head - aesMAC
	if content < 0 {
		return nil, broken("The encrypted zip entry %s is too short.", quote(f.Name))
	}
	start := make([]byte, head)
	if err := readAt(packed, start, 0); err != nil {
		return nil, err
	}
	keys, err := x.derive(password, start[:x.saltLen()])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(keys.verifier, start[x.saltLen():]) != 1 {
		return nil, wrongPassword(f)
	}
	return &aesReader{
		f: f, keys: keys,
		r:    io.NewSectionReader(packed, head, content),
		tail: io.NewSectionReader(packed, head+content, aesMAC),
	}, nil
}

func (a *aesReader) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	a.keys.mac.Write(p[:n])
	a.keys.stream.XORKeyStream(p[:n], p[:n])
	return n, err
}

// authentic compares the code after all ciphertext was read.
func (a *aesReader) authentic() error {
	var want [aesMAC]byte
	if err := readAt(a.tail, want[:], 0); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(a.keys.mac.Sum(nil)[:aesMAC], want[:]) != 1 {
		return broken("The zip entry %s was changed after it was encrypted.", quote(a.f.Name))
	}
	return nil
}
