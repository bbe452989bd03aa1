package desk

import (
	"slices"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
)

// What somebody is to a ticket.
const (
	Owns  lifecycle.Part = "its owner"
	Leads lifecycle.Part = "who leads its team"
)

// Is tells what the caller is to a ticket. The manager leads a team; where it has none, its
// members do; where a ticket has no team or the team nobody, its owner does, and what
// nobody owns is anybody's.
func Is(tx *gate.Tx, r *record.Record, p lifecycle.Part) (bool, error) {
	who, owner, team := tx.Caller.User, r.Values.ID("owner_id"), r.Values.ID("team_id")
	if p == Owns {
		return who != 0 && who == owner, nil
	}
	if team != 0 {
		e := r.Kind.Engine()
		if seen, err := e.Names(tx, team); err != nil || seen[team] == "" { // who may not know the team does not lead it
			return false, err
		}
		managers, err := e.Field(tx, "team", "manager_id", team)
		if err != nil {
			return false, err
		}
		if manager, ok := managers[team].(id.ID); ok && manager != 0 {
			return who == manager, nil
		}
		members, err := e.Field(tx, "team", "member_ids", team)
		if err != nil {
			return false, err
		}
		if list, ok := members[team].([]id.ID); ok && len(list) > 0 {
			return slices.Contains(list, who), nil
		}
	}
	return owner == 0 || who != 0 && who == owner, nil
}
