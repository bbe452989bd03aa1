// Package teller tells people of the deadlines of tickets, and does what agreements say is
// done when a part of a goal is used up.
//
// Always true: each level that a ticket passes is told once, and what is done then is done
// once, in the transaction that notes it; who may not see the ticket is told nothing; a
// ticket that is over is not changed.
package teller

import (
	"context"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/clock"
)

// What the notices are about: what is due soon, and what is late.
const (
	Topic = "deadline"
	Late  = "breached"
)

// batch is how many tickets are looked at in one transaction.
const batch = 100

// Teller tells people of deadlines. Fill the fields.
type Teller struct {
	Gate    *gate.Gate
	Records *record.Engine

	// Passed, when set, is told of each level in the transaction that notes it.
	Passed func(tx *gate.Tx, ticket *record.Record, late bool, mark string) error
	// OnCall, when set, gives a ticket to who is on call for a team, its own when that is 0,
	// and says what it did.
	OnCall func(tx *gate.Tx, e *record.Engine, ticket *record.Record, team id.ID) (string, error)
}

// Run tells of every level that a ticket of a tenant has passed and that was not told. A
// schedule calls it; it bears repetition, and to be broken off.
func (m *Teller) Run(ctx context.Context, tenant string) error {
	if m.Records.Kinds.Kind(sla.Agreement) == nil {
		return nil
	}
	c := access.System(tenant, "job")
	for {
		var due []id.ID
		err := m.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
			due, err = tx.IDs(`select ticket_id from sla_next where at <= ? order by at, ticket_id limit ?`, tx.Now, batch)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		err = m.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry()) // telling changes nothing that somebody would look for in the log
			for _, n := range due {
				if err := m.tell(tx, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// tell tells of one ticket, and keeps when it is looked at again.
func (m *Teller) tell(tx *gate.Tx, ticket id.ID) error {
	p, err := m.Records.Links(tx, ticket)
	if err != nil {
		return err
	}
	if _, there := p[ticket]; !there { // deleted, for now or for good
		_, err := tx.Exec(`delete from sla_next where ticket_id = ?`, int64(ticket))
		return err
	}
	r, err := m.Records.Get(tx, "", ticket)
	if err != nil {
		return err
	}
	list, _, err := sla.Clocks(tx, r)
	if err != nil {
		return err
	}
	told, err := sla.Told(tx, ticket)
	if err != nil {
		return err
	}
	for _, c := range list {
		for _, mark := range clock.Due([]clock.Clock{c}, func(key string) bool { return told[key] }, time.UnixMilli(tx.Now)) {
			fresh, err := tx.Exec(`insert into sla_told (ticket_id, mark, at) values (?, ?, ?) on conflict do nothing`, int64(ticket), mark.Key, tx.Now)
			if err != nil {
				return err
			}
			if fresh == 0 || c.State.Over() && mark.Level != clock.Breach { // what is done needs no warning
				continue
			}
			if mark.Level == sla.Warning || mark.Level == clock.Breach {
				if err := m.send(tx, r, c, mark); err != nil {
					return err
				}
			}
			if err := m.escalate(tx, ticket, c, mark); err != nil {
				return err
			}
			if m.Passed != nil {
				if err := m.Passed(tx, r, mark.Level == clock.Breach, mark.Key); err != nil {
					return err
				}
			}
		}
	}
	if r, err = m.Records.Get(tx, "", ticket); err != nil { // as it is after what was done
		return err
	}
	if list, _, err = sla.Clocks(tx, r); err != nil {
		return err
	}
	return sla.Again(tx, ticket, list)
}

// send tells the owner of a ticket, or its team when it has none; of a breach both, and the
// team's manager.
func (m *Teller) send(tx *gate.Tx, r *record.Record, c clock.Clock, mark clock.Mark) error {
	var to []id.ID
	if owner := r.Values.ID("owner_id"); owner != 0 {
		to = append(to, owner)
	}
	if team := r.Values.ID("team_id"); team != 0 && (len(to) == 0 || mark.Level == clock.Breach) {
		members, err := m.Records.Field(tx, "team", "member_ids", team)
		if err != nil {
			return err
		}
		managers, err := m.Records.Field(tx, "team", "manager_id", team)
		if err != nil {
			return err
		}
		if list, ok := members[team].([]id.ID); ok {
			to = append(to, list...)
		}
		if manager, ok := managers[team].(id.ID); ok && mark.Level == clock.Breach {
			to = append(to, manager)
		}
	}
	topic, what := Topic, "is due soon: "+string(c.Measure)+"."
	if mark.Level == clock.Breach {
		topic, what = Late, "is late: "+string(c.Measure)+"."
	}
	_, err := notification.Send(tx, notification.Notice{Topic: topic, To: to, Record: r.ID, Own: true, Key: "deadline/" + r.ID.String() + "/" + mark.Key,
		Text: []notification.Part{notification.Of(r.ID), notification.Words(what)}})
	return err
}
