package tenant_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/tenant"
)

// A tenant is made whole or not at all.
func TestMaking(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	count := func(h *tenant.House, want int) {
		t.Helper()
		if n, err := h.Count(t.Context()); err != nil || n != want {
			t.Errorf("%d tenants, want %d: %v", n, want, err)
		}
	}
	folders := func() int {
		list, err := os.ReadDir(filepath.Join(h.House.Dir, "tenants"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	no, before := errors.New("no"), folders()
	_, err := h.House.Make(t.Context(), "second", "", func(ctx context.Context) error {
		count(h.House, 1)
		o, err := h.House.Open(ctx, "second")
		if err != nil {
			return err
		}
		o.Release()
		return no
	})
	if !errors.Is(err, no) {
		t.Fatalf("making failed with %v", err)
	}
	count(h.House, 1)
	if n := folders(); n != before {
		t.Errorf("%d folders, want %d", n, before)
	}
	if _, err := h.House.Open(t.Context(), "second"); !fault.Is(err, fault.NotFound) {
		t.Errorf("it can be opened: %v", err)
	}
	died(func() {
		_, _ = h.House.Make(t.Context(), "second", "", func(context.Context) error { panic("died") })
	})
	count(h.House, 1)
	if _, err := h.House.Create(t.Context(), "second", ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second one of the same name: %v", err)
	}
	if err := h.House.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := folders(); n != before {
		t.Errorf("%d folders after tidying, want %d", n, before)
	}
	if _, err := h.House.Create(t.Context(), "second", ""); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
	if err := h.House.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	count(h.House, 2)
}

// died runs f as far as it comes.
func died(f func()) {
	defer func() { _ = recover() }()
	f()
}
