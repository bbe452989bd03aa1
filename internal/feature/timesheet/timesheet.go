// Package timesheet holds the time that people spend on tickets: entries with what they are
// worth, and timers that run while they work.
//
// Always true: an entry lies on one ticket for good, and whoever may see that sees it; what an hour is
// worth is kept with the entry when it is made, so that a rate that changes later changes no entry; money is
// counted in whole cents; who worked changes her own entries and nobody else's but who manages
// lists, and in a month that is closed administrators alone do; a person has one timer at most, which the server keeps.
package timesheet

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
)

// The kinds.
const (
	Kind = "time_entry"
	Rate = "time_rate"
)

// mostMinutes is how long an entry is at the most.
const mostMinutes = 24 * 60

// Feature is the kinds, with timers and the months that are closed.
func Feature() record.Feature {
	return record.Feature{Name: "timesheet", Kinds: []*record.Kind{rates(), entries()}, Schema: []string{
		`create table if not exists time_timer (user_id int primary key, ticket_id int not null, started_at int not null)`,
		`create table if not exists time_sent (user_id int not null, mark text not null, at int not null, primary key (user_id, mark))`,
		`create table if not exists time_period (month text primary key, closed_at int not null, closed_by int not null)`,
	}, Purge: func(tx *gate.Tx, r *record.Record) error {
		if _, err := tx.Exec(`delete from time_sent where user_id = ?`, int64(r.ID)); err != nil {
			return err
		}
		_, err := tx.Exec(`delete from time_timer where user_id = ? or ticket_id = ?`, int64(r.ID), int64(r.ID))
		return err
	}}
}

// Currencies are those in which rates are said.
func Currencies() []string {
	return []string{"EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "CAD", "AUD"}
}

func roles() (out []string) {
	for _, r := range access.Roles() {
		out = append(out, string(r))
	}
	return out
}

func rates() *record.Kind {
	return &record.Kind{
		Name: Rate, Plural: "time_rates", Label: "Rate", Labels: "Rates", Icon: "businessplan", Scope: record.OfOrganization, Shared: true, Before: beforeRate,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "hourly", Label: "An hour", Type: record.Text, Class: record.Internal, Required: true, List: true, Hint: "Such as 95.00."},
			{Name: "currency", Type: record.Choice, Choices: Currencies(), Default: "EUR", Class: record.Internal, Filter: true, List: true},
			{Name: "role", Type: record.Choice, Choices: roles(), Class: record.Internal, Filter: true, List: true, Hint: "Of who works. Empty: everybody who has no rate of her own."},
			{Name: "round_to", Label: "Rounded up to", Type: record.Integer, Class: record.Internal, Default: int64(1), Group: "What is counted", Hint: "Minutes, such as 15. What is billed is rounded, what was worked is kept."},
			{Name: "at_least", Label: "At least", Type: record.Integer, Class: record.Internal, Default: int64(0), Group: "What is counted", Hint: "Minutes."},
		},
	}
}

var money = regexp.MustCompile(`^([0-9]{1,7})(?:[.,]([0-9]{2}))?$`)

// Cents reads a sum of money such as 95.00; false when it is none.
func Cents(text string) (int64, bool) {
	m := money.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, false
	}
	whole, _ := strconv.ParseInt(m[1], 10, 64)
	part, _ := strconv.ParseInt("0"+m[2], 10, 64)
	return whole*100 + part, true
}

// Money writes cents such as 95.00.
func Money(cents int64) string {
	s := strconv.FormatInt(cents%100, 10)
	return strconv.FormatInt(cents/100, 10) + "." + strings.Repeat("0", 2-len(s)) + s
}

// Spent writes minutes such as 1 h 30 min.
func Spent(minutes int64) string {
	h, m := minutes/60, minutes%60
	switch {
	case h == 0:
		return strconv.FormatInt(m, 10) + " min"
	case m == 0:
		return strconv.FormatInt(h, 10) + " h"
	}
	return strconv.FormatInt(h, 10) + " h " + strconv.FormatInt(m, 10) + " min"
}

func beforeRate(_ *gate.Tx, now, _ *record.Record) error {
	cents, ok := Cents(now.Values.Text("hourly"))
	if !ok {
		return fault.Field("hourly", "What an hour costs is a sum such as 95.00.")
	}
	now.Values["hourly"] = Money(cents)
	for _, x := range []struct {
		field string
		least int64
	}{{"round_to", 1}, {"at_least", 0}} {
		if n, ok := now.Values[x.field].(int64); ok && (n < x.least || n > 480) {
			return fault.Field(x.field, "These are %d to 480 minutes.", x.least)
		}
	}
	return nil
}

