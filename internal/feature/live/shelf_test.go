package live

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestKeep: what is made is handed on to who reads next, of the same tenant and under the same
// key, until nobody has read for a minute.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hub{}
		defer h.Close()
		read := func(tenant, key string) int {
			t.Helper()
			v, err := h.Keep(tenant, key, func(old any) (any, error) {
				n, _ := old.(int)
				return n + 1, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return v.(int)
		}
		for i, x := range []struct {
			tenant, key string
			after       time.Duration
			want        int
		}{
			{"a", "all", 0, 1}, {"a", "all", 0, 2}, {"a", "hers", 0, 1}, {"b", "all", 0, 1},
			{"a", "all", 59 * time.Second, 3}, {"a", "hers", 59 * time.Second, 2}, {"b", "all", 0, 1},
			{"a", "all", 61 * time.Second, 1}, {"a", "hers", 0, 1},
		} {
			time.Sleep(x.after)
			synctest.Wait()
			if got := read(x.tenant, x.key); got != x.want {
				t.Errorf("read %d gives %d, not %d", i, got, x.want)
			}
		}
		if _, err := h.Keep("a", "all", func(any) (any, error) { return nil, errors.New("no") }); err == nil {
			t.Error("what cannot be made is given")
		}
		if got := read("a", "all"); got != 2 {
			t.Errorf("after an error it goes on with %d", got)
		}
		h.Close()
		if read("a", "all"); read("a", "all") != 1 {
			t.Error("a closed hub keeps something")
		}
	})
}
