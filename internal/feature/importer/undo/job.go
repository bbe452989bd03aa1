package undo

import (
	"context"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/importer/state"
)

type payload struct {
	Run   id.ID  `json:"run"`
	Name  string `json:"name"`
	Force bool   `json:"force,omitempty"`
}

// progress is what a job keeps, in the transactions of what it does.
type progress struct {
	At     place  `json:"at"` // the records before it are judged
	Done   int64  `json:"done"`
	Report Report `json:"report"`
}

// Start enqueues the taking back of an import, and gives the job's id. force takes
// back what was changed since, too. Fault kinds: Denied, NotFound, Conflict while the
// import is being taken back.
func (u *Undo) Start(ctx context.Context, c *access.Caller, run id.ID, force bool) (started id.ID, err error) {
	err = u.Gate.Change(ctx, c, access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		r, err := Get(tx, run)
		if err != nil {
			return err
		}
		if r.Job != 0 {
			s, err := job.Get(tx, r.Job)
			if err == nil && (s.State == job.Waiting || s.State == job.Running) {
				return fault.New(fault.Conflict, "This import is being taken back.").WithHint("Wait until that is done.")
			}
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		tx.Entry().Detail.Name, tx.Entry().Detail.Text = r.Name, "takes the import back"
		if started, err = u.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{run, r.Name, force}}); err != nil {
			return err
		}
		_, err = tx.Exec(`update import_run set undo_job = ? where id = ?`, int64(started), int64(run))
		return err
	})
	return started, err
}

// Handler does the jobs that Start enqueued. One that is interrupted goes on where
// it was.
func (u *Undo) Handler() job.Handler {
	return func(ctx context.Context, j *job.Run) error {
		var p payload
		if err := j.Payload(&p); err != nil {
			return err
		}
		at := progress{At: place{Below: id.Max}, Report: Report{Left: []Entry{}}}
		if _, err := j.Load(&at); err != nil {
			return err
		}
		b := &back{Undo: u, c: j.Caller, run: p.Run, force: p.Force, at: at, save: j.SaveIn}
		var total int64
		err := u.Gate.View(ctx, j.Caller, func(tx *gate.Tx) error {
			r, err := Get(tx, p.Run)
			total = r.Made + r.Changed
			return err
		})
		if err != nil {
			return err
		}
		for more := true; more; {
			if j.Cancelled() {
				return job.ErrCancelled
			}
			if more, err = b.step(ctx); err != nil {
				return err
			}
			j.Progress(b.at.Done, total, "Taking back")
		}
		if err := j.Result(b.at.Report); err != nil {
			return err
		}
		return u.quietly(ctx, j.Caller, func(tx *gate.Tx) error {
			_, err := tx.Exec(`update import_run set undone_at = ? where id = ?`, tx.Now, int64(p.Run))
			return err
		})
	}
}

// back is the taking back of one import.
type back struct {
	*Undo
	c     *access.Caller
	run   id.ID
	force bool
	at    progress
	save  func(*gate.Tx, any) error
}

// together is how many records one transaction takes back.
const together = 100

