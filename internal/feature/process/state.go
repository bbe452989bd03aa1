package process

import (
	"encoding/json"
	"slices"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/process/course"
)

// State is a run as people see it.
type State struct {
	ID, Process, Record id.ID
	State, Said         string
	Steps               int // that it has
	At, Ended           int64
	Rows                []Row
}

// Tries tells whether a step of it can be tried again, and Skips whether one can be skipped.
func (s *State) Tries() bool {
	return slices.ContainsFunc(s.Rows, func(r Row) bool { return r.State == Failed || r.State == Stopped })
}

// Skips tells whether a step of a run that stands still can be skipped.
func (s *State) Skips() bool {
	n := len(s.Rows)
	return n > 0 && (s.Rows[n-1].State == Late || slices.ContainsFunc(s.Rows, func(r Row) bool { return r.State == Failed }))
}

// Row is a step that was begun.
type Row struct {
	Place           int // from 1
	Name, Do, State string
	Said            string
	At, Due, Ended  int64 // Unix milliseconds
}

// Of lists what runs and ran about a record that the caller sees, the latest first.
func Of(tx *gate.Tx, rec id.ID, most int) ([]*State, error) {
	rows, err := tx.Query(`select id, process_id, record_id, state, said, course, at, ended_at from process_run where record_id = ? order by id desc limit ?`, int64(rec), most)
	if err != nil {
		return nil, err
	}
	var out []*State
	var courses []course.Course
	for rows.Next() {
		s := &State{}
		var n, process, about int64
		var text string
		if err := rows.Scan(&n, &process, &about, &s.State, &s.Said, &text, &s.At, &s.Ended); err != nil {
			rows.Close()
			return nil, err
		}
		var c course.Course
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			rows.Close()
			return nil, err
		}
		s.ID, s.Process, s.Record, s.Steps = id.ID(n), id.ID(process), id.ID(about), len(c)
		out, courses = append(out, s), append(courses, c)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i, s := range out {
		if s.Rows, err = rowsOf(tx, s.ID, courses[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func rowsOf(tx *gate.Tx, run id.ID, c course.Course) ([]Row, error) {
	rows, err := tx.Query(`select place, state, said, at, due, ended_at from process_step where run_id = ? order by n`, int64(run))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Row
	for rows.Next() {
		var x Row
		if err := rows.Scan(&x.Place, &x.State, &x.Said, &x.At, &x.Due, &x.Ended); err != nil {
			return nil, err
		}
		x.Name, x.Do = c[x.Place].Name, c[x.Place].Do
		x.Place++
		out = append(out, x)
	}
	return out, rows.Err()
}

// Offered are the processes that somebody may begin by hand about a record.
func Offered(tx *gate.Tx, rec *record.Record) ([]id.ID, error) {
	if rec.Kind.Engine().Kinds.Kind(Kind) == nil {
		return nil, nil
	}
	cond, args := tx.Visible("r")
	return tx.IDs(`select r.id from k_process k join record r on r.id = k.id where k.active = 1 and k.begins = ? and k.of_kind = ? and r.archived = 0 and r.trashed_at is null and `+cond+
		` and not exists (select 1 from process_run p where p.process_id = r.id and p.record_id = ? and p.state = 'running') order by r.name_fold, r.id limit 20`,
		append(append([]any{ByHand, rec.Kind.Name}, args...), int64(rec.ID))...)
}

// Try is the course that a process would take about a record as it is now: what waits is
// taken for done. Nothing is done.
func Try(c course.Course, rec *record.Record) (out []Row) {
	done := map[int]int{}
	for i := 0; i >= 0 && i < len(c) && len(out) < mostRows; {
		group := c.Group(i)
		well := true
		for _, n := range group {
			x := Row{Place: n + 1, Name: c[n].Name, Do: c[n].Do, State: Done}
			if done[n]++; c[n].Most > 0 && done[n] > c[n].Most {
				x.State, x.Said = Failed, "It would end here: this is the most."
				return append(out, x)
			}
			if c[n].If != nil && c[n].Do != course.Until && !c[n].If.Met(rec, rec, nil) {
				x.State, well = Skipped, false
			}
			out = append(out, x)
		}
		i = c.Next(group[len(group)-1], well)
	}
	return out
}
