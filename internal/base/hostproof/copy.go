package hostproof

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/shamir"
)

// The limits of an emergency copy.
const (
	MostHolders = 15
	CopyLasts   = 366 * 24 * time.Hour // at most, from when it is made
	mostCopy    = 64 << 20             // bytes of what is in it
)

// copyVersion is the format of copies that are made: since 2, files are in them. Those of
// 1 are read.
const copyVersion = 2

const copyMagic = "SRB1"

// Holder is somebody, or a paper, with a share of an emergency copy.
type Holder struct {
	Name       string     // of the person, or what the paper is called
	Statement  *Statement // of the person's keys; nil of a paper
	Commitment [32]byte   // of the share

	sealed []byte // the share: wrapped to the keys, or under the code of the paper
}

// The kinds of holders.
const (
	holdsKeys  = 1
	holdsPaper = 2
)

const paperSize = envelope.KeySize + envelope.BoxOverhead

// Copied is one thing in an emergency copy.
type Copied struct {
	From    string       `json:"from"` // the vault or organization, as it was called
	Content Content      `json:"content"`
	Files   []CopiedFile `json:"files,omitempty"`
}

// CopiedFile is a file of an item, whole, in an emergency copy.
type CopiedFile struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Content []byte `json:"content"`
}

// Copy is chosen passwords for when there is no server: sealed under a secret of which
// each holder has a share, signed by who made it, and opened by several holders until
// a time that the signature covers.
type Copy struct {
	version    uint16
	Tenant     string
	ID         [16]byte
	Maker      *Statement
	Time       int64    // Unix milliseconds
	Expiry     int64    // likewise
	Receipts   []byte   // the key that receipts of an opening are signed with: an uncompressed P-256 point
	Commitment [32]byte // of the secret
	Needed     int      // how many holders open it
	Holders    []Holder // each has the share at its place, from 1

	body, box []byte
	digest    [32]byte // of what is sealed
	signature envelope.Signature
}

// copied is what is sealed in a copy.
type copied struct {
	Receipts []byte   `json:"receipts"` // the scalar of the key that signs receipts
	Items    []Copied `json:"items"`
}

// read reads the body of a copy.
func (c *Copy) read() error {
	in := reader{b: c.body}
	c.version = in.u16()
	c.Tenant = in.text()
	in.into(c.ID[:])
	var err error
	if c.Maker, err = ParseStatement(in.take(int(in.u16()))); err != nil {
		return malformed("emergency copy")
	}
	c.Time, c.Expiry = in.i64(), in.i64()
	c.Receipts = in.take(pointSize)
	in.into(c.Commitment[:])
	c.Needed = int(in.u8())
	for range in.u8() {
		h := Holder{}
		kind := in.u8()
		h.Name = in.text()
		if kind == holdsKeys {
			if h.Statement, err = ParseStatement(in.take(int(in.u16()))); err != nil {
				return malformed("emergency copy")
			}
		}
		in.into(h.Commitment[:])
		if kind != holdsKeys && kind != holdsPaper {
			in.bad = true
		}
		c.Holders = append(c.Holders, h)
	}
	if !in.done() || c.version < 1 || c.version > copyVersion || c.Tenant == "" || !c.sound() {
		return malformed("emergency copy")
	}
	return nil
}

// sound tells whether holders, how many are needed, and times fit together.
func (c *Copy) sound() bool {
	users, papers := map[int64]bool{}, map[string]bool{}
	for _, h := range c.Holders {
		if !nameable(h.Name) {
			return false
		}
		if h.Statement == nil {
			if papers[h.Name] {
				return false
			}
			papers[h.Name] = true
			continue
		}
		if users[h.Statement.User] || h.Statement.Tenant != c.Tenant {
			return false
		}
		users[h.Statement.User] = true
	}
	return c.Maker.Tenant == c.Tenant && c.Needed >= LeastNeeded && c.Needed <= len(c.Holders) && len(c.Holders) <= MostHolders &&
		c.Expiry > c.Time && c.Expiry-c.Time <= CopyLasts.Milliseconds()
}

