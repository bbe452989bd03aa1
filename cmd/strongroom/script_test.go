package main

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"strongroom/internal/app"
	"strongroom/internal/base/sqldb"
)

// TestMain lets the test binary stand for the program in scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"strongroom": main})
}

// TestScripts runs the journeys of testdata: each is what a person types and
// what she must see.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "up": up, "down": down, "field": field, "get": get, "tamper": tamper, "pack": pack, "hold": hold, "loosen": loosen, "copies": copies, "manage": manage,
		},
		Condition: func(c string) (bool, error) {
			switch c {
			case "root":
				return os.Geteuid() == 0, nil
			case "token":
				_, err := exec.LookPath("softhsm2-util")
				_, err2 := exec.LookPath("pkcs11-tool")
				return err == nil && err2 == nil, nil
			case "vault":
				_, err := os.Stat(vault)
				return err == nil, nil
			}
			return false, fmt.Errorf("no condition %q", c)
		},
	})
}

// vault is HashiCorp Vault, which make builds of tools/vault.
const vault = "../../bin/vault-v1.13.0"

// setup gives every script a home of its own, where its root keys lie.
func setup(e *testscript.Env) error {
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("XDG_CONFIG_HOME", "")
	e.Setenv("NO_PROXY", "*")
	database, err := filepath.Abs("../../internal/base/kdbx/testdata/aes.kdbx")
	if err != nil {
		return err
	}
	e.Setenv("KDBX", database)
	if database, err = filepath.Abs(vault); err != nil {
		return err
	}
	e.Setenv("VAULT", database)
	e.Values[running{}] = map[string]*server{}
	return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o700)
}

// code N ARGS... runs strongroom ARGS and wants exit code N; for 1 a sentence on
// standard error, and for 2 a hint besides and nothing on standard output.
func code(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("usage: code N ARGS...")
	}
	err = ts.Exec("strongroom", args[1:]...)
	got := 0
	if x, ok := errors.AsType[*exec.ExitError](err); ok {
		got = x.ExitCode()
	} else if err != nil {
		ts.Fatalf("strongroom could not be run: %v", err)
	}
	stderr := ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"), stderr)
	}
	said := strings.Split(strings.TrimSpace(stderr), "\n")
	switch {
	case want == 1 && said[0] == "":
		ts.Fatalf("it failed without a word on standard error")
	case want == 2 && (len(said) < 2 || ts.ReadFile("stdout") != ""):
		ts.Fatalf("wrong use wants a sentence and a hint on standard error, and got:\n%s%s", ts.ReadFile("stdout"), stderr)
	}
}

type running struct{}

type server struct {
	cmd   *exec.Cmd
	lines chan string // its standard output; closed at its end
	ended chan error
}

const patience = 60 * time.Second // a bound for what takes moments

// up [-code] NAME ARGS... starts strongroom ARGS, waits until it says where it is
// (with -code, until it gives the code to begin with) and sets $URL. What it
// printed until then is in the file NAME.
func up(ts *testscript.TestScript, _ bool, args []string) {
	untilCode := args[0] == "-code"
	if untilCode {
		args = args[1:]
	}
	path, err := exec.LookPath("strongroom")
	ts.Check(err)
	c := exec.Command(path, args[1:]...)
	c.Dir = ts.MkAbs(".")
	for _, n := range []string{"HOME", "XDG_CONFIG_HOME", "TMPDIR", "PATH", "GODEBUG"} {
		c.Env = append(c.Env, n+"="+ts.Getenv(n))
	}
	errs, err := os.Create(ts.MkAbs(args[0] + ".err"))
	ts.Check(err)
	defer errs.Close()
	c.Stderr = errs
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	s := &server{cmd: c, lines: make(chan string, 100), ended: make(chan error, 1)}
	go func() {
		for in := bufio.NewScanner(out); in.Scan(); {
			s.lines <- in.Text()
		}
		close(s.lines)
		s.ended <- c.Wait()
	}()
	ts.Value(running{}).(map[string]*server)[args[0]] = s
	ts.Defer(func() { _ = c.Process.Kill() })
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ready(ts, s, args[0], untilCode)), 0o600))
}

// ready collects what a server prints until it said where it is and, on an empty
// folder, with which code to begin.
func ready(ts *testscript.TestScript, s *server, name string, untilCode bool) string {
	text, late := "", time.After(patience)
	for {
		select {
		case l, ok := <-s.lines:
			text += l + "\n"
			if !ok {
				ts.Fatalf("%s ended: %s%s", name, text, ts.ReadFile(name+".err"))
			}
			var j struct{ URL string }
			switch {
			case json.Unmarshal([]byte(l), &j) == nil && j.URL != "":
				ts.Setenv("URL", j.URL)
				return text
			case strings.HasPrefix(l, "Strongroom is at "):
				ts.Setenv("URL", strings.TrimPrefix(l, "Strongroom is at "))
				if !untilCode {
					return text
				}
			case strings.HasPrefix(l, "Open it to begin"):
				return text
			}
		case <-late:
			ts.Fatalf("%s is not ready: %s", name, text)
		}
	}
}

