// Package gate is the only door to a tenant's tables.
//
// Always true: no caller, no transaction; nothing is written before the gate
// allowed an action in the same transaction, by the rights of that moment; what it allowed is in the audit
// log when the transaction is durable, and in no other case; what it refused is
// in the log too, by a transaction of its own. Permission is decided here and
// nowhere else.
package gate

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
	"strongroom/internal/core/tenant"
)

// Traits are what the gate must know of a kind.
type Traits struct {
	Tenant bool // belongs to the tenant, not to an organization
	Shared bool // may belong to either; of the tenant when it has no organization
	Admin  bool // only administrators may change it
}

// Gate opens transactions. Fill the fields; it then is safe for concurrent use.
type Gate struct {
	House *tenant.House
	Kinds map[string]Traits
	Log   *slog.Logger
	Now   func() time.Time // nil is time.Now

	// Committed, when set, is told the tenant's name after every change.
	Committed func(tenant string)

	// Guard, when set, is asked in each transaction that writes about what the rights
	// allow: whether it may be done now. What it refuses, Denied, is recorded.
	Guard func(tx *Tx, action access.Action, t access.Target) error

	refusals refusals
}

// Thing is what a caller acts on: a record by its id, or, for making one, a kind
// and the organization it will belong to. The zero Thing is the tenant itself.
type Thing struct {
	Kind string
	ID   id.ID
	Org  id.ID
}

// Tx is a transaction of one caller in one tenant. It must not be used after
// the function that it was given to has returned.
type Tx struct {
	Caller *access.Caller
	Tenant *tenant.Tenant
	Now    int64 // one clock reading for the whole transaction, Unix milliseconds

	sql     *sqldb.Tx
	gate    *Gate
	write   bool
	allowed map[grant]*audit.Entry
	entries []*audit.Entry
	without []*audit.Entry // withdrawn
	refused *audit.Entry
	locals  map[any]any
	last    []func() error
	after   []func()
}

type grant struct {
	action access.Action
	thing  Thing
}

func (g *Gate) now() time.Time {
	if g.Now == nil {
		return time.Now()
	}
	return g.Now()
}

// View runs fn in a transaction that only reads. Lists made in it must carry the
// condition of Tx.Visible. Denied to who has not said why she uses an account for
// emergencies.
func (g *Gate) View(ctx context.Context, c *access.Caller, fn func(*Tx) error) error {
	t, err := g.enter(ctx, c)
	if err != nil {
		return err
	}
	defer t.Release()
	tx := &Tx{Caller: g.known(c), Tenant: t, Now: g.now().UnixMilli(), gate: g}
	if c.Unexplained {
		e := &audit.Entry{Action: string(access.View), Result: audit.Refused}
		stamp(e, c, tx.Now)
		g.refuse(ctx, t, e)
		return unexplained()
	}
	err = t.DB.View(ctx, func(s *sqldb.Tx) error {
		tx.sql = s
		return fn(tx)
	})
	if err != nil && tx.refused != nil {
		g.refuse(ctx, t, tx.refused)
	}
	return err
}

// Change decides whether c may do action to thing, runs fn and writes the audit
// entries, all in one transaction, durable when it returns nil. When the answer
// is no, fn does not run and the refusal is recorded.
func (g *Gate) Change(ctx context.Context, c *access.Caller, action access.Action, thing Thing, fn func(*Tx) error) error {
	t, err := g.enter(ctx, c)
	if err != nil {
		return err
	}
	defer t.Release()
	if err := t.IDs.Reserve(ctx, t.DB, 32); err != nil {
		return err
	}
	var tx *Tx
	err = t.DB.Change(ctx, func(s *sqldb.Tx) error {
		now, err := access.Present(s, c, g.now().UnixMilli())
		if err != nil {
			return err
		}
		tx = &Tx{Caller: g.known(now), Tenant: t, Now: g.now().UnixMilli(), gate: g, sql: s, write: true, allowed: map[grant]*audit.Entry{}}
		if _, err := tx.Allow(action, thing); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		for _, f := range tx.last {
			if err := f(); err != nil {
				return err
			}
		}
		return t.Audit.Append(s, tx.entries...)
	})
	if err != nil {
		if tx != nil && tx.refused != nil {
			g.refuse(ctx, t, tx.refused)
		}
		return err
	}
	g.committed(ctx, t, c)
	for _, f := range tx.after {
		f()
	}
	return nil
}

