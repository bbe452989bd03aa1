package personal

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// The actions of the audit entries. Each password that changes hands has one of Given, the
// three others are about the leaver.
const (
	Asked   = "personal.handover.ask"
	Agreed  = "personal.handover.agree"
	Refused = "personal.handover.refuse"
	Given   = "personal.handover"
)

// Wait is how long what one administrator asked for can be agreed to by another one.
const Wait = 7 * 24 * time.Hour

const longest = 500 // characters of a reason

var schema = []string{
	`create table if not exists personal_handover (id id primary key, user_id int not null, to_id int not null, reason text not null, state text not null,
		asked_by int not null, asked_at int not null, decided_by int not null, decided_at int not null, n int not null)`,
	`create index if not exists personal_handover_state on personal_handover (state, asked_at)`,
	`create index if not exists personal_handover_user on personal_handover (user_id)`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	_, err := tx.Exec(`delete from personal_handover where user_id = ? or to_id = ?`, int64(r.ID), int64(r.ID))
	return err
}

// Leaver is somebody who may not sign in any more and has personal passwords.
type Leaver struct {
	User  id.ID
	Name  string
	Count int64
	Asked *Handover // what was asked about her and is not decided; nil for nothing
}

// Handover is the wish that a leaver's personal passwords become another one's.
type Handover struct {
	ID, User, To, By       id.ID
	UserName, ToName, Name string // Name is who asked
	Reason                 string
	At                     int64 // Unix milliseconds
}

// Leavers lists who may not sign in any more and has personal passwords, which are
// counted and not named. It is for administrators.
func Leavers(tx *gate.Tx) ([]*Leaver, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	asked, err := open(tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select u.id, u.name, (select count(*) from record r where r.parent_id = u.id and r.parent_id <> 0 and r.kind = ? and r.trashed_at is null) n
		from access_principal p join record u on u.id = p.user_id where p.active = 0 and u.trashed_at is null
		and exists (select 1 from record r where r.parent_id = u.id and r.parent_id <> 0 and r.kind = ? and r.trashed_at is null) order by u.name_fold, u.id limit 500`, Kind, Kind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Leaver
	for rows.Next() {
		l := &Leaver{}
		var n int64
		if err := rows.Scan(&n, &l.Name, &l.Count); err != nil {
			return nil, err
		}
		l.User = id.ID(n)
		for _, h := range asked {
			if h.User == l.User {
				l.Asked = h
			}
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

const columns = `select h.id, h.user_id, h.to_id, h.asked_by, h.reason, h.asked_at, coalesce(u.name, ''), coalesce(t.name, ''), coalesce(a.name, '') from personal_handover h
	left join record u on u.id = h.user_id left join record t on t.id = h.to_id left join record a on a.id = h.asked_by `

func open(tx *gate.Tx) ([]*Handover, error) {
	rows, err := tx.Query(columns+`where h.state = 'open' and h.asked_at > ? order by h.id`, tx.Now-Wait.Milliseconds())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Handover
	for rows.Next() {
		h, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

type row interface{ Scan(...any) error }

func scan(r row) (*Handover, error) {
	h := &Handover{}
	var n, user, to, by int64
	err := r.Scan(&n, &user, &to, &by, &h.Reason, &h.At, &h.UserName, &h.ToName, &h.Name)
	h.ID, h.User, h.To, h.By = id.ID(n), id.ID(user), id.ID(to), id.ID(by)
	return h, err
}

// Ask asks that a leaver's personal passwords become another one's, in a change for which
// the caller administers the tenant. Another administrator decides. Fault kinds: Invalid
// with fields, Denied, Conflict when it was asked already.
func Ask(tx *gate.Tx, leaver, to id.ID, reason string) (id.ID, error) {
	return AskIn(tx, tx.Entry(), leaver, to, reason)
}

// AskIn is Ask inside a change of something more, with e as its entry.
func AskIn(tx *gate.Tx, e *audit.Entry, leaver, to id.ID, reason string) (id.ID, error) {
	if err := person(tx); err != nil {
		return 0, err
	}
	reason = strings.TrimSpace(reason)
	bad := map[string]string{}
	if reason == "" || len([]rune(reason)) > longest {
		bad["reason"] = fmt.Sprintf("Say why, in up to %d characters.", longest)
	}
	if said, err := leaves(tx, leaver); err != nil {
		return 0, err
	} else if said != "" {
		bad["user"] = said
	}
	active, name, err := stands(tx, to)
	if err != nil {
		return 0, err
	}
	if !active || to == leaver {
		bad["to"] = "Choose somebody who may sign in."
	}
	if err := fault.Fields(bad); err != nil {
		return 0, err
	}
	var n int
	if err := tx.QueryRow(`select count(*) from personal_handover where user_id = ? and state = 'open' and asked_at > ?`, int64(leaver), tx.Now-Wait.Milliseconds()).Scan(&n); err != nil {
		return 0, err
	}
	if n > 0 {
		return 0, fault.New(fault.Conflict, "This was asked for already.").WithHint("Another administrator agrees to it, or refuses it.")
	}
	hid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	e.Action, e.Kind, e.Object, e.Detail.Reason, e.Detail.Text = Asked, "user", leaver, reason, "to "+who(name, to)
	_, err = tx.Exec(`insert into personal_handover (id, user_id, to_id, reason, state, asked_by, asked_at, decided_by, decided_at, n) values (?, ?, ?, ?, 'open', ?, ?, 0, 0, 0)`,
		int64(hid), int64(leaver), int64(to), reason, int64(tx.Caller.User), tx.Now)
	if err != nil {
		return 0, err
	}
	return hid, tell(tx, hid)
}

// tell tells the other administrators that one of them has to decide.
func tell(tx *gate.Tx, hid id.ID) error {
	people, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? and custom_id = 0 and user_id <> ? order by user_id`, string(access.Administrator), int64(tx.Caller.User))
	if err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: "approval", To: people, Href: "/settings/handovers", Key: "handover/" + hid.String(),
		Text: []notification.Part{notification.Words("asks that the personal passwords of somebody who left are handed over; another administrator decides.")}})
	return err
}

