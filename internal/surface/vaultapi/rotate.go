package vaultapi

import (
	"context"

	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
)

// NewKeys gives the owner of the unlocked keys new ones, under the same passphrase, and
// puts every vault of hers under them. Those who have access to one keep it. list is what
// All gave.
func (c *Client) NewKeys(ctx context.Context, list []*Vault, passphrase string) error {
	next, lock, err := c.keys.NewKeys(passphrase, hostproof.NewKDF(), c.now())
	if err != nil {
		return err
	}
	r := vault.Rotation{Statement: next.Statement.Marshal(), Lock: lock, Vaults: map[id.ID]vault.Renewal{}}
	for _, v := range list {
		if v.of != 0 {
			continue
		}
		w, err := c.renewal(next, v)
		if err != nil {
			return err
		}
		r.Vaults[v.ID] = w
	}
	if err := c.call(ctx, "keys", r, nil); err != nil {
		return err
	}
	c.keys = next
	c.Memory.keepKeyset(next.Statement)
	return c.Memory.save()
}

// renewal seals a vault anew for everybody whose access has not ended, by keys that may
// be others than those that opened it.
func (c *Client) renewal(keys *hostproof.Keyset, v *Vault) (w vault.Renewal, err error) {
	now := c.now()
	next, err := keys.NextEpoch(v.vault)
	if err != nil {
		return w, err
	}
	own, err := keys.Grant(next, keys.Statement, hostproof.Owner, 0, now)
	if err != nil {
		return w, err
	}
	w.Grants = [][]byte{own.Marshal()}
	stay := map[int64]*hostproof.Statement{keys.Statement.User: keys.Statement}
	for _, m := range v.members {
		if m.Grant.Grantee == keys.Statement.User || m.Grant.Ended(now) {
			continue
		}
		g, err := keys.Grant(next, v.newest[m.Grant.Grantee], m.Grant.Role, m.Grant.Expiry, now)
		if err != nil {
			return w, err
		}
		w.Grants = append(w.Grants, g.Marshal())
		stay[m.Grant.Grantee] = v.newest[m.Grant.Grantee]
	}
	contents := map[int64]hostproof.Content{0: {"title": v.Title}}
	if v.about != nil {
		contents[0] = v.about
	}
	for _, i := range v.Items {
		contents[i.Number] = i.Content
	}
	var leaves []hostproof.Leaf
	for n, content := range contents {
		last := v.leaves[n]
		sealed, leaf, err := sealFor(keys, next, n, &last, content, stay, last.For, now)
		if err != nil {
			return w, err
		}
		w.Put, leaves = append(w.Put, sealed), append(leaves, leaf)
	}
	m, err := keys.Manifest(next, v.manifest, leaves, now)
	if err != nil {
		return w, err
	}
	w.Manifest = m.Marshal()
	return w, nil
}
