package identity_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"strongroom/internal/feature/identity"
)

func TestRule(t *testing.T) {
	r := identity.Rule{Free: 3, Base: time.Second, Max: 10 * time.Second, Leak: time.Minute}
	const s = int64(1000)
	tests := []struct {
		name  string
		fails int64
		since int64 // milliseconds since the last try
		want  time.Duration
	}{
		{"none", 0, 0, 0},
		{"fewer than free", 2, 0, 0},
		{"the first delay", 3, 0, time.Second},
		{"part of it has passed", 3, 400, 600 * time.Millisecond},
		{"all of it has passed", 3, s, 0},
		{"it doubles", 4, 0, 2 * time.Second},
		{"and again", 5, 0, 4 * time.Second},
		{"up to the longest", 20, 0, 10 * time.Second},
		{"for ever so many", 5000, 0, 10 * time.Second},
		{"a failure leaks away", 3, 60 * s, 0},
		{"the clock went back", 3, -30 * s, time.Second},
	}
	for _, x := range tests {
		c := identity.Counter{Fails: x.fails * 1000, At: 1_000_000}
		if got := r.Wait(c, c.At+x.since); got != x.want {
			t.Errorf("%s: waits %s, want %s", x.name, got, x.want)
		}
	}
	for name, rule := range map[string]identity.Rule{"pair": identity.DefaultRules().Pair, "attacked": identity.DefaultRules().Attacked} {
		for fails := range int64(200) { // a doubled delay must not run over
			if wait := rule.Wait(identity.Counter{Fails: fails * 1000, At: 1000}, 1000); fails >= int64(rule.Free) && wait < rule.Base {
				t.Errorf("%s: %d failures wait %s", name, fails, wait)
			}
		}
	}
	c := identity.Counter{}
	for i := range int64(4) {
		c = r.Fail(c, 1_000_000+i*30*s)
	}
	if c.Fails != 2500 { // four failures, three halves of which leaked away in between
		t.Errorf("four failures half a minute apart count %d", c.Fails)
	}
	if back := r.Refund(c); back.Fails != 1500 || back.At != c.At {
		t.Errorf("a refund gives %+v", back)
	}
}

// TestRuleBounds: whatever happens, the wait is never longer than Max, a
// failure never shortens it, and who waits long enough may try.
func TestRuleBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := identity.Rule{
			Free: rapid.IntRange(0, 20).Draw(t, "free"), Base: time.Duration(rapid.IntRange(1, 5000).Draw(t, "base")) * time.Millisecond,
			Max:  time.Duration(rapid.IntRange(5000, 3_600_000).Draw(t, "max")) * time.Millisecond,
			Leak: time.Duration(rapid.IntRange(1000, 3_600_000).Draw(t, "leak")) * time.Millisecond,
		}
		var c identity.Counter
		now := int64(1_000_000_000)
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			now += rapid.Int64Range(-1000, 100_000).Draw(t, "passes")
			before := r.Wait(c, now)
			if before < 0 || before > r.Max {
				t.Fatalf("waits %s, more than %s", before, r.Max)
			}
			if r.Wait(c, max(now, c.At)+before.Milliseconds()+1) > 0 {
				t.Fatalf("who waited %s waits again", before)
			}
			next := r.Fail(c, now)
			if r.Wait(next, now) < before && next.At >= c.At {
				t.Fatalf("a failure shortened the wait from %s to %s", before, r.Wait(next, now))
			}
			c = next
		}
	})
}
