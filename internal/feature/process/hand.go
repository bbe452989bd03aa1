package process

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/process/course"
)

// ByHandStart begins a process because somebody who may change the record asks for it.
func (p *Processes) ByHandStart(tx *gate.Tx, process id.ID, rec *record.Record) error {
	offered, err := Offered(tx, rec)
	if err != nil {
		return err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: rec.Kind.Name, ID: rec.ID})
	if err != nil {
		return err
	}
	if !slices.Contains(offered, process) {
		tx.Withdraw(e)
		return nil // it runs already, or is not offered any more
	}
	e.Action = "process.start"
	_, err = p.Start(tx, process, rec, "hand/"+strconv.FormatInt(tx.Now, 10))
	return err
}

// Stop ends a run, and Retry has one go on that failed, because somebody who may change the
// record asks for it. To ask twice changes nothing.
func (p *Processes) Stop(tx *gate.Tx, n id.ID, rec *record.Record) error {
	return p.alter(tx, n, rec, "process.stop", Running, func(*audit.Entry) error {
		if _, err := tx.Exec(`update process_step set state = 'stopped', ended_at = ? where run_id = ? and state = 'open'`, tx.Now, int64(n)); err != nil {
			return err
		}
		_, err := tx.Exec(`update process_run set state = 'stopped', said = 'Somebody stopped it.', ended_at = ? where id = ?`, tx.Now, int64(n))
		return err
	})
}

// Retry has the step tried again that failed; see Stop.
func (p *Processes) Retry(tx *gate.Tx, n id.ID, rec *record.Record) error {
	return p.alter(tx, n, rec, "process.retry", Failed, func(*audit.Entry) error {
		open, err := tx.Exec(`update process_step set state = 'open', attempts = 0, next_at = ?, ended_at = 0 where run_id = ? and state in ('failed', 'stopped')`, tx.Now, int64(n))
		if err != nil {
			return err
		}
		if open == 0 {
			return fault.New(fault.Conflict, "Nothing of it can be tried again.").WithHint("Begin the process anew.")
		}
		if _, err := tx.Exec(`update process_run set state = 'running', said = '', ended_at = 0 where id = ?`, int64(n)); err != nil {
			return err
		}
		return p.arm(tx, woken{}, 0)
	})
}

// Skip has a run that stands still go on behind the step that failed, for a reason, as if that
// were done. An approval is skipped only by who may write processes. See Stop.
func (p *Processes) Skip(tx *gate.Tx, n id.ID, rec *record.Record, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > mostReason {
		return fault.Field("reason", "Say why it is skipped, in up to %d letters.", mostReason)
	}
	return p.alter(tx, n, rec, "process.skip", Failed, func(e *audit.Entry) error {
		s, r, err := p.failing(tx, n)
		if err != nil {
			return err
		}
		if r.course[s.place].Do == course.Approval {
			allowed, err := tx.Allow(access.Edit, gate.Thing{Kind: Kind, ID: r.Process})
			if err != nil {
				return err
			}
			tx.Withdraw(allowed)
		}
		e.Detail.Reason = r.course[s.place].Name + ": " + reason
		if _, err := tx.Exec(`update process_step set state = 'skipped', said = ?, ended_at = ? where id = ?`, "Skipped by "+tx.Caller.Name+": "+reason, tx.Now, int64(s.ID)); err != nil {
			return err
		}
		var failed, open int
		if err := tx.QueryRow(`select coalesce(sum(case when state = 'failed' then 1 else 0 end), 0), coalesce(sum(case when state = 'open' then 1 else 0 end), 0) from process_step where run_id = ?`, int64(n)).Scan(&failed, &open); err != nil || failed > 0 {
			return err
		}
		if _, err := tx.Exec(`update process_run set state = 'running', said = '', ended_at = 0 where id = ?`, int64(n)); err != nil || open > 0 {
			return err
		}
		return p.open(tx, r, r.course.Next(s.place, true))
	})
}

// mostReason is how long a reason is.
const mostReason = 300

// failing is the step at which a run stands still.
func (p *Processes) failing(tx *gate.Tx, n id.ID) (*step, *run, error) {
	s, r := &step{}, &run{ID: n, kinds: p.Records, State: Running}
	var sn, process, rec int64
	var text string
	err := tx.QueryRow(`select s.id, s.place, r.process_id, r.record_id, r.course from process_step s join process_run r on r.id = s.run_id
		where r.id = ? and (s.state = 'failed' or s.state = 'late' and s.n = (select max(x.n) from process_step x where x.run_id = r.id)) order by s.n limit 1`, int64(n)).Scan(&sn, &s.place, &process, &rec, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, fault.New(fault.Conflict, "No step of it can be skipped.").WithHint("Begin the process anew.")
	}
	if err != nil {
		return nil, nil, err
	}
	s.ID, r.Process, r.Record = id.ID(sn), id.ID(process), id.ID(rec)
	return s, r, json.Unmarshal([]byte(text), &r.course)
}

func (p *Processes) alter(tx *gate.Tx, n id.ID, rec *record.Record, action, from string, fn func(e *audit.Entry) error) error {
	var state string
	err := tx.QueryRow(`select state from process_run where id = ? and record_id = ?`, int64(n), int64(rec.ID)).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return gate.Missing()
	}
	if err != nil {
		return err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: rec.Kind.Name, ID: rec.ID})
	if err != nil {
		return err
	}
	if state != from {
		tx.Withdraw(e)
		return nil
	}
	e.Action = action
	return fn(e)
}
