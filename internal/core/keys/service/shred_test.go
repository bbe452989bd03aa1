package service_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
)

func gone(t testing.TB, what string, err error) {
	t.Helper()
	want(t, what, err, fault.NotFound)
	if s := fault.Say(err).Text; s != "The keys of tenant demo were destroyed on 2023-11-14." {
		t.Errorf("%s: %q", what, s)
	}
}

func fixed() time.Time { return time.Unix(1_700_000_000, 0) }

func TestShred(t *testing.T) {
	s := keystest.Start(t, service.Options{Skew: always, Now: fixed})
	c, ctx := s.Client, t.Context()
	tenant(t, c, "demo", "")
	tenant(t, c, "other", "")
	e, other := seal(t, c, header("demo"), "hunter2"), seal(t, c, header("other"), "kept")
	if when := must[time.Time](t)(c.Shred(ctx, "demo")); !when.Equal(fixed()) {
		t.Errorf("destroyed at %v", when)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			s.Stop()
			s.Start()
		}
		_, err := reveal(t, c, e)
		gone(t, "reveal", err)
		_, err = c.Tenant(ctx, "demo")
		gone(t, "material", err)
		_, err = c.Rotate(ctx, "demo", "")
		gone(t, "rotate", err)
		_, err = c.Shred(ctx, "demo")
		gone(t, "shred again", err)
		want(t, "create again", c.CreateTenant(ctx, "demo", ""), fault.Conflict)
		if p, err := reveal(t, c, other); err != nil || p != "kept" {
			t.Errorf("the other tenant: %q, %v", p, err)
		}
	}
	_, err := c.Shred(ctx, keys.Control)
	want(t, "control", err, fault.Denied)
	_, err = c.Shred(ctx, "nobody")
	want(t, "unknown", err, fault.NotFound)
}

func copyFolder(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestARestoredCopyIsShreddedAgain(t *testing.T) {
	list := filepath.Join(t.TempDir(), "destroyed.list")
	s := keystest.Start(t, service.Options{Skew: always, Now: fixed, ShredList: list})
	c := s.Client
	tenant(t, c, "demo", "")
	e := seal(t, c, header("demo"), "hunter2")
	s.Stop()
	backup := filepath.Join(t.TempDir(), "backup")
	copyFolder(t, s.Options.Dir, backup)
	s.Start()
	must[time.Time](t)(c.Shred(t.Context(), "demo"))
	s.Stop()
	s.Options.Dir = backup
	s.Start()
	_, err := reveal(t, c, e)
	gone(t, "reveal from the copy", err)
	s.Stop()

	// The list says so by itself, and a false one is refused.
	b := must[[]byte](t)(os.ReadFile(list))
	if n := bytes.Count(b, []byte("\n")); n != 1 || !strings.Contains(string(b), `"tenant":"demo"`) {
		t.Errorf("the list is %q", b)
	}
	open := func(list []byte) error {
		o := s.Options
		o.ShredList = filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(o.ShredList, list, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := service.Listen(filepath.Join(t.TempDir(), "s"), 0)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return service.Serve(ctx, l, o)
	}
	want(t, "another tenant in the list", open(bytes.Replace(b, []byte(`"demo"`), []byte(`"mode"`), 1)), fault.Invalid)
	want(t, "line twice", open(append(bytes.Clone(b), b...)), fault.Invalid)
	want(t, "not a list", open([]byte("hello\n")), fault.Invalid)
}

func TestACutLineOfTheListIsForgotten(t *testing.T) {
	s := keystest.Start(t, service.Options{Skew: always, Now: fixed})
	tenant(t, s.Client, "demo", "")
	tenant(t, s.Client, "next", "")
	must[time.Time](t)(s.Client.Shred(t.Context(), "demo"))
	s.Stop()
	list := filepath.Join(s.Options.Dir, "destroyed.list")
	b := must[[]byte](t)(os.ReadFile(list))
	if err := os.WriteFile(list, append(bytes.Clone(b), `{"seq":2,"ten`...), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Start()
	if _, err := s.Client.Tenant(t.Context(), "next"); err != nil {
		t.Error(err)
	}
	must[time.Time](t)(s.Client.Shred(t.Context(), "next"))
	if got := must[[]byte](t)(os.ReadFile(list)); !bytes.HasPrefix(got, b) || bytes.Count(got, []byte("\n")) != 2 {
		t.Errorf("the list is %q", got)
	}
}

func TestAListThatIsLostIsMadeAgain(t *testing.T) {
	s := keystest.Start(t, service.Options{Skew: always, Now: fixed})
	tenant(t, s.Client, "demo", "")
	must[time.Time](t)(s.Client.Shred(t.Context(), "demo"))
	s.Stop()
	list := filepath.Join(s.Options.Dir, "destroyed.list")
	before := must[[]byte](t)(os.ReadFile(list))
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	s.Start()
	if _, err := s.Client.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := must[[]byte](t)(os.ReadFile(list)); !bytes.Equal(got, before) {
		t.Errorf("the list is %q, was %q", got, before)
	}
}
