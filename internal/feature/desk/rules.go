package desk

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/number"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/clock"
)

// Rules are those of a kind of tickets. Life is needed.
type Rules struct {
	Life *lifecycle.Lifecycle
	// Usual is the state of a new ticket that names none, when what it demands is
	// known; else it begins in Otherwise, or in the first when that is empty.
	Usual, Otherwise string
	// Done are the states in which the work is done, Final those that end a ticket, and
	// Held those beside the waiting ones in which it is somebody else's turn.
	Done, Final, Held []string
	// Fill completes what only this kind has; nil is nothing.
	Fill func(tx *gate.Tx, now, old *record.Record) error
}

// Before is the kind's: it completes the ticket, then the lifecycle decides. What a
// ticket brings along from another house, its number says, is not judged again:
// who made it there and when is not known here.
func (s *Rules) Before(tx *gate.Tx, now, old *record.Record) error {
	came, err := s.numbered(tx, now, old)
	if err != nil {
		return err
	}
	if ms, ok := now.Values[sla.Reported].(int64); ok && ms > tx.Now && (old == nil || old.Values[sla.Reported] != ms) {
		return fault.Field(sla.Reported, "It cannot have come in later than now.")
	}
	prioritise(now)
	if err := tidied(now); err != nil {
		return err
	}
	if old != nil && now.Values.ID(MergedInto) != 0 {
		who, err := Person(tx)
		if err != nil {
			return err
		}
		return s.mergedTicket(now, old, tx.Now, who)
	}
	if err := placed(tx, now, old); err != nil {
		return err
	}
	if err := s.Life.Allow(tx, now, old); err != nil { // of what was asked for, not of what rules add
		return err
	}
	if s.Fill != nil {
		if err := s.Fill(tx, now, old); err != nil {
			return err
		}
	}
	if err := s.state(tx, now, old); err != nil {
		return err
	}
	if came {
		now.Values["final"] = slices.Contains(s.Final, now.Values.Text(s.Life.Field))
		return nil
	}
	if err := s.stamp(tx, now, old); err != nil {
		return err
	}
	if err := s.Life.Check(now, old); err != nil {
		return err
	}
	if is := now.Values.Text(s.Life.Field); old != nil && slices.Contains(s.Done, is) && !slices.Contains(s.Done, old.Values.Text(s.Life.Field)) {
		return ticked(tx, now, s.Life.Field)
	}
	return nil
}

// After is the kind's: the clocks of the ticket follow it, and its customer is told when
// the work is done.
func (s *Rules) After(tx *gate.Tx, now, old *record.Record) error {
	if merging(now, old) { // its clocks go on there, and its customer is not told that anything is solved
		return sla.Follow(tx, now, old, func(state string) clock.Phase {
			if slices.Contains(s.Final, state) {
				return clock.Dropped
			}
			return s.phase(state)
		})
	}
	if err := sla.Follow(tx, now, old, s.phase); err != nil {
		return err
	}
	if state := now.Values.Text(s.Life.Field); old != nil && slices.Contains(s.Done, state) && !slices.Contains(s.Done, old.Values.Text(s.Life.Field)) {
		return letter.Resolved(tx, now)
	}
	return nil
}

// phase is what a state means for clocks.
func (s *Rules) phase(state string) clock.Phase {
	is := s.Life.State(state)
	switch {
	case slices.Contains(s.Done, state):
		return clock.Done
	case slices.Contains(s.Final, state), is != nil && len(is.To) > 0 && !slices.ContainsFunc(is.To, func(to string) bool { return !slices.Contains(s.Final, to) }):
		return clock.Dropped
	case strings.HasPrefix(state, "Waiting"), slices.Contains(s.Held, state):
		return clock.OnHold
	case is != nil && is.Begins && len(is.Requires) == 0:
		return clock.New
	}
	return clock.Working
}

// numbered gives a new ticket its number, and tells whether it brought one along.
func (s *Rules) numbered(tx *gate.Tx, now, old *record.Record) (came bool, err error) {
	if old != nil {
		now.Values["number"] = old.Values["number"]
		return false, nil
	}
	n, brought := now.Values["number"].(int64)
	return brought && n > 0, Numbered(tx, now)
}

// Numbered gives a new record the next number of its series, unless it brings one along
// that is not taken here.
func Numbered(tx *gate.Tx, now *record.Record) error {
	series := now.Kind.Field("number").Series
	if n, ok := now.Values["number"].(int64); ok && n > 0 {
		var have int
		if err := tx.QueryRow(`select count(*) from `+now.Kind.Table()+` where number = ?`, n).Scan(&have); err != nil {
			return err
		}
		if have == 0 {
			return number.Taken(tx, series, n)
		}
	}
	n, err := number.Next(tx, series)
	now.Values["number"] = n
	return err
}

