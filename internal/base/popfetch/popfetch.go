// Package popfetch takes mail out of a mailbox by POP3 (RFC 1939, RFC 2449, RFC 2595).
//
// Always true: nothing is said to a server before TLS; a mail is handed over once for each
// name that the server gives it (UIDL), as long as who calls remembers those; a mail is
// never deleted; what a server may send is bounded.
package popfetch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/bearer"
	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
)

// Source is a mailbox. Fill the fields.
type Source struct {
	Dialer         *dialer.Dialer
	Addr           string // host:port
	StartTLS       bool   // TLS begins after a greeting (STLS), and not with the first byte
	User, Password string
	Config         *tls.Config            // nil is the library's, from TLS 1.2
	Most           int64                  // bytes of one mail; of larger ones only the header is fetched
	Known          func(name string) bool // what was taken; nil for nothing
	Limit          int                    // of mails in one visit; 0 is 500
	Token          string                 // an access token, in place of Password
}

const (
	visitTime   = 10 * time.Minute
	mostLine    = 2048
	mostMails   = 200_000
	mostHeader  = 1 << 20
	mostVisit   = 2 << 30 // bytes
	usualLimit  = 500
	defaultMost = 40 << 20
)

// visit is a connection.
type visit struct {
	net.Conn
	in   *bufio.Reader
	stop func() bool
}

func (v *visit) end() {
	v.stop()
	_ = v.Close()
}

// refusal is what a server says with -ERR.
type refusal struct{ said string }

func (r *refusal) Error() string { return "the server said: " + r.said }

// line reads a line without its end.
func (v *visit) line() (string, error) {
	var b []byte
	for {
		c, err := v.in.ReadByte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return strings.TrimSuffix(string(b), "\r"), nil
		}
		if b = append(b, c); len(b) > mostLine {
			return "", errors.New("a line of the server does not end")
		}
	}
}

// answer reads +OK or -ERR with what stands behind it.
func (v *visit) answer() (string, error) {
	s, err := v.line()
	if err != nil {
		return "", err
	}
	status, rest, _ := strings.Cut(s, " ")
	switch strings.ToUpper(status) {
	case "+OK":
		return rest, nil
	case "-ERR":
		return "", &refusal{rest}
	}
	return "", errors.New("the server does not answer as POP3 demands")
}

// say sends a command and reads the first line of its answer.
func (v *visit) say(format string, args ...any) (string, error) {
	s := fmt.Sprintf(format, args...)
	if strings.ContainsAny(s, "\r\n\x00") {
		return "", errors.New("a command is one line")
	}
	if _, err := v.Write([]byte(s + "\r\n")); err != nil {
		return "", err
	}
	return v.answer()
}

// lines reads an answer of several lines, of at most so many bytes; what is above them is
// read and dropped, so that the connection can go on.
func (v *visit) lines(most int64) (text []byte, whole bool, err error) {
	whole = true
	var out bytes.Buffer
	begins := true
	for {
		part, err := v.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, false, err
		}
		if begins {
			if bytes.Equal(part, []byte(".\r\n")) || bytes.Equal(part, []byte(".\n")) {
				return out.Bytes(), whole, nil
			}
			if part[0] == '.' {
				part = part[1:]
			}
		}
		begins = err == nil
		if int64(out.Len()+len(part)) > most {
			whole = false
			continue
		}
		out.Write(part)
	}
}

// table reads a listing of the form "number value", of all mails.
func (v *visit) table(command string) (map[int]string, error) {
	if _, err := v.say("%s", command); err != nil {
		return nil, err
	}
	out := map[int]string{}
	for {
		s, err := v.line()
		if err != nil {
			return nil, err
		}
		if s == "." {
			return out, nil
		}
		number, value, _ := strings.Cut(strings.TrimPrefix(s, "."), " ")
		n, err := strconv.Atoi(number)
		if err != nil || n <= 0 {
			return nil, errors.New("the server lists what is no mail")
		}
		if out[n] = strings.TrimSpace(value); len(out) > mostMails {
			return nil, errors.New("the server lists too many mails")
		}
	}
}

