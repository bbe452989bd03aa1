package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// The ways of recovery that a tenant allows: none unless an administrator says so.
const (
	RecoveryNone     = "none"
	RecoveryKit      = "kit"
	RecoveryOfficers = "officers"
)

var recoverySchema = []string{
	`create table if not exists vault_recovery_policy (one int primary key check (one = 1), way text not null, needed int not null)`,
	`create table if not exists vault_officer (user_id int primary key)`,
	`create table if not exists vault_recovery (user_id int primary key, number int not null, sealed bytes, at int not null)`, // without sealed it was given up
	`create table if not exists vault_ask (user_id int primary key, ask bytes not null, statement bytes not null, locked bytes not null, at int not null)`,
	`create table if not exists vault_answer (user_id int not null, officer_id int not null, statement bytes not null, sealed bytes not null, at int not null, primary key (user_id, officer_id))`,
}

// RecoveryPolicy is what a tenant allows people to choose. It never chooses for them.
type RecoveryPolicy struct {
	Way      string   `json:"way"`
	Needed   int      `json:"needed,omitempty"`
	Officers []Person `json:"officers,omitempty"` // without a statement who has no keys
}

// Recovery is what concerns one person: her own recovery, and the requests that she is
// asked to answer as an officer.
type Recovery struct {
	Policy RecoveryPolicy `json:"policy"`
	Number uint32         `json:"number"`             // of the last recovery that she chose, 0 for none ever
	Sealed []byte         `json:"recovery,omitempty"` // that recovery, if it was not given up
	Asked  *Asked         `json:"asked,omitempty"`    // her own request
	Asks   []Asked        `json:"asks"`               // of others
}

// Asked is a request to officers.
type Asked struct {
	Person            // who asks
	Recovery []byte   `json:"recovery"`
	Ask      []byte   `json:"ask"`
	Keys     []byte   `json:"keys"`           // the statement of the keys that ask
	Lock     []byte   `json:"lock,omitempty"` // of those keys, for who asks alone
	Answers  []Answer `json:"answers"`        // all to who asks; to an officer the own one
}

// Answer is what an officer answered, with the keys that she had then.
type Answer struct {
	Person
	Sealed []byte `json:"answer"`
}

// Recovery gives what concerns the caller.
func (s *Vaults) Recovery(ctx context.Context, c *access.Caller) (*Recovery, error) {
	out := &Recovery{Asks: []Asked{}}
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		if _, err := tx.Allow(access.Reveal, gate.Thing{}); err != nil {
			return err
		}
		if out.Policy, err = policyOf(tx); err != nil {
			return err
		}
		if out.Number, out.Sealed, err = recoveryOf(tx, c.User); err != nil {
			return err
		}
		asks, err := asksOf(tx)
		if err != nil {
			return err
		}
		for _, a := range asks {
			if a.User == c.User {
				out.Asked = &a
			} else if slices.ContainsFunc(out.Policy.Officers, func(p Person) bool { return p.User == c.User }) && has(a.Recovery, c.User) {
				a.Lock = nil
				a.Answers = slices.DeleteFunc(a.Answers, func(n Answer) bool { return n.User != c.User })
				out.Asks = append(out.Asks, a)
			}
		}
		return nil
	})
	return out, err
}

// has tells whether an officer has a share of a stored recovery.
func has(sealed []byte, officer id.ID) bool {
	x, err := hostproof.ParseRecovery(sealed)
	return err == nil && slices.ContainsFunc(x.Officers, func(o hostproof.Officer) bool { return o.User == int64(officer) })
}

// RecoveryPolicyOf gives what a tenant allows.
func (s *Vaults) RecoveryPolicyOf(ctx context.Context, c *access.Caller) (p RecoveryPolicy, err error) {
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { p, err = policyOf(tx); return err })
	return p, err
}

// Candidates gives the administrators, who can be officers.
func (s *Vaults) Candidates(ctx context.Context, c *access.Caller) (list []Person, err error) {
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		list, err = people(tx, `select user_id from access_principal where active = 1 and role = ?`, string(access.Administrator))
		return err
	})
	return list, err
}

