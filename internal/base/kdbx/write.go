package kdbx

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"time"

	"golang.org/x/crypto/chacha20"
)

// Cost is what it takes to try a passphrase: memory in KiB and passes of Argon2id. The zero
// Cost is that of files for people.
type Cost struct{ Memory, Passes uint32 }

const blockSize = 1 << 20 // bytes of the content in one authenticated block

// Seal writes a database as KDBX 4: AES-256 under a key that Argon2id makes of the passphrase.
// Groups and entries without a UUID are given one.
func Seal(d *Database, passphrase string, c Cost) ([]byte, error) {
	if c == (Cost{}) {
		c = Cost{Memory: 64 << 10, Passes: 3}
	}
	seed, iv, salt, inner := random(32), random(aes.BlockSize), random(32), random(64)
	head := outerHeader(seed, iv, salt, c)
	composite, err := Key{Passphrase: passphrase}.composite()
	if err != nil {
		return nil, err
	}
	transformed := argon2Of{kind: argon2id, version: 0x13, lanes: 1, memory: c.Memory, passes: c.Passes, salt: salt}.key(composite, 32)
	content, err := d.content(inner)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(append(bytes.Clone(seed), transformed...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(content)%aes.BlockSize
	content = append(content, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(content, content)
	mac := sha512.Sum512(bytes.Join([][]byte{seed, transformed, {1}}, nil))
	sum := sha256.Sum256(head)
	out := append(append(head, sum[:]...), macOf(^uint64(0), mac[:], head)...)
	for i := uint64(0); ; i++ {
		part := content[:min(len(content), blockSize)]
		content = content[len(part):]
		size := binary.LittleEndian.AppendUint32(nil, uint32(len(part))) // #nosec G115 -- at most blockSize
		out = append(out, macOf(i, mac[:], binary.LittleEndian.AppendUint64(nil, i), size, part)...)
		out = append(append(out, size...), part...)
		if len(part) == 0 {
			return out, nil
		}
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func outerHeader(seed, iv, salt []byte, c Cost) []byte {
	out := []byte{0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5, 0, 0, 4, 0}
	field := func(id byte, v []byte) {
		out = binary.LittleEndian.AppendUint32(append(out, id), uint32(len(v))) // #nosec G115 -- a few bytes
		out = append(out, v...)
	}
	field(2, unhex(withAES))
	field(3, []byte{1, 0, 0, 0})
	field(4, seed)
	field(7, iv)
	kdf := []byte{0, 1}
	add := func(typ byte, name string, v []byte) {
		kdf = binary.LittleEndian.AppendUint32(append(kdf, typ), uint32(len(name))) // #nosec G115 -- a few bytes
		kdf = binary.LittleEndian.AppendUint32(append(kdf, name...), uint32(len(v)))
		kdf = append(kdf, v...)
	}
	add(0x42, "$UUID", unhex(withID))
	add(0x42, "S", salt)
	add(0x04, "P", binary.LittleEndian.AppendUint32(nil, 1))
	add(0x05, "M", binary.LittleEndian.AppendUint64(nil, uint64(c.Memory)<<10))
	add(0x05, "I", binary.LittleEndian.AppendUint64(nil, uint64(c.Passes)))
	add(0x04, "V", binary.LittleEndian.AppendUint32(nil, 0x13))
	field(11, append(kdf, 0))
	field(0, []byte("\r\n\r\n"))
	return out
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil { // they are written in this package
		panic(err)
	}
	return b
}

// content is the inner header and the XML, compressed.
func (d *Database) content(key []byte) ([]byte, error) {
	sum := sha512.Sum512(key)
	s, err := chacha20.NewUnauthenticatedCipher(sum[:32], sum[32:44])
	if err != nil {
		return nil, err
	}
	w := &writer{cover: s}
	w.text(`<?xml version="1.0" encoding="utf-8" standalone="yes"?><KeePassFile><Meta><Generator>Strongroom</Generator></Meta><Root>`)
	w.group(d.Root)
	w.text(`</Root></KeePassFile>`)
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	head := binary.LittleEndian.AppendUint32([]byte{1, 4, 0, 0, 0}, withChaCha20Stream)
	head = append(append(head, 2, 64, 0, 0, 0), key...)
	head = append(head, 0, 0, 0, 0, 0)
	for _, b := range [][]byte{head, w.out.Bytes()} {
		if _, err := z.Write(b); err != nil {
			return nil, err
		}
	}
	err = z.Close()
	return out.Bytes(), err
}

// writer writes the XML; protected values are covered in their order.
type writer struct {
	out   bytes.Buffer
	cover cipher.Stream
}

func (w *writer) text(s string) { w.out.WriteString(s) }

func (w *writer) element(name, value string) {
	w.text("<" + name + ">")
	_ = xml.EscapeText(&w.out, []byte(value)) // into memory
	w.text("</" + name + ">")
}

func (w *writer) group(g *Group) {
	w.text("<Group>")
	w.element("UUID", uuid(g.UUID))
	w.element("Name", g.Name)
	for _, e := range g.Entries {
		w.entry(e, uuid(e.UUID))
	}
	for _, below := range g.Groups {
		w.group(below)
	}
	w.text("</Group>")
}

func uuid(s string) string {
	if s == "" {
		return base64.StdEncoding.EncodeToString(random(16))
	}
	return s
}

func (w *writer) entry(e *Entry, id string) {
	w.text("<Entry>")
	w.element("UUID", id)
	w.element("Tags", e.Tags)
	if !e.Changed.IsZero() {
		w.text("<Times>")
		w.element("LastModificationTime", stamp(e.Changed))
		w.text("</Times>")
	}
	for _, f := range e.Fields {
		w.text("<String>")
		w.element("Key", f.Name)
		if f.Protected {
			b := []byte(f.Value)
			w.cover.XORKeyStream(b, b)
			w.text(`<Value Protected="True">` + base64.StdEncoding.EncodeToString(b) + `</Value>`)
		} else {
			w.element("Value", f.Value)
		}
		w.text("</String>")
	}
	if len(e.Past) > 0 {
		w.text("<History>")
		for _, p := range e.Past {
			w.entry(p, id)
		}
		w.text("</History>")
	}
	w.text("</Entry>")
}

// stamp writes a time as moment reads it.
func stamp(t time.Time) string {
	n := uint64(t.Unix() - time.Time{}.Unix()) // #nosec G115 -- after the year 1
	return base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint64(nil, n))
}
