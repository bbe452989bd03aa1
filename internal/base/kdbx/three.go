package kdbx

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"strongroom/internal/base/fault"
)

// three is the header of KDBX 3.1, which has no HMAC: a changed file is told from a wrong
// key by the hashes inside only.
type three struct {
	header
	rounds      uint64
	transform   []byte
	cover       []byte // key of the inner stream
	begins      []byte // how the content begins when the key is right
	coverStream uint32
}

func openThree(b []byte, k Key) (*Database, error) {
	h, rest, err := readThree(b)
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
	key := sha256.Sum256(append(append([]byte{}, h.seed...), transformed...))
	plain, err := h.cleartext(bytes.Clone(rest), key[:])
	if err != nil || len(h.begins) != 32 || len(plain) < 32 || !hmac.Equal(plain[:32], h.begins) {
		return nil, wrongKey()
	}
	content, err := hashed(plain[32:])
	if err != nil {
		return nil, err
	}
	if h.compress {
		if content, err = unzip(content); err != nil {
			return nil, err
		}
	}
	var s cipher.Stream
	if s, err = streamOf(h.coverStream, h.cover); err != nil {
		return nil, err
	}
	return readXML(content, s, map[string][]byte{})
}

func readThree(b []byte) (*three, []byte, error) {
	h, rest := &three{}, b[12:]
	for {
		if len(rest) < 3 || int(binary.LittleEndian.Uint16(rest[1:])) > len(rest)-3 {
			return nil, nil, broken("its header is cut off")
		}
		id, n := rest[0], int(binary.LittleEndian.Uint16(rest[1:]))
		v := rest[3 : 3+n]
		rest = rest[3+n:]
		switch {
		case id == 0:
			h.kdf = kdf{"$UUID": kdfID3(), "R": binary.LittleEndian.AppendUint64(nil, h.rounds), "S": h.transform}
			return h, rest, h.check()
		case id == 5:
			h.transform = v
		case id == 6 && n == 8:
			h.rounds = binary.LittleEndian.Uint64(v)
		case id == 8:
			h.cover = v
		case id == 9:
			h.begins = v
		case id == 10 && n == 4:
			h.coverStream = binary.LittleEndian.Uint32(v)
		default:
			if err := h.field(id, v); err != nil {
				return nil, nil, err
			}
		}
	}
}

// hashed joins the blocks of a content, each of which has its hash before it.
func hashed(b []byte) (out []byte, err error) {
	for {
		if len(b) < 40 {
			return nil, broken("it is cut off")
		}
		sum, n := b[4:36], binary.LittleEndian.Uint32(b[36:])
		if n == 0 {
			return out, nil
		}
		if uint64(n) > uint64(len(b)-40) {
			return nil, broken("it is cut off")
		}
		data := b[40 : 40+n]
		if have := sha256.Sum256(data); !hmac.Equal(have[:], sum) {
			return nil, broken("a block of it was changed")
		}
		out, b = append(out, data...), b[40+n:]
	}
}

func wrongKey() error {
	return fault.New(fault.Denied, "The database does not open with this passphrase and key file.").WithHint("Check both. A database that has a key file needs it too.")
}
