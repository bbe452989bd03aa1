package sensitive

import (
	"context"
	"encoding/json"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/sealed"
)

// JobKind is the kind of the jobs that seal and open what a marked field holds.
const JobKind = "fields.seal"

// step is how many records one transaction brings to their marks.
const step = 100

// payload names a field.
type payload struct {
	Kind  string `json:"kind"`
	Field string `json:"field"`
}

// state is what a job remembers.
type state struct {
	After id.ID `json:"after"`
	Done  int64 `json:"done"`
}

// at names the fields that jobs are at.
func at(tx *gate.Tx) ([]payload, error) {
	list, err := job.List(tx, JobKind, 100)
	var out []payload
	for _, j := range list {
		var p payload
		if j.State == job.Waiting || j.State == job.Running {
			if err := json.Unmarshal(j.Payload, &p); err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, err
}

// Handler brings all records of a kind to the mark of a field. What is written
// meanwhile is brought there as it is written, so that one pass is enough.
func (s *Fields) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p payload
		if err := run.Payload(&p); err != nil {
			return err
		}
		var now state
		if _, err := run.Load(&now); err != nil {
			return err
		}
		total, more := int64(0), true
		for more {
			if run.Cancelled() {
				return job.ErrCancelled
			}
			run.Progress(now.Done, total, "Going through records")
			next := now
			err := s.Gate.Change(ctx, run.Caller, access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
				tx.Withdraw(tx.Entry()) // that the field was marked, or is no more, is recorded
				if total, next, more, err = s.pass(tx, p, now); err != nil {
					return err
				}
				return run.SaveIn(tx, next)
			})
			if err != nil {
				return err
			}
			now = next
		}
		run.Progress(now.Done, total, "")
		return nil
	}
}

// pass goes over the next records; when there are none, the mark says that all is
// done.
func (s *Fields) pass(tx *gate.Tx, p payload, from state) (total int64, next state, more bool, err error) {
	k := s.Records.Kinds.Kind(p.Kind)
	if k == nil {
		return 0, from, false, gate.Missing()
	}
	if err := tx.QueryRow(`select count(*) from ` + k.Table()).Scan(&total); err != nil {
		return 0, from, false, err
	}
	list, err := tx.IDs(`select id from `+k.Table()+` where id > ? order by id limit ?`, int64(from.After), step)
	if err != nil {
		return 0, from, false, err
	}
	if len(list) == 0 {
		return total, from, false, finish(tx, p)
	}
	for _, rec := range list { // what is read to be changed is brought to its marks
		if _, err := s.Records.Bare().GetTrashed(tx, p.Kind, rec); err != nil {
			return 0, from, false, err
		}
	}
	return total, state{After: list[len(list)-1], Done: from.Done + int64(len(list))}, true, nil
}

func finish(tx *gate.Tx, p payload) error {
	marks, err := sealed.Of(tx, p.Kind)
	m, has := marks[p.Field]
	switch {
	case err != nil || !has || m.State == sealed.Done:
		return err
	case m.State == sealed.Opening:
		return sealed.Remove(tx, p.Kind, p.Field)
	}
	m.State = sealed.Done
	return sealed.Set(tx, m)
}
