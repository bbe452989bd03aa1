package service

import (
	"container/list"
	"context"
	"sync"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"

	"golang.org/x/mod/sumdb/note"
)

// tenant is a tenant's opened keys; it never changes.
type tenant struct {
	name     string
	public   envelope.PublicKey // the present one
	private  map[envelope.KeyID]envelope.PrivateKey
	retired  map[envelope.KeyID]int64 // when the private key was destroyed
	roots    map[string][]byte        // by kind
	signer   note.Signer
	verifier string // of checkpoints
}

// cache keeps the tenants used last.
type cache struct {
	most int

	mu    sync.Mutex
	order *list.List // of *tenant, the one used last is in front
	named map[string]*list.Element
	swept uint64 // counts removals, so that a load that began before one is not kept
}

func newCache(most int) *cache {
	return &cache{most: most, order: list.New(), named: map[string]*list.Element{}}
}

func (c *cache) get(name string) (t *tenant, swept uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.named[name]
	if !ok {
		return nil, c.swept
	}
	c.order.MoveToFront(e)
	return e.Value.(*tenant), c.swept
}

func (c *cache) put(t *tenant, swept uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.named[t.name]; ok || swept != c.swept {
		return
	}
	c.named[t.name] = c.order.PushFront(t)
	for len(c.named) > c.most {
		old := c.order.Remove(c.order.Back()).(*tenant)
		delete(c.named, old.name)
	}
}

func (c *cache) remove(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.swept++
	if e, ok := c.named[name]; ok {
		c.order.Remove(e)
		delete(c.named, name)
	}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.swept++
	for _, e := range c.named {
		for _, r := range e.Value.(*tenant).roots {
			clear(r)
		}
	}
	c.order.Init()
	clear(c.named)
}

// tenant gives a tenant's opened keys.
func (v *vault) tenant(ctx context.Context, name string) (*tenant, error) {
	t, swept := v.cache.get(name)
	if t != nil {
		return t, nil
	}
	generation, _, err := v.state(ctx, name)
	if err != nil {
		return nil, err
	}
	t = &tenant{name: name, private: map[envelope.KeyID]envelope.PrivateKey{}, retired: map[envelope.KeyID]int64{}, roots: map[string][]byte{}}
	if err := v.store.View(ctx, func(tx *sqldb.Tx) error { return v.load(tx, t, generation) }); err != nil {
		return nil, err
	}
	v.cache.put(t, swept)
	return t, nil
}

func (v *vault) load(tx *sqldb.Tx, t *tenant, generation uint32) error {
	shredKey, err := v.shredKey(tx, t.name)
	if err != nil {
		return err
	}
	defer clear(shredKey)
	rows, err := tx.Query(`select kind, generation, sealed, public, retired from secret where tenant = ?`, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var g, retired int64
		var sealed, public []byte
		if err := rows.Scan(&kind, &g, &sealed, &public, &retired); err != nil {
			return err
		}
		if retired != 0 {
			p, err := envelope.ParsePublicKey(public)
			if err != nil {
				return err
			}
			t.retired[p.ID] = retired
			continue
		}
		plain, err := envelope.OpenBox(shredKey, bind(t.name, kind, uint32(g)), sealed)
		if err != nil {
			return err
		}
		if err := t.take(kind, plain, public, uint32(g) == generation); err != nil {
			return err
		}
	}
	return rows.Err()
}

// take adds one opened secret.
func (t *tenant) take(kind string, plain, public []byte, present bool) error {
	switch kind {
	case kindPair:
		defer clear(plain)
		k, err := envelope.ParsePrivateKey(plain)
		if err != nil {
			return err
		}
		t.private[k.Public.ID] = k
		if present {
			t.public = k.Public
		}
		return nil
	case kindCheckpoint:
		s, err := note.NewSigner(string(plain))
		if err != nil {
			return fault.Wrap(err, fault.Internal, "The key that signs checkpoints of tenant %s is damaged.", t.name)
		}
		t.signer, t.verifier = s, string(public)
		return nil
	case kindDatabase, kindBlobs, kindFields, kindIndex:
		t.roots[kind] = plain
		return nil
	}
	return fault.New(fault.Internal, "The key store holds something this version does not know.").WithHint("Update the key service.")
}
