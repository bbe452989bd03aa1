// Package service is the key service: the process that keeps every private
// key.
//
// Always true: a private key, a shred key and the root never leave it; a data
// key leaves it only after the ticket that asks for it is durable in its own
// hash-chained log, and when that log cannot be written nothing is unwrapped;
// without the root its folder says nothing; what was shredded is shredded
// again whenever an older copy of the folder is opened, as long as the list of
// destroyed keys is kept.
package service

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"
)

// Options are the settings of the service. Dir is required; everything else
// has a working zero value.
type Options struct {
	Dir       string           // the service's own folder, made when missing (mode 0700)
	Root      []byte           // 32 bytes; nil starts sealed
	ShredList string           // file of the list of destroyed keys; Dir/destroyed.list when empty. Keep it where restores of Dir do not reach
	Log       *slog.Logger     // nothing is logged when nil
	Now       func() time.Time // time.Now when nil
	AllowUIDs []int            // users who may connect to a Unix socket; the own one when empty
	Budgets   Budgets
	Skew      time.Duration // how far a ticket's time may be from the service's own; 5 minutes when zero
	Open      int           // tenants whose keys are kept in memory; 256 when zero
	Waiting   int           // calls that open secrets under way at once, each on its way to or at its keys; 1024 when zero
	Version   string        // told by status
}

// service is a running key service.
type service struct {
	o       Options
	log     *slog.Logger
	budgets *budgets
	busy    atomic.Int64  // calls that open secrets under way
	turns   chan struct{} // one for each processor: what came first is opened first

	mu sync.RWMutex // held for writing while vault is exchanged
	v  *vault       // nil while sealed

	shares shares
}

// Serve answers on l until ctx ends, then waits for calls under way, forgets
// every key and closes l. It gives nil when ctx ended, and an error at once
// when o.Root is not the root of the folder's store. l is a Unix listener or a
// TLS one (tls.Listener) that demands client certificates; plain TCP is
// refused.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	defer l.Close() // so that nobody waits for an answer when it does not open
	s := newService(o)
	if o.Root != nil {
		if err := s.unseal(context.WithoutCancel(ctx), o.Root); err != nil {
			return err
		}
	}
	err := s.accept(ctx, l)
	if e := s.seal(); err == nil {
		err = e
	}
	return err
}

func newService(o Options) *service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.AllowUIDs) == 0 {
		o.AllowUIDs = []int{os.Getuid()}
	}
	if o.Skew == 0 {
		o.Skew = 5 * time.Minute
	}
	if o.Open == 0 {
		o.Open = 256
	}
	if o.Waiting == 0 {
		o.Waiting = 1024
	}
	log := o.Log
	return &service{o: o, log: log, budgets: newBudgets(o.Budgets, o.Now), turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

func (s *service) unseal(ctx context.Context, root []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.v != nil {
		return s.v.check(root)
	}
	v, err := openVault(ctx, s.o, root)
	if err != nil {
		return err
	}
	if err := v.chain.append(entry{Call: wire.CallUnseal}); err != nil {
		v.close()
		return err
	}
	s.v = v
	s.log.Info("key service unsealed")
	return nil
}

func (s *service) seal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.v == nil {
		return nil
	}
	err := s.v.chain.append(entry{Call: wire.CallSeal})
	if e := s.v.close(); err == nil {
		err = e
	}
	s.v = nil
	s.log.Info("key service sealed")
	return err
}

func sealedFault() error {
	return fault.New(fault.Unavailable, "The key service is sealed.").
		WithHint("An operator opens it with its root key: strongroom keys unseal -socket SOCKET.")
}

// open runs fn while the service cannot be sealed or a tenant destroyed.
func (s *service) open(fn func(*vault) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.v == nil {
		return sealedFault()
	}
	return fn(s.v)
}

// alone runs fn while nothing else runs. When fn lost the store, the service
// is sealed.
func (s *service) alone(fn func(*vault) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.v == nil {
		return sealedFault()
	}
	err := fn(s.v)
	if s.v.store == nil {
		s.log.Error("key service sealed because its store cannot be opened", "error", err)
		err = errors.Join(err, s.v.close())
		s.v = nil
	}
	return err
}
