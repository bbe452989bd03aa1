// Package rule holds what the rules of several kinds have in common: trees of
// records of one kind.
//
// Always true: a record saved after Tree is not its own ancestor, and has at
// most Depth of them.
package rule

import (
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Depth is how many ancestors a record of a tree may have.
const Depth = 32

// Tree refuses a record that would be its own ancestor through the reference
// field, and one that lies too deep. Invalid names the field.
func Tree(tx *gate.Tx, now, old *record.Record, field string) error {
	parent := now.Values.ID(field)
	if parent == 0 || old != nil && old.Values.ID(field) == parent {
		return nil
	}
	up, err := Ancestors(tx, now.Kind, field, parent)
	if err != nil {
		return err
	}
	chain := append(up, parent)
	if len(chain) > Depth {
		return fault.Field(field, "This would lie %d levels deep; %d is the most.", len(chain)+1, Depth+1)
	}
	for _, a := range chain {
		if now.ID != 0 && a == now.ID {
			return fault.Field(field, "%s cannot be this itself or something below it.", now.Kind.Field(field).Title())
		}
	}
	return nil
}

// Stay refuses to move a record to another organization. Folders use it: what
// lies in them would stay behind.
func Stay(now, old *record.Record) error {
	if old == nil || old.Org == now.Org {
		return nil
	}
	return fault.Field("organization_id", "A folder stays in its organization.")
}

// Ancestors gives the chain of records above rec through the reference field,
// the outermost first and rec itself not among them.
func Ancestors(tx *gate.Tx, kind *record.Kind, field string, rec id.ID) ([]id.ID, error) {
	up, err := tx.IDs(`with recursive up (id, n) as (
			select `+field+`, 1 from `+kind.Table()+` where id = ?
			union all select t.`+field+`, up.n + 1 from `+kind.Table()+` t join up on t.id = up.id where up.n <= ?
		) select id from up where id is not null and id <> 0 order by n`, int64(rec), Depth)
	if err != nil {
		return nil, err
	}
	for i, at := range up {
		if at == rec || slices.Contains(up[:i], at) {
			up = up[:i] // a ring made before the rule was there: do not turn in it
			break
		}
	}
	slices.Reverse(up)
	return up, nil
}
