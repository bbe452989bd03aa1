package identity

import (
	"context"
	"sync"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
)

// misses joins equal failed sign-ins: the first is recorded at once, the others
// of the same minute as one entry with their number, so that a stranger cannot
// fill the disk. What the entry says of the person is a keyed hash of the
// address that was tried, and the id of the user who has it.
type misses struct {
	mu   sync.Mutex
	seen map[missKey]*miss
}

type missKey struct{ tenant, who, why string }

type miss struct {
	since time.Time
	user  id.ID
	n     int64
}

// TriedFor stands, in what the entry of a failed sign-in says, before the keyed hash of the
// address that was tried; Many instead of it for what has no entry of its own.
const (
	TriedFor = ", tried for "
	Many     = "many"
)

const (
	missWindow = time.Minute
	missKeep   = 1000 // different addresses a minute that get entries of their own; the others share one
)

// add notes a failure and gives what is to be written now.
func (m *misses) add(k missKey, user id.ID, now time.Time) []*audit.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[missKey]*miss{}
	}
	if m.seen[k] == nil && len(m.seen) >= missKeep {
		k, user = missKey{k.tenant, Many, k.why}, 0
	}
	var out []*audit.Entry
	old := m.seen[k]
	if old != nil && now.Sub(old.since) < missWindow {
		old.n++
		return nil
	}
	if old != nil && old.n > 0 {
		out = append(out, old.entry(k))
	}
	first := &miss{since: now, user: user, n: 1}
	out = append(out, first.entry(k))
	first.n = 0
	m.seen[k] = first
	return out
}

func (m *miss) entry(k missKey) *audit.Entry {
	return &audit.Entry{Action: string(access.SignIn), Kind: User, Object: m.user, Result: audit.Refused, Count: m.n,
		Detail: audit.Detail{Text: k.why + TriedFor + k.who}}
}

// due takes out what is older than the window, or everything.
func (m *misses) due(now time.Time, all bool) map[missKey]*miss {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[missKey]*miss{}
	for k, v := range m.seen {
		if !all && now.Sub(v.since) < missWindow {
			continue
		}
		if v.n > 0 {
			out[k] = v
		}
		delete(m.seen, k)
	}
	return out
}

// Flush writes the numbers of failed sign-ins whose minute is over; call it
// about once a minute, and with all set before closing.
func (s *Sessions) Flush(ctx context.Context, all bool) {
	for k, m := range s.misses.due(s.now(), all) {
		s.note(ctx, Attempt{Tenant: k.tenant}, m.entry(k))
	}
}
