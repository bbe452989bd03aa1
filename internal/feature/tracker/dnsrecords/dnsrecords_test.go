package dnsrecords_test

import (
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/dnsrecords"
	"strongroom/internal/feature/tracker/resolve"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/feature/tracker/trackertest"
)

func TestFetch(t *testing.T) {
	z := trackertest.Names(t,
		"example.com NS ns2.example.net", "example.com NS ns1.example.net", "example.com SOA ns1.example.net hostmaster.example.com", "example.com A 192.0.2.80",
		"example.com AAAA 2001:db8::80", "example.com MX 10 Mail.example.com", "example.com TXT v=spf1 -all", `example.com CAA 0 issue "ca.example"`,
		"lone.example NS ns1.example.net", "lone.example A 10.0.0.8", "lone.example MX 0 192.0.2.1", "broken.example FAIL x", "quiet.example TXT x")
	s := &dnsrecords.Source{Resolver: z.Resolver()}
	r, err := s.Fetch(t.Context(), seen.Target{Host: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	want := `NS:
  ns1.example.net
  ns2.example.net
SOA: ns1.example.net hostmaster.example.com
A: 192.0.2.80
AAAA: 2001:db8::80
MX: 10 mail.example.com
TXT: v=spf1 -all
CAA: 0 issue "ca.example"`
	if r.Text() != want || r.Worst() != seen.Good || r.Summary != "8 records" {
		t.Errorf("%s\n%v\n%s", r.Summary, r.Findings, r.Text())
	}
	for host, words := range map[string][]string{
		"lone.example":    {"only one name server", "internal address 10.0.0.8", "192.0.2.1 is written as an address", "Every certificate authority"},
		"nothing.example": {"knows no name nothing.example"},
		"quiet.example":   {"leads to no server", "no name servers of its own"},
	} {
		r, err := s.Fetch(t.Context(), seen.Target{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, f := range r.Findings {
			all.WriteString(f.Text)
		}
		for _, w := range words {
			if !strings.Contains(all.String(), w) {
				t.Errorf("%s: %q is not in %s", host, w, all.String())
			}
		}
	}
	if _, err := s.Fetch(t.Context(), seen.Target{Host: "broken.example"}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a broken zone: %v", err)
	}
}

func FuzzCAA(f *testing.F) {
	f.Add([]byte("\x00\x05issueca.example"))
	f.Add([]byte{0, 200, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got := dnsrecords.Value(dnsmessage.Resource{Body: &dnsmessage.UnknownResource{Type: resolve.TypeCAA, Data: b}})
		if strings.ContainsAny(got, "\n\x00") {
			t.Errorf("%x gives %q", b, got)
		}
	})
}
