package rdap_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/tracker/pace"
	"strongroom/internal/feature/tracker/rdap"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/feature/tracker/trackertest"
)

func TestFetch(t *testing.T) {
	g := trackertest.NewRegistry(t)
	g.Set("example.com", trackertest.Domain("EXAMPLE.COM", "Example Registrar, Inc.", "2027-08-13", "NS2.example.net", "ns1.example.net."))
	g.Set("held.com", strings.Replace(trackertest.Domain("held.com", "R", "2026-08-13"), "clientTransferProhibited", `clientHold","redemption period`, 1))
	g.Set("bare.com", `{"objectClassName":"domain","ldhName":"bare.com","status":["active"]}`)
	g.Set("junk.com", `<html>`)
	g.Set("nothing.com", `{}`)
	s := &rdap.Source{Client: g.Client, Bootstrap: g.Bootstrap, Pace: &pace.Hosts{Every: time.Millisecond}}
	fetch := func(host string) (*seen.Report, error) { return s.Fetch(t.Context(), seen.Target{Host: host}) }

	r, err := fetch("www.example.com")
	if err != nil {
		t.Fatal(err)
	}
	want := `Domain: example.com
Registrar: Example Registrar, Inc.
Registrar's IANA number: 292
Registered on: 2014-05-06
Expires on: 2027-08-13
Status: client transfer prohibited
Name servers:
  ns1.example.net
  ns2.example.net
DNSSEC: signed`
	if r.Text() != want {
		t.Errorf("got\n%s", r.Text())
	}
	if f := r.Fields; f["expires_on"] != "2027-08-13" || f["registrar_name"] != "Example Registrar, Inc." || f["registered_on"] != "2014-05-06" || f["name_servers"] != "ns1.example.net, ns2.example.net" {
		t.Errorf("fields %v", f)
	}
	if r.Worst() != seen.Good {
		t.Errorf("findings %v", r.Findings)
	}
	for host, words := range map[string]string{"held.com": "waits to be deleted", "gone.com": "knows no domain", "bare.com": "does not tell when", "host.invalid": "publishes no registration data"} {
		r, err := fetch(host)
		if err != nil || !strings.Contains(text(r), words) {
			t.Errorf("%s: %v %v", host, r, err)
		}
	}
	for _, host := range []string{"junk.com", "nothing.com"} {
		if _, err := fetch(host); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := fetch("192.0.2.1"); !fault.Is(err, fault.Invalid) {
		t.Errorf("an address: %v", err)
	}
	g.Status = http.StatusTooManyRequests
	_, err = fetch("example.com")
	if !fault.Is(err, fault.Throttled) || fault.Say(err).After != 2*time.Hour {
		t.Errorf("too often: %v", err)
	}
	g.Status = http.StatusBadGateway
	if _, err := fetch("example.com"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a broken registry: %v", err)
	}
	if !slices.Contains(g.Asked, "/rdap/domain/example.com") || slices.Contains(g.Asked, "/rdap/domain/www.example.com") {
		t.Errorf("asked for %v", g.Asked)
	}
}

func text(r *seen.Report) string {
	if r == nil {
		return ""
	}
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString(f.Text + "\n")
	}
	return b.String()
}

func TestRegistered(t *testing.T) {
	for host, want := range map[string]string{
		"example.com": "example.com", "a.b.example.co.uk": "example.co.uk", "someone.github.io": "github.io", "com": "com", "xn--bcher-kva.de": "xn--bcher-kva.de",
	} {
		if got := rdap.Registered(host); got != want {
			t.Errorf("%s is registered as %s, want %s", host, got, want)
		}
	}
}

// TestEmbedded: the list in the program is one that the reader takes, and names
// registries that everybody needs.
func TestEmbedded(t *testing.T) {
	b, err := os.ReadFile("dns.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Services [][][]string }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range file.Services {
		for _, top := range s[0] {
			found[top] = s[1][0]
		}
	}
	for top, want := range map[string]string{"com": "https://rdap.verisign.com/com/v1/", "org": "https://rdap.publicinterestregistry.org/rdap/", "uk": "https://rdap.nominet.uk/uk/"} {
		if found[top] != want {
			t.Errorf(".%s is at %q", top, found[top])
		}
	}
	if len(found) < 1000 {
		t.Errorf("only %d endings", len(found))
	}
}

func FuzzDomain(f *testing.F) {
	f.Add([]byte(trackertest.Domain("example.com", "R", "2027-08-13", "ns1.example.net")))
	f.Add([]byte(`{"ldhName":"x","entities":[{"roles":["registrar"],"vcardArray":["vcard",[["fn",{},"text",["a"]],["fn"]]]}],"events":[{"eventAction":"expiration","eventDate":"99999-13-45"}]}`))
	f.Add([]byte(`{"ldhName":"x","secureDNS":{},"status":[""]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := rdap.Read("example.com", b)
		if err != nil {
			return
		}
		if day := r.Fields["expires_on"]; day != "" {
			if _, err := time.Parse(time.DateOnly, day); err != nil {
				t.Errorf("expires on %q", day)
			}
		}
		if strings.Contains(r.Summary, "\n") {
			t.Errorf("the summary is %q", r.Summary)
		}
	})
}
