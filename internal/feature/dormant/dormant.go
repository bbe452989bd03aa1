// Package dormant deactivates accounts that nobody uses, where the tenant wants that.
//
// Always true: nobody is deactivated who was not told before, and had the days that the
// policy gives; accounts for emergencies, and the last administrator beside them, are left alone; who was
// deactivated is archived as by hand, and comes back as by hand.
package dormant

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
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/notification"
)

// The actions of the audit entries.
const (
	Settled     = "dormant.policy"
	Deactivated = "dormant.deactivate" // about the user
)

const day = int64(24 * time.Hour / time.Millisecond)

// Policy is a tenant's. The zero value deactivates nobody.
type Policy struct {
	On     bool
	Days   int // without a sign-in, until an account is deactivated
	Notice int // days before that she is told
}

// Usual is what the form offers where nothing was set.
func Usual() Policy { return Policy{Days: 180, Notice: 14} }

// Feature is the tables of the policy and of who was told.
func Feature() record.Feature {
	return record.Feature{Name: "dormant", Schema: []string{
		`create table if not exists dormant_policy (one int primary key check (one = 1), is_on int not null, days int not null, notice int not null)`,
		`create table if not exists dormant_told (user_id int primary key, last_at int not null, at int not null)`,
	}, Purge: func(tx *gate.Tx, r *record.Record) error {
		_, err := tx.Exec(`delete from dormant_told where user_id = ?`, int64(r.ID))
		return err
	}}
}

// Of gives the tenant's policy.
func Of(tx *gate.Tx) (Policy, error) {
	p := Usual()
	err := tx.QueryRow(`select is_on, days, notice from dormant_policy where one = 1`).Scan(&p.On, &p.Days, &p.Notice)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	return p, err
}

// Set keeps the policy, in a change for which the caller administers the tenant. Fault
// kinds: Invalid with the fields days and notice.
func Set(tx *gate.Tx, p Policy) error {
	bad := map[string]string{}
	if p.Days < 30 || p.Days > 3650 {
		bad["days"] = "This is between 30 and 3,650 days."
	}
	if p.Notice < 1 || p.Notice >= p.Days {
		bad["notice"] = "This is at least one day, and less than the days until then."
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	_, err := tx.Exec(`insert into dormant_policy (one, is_on, days, notice) values (1, ?, ?, ?) on conflict (one) do update set is_on = excluded.is_on, days = excluded.days, notice = excluded.notice`, p.On, p.Days, p.Notice)
	e := tx.Entry()
	e.Action, e.Detail.Text = Settled, "off"
	if p.On {
		e.Detail.Text = fmt.Sprintf("after %d days, told %d days before", p.Days, p.Notice)
	}
	return err
}

// Keeper carries the policy out. Fill the fields.
type Keeper struct {
	Gate    *gate.Gate
	Records *record.Engine
}

// idle is somebody who did not sign in for long, and what she was told.
type idle struct {
	user         id.ID
	last         int64
	told, toldAt int64
}

// Run tells who is to be deactivated, and deactivates who was told and let the days pass.
// A schedule calls it; it bears repetition.
func (k *Keeper) Run(ctx context.Context, tenant string) error {
	system := access.System(tenant, "job")
	var list []idle
	var p Policy
	err := k.Gate.View(ctx, system, func(tx *gate.Tx) (err error) {
		if p, err = Of(tx); err != nil || !p.On {
			return err
		}
		list, err = find(tx, tx.Now-int64(p.Days-p.Notice)*day, tx.Now-int64(p.Days)*day)
		return err
	})
	if err != nil {
		return err
	}
	for _, x := range list {
		err := k.Gate.Change(ctx, system, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry()) // what is done has its own
			return k.one(tx, p, x)
		})
		if err != nil && !fault.Is(err, fault.Conflict) { // the last administrator
			return err
		}
	}
	return nil
}

