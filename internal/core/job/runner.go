package job

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/tenant"
)

// Runner is a node's scheduler. Fill the exported fields; Enqueue and Cancel
// then work, and Run does the work. A process that does no jobs itself does not
// call Run.
type Runner struct {
	House     *tenant.House
	Gate      *gate.Gate
	Handlers  map[string]Handler // by kind
	Schedules []Schedule
	Log       *slog.Logger
	Now       func() time.Time // nil is time.Now

	// Resolve gives the caller that a user is now. Session and Via are set by
	// the runner.
	Resolve func(ctx context.Context, tenant string, user id.ID) (*access.Caller, error)

	// ResolveKey gives the caller that an API key stands for now, with its scope,
	// for what was asked for by a key. NotFound when it was revoked or has
	// expired. Nil when no key can ask for a job.
	ResolveKey func(ctx context.Context, tenant string, key id.ID) (*access.Caller, error)

	Node      string        // name of this node, different on every node of an installation; "node" when empty
	Workers   int           // jobs at once; 4 when 0
	PerTenant int           // jobs of one tenant at once; half the workers when 0
	Attempts  int           // at a job that fails for a passing reason; 5 when 0
	Poll      time.Duration // how often due work of all nodes is looked for; 1 second when 0
	Lease     time.Duration // after which the job of a node that died is taken over; 1 minute when 0

	mu      sync.Mutex
	changed *sync.Cond
	ready   []string        // tenants to visit, in order
	queued  map[string]bool // which ready holds
	busy    map[string]int  // jobs that run, by tenant
	seen    map[string]bool
	runs    map[running]*Run
	touched map[string]*touch
	poke    chan struct{}
	life    string
}

type running struct {
	tenant string
	job    id.ID
}

func (r *Runner) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// node names this runner's life: the node, and what no other life of it has.
func (r *Runner) node() string { return r.nodePrefix() + r.life }

func (r *Runner) nodePrefix() string {
	if r.Node == "" {
		return "node/"
	}
	return r.Node + "/"
}

func (r *Runner) lease() time.Duration {
	if r.Lease == 0 {
		return time.Minute
	}
	return r.Lease
}

func (r *Runner) attempts() int {
	if r.Attempts == 0 {
		return 5
	}
	return r.Attempts
}

func (r *Runner) workers() int {
	if r.Workers == 0 {
		return 4
	}
	return r.Workers
}

func (r *Runner) perTenant() int {
	if r.PerTenant == 0 {
		return max(1, r.workers()/2)
	}
	return r.PerTenant
}

// init makes what all methods need; the lock is held.
func (r *Runner) init() {
	if r.changed == nil {
		r.changed = sync.NewCond(&r.mu)
		r.busy, r.seen, r.runs, r.touched, r.queued = map[string]int{}, map[string]bool{}, map[running]*Run{}, map[string]*touch{}, map[string]bool{}
		r.poke = make(chan struct{}, 1)
	}
}

// Run works until ctx ends; then it waits for its jobs, whose contexts have
// ended too, and gives nil. At its start it visits every tenant: leases that
// this node held before are void, since only a dead process leaves them; see
// introduce.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	r.init()
	clear(r.seen)
	r.life = rand.Text()
	r.mu.Unlock()
	names, err := r.House.Active(ctx)
	if ctx.Err() != nil {
		return nil // it ended before there was anything to do
	}
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, r.wake)
	defer stop()
	var group sync.WaitGroup
	group.Go(func() { r.introduce(ctx, names) })
	for range r.workers() {
		group.Go(func() { r.work(ctx) })
	}
	r.poll(ctx)
	group.Wait()
	return nil
}

func (r *Runner) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed.Broadcast()
}

// push queues a tenant for a visit.
func (r *Runner) push(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.queued[name] {
		r.ready, r.queued[name] = append(r.ready, name), true
		r.changed.Broadcast() // workers wait for it, and introduce
	}
}

// introduce has every tenant visited once, one after the other: who waits for an
// answer after a start does not wait for the jobs of thousands of others. What is
// known to be due does not wait for its turn; see poll.
func (r *Runner) introduce(ctx context.Context, names []string) {
	for _, name := range names {
		r.push(name)
		r.mu.Lock()
		for ctx.Err() == nil && (r.queued[name] || r.busy[name] > 0 && !r.seen[name]) {
			r.changed.Wait()
		}
		r.mu.Unlock()
		if ctx.Err() != nil {
			return
		}
	}
}

// next waits for a tenant that may have one more job run.
func (r *Runner) next(ctx context.Context) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ctx.Err() == nil {
		for i, name := range r.ready {
			if r.busy[name] < r.perTenant() {
				r.ready = slices.Delete(r.ready, i, i+1)
				delete(r.queued, name)
				r.busy[name]++
				return name, true
			}
		}
		r.changed.Wait()
	}
	return "", false
}

