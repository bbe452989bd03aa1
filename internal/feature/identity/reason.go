package identity

import (
	"context"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// ReasonPage is where somebody says why she uses an account whose session asks for it.
const ReasonPage = "/break-glass"

// AskReason has a session ask for the reason of its use: until GiveReason the gate does
// nothing for it, and it is led to ReasonPage.
func AskReason(tx *gate.Tx, session id.ID) error {
	_, err := tx.Exec(`update identity_session set unexplained = 1 where id = ?`, int64(session))
	return err
}

// GiveReason ends that, in the caller's own session, with what then does in the same
// transaction.
func (s *Sessions) GiveReason(ctx context.Context, c *access.Caller, then func(*gate.Tx) error) error {
	sid, err := browser(c)
	if err != nil {
		return err
	}
	return s.Gate.Change(ctx, c, access.SignIn, gate.Thing{Kind: User, ID: c.User}, func(tx *gate.Tx) error {
		n, err := tx.Exec(`update identity_session set unexplained = 0 where id = ? and user_id = ? and unexplained = 1`, int64(sid), int64(c.User))
		if err != nil {
			return err
		}
		if n == 0 { // it was given
			tx.Withdraw(tx.Entry())
			return nil
		}
		return then(tx)
	})
}
