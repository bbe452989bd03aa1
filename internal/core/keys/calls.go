package keys

import (
	"context"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"
)

func empty() error {
	return fault.New(fault.Internal, "The key service gave an answer without content.").WithHint("Both sides must be of the same version.")
}

// Status tells whether the service is sealed and how many tenants it keeps.
func (c *Client) Status(ctx context.Context) (Status, error) {
	r, err := c.call(ctx, wire.CallStatus, wire.Args{})
	if err != nil {
		return Status{}, err
	}
	if r.Status == nil {
		return Status{}, empty()
	}
	return *r.Status, nil
}

// Unseal gives the service its root key (32 bytes). Invalid when it is not the
// root of the service's store; nothing happens when it is open already.
func (c *Client) Unseal(ctx context.Context, root []byte) error {
	_, err := c.call(ctx, wire.CallUnseal, wire.Args{Root: root})
	return err
}

// Share gives the sealed service one share of its root key, and tells how many are still
// needed; with the last one it is unsealed. Invalid when the shares give no root, or not
// that of the service's store; Conflict when it is open already.
func (c *Client) Share(ctx context.Context, share []byte) (left int, err error) {
	r, err := c.call(ctx, wire.CallShare, wire.Args{Root: share})
	if err != nil {
		return 0, err
	}
	return r.Left, nil
}

// Seal makes the service forget every key until Unseal.
func (c *Client) Seal(ctx context.Context) error {
	_, err := c.call(ctx, wire.CallSeal, wire.Args{})
	return err
}

// CreateTenant makes the keys of a new tenant. tenant is its permanent name: 1
// to 63 of a-z, 0-9, "-", "_" and ".", beginning with a letter or digit. suite
// may be empty for Hybrid. Conflict when the tenant exists or once existed.
func (c *Client) CreateTenant(ctx context.Context, tenant, suite string) error {
	_, err := c.call(ctx, wire.CallCreateTenant, wire.Args{Tenant: tenant, Suite: suite})
	return err
}

// Tenant gives what the application may hold of a tenant. NotFound when there
// is none, or when its keys were destroyed (the sentence says when).
func (c *Client) Tenant(ctx context.Context, tenant string) (Material, error) {
	r, err := c.call(ctx, wire.CallTenant, wire.Args{Tenant: tenant})
	if err != nil {
		return Material{}, err
	}
	w := r.Material
	if w == nil {
		return Material{}, empty()
	}
	p, err := envelope.ParsePublicKey(w.Public)
	if err != nil {
		return Material{}, err
	}
	return Material{Database: w.Database, Blobs: w.Blobs, Fields: w.Fields, Index: w.Index, Public: p, CheckpointKey: w.CheckpointKey}, nil
}

// System gives the material of the reserved tenant Control, which exists from
// the first unsealing on.
func (c *Client) System(ctx context.Context) (Material, error) { return c.Tenant(ctx, Control) }

func (i Item) wire() wire.Item {
	r := i.Recipient
	return wire.Item{Header: i.Header, Recipient: wire.Recipient{Type: r.Type, KeyID: r.KeyID[:], Generation: r.Generation, Wrapped: r.Wrapped}}
}

func (c *Client) unwrap(ctx context.Context, call string, t Ticket, items []Item, ephemeral []byte) ([][]byte, error) {
	args := wire.Args{Ticket: &t, Ephemeral: ephemeral, Items: make([]wire.Item, len(items))}
	for i, item := range items {
		args.Items[i] = item.wire()
	}
	r, err := c.call(ctx, call, args)
	if err != nil {
		return nil, err
	}
	if len(r.Keys) != len(items) {
		return nil, fault.New(fault.Internal, "The key service gave %d keys for %d items.", len(r.Keys), len(items))
	}
	keys := make([][]byte, len(r.Keys))
	for i, k := range r.Keys {
		keys[i] = k
	}
	return keys, nil
}

