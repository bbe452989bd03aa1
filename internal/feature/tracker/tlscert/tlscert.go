// Package tlscert looks at the certificate that a host presents.
//
// Always true: a certificate that does not verify is recorded like any other, with
// the reason; nothing but a handshake is sent, and of a mail server the words that
// begin one; nothing that the host says afterwards is read.
package tlscert

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/pace"
	"strongroom/internal/feature/tracker/seen"
)

// Source asks hosts for their certificates.
type Source struct {
	Dialer *dialer.Dialer
	Pace   *pace.Hosts
	Roots  *x509.CertPool   // the system's when nil
	Port   string           // where a host is asked that names no port; 443 when empty
	SMTP   []string         // ports at which TLS begins with SMTP's STARTTLS (RFC 3207); 25 and 587 when nil
	Time   time.Duration    // for one handshake; 10 seconds when 0
	Now    func() time.Time // nil is time.Now
}

const handshakeTime = 10 * time.Second

// Tracker describes it.
func (s *Source) Tracker() seen.Tracker {
	return seen.Tracker{Name: "tls", Title: "TLS certificate", Icon: "certificate", Kinds: []string{"domain", "ssl_certificate"}, Every: 12 * time.Hour, Fetch: s.Fetch}
}

// Fetch does a handshake with a host.
func (s *Source) Fetch(ctx context.Context, t seen.Target) (*seen.Report, error) {
	port := t.Port
	if port == "" {
		port = s.Port
	}
	if port == "" {
		port = "443"
	}
	addr := net.JoinHostPort(t.Host, port)
	if s.Pace != nil {
		if err := s.Pace.Wait(ctx, addr); err != nil {
			return nil, err
		}
	}
	state, err := s.handshake(ctx, addr, t.Host)
	if err != nil {
		return nil, err
	}
	if len(state.PeerCertificates) == 0 {
		return nil, fault.New(fault.Unavailable, "%s showed no certificate.", addr)
	}
	return s.report(t, state), nil
}

func (s *Source) handshake(ctx context.Context, addr, name string) (*tls.ConnectionState, error) {
	limit := s.Time
	if limit == 0 {
		limit = handshakeTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := s.Dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, unreachable(err, addr)
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return nil, err
		}
	}
	// What the host presents is judged afterwards, in words: a certificate that
	// does not verify is what one wants to hear of.
	config := &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10} // #nosec G402 -- nothing is sent over it
	if _, port, _ := net.SplitHostPort(addr); s.mail(port) {
		return startTLS(conn, addr, name, config)
	}
	c := tls.Client(conn, config)
	if err := c.HandshakeContext(ctx); err != nil {
		if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
			return nil, fault.Wrap(header, fault.Unavailable, "%s answers, and does not speak TLS there from the first byte.", addr).
				WithHint("Check the port. Where encryption begins later (STARTTLS) only mail servers at 25 and 587 are looked at; for 110 and 143 use 995 and 993.")
		}
		return nil, fault.Wrap(err, fault.Unavailable, "%s breaks off the handshake.", addr).WithHint("It may want a client's certificate, or speak none of the versions of TLS from 1.0.")
	}
	state := c.ConnectionState()
	return &state, nil
}

// mail tells whether TLS begins with SMTP's STARTTLS at a port.
func (s *Source) mail(port string) bool {
	if s.SMTP == nil {
		return port == "25" || port == "587"
	}
	return slices.Contains(s.SMTP, port)
}

// startTLS asks a mail server to begin TLS.
func startTLS(conn net.Conn, addr, name string, config *tls.Config) (*tls.ConnectionState, error) {
	c, err := smtp.NewClient(conn, name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "%s does not answer as a mail server.", addr).WithHint("Check the port.")
	}
	if err := c.StartTLS(config); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The mail server at %s does not begin TLS.", addr).WithHint("Switch on STARTTLS there: mail to it travels in clear.")
	}
	state, ok := c.TLSConnectionState()
	if !ok {
		return nil, fault.New(fault.Unavailable, "The mail server at %s does not begin TLS.", addr)
	}
	return &state, nil
}

func unreachable(err error, addr string) error {
	if dialer.Refused(err) {
		return err
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fault.Wrap(err, fault.Unavailable, "The DNS has no address for %s.", dns.Name).WithHint("Check the name.")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "%s does not answer.", addr).WithHint("It may be down, or a firewall lets this server not through.")
	}
	return fault.Wrap(err, fault.Unavailable, "%s cannot be connected to.", addr).WithHint("It may be down, or nothing listens on that port.")
}

// report says what was presented.
func (s *Source) report(t seen.Target, state *tls.ConnectionState) *seen.Report {
	leaf := state.PeerCertificates[0]
	r := &seen.Report{}
	sum := sha256.Sum256(leaf.Raw)
	r.Add("Issued to", subject(leaf))
	r.AddSorted("Names", names(leaf)...)
	r.Add("Issued by", issuer(leaf))
	r.Add("Serial number", leaf.SerialNumber.Text(16))
	r.Add("Valid from", day(leaf.NotBefore))
	r.Add("Valid until", day(leaf.NotAfter))
	r.Add("Key", key(leaf))
	r.Add("Signature", leaf.SignatureAlgorithm.String())
	r.Add("SHA-256 fingerprint", hex.EncodeToString(sum[:]))
	var chain []string
	for _, c := range state.PeerCertificates[1:] {
		chain = append(chain, subject(c))
	}
	r.Add("Sent along", chain...)
	r.Add("Protocol", tls.VersionName(state.Version))
	r.Set("issued_to", subject(leaf))
	r.Set("issued_by", issuer(leaf))
	r.Set("valid_from", day(leaf.NotBefore))
	r.Set("valid_until", day(leaf.NotAfter))
	s.judge(r, t, state)
	r.Summary = "Issued by " + issuer(leaf)
	if r.Worst() == seen.Bad {
		for _, f := range r.Findings {
			if f.Level == seen.Bad {
				r.Summary = f.Text
				break
			}
		}
	}
	return r
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func names(c *x509.Certificate) []string {
	var out []string
	for _, n := range c.DNSNames {
		out = append(out, seen.Line(n))
	}
	for _, a := range c.IPAddresses {
		out = append(out, a.String())
	}
	return out
}

func subject(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return seen.Line(c.Subject.CommonName)
	case len(c.DNSNames) > 0:
		return seen.Line(c.DNSNames[0])
	}
	return seen.Line(c.Subject.String())
}

func issuer(c *x509.Certificate) string {
	n := c.Issuer
	switch {
	case len(n.Organization) > 0 && n.CommonName != "" && !strings.Contains(n.CommonName, n.Organization[0]):
		return seen.Line(n.Organization[0] + ", " + n.CommonName)
	case n.CommonName != "":
		return seen.Line(n.CommonName)
	}
	return seen.Line(n.String())
}

func key(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA, %d bits", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA, " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}