func policyOf(tx *gate.Tx) (p RecoveryPolicy, err error) {
	p.Way = RecoveryNone
	err = tx.QueryRow(`select way, needed from vault_recovery_policy`).Scan(&p.Way, &p.Needed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) || p.Way != RecoveryOfficers {
		return p, ignored(err)
	}
	list, err := people(tx, `select user_id from vault_officer where user_id in (select user_id from access_principal where active = 1 and role = ?)`, string(access.Administrator))
	p.Officers = list
	return p, err
}

// ignored lets nothing there be no error.
func ignored(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// people gives the name, where the caller sees it, and the newest statement, where there
// is one, of those whom a query names.
func people(tx *gate.Tx, users string, args ...any) (out []Person, err error) {
	sees, more := tx.Visible("r")
	rows, err := tx.Query(`select u.id, coalesce(r.name, ''), k.statement from record u left join record r on r.id = u.id and r.trashed_at is null and `+sees+`
		left join vault_keyset k on k.user_id = u.id and k.number = (select max(n.number) from vault_keyset n where n.user_id = u.id) where u.id in (`+users+`) order by u.name_fold, u.id`, append(more, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Person
		var n int64
		if err := rows.Scan(&n, &p.Name, &p.Statement); err != nil {
			return nil, err
		}
		p.User = id.ID(n)
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range out {
		if err := withBefore(tx, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// recoveryOf gives the number of the last recovery of a person, and it.
func recoveryOf(tx *gate.Tx, user id.ID) (number uint32, sealed []byte, err error) {
	var n int64
	err = tx.QueryRow(`select number, sealed from vault_recovery where user_id = ?`, int64(user)).Scan(&n, &sealed)
	return uint32(n), sealed, ignored(err)
}

// asksOf gives every open request.
func asksOf(tx *gate.Tx) ([]Asked, error) {
	list, err := people(tx, `select user_id from vault_ask where at > ?`, tx.Now-hostproof.AskLasts.Milliseconds())
	if err != nil {
		return nil, err
	}
	out := []Asked{}
	for _, p := range list {
		a := Asked{Person: p, Answers: []Answer{}}
		err := tx.QueryRow(`select a.ask, a.statement, a.locked, r.sealed from vault_ask a join vault_recovery r on r.user_id = a.user_id where a.user_id = ? and r.sealed is not null`, int64(p.User)).
			Scan(&a.Ask, &a.Keys, &a.Lock, &a.Recovery)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			a.Answers, err = answersTo(tx, p.User)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func answersTo(tx *gate.Tx, user id.ID) ([]Answer, error) {
	sees, args := tx.Visible("r")
	rows, err := tx.Query(`select n.officer_id, coalesce(r.name, ''), n.statement, n.sealed from vault_answer n left join record r on r.id = n.officer_id and `+sees+` where n.user_id = ? order by n.officer_id`, append(args, int64(user))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Answer{}
	for rows.Next() {
		var a Answer
		var n int64
		if err := rows.Scan(&n, &a.Name, &a.Statement, &a.Sealed); err != nil {
			return nil, err
		}
		a.User = id.ID(n)
		out = append(out, a)
	}
	return out, rows.Err()
}

// SetRecovery says which recovery people may choose. Another way than before gives up
// what they chose: each chooses again, or has none. Invalid, with the fields way, needed
// and officers.
func (s *Vaults) SetRecovery(ctx context.Context, c *access.Caller, way string, needed int, officers []id.ID) error {
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind = "vault.recovery", "vault"
		before, err := policyOf(tx)
		if err != nil {
			return err
		}
		if way != RecoveryOfficers {
			needed, officers = 0, nil
		}
		if err := allowed(tx, way, needed, officers); err != nil {
			return err
		}
		e.Detail.Text = fmt.Sprintf("recovery of vaults: %s", way)
		if way == RecoveryOfficers {
			e.Detail.Text += fmt.Sprintf(", %d of %d", needed, len(officers))
		}
		if err := keepPolicy(tx, way, needed, officers); err != nil || before.Way == way {
			return err
		}
		for _, q := range []string{`update vault_recovery set sealed = null`, `delete from vault_answer`, `delete from vault_ask`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
}

func keepPolicy(tx *gate.Tx, way string, needed int, officers []id.ID) error {
	if _, err := tx.Exec(`insert into vault_recovery_policy (one, way, needed) values (1, ?, ?) on conflict (one) do update set way = excluded.way, needed = excluded.needed`, way, needed); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from vault_officer`); err != nil {
		return err
	}
	for _, u := range officers {
		if _, err := tx.Exec(`insert into vault_officer (user_id) values (?) on conflict do nothing`, int64(u)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from vault_answer where officer_id not in (select user_id from vault_officer)`)
	return err
}

func allowed(tx *gate.Tx, way string, needed int, officers []id.ID) error {
	switch way {
	case RecoveryNone, RecoveryKit:
		return nil
	case RecoveryOfficers:
	default:
		return fault.Field("way", "Choose one of the three.")
	}
	if n := len(officers); n < hostproof.LeastNeeded || n > hostproof.MostOfficers {
		return fault.Field("officers", "Choose %d to %d administrators.", hostproof.LeastNeeded, hostproof.MostOfficers)
	}
	if needed < hostproof.LeastNeeded || needed > len(officers) {
		return fault.Field("needed", "This is between %d and the number of officers, so that nobody alone opens anything.", hostproof.LeastNeeded)
	}
	admins, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ?`, string(access.Administrator))
	if err != nil {
		return err
	}
	for _, u := range officers {
		if !slices.Contains(admins, u) {
			return fault.Field("officers", "Officers are administrators.")
		}
	}
	return nil
}

// Enrol keeps the recovery that the caller chose, in the place of an earlier one. It is
// signed with her keys: nobody chooses for her.
func (s *Vaults) Enrol(ctx context.Context, c *access.Caller, sealed []byte) error {
	x, err := hostproof.ParseRecovery(sealed)
	if err != nil {
		return err
	}
	return s.change(ctx, c, "vault.enrol", c.User, func(tx *gate.Tx) error {
		me, _, _, err := keysetOf(tx, c.User)
		if err != nil || me == nil {
			return errors.Join(err, fault.New(fault.Invalid, "Choose a passphrase first."))
		}
		if err := x.Verify(me); err != nil {
			return refused(err)
		}
		p, err := policyOf(tx)
		if err != nil {
			return err
		}
		if err := p.fits(x); err != nil {
			return err
		}
		number, old, err := recoveryOf(tx, c.User)
		if err != nil || string(old) == string(sealed) {
			return err
		}
		if x.Number <= number {
			return outdated()
		}
		tx.Entry().Version = int64(x.Number)
		tx.Entry().Detail.Text = p.Way
		if err := forgetAsk(tx, c.User); err != nil {
			return err
		}
		_, err = tx.Exec(`insert into vault_recovery (user_id, number, sealed, at) values (?, ?, ?, ?) on conflict (user_id) do update set number = excluded.number, sealed = excluded.sealed, at = excluded.at`,
			int64(c.User), int64(x.Number), sealed, tx.Now)
		return err
	})
}

// fits checks that a recovery is one that the tenant allows.
func (p RecoveryPolicy) fits(x *hostproof.Recovery) error {
	changed := fault.New(fault.Conflict, "Your administrators allow another recovery than this one.").WithHint("Load the page again and look at what is offered now.")
	switch {
	case x.Way == hostproof.ByKit && p.Way == RecoveryKit:
		return nil
	case x.Way != hostproof.ByOfficers || p.Way != RecoveryOfficers || x.Needed < p.Needed:
		return changed
	}
	for _, o := range x.Officers {
		if !slices.ContainsFunc(p.Officers, func(q Person) bool { return int64(q.User) == o.User }) {
			return changed
		}
	}
	return nil
}

// GiveUp removes the caller's recovery.
func (s *Vaults) GiveUp(ctx context.Context, c *access.Caller) error {
	return s.change(ctx, c, "vault.enrol", c.User, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = RecoveryNone
		if err := forgetAsk(tx, c.User); err != nil {
			return err
		}
		_, err := tx.Exec(`update vault_recovery set sealed = null where user_id = ?`, int64(c.User))
		return err
	})
}

// forgetAsk ends the request of a person.
func forgetAsk(tx *gate.Tx, user id.ID) error {
	for _, q := range []string{`delete from vault_answer where user_id = ?`, `delete from vault_ask where user_id = ?`} {
		if _, err := tx.Exec(q, int64(user)); err != nil {
			return err
		}
	}
	return nil
}
