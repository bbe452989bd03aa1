package vaultapi

import (
	"context"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/feature/vault"
)

func forOf(last *hostproof.Leaf) []int64 {
	if last == nil {
		return nil
	}
	return last.For
}

// sealFor seals a version of an item for those of a list of members who are there; for
// everybody when the list is empty.
func sealFor(keys *hostproof.Keyset, v *hostproof.Vault, number int64, last *hostproof.Leaf, content hostproof.Content, there map[int64]*hostproof.Statement, to []int64, now int64) ([]byte, hostproof.Leaf, error) {
	if len(to) == 0 {
		return keys.Seal(v, number, last, content, now)
	}
	var list []*hostproof.Statement
	for _, user := range to {
		if s := there[user]; s != nil {
			list = append(list, s)
		}
	}
	return keys.SealFor(v, number, last, content, list, now)
}

// sealed seals a version of an item with the unlocked keys, for members of the vault.
func (c *Client) sealed(v *Vault, number int64, last *hostproof.Leaf, content hostproof.Content, to []int64) ([]byte, hostproof.Leaf, error) {
	return sealFor(c.keys, v.vault, number, last, content, c.there(v), to, c.now())
}

// there gives who has access to a vault, with the keys that the grants are for.
func (c *Client) there(v *Vault) map[int64]*hostproof.Statement {
	out := map[int64]*hostproof.Statement{c.keys.Statement.User: c.keys.Statement}
	for _, m := range v.members {
		out[m.Grant.Grantee] = m.Statement
	}
	return out
}

// Owner gives the number of the user whose vault it is.
func (c *Client) Owner(v *Vault) int64 {
	if v.of == 0 {
		return c.keys.Statement.User
	}
	return v.of
}

// within gives whom an item is limited to when it comes into another vault: those of its
// members who have access there, who brings it, and the owner.
func (c *Client) within(to *Vault, limited []int64) []int64 {
	if len(limited) == 0 {
		return nil
	}
	there := c.there(to)
	out := []int64{c.Owner(to), c.keys.Statement.User}
	for _, user := range limited {
		if there[user] != nil {
			out = append(out, user)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Limit writes an item anew, under a new key that those members of the vault alone get, and
// the owner and the caller; nobody is everybody. was is nil for a new item.
func (c *Client) Limit(ctx context.Context, v *Vault, was *Item, content hostproof.Content, to []int64) (*Item, error) {
	there := c.there(v)
	for _, user := range to {
		if there[user] == nil {
			return nil, fault.New(fault.Invalid, "The user %d has no access to this vault.", user).WithHint("Its owner gives access on the page Vault.")
		}
	}
	if len(to) > 0 {
		to = append(slices.Clone(to), c.Owner(v), c.keys.Statement.User)
		slices.Sort(to)
		to = slices.Compact(to)
	}
	number, last := c.unused(v), (*hostproof.Leaf)(nil)
	if was != nil {
		number, last = was.Number, &was.leaf
		content = content.Following(was.Content, c.now())
	}
	return c.seal(ctx, v, number, last, content, to, vault.Write{})
}

// Access is somebody who has access to a vault.
type Access struct {
	User int64  `json:"user"`
	Name string `json:"name"` // as the server says
	Item bool   `json:"item"` // an item is for this person too
}

// Members gives who has access to a vault, and whom an item of it is for.
func (c *Client) Members(v *Vault, i *Item) (out []Access) {
	for _, m := range v.members {
		user := m.Grant.Grantee
		out = append(out, Access{user, v.names[user], len(i.For()) == 0 || slices.Contains(i.For(), user)})
	}
	return out
}
