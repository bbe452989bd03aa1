package mail

import (
	"bytes"
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
	ID      string // unique, without the domain; the same for each try at the same mail
	To      mail.Address
	Subject string
	Text    string
	HTML    string // the same for those who see HTML; empty for text alone
	Date    time.Time
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

// bytes writes the mail as it is sent.
func (m Message) bytes(from mail.Address) ([]byte, error) {
	_, domain, _ := strings.Cut(from.Address, "@")
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	from.Name, m.To.Name = line(from.Name), line(m.To.Name)
	header("From", from.String())
	header("To", m.To.String())
	header("Subject", mime.QEncoding.Encode("utf-8", line(m.Subject)))
	header("Date", m.Date.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+line(m.ID)+"@"+domain+">")
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	if m.HTML == "" {
		header("Content-Type", "text/plain; charset=utf-8")
		header("Content-Transfer-Encoding", "quoted-printable")
		b.WriteString("\r\n")
		err := body(&b, m.Text)
		return b.Bytes(), err
	}
	parts := multipart.NewWriter(&b)
	header("Content-Type", `multipart/alternative; boundary="`+parts.Boundary()+`"`)
	b.WriteString("\r\n")
	for _, p := range []struct{ kind, text string }{{"text/plain; charset=utf-8", m.Text}, {"text/html; charset=utf-8", m.HTML}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {p.kind}, "Content-Transfer-Encoding": {"quoted-printable"}})
		if err != nil {
			return nil, err
		}
		if err := body(w, p.text); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return b.Bytes(), err
}

func body(w io.Writer, text string) error {
	q := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(q, strings.ReplaceAll(text, "\r\n", "\n")); err != nil {
		return err
	}
	return q.Close()
}
