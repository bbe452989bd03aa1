// Package apptest gives tests a whole house: the program as it is put together
// for real, answering on the loopback address, with a key service of its own in
// a process of its own, two tenants, people of every role and sample records of
// every kind.
//
// Always true: nothing is replaced by something made for tests; everything lies
// in folders of the test and is gone when it ends; the databases are SQLite, or
// PostgreSQL when STRONGROOM_TEST_DB=postgres; samples are made from what the
// kinds declare, so that a new kind is in the house the moment it exists.
package apptest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"strongroom/internal/app"
	"strongroom/internal/base/pgtest"
)

// patience bounds the wait for something that takes moments.
const patience = 60 * time.Second

// Main runs a package's tests. The test binary also stands for the program's
// key service, which the house starts as a process of its own.
func Main(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "keys" && os.Args[2] == "serve" {
		if err := serveKeys(os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	built.remove()
	os.Exit(code)
}

// moved, in the environment, says that the house's clock is one that a test moves.
const moved = "STRONGROOM_TEST_CLOCK_MOVES"

func serveKeys(args []string) error {
	o := app.KeysOptions{Version: "test", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if os.Getenv(moved) != "" {
		o.Skew = 100 * 365 * 24 * time.Hour // its tickets are of another time than this process's
	}
	f := flag.NewFlagSet("keys serve", flag.ContinueOnError)
	f.StringVar(&o.Dir, "dir", "", "")
	f.StringVar(&o.Socket, "socket", "", "")
	f.BoolVar(&o.RootStdin, "root-stdin", false, "")
	f.TextVar(&o.Level, "log-level", o.Level, "")
	app.BudgetFlags(f, &o.Budgets)
	if err := f.Parse(args); err != nil {
		return err
	}
	return app.ServeKeys(context.Background(), o)
}

// Options say how the house is; the zero value is one with two tenants.
type Options struct {
	Empty bool // no tenants
	Bare  bool // tenants without sample records
	One   bool // the first tenant alone
	Now   func() time.Time
	Log   string // level of the log; error when empty

	Config func(*app.Config) // changes the settings; nothing goes out unless it says so
}

// apart is how many ids lie between those of the tenants' samples, so that an id
// of one is none of the other's.
const apart = 20000

// House is a house that serves.
type House struct {
	App     *app.App
	URL     string
	Data    string // the data folder
	Root    string // the root key's file, outside of it
	Tenants []*Tenant

	t      testing.TB
	o      Options
	config app.Config
	server *app.Server
	api    *http.Client
}

// Open opens a house that is closed when the test ends.
func Open(t testing.TB, o Options) *House {
	t.Helper()
	dir := t.TempDir()
	h := &House{t: t, o: o, Data: filepath.Join(dir, "data"), Root: filepath.Join(dir, "root.key")}
	level := o.Log
	if level == "" {
		level = "error"
	}
	h.config = app.Config{Data: h.Data, Root: h.Root, Listen: "127.0.0.1:0", Postgres: Postgres(t), LogLevel: level, Outgoing: app.Outgoing{Mode: "off"}}
	if o.Config != nil {
		o.Config(&h.config)
	}
	if o.Now != nil {
		t.Setenv(moved, "1")
	}
	h.Start()
	t.Cleanup(h.Stop)
	if !o.Empty {
		for i, name := range []string{"alder", "birch"} {
			if i == 0 || !o.One {
				h.Tenants = append(h.Tenants, h.tenant(name, i*apart))
			}
		}
	}
	return h
}

// Start opens and serves the house again after Stop, on the same address.
func (h *House) Start() {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	var log io.Writer = h.t.Output()
	ctx := context.WithoutCancel(h.t.Context())
	h.App, err = app.Open(ctx, app.Options{Config: h.config, Program: []string{self}, Now: h.o.Now, Stderr: log, Quiet: h.o.Log == "", Version: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	if h.server, err = h.App.Serve(ctx); err != nil {
		h.t.Fatal(err)
	}
	h.URL = h.server.URL
	h.config.Listen = h.URL[len("http://"):]
}

// Stop stops the house. It may be stopped already.
func (h *House) Stop() {
	h.t.Helper()
	if h.server == nil {
		return
	}
	if err := h.server.Stop(context.Background()); err != nil {
		h.t.Errorf("the server did not stop: %v", err)
	}
	if err := h.App.Close(); err != nil {
		h.t.Errorf("the house did not close: %v", err)
	}
	h.server = nil
}

// Postgres gives the address of the test binary's server with no house's
// databases on it, or nothing when the tests run on SQLite. Names of a house's
// databases are fixed, so only one house at a time can be on it.
func Postgres(t testing.TB) string {
	t.Helper()
	if os.Getenv("STRONGROOM_TEST_DB") != "postgres" {
		return ""
	}
	return OnPostgres(t)
}

// OnPostgres is Postgres whatever the tests run on.
func OnPostgres(t testing.TB) string {
	t.Helper()
	dsn := pgtest.Loopback(t)("postgres")
	dropAll(t, dsn)
	t.Cleanup(func() { dropAll(t, dsn) })
	return dsn
}

func dropAll(t testing.TB, dsn string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, `select datname from pg_database where datname like 'strongroom\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if _, err := c.Exec(ctx, `drop database `+pgx.Identifier{n}.Sanitize()+` with (force)`); err != nil {
			t.Fatal(err)
		}
	}
}

// Eventually asks again and again until done says yes, within a bound.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	late, tick := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-late:
			t.Fatalf("%s: not after %v", what, patience)
		case <-t.Context().Done():
			t.Fatalf("%s: the test ended", what)
		case <-tick.C:
		}
	}
}

// program is the real program, built once for a test binary.
type program struct {
	once sync.Once
	dir  string
	err  error
}

var built program //nolint:gochecknoglobals // one build serves all tests of a binary

func (p *program) path() (string, error) {
	p.once.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "strongroom-built-"); p.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", filepath.Join(p.dir, "strongroom"), "strongroom/cmd/strongroom").CombinedOutput()
		if err != nil {
			p.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	return filepath.Join(p.dir, "strongroom"), p.err
}

func (p *program) remove() {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// Program builds the real program and gives its path.
func Program(t testing.TB) string {
	t.Helper()
	path, err := built.path()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// client is an HTTP client that follows nothing and keeps many connections.
func client(jar http.CookieJar) *http.Client {
	return &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{}).DialContext, DisableCompression: true}}
}