func (c *Copy) encode() ([]byte, error) {
	var w writer
	statement := func(s *Statement) {
		b := s.Marshal()
		w.u16(uint16(len(b)))
		w.raw(b)
	}
	w.u16(c.version)
	w.text(c.Tenant)
	w.raw(c.ID[:])
	statement(c.Maker)
	w.i64(c.Time)
	w.i64(c.Expiry)
	w.raw(c.Receipts)
	w.raw(c.Commitment[:])
	w.u8(uint8(c.Needed))
	w.u8(uint8(len(c.Holders)))
	for _, h := range c.Holders {
		if h.Statement == nil {
			w.u8(holdsPaper)
			w.text(h.Name)
		} else {
			w.u8(holdsKeys)
			w.text(h.Name)
			statement(h.Statement)
		}
		w.raw(h.Commitment[:])
	}
	if len(w.b) > 1<<16-1 {
		return nil, fault.New(fault.Invalid, "This is too much for the head of an emergency copy.").WithHint("Name fewer holders.")
	}
	return w.b, nil
}

// ParseCopy reads an emergency copy and accepts only its one form. Nothing of it has
// been verified.
func ParseCopy(b []byte) (*Copy, error) {
	r := reader{b: b}
	c := &Copy{body: r.framed(copyMagic)}
	if r.bad || c.read() != nil {
		return nil, malformed("emergency copy")
	}
	c.box = r.take(int(r.u32()))
	for i := range c.Holders {
		size := paperSize
		if c.Holders[i].Statement != nil {
			size = wrappedSize
		}
		c.Holders[i].sealed = r.take(size)
	}
	c.signature = r.signature()
	if !r.done() || len(c.box) <= envelope.BoxOverhead || len(c.box) > mostCopy+envelope.BoxOverhead {
		return nil, malformed("emergency copy")
	}
	c.digest = c.sealed()
	return c, nil
}

// sealed is the digest of what the body is about: SHA-256 over the content and the shares.
func (c *Copy) sealed() [32]byte {
	h := sha256.New()
	h.Write(c.box)
	for _, x := range c.Holders {
		h.Write(x.sealed)
	}
	return [32]byte(h.Sum(nil))
}

func (c *Copy) message() []byte {
	return joined([]byte("strongroom/copy/1"), c.body, c.digest[:])
}

// Marshal gives the stored form.
func (c *Copy) Marshal() []byte {
	w := writer{b: framed(copyMagic, c.body)}
	w.u32(uint32(len(c.box)))
	w.raw(c.box)
	for _, h := range c.Holders {
		w.raw(h.sealed)
	}
	w.signature(c.signature)
	return w.b
}

const headMagic = "SRB0"

// Head is the copy without what is sealed: what a server records of it. It opens
// nothing.
func (c *Copy) Head() []byte {
	w := writer{b: framed(headMagic, c.body)}
	w.raw(c.digest[:])
	w.signature(c.signature)
	return w.b
}

// ParseHead reads what Head gave.
func ParseHead(b []byte) (*Copy, error) {
	r := reader{b: b}
	c := &Copy{body: r.framed(headMagic)}
	if r.bad || c.read() != nil {
		return nil, malformed("head of an emergency copy")
	}
	r.into(c.digest[:])
	c.signature = r.signature()
	if !r.done() {
		return nil, malformed("head of an emergency copy")
	}
	return c, nil
}

// Hash names a copy: SHA-256 over the length-prefixed parts "strongroom/copy/hash/1", body
// and digest of what is sealed.
func (c *Copy) Hash() [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/copy/hash/1"), c.body, c.digest[:]))
}

// Verify checks that a copy hangs together and that the keys signed it that it names as
// its maker's. Whose those are is known from their words alone.
func (c *Copy) Verify() error {
	if err := c.Maker.Verify(c.Tenant, c.Maker.User); err != nil {
		return copyAlarm("The emergency copy was not signed by its maker, or was altered.")
	}
	for _, h := range c.Holders {
		if h.Statement != nil && h.Statement.Verify(c.Tenant, h.Statement.User) != nil {
			return copyAlarm("The emergency copy names keys of a holder that are not sound.")
		}
	}
	if !verified(c.signature, c.Maker.Signing, c.message()) {
		return copyAlarm("The emergency copy was not signed by its maker, or was altered.")
	}
	return nil
}

