package service_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/service"
)

// With this variable set the test binary is a key service that reads its root
// from standard input and says "ready" on standard output.
const childDir = "STRONGROOM_TEST_KEYS_DIR"

func TestMain(m *testing.M) {
	if socket := os.Getenv(askSocket); socket != "" {
		_, err := keys.Dial("unix", socket, keys.Options{}).Status(context.Background())
		if err == nil {
			os.Stdout.WriteString("answered")
		} else {
			os.Stdout.WriteString(fault.Of(err).String())
		}
		return
	}
	if dir := os.Getenv(childDir); dir != "" && os.Getenv(childKill) != "" {
		if err := rotateChild(dir); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir, os.Getenv("STRONGROOM_TEST_KEYS_SOCKET")); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir, socket string) error {
	service.Harden()
	root, err := service.ReadRoot(os.Stdin)
	if err != nil {
		return err
	}
	l, err := service.Listen(socket, 0)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Stdout.WriteString("ready\n")
	return service.Serve(ctx, l, service.Options{Dir: dir, Root: root})
}

// house is a key service in a child process.
// askSocket makes the test's own program ask the key service at that socket for its
// status, and nothing else.
const askSocket = "STRONGROOM_TEST_KEYS_ASK"

type house struct {
	t           testing.TB
	dir, socket string
	root        []byte
	c           *keys.Client
	cmd         *exec.Cmd
}

func newHouse(t testing.TB) *house {
	t.Helper()
	sock, err := os.MkdirTemp("", "k")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, dir: filepath.Join(t.TempDir(), "keys"), socket: filepath.Join(sock, "s"), root: service.NewRoot()}
	h.c = keys.Dial("unix", h.socket, keys.Options{})
	t.Cleanup(func() {
		h.c.Close()
		h.end(syscall.SIGKILL)
		os.RemoveAll(sock)
	})
	h.start()
	return h
}

func (h *house) start() {
	h.t.Helper()
	h.cmd = exec.Command(os.Args[0])
	h.cmd.Env = append(os.Environ(), childDir+"="+h.dir, "STRONGROOM_TEST_KEYS_SOCKET="+h.socket)
	h.cmd.Stderr = os.Stderr
	in, err := h.cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.WriteString(in, service.FormatRoot(h.root)); err != nil {
		h.t.Fatal(err)
	}
	in.Close()
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		h.t.Fatal("the child did not start: ", err)
	}
}

// end sends the signal and waits for the child's end.
func (h *house) end(sig syscall.Signal) {
	if h.cmd == nil {
		return
	}
	h.cmd.Process.Signal(sig)
	err := h.cmd.Wait()
	h.cmd = nil
	if sig == syscall.SIGTERM && err != nil {
		h.t.Errorf("the child ended with %v", err)
	}
}

func TestTheClientSurvivesARestart(t *testing.T) {
	h := newHouse(t)
	tenant(t, h.c, "demo", "")
	e := seal(t, h.c, header("demo"), "hunter2")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		h.end(sig)
		_, err := reveal(t, h.c, e)
		want(t, "while away", err, fault.Unavailable)
		if f := fault.Say(err); f.Text != "The key service is not answering." || f.Hint == "" {
			t.Errorf("%q, %q", f.Text, f.Hint)
		}
		h.start()
		if p, err := reveal(t, h.c, e); err != nil || p != "hunter2" {
			t.Errorf("after the restart: %q, %v", p, err)
		}
		if _, err := h.c.Rotate(t.Context(), "demo", ""); err != nil {
			t.Errorf("after the restart: %v", err)
		}
	}
}

func TestEveryAcknowledgedUnwrapIsInTheLog(t *testing.T) {
	h := newHouse(t)
	tenant(t, h.c, "demo", "")
	e := seal(t, h.c, header("demo"), "hunter2")
	acknowledged := map[int64]bool{}
	const clients = 8
	for round := range int64(3) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		enough := make(chan struct{})
		for n := range int64(clients) {
			wg.Go(func() {
				for i := int64(0); ; i++ {
					k := ticket("demo")
					k.AuditSeq = round<<40 | n<<32 | i
					if _, err := h.c.Unwrap(t.Context(), k, e.HeaderBytes(), e.Recipients()[0]); err != nil {
						if !fault.Is(err, fault.Unavailable) {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					acknowledged[k.AuditSeq] = true
					full := len(acknowledged) == int(round+1)*200
					mu.Unlock()
					if full {
						close(enough)
					}
				}
			})
		}
		<-enough
		h.end(syscall.SIGKILL)
		wg.Wait()
		h.start()
	}
	h.end(syscall.SIGTERM)
	must[int64](t)(service.VerifyLog(t.Context(), h.dir, h.root, func(x service.Entry) error {
		var line struct{ Ticket *keys.Ticket }
		if err := json.Unmarshal([]byte(x.Text), &line); err != nil {
			return err
		}
		if line.Ticket != nil {
			delete(acknowledged, line.Ticket.AuditSeq)
		}
		return nil
	}))
	if len(acknowledged) != 0 {
		t.Errorf("%d acknowledged unwraps are not in the log", len(acknowledged))
	}
}

func TestOneFolderOneService(t *testing.T) {
	h := newHouse(t)
	tenant(t, h.c, "demo", "")
	l, err := service.Listen(h.socket, 0)
	want(t, "second service on the socket", err, fault.Conflict)
	if l != nil {
		l.Close()
	}
	l, err = service.Listen(h.socket+"2", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	want(t, "second service in the folder", service.Serve(ctx, l, service.Options{Dir: h.dir, Root: h.root}), fault.Conflict)
}

func TestCallerWhoGivesUp(t *testing.T) {
	h := newHouse(t)
	tenant(t, h.c, "demo", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.c.Tenant(ctx, "demo"); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
	h.cmd.Process.Signal(syscall.SIGSTOP) // it is there and does not answer
	var st syscall.WaitStatus
	if _, err := syscall.Wait4(h.cmd.Process.Pid, &st, syscall.WUNTRACED, nil); err != nil || !st.Stopped() { // a signal takes its time
		t.Fatalf("the service did not stop: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := h.c.Tenant(ctx, "demo")
	want(t, "no answer in time", err, fault.Unavailable)
	h.cmd.Process.Signal(syscall.SIGCONT)
	if _, err := h.c.Tenant(t.Context(), "demo"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