func entries() *record.Kind {
	kept := func(name, label string, t record.Type) record.Field {
		return record.Field{Name: name, Label: label, Type: t, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Group: "What it is worth"}
	}
	k := &record.Kind{
		Name: Kind, Plural: "time_entries", Label: "Time entry", Labels: "Time entries", Icon: "hourglass", Scope: record.OfParent, Parent: "incident_id",
		Before: before, After: after, NameOf: named,
		Fields: []record.Field{
			{Name: "name", Label: "What was done", Type: record.Text, Class: record.Personal, Filter: true, Search: true, List: true},
			{Name: "minutes", Type: record.Integer, Class: record.Internal, Required: true, Filter: true, Sort: true, List: true},
			{Name: "worked_on", Label: "On", Type: record.Date, Class: record.Internal, Filter: true, Sort: true, List: true, Hint: "Left empty, it is today."},
			{Name: "person_id", Label: "Who worked", Type: record.Ref, Ref: "user", Class: record.Personal, Filter: true, List: true, Hint: "Left empty, it is you."},
			{Name: "billable", Label: "Billed", Type: record.Bool, Class: record.Internal, Default: true, Filter: true, List: true},
			kept("counted", "Minutes counted", record.Integer), kept("hourly_cents", "Cents an hour", record.Integer), kept("amount_cents", "Cents", record.Integer), kept("currency", "Currency", record.Text),
			kept("round_to", "Rounded up to", record.Integer), kept("at_least", "At least", record.Integer),
		},
	}
	for i, f := range entry.Tickets() {
		k.Fields = append(k.Fields, f)
		if i > 0 {
			k.Parents = append(k.Parents, f.Name)
		}
	}
	return k
}

func named(v record.Values) string {
	n, _ := v["minutes"].(int64)
	return Spent(n)
}

// Counted is what is billed of some minutes.
func Counted(minutes, roundTo, atLeast int64) int64 {
	minutes = max(minutes, atLeast)
	if roundTo > 1 {
		minutes = (minutes + roundTo - 1) / roundTo * roundTo
	}
	return minutes
}

// Amount is what minutes are worth, in cents, rounded to the nearest.
func Amount(minutes, hourly int64) int64 { return (minutes*hourly + 30) / 60 }

// before completes an entry, and refuses what is not hers to change.
func before(tx *gate.Tx, now, old *record.Record) error {
	n, _ := now.Values["minutes"].(int64)
	if n < 1 || n > mostMinutes {
		return fault.Field("minutes", "An entry is of 1 to %d minutes.", mostMinutes).WithHint("Enter a longer time in parts, day by day.")
	}
	if now.Values.Text("worked_on") == "" {
		now.Values["worked_on"] = day(tx.Now)
	}
	if now.Values.Text("worked_on") > day(tx.Now+24*time.Hour.Milliseconds()) {
		return fault.Field("worked_on", "Nobody has worked then yet.")
	}
	if old == nil && now.Values["person_id"] == nil && isPerson(tx) {
		now.Values["person_id"] = tx.Caller.User
	}
	if old != nil && now.Parent != old.Parent {
		return fault.New(fault.Invalid, "An entry stays on its ticket.").WithHint("Enter the time there, and remove it here.")
	}
	if err := may(tx, now); err != nil {
		return err
	}
	if old != nil {
		if err := may(tx, old); err != nil {
			return err
		}
	} else if now.Values["hourly_cents"] == nil { // what is brought in keeps what it was worth
		if err := worth(tx, now); err != nil {
			return err
		}
	}
	hourly, _ := now.Values["hourly_cents"].(int64)
	roundTo, _ := now.Values["round_to"].(int64)
	atLeast, _ := now.Values["at_least"].(int64)
	now.Values["counted"], now.Values["amount_cents"] = int64(0), int64(0)
	if now.Values.Bool("billable") {
		counted := Counted(n, roundTo, atLeast)
		now.Values["counted"], now.Values["amount_cents"] = counted, Amount(counted, hourly)
	}
	if strings.TrimSpace(now.Name) == "" {
		now.Name = named(now.Values)
	}
	return nil
}

func after(tx *gate.Tx, now, old *record.Record) error {
	if old != nil && now.Trashed != old.Trashed {
		return may(tx, old)
	}
	return nil
}

// may refuses to change another's entry, and one of a month that is closed.
func may(tx *gate.Tx, r *record.Record) error {
	if tx.Caller.User == 0 || tx.Caller.May(access.Administer) {
		return nil
	}
	if who := r.Values.ID("person_id"); who != 0 && who != tx.Caller.User && !tx.Caller.May(access.Configure) {
		return fault.New(fault.Denied, "Only who worked enters and changes this time, and who manages lists.").WithHint("Ask her, or a manager.")
	}
	month := r.Values.Text("worked_on")
	if len(month) < 7 {
		return nil
	}
	closed, err := Closed(tx, month[:7])
	if err == nil && closed {
		err = fault.New(fault.Denied, "%s is closed: its times were handed on.", month[:7]).WithHint("Ask an administrator to open it, or enter the time in another month.")
	}
	return err
}

