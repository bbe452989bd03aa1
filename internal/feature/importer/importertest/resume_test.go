package importertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/importer/columns"
)

// TestTableGoesOn: a table whose rows are known by nothing, interrupted in its middle,
// goes on where it was and makes no record twice.
func TestTableGoesOn(t *testing.T) {
	h := open(t)
	org := h.org("Acme")
	var text strings.Builder
	text.WriteString("name,height\n")
	for i := range 400 {
		fmt.Fprintf(&text, "Rack %d,%d\n", i%300, i)
	}
	m := h.mapped(columns.Mapping{Kind: "rack", Org: org}, "name", "height")
	h.im.Batch = 50
	admin := h.User(access.Administrator)
	stage, err := h.im.Stage(t.Context(), admin, "racks.csv", strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	working, cut, ended := h.im.Handler(), make(chan struct{}), make(chan string, 10)
	first := h.runner(make(chan string, 10), func(process context.Context, run *job.Run) error {
		ctx, stop := context.WithCancel(process)
		defer stop()
		batches := 0
		h.Gate.Committed = func(string) {
			if batches++; batches == 4 {
				stop()
				close(cut)
			}
		}
		err := working(ctx, run)
		h.Gate.Committed = nil
		<-process.Done()
		return err
	})
	if _, err := h.im.Start(t.Context(), admin, stage, options(t, m)); err != nil {
		t.Fatal(err)
	}
	h.serve(first, nil, cut)
	if before := h.total("rack"); before == 0 || before == 400 {
		t.Fatalf("%d racks were made before the interruption", before)
	}
	if state := h.serve(h.runner(ended, working), ended, nil); state != job.Done {
		t.Fatalf("it ended as %s", state)
	}
	if n := h.total("rack"); n != 400 {
		t.Errorf("%d racks are there, want 400", n)
	}
	if run := h.lastRun(); run.Made != 400 {
		t.Errorf("the import is kept as %+v", run)
	}
}
