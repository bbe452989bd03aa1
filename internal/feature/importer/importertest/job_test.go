package importertest_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/importer"
)

// endings tells a test when an attempt at a job has ended.
type endings struct {
	slog.Handler
	ended chan string
}

func (e endings) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "job ended" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "state" {
				e.ended <- a.Value.String()
			}
			return true
		})
	}
	return e.Handler.Handle(ctx, r)
}

func (h *house) runner(ended chan string, handler job.Handler) *job.Runner {
	r := &job.Runner{
		House: h.House.House, Gate: h.Gate, Handlers: map[string]job.Handler{importer.JobKind: handler}, Now: h.Clock.Now, Poll: 2 * time.Millisecond,
		Log: slog.New(endings{slog.NewTextHandler(h.t.Output(), nil), ended}),
		Resolve: func(ctx context.Context, _ string, user id.ID) (c *access.Caller, err error) {
			err = h.Gate.View(ctx, h.Admin(), func(tx *gate.Tx) error {
				c, err = access.Load(tx.SQL(), user)
				return err
			})
			return c, err
		},
	}
	h.im.Jobs = r
	return r
}

// serve runs a runner until an attempt has ended or the test stops it.
func (h *house) serve(r *job.Runner, ended chan string, until <-chan struct{}) string {
	h.t.Helper()
	ctx, stop := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	state := ""
	select {
	case state = <-ended:
	case <-until:
	case <-time.After(time.Minute):
		h.t.Error("the job did not end")
	}
	stop()
	if err := <-done; err != nil {
		h.t.Error(err)
	}
	return state
}

// TestJob: an import that the process did not survive goes on in the next one;
// its report is of all attempts, and nothing of the upload is left.
func TestJob(t *testing.T) {
	var want *importer.Report
	t.Run("calm", func(t *testing.T) { want = open(t).run(whole().pack(t, "")) })
	h := open(t)
	h.im.Batch = 2
	ended := make(chan string, 10)
	raw, err := os.ReadFile(whole().pack(t, "zip-word"))
	if err != nil {
		t.Fatal(err)
	}
	admin := h.User(access.Administrator)
	stage, err := h.im.Stage(t.Context(), admin, "export.zip", strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	working := h.im.Handler()
	cut := make(chan struct{})
	first := h.runner(make(chan string, 10), func(process context.Context, run *job.Run) error {
		ctx, stop := context.WithCancel(process)
		defer stop()
		batches := 0
		h.Gate.Committed = func(string) {
			if batches++; batches == 8 {
				stop()
				close(cut)
			}
		}
		err := working(ctx, run)
		h.Gate.Committed = nil
		<-process.Done()
		return err
	})
	jid, err := h.im.Start(t.Context(), admin, stage, importer.Options{Password: "zip-word"})
	if err != nil {
		t.Fatal(err)
	}
	h.serve(first, nil, cut)
	h.nowhere("zip-word")
	if state := h.serve(h.runner(ended, working), ended, nil); state != job.Done {
		t.Fatalf("the job is %s", state)
	}
	var s *job.Status
	h.View(admin, func(tx *gate.Tx) error {
		s, err = job.Get(tx, jid)
		return err
	})
	var got importer.Report
	if err := json.Unmarshal(s.Result, &got); err != nil {
		t.Fatal(err)
	}
	samePlan(t, &importer.Report{DryRun: true, Counts: want.Counts, Kinds: want.Kinds, Problems: want.Problems}, &got)
	if s.Done != s.Total || s.Total == 0 || strings.Contains(string(s.Payload), "zip-word") {
		t.Errorf("%+v", s)
	}
	if _, err := h.im.Check(t.Context(), admin, importer.Source{Stage: stage}, importer.Options{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("the upload is still there: %v", err)
	}
}