func (r *Runner) leave(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[name]--; r.busy[name] == 0 {
		delete(r.busy, name)
	}
	r.changed.Broadcast()
}

func (r *Runner) work(ctx context.Context) {
	for {
		name, ok := r.next(ctx)
		if !ok {
			return
		}
		more, err := r.visit(ctx, name)
		r.leave(name)
		switch {
		case ctx.Err() != nil:
			return
		case fault.Is(err, fault.NotFound):
			r.forget(name) // it was erased
		case err != nil:
			r.Log.WarnContext(ctx, "the jobs of a tenant could not be looked at", "tenant", name, "error", err)
			r.due(ctx, name, r.now().Add(30*time.Second).UnixMilli())
		case more:
			r.push(name)
		}
	}
}

func (r *Runner) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.touched, name)
	delete(r.seen, name)
}

// poll looks for due tenants until ctx ends.
func (r *Runner) poll(ctx context.Context) {
	every := r.Poll
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		names, err := r.House.TakeDue(ctx, r.now().UnixMilli())
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "due work could not be looked for", "error", err)
		}
		for _, name := range append(names, r.restless()...) {
			r.push(name)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.poke:
		}
	}
}

// due notes when a tenant has work. When that fails the work is found at the
// next start, or with the tenant's next job.
func (r *Runner) due(ctx context.Context, name string, at int64) {
	if err := r.House.SetDue(ctx, name, at); err != nil {
		r.Log.ErrorContext(ctx, "due work could not be noted", "tenant", name, "error", err)
	}
	if at > r.now().UnixMilli() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.init()
	select {
	case r.poke <- struct{}{}:
	default:
	}
}

// tell lets a job that runs here know at once that it is to stop.
func (r *Runner) tell(name string, job id.ID) {
	r.mu.Lock()
	run := r.runs[running{name, job}]
	r.mu.Unlock()
	if run != nil {
		run.cancel()
	}
}

// visit does what is due in a tenant: schedules, then one job. more is true
// when there may be another.
func (r *Runner) visit(ctx context.Context, name string) (more bool, err error) {
	used := r.House.IsOpen(name)
	t, err := r.House.Open(ctx, name)
	if err != nil {
		return false, err
	}
	defer func() {
		if used || more {
			t.Release()
			return
		}
		t.Rest() // thousands that are looked after in turn are not all open
	}()
	first, err := r.recover(ctx, t)
	if err != nil {
		return false, err
	}
	if err := r.scheduled(ctx, t, first); err != nil {
		return false, err
	}
	run, err := r.claim(ctx, t)
	if err != nil {
		return false, err
	}
	if run == nil {
		return false, r.later(ctx, t)
	}
	r.due(ctx, name, r.now().Add(r.lease()).UnixMilli()+1) // another node looks if this one dies
	r.push(name)
	r.attempt(ctx, run)
	return true, nil
}

// recover makes the leases that this node held before it started void, at the
// first visit.
func (r *Runner) recover(ctx context.Context, t *tenant.Tenant) (first bool, err error) {
	r.mu.Lock()
	first = !r.seen[t.Name]
	r.seen[t.Name] = true
	r.changed.Broadcast()
	r.mu.Unlock()
	if !first {
		return false, nil
	}
	err = t.DB.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`update job set state = ?, node = '', lease = 0 where state = ? and substr(node, 1, ?) = ? and node <> ?`,
			Waiting, Running, len([]rune(r.nodePrefix())), r.nodePrefix(), r.node())
		return err
	})
	if err != nil {
		r.mu.Lock()
		delete(r.seen, t.Name)
		r.mu.Unlock()
	}
	return true, err
}

// claimable is what may be taken: what is due, and what a node that died had.
const claimable = `((state = 'waiting' and at <= ?) or (state = 'running' and lease < ? and node <> ?))`

// claim takes the job that is due for the longest time; nil when none is.
func (r *Runner) claim(ctx context.Context, t *tenant.Tenant) (*Run, error) {
	now := r.now().UnixMilli()
	var n int
	err := t.DB.View(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`select count(*) from job where `+claimable, now, now, r.node()).Scan(&n)
	})
	if err != nil || n == 0 {
		return nil, err
	}
	run := &Run{Tenant: t.Name, runner: r, tenant: t, counts: map[string]int64{}}
	err = t.DB.Change(ctx, func(tx *sqldb.Tx) error {
		var jid, user, key int64
		var counts string
		err := tx.QueryRow(`update job set state = 'running', node = ?, lease = ?, attempts = attempts + 1,
			started_at = case when started_at = 0 then ? else started_at end
			where id = (select id from job where `+claimable+` order by at, id limit 1)
			returning id, kind, user_id, key_id, session, payload, attempts, cancel, done, total, message, counts, saved, result`,
			r.node(), r.now().Add(r.lease()).UnixMilli(), now, now, now, r.node()).
			Scan(&jid, &run.Kind, &user, &key, &run.session, &run.payload, &run.Attempt, &run.cancelled, &run.done, &run.total, &run.message, &counts, &run.saved, &run.result)
		if err != nil {
			return err
		}
		run.ID, run.user, run.key = id.ID(jid), id.ID(user), id.ID(key)
		return json.Unmarshal([]byte(counts), &run.counts)
	})
	if missing(err) {
		return nil, nil
	}
	return run, err
}

