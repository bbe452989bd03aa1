package policy

import (
	"database/sql"
	"errors"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/notification"
)

// The actions of the audit entries about consents.
const (
	Asked   = "export.ask"
	Agreed  = "export.agree"
	Refused = "export.refuse"
)

// Limits of consents.
const (
	Wait  = 7 * 24 * time.Hour // how long what was asked for can be decided
	Holds = 8 * time.Hour      // how long a consent holds once it was given
)

const longest = 500 // characters of a reason

// Consent is the wish to have passwords in exports, which another administrator decides about.
type Consent struct {
	ID, User id.ID
	UserName string
	Reason   string
	At, Ends int64 // Unix milliseconds; Ends is 0 while it is not decided
}

// Demanded tells whether passwords in an export take the consent of a second administrator.
func Demanded(tx *gate.Tx) (on bool, err error) {
	err = tx.QueryRow(`select consent from export_policy where id = 1`).Scan(&on)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return on, err
}

// Demand has passwords in exports take a second administrator's consent, or not any more, in
// a change for which the caller administers the tenant. To lower it takes such a consent itself.
func Demand(tx *gate.Tx, on bool) error {
	e := tx.Entry()
	was, err := Demanded(tx)
	if err != nil {
		return err
	}
	if was == on {
		tx.Withdraw(e)
		return nil
	}
	e.Action, e.Detail.Text = "export.policy", "passwords in exports take a second administrator's consent"
	if !on {
		e.Detail.Text = "passwords in exports take no consent any more"
		ok, err := Consented(tx)
		if err != nil {
			return err
		}
		if !ok {
			tx.Refuse(e)
			return fault.New(fault.Denied, "To do without a second administrator's consent takes one.").WithHint("Ask for it, as for an export.")
		}
	}
	_, err = tx.Exec(`insert into export_policy (id, secrets, changed_at, changed_by, consent) values (1, '', ?, ?, ?) on conflict (id) do update set consent = excluded.consent, changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
		tx.Now, int64(tx.Caller.User), on)
	return err
}

// Consented tells whether the caller holds a consent now. The system itself never does.
func Consented(tx *gate.Tx) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from export_consent where user_id = ? and user_id <> 0 and state = 'agreed' and ends_at > ?`, int64(tx.Caller.User), tx.Now).Scan(&n)
	return n > 0, err
}

// Ask asks for a consent, with the reason, in a change for which the caller may export.
func Ask(tx *gate.Tx, reason string) (id.ID, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len([]rune(reason)) > longest {
		return 0, fault.Field("reason", "Say why, in up to %d characters.", longest)
	}
	if tx.Caller.User == 0 || tx.Caller.Key != 0 {
		return 0, fault.New(fault.Denied, "A consent is asked for in person.").WithHint("Sign in to ask for it.")
	}
	var n int
	err := tx.QueryRow(`select count(*) from export_consent where user_id = ? and (state = 'open' and at > ? or state = 'agreed' and ends_at > ?)`, int64(tx.Caller.User), tx.Now-Wait.Milliseconds(), tx.Now).Scan(&n)
	if err != nil {
		return 0, err
	}
	if n > 0 {
		return 0, fault.New(fault.Conflict, "You have asked already.").WithHint("Another administrator decides.")
	}
	made, err := tx.NewID()
	if err != nil {
		return 0, err
	}
	e := tx.Entry()
	e.Action, e.Kind, e.Object, e.Detail.Reason = Asked, "export", made, reason
	if _, err = tx.Exec(`insert into export_consent (id, user_id, reason, state, at, decided_by, decided_at, ends_at) values (?, ?, ?, 'open', ?, 0, 0, 0)`, int64(made), int64(tx.Caller.User), reason, tx.Now); err != nil {
		return 0, err
	}
	people, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? and custom_id = 0 and user_id <> ? order by user_id`, string(access.Administrator), int64(tx.Caller.User))
	if err == nil {
		_, err = notification.Send(tx, notification.Notice{Topic: "approval", To: people, Href: "/password-exports", Key: "export/" + made.String(),
			Text: []notification.Part{notification.Words("asks for your consent to export passwords.")}})
	}
	return made, err
}

// Decide gives or refuses a consent, in a change for which the caller administers the tenant.
// Nobody decides about what she asked for, but to take it back. Fault kinds: NotFound, Denied.
func Decide(tx *gate.Tx, consent id.ID, agrees bool) error {
	var user int64
	e := tx.Entry()
	e.Action, e.Kind, e.Object = Refused, "export", consent
	if tx.Caller.User == 0 || tx.Caller.Key != 0 {
		return fault.New(fault.Denied, "A consent is given in person.").WithHint("Sign in to decide; an API key cannot.")
	}
	err := tx.QueryRow(`select user_id from export_consent where id = ? and state = 'open' and at > ?`, int64(consent), tx.Now-Wait.Milliseconds()).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return gate.Missing()
	}
	if err != nil {
		return err
	}
	state, ends := "refused", int64(0)
	if agrees {
		e.Action, state, ends = Agreed, "agreed", tx.Now+Holds.Milliseconds()
		if id.ID(user) == tx.Caller.User {
			tx.Refuse(e)
			return fault.New(fault.Denied, "You asked for this yourself: another administrator consents to it.")
		}
	}
	e.Detail.Text = "to user " + id.ID(user).String()
	if _, err = tx.Exec(`update export_consent set state = ?, decided_by = ?, decided_at = ?, ends_at = ? where id = ?`, state, int64(tx.Caller.User), tx.Now, ends, int64(consent)); err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: "approval", To: []id.ID{id.ID(user)}, Href: "/password-exports", Key: "export/" + consent.String() + "/decided",
		Text: []notification.Part{notification.Words(state + " that you export passwords.")}})
	return err
}

const columns = `select c.id, c.user_id, coalesce(r.name, ''), c.reason, c.at, c.ends_at from export_consent c left join record r on r.id = c.user_id where `

// Due lists what waits for a decision; it is for administrators.
func Due(tx *gate.Tx) ([]*Consent, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return list(tx, columns+`c.state = 'open' and c.at > ? order by c.id`, tx.Now-Wait.Milliseconds())
}

// Mine gives what the caller asked for and waits, or holds; nil for nothing.
func Mine(tx *gate.Tx) (*Consent, error) {
	out, err := list(tx, columns+`c.user_id = ? and (c.state = 'open' and c.at > ? or c.state = 'agreed' and c.ends_at > ?) order by c.id desc limit 1`, int64(tx.Caller.User), tx.Now-Wait.Milliseconds(), tx.Now)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return out[0], nil
}

func list(tx *gate.Tx, q string, args ...any) (out []*Consent, err error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := &Consent{}
		var n, user int64
		if err := rows.Scan(&n, &user, &c.UserName, &c.Reason, &c.At, &c.Ends); err != nil {
			return nil, err
		}
		c.ID, c.User = id.ID(n), id.ID(user)
		out = append(out, c)
	}
	return out, rows.Err()
}
