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
	return c.May(access.Approve) && c.User != 0 && !c.Scope.ReadOnly && !c.Scope.NoPasswords
}

// Decider lets managers and administrators on, who may see the password or folder,
// and gives the entry of what they decide.
func Decider(tx *gate.Tx, kind string, rec id.ID) (*audit.Entry, error) {
	if kind != filed.Password && kind != filed.Folder {
		return nil, fault.New(fault.Invalid, "This is for passwords and their folders.")
	}
	need := access.Restrict
	if tx.Caller.Custom != nil { // which tells the two rights apart
		need = access.Approve
	}
	e, err := tx.Allow(need, gate.Thing{Kind: kind, ID: rec})
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
	return access.Able(tx.SQL(), access.Approve, filed.Password)
}
