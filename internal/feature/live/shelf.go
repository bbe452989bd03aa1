package live

import (
	"sync"
	"time"
)

// mostMade is how many things are kept that the readers of a tenant share, and unread how long
// after they were read last.
const (
	mostMade = 32
	unread   = time.Minute
)

// shelf is what the readers of a tenant share.
type shelf struct {
	once sync.Mutex // while something is made for all
	made map[string]any
	ends *time.Timer // nil when the hub is closed
}

// Keep gives what next makes of what it made before under the same key, nil the first time,
// for all who read at once or after each other, until nobody has read anything of the tenant for a
// minute: one of them makes it while the others wait. The key says who may share it.
func (h *Hub) Keep(tenant, key string, next func(old any) (any, error)) (any, error) {
	s := h.shelf(tenant)
	s.once.Lock()
	defer s.once.Unlock()
	v, err := next(s.made[key])
	if err != nil {
		return nil, err
	}
	if len(s.made) >= mostMade && s.made[key] == nil {
		clear(s.made)
	}
	s.made[key] = v
	return v, nil
}

// shelf gives the shelf of a tenant, which then stays for a while.
func (h *Hub) shelf(tenant string) *shelf {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.shelves[tenant]; s != nil {
		s.ends.Reset(unread)
		return s
	}
	s := &shelf{made: map[string]any{}}
	if h.closed {
		return s
	}
	if h.shelves == nil {
		h.shelves = map[string]*shelf{}
	}
	h.shelves[tenant] = s
	s.ends = time.AfterFunc(unread, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.shelves[tenant] == s {
			delete(h.shelves, tenant)
		}
	})
	return s
}