// person refuses what is no administrator in person.
func person(tx *gate.Tx) error {
	if tx.Caller.User == 0 || tx.Caller.Key != 0 {
		return fault.New(fault.Denied, "Two administrators hand over personal passwords, each in person.").WithHint("Sign in to do this; an API key cannot.")
	}
	return nil
}

// leaves says what keeps a user's passwords from being handed over; empty for nothing.
func leaves(tx *gate.Tx, user id.ID) (string, error) {
	var active, n int64
	err := tx.QueryRow(`select p.active, (select count(*) from record r where r.parent_id = u.id and r.parent_id <> 0 and r.kind = ? and r.trashed_at is null)
		from access_principal p join record u on u.id = p.user_id where p.user_id = ? and u.trashed_at is null`, Kind, int64(user)).Scan(&active, &n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "There is no such user. One who is in the trash must be brought back first.", nil
	case err != nil:
		return "", err
	case active != 0:
		return "Only the passwords of somebody who may not sign in any more are handed over. Archive the user first.", nil
	case n == 0:
		return "There is nothing to hand over.", nil
	}
	return "", nil
}

// stands tells whether somebody may sign in, and her name.
func stands(tx *gate.Tx, user id.ID) (active bool, name string, err error) {
	err = tx.QueryRow(`select u.name from access_principal p join record u on u.id = p.user_id where p.user_id = ? and p.active = 1 and u.trashed_at is null`, int64(user)).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return false, "", nil
	}
	return err == nil, name, err
}

// Decide agrees to what another administrator asked for, or refuses it, in a change for
// which the caller administers the tenant. It tells how many passwords changed hands. Who
// asked may refuse, which takes it back. Fault kinds: NotFound, Denied, Conflict.
func Decide(tx *gate.Tx, handover id.ID, agrees bool) (int, error) {
	if err := person(tx); err != nil {
		return 0, err
	}
	h, err := scan(tx.QueryRow(columns+`where h.id = ? and h.state = 'open' and h.asked_at > ?`, int64(handover), tx.Now-Wait.Milliseconds()))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, gate.Missing()
	}
	if err != nil {
		return 0, err
	}
	e := tx.Entry()
	e.Kind, e.Object, e.Detail.Text = "user", h.User, "to "+who(h.ToName, h.To)+", as "+who(h.Name, h.By)+" asked"
	if !agrees {
		e.Action = Refused
		return 0, settle(tx, h.ID, "refused", 0)
	}
	e.Action = Agreed
	if h.By == tx.Caller.User {
		tx.Refuse(e)
		return 0, fault.New(fault.Denied, "You asked for this yourself: another administrator agrees to it.")
	}
	said, err := leaves(tx, h.User)
	if err != nil {
		return 0, err
	}
	active, _, err := stands(tx, h.To)
	if err != nil {
		return 0, err
	}
	if said == "" && !active {
		said = "Who should have the passwords may not sign in any more."
	}
	if said != "" {
		return 0, fault.New(fault.Conflict, "%s", said)
	}
	n, err := give(tx, h)
	if err != nil {
		return 0, err
	}
	return n, settle(tx, h.ID, "agreed", n)
}

// who names somebody in the log.
func who(name string, user id.ID) string {
	if name == "" {
		return "user " + user.String()
	}
	return name
}

func settle(tx *gate.Tx, handover id.ID, state string, n int) error {
	_, err := tx.Exec(`update personal_handover set state = ?, decided_by = ?, decided_at = ?, n = ? where id = ?`, state, int64(tx.Caller.User), tx.Now, n, int64(handover))
	return err
}

// give makes a leaver's passwords another one's, those in the trash included.
func give(tx *gate.Tx, h *Handover) (int, error) {
	list, err := tx.IDs(`select id from record where parent_id = ? and parent_id <> 0 and kind = ? order by id`, int64(h.User), Kind)
	if err != nil {
		return 0, err
	}
	for _, p := range list {
		tx.Also(&audit.Entry{Action: Given, Kind: Kind, Object: p, Detail: audit.Detail{Reason: h.Reason, Text: "from " + who(h.UserName, h.User) + " to " + who(h.ToName, h.To)}})
	}
	_, err = tx.Exec(`update record set parent_id = ?, guard_id = ?, updated_at = ?, updated_by = ? where parent_id = ? and parent_id <> 0 and kind = ?`,
		int64(h.To), int64(h.To), tx.Now, int64(tx.Caller.User), int64(h.User), Kind)
	if err == nil {
		_, err = notification.Send(tx, notification.Notice{Topic: "approval", To: []id.ID{h.To}, Href: "/personal_passwords", Key: "handover/" + h.ID.String() + "/given",
			Text: []notification.Part{notification.Words("handed over to you the personal passwords of"), notification.Of(h.User)}})
	}
	return len(list), err
}
