// Package trackertest gives tests of trackers the other side: a name server, hosts
// with certificates of all sorts, a registry.
//
// Always true: everything listens on loopback and is gone when the test ends;
// nothing is asked outside.
package trackertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/dialer"
	"strongroom/internal/feature/tracker/resolve"
)

// Dialer is one that may reach this machine.
func Dialer() *dialer.Dialer {
	return &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

// Zone is what a name server knows: lines like "example.com MX 10 mail.example.com".
// A name with any line exists. "example.com FAIL" makes the server fail.
type Zone struct {
	Addr string

	mu    sync.Mutex
	lines []string
	asked int
}

// Set replaces what it knows.
func (z *Zone) Set(lines ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.lines = lines
}

// Asked tells how many questions it got.
func (z *Zone) Asked() int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked
}

// Resolver asks it.
func (z *Zone) Resolver() *resolve.Client {
	return &resolve.Client{Dialer: Dialer(), Servers: []string{z.Addr}}
}

// Names starts a name server, on a datagram socket and a stream one.
func Names(t testing.TB, lines ...string) *Zone {
	t.Helper()
	z := &Zone{lines: lines}
	tcp, udp := sockets(t)
	z.Addr = tcp.Addr().String()
	t.Cleanup(func() { tcp.Close(); udp.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			if out := z.answer(b[:n], 512); out != nil {
				_, _ = udp.WriteTo(out, from)
			}
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			go z.stream(c)
		}
	}()
	return z
}

// sockets opens a stream and a datagram socket on one port.
func sockets(t testing.TB) (net.Listener, net.PacketConn) {
	t.Helper()
	for range 50 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		if err == nil {
			return tcp, udp
		}
		tcp.Close()
	}
	t.Fatal("no port is free for both")
	return nil, nil
}

func (z *Zone) stream(c net.Conn) {
	defer c.Close()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return
	}
	if out := z.answer(b, 1<<16); out != nil {
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	}
}

func (z *Zone) answer(b []byte, room int) []byte {
	var m dnsmessage.Message
	if m.Unpack(b) != nil || len(m.Questions) != 1 {
		return nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked++
	q := m.Questions[0]
	m.Response, m.Additionals, m.RCode = true, nil, dnsmessage.RCodeNameError
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	for _, line := range z.lines {
		words := strings.SplitN(line, " ", 3)
		if words[0] != name {
			continue
		}
		if words[1] == "FAIL" {
			m.RCode, m.Answers = dnsmessage.RCodeServerFailure, nil
			break
		}
		m.RCode = dnsmessage.RCodeSuccess
		t, body := record(words[1], words[2])
		if t == q.Type || t == dnsmessage.TypeCNAME {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: t}, Body: body})
		}
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	if len(out) > room {
		m.Answers, m.Truncated = nil, true
		out, _ = m.Pack()
	}
	return out
}

func record(kind, value string) (dnsmessage.Type, dnsmessage.ResourceBody) {
	name := func(s string) dnsmessage.Name { return dnsmessage.MustNewName(strings.TrimSuffix(s, ".") + ".") }
	words := strings.Fields(value)
	switch kind {
	case "A":
		return dnsmessage.TypeA, &dnsmessage.AResource{A: netip.MustParseAddr(value).As4()}
	case "AAAA":
		return dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(value).As16()}
	case "NS":
		return dnsmessage.TypeNS, &dnsmessage.NSResource{NS: name(value)}
	case "CNAME":
		return dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: name(value)}
	case "MX":
		n, _ := strconv.Atoi(words[0])
		return dnsmessage.TypeMX, &dnsmessage.MXResource{Pref: uint16(n), MX: name(words[1])}
	case "SOA":
		return dnsmessage.TypeSOA, &dnsmessage.SOAResource{NS: name(words[0]), MBox: name(words[1]), Serial: 1, Refresh: 1, Retry: 1, Expire: 1, MinTTL: 1}
	case "CAA":
		tag := words[1]
		data := append([]byte{0, byte(len(tag))}, tag+strings.Trim(words[2], `"`)...)
		return resolve.TypeCAA, &dnsmessage.UnknownResource{Type: resolve.TypeCAA, Data: data}
	}
	var parts []string
	for len(value) > 200 {
		parts, value = append(parts, value[:200]), value[200:]
	}
	return dnsmessage.TypeTXT, &dnsmessage.TXTResource{TXT: append(parts, value)}
}

// Cert says how a host's certificate is.
type Cert struct {
	Names       []string
	From, Until time.Time // now -1 hour, and 90 days later, when zero
	Self        bool      // signed by itself
	NoChain     bool      // the intermediate certificate is not sent along
}

