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
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/duty/method"
	"strongroom/internal/feature/notification"
)

// ViaDuty is how the entries of the log come that say why somebody was given a ticket.
const ViaDuty = "duty"

// lookAhead is how far it is said until when somebody is on call, and waits is when a ticket
// that waits for somebody is looked at again, when nobody can tell that.
const (
	lookAhead = 14 * 24 * time.Hour
	waits     = 15 * time.Minute
)

// setting is how the tickets of a team are given to its people.
type setting struct {
	id.ID
	Name           string
	Team           id.ID
	Method         string
	Calendar, Plan id.ID
	skills         string
}

// Choice is whom a ticket is given to, and why. User is 0 when nobody is there; then Again is
// when it is looked at next.
type Choice struct {
	User  id.ID
	Said  string // in a sentence, without the name: "on call until Mon 18:00 CET"
	Plan  id.ID  // by which she is called; 0 when she is not
	Again int64  // Unix milliseconds
	by    *setting
}

// Duties give tickets to people. Fill the fields.
type Duties struct {
	Gate    *gate.Gate
	Records *record.Engine
	Jobs    *job.Runner // nil leaves what is due to the schedule
}

// JobKind is the kind of the jobs that call the next.
const JobKind = "duty"

// Handler calls the next where nobody answered.
func (d *Duties) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error { return d.Escalate(ctx, run.Tenant) }
}

// arm has the next called at a time, by the system itself.
func (d *Duties) arm(tx *gate.Tx, at int64) error {
	if d.Jobs == nil {
		return nil
	}
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job")
	defer func() { tx.Caller = who }()
	_, err := d.Jobs.Enqueue(tx, job.Job{Kind: JobKind, At: at})
	return err
}

// Over gives features whose kinds are tickets: one that comes to a team and has no owner is
// given to somebody of the team, as that is set, once the kind's own rules have decided.
func (d *Duties) Over(list []record.Feature) []record.Feature {
	for _, f := range list {
		for _, k := range f.Kinds {
			if !method.Takes(k) {
				continue
			}
			before, after := k.Before, k.After
			k.Before = func(tx *gate.Tx, now, old *record.Record) error {
				if before != nil {
					if err := before(tx, now, old); err != nil {
						return err
					}
				}
				return d.choose(tx, now, old)
			}
			k.After = func(tx *gate.Tx, now, old *record.Record) error {
				if after != nil {
					if err := after(tx, now, old); err != nil {
						return err
					}
				}
				return d.follow(tx, now, old)
			}
		}
	}
	return list
}

type chosenKey struct{ ticket id.ID }

// chosen is what was chosen for a ticket in this transaction, until it is saved.
func chosen(tx *gate.Tx, ticket id.ID) *Choice {
	return tx.Local(chosenKey{ticket}, func() any { return &Choice{} }).(*Choice)
}

// brought tells whether records are brought in that were given to people elsewhere.
func brought(tx *gate.Tx) bool {
	return tx.Caller.Via == "console" || tx.Caller.Via == "job" && tx.Caller.User != 0
}

// choose gives a ticket that has just come to a team to one of its people.
func (d *Duties) choose(tx *gate.Tx, now, old *record.Record) error {
	team := now.Values.ID("team_id")
	if brought(tx) || team == 0 || now.Values.ID("owner_id") != 0 || now.Values.Bool("final") || now.Archived || old != nil && (old.Values.ID("team_id") == team || old.Trashed != now.Trashed) {
		return nil
	}
	e := now.Kind.Engine()
	if e.Kinds.Kind(AssignmentKind) == nil {
		return nil
	}
	c, err := find(tx, e, now, team, "")
	if err != nil || c == nil {
		return err
	}
	*chosen(tx, now.ID) = *c
	if c.User != 0 {
		now.Values["owner_id"] = c.User
	}
	return nil
}

// find says who is to have a ticket of a team; nil when the team gives its tickets to nobody.
// how, when it is set, stands above what the team has set.
func find(tx *gate.Tx, e *record.Engine, ticket *record.Record, team id.ID, how string) (c *Choice, err error) {
	s, err := settingOf(tx, team)
	if err != nil || s == nil && how == "" {
		return nil, err
	}
	if s == nil {
		s = &setting{Team: team}
	}
	if how != "" {
		s.Method = how
	}
	err = tx.Desk(func() (err error) {
		c, err = (&finding{tx: tx, e: e, s: s, ticket: ticket}).find()
		return err
	})
	return c, err
}

