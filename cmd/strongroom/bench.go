package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"strongroom/internal/app"
	"strongroom/internal/app/load"
)

func benchCommand() *command {
	return &command{
		name: "bench", short: "measure how fast it is",
		long: `
Measures under a closed-loop load: so many clients, each of which asks again when
it has its answer. It prints answers a second and how long they took.

With -url and -key it measures a running server through its API. It changes
nothing there, but each password that it reveals is in the audit log.

Without -url it makes a house of its own in a temporary folder, with the sample
company of -records records and -tickets tickets of two years, and starts the server in processes of its own. Then
it also measures pages, search, changes, start and memory, and beside them what
this machine allows with nothing around it: the private-key operation, the
durable commit, the answer over HTTP. Compare figures of one run only. With
-dir the house is kept in that folder, and used again when it exists.`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			if (s.bench.url == "") != (s.key == "") {
				return usageError("A server is measured with an API key.", "Give both -url URL and -key KEY, or neither for a house of its own.")
			}
			if s.bench.clients < 1 || s.bench.seconds < 1 {
				return usageError("There is nothing to measure.", "Give at least one client and one second.")
			}
			return p.bench(ctx, s)
		},
	}
}

// benchSettings are the flags of bench.
type benchSettings struct {
	url, dir, only            string
	clients, seconds, tenants int
	tickets                   int
}

func (p *program) bench(ctx context.Context, s *settings) (err error) {
	counted := time.Duration(s.bench.seconds) * time.Second
	o := load.Options{Plan: load.Plan{Clients: s.bench.clients, Warm: min(counted/4, 2*time.Second), For: counted}, Only: s.bench.only}
	say := func(what string) {
		if !s.json {
			fmt.Fprintln(p.err, what)
		}
	}
	var rep *load.Report
	if s.bench.url != "" {
		rep, err = load.Remote(ctx, s.bench.url, s.key, o, say)
	} else {
		rep, err = p.benchOwn(ctx, s, o, say)
	}
	if err != nil {
		return err
	}
	if s.json {
		return p.printJSON(rep)
	}
	return rep.Print(p.out)
}

// benchOwn measures a house of its own.
func (p *program) benchOwn(ctx context.Context, s *settings, o load.Options, say func(string)) (_ *load.Report, err error) {
	dir := s.bench.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "strongroom-bench-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	say("a house with " + fmt.Sprint(s.records) + " records")
	h := &load.House{Data: filepath.Join(dir, "data"), Root: filepath.Join(dir, "root.key"), Program: self, Stderr: p.err, Scratch: dir, Empty: s.bench.tenants}
	if err := p.prepare(ctx, s, h); err != nil {
		return nil, err
	}
	return load.Own(ctx, h, o, say)
}

// prepare makes what is measured.
func (p *program) prepare(ctx context.Context, s *settings, h *load.House) (err error) {
	a, err := app.Open(ctx, app.Options{Config: app.Config{Data: h.Data, Root: h.Root}, Program: []string{h.Program}, Stderr: io.Discard, Quiet: true, Version: version})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	b, err := a.PrepareBench(ctx, s.records, s.bench.tickets, s.bench.tenants, func(done, total int) {
		if !s.json {
			fmt.Fprintf(p.err, "\r%d of %d tickets", done, total)
		}
	})
	if err != nil {
		return err
	}
	for _, x := range b.People {
		h.People = append(h.People, load.Person(x))
	}
	for _, x := range b.Agents {
		h.Agents = append(h.Agents, load.Person(x))
	}
	h.Hybrid, h.RSA, h.Tenants = load.Person(b.Hybrid), load.Person(b.RSA), b.Tenants
	return nil
}
