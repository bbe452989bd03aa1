package gate

import (
	"context"
	"sync"
	"time"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
	"strongroom/internal/core/tenant"
)

// refusals coalesces equal refusals: the first is written at once, the next ones
// of the same minute are counted and written as one entry, so that nobody can
// fill the disk by being refused.
type refusals struct {
	mu   sync.Mutex
	seen map[refusal]*count
}

type refusal struct {
	tenant  string
	actor   id.ID
	session string
	action  string
	object  id.ID
}

type count struct {
	since time.Time
	n     int64
	last  audit.Entry
}

const (
	refusalWindow = time.Minute
	refusalKeep   = 10000 // keys remembered at most; beyond it every refusal is only counted in the log file
)

func (g *Gate) refuse(ctx context.Context, t *tenant.Tenant, e *audit.Entry) {
	key := refusal{t.Name, e.Actor, e.Session, e.Action, e.Object}
	g.refusals.mu.Lock()
	if g.refusals.seen == nil {
		g.refusals.seen = map[refusal]*count{}
	}
	c := g.refusals.seen[key]
	if c != nil && g.now().Sub(c.since) < refusalWindow {
		c.n++
		c.last = *e
		g.refusals.mu.Unlock()
		return
	}
	if c == nil && len(g.refusals.seen) >= refusalKeep {
		g.refusals.mu.Unlock()
		g.Log.WarnContext(ctx, "too many different refusals to record each", "tenant", t.Name, "action", e.Action)
		return
	}
	pending := c
	g.refusals.seen[key] = &count{since: g.now()}
	g.refusals.mu.Unlock()
	var entries []*audit.Entry
	if pending != nil && pending.n > 0 {
		last := pending.last
		last.Count = pending.n
		entries = append(entries, &last)
	}
	g.append(ctx, t, append(entries, e))
}

// Flush writes the counts of refusals whose minute is over; call it now and
// then, and with all set before closing.
func (g *Gate) Flush(ctx context.Context, all bool) {
	g.refusals.mu.Lock()
	due := map[string][]*audit.Entry{}
	for k, c := range g.refusals.seen {
		if !all && g.now().Sub(c.since) < refusalWindow {
			continue
		}
		if c.n > 0 {
			last := c.last
			last.Count = c.n
			due[k.tenant] = append(due[k.tenant], &last)
		}
		delete(g.refusals.seen, k)
	}
	g.refusals.mu.Unlock()
	for name, entries := range due {
		t, err := g.House.Open(ctx, name)
		if err != nil {
			g.Log.WarnContext(ctx, "refusals could not be recorded", "tenant", name, "count", len(entries), "error", err)
			continue
		}
		g.append(ctx, t, entries)
		t.Release()
	}
}

// append writes refusals. The caller's own request may be over: the record must
// not depend on it.
func (g *Gate) append(ctx context.Context, t *tenant.Tenant, entries []*audit.Entry) {
	ctx = context.WithoutCancel(ctx)
	if err := t.DB.Change(ctx, func(s *sqldb.Tx) error { return t.Audit.Append(s, entries...) }); err != nil {
		g.Log.ErrorContext(ctx, "a refusal could not be recorded", "tenant", t.Name, "error", err)
	}
}
