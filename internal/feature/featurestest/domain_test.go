package featurestest_test

import (
	"testing"

	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

func TestDomainsHaveBareNames(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	for in, want := range map[string]string{"Example.COM": "example.com", " https://www.example.com/a?b ": "www.example.com", "example.com.": "example.com", "münchen.example": "münchen.example"} {
		d := h.Make("domain", org, record.Values{"name": in})
		if got := h.get("domain", d).Name; got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{"", "two words", "ann@example.com", "https://"} {
		invalid(t, h.create("domain", org, record.Values{"name": bad}), "name")
	}
}

func TestCertificatesAreNamedForTheirHosts(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	c := h.Make("ssl_certificate", org, record.Values{"host": "https://www.example.com/", "valid_from": "2026-01-01", "valid_until": "2026-01-01"})
	shows(t, h.get("ssl_certificate", c), record.Values{"host": "www.example.com", "active": true})
	if r := h.get("ssl_certificate", c); r.Name != "www.example.com" {
		t.Errorf("the certificate is called %q", r.Name)
	}
	_, err := h.update("ssl_certificate", c, record.Values{"valid_until": "2025-12-31"})
	invalid(t, err, "valid_until")
	invalid(t, h.create("ssl_certificate", org, record.Values{"issued_by": "Letters"}), "name")
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := expiry.List(tx, h.Records, org, "2026-01-01", "2026-01-01", 10)
		if len(list) != 1 || list[0].Record != c {
			t.Errorf("what expires is %v", list)
		}
		return err
	})
}