// Unwrap gives the data key (32 bytes) wrapped in r for the secret with this
// stored header. Denied when the ticket does not agree with the header,
// Throttled when a budget is used up. The caller clears the key after use.
func (c *Client) Unwrap(ctx context.Context, t Ticket, header []byte, r envelope.Recipient) ([]byte, error) {
	keys, err := c.unwrap(ctx, wire.CallUnwrap, t, []Item{{header, r}}, nil)
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// UnwrapMany gives the data keys of items in their order. t must be Bulk; its
// kind, when not empty, must be every header's. Every item has its own entry
// in the service's log. One item that fails fails all.
func (c *Client) UnwrapMany(ctx context.Context, t Ticket, items []Item) ([][]byte, error) {
	var keys [][]byte
	for len(items) > 0 {
		n := min(len(items), wire.MaxItems)
		k, err := c.unwrap(ctx, wire.CallUnwrapMany, t, items[:n], nil)
		if err != nil {
			return nil, err
		}
		keys, items = append(keys, k...), items[n:]
	}
	return keys, nil
}

// SealedUnwrap gives the data key re-wrapped to a browser's ephemeral P-256
// public key (65 bytes); see envelope.Rewrap.
func (c *Client) SealedUnwrap(ctx context.Context, t Ticket, header []byte, r envelope.Recipient, ephemeral []byte) ([]byte, error) {
	keys, err := c.unwrap(ctx, wire.CallSealedUnwrap, t, []Item{{header, r}}, ephemeral)
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// SignCheckpoint signs the text of a merkle.Checkpoint of the tenant's log and
// gives the signed note. Conflict when the log it states is shorter than one
// signed before, or of equal length with another root.
func (c *Client) SignCheckpoint(ctx context.Context, tenant string, body []byte) ([]byte, error) {
	r, err := c.call(ctx, wire.CallSign, wire.Args{Tenant: tenant, Body: string(body)})
	if err != nil {
		return nil, err
	}
	return []byte(r.Note), nil
}

// Rotate makes a new key pair of the given suite (empty keeps the present one)
// and gives its generation. Older pairs still unwrap.
func (c *Client) Rotate(ctx context.Context, tenant, suite string) (uint32, error) {
	r, err := c.call(ctx, wire.CallRotate, wire.Args{Tenant: tenant, Suite: suite})
	if err != nil {
		return 0, err
	}
	return r.Generation, nil
}

// Shred destroys the tenant's keys for good, so that nothing sealed for it
// opens again, and gives the time of it.
func (c *Client) Shred(ctx context.Context, tenant string) (time.Time, error) {
	r, err := c.call(ctx, wire.CallShred, wire.Args{Tenant: tenant})
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(r.Time), nil
}

// Generations lists the key pairs that the tenant has and had, oldest first; the
// last is the present one.
func (c *Client) Generations(ctx context.Context, tenant string) ([]Generation, error) {
	r, err := c.call(ctx, wire.CallGenerations, wire.Args{Tenant: tenant})
	if err != nil {
		return nil, err
	}
	return generations(r)
}

func generations(r *wire.Result) ([]Generation, error) {
	if len(r.Generations) == 0 {
		return nil, empty()
	}
	out := make([]Generation, len(r.Generations))
	for i, g := range r.Generations {
		out[i] = Generation{Number: g.Generation, Suite: g.Suite, Created: g.Created, Retired: g.Retired}
		if copy(out[i].ID[:], g.KeyID) != len(g.KeyID) {
			return nil, empty()
		}
	}
	return out, nil
}

// Rewrap wraps the data keys of items, at most MaxItems, to the tenant's present
// key pair and gives the new recipients in their order. No data key leaves the
// service. t must be Bulk; every item has its own entry in the service's log. One
// item that fails fails all.
func (c *Client) Rewrap(ctx context.Context, t Ticket, items []Item) ([]envelope.Recipient, error) {
	args := wire.Args{Ticket: &t, Items: make([]wire.Item, len(items))}
	for i, item := range items {
		args.Items[i] = item.wire()
	}
	r, err := c.call(ctx, wire.CallRewrap, args)
	if err != nil {
		return nil, err
	}
	if len(r.Recipients) != len(items) {
		return nil, fault.New(fault.Internal, "The key service gave %d recipients for %d items.", len(r.Recipients), len(items))
	}
	out := make([]envelope.Recipient, len(items))
	for i, w := range r.Recipients {
		out[i] = envelope.Recipient{Type: w.Type, Generation: w.Generation, Wrapped: w.Wrapped}
		if copy(out[i].KeyID[:], w.KeyID) != len(w.KeyID) {
			return nil, empty()
		}
	}
	return out, nil
}

// Retire destroys the private keys of the generations before first, for good, and
// gives all generations as they are then. Denied when it would leave none. The
// caller has seen to it that nothing is wrapped to them any more.
func (c *Client) Retire(ctx context.Context, t Ticket, first uint32) ([]Generation, error) {
	r, err := c.call(ctx, wire.CallRetire, wire.Args{Ticket: &t, Generation: first})
	if err != nil {
		return nil, err
	}
	return generations(r)
}