// placed fills the service from the category, and refuses a category of another.
func placed(tx *gate.Tx, now, old *record.Record) error {
	if now.Kind.Field("category_id") == nil || now.Kind.Field("service_id") == nil {
		return nil
	}
	category, service := now.Values.ID("category_id"), now.Values.ID("service_id")
	if category == 0 || old != nil && old.Values.ID("category_id") == category && old.Values.ID("service_id") == service {
		return nil
	}
	of, err := now.Kind.Engine().Field(tx, "category", "service_id", category)
	if err != nil {
		return err
	}
	switch its, _ := of[category].(id.ID); {
	case its == 0 || its == service:
	case service == 0:
		now.Values["service_id"] = its
	default:
		return fault.Field("category_id", "This category belongs to another service.")
	}
	return nil
}

// state fills the state of a ticket that names none, and what the state demands.
func (s *Rules) state(tx *gate.Tx, now, old *record.Record) error {
	field := s.Life.Field
	if now.Values.Text(field) != "" {
		return s.demanded(tx, now, now.Values.Text(field))
	}
	if old != nil {
		now.Values[field] = old.Values.Text(field)
		return nil
	}
	tried := *now
	tried.Values = now.Values.Clone()
	tried.Values[field] = s.Usual
	if err := s.demanded(tx, &tried, s.Usual); err != nil {
		return err
	}
	if s.Life.Check(&tried, nil) == nil {
		now.Values = tried.Values
		return nil
	}
	if now.Values[field] = s.Life.States[0].Name; s.Otherwise != "" {
		now.Values[field] = s.Otherwise
	}
	return nil
}

// demanded fills what a state demands and the rules can tell: who changes the ticket
// becomes its owner, the owner's team takes it, and the service is the service desk.
func (s *Rules) demanded(tx *gate.Tx, now *record.Record, state string) error {
	is := s.Life.State(state)
	if is == nil {
		return nil
	}
	lacks := func(f string) bool { return slices.Contains(is.Requires, f) && now.Values[f] == nil }
	if lacks("owner_id") && !tx.Caller.Customer() { // who asked does not work on it
		if who, err := Person(tx); err != nil || who != 0 {
			now.Values["owner_id"] = who
			if err != nil {
				return err
			}
		}
	}
	if lacks("team_id") && now.Values.ID("owner_id") != 0 {
		team, err := teamOf(tx, now.Kind.Engine(), now.Values.ID("owner_id"))
		if err != nil {
			return err
		}
		if team != 0 {
			now.Values["team_id"] = team
		}
	}
	if lacks("service_id") {
		service, err := named(tx, now.Kind.Engine(), "service", "Service Desk")
		if err != nil {
			return err
		}
		if service != 0 {
			now.Values["service_id"] = service
		}
	}
	return nil
}

// stamp notes when and by whom a ticket was resolved and closed. A ticket that is
// opened again is neither.
func (s *Rules) stamp(tx *gate.Tx, now, old *record.Record) error {
	state := now.Values.Text(s.Life.Field)
	now.Values["final"] = slices.Contains(s.Final, state)
	for _, x := range []struct {
		in     []string
		at, by string
	}{{s.Done, "resolved_at", "resolved_by_id"}, {s.Final, "closed_at", "closed_by_id"}} {
		switch {
		case now.Kind.Field(x.at) == nil:
		case !slices.Contains(x.in, state):
			delete(now.Values, x.at)
			delete(now.Values, x.by)
		case old == nil || !slices.Contains(x.in, old.Values.Text(s.Life.Field)):
			who, err := Person(tx)
			if err != nil {
				return err
			}
			now.Values[x.at] = tx.Now
			if who != 0 {
				now.Values[x.by] = who
			}
		}
	}
	return nil
}

// Person is the user who acts; an API key that is nobody's, a rule, and the system, are none.
func Person(tx *gate.Tx) (id.ID, error) {
	if tx.Caller.Behind != nil {
		return 0, nil
	}
	var n int
	err := tx.QueryRow(`select count(*) from record where id = ? and kind = 'user' and trashed_at is null`, int64(tx.Caller.User)).Scan(&n)
	if n == 0 {
		return 0, err
	}
	return tx.Caller.User, err
}

// teamOf is the only team that somebody belongs to; 0 for none or several.
func teamOf(tx *gate.Tx, e *record.Engine, user id.ID) (id.ID, error) {
	out, err := TeamsOf(tx, e, user)
	if err != nil {
		return 0, err
	}
	if len(out) != 1 {
		return 0, nil
	}
	return out[0], nil
}

// named is the record of a list that is called so; 0 for none.
func named(tx *gate.Tx, e *record.Engine, kind, name string) (id.ID, error) {
	p, err := e.List(tx, kind, record.Query{Archived: "no", Limit: 1, NoTotal: true, Filters: []record.Filter{{Field: "name", Op: record.Eq, Values: []any{name}}}})
	if err != nil || len(p.Records) == 0 {
		return 0, err
	}
	return p.Records[0].ID, nil
}
