package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// Options say what is measured and how.
type Options struct {
	Plan
	Only string // measure only rows whose name holds this
}

// Report is what a run of the bench found.
type Report struct {
	At      string   `json:"at"`
	Cores   int      `json:"cores"`
	Records int64    `json:"records,omitempty"`
	Limits  *Limits  `json:"limits,omitempty"`
	Start   *Started `json:"start,omitempty"`
	Idle    *Process `json:"idle,omitempty"`  // after the first answer
	Loaded  *Process `json:"after,omitempty"` // after all rows
	Woken   *Woken   `json:"woken,omitempty"`
	Rows    []*Row   `json:"rows"`
}

// Row is one line.
type Row struct {
	Name string `json:"name"`
	Result
	Server *Spread `json:"server_ms,omitempty"` // from the access log: first look at the request to the end of the answer
	CPU    float64 `json:"cpu_ms"`              // processor time of server and key service for one request
	Client float64 `json:"client_cpu_ms"`       // processor time of this load for one request
	Storm  *Storm  `json:"storm,omitempty"`     // that went on meanwhile
}

// Woken is what opening tenants costs.
type Woken struct {
	Tenants int     `json:"tenants"`
	Took    Spread  `json:"ms"`
	MB      float64 `json:"mb_each"` // of the server's memory while open
}

// Remote measures a running server with a key. It changes nothing but the audit
// log, where reveals are recorded.
func Remote(ctx context.Context, address, key string, o Options, say func(string)) (*Report, error) {
	t := newTarget(address, key)
	rep := newReport()
	rows, err := reading(ctx, t, "the key's owner")
	if err != nil {
		return nil, err
	}
	if r, err := revealing(ctx, t, "this tenant's suite"); err == nil { // the key may not show passwords
		rows = append(rows, r)
	}
	return rep, rep.measure(ctx, rows, o, nil, say)
}

func newReport() *Report {
	return &Report{At: time.Now().UTC().Format(time.RFC3339), Cores: runtime.GOMAXPROCS(0)}
}

// Own measures a house of our own, which stands ready in its folder.
func Own(ctx context.Context, h *House, o Options, say func(string)) (_ *Report, err error) {
	rep := newReport()
	say("bare limits")
	if rep.Limits, err = Bare(ctx, h.Scratch, o.Clients, min(o.For, 2*time.Second)); err != nil {
		return nil, err
	}
	say("start")
	if rep.Start, err = h.Start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Stop()) }()
	if err := h.settle(ctx, say); err != nil {
		return nil, err
	}
	if rep.Idle, err = h.process(); err != nil {
		return nil, err
	}
	if err := rep.wake(ctx, h); err != nil {
		return nil, err
	}
	if err := h.settle(ctx, say); err != nil {
		return nil, err
	}
	rows, err := h.rows(ctx)
	if err != nil {
		return nil, err
	}
	if err := rep.measure(ctx, rows, o, h, say); err != nil {
		return nil, err
	}
	rep.Loaded, err = h.process()
	return rep, err
}

// settle waits until the server does nothing by itself any more, so that what it
// looks after once after a start is not counted with the first requests. After
// two minutes it says so and goes on.
func (h *House) settle(ctx context.Context, say func(string)) error {
	const look, quiet = 500 * time.Millisecond, 25.0 // ms of processor time: a twentieth of a core
	before, err := h.process()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for range 2 * time.Minute / look {
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		var now *Process
		if now, err = h.process(); err == nil && now.cpu-before.cpu <= quiet {
			return nil
		}
		before = now
	}
	say("the server is still busy with itself")
	return err
}

func (h *House) process() (*Process, error) {
	p, err := look(h.pid())
	return &p, err
}

// mostWoken is how many empty tenants are opened: fewer than may be open at once.
const mostWoken = 200

func (rep *Report) wake(ctx context.Context, h *House) error {
	n := min(h.Empty, mostWoken)
	if n == 0 {
		return nil
	}
	before, err := h.process()
	if err != nil {
		return err
	}
	w := &Woken{Tenants: n}
	if w.Took, err = h.wake(ctx, n); err != nil {
		return err
	}
	after, err := h.process()
	if err != nil {
		return err
	}
	w.MB, rep.Woken = (after.Server-before.Server)/float64(n), w
	return nil
}

