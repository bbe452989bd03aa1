// Package live tells open pages that something happened, so that they look again, and
// who is at a record just now.
//
// Always true: what is told is that there is something new and never what it is, so a
// listener sees what the gate shows her when she looks; whatever happens, no more is
// kept for a listener than a few yeses; a tenant is followed by one goroutine, while
// somebody listens, and by none otherwise; what readers share is what the one who comes next has
// just made, or made anew, in her own transaction.
package live

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// How many listen at once where nothing else is said: one person, and all at one
// process.
const perPerson, inAll = 20, 4000

// atOnce is how many things a tenant is asked for at once; where more have happened,
// everybody looks again.
const atOnce = 200

// How often a tenant is looked at when nothing calls for it: where all changes are made
// by this process, for what passes with time; and where others make changes too.
const alone, beside = 5 * time.Second, 200 * time.Millisecond

// Feature is the table of who is where.
func Feature() record.Feature {
	return record.Feature{Name: "live", Schema: []string{
		`create table if not exists live_presence (record_id int not null, user_id int not null, until_at int not null, writing_at int not null, primary key (record_id, user_id))`,
		`create index if not exists live_presence_user on live_presence (user_id)`,
	}, Purge: purge}
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from live_presence where record_id = ? or user_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// Hub tells listeners. Fill Gate and Log, and have the gate's Committed call Touch; it
// then is safe for concurrent use.
type Hub struct {
	Gate           *gate.Gate
	Log            *slog.Logger
	PerPerson, All int // zero is the usual

	mu      sync.Mutex
	rooms   map[string]*room
	shelves map[string]*shelf
	count   int
	closed  bool
}

// Look is what a listener looks at.
type Look struct {
	Record id.ID    // one record, with what lives within it; 0 for none
	Kinds  []string // records of these kinds
}

// News is what a listener may have to look at again.
type News struct {
	Seq                             int64 // of the last entry of the log
	Record, Kinds, Presence, Rights bool  // Rights are hers, or her session's
}

func (n News) any() bool { return n.Record || n.Kinds || n.Presence || n.Rights }

// room is a tenant that is listened to.
type room struct {
	tenant  string
	touched chan struct{}
	stop    context.CancelFunc
	done    chan struct{}

	turns chan struct{} // one for each who draws what all look at

	mu    sync.Mutex
	all   map[*Listener]bool
	seq   int64
	epoch int64
	there map[id.ID]string // who is at which record, in short
}

// Listener is told of what it looks at until it is closed.
type Listener struct {
	hub  *Hub
	room *room
	look Look
	user id.ID
	wake chan struct{}
	news News
}

// Touch says that something changed in a tenant.
func (h *Hub) Touch(tenant string) {
	h.mu.Lock()
	r := h.rooms[tenant]
	h.mu.Unlock()
	if r == nil {
		return
	}
	select {
	case r.touched <- struct{}{}:
	default: // it looks anyway
	}
}

// After is Touch after something else that wants to know of changes; nil for nothing.
func (h *Hub) After(other func(tenant string)) func(tenant string) {
	return func(tenant string) {
		if other != nil {
			other(tenant)
		}
		h.Touch(tenant)
	}
}

// Close ends all listeners, and lets none begin.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	rooms := h.rooms
	h.rooms = nil
	for _, s := range h.shelves {
		s.ends.Stop()
	}
	h.shelves = nil
	h.mu.Unlock()
	for _, r := range rooms {
		r.end()
	}
}

// Listeners counts those who listen.
func (h *Hub) Listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Listen begins to tell c. Throttled when she, or everybody, listens too often already.
func (h *Hub) Listen(ctx context.Context, c *access.Caller, look Look) (*Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fault.New(fault.Unavailable, "The server is stopping.").WithHint("The page goes on by itself.")
	}
	r := h.rooms[c.Tenant]
	hers := 0
	if r != nil {
		hers = r.hers(c.User)
	}
	if h.count >= cmp.Or(h.All, inAll) || hers >= cmp.Or(h.PerPerson, perPerson) {
		return nil, fault.New(fault.Throttled, "Too many pages are kept up to date at once.").WithHint("Close some; this one shows what there is when it is loaded again.")
	}
	if r == nil {
		r = &room{tenant: c.Tenant, touched: make(chan struct{}, 1), done: make(chan struct{}), all: map[*Listener]bool{}, there: map[id.ID]string{}, turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
		if err := h.begin(ctx, r); err != nil {
			return nil, err
		}
		if h.rooms == nil {
			h.rooms = map[string]*room{}
		}
		h.rooms[c.Tenant] = r
		within, stop := context.WithCancel(context.WithoutCancel(ctx))
		r.stop = stop
		go h.follow(within, r)
	}
	l := &Listener{hub: h, room: r, look: look, user: c.User, wake: make(chan struct{}, 1)}
	r.mu.Lock()
	l.news.Seq = r.seq
	r.all[l] = true
	r.mu.Unlock()
	h.count++
	return l, nil
}

