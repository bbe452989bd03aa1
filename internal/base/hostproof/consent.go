package hostproof

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// ConsentLasts is for how long a consent to an opening is good.
const ConsentLasts = 72 * time.Hour

const (
	consentMagic = "SRN1"
	receiptMagic = "SRT1"
)

// Consent is a holder's share of an emergency copy, sealed to another holder's keys for
// one opening, and signed.
type Consent struct {
	Copy   [32]byte // Hash
	Place  int      // of who consents, from 1
	To     int      // the place of who opens
	Time   int64    // Unix milliseconds
	Reason string

	body, wrapped []byte
	signature     envelope.Signature
}

// Consent opens the share of the keys and seals it to the holder at a place, who is to
// open the copy.
func (k *Keyset) Consent(c *Copy, to int, reason string, now int64) (*Consent, error) {
	if err := usable(c, now); err != nil {
		return nil, err
	}
	if to < 1 || to > len(c.Holders) || c.Holders[to-1].Statement == nil {
		return nil, fault.New(fault.Invalid, "A consent is given to a holder with keys.").WithHint("See who holds a share: strongroom vault breakglass show FILE")
	}
	if !nameable(reason) {
		return nil, fault.Field("reason", "Say in at most 255 bytes why the emergency copy is opened.")
	}
	place, share, err := k.share(c)
	if err != nil {
		return nil, err
	}
	defer clear(share)
	n := &Consent{Copy: c.Hash(), Place: place, To: to, Time: now, Reason: reason}
	n.body = n.encode()
	wrapped, err := c.Holders[to-1].Statement.Encryption.Wrap(n.header(), share)
	if err != nil {
		return nil, err
	}
	n.wrapped = wrapped.Wrapped
	n.signature, err = k.signer.Sign(n.message())
	return n, err
}

// usable checks a copy before anything of it is opened.
func usable(c *Copy, now int64) error {
	if err := c.Verify(); err != nil {
		return err
	}
	return c.Current(now)
}

func (n *Consent) encode() []byte {
	var w writer
	w.u16(formatVersion)
	w.raw(n.Copy[:])
	w.u8(uint8(n.Place))
	w.u8(uint8(n.To))
	w.i64(n.Time)
	w.text(n.Reason)
	return w.b
}

func (n *Consent) header() []byte {
	return joined([]byte("strongroom/copy/consent/wrap/1"), n.body)
}

func (n *Consent) message() []byte {
	sum := sha256.Sum256(n.wrapped)
	return joined([]byte("strongroom/copy/consent/1"), n.body, sum[:])
}

// ParseConsent reads a consent and accepts only its one form. Nothing of it has been
// verified.
func ParseConsent(b []byte) (*Consent, error) {
	r := reader{b: b}
	n := &Consent{body: r.framed(consentMagic)}
	n.wrapped = r.take(wrappedSize)
	n.signature = r.signature()
	in := reader{b: n.body}
	version := in.u16()
	in.into(n.Copy[:])
	n.Place, n.To, n.Time, n.Reason = int(in.u8()), int(in.u8()), in.i64(), in.text()
	if !r.done() || !in.done() || version != formatVersion || n.Place == 0 || n.To == 0 || n.Reason == "" {
		return nil, malformed("consent")
	}
	return n, nil
}

// Marshal gives the stored form.
func (n *Consent) Marshal() []byte {
	w := writer{b: framed(consentMagic, n.body)}
	w.raw(n.wrapped)
	w.signature(n.signature)
	return w.b
}

// verify checks that a consent is to this copy and signed by the holder whose place it
// names.
func (n *Consent) verify(c *Copy) error {
	switch {
	case n.Copy != c.Hash():
		return fault.New(fault.Invalid, "This consent is to another emergency copy.").WithHint("Ask for one to this file.")
	case n.Place > len(c.Holders) || n.To > len(c.Holders) || c.Holders[n.Place-1].Statement == nil || !verified(n.signature, c.Holders[n.Place-1].Statement.Signing, n.message()):
		return copyAlarm("The consent was not signed by the holder whom it names, or was altered.")
	}
	return nil
}

// Opening is what several holders bring.
type Opening struct {
	Keys     *Keyset    // of the holder who opens; nil when papers alone do
	Consents []*Consent // of others, to this holder
	Codes    []Code     // of papers
	Reason   string
}

// Open gives what is in a copy, and the receipt of the opening. Conflict when fewer
// holders consent than are needed; Denied when it has expired, or was altered.
func (o Opening) Open(c *Copy, now int64) ([]Copied, *Receipt, error) {
	if err := usable(c, now); err != nil {
		return nil, nil, err
	}
	if !nameable(o.Reason) {
		return nil, nil, fault.Field("reason", "Say in at most 255 bytes why the emergency copy is opened.")
	}
	shares := map[byte][]byte{}
	defer func() {
		for _, y := range shares {
			clear(y)
		}
	}()
	r := &Receipt{Tenant: c.Tenant, Copy: c.Hash(), Time: now, Reason: o.Reason}
	if o.Keys != nil {
		if err := o.own(c, r, shares, now); err != nil {
			return nil, nil, err
		}
	}
	for _, n := range o.Consents {
		y, err := o.consented(c, n, now)
		if err != nil {
			return nil, nil, err
		}
		shares[byte(n.Place)] = y
		r.Consents = append(r.Consents, n)
	}
	for _, code := range o.Codes {
		place, y, err := c.paper(code)
		if err != nil {
			return nil, nil, err
		}
		shares[byte(place)] = y
	}
	got, err := c.combine(shares)
	if err != nil {
		return nil, nil, err
	}
	defer clear(got.Receipts)
	for place := range shares {
		r.Places = append(r.Places, place)
	}
	slices.Sort(r.Places)
	return got.Items, r, r.sign(c, got.Receipts)
}

