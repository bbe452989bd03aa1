package change

import (
	"context"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/password/filed"
)

// Look has it found out once more how an open change stands. Conflict when it has ended.
func (s *Changes) Look(ctx context.Context, c *access.Caller, rec, change id.ID) error {
	return s.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: filed.Password, ID: rec}, func(tx *gate.Tx) error {
		if _, err := s.left(tx, rec, change); err != nil {
			return err
		}
		tx.Entry().Action, tx.Entry().Detail.Text = Asked, "which of both passwords the system takes"
		work, err := s.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{rec, change}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`update rotation_change set state = ?, job_id = ? where id = ?`, Changing, int64(work), int64(change))
		return err
	})
}

// left gives a change that was left to people, to who may see and change the password.
func (s *Changes) left(tx *gate.Tx, rec, change id.ID) (*Change, error) {
	if err := tx.Check(access.Reveal, gate.Thing{Kind: filed.Password, ID: rec}); err != nil {
		return nil, err
	}
	one, err := One(tx, rec, change)
	if err == nil && one.State != Unknown {
		err = fault.New(fault.Conflict, "This change is not open for you to settle.").WithHint("It goes on, or it was settled already: load the page again.")
	}
	return one, err
}

// Show gives the new value of a change that was left to people. It is recorded as any
// reveal.
func (s *Changes) Show(ctx context.Context, c *access.Caller, rec, change id.ID, reason string) (string, error) {
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error { _, err := s.left(tx, rec, change); return err })
	if err != nil {
		return "", err
	}
	return s.Secrets.Reveal(ctx, c, secret.Ref{Kind: filed.Password, Object: rec, Field: filed.Pending}, reason)
}

// Settle ends a change that was left to people by their word: with took the new value is
// the password, else the earlier one is.
func (s *Changes) Settle(ctx context.Context, c *access.Caller, rec, change id.ID, took bool, reason string) error {
	a := &attempt{Changes: s, caller: c}
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { a.one, err = s.left(tx, rec, change); return err })
	if err != nil {
		return err
	}
	if took {
		if a.do.Next, err = s.Show(ctx, c, rec, change, reason); err == nil {
			err = a.done(ctx)
		}
		return err
	}
	return a.change(ctx, func(tx *gate.Tx, e *audit.Entry) error {
		if _, err := s.left(tx, rec, change); err != nil {
			return err
		}
		e.Action, e.Detail.Text = Dropped, "by somebody's word"
		return errors.Join(a.pend(tx, e, ""), a.write(tx, Unchanged, nil))
	})
}

// Run finds changes whose job is over and that are open all the same, and leaves them to
// people. A schedule calls it; it bears repetition.
func (s *Changes) Run(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	var open []*Change
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		open, err = list(tx, `c.state in (?, ?) and not exists (select 1 from job j where j.id = c.job_id and j.state in (?, ?)) order by c.id limit 1000`, Waiting, Changing, job.Waiting, job.Running)
		return err
	})
	for _, one := range open {
		if err != nil {
			return err
		}
		a := &attempt{Changes: s, caller: c, one: one}
		why := fault.New(fault.Unavailable, "The job of this change ended before it was settled.")
		if one.State == Waiting { // nothing was sent
			err = a.end(ctx, Unchanged, Dropped, why)
		} else {
			err = a.unknown(ctx, why)
		}
		if fault.Is(err, fault.NotFound) { // the password lies in the trash
			err = nil
		}
	}
	return err
}