func day(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02") }

func isPerson(tx *gate.Tx) bool { return tx.Caller.User != 0 && tx.Caller.User != tx.Caller.Key }

// worth keeps what an hour is worth: the rate of the organization before that of all, and of the
// role of who works before that of everybody.
func worth(tx *gate.Tx, now *record.Record) error {
	role := ""
	if who := now.Values.ID("person_id"); who != 0 && who == tx.Caller.User {
		role = string(tx.Caller.Role)
	} else if k := now.Kind.Engine().Kinds.Kind("user"); who != 0 && k != nil && k.Field("role_name") != nil {
		of, err := now.Kind.Engine().Field(tx, "user", "role_name", who)
		if err != nil {
			return err
		}
		role, _ = of[who].(string)
	}
	org := now.Org
	var n int64
	var hourly, currency string
	var roundTo, atLeast int64
	rows, err := tx.Query(`select k.id, k.hourly, k.currency, coalesce(k.round_to, 1), coalesce(k.at_least, 0) from k_time_rate k join record r on r.id = k.id
		where r.archived = 0 and r.trashed_at is null and coalesce(r.org_id, 0) in (?, 0) and coalesce(k.role, '') in (?, '')
		order by case coalesce(r.org_id, 0) when 0 then 1 else 0 end, case coalesce(k.role, '') when '' then 1 else 0 end, k.id desc limit 1`, int64(org), role)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n, &hourly, &currency, &roundTo, &atLeast); err != nil {
			return err
		}
		cents, _ := Cents(hourly)
		now.Values["hourly_cents"], now.Values["currency"], now.Values["round_to"], now.Values["at_least"] = cents, currency, roundTo, atLeast
	}
	return rows.Err()
}

// Sum is what was worked, in minutes, and what of it is billed; by currency what that is worth.
type Sum struct {
	Entries, Minutes, Counted int64
	Cents                     map[string]int64
}

func (s *Sum) add(x Sum) {
	s.Entries, s.Minutes, s.Counted = s.Entries+x.Entries, s.Minutes+x.Minutes, s.Counted+x.Counted
	for c, n := range x.Cents {
		if s.Cents == nil {
			s.Cents = map[string]int64{}
		}
		s.Cents[c] += n
	}
}

// ByOrg is the time of a month for an organization, as far as the caller sees its tickets.
type ByOrg struct {
	Org  id.ID
	Name string
	Sum
}

// Totals gives the time of a month, such as 2026-11, by organization, and all of it.
func Totals(tx *gate.Tx, e *record.Engine, month string) (list []ByOrg, all Sum, err error) {
	sees, who := tx.VisibleOf("r", Kind)
	rows, err := tx.Query(`select coalesce(r.org_id, 0), coalesce(k.currency, ''), count(*), coalesce(sum(k.minutes), 0), coalesce(sum(k.counted), 0), coalesce(sum(k.amount_cents), 0)
		from k_time_entry k join record r on r.id = k.id where r.trashed_at is null and k.worked_on >= ? and k.worked_on <= ? and `+sees+` group by 1, 2 order by 1, 2`, append([]any{month + "-01", month + "-31"}, who...)...)
	if err != nil {
		return nil, all, err
	}
	defer rows.Close()
	var orgs []id.ID
	for rows.Next() {
		var org, cents int64
		var currency string
		var s Sum
		if err := rows.Scan(&org, &currency, &s.Entries, &s.Minutes, &s.Counted, &cents); err != nil {
			return nil, all, err
		}
		if currency != "" {
			s.Cents = map[string]int64{currency: cents}
		}
		if n := id.ID(org); len(list) == 0 || list[len(list)-1].Org != n {
			list, orgs = append(list, ByOrg{Org: n}), append(orgs, n)
		}
		list[len(list)-1].add(s)
		all.add(s)
	}
	if err := rows.Err(); err != nil {
		return nil, all, err
	}
	names, err := e.Names(tx, orgs...)
	for i := range list {
		list[i].Name = names[list[i].Org]
	}
	return list, all, err
}

// Of gives the time that was spent on a ticket, the latest first.
func Of(tx *gate.Tx, e *record.Engine, ticket id.ID, most int) (list []*record.Record, all Sum, err error) {
	p, err := e.List(tx, Kind, record.Query{Parent: ticket, Limit: most, Sort: []record.Order{{Field: "worked_on", Desc: true}, {Field: "id", Desc: true}}})
	if err != nil {
		return nil, all, err
	}
	sees, who := tx.VisibleOf("r", Kind)
	rows, err := tx.Query(`select coalesce(k.currency, ''), count(*), coalesce(sum(k.minutes), 0), coalesce(sum(k.counted), 0), coalesce(sum(k.amount_cents), 0)
		from k_time_entry k join record r on r.id = k.id where r.trashed_at is null and r.parent_id = ? and r.parent_id <> 0 and `+sees+` group by 1 order by 1`, append([]any{int64(ticket)}, who...)...)
	if err != nil {
		return nil, all, err
	}
	defer rows.Close()
	for rows.Next() {
		var currency string
		var cents int64
		var s Sum
		if err := rows.Scan(&currency, &s.Entries, &s.Minutes, &s.Counted, &cents); err != nil {
			return nil, all, err
		}
		if currency != "" {
			s.Cents = map[string]int64{currency: cents}
		}
		all.add(s)
	}
	return p.Records, all, rows.Err()
}
