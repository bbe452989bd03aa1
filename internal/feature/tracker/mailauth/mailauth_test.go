package mailauth_test

import (
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/feature/tracker/mailauth"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/feature/tracker/trackertest"
)

func key(t *testing.T, bits int) string {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestFetch(t *testing.T) {
	var strong, weak string
	fips140.WithoutEnforcement(func() { strong, weak = key(t, 2048), key(t, 1024) }) // whose key is weak is somebody else's matter
	z := trackertest.Names(t)
	s := &mailauth.Source{Resolver: z.Resolver()}
	good := []string{"example.com MX 10 mail.example.com", "example.com TXT v=spf1 mx include:_spf.service.example ip4:192.0.2.0/24 -all", "_spf.service.example TXT v=spf1 ip4:198.51.100.0/24 ~all",
		"example.com TXT some-verification=1", "_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:dmarc@example.com", "s1._domainkey.example.com TXT v=DKIM1; k=rsa; p=" + strong}
	with := func(lines ...string) []string {
		var out []string
		for _, g := range good {
			keep := true
			for _, l := range lines {
				a, b := strings.SplitN(l, " ", 4), strings.SplitN(g, " ", 4)
				keep = keep && !(a[0] == b[0] && a[1] == b[1] && (a[1] != "TXT" || strings.HasPrefix(a[2], "v=") == strings.HasPrefix(b[2], "v=")))
			}
			if keep {
				out = append(out, g)
			}
		}
		return append(out, lines...)
	}
	var includes, chain []string
	for i := range 11 {
		includes = append(includes, fmt.Sprintf("include:i%d.example", i))
		chain = append(chain, fmt.Sprintf("i%d.example TXT v=spf1 ip4:192.0.2.%d -all", i, i))
	}
	for _, c := range []struct {
		name    string
		lines   []string
		worst   seen.Level
		words   string
		summary string
	}{
		{"good", good, seen.Good, "can tell mail of this domain", "SPF strict, DKIM 1 of 1 keys, DMARC reject"},
		{"eleven lookups", with(append(chain, "example.com TXT v=spf1 "+strings.Join(includes, " ")+" -all")...), seen.Bad, "needs 11 lookups", ""},
		{"nine lookups", with(append(chain, "example.com TXT v=spf1 "+strings.Join(includes[:9], " ")+" -all")...), seen.Note, "needs 9 of 10", ""},
		{"two records", append(with(), "example.com TXT v=spf1 -all"), seen.Bad, "several SPF records", "SPF several"},
		{"open", with("example.com TXT v=spf1 mx +all"), seen.Bad, "allows everybody", "SPF for all"},
		{"neutral", with("example.com TXT v=spf1 mx ?all"), seen.Warn, "says nothing of others (?all)", ""},
		{"no end", with("example.com TXT v=spf1 mx"), seen.Warn, "does not end with all", "SPF open"},
		{"mistyped", with("example.com TXT v=spf1 mx ipv4:192.0.2.1 -all"), seen.Bad, `"ipv4:192.0.2.1" is no term of SPF`, ""},
		{"a loop", with("example.com TXT v=spf1 include:a.example -all", "a.example TXT v=spf1 include:example.com -all"), seen.Bad, "includes itself", ""},
		{"includes nothing", with("example.com TXT v=spf1 include:nowhere.example -all"), seen.Bad, "has no SPF records", ""},
		{"void", with("example.com TXT v=spf1 a:x1.example a:x2.example mx:x3.example -all"), seen.Warn, "3 names in the SPF record lead to nothing", ""},
		{"ptr", with("example.com TXT v=spf1 ptr -all"), seen.Warn, "uses ptr", ""},
		{"redirect", with("example.com TXT v=spf1 redirect=_spf.service.example"), seen.Good, "can tell", "SPF by redirect"},
		{"macro", with("example.com TXT v=spf1 exists:%{i}._spf.example -all"), seen.Good, "can tell", ""},
		{"only watching", with("_dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:x@example.com"), seen.Warn, "only watches", "DMARC none"},
		{"broken policy", with("_dmarc.example.com TXT v=DMARC1; p=maybe"), seen.Bad, "none of none, quarantine and reject", "DMARC broken"},
		{"two policies", append(with(), "_dmarc.example.com TXT v=DMARC1; p=none"), seen.Bad, "several DMARC records", ""},
		{"reports abroad", with("_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:x@reports.example"), seen.Warn, "reports.example has not agreed", ""},
		{"reports abroad, agreed", with("_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:x@reports.example", "example.com._report._dmarc.reports.example TXT v=DMARC1"), seen.Good, "can tell", ""},
		{"subdomains left out", with("_dmarc.example.com TXT v=DMARC1; p=reject; sp=none; rua=mailto:x@example.com"), seen.Warn, "Subdomains are left out", ""},
		{"short key", with("s1._domainkey.example.com TXT v=DKIM1; p=" + weak), seen.Note, "has 1024 bits", ""},
		{"cut key", with("s1._domainkey.example.com TXT v=DKIM1; p=" + strong[:100]), seen.Bad, "cut off or mistyped", "DKIM 0 of 1"},
		{"revoked key", with("s1._domainkey.example.com TXT v=DKIM1; p="), seen.Note, "has been revoked", ""},
		{"testing", with("s1._domainkey.example.com TXT v=DKIM1; t=y; p=" + strong), seen.Warn, "for testing", ""},
		{"no key", with("s1._domainkey.example.com TXT x")[:5], seen.Bad, "no DKIM key under the selector s1", ""},
		{"nothing", []string{"example.com MX 10 mail.example.com"}, seen.Bad, "anybody can send mail", "SPF missing, DKIM 0 of 1 keys, DMARC missing"},
		{"no mail", []string{"example.com TXT v=spf1 -all", "example.com MX 0 .", "_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:x@example.com"}, seen.Bad, "no DKIM key", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			z.Set(c.lines...)
			r, err := s.Fetch(t.Context(), seen.Target{Host: "example.com", Selectors: []string{"s1"}})
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for _, f := range r.Findings {
				all.WriteString(f.Text + "\n")
			}
			if r.Worst() != c.worst || !strings.Contains(all.String(), c.words) || !strings.Contains(r.Summary, c.summary) {
				t.Errorf("%d, %s: %s", r.Worst(), r.Summary, all.String())
			}
		})
	}
	t.Run("of the domain above", func(t *testing.T) {
		z.Set(append(good, "sub.example.com TXT v=spf1 -all")...)
		r, err := s.Fetch(t.Context(), seen.Target{Host: "sub.example.com"})
		if err != nil || !strings.Contains(r.Text(), "DMARC from: example.com") || r.Worst() != seen.Good {
			t.Errorf("%v %v", r, err)
		}
	})
}

