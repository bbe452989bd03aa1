// Package pgtest gives tests a PostgreSQL server of their own.
//
// Always true: one throw-away cluster serves a test binary; it is made when
// the first test asks, is reached by a Unix socket and on the loopback address,
// and is stopped and removed when the test process ends, however it ends. A
// test without an installed PostgreSQL, or with STRONGROOM_TEST_PG=off, is
// skipped with the reason. Nothing in the cluster outlives the process, so
// fsync is off unless STRONGROOM_TEST_PG_FSYNC=on.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// cluster is shared by all tests of a binary: making one takes a second.
var cluster = sync.OnceValues(start)

var errAbsent = errors.New("PostgreSQL is not installed: initdb and postgres were not found")

// server is a running cluster.
type server struct {
	dir  string // holds the socket, the data and the log
	port int
}

// Database makes an empty database for t, which is dropped when t ends, and
// gives its DSN.
func Database(t testing.TB) string {
	t.Helper()
	dsn := Start(t)
	name := "t_" + strings.ToLower(rand.Text()[:16])
	run(t, dsn("postgres"), "create database "+name+" template template0")
	t.Cleanup(func() {
		run(t, dsn("postgres"), "drop database if exists "+name+" with (force)")
	})
	return dsn(name)
}

// Start makes sure that the cluster runs and gives a function that makes the
// DSN of a database by its name. The database "postgres" always exists; its
// user may make others, which the caller drops.
func Start(t testing.TB) (dsnFor func(dbname string) string) {
	t.Helper()
	if os.Getenv("STRONGROOM_TEST_PG") == "off" {
		t.Skip("PostgreSQL is switched off by STRONGROOM_TEST_PG=off")
	}
	s, err := cluster()
	if errors.Is(err, errAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.dsn
}

// Loopback is Start with a DSN over TCP on 127.0.0.1.
func Loopback(t testing.TB) (dsnFor func(dbname string) string) {
	t.Helper()
	Start(t)
	s, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	return func(dbname string) string {
		return fmt.Sprintf("postgres://strongroom@127.0.0.1:%d/%s?sslmode=disable", s.port, dbname)
	}
}

func (s *server) dsn(dbname string) string {
	q := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}, "user": {"strongroom"}}
	return "postgres:///" + dbname + "?" + q.Encode()
}

func run(t testing.TB, dsn, q string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // clean-up runs after the test's context has ended
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, q); err != nil {
		t.Fatal(err)
	}
}

// start makes and starts a cluster.
func start() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	who, err := account()
	if err != nil {
		return nil, err
	}
	for range 3 { // another process may take the free port first
		var s *server
		if s, err = attempt(bin, who); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func attempt(bin string, who *syscall.Credential) (*server, error) {
	dir, err := os.MkdirTemp("", "sr-pg")
	if err != nil {
		return nil, err
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return nil, err
		}
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "strongroom",
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	lower(initdb, dir, who)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	return serve(bin, dir, who)
}

// binaries finds the folder of initdb and postgres.
func binaries() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			p = real
		}
		if complete(filepath.Dir(p)) {
			return filepath.Dir(p), nil
		}
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if complete(dirs[i]) {
			return dirs[i], nil
		}
	}
	return "", errAbsent
}

func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// account gives the user that the server runs as: PostgreSQL refuses root.
// It is nil when the present user will do.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func lower(c *exec.Cmd, dir string, who *syscall.Credential) {
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + dir}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who, Setpgid: true}
}

// supervisor runs the server until its standard input closes, which happens
// when the test process ends, and then removes the cluster.
const supervisor = `
"$1" -D "$2/data" -k "$2" -p "$3" -h 127.0.0.1 -c fsync="$4" -c synchronous_commit="$4" -c full_page_writes="$4" \
	-c max_connections=200 -c shared_buffers=32MB -c autovacuum=off -c jit=off </dev/null >"$2/log" 2>&1 &
pid=$!
( cat >/dev/null; kill -QUIT $pid 2>/dev/null; while kill -0 $pid 2>/dev/null; do sleep 0.05; done; rm -rf "$2" ) <&3 3<&- &
wait $pid`

// serve starts the server and waits until it answers.
func serve(bin, dir string, who *syscall.Credential) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	fsync := "off"
	if os.Getenv("STRONGROOM_TEST_PG_FSYNC") == "on" {
		fsync = "on"
	}
	r, w, err := os.Pipe() // w is held until this process ends
	if err != nil {
		return nil, err
	}
	c := exec.Command("/bin/sh", "-c", supervisor, "sh", filepath.Join(bin, "postgres"), dir, strconv.Itoa(port), fsync)
	lower(c, dir, who)
	c.ExtraFiles = []*os.File{r}
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		err := c.Wait()
		_ = w.Close() // the server is gone: the watcher may remove its folder
		ended <- err
	}()
	s := &server{dir: dir, port: port}
	return s, s.await(ended)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// await tries to connect until the server answers, ends, or 30 seconds passed.
func (s *server) await(ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-ended:
			return fmt.Errorf("postgres ended early: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-tick.C:
		}
	}
}
