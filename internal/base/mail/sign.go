package mail

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/mail"
	"net/textproto"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// Key signs the mail of a domain (RFC 6376; RFC 8463 for Ed25519).
type Key struct {
	Domain, Selector string
	Signer           crypto.Signer
}

// Name is where the key's record is published.
func (k Key) Name() string { return k.Selector + "._domainkey." + k.Domain }

// Record is the text that is published there.
func (k Key) Record() (string, error) {
	switch p := k.Signer.Public().(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(p), nil
	case *rsa.PublicKey:
		raw, err := x509.MarshalPKIXPublicKey(p)
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(raw), err
	default:
		return "", fmt.Errorf("%T is no key for mail", p)
	}
}

// Published tells whether a text that was found at a key's name is its record, however it
// is written.
func (k Key) Published(text string) bool {
	want, err := k.Record()
	if err != nil {
		return false
	}
	tag := func(s, name string) string {
		for part := range strings.SplitSeq(s, ";") {
			if n, v, ok := strings.Cut(part, "="); ok && strings.TrimSpace(n) == name {
				return strings.Join(strings.Fields(v), "")
			}
		}
		return ""
	}
	kind := tag(text, "k")
	if kind == "" {
		kind = "rsa"
	}
	return tag(text, "p") == tag(want, "p") && kind == tag(want, "k") && (tag(text, "v") == "" || tag(text, "v") == "DKIM1") && !strings.Contains(tag(text, "t"), "y")
}

// signedFields are the fields of a header that a signature holds: each once more than
// it is there, so that nobody adds another that readers show instead.
func signedFields() []string {
	return []string{"From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted"}
}

// sign puts a signature of each key before a mail, of those that are of its sender's
// domain: a signature of another says nothing to who looks at the address.
func sign(raw []byte, from mail.Address, keys []Key) ([]byte, error) {
	at := strings.LastIndexByte(from.Address, '@')
	domain := strings.ToLower(from.Address[at+1:])
	there, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	var fields []string
	for _, name := range signedFields() {
		fields = append(fields, name)
		for range there.Header[textproto.CanonicalMIMEHeaderKey(name)] {
			fields = append(fields, name)
		}
	}
	out := raw
	for _, k := range keys {
		if k.Domain != domain {
			continue
		}
		var signed bytes.Buffer
		o := &dkim.SignOptions{Domain: k.Domain, Selector: k.Selector, Signer: k.Signer, Hash: crypto.SHA256, HeaderKeys: fields,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed}
		if err := dkim.Sign(&signed, bytes.NewReader(raw), o); err != nil {
			return nil, err
		}
		out = append(signed.Bytes()[:signed.Len()-len(raw):signed.Len()-len(raw)], out...)
	}
	return out, nil
}
