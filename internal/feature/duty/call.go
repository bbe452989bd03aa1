package duty

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// The states of a call.
const (
	CallWaits  = "waiting"
	CallTaken  = "taken"
	CallPassed = "passed" // to the next
	CallNobody = "nobody" // is left to be called
	CallOver   = "over"   // somebody else has the ticket, or it is done
)

// mostSteps is how many are called about a ticket, one after the other.
const mostSteps = 6

// Call is somebody who was called because she is on call.
type Call struct {
	ID, Ticket, Plan, User, By id.ID
	Step                       int
	At, Due, Ended             int64 // Unix milliseconds
	State                      string
}

const callColumns = `select id, ticket_id, plan_id, step, user_id, at, due, state, by_id, ended_at from duty_call `

func calls(tx *gate.Tx, where string, args ...any) ([]*Call, error) {
	rows, err := tx.Query(callColumns+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Call
	for rows.Next() {
		c := &Call{}
		var n, ticket, plan, user, by int64
		if err := rows.Scan(&n, &ticket, &plan, &c.Step, &user, &c.At, &c.Due, &c.State, &by, &c.Ended); err != nil {
			return nil, err
		}
		c.ID, c.Ticket, c.Plan, c.User, c.By = id.ID(n), id.ID(ticket), id.ID(plan), id.ID(user), id.ID(by)
		out = append(out, c)
	}
	return out, rows.Err()
}

// CallsOf are those about a ticket that the caller sees, the latest first.
func CallsOf(tx *gate.Tx, ticket id.ID) ([]*Call, error) {
	return calls(tx, `where ticket_id = ? order by id desc limit 20`, int64(ticket))
}

// Calling are the tickets that wait for the caller to take them.
func Calling(tx *gate.Tx) ([]*Call, error) {
	return calls(tx, `where user_id = ? and state = 'waiting' order by due, id limit 50`, int64(tx.Caller.User))
}

// call calls who is on call by a plan about a ticket that she has been given.
func (d *Duties) call(tx *gate.Tx, ticket *record.Record, plan, who id.ID, step int) error {
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	var minutes int64
	err = tx.QueryRow(`select coalesce(minutes, 0) from k_oncall_plan where id = ?`, int64(plan)).Scan(&minutes)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	state, due, words := CallTaken, int64(0), "is yours: you are on call."
	if minutes > 0 {
		state, due = CallWaits, tx.Now+minutes*time.Minute.Milliseconds()
		words = fmt.Sprintf("is yours: you are on call. Say within %d minutes that you take it.", minutes)
	}
	if _, err := tx.Exec(`update duty_call set state = 'over', ended_at = ? where ticket_id = ? and state = 'waiting'`, tx.Now, int64(ticket.ID)); err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into duty_call (id, ticket_id, plan_id, step, user_id, at, due, state) values (?, ?, ?, ?, ?, ?, ?, ?)`, int64(n), int64(ticket.ID), int64(plan), step, int64(who), tx.Now, due, state); err != nil {
		return err
	}
	if due > 0 {
		if err := d.arm(tx, due); err != nil {
			return err
		}
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: []id.ID{who}, Record: ticket.ID, Own: true, Self: true, Key: "call/" + n.String(),
		Text: []notification.Part{notification.Of(ticket.ID), notification.Words(words)}})
	return err
}

// taken ends the calls about a ticket on which who is called works, which somebody else has
// now, or which is over.
func (d *Duties) taken(tx *gate.Tx, now, old *record.Record) error {
	open, err := calls(tx, `where ticket_id = ? and state = 'waiting'`, int64(now.ID))
	if err != nil {
		return err
	}
	for _, c := range open {
		state := ""
		switch {
		case tx.Caller.User == c.User && tx.Caller.Behind == nil:
			state = CallTaken
		case now.Values.Bool("final"), now.Archived, now.Values.ID("owner_id") != c.User && now.Values.ID("owner_id") != old.Values.ID("owner_id"):
			state = CallOver
		}
		if state == "" {
			continue
		}
		if err := ended(tx, c.ID, state); err != nil {
			return err
		}
	}
	return nil
}

func ended(tx *gate.Tx, call id.ID, state string) error {
	_, err := tx.Exec(`update duty_call set state = ?, by_id = ?, ended_at = ? where id = ? and state = 'waiting'`, state, int64(tx.Caller.User), tx.Now, int64(call))
	return err
}

// Acknowledge says that somebody takes a ticket about which people are called: nobody else is
// called then. She is one who may change it. To say it twice changes nothing.
func Acknowledge(tx *gate.Tx, ticket *record.Record) error {
	open, err := calls(tx, `where ticket_id = ? and state = 'waiting'`, int64(ticket.ID))
	if err != nil || len(open) == 0 {
		return err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: ticket.Kind.Name, ID: ticket.ID})
	if err != nil {
		return err
	}
	e.Action = "acknowledge"
	for _, c := range open {
		if err := ended(tx, c.ID, CallTaken); err != nil {
			return err
		}
	}
	return nil
}

// Escalate calls the next where somebody did not answer in time.
func (d *Duties) Escalate(ctx context.Context, tenant string) error {
	c := access.System(tenant, "job")
	var due []*Call
	err := d.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		due, err = calls(tx, `where state = 'waiting' and due <= ? order by due, id limit ?`, tx.Now, mostAtOnce)
		return err
	})
	if err != nil {
		return err
	}
	var failed []error
	for _, x := range due {
		failed = append(failed, d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry())
			return d.pass(tx, x)
		}))
	}
	return errors.Join(failed...)
}

// pass calls the next about one ticket: once, whatever restarts.
func (d *Duties) pass(tx *gate.Tx, c *Call) error {
	n, err := tx.Exec(`update duty_call set state = 'passed', ended_at = ? where id = ? and state = 'waiting'`, tx.Now, int64(c.ID))
	if err != nil || n == 0 {
		return err
	}
	r, err := d.Records.Get(tx, "", c.Ticket)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || r.Values.Bool("final") {
		return err
	}
	k := d.Records.Kinds.Kind(PlanKind)
	p, err := load(tx, k, c.Plan)
	if err != nil {
		return err
	}
	team := r.Values.ID("team_id")
	for step := c.Step + 1; p != nil && p.Then != 0 && step < mostSteps; step++ {
		if p.Team != 0 {
			team = p.Team
		}
		if p, err = load(tx, k, p.Then); err != nil || p == nil {
			return errors.Join(err, d.nobody(tx, r, team, c))
		}
		now := time.UnixMilli(tx.Now)
		shift := p.Shifts(now, now.Add(lookAhead))[0]
		sees, err := notification.Sees(tx, shift.Person, r.ID)
		if err != nil {
			return err
		}
		if shift.Person == 0 || shift.Person == c.User || !sees {
			continue
		}
		return d.hand(tx, r, c, p, shift.Person, clock(shift.Until), step)
	}
	if p != nil && p.Team != 0 {
		team = p.Team
	}
	return d.nobody(tx, r, team, c)
}

// hand gives the ticket to the next who is called.
func (d *Duties) hand(tx *gate.Tx, r *record.Record, c *Call, p *plan, who id.ID, until string, step int) error {
	names, err := d.Records.Names(tx, c.User)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%s did not answer until %s; on call until %s, by %s", names[c.User], clock(time.UnixMilli(c.Due).In(p.Zone)), until, p.Name)
	ch := Choice{User: who, Said: said, by: &setting{ID: p.ID, Name: p.Name}}
	if r.Values.ID("owner_id") != who {
		*chosen(tx, r.ID) = ch
		err = tx.Try(func() error {
			_, err := d.Records.Update(tx, r.Kind.Name, r.ID, 0, record.Values{"owner_id": who})
			return err
		})
		if k := fault.Of(err); err != nil && k != fault.Invalid && k != fault.Denied && k != fault.Conflict {
			return err
		} else if err != nil {
			*chosen(tx, r.ID) = Choice{}
		}
	}
	return d.call(tx, r, p.ID, who, step)
}

// nobody tells who leads a team that nobody took a ticket; its members where nobody leads it.
func (d *Duties) nobody(tx *gate.Tx, r *record.Record, team id.ID, c *Call) error {
	if _, err := tx.Exec(`update duty_call set state = 'nobody' where id = ?`, int64(c.ID)); err != nil {
		return err
	}
	e := &audit.Entry{Action: "assign", Kind: r.Kind.Name, Object: r.ID, Org: r.Org, Version: r.Version, Result: audit.OK, Detail: audit.Detail{Name: r.Name, Reason: "Nobody who is on call answered."}}
	tx.Also(e)
	leads, err := d.Records.Field(tx, "team", "manager_id", team)
	if err != nil {
		return err
	}
	to := []id.ID{}
	if one, ok := leads[team].(id.ID); ok && one != 0 {
		to = append(to, one)
	} else {
		members, err := d.Records.Field(tx, "team", "member_ids", team)
		if err != nil {
			return err
		}
		list, _ := members[team].([]id.ID)
		to = append(to, list...)
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: to, Record: r.ID, Own: true, Key: "nobody/" + c.ID.String(),
		Text: []notification.Part{notification.Of(r.ID), notification.Words("was taken by nobody who is on call.")}})
	return err
}
