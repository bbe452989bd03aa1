package vault

import (
	"context"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// End deletes a vault of the caller's for good, with everything in it. The list that
// she signed last is kept, so that her other clients know that it was she. Conflict
// when the list does not follow the one that is kept.
func (s *Vaults) End(ctx context.Context, c *access.Caller, vault id.ID, last []byte) error {
	m, err := hostproof.ParseManifest(last)
	if err != nil {
		return err
	}
	return s.change(ctx, c, "vault.delete", vault, func(tx *gate.Tx) error {
		st, err := owned(tx, vault)
		if err != nil {
			return err
		}
		p := &pending{tx: tx, vault: vault, epoch: st.epoch, manifest: m}
		if err := p.follows(st); err != nil {
			return err
		}
		if !m.Last() {
			return fault.New(fault.Invalid, "The last list of a vault has nothing in it.").WithHint("Load the page again.")
		}
		tx.Entry().Version = int64(m.Counter)
		if err := loosen(tx, `vault_id = ?`, int64(vault)); err != nil {
			return err
		}
		for _, q := range []string{`delete from vault_item where vault_id = ?`, `delete from vault_grant where vault_id = ?`, `delete from vault where id = ?`} {
			if _, err := tx.Exec(q, int64(vault)); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`insert into vault_ended (vault_id, owner_id, manifest, at) values (?, ?, ?, ?)`, int64(vault), int64(tx.Caller.User), last, tx.Now)
		return err
	})
}
