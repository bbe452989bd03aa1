package demand

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/password/filed"
)

// MayDecide tells whether somebody's role lets her decide about passwords that she
// may see.
func MayDecide(c *access.Caller) bool {
	return (c.Role == access.Administrator || c.Role == access.Manager) && c.User != 0 && !c.Scope.ReadOnly && !c.Scope.NoPasswords
}

// Decider lets managers and administrators on, who may see the password or folder,
// and gives the entry of what they decide.
func Decider(tx *gate.Tx, kind string, rec id.ID) (*audit.Entry, error) {
	if kind != filed.Password && kind != filed.Folder {
		return nil, fault.New(fault.Invalid, "This is for passwords and their folders.")
	}
	e, err := tx.Allow(access.Restrict, gate.Thing{Kind: kind, ID: rec})
	if err != nil {
		return nil, err
	}
	if !MayDecide(tx.Caller) {
		tx.Refuse(e)
		return nil, fault.New(fault.Denied, "Only managers and administrators decide what seeing a password takes.")
	}
	return e, nil
}

// Deciders gives the active users whose role lets them decide.
func Deciders(tx *gate.Tx) ([]id.ID, error) {
	return tx.IDs(`select user_id from access_principal where active = 1 and role in (?, ?) order by user_id`, string(access.Administrator), string(access.Manager))
}