// down NAME stops a server as Ctrl-C does and wants exit code 0.
func down(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(running{}).(map[string]*server)[args[0]]
	ts.Check(s.cmd.Process.Signal(syscall.SIGINT))
	select {
	case err := <-s.ended:
		if err != nil {
			ts.Fatalf("%s ended badly: %v\n%s", args[0], err, ts.ReadFile(args[0]+".err"))
		}
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
}

// field FILE NAME VARIABLE sets a variable to a member of the JSON object in the
// first line of a file, and wants the object to be all of that line. A name such
// as data.0.id goes down into it.
func field(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	var v map[string]any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		ts.Fatalf("the first line is no JSON object: %v: %s", err, line)
	}
	x := any(v)
	for name := range strings.SplitSeq(args[1], ".") {
		switch in := x.(type) {
		case map[string]any:
			x = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if x = nil; err == nil && i < len(in) {
				x = in[i]
			}
		default:
			x = nil
		}
	}
	if x == nil {
		ts.Fatalf("no %s among %v", args[1], slices.Sorted(maps.Keys(v)))
	}
	ts.Setenv(args[2], fmt.Sprint(x))
}

// get STATUS URL [API-KEY] asks for a page and keeps its body in the file body.
func get(ts *testscript.TestScript, _ bool, args []string) {
	r, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	if len(args) > 2 {
		r.Header.Set("X-Api-Key", args[2])
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: patience}
	resp, err := c.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("body"), b, 0o600))
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("%s answered %d, want %s\n%s", args[1], resp.StatusCode, args[0], b)
	}
}

// manage METHOD PATH BODY asks the server of tools/vault, whose first line is in
// the file vault, keeps the answer in the file body, and with ! wants a refusal.
func manage(ts *testscript.TestScript, neg bool, args []string) {
	var at struct{ URL, Token string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("vault")), &at))
	r, err := http.NewRequest(args[0], at.URL+"/v1/"+args[1], strings.NewReader(args[2]))
	ts.Check(err)
	r.Header.Set("X-Vault-Token", at.Token)
	resp, err := (&http.Client{Timeout: patience}).Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("body"), b, 0o600))
	if (resp.StatusCode/100 == 2) == neg {
		ts.Fatalf("%s %s answered %d\n%s", args[0], args[1], resp.StatusCode, b)
	}
}

// pack FILE DIR makes a zip of a folder.
func pack(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	ts.Check(z.AddFS(os.DirFS(ts.MkAbs(args[1]))))
	ts.Check(z.Close())
}

// tamper DIR TENANT changes one entry of an audit log, as somebody could who has
// the keys and the database.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	root, err := filepath.Glob(filepath.Join(ts.Getenv("HOME"), ".config/strongroom/root-*.key"))
	ts.Check(err)
	program, err := exec.LookPath("strongroom")
	ts.Check(err)
	ctx := context.Background()
	a, err := app.Open(ctx, app.Options{Config: app.Config{Data: ts.MkAbs(args[0]), Root: root[0]}, Program: []string{program}, Stderr: io.Discard, Quiet: true})
	ts.Check(err)
	t, err := a.House.Open(ctx, args[1])
	ts.Check(err)
	ts.Check(t.DB.Change(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(`update audit_entry set time = time + 1 where seq = 2`)
		if err == nil && n != 1 {
			err = errors.New("there is no entry 2")
		}
		return err
	}))
	t.Release()
	ts.Check(a.Close())
}

// hold DIR takes away the right to write to a folder and all it holds.
func hold(ts *testscript.TestScript, _ bool, args []string) { chmod(ts, args[0], 0o500, 0o400) }

// loosen DIR gives it back.
func loosen(ts *testscript.TestScript, _ bool, args []string) { chmod(ts, args[0], 0o700, 0o600) }

func chmod(ts *testscript.TestScript, dir string, folder, file os.FileMode) {
	var paths []string
	ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(p string, _ os.DirEntry, err error) error {
		paths = append(paths, p)
		return err
	}))
	for _, p := range paths {
		st, err := os.Stat(p)
		ts.Check(err)
		mode := file
		if st.IsDir() {
			mode = folder
		}
		ts.Check(os.Chmod(p, mode))
	}
}