// TestBounded: whatever a domain publishes, few questions are asked.
func TestBounded(t *testing.T) {
	var lines []string
	for i := range 30 {
		var in []string
		for j := range 30 {
			in = append(in, fmt.Sprintf("include:d%d.example", (i*7+j)%30))
		}
		lines = append(lines, fmt.Sprintf("d%d.example TXT v=spf1 %s -all", i, strings.Join(in, " ")))
	}
	z := trackertest.Names(t, append(lines, "d0.example MX 10 mail.d0.example")...)
	s := &mailauth.Source{Resolver: z.Resolver()}
	if _, err := s.Fetch(t.Context(), seen.Target{Host: "d0.example"}); err != nil {
		t.Fatal(err)
	}
	if n := z.Asked(); n > 150 {
		t.Errorf("%d questions were asked", n)
	}
}

func FuzzRecords(f *testing.F) {
	for _, s := range []string{"v=spf1 mx include:x a:y/24//64 -all", "v=DMARC1; p=reject; pct=50; rua=mailto:a@b!10m,", "v=DKIM1; k=rsa; p=MIIB", "v=spf1 =", "v=spf1 + -", ";;=;", "v=DKIM1; k=ed25519; p=AAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, x := range mailauth.ParseSPF(s) {
			if x.Problem == "" && x.Qualifier != 0 && !strings.ContainsRune("+-~?", rune(x.Qualifier)) {
				t.Errorf("%q has the qualifier %q", s, x.Qualifier)
			}
		}
		if p := mailauth.ParseDMARC(s); p.Problem == "" && (p.Percent < 0 || p.Percent > 100 || p.Policy == "") {
			t.Errorf("%q is %+v", s, p)
		}
		if k := mailauth.ParseKey(s); k.Problem == "" && !k.Revoked && k.Type != "rsa" && k.Type != "ed25519" {
			t.Errorf("%q is %+v", s, k)
		}
	})
}