// known gives a caller who sees the kinds that belong to the tenant, whatever her role
// says of the others.
func (g *Gate) known(c *access.Caller) *access.Caller {
	if c.Custom == nil {
		return c
	}
	var kinds []string
	for name, traits := range g.Kinds {
		if traits.Tenant {
			kinds = append(kinds, name)
		}
	}
	return c.Beside(kinds)
}

func (g *Gate) enter(ctx context.Context, c *access.Caller) (*tenant.Tenant, error) {
	if c == nil || c.Tenant == "" {
		return nil, fault.New(fault.Unauthorized, "Sign in first.")
	}
	if c.Role == access.SelfService && c.Via != "session" && !(c.Behind != nil && c.Scope.Looks) { // neither keys nor programs act for a customer
		return nil, fault.New(fault.Denied, "Your role, %s, is for the portal.", c.Role).WithHint("Sign in with a browser.")
	}
	return g.House.Open(ctx, c.Tenant)
}

// Edition is that of a tenant's database: see sqldb.DB.Edition. Each change of rights,
// keys and users makes a new one. Fault kinds: NotFound for a tenant that is not there.
func (g *Gate) Edition(ctx context.Context, tenant string) (n uint64, ok bool, err error) {
	t, err := g.House.Open(ctx, tenant)
	if err != nil {
		return 0, false, err
	}
	defer t.Release()
	n, ok = t.DB.Edition()
	return n, ok, nil
}

func (g *Gate) committed(ctx context.Context, t *tenant.Tenant, c *access.Caller) {
	who := c.User
	if c.Behind != nil {
		who = c.Behind.User
	}
	if !t.Audit.Knows(who) {
		if err := t.DB.View(ctx, func(s *sqldb.Tx) error { return t.Audit.Warm(s, who) }); err != nil {
			g.Log.WarnContext(ctx, "reading an audit key failed", "error", err)
		}
	}
	if g.Committed != nil {
		g.Committed(t.Name)
	}
}

// Note appends one entry that no decision goes with, such as the failure of a
// reveal that had been granted.
func (g *Gate) Note(ctx context.Context, c *access.Caller, e *audit.Entry) error {
	t, err := g.enter(ctx, c)
	if err != nil {
		return err
	}
	defer t.Release()
	stamp(e, c, g.now().UnixMilli())
	return t.DB.Change(ctx, func(s *sqldb.Tx) error { return t.Audit.Append(s, e) })
}

func stamp(e *audit.Entry, c *access.Caller, now int64) {
	e.Time, e.Actor, e.Via, e.Session, e.Level = now, c.User, c.Via, c.Session, c.AuthLevel
	e.Detail.Actor = c.Name
	if b := c.Behind; b != nil {
		e.Actor, e.Behalf, e.Detail.Actor = b.User, c.User, b.Name
	}
	if c.Addr.IsValid() {
		e.Detail.Address = c.Addr.String()
	}
	if e.Detail.Reason == "" {
		e.Detail.Reason = c.Reason
	}
}

// Allow decides on one more thing inside the transaction: each record of a bulk
// change goes through it. Allowed actions other than View become audit entries,
// which it returns so that more can be said in them.
func (tx *Tx) Allow(action access.Action, thing Thing) (*audit.Entry, error) {
	key := grant{action, thing}
	if e := tx.allowed[key]; e != nil && !slices.Contains(tx.without, e) {
		if thing.ID != 0 || e.Object == 0 || action == access.View {
			return e, nil
		}
		next := &audit.Entry{Action: e.Action, Kind: e.Kind, Org: e.Org, Result: audit.OK} // one more of the same sort
		tx.allowed[key] = next
		tx.Also(next)
		return next, nil
	}
	e, err := tx.decide(action, thing)
	if err != nil {
		return nil, err
	}
	if tx.write {
		tx.allowed[key] = e
		if action != access.View {
			tx.entries = append(tx.entries, e)
		}
	}
	return e, nil
}