func copyAlarm(format string, args ...any) error {
	return fault.New(fault.Denied, format, args...).WithHint("Use another copy of the file, and find out who changed this one.")
}

// Current refuses a copy that has expired. now is in Unix milliseconds.
func (c *Copy) Current(now int64) error {
	day := func(t int64) string { return time.UnixMilli(t).UTC().Format("2 January 2006, 15:04 UTC") }
	if now >= c.Expiry {
		return fault.New(fault.Denied, "This emergency copy expired on %s and is not opened any more.", day(c.Expiry)).
			WithHint("Use a later copy, or the server when it is there again.")
	}
	if now < c.Time-clockSlack.Milliseconds() {
		return fault.New(fault.Denied, "This emergency copy was made on %s, which this computer's clock says is still to come.", day(c.Time)).
			WithHint("Set the clock right.")
	}
	return nil
}

// clockSlack is by how much two computers' clocks may differ.
const clockSlack = 10 * time.Minute

func copyShare(place int, share []byte) [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/copy/share/1"), []byte{byte(place)}, share))
}

func copyCommitment(secret []byte) (out [32]byte) {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("strongroom/copy/commit/1"))
	m.Sum(out[:0])
	return out
}

func (c *Copy) give(place int) []byte {
	return joined([]byte("strongroom/copy/give/1"), c.body, []byte{byte(place)})
}

func (c *Copy) key(secret []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, string(joined([]byte("strongroom/copy/key/1"), []byte(c.Tenant), c.ID[:])), envelope.KeySize)
}

func (c *Copy) paperKey(code Code, place int) ([]byte, error) {
	return hkdf.Key(sha256.New, code[:], nil, string(joined([]byte("strongroom/copy/paper/1"), []byte(c.Tenant), c.ID[:], []byte{byte(place)})), envelope.KeySize)
}

func (c *Copy) bind() []byte { return joined([]byte("strongroom/copy/box/1"), c.body) }

// NewCopy seals items for holders, of whom needed open them together until expiry. The
// statements of holders must be verified and their fingerprints compared. It gives the
// codes of those that are papers, in their order.
func (k *Keyset) NewCopy(items []Copied, holders []Holder, needed int, expiry, now int64) (*Copy, []Code, error) {
	c := &Copy{version: copyVersion, Tenant: k.Statement.Tenant, Maker: k.Statement, Time: now, Expiry: expiry, Needed: needed}
	for _, h := range holders {
		c.Holders = append(c.Holders, Holder{Name: h.Name, Statement: h.Statement})
	}
	switch {
	case len(items) == 0:
		return nil, nil, fault.New(fault.Invalid, "An emergency copy has at least one password.")
	case expiry <= now || expiry-now > CopyLasts.Milliseconds():
		return nil, nil, fault.New(fault.Invalid, "An emergency copy expires within %d days.", int(CopyLasts.Hours())/24)
	case !c.sound():
		return nil, nil, fault.New(fault.Invalid, "An emergency copy has two to %d different holders with names, of whom at least %d are needed.", MostHolders, LeastNeeded)
	}
	rand.Read(c.ID[:])
	secret := make([]byte, envelope.KeySize)
	rand.Read(secret)
	defer clear(secret)
	c.Commitment = copyCommitment(secret)
	receipts, err := NewSigner()
	if err != nil {
		return nil, nil, err
	}
	c.Receipts = receipts.Public()
	shares, err := shamir.Split(secret, len(c.Holders), needed)
	if err != nil {
		return nil, nil, err
	}
	for i, y := range shares {
		c.Holders[i].Commitment = copyShare(i+1, y)
	}
	if c.body, err = c.encode(); err != nil {
		return nil, nil, err
	}
	if c.box, err = c.pack(secret, receipts, items); err != nil {
		return nil, nil, err
	}
	codes, err := c.handOut(shares)
	if err != nil {
		return nil, nil, err
	}
	c.digest = c.sealed()
	c.signature, err = k.signer.Sign(c.message())
	return c, codes, err
}

