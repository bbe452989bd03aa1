package featurestest_test

import (
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/location"
)

func TestContactIsCalledByItsNames(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	for _, c := range []struct{ first, last, want string }{
		{"Maya", "Okafor", "Maya Okafor"}, {"Maya", "", "Maya"}, {"", "Okafor", "Okafor"},
	} {
		rec := h.Make("contact", org, record.Values{"first_name": c.first, "last_name": c.last})
		if got := h.get("contact", rec).Name; got != c.want {
			t.Errorf("%q and %q make %q, want %q", c.first, c.last, got, c.want)
		}
	}
	invalid(t, h.create("contact", org, record.Values{"title": "Nobody"}), "first_name")
}

func TestContactHasOnePrimary(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	mail := func(v string, primary bool) any { return map[string]any{"value": v, "primary": primary} }
	rec := h.Make("contact", org, record.Values{"first_name": "Maya",
		"contact_emails": []any{mail("a@harbour.example", false), mail("b@harbour.example", true), mail("c@harbour.example", true)},
		"contact_phones": []any{map[string]any{"value": "+1 206-555-0100", "label-name": "Mobile"}},
	})
	r := h.get("contact", rec)
	shows(t, r, record.Values{"primary_email": "b@harbour.example", "primary_phone": "(206) 555-0100"})
	for i, row := range r.Values.Rows("contact_emails") {
		if row["primary"] != (i == 1) || row["label_name"] != "Work" {
			t.Errorf("row %d is %v", i, row)
		}
	}
	phone := r.Values.Rows("contact_phones")[0]
	if phone["value"] != "+12065550100" || phone["primary"] != true || phone["label_name"] != "Mobile" || phone["label_type"] != "phone" {
		t.Errorf("the number became %v", phone)
	}
	uk := h.Make("location", org, record.Values{"name": "London", "country_id": h.one("country", "United Kingdom")})
	r = h.mustUpdate("contact", rec, record.Values{"location_id": uk, "contact_phones": []any{map[string]any{"value": "2065550100"}}})
	shows(t, r, record.Values{"primary_phone": "2065550100"})
	version := r.Version
	if r = h.mustUpdate("contact", rec, record.Values{"first_name": "Maya"}); r.Version != version {
		t.Error("saving the same again made a version")
	}
	r = h.mustUpdate("contact", rec, record.Values{"contact_emails": nil})
	shows(t, r, record.Values{"primary_email": nil})
	invalid(t, h.create("contact", org, record.Values{"first_name": "X", "contact_emails": []any{mail("not an address", false)}}), "contact_emails")
}

func TestRegionLiesInItsCountry(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	us, de := h.one("country", "United States"), h.one("country", "Germany")
	washington, bayern := h.one("region", "Washington"), h.one("region", "Bayern")
	shows(t, h.get("region", washington), record.Values{"country_id": us, "iso": "WA"})
	rec := h.Make("location", org, record.Values{"name": "Seattle", "region_id": washington, "phone": "206.555.0100", "fax": "front desk"})
	shows(t, h.get("location", rec), record.Values{"country_id": us, "formatted_phone": "(206) 555-0100", "formatted_fax": "front desk"})
	_, err := h.update("location", rec, record.Values{"region_id": bayern})
	invalid(t, err, "region_id")
	shows(t, h.mustUpdate("location", rec, record.Values{"country_id": de}), record.Values{"region_id": nil, "formatted_phone": "206.555.0100"})
	shows(t, h.mustUpdate("location", rec, record.Values{"region_id": bayern}), record.Values{"region_id": bayern})
	invalid(t, h.create("region", 0, record.Values{"name": "X", "iso": "X", "country_iso": "ZZ"}), "country_iso")
}

func TestOnePrimaryLocation(t *testing.T) {
	h := open(t, false)
	a, b := h.Org("Harbour"), h.Org("Kestrel")
	first := h.Make("location", a, record.Values{"name": "Pier", "primary": true})
	elsewhere := h.Make("location", b, record.Values{"name": "Depot", "primary": true})
	second := h.Make("location", a, record.Values{"name": "Quay", "primary": true})
	shows(t, h.get("location", first), record.Values{"primary": false})
	shows(t, h.get("location", second), record.Values{"primary": true})
	shows(t, h.get("location", elsewhere), record.Values{"primary": true})
	h.mustUpdate("location", first, record.Values{"primary": true})
	shows(t, h.get("location", second), record.Values{"primary": false})
}

func TestCountriesAndRegionsAreComplete(t *testing.T) {
	h := open(t, true)
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for kind, want := range map[string]int64{"country": 249, "region": 315} {
			p, err := h.Records.List(tx, kind, record.Query{Limit: 1})
			if err != nil {
				return err
			}
			if p.Total != want {
				t.Errorf("there are %d of kind %s, want %d", p.Total, kind, want)
			}
		}
		return nil
	})
}

func TestFormatPhone(t *testing.T) {
	for _, c := range []struct{ in, iso, want string }{
		{"2065550100", "", "(206) 555-0100"}, {"1 (206) 555 0100", "US", "(206) 555-0100"}, {"+1-604-555-0199", "CA", "(604) 555-0199"},
		{"020 7946 0000", "GB", "020 7946 0000"}, {"2065550100", "GB", "2065550100"}, {"+44 20 7946 0000", "", "+44 20 7946 0000"},
		{"1065550100", "US", "1065550100"}, {"ask for Ines", "US", "ask for Ines"}, {" ", "", ""},
	} {
		if got := location.FormatPhone(c.in, c.iso); got != c.want {
			t.Errorf("%q in %q is written %q, want %q", c.in, c.iso, got, c.want)
		}
	}
}

// TestPhoneDigitsSettle: digits of digits are the same, and writing a number
// keeps its digits.
func TestPhoneDigitsSettle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`\+?[0-9 ().-]{0,16}`).Draw(t, "number")
		d := location.PhoneDigits(s)
		if again := location.PhoneDigits(d); again != d {
			t.Fatalf("%q gives %q, then %q", s, d, again)
		}
	})
}
