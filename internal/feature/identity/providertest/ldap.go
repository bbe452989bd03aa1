package providertest

import (
	"net"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Asked is one request to a directory: RFC 4511, 4.2 to 4.12.
type Asked struct {
	Op       string // bind, search, starttls, or unbind
	Name     string // of who binds, or below which is searched
	Password string
	Filter   string

	id int64
}

// LDAP is a directory on loopback that says what a test makes it say.
type LDAP struct {
	URL string

	mu    sync.Mutex
	heard []string
}

// NewLDAP starts one. answer gives what is sent for a request, and false to end the
// connection; with nil everybody may bind and everybody is Alice.
func NewLDAP(t testing.TB, answer func(Asked) ([]byte, bool)) *LDAP {
	t.Helper()
	if answer == nil {
		answer = Honest
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &LDAP{URL: "ldap://" + l.Addr().String()}
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				done := make(chan struct{})
				defer close(done)
				go func() {
					select {
					case <-stop:
						_ = c.Close()
					case <-done:
					}
				}()
				d.serve(c, answer)
			})
		}
	})
	t.Cleanup(func() { close(stop); _ = l.Close(); all.Wait() })
	return d
}

// Heard lists what was asked: the operation, and the password of binds.
func (d *LDAP) Heard() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.heard...)
}

func (d *LDAP) serve(c net.Conn, answer func(Asked) ([]byte, bool)) {
	for {
		p, err := ber.ReadPacket(c)
		if err != nil || len(p.Children) < 2 {
			return
		}
		a := Asked{}
		a.id, _ = p.Children[0].Value.(int64)
		op := p.Children[1]
		switch op.Tag {
		case ldap.ApplicationBindRequest:
			a.Op, a.Name, a.Password = "bind", op.Children[1].Data.String(), op.Children[2].Data.String()
		case ldap.ApplicationSearchRequest:
			a.Op, a.Name = "search", op.Children[0].Data.String()
			a.Filter, _ = ldap.DecompileFilter(op.Children[6])
		case ldap.ApplicationExtendedRequest:
			a.Op = "starttls"
		default:
			a.Op = "unbind"
		}
		d.mu.Lock()
		d.heard = append(d.heard, a.Op+" "+a.Password)
		d.mu.Unlock()
		b, ok := answer(a)
		if _, err := c.Write(b); err != nil || !ok {
			return
		}
	}
}

// Honest answers as a directory in which everybody is Alice, whose password is right.
func Honest(a Asked) ([]byte, bool) {
	switch a.Op {
	case "search":
		return append(a.Entry(PersonDN("alice"), map[string]string{"entryUUID": "4a1f", "mail": "alice@example.com", "cn": "technicians"}), a.Done(0, "")...), true
	case "unbind":
		return nil, false
	}
	return a.Done(0, ""), true
}

// Done is the end of the answer to a request, with a result of RFC 4511, 4.1.9.
func (a Asked) Done(code int, text string) []byte {
	tag := map[string]ber.Tag{"bind": ldap.ApplicationBindResponse, "search": ldap.ApplicationSearchResultDone, "starttls": ldap.ApplicationExtendedResponse}[a.Op]
	return a.message(tag, func(p *ber.Packet) {
		p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
		p.AppendChild(octets(""))
		p.AppendChild(octets(text))
	})
}

// Entry is an entry that a search finds.
func (a Asked) Entry(dn string, attributes map[string]string) []byte {
	return a.message(ldap.ApplicationSearchResultEntry, func(p *ber.Packet) {
		p.AppendChild(octets(dn))
		list := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		for name, value := range attributes {
			one := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
			one.AppendChild(octets(name))
			set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
			set.AppendChild(octets(value))
			one.AppendChild(set)
			list.AppendChild(one)
		}
		p.AppendChild(list)
	})
}

// Referral sends whoever searches to another server.
func (a Asked) Referral(url string) []byte {
	return a.message(ldap.ApplicationSearchResultReference, func(p *ber.Packet) { p.AppendChild(octets(url)) })
}

func (a Asked) message(tag ber.Tag, fill func(*ber.Packet)) []byte {
	m := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, a.id, ""))
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	fill(p)
	m.AppendChild(p)
	return m.Bytes()
}

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}
