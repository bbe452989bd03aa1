// Package resolve asks a name server for records of any type.
//
// Always true: an answer is taken only when it is to the question, by number,
// name, type and class; what does not fit a datagram is asked for again over a
// stream; that a name or a record is not there is an answer and no error.
package resolve

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
)

// TypeCAA is the record that says which authorities may issue certificates
// (RFC 8659).
const TypeCAA = dnsmessage.Type(257)

// Client asks name servers that resolve for others. Fill the fields; it then is
// safe for concurrent use.
type Client struct {
	Dialer  *dialer.Dialer // must trust the servers
	Servers []string       // host:port, asked in this order
	Time    time.Duration  // for one try; 3 seconds when 0
}

const (
	tryTime   = 3 * time.Second
	tries     = 2
	datagram  = 1232 // bytes of an answer that every path carries
	mostBytes = 64 << 10
)

// Answer is what a name server said of a name.
type Answer struct {
	Missing bool // there is no such name (NXDOMAIN)
	Records []dnsmessage.Resource
}

// System gives the servers that this machine uses, as host:port.
func System(file string) []string {
	f, err := os.Open(file)
	if err != nil {
		return []string{"127.0.0.1:53"}
	}
	defer f.Close()
	return servers(f)
}

// servers reads the lines of resolv.conf(5) that name servers.
func servers(r io.Reader) []string {
	var out []string
	for lines := bufio.NewScanner(r); lines.Scan() && len(out) < 3; {
		words := strings.Fields(lines.Text())
		if len(words) > 1 && words[0] == "nameserver" {
			out = append(out, net.JoinHostPort(words[1], "53"))
		}
	}
	if len(out) == 0 {
		return []string{"127.0.0.1:53"}
	}
	return out
}

// Ask asks for the records of a type that a name has. Unavailable when no server
// gives an answer; Invalid for what is no name.
func (c *Client) Ask(ctx context.Context, name string, t dnsmessage.Type) (*Answer, error) {
	n, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q is too long for a name.", name)
	}
	q := dnsmessage.Question{Name: n, Type: t, Class: dnsmessage.ClassINET}
	if _, err := pack(0, q); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%q is no name.", name)
	}
	last := error(nil)
	for range tries {
		for _, server := range c.Servers {
			a, err := c.exchange(ctx, server, q)
			if err == nil {
				return a, nil
			}
			last = err
			if ctx.Err() != nil || dialer.Refused(err) {
				return nil, err
			}
		}
	}
	if fault.Is(last, fault.Unavailable) {
		return nil, last
	}
	return nil, fault.Wrap(last, fault.Unavailable, "The name server did not answer a question about %s.", strings.TrimSuffix(name, ".")).WithHint("It is tried again later.")
}

// exchange asks one server, over a stream when the answer does not fit a datagram.
func (c *Client) exchange(ctx context.Context, server string, q dnsmessage.Question) (*Answer, error) {
	var b [2]byte
	rand.Read(b[:])
	number := binary.BigEndian.Uint16(b[:])
	ask, err := pack(number, q)
	if err != nil {
		return nil, err
	}
	for _, network := range []string{"udp", "tcp"} {
		m, err := c.one(ctx, network, server, ask, number, q)
		if err != nil {
			return nil, err
		}
		if m.Truncated && network == "udp" {
			continue
		}
		return answer(m, q)
	}
	return nil, errors.New("no answer")
}

func (c *Client) one(ctx context.Context, network, server string, ask []byte, number uint16, q dnsmessage.Question) (*dnsmessage.Message, error) {
	limit := c.Time
	if limit == 0 {
		limit = tryTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := c.Dialer.DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return nil, err
	}
	if network == "tcp" {
		ask = append(binary.BigEndian.AppendUint16(nil, uint16(len(ask))), ask...) //nolint:gosec // a question is short
	}
	if _, err := conn.Write(ask); err != nil {
		return nil, err
	}
	for {
		raw, err := read(conn, network)
		if err != nil {
			return nil, err
		}
		m := new(dnsmessage.Message)
		if err := m.Unpack(raw); err != nil && network == "tcp" {
			return nil, err
		} else if err == nil && fits(m, number, q) {
			return m, nil
		} else if network == "tcp" {
			return nil, errors.New("the answer is to another question")
		} // a datagram of somebody else: the right one may follow
	}
}

func read(conn net.Conn, network string) ([]byte, error) {
	if network == "udp" {
		b := make([]byte, mostBytes)
		n, err := conn.Read(b)
		return b[:n], err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, b)
	return b, err
}

func pack(number uint16, q dnsmessage.Question) ([]byte, error) {
	var opt dnsmessage.ResourceHeader
	if err := opt.SetEDNS0(datagram, dnsmessage.RCodeSuccess, false); err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:      dnsmessage.Header{ID: number, RecursionDesired: true},
		Questions:   []dnsmessage.Question{q},
		Additionals: []dnsmessage.Resource{{Header: opt, Body: &dnsmessage.OPTResource{}}},
	}
	return m.Pack()
}

// fits tells whether a message is the answer to a question.
func fits(m *dnsmessage.Message, number uint16, q dnsmessage.Question) bool {
	return m.Response && m.ID == number && len(m.Questions) == 1 && m.Questions[0].Type == q.Type && m.Questions[0].Class == q.Class &&
		same(m.Questions[0].Name, q.Name)
}

func same(a, b dnsmessage.Name) bool { return strings.EqualFold(a.String(), b.String()) }

// answer takes the records that were asked for, along aliases.
func answer(m *dnsmessage.Message, q dnsmessage.Question) (*Answer, error) {
	switch m.RCode {
	case dnsmessage.RCodeSuccess, dnsmessage.RCodeNameError:
	case dnsmessage.RCodeServerFailure:
		return nil, fault.New(fault.Unavailable, "The name servers of %s do not answer, or what they answer does not verify.", strings.TrimSuffix(q.Name.String(), ".")).
			WithHint("It is tried again later. If it stays so, ask who runs the name servers: the zone or its signatures (DNSSEC) may be broken.")
	default:
		return nil, errors.New("the name server answered " + m.RCode.String())
	}
	out := &Answer{Missing: m.RCode == dnsmessage.RCodeNameError}
	name := q.Name
	for range 10 {
		alias := false
		for _, r := range m.Answers {
			if !same(r.Header.Name, name) || r.Header.Class != dnsmessage.ClassINET {
				continue
			}
			if r.Header.Type == q.Type {
				out.Records = append(out.Records, r)
			} else if c, ok := r.Body.(*dnsmessage.CNAMEResource); ok {
				name, alias = c.CNAME, true
			}
		}
		if !alias || len(out.Records) > 0 {
			break
		}
	}
	return out, nil
}

// Texts gives the TXT records of a name, the parts of each put together.
func (c *Client) Texts(ctx context.Context, name string) ([]string, error) {
	a, err := c.Ask(ctx, name, dnsmessage.TypeTXT)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range a.Records {
		if t, ok := r.Body.(*dnsmessage.TXTResource); ok {
			out = append(out, strings.Join(t.TXT, ""))
		}
	}
	slices.Sort(out)
	return out, nil
}
