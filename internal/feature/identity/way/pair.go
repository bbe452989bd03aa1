package way

import (
	"context"
	"encoding/json"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/identity/method"
)

// slots are the names of the fields that the private halves of pairs are sealed as.
func slots() []string { return []string{"pair_1", "pair_2"} }

// madePair is a pair that is not kept yet.
type madePair struct{ private, public string }

// makePair makes a pair, which takes long: outside of any transaction.
func (w *Ways) makePair(tenant string, x *Way, k *method.Kind) (*madePair, error) {
	private, public, err := k.Pair(w.setup(tenant, x, nil))
	return &madePair{private, public}, err
}

// keep seals a pair and puts it behind those that there are.
func (p *madePair) keep(tx *gate.Tx, x *Way) error {
	for _, name := range slots() {
		if slices.ContainsFunc(x.Pairs, func(p method.Pair) bool { return p.Name == name }) {
			continue
		}
		if _, err := secret.Put(tx, secret.Place{Kind: thing, Object: x.ID, Field: name}, p.private, secret.Note{}); err != nil {
			return err
		}
		x.Pairs = append(x.Pairs, method.Pair{Name: name, Public: p.public, Made: tx.Now})
		return setPairs(tx, x)
	}
	return full()
}

func full() error {
	return fault.New(fault.Conflict, "This way in has two key pairs already.").WithHint("Use the new one and remove the old one before you make another.")
}

func setPairs(tx *gate.Tx, x *Way) error {
	raw, err := json.Marshal(x.Pairs)
	if err == nil {
		_, err = tx.Exec(`update sign_in_way set pairs = ?, version = version + 1, updated_at = ? where id = ?`, string(raw), tx.Now, int64(x.ID))
		x.Version++
	}
	return err
}

// AddPair makes a key pair: the way's first, or a second one that is published
// beside it until UsePair. Conflict when there are two.
func (w *Ways) AddPair(ctx context.Context, c *access.Caller, way id.ID) error {
	var x *Way
	err := w.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { x, err = w.Get(tx, way); return err })
	if err != nil {
		return err
	}
	k := w.Kind(x.Kind)
	if k == nil || k.Pair == nil {
		return gate.Missing()
	}
	if len(x.Pairs) == len(slots()) {
		return full()
	}
	p, err := w.makePair(c.Tenant, x, k)
	if err != nil {
		return err
	}
	return w.pairs(ctx, c, way, "a key pair was made", p.keep)
}

// UsePair has the second of two pairs used from now on. It may be asked twice.
func (w *Ways) UsePair(ctx context.Context, c *access.Caller, way id.ID, name string) error {
	return w.pairs(ctx, c, way, "another key pair is used", func(tx *gate.Tx, x *Way) error {
		i := slices.IndexFunc(x.Pairs, func(p method.Pair) bool { return p.Name == name })
		if i < 0 {
			return gate.Missing()
		}
		if i == 1 {
			x.Pairs[0], x.Pairs[1] = x.Pairs[1], x.Pairs[0]
		}
		return setPairs(tx, x)
	})
}

// DropPair removes the pair that is not used. Conflict for the one that is.
func (w *Ways) DropPair(ctx context.Context, c *access.Caller, way id.ID, name string) error {
	return w.pairs(ctx, c, way, "a key pair was removed", func(tx *gate.Tx, x *Way) error {
		i := slices.IndexFunc(x.Pairs, func(p method.Pair) bool { return p.Name == name })
		switch {
		case i < 0:
			return gate.Missing()
		case i == 0:
			return fault.New(fault.Conflict, "This key pair is the one that is used.").WithHint("Make another one and use it first.")
		}
		x.Pairs = x.Pairs[:1]
		if _, err := secret.Put(tx, secret.Place{Kind: thing, Object: x.ID, Field: name}, "", secret.Note{}); err != nil {
			return err
		}
		return setPairs(tx, x)
	})
}

// pairs changes the pairs of a way.
func (w *Ways) pairs(ctx context.Context, c *access.Caller, way id.ID, what string, change func(*gate.Tx, *Way) error) error {
	err := w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		x, err := get(tx, way)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Text = "sign-in-way.pair", thing, way, x.Name, what
		return change(tx, x)
	})
	if err == nil {
		w.forget(c.Tenant, way)
	}
	return err
}
