package way

import (
	"context"
	"errors"
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/identity/method"
)

// place is where a way is remembered.
type place struct {
	tenant string
	way    id.ID
}

// opened is a way that was made of its settings, for as long as those are the
// same and not for long: what the other side publishes changes.
type opened struct {
	version int64
	until   time.Time
	way     method.Way
}

const (
	remembered  = 10 * time.Minute
	mostOpened  = 2000
	reasonOfUse = "to let people sign in"
)

func (w *Ways) forget(tenant string, way id.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.opened, place{tenant, way})
}

// Open gives a way that people may come by, with what its plug-in made of it.
// NotFound when there is none, or it is switched off.
func (w *Ways) Open(ctx context.Context, tenant string, way id.ID) (*Way, method.Way, error) {
	return w.open(ctx, access.System(tenant, "sign-in"), way, false)
}

func (w *Ways) open(ctx context.Context, c *access.Caller, way id.ID, off bool) (*Way, method.Way, error) {
	var x *Way
	err := w.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { x, err = get(tx, way); return err })
	if err == nil && !x.Active && !off {
		err = gate.Missing()
	}
	if err != nil {
		return nil, nil, err
	}
	p := place{c.Tenant, way}
	w.mu.Lock()
	old := w.opened[p]
	w.mu.Unlock()
	if old != nil && old.version == x.Version && w.now().Before(old.until) {
		return x, old.way, nil
	}
	k := w.Kind(x.Kind)
	if k == nil {
		return nil, nil, fault.New(fault.Unavailable, "This way in is of a sort that this version does not know.")
	}
	m, err := k.Open(w.setup(c.Tenant, x, w.opener(c.Tenant, way)))
	if err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened == nil || len(w.opened) >= mostOpened {
		w.opened = map[place]*opened{}
	}
	w.opened[p] = &opened{x.Version, w.now().Add(remembered), m}
	return x, m, nil
}

// Home is the address below which a way's own pages are.
func Home(tenant string, x *Way) string { return x.Base + Path(tenant, x.ID) }

// Path is Home without the host.
func Path(tenant string, way id.ID) string { return "/ways/" + tenant + "/" + way.String() }

func (w *Ways) setup(tenant string, x *Way, open func(context.Context, string) (string, error)) method.Setup {
	return method.Setup{Tenant: tenant, Home: Home(tenant, x), Values: x.Settings, Pairs: x.Pairs, Secret: open, Dialer: w.Dialer, Now: w.now}
}

// opener opens a way's secrets, each once for as long as the way is remembered.
func (w *Ways) opener(tenant string, way id.ID) func(context.Context, string) (string, error) {
	var mu sync.Mutex
	known := map[string]string{}
	return func(ctx context.Context, field string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if text, ok := known[field]; ok {
			return text, nil
		}
		text, _, err := w.Secrets.RevealBeside(ctx, access.System(tenant, "sign-in"), gate.Thing{}, reasonOfUse, func(tx *gate.Tx) (*secret.Ref, error) {
			x, err := get(tx, way)
			if err != nil {
				return nil, err
			}
			e := tx.Entry()
			e.Kind, e.Object, e.Detail.Name = thing, way, x.Name
			return &secret.Ref{Kind: thing, Object: way, Field: field}, nil
		})
		if err == nil {
			known[field] = text
		}
		return text, err
	}
}

// Test asks the other side of a way and gives what it found in sentences, for who
// manages the tenant. The test is recorded.
func (w *Ways) Test(ctx context.Context, c *access.Caller, way id.ID) ([]string, error) {
	err := w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		x, err := get(tx, way)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "sign-in-way.test", thing, way, x.Name
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.forget(c.Tenant, way)
	_, m, err := w.open(ctx, c, way, true)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	found, err := m.Test(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fault.Wrap(err, fault.Unavailable, "The other side did not answer within 20 seconds.").WithHint("Check the address, and whether a firewall lets this server reach it.")
	}
	return found, err
}
