package secret

import (
	"context"
	"runtime"
	"sync"
	"time"

	"strongroom/internal/core/keys/wire"
)

// The bounds of waiting for company.
const (
	company = 64                    // grants that go on together
	alone   = 20 * time.Millisecond // the longest that one waits, should the queue not get shorter
	frame   = wire.MaxTogether      // unwraps that the key service is asked for, and answers, together
)

// pace lets grants share commits while the key service has a queue: a grant
// that waits for others then only waits here and not there. One operation of
// RSA takes as long as some commits, so that without it each grant comes alone
// and pays for a durable commit by itself, here and in the key service's log.
// The zero value works.
type pace struct {
	mu      sync.Mutex
	asked   int           // unwraps under way
	waiting int           // grants
	onward  chan struct{} // closed when they may go on
}

// queue is how many unwraps under way are a queue: fewer than two for each
// processor would leave the key service without work.
func queue() int { return 2 * runtime.NumCPU() }

// ready tells whether those that wait shall go on: the queue is short, or there is one
// frame in it, which is answered as one, and enough wait for the next, or it would come
// only when the key service has nothing left to do.
func (p *pace) ready() bool {
	return p.asked <= queue() || p.asked <= frame && p.waiting >= frame || p.waiting >= company
}

// join returns at once, or, while the key service has a queue, when enough
// others have come or one has waited long enough.
func (p *pace) join(ctx context.Context) {
	p.mu.Lock()
	if p.asked <= queue() {
		p.mu.Unlock()
		return
	}
	if p.waiting++; p.waiting == 1 {
		p.onward = make(chan struct{})
		first := p.onward
		time.AfterFunc(alone, func() { p.end(first) })
	}
	together := p.onward
	if p.ready() {
		p.release()
	}
	p.mu.Unlock()
	select {
	case <-together:
	case <-ctx.Done():
	}
}

// end lets those go on who wait for c.
func (p *pace) end(c chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting > 0 && p.onward == c {
		p.release()
	}
}

func (p *pace) release() {
	close(p.onward)
	p.waiting = 0
}

// ask notes an unwrap under way; the function that it gives notes its end.
func (p *pace) ask() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.asked--; p.waiting > 0 && p.ready() {
			p.release()
		}
	}
}
