package envelope

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"strongroom/internal/base/fault"
)

const (
	magic         = "SRE1"
	maxHeader     = 1024
	maxRecipients = 64
)

// Envelope is a parsed SRE1 envelope. Nothing of it has been authenticated
// until Open succeeds.
type Envelope struct {
	header     Header
	stored     []byte // header as stored
	recipients []Recipient
	listed     []byte // recipients as stored
	content    []byte // suite 1: nonce, ciphertext, tag
	signature  Signature
}

// Header gives the parsed header.
func (e *Envelope) Header() Header { return e.header }

// HeaderBytes gives the header as it is stored: what is authenticated.
func (e *Envelope) HeaderBytes() []byte { return e.stored }

// HeaderHash gives the SHA-256 of the stored header.
func (e *Envelope) HeaderHash() [32]byte { return HashHeader(e.stored) }

// Recipients gives the keys that the data key is wrapped to.
func (e *Envelope) Recipients() []Recipient { return e.recipients }

// WrapContext gives the context that r's wrapped key must have been made with.
func (e *Envelope) WrapContext(r Recipient) [32]byte {
	return WrapContext(e.stored, r.Type, r.KeyID, r.Generation)
}

func commitment(dataKey []byte) (c [32]byte) {
	m := hmac.New(sha256.New, dataKey)
	m.Write([]byte("strongroom/commit/1"))
	m.Sum(c[:0])
	return c
}

// Commits tells whether dataKey is the one that h was sealed with.
func (h Header) Commits(dataKey []byte) bool {
	c := commitment(dataKey)
	return hmac.Equal(c[:], h.Commitment[:])
}

// Seal encrypts plaintext (at most MaxSecret bytes) under a fresh key that is
// wrapped to each of to. It sets h's suite (when 0), commitment and bucket
// itself, and gives the hash of the header for the next version to name.
func Seal(h Header, to []PublicKey, plaintext []byte) (sealed []byte, headerHash [32]byte, err error) {
	keys := make([]WrapKey, len(to))
	for i, p := range to {
		keys[i] = p
	}
	return SealWith(h, keys, plaintext)
}

// SealWith is Seal for keys of any sort.
func SealWith(h Header, to []WrapKey, plaintext []byte) (sealed []byte, headerHash [32]byte, err error) {
	if h.Suite == 0 {
		h.Suite = SuiteSingle
	}
	if h.Suite != SuiteSingle {
		return nil, headerHash, fault.New(fault.Internal, "Only suite 1 seals a secret in one piece.")
	}
	padded, bucket, err := pad(plaintext)
	if err != nil {
		return nil, headerHash, err
	}
	defer clear(padded)
	h.Bucket = bucket
	dataKey := newKey()
	defer clear(dataKey)
	out, header, err := seal(h, to, dataKey)
	if err != nil {
		return nil, headerHash, err
	}
	g, err := aead(dataKey)
	if err != nil {
		return nil, headerHash, err
	}
	content := g.Seal(nil, nil, padded, header)
	out = append(out, content[:nonceSize]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(content)-nonceSize))
	out = append(out, content[nonceSize:]...)
	return binary.BigEndian.AppendUint16(out, 0), HashHeader(header), nil
}

func newKey() []byte {
	k := make([]byte, KeySize)
	rand.Read(k)
	return k
}

// seal gives magic, header and recipients, and the header alone.
func seal(h Header, to []WrapKey, dataKey []byte) (out, header []byte, err error) {
	if len(to) == 0 || len(to) > maxRecipients {
		return nil, nil, fault.New(fault.Internal, "A secret is sealed to 1 to %d keys, not to %d.", maxRecipients, len(to))
	}
	h.Commitment = commitment(dataKey)
	header, err = h.Encode()
	if err != nil {
		return nil, nil, err
	}
	out = append(make([]byte, 0, 2048), magic...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(header)))
	out = append(out, header...)
	out = append(out, byte(len(to)))
	for _, k := range to {
		r, err := k.Wrap(header, dataKey)
		if err != nil {
			return nil, nil, err
		}
		out = r.append(out)
	}
	return out, header, nil
}

func (r Recipient) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, r.Type)
	b = append(b, r.KeyID[:]...)
	b = binary.BigEndian.AppendUint32(b, r.Generation)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Wrapped)))
	return append(b, r.Wrapped...)
}

// Parse reads a suite 1 envelope and accepts only its one valid form; what it
// gives shares memory with sealed. The fault kind is Invalid.
func Parse(sealed []byte) (*Envelope, error) {
	c := cursor{b: sealed}
	e, err := parsePrefix(&c)
	if err != nil {
		return nil, err
	}
	if e.header.Suite != SuiteSingle {
		return nil, malformed("This is a sealed stream, not a sealed secret.")
	}
	nonce := c.take(nonceSize)
	text := c.take(int(min(c.u32(), 1<<30)))
	e.signature = c.signature()
	if !c.done() || len(text) != BucketSize(e.header.Bucket)+tagSize {
		return nil, malformed("This sealed secret has a wrong length.")
	}
	e.content = append(append(make([]byte, 0, len(nonce)+len(text)), nonce...), text...)
	return e, e.signature.check()
}

