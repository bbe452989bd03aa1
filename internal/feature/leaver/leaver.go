// Package leaver carries out what has to be done when somebody leaves.
//
// Always true: what will be done is told before anything is done; the first thing that
// is done ends her access; each step is recorded, done once however often the process is
// taken up again, and by the rights of who began it; personal passwords are only asked to
// be handed over, and what is in a vault only its owner can close.
package leaver

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/risk"
)

// JobKind is the kind of its jobs.
const JobKind = "leave"

// The actions of the audit entries; all are about the user.
const (
	Begun = "leaver.begin"
	Did   = "leaver.step"
	Over  = "leaver.end"
)

const longest = 500 // characters of a reason

// Feature is the table of people who leave.
func Feature() record.Feature {
	return record.Feature{Name: "leaver", Schema: []string{
		`create table if not exists leaver (id id primary key, user_id int not null, to_id int not null, reason text not null, made int not null, by_id int not null, at int not null,
			step int not null default 0, part int not null default 0, after int not null default 0, counts json not null default '{}', ended_at int not null default 0)`,
		`create index if not exists leaver_user on leaver (user_id)`,
	}, Purge: func(tx *gate.Tx, r *record.Record) error {
		_, err := tx.Exec(`delete from leaver where user_id = ?`, int64(r.ID))
		return err
	}}
}

// Leavers carries out. Fill the fields.
type Leavers struct {
	Gate    *gate.Gate
	Records *record.Engine
	Risks   *risk.Risks
	Jobs    *job.Runner
	// Shares takes back some of the shares that somebody made, at most most of them, and
	// Checkouts ends her check-outs; both tell how many.
	Shares    func(tx *gate.Tx, user id.ID, most int) (int, error)
	Checkouts func(tx *gate.Tx, user id.ID) (int, error)
	// Handover asks that a leaver's personal passwords become another one's, with the entry
	// of that: Conflict or Invalid where it was asked for, or cannot be.
	Handover func(tx *gate.Tx, e *audit.Entry, leaver, to id.ID, reason string) (id.ID, error)
}

// Order is what somebody wants to be done.
type Order struct {
	To     id.ID // who is given what she answers for; 0 leaves it as it is
	Reason string
	Made   bool // keys that she made, and that act for nobody, are revoked too
}

// Plan tells what would be done, in numbers.
type Plan struct {
	Sessions, Keys, Made, Groups, Grants, Records, Personal, Seen int
	Shared                                                        int    // vaults of others that she has access to
	Own                                                           int    // vaults that only she can open
	Links                                                         int    // open shares of hers with people outside, and check-outs
	Teams                                                         int    // teams and the like that name her among their people
	Why                                                           string // what keeps her from leaving; "" for nothing
}

// Leaving is a process that was begun.
type Leaving struct {
	ID, User, To, By id.ID
	Reason           string
	Made             bool
	At, Ended        int64 // Unix milliseconds; Ended is 0 while it goes on
	Step             int   // the next one, from 0
	Counts           map[string]int

	part  int
	after int64
}

// count counts by a query with one bound id.
func count(tx *gate.Tx, n *int, q string, args ...any) error {
	return tx.QueryRow(q, args...).Scan(n)
}

// Plan tells what would be done if a user left. It is for who administers the tenant.
func (l *Leavers) Plan(tx *gate.Tx, user id.ID) (*Plan, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	if _, err := l.Records.Get(tx, identity.User, user); err != nil {
		return nil, err
	}
	p, n := &Plan{}, int64(user)
	for _, x := range []struct {
		to *int
		q  string
	}{
		{&p.Sessions, `select count(*) from identity_session where user_id = ? and expires_at > 0`},
		{&p.Keys, `select count(*) from api_key where owner_id = ?`},
		{&p.Made, `select count(*) from api_key where owner_id = 0 and created_by = ?`},
		{&p.Groups, `select count(*) from access_member where user_id = ?`},
		{&p.Grants, `select count(*) from access_grant where user_id = ?`},
		{&p.Shared, `select count(*) from vault_grant g join vault v on v.id = g.vault_id where v.owner_id <> g.user_id and g.user_id = ?`},
		{&p.Own, `select count(*) from vault where owner_id = ?`},
		{&p.Personal, `select count(*) from record where kind = 'personal_password' and trashed_at is null and parent_id = ? and parent_id <> 0`},
	} {
		if err := count(tx, x.to, x.q, n); err != nil {
			return nil, err
		}
	}
	if err := count(tx, &p.Links, `select (select count(*) from share where user_id = ? and state = 'open' and ends_at > ?) + (select count(*) from password_checkout where user_id = ? and ended_at = 0 and ends_at > ?)`, n, tx.Now, n, tx.Now); err != nil {
		return nil, err
	}
	teams, err := l.lists(tx, user)
	if err != nil {
		return nil, err
	}
	p.Teams = len(teams)
	for _, f := range l.fields() {
		var some int
		if err := count(tx, &some, `select count(*) `+f.from, n); err != nil {
			return nil, err
		}
		p.Records += some
	}
	seen, err := l.Risks.SeenBy(tx, user)
	if err != nil {
		return nil, err
	}
	p.Seen = len(seen)
	p.Why, err = l.keeps(tx, user)
	return p, err
}

