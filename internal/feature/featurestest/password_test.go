package featurestest_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/password"
)

func TestPasswordSaysWhatItsSecretsAre(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	start := h.Clock.Now().UnixMilli()
	rec := h.Make("password", org, record.Values{"name": "Domain admin", "password": "first-value-91"})
	shows(t, h.get("password", rec), record.Values{"password_updated_at": start, "otp_enabled": false, "shareable": true, "password": nil})

	h.Clock.Advance(time.Hour)
	r := h.mustUpdate("password", rec, record.Values{"notes": "rotated each quarter"})
	shows(t, r, record.Values{"password_updated_at": start})
	r = h.mustUpdate("password", rec, record.Values{"otp_secret": "JBSWY3DPEHPK3PXP"})
	shows(t, r, record.Values{"password_updated_at": start, "otp_enabled": true})
	h.Clock.Advance(time.Hour)
	h.mustUpdate("password", rec, record.Values{"password": "second-value-92"})
	shows(t, h.get("password", rec), record.Values{"password_updated_at": h.Clock.Now().UnixMilli(), "otp_enabled": true})
	r = h.mustUpdate("password", rec, record.Values{"otp_secret": nil})
	shows(t, r, record.Values{"otp_enabled": false})

	imported := int64(1600000000000)
	r = h.get("password", h.Make("password", org, record.Values{"name": "Old", "password": "x", "password_updated_at": imported}))
	shows(t, r, record.Values{"password_updated_at": imported})
	shows(t, h.get("password", h.Make("password", org, record.Values{"name": "Empty"})), record.Values{"password_updated_at": nil})
}

// TestSeeds: a one-time-code key is taken in every form in which services show
// it, and what gives no codes is refused.
func TestSeeds(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	stored := func(rec id.ID) (text string) {
		t.Helper()
		r := &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client}
		text, err := r.Reveal(t.Context(), h.Admin(), secret.Ref{Kind: "password", Object: rec, Field: "otp_secret"}, "")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const uri = "otpauth://totp/Acme:ada?secret=jbswy3dpehpk3pxp&issuer=Acme&digits=8"
	for in, want := range map[string]string{"JBSWY3DPEHPK3PXP": "JBSWY3DPEHPK3PXP", " jbsw y3dp-ehpk 3pxp ": "JBSWY3DPEHPK3PXP", "MFRGG===": "MFRGG", " " + uri: uri} {
		if got := stored(h.Make("password", org, record.Values{"name": "P", "otp_secret": in})); got != want {
			t.Errorf("%q is kept as %q", in, got)
		}
	}
	for _, bad := range []string{"123456", "JBSWY3DPEHPK3PX!", "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1", "otpauth://totp/x", "https://example.com", "JBSWY3DPEHPK3PXP extra 189"} {
		err := h.create("password", org, record.Values{"name": "P", "otp_secret": bad})
		invalid(t, err, "otp_secret")
		if said := fault.Say(err).Fields["otp_secret"]; strings.Contains(said, bad) || !strings.HasSuffix(said, ".") {
			t.Errorf("%q is refused with %q", bad, said)
		}
	}
	shows(t, h.get("password", h.Make("password", org, record.Values{"name": "None", "otp_secret": ""})), record.Values{"otp_enabled": false})
}

func TestEmbeddedPassword(t *testing.T) {
	o := newOffice(t)
	c := o.config(record.Values{"name": "SRV-DC01"})
	theirs := o.Make("location", o.other, record.Values{"name": "Depot"})
	rec := o.Make("password", o.org, record.Values{"name": "iDRAC", "resource_type": "configurations", "resource_id": int64(c)})
	shows(t, o.get("password", rec), record.Values{"resource_type": "Configuration", "resource_id": int64(c),
		"cached_resource_name": nil, "cached_resource_type_name": "Configuration"})
	o.View(o.Admin(), func(tx *gate.Tx) error {
		names, err := password.OwnerNames(tx, o.Records, []*record.Record{o.get("password", rec)})
		if names[rec] != "SRV-DC01" {
			t.Errorf("it belongs to %q", names[rec])
		}
		return err
	})
	o.View(o.Admin(), func(tx *gate.Tx) error {
		of, err := password.Resource(tx, rec)
		if of != c {
			t.Errorf("it is embedded in %v", of)
		}
		return err
	})
	bad := []struct {
		field string
		v     record.Values
	}{
		{"resource_type", record.Values{"resource_id": int64(c)}},
		{"resource_type", record.Values{"resource_id": int64(c), "resource_type": "Spaceship"}},
		{"resource_id", record.Values{"resource_id": int64(c), "resource_type": "Contact"}},
		{"resource_id", record.Values{"resource_id": int64(999999), "resource_type": "Configuration"}},
		{"resource_id", record.Values{"resource_id": int64(theirs), "resource_type": "Location"}},
	}
	for _, b := range bad {
		b.v["name"] = "X"
		invalid(t, o.create("password", o.org, b.v), b.field)
	}
	_, err := o.update("password", rec, record.Values{"organization_id": o.other})
	invalid(t, err, "resource_id")
	shows(t, o.mustUpdate("password", rec, record.Values{"resource_id": nil}), record.Values{"resource_type": nil, "cached_resource_name": nil})
}

func TestPasswordKeepsAForeignOwnerUntilItComes(t *testing.T) {
	o := newOffice(t)
	rec := o.Make("password", o.org, record.Values{"name": "WAN login", "resource_type": "StructuredData::Row", "cached_resource_name": "Fibre line",
		"external_source": "itglue", "external_resource_type": "StructuredData::Row", "external_resource_id": "4711"})
	shows(t, o.get("password", rec), record.Values{"resource_type": "StructuredData::Row", "external_resource_id": "4711", "cached_resource_name": "Fibre line"})
	shows(t, o.mustUpdate("password", rec, record.Values{"notes": "x"}), record.Values{"external_source": "itglue"})
	c := o.config(record.Values{"name": "ROUTER-1"})
	shows(t, o.mustUpdate("password", rec, record.Values{"resource_type": "Configuration", "resource_id": int64(c)}),
		record.Values{"external_source": nil, "external_resource_id": nil, "cached_resource_name": nil})
}

func TestOwnerType(t *testing.T) {
	for kind, want := range map[string]string{"configuration": "Configuration", "flexible_asset": "Flexible Asset", "incident": "Ticket", "password": ""} {
		if got := password.OwnerType(kind); got != want {
			t.Errorf("a password in a %s belongs to a %q, want %q", kind, got, want)
		}
	}
}
