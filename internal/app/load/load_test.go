package load_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/app/load"
)

func TestRunCounts(t *testing.T) {
	var begun, ended atomic.Int32
	var busy, most atomic.Int32
	r, err := load.Run(t.Context(), load.Plan{Clients: 4, Warm: time.Millisecond, For: 20 * time.Millisecond},
		load.Hooks{Begin: func() { begun.Add(1) }, End: func() { ended.Add(1) }},
		func(context.Context, int, *rand.Rand) error {
			n := busy.Add(1)
			defer busy.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if r.Clients != 4 || r.Done == 0 || r.Errors != 0 || begun.Load() != 1 || ended.Load() != 1 || most.Load() > 4 {
		t.Errorf("%+v, %d begun, %d ended, %d at once", r, begun.Load(), ended.Load(), most.Load())
	}
	if s := r.Seen; s.P50 > s.P95 || s.P95 > s.P99 || s.P99 > s.Max {
		t.Errorf("%+v is out of order", s)
	}
}

func TestRunTellsErrors(t *testing.T) {
	r, err := load.Run(t.Context(), load.Plan{For: 5 * time.Millisecond}, load.Hooks{}, func(context.Context, int, *rand.Rand) error { return errors.New("no") })
	if err != nil || r.Done != 0 || r.Errors == 0 || r.Problem != "no" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := load.Run(ctx, load.Plan{Clients: 2, For: time.Hour}, load.Hooks{}, func(context.Context, int, *rand.Rand) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	l, err := load.Bare(t.Context(), t.TempDir(), 2, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]load.Limit{"RSA": l.RSA2048, "fsync": l.Sync, "commit": l.Commit1, "commits": l.Commits, "inserts": l.Inserts, "lookups": l.Lookups, "HTTP": l.HTTP} {
		if n.PerSecond <= 0 || n.CPU < 0 {
			t.Errorf("%s: %v a second", name, n)
		}
	}
}

// remote is a server that answers as the API does.
func remote(t *testing.T, status int) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "key" {
			status = http.StatusForbidden
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"data":[{"id":"7","attributes":{"name":"one"}}]}`))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestRemote(t *testing.T) {
	o := load.Options{Plan: load.Plan{Clients: 2, For: 5 * time.Millisecond}, Only: "API record"}
	rep, err := load.Remote(t.Context(), remote(t, http.StatusOK), "key", o, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Rows) != 1 || rep.Rows[0].Done == 0 || rep.Rows[0].Errors != 0 {
		t.Errorf("%+v", rep.Rows)
	}
	var b strings.Builder
	if err := rep.Print(&b); err != nil || !strings.Contains(b.String(), "API record") {
		t.Error(b.String(), err)
	}
	if _, err := load.Remote(t.Context(), remote(t, http.StatusOK), "another", o, func(string) {}); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a wrong key: %v", err)
	}
}
