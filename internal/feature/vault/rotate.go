package vault

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Rotation gives somebody new keys: their statement, and every vault of hers under them.
type Rotation struct {
	Statement []byte            `json:"statement"`
	Lock      []byte            `json:"lock"`
	Vaults    map[id.ID]Renewal `json:"vaults"`
}

// Rotate keeps new keys of the caller's, which the present ones signed, together with
// every vault of hers put under them: all of it or nothing. Her recovery, which is of the
// keys before, is given up.
func (s *Vaults) Rotate(ctx context.Context, c *access.Caller, r Rotation) error {
	st, err := hostproof.ParseStatement(r.Statement)
	if err != nil {
		return err
	}
	if err := st.Verify(c.Tenant, int64(c.User)); err != nil {
		return refused(err)
	}
	if err := st.CheckLock(r.Lock); err != nil {
		return err
	}
	return s.change(ctx, c, "vault.keyset", 0, func(tx *gate.Tx) error {
		old, _, _, err := keysetOf(tx, c.User)
		if err != nil {
			return err
		}
		if old == nil || st.Follows(old) != nil || st.Generation == old.Generation {
			return outdated()
		}
		tx.Entry().Detail.Text = "new keys"
		list(tx, st)
		if err := keepKeyset(tx, st, r.Statement, r.Lock); err != nil {
			return err
		}
		if _, err := tx.Exec(`update vault_recovery set sealed = null where user_id = ?`, int64(c.User)); err != nil {
			return err
		}
		owned, err := tx.IDs(`select id from vault where owner_id = ? and counter > 0 order by id`, int64(c.User))
		if err != nil {
			return err
		}
		for _, v := range owned {
			if err := rotated(tx, v, r.Vaults); err != nil {
				return err
			}
		}
		if len(owned) != len(r.Vaults) {
			return outdated()
		}
		return nil
	})
}

func rotated(tx *gate.Tx, v id.ID, vaults map[id.ID]Renewal) error {
	w, ok := vaults[v]
	if !ok {
		return fault.New(fault.Conflict, "A vault of yours was not put under the new keys, and nothing was saved.").WithHint("Load the page again and repeat it.")
	}
	m, err := hostproof.ParseManifest(w.Manifest)
	if err != nil {
		return err
	}
	e := &audit.Entry{Action: "vault.renew", Kind: "vault", Object: v}
	tx.Also(e)
	return renew(tx, e, v, m, w)
}
