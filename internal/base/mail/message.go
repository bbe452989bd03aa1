package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// Message is one mail to one person.
type Message struct {
	ID      string // unique; the domain of who sends it is added when it has none; the same for each try at the same mail
	To      mail.Address
	Subject string
	Text    string
	HTML    string // the same for those who see HTML; empty for text alone
	Date    time.Time
	Head    Head
	Files   []File
}

// Head is what the header of a mail says beyond the usual.
type Head struct {
	From       mail.Address   // in place of the relay's; also whom a mail that does not arrive comes back to
	ReplyTo    mail.Address   // none when empty
	To, Cc     []mail.Address // who is named as having got it; Message.To alone when both are empty
	InReplyTo  string         // a message id without its brackets
	References []string       // likewise, the oldest first
	// Auto is what RFC 3834 calls such a mail: auto-generated when empty, auto-replied,
	// or no for what a person wrote, which is not said at all.
	Auto string
}

// Written is Head.Auto of a mail that a person wrote, Replied of one that answers
// another by itself.
const (
	Written = "no"
	Replied = "auto-replied"
)

// File is what hangs on a mail.
type File struct {
	Name    string
	Type    string // application/octet-stream when empty
	Content []byte
}

// ParseAddress reads an address, with a name or without one. Invalid for what is none.
func ParseAddress(s string) (mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || strings.ContainsAny(a.Address, "\r\n\x00") || len(a.Address) > 254 {
		return mail.Address{}, fault.New(fault.Invalid, "%q is no e-mail address.", s)
	}
	return *a, nil
}

// line takes what would end a header's line out of a text.
func line(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }), " ")
}

// ids writes message ids as a header holds them.
func ids(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = "<" + strings.Map(func(r rune) rune {
			if r <= ' ' || r >= 0x7f || r == '<' || r == '>' {
				return -1
			}
			return r
		}, s) + ">"
	}
	return strings.Join(out, "\r\n ")
}

func addresses(list []mail.Address) string {
	out := make([]string, len(list))
	for i, a := range list {
		a.Name = line(a.Name)
		out[i] = a.String()
	}
	return strings.Join(out, ",\r\n ")
}

// bytes writes the mail as it is sent.
func (m Message) bytes(from mail.Address) ([]byte, error) {
	_, domain, _ := strings.Cut(from.Address, "@")
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", addresses([]mail.Address{from}))
	if m.Head.ReplyTo.Address != "" {
		header("Reply-To", addresses([]mail.Address{m.Head.ReplyTo}))
	}
	if to := m.Head.To; len(to) > 0 {
		header("To", addresses(to))
	} else if len(m.Head.Cc) == 0 {
		header("To", addresses([]mail.Address{m.To}))
	}
	if len(m.Head.Cc) > 0 {
		header("Cc", addresses(m.Head.Cc))
	}
	header("Subject", mime.QEncoding.Encode("utf-8", line(m.Subject)))
	header("Date", m.Date.UTC().Format(time.RFC1123Z))
	own := m.ID
	if !strings.Contains(own, "@") {
		own += "@" + domain
	}
	header("Message-ID", ids([]string{own}))
	if m.Head.InReplyTo != "" {
		header("In-Reply-To", ids([]string{m.Head.InReplyTo}))
	}
	if len(m.Head.References) > 0 {
		header("References", ids(m.Head.References))
	}
	switch m.Head.Auto {
	case Written:
	case "":
		header("Auto-Submitted", "auto-generated")
	default:
		header("Auto-Submitted", line(m.Head.Auto))
		header("X-Auto-Response-Suppress", "All")
	}
	header("MIME-Version", "1.0")
	if len(m.Files) == 0 {
		err := m.said(func(h textproto.MIMEHeader) (io.Writer, error) {
			for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
				if h.Get(name) != "" {
					header(name, h.Get(name))
				}
			}
			b.WriteString("\r\n")
			return &b, nil
		})
		return b.Bytes(), err
	}
	parts := multipart.NewWriter(&b)
	header("Content-Type", `multipart/mixed; boundary="`+parts.Boundary()+`"`)
	b.WriteString("\r\n")
	if err := m.said(parts.CreatePart); err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if err := f.write(parts); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return b.Bytes(), err
}

// said writes the text of the mail as a part.
func (m Message) said(part func(textproto.MIMEHeader) (io.Writer, error)) error {
	plain := textproto.MIMEHeader{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}
	if m.HTML == "" {
		w, err := part(plain)
		if err != nil {
			return err
		}
		return body(w, m.Text)
	}
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	rich := textproto.MIMEHeader{"Content-Type": {"text/html; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}
	for _, p := range []struct {
		head textproto.MIMEHeader
		text string
	}{{plain, m.Text}, {rich, m.HTML}} {
		w, err := parts.CreatePart(p.head)
		if err != nil {
			return err
		}
		if err := body(w, p.text); err != nil {
			return err
		}
	}
	if err := parts.Close(); err != nil {
		return err
	}
	w, err := part(textproto.MIMEHeader{"Content-Type": {`multipart/alternative; boundary="` + parts.Boundary() + `"`}})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// write writes a file as a part.
func (f File) write(parts *multipart.Writer) error {
	kind, _, err := mime.ParseMediaType(f.Type)
	if err != nil {
		kind = "application/octet-stream"
	}
	w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {kind}, "Content-Transfer-Encoding": {"base64"},
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": line(f.Name)})}})
	if err != nil {
		return err
	}
	const width = 57 // bytes of a line of 76 characters
	var b bytes.Buffer
	for rest := f.Content; len(rest) > 0; {
		n := min(width, len(rest))
		b.WriteString(base64.StdEncoding.EncodeToString(rest[:n]) + "\r\n")
		rest = rest[n:]
	}
	_, err = w.Write(b.Bytes())
	return err
}

func body(w io.Writer, text string) error {
	q := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(q, strings.ReplaceAll(text, "\r\n", "\n")); err != nil {
		return err
	}
	return q.Close()
}
