package sla

import (
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla/clock"
)

// Due is the field of a ticket that holds when the next of its clocks runs out, and
// Reported the one that says when it came in.
const Due, Reported = "due_at", "reported_at"

// priority of a ticket as clocks know it: its own, or what follows from the urgency of one
// that has none.
func priority(r *record.Record) int {
	if p := r.Values.Text("priority"); len(p) == 1 {
		return int(p[0] - '0')
	}
	return map[string]int{"High": 2, "Medium": 3, "Low": 4}[r.Values.Text("urgency")]
}

// began is when a ticket came in: when somebody says so, or when it was made.
func began(r *record.Record) time.Time {
	if ms, ok := r.Values[Reported].(int64); ok && ms < r.Created {
		return at(ms)
	}
	return at(r.Created)
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Follow notes what a saved ticket means for its clocks, in the transaction that saves
// it; phase says what a state means. It does nothing in a house without agreements.
func Follow(tx *gate.Tx, now, old *record.Record, phase func(state string) clock.Phase) error {
	if now.Kind.Engine().Kinds.Kind(Agreement) == nil || old != nil && old.Trashed != now.Trashed {
		return nil
	}
	events, err := Events(tx, now.ID)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		first := now
		if old != nil { // from before there were clocks
			first = old
		}
		if events, err = begin(tx, first, phase); err != nil {
			return err
		}
	}
	if old != nil {
		e, err := since(tx, now, old, events, phase)
		if err != nil {
			return err
		}
		if e != (clock.Event{}) {
			e.At = at(tx.Now)
			if e, err = note(tx, now.ID, e); err != nil {
				return err
			}
			events = append(events, e)
		}
		if old.Values[Reported] != now.Values[Reported] {
			events[0].At = began(now)
			if _, err := tx.Exec(`update sla_event set at = ? where id = ?`, events[0].At.UnixMilli(), events[0].Seq); err != nil {
				return err
			}
		}
	}
	return look(tx, now, events)
}

// begin notes that a ticket came in.
func begin(tx *gate.Tx, r *record.Record, phase func(string) clock.Phase) ([]clock.Event, error) {
	c, err := choose(tx, r)
	if err != nil {
		return nil, err
	}
	state := r.Values.Text("status")
	e, err := note(tx, r.ID, clock.Event{At: began(r), Phase: phase(state), Note: state, Priority: priority(r), Team: team(r), Agreement: c.agreement, Calendar: c.calendar})
	return []clock.Event{e}, err
}

func team(r *record.Record) string {
	if n := r.Values.ID("team_id"); n != 0 {
		return n.String()
	}
	return ""
}

// since is what changed for the clocks, as an event; the zero one when nothing did.
func since(tx *gate.Tx, now, old *record.Record, events []clock.Event, phase func(string) clock.Phase) (clock.Event, error) {
	var e clock.Event
	if s := now.Values.Text("status"); s != old.Values.Text("status") {
		e.Phase, e.Note = phase(s), s
	}
	if t := team(now); t != team(old) {
		e.Team = t
	}
	prioritised := priority(now) != priority(old)
	if prioritised {
		e.Priority = priority(now)
	}
	if !prioritised && now.Org == old.Org && now.Values.ID("service_id") == old.Values.ID("service_id") {
		return e, nil
	}
	c, err := choose(tx, now)
	if err != nil {
		return e, err
	}
	holds := ""
	for _, x := range events {
		if x.Agreement != "" {
			holds = x.Agreement
		}
	}
	switch {
	case c.agreement == "" && holds != "" && holds != nothing:
		e.Agreement = nothing
	case c.agreement != "" && c.id != strings.SplitN(holds, ".", 2)[0]: // a later version of the same is for later tickets
		e.Agreement, e.Calendar, e.Policy = c.agreement, c.calendar, c.policy
	case prioritised:
		e.Policy = c.policy
	}
	return e, nil
}

// Answered notes that somebody answered the customer of a ticket.
func Answered(tx *gate.Tx, ticket *record.Record) error {
	if ticket.Kind.Field(Due) == nil || ticket.Kind.Engine().Kinds.Kind(Agreement) == nil {
		return nil
	}
	events, err := Events(tx, ticket.ID)
	if err != nil || len(events) == 0 {
		return err
	}
	for _, e := range events {
		if e.Answered {
			return nil
		}
	}
	e, err := note(tx, ticket.ID, clock.Event{At: at(tx.Now), Answered: true, Note: "Answered"})
	if err != nil {
		return err
	}
	return look(tx, ticket, append(events, e))
}

// Began tells when the clocks of a ticket began, in Unix milliseconds; 0 for none.
func Began(tx *gate.Tx, ticket *record.Record) (int64, error) {
	if ticket.Kind.Field(Due) == nil || ticket.Kind.Engine().Kinds.Kind(Agreement) == nil {
		return 0, nil
	}
	events, err := Events(tx, ticket.ID)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[0].At.UnixMilli(), nil
}

