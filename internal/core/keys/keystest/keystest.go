// Package keystest gives tests a real key service on a real Unix socket.
//
// Always true: everything it makes is gone when the test ends.
package keystest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/service"
)

// Service is a key service in the test's own process; it can be stopped and
// started again on the same folder and socket.
type Service struct {
	Client  *keys.Client
	Socket  string
	Options service.Options

	t    testing.TB
	stop func()
}

// Start starts an unsealed service in a new folder. o may leave out everything.
func Start(t testing.TB, o service.Options) *Service {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "keys")
	}
	if o.Root == nil {
		o.Root = service.NewRoot()
	}
	dir, err := os.MkdirTemp("", "k") // the paths of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{t: t, Options: o, Socket: filepath.Join(dir, "s")}
	s.Client = keys.Dial("unix", s.Socket, keys.Options{})
	t.Cleanup(func() {
		s.Client.Close()
		s.Stop()
		os.RemoveAll(dir)
	})
	s.Start()
	return s
}

// Start starts the service again after Stop.
func (s *Service) Start() {
	s.t.Helper()
	l, err := service.Listen(s.Socket, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Serve(ctx, l, s.Options) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("the key service ended: %v", err)
		}
	}
}

// Stop stops the service and waits until it has ended.
func (s *Service) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}
