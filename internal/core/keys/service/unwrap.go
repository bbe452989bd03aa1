package service

import (
	"context"
	"encoding/hex"
	"sync/atomic"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/merkle"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys/wire"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"
)

// opening is one item that passed every check.
type opening struct {
	header    []byte
	recipient envelope.Recipient
	key       envelope.PrivateKey
}

// unwrap checks, counts, logs, and only then opens.
func (s *service) unwrap(ctx context.Context, call string, a wire.Args) (keys []wire.Secret, err error) {
	err = s.checked(ctx, call, a, func(v *vault, _ *tenant, openings []opening, entries []entry) error {
		if err := s.budgets.spend(*a.Ticket, len(a.Items)); err != nil {
			return err
		}
		if err := v.chain.append(entries...); err != nil {
			return err
		}
		keys = make([]wire.Secret, len(openings))
		return s.inTurn(len(openings), func(i int) (err error) {
			keys[i], err = openings[i].open(a.Ephemeral)
			return err
		})
	})
	if err != nil {
		for _, k := range keys {
			clear(k)
		}
		return nil, err
	}
	return keys, nil
}

// checked gives do what a call asks for, once its shape, its ticket and each of its
// items agree, with what is to be logged of each. Nothing is opened or logged yet.
func (s *service) checked(ctx context.Context, call string, a wire.Args, do func(*vault, *tenant, []opening, []entry) error) error {
	if err := checkShape(call, a); err != nil {
		return err
	}
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := s.checkTime(a.Ticket); err != nil {
		return err
	}
	return s.open(func(v *vault) error {
		t, err := v.tenant(ctx, a.Ticket.Tenant)
		if err != nil {
			return err
		}
		openings := make([]opening, len(a.Items))
		entries := make([]entry, len(a.Items))
		for i, item := range a.Items {
			if openings[i], entries[i], err = t.check(call, a.Ticket, item); err != nil {
				return err
			}
		}
		return do(v, t, openings, entries)
	})
}

// enter counts a call that opens secrets until leave, and refuses one more than may be
// under way: who waits longer than people do would be answered for nobody. What is
// refused is neither logged nor charged to a budget.
func (s *service) enter() (leave func(), err error) {
	leave = func() { s.busy.Add(-1) }
	if s.busy.Add(1) <= int64(s.o.Waiting) {
		return leave, nil
	}
	leave()
	f := fault.New(fault.Unavailable, "More secrets are being opened at this moment than the key service keeps up with.").
		WithHint("Nothing was opened. Try again in a moment.")
	f.After = time.Second
	return nil, f
}

func many(call string) bool { return call == wire.CallUnwrapMany || call == wire.CallRewrap }

func checkShape(call string, a wire.Args) error {
	if a.Ticket == nil {
		return fault.New(fault.Denied, "The key service opens nothing without a ticket.")
	}
	if err := a.Ticket.Check(); err != nil {
		return err
	}
	n := len(a.Items)
	switch {
	case many(call) && !a.Ticket.Bulk:
		return fault.New(fault.Denied, "Many secrets at once need a bulk ticket.")
	case many(call) && (n == 0 || n > wire.MaxItems), !many(call) && n != 1:
		return fault.New(fault.Invalid, "The key service was asked for a wrong number of keys at once.")
	case (call == wire.CallSealedUnwrap) != (len(a.Ephemeral) != 0):
		return fault.New(fault.Invalid, "A sealed reveal needs the browser's key, and nothing else takes one.")
	}
	return nil
}

// checkTime refuses a ticket that is not of this moment, so that one which was
// seen or kept is of no use later.
func (s *service) checkTime(t *wire.Ticket) error {
	away := s.o.Now().Sub(time.UnixMilli(t.Time)).Abs()
	if away <= s.o.Skew {
		return nil
	}
	return fault.New(fault.Unavailable, "The ticket for the key service is not of this moment: its time is %s away.", away.Round(time.Second)).
		WithHint("Set the clocks of the server and of the key service; they may differ by %s.", s.o.Skew)
}

func disagrees(what string) error {
	return fault.New(fault.Denied, "The ticket is for another %s than the secret.", what).
		WithHint("Nothing was opened; tell your administrator if this happens again.")
}