// parsePrefix reads magic, header and recipients.
func parsePrefix(c *cursor) (*Envelope, error) {
	if string(c.take(len(magic))) != magic {
		return nil, malformed("This is not a sealed secret.")
	}
	e := &Envelope{stored: c.take(int(c.u16()))}
	if c.bad || len(e.stored) > maxHeader {
		return nil, malformed("The header of a sealed secret is damaged.")
	}
	var err error
	if e.header, err = ParseHeader(e.stored); err != nil {
		return nil, err
	}
	start := c.b
	count := int(c.u8())
	if c.bad || count == 0 || count > maxRecipients {
		return nil, malformed("A sealed secret has 1 to %d recipients.", maxRecipients)
	}
	for range count {
		r, err := c.recipient()
		if err != nil {
			return nil, err
		}
		e.recipients = append(e.recipients, r)
	}
	if e.repeats() {
		return nil, malformed("A sealed secret names the same recipient twice.")
	}
	e.listed = start[:len(start)-len(c.b)]
	return e, nil
}

func (e *Envelope) repeats() bool {
	type name struct {
		recipient  uint16
		id         KeyID
		generation uint32
	}
	seen := make(map[name]bool, len(e.recipients))
	for _, r := range e.recipients {
		seen[name{r.Type, r.KeyID, r.Generation}] = true
	}
	return len(seen) != len(e.recipients)
}

func (c *cursor) recipient() (Recipient, error) {
	var r Recipient
	r.Type = c.u16()
	c.into(r.KeyID[:])
	r.Generation = c.u32()
	r.Wrapped = c.take(int(c.u16()))
	if c.bad {
		return r, malformed("The recipients of a sealed secret are damaged.")
	}
	return r, r.checkLength()
}

// Open decrypts the content with the data key that Unwrap gave. Any other key
// is refused by its commitment before anything is decrypted.
func (e *Envelope) Open(dataKey []byte) ([]byte, error) {
	if !e.header.Commits(dataKey) {
		return nil, altered(nil, "secret")
	}
	g, err := aead(dataKey)
	if err != nil {
		return nil, err
	}
	p, err := g.Open(nil, nil, e.content, e.stored)
	if err != nil {
		return nil, altered(err, "secret")
	}
	return unpad(p)
}

// WithRecipient gives the envelope with r as its only recipient: header, content
// and signature are the bytes that they were. Internal when it is signed, since a
// signature covers the recipients.
func (e *Envelope) WithRecipient(r Recipient) ([]byte, error) {
	if e.signature.Type != 0 || e.header.Suite != SuiteSingle {
		return nil, fault.New(fault.Internal, "The recipients of this secret cannot be replaced.")
	}
	if err := r.checkLength(); err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, 2048), magic...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(e.stored)))
	out = append(out, e.stored...)
	out = r.append(append(out, 1))
	out = append(out, e.content[:nonceSize]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(e.content)-nonceSize))
	out = append(out, e.content[nonceSize:]...)
	return binary.BigEndian.AppendUint16(out, 0), nil
}

// SealTo starts a suite 2 envelope on w: the prefix of an envelope followed by
// a stream up to the end of w. For what is too large to hold, such as backups.
// Close finishes it and does not close w.
func SealTo(w io.Writer, h Header, to []WrapKey) (io.WriteCloser, error) {
	h.Suite, h.Bucket = SuiteStream, Unpadded
	dataKey := newKey()
	defer clear(dataKey)
	prefix, header, err := seal(h, to, dataKey)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(prefix); err != nil {
		return nil, err
	}
	return SealStream(w, dataKey, header)
}

// MaxPrefix is how many bytes from the start of a suite 2 envelope
// ParsePrefix needs at most.
const MaxPrefix = len(magic) + 2 + maxHeader + 1 + maxRecipients*(2+16+4+2+hybridSize)

// ParsePrefix reads the prefix of a suite 2 envelope from its first bytes (up
// to MaxPrefix of them) and tells how long it is; the stream follows, to be
// opened by OpenStream or ReadStream with the data key and HeaderBytes, after
// asking Header().Commits.
func ParsePrefix(b []byte) (*Envelope, int, error) {
	c := cursor{b: b}
	e, err := parsePrefix(&c)
	if err != nil {
		return nil, 0, err
	}
	if e.header.Suite != SuiteStream {
		return nil, 0, malformed("This is a sealed secret, not a sealed stream.")
	}
	return e, len(b) - len(c.b), nil
}