// Merge gives a ticket the earlier clock of another that is merged into it, see clock.Merge; what
// was told of that is not told again.
func Merge(tx *gate.Tx, remains *record.Record, merged id.ID) error {
	if remains.Kind.Field(Due) == nil || remains.Kind.Engine().Kinds.Kind(Agreement) == nil {
		return nil
	}
	have, err := Events(tx, remains.ID)
	if err != nil {
		return err
	}
	theirs, err := Events(tx, merged)
	if err != nil || len(theirs) == 0 || len(have) == 0 || !theirs[0].At.Before(have[0].At) {
		return err
	}
	if _, err := tx.Exec(`delete from sla_event where ticket_id = ?`, int64(remains.ID)); err != nil {
		return err
	}
	var events []clock.Event
	for _, e := range clock.Merge(have, theirs, at(tx.Now)) {
		if e, err = note(tx, remains.ID, e); err != nil {
			return err
		}
		events = append(events, e)
	}
	if _, err := tx.Exec(`insert into sla_told (ticket_id, mark, at) select ?, mark, at from sla_told t where t.ticket_id = ? on conflict do nothing`, int64(remains.ID), int64(merged)); err != nil {
		return err
	}
	return look(tx, remains, events)
}

// note keeps an event.
func note(tx *gate.Tx, ticket id.ID, e clock.Event) (clock.Event, error) {
	n, err := tx.NewID()
	if err != nil {
		return e, err
	}
	e.Seq = int64(n)
	_, err = tx.Exec(`insert into sla_event (id, ticket_id, at, phase, note, answered, team, priority, agreement, calendar, policy) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, int64(ticket), e.At.UnixMilli(), string(e.Phase), e.Note, e.Answered, e.Team, e.Priority, e.Agreement, e.Calendar, string(e.Policy))
	return e, err
}

// Events are what happened to a ticket that its clocks know of, in order.
func Events(tx *gate.Tx, ticket id.ID) ([]clock.Event, error) {
	rows, err := tx.Query(`select id, at, phase, note, answered, team, priority, agreement, calendar, policy from sla_event where ticket_id = ? order by at, id`, int64(ticket))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []clock.Event
	for rows.Next() {
		var e clock.Event
		var ms int64
		var phase, policy string
		if err := rows.Scan(&e.Seq, &ms, &phase, &e.Note, &e.Answered, &e.Team, &e.Priority, &e.Agreement, &e.Calendar, &policy); err != nil {
			return nil, err
		}
		e.At, e.Phase, e.Policy = at(ms), clock.Phase(phase), clock.Policy(policy)
		out = append(out, e)
	}
	return out, rows.Err()
}

// Clocks gives how a ticket that the caller may see stands now, and the terms that its
// clocks name.
func Clocks(tx *gate.Tx, ticket *record.Record) ([]clock.Clock, clock.Terms, error) {
	if ticket.Kind.Field(Due) == nil || ticket.Kind.Engine().Kinds.Kind(Agreement) == nil {
		return nil, clock.Terms{}, nil
	}
	events, err := Events(tx, ticket.ID)
	if err != nil {
		return nil, clock.Terms{}, err
	}
	t, err := terms(tx, ticket.Kind.Name, events)
	if err != nil {
		return nil, t, err
	}
	list, err := clock.Compute(events, t, at(tx.Now))
	return list, t, err
}

// look computes a ticket's clocks and keeps when the next of them runs out, for lists, and
// when it is to be looked at again. Both can be computed anew at any time.
func look(tx *gate.Tx, r *record.Record, events []clock.Event) error {
	t, err := terms(tx, r.Kind.Name, events)
	if err != nil {
		return err
	}
	list, err := clock.Compute(events, t, at(tx.Now))
	if err != nil {
		return err
	}
	var due any
	var first time.Time
	for _, c := range list {
		if c.State == clock.Running && !c.Due.IsZero() && (first.IsZero() || c.Due.Before(first)) {
			first = c.Due
		}
	}
	if !first.IsZero() {
		due = first.UnixMilli()
	}
	if err := keepFacts(tx, r, due, Facts(events, list)); err != nil {
		return err
	}
	return Again(tx, r.ID, list)
}

// Again keeps when a ticket is to be looked at next: at once when something is to be told
// that was not.
func Again(tx *gate.Tx, ticket id.ID, list []clock.Clock) error {
	told, err := Told(tx, ticket)
	if err != nil {
		return err
	}
	next, ok := clock.Next(list, at(tx.Now))
	if len(clock.Due(list, func(key string) bool { return told[key] }, at(tx.Now))) > 0 {
		next, ok = at(tx.Now), true
	}
	if !ok {
		_, err = tx.Exec(`delete from sla_next where ticket_id = ?`, int64(ticket))
		return err
	}
	_, err = tx.Exec(`insert into sla_next (ticket_id, at) values (?, ?) on conflict (ticket_id) do update set at = excluded.at`, int64(ticket), next.UnixMilli())
	return err
}

// Told are the keys of what was told of a ticket.
func Told(tx *gate.Tx, ticket id.ID) (map[string]bool, error) {
	rows, err := tx.Query(`select mark from sla_told where ticket_id = ?`, int64(ticket))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		out[key] = true
	}
	return out, rows.Err()
}
