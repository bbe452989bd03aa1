// Package breakglass keeps the accounts that are for emergencies: when the other system
// that people sign in by is down, or nobody else is there.
//
// Always true: such an account is an administrator's with a second factor, and signs in
// with it alone; each time it is used all administrators are told in the same transaction,
// and nothing is done with it, nor seen, before a reason was given; no API key acts for it;
// it is not forced to another way of
// signing in, and not deactivated for not being used.
package breakglass

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/notification"
)

// The actions of the audit entries; all are about the user.
const (
	Named     = "breakglass.name"
	Unnamed   = "breakglass.unname"
	Used      = "breakglass.use"
	Explained = "breakglass.reason"
)

// Topic is what notices are about.
const Topic = "breakglass"

// Page is where administrators name such accounts, Why where one says why she uses one.
const (
	Page = "/settings/break-glass"
	Why  = identity.ReasonPage
)

// Every is how often such an account is to be tried.
const Every = 90 * 24 * time.Hour

const (
	most    = 10
	longest = 500
)

// Feature is the table of accounts for emergencies.
func Feature() record.Feature {
	return record.Feature{Name: "breakglass", Schema: []string{
		`create table if not exists breakglass (user_id int primary key, by_id int not null, at int not null, used_at int not null default 0)`,
	}, Purge: func(tx *gate.Tx, r *record.Record) error {
		_, err := tx.Exec(`delete from breakglass where user_id = ?`, int64(r.ID))
		return err
	}}
}

// Account is one of them.
type Account struct {
	User  id.ID
	Named int64 // Unix milliseconds
	Used  int64 // the last time; 0 for never
}

// List gives the accounts, to who administers the tenant.
func List(tx *gate.Tx) ([]Account, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select b.user_id, b.at, b.used_at from breakglass b join record r on r.id = b.user_id where r.trashed_at is null order by b.at, b.user_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Account
	for rows.Next() {
		var a Account
		var n int64
		if err := rows.Scan(&n, &a.Named, &a.Used); err != nil {
			return nil, err
		}
		a.User = id.ID(n)
		out = append(out, a)
	}
	return out, rows.Err()
}

