package ldap_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/feature/rotation/connector/ldap"
)

const (
	ruth  = "uid=ruth,dc=harbour,dc=example"
	guest = "uid=guest,dc=harbour,dc=example"
	admin = "cn=admin,dc=harbour,dc=example"
)

func plain(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// directory is an OpenLDAP server on loopback.
type directory struct {
	address, pin string
	dir, slapd   string
}

func open(t *testing.T) *directory {
	t.Helper()
	d := &directory{slapd: "/usr/sbin/slapd"}
	for _, p := range []string{d.slapd, "/etc/ldap/schema/core.schema", "/usr/lib/ldap/back_mdb.la"} {
		if _, err := os.Stat(p); err != nil {
			t.Skip("OpenLDAP's server is not installed: " + p + " is not there")
		}
	}
	var err error
	if d.dir, err = os.MkdirTemp("", "sr-ldap"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(d.dir); err != nil {
			t.Error(err)
		}
	})
	d.certify(t)
	d.write(t, "slapd.conf", `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.90 NAME 'unicodePwd' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile `+d.dir+`/pid
TLSCertificateFile `+d.dir+`/cert.pem
TLSCertificateKeyFile `+d.dir+`/key.pem
database mdb
suffix "dc=harbour,dc=example"
rootdn "`+admin+`"
rootpw Admin-Anchor-9
directory `+d.dir+`/db
access to attrs=userPassword,unicodePwd by self write by anonymous auth by * none
access to * by users read
`)
	person := func(dn, uid, password string) string {
		return "dn: " + dn + "\nobjectClass: inetOrgPerson\nobjectClass: extensibleObject\nuid: " + uid + "\ncn: " + uid + "\nsn: " + uid + "\nuserPassword: " + password + "\n\n"
	}
	d.write(t, "data.ldif", "dn: dc=harbour,dc=example\nobjectClass: domain\ndc: harbour\n\n"+person(ruth, "ruth", "Kelp-Anchor-9")+person(guest, "guest", "Guest-Anchor-9"))
	if err := os.Mkdir(filepath.Join(d.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	add := exec.CommandContext(t.Context(), d.slapd, "-T", "add", "-f", filepath.Join(d.dir, "slapd.conf"), "-l", filepath.Join(d.dir, "data.ldif"))
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v: %s", err, out)
	}
	d.start(t)
	return d
}

func (d *directory) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *directory) certify(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"}}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	d.pin = fmt.Sprintf("SHA256:%x", sha256.Sum256(raw))
	d.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	d.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// start starts the server and waits until it answers.
func (d *directory) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	run := exec.Command(d.slapd, "-d", "0", "-f", filepath.Join(d.dir, "slapd.conf"), "-h", "ldap://"+d.address)
	run.Stdout, run.Stderr = &out, &out
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait() // it was killed
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		c, err := plain(t.Context(), "tcp", d.address)
		if err == nil {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("slapd does not answer: %s", out.String())
}

func TestChangesInADirectory(t *testing.T) {
	d := open(t)
	s := ldap.Connectors(plain)[0]
	for name, at := range map[string]connector.Target{"on this machine": {Address: d.address, Account: ruth}, "encrypted": {Address: d.address, Account: ruth, Pin: d.pin}} {
		now := "Kelp-Anchor-9"
		if err := s.Valid(at); err != nil {
			t.Fatal(err)
		}
		opens := func(secret string, want bool) {
			t.Helper()
			if ok, err := s.Opens(t.Context(), at, secret); err != nil || ok != want {
				t.Errorf("%s: %q opens: %v, %v", name, secret, ok, err)
			}
		}
		opens(now, true)
		opens("wrong", false)
		opens("", false)
		for i, by := range []connector.Login{{Name: ruth, Own: true}, {Name: admin, Secret: "Admin-Anchor-9"}} {
			c := connector.Change{Target: at, By: by, Now: now, Next: "Next-Anchor-10"}
			if by.Own {
				c.By.Secret = now
			}
			if i == 1 {
				c.Next = "Kelp-Anchor-9" // as it was, for the next round
			}
			if err := s.Check(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			opens(c.Now, true)
			opens(c.Next, false)
			if err := s.Change(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			opens(c.Next, true)
			opens(c.Now, false)
			now = c.Next
		}
	}
	try := func(what string, want fault.Kind, c connector.Change) {
		t.Helper()
		if err := s.Change(t.Context(), c); !fault.Is(err, want) || strings.Contains(err.Error(), "Anchor") {
			t.Errorf("%s: %v", what, err)
		}
	}
	at := connector.Target{Address: d.address, Account: ruth}
	try("by a guest", fault.Denied, connector.Change{Target: at, By: connector.Login{Name: guest, Secret: "Guest-Anchor-9"}, Next: "Never-Anchor-11"})
	try("by a wrong password", fault.Denied, connector.Change{Target: at, By: connector.Login{Name: admin, Secret: "wrong"}, Next: "Never-Anchor-11"})
	at.Pin = "SHA256:" + strings.Repeat("0", 64)
	try("another certificate", fault.Denied, connector.Change{Target: at, By: connector.Login{Name: admin, Secret: "Admin-Anchor-9"}, Next: "Never-Anchor-11"})
	if _, err := s.Opens(t.Context(), at, "x"); !strings.Contains(fault.Say(err).Hint, d.pin) {
		t.Errorf("the fingerprint that was seen is not told: %v", err)
	}
	nobody := connector.Target{Address: "localhost:" + d.address[strings.LastIndex(d.address, ":")+1:], Account: ruth}
	if _, err := s.Opens(t.Context(), nobody, "x"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
	if err := s.Check(t.Context(), connector.Change{Target: connector.Target{Address: d.address, Account: "uid=nobody,dc=harbour,dc=example"}, By: connector.Login{Name: admin, Secret: "Admin-Anchor-9"}}); !fault.Is(err, fault.Denied) {
		t.Errorf("the dry run of an account that is not there: %v", err)
	}
	dry := connector.Target{Address: d.address, Account: ruth}
	for what, by := range map[string]connector.Login{"a wrong password": {Name: admin, Secret: "wrong"}, "a wrong password of its own": {Name: ruth, Secret: "wrong", Own: true}} {
		if err := s.Check(t.Context(), connector.Change{Target: dry, By: by, Next: "Never-Anchor-11"}); !fault.Is(err, fault.Denied) || fault.Say(err).Hint == "" {
			t.Errorf("the dry run by %s: %v", what, err)
		}
	}
	if ok, err := s.Opens(t.Context(), dry, "Never-Anchor-11"); err != nil || ok {
		t.Errorf("what a dry run was to set opens: %v, %v", ok, err)
	}
}

// Active Directory is not to be had here: what it is sent goes to a server that has its
// attribute and compares it as it would be kept there.
func TestWhatActiveDirectoryIsSent(t *testing.T) {
	d := open(t)
	s := ldap.Connectors(plain)[1]
	at := connector.Target{Address: d.address, Account: ruth}
	root := connector.Login{Name: admin, Secret: "Admin-Anchor-9"}
	own := connector.Login{Name: ruth, Secret: "Kelp-Anchor-9", Own: true}
	for _, c := range []connector.Change{{Target: at, By: root, Next: "First-1"}, {Target: at, By: own, Now: "First-1", Next: "Sécond-2"}} {
		if err := s.Change(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Change(t.Context(), connector.Change{Target: at, By: own, Now: "First-1", Next: "Third-3"}); !fault.Is(err, fault.Denied) {
		t.Errorf("an earlier password that is not the present one: %v", err)
	}
	show := exec.CommandContext(t.Context(), d.slapd, "-T", "cat", "-f", filepath.Join(d.dir, "slapd.conf"))
	out, err := show.Output()
	if err != nil || !strings.Contains(string(out), "unicodePwd:: IgBTAOkAYwBvAG4AZAAtADIAIgA=") {
		t.Errorf("the directory holds %s, %v", out, err)
	}
}

// FuzzAnswers: whatever a server answers, the connector ends with an error or an answer.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"))
	f.Add([]byte("\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x31\x04\x00\x04\x00"))
	f.Add([]byte("\x30\x84\xff\xff\xff\xff\x02\x01"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := ldap.Connectors(func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				_, _ = there.Read(make([]byte, 4096))
				_, _ = there.Write(b)
				_ = there.Close()
			}()
			return here, nil
		})[0]
		ok, err := s.Opens(t.Context(), connector.Target{Address: "127.0.0.1:389", Account: ruth}, "x")
		if ok && (err != nil || !bytes.Contains(b, []byte{0x0a, 1, 0})) {
			t.Errorf("%x opens, %v", b, err)
		}
	})
}
