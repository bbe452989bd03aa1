package apptest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"strongroom/internal/app"
)

// Place is where the real program works in a test: a data folder with its root
// key beside it.
type Place struct {
	Data, Root, Postgres string

	t       testing.TB
	program string
}

// NewPlace makes an empty one for the program at a path.
func NewPlace(t testing.TB, program string) *Place {
	t.Helper()
	dir := t.TempDir()
	return &Place{Data: filepath.Join(dir, "data"), Root: filepath.Join(dir, "root.key"), Postgres: Postgres(t), t: t, program: program}
}

func (p *Place) command(args []string) *exec.Cmd {
	args = append(args, "-data", p.Data, "-root", p.Root)
	if p.Postgres != "" {
		args = append(args, "-postgres", p.Postgres)
	}
	c := exec.Command(p.program, args...) // #nosec G204 -- the program under test
	c.Dir = filepath.Dir(p.Data)
	return c
}

// Run runs a command of the program to its end.
func (p *Place) Run(args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	var out, errs bytes.Buffer
	c := p.command(args)
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if x, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), x.ExitCode()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return out.String(), errs.String(), 0
}

// Do is Run for a command that must succeed and prints JSON, which fills v
// unless it is nil.
func (p *Place) Do(v any, args ...string) {
	p.t.Helper()
	out, errs, code := p.Run(args...)
	if code != 0 {
		p.t.Fatalf("strongroom %s ended with %d: %s", strings.Join(args, " "), code, errs)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(out), v); err != nil {
			p.t.Fatalf("strongroom %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
}

// Within opens the house of a place in this process, with a clock that is so far ahead, for fn.
// Nothing serves it meanwhile.
func (p *Place) Within(ahead time.Duration, fn func(*app.App) error) {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Setenv(moved, "1")
	a, err := app.Open(p.t.Context(), app.Options{Config: app.Config{Data: p.Data, Root: p.Root, Postgres: p.Postgres, Outgoing: app.Outgoing{Mode: "on", Allow: "127.0.0.0/8"}},
		Program: []string{self}, Now: func() time.Time { return time.Now().Add(ahead) }, Stderr: p.t.Output(), Quiet: true})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := errors.Join(fn(a), a.Close()); err != nil {
		p.t.Fatal(err)
	}
}

// Process is the program while it serves.
type Process struct {
	URL string

	place *Place
	cmd   *exec.Cmd
	ended chan error
	log   *output
	api   *http.Client
}

// Serve starts the server and waits until it says where it is.
func (p *Place) Serve(args ...string) *Process {
	p.t.Helper()
	s := &Process{place: p, ended: make(chan error, 1), log: &output{}, api: client(nil)}
	s.cmd = p.command(append([]string{"serve", "-listen", "127.0.0.1:0", "-log-level", "warn"}, args...))
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.Kill)
	found := make(chan string, 1)
	go func() {
		for in := bufio.NewScanner(out); in.Scan(); {
			if url, ok := strings.CutPrefix(in.Text(), "Strongroom is at "); ok {
				found <- url
			}
		}
		close(found)
		s.ended <- s.cmd.Wait()
	}()
	select {
	case url, ok := <-found:
		if !ok {
			p.t.Fatalf("the server ended: %s", s.log)
		}
		s.URL = url
	case <-time.After(patience):
		p.t.Fatalf("the server is not ready: %s", s.log)
	}
	return s
}

// Kill ends the server as kill -9 does. It may have ended already.
func (s *Process) Kill() {
	if s.cmd.Process.Kill() == nil {
		<-s.ended
	}
}

// Stop ends the server as Ctrl-C does.
func (s *Process) Stop() {
	s.place.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		s.place.t.Fatal(err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			s.place.t.Fatalf("the server ended badly: %v: %s", err, s.log)
		}
	case <-time.After(patience):
		s.place.t.Fatalf("the server does not end: %s", s.log)
	}
}

// API sends a request with a key. An error is one of the connection: nothing was
// acknowledged.
func (s *Process) API(key, method, path string, body any) (*Answer, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(s.place.t.Context(), method, s.URL+"/api/v1"+path, in)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Api-Key", key)
	if body != nil {
		r.Header.Set("Content-Type", "application/vnd.api+json")
	}
	resp, err := s.api.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &Answer{resp.StatusCode, resp.Header, all}, nil
}

// KeyServices lists the processes that are key services of a data folder.
func KeyServices(t testing.TB, data string) (pids []int) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		line, err := os.ReadFile(filepath.Join(d, "cmdline")) // it may have ended meanwhile
		if err != nil || !bytes.Contains(line, []byte("keys\x00serve\x00")) || !bytes.Contains(line, []byte(filepath.Join(data, "keys")+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(d)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// output collects what a process writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
