// Package ipaccess lets people in from some addresses only.
//
// Always true: while rules are in force, somebody whom they name is answered from
// an address of theirs or not at all, at sign-in and at each request, before
// anything of the request is looked at; addresses are compared in one form, so that
// an IPv4 address is the same when it is written as IPv6; rules are changed with an
// entry in the audit log, and never so that they lock out who changes them unless
// she says that she means it. API keys have addresses of their own instead.
package ipaccess

import (
	"database/sql"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The actions of the audit entries.
const (
	Settled = "addresses.rules"
	Cleared = "addresses.clear" // from the console
)

// The modes of the rules.
const (
	Off  = "off"
	Test = "test" // nobody is refused; who would be is written down
	On   = "on"
)

// most is how many rules a tenant has at most, and tests how many addresses of
// each user are written down.
const most, tests = 500, 1000

// Feature is the tables of rules and of what a test found.
func Feature() record.Feature {
	return record.Feature{Name: "ipaccess", Schema: []string{
		`create table if not exists address_mode (one int primary key check (one = 1), mode text not null)`,
		`create table if not exists address_rule (n int primary key, network text not null, group_id int not null, note text not null)`,
		`create table if not exists address_tested (user_id int not null, address text not null, at int not null, n int not null, primary key (user_id, address))`,
	}, Purge: purge}
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from address_rule where group_id = ?`, `delete from address_tested where user_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Rule lets people in from a network.
type Rule struct {
	Network netip.Prefix
	Group   id.ID // whom; 0 is everybody
	Note    string
}

// Rules are a tenant's. The zero value lets everybody in from everywhere.
type Rules struct {
	Mode string
	List []Rule
}

// ParseNetwork reads an address or a network in CIDR notation, in the one form in
// which they are compared: what is written as IPv6 and is IPv4 becomes IPv4.
func ParseNetwork(s string) (netip.Prefix, error) {
	s = strings.TrimSpace(s)
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fault.New(fault.Invalid, "%q is neither an address nor a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48.", s)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fault.New(fault.Invalid, "%q reaches beyond the IPv4 addresses that it is written with.", s)
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// Of gives a tenant's rules.
func Of(tx *gate.Tx) (Rules, error) {
	r := Rules{Mode: Off}
	err := tx.QueryRow(`select mode from address_mode where one = 1`).Scan(&r.Mode)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, err
	}
	rows, err := tx.Query(`select network, group_id, note from address_rule order by n`)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	for rows.Next() {
		var x Rule
		var text string
		var group int64
		if err := rows.Scan(&text, &group, &x.Note); err != nil {
			return r, err
		}
		if x.Network, err = ParseNetwork(text); err != nil {
			return r, err
		}
		x.Group = id.ID(group)
		r.List = append(r.List, x)
	}
	return r, rows.Err()
}

// Allows tells whether the rules let a member of some groups in from an address:
// when none of them is for everybody or for a group of hers, or one of those holds
// the address. What has no address is let in by no rule.
func (r Rules) Allows(groups []id.ID, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	concerned := false
	for _, x := range r.List {
		if x.Group != 0 && !contains(groups, x.Group) {
			continue
		}
		concerned = true
		if addr.IsValid() && x.Network.Contains(addr) {
			return true
		}
	}
	return !concerned
}

func contains(list []id.ID, g id.ID) bool {
	for _, x := range list {
		if x == g {
			return true
		}
	}
	return false
}

// Set replaces a tenant's rules, inside a change allowed as Administer. Conflict when
// they would lock out the caller where she is now, unless sure. Invalid with the
// fields mode and rules.
func Set(tx *gate.Tx, r Rules, sure bool) error {
	if err := r.check(tx); err != nil {
		return err
	}
	c := tx.Caller
	if r.Mode == On && !sure && c.User != 0 && !r.Allows(c.Groups, c.Addr) {
		return fault.New(fault.Conflict, "These rules would lock you out: they do not let you in from %s, where you are now.", where(c.Addr)).
			WithHint("Add that address, or say that you mean it. At the server's console, strongroom tenant addresses -clear %s clears the rules.", c.Tenant)
	}
	if _, err := tx.Exec(`insert into address_mode (one, mode) values (1, ?) on conflict (one) do update set mode = excluded.mode`, r.Mode); err != nil {
		return err
	}
	for _, q := range []string{`delete from address_rule`, `delete from address_tested`} {
		if _, err := tx.Exec(q); err != nil {
			return err
		}
	}
	for i, x := range r.List {
		if _, err := tx.Exec(`insert into address_rule (n, network, group_id, note) values (?, ?, ?, ?)`, i, x.Network.String(), int64(x.Group), x.Note); err != nil {
			return err
		}
	}
	e := tx.Entry()
	e.Action, e.Detail.Text = Settled, r.Mode+", "+strconv.Itoa(len(r.List))+" rules"
	return nil
}

func where(a netip.Addr) string {
	if !a.IsValid() {
		return "an unknown address"
	}
	return a.Unmap().String()
}

func (r Rules) check(tx *gate.Tx) error {
	if r.Mode != Off && r.Mode != Test && r.Mode != On {
		return fault.Field("mode", "Choose whether the rules are in force.")
	}
	if len(r.List) > most {
		return fault.Field("rules", "There are at most %d rules.", most)
	}
	for _, x := range r.List {
		if !x.Network.IsValid() {
			return fault.Field("rules", "A rule has no network.")
		}
		if utf8.RuneCountInString(x.Note) > 200 {
			return fault.Field("rules", "A note has at most 200 characters.")
		}
		if x.Group != 0 {
			if err := tx.Check(access.Edit, gate.Thing{Kind: "group", ID: x.Group}); err != nil {
				return fault.Field("rules", "There is no such group.")
			}
		}
	}
	return nil
}

// Clear takes the rules out of force and removes them, as from the console, inside a
// change allowed as Administer.
func Clear(tx *gate.Tx) error {
	for _, q := range []string{`delete from address_mode`, `delete from address_rule`, `delete from address_tested`} {
		if _, err := tx.Exec(q); err != nil {
			return err
		}
	}
	tx.Entry().Action = Cleared
	return nil
}

// Tested is somebody whom rules in test would have refused.
type Tested struct {
	Name    string
	Address string
	At      int64 // the last time, Unix milliseconds
	Count   int   // how often that was noted, at most once an hour
}

// Found gives whom rules in test would have refused, the last first.
func Found(tx *gate.Tx) ([]Tested, error) {
	rows, err := tx.Query(`select coalesce(r.name, ''), t.address, t.at, t.n from address_tested t left join record r on r.id = t.user_id order by t.at desc, t.address limit 200`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Tested
	for rows.Next() {
		var x Tested
		if err := rows.Scan(&x.Name, &x.Address, &x.At, &x.Count); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// Places decides for identity.Sessions. The zero value works and is safe for
// concurrent use.
type Places struct {
	mu    sync.Mutex
	noted map[string]int64
}

// Check refuses, Denied, somebody at an address from which the rules in force do not
// let her in; tested tells that rules in test would have.
func (p *Places) Check(tx *gate.Tx, c *access.Caller, addr netip.Addr) (tested bool, err error) {
	var mode string
	err = tx.QueryRow(`select mode from address_mode where one = 1`).Scan(&mode)
	if errors.Is(err, sql.ErrNoRows) || err == nil && mode == Off {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r, err := Of(tx)
	if err != nil || r.Allows(c.Groups, addr) {
		return false, err
	}
	if r.Mode == Test {
		return p.due(tx.Tenant.ID+" "+c.User.String()+" "+where(addr), tx.Now), nil
	}
	return false, fault.New(fault.Denied, "You may not use this from %s.", where(addr)).WithHint("Ask an administrator which addresses are allowed.")
}

// due tells whether it is time to note a refusal again.
func (p *Places) due(key string, now int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now-p.noted[key] < time.Hour.Milliseconds() {
		return false
	}
	if p.noted == nil || len(p.noted) > 10_000 {
		p.noted = map[string]int64{}
	}
	p.noted[key] = now
	return true
}

// Note writes down, inside a change, whom rules in test would have refused.
func (*Places) Note(tx *gate.Tx, c *access.Caller, addr netip.Addr) error {
	_, err := tx.Exec(`insert into address_tested (user_id, address, at, n) values (?, ?, ?, 1) on conflict (user_id, address) do update set at = excluded.at, n = address_tested.n + 1`,
		int64(c.User), where(addr), tx.Now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`delete from address_tested where user_id = ? and address in (select address from address_tested where user_id = ? order by at desc limit 100 offset ?)`,
		int64(c.User), int64(c.User), tests)
	return err
}
