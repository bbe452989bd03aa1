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
	many map[refused]int // how many of seen each has
}

type refusal struct {
	refused
	session string
	action  string
	object  id.ID
}

// refused is who was refused.
type refused struct {
	tenant string
	actor  id.ID
}

type count struct {
	since time.Time
	n     int64
	last  audit.Entry
}

const (
	refusalWindow = time.Minute
	refusalKeep   = 200 // different ones of one actor that are told apart; the others are one for each action
)

func (g *Gate) refuse(ctx context.Context, t *tenant.Tenant, e *audit.Entry) {
	if entries := g.refusals.add(refusal{refused{t.Name, e.Actor}, e.Session, e.Action, e.Object}, e, g.now()); len(entries) > 0 {
		g.append(ctx, t, entries)
	}
}

// add notes a refusal and gives what is to be written now.
func (r *refusals) add(key refusal, e *audit.Entry, now time.Time) (entries []*audit.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen, r.many = map[refusal]*count{}, map[refused]int{}
	}
	last := *e
	if r.seen[key] == nil && r.many[key.refused] >= refusalKeep {
		key.session, key.object = "", 0
		last.Session, last.Object, last.Org, last.Version, last.Kind, last.Detail.Name = "", 0, 0, 0, "", ""
	}
	c := r.seen[key]
	if c != nil && now.Sub(c.since) < refusalWindow {
		c.n++
		c.last = last
		return nil
	}
	if c == nil {
		r.many[key.refused]++
	} else if c.n > 0 {
		entries = append(entries, c.entry())
	}
	r.seen[key] = &count{since: now}
	return append(entries, e)
}

// entry tells those that were only counted.
func (c *count) entry() *audit.Entry {
	e := c.last
	e.Count = c.n
	return &e
}

// due takes out what is older than the window, or everything, by tenant.
func (r *refusals) due(now time.Time, all bool) map[string][]*audit.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string][]*audit.Entry{}
	for k, c := range r.seen {
		if !all && now.Sub(c.since) < refusalWindow {
			continue
		}
		if c.n > 0 {
			out[k.tenant] = append(out[k.tenant], c.entry())
		}
		delete(r.seen, k)
		if r.many[k.refused]--; r.many[k.refused] == 0 {
			delete(r.many, k.refused)
		}
	}
	return out
}

// Flush writes the counts of refusals whose minute is over; call it now and
// then, and with all set before closing.
func (g *Gate) Flush(ctx context.Context, all bool) {
	for name, entries := range g.refusals.due(g.now(), all) {
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
