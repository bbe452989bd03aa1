package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"
)

// maxConnections bounds how many connections are served at once; more wait.
const maxConnections = 512

// connections are those being served.
type connections struct {
	mu   sync.Mutex
	all  map[net.Conn]bool // true while a call is under way
	over bool
	wg   sync.WaitGroup
}

func (s *service) accept(ctx context.Context, l net.Listener) error {
	cs := &connections{all: map[net.Conn]bool{}}
	stop := context.AfterFunc(ctx, func() { l.Close(); cs.end() })
	defer stop()
	defer cs.wg.Wait()
	defer cs.end()
	room := make(chan struct{}, maxConnections)
	for {
		room <- struct{}{}
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			l.Close()
			return fault.Wrap(err, fault.Internal, "The key service can take no more connections.")
		}
		if !cs.add(conn) {
			conn.Close()
			return nil
		}
		go func() {
			defer func() { conn.Close(); cs.remove(conn); <-room }()
			s.serve(context.WithoutCancel(ctx), conn, cs)
		}()
	}
}

func (c *connections) add(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.all[conn] = false
	c.wg.Add(1)
	return true
}

func (c *connections) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, conn)
	c.wg.Done()
}

// busy notes whether a call is under way on conn; false when the service is
// ending, so that no new call begins.
func (c *connections) busy(conn net.Conn, yes bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[conn] = yes
	return !c.over
}

// end closes the connections on which no call is under way; the others end
// after their answer.
func (c *connections) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for conn, busy := range c.all {
		if !busy {
			conn.Close()
		}
	}
}

const handshakeTime = 10 * time.Second

// admit refuses a peer that may not speak to the key service.
func (s *service) admit(ctx context.Context, conn net.Conn) error {
	switch c := conn.(type) {
	case *net.UnixConn:
		uid, err := peerUID(c)
		if err != nil {
			return err
		}
		if !slices.Contains(s.o.AllowUIDs, uid) {
			return fmt.Errorf("user %d may not connect", uid)
		}
		return nil
	case *tls.Conn:
		ctx, cancel := context.WithTimeout(ctx, handshakeTime)
		defer cancel()
		if err := c.HandshakeContext(ctx); err != nil {
			return err
		}
		if st := c.ConnectionState(); st.Version < tls.VersionTLS13 || len(st.VerifiedChains) == 0 {
			return errors.New("not TLS 1.3 with a verified client certificate")
		}
		return nil
	}
	return errors.New("neither a Unix socket nor TLS")
}

func (s *service) serve(ctx context.Context, raw net.Conn, cs *connections) {
	if err := s.admit(ctx, raw); err != nil {
		s.log.Warn("connection to the key service refused", "error", err)
		return
	}
	conn := wire.NewConn(raw)
	for {
		var asked wire.Batch
		err := conn.Receive(&asked)
		if !cs.busy(raw, true) {
			return
		}
		if err != nil {
			s.lost(conn, err)
			return
		}
		answers := s.answers(ctx, asked)
		err = conn.Send(answers)
		for _, a := range answers {
			a.Forget()
		}
		if err != nil || !cs.busy(raw, false) {
			return
		}
	}
}

// lost ends a connection on which no whole request came.
func (s *service) lost(conn *wire.Conn, err error) {
	if fault.Is(err, fault.Invalid) {
		conn.Send(wire.Response{Error: wire.FromFault(err)})
		return
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		s.log.Debug("connection to the key service ended", "error", err)
	}
}

// answers runs the calls of one frame side by side.
func (s *service) answers(ctx context.Context, asked wire.Batch) wire.Answers {
	out := make(wire.Answers, len(asked))
	var wg sync.WaitGroup
	for i, req := range asked[1:] {
		wg.Go(func() { out[i+1] = s.answer(ctx, req) })
	}
	out[0] = s.answer(ctx, asked[0])
	wg.Wait()
	return out
}

// answer runs one call and turns what came of it into a response.
func (s *service) answer(ctx context.Context, req wire.Request) (resp wire.Response) {
	resp.ID, resp.Compact = req.ID, req.Compact
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("call of the key service panicked", "call", req.Call, "panic", p, "stack", string(debug.Stack()))
			resp.Result, resp.Error = nil, wire.FromFault(errors.New("panic"))
		}
	}()
	var result wire.Result
	err := s.call(ctx, req.Call, req.Args, &result)
	if err == nil {
		resp.Result = &result
		return resp
	}
	level := slog.LevelWarn
	if fault.Is(err, fault.Internal) {
		level = slog.LevelError
	}
	s.log.Log(ctx, level, "call of the key service failed", "call", req.Call, "error", err)
	resp.Error = wire.FromFault(err)
	return resp
}

func (s *service) call(ctx context.Context, call string, a wire.Args, r *wire.Result) (err error) {
	switch call {
	case wire.CallStatus:
		r.Status, err = s.status(ctx)
	case wire.CallUnseal:
		defer clear(a.Root)
		err = s.unseal(ctx, a.Root)
	case wire.CallShare:
		defer clear(a.Root)
		r.Left, err = s.share(ctx, a.Root)
	case wire.CallSeal:
		err = s.seal()
	case wire.CallUnwrap, wire.CallUnwrapMany, wire.CallSealedUnwrap:
		r.Keys, err = s.unwrap(ctx, call, a)
	case wire.CallSign:
		r.Note, err = s.sign(ctx, a.Tenant, a.Body)
	case wire.CallCreateTenant:
		err = s.create(ctx, a.Tenant, a.Suite)
	case wire.CallRotate:
		r.Generation, err = s.rotate(ctx, a.Tenant, a.Suite)
	case wire.CallGenerations:
		r.Generations, err = s.generations(ctx, a.Tenant)
	case wire.CallRewrap:
		r.Recipients, err = s.rewrap(ctx, a)
	case wire.CallRetire:
		r.Generations, err = s.retire(ctx, a)
	case wire.CallShred:
		r.Time, err = s.shred(ctx, a.Tenant)
	case wire.CallTenant:
		r.Material, err = s.material(ctx, a.Tenant)
	default:
		err = fault.New(fault.Invalid, "The key service has no call of that name.").WithHint("Both sides must be of the same version.")
	}
	return err
}
