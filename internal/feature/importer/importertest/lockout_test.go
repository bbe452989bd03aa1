package importertest_test

import (
	"io"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/exporter"
)

// TestAnExportEndsWithItsCaller: who is locked out, or may export no longer,
// while an export runs gets no more of it.
func TestAnExportEndsWithItsCaller(t *testing.T) {
	h := open(t)
	h.run(whole().pack(t, ""))
	stages := 0
	count := func(exporter.Progress) { stages++ }
	if _, err := h.ex.Export(t.Context(), h.User(access.Manager), io.Discard, exporter.Options{}, count); err != nil {
		t.Fatal(err)
	}
	if stages < 10 {
		t.Fatalf("only %d moments to look at", stages)
	}
	for name, x := range map[string]struct {
		role   access.Role
		active bool
		kind   fault.Kind
	}{"locked out": {access.Manager, false, fault.Unauthorized}, "made a reader": {access.ReadOnly, true, fault.Denied}} {
		for _, at := range []int{1, stages / 2, stages - 3} {
			who := h.User(access.Manager)
			n := 0
			_, err := h.ex.Export(t.Context(), who, io.Discard, exporter.Options{}, func(exporter.Progress) {
				if n++; n == at {
					h.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), who.User, x.role, x.active) })
				}
			})
			if !fault.Is(err, x.kind) {
				t.Errorf("%s at %d of %d: %v", name, at, stages, err)
			}
		}
	}
}
