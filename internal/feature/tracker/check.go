package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"strconv"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker/seen"
)

// check asks one tracker about a record and keeps what it says. A record that is gone
// meanwhile is no failure.
func (c *Checker) check(ctx context.Context, tenant string, t *seen.Tracker, rid id.ID, limit time.Duration) error {
	var r *record.Record
	err := c.Gate.View(ctx, as(tenant, t), func(tx *gate.Tx) (err error) {
		r, err = c.Records.Get(tx, "", rid)
		return err
	})
	if err != nil {
		return gone(err)
	}
	report, cause := c.fetch(ctx, t, r, limit)
	if ctx.Err() != nil {
		return ctx.Err() // the process stops: nothing was learnt
	}
	return gone(c.keep(ctx, tenant, t, rid, report, cause))
}

func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (c *Checker) fetch(ctx context.Context, t *seen.Tracker, r *record.Record, limit time.Duration) (report *seen.Report, err error) {
	to, err := target(r)
	if err != nil {
		return nil, err
	}
	leave, err := c.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return t.Fetch(ctx, to)
}

// keep writes down what a tracker said.
func (c *Checker) keep(ctx context.Context, tenant string, t *seen.Tracker, rid id.ID, report *seen.Report, cause error) error {
	return c.Gate.Change(ctx, as(tenant, t), access.Edit, gate.Thing{ID: rid}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // what changes has its own
		if cause == nil {
			return c.Put(ctx, tx, t, rid, report, tx.Now)
		}
		s, err := one(tx, rid, t)
		if err != nil {
			return err
		}
		s.Checked = tx.Now
		s.fail(t, cause, tx.Now)
		return put(tx, s)
	})
}

// one reads a state; one that has never been asked is new.
func one(tx *gate.Tx, rid id.ID, t *seen.Tracker) (*State, error) {
	s, err := scanState(tx.QueryRow(`select `+stateColumns+` from tracker_state s where s.record_id = ? and s.tracker = ?`, int64(rid), t.Name).Scan)
	if missing(err) {
		return &State{Record: rid, Tracker: t.Name}, nil
	}
	return s, err
}

// Put writes down what a tracker said of a record at a time (Unix milliseconds), in a
// transaction that may change the record.
func (c *Checker) Put(ctx context.Context, tx *gate.Tx, t *seen.Tracker, rid id.ID, report *seen.Report, at int64) error {
	s, err := one(tx, rid, t)
	if err != nil {
		return err
	}
	r, err := c.Records.Get(tx, "", rid)
	if err != nil {
		return err
	}
	s.Checked, s.Failures, s.Error, s.Hint = at, 0, "", ""
	s.Level, s.Summary, s.Findings, s.Fields = report.Worst(), report.Summary, report.Findings, report.Fields
	s.Next = at + spread(t.Every, rid, t.Name, at).Milliseconds()
	if err := c.note(tx, s, t, r, report.Text(), at); err != nil {
		return err
	}
	if err := put(tx, s); err != nil {
		return err
	}
	return c.feed(ctx, tx, r, t, report.Fields)
}

// note keeps the facts when they are not those of the last version.
func (c *Checker) note(tx *gate.Tx, s *State, t *seen.Tracker, r *record.Record, facts string, at int64) error {
	if s.Version > 0 {
		var last string
		err := tx.QueryRow(`select facts from tracker_version where record_id = ? and tracker = ? and version = ?`, int64(s.Record), t.Name, s.Version).Scan(&last)
		if err != nil && !missing(err) {
			return err
		}
		if err == nil && last == facts {
			return nil
		}
		if at == tx.Now { // what is written down afterwards is no news
			tx.Also(changed(r, t))
		}
	}
	s.Version, s.Changed = s.Version+1, at
	if _, err := tx.Exec(`insert into tracker_version (record_id, tracker, version, at, facts) values (?, ?, ?, ?, ?)`, int64(s.Record), t.Name, s.Version, at, facts); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from tracker_version where record_id = ? and tracker = ? and version <= ?`, int64(s.Record), t.Name, s.Version-keepVersions)
	return err
}

// fail notes that asking failed: it is tried again soon, then less often.
func (s *State) fail(t *seen.Tracker, cause error, now int64) {
	s.Failures++
	said := fault.Say(cause)
	s.Error, s.Hint = said.Text, said.Hint
	wait := time.Hour << min(s.Failures-1, 10)
	if f := said.After; f > wait {
		wait = f
	}
	s.Next = now + spread(min(wait, max(t.Every, said.After)), s.Record, t.Name, now).Milliseconds()
}

// spread gives about the same time, a tenth more or less, so that what was asked at
// once is not asked at once for ever.
func spread(d time.Duration, rid id.ID, tracker string, now int64) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(rid.String() + tracker + strconv.FormatInt(now, 36)))
	return d - d/10 + d/5*time.Duration(h.Sum32()%1000)/1000
}

func put(tx *gate.Tx, s *State) error {
	findings, err := json.Marshal(append([]seen.Finding{}, s.Findings...))
	if err != nil {
		return err
	}
	fields, err := json.Marshal(s.Fields)
	if err != nil || s.Fields == nil {
		fields = []byte("{}")
	}
	_, err = tx.Exec(`insert into tracker_state (record_id, tracker, next_at, checked_at, changed_at, version, level, summary, findings, fields, failures, error, hint)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (record_id, tracker) do update set next_at = excluded.next_at, checked_at = excluded.checked_at,
		changed_at = excluded.changed_at, version = excluded.version, level = excluded.level, summary = excluded.summary, findings = excluded.findings, fields = excluded.fields,
		failures = excluded.failures, error = excluded.error, hint = excluded.hint`,
		int64(s.Record), s.Tracker, s.Next, s.Checked, s.Changed, s.Version, int(s.Level), s.Summary, string(findings), string(fields), s.Failures, s.Error, s.Hint)
	return err
}

// Ask has all trackers of a record asked at once and waits for what they say: it is
// what a button does. Throttled when that was done a moment ago, Unavailable when
// nothing may be asked.
func (c *Checker) Ask(ctx context.Context, who *access.Caller, kind string, rid id.ID) error {
	var due []*seen.Tracker
	err := c.Gate.Change(ctx, who, access.Edit, gate.Thing{Kind: kind, ID: rid}, func(tx *gate.Tx) error {
		tx.Entry().Action = "tracker.check"
		if c.Off {
			return off()
		}
		r, err := c.Records.Get(tx, kind, rid)
		if err != nil {
			return err
		}
		states, err := c.Of(tx, r)
		if err != nil {
			return err
		}
		for _, s := range states {
			if s.Checked > tx.Now-again.Milliseconds() {
				f := fault.New(fault.Throttled, "This was checked a moment ago.").WithHint("Wait some seconds, then check again.")
				f.After = again
				return f
			}
			s.Next = tx.Now + time.Minute.Milliseconds() // the job leaves it alone meanwhile
			if err := put(tx, s); err != nil {
				return err
			}
			due = append(due, c.Find(s.Tracker))
		}
		return c.arm(tx)
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	errs := make([]error, len(due))
	var group sync.WaitGroup
	for i, t := range due {
		group.Go(func() { errs[i] = c.check(ctx, who.Tenant, t, rid, nowTime) })
	}
	group.Wait()
	return errors.Join(errs...)
}
