package service_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
)

// With this variable set the test binary rotates the root of the folder in childDir
// and kills itself before the step of that number.
const childKill = "STRONGROOM_TEST_ROTATE_KILL"

func rotateChild(dir string) error {
	kill, err := strconv.Atoi(os.Getenv(childKill))
	if err != nil {
		return err
	}
	old, err := service.ReadRoot(os.Stdin)
	if err != nil {
		return err
	}
	n := 0
	return service.RotateRoot(context.Background(), service.RootRotation{Dir: dir, Old: old, New: dir + ".root", Step: func(string) error {
		if n++; n == kill {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}})
}

// filled gives a stopped service with a tenant that has two key pairs, a tenant whose
// keys were destroyed, and a secret of the first.
func filled(t *testing.T) (*keystest.Service, *envelope.Envelope) {
	t.Helper()
	s := keystest.Start(t, service.Options{})
	tenant(t, s.Client, "demo", "")
	tenant(t, s.Client, "gone", "")
	must[uint32](t)(s.Client.Rotate(t.Context(), "demo", rsaSuite()))
	e := seal(t, s.Client, header("demo"), "hunter2")
	if _, err := reveal(t, s.Client, e); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.Shred(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	return s, e
}

// whole sees that all that was there is there, under the service's root.
func whole(t *testing.T, s *keystest.Service, e *envelope.Envelope, entries int64) {
	t.Helper()
	n := must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, s.Options.Root, nil))
	if n < entries {
		t.Errorf("the log has %d entries, and had %d", n, entries)
	}
	s.Start()
	defer s.Stop()
	if p, err := reveal(t, s.Client, e); err != nil || p != "hunter2" {
		t.Errorf("the secret is %q, %v", p, err)
	}
	_, err := s.Client.Tenant(t.Context(), "gone")
	want(t, "a destroyed tenant", err, fault.NotFound)
	if list := must[[]keys.Generation](t)(s.Client.Generations(t.Context(), "demo")); len(list) != 2 {
		t.Errorf("the generations are %+v", list)
	}
	want(t, "a tenant of that name", s.Client.CreateTenant(t.Context(), "gone", ""), fault.Conflict)
}

// opens tries a root on the folder.
func opens(t *testing.T, s *keystest.Service, root []byte) error {
	t.Helper()
	listener, err := service.Listen(s.Socket, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it ends as soon as it has opened
	return service.Serve(ctx, listener, service.Options{Dir: s.Options.Dir, Root: root})
}

func TestRotateRoot(t *testing.T) {
	s, e := filled(t)
	old := s.Options.Root
	file := filepath.Join(t.TempDir(), "root")
	entries := must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, old, nil))
	var text string
	r := service.RootRotation{Dir: s.Options.Dir, Old: old, New: file, Made: func(s string) error { text = s; return nil }}
	for range 2 { // the second time it has ended already
		if err := service.RotateRoot(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	root := must[[]byte](t)(service.LoadRoot(file))
	if text != service.FormatRoot(root) || bytes.Equal(root, old) {
		t.Error("the text is not that of the new root")
	}
	want(t, "the old root", opens(t, s, old), fault.Invalid)
	_, err := service.VerifyLog(t.Context(), s.Options.Dir, old, nil)
	want(t, "the log under the old root", err, fault.Invalid)
	s.Options.Root = root
	whole(t, s, e, entries+1)

	r.New = file + "2"
	want(t, "from a root that it is not", service.RotateRoot(t.Context(), r), fault.Invalid)
	r.Dir = t.TempDir()
	want(t, "an empty folder", service.RotateRoot(t.Context(), r), fault.NotFound)
	r.Dir, r.Old = s.Options.Dir, root
	s.Start()
	must[keys.Status](t)(s.Client.Status(t.Context())) // it has opened
	want(t, "while it runs", service.RotateRoot(t.Context(), r), fault.Conflict)
	s.Stop()
	if _, err := os.Stat(r.New); err == nil {
		t.Error("a root was made for a rotation that was refused")
	}
}

// TestKillDuringRotateRoot kills the rotation before each of its steps: nothing is
// lost, one root at most opens the store, and the same command again ends it.
func TestKillDuringRotateRoot(t *testing.T) {
	steps := 0
	s, _ := filled(t)
	err := service.RotateRoot(t.Context(), service.RootRotation{Dir: s.Options.Dir, Old: s.Options.Root, New: filepath.Join(t.TempDir(), "root"),
		Step: func(string) error { steps++; return nil }})
	if err != nil || steps < 9 {
		t.Fatalf("%d steps, %v", steps, err)
	}
	for kill := 1; kill <= steps; kill++ {
		t.Run(strconv.Itoa(kill), func(t *testing.T) {
			s, e := filled(t)
			old, file := s.Options.Root, s.Options.Dir+".root"
			entries := must[int64](t)(service.VerifyLog(t.Context(), s.Options.Dir, old, nil))
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childDir+"="+s.Options.Dir, childKill+"="+strconv.Itoa(kill))
			cmd.Stdin = bytes.NewBufferString(service.FormatRoot(old))
			out, err := cmd.CombinedOutput()
			x, ok := errors.AsType[*exec.ExitError](err)
			if !ok || x.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the child ended with %v: %s", err, out)
			}
			switch err := opens(t, s, old); {
			case err == nil: // nothing was replaced yet
				whole(t, s, e, entries)
			case !fault.Is(err, fault.Conflict):
				t.Errorf("the old root in between: %v", err)
			}
			if err := service.RotateRoot(t.Context(), service.RootRotation{Dir: s.Options.Dir, Old: old, New: file}); err != nil {
				t.Fatal(err)
			}
			want(t, "the old root", opens(t, s, old), fault.Invalid)
			s.Options.Root = must[[]byte](t)(service.LoadRoot(file))
			whole(t, s, e, entries+1)
			left := must[[]string](t)(filepath.Glob(filepath.Join(s.Options.Dir, "*rotating*")))
			if len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