// rows lists all rows of a house of our own. Those that make records come last.
func (h *House) rows(ctx context.Context) ([]row, error) {
	var out []row
	for _, p := range h.People {
		t := newTarget(h.url, p.Key)
		ids, names, err := t.devices(ctx)
		if err != nil {
			return nil, err
		}
		b, err := browser(ctx, h.url, p)
		if err != nil {
			return nil, err
		}
		mine := pages(b, p.Name, ids, names)
		api, err := reading(ctx, t, p.Name)
		if err != nil {
			return nil, err
		}
		mine = append(mine, api...)
		out = append(out, mine...)
		tickets, err := ticketRows(ctx, b, t, p.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, tickets...)
		if p == h.People[0] {
			for _, r := range mine {
				out = append(out, row{name: r.name + ", in a storm of sign-ins", storm: true, task: r.task})
			}
		}
	}
	for _, s := range []struct {
		p     Person
		suite string
	}{{h.Hybrid, "hybrid"}, {h.RSA, "rsa-oaep-2048"}} {
		r, err := revealing(ctx, newTarget(h.url, s.p.Key), s.suite)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	out = append(out, h.keptUp())
	admin := newTarget(h.url, h.People[0].Key)
	tickets, err := ticketWrites(ctx, admin)
	if err != nil {
		return nil, err
	}
	changes, err := writing(ctx, admin)
	return append(append(out, tickets...), changes...), err
}

// devices gives ids and names of configurations.
func (t *target) devices(ctx context.Context) (ids, names []string, err error) {
	for page := 1; page <= 5; page++ {
		var d document
		if err := t.get(ctx, fmt.Sprintf("/api/v1/configurations?page[size]=200&page[number]=%d", page), &d); err != nil {
			return nil, nil, err
		}
		for _, x := range d.Data {
			name, _ := x.Attributes["name"].(string)
			ids, names = append(ids, x.ID), append(names, name)
		}
	}
	if len(ids) == 0 {
		return nil, nil, errors.New("there are no configurations to measure with")
	}
	return ids, names, nil
}

func (rep *Report) measure(ctx context.Context, rows []row, o Options, h *House, say func(string)) error {
	for _, r := range rows {
		if !strings.Contains(r.name, o.Only) {
			continue
		}
		say(r.name)
		p := o.Plan
		if r.clients > 0 {
			p.Clients = r.clients
		}
		line, err := measured(ctx, p, r, h)
		if err != nil {
			return err
		}
		rep.Rows = append(rep.Rows, line)
	}
	return nil
}

// measured runs one row; with a house of our own it also reads what the server
// says of itself.
func measured(ctx context.Context, p Plan, r row, h *House) (*Row, error) {
	line := &Row{Name: r.name}
	var before, after Process
	var own [2]float64
	hooks := Hooks{Begin: func() { own[0] = ownCPU() }, End: func() { own[1] = ownCPU() }}
	if h != nil {
		hooks.Begin = func() { h.log.take(); before, _ = look(h.pid()); own[0] = ownCPU() } // what is not known stays zero
		hooks.End = func() { own[1] = ownCPU(); after, _ = look(h.pid()) }
	}
	if r.open != nil {
		end, err := r.open(ctx)
		if err != nil {
			return nil, err
		}
		defer end()
	}
	if r.storm && h != nil {
		end := h.storm(ctx)
		defer func() { line.Storm = end() }()
	}
	res, err := Run(ctx, p, hooks, r.task)
	if err != nil {
		return nil, err
	}
	line.Result, line.Client = *res, (own[1]-own[0])/float64(max(1, res.Done))
	if h != nil {
		s := spread(h.log.take())
		line.Server = &s
		line.CPU = (after.cpu - before.cpu) / float64(max(1, res.Done))
	}
	return line, nil
}

// Print writes the report as a person reads it.
func (rep *Report) Print(w io.Writer) error {
	var b strings.Builder
	if l := rep.Limits; l != nil {
		fmt.Fprintf(&b, "\nBare limits of this machine, %d cores, a second:\n\n", rep.Cores)
		for _, x := range []struct {
			name string
			n    Limit
		}{{"RSA-2048 private operations", l.RSA2048}, {"fsync, one after the other", l.Sync}, {"SQLite commits, one client", l.Commit1}, {"SQLite commits, all clients", l.Commits},
			{"SQLite inserts in one transaction", l.Inserts}, {"SQLite reads of a row", l.Lookups}, {"HTTP answers of 50 KiB", l.HTTP}} {
			fmt.Fprintf(&b, "  %-40s %10.0f   %8.3f cpu ms each\n", x.name, x.n.PerSecond, x.n.CPU)
		}
	}
	if rep.Start != nil {
		fmt.Fprintf(&b, "\nStart with %d tenants: ready after %.0f ms, first answer after %.0f ms\n", rep.Start.Tenants, rep.Start.Ready, rep.Start.Answer)
		fmt.Fprintf(&b, "Memory: %.0f MB idle, %.0f MB after the load; key service %.0f MB\n", rep.Idle.Server, rep.Loaded.Server, rep.Loaded.Keys)
	}
	if wk := rep.Woken; wk != nil {
		fmt.Fprintf(&b, "Opening a tenant: p50 %.1f ms, p95 %.1f ms, %.2f MB each while open\n", wk.Took.P50, wk.Took.P95, wk.MB)
	}
	fmt.Fprintf(&b, "\n  %-58s %7s %9s   %s   %s  %s\n", "", "clients", "a second", "client ms p50   p95   p99", "server ms p50   p95   p99", "cpu ms  client's")
	for _, r := range rep.Rows {
		fmt.Fprintf(&b, "  %-58s %7d %9.0f   %13.1f %5.1f %5.1f", r.Name, r.Clients, r.PerSecond, r.Seen.P50, r.Seen.P95, r.Seen.P99)
		if s := r.Server; s != nil {
			fmt.Fprintf(&b, "   %13.1f %5.1f %5.1f  %6.2f    %6.2f", s.P50, s.P95, s.P99, r.CPU, r.Client)
		}
		b.WriteByte('\n')
		if s := r.Storm; s != nil {
			fmt.Fprintf(&b, "    of %d people who tried to sign in meanwhile %d passwords were checked, %d were told when to come back, %d had no such answer\n", s.Sent, s.Checked, s.Refused, s.Failed)
		}
		if r.Errors > 0 {
			fmt.Fprintf(&b, "    %d errors: %s\n", r.Errors, r.Problem)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
