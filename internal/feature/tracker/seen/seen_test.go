package seen_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/seen"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]string{
		"example.com": "example.com|", " Example.COM. ": "example.com|", "https://www.example.com/path?x": "www.example.com|", "mail.example.com:993": "mail.example.com|993",
		"bücher.example": "xn--bcher-kva.example|", "*.example.com": "example.com|", "192.0.2.7": "192.0.2.7|", "[2001:db8::1]:8443": "2001:db8::1|8443", "2001:db8::1": "2001:db8::1|",
	} {
		got, err := seen.ParseTarget(in)
		if err != nil || got.Host+"|"+got.Port != want {
			t.Errorf("%q gives %+v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "localhost", "a b.example", "example.com:0", "example.com:99999", "example.com:http", "-.example", "a..example", "fe80::1%eth0", strings.Repeat("a", 64) + ".example", "user@example.com"} {
		if got, err := seen.ParseTarget(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q gives %+v, %v", in, got, err)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"example.com", "https://x.example:8443/", "[::1]:25", "ö.example", "*.a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := seen.ParseTarget(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if strings.ContainsAny(got.Host, "/@ \n") || len(got.Host) > 253 {
			t.Errorf("%q gives the host %q", s, got.Host)
		}
		if again, err := seen.ParseTarget(got.Host); err != nil || again.Host != got.Host {
			t.Errorf("%q gives %q, and that gives %q, %v", s, got.Host, again.Host, err)
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add("a\r\nb")
	f.Add("\u202eevil\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := seen.Line(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00\u202e") || len(got) > 2100 {
			t.Errorf("%q gives %q", s, got)
		}
	})
}

func TestText(t *testing.T) {
	r := &seen.Report{}
	r.Add("Registrar", "Example Registrar")
	r.Add("Nothing", "")
	r.AddSorted("Name servers", "b.example", "a.example", "b.example")
	if got, want := r.Text(), "Registrar: Example Registrar\nName servers:\n  a.example\n  b.example"; got != want {
		t.Errorf("got %q", got)
	}
}
