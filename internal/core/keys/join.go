package keys

import (
	"context"
	"runtime"
	"sync"

	"strongroom/internal/core/keys/wire"
)

// joint is several unwraps that are sent in one frame: reveals that were committed
// together ask for their keys at the same moment, and each message costs both
// processes more than what stands in it.
type joint struct{ asks []*ask }

// ask is one unwrap of a joint.
type ask struct {
	req  wire.Request
	done chan struct{} // closed when resp or err is set

	mu   sync.Mutex
	gone bool // nobody waits for it any more
	resp wire.Response
	err  error
}

// join sends req, together with what others ask at the same moment. Its ctx ends its
// own waiting only.
func (c *Client) join(ctx context.Context, req wire.Request) (*wire.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed(ctx, err)
	}
	a := &ask{req: req, done: make(chan struct{})}
	j, first := c.gather(a)
	if first {
		runtime.Gosched() // who is about to ask comes along
		if c.send(ctx, j); len(j.asks) == 1 {
			return a.outcome()
		}
	}
	select {
	case <-a.done:
		return a.outcome()
	case <-ctx.Done():
		a.leave()
		return nil, failed(ctx, ctx.Err())
	}
}

// gather adds a to the joint that is to be sent next; first tells that a made it, and
// is to send it.
func (c *Client) gather(a *ask) (j *joint, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first = c.gathering == nil; first {
		c.gathering = &joint{}
	}
	j = c.gathering
	if j.asks = append(j.asks, a); len(j.asks) == wire.MaxTogether {
		c.gathering = nil
	}
	return j, first
}

// send sends j and hands out what comes back. With others in it, it does not end
// with ctx.
func (c *Client) send(ctx context.Context, j *joint) {
	c.mu.Lock()
	if c.gathering == j {
		c.gathering = nil
	}
	c.mu.Unlock()
	if len(j.asks) > 1 {
		ctx = context.WithoutCancel(ctx)
	}
	asked := make(wire.Batch, len(j.asks))
	for i, a := range j.asks {
		asked[i] = a.req
	}
	answers, err := c.ask(ctx, asked)
	for i, a := range j.asks {
		if err != nil {
			a.settle(wire.Response{}, err)
			continue
		}
		a.settle(answers[i], nil)
	}
}

// settle says what came of a.
func (a *ask) settle(resp wire.Response, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		resp.Forget()
		return
	}
	a.resp, a.err = resp, err
	close(a.done)
}

// leave gives a up: a key that comes is cleared.
func (a *ask) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = true
	a.resp.Forget()
}

func (a *ask) outcome() (*wire.Result, error) {
	if a.err != nil {
		return nil, a.err
	}
	return outcome(a.resp)
}