// Authority signs certificates through an intermediate one.
type Authority struct {
	Roots *x509.CertPool

	t       testing.TB
	between *x509.Certificate
	key     *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, Roots: x509.NewCertPool()}
	root, rootKey := a.issue(ca("Test Root"), nil, nil)
	a.Roots.AddCert(root)
	a.between, a.key = a.issue(ca("Test Issuing CA"), root, rootKey)
	return a
}

func ca(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name, Organization: []string{"Example Trust"}}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().AddDate(-5, 0, 0), NotAfter: time.Now().AddDate(5, 0, 0)}
}

func (a *Authority) issue(c, by *x509.Certificate, with *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if by == nil {
		by, with = c, key
	}
	if c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return out, key
}

// Host serves a certificate that can be replaced.
type Host struct {
	Port string

	mu   sync.Mutex
	cert *tls.Certificate
	a    *Authority
}

// Present makes the host show another certificate.
func (h *Host) Present(c Cert) {
	h.a.t.Helper()
	out := h.a.make(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cert = &out
}

// Config is how a server of another protocol shows a certificate.
func (a *Authority) Config(c Cert) *tls.Config {
	a.t.Helper()
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{a.make(c)}}
}

// make makes a certificate with what is sent along.
func (a *Authority) make(c Cert) tls.Certificate {
	a.t.Helper()
	if c.From.IsZero() {
		c.From = time.Now().Add(-time.Hour)
	}
	if c.Until.IsZero() {
		c.Until = c.From.AddDate(0, 0, 90)
	}
	tmpl := &x509.Certificate{Subject: pkix.Name{CommonName: c.Names[0]}, DNSNames: c.Names, NotBefore: c.From, NotAfter: c.Until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if c.Self {
		leaf, key := a.issue(tmpl, nil, nil)
		return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}
	}
	leaf, key := a.issue(tmpl, a.between, a.key)
	out := tls.Certificate{Certificate: [][]byte{leaf.Raw, a.between.Raw}, PrivateKey: key}
	if c.NoChain {
		out.Certificate = out.Certificate[:1]
	}
	return out
}

// Serve starts a host on this machine.
func (a *Authority) Serve(c Cert) *Host {
	a.t.Helper()
	h := &Host{a: a}
	h.Present(c)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.cert, nil
	}})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { l.Close() })
	_, h.Port, _ = net.SplitHostPort(l.Addr().String())
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.(*tls.Conn).Handshake()
			}()
		}
	}()
	return h
}

// Registry answers for domains by RDAP, over https.
type Registry struct {
	Client    *http.Client
	Bootstrap string // address of a list of registries that names this one for com and example

	mu      sync.Mutex
	answers map[string]string
	Status  int // answered to everything, when not 0
	Asked   []string
}

// Set makes it answer with a document to a domain; an empty one is unknown.
func (g *Registry) Set(domain, document string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers[domain] = document
}

// NewRegistry starts one.
func NewRegistry(t testing.TB) *Registry {
	t.Helper()
	g := &Registry{answers: map[string]string{}}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if r.URL.Path == "/dns.json" {
			_, _ = io.WriteString(w, `{"version":"1.0","services":[[["com","example"],["https://`+r.Host+`/rdap/"]]]}`)
			return
		}
		g.Asked = append(g.Asked, r.URL.Path)
		if g.Status != 0 {
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(g.Status)
			return
		}
		answer := g.answers[strings.TrimPrefix(r.URL.Path, "/rdap/domain/")]
		if answer == "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/rdap+json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	g.Client = Dialer().Client(dialer.Limits{TLS: s.Client().Transport.(*http.Transport).TLSClientConfig})
	g.Bootstrap = s.URL + "/dns.json"
	return g
}

// Domain is a registry's answer.
func Domain(name, registrar, expires string, servers ...string) string {
	var ns []string
	for _, s := range servers {
		ns = append(ns, `{"objectClassName":"nameserver","ldhName":"`+s+`"}`)
	}
	return `{"objectClassName":"domain","ldhName":"` + name + `","status":["clientTransferProhibited"],
		"events":[{"eventAction":"registration","eventDate":"2014-05-06T07:08:09Z"},{"eventAction":"expiration","eventDate":"` + expires + `T04:00:00Z"},
			{"eventAction":"last update of RDAP database","eventDate":"2026-03-02T09:00:00Z"}],
		"nameservers":[` + strings.Join(ns, ",") + `],"secureDNS":{"delegationSigned":true},
		"entities":[{"objectClassName":"entity","roles":["registrar"],"handle":"292","publicIds":[{"type":"IANA Registrar ID","identifier":"292"}],
			"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","` + registrar + `"]]]}]}`
}
