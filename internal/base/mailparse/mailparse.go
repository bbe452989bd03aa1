// Package mailparse reads mail as it arrives: broken, huge, or made to deceive.
//
// Always true: reading is a pure function of the bytes, and never runs, unpacks or
// fetches anything that a mail holds; every mail within the limits is read, however
// broken, with what was mended named; nothing that it returns holds a control
// character where a line is expected; a file in a mail is given as it came.
package mailparse

import (
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// The bounds of what is read of a mail.
const (
	MostBytes   = 40 << 20  // of a whole mail
	mostHeader  = 512 << 10 // of its header
	mostFields  = 2000      // of a header
	mostField   = 64 << 10  // bytes of one field
	mostParts   = 500
	mostDepth   = 12
	mostText    = 2 << 20 // of what is shown of one part
	mostAddress = 200     // addresses of one field
	mostRefs    = 200     // message ids of one field
)

// Mail is a mail that was read. Addresses are in lower case, message ids without
// their brackets.
type Mail struct {
	ID         string // its message id; empty when it has none
	Digest     string // of all its bytes, for a mail without an id
	InReplyTo  []string
	References []string
	From       mail.Address // empty address when there is none
	Sender     mail.Address
	ReplyTo    []mail.Address
	To, Cc     []mail.Address
	Delivered  []string // to whom servers on the way delivered it
	Subject    string
	Date       time.Time // zero when it cannot be read

	Automatic string  // why it counts as sent by a machine; empty for a person's
	Absent    bool    // an automatic reply, such as that somebody is away
	List      bool    // from a mailing list or newsletter
	Bounce    *Bounce // it tells that another mail did not arrive
	DMARC     string  // what the last server found of the sender's domain: pass, fail, none; empty when it says nothing

	Text     string // what was written, without quoted text and signature
	HTML     string // the same as HTML, not cleaned; empty when there is only text
	Rest     string // quoted text and signature
	RestHTML string
	Files    []File
	Mended   []string // what was broken or is not shown, in sentences
}

// File is what hangs on a mail.
type File struct {
	Name    string
	Type    string // as the mail says
	CID     string // by which its HTML names it; empty for a mere attachment
	Content []byte
}

// Bounce is what a mail tells of another that did not arrive.
type Bounce struct {
	Failed   bool     // for good; false for what is tried again
	To       []string // who did not get it
	Original string   // the message id of the mail that did not arrive; empty when it is not told
}

// Key tells mails apart, also those without a message id.
func (m *Mail) Key() string {
	if m.ID != "" {
		return m.ID
	}
	return "sha256:" + m.Digest
}

// Answers lists the message ids that it may be an answer to, the nearest first.
func (m *Mail) Answers() []string {
	var out []string
	seen := map[string]bool{}
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, id := range m.InReplyTo {
		add(id)
	}
	for i := len(m.References) - 1; i >= 0; i-- {
		add(m.References[i])
	}
	return out
}

// Everybody lists the addresses that it was sent to.
func (m *Mail) Everybody() []string {
	var out []string
	for _, list := range [][]mail.Address{m.To, m.Cc} {
		for _, a := range list {
			out = append(out, a.Address)
		}
	}
	return append(out, m.Delivered...)
}

// Parse reads a mail. Invalid for nothing at all, and for more than MostBytes.
func Parse(raw []byte) (*Mail, error) {
	if len(raw) > MostBytes {
		return nil, fault.New(fault.Invalid, "This mail is larger than %d MB.", MostBytes>>20).WithHint("Ask for the files in another way.")
	}
	m, h, body, err := begin(raw)
	if err != nil {
		return nil, err
	}
	r := &reader{mail: m}
	content := r.part(h, body, 0)
	m.fold(content)
	return m, nil
}

// ParseHeader reads only the header of a mail, such as of one that is too large.
// Invalid for nothing at all.
func ParseHeader(raw []byte) (*Mail, error) {
	m, _, _, err := begin(raw)
	return m, err
}

// begin reads the header.
func begin(raw []byte) (*Mail, header, []byte, error) {
	if len(strings.TrimSpace(string(raw[:min(len(raw), mostHeader)]))) == 0 {
		return nil, nil, nil, fault.New(fault.Invalid, "There is no mail in this.")
	}
	sum := sha256.Sum256(raw)
	m := &Mail{Digest: hex.EncodeToString(sum[:])}
	h, body, broken := split(raw)
	m.mend(broken)
	m.envelope(h)
	m.sort(h)
	return m, h, body, nil
}

func (m *Mail) mend(what string) {
	if what == "" || len(m.Mended) > 20 {
		return
	}
	for _, have := range m.Mended {
		if have == what {
			return
		}
	}
	m.Mended = append(m.Mended, what)
}

// envelope reads who, to whom, when and about what.
func (m *Mail) envelope(h header) {
	from := h.addresses("From")
	if len(from) > 0 {
		m.From = from[0]
	}
	if len(from) > 1 || h.count("From") > 1 {
		m.mend("It names several senders; the first counts.")
	}
	if sender := h.addresses("Sender"); len(sender) > 0 {
		m.Sender = sender[0]
	}
	m.ReplyTo, m.To, m.Cc = h.addresses("Reply-To"), h.addresses("To"), h.addresses("Cc")
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To"} {
		for _, a := range h.addresses(name) {
			m.Delivered = append(m.Delivered, a.Address)
		}
	}
	m.Subject = h.text("Subject")
	if ids := h.ids("Message-Id"); len(ids) > 0 {
		m.ID = ids[0]
	}
	m.InReplyTo, m.References = h.ids("In-Reply-To"), h.ids("References")
	if at, err := mail.ParseDate(strings.TrimSpace(h.get("Date"))); err == nil && at.Year() > 1970 && at.Year() < 2200 {
		m.Date = at
	}
}
