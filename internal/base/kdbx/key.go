package kdbx

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"strings"

	"strongroom/internal/base/fault"
)

// composite joins what opens a database.
func (k Key) composite() ([]byte, error) {
	var all []byte
	if k.Passphrase != "" || k.File == nil {
		sum := sha256.Sum256([]byte(k.Passphrase))
		all = append(all, sum[:]...)
	}
	if k.File != nil {
		key, err := fileKey(k.File)
		if err != nil {
			return nil, err
		}
		all = append(all, key...)
	}
	sum := sha256.Sum256(all)
	return sum[:], nil
}

// fileKey reads a key file: XML of version 1 or 2, 32 bytes, 64 hexadecimal digits, or
// else the hash of any file.
func fileKey(b []byte) ([]byte, error) {
	var f struct {
		XMLName xml.Name `xml:"KeyFile"`
		Version string   `xml:"Meta>Version"`
		Data    struct {
			Text string `xml:",chardata"`
			Hash string `xml:"Hash,attr"`
		} `xml:"Key>Data"`
	}
	if xml.Unmarshal(b, &f) == nil {
		text := strings.Join(strings.Fields(f.Data.Text), "")
		if !strings.HasPrefix(f.Version, "2") {
			key, err := base64.StdEncoding.DecodeString(text)
			if err != nil || len(key) == 0 {
				return nil, badKeyFile()
			}
			return key, nil
		}
		key, err := hex.DecodeString(text)
		sum := sha256.Sum256(key)
		if err != nil || !strings.EqualFold(hex.EncodeToString(sum[:4]), f.Data.Hash) {
			return nil, badKeyFile()
		}
		return key, nil
	}
	if len(b) == 32 {
		return b, nil
	}
	if len(b) == 64 {
		if key, err := hex.DecodeString(string(b)); err == nil {
			return key, nil
		}
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}

func badKeyFile() error {
	return fault.New(fault.Invalid, "The key file is damaged.").WithHint("Take another copy of it.")
}

// kdf makes the key of a passphrase expensive.
type kdf map[string][]byte

// The key derivation functions.
const (
	aesKDF3     = "c9d9f39a628a4460bf740d08c18a4fea"
	aesKDF4     = "7c02bb8279a74ac0927d114a00648238"
	withArgon2d = "ef636ddf8c29444b91f7a9a403e30a0c"
	withID      = "9e298b1956db4773b23dfc3ec6f0a1e6"
)

// kdfID3 is the id of the only one that KDBX 3.1 has.
func kdfID3() []byte {
	b, err := hex.DecodeString(aesKDF3)
	if err != nil { // it is written above
		panic(err)
	}
	return b
}

// readKDF reads a variant dictionary.
func readKDF(b []byte) (kdf, error) {
	bad := broken("the parameters of its key cannot be read")
	if len(b) < 3 || b[1] != 1 {
		return nil, bad
	}
	out, rest := kdf{}, b[2:]
	for len(rest) > 0 && rest[0] != 0 {
		rest = rest[1:]
		var parts [2][]byte
		for i := range parts {
			if len(rest) < 4 {
				return nil, bad
			}
			n := binary.LittleEndian.Uint32(rest)
			if uint64(n) > uint64(len(rest)-4) {
				return nil, bad
			}
			parts[i], rest = rest[4:4+n], rest[4+n:]
		}
		out[string(parts[0])] = parts[1]
	}
	return out, nil
}

// number gives a parameter; 0 for none.
func (k kdf) number(name string) uint64 {
	v := k[name]
	if len(v) > 8 {
		return 0
	}
	var full [8]byte
	copy(full[:], v)
	return binary.LittleEndian.Uint64(full[:])
}

// derive does the work.
func (k kdf) derive(key []byte) ([]byte, error) {
	tooMuch := fault.New(fault.Invalid, "Opening the database would take more memory or time than is allowed here.").
		WithHint("Choose less in the settings of the database, such as Argon2 with 64 MiB, and save it.")
	switch kind := hex.EncodeToString(k["$UUID"]); kind {
	case aesKDF3, aesKDF4:
		if k.number("R") > mostRounds {
			return nil, tooMuch
		}
		return k.aes(key)
	case withArgon2d, withID:
		a := argon2Of{kind: argon2d, salt: k["S"], secret: k["K"], data: k["A"]}
		if kind == withID {
			a.kind = argon2id
		}
		memory, passes, lanes, version := k.number("M"), k.number("I"), k.number("P"), k.number("V")
		if memory > mostMemory || passes > mostPasses || memory*passes > mostWork {
			return nil, tooMuch
		}
		if lanes == 0 || lanes > 1<<10 || passes == 0 || memory/1024 < 8*lanes || version != 0x10 && version != 0x13 || len(a.salt) < 8 {
			return nil, broken("the parameters of its key cannot be used")
		}
		a.memory, a.passes, a.lanes, a.version = uint32(memory/1024), uint32(passes), uint32(lanes), uint32(version) // #nosec G115 -- all are bounded above
		return a.key(key, 32), nil
	}
	return nil, fault.New(fault.Invalid, "The key of the database is made in a way that is not known.").WithHint("Choose Argon2 in the settings of the database, and save it.")
}

// aes encrypts the key many times.
func (k kdf) aes(key []byte) ([]byte, error) {
	c, err := aes.NewCipher(k["S"])
	if err != nil {
		return nil, broken("the parameters of its key cannot be used")
	}
	out := bytes.Clone(key)
	for range k.number("R") {
		c.Encrypt(out[:16], out[:16])
		c.Encrypt(out[16:], out[16:])
	}
	sum := sha256.Sum256(out)
	return sum[:], nil
}
