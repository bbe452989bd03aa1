package identity

import (
	"context"
	"encoding/hex"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Failed tries are counted in the tenant's database, so that neither a restart
// nor a second node gives anybody new ones. It needs no cache: a try is charged
// before its password is hashed, and hashing, of which only a few run at once,
// takes a hundred times as long as the write. For the same reason the number of
// rows is bounded: by tries hashed per second times the life of a counter.
//
// What is counted, and what it slows:
//
//	device   one user on one known device   that user on that device, nothing else
//	pair     one address from one network   that address from that network
//	network  one network                    every unknown device in it
//	account  one address from anywhere      nothing; but when it is high, a pair has one try instead of five
//
// So a known device is slowed by its own failures only, and the first try of a
// person from a network that did not misbehave always counts: a stranger cannot
// lock anybody out. A guesser with many networks has one try from each.

// Rule says how quickly failures slow down what comes next.
type Rule struct {
	Free int           // failures before anything is slowed
	Base time.Duration // the first delay; it doubles with each further failure
	Max  time.Duration // the longest delay
	Leak time.Duration // after this long, one failure is forgotten
}

// Counter is how often something failed, as stored.
type Counter struct {
	Fails int64 // in thousandths, at the time At
	At    int64 // of the last try, Unix milliseconds
}

// After gives how much of c is left at now: failures leak away.
func (r Rule) After(c Counter, now int64) int64 {
	gone := max(0, now-c.At) * 1000 / r.Leak.Milliseconds()
	return max(0, c.Fails-gone)
}

// Wait gives how long the next try has to wait.
func (r Rule) Wait(c Counter, now int64) time.Duration {
	over := (r.After(c, now)+999)/1000 - int64(r.Free) // a failure counts until all of it has leaked away
	if over < 0 {
		return 0
	}
	delay := r.Max
	if over < 63 && r.Base <= r.Max>>over { // never shifted beyond what fits
		delay = r.Base << over
	}
	since := time.Duration(max(0, now-c.At)) * time.Millisecond
	return max(0, delay-since)
}

// Fail counts one more failure.
func (r Rule) Fail(c Counter, now int64) Counter { return Counter{r.After(c, now) + 1000, now} }

// Refund takes one failure back, as when the try turned out to be right. It
// does not move the time of the last try.
func (r Rule) Refund(c Counter) Counter { return Counter{max(0, c.Fails-1000), c.At} }

// Rules are the rules of sign-in. The zero value stands for DefaultRules.
type Rules struct{ Device, Pair, Attacked, Network, Wide, Account Rule }

// DefaultRules are what the operator gets without saying anything.
func DefaultRules() Rules {
	return Rules{
		Device:   Rule{Free: 10, Base: time.Second, Max: 5 * time.Minute, Leak: 5 * time.Minute},
		Pair:     Rule{Free: 5, Base: 2 * time.Second, Max: 15 * time.Minute, Leak: 15 * time.Minute},
		Attacked: Rule{Free: 1, Base: 30 * time.Second, Max: time.Hour, Leak: 15 * time.Minute},
		Network:  Rule{Free: 30, Base: time.Second, Max: 5 * time.Minute, Leak: 30 * time.Second},
		Wide:     Rule{Free: 100, Base: time.Second, Max: time.Minute, Leak: 10 * time.Second},
		Account:  Rule{Free: 20, Leak: 10 * time.Minute},
	}
}

// charge is a try that was counted as a failure before it is known to be one.
type charge struct {
	caller  *access.Caller
	company string // what the tenant is called
	who     string // keyed hash of the e-mail address
	user    id.ID  // who has that address, 0 for nobody
	device  device // the zero device when it is not known
	rows    []counted
}

// counted is one counter of a charge.
type counted struct {
	name  string // of the row
	rule  Rule
	reset bool // a success clears it; else a success takes one failure back
}

// maxCounters is how many rows are kept at most; the ones that would be
// forgotten first go first.
const maxCounters = 200_000

// begin counts a try to sign in, or says with Throttled how long to wait.
func (s *Sessions) begin(ctx context.Context, a Attempt) (*charge, error) {
	return s.charge(ctx, stranger(a), func(tx *gate.Tx, ch *charge) (err error) {
		if ch.who, err = who(tx, a.Email); err != nil {
			return err
		}
		user, err := ByEmail(tx, a.Email)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		ch.user = user
		if d, ok := readDevice(tx, a.Device); ok && user != 0 && user == d.User {
			ch.device = d
			return ch.need(tx, s.rules().Device, true, "device", d.Name, user.String())
		}
		return s.plan(tx, ch, a)
	})
}

// beginChange counts a try of a signed-in user to name her present password.
func (s *Sessions) beginChange(ctx context.Context, c *access.Caller) (*charge, error) {
	return s.charge(ctx, c, func(tx *gate.Tx, ch *charge) error {
		return ch.need(tx, s.rules().Device, true, "change", c.User.String())
	})
}

func (s *Sessions) charge(ctx context.Context, c *access.Caller, plan func(*gate.Tx, *charge) error) (*charge, error) {
	ch := &charge{caller: c}
	look := func(tx *gate.Tx) error { // most who must wait are told so without a write
		*ch = charge{caller: c, company: tx.Tenant.Title()}
		return plan(tx, ch)
	}
	if err := s.Gate.View(ctx, c, look); err != nil {
		return ch, err
	}
	return ch, s.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		return ch.add(tx)
	})
}

