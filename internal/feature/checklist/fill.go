package checklist

import (
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// beforeList completes what a new checklist is to be with its template: name and
// description where it has none of its own.
func beforeList(tx *gate.Tx, now, old *record.Record) error {
	template := now.Values.ID(OfTemplate)
	if old != nil || template == 0 || now.Name != "" && now.Values["description"] != nil {
		return nil
	}
	t, err := now.Kind.Engine().Get(tx, TemplateKind, template)
	if fault.Is(err, fault.NotFound) {
		return nil // the engine says so
	}
	if err != nil {
		return err
	}
	if now.Name == "" {
		now.Name = t.Name
	}
	if now.Values["description"] == nil && t.Values["description"] != nil {
		now.Values["description"] = t.Values["description"]
	}
	return nil
}

// Fill gives a new checklist the tasks of its template, each due so many days
// from now as the template says. Without a template nothing is done.
func Fill(tx *gate.Tx, e *record.Engine, list *record.Record) error {
	template := list.Values.ID(OfTemplate)
	if template == 0 {
		return nil
	}
	steps, err := Tasks(tx, e, StepKind, template)
	if err != nil {
		return err
	}
	today := time.UnixMilli(tx.Now).UTC()
	for i, s := range steps {
		v := record.Values{OfList: list.ID, "name": s.Name, "order": int64(i + 1), "description": s.Values["description"]}
		if days, ok := s.Values["days"].(int64); ok {
			v["due_date"] = today.AddDate(0, 0, int(days)).Format(time.DateOnly)
		}
		if _, err := e.Create(tx, TaskKind, v); err != nil {
			return err
		}
	}
	return nil
}