// open connects, encrypts and signs in. Unavailable with a sentence that says which of
// these failed, and a hint.
func (s *Source) open(ctx context.Context) (*visit, error) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The mail server's address is wrong.").WithHint("Write pop.example.com:995.")
	}
	conn, err := s.Dialer.DialContext(ctx, "tcp", s.Addr)
	if dialer.Refused(err) {
		return nil, err
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The mail server %s cannot be reached.", s.Addr).WithHint("Look at the name and the port, and whether a firewall lets this server out to it.")
	}
	v := &visit{Conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	if err := conn.SetDeadline(time.Now().Add(visitTime)); err != nil {
		v.end()
		return nil, fault.Wrap(err, fault.Unavailable, "The mail server cannot be reached.").WithHint("Try again.")
	}
	if err := s.begin(ctx, v, host); err != nil {
		v.end()
		return nil, err
	}
	return v, nil
}

// begin encrypts, and signs in.
func (s *Source) begin(ctx context.Context, v *visit, host string) error {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Config != nil {
		config = s.Config.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	bounded := dialer.Most(v.Conn, mostVisit)
	greeted := func() error {
		if _, err := v.answer(); err != nil {
			return fault.Wrap(err, fault.Unavailable, "What answers at %s is no POP3 server.", s.Addr).WithHint("Look at the port.")
		}
		return nil
	}
	if s.StartTLS {
		v.Conn, v.in = bounded, bufio.NewReaderSize(bounded, mostLine)
		if err := greeted(); err != nil {
			return err
		}
		if _, err := v.say("STLS"); err != nil {
			return fault.Wrap(err, fault.Unavailable, "The mail server does not begin TLS.").WithHint("Servers at port 995 speak TLS from the first byte.")
		}
		if v.in.Buffered() > 0 { // somebody on the way put commands in before TLS
			return fault.New(fault.Unavailable, "The mail server speaks before TLS has begun.").WithHint("Use the port of TLS from the first byte.")
		}
	}
	secured := tls.Client(bounded, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		why := "it answers something else"
		if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			why = "its certificate does not verify (" + strings.TrimPrefix(bad.Err.Error(), "x509: ") + ")"
		}
		return fault.Wrap(err, fault.Unavailable, "The mail server does not speak TLS: %s.", why).WithHint("Port 995 is TLS from the first byte, port 110 begins it with STLS.")
	}
	v.Conn, v.in = secured, bufio.NewReaderSize(secured, mostLine)
	if !s.StartTLS {
		if err := greeted(); err != nil {
			return err
		}
	}
	return s.login(v)
}

// login signs in.
func (s *Source) login(v *visit) error {
	no := func(err error) error {
		return fault.Wrap(err, fault.Unavailable, "The mail server refuses the user or the password.").WithHint("Some providers want a password made for programs, or POP3 to be allowed in their settings.")
	}
	if s.Token != "" {
		t := &bearer.Token{User: s.User, Addr: s.Addr, Text: s.Token}
		if err := v.token(t); err != nil {
			return t.Refused(err)
		}
		return nil
	}
	if _, err := v.say("USER %s", s.User); err != nil {
		return no(err)
	}
	if _, err := v.say("PASS %s", s.Password); err != nil {
		return no(err)
	}
	return nil
}

// token signs in by an access token (RFC 5034). A server that refuses explains itself first.
func (v *visit) token(t *bearer.Token) error {
	offered, err := v.mechanisms()
	if err != nil {
		return err
	}
	if t.Mechanism = bearer.Choose(offered); t.Mechanism == "" {
		return bearer.ErrNotOffered
	}
	first, err := t.First()
	if err != nil {
		return err
	}
	if _, err := v.Write([]byte("AUTH " + t.Mechanism + "\r\n")); err != nil {
		return err
	}
	for next := first; ; {
		said, err := v.line()
		if err != nil {
			return err
		}
		challenge, more := strings.CutPrefix(said, "+ ")
		switch {
		case strings.HasPrefix(said, "+OK"):
			if next != nil {
				return errors.New("the server lets in whom it was not told")
			}
			return nil
		case !more && said != "+":
			return &refusal{strings.TrimPrefix(said, "-ERR ")}
		case next == nil:
			raw, err := base64.StdEncoding.DecodeString(challenge)
			if err != nil {
				return err
			}
			if next, err = t.Next(raw); err != nil {
				return err
			}
		}
		if _, err := v.Write([]byte(base64.StdEncoding.EncodeToString(next) + "\r\n")); err != nil {
			return err
		}
		next = nil
	}
}