// plan says which counters a try from an unknown device concerns, and refuses
// it when one of them says so.
func (s *Sessions) plan(tx *gate.Tx, ch *charge, a Attempt) error {
	rules := s.rules()
	account, err := rowName(tx, "account", ch.who)
	if err != nil {
		return err
	}
	c, err := readCounter(tx, account)
	if err != nil {
		return err
	}
	pair := rules.Pair
	if rules.Account.After(c, tx.Now)/1000 >= int64(rules.Account.Free) {
		pair = rules.Attacked
	}
	ch.rows = append(ch.rows, counted{name: account, rule: rules.Account})
	nets := networks(a.Addr)
	if err := ch.need(tx, pair, true, "pair", ch.who, nets[0]); err != nil {
		return err
	}
	for i, n := range nets {
		rule := rules.Network
		if i > 0 {
			rule = rules.Wide
		}
		if err := ch.need(tx, rule, false, "network", n); err != nil {
			return err
		}
	}
	return nil
}

// need adds a counter to the charge, or refuses when it says to wait.
func (ch *charge) need(tx *gate.Tx, r Rule, reset bool, parts ...string) error {
	name, err := rowName(tx, parts...)
	if err != nil {
		return err
	}
	c, err := readCounter(tx, name)
	if err != nil {
		return err
	}
	if wait := r.Wait(c, tx.Now); wait > 0 {
		return throttled(wait)
	}
	ch.rows = append(ch.rows, counted{name: name, rule: r, reset: reset})
	return nil
}

func throttled(wait time.Duration) error {
	e := fault.New(fault.Throttled, "There were too many failed tries.").WithHint("Wait %s, then try again.", wait.Round(time.Second)+time.Second)
	e.After = wait
	return e
}

// add counts the try in every counter of the charge.
func (ch *charge) add(tx *gate.Tx) error {
	for _, row := range ch.rows {
		c, err := readCounter(tx, row.name)
		if err != nil {
			return err
		}
		if err := writeCounter(tx, row, row.rule.Fail(c, tx.Now)); err != nil {
			return err
		}
	}
	return sweepCounters(tx)
}

// settle takes the charge back inside a change: after a success it also clears
// what belongs to this person alone.
func (ch *charge) settle(tx *gate.Tx, success bool) error {
	for _, row := range ch.rows {
		if success && row.reset {
			if _, err := tx.Exec(`delete from identity_try where who = ?`, []byte(row.name)); err != nil {
				return err
			}
			continue
		}
		c, err := readCounter(tx, row.name)
		if err != nil {
			return err
		}
		if err := writeCounter(tx, row, row.rule.Refund(c)); err != nil {
			return err
		}
	}
	return nil
}

// giveBack undoes a charge when the password could not be checked at all.
func (s *Sessions) giveBack(ctx context.Context, ch *charge) {
	ctx = context.WithoutCancel(ctx) // the person may have gone; the counter stays
	err := s.Gate.Change(ctx, ch.caller, access.View, gate.Thing{}, func(tx *gate.Tx) error { return ch.settle(tx, false) })
	if err != nil {
		s.Gate.Log.WarnContext(ctx, "a counted try could not be taken back", "tenant", ch.caller.Tenant, "error", err)
	}
}

func rowName(tx *gate.Tx, parts ...string) (string, error) {
	d, err := digest(tx, "try", parts...)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(d[:16]), nil
}

func readCounter(tx *gate.Tx, name string) (c Counter, err error) {
	err = tx.QueryRow(`select fails, at from identity_try where who = ?`, []byte(name)).Scan(&c.Fails, &c.At)
	if noRows(err) {
		return Counter{}, nil
	}
	return c, err
}

func writeCounter(tx *gate.Tx, row counted, c Counter) error {
	until := c.At + row.rule.Max.Milliseconds() + c.Fails*row.rule.Leak.Milliseconds()/1000
	_, err := tx.Exec(`insert into identity_try (who, fails, at, until) values (?, ?, ?, ?)
		on conflict (who) do update set fails = excluded.fails, at = excluded.at, until = excluded.until`, []byte(row.name), c.Fails, c.At, until)
	return err
}

// sweepCounters removes a few counters that say nothing any more, and what is
// beyond the bound.
func sweepCounters(tx *gate.Tx) error {
	_, err := tx.Exec(`delete from identity_try where who in (select who from identity_try where until < ? order by until limit 20)`, tx.Now)
	if err != nil {
		return err
	}
	if tx.Now%64 != 0 { // counting is dear: now and then is enough
		return nil
	}
	_, err = tx.Exec(`delete from identity_try where who in (select who from identity_try order by until desc limit 1000 offset ?)`, maxCounters)
	return err
}

// stranger is the caller of a sign-in: nobody yet.
func stranger(a Attempt) *access.Caller {
	c := access.System(a.Tenant, "sign-in")
	c.Name, c.Addr, c.Request = "", a.Addr, a.Request
	return c
}
