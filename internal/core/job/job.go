// Package job does work that outlives a request: imports, exports, purges.
//
// Always true: a job is a row in its tenant's own database, put there in the
// transaction of what caused it, so that neither exists without the other; it
// runs as the person who asked for it, with the rights that she has when it
// runs, and within the limits of the API key by which she asked, while that is
// valid; one worker at a time holds a job, by a lease that it renews; when a
// process dies, the job is taken up again with what it had saved; how a job went
// is kept. A payload holds no secret: jobs are rows like others.
package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Schema is the tables of jobs and schedules.
var Schema = []string{
	`create table if not exists job (
		id id primary key, kind text not null, state text not null, user_id int not null, key_id int not null, session text not null, payload json not null,
		at int not null, attempts int not null default 0, node text not null default '', lease int not null default 0, cancel int not null default 0,
		done int not null default 0, total int not null default 0, message text not null default '', counts json not null default '{}',
		saved json not null default '', result json not null default '', error text not null default '', hint text not null default '',
		created_at int not null, started_at int not null default 0, ended_at int not null default 0)`,
	`alter table job add column if not exists key_id int not null default 0`,
	`create index if not exists job_waiting on job (at, id) where state = 'waiting'`,
	`create index if not exists job_running on job (lease) where state = 'running'`,
	`create index if not exists job_user on job (user_id, id)`,
	`create table if not exists job_schedule (name text primary key, next_at int not null, ran_at int not null default 0, error text not null default '')`,
}

// The states of a job.
const (
	Waiting   = "waiting"
	Running   = "running"
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Job is work to be done.
type Job struct {
	Kind    string
	Payload any   // becomes JSON
	At      int64 // not before this time, Unix milliseconds; 0 is now
}

// Status tells how a job is.
type Status struct {
	ID       id.ID
	Kind     string
	State    string
	User     id.ID // who asked for it; 0 is the system
	Payload  json.RawMessage
	At       int64 // when it is due, Unix milliseconds
	Attempts int
	Cancel   bool // somebody asked it to stop

	Done, Total int64 // Total is 0 when not known
	Message     string
	Counts      map[string]int64
	Result      json.RawMessage // nil when there is none
	Error, Hint string          // why it failed, or why it will be tried again

	Created, Started, Ended int64 // Unix milliseconds; 0 for not yet
}

// Enqueue puts a job into tx for its caller: it runs when tx is durable, and in
// no other case.
func (r *Runner) Enqueue(tx *gate.Tx, j Job) (id.ID, error) {
	if r.Handlers[j.Kind] == nil {
		return 0, fault.New(fault.Internal, "There is no handler for jobs of the kind %s.", j.Kind)
	}
	payload, err := json.Marshal(j.Payload)
	if err != nil {
		return 0, err
	}
	jid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	at := max(j.At, tx.Now)
	_, err = tx.Exec(`insert into job (id, kind, state, user_id, key_id, session, payload, at, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(jid), j.Kind, Waiting, int64(tx.Caller.User), int64(tx.Caller.Key), tx.Caller.Session, string(payload), at, tx.Now)
	if err != nil {
		return 0, err
	}
	name, ctx := tx.Tenant.Name, context.WithoutCancel(tx.SQL().Context())
	tx.After(func() { r.due(ctx, name, at) })
	return jid, nil
}

const statusColumns = `select id, kind, state, user_id, payload, at, attempts, cancel, done, total, message, counts, result, error, hint, created_at, started_at, ended_at from job `

// Get tells how a job is, to the one who asked for it and to administrators.
func Get(tx *gate.Tx, job id.ID) (*Status, error) {
	list, err := statuses(tx, statusColumns+`where id = ?`, int64(job))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].User != tx.Caller.User && !tx.Caller.Everything() {
		return nil, gate.Missing()
	}
	return list[0], nil
}

// List gives the caller's jobs, or everybody's to an administrator, newest
// first. kind may be empty for all; limit is 50 when 0.
func List(tx *gate.Tx, kind string, limit int) ([]*Status, error) {
	if limit <= 0 {
		limit = 50
	}
	q, args := statusColumns+`where 1 = 1`, []any(nil)
	if !tx.Caller.Everything() {
		q, args = q+` and user_id = ?`, append(args, int64(tx.Caller.User))
	}
	if kind != "" {
		q, args = q+` and kind = ?`, append(args, kind)
	}
	return statuses(tx, q+` order by id desc limit ?`, append(args, limit)...)
}

func statuses(tx *gate.Tx, q string, args ...any) ([]*Status, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Status
	for rows.Next() {
		var s Status
		var jid, user int64
		var payload, counts, result string
		if err := rows.Scan(&jid, &s.Kind, &s.State, &user, &payload, &s.At, &s.Attempts, &s.Cancel, &s.Done, &s.Total, &s.Message, &counts, &result,
			&s.Error, &s.Hint, &s.Created, &s.Started, &s.Ended); err != nil {
			return nil, err
		}
		s.ID, s.User, s.Payload = id.ID(jid), id.ID(user), json.RawMessage(payload)
		if result != "" {
			s.Result = json.RawMessage(result)
		}
		if err := json.Unmarshal([]byte(counts), &s.Counts); err != nil {
			return nil, err
		}
		out = append(out, &s)
	}
	return out, rows.Err()
}

// Cancel asks a job to stop. One that waits is cancelled at once, one that runs
// when it next looks. Those who may see a job may cancel it; Conflict when it
// has ended.
func (r *Runner) Cancel(ctx context.Context, c *access.Caller, job id.ID) error {
	return r.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		s, err := Get(tx, job)
		if err != nil {
			return err
		}
		switch s.State {
		case Waiting:
			_, err = tx.Exec(`update job set state = ?, cancel = 1, ended_at = ? where id = ?`, Cancelled, tx.Now, int64(job))
		case Running:
			_, err = tx.Exec(`update job set cancel = 1 where id = ?`, int64(job))
			tx.After(func() { r.tell(tx.Tenant.Name, job) })
		default:
			return fault.New(fault.Conflict, "This job has already ended.")
		}
		tx.Also(&audit.Entry{Action: "job.cancel", Kind: "job", Object: job, Detail: audit.Detail{Name: s.Kind}})
		return err
	})
}

// Prune forgets jobs that ended before a time (Unix milliseconds) and gives how
// many. The caller has been allowed something in tx.
func Prune(tx *gate.Tx, before int64) (int64, error) {
	return tx.Exec(`delete from job where state in (?, ?, ?) and ended_at < ?`, Done, Failed, Cancelled, before)
}

// ErrCancelled is what a handler gives when it stopped because it was asked to.
var ErrCancelled = errors.New("the job was cancelled")

// backoff is how long to wait after the nth failed attempt.
func backoff(n int, err error) time.Duration {
	wait := 5 * time.Second
	for range min(n, 5) - 1 {
		wait *= 4
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.After > wait {
		return f.After
	}
	return min(wait, 10*time.Minute)
}

// passing tells whether trying again later may help.
func passing(err error) bool {
	switch fault.Of(err) {
	case fault.Unavailable, fault.Throttled, fault.Internal:
		return true
	}
	return false
}

func missing(err error) bool { return errors.Is(err, sql.ErrNoRows) }
