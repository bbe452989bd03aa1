package number_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/number"
)

func next(t *testing.T, h *coretest.House, series string) (n int64) {
	t.Helper()
	h.Change(func(tx *gate.Tx) (err error) { n, err = number.Next(tx, series); return err })
	return n
}

func TestNumbersGoUp(t *testing.T) {
	h := coretest.Open(t, coretest.Options{Schema: number.Schema})
	got := []int64{next(t, h, "INC"), next(t, h, "INC"), next(t, h, "CHG"), next(t, h, "INC")}
	if want := []int64{1001, 1002, 1001, 1003}; !slices.Equal(got, want) {
		t.Errorf("the numbers are %d, want %d", got, want)
	}
	for _, c := range []struct{ taken, then int64 }{{7, 1004}, {2000, 2001}, {1500, 2002}} {
		h.Change(func(tx *gate.Tx) error { return number.Taken(tx, "INC", c.taken) })
		if n := next(t, h, "INC"); n != c.then {
			t.Errorf("after %d comes %d, want %d", c.taken, n, c.then)
		}
	}
	h.Change(func(tx *gate.Tx) error { return number.Taken(tx, "PRB", 3) })
	if n := next(t, h, "PRB"); n != number.First {
		t.Errorf("a series begins with %d", n)
	}
}

// TestOnceEach: many at a time, some of whom give up, get no number twice.
func TestOnceEach(t *testing.T) {
	h := coretest.Open(t, coretest.Options{Schema: number.Schema})
	gave := errors.New("gave up")
	var mu sync.Mutex
	var all []int64
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			var n int64
			err := h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
				if n, err = number.Next(tx, "INC"); err == nil && i%4 == 0 {
					err = gave
				}
				return err
			})
			if i%4 == 0 {
				return
			}
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, n)
		})
	}
	wg.Wait()
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("a number was given twice: %d", all)
	}
}

// TestT05NumbersPerTenant: what another tenant numbers does not show in one's own.
func TestT05NumbersPerTenant(t *testing.T) {
	h := coretest.Open(t, coretest.Options{Schema: number.Schema})
	if _, err := h.House.Create(t.Context(), "other", "Other"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		next(t, h, "INC")
	}
	var n int64
	err := h.Gate.Change(t.Context(), access.System("other", "console"), access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		n, err = number.Next(tx, "INC")
		return err
	})
	if err != nil || n != number.First {
		t.Errorf("the other tenant's first number is %d, %v", n, err)
	}
}
