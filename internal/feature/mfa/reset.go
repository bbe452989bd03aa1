package mfa

import (
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/notification"
)

// resetWait is how long another administrator has to decide about a reset.
const resetWait = 7 * 24 * time.Hour

// ResetPage is where administrators decide about resets.
const ResetPage = "/settings/second-factor/resets"

// Asking is a reset that an administrator asks for.
type Asking struct {
	ID       id.ID
	User     id.ID // whose factors are to be removed
	Name     string
	By       id.ID
	ByName   string
	Reason   string
	At, Ends int64 // Unix milliseconds
}

// AskReset asks to have all second factors of a user removed, as when she has lost
// them with her recovery codes. Another administrator decides. It is for a change
// allowed as Administer. Fault kinds: Invalid for "reason", Conflict, Denied for
// one's own.
func AskReset(tx *gate.Tx, user id.ID, reason string) (id.ID, error) {
	reason = strings.Join(strings.Fields(reason), " ")
	has, err := Has(tx, user)
	switch {
	case err != nil:
		return 0, err
	case user == tx.Caller.User:
		return 0, fault.New(fault.Denied, "Another administrator asks to have your second factors reset.").WithHint("With one of your recovery codes you can set up another yourself.")
	case !has:
		return 0, fault.New(fault.Conflict, "This user has no second factor.")
	case reason == "":
		return 0, fault.Field("reason", "Say how you know that it is this person who asks for it.")
	case utf8.RuneCountInString(reason) > 500:
		return 0, fault.Field("reason", "A reason has at most 500 characters.")
	}
	if _, err := tx.Exec(`delete from mfa_reset where user_id = ?`, int64(user)); err != nil {
		return 0, err
	}
	rid, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(`insert into mfa_reset (id, user_id, asked_by, reason, at) values (?, ?, ?, ?, ?)`, int64(rid), int64(user), int64(tx.Caller.User), reason, tx.Now)
	if err != nil {
		return 0, err
	}
	e := tx.Entry()
	e.Action, e.Detail.Reason = AskedFor, reason
	people, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? and user_id <> ? order by user_id`, string(access.Administrator), int64(user))
	if err != nil {
		return 0, err
	}
	if _, err = notification.Send(tx, notification.Notice{Topic: topic, To: people, Href: ResetPage, Key: "security/reset/" + rid.String(),
		Text: []notification.Part{notification.Words("asks for your approval to reset the second factors of"), notification.Of(user)}}); err != nil {
		return 0, err
	}
	return rid, tell(tx, user, "An administrator asks to have your second factors reset. If you did not ask for it, tell another administrator.", "asked/"+rid.String())
}

// Askings gives the resets that wait for a decision, oldest first, to who manages
// the tenant.
func Askings(tx *gate.Tx) ([]Asking, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select q.id, q.user_id, u.name, q.asked_by, coalesce(a.name, ''), q.reason, q.at from mfa_reset q
		join record u on u.id = q.user_id left join record a on a.id = q.asked_by where q.at > ? and u.trashed_at is null order by q.at, q.id`, tx.Now-resetWait.Milliseconds())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Asking
	for rows.Next() {
		var a Asking
		var rid, user, by int64
		if err := rows.Scan(&rid, &user, &a.Name, &by, &a.ByName, &a.Reason, &a.At); err != nil {
			return nil, err
		}
		a.ID, a.User, a.By, a.Ends = id.ID(rid), id.ID(user), id.ID(by), a.At+resetWait.Milliseconds()
		out = append(out, a)
	}
	return out, rows.Err()
}

// Decide approves or refuses a reset; who asked may take it back by refusing. end
// ends the sessions of the user whose factors go. It is for a change allowed as
// Administer. Fault kinds: NotFound, Denied for who asked and for whom it is about.
func Decide(tx *gate.Tx, rid id.ID, yes bool, end func(*gate.Tx, id.ID) error) error {
	list, err := Askings(tx)
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.ID != rid {
			continue
		}
		e := tx.Entry()
		e.Kind, e.Object, e.Detail.Name, e.Detail.Reason = "user", a.User, a.Name, a.Reason
		if tx.Caller.User == a.User || yes && tx.Caller.User == a.By {
			e.Action = Reset
			tx.Refuse(e)
			return fault.New(fault.Denied, "Another administrator decides about this.")
		}
		if !yes {
			e.Action = Declined
			_, err := tx.Exec(`delete from mfa_reset where id = ?`, int64(rid))
			return err
		}
		return Clear(tx, a.User, end)
	}
	return gate.Missing()
}

// Clear removes all second factors and recovery codes of a user and ends her
// sessions, inside a change that was decided on.
func Clear(tx *gate.Tx, user id.ID, end func(*gate.Tx, id.ID) error) error {
	for _, q := range []string{`delete from mfa_factor where user_id = ?`, `delete from mfa_code where user_id = ?`, `delete from mfa_reset where user_id = ?`} {
		if _, err := tx.Exec(q, int64(user)); err != nil {
			return err
		}
	}
	if err := end(tx, user); err != nil {
		return err
	}
	tx.Entry().Action = Reset
	return tell(tx, user, "Your second factors were reset. Set up a new one.", "reset/"+shortTime(tx))
}
