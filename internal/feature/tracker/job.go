package tracker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
)

// JobKind is the kind of the jobs that ask what is due.
const JobKind = "tracker.check"

const (
	newBatch    = 500             // records that begin to be followed at once
	calm        = 20              // of them that are asked about at once
	apart       = 2 * time.Second // between the others
	mostBatches = 1000            // in one job; the next one goes on
	slack       = 5 * time.Minute // what is due within it is asked in one go
)

// due is what is to be asked.
type due struct {
	rec     id.ID
	tracker string
}

// followed is the condition on a state s and its record r that it is asked.
const followed = ` r.trashed_at is null and r.archived = 0 and not exists (select 1 from tracker_paused p where p.record_id = s.record_id) `

// Sync has records followed that are new, and sees to it that there is a job for what
// is due. A schedule calls it after changes; it bears repetition.
func (c *Checker) Sync(ctx context.Context, tenant string) error {
	if c.Off {
		return nil
	}
	for begun := 0; ; {
		fresh, err := c.fresh(ctx, tenant)
		if err != nil {
			return err
		}
		if len(fresh) == 0 {
			break
		}
		if begun, err = c.begin(ctx, tenant, fresh, begun); err != nil {
			return err
		}
	}
	need := false
	err := c.Gate.View(ctx, as(tenant, nil), func(tx *gate.Tx) (err error) {
		_, need, err = c.wanted(tx)
		return err
	})
	if err != nil || !need {
		return err
	}
	return c.quietly(ctx, tenant, c.arm)
}

// quietly changes what is no news.
func (c *Checker) quietly(ctx context.Context, tenant string, fn func(tx *gate.Tx) error) error {
	return c.Gate.Change(ctx, as(tenant, nil), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// fresh lists what is not followed yet.
func (c *Checker) fresh(ctx context.Context, tenant string) (out []due, err error) {
	err = c.Gate.View(ctx, as(tenant, nil), func(tx *gate.Tx) error {
		for _, t := range c.Trackers {
			args := []any{t.Name}
			for _, k := range t.Kinds {
				args = append(args, k)
			}
			rows, err := tx.Query(`select r.id from record r left join tracker_state s on s.record_id = r.id and s.tracker = ?
				where r.kind in (`+access.Marks(len(t.Kinds))+`) and r.trashed_at is null and r.archived = 0 and s.record_id is null order by r.id limit ?`, append(args, newBatch)...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var rid int64
				if err := rows.Scan(&rid); err != nil {
					return err
				}
				out = append(out, due{id.ID(rid), t.Name})
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b due) int { return int(a.rec - b.rec) })
	return out, err
}

// begin makes the first states of records, of which some have begun before: the first
// few are asked about at once, the others of a large import one after the other. It
// gives how many have begun then.
func (c *Checker) begin(ctx context.Context, tenant string, list []due, begun int) (int, error) {
	n := begun - 1
	err := c.quietly(ctx, tenant, func(tx *gate.Tx) error {
		last := id.ID(0)
		for _, d := range list {
			if d.rec != last {
				n, last = n+1, d.rec
			}
			at := tx.Now + max(0, int64(n-calm))*apart.Milliseconds()
			_, err := tx.Exec(`insert into tracker_state (record_id, tracker, next_at) values (?, ?, ?) on conflict (record_id, tracker) do nothing`, int64(d.rec), d.tracker, at)
			if err != nil {
				return err
			}
		}
		return c.arm(tx)
	})
	return n + 1, err
}

// wanted tells when a job is needed, and whether there is none by then.
func (c *Checker) wanted(tx *gate.Tx) (at int64, need bool, err error) {
	var next, have int64
	err = tx.QueryRow(`select coalesce(min(s.next_at), 0) from tracker_state s join record r on r.id = s.record_id where` + followed).Scan(&next)
	if err != nil || next == 0 {
		return 0, false, err
	}
	err = tx.QueryRow(`select coalesce(min(at), 0) from job where kind = ? and state = ?`, JobKind, job.Waiting).Scan(&have)
	return next, have == 0 || have > max(next, tx.Now)+slack.Milliseconds(), err
}

// arm sees to it that there is a job for what is due next.
func (c *Checker) arm(tx *gate.Tx) error {
	at, need, err := c.wanted(tx)
	if err != nil || !need || c.Jobs == nil {
		return err
	}
	_, err = c.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: struct{}{}, At: at})
	return err
}

// Handler asks what is due.
func (c *Checker) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		for range mostBatches {
			if c.Off {
				break
			}
			list, err := c.due(ctx, run.Tenant)
			if err != nil || len(list) == 0 {
				if err != nil {
					return err
				}
				break
			}
			if run.Cancelled() {
				return job.ErrCancelled
			}
			if err := c.all(ctx, run, list); err != nil {
				return err
			}
		}
		return c.quietly(ctx, run.Tenant, func(tx *gate.Tx) error {
			// Of these jobs only the last tells something.
			if _, err := tx.Exec(`delete from job where kind = ? and state = ?`, JobKind, job.Done); err != nil {
				return err
			}
			return c.arm(tx)
		})
	}
}

// due lists what is to be asked now, together by record.
func (c *Checker) due(ctx context.Context, tenant string) (out [][]due, err error) {
	err = c.Gate.View(ctx, as(tenant, nil), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select s.record_id, s.tracker from tracker_state s join record r on r.id = s.record_id where s.next_at <= ? and`+followed+`order by s.next_at, s.record_id, s.tracker limit ?`, tx.Now, batch)
		if err != nil {
			return err
		}
		defer rows.Close()
		place := map[id.ID]int{}
		for rows.Next() {
			var rid int64
			var d due
			if err := rows.Scan(&rid, &d.tracker); err != nil {
				return err
			}
			d.rec = id.ID(rid)
			i, ok := place[d.rec]
			if !ok {
				i = len(out)
				place[d.rec], out = i, append(out, nil)
			}
			out[i] = append(out[i], d)
		}
		return rows.Err()
	})
	return out, err
}

// all asks about several records at once, about each by one tracker after the other.
func (c *Checker) all(ctx context.Context, run *job.Run, list [][]due) error {
	work := make(chan []due)
	errs := make([]error, atOnce)
	var group sync.WaitGroup
	for i := range atOnce {
		group.Go(func() {
			for of := range work {
				if err := c.each(ctx, run, of); err != nil && errs[i] == nil {
					errs[i] = err
				}
			}
		})
	}
	for _, of := range list {
		select {
		case work <- of:
		case <-ctx.Done():
		}
	}
	close(work)
	group.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func (c *Checker) each(ctx context.Context, run *job.Run, of []due) error {
	for _, d := range of {
		t := c.Find(d.tracker)
		if t == nil { // a tracker of an earlier version of the program
			if err := c.quietly(ctx, run.Tenant, func(tx *gate.Tx) error {
				_, err := tx.Exec(`delete from tracker_state where record_id = ? and tracker = ?`, int64(d.rec), d.tracker)
				return err
			}); err != nil {
				return err
			}
			continue
		}
		if err := c.check(ctx, run.Tenant, t, d.rec, fetchTime); err != nil {
			return err
		}
		run.Count("checked", 1)
	}
	return nil
}
