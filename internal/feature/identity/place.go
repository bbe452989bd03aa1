package identity

import (
	"context"
	"net/netip"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
)

// Places says from which addresses somebody is let in.
type Places interface {
	// Check refuses, Denied, a caller at an address; note tells that this is to be
	// written down by Note, as rules that are being tried would have refused her.
	Check(tx *gate.Tx, c *access.Caller, addr netip.Addr) (note bool, err error)
	Note(tx *gate.Tx, c *access.Caller, addr netip.Addr) error
}

// At gives a resolved caller the address that her request comes from. Denied when
// she is not let in from there.
func (s *Sessions) At(ctx context.Context, c *access.Caller, addr netip.Addr) error {
	c.Addr = addr
	if s.Places == nil {
		return nil
	}
	note := false
	err := s.Gate.View(ctx, access.System(c.Tenant, "session"), func(tx *gate.Tx) (err error) { note, err = s.Places.Check(tx, c, addr); return err })
	if err != nil || !note {
		return err
	}
	return s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: c.User}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return s.Places.Note(tx, c, addr)
	})
}

// place is At for somebody who is just signing in.
func (s *Sessions) place(tx *gate.Tx, c *access.Caller, addr netip.Addr) error {
	if s.Places == nil {
		return nil
	}
	note, err := s.Places.Check(tx, c, addr)
	if err != nil {
		tx.Refuse(tx.Entry())
		return err
	}
	if note {
		return s.Places.Note(tx, c, addr)
	}
	return nil
}