// mechanisms are those by which the server lets people in (RFC 2449).
func (v *visit) mechanisms() ([]string, error) {
	if _, err := v.say("CAPA"); err != nil {
		return nil, err
	}
	text, _, err := v.lines(mostHeader)
	if err != nil {
		return nil, err
	}
	for l := range strings.Lines(string(text)) {
		if words := strings.Fields(l); len(words) > 0 && strings.EqualFold(words[0], "SASL") {
			return words[1:], nil
		}
	}
	return nil, nil
}

// Test signs in and looks, and says what it found.
func (s *Source) Test(ctx context.Context) ([]string, error) {
	v, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer v.end()
	said := []string{"Signed in at " + s.Addr + " as " + s.User + "."}
	names, err := v.table("UIDL")
	if err != nil {
		return said, nameless(err)
	}
	return append(said, fmt.Sprintf("There are %d mails. They stay there: by POP3 nothing is marked or moved, and nothing is deleted.", len(names))), nil
}

func nameless(err error) error {
	if _, ok := errors.AsType[*refusal](err); ok {
		return fault.Wrap(err, fault.Unavailable, "The mail server does not name its mails (UIDL), so it cannot be told which are new.").WithHint("Read this mailbox by IMAP.")
	}
	return lost(err)
}

func lost(err error) error {
	return fault.Wrap(err, fault.Unavailable, "The mail server stopped answering.").WithHint("What was fetched is kept; the rest follows with the next visit.")
}

// Fetch hands over what is not Known, the oldest first, and gives the names of all that is
// there, nil when that was not found out: what is not among them has gone. noted is what could
// not be fetched for its size, to be told; not a failure.
func (s *Source) Fetch(ctx context.Context, take func(name string, raw []byte) error) (present []string, noted, err error) {
	v, err := s.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer v.end()
	names, err := v.table("UIDL")
	if err != nil {
		return nil, nil, nameless(err)
	}
	sizes, err := v.table("LIST")
	if err != nil {
		return nil, nil, lost(err)
	}
	present = []string{}
	limit, highest := s.Limit, 0
	if limit == 0 {
		limit = usualLimit
	}
	for n, name := range names {
		highest = max(highest, n)
		if name != "" {
			present = append(present, name)
		}
	}
	taken := map[string]bool{}
	for n := 1; n <= min(highest, mostMails) && limit > 0; n++ {
		name, ok := names[n]
		if !ok || name == "" || taken[name] || s.Known != nil && s.Known(name) {
			continue
		}
		raw, err := s.one(v, n, sizes[n])
		if _, refused := errors.AsType[*refusal](err); refused { // deleted meanwhile, or too large and no TOP
			noted = fault.Wrap(err, fault.Unavailable, "The mail server did not give out a mail.").WithHint("It is tried again with the next visit.")
			continue
		}
		if err != nil {
			return present, noted, lost(err)
		}
		if err := take(name, raw); err != nil {
			return present, noted, err
		}
		taken[name] = true
		limit--
	}
	_, _ = v.say("QUIT")
	return present, noted, nil
}

// one fetches a mail, of a larger one the header alone.
func (s *Source) one(v *visit, n int, size string) ([]byte, error) {
	most := s.Most
	if most == 0 {
		most = defaultMost
	}
	if bytes, err := strconv.ParseInt(size, 10, 64); err == nil && bytes > most {
		if _, err := v.say("TOP %d 0", n); err != nil {
			return nil, err
		}
		raw, _, err := v.lines(mostHeader)
		return raw, err
	}
	if _, err := v.say("RETR %d", n); err != nil {
		return nil, err
	}
	raw, whole, err := v.lines(most)
	if err == nil && !whole { // the server lied about its size: what there is says that it is too large
		raw = append(raw, make([]byte, most+1-int64(len(raw)))...)
	}
	return raw, err
}