// check refuses an item that the ticket is not for.
func (t *tenant) check(call string, k *wire.Ticket, item wire.Item) (opening, entry, error) {
	h, err := envelope.ParseHeader(item.Header)
	if err != nil {
		return opening{}, entry{}, err
	}
	switch {
	case h.Tenant != k.Tenant || h.Tenant != t.name:
		err = disagrees("tenant")
	case h.Class != envelope.ClassServer:
		err = disagrees("class")
	case h.Kind != k.Kind && (!k.Bulk || k.Kind != ""):
		err = disagrees("kind")
	case k.Bulk:
	case h.Object != k.Object:
		err = disagrees("record")
	case h.Field != k.Field:
		err = disagrees("field")
	case h.Version != k.Version:
		err = disagrees("version")
	}
	if err != nil {
		return opening{}, entry{}, err
	}
	r := envelope.Recipient{Type: item.Recipient.Type, Generation: item.Recipient.Generation, Wrapped: item.Recipient.Wrapped}
	if len(item.Recipient.KeyID) != len(r.KeyID) {
		return opening{}, entry{}, fault.New(fault.Invalid, "A key id has a wrong length.")
	}
	copy(r.KeyID[:], item.Recipient.KeyID)
	priv, ok := t.private[r.KeyID]
	if when := t.retired[r.KeyID]; when != 0 {
		return opening{}, entry{}, fault.New(fault.NotFound, "The key that this secret is sealed to was retired on %s.", time.UnixMilli(when).UTC().Format(time.DateOnly)).
			WithHint("It was not in the database when the keys were rotated: it comes from an older backup.")
	}
	if !ok {
		return opening{}, entry{}, fault.New(fault.NotFound, "This secret is sealed to a key that tenant %s does not have.", t.name).
			WithHint("Restore the key store from its backup.")
	}
	hash := envelope.HashHeader(item.Header)
	return opening{item.Header, r, priv}, entry{
		Call: call, Tenant: t.name, Ticket: k, Kind: h.Kind, Object: h.Object, Field: h.Field, Version: h.Version,
		Header: hex.EncodeToString(hash[:]), Key: r.KeyID.String(),
	}, nil
}

// open unwraps, and wraps again for a browser when it gave a key.
func (o opening) open(ephemeral []byte) ([]byte, error) {
	k, err := envelope.Unwrap(o.key, o.recipient, o.header)
	if err != nil || len(ephemeral) == 0 {
		return k, err
	}
	defer clear(k)
	return envelope.Rewrap(ephemeral, o.header, k)
}

// inTurn does fn for each of n, each when it is its turn, until one fails: as many at once as there
// are processors, so that what came together is answered together and does not wait for all that
// came behind it, and who asks for one waits for one turn and not for all of an export.
func (s *service) inTurn(n int, fn func(i int) error) error {
	one := func(i int) error {
		s.turns <- struct{}{}
		defer func() { <-s.turns }()
		return fn(i)
	}
	if n == 1 {
		return one(0)
	}
	var next atomic.Int64
	var all errgroup.Group
	for range min(n, cap(s.turns)) {
		all.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := one(i); err != nil {
					next.Store(int64(n))
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// sign signs a checkpoint that continues those signed before.
func (s *service) sign(ctx context.Context, tenant, body string) (signed string, err error) {
	c, err := merkle.ParseCheckpoint(body)
	if err != nil {
		return "", err
	}
	if c.Origin != merkle.OriginPrefix+tenant {
		return "", fault.New(fault.Denied, "This checkpoint belongs to another tenant.")
	}
	err = s.open(func(v *vault) error {
		t, err := v.tenant(ctx, tenant)
		if err != nil {
			return err
		}
		if err := v.store.Change(ctx, func(tx *sqldb.Tx) error { return advance(tx, tenant, c) }); err != nil {
			return err
		}
		b, err := note.Sign(&note.Note{Text: body}, t.signer)
		signed = string(b)
		return err
	})
	return signed, err
}

// advance remembers what is about to be signed, and refuses what would rewind
// or fork the log.
func advance(tx *sqldb.Tx, tenant string, c merkle.Checkpoint) error {
	var size int64
	var root []byte
	if err := tx.QueryRow(`select signed_size, signed_root from tenant where name = ?`, tenant).Scan(&size, &root); err != nil {
		return err
	}
	if c.Size < size || c.Size == size && len(root) > 0 && string(root) != string(c.Root[:]) {
		return fault.New(fault.Conflict, "A checkpoint of this audit log was signed at %d entries, and this one does not continue it.", size).
			WithHint("The audit log was rewound or altered; compare it with its backup.")
	}
	_, err := tx.Exec(`update tenant set signed_size = ?, signed_root = ? where name = ?`, c.Size, c.Root[:], tenant)
	return err
}
