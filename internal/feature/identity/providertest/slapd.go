package providertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
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

	"github.com/go-ldap/ldap/v3"
)

// Authority signs certificates for servers of tests.
type Authority struct {
	PEM  string // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{}
	var der []byte
	a.key, der = issue(t, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

func issue(t testing.TB, what *x509.Certificate, by *Authority) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := what, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, what, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// Certificate gives a certificate for addresses or names, with its key.
func (a *Authority) Certificate(t testing.TB, until time.Time, names ...string) (cert, key []byte) {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	k, der := issue(t, c, a)
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// The names and passwords of OpenLDAP's people.
const (
	DirectoryBase    = "dc=example,dc=test"
	ServiceDN        = "cn=reader," + DirectoryBase
	ServicePassword  = "a word for the reader alone"
	rootDN, rootWord = "cn=root," + DirectoryBase, "the root of this directory"
)

// OpenLDAP is a directory server that others wrote, started for a test.
type OpenLDAP struct {
	Plain, TLS string // its addresses: ldap:// with StartTLS, ldaps://
	Authority  *Authority
	Cert       string // of the server itself, in PEM

	t testing.TB
}

// slapdConf takes the directory, the log and the security strength of simple binds.
const slapdConf = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile %[1]s/slapd.pid
argsfile %[1]s/slapd.args
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
TLSVerifyClient never
security simple_bind=%[2]d
sizelimit 500
database mdb
maxsize 67108864
suffix "dc=example,dc=test"
rootdn "cn=root,dc=example,dc=test"
rootpw "the root of this directory"
directory %[1]s/db
index objectClass,uid,mail,member,entryUUID eq
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by * none
overlay ppolicy
ppolicy_default "cn=default,ou=policies,dc=example,dc=test"
`

// StartOpenLDAP starts one with people, of whom seed may add some in LDIF. It takes
// passwords over TLS only, unless readable is set. The test is skipped by name where
// OpenLDAP is not installed.
func StartOpenLDAP(t testing.TB, readable bool, seed string) *OpenLDAP {
	t.Helper()
	const slapd, slapadd = "/usr/sbin/slapd", "/usr/sbin/slapadd"
	for _, p := range []string{slapd, slapadd, "/etc/ldap/schema/inetorgperson.schema"} {
		if _, err := os.Stat(p); err != nil {
			t.Skip("OpenLDAP (slapd) is not installed: run tools/packages")
		}
	}
	dir, err := os.MkdirTemp("", "slapd") // short enough for what slapd makes in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &OpenLDAP{Authority: NewAuthority(t), t: t}
	cert, key := d.Authority.Certificate(t, time.Now().Add(24*time.Hour), "127.0.0.1")
	d.Cert = string(cert)
	strength := 128
	if readable {
		strength = 0
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cert.pem", cert)
	write("key.pem", key)
	write("slapd.conf", fmt.Appendf(nil, slapdConf, dir, strength))
	write("seed.ldif", []byte(directorySeed()+seed))
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "slapd.conf")
	if out, err := exec.CommandContext(t.Context(), slapadd, "-f", conf, "-b", DirectoryBase, "-q", "-l", filepath.Join(dir, "seed.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	plain, tls := FreePort(t), FreePort(t)
	d.Plain, d.TLS = "ldap://"+plain, "ldaps://"+tls
	cmd := exec.CommandContext(t.Context(), slapd, "-f", conf, "-h", d.Plain+"/ "+d.TLS+"/", "-d", "0")
	cmd.Stderr, cmd.Stdout = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	awaitPort(t, tls)
	return d
}

// FreePort gives an address of this machine at which nothing listens.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// awaitPort waits until something listens.
func awaitPort(t testing.TB, addr string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nothing listens at %s: %v", addr, err)
		}
		time.Sleep(5 * time.Millisecond) // a refused connection comes back at once
	}
}

// Root gives a connection that may change everything.
func (d *OpenLDAP) Root() *ldap.Conn {
	d.t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(d.Authority.PEM))
	c, err := ldap.DialURL(d.TLS, ldap.DialWithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	if err == nil {
		err = c.Bind(rootDN, rootWord)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Person is an entry of LDIF: the password of somebody is her name and "-pass".
func PersonLDIF(uid, given, sn, mail string) string {
	b := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	out := fmt.Sprintf("dn:: %s\nobjectClass: inetOrgPerson\nuid:: %s\ncn:: %s\nsn:: %s\ngivenName:: %s\nuserPassword:: %s\n",
		b("uid="+ldap.EscapeDN(uid)+",ou=people,"+DirectoryBase), b(uid), b(given+" "+sn), b(sn), b(given), b(uid+"-pass"))
	if mail != "" {
		out += "mail: " + mail + "\n"
	}
	return out
}

// GroupLDIF is a group of entries, each named by its distinguished name.
func GroupLDIF(name string, members ...string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %s\n", name, DirectoryBase, name)
	for _, m := range members {
		fmt.Fprintf(&s, "member:: %s\n", base64.StdEncoding.EncodeToString([]byte(m)))
	}
	return s.String() + "\n"
}

// PersonDN names a person's entry.
func PersonDN(uid string) string { return "uid=" + ldap.EscapeDN(uid) + ",ou=people," + DirectoryBase }

// GroupDN names a group's entry.
func GroupDN(name string) string { return "cn=" + name + ",ou=groups," + DirectoryBase }

// directorySeed is who is in the directory.
func directorySeed() string {
	var s strings.Builder
	fmt.Fprintf(&s, "dn: %[1]s\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n", DirectoryBase)
	for _, ou := range []string{"people", "groups", "policies"} {
		fmt.Fprintf(&s, "dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n", ou, DirectoryBase, ou)
	}
	fmt.Fprintf(&s, "dn: cn=default,ou=policies,%s\nobjectClass: person\nobjectClass: pwdPolicy\ncn: default\nsn: default\npwdAttribute: userPassword\npwdLockout: TRUE\n\n", DirectoryBase)
	fmt.Fprintf(&s, "dn: %s\nobjectClass: person\ncn: reader\nsn: reader\nuserPassword: %s\n\n", ServiceDN, ServicePassword)
	for _, p := range [][4]string{
		{"alice", "Alice", "Ångström", "alice@example.com"}, {"bob", "Bob", "O'Neil, Jr.", "bob@example.com"},
		{"*)(uid=*", "Eve", "*)(uid=*", "eve@example.com"}, {"zoë", "Zoë", "Łukasiewicz", "zoe@example.com"},
		{"dave", "Dave", "Locked", "dave@example.com"}, {"twin1", "Twin", "One", "twin@example.com"}, {"twin2", "Twin", "Two", "twin@example.com"},
		{"nomail", "Nora", "Mailless", ""},
	} {
		s.WriteString(PersonLDIF(p[0], p[1], p[2], p[3]))
		if p[0] == "dave" {
			s.WriteString("pwdAccountLockedTime: 000001010000Z\n")
		}
		s.WriteString("\n")
	}
	s.WriteString(GroupLDIF("technicians", PersonDN("alice"), PersonDN("*)(uid=*")))
	s.WriteString(GroupLDIF("staff", GroupDN("technicians"), PersonDN("bob")))
	s.WriteString(GroupLDIF("everyone", GroupDN("staff"), GroupDN("circle")))
	s.WriteString(GroupLDIF("circle", GroupDN("everyone"))) // in each other
	return s.String()
}
