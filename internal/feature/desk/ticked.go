package desk

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// steps is the kind of what is ticked off on tickets.
const steps = "ticket_step"

// mostNamed is how many steps a refusal names.
const mostNamed = 5

// ticked refuses that the work on a ticket is done while a required step of it is not. Who does not see the
// steps is not told what they are.
func ticked(tx *gate.Tx, ticket *record.Record, field string) error {
	e := ticket.Kind.Engine()
	if k := e.Kinds.Kind(steps); k == nil || k.ParentBy(ticket.Kind.Name) == nil {
		return nil
	}
	rows, err := tx.Query(`select r.name from k_ticket_step k join record r on r.id = k.id where r.parent_id = ? and r.parent_id <> 0 and k.required = 1 and coalesce(k.completed, 0) = 0 and r.trashed_at is null and r.archived = 0
		order by k."order", r.id limit ?`, int64(ticket.ID), mostNamed+1)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return err
		}
		names = append(names, s)
	}
	if err := rows.Err(); err != nil || len(names) == 0 {
		return err
	}
	said := strings.Join(names[:min(len(names), mostNamed)], ", ")
	if len(names) > mostNamed {
		said += " and more"
	}
	if !tx.Caller.Sees(steps) {
		said = "some steps that you do not see"
	}
	return fault.Field(field, "Not all is ticked off: %s.", said).WithHint("Tick off what is required first, or have it not required any more.")
}