// pack seals what is in a copy.
func (c *Copy) pack(secret []byte, receipts *Signer, items []Copied) ([]byte, error) {
	scalar, err := receipts.key.Bytes()
	if err != nil {
		return nil, err
	}
	defer clear(scalar)
	plain, err := json.Marshal(copied{scalar, items})
	if err != nil {
		return nil, err
	}
	if len(plain) > mostCopy/2 {
		return nil, fault.New(fault.Invalid, "An emergency copy holds at most %d MiB, of which files take a third more than they have.", mostCopy>>21).WithHint("Choose fewer things, or leave files out: -no-files")
	}
	plain = append(plain, bytes.Repeat([]byte(" "), int(PaddedSize(int64(len(plain))))-len(plain))...)
	defer clear(plain)
	key, err := c.key(secret)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return envelope.SealBox(key, c.bind(), plain)
}

// handOut seals each share for its holder, and gives the codes of papers.
func (c *Copy) handOut(shares [][]byte) (codes []Code, err error) {
	for i := range c.Holders {
		h := &c.Holders[i]
		if h.Statement != nil {
			to, err := h.Statement.Encryption.Wrap(c.give(i+1), shares[i])
			if err != nil {
				return nil, err
			}
			h.sealed = to.Wrapped
		} else {
			code := NewCode()
			key, err := c.paperKey(code, i+1)
			if err != nil {
				return nil, err
			}
			if h.sealed, err = envelope.SealBox(key, c.give(i+1), shares[i]); err != nil {
				return nil, err
			}
			clear(key)
			codes = append(codes, code)
		}
		clear(shares[i])
	}
	return codes, nil
}

// share opens the share that the keys hold; it gives its place. Denied for keys that
// hold none.
func (k *Keyset) share(c *Copy) (int, []byte, error) {
	for i, h := range c.Holders {
		if h.Statement == nil || h.Statement.User != k.Statement.User {
			continue
		}
		of := h.Statement.Encryption
		y, err := envelope.Unwrap(k.private, envelope.Recipient{Type: hybridType, KeyID: of.ID, Generation: of.Generation, Wrapped: h.sealed}, c.give(i+1))
		if err != nil {
			return 0, nil, fault.New(fault.Denied, "Your keys do not open your share of this emergency copy: it was given to other keys.").WithHint("Use a file of your vaults that was saved before you took new keys, or ask another holder.")
		}
		return i + 1, y, c.right(i+1, y)
	}
	return 0, nil, fault.New(fault.Denied, "You hold no share of this emergency copy.").WithHint("See who does: strongroom vault breakglass show FILE")
}

// right checks a share against its commitment.
func (c *Copy) right(place int, share []byte) error {
	if copyShare(place, share) != c.Holders[place-1].Commitment {
		return copyAlarm("The share of %s is another one than the one that the maker stated.", c.Holders[place-1].Name)
	}
	return nil
}

// paper opens the share that a code holds.
func (c *Copy) paper(code Code) (int, []byte, error) {
	for i, h := range c.Holders {
		if h.Statement != nil {
			continue
		}
		key, err := c.paperKey(code, i+1)
		if err != nil {
			return 0, nil, err
		}
		y, err := envelope.OpenBox(key, c.give(i+1), h.sealed)
		clear(key)
		if err == nil {
			return i + 1, y, c.right(i+1, y)
		}
	}
	return 0, nil, fault.New(fault.Unauthorized, "This code opens no share of this emergency copy.").WithHint("Each copy has codes of its own: look for the paper of this one.")
}

// combine gives what is in a copy from enough right shares by their places.
func (c *Copy) combine(shares map[byte][]byte) (*copied, error) {
	if len(shares) < c.Needed {
		return nil, fault.New(fault.Conflict, "%d of the %d holders who are needed consent.", len(shares), c.Needed).WithHint("Nobody opens it alone. Ask another holder: strongroom vault breakglass show FILE")
	}
	secret, err := shamir.Combine(shares)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	if got := copyCommitment(secret); subtle.ConstantTimeCompare(got[:], c.Commitment[:]) != 1 {
		return nil, copyAlarm("The shares of this emergency copy do not fit together.")
	}
	key, err := c.key(secret)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, err := envelope.OpenBox(key, c.bind(), c.box)
	if err != nil {
		return nil, copyAlarm("What is in the emergency copy was altered.")
	}
	defer clear(plain)
	var out copied
	if err := json.Unmarshal(plain, &out); err != nil {
		return nil, malformed("emergency copy")
	}
	return &out, nil
}
