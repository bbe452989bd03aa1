// Package step holds what is ticked off on tickets.
//
// Always true: a step lies within its ticket, as what is written on it does, so that whoever may
// see that sees it, and nobody else; the tasks of a template are on a ticket once; while a step that is
// required is not done, the work on its ticket is not either; of a step that is done it is known when, and by whom.
package step

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
)

// Kind is the name of the kind.
const Kind = "ticket_step"

// The kinds of templates and of their tasks, and the field by which one is named.
const (
	template     = "checklist_template"
	templateTask = "checklist_template_task"
	OfTemplate   = "checklist_template_id"
)

// The fields of templates that say what holds a ticket back.
const (
	Holds    = "holds"    // of a template: its required tasks do
	Required = "required" // of a task of one, and of a step of a ticket
)

// Feature is the kind.
func Feature() record.Feature {
	return record.Feature{Name: Kind, Kinds: []*record.Kind{steps()}}
}

func steps() *record.Kind {
	k := &record.Kind{
		Name: Kind, Plural: "ticket_steps", Label: "Step of a ticket", Labels: "Steps of tickets", Icon: "checkbox",
		Scope: record.OfParent, Ended: "completed", Before: before,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Search: true, List: true},
			{Name: "completed", Label: "Done", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true},
			{Name: Required, Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true, Hint: "The ticket is not resolved, fulfilled or closed before it is done."},
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true, Hint: "What is to be done."},
			{Name: "order", Type: record.Integer, Class: record.Internal, Sort: true, Hint: "Empty puts it at the end."},
			{Name: OfTemplate, Label: "Template", Type: record.Ref, Ref: template, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true},
			{Name: "completed_at", Label: "Done at", Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true},
			{Name: "completed_by_id", Label: "Done by", Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true},
		},
	}
	for i, f := range entry.Tickets() {
		k.Fields = append(k.Fields, f)
		if i > 0 {
			k.Parents = append(k.Parents, f.Name)
		}
	}
	k.Parent = entry.Tickets()[0].Name
	return k
}

// before keeps a step on its ticket, and puts one that names no place at the end.
func before(tx *gate.Tx, now, old *record.Record) error {
	if old != nil && old.Parent != now.Parent {
		return fault.New(fault.Invalid, "A step stays on its ticket.").WithHint("Add it there, and remove it here.")
	}
	if now.Values["order"] == nil {
		var last, n int64
		err := tx.QueryRow(`select coalesce(max(k."order"), 0), count(*) from k_ticket_step k join record r on r.id = k.id where r.parent_id = ? and r.parent_id <> 0 and r.trashed_at is null`, int64(now.Parent)).Scan(&last, &n)
		if err != nil {
			return err
		}
		if old == nil && n >= mostOnTicket {
			return fault.New(fault.Invalid, "There are %d steps on this ticket; more find no room.", mostOnTicket).WithHint("Make a task of what is large.")
		}
		now.Values["order"] = last + 1
	}
	return Ticked(tx, now, old)
}

// Ticked notes when something was done, and by whom.
func Ticked(tx *gate.Tx, now, old *record.Record) error {
	switch done, was := now.Values.Bool("completed"), old != nil && old.Values.Bool("completed"); {
	case !done:
		delete(now.Values, "completed_at")
		delete(now.Values, "completed_by_id")
	case !was && now.Values["completed_at"] == nil:
		now.Values["completed_at"] = tx.Now
		return doneBy(tx, now)
	}
	return nil
}

// doneBy notes who ticked a task; an API key that is nobody's is no user.
func doneBy(tx *gate.Tx, now *record.Record) error {
	var n int
	err := tx.QueryRow(`select count(*) from record where id = ? and kind = 'user' and trashed_at is null`, int64(tx.Caller.User)).Scan(&n)
	if n > 0 {
		now.Values["completed_by_id"] = tx.Caller.User
	}
	return err
}

// mostOnTicket is how many steps a ticket has at the most.
const mostOnTicket = 200