// find gives the active users who did not sign in since a time, nor used a key of theirs
// since another; accounts for emergencies are left out.
func find(tx *gate.Tx, since, used int64) ([]idle, error) {
	rows, err := tx.Query(`select r.id, coalesce(u.current_sign_in_at, r.created_at), coalesce(t.last_at, 0), coalesce(t.at, 0)
		from access_principal p join record r on r.id = p.user_id join k_user u on u.id = r.id left join dormant_told t on t.user_id = r.id
		where p.active = 1 and r.trashed_at is null and r.archived = 0 and coalesce(u.current_sign_in_at, r.created_at) <= ?
		and not exists (select 1 from breakglass b where b.user_id = r.id)
		and not exists (select 1 from api_key a where a.owner_id = r.id and a.used_at > ?) order by r.id limit 5000`, since, used)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []idle
	for rows.Next() {
		var x idle
		var n int64
		if err := rows.Scan(&n, &x.last, &x.told, &x.toldAt); err != nil {
			return nil, err
		}
		x.user = id.ID(n)
		out = append(out, x)
	}
	return out, rows.Err()
}

// alone tells whether a user is left alone whatever the policy says: an account for
// emergencies, or the last administrator beside those.
func alone(tx *gate.Tx, user id.ID) (bool, error) {
	var emergency, admin, others int
	err := tx.QueryRow(`select (select count(*) from breakglass where user_id = ?), (select count(*) from access_principal where user_id = ? and role = ?),
		(select count(*) from access_principal p join record r on r.id = p.user_id where p.role = ? and p.active = 1 and p.user_id <> ? and r.archived = 0 and r.trashed_at is null
			and not exists (select 1 from breakglass b where b.user_id = p.user_id))`,
		int64(user), int64(user), string(access.Administrator), string(access.Administrator), int64(user)).Scan(&emergency, &admin, &others)
	return emergency > 0 || admin > 0 && others == 0, err
}

func (k *Keeper) one(tx *gate.Tx, p Policy, x idle) error {
	if left, err := alone(tx, x.user); err != nil || left {
		return err
	}
	if x.told != x.last { // not told since she was here last
		until := max(x.last+int64(p.Days)*day, tx.Now+int64(p.Notice)*day)
		_, err := tx.Exec(`insert into dormant_told (user_id, last_at, at) values (?, ?, ?) on conflict (user_id) do update set last_at = excluded.last_at, at = excluded.at`, int64(x.user), x.last, tx.Now)
		if err != nil {
			return err
		}
		_, err = notification.Send(tx, notification.Notice{Topic: "security", To: []id.ID{x.user}, Href: "/account", Own: true, Self: true, Key: fmt.Sprintf("dormant/%s/%d", x.user, x.last),
			Text: []notification.Part{notification.Words("You have not signed in for long. Your account is deactivated on " + time.UnixMilli(until).UTC().Format("2 January 2006") + ", unless you sign in before.")}})
		return err
	}
	if tx.Now-x.last < int64(p.Days)*day || tx.Now-x.toldAt < int64(p.Notice)*day {
		return nil
	}
	if err := k.Records.SetArchived(tx, identity.User, x.user, true); err != nil {
		return err
	}
	tx.Also(&audit.Entry{Action: Deactivated, Kind: identity.User, Object: x.user, Detail: audit.Detail{Text: fmt.Sprintf("no sign-in for %d days", (tx.Now-x.last)/day)}})
	to, err := tx.IDs(`select user_id from access_principal where active = 1 and role = ? order by user_id`, string(access.Administrator))
	if err != nil {
		return err
	}
	_, err = notification.Send(tx, notification.Notice{Topic: "dormant", To: to, Href: "/users/" + x.user.String(), Own: true, Self: true, Key: fmt.Sprintf("dormant/over/%s/%d", x.user, x.last),
		Text: []notification.Part{notification.Words("Deactivated, as nobody signed in for long:"), notification.Of(x.user)}})
	return err
}
