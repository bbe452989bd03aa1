package secret_test

import (
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/secret"
)

// Secrets that are sealed with what was made ahead are shown like any other; when
// it runs out, Put goes on without.
func TestAhead(t *testing.T) {
	d := open(t, coretest.Options{})
	ahead := new(secret.Ahead)
	if err := ahead.More(d.Tenant(), 2); err != nil {
		t.Fatal(err)
	}
	texts := []string{"one", "two", "three"}
	err := d.Gate.Change(t.Context(), d.admin, access.Edit, gate.Thing{Kind: "password", ID: d.pw}, func(tx *gate.Tx) error {
		ahead.In(tx)
		for _, text := range texts {
			if _, err := secret.Put(tx, d.place(), text, secret.Note{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range texts {
		got, err := d.revealer.Reveal(t.Context(), d.admin, d.ref(uint32(i+2)), "a test")
		if err != nil || got != want {
			t.Errorf("version %d: %q, %v", i+2, got, err)
		}
	}
}
