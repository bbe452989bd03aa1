package teller

import (
	"fmt"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/clock"
)

// escalate does what the agreement of a clock says is done at a level.
func (m *Teller) escalate(tx *gate.Tx, ticket id.ID, c clock.Clock, mark clock.Mark) error {
	deeds, err := sla.Deeds(tx, c, mark.Level)
	if err != nil {
		return err
	}
	for i, d := range deeds {
		if err := m.do(tx, ticket, c, d, fmt.Sprintf("escalation/%s/%s/%d", ticket, mark.Key, i)); err != nil {
			return err
		}
	}
	return nil
}

// do does one thing about a ticket as the one before left it. What its rules do not let
// happen is told to who leads its team.
func (m *Teller) do(tx *gate.Tx, ticket id.ID, c clock.Clock, d sla.Deed, key string) error {
	r, err := m.Records.Get(tx, "", ticket)
	if err != nil {
		return err
	}
	if v := m.wants(r, d); v != nil && !c.State.Over() && !r.Values.Bool("final") {
		_, err = m.Records.Update(tx, r.Kind.Name, ticket, 0, v)
		switch k := fault.Of(err); {
		case k == fault.Invalid || k == fault.Denied || k == fault.Conflict:
			return m.say(tx, r, m.leads(tx, r), "could not be escalated: "+fault.Say(err).Text, key)
		case err != nil:
			return err
		}
	}
	if d.Do == sla.GiveOnCall && m.OnCall != nil && !c.State.Over() && !r.Values.Bool("final") {
		return m.onCall(tx, r, d, key)
	}
	return m.say(tx, r, m.whom(tx, r, d), "is escalated: "+string(c.Measure)+".", key)
}

// onCall gives a ticket to who is on call. Why that is nobody is told to who leads the team.
func (m *Teller) onCall(tx *gate.Tx, r *record.Record, d sla.Deed, key string) error {
	said := ""
	err := tx.Try(func() (err error) {
		said, err = m.OnCall(tx, m.Records, r, d.Team)
		return err
	})
	switch k := fault.Of(err); {
	case err != nil && k != fault.Invalid && k != fault.Denied && k != fault.Conflict:
		return err
	case err != nil:
		said = "could not be given to who is on call: " + fault.Say(err).Text
	default:
		said = "is escalated. " + said
	}
	return m.say(tx, r, m.leads(tx, r), said, key)
}

// wants is what a deed changes of a ticket; nil for nothing.
func (m *Teller) wants(r *record.Record, d sla.Deed) record.Values {
	switch d.Do {
	case sla.Raise:
		return raised(r)
	case sla.GiveTeam:
		if r.Kind.Field("team_id") != nil && r.Values.ID("team_id") != d.Team {
			return record.Values{"team_id": d.Team}
		}
	case sla.GivePerson:
		if r.Values.ID("owner_id") != d.Person {
			return record.Values{"owner_id": d.Person}
		}
	}
	return nil
}

// raised makes a ticket one step more pressing: where the priority follows, the urgency,
// or else the impact.
func raised(r *record.Record) record.Values {
	for _, name := range []string{"urgency", "impact", "priority"} {
		f := r.Kind.Field(name)
		if f == nil || f.ReadOnly {
			continue
		}
		if i := slices.Index(f.Choices, r.Values.Text(name)); i > 0 {
			return record.Values{name: f.Choices[i-1]}
		}
	}
	return nil
}

// people are some people, or why they are not known.
type people struct {
	list []id.ID
	err  error
}

// whom are those who are told of a deed.
func (m *Teller) whom(tx *gate.Tx, r *record.Record, d sla.Deed) people {
	switch d.Do {
	case sla.TellOwner:
		return people{list: []id.ID{r.Values.ID("owner_id")}}
	case sla.TellTeam:
		return m.members(tx, r.Values.ID("team_id"))
	case sla.TellLead:
		return m.leads(tx, r)
	case sla.GiveTeam:
		return m.members(tx, d.Team)
	case sla.TellPerson, sla.GivePerson:
		return people{list: []id.ID{d.Person}}
	}
	return people{}
}

// leads is the manager of a ticket's team, or its members where it has none.
func (m *Teller) leads(tx *gate.Tx, r *record.Record) people {
	team := r.Values.ID("team_id")
	managers, err := m.Records.Field(tx, "team", "manager_id", team)
	if manager, ok := managers[team].(id.ID); ok {
		return people{[]id.ID{manager}, err}
	}
	if err != nil {
		return people{err: err}
	}
	return m.members(tx, team)
}

func (m *Teller) members(tx *gate.Tx, team id.ID) people {
	members, err := m.Records.Field(tx, "team", "member_ids", team)
	list, _ := members[team].([]id.ID)
	return people{list, err}
}

// say tells some people something of a ticket.
func (m *Teller) say(tx *gate.Tx, r *record.Record, to people, words, key string) error {
	list := slices.DeleteFunc(slices.Clone(to.list), func(n id.ID) bool { return n == 0 })
	if to.err != nil || len(list) == 0 {
		return to.err
	}
	_, err := notification.Send(tx, notification.Notice{Topic: Topic, To: list, Record: r.ID, Own: true, Key: key,
		Text: []notification.Part{notification.Of(r.ID), notification.Words(words)}})
	return err
}
