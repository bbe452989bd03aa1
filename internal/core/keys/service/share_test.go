package service_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
)

// TestUnsealByShares: as many people as are needed, in any order, open a sealed service;
// fewer do not, nor with a share that was altered, of another root, or too late.
func TestUnsealByShares(t *testing.T) {
	var now atomic.Int64
	now.Store(1_700_000_000)
	root := service.NewRoot()
	s := keystest.Start(t, service.Options{Root: root, Now: func() time.Time { return time.Unix(now.Load(), 0) }, Skew: always})
	c, ctx := s.Client, t.Context()
	split := func(root []byte) (out [][]byte) {
		for _, text := range must[[]string](t)(service.SplitRoot(root, 5, 3)) {
			out = append(out, must[[]byte](t)(service.ParseShare(strings.ToLower(strings.ReplaceAll(text, "-", " - ")))))
		}
		return out
	}
	shares, again, foreign := split(root), split(root), split(service.NewRoot())
	give := func(share []byte, left int) {
		t.Helper()
		if n, err := c.Share(ctx, share); err != nil || n != left {
			t.Errorf("%d are left, want %d: %v", n, left, err)
		}
	}
	_, err := c.Share(ctx, shares[0])
	want(t, "an open service", err, fault.Conflict)
	if err := c.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	sealed := func(what string) {
		t.Helper()
		if st, err := c.Status(ctx); err != nil || !st.Sealed {
			t.Errorf("%s opened it: %+v, %v", what, st, err)
		}
	}
	give(shares[4], 2)
	give(shares[4], 2) // the same one again is one
	give(shares[0], 1)
	give(again[1], 2) // of another set: those before are forgotten
	give(shares[1], 2)
	give(shares[0], 1)
	sealed("two shares")
	bad := []byte(string(shares[2]))
	bad[20] ^= 1
	_, err = c.Share(ctx, bad)
	want(t, "an altered one", err, fault.Invalid)
	give(shares[2], 2) // all were forgotten
	give(shares[3], 1)
	now.Add(2 * 3600)
	give(shares[0], 2) // too late
	sealed("a late share")
	give(foreign[0], 2)
	give(foreign[1], 1)
	_, err = c.Share(ctx, foreign[2])
	want(t, "shares of another root", err, fault.Invalid)
	_, err = c.Share(ctx, []byte("x"))
	want(t, "no share", err, fault.Invalid)
	give(shares[3], 2)
	give(shares[1], 1)
	give(shares[4], 0)
	if st, err := c.Status(ctx); err != nil || st.Sealed {
		t.Errorf("three shares do not open it: %+v, %v", st, err)
	}
	for _, n := range [][2]int{{5, 1}, {2, 3}, {21, 3}, {0, 0}} {
		if _, err := service.SplitRoot(root, n[0], n[1]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d of %d: %v", n[1], n[0], err)
		}
	}
}

func FuzzParseShare(f *testing.F) {
	for _, text := range must[[]string](f)(service.SplitRoot(service.NewRoot(), 3, 2)) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if b, err := service.ParseShare(text); err == nil && (len(b) != 42 || !service.IsShare(text)) {
			t.Errorf("%q is %x", text, b)
		}
	})
}