// Is tells whether an account is one of them.
func Is(tx *gate.Tx, user id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from breakglass where user_id = ?`, int64(user)).Scan(&n)
	return n > 0, err
}

// Name makes an account one of them, in a change for which the caller administers the
// tenant. Fault kinds: Invalid for the field user.
func Name(tx *gate.Tx, user id.ID) error {
	var active, factors, others, keys int
	err := tx.QueryRow(`select (select count(*) from access_principal p join record r on r.id = p.user_id where p.user_id = ? and p.active = 1 and p.role = ? and r.trashed_at is null),
		(select count(*) from mfa_factor where user_id = ?), (select count(*) from breakglass where user_id <> ?),
		(select count(*) from api_key where owner_id = ? and (expires_at = 0 or expires_at > ?))`, int64(user), string(access.Administrator), int64(user), int64(user), int64(user), tx.Now).Scan(&active, &factors, &others, &keys)
	switch {
	case err != nil:
		return err
	case active == 0:
		return fault.Field("user", "Choose an administrator who may sign in.")
	case factors == 0:
		return fault.Field("user", "This account has no second factor, without which it could not sign in. Set up a security key for it first.")
	case keys > 0:
		return fault.Field("user", "This account has API keys, which would act for it without anybody being told. Revoke them first.")
	case others >= most:
		return fault.Field("user", "There are at most %d such accounts.", most).WithHint("Take one that is not needed from the list first.")
	}
	e := tx.Entry()
	e.Action, e.Kind, e.Object = Named, identity.User, user
	n, err := tx.Exec(`insert into breakglass (user_id, by_id, at) values (?, ?, ?) on conflict (user_id) do nothing`, int64(user), int64(tx.Caller.User), tx.Now)
	if err == nil && n == 0 {
		tx.Withdraw(e)
	}
	return err
}

// Owning is apikey.Keys.Owning: such an account has no API keys.
func Owning(tx *gate.Tx, owner id.ID) error {
	is, err := Is(tx, owner)
	if err == nil && is {
		err = fault.Field("owner", "This is an account for emergencies, which has no API keys: they would act for it without anybody being told.").WithHint("Make a key of its own, or one for another administrator.")
	}
	return err
}

// Unname makes an account an ordinary one again, in such a change.
func Unname(tx *gate.Tx, user id.ID) error {
	e := tx.Entry()
	e.Action, e.Kind, e.Object = Unnamed, identity.User, user
	n, err := tx.Exec(`delete from breakglass where user_id = ?`, int64(user))
	if err == nil && n == 0 {
		tx.Withdraw(e)
	}
	return err
}

// Opening is one of identity.Sessions.Opening: such an account signs in with a second
// factor, or not at all.
func Opening(tx *gate.Tx, user, _ id.ID, claim method.Claim) error {
	is, err := Is(tx, user)
	if err != nil || !is || claim.Level > 1 {
		return err
	}
	var n int
	err = tx.QueryRow(`select count(*) from mfa_factor where user_id = ?`, int64(user)).Scan(&n)
	if err == nil && n == 0 {
		err = fault.New(fault.Denied, "This account is for emergencies and signs in with a second factor only, which it has not.").WithHint("An administrator takes it off the list of such accounts, or sets up a factor.")
	}
	return err
}

// Except gives an Opening that such accounts are not asked by: they need not sign in by
// another system, which may be down.
func Except(opening func(*gate.Tx, id.ID, id.ID, method.Claim) error) func(*gate.Tx, id.ID, id.ID, method.Claim) error {
	return func(tx *gate.Tx, user, session id.ID, claim method.Claim) error {
		is, err := Is(tx, user)
		if err != nil || is {
			return err
		}
		return opening(tx, user, session, claim)
	}
}

// Entered tells all administrators that such an account came in, in the transaction in
// which its session begins, and has the session ask for the reason first.
func Entered(tx *gate.Tx, e identity.Entry) error {
	is, err := Is(tx, e.User)
	if err != nil || !is {
		return err
	}
	if _, err := tx.Exec(`update breakglass set used_at = ? where user_id = ?`, tx.Now, int64(e.User)); err != nil {
		return err
	}
	if err := identity.AskReason(tx, e.Session); err != nil {
		return err
	}
	tx.Also(&audit.Entry{Action: Used, Kind: identity.User, Object: e.User, Detail: audit.Detail{Text: e.Agent}})
	from := "an unknown address"
	if e.Addr.IsValid() {
		from = e.Addr.Unmap().String()
	}
	return tell(tx, "use/"+e.Session.String(), notification.Words("An account for emergencies is being used, from "+from+":"), notification.Of(e.User))
}

// tell tells all administrators.
func tell(tx *gate.Tx, key string, text ...notification.Part) error {
	to, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? order by user_id`, string(access.Administrator))
	if err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: to, Href: Page, Own: true, Self: true, Text: text, Key: "breakglass/" + key})
	return err
}

// Explain keeps why the caller uses such an account: from then on she can use it. Fault
// kinds: Invalid for the field reason.
func Explain(ctx context.Context, s *identity.Sessions, c *access.Caller, reason string) error {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n == 0 || n > longest {
		return fault.Field("reason", "Say why, in up to %d characters.", longest)
	}
	return s.GiveReason(ctx, c, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Detail.Reason = Explained, reason
		return tell(tx, "reason/"+c.Session, notification.Of(c.User), notification.Words("said why the account for emergencies is used: "+reason))
	})
}

// Remind tells the administrators of accounts that were not tried for long. A schedule
// calls it; it bears repetition.
func Remind(ctx context.Context, g *gate.Gate, tenant string) error {
	return g.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		list, err := List(tx)
		if err != nil {
			return err
		}
		for _, a := range list {
			since := tx.Now - max(a.Named, a.Used)
			if since < Every.Milliseconds() {
				continue
			}
			words := fmt.Sprintf("An account for emergencies was not tried for %d days. Sign in with it, to know that it works:", since/(24*time.Hour).Milliseconds())
			if err := tell(tx, fmt.Sprintf("try/%s/%d/%d", a.User, max(a.Named, a.Used), since/Every.Milliseconds()), notification.Words(words), notification.Of(a.User)); err != nil {
				return err
			}
		}
		return nil
	})
}
