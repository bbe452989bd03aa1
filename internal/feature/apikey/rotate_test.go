package apikey_test

import (
	"net/netip"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/apikey"
)

// TestANewTextBesideTheOld: a key that is changed stays the key that it is, and the text
// before is good as long as was said and not longer.
func TestANewTextBesideTheOld(t *testing.T) {
	d := open(t)
	here := netip.MustParseAddr("192.0.2.1")
	k, first := d.create(apikey.New{Role: access.Editor, Orgs: []id.ID{d.North}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	rotate := func(overlap time.Duration) string {
		t.Helper()
		now, text, err := d.Keys.Rotate(t.Context(), d.Admin(), k.ID, overlap)
		if err != nil {
			t.Fatal(err)
		}
		if now.ID != k.ID || now.Hint == k.Hint || len(now.Orgs) != 1 || len(text) != apikey.Length {
			t.Errorf("it became %+v", now)
		}
		return text
	}
	second := rotate(time.Hour)
	for _, text := range []string{first, second} {
		if c := d.resolve(text); c.Key != k.ID || len(c.Scope.Orgs) != 1 || c.Role != access.Editor {
			t.Errorf("%.20s is %+v", text, c)
		}
		d.refused("from elsewhere", text, netip.MustParseAddr("198.51.100.1"))
	}
	d.Clock.Advance(59 * time.Minute)
	d.resolve(first)
	d.Clock.Advance(2 * time.Minute)
	d.refused("after the overlap", first, here)
	third := rotate(0)
	d.refused("without an overlap", second, here)
	fourth, fifth := rotate(time.Hour), rotate(time.Hour)
	d.refused("the one before the one before", third, here)
	d.resolve(fourth)
	if list, err := d.Keys.List(t.Context(), d.Admin()); err != nil || list[0].Before == 0 {
		t.Errorf("the list says %+v, %v", list[0], err)
	}
	if err := d.Keys.EndBefore(t.Context(), d.Admin(), k.ID); err != nil {
		t.Fatal(err)
	}
	d.refused("ended", fourth, here)
	d.resolve(fifth)
	for _, bad := range []time.Duration{-1, apikey.MostOverlap + 1} {
		if _, _, err := d.Keys.Rotate(t.Context(), d.Admin(), k.ID, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s is taken: %v", bad, err)
		}
	}
	if _, _, err := d.Keys.Rotate(t.Context(), d.User(access.Manager), k.ID, 0); !fault.Is(err, fault.Denied) {
		t.Errorf("a manager changes keys: %v", err)
	}
	if _, _, err := d.Keys.Rotate(t.Context(), d.resolve(fifth), k.ID, 0); !fault.Is(err, fault.Denied) {
		t.Errorf("a limited key changes itself: %v", err)
	}
	sixth := rotate(time.Hour)
	if err := d.Keys.Revoke(t.Context(), d.Admin(), k.ID); err != nil {
		t.Fatal(err)
	}
	d.refused("revoked", sixth, here)
	d.refused("revoked, the one before", fifth, here)
	if _, _, err := d.Keys.Rotate(t.Context(), d.Admin(), k.ID, 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("what is revoked is changed: %v", err)
	}
	t.Run("for provisioning", func(t *testing.T) { provisioning(t, d) })
}

// provisioning: such a key opens its own door alone, and no other key opens it.
func provisioning(t *testing.T, d *desk) {
	here := netip.MustParseAddr("192.0.2.1")
	_, text := d.create(apikey.New{Provisions: true})
	d.refused("at another door", text, here)
	c, _, err := d.Keys.ResolveProvisioning(t.Context(), text, here)
	if err != nil || !c.Scope.Provisions || c.Everything() || c.AuthLevel != 1 {
		t.Fatalf("its caller is %+v, %v", c, err)
	}
	_, other := d.create(apikey.New{Role: access.Administrator, Passwords: true})
	if _, _, err := d.Keys.ResolveProvisioning(t.Context(), other, here); !fault.Is(err, fault.Denied) {
		t.Errorf("another key opens the door: %v", err)
	}
	if _, _, err := d.Keys.Rotate(t.Context(), c, c.Key, 0); !fault.Is(err, fault.Denied) {
		t.Errorf("it changes itself: %v", err)
	}
}