// quietly runs a change that is no news itself: each record that is taken back has an
// entry of its own.
func (u *Undo) quietly(ctx context.Context, c *access.Caller, fn func(*gate.Tx) error) error {
	return u.Gate.Change(ctx, c, access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// step takes the next records back; false when there are none.
func (b *back) step(ctx context.Context) (bool, error) {
	if err := b.secrets(ctx); err != nil { // of the step before, or of one that was interrupted
		return false, err
	}
	more := false
	var next progress
	err := b.quietly(ctx, b.c, func(tx *gate.Tx) error {
		next = b.at
		next.Report.Left = next.Report.Left[:len(next.Report.Left):len(next.Report.Left)]
		if next.At.Beside {
			var err error
			more, err = b.stepBeside(tx, &next)
			return err
		}
		list, behind, err := after(tx, b.run, next.At, together)
		if err != nil {
			return err
		}
		if more = true; len(list) == 0 {
			next.At = place{Beside: true, Below: id.Max}
			return b.save(tx, next)
		}
		for _, ch := range list {
			if err := b.one(tx, ch, &next.Report); err != nil {
				return err
			}
		}
		next.At, next.Done = behind, next.Done+int64(len(list))
		return b.save(tx, next)
	})
	if err == nil {
		b.at = next
	}
	return more, err
}

// one takes one record back, or leaves it with the reason.
func (b *back) one(tx *gate.Tx, ch change, report *Report) error {
	what, rec, why, err := b.judge(tx, b.run, ch, b.force)
	if err != nil {
		return err
	}
	err = tx.Try(func() error {
		switch what {
		case trash:
			return b.trash(tx, rec)
		case restore:
			return b.restore(tx, rec, ch)
		}
		return nil
	})
	switch {
	case err != nil && !ours(err):
		return err
	case err != nil:
		what, why = leave, fault.Say(err).Text
	}
	report.count(what, rec, why)
	if what == leave {
		return nil
	}
	_, err = tx.Exec(`update import_change set undone = 1 where run_id = ? and record_id = ?`, int64(b.run), int64(ch.record))
	return err
}

// ours tells whether a failure is about the record, and not about the database.
func ours(err error) bool {
	switch fault.Of(err) {
	case fault.Invalid, fault.NotFound, fault.Denied, fault.Conflict:
		return true
	}
	return false
}

// trash deletes a record that the import made, and forgets that it was imported: the
// same import makes it again.
func (b *back) trash(tx *gate.Tx, rec *record.Record) error {
	if err := b.Records.Trash(tx, rec.Kind.Name, rec.ID); err != nil {
		return err
	}
	return errors.Join(state.Forget(tx, rec.ID), external.ForgetRecord(tx, rec.ID))
}

// restore makes a record what it was before the import; the same import changes it
// again.
func (b *back) restore(tx *gate.Tx, rec *record.Record, ch change) error {
	if _, err := b.Records.RestoreRevision(tx, rec.Kind.Name, rec.ID, ch.before); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from import_secret where record_id = ?`, int64(rec.ID)); err != nil {
		return err
	}
	return errors.Join(state.Renew(tx, rec.ID), external.Undone(tx, rec.ID))
}

// secretWas is a secret that the import replaced.
type secretWas struct {
	record  id.ID
	kind    string
	name    string
	field   string
	version uint32
}

// secrets gives records that are restored the secrets that they had. Each is opened
// and sealed anew, with the rights of the caller, and has its own audit entries.
func (b *back) secrets(ctx context.Context) error {
	var list []secretWas
	err := b.Gate.View(ctx, b.c, func(tx *gate.Tx) error {
		rows, err := tx.Query(`select s.record_id, r.kind, r.name, s.field, s.version from import_secret_was s join import_change c on c.run_id = s.run_id and c.record_id = s.record_id
			join record r on r.id = s.record_id where s.run_id = ? and s.done = 0 and c.undone = 1 order by s.record_id`, int64(b.run))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var rec, version int64
			var s secretWas
			if err := rows.Scan(&rec, &s.kind, &s.name, &s.field, &version); err != nil {
				return err
			}
			s.record, s.version = id.ID(rec), uint32(version)
			list = append(list, s)
		}
		return rows.Err()
	})
	for _, s := range list {
		if err == nil {
			err = b.secret(ctx, s)
		}
	}
	return err
}

func (b *back) secret(ctx context.Context, s secretWas) error {
	var now secret.Version
	err := b.Gate.View(ctx, b.c, func(tx *gate.Tx) error {
		have, err := secret.Current(tx, s.record)
		now = have[s.field]
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case now.Restores == s.version && s.version != 0: // before an interruption
	case now.Number != s.version+1 && !b.force:
		err = fault.New(fault.Conflict, "Its secret was changed since the import, and stays.")
	case s.version == 0:
		err = b.quietly(ctx, b.c, func(tx *gate.Tx) error {
			_, err := b.Records.Update(tx, s.kind, s.record, 0, record.Values{s.field: ""})
			return err
		})
	default:
		_, err = b.Secrets.Restore(ctx, b.c, secret.Ref{Kind: s.kind, Object: s.record, Field: s.field, Version: s.version}, "An import is taken back.")
	}
	if err != nil && !ours(err) {
		return err
	}
	why := ""
	if err != nil {
		why = fault.Say(err).Text
	}
	return b.quietly(ctx, b.c, func(tx *gate.Tx) error {
		next := b.at
		if why != "" {
			next.Report.leave(Entry{s.record, s.kind, s.name, why})
		}
		if _, err := tx.Exec(`update import_secret_was set done = 1 where run_id = ? and record_id = ? and field = ?`, int64(b.run), int64(s.record), s.field); err != nil {
			return err
		}
		if err := state.Renew(tx, s.record); err != nil {
			return err
		}
		tx.After(func() { b.at = next })
		return b.save(tx, next)
	})
}
