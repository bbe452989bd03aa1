package apikey

import (
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
)

// Limiter counts the requests of keys, in this process. The zero value is
// ready; it is safe for concurrent use.
//
// It counts the present window and the one before and takes of the latter the
// part that still lies within a window's length: there are no two full bursts
// around the turn of a window.
type Limiter struct {
	Now func() time.Time // nil is time.Now

	mu   sync.Mutex
	seen map[limited]*tally
}

type limited struct{ tenant, key string }

type tally struct {
	window      time.Duration
	start       int64 // of the present window, Unix milliseconds
	before, now int
}

// maxTallies is how many keys are counted at once; beyond it those whose
// windows are over are forgotten, then any.
const maxTallies = 50_000

// Take counts one request of a key, or refuses it: Throttled, with After. c is
// what Keys.Resolve gave with l.
func (m *Limiter) Take(c *access.Caller, l Limit) error {
	if l.Requests <= 0 || l.Window <= 0 {
		return nil
	}
	now := time.Now()
	if m.Now != nil {
		now = m.Now()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tally(limited{c.Tenant, c.Session}, l.Window, now.UnixMilli())
	wait := t.wait(l, now.UnixMilli())
	if wait == 0 {
		t.now++
		return nil
	}
	e := fault.New(fault.Throttled, "This API key made more than %d requests in %s.", l.Requests, l.Window).
		WithHint("Wait %s, then go on.", wait.Round(time.Second))
	e.After = wait
	return e
}

// tally gives the key's numbers, moved on to the present window.
func (m *Limiter) tally(k limited, window time.Duration, now int64) *tally {
	if m.seen == nil {
		m.seen = map[limited]*tally{}
	}
	w := window.Milliseconds()
	start := now - now%w
	t := m.seen[k]
	if t == nil || t.window != window {
		m.forget(now)
		t = &tally{window: window, start: start}
		m.seen[k] = t
	}
	switch {
	case start == t.start:
	case start == t.start+w:
		t.before, t.now, t.start = t.now, 0, start
	default:
		t.before, t.now, t.start = 0, 0, start
	}
	return t
}

func (m *Limiter) forget(now int64) {
	if len(m.seen) < maxTallies {
		return
	}
	for k, t := range m.seen {
		if now-t.start >= 2*t.window.Milliseconds() {
			delete(m.seen, k)
		}
	}
	for k := range m.seen {
		if len(m.seen) < maxTallies {
			return
		}
		delete(m.seen, k)
	}
}

// wait gives how long until one more request fits.
func (t *tally) wait(l Limit, now int64) time.Duration {
	w := t.window.Milliseconds()
	past := now - t.start
	if int64(t.before)*(w-past)/w+int64(t.now) < int64(l.Requests) {
		return 0
	}
	// Within this window what is left of the one before shrinks; if that is not
	// enough, what is counted now shrinks in the next one.
	if room := int64(l.Requests) - int64(t.now); room > 0 && t.before > 0 {
		need := w - (room*w-1)/int64(t.before) // the part of the window that has to pass
		return time.Duration(max(1, need-past)) * time.Millisecond
	}
	need := w - (int64(l.Requests)*w-1)/int64(t.now)
	return time.Duration(max(1, w-past+max(0, need))) * time.Millisecond
}
