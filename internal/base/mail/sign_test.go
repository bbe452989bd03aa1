package mail_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	netmail "net/mail"
	"os"
	"os/exec"
	"strings"
	"testing"

	"strongroom/internal/base/mail"
)

// verifies is a verifier that others wrote: it takes the records that are published and a
// mail, and says of each signature whether it holds.
const verifies = `
import sys, json, dkim
zone = json.loads(sys.argv[1])
mail = sys.stdin.buffer.read()
def txt(name, timeout=5):
    return zone.get(name.decode().rstrip('.'), '').encode() or None
d = dkim.DKIM(mail, minkey=1024)
n = len([h for h in d.headers if h[0].lower() == b'dkim-signature'])
out = []
for i in range(n):
    try:
        out.append(dkim.DKIM(mail).verify(idx=i, dnsfunc=txt))
    except Exception as e:
        out.append(False)
print(json.dumps(out))
`

// verify asks it.
func verify(t *testing.T, text string, keys ...mail.Key) (held []bool) {
	t.Helper()
	const python = "/usr/bin/python3"
	if _, err := os.Stat("/usr/lib/python3/dist-packages/dkim"); err != nil {
		t.Skip("dkimpy is not installed: run tools/packages")
	}
	zone := map[string]string{}
	for _, k := range keys {
		record, err := k.Record()
		if err != nil {
			t.Fatal(err)
		}
		zone[k.Name()] = record
	}
	published, err := json.Marshal(zone)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", verifies, string(published))
	cmd.Stdin = strings.NewReader(text)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if err := json.Unmarshal(out, &held); err != nil {
		t.Fatal(err)
	}
	return held
}

func all(list []bool, n int) bool {
	for _, ok := range list {
		if !ok {
			return false
		}
	}
	return len(list) == n
}

// TestSigned: a mail bears a signature of each key of its sender's domain, which a verifier
// of others accepts, and does not after anything of it was changed or added.
func TestSigned(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := func(domain, selector string, s crypto.Signer) mail.Key {
		return mail.Key{Domain: domain, Selector: selector, Signer: s}
	}
	mine := []mail.Key{key("northbeam.example", "a", big), key("northbeam.example", "b", small)}
	r := serve(t, mail.Plain)
	c := r.client(mail.Plain)
	c.Keys = append(mine, key("other.example", "c", small))
	m := letter
	m.Head.ReplyTo = netmail.Address{Address: "desk@northbeam.example"}
	m.Files = []mail.File{{Name: "plan.txt", Type: "text/plain", Content: []byte("one\r\n.\r\ntwo  \n\n")}}
	if err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(r.got[0], "\n")
	if n := strings.Count(text, "DKIM-Signature:"); n != 2 || strings.Contains(text, "other.example") {
		t.Fatalf("%d signatures:\n%s", n, text)
	}
	if got := verify(t, text, mine...); !all(got, 2) {
		t.Errorf("as it was sent: %v\n%s", got, text)
	}
	for name, change := range map[string]func(string) string{
		"another subject": func(s string) string { return strings.Replace(s, "Subject: ", "Subject: Re ", 1) },
		"another text":    func(s string) string { return strings.Replace(s, "\r\n\r\n", "\r\n\r\nMore. ", 1) },
		"a second From":   func(s string) string { return "From: boss@northbeam.example\r\n" + s },
		"a second Subject": func(s string) string {
			return strings.Replace(s, "Date: ", "Subject: Pay now\r\nDate: ", 1)
		},
		"a Cc that there was not": func(s string) string { return "Cc: all@example.com\r\n" + s },
	} {
		if got := verify(t, change(text), mine...); len(got) != 2 || got[0] || got[1] {
			t.Errorf("%s: %v", name, got)
		}
	}
	for text, want := range map[string]bool{"v=DKIM1;k=ed25519; p=" + mustRecord(t, mine[1]): true, "k=ed25519;p=" + mustRecord(t, mine[1])[:20] + " " + mustRecord(t, mine[1])[20:]: true,
		"v=DKIM1; p=" + mustRecord(t, mine[1]): false, "v=DKIM1; k=ed25519; p=": false, "v=DKIM1; k=ed25519; t=y; p=" + mustRecord(t, mine[1]): false, "": false} {
		if mine[1].Published(text) != want {
			t.Errorf("%q counts as published: %t", text, !want)
		}
	}
}

func mustRecord(t *testing.T, k mail.Key) string {
	t.Helper()
	text, err := k.Record()
	if err != nil {
		t.Fatal(err)
	}
	_, p, _ := strings.Cut(text, "p=")
	return p
}
