package process

import (
	"errors"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/process/course"
)

// work is a step while it is done.
type work struct {
	*Processes
	tx *gate.Tx
	r  *run
	s  *step
}

func (w *work) do() error {
	rec, err := w.Records.Get(w.tx, "", w.r.Record)
	if err != nil {
		return err
	}
	c := w.r.course[w.s.place]
	over := w.tx.Now >= w.s.due
	switch c.Do {
	case course.End:
		return w.finish(Done, "", true)
	case course.Pause:
		if !over {
			return w.wait(w.s.due, "")
		}
		return w.finish(Done, "", true)
	case course.Until:
		return w.until(c.If.Met(rec, rec, nil), over)
	case course.Entry:
		var n int
		err := w.tx.QueryRow(`select count(*) from record where kind = ? and parent_id = ? and parent_id <> 0 and created_at > ? and trashed_at is null`, entry.Kind, int64(rec.ID), w.s.at).Scan(&n)
		return errors.Join(err, w.until(n > 0, over))
	case course.Tasks:
		var n int
		k := w.Records.Kinds.Kind("task")
		err := w.tx.QueryRow(`select count(*) from `+k.Table()+` t join record r on r.id = t.id where t.`+automation.TasksOf(w.Records, rec.Kind)+` = ? and coalesce(t.final, 0) = 0 and r.trashed_at is null`, int64(rec.ID)).Scan(&n)
		return errors.Join(err, w.until(n == 0, over))
	}
	if c.If != nil && !c.If.Met(rec, rec, nil) {
		return w.finish(Skipped, "Its condition does not hold.", false)
	}
	if c.Do == course.Approval {
		return w.approve(rec, over)
	}
	done := &automation.Work{Rule: &automation.Rule{ID: w.r.Process, Name: c.Name, Of: rec.Kind.Name, When: automation.ByHand, Then: []automation.Act{{Do: c.Do, Field: c.Field, Value: c.Value}}},
		Run: &automation.Run{ID: w.s.ID, Record: rec.ID, Happens: automation.ByHand}, About: rec}
	if err := w.Do(w.tx, w.Records, done); err != nil {
		return err
	}
	return w.finish(Done, strings.Join(done.Did, " "), true)
}

// until goes on when what is waited for has happened, or time is up.
func (w *work) until(met, over bool) error {
	switch {
	case met:
		return w.finish(Done, "", true)
	case over:
		return w.finish(Late, "It did not happen in time.", false)
	}
	return w.wait(w.s.due, "")
}

func (w *work) wait(at int64, said string) error {
	_, err := w.tx.Exec(`update process_step set next_at = ?, said = ? where id = ? and state = 'open'`, min(at, w.s.due), said, int64(w.s.ID))
	return err
}

// approve asks for approval, once for what the record says, and waits for it.
func (w *work) approve(rec *record.Record, over bool) error {
	b, err := ballot.Of(w.tx, rec.ID)
	if err != nil {
		return err
	}
	if b == nil || b.At < w.s.at || b.Result.State == ballot.Pending || b.Result.State == ballot.Approved { // what was refused in this step is not asked for again
		if err := ballot.Demand(w.tx, rec); err != nil {
			return err
		}
		b, err = ballot.Of(w.tx, rec.ID)
	}
	switch {
	case err != nil:
		return err
	case b == nil:
		return w.refused(w.tx, w.s, w.r, "No plan of approval fits, so nobody can be asked. Write one that does and try again, or skip the step.")
	case b.Result.State == ballot.Approved:
		return w.finish(Done, "It is approved.", true)
	case b.Result.State == ballot.Pending && !over:
		return w.wait(w.tx.Now+look.Milliseconds(), "It waits for approval.")
	}
	said := map[bool]string{true: "Nobody decided in time.", false: "It is not approved."}[b.Result.State == ballot.Pending]
	if w.r.course[w.s.place].Else == "" { // what nobody approved does not go on
		if _, err := w.tx.Exec(`update process_step set state = 'late', said = ?, ended_at = ? where id = ?`, said, w.tx.Now, int64(w.s.ID)); err != nil {
			return err
		}
		return w.fail(w.tx, w.r, w.r.course[w.s.place].Name+": "+said)
	}
	return w.finish(Late, said, false)
}

// finish notes that a step is done, and begins the next when nothing beside it is open.
func (w *work) finish(state, said string, well bool) error {
	if _, err := w.tx.Exec(`update process_step set state = ?, said = ?, ended_at = ? where id = ?`, state, said, w.tx.Now, int64(w.s.ID)); err != nil {
		return err
	}
	var open int
	if err := w.tx.QueryRow(`select count(*) from process_step where run_id = ? and state = 'open'`, int64(w.r.ID)).Scan(&open); err != nil || open > 0 || w.r.State != Running { // what stands still goes on when somebody says how
		return err
	}
	return w.open(w.tx, w.r, w.r.course.Next(w.s.place, well))
}
