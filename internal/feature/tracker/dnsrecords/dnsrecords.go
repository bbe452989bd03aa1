// Package dnsrecords reads the DNS records of a domain.
//
// Always true: what changes with every answer by its nature (times to live, a
// zone's serial number, the order of records) is no fact.
package dnsrecords

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/resolve"
	"strongroom/internal/feature/tracker/seen"
)

// Source asks a name server.
type Source struct{ Resolver *resolve.Client }

// Tracker describes it.
func (s *Source) Tracker() seen.Tracker {
	return seen.Tracker{Name: "dns", Title: "DNS records", Icon: "server", Kinds: []string{"domain"}, Every: 12 * time.Hour, Fetch: s.Fetch}
}

// types are what is asked for, in the order in which it is shown.
var types = []struct {
	name string
	t    dnsmessage.Type
}{
	{"NS", dnsmessage.TypeNS}, {"SOA", dnsmessage.TypeSOA}, {"A", dnsmessage.TypeA}, {"AAAA", dnsmessage.TypeAAAA}, {"CNAME", dnsmessage.TypeCNAME},
	{"MX", dnsmessage.TypeMX}, {"TXT", dnsmessage.TypeTXT}, {"CAA", resolve.TypeCAA},
}

// Fetch asks for each type of record.
func (s *Source) Fetch(ctx context.Context, t seen.Target) (*seen.Report, error) {
	if t.IsAddress() {
		return nil, fault.New(fault.Invalid, "An address has no DNS records of its own.")
	}
	r := &seen.Report{}
	found := map[string][]string{}
	for _, x := range types {
		a, err := s.Resolver.Ask(ctx, t.Host, x.t)
		if err != nil {
			return nil, err
		}
		if a.Missing {
			r.Summary = "The name does not exist"
			r.Add("Name", "does not exist")
			r.Say(seen.Bad, "The DNS knows no name "+t.Host+".", "Check the name. If it is right, its registration may have ended or its name servers may have lost the zone.")
			return r, nil
		}
		for _, rec := range a.Records {
			found[x.name] = append(found[x.name], Value(rec))
		}
		r.AddSorted(x.name, found[x.name]...)
	}
	n := 0
	for _, list := range found {
		n += len(list)
	}
	r.Summary = strconv.Itoa(n) + " records"
	judge(r, found)
	return r, nil
}

// Value writes a record as people write it in a zone. Of a start of authority only
// the server and who answers for it are given: the rest is numbers of the zone.
func Value(rec dnsmessage.Resource) string {
	switch b := rec.Body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA).String()
	case *dnsmessage.NSResource:
		return host(b.NS)
	case *dnsmessage.CNAMEResource:
		return host(b.CNAME)
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", b.Pref, host(b.MX))
	case *dnsmessage.SOAResource:
		return host(b.NS) + " " + host(b.MBox)
	case *dnsmessage.TXTResource:
		return seen.Line(strings.Join(b.TXT, ""))
	case *dnsmessage.UnknownResource:
		if b.Type == resolve.TypeCAA {
			return caa(b.Data)
		}
		return hex.EncodeToString(b.Data)
	}
	return ""
}

func host(n dnsmessage.Name) string {
	s := strings.ToLower(seen.Line(n.String()))
	if s == "." {
		return s
	}
	return strings.TrimSuffix(s, ".")
}

// caa reads flags, tag and value (RFC 8659, section 4.1).
func caa(b []byte) string {
	if len(b) < 2 || int(b[1]) > len(b)-2 {
		return hex.EncodeToString(b)
	}
	tag, value := b[2:2+int(b[1])], b[2+int(b[1]):]
	return seen.Line(fmt.Sprintf("%d %s %q", b[0], tag, value))
}

// judge says what is to be done about the records.
func judge(r *seen.Report, found map[string][]string) {
	switch len(found["NS"]) {
	case 0:
		if len(found["CNAME"]) == 0 {
			r.Say(seen.Note, "This name has no name servers of its own.", "That is right for a name within another domain.")
		}
	case 1:
		r.Say(seen.Warn, "There is only one name server.", "Add a second one in another network: when the one fails, web and mail fail with it.")
	}
	if len(found["A"])+len(found["AAAA"])+len(found["CNAME"])+len(found["MX"]) == 0 {
		r.Say(seen.Note, "The name leads to no server and takes no mail.", "If it should, its A, AAAA or MX records are missing.")
	}
	for _, ip := range append(found["A"], found["AAAA"]...) {
		if a, err := netip.ParseAddr(ip); err == nil && (a.IsPrivate() || a.IsLoopback()) {
			r.Say(seen.Warn, "The public DNS gives the internal address "+ip+".", "Take it out: it tells about your network and leads nowhere from outside.")
		}
	}
	for _, mx := range found["MX"] {
		if _, name, _ := strings.Cut(mx, " "); isAddress(name) {
			r.Say(seen.Warn, "The mail server "+name+" is written as an address.", "Write a host name: other servers refuse mail to an address.")
		}
	}
	if len(found["CAA"]) == 0 && len(found["NS"]) > 0 {
		r.Say(seen.Note, "Every certificate authority may issue certificates for this domain.", `Add CAA records that name yours, such as 0 issue "letsencrypt.org".`)
	}
	if r.Worst() < seen.Warn {
		r.Say(seen.Good, "The name is answered for.", "")
	}
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