func settingOf(tx *gate.Tx, team id.ID) (*setting, error) {
	s := &setting{Team: team}
	var n, calendar, plan int64
	err := tx.QueryRow(`select r.id, r.name, coalesce(k.method, ''), coalesce(k.calendar_id, 0), coalesce(k.plan_id, 0), coalesce(k.skills, '') from k_assignment k join record r on r.id = k.id
		where k.team_id = ? and r.trashed_at is null and r.archived = 0 order by r.id limit 1`, int64(team)).Scan(&n, &s.Name, &s.Method, &calendar, &plan, &s.skills)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	s.ID, s.Calendar, s.Plan = id.ID(n), id.ID(calendar), id.ID(plan)
	return s, err
}

// follow notes why somebody was given a ticket, tells her, and calls her when she is on call.
func (d *Duties) follow(tx *gate.Tx, now, old *record.Record) error {
	if now.Kind.Engine().Kinds.Kind(AssignmentKind) == nil || brought(tx) || old != nil && old.Trashed != now.Trashed {
		return nil
	}
	c := chosen(tx, now.ID)
	was := *c
	*c = Choice{}
	owner := now.Values.ID("owner_id")
	if old != nil {
		if err := d.taken(tx, now, old); err != nil {
			return err
		}
		if owner != 0 || now.Values.Bool("final") || old.Values.ID("team_id") != now.Values.ID("team_id") {
			if _, err := tx.Exec(`delete from duty_waiting where ticket_id = ?`, int64(now.ID)); err != nil {
				return err
			}
		}
	}
	switch {
	case was.by != nil && was.User == 0 && owner == 0:
		return d.wait(tx, now.ID, was)
	case was.User != 0 && was.User == owner:
		return d.gave(tx, now, was)
	case owner != 0 && (old == nil || old.Values.ID("owner_id") != owner):
		_, err := notification.Send(tx, notification.Notice{Topic: TopicGiven, To: []id.ID{owner}, Record: now.ID, Key: fmt.Sprintf("owner/%s/%d", now.ID, now.Version),
			Text: []notification.Part{notification.Words("gave you"), notification.Of(now.ID)}})
		return err
	}
	return nil
}

// gave notes why somebody was given a ticket, and tells her.
func (d *Duties) gave(tx *gate.Tx, now *record.Record, c Choice) error {
	if _, err := tx.Exec(`insert into duty_given (ticket_id, version, user_id, said, at) values (?, ?, ?, ?, ?) on conflict (ticket_id, version) do nothing`, int64(now.ID), now.Version, int64(c.User), c.Said, tx.Now); err != nil {
		return err
	}
	e := &audit.Entry{Action: "assign", Kind: now.Kind.Name, Object: now.ID, Org: now.Org, Version: now.Version, Result: audit.OK}
	tx.Also(e)
	e.Actor, e.Behalf, e.Via = 0, 0, ViaDuty
	e.Detail = audit.Detail{Actor: "Assignment", Name: now.Name, Fields: []string{"owner_id"}, Reason: c.Said}
	if c.by != nil && c.by.ID != 0 {
		e.Actor, e.Detail.Actor = c.by.ID, "Assignment: "+c.by.Name
	}
	if c.Plan != 0 {
		return d.call(tx, now, c.Plan, c.User, 0)
	}
	_, err := notification.Send(tx, notification.Notice{Topic: TopicGiven, To: []id.ID{c.User}, Record: now.ID, Own: true, Self: true, Key: fmt.Sprintf("owner/%s/%d", now.ID, now.Version),
		Text: []notification.Part{notification.Of(now.ID), notification.Words("is yours: " + c.Said + ".")}})
	return err
}

// wait has a ticket looked at again when somebody may be there.
func (d *Duties) wait(tx *gate.Tx, ticket id.ID, c Choice) error {
	_, err := tx.Exec(`insert into duty_waiting (ticket_id, at, said) values (?, ?, ?) on conflict (ticket_id) do update set at = excluded.at, said = excluded.said`, int64(ticket), c.Again, c.Said)
	return err
}

// Give gives a ticket to somebody of a team, by a method that stands above what the team has
// set; its own team when that is 0. It says what it did.
func Give(tx *gate.Tx, e *record.Engine, ticket *record.Record, team id.ID, how string) (*record.Record, string, error) {
	if e.Kinds.Kind(AssignmentKind) == nil || !method.Takes(ticket.Kind) {
		return nil, "", fault.New(fault.Invalid, "This is given to nobody by itself.")
	}
	if team == 0 {
		team = ticket.Values.ID("team_id")
	}
	if team == 0 {
		return nil, "", fault.New(fault.Invalid, "It lies with no team.").WithHint("Name the team, or have a rule set it first.")
	}
	c, err := find(tx, e, ticket, team, how)
	if err != nil {
		return nil, "", err
	}
	if c == nil {
		return nil, "", fault.New(fault.Invalid, "Nothing says how the tickets of this team are given to its people.").WithHint("Settings, Assignment of tickets, says it.")
	}
	if c.User == 0 {
		return ticket, "Gave it to nobody: " + c.Said + ".", wakeful(tx, e, ticket, team, c)
	}
	names, err := e.Names(tx, c.User)
	if err != nil {
		return nil, "", err
	}
	*chosen(tx, ticket.ID) = *c
	v := record.Values{"owner_id": c.User, "team_id": team}
	if ticket.Values.ID("owner_id") == c.User && ticket.Values.ID("team_id") == team {
		*chosen(tx, ticket.ID) = Choice{}
		return ticket, names[c.User] + " has it already: " + c.Said + ".", nil
	}
	r, err := e.Update(tx, ticket.Kind.Name, ticket.ID, 0, v)
	return r, "Gave it to " + names[c.User] + ": " + c.Said + ".", err
}