// own adds the share of who opens, with a consent to herself.
func (o Opening) own(c *Copy, r *Receipt, shares map[byte][]byte, now int64) error {
	place, y, err := o.Keys.share(c)
	if err != nil {
		return err
	}
	shares[byte(place)] = y
	n, err := o.Keys.Consent(c, place, o.Reason, now)
	r.Consents = append(r.Consents, n)
	return err
}

// consented opens the share that a consent brings.
func (o Opening) consented(c *Copy, n *Consent, now int64) ([]byte, error) {
	if err := n.verify(c); err != nil {
		return nil, err
	}
	age := now - n.Time
	if age > ConsentLasts.Milliseconds() || age < -clockSlack.Milliseconds() {
		return nil, fault.New(fault.Denied, "The consent of %s is older than %d hours, or of a time to come.", c.Holders[n.Place-1].Name, int(ConsentLasts.Hours())).WithHint("Ask for another one, and look at the clocks.")
	}
	to := c.Holders[n.To-1].Statement
	if o.Keys == nil || to == nil || to.User != o.Keys.Statement.User {
		return nil, fault.New(fault.Invalid, "The consent of %s is for %s to open the copy.", c.Holders[n.Place-1].Name, c.Holders[n.To-1].Name)
	}
	of := to.Encryption
	y, err := envelope.Unwrap(o.Keys.private, envelope.Recipient{Type: hybridType, KeyID: of.ID, Generation: of.Generation, Wrapped: n.wrapped}, n.header())
	if err != nil {
		return nil, copyAlarm("The consent of %s does not open with your keys.", c.Holders[n.Place-1].Name)
	}
	return y, c.right(n.Place, y)
}

// Receipt says that a copy was opened, by whom and why. It is signed with a key that lies
// in the copy: who signs it opened it.
type Receipt struct {
	Tenant   string
	Copy     [32]byte
	Time     int64 // Unix milliseconds
	Reason   string
	Places   []byte     // the holders whose shares were used, ascending
	Consents []*Consent // of those who have keys

	body      []byte
	signature envelope.Signature
}

func (r *Receipt) sign(c *Copy, scalar []byte) error {
	signer, err := parseSigner(scalar)
	if err != nil {
		return err
	}
	if !bytes.Equal(signer.Public(), c.Receipts) {
		return copyAlarm("The key for receipts in the emergency copy is another one than it states.")
	}
	var w writer
	w.u16(formatVersion)
	w.text(r.Tenant)
	w.raw(r.Copy[:])
	w.i64(r.Time)
	w.text(r.Reason)
	w.u8(uint8(len(r.Places)))
	w.raw(r.Places)
	w.u8(uint8(len(r.Consents)))
	for _, n := range r.Consents {
		b := n.Marshal()
		w.u16(uint16(len(b)))
		w.raw(b)
	}
	r.body = w.b
	r.signature, err = signer.Sign(r.message())
	return err
}

func (r *Receipt) message() []byte { return joined([]byte("strongroom/copy/receipt/1"), r.body) }

// Hash names a receipt: SHA-256 over the length-prefixed parts "strongroom/copy/receipt/hash/1"
// and the body.
func (r *Receipt) Hash() [32]byte {
	return sha256.Sum256(joined([]byte("strongroom/copy/receipt/hash/1"), r.body))
}

// Marshal gives the stored form.
func (r *Receipt) Marshal() []byte {
	w := writer{b: framed(receiptMagic, r.body)}
	w.signature(r.signature)
	return w.b
}

// ParseReceipt reads a receipt and accepts only its one form. Nothing of it has been
// verified.
func ParseReceipt(b []byte) (*Receipt, error) {
	in := reader{b: b}
	r := &Receipt{body: in.framed(receiptMagic)}
	r.signature = in.signature()
	body := reader{b: r.body}
	version := body.u16()
	r.Tenant = body.text()
	body.into(r.Copy[:])
	r.Time, r.Reason = body.i64(), body.text()
	r.Places = body.take(int(body.u8()))
	for range body.u8() {
		n, err := ParseConsent(body.take(int(body.u16())))
		if err != nil {
			return nil, malformed("receipt")
		}
		r.Consents = append(r.Consents, n)
	}
	if !in.done() || !body.done() || version != formatVersion || r.Tenant == "" || r.Reason == "" || len(r.Places) < LeastNeeded || r.Places[0] == 0 || !slices.IsSorted(r.Places) || len(slices.Compact(slices.Clone(r.Places))) != len(r.Places) {
		return nil, malformed("receipt")
	}
	return r, nil
}

// Verify checks that a receipt is of a copy, signed by who opened it, and that each holder
// with keys whose share was used signed a consent. The copy must be verified.
func (r *Receipt) Verify(c *Copy) error {
	if r.Tenant != c.Tenant || r.Copy != c.Hash() || !verified(r.signature, c.Receipts, r.message()) || int(r.Places[len(r.Places)-1]) > len(c.Holders) || len(r.Places) < c.Needed {
		return fault.New(fault.Invalid, "This receipt is not of that emergency copy, or was altered.")
	}
	consented := map[byte]bool{}
	for _, n := range r.Consents {
		if err := n.verify(c); err != nil {
			return err
		}
		consented[byte(n.Place)] = true
	}
	for _, place := range r.Places {
		if c.Holders[place-1].Statement != nil && !consented[place] {
			return fault.New(fault.Invalid, "This receipt lacks the consent of %s.", c.Holders[place-1].Name)
		}
	}
	return nil
}
