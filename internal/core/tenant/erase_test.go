package tenant_test

import (
	"context"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/coretest"
)

// A tenant that is being opened while it is erased must not stay open: its
// memory holds the keys that were destroyed.
func TestErasingWaitsForWhoIsJustOpening(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	if _, err := h.House.Create(t.Context(), "second", ""); err != nil {
		t.Fatal(err)
	}
	if err := h.House.SetDue(t.Context(), "second", 1); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(1e15) // idle for long: it is closed, so that it is opened anew
	if err := h.House.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.House.Version = "next"
	migrate, erased := h.House.Migrate, make(chan error, 1)
	h.House.Migrate = func(tx *sqldb.Tx) error {
		go func() { erased <- h.House.Erase(context.WithoutCancel(t.Context()), "second") }()
		for known := true; known; { // until it is marked as erased
			_, err := h.House.Info(t.Context(), "second")
			known = !fault.Is(err, fault.NotFound)
		}
		return migrate(tx)
	}
	if o, err := h.House.Open(t.Context(), "second"); err == nil {
		o.Release()
	}
	if err := <-erased; err != nil {
		t.Fatal(err)
	}
	for _, name := range h.House.Opened() {
		if name == "second" {
			t.Error("the erased tenant is still open")
		}
	}
	if _, err := h.House.Open(t.Context(), "second"); !fault.Is(err, fault.NotFound) {
		t.Errorf("opening it again: %v", err)
	}
	due, err := h.House.TakeDue(t.Context(), 1<<60)
	if err != nil || len(due) != 0 {
		t.Errorf("work is due in %v, %v", due, err)
	}
}
