package keys

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"
)

// Options are the settings of a Client; the zero value works for a Unix
// socket.
type Options struct {
	TLS     *tls.Config   // for "tcp": the application's certificate and the service's authority; TLS 1.3 only
	Timeout time.Duration // of one call when its context has none; 15 seconds when zero
	Idle    int           // connections kept open; 16 when zero
}

// Client talks to the key service. It is safe for concurrent use.
type Client struct {
	network, addr string
	o             Options
	next          atomic.Uint64

	mu        sync.Mutex
	idle      []*wire.Conn
	shut      bool
	gathering *joint // unwraps that will be asked for together, or nil
}

// Dial gives a client; it connects on demand, so it never fails. network is
// "unix" or "tcp", and "tcp" needs o.TLS.
func Dial(network, addr string, o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Idle == 0 {
		o.Idle = 16
	}
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
		o.TLS.MinVersion = tls.VersionTLS13
	}
	return &Client{network: network, addr: addr, o: o}
}

// Close closes idle connections; calls under way end by themselves, and later
// ones are Unavailable.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut = true
	c.drop()
	return nil
}

func away(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The key service is not answering.").
		WithHint("Nothing was lost. Try again in a moment; if it goes on, an administrator looks at strongroom keys serve.")
}

// slow is how long a call may take that makes RSA keys or rewrites the store.
const slow = 2 * time.Minute

func patience(call string, usual time.Duration) time.Duration {
	switch call {
	case wire.CallCreateTenant, wire.CallRotate, wire.CallUnseal, wire.CallShare, wire.CallShred, wire.CallRetire:
		return max(slow, usual)
	}
	return usual
}

// repeatable tells whether a call may be sent again when the connection broke
// before an answer: what it does twice is as if done once, but for a second
// entry in the service's log.
func repeatable(call string) bool {
	switch call {
	case wire.CallCreateTenant, wire.CallRotate, wire.CallShred:
		return false
	}
	return true
}

// call sends args and gives what came of it.
func (c *Client) call(ctx context.Context, call string, args wire.Args) (*wire.Result, error) {
	req := wire.Request{ID: c.next.Add(1), Call: call, Args: args, Compact: true}
	if req.Joins() {
		return c.join(ctx, req)
	}
	answers, err := c.ask(ctx, wire.Batch{req})
	if err != nil {
		return nil, err
	}
	return outcome(answers[0])
}

// ask sends requests in one frame and gives the responses in their order.
func (c *Client) ask(ctx context.Context, asked wire.Batch) (wire.Answers, error) {
	call := asked[0].Call // those that go together are repeatable alike
	ctx, cancel := context.WithTimeout(ctx, patience(call, c.o.Timeout))
	defer cancel()
	conn, used, err := c.take(ctx)
	if err != nil {
		return nil, failed(ctx, err)
	}
	answers, sent, err := c.exchange(ctx, conn, asked)
	if err != nil && used && ctx.Err() == nil && (!sent || repeatable(call)) {
		// The connection was left over from before the service restarted.
		c.mu.Lock()
		c.drop()
		c.mu.Unlock()
		if conn, _, err = c.take(ctx); err == nil {
			answers, _, err = c.exchange(ctx, conn, asked)
		}
	}
	if err != nil {
		return nil, failed(ctx, err)
	}
	return answers, nil
}

// outcome is what a response says.
func outcome(resp wire.Response) (*wire.Result, error) {
	if resp.Error != nil {
		return nil, resp.Error.Fault()
	}
	if resp.Result == nil {
		return nil, fault.New(fault.Internal, "The key service gave no answer.").WithHint("Both sides must be of the same version.")
	}
	return resp.Result, nil
}

// failed says what a broken exchange means to the caller.
func failed(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return away(err)
}

// exchange sends one frame and reads its answer; the connection goes back to
// the idle ones only when all went well. sent tells whether the frame may
// have reached the service.
func (c *Client) exchange(ctx context.Context, conn *wire.Conn, asked wire.Batch) (answers wire.Answers, sent bool, err error) {
	if d, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(d); err != nil {
			return nil, false, errors.Join(err, conn.Close())
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	err = conn.Send(asked)
	if err == nil {
		sent = true
		err = conn.Receive(&answers)
	}
	intact := stop() // otherwise the deadline has been spoiled meanwhile
	if err == nil && !answered(asked, answers) {
		err = errors.New("the answer belongs to another request")
	}
	if err != nil {
		return nil, sent, errors.Join(err, conn.Close())
	}
	if !intact {
		conn.Close()
		return answers, sent, nil
	}
	c.put(conn)
	return answers, sent, nil
}

// answered tells whether the answers are those to what was asked.
func answered(asked wire.Batch, answers wire.Answers) bool {
	return slices.EqualFunc(asked, answers, func(q wire.Request, a wire.Response) bool { return q.ID == a.ID })
}

// take gives an idle connection (used) or a new one.
func (c *Client) take(ctx context.Context) (conn *wire.Conn, used bool, err error) {
	c.mu.Lock()
	if c.shut {
		c.mu.Unlock()
		return nil, false, errors.New("the client is closed")
	}
	if n := len(c.idle); n > 0 {
		conn = c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		return conn, true, nil
	}
	c.mu.Unlock()
	raw, err := c.connect(ctx)
	if err != nil {
		return nil, false, err
	}
	return wire.NewConn(raw), false, nil
}

func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	if c.network == "unix" {
		return (&net.Dialer{}).DialContext(ctx, c.network, c.addr)
	}
	if c.o.TLS == nil {
		return nil, fault.New(fault.Invalid, "The key service is reached over the network only with TLS.").
			WithHint("Give the application a certificate, or use a Unix socket.")
	}
	return (&tls.Dialer{Config: c.o.TLS}).DialContext(ctx, c.network, c.addr)
}

func (c *Client) put(conn *wire.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut || len(c.idle) >= c.o.Idle {
		conn.Close()
		return
	}
	c.idle = append(c.idle, conn)
}

// drop closes the idle connections; the lock is held.
func (c *Client) drop() {
	for _, conn := range c.idle {
		conn.Close()
	}
	c.idle = nil
}
