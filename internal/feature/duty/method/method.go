// Package method names the ways by which tickets are given to people, for those who only
// choose between them.
//
// Always true: it knows names alone, and gives nothing to anybody.
package method

import "strongroom/internal/core/record"

// Assignment is the name of the kind that says how the tickets of a team are given.
const Assignment = "assignment"

// How a ticket is given to somebody.
const (
	InTurn = "in turn"
	Load   = "to who has the fewest open"
	Skill  = "to who knows it"
	OnCall = "to who is on call"
)

// All lists them, for choices.
func All() []string { return []string{InTurn, Load, Skill, OnCall} }

// Takes tells whether records of a kind are given to people of teams.
func Takes(k *record.Kind) bool {
	return k.Life != nil && k.Field("team_id") != nil && k.Field("owner_id") != nil && k.Field("final") != nil
}
