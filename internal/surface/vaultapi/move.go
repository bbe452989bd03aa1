package vaultapi

import (
	"bytes"
	"context"

	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/feature/vault"
)

// step is how many items one write moves.
const step = 200

// Remove deletes items of a vault, in one write for each two hundred.
func (c *Client) Remove(ctx context.Context, v *Vault, items []*Item) error {
	for part := range slices.Chunk(items, step) {
		var w vault.Write
		for _, i := range part {
			w.Remove = append(w.Remove, i.Number)
		}
		if err := c.commit(ctx, v, nil, w); err != nil {
			return err
		}
		v.Items = slices.DeleteFunc(v.Items, func(i *Item) bool { return slices.Contains(w.Remove, i.Number) })
	}
	return nil
}

// Copy makes items of a vault in another one too, with their files and without their
// earlier values.
func (c *Client) Copy(ctx context.Context, from *Vault, items []*Item, to *Vault) error {
	return c.bring(ctx, from, items, to, func(i *Item) hostproof.Content { return i.Content.Alone() })
}

// Move makes items of a vault in another one, with all they have, and deletes them
// where they were. Nothing is deleted before it is in the other vault; what was
// interrupted in between is gone on with when the same is asked again.
func (c *Client) Move(ctx context.Context, from *Vault, items []*Item, to *Vault) error {
	if err := c.bring(ctx, from, items, to, func(i *Item) hostproof.Content { return i.Content.Moved(int64(from.ID), i.leaf) }); err != nil {
		return err
	}
	return c.Remove(ctx, from, items)
}

func (c *Client) bring(ctx context.Context, from *Vault, items []*Item, to *Vault, as func(*Item) hostproof.Content) error {
	if from.ID == to.ID {
		return fault.New(fault.Invalid, "The items are in this vault already.").WithHint("Name another one.")
	}
	for part := range slices.Chunk(items, step) {
		var w vault.Write
		var leaves []hostproof.Leaf
		var made []*Item
		for _, i := range part {
			content := as(i)
			was := earlier(to, content)
			if was != nil && was.Content.MovedFrom() == content.MovedFrom() {
				continue // it is there since the time before
			}
			n, last := c.unused(to), (*hostproof.Leaf)(nil)
			if was != nil {
				n, last = was.Number, &was.leaf
			}
			content, err := c.carry(ctx, from, i, to, n, last, content, &w)
			if err != nil {
				return err
			}
			sealed, leaf, err := c.sealed(to, n, last, content, c.within(to, i.leaf.For))
			if err != nil {
				return err
			}
			w.Put, leaves = append(w.Put, sealed), append(leaves, leaf)
			made = append(made, &Item{to.ID, to.Title, n, content, leaf})
		}
		if len(made) == 0 {
			continue
		}
		if err := c.commit(ctx, to, leaves, w); err != nil {
			return err
		}
		to.Items = slices.DeleteFunc(to.Items, func(i *Item) bool {
			return slices.ContainsFunc(made, func(m *Item) bool { return m.Number == i.Number })
		})
		to.Items = append(to.Items, made...)
	}
	return nil
}

// earlier finds the item that an interrupted move of the same item made.
func earlier(to *Vault, content hostproof.Content) *Item {
	place, _, ok := strings.Cut(content.MovedFrom(), "#")
	if !ok {
		return nil
	}
	for _, i := range to.Items {
		if strings.HasPrefix(i.Content.MovedFrom(), place+"#") {
			return i
		}
	}
	return nil
}

// carry seals the files of an item for its place in another vault, and gives the
// content that lists them.
func (c *Client) carry(ctx context.Context, from *Vault, i *Item, to *Vault, n int64, last *hostproof.Leaf, content hostproof.Content, w *vault.Write) (hostproof.Content, error) {
	list, err := i.Content.Files()
	if err != nil {
		return nil, err
	}
	version := uint32(1)
	if last != nil {
		version = last.Version + 1
		for _, x := range to.Items {
			if x.Number == n {
				old, err := x.Content.Files()
				if err != nil {
					return nil, err
				}
				for _, f := range old {
					w.Detach = append(w.Detach, f.Number)
				}
			}
		}
	}
	for k, f := range list {
		var b bytes.Buffer
		if err := c.FetchFile(ctx, from, i, f, &b); err != nil {
			return nil, err
		}
		g := hostproof.File{Number: c.unused(to), Name: f.Name, Type: f.Type, Size: f.Size, Since: version}
		if err := c.sendFile(ctx, to, n, &g, &b); err != nil {
			return nil, err
		}
		w.Attach = append(w.Attach, vault.Attachment{Item: n, File: g.Number})
		list[k] = g
	}
	return content.WithFiles(list)
}

// Find gives the one vault with a number or a title.
func Find(list []*Vault, what string) (*Vault, error) {
	var found *Vault
	for _, v := range list {
		if v.ID.String() != what && v.Title != what {
			continue
		}
		if found != nil {
			return nil, fault.New(fault.Invalid, "More than one vault is called %q.", what).WithHint("Give its number: strongroom vault ls -json")
		}
		found = v
	}
	if found == nil {
		return nil, fault.New(fault.NotFound, "No vault is called %q.", what).WithHint("See: strongroom vault ls")
	}
	return found, nil
}
