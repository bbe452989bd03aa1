package job

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/tenant"
)

// Handler does the jobs of one kind. It gives ErrCancelled when it stopped
// because Run.Cancelled said so. A failure of the kinds Unavailable, Throttled
// and Internal is tried again, others are not. When ctx ends, the process is
// stopping: what was saved is there when the job is taken up again.
type Handler func(ctx context.Context, run *Run) error

// Run is one attempt at a job.
type Run struct {
	ID      id.ID
	Kind    string
	Tenant  string         // short name
	Caller  *access.Caller // as whom it runs, with present rights
	Attempt int            // from 1; counts attempts that ended with the process

	runner  *Runner
	tenant  *tenant.Tenant
	payload string
	user    id.ID
	key     id.ID
	session string
	lost    context.CancelFunc

	mu        sync.Mutex
	cancelled bool
	done      int64
	total     int64
	message   string
	counts    map[string]int64
	saved     string
	result    string
	dirty     bool // there is progress that is not saved
}

// Payload reads what the job was given.
func (r *Run) Payload(v any) error {
	if err := json.Unmarshal([]byte(r.payload), v); err != nil {
		return fault.Wrap(err, fault.Invalid, "This job cannot be read any more.").WithHint("Start it again.")
	}
	return nil
}

// Progress says how far the job is; total is 0 when not known. It only notes
// it, so it may be called anywhere and often: about once a second it is saved.
func (r *Run) Progress(done, total int64, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done, r.total, r.message, r.dirty = done, total, message, true
}

func (r *Run) changed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dirty
}

// Count adds to a counter that is shown beside the progress.
func (r *Run) Count(name string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[name] += n
	r.dirty = true
}

// Save keeps state for the case that the job is taken up again.
func (r *Run) Save(ctx context.Context, state any) error {
	return r.tenant.DB.Change(ctx, func(tx *sqldb.Tx) error { return r.save(tx, state) })
}

// SaveIn is Save in the transaction of what the state says was done, so that
// nothing is done twice.
func (r *Run) SaveIn(tx *gate.Tx, state any) error { return r.save(tx.SQL(), state) }

func (r *Run) save(tx *sqldb.Tx, state any) error {
	b, err := json.Marshal(state)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`update job set saved = ? where id = ? and state = ? and node = ? and attempts = ?`, string(b), int64(r.ID), Running, r.runner.node(), r.Attempt)
	if err != nil {
		return err
	}
	if n == 0 {
		return r.notOurs()
	}
	r.mu.Lock()
	r.saved = string(b)
	r.mu.Unlock()
	return nil
}

// notOurs ends an attempt whose job another worker has taken over.
func (r *Run) notOurs() error {
	r.lost()
	return fault.New(fault.Conflict, "Another process has taken this job over.")
}

// Load reads what was saved last into v; false when nothing was.
func (r *Run) Load(v any) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.saved == "" {
		return false, nil
	}
	return true, json.Unmarshal([]byte(r.saved), v)
}

// Result keeps what came of the job, as JSON.
func (r *Run) Result(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result = string(b)
	return nil
}

// Cancelled tells whether somebody asked the job to stop.
func (r *Run) Cancelled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cancelled
}

// flush saves the progress, renews the lease and learns of a request to stop.
// A failure is logged only: the work itself meets the same trouble.
func (r *Run) flush(ctx context.Context) {
	err := r.tenant.DB.Change(ctx, func(tx *sqldb.Tx) error {
		r.mu.Lock()
		counts, err := json.Marshal(r.counts)
		args := []any{r.done, r.total, r.message, string(counts), r.runner.now().Add(r.runner.lease()).UnixMilli(), int64(r.ID), Running, r.runner.node(), r.Attempt}
		r.dirty = false
		r.mu.Unlock()
		if err != nil {
			return err
		}
		var cancel bool
		err = tx.QueryRow(`update job set done = ?, total = ?, message = ?, counts = ?, lease = ?
			where id = ? and state = ? and node = ? and attempts = ? returning cancel`, args...).Scan(&cancel)
		if missing(err) {
			return r.notOurs()
		}
		if cancel {
			r.cancel()
		}
		return err
	})
	if err != nil && ctx.Err() == nil {
		r.runner.Log.WarnContext(ctx, "the progress of a job could not be saved", "tenant", r.Tenant, "job", int64(r.ID), "error", err)
	}
}

func (r *Run) cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancelled = true
}

// end is the last state of an attempt.
type end struct {
	state string
	at    int64 // when it is due again, if it waits
	err   *fault.Error
	back  bool // the attempt does not count
}

// judge says what follows from what the handler gave.
func (r *Run) judge(ctx context.Context, err error) end {
	now := r.runner.now()
	switch {
	case err == nil:
		return end{state: Done}
	case errors.Is(err, ErrCancelled):
		return end{state: Cancelled}
	case ctx.Err() != nil: // the process is stopping
		return end{state: Waiting, at: now.UnixMilli(), back: true}
	case passing(err) && r.Attempt < r.runner.attempts():
		return end{state: Waiting, at: now.Add(backoff(r.Attempt, err)).UnixMilli(), err: fault.Say(err)}
	}
	return end{state: Failed, err: fault.Say(err)}
}

// finish saves the end of the attempt.
func (r *Run) finish(ctx context.Context, e end) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts, err := json.Marshal(r.counts)
	if err != nil {
		return err
	}
	text, hint, attempts, ended := "", "", r.Attempt, r.runner.now().UnixMilli()
	if e.err != nil {
		text, hint = e.err.Text, e.err.Hint
	}
	if e.back {
		attempts--
	}
	var at *int64 // nil leaves it
	if e.state == Waiting {
		ended, at = 0, &e.at
	}
	return r.tenant.DB.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`update job set state = ?, at = coalesce(?, at), attempts = ?, node = '', lease = 0, done = ?, total = ?, message = ?,
			counts = ?, result = ?, error = ?, hint = ?, ended_at = ? where id = ? and state = ? and node = ? and attempts = ?`,
			e.state, at, attempts, r.done, r.total, r.message, string(counts), r.result, text, hint, ended,
			int64(r.ID), Running, r.runner.node(), r.Attempt)
		return err
	})
}
