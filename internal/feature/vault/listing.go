package vault

import (
	"context"
	"encoding/hex"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// list states a keyset in the audit log: an entry of the system, so that its proof
// tells nothing of whoever sent it.
func list(tx *gate.Tx, st *hostproof.Statement) {
	hash := st.Hash()
	e := &audit.Entry{Action: hostproof.ListedAction, Kind: "vault", Object: id.ID(st.User), Version: int64(st.Number)}
	tx.Also(e)
	e.Actor, e.Via, e.Session, e.Level = 0, "job", "", 0
	e.Detail = audit.Detail{Text: hex.EncodeToString(hash[:])}
}

// Listing proves that the keys of somebody stand in the signed audit log, and that the
// log continues the one of since entries, 0 for none. NotFound for whom the caller
// neither sees nor shares a vault with, and for keys that were never listed.
func (s *Vaults) Listing(ctx context.Context, c *access.Caller, user id.ID, since int64) (*audit.Proof, error) {
	p, err := s.listing(ctx, c, user, since)
	if err != nil || p.Checkpoint != "" {
		return p, err
	}
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	if _, err := audit.Sign(ctx, t.DB, t.ID, s.Gate.House.Keys, s.now()); err != nil {
		return nil, err
	}
	return s.listing(ctx, c, user, since)
}

func (s *Vaults) listing(ctx context.Context, c *access.Caller, user id.ID, since int64) (p *audit.Proof, err error) {
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Reveal, gate.Thing{}); err != nil {
			return err
		}
		if ok, err := meets(tx, user); err != nil || !ok {
			return orMissing(err)
		}
		st, _, _, err := keysetOf(tx, user)
		if err != nil || st == nil {
			return orMissing(err)
		}
		if p, err = tx.Tenant.Audit.Prove(tx.SQL(), tx.Tenant.Keys.CheckpointKey, hostproof.ListedAction, user, int64(st.Number), since); fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "These keys do not stand in the audit log yet.").WithHint("Whose keys they are opens the page Vault once.")
		}
		return err
	})
	return p, err
}

func orMissing(err error) error {
	if err != nil {
		return err
	}
	return gate.Missing()
}

// meets tells whether somebody is the caller, is seen, shares a vault, is an officer, or
// asks officers.
func meets(tx *gate.Tx, user id.ID) (bool, error) {
	me := tx.Caller.User
	if user == me {
		return true, nil
	}
	sees, args := tx.Visible("r")
	var n int64
	err := tx.QueryRow(`select (select count(*) from record r where r.id = ? and r.kind = 'user' and r.trashed_at is null and `+sees+`)
		+ (select count(*) from vault_grant a join vault_grant b on b.vault_id = a.vault_id where a.user_id = ? and b.user_id = ?)
		+ (select count(*) from vault_officer where user_id = ?)
		+ (select count(*) from vault_ask a join vault_officer o on o.user_id = ? where a.user_id = ?)`,
		append(append([]any{int64(user)}, args...), int64(me), int64(user), int64(user), int64(me), int64(user))...).Scan(&n)
	return n > 0, err
}

func (s *Vaults) now() int64 {
	if s.Gate.Now == nil {
		return time.Now().UnixMilli()
	}
	return s.Gate.Now().UnixMilli()
}
