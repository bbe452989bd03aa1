package job

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/tenant"
)

// Schedule is work that comes round in every tenant. It must bear repetition.
type Schedule struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context, tenant string) error

	// Changed, when not 0, makes the work wait for changes: it is done Every
	// after the first change since it was done, or after Changed changes, and
	// once after a start; not at all while nothing changes. See Runner.Touch.
	Changed int
}

// touch counts the changes of a tenant since its schedules that wait for
// changes were run.
type touch struct {
	since time.Time
	n     int
}

// Touch says that something changed in a tenant; set gate.Gate.Committed to it.
func (r *Runner) Touch(name string) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.init()
	t := r.touched[name]
	if t == nil {
		t = &touch{since: now}
		r.touched[name] = t
	}
	if t.n++; r.restlessTenant(t, now) {
		select {
		case r.poke <- struct{}{}:
		default:
		}
	}
}

// restless gives the tenants in which enough changed, and those that are new.
func (r *Runner) restless() []string {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for name, t := range r.touched {
		if !r.seen[name] || r.restlessTenant(t, now) {
			out = append(out, name)
		}
	}
	return out
}

func (r *Runner) restlessTenant(t *touch, now time.Time) bool {
	for _, s := range r.Schedules {
		if s.ripe(t, now) {
			return true
		}
	}
	return false
}

func (s Schedule) ripe(t *touch, now time.Time) bool {
	return s.Changed > 0 && t != nil && (t.n >= s.Changed || now.Sub(t.since) >= s.Every)
}

// scheduled runs the schedules that are due. What fails is logged and comes
// round again.
func (r *Runner) scheduled(ctx context.Context, t *tenant.Tenant, first bool) error {
	now := r.now()
	r.mu.Lock()
	touched := r.touched[t.Name]
	var run []Schedule
	for _, s := range r.Schedules {
		if s.Changed > 0 && (first || s.ripe(touched, now)) {
			run = append(run, s)
		}
	}
	if len(run) > 0 {
		delete(r.touched, t.Name)
	}
	r.mu.Unlock()
	due, err := r.dueSchedules(ctx, t, now)
	if err != nil {
		return err
	}
	for _, s := range append(run, due...) {
		err := s.safely(ctx, t.Name)
		if err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "scheduled work failed", "tenant", t.Name, "schedule", s.Name, "error", err)
		}
		if err := r.ran(ctx, t, s, err); err != nil {
			return err
		}
	}
	return nil
}

func (s Schedule) safely(ctx context.Context, name string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return s.Run(ctx, name)
}

// dueSchedules takes those whose time has come, so that no other node does.
func (r *Runner) dueSchedules(ctx context.Context, t *tenant.Tenant, now time.Time) ([]Schedule, error) {
	next := map[string]int64{}
	err := t.DB.View(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(`select name, next_at from job_schedule`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var at int64
			if err := rows.Scan(&name, &at); err != nil {
				return err
			}
			next[name] = at
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	var due []Schedule
	for _, s := range r.Schedules {
		if s.Changed > 0 || next[s.Name] > now.UnixMilli() {
			continue
		}
		var n int64
		err := t.DB.Change(ctx, func(tx *sqldb.Tx) error {
			var err error
			n, err = tx.Exec(`insert into job_schedule (name, next_at) values (?, ?)
				on conflict (name) do update set next_at = excluded.next_at where job_schedule.next_at <= ?`, s.Name, now.Add(s.Every).UnixMilli(), now.UnixMilli())
			return err
		})
		if err != nil {
			return nil, err
		}
		if n > 0 {
			due = append(due, s)
		}
	}
	return due, nil
}

// ran notes how scheduled work went. What waits for changes has no row unless
// it failed.
func (r *Runner) ran(ctx context.Context, t *tenant.Tenant, s Schedule, cause error) error {
	if s.Changed > 0 {
		if cause != nil {
			r.Touch(t.Name) // comes round again
		}
		return nil
	}
	text := ""
	if cause != nil {
		text = fault.Say(cause).Text
	}
	return t.DB.Change(context.WithoutCancel(ctx), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`update job_schedule set ran_at = ?, error = ? where name = ?`, r.now().UnixMilli(), text, s.Name)
		return err
	})
}