// hers counts the listeners of one user.
func (r *room) hers(user id.ID) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.all {
		if l.user == user {
			n++
		}
	}
	return n
}

// end ends a room, and with it all who listen there.
func (r *room) end() {
	r.stop()
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.all {
		close(l.wake)
		delete(r.all, l)
	}
}

// Close ends the listening. The last one who goes ends the room.
func (l *Listener) Close() {
	h := l.hub
	h.mu.Lock()
	h.count--
	l.room.mu.Lock()
	delete(l.room.all, l)
	last := len(l.room.all) == 0
	l.room.mu.Unlock()
	if last = last && h.rooms[l.room.tenant] == l.room; last {
		delete(h.rooms, l.room.tenant)
	}
	h.mu.Unlock()
	if last {
		l.room.end()
	}
}

// Woken can be read from when there is news, and is closed when the hub is.
func (l *Listener) Woken() <-chan struct{} { return l.wake }

// Take gives the news since it was taken last.
func (l *Listener) Take() News {
	l.room.mu.Lock()
	defer l.room.mu.Unlock()
	n := l.news
	l.news = News{Seq: l.room.seq}
	n.Seq = l.room.seq
	return n
}

// Turn waits until the listener may draw what many look at: as many do at once as there are
// processors, so that they are not in the way of those who draw the one record that changed.
// What it gives ends the turn.
func (l *Listener) Turn(ctx context.Context) (done func(), err error) {
	select {
	case l.room.turns <- struct{}{}:
		return func() { <-l.room.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin reads from where a room is followed.
func (h *Hub) begin(ctx context.Context, r *room) error {
	return h.Gate.View(ctx, access.System(r.tenant, "live"), func(tx *gate.Tx) (err error) {
		if r.seq, err = tx.Seq(); err != nil {
			return err
		}
		s, err := tx.Since(r.seq, atOnce)
		if err == nil {
			r.epoch = s.Epoch
			r.there, err = whereabouts(tx)
		}
		return err
	})
}

// follow looks at a tenant until the room ends.
func (h *Hub) follow(ctx context.Context, r *room) {
	defer close(r.done)
	every := alone
	if _, ok, err := h.Gate.Edition(ctx, r.tenant); err == nil && !ok {
		every = beside
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.touched:
		case <-tick.C:
		}
		if err := h.see(ctx, r); err != nil && ctx.Err() == nil {
			h.Log.WarnContext(ctx, "a tenant could not be followed", "tenant", r.tenant, "error", err)
			r.tell(func(l *Listener) { l.news.Rights = true }) // each finds out for herself
		}
	}
}

// see reads what has happened since, and tells those whom it concerns.
func (h *Hub) see(ctx context.Context, r *room) error {
	var s *gate.Since
	var there map[id.ID]string
	err := h.Gate.View(ctx, access.System(r.tenant, "live"), func(tx *gate.Tx) (err error) {
		if s, err = tx.Since(r.seq, atOnce); err == nil {
			there, err = whereabouts(tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	rights := s.More || s.Epoch != r.epoch || slices.ContainsFunc(s.List, func(e gate.Happened) bool { return e.Kind == "" || e.Kind == "user" })
	was := r.there
	r.mu.Lock()
	r.seq, r.epoch, r.there = s.Seq, s.Epoch, there
	r.mu.Unlock()
	r.tell(func(l *Listener) {
		n := &l.news
		n.Rights = n.Rights || rights
		n.Presence = n.Presence || l.look.Record != 0 && there[l.look.Record] != was[l.look.Record]
		n.Record, n.Kinds = n.Record || s.More, n.Kinds || s.More
		for _, e := range s.List {
			n.Record = n.Record || l.look.Record != 0 && (e.Object == l.look.Record || e.Parent == l.look.Record)
			n.Kinds = n.Kinds || slices.Contains(l.look.Kinds, e.Kind)
		}
	})
	return nil
}

// tell notes news for all listeners and wakes those who have any.
func (r *room) tell(note func(*Listener)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.all {
		note(l)
		if !l.news.any() {
			continue
		}
		select {
		case l.wake <- struct{}{}:
		default: // she knows, and has not come to look yet
		}
	}
}
