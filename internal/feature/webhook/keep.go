package webhook

import (
	"bytes"
	"maps"
	"slices"
	"time"
)

// A secret that was opened is kept for the messages that follow soon, so that not each of
// them is a reveal; then it is wiped. So is the oldest when there are many.
const (
	keepOpen = 10 * time.Minute
	mostOpen = 256
)

// kept is a secret that was opened, until it is wiped.
type kept struct {
	key   []byte
	until time.Time
}

// remembered gives a copy of a secret that was opened a moment ago.
func (h *Hooks) remembered(at place) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wipe()
	if k := h.opened[at]; k != nil {
		return bytes.Clone(k.key)
	}
	return nil
}

// remember keeps a copy of a secret for a while.
func (h *Hooks) remember(at place, key []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wipe(); h.opened == nil {
		h.opened = map[place]*kept{}
	}
	for len(h.opened) >= mostOpen {
		h.forget(slices.MinFunc(slices.Collect(maps.Keys(h.opened)), func(a, b place) int { return h.opened[a].until.Compare(h.opened[b].until) }))
	}
	if len(h.opened) == 0 {
		time.AfterFunc(keepOpen, h.sweep)
	}
	h.forget(at)
	h.opened[at] = &kept{bytes.Clone(key), h.now().Add(keepOpen)}
}

// sweep wipes what is over, also while no message goes out, until nothing is left.
func (h *Hooks) sweep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wipe(); len(h.opened) > 0 {
		time.AfterFunc(time.Minute, h.sweep)
	}
}

func (h *Hooks) wipe() {
	for at, k := range h.opened {
		if !h.now().Before(k.until) {
			h.forget(at)
		}
	}
}

func (h *Hooks) forget(at place) {
	if k := h.opened[at]; k != nil {
		clear(k.key)
		delete(h.opened, at)
	}
}