// keeps says what keeps somebody from leaving.
func (l *Leavers) keeps(tx *gate.Tx, user id.ID) (string, error) {
	if user == tx.Caller.User {
		return "Another administrator does this for you.", nil
	}
	var n int
	err := count(tx, &n, `select count(*) from access_principal p join record r on r.id = p.user_id where p.role = ? and p.active = 1 and p.user_id <> ? and r.trashed_at is null and r.archived = 0`, string(access.Administrator), int64(user))
	if err == nil && n == 0 {
		return "This is the last active administrator. Make somebody else an administrator first.", nil
	}
	return "", err
}

// field is a field that says who answers for a record.
type field struct {
	kind, name string
	from       string // from and where of the records of one user, who is bound
}

// fields lists them: of all kinds, what people set themselves. What is over stays with
// whom it was done by.
func (l *Leavers) fields() (out []field) {
	for _, k := range l.Records.Kinds.Kinds() {
		if k.Scope == record.OfPerson || k.Name == identity.User {
			continue
		}
		for _, f := range k.Fields {
			if f.Type != record.Ref || f.Ref != identity.User || f.ReadOnly {
				continue
			}
			q := `from record r join k_` + k.Name + ` k on k.id = r.id where k.` + f.Name + ` = ? and r.trashed_at is null and r.archived = 0`
			if k.Ended != "" && k.Field(k.Ended) != nil {
				q += ` and coalesce(k.` + k.Ended + `, 0) = 0`
			}
			out = append(out, field{k.Name, f.Name, q})
		}
	}
	return out
}

// Begin ends the access of a user and has the rest done by a job. Begun again while it goes
// on, it only sees that the job goes on too. Fault kinds: Invalid with the fields to and
// reason, Conflict where she cannot leave, NotFound, Denied.
func (l *Leavers) Begin(ctx context.Context, c *access.Caller, user id.ID, o Order) (made id.ID, err error) {
	o.Reason = strings.TrimSpace(o.Reason)
	err = l.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		u, err := l.Records.Get(tx, identity.User, user)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Reason = Begun, identity.User, user, u.Name, o.Reason
		old, err := last(tx, user)
		if err != nil {
			return err
		}
		if old != nil && old.Ended == 0 {
			made = old.ID
			tx.Withdraw(e)
			return l.enqueue(tx, made)
		}
		if err := l.check(tx, user, &o); err != nil {
			return err
		}
		if err := l.Records.SetArchived(tx, identity.User, user, true); err != nil {
			return err
		}
		if made, err = tx.NewID(); err != nil {
			return err
		}
		_, err = tx.Exec(`insert into leaver (id, user_id, to_id, reason, made, by_id, at) values (?, ?, ?, ?, ?, ?, ?)`, int64(made), int64(user), int64(o.To), o.Reason, o.Made, int64(tx.Caller.User), tx.Now)
		if err != nil {
			return err
		}
		return l.enqueue(tx, made)
	})
	return made, err
}

func (l *Leavers) enqueue(tx *gate.Tx, leaving id.ID) error {
	if tx.Caller.Via == "console" { // which does the work itself
		return nil
	}
	var n int
	if err := count(tx, &n, `select count(*) from job where kind = ? and payload = ? and state in ('waiting', 'running')`, JobKind, leaving.String()); err != nil || n > 0 {
		return err
	}
	_, err := l.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: leaving})
	return err
}

func (l *Leavers) check(tx *gate.Tx, user id.ID, o *Order) error {
	why, err := l.keeps(tx, user)
	if err != nil {
		return err
	}
	if why != "" {
		return fault.New(fault.Conflict, "%s", why)
	}
	bad := map[string]string{}
	if n := utf8.RuneCountInString(o.Reason); n == 0 || n > longest {
		bad["reason"] = fmt.Sprintf("Say why, in up to %d characters.", longest)
	}
	if o.To != 0 {
		var n int
		if err := count(tx, &n, `select count(*) from access_principal p join record r on r.id = p.user_id where p.user_id = ? and p.active = 1 and r.trashed_at is null`, int64(o.To)); err != nil {
			return err
		}
		if n == 0 || o.To == user {
			bad["to"] = "Choose somebody who may sign in."
		}
	}
	return fault.Fields(bad)
}

const columns = `select id, user_id, to_id, by_id, reason, made, at, ended_at, step, part, after, counts from leaver `

// last gives the process about a user that was begun last; nil for none.
func last(tx *gate.Tx, user id.ID) (*Leaving, error) {
	return read(tx, columns+`where user_id = ? order by id desc limit 1`, int64(user))
}

func read(tx *gate.Tx, q string, args ...any) (*Leaving, error) {
	g := &Leaving{}
	var n, user, to, by int64
	var counts string
	err := tx.QueryRow(q, args...).Scan(&n, &user, &to, &by, &g.Reason, &g.Made, &g.At, &g.Ended, &g.Step, &g.part, &g.after, &counts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g.ID, g.User, g.To, g.By = id.ID(n), id.ID(user), id.ID(to), id.ID(by)
	return g, json.Unmarshal([]byte(counts), &g.Counts)
}

// Last gives the process about a user that was begun last; nil for none. It is for who
// administers the tenant.
func Last(tx *gate.Tx, user id.ID) (*Leaving, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return last(tx, user)
}