// Check decides like Allow and records a refusal only: for one more right that
// a change needs which has its entry already.
func (tx *Tx) Check(action access.Action, thing Thing) error {
	_, err := tx.decide(action, thing)
	return err
}

func (tx *Tx) decide(action access.Action, thing Thing) (*audit.Entry, error) {
	target, e, err := tx.target(action, thing)
	if err != nil {
		return nil, err
	}
	stamp(e, tx.Caller, tx.Now)
	switch verdict, why := access.Decide(tx.Caller, action, target); verdict {
	case access.Hidden:
		e.Result, tx.refused = audit.Refused, e
		return nil, Missing()
	case access.Denied:
		e.Result, tx.refused = audit.Refused, e
		return nil, fault.New(fault.Denied, "%s", why)
	}
	if tx.write && tx.Caller.Scope.Looks && action != access.Reveal {
		e.Result, tx.refused = audit.Refused, e
		return nil, fault.New(fault.Denied, "You are looking here: nothing is written.").WithHint("Sign in as yourself to do this.")
	}
	if tx.Caller.Unexplained && action != access.SignIn && (action != access.View || thing != Thing{}) { // that a session was used is noted all the same
		e.Result, tx.refused = audit.Refused, e
		return nil, unexplained()
	}
	if tx.write && tx.gate.Guard != nil {
		if err := tx.gate.Guard(tx, action, target); err != nil {
			e.Result, tx.refused = audit.Refused, e
			return nil, err
		}
	}
	return e, nil
}

// unexplained is the answer to who uses an account for emergencies and has not said why.
func unexplained() error {
	return fault.New(fault.Denied, "Say first why you use this account.").WithWay("/break-glass")
}

// Missing is the one answer for what does not exist and for what the caller may
// not know of.
func Missing() error { return fault.New(fault.NotFound, "This does not exist, or you may not see it.") }

// target reads what deciding needs and prepares the audit entry.
func (tx *Tx) target(action access.Action, thing Thing) (access.Target, *audit.Entry, error) {
	e := &audit.Entry{Action: string(action), Kind: thing.Kind, Object: thing.ID, Org: thing.Org, Result: audit.OK}
	if thing.ID == 0 {
		traits := tx.gate.Kinds[thing.Kind]
		ok, err := tx.seesOrg(thing.Org)
		return access.Target{Kind: thing.Kind, Tenant: (traits.Tenant || traits.Shared) && thing.Org == 0, Shared: traits.Shared, Admin: traits.Admin, Visible: ok}, e, err
	}
	cond, args := tx.Visible("r")
	var org, version, trashed, visible int64
	err := tx.sql.QueryRow(`select r.kind, r.org_id, r.name, r.version, case when r.trashed_at is null then 0 else 1 end, case when `+cond+` then 1 else 0 end
		from record r where r.id = ?`, append(args, int64(thing.ID))...).Scan(&e.Kind, &org, &e.Detail.Name, &version, &trashed, &visible)
	if errors.Is(err, sql.ErrNoRows) { // refused and recorded like a hidden one: the time it takes tells nothing either
		return access.Target{}, e, nil
	}
	if err != nil {
		return access.Target{}, e, err
	}
	e.Org, e.Version = id.ID(org), version
	if thing.Kind != "" && thing.Kind != e.Kind {
		if visible == 1 { // a mistake, and nothing that was tried
			return access.Target{}, e, Missing()
		}
		return access.Target{}, e, nil
	}
	if access.Personal(e.Kind) { // others read the log
		e.Detail.Name = ""
	}
	traits := tx.gate.Kinds[e.Kind]
	seen := visible == 1 && (trashed == 0 || action == access.Delete)
	return access.Target{Kind: e.Kind, Tenant: traits.Tenant || traits.Shared && org == 0, Shared: traits.Shared, Admin: traits.Admin, Visible: seen}, e, nil
}

func (tx *Tx) seesOrg(org id.ID) (bool, error) {
	if org == 0 {
		return true, nil
	}
	cond, args := tx.Visible("r")
	var n int
	err := tx.sql.QueryRow(`select count(*) from record r where r.id = ? and r.kind = 'organization' and r.trashed_at is null and `+cond,
		append([]any{int64(org)}, args...)...).Scan(&n)
	return n > 0, err
}