// attempt runs the handler and saves how it went.
func (r *Runner) attempt(ctx context.Context, run *Run) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	run.lost = cancel
	key := running{run.Tenant, run.ID}
	r.mu.Lock()
	r.runs[key] = run
	r.mu.Unlock()
	var beat sync.WaitGroup
	beat.Go(func() { run.beat(inner) })
	err := r.handle(inner, run)
	cancel()
	beat.Wait()
	r.mu.Lock()
	delete(r.runs, key)
	r.mu.Unlock()
	e := run.judge(ctx, err)
	log := []any{"tenant", run.Tenant, "job", int64(run.ID), "kind", run.Kind, "attempt", run.Attempt, "state", e.state}
	if err != nil {
		log = append(log, "error", err)
	}
	if err := run.finish(context.WithoutCancel(ctx), e); err != nil {
		r.Log.ErrorContext(ctx, "the end of a job could not be saved", append(log, "cause", err)...)
		return
	}
	r.Log.InfoContext(ctx, "job ended", log...)
}

// beat saves the progress when there is some, and renews the lease in any
// case, while the handler works.
func (r *Run) beat(ctx context.Context) {
	every := min(r.runner.lease()/4, time.Second)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for idle := time.Duration(0); ; idle += every {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if r.changed() || idle >= r.runner.lease()/4 {
			r.flush(ctx)
			idle = 0
		}
	}
}

func (r *Runner) handle(ctx context.Context, run *Run) (err error) {
	if run.Cancelled() {
		return ErrCancelled
	}
	if run.Attempt > r.attempts() {
		return fault.New(fault.Conflict, "This job was tried %d times, and each time the program ended.", run.Attempt-1).
			WithHint("Tell your administrator; the program's log may say why.")
	}
	h := r.Handlers[run.Kind]
	if h == nil {
		return fault.New(fault.Invalid, "This version of the program does not know jobs of the kind %s.", run.Kind)
	}
	if run.Caller, err = r.caller(ctx, run); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, run)
}

// caller gives as whom a job runs.
func (r *Runner) caller(ctx context.Context, run *Run) (*access.Caller, error) {
	c := access.System(run.Tenant, "job")
	var err error
	switch {
	case run.key != 0:
		if c, err = r.byKey(ctx, run); err != nil {
			return nil, err
		}
	case run.user != 0:
		if c, err = r.Resolve(ctx, run.Tenant, run.user); fault.Is(err, fault.NotFound) {
			return nil, fault.Wrap(err, fault.Denied, "The person who asked for this is no longer an active user.")
		} else if err != nil {
			return nil, err
		}
	}
	c.Tenant, c.Via, c.Session = run.Tenant, "job", run.session
	if c.Session == "" {
		c.Session = "job " + run.ID.String()
	}
	return c, nil
}

func (r *Runner) byKey(ctx context.Context, run *Run) (*access.Caller, error) {
	if r.ResolveKey == nil {
		return nil, fault.New(fault.Internal, "Nobody here knows API keys, but job %s was started by one.", run.ID)
	}
	c, err := r.ResolveKey(ctx, run.Tenant, run.key)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Wrap(err, fault.Denied, "The API key that started this was revoked or has expired.").
			WithHint("Start it again with a key that is valid.")
	}
	return c, err
}

// later notes when the tenant has work next.
func (r *Runner) later(ctx context.Context, t *tenant.Tenant) error {
	q := `select coalesce(min(n.at), 0) from (select min(at) as at from job where state = 'waiting'
		union all select min(lease) + 1 from job where state = 'running' and node <> ?`
	args := []any{r.node()}
	if len(r.Schedules) > 0 {
		q += ` union all select min(next_at) from job_schedule where name in (` + access.Marks(len(r.Schedules)) + `)`
		for _, s := range r.Schedules {
			args = append(args, s.Name)
		}
	}
	var next int64
	err := t.DB.View(ctx, func(tx *sqldb.Tx) error { return tx.QueryRow(q+`) n`, args...).Scan(&next) })
	if err != nil || next == 0 {
		return err
	}
	return r.House.SetDue(ctx, t.Name, next)
}
