package checklist

import (
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist/step"
)

// mostDays is how far ahead of its making a task can be due: ten years.
const mostDays = 3650

// mostTasks is how many tasks a checklist or template can have.
const mostTasks = 1000

func beforeTask(tx *gate.Tx, now, old *record.Record) error {
	if err := inOrder(tx, now, old); err != nil {
		return err
	}
	return step.Ticked(tx, now, old)
}

func beforeStep(tx *gate.Tx, now, old *record.Record) error {
	if n, ok := now.Values["days"].(int64); ok && (n < 0 || n > mostDays) {
		return fault.Field("days", "Due after is a number of days from 0 to %d.", mostDays)
	}
	return inOrder(tx, now, old)
}

// inOrder keeps a task in its list, and puts one that names no place at the end.
func inOrder(tx *gate.Tx, now, old *record.Record) error {
	k := now.Kind
	if old != nil && old.Parent != now.Parent {
		return fault.Field(k.Parent, "A task stays in its %s.", lower(k))
	}
	if old != nil && now.Values["order"] != nil {
		return nil
	}
	var last, n sql.NullInt64
	err := tx.QueryRow(`select max(k."order"), count(*) from `+k.Table()+` k join record r on r.id = k.id
		where k.`+k.Parent+` = ? and r.trashed_at is null`, int64(now.Parent)).Scan(&last, &n)
	if err != nil {
		return err
	}
	if old == nil && n.Int64 >= mostTasks {
		return fault.New(fault.Invalid, "There are %d tasks in this %s; more find no room.", mostTasks, lower(k))
	}
	if now.Values["order"] == nil {
		now.Values["order"] = last.Int64 + 1
	}
	return nil
}

func lower(k *record.Kind) string {
	if k.Parent == OfTemplate {
		return "template"
	}
	return "checklist"
}

// afterTask keeps what the checklist says of its tasks. The numbers are counted
// like totals, without a version of the checklist for each tick; that it is
// completed, or is no longer, is a change of it.
func afterTask(tx *gate.Tx, now, old *record.Record) error {
	if err := tellAssignee(tx, now, old); err != nil {
		return err
	}
	var all, done int64
	err := tx.QueryRow(`select count(*), coalesce(sum(case when k.completed = 1 then 1 else 0 end), 0) from k_checklist_task k join record r on r.id = k.id
		where k.checklist_id = ? and r.trashed_at is null`, int64(now.Parent)).Scan(&all, &done)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update k_checklist set tasks_count = ?, tasks_done = ? where id = ?`, all, done, int64(now.Parent)); err != nil {
		return err
	}
	whole := all > 0 && done == all
	var was int64
	err = tx.QueryRow(`select coalesce(k.completed, 0) from k_checklist k join record r on r.id = k.id where k.id = ? and r.trashed_at is null`, int64(now.Parent)).Scan(&was)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (was == 1) == whole { // gone, with its tasks; or as it was
		return nil
	}
	if err != nil {
		return err
	}
	_, err = now.Kind.Engine().Inside().Update(tx, Kind, now.Parent, 0, record.Values{"completed": whole})
	return err
}

// Tasks lists the tasks of a checklist or, with StepKind, of a template, in
// their order.
func Tasks(tx *gate.Tx, e *record.Engine, kind string, of id.ID) ([]*record.Record, error) {
	p, err := e.List(tx, kind, record.Query{Parent: of, Limit: mostTasks, NoTotal: true, Sort: []record.Order{{Field: "order"}, {Field: "id"}}})
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// Place moves a task to a place among those of its list, counted from 0.
func Place(tx *gate.Tx, e *record.Engine, task *record.Record, place int) error {
	list, err := Tasks(tx, e, task.Kind.Name, task.Parent)
	if err != nil {
		return err
	}
	return step.Order(tx, e, list, task, place)
}
