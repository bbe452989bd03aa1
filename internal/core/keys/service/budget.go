package service

import (
	"fmt"
	"math"
	"strconv"
	"strings"
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

// Budgets bound what a stolen application can take out. Zero members stand for
// what a busy tenant needs: people and programs that read its passwords one by
// one, and an export of all of them now and then.
type Budgets struct {
	Session Budget // of one session or API key; 5,000 at once and 10 a second when zero
	Person  Budget // of all sessions of one person; 10,000 at once and 20 a second when zero
	Tenant  Budget // of all sessions of a tenant; 20,000 at once and 50 a second when zero
	Bulk    Budget // of all bulk tickets of a tenant; 200,000 at once and 100 a second when zero
}

// Unlimited is no budget at all, for measuring and for samples.
func Unlimited() Budget { return Budget{math.Inf(1), math.MaxInt} }

// MarshalText writes a budget as UnmarshalText reads it; nothing when it is zero.
func (b Budget) MarshalText() ([]byte, error) {
	switch {
	case b == Budget{}:
		return nil, nil
	case math.IsInf(b.PerSecond, 1):
		return []byte("none"), nil
	}
	return fmt.Appendf(nil, "%d/%s", b.Burst, strconv.FormatFloat(b.PerSecond, 'f', -1, 64)), nil
}

// UnmarshalText reads "5000/10": 5,000 at once, and 10 a second in the long run;
// "none" for no budget, nothing for the default.
func (b *Budget) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	switch s {
	case "":
		*b = Budget{}
		return nil
	case "none":
		*b = Unlimited()
		return nil
	}
	burst, rate, _ := strings.Cut(s, "/")
	n, err := strconv.Atoi(strings.TrimSpace(burst))
	per, err2 := strconv.ParseFloat(strings.TrimSpace(rate), 64)
	if err != nil || err2 != nil || n < 1 || !(per > 0) || math.IsInf(per, 0) {
		return fault.New(fault.Invalid, "%q is no budget.", s).WithHint("Write how many at once and how many a second, such as 5000/10; or none.")
	}
	*b = Budget{per, n}
	return nil
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
	o.Session = o.Session.or(10, 5_000)
	o.Person = o.Person.or(20, 10_000)
	o.Tenant = o.Tenant.or(50, 20_000)
	o.Bulk = o.Bulk.or(100, 200_000)
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
	var taken []*rate.Reservation
	for _, charge := range []struct {
		name   string
		budget Budget
	}{
		{"session\x00" + t.Tenant + "\x00" + t.Session, b.o.Session},
		{"person\x00" + t.Tenant + "\x00" + strconv.FormatInt(t.Subject, 10), b.o.Person},
		{"tenant\x00" + t.Tenant, b.o.Tenant},
	} {
		r, err := b.take(charge.name, charge.budget, now, n)
		if err != nil {
			for _, r := range taken {
				r.CancelAt(now)
			}
			return err
		}
		taken = append(taken, r)
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
