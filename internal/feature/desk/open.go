package desk

import (
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Ticket is a ticket in one line.
type Ticket struct {
	ID               id.ID
	Kind, Name       string
	Number           int64
	Status, Priority string // Priority is empty where the kind has none
	Updated          int64  // Unix milliseconds
}

// urgent are the kinds that an organization's open tickets are of, and whether they have
// a priority. Tasks are parts of them.
func urgent() []struct {
	kind     string
	priority bool
} {
	return []struct {
		kind     string
		priority bool
	}{{"incident", true}, {"service_request", false}, {"problem", true}, {"change", true}}
}

// Open lists the tickets of an organization that are not over and that the caller may
// see, the most pressing first and those changed last before others, and whether there
// are more. What has no priority stands with those of the middle one.
func Open(tx *gate.Tx, org id.ID, limit int) (list []Ticket, more bool, err error) {
	var parts []string
	var args []any
	for _, k := range urgent() {
		priority := `coalesce(k.priority, '')`
		if !k.priority {
			priority = `''`
		}
		sees, who := tx.Visible("r")
		parts = append(parts, `select r.id, r.kind, r.name, coalesce(k.number, 0) as number, coalesce(k.status, '') as status, `+priority+` as priority, r.updated_at
			from record r join k_`+k.kind+` k on k.id = r.id where r.org_id = ? and r.kind = ? and r.archived = 0 and r.trashed_at is null and k.final = 0 and `+sees)
		args = append(append(args, int64(org), k.kind), who...)
	}
	rows, err := tx.Query(`select id, kind, name, number, status, priority, updated_at from (`+strings.Join(parts, ` union all `)+`) t
		order by case priority when '' then '3' else priority end, updated_at desc, id limit ?`, append(args, limit+1)...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Ticket
		var n int64
		if err := rows.Scan(&n, &t.Kind, &t.Name, &t.Number, &t.Status, &t.Priority, &t.Updated); err != nil {
			return nil, false, err
		}
		t.ID = id.ID(n)
		list = append(list, t)
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return list, more, rows.Err()
}
