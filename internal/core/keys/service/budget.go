package service

import (
	"sync"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"

	"golang.org/x/time/rate"
)

// Budget is how many data keys may be unwrapped: Burst at once, PerSecond in
// the long run.
type Budget struct {
	PerSecond float64
	Burst     int
}

// Budgets bound what a stolen application can take out; the zero value is
// generous, so that it only stops a flood.
type Budgets struct {
	Session Budget // of one session; 5,000 a second and 100,000 at once when zero
	Tenant  Budget // of all sessions of a tenant; 20,000 a second and 400,000 at once when zero
	Bulk    Budget // of all bulk tickets of a tenant; 20,000 a second and 1,000,000 at once when zero
}

func (b Budget) or(perSecond float64, burst int) Budget {
	if b == (Budget{}) {
		return Budget{perSecond, burst}
	}
	return b
}

type budgets struct {
	o   Budgets
	now func() time.Time

	mu   sync.Mutex
	left map[string]*rate.Limiter
}

func newBudgets(o Budgets, now func() time.Time) *budgets {
	o.Session = o.Session.or(5_000, 100_000)
	o.Tenant = o.Tenant.or(20_000, 400_000)
	o.Bulk = o.Bulk.or(20_000, 1_000_000)
	return &budgets{o: o, now: now, left: map[string]*rate.Limiter{}}
}

// spend takes n unwraps out of the budgets the ticket belongs to, or nothing
// at all.
func (b *budgets) spend(t wire.Ticket, n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if t.Bulk {
		_, err := b.take("bulk\x00"+t.Tenant, b.o.Bulk, now, n)
		return err
	}
	first, err := b.take("session\x00"+t.Tenant+"\x00"+t.Session, b.o.Session, now, n)
	if err != nil {
		return err
	}
	if _, err := b.take("tenant\x00"+t.Tenant, b.o.Tenant, now, n); err != nil {
		first.CancelAt(now)
		return err
	}
	return nil
}

func (b *budgets) take(name string, o Budget, now time.Time, n int) (*rate.Reservation, error) {
	l := b.left[name]
	if l == nil {
		b.sweep(now)
		l = rate.NewLimiter(rate.Limit(o.PerSecond), o.Burst)
		b.left[name] = l
	}
	r := l.ReserveN(now, n)
	wait := r.DelayFrom(now)
	if r.OK() && wait == 0 {
		return r, nil
	}
	r.CancelAt(now)
	f := fault.New(fault.Throttled, "Too many secrets were opened in a short time.").
		WithHint("Wait a moment; an operator can raise the key service's budgets.")
	if r.OK() {
		f.After = wait
	}
	return nil, f
}

// maxBudgets is how many budgets are remembered before full ones are dropped.
const maxBudgets = 10_000

func (b *budgets) sweep(now time.Time) {
	if len(b.left) < maxBudgets {
		return
	}
	for name, l := range b.left {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(b.left, name)
		}
	}
}
