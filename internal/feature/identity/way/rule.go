package way

import (
	"context"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
)

// Rules says by which ways the members of groups may sign in: group to ways, the
// way 0 being the passwords kept here. Who is in several groups has the ways of
// all of them; who is in none with a rule may come by any.
type Rules map[id.ID][]id.ID

// Rules reads the rules, for who manages the tenant.
func (w *Ways) Rules(tx *gate.Tx) (Rules, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select group_id, way_id from sign_in_rule order by group_id, way_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := Rules{}
	for rows.Next() {
		var g, way int64
		if err := rows.Scan(&g, &way); err != nil {
			return nil, err
		}
		out[id.ID(g)] = append(out[id.ID(g)], id.ID(way))
	}
	return out, rows.Err()
}

// SetRule says by which ways the members of a group may sign in; no ways means
// any. Conflict when no administrator could sign in with a password kept here.
func (w *Ways) SetRule(ctx context.Context, c *access.Caller, group id.ID, ways []id.ID) error {
	return w.Gate.Change(ctx, c, access.Administer, gate.Thing{Kind: identity.Group, ID: group}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Detail.Text = "sign-in-way.rule", "any way"
		known, err := list(tx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from sign_in_rule where group_id = ?`, int64(group)); err != nil {
			return err
		}
		for i, way := range ways {
			name := "passwords kept here"
			if n := slices.IndexFunc(known, func(x *Way) bool { return x.ID == way }); n >= 0 {
				name = known[n].Name
			} else if way != 0 {
				return fault.Field("ways", "There is no such way in.")
			}
			if i == 0 {
				e.Detail.Text = ""
			} else {
				e.Detail.Text += ", "
			}
			e.Detail.Text += name
			if _, err := tx.Exec(`insert into sign_in_rule (group_id, way_id) values (?, ?) on conflict do nothing`, int64(group), int64(way)); err != nil {
				return err
			}
		}
		return outlet(tx)
	})
}

// outlet sees that an administrator can sign in when no other system works.
func outlet(tx *gate.Tx) error {
	var rules, free int
	err := tx.QueryRow(`select (select count(*) from sign_in_rule), (select count(*) from access_principal p join record r on r.id = p.user_id
		where p.role = ? and p.active = 1 and r.trashed_at is null and r.archived = 0 and (
			not exists (select 1 from access_member m join sign_in_rule s on s.group_id = m.group_id where m.user_id = p.user_id)
			or exists (select 1 from access_member m join sign_in_rule s on s.group_id = m.group_id where m.user_id = p.user_id and s.way_id = 0)))`,
		string(access.Administrator)).Scan(&rules, &free)
	if err != nil || rules == 0 || free > 0 {
		return err
	}
	return fault.New(fault.Conflict, "No administrator could sign in with a password kept here any more.").
		WithHint("Leave that to one administrator at least, for the day on which the other system does not work.")
}

// Opening is what identity.Sessions.Opening calls in the transaction that makes a
// session: it refuses who must come by another way, and notes which session of the
// other side this one stands on.
func (w *Ways) Opening(tx *gate.Tx, user, session id.ID, c method.Claim) error {
	allowed, err := tx.IDs(`select distinct s.way_id from sign_in_rule s join access_member m on m.group_id = s.group_id where m.user_id = ?`, int64(user))
	if err != nil {
		return err
	}
	if len(allowed) > 0 && !slices.Contains(allowed, c.Way) && !(c.Way == 0 && c.OneTime) {
		return w.elsewhere(tx, allowed)
	}
	if c.Way == 0 {
		return nil
	}
	subject, err := subjectOf(tx, c.Way, c.Subject)
	if err != nil {
		return err
	}
	other, err := digest(tx, "session", c.Way.String(), c.Session)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from sign_in_session where session_id not in (select id from identity_session)`); err != nil {
		return err
	}
	leave, err := sealFarewell(tx, farewell{Way: c.Way, Leave: c.Leave})
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into sign_in_session (session_id, way_id, subject, other, leave) values (?, ?, ?, ?, ?)`, int64(session), int64(c.Way), subject, other, leave)
	return err
}

func (w *Ways) elsewhere(tx *gate.Tx, allowed []id.ID) error {
	known, err := list(tx)
	if err != nil {
		return err
	}
	var names string
	for _, x := range known {
		if !slices.Contains(allowed, x.ID) {
			continue
		}
		if names != "" {
			names += " or "
		}
		names += x.Name
	}
	if names == "" {
		names = "a password kept here"
	}
	return fault.New(fault.Denied, "Your group signs in with %s.", names).WithHint("Choose it on the sign-in page.")
}

// Completed is what identity.Sessions.Completed calls where half a session became
// a session: it stands on the same one of the other side.
func Completed(tx *gate.Tx, half, session id.ID) error {
	_, err := tx.Exec(`update sign_in_session set session_id = ? where session_id = ?`, int64(session), int64(half))
	return err
}

// End ends the sessions that stand on one that the other side says is over: a
// message from server to server. Unauthorized for a message that proves nothing.
func (w *Ways) End(ctx context.Context, tenant string, x *Way, e method.Ended) error {
	return w.Gate.Change(ctx, access.System(tenant, "sign-in"), access.SignIn, gate.Thing{}, func(tx *gate.Tx) error {
		entry := tx.Entry()
		entry.Action, entry.Kind, entry.Object, entry.Detail.Name, entry.Detail.Text = "sign-in-way.ended", thing, x.ID, x.Name, "the other side ended its session"
		if err := once(tx, x.ID, e.Once, e.Until); err != nil {
			return err
		}
		q, args := `select session_id from sign_in_session where way_id = ?`, []any{int64(x.ID)}
		if e.Subject != "" {
			subject, err := subjectOf(tx, x.ID, e.Subject)
			if err != nil {
				return err
			}
			q, args = q+` and subject = ?`, append(args, subject)
		}
		ids, err := which(tx, x, q, args, e.Sessions)
		if err != nil {
			return err
		}
		for _, sid := range ids {
			for _, q := range []string{`delete from identity_session where id = ?`, `delete from sign_in_session where session_id = ?`} {
				if _, err := tx.Exec(q, int64(sid)); err != nil {
					return err
				}
			}
		}
		entry.Count = int64(len(ids))
		return nil
	})
}

// which finds sessions by a statement, and of these those that stand on some of the
// other side's; on any, when there are none.
func which(tx *gate.Tx, x *Way, q string, args []any, sessions []string) (ids []id.ID, err error) {
	if len(sessions) == 0 {
		return tx.IDs(q, args...)
	}
	for _, s := range sessions {
		other, err := digest(tx, "session", x.ID.String(), s)
		if err != nil {
			return nil, err
		}
		more, err := tx.IDs(q+` and other = ?`, append(slices.Clone(args), other)...)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	return ids, nil
}
