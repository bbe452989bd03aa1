package provision

import (
	"context"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

// What of a user is the name by which a way in knows her.
const (
	SubjectUserName = "userName"
	SubjectExternal = "externalId"
)

// Settings are what administrators say of provisioning.
type Settings struct {
	Role    access.Role           // of a user who is made, and without a group that has another
	Take    bool                  // users who were made here are taken over by their e-mail addresses
	Way     id.ID                 // by which users come who are made; 0 for none
	Subject string                // what of a user that way knows her by
	Roles   map[id.ID]access.Role // of the members of groups
}

// SettingsOf gives the settings to who manages the tenant.
func (p *Provision) SettingsOf(tx *gate.Tx) (Settings, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return Settings{}, err
	}
	return settings(tx)
}

func settings(tx *gate.Tx) (Settings, error) {
	s := Settings{Role: access.ReadOnly, Subject: SubjectUserName, Roles: map[id.ID]access.Role{}}
	var way int64
	err := tx.QueryRow(`select role, take, way_id, subject from provision_set`).Scan(&s.Role, &s.Take, &way, &s.Subject)
	if err != nil && !noRows(err) {
		return s, err
	}
	s.Way = id.ID(way)
	rows, err := tx.Query(`select group_id, role from provision_role order by group_id`)
	if err != nil {
		return s, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var role access.Role
		if err := rows.Scan(&n, &role); err != nil {
			return s, err
		}
		s.Roles[id.ID(n)] = role
	}
	return s, rows.Err()
}

// Roles lists the roles that provisioning can give: all but that of administrators.
func Roles() []access.Role { return access.EveryRole()[1:] }

// SetSettings sets the settings. Users get the roles that follow from them at once. Invalid
// with the fields role, way and roles.
func (p *Provision) SetSettings(ctx context.Context, c *access.Caller, s Settings) error {
	return p.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Detail.Text = "provisioning.settings", "role "+string(s.Role)
		if s.Take {
			e.Detail.Text += ", users who were made here are taken over"
		}
		bad := map[string]string{}
		if !slices.Contains(Roles(), s.Role) {
			bad["role"] = "Choose a role; nobody is made an administrator by provisioning."
		}
		for _, role := range s.Roles {
			if !slices.Contains(Roles(), role) {
				bad["roles"] = "Choose roles; nobody is made an administrator by provisioning."
			}
		}
		if s.Subject != SubjectUserName && s.Subject != SubjectExternal {
			bad["subject"] = "Choose what the way in knows people by."
		}
		if s.Way != 0 {
			if ok, err := p.Ways.Known(tx, s.Way); err != nil {
				return err
			} else if !ok {
				bad["way"] = "There is no such way in."
			}
		}
		if err := fault.Fields(bad); err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into provision_set (one, role, take, way_id, subject) values (1, ?, ?, ?, ?)
			on conflict (one) do update set role = excluded.role, take = excluded.take, way_id = excluded.way_id, subject = excluded.subject`, string(s.Role), s.Take, int64(s.Way), s.Subject); err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from provision_role`); err != nil {
			return err
		}
		for group, role := range s.Roles {
			if ok, err := p.KeptGroup(tx, group); err != nil {
				return err
			} else if !ok {
				return fault.Field("roles", "There is no group with the id %s that provisioning keeps.", group)
			}
			if _, err := tx.Exec(`insert into provision_role (group_id, role) values (?, ?)`, int64(group), string(role)); err != nil {
				return err
			}
		}
		users, err := tx.IDs(`select p.user_id from provision_user p join record r on r.id = p.user_id where p.hidden = 0 and r.trashed_at is null order by p.user_id`)
		if err != nil {
			return err
		}
		if err := p.roles(tx, users); err != nil || s.Way == 0 {
			return err
		}
		list, _, err := p.Users(tx, Query{Limit: len(users)})
		for _, u := range list {
			if err == nil {
				err = p.tie(tx, u, s)
			}
		}
		return err
	})
}

// roles gives users the roles of their groups, where administrators have given some: the
// most of them, or that of who is made. Administrators stay what they are.
func (p *Provision) roles(tx *gate.Tx, users []id.ID) error {
	set, err := settings(tx)
	if err != nil || len(set.Roles) == 0 {
		return err
	}
	for _, u := range users {
		now, err := roleOf(tx, u)
		if err != nil {
			return err
		}
		groups, err := access.GroupsOf(tx.SQL(), u)
		if err != nil {
			return err
		}
		role := set.Role
		for _, r := range Roles() { // from most to least
			if slices.ContainsFunc(groups, func(g id.ID) bool { return set.Roles[g] == r }) {
				role = r
				break
			}
		}
		if now == role || now == access.Administrator {
			continue
		}
		if _, err := p.Records.Update(tx, identity.User, u, 0, record.Values{"role_name": string(role)}); err != nil {
			return err
		}
	}
	return nil
}

// tie connects a user with the way in that the settings name, by the name that the other
// side has for her. An administrator's connections are her own matter.
func (p *Provision) tie(tx *gate.Tx, u *User, set Settings) error {
	subject := u.UserName
	if set.Subject == SubjectExternal {
		subject = u.External
	}
	role, err := roleOf(tx, u.ID)
	if err != nil || set.Way == 0 || subject == "" || role == access.Administrator {
		return err
	}
	return p.Ways.Tie(tx, set.Way, subject, u.ID, u.UserName)
}

// Call is something that the other side asked.
type Call struct {
	At     int64 // Unix milliseconds
	Key    id.ID
	What   string // POST Users
	Status int
	Said   string
}

// mostCalls is how many calls are remembered.
const mostCalls = 100

// called remembers a call that changed something, or was refused.
func called(tx *gate.Tx, what string, status int, said string) error {
	n, err := tx.NewID()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into provision_call (id, at, key_id, what, status, said) values (?, ?, ?, ?, ?, ?)`, int64(n), tx.Now, int64(tx.Caller.Key), what, status, said); err != nil {
		return err
	}
	_, err = tx.Exec(`delete from provision_call where id not in (select c.id from provision_call c order by c.id desc limit ?)`, mostCalls)
	return err
}

// Refused remembers a call that was refused, and why.
func (p *Provision) Refused(ctx context.Context, c *access.Caller, what string, status int, said string) error {
	return p.Gate.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error { return called(tx, what, status, said) })
}

// Calls lists the last calls, the newest first, for who manages the tenant.
func (p *Provision) Calls(tx *gate.Tx) (out []Call, err error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select at, key_id, what, status, said from provision_call order by id desc`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Call
		var key int64
		if err := rows.Scan(&c.At, &key, &c.What, &c.Status, &c.Said); err != nil {
			return nil, err
		}
		c.Key = id.ID(key)
		out = append(out, c)
	}
	return out, rows.Err()
}
