// Package pace keeps a distance between requests to one server.
//
// Always true: two requests for the same name are not let through closer to each
// other than the distance; what is not asked for is forgotten.
package pace

import (
	"context"
	"sync"
	"time"
)

// Hosts lets requests through, one after the other for each server. The zero
// Hosts lets one through each half second.
type Hosts struct {
	Every time.Duration // half a second when 0

	mu   sync.Mutex
	next map[string]time.Time
}

const every = 500 * time.Millisecond

// most is how many servers are remembered before old ones are forgotten.
const most = 1000

// Wait waits until a request to a server may be made, or ctx ends.
func (h *Hosts) Wait(ctx context.Context, server string) error {
	t := time.NewTimer(h.turn(server))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// turn takes the next turn for a server and tells how far it is.
func (h *Hosts) turn(server string) time.Duration {
	gap := h.Every
	if gap == 0 {
		gap = every
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == nil {
		h.next = map[string]time.Time{}
	}
	if len(h.next) > most {
		for s, t := range h.next {
			if t.Before(now) {
				delete(h.next, s)
			}
		}
	}
	at := h.next[server]
	if at.Before(now) {
		at = now
	}
	h.next[server] = at.Add(gap)
	return at.Sub(now)
}
