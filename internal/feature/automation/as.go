package automation

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/term"
)

type identityKey struct{ rule id.ID }

// As is the caller that a rule acts as: with the rights that its maker has now, without any
// secret and without what is hers alone. What it does is recorded as the rule's, in her name.
// It is nil, with a sentence, when nobody's rights are left to it.
func As(tx *gate.Tx, rule *Rule) (*access.Caller, string, error) {
	return Acting(tx, rule.ID, "Rule: "+rule.Name, rule.Maker)
}

// Acting is As for whatever acts by itself with the rights of a person.
func Acting(tx *gate.Tx, self id.ID, name string, maker id.ID) (*access.Caller, string, error) {
	if maker == 0 {
		return nil, "Nobody has turned it on: it has no rights.", nil
	}
	c, err := access.Load(tx.SQL(), maker)
	if fault.Is(err, fault.NotFound) {
		return nil, "Who saved it last is no active user any more.", nil
	}
	if err != nil {
		return nil, "", err
	}
	c.Tenant, c.Name, c.Via, c.AuthLevel = tx.Tenant.Name, name, Via, 1
	c.Scope = access.Scope{NoPasswords: true, NoPersonal: true}
	c.Behind = &access.Behind{User: self, Name: name}
	return c, "", nil
}

// identity is As, read once in a transaction.
func identity(tx *gate.Tx, rule *Rule) (*access.Caller, error) {
	var err error
	c := tx.Local(identityKey{rule.ID}, func() any {
		var c *access.Caller
		c, _, err = As(tx, rule)
		return c
	})
	out, _ := c.(*access.Caller)
	return out, err
}

// may tells whether a rule may do something to a record. One that is about to be made is
// seen when its organization is.
func may(tx *gate.Tx, rule *Rule, a access.Action, r *record.Record, fresh bool) (bool, error) {
	c, err := identity(tx, rule)
	if err != nil || c == nil {
		return false, err
	}
	seen := r.ID
	if fresh {
		if seen = r.Org; r.Restricted && !c.Everything() {
			return false, nil
		}
	}
	var n int
	cond, args := access.Visible(c, "r", tx.Now)
	if err := tx.QueryRow(`select count(*) from record r where r.id = ? and r.trashed_at is null and `+cond, append([]any{int64(seen)}, args...)...).Scan(&n); err != nil || n == 0 {
		return false, err
	}
	verdict, _ := access.Decide(c, a, access.Target{Kind: r.Kind.Name, Visible: true})
	return verdict == access.Allowed, nil
}

// origin is by what steps of rules something came about.
type origin struct {
	chain []id.ID
}

type originKey struct{}

// from gives where a transaction comes from.
func from(tx *gate.Tx) *origin {
	return tx.Local(originKey{}, func() any { return &origin{} }).(*origin)
}

// MostSteps is how many rules and processes set each other off, one after the other.
const MostSteps = mostSteps

// Chain are the rules and processes by whose steps a transaction came about.
func Chain(tx *gate.Tx) []id.ID { return slices.Clone(from(tx).chain) }

// Under says by whose steps what a transaction does comes about, for what acts by itself
// beside the rules: rules are not set off by what they began.
func Under(tx *gate.Tx, chain []id.ID) { from(tx).chain = slices.Clone(chain) }

// brought says who brings something about.
func brought(tx *gate.Tx) string {
	c := tx.Caller
	switch {
	case len(from(tx).chain) > 0 || c.Via == Via:
		return term.ByRule
	case c.User == 0:
		return term.ByHouse
	case c.Via == "session" || c.Via == "token" || c.Via == "desk": // by hand, one or many, see feature/bulk
		return term.ByPerson
	}
	return term.ByProgram
}

// quiet tells whether rules are left out: many records are brought in at once, and what
// was done elsewhere is not done again here.
func quiet(tx *gate.Tx) bool {
	return tx.Caller.Via == "console" || tx.Caller.Via == "job" && tx.Caller.User != 0
}

// noted writes into the log what a rule filled in, beside the change that it is part of.
func noted(tx *gate.Tx, rule *Rule, r *record.Record, fields []string, why string) {
	e := &audit.Entry{Action: "automate", Kind: r.Kind.Name, Object: r.ID, Org: r.Org, Version: r.Version, Result: audit.OK}
	tx.Also(e)
	e.Actor, e.Behalf, e.Via = rule.ID, rule.Maker, Via
	e.Detail = audit.Detail{Actor: "Rule: " + rule.Name, Name: r.Name, Fields: fields, Reason: clip(why)}
}

// clip keeps a reason short.
func clip(s string) string {
	if r := []rune(s); len(r) > 300 {
		return strings.TrimSpace(string(r[:299])) + "…"
	}
	return s
}