// GiveOnCall gives a ticket to who is on call for a team, its own when that is 0, and says
// what it did.
func GiveOnCall(tx *gate.Tx, e *record.Engine, ticket *record.Record, team id.ID) (string, error) {
	_, said, err := Give(tx, e, ticket, team, OnCall)
	return said, err
}

// wakeful has a ticket without an owner wait for somebody of its own team.
func wakeful(tx *gate.Tx, e *record.Engine, ticket *record.Record, team id.ID, c *Choice) error {
	if ticket.Values.ID("owner_id") != 0 || ticket.Values.ID("team_id") != team {
		return nil
	}
	return (&Duties{Records: e}).wait(tx, ticket.ID, *c)
}

// Run gives what waited to who is there now, and calls the next where nobody answered. A
// schedule calls it; it bears repetition, and to be broken off.
func (d *Duties) Run(ctx context.Context, tenant string) error {
	if d.Records.Kinds.Kind(AssignmentKind) == nil {
		return nil
	}
	return errors.Join(d.waiting(ctx, tenant), d.Escalate(ctx, tenant))
}

// mostAtOnce is how many tickets one run looks at.
const mostAtOnce = 200

func (d *Duties) waiting(ctx context.Context, tenant string) error {
	var due []id.ID
	c := access.System(tenant, "job")
	err := d.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		due, err = tx.IDs(`select ticket_id from duty_waiting where at <= ? order by at, ticket_id limit ?`, tx.Now, mostAtOnce)
		return err
	})
	if err != nil {
		return err
	}
	var failed []error
	for _, n := range due {
		err := d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry())
			return d.again(tx, n)
		})
		if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// again looks once more for somebody for a ticket that waits. What its rules refuse is tried
// again later.
func (d *Duties) again(tx *gate.Tx, ticket id.ID) error {
	n, err := tx.Exec(`delete from duty_waiting where ticket_id = ? and at <= ?`, int64(ticket), tx.Now)
	if err != nil || n == 0 {
		return err
	}
	r, err := d.Records.Get(tx, "", ticket)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || r.Values.ID("owner_id") != 0 || r.Values.Bool("final") || r.Archived {
		return err
	}
	c, err := find(tx, d.Records, r, r.Values.ID("team_id"), "")
	if err != nil || c == nil {
		return err
	}
	if c.User == 0 {
		return d.wait(tx, ticket, *c)
	}
	err = tx.Try(func() error {
		*chosen(tx, ticket) = *c
		_, err := d.Records.Update(tx, r.Kind.Name, ticket, 0, record.Values{"owner_id": c.User})
		return err
	})
	if k := fault.Of(err); err != nil && (k == fault.Invalid || k == fault.Denied || k == fault.Conflict) {
		*chosen(tx, ticket) = Choice{}
		return d.wait(tx, ticket, Choice{Said: fault.Say(err).Text, Again: tx.Now + (time.Hour).Milliseconds()})
	}
	return err
}

// Reasons says which versions of a ticket were made by giving it to somebody, and why.
func Reasons(tx *gate.Tx, e *record.Engine, ticket id.ID) (map[int64]string, error) {
	if e.Kinds.Kind(AssignmentKind) == nil {
		return nil, nil
	}
	rows, err := tx.Query(`select g.version, g.said, coalesce(r.name, '') from duty_given g left join record r on r.id = g.user_id where g.ticket_id = ?`, int64(ticket))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]string{}
	for rows.Next() {
		var n int64
		var said, name string
		if err := rows.Scan(&n, &said, &name); err != nil {
			return nil, err
		}
		out[n] = "gave it to " + name + ": " + said + "."
	}
	return out, rows.Err()
}

// Waits says why nobody has a ticket yet; "" when it does not wait.
func Waits(tx *gate.Tx, ticket id.ID) (string, error) {
	var said string
	err := tx.QueryRow(`select said from duty_waiting where ticket_id = ?`, int64(ticket)).Scan(&said)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return said, err
}
