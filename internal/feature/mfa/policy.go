package mfa

import (
	"slices"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// Who must have a second factor.
const (
	Nobody    = "nobody"
	Everybody = "everybody"
	Groups    = "groups"
)

// Policy is a tenant's. The zero value demands nothing.
type Policy struct {
	Who    string  // Nobody, Everybody or Groups
	Groups []id.ID // when Who is Groups
	Reveal Demand  // to see passwords
	Admin  Demand  // to manage users, groups, keys and settings, to restrict records and to export
}

// Demand is that a second factor was given.
type Demand struct {
	On      bool
	Minutes int // within this time; 0: in this session, at whatever time
}

// changeMinutes is how fresh a confirmation must be for changing one's own factors.
const changeMinutes = 15

// PolicyOf gives the tenant's policy, with the groups that are not deleted.
func PolicyOf(tx *gate.Tx) (Policy, error) {
	p := Policy{Who: Nobody}
	err := tx.QueryRow(`select who, reveal, reveal_minutes, admin, admin_minutes from mfa_policy where one = 1`).
		Scan(&p.Who, &p.Reveal.On, &p.Reveal.Minutes, &p.Admin.On, &p.Admin.Minutes)
	if noRows(err) {
		return p, nil
	}
	if err != nil || p.Who != Groups {
		return p, err
	}
	p.Groups, err = tx.IDs(`select group_id from mfa_group order by group_id`)
	return p, err
}

// Must tells whether the policy wants the caller to have a second factor.
func (p Policy) Must(c *access.Caller) bool {
	if c.User == 0 {
		return false
	}
	return p.Who == Everybody || p.Who == Groups && slices.ContainsFunc(c.Groups, func(g id.ID) bool { return slices.Contains(p.Groups, g) })
}

func (p Policy) check() error {
	bad := map[string]string{}
	if p.Who != Nobody && p.Who != Everybody && p.Who != Groups {
		bad["who"] = "Choose who must have one."
	}
	if p.Who == Groups && len(p.Groups) == 0 {
		bad["groups"] = "Choose a group."
	}
	for name, d := range map[string]Demand{"reveal_minutes": p.Reveal, "admin_minutes": p.Admin} {
		if d.Minutes < 0 || d.Minutes > 24*60 {
			bad[name] = "This is between 0, for once in a session, and 1,440 minutes."
		}
	}
	return fault.Fields(bad)
}

// SetPolicy keeps the tenant's policy, inside a change that was allowed as
// Administer. Who demands something meets it herself: Denied when she has not
// given a second factor. Invalid, with the fields who, groups, reveal_minutes and
// admin_minutes.
func SetPolicy(tx *gate.Tx, p Policy) error {
	if err := p.check(); err != nil {
		return err
	}
	if tx.Caller.User != 0 && tx.Caller.AuthLevel < 2 && (p.Who != Nobody || p.Reveal.On || p.Admin.On) {
		return unmet(tx, tx.Caller, Demand{On: true})
	}
	for _, g := range p.Groups {
		if err := tx.Check(access.Edit, gate.Thing{Kind: "group", ID: g}); err != nil {
			return fault.Field("groups", "There is no such group.")
		}
	}
	_, err := tx.Exec(`insert into mfa_policy (one, who, reveal, reveal_minutes, admin, admin_minutes) values (1, ?, ?, ?, ?, ?)
		on conflict (one) do update set who = excluded.who, reveal = excluded.reveal, reveal_minutes = excluded.reveal_minutes, admin = excluded.admin, admin_minutes = excluded.admin_minutes`,
		p.Who, p.Reveal.On, p.Reveal.Minutes, p.Admin.On, p.Admin.Minutes)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from mfa_group`); err != nil {
		return err
	}
	for _, g := range p.Groups {
		if _, err := tx.Exec(`insert into mfa_group (group_id) values (?) on conflict do nothing`, int64(g)); err != nil {
			return err
		}
	}
	e := tx.Entry()
	e.Action, e.Detail.Text = Settled, "must have one: "+p.Who+"; to see passwords: "+p.Reveal.words()+"; to manage: "+p.Admin.words()
	return nil
}

func (d Demand) words() string {
	switch {
	case !d.On:
		return "no"
	case d.Minutes == 0:
		return "once in a session"
	}
	return "within " + strconv.Itoa(d.Minutes) + " minutes"
}

// met tells whether a caller meets a demand at a time.
func (d Demand) met(c *access.Caller, now int64) bool {
	return !d.On || c.AuthLevel >= 2 && c.Confirmed > 0 && (d.Minutes == 0 || now-c.Confirmed <= int64(d.Minutes)*60_000)
}

// person tells whether a caller is somebody whom one can ask for a second factor:
// API keys have their scope instead, and jobs were begun by somebody who was asked.
func person(c *access.Caller) bool {
	return c.User != 0 && c.Key == 0 && (c.Via == "session" || c.Via == "token")
}

// Revealing is a policy of secret.Revealer: it refuses who did not give the second
// factor that the tenant demands, and who must have one and has none.
func Revealing(tx *gate.Tx, _ secret.Ref, _ *audit.Entry) error {
	c := tx.Caller
	if !person(c) {
		return nil
	}
	p, err := PolicyOf(tx)
	if err != nil {
		return err
	}
	d := p.Reveal
	if p.Must(c) {
		d.On = true
	}
	if d.met(c, tx.Now) {
		return nil
	}
	return unmet(tx, c, d)
}

// Guard is gate.Gate.Guard: what is managed, and what leaves in bulk, wants the
// second factor that the tenant demands for it.
func Guard(tx *gate.Tx, a access.Action, t access.Target) error {
	c := tx.Caller
	managing := a == access.Administer || a == access.Restrict || a == access.Approve || a == access.Export || t.Admin && a != access.View && a != access.SignIn && a != access.Comment
	if !managing || !person(c) {
		return nil
	}
	p, err := PolicyOf(tx)
	if err != nil || p.Admin.met(c, tx.Now) {
		return err
	}
	return unmet(tx, c, p.Admin)
}

// Fresh refuses a caller who did not lately give her second factor or, having none,
// her password: for changes of the factors themselves. Otherwise whoever finds her
// session open could set up a factor of his own, the first one too.
func Fresh(tx *gate.Tx, has bool) error {
	d := Demand{On: true, Minutes: changeMinutes}
	c := tx.Caller
	switch {
	case d.met(c, tx.Now):
		return nil
	case has:
		return unmet(tx, c, d)
	case c.Confirmed > 0 && tx.Now-c.Confirmed <= changeMinutes*60_000:
		return nil
	}
	return fault.New(fault.Denied, "This needs your password, given within the last %d minutes.", changeMinutes).
		WithHint("Give it again, then do it again.").WithWay(Own + "/confirm")
}

// unmet says what is to be done first.
func unmet(tx *gate.Tx, c *access.Caller, d Demand) error {
	has, err := Has(tx, c.User)
	if err != nil {
		return err
	}
	if !has {
		return fault.New(fault.Denied, "This needs a second factor, and you have none.").WithHint("Set one up on the page of your second factors.").WithWay(Own)
	}
	if c.AuthLevel >= 2 && d.Minutes > 0 {
		return fault.New(fault.Denied, "This needs your second factor, given within the last %d minutes.", d.Minutes).WithHint("Confirm that it is you, then do it again.").WithWay(Own + "/confirm")
	}
	return fault.New(fault.Denied, "This needs your second factor.").WithHint("Confirm that it is you, then do it again.").WithWay(Own + "/confirm")
}

func shortTime(tx *gate.Tx) string { return strconv.FormatInt(tx.Now/time.Minute.Milliseconds(), 10) }
