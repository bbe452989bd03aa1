// Package load measures a Strongroom under load, and beside it what the machine
// allows at all: the bare private-key operation, the bare commit, the bare
// answer over HTTP.
//
// Always true: the load is a closed loop, so each client asks again only when it
// has its answer; what is asked during the warm-up is not counted; an answer
// that is not the expected one is an error and never a fast success; a limit is
// measured in the same run as what is compared with it.
package load

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Plan is how a task is driven.
type Plan struct {
	Clients int           // that ask at the same time; 1 when zero
	Warm    time.Duration // before counting
	For     time.Duration // counted
}

// Task does one piece of work as one of the plan's clients. r is the client's
// own source of choices, the same in every run.
type Task func(ctx context.Context, client int, r *rand.Rand) error

// Result is what a run of a task gave. Times are milliseconds.
type Result struct {
	Clients   int     `json:"clients"`
	Seconds   float64 `json:"seconds"`
	Done      int     `json:"done"`
	Errors    int     `json:"errors"`
	PerSecond float64 `json:"per_second"`
	Seen      Spread  `json:"client_ms"` // as the clients see it
	Problem   string  `json:"problem,omitempty"`
}

// Spread is how long the pieces of work took.
type Spread struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// spread orders took, which are milliseconds, and takes the nearest ranks.
func spread(took []float64) Spread {
	if len(took) == 0 {
		return Spread{}
	}
	slices.Sort(took)
	at := func(percent int) float64 { return took[min(len(took)-1, (len(took)*percent+99)/100-1)] }
	return Spread{P50: at(50), P95: at(95), P99: at(99), Max: took[len(took)-1]}
}

// Hooks are called when counting begins and when it ends; either may be nil.
type Hooks struct{ Begin, End func() }

// Run drives task by p. Work that was begun while counting is counted when it
// ends. It returns ctx's error when ctx ends first.
func Run(ctx context.Context, p Plan, h Hooks, task Task) (*Result, error) {
	p.Clients = max(1, p.Clients)
	var counting, over atomic.Bool
	clients := make([]client, p.Clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { clients[i].work(ctx, i, task, &counting, &over) })
	}
	wait(ctx, p.Warm)
	if h.Begin != nil {
		h.Begin()
	}
	began := time.Now()
	counting.Store(true)
	wait(ctx, p.For)
	over.Store(true)
	wg.Wait()
	took := time.Since(began)
	if h.End != nil {
		h.End()
	}
	out := &Result{Clients: p.Clients, Seconds: took.Seconds()}
	var all []float64
	for _, c := range clients {
		all = append(all, c.took...)
		out.Errors += c.errors
		if out.Problem == "" {
			out.Problem = c.problem
		}
	}
	out.Done, out.PerSecond, out.Seen = len(all), float64(len(all))/took.Seconds(), spread(all)
	return out, ctx.Err()
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// client is one that asks.
type client struct {
	took    []float64
	errors  int
	problem string
}

func (c *client) work(ctx context.Context, n int, task Task, counting, over *atomic.Bool) {
	r := rand.New(rand.NewPCG(uint64(n), 7)) // #nosec G404,G115 -- choices of what to ask for
	for !over.Load() && ctx.Err() == nil {
		counts := counting.Load()
		start := time.Now()
		err := task(ctx, n, r)
		switch {
		case !counts || ctx.Err() != nil:
		case err != nil:
			c.errors++
			c.problem = err.Error()
		default:
			c.took = append(c.took, float64(time.Since(start).Microseconds())/1000)
		}
	}
}