// OfTicket lists the steps of a ticket that the caller may see, in their order.
func OfTicket(tx *gate.Tx, e *record.Engine, ticket id.ID) ([]*record.Record, error) {
	k := e.Kinds.Kind(Kind)
	if k == nil || !tx.Caller.Sees(Kind) {
		return nil, nil
	}
	p, err := e.List(tx, Kind, record.Query{Parent: ticket, Archived: "no", Limit: mostOnTicket, NoTotal: true, Sort: []record.Order{{Field: "order"}, {Field: "id"}}})
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// Add puts a step at the end of those of a ticket. One of the same name that is not done yet is
// the same step: it is not there twice.
func Add(tx *gate.Tx, e *record.Engine, ticket *record.Record, name string, required bool) error {
	list, err := OfTicket(tx, e, ticket.ID)
	if err != nil {
		return err
	}
	name = strings.Join(strings.Fields(name), " ")
	for _, s := range list {
		if s.Name == name && !s.Values.Bool("completed") {
			return nil
		}
	}
	_, err = e.Create(tx, Kind, record.Values{e.Kinds.Kind(Kind).ParentBy(ticket.Kind.Name).Name: ticket.ID, "name": name, Required: required})
	return err
}

// Bring gives a ticket the tasks of a template as steps, once: when it has them already, nothing is
// done. It says how many it brought. NotFound for a template that the caller does not see; Invalid for one of another
// organization, and for one that is empty.
func Bring(tx *gate.Tx, e *record.Engine, list id.ID, ticket *record.Record) (int, error) {
	k := e.Kinds.Kind(Kind)
	if k == nil || k.ParentBy(ticket.Kind.Name) == nil {
		return 0, fault.New(fault.Invalid, "Nothing is ticked off on this.")
	}
	t, err := e.Get(tx, template, list)
	if err != nil {
		return 0, err
	}
	if t.Archived || t.Org != 0 && t.Org != ticket.Org {
		return 0, fault.New(fault.Invalid, "The checklist %s is archived, or another organization's.", t.Name).WithHint("Choose one of all organizations.")
	}
	var have int
	if err := tx.QueryRow(`select count(*) from k_ticket_step k join record r on r.id = k.id where r.parent_id = ? and r.parent_id <> 0 and k.checklist_template_id = ? and r.trashed_at is null`, int64(ticket.ID), int64(t.ID)).Scan(&have); err != nil || have > 0 {
		return 0, err
	}
	p, err := e.List(tx, templateTask, record.Query{Parent: t.ID, Limit: mostOnTicket, NoTotal: true, Sort: []record.Order{{Field: "order"}, {Field: "id"}}})
	if err != nil {
		return 0, err
	}
	if len(p.Records) == 0 {
		return 0, fault.New(fault.Invalid, "The checklist %s has no tasks.", t.Name).WithHint("Give it some under Settings, Checklist templates.")
	}
	for _, s := range p.Records {
		v := record.Values{k.ParentBy(ticket.Kind.Name).Name: ticket.ID, "name": s.Name, "description": s.Values["description"], OfTemplate: t.ID, Required: t.Values.Bool(Holds) && s.Values.Bool(Required)}
		if _, err := e.Inside().Create(tx, Kind, v); err != nil {
			return 0, err
		}
	}
	return len(p.Records), nil
}

// Place moves a step to a place among those of its ticket that the caller sees, counted from 0.
func Place(tx *gate.Tx, e *record.Engine, s *record.Record, place int) error {
	list, err := OfTicket(tx, e, s.Parent)
	if err != nil {
		return err
	}
	return Order(tx, e, list, s, place)
}

// Order moves one of a list that is in its order to a place in it, counted from 0, and numbers
// anew those whose place is another then.
func Order(tx *gate.Tx, e *record.Engine, list []*record.Record, one *record.Record, place int) error {
	var ids []id.ID
	at := map[id.ID]any{}
	for _, t := range list {
		at[t.ID] = t.Values["order"]
		if t.ID != one.ID {
			ids = append(ids, t.ID)
		}
	}
	ids = slices.Insert(ids, min(max(place, 0), len(ids)), one.ID)
	for i, t := range ids {
		if at[t] == int64(i+1) {
			continue
		}
		if _, err := e.Update(tx, one.Kind.Name, t, 0, record.Values{"order": int64(i + 1)}); err != nil {
			return err
		}
	}
	return nil
}
