package provision

import (
	"context"
	"errors"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

const groupsFrom = ` from provision_group p join record r on r.id = p.group_id where p.hidden = 0 and r.trashed_at is null and r.archived = 0`

// Groups gives groups and how many there are in all; members fills in who is in them.
func (p *Provision) Groups(tx *gate.Tx, q Query, members bool) (out []*Group, total int64, err error) {
	if _, err := tx.Allow(access.View, gate.Thing{}); err != nil {
		return nil, 0, err
	}
	cond, args := q.condition()
	sees, who := tx.Visible("r")
	where, args := groupsFrom+cond+` and `+sees, append(args, who...)
	if err := tx.QueryRow(`select count(*)`+where, args...).Scan(&total); err != nil || q.Limit <= 0 {
		return nil, total, err
	}
	rows, err := tx.Query(`select p.group_id, r.name, p.external_id, p.created_at, p.changed_at, r.updated_at`+where+` order by p.group_id limit ? offset ?`, append(args, q.Limit, q.Skip)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var g Group
		var n, updated int64
		if err := rows.Scan(&n, &g.Name, &g.External, &g.Created, &g.Changed, &updated); err != nil {
			return nil, 0, err
		}
		g.ID, g.Changed = id.ID(n), max(g.Changed, updated)
		out = append(out, &g)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || !members {
		return out, total, err
	}
	return out, total, p.membersOf(tx, out)
}

// membersOf fills in who of the users that the other side keeps is in groups.
func (p *Provision) membersOf(tx *gate.Tx, groups []*Group) error {
	at := map[id.ID]*Group{}
	for part := range parts(groups) {
		var ids []id.ID
		for _, g := range part {
			at[g.ID], ids = g, append(ids, g.ID)
		}
		rows, err := tx.Query(`select m.group_id, r.id, r.name from access_member m join provision_user p on p.user_id = m.user_id join record r on r.id = m.user_id
			where p.hidden = 0 and r.trashed_at is null and m.group_id in (`+access.Marks(len(ids))+`) order by r.id`, access.Args(ids)...)
		if err != nil {
			return err
		}
		if err := refs(rows, func(of, n id.ID, name string) { at[of].Members = append(at[of].Members, Ref{n, name}) }); err != nil {
			return err
		}
	}
	return nil
}

// Group gives one group with its members. NotFound when there is none for the other side.
func (p *Provision) Group(tx *gate.Tx, group id.ID) (*Group, error) {
	list, _, err := p.Groups(tx, Query{Field: ByID, Value: group.String(), Limit: 1}, true)
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func (g *Group) clean() error {
	bad := map[string]string{}
	switch n := len([]rune(g.Name)); {
	case n == 0:
		bad["displayName"] = "A group needs a displayName."
	case n > mostName:
		bad["displayName"] = "displayName is longer than 200 characters."
	}
	if len([]rune(g.External)) > mostName {
		bad["externalId"] = "externalId is longer than 200 characters."
	}
	return fault.Fields(bad)
}

// MakeGroup makes a group, or brings back the one that was removed. A group that was made
// here with the same name is left alone: Conflict, caused by ErrTaken.
func (p *Provision) MakeGroup(ctx context.Context, c *access.Caller, g *Group) (out *Group, err error) {
	if err := g.clean(); err != nil {
		return nil, err
	}
	err = p.Gate.Change(ctx, c, access.Create, gate.Thing{Kind: identity.Group}, func(tx *gate.Tx) error {
		begun := tx.Entry()
		begun.Detail.Text = "by provisioning"
		if g.ID, err = p.named(tx, g.Name, 0); err != nil {
			return err
		}
		text := "Made a group."
		if g.ID == 0 {
			r, err := p.Records.Create(tx, identity.Group, record.Values{"name": g.Name, "description": "Kept by provisioning."})
			if err != nil {
				return err
			}
			g.ID = r.ID
			if _, err := tx.Exec(`insert into provision_group (group_id, external_id, hidden, created_at, changed_at) values (?, ?, 0, ?, ?)`, int64(g.ID), g.External, tx.Now, tx.Now); err != nil {
				return err
			}
		} else {
			tx.Withdraw(begun)
			text = "Brought back a group."
			if _, err := tx.Exec(`update provision_group set hidden = 0, external_id = ?, changed_at = ? where group_id = ?`, g.External, tx.Now, int64(g.ID)); err != nil {
				return err
			}
			if err := p.Records.SetArchived(tx, identity.Group, g.ID, false); err != nil {
				return err
			}
			if _, err := p.Records.Update(tx, identity.Group, g.ID, 0, record.Values{"name": g.Name}); err != nil {
				return err
			}
		}
		if err := p.setMembers(tx, g); err != nil {
			return err
		}
		if out, err = p.Group(tx, g.ID); err != nil {
			return err
		}
		return called(tx, "POST Groups", 201, text)
	})
	return out, err
}

// named looks for what has the name that a group is to have: 0 where nothing has, the group
// that was removed, or a Conflict.
func (p *Provision) named(tx *gate.Tx, name string, but id.ID) (id.ID, error) {
	var n int64
	var hidden, kept bool
	err := tx.QueryRow(`select r.id, coalesce(p.hidden, 0), case when p.group_id is null then 0 else 1 end from record r left join provision_group p on p.group_id = r.id
		where r.kind = ? and r.name_fold = ? and r.trashed_at is null and r.id <> ?`, identity.Group, record.Fold(name), int64(but)).Scan(&n, &hidden, &kept)
	switch {
	case noRows(err):
		return 0, nil
	case err != nil:
		return 0, err
	case !kept:
		return 0, taken("A group with this displayName was made here, and not by provisioning.").WithHint("Give one of the two another name.")
	case !hidden || but != 0:
		return 0, taken("There is already a group with this displayName.")
	}
	return id.ID(n), nil
}

// ChangeGroup makes a group what edit makes of it. Fault kinds as for MakeGroup, NotFound,
// and what edit gives.
func (p *Provision) ChangeGroup(ctx context.Context, c *access.Caller, group id.ID, what string, edit func(*Group) error) (out *Group, err error) {
	err = p.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: identity.Group, ID: group}, func(tx *gate.Tx) error {
		begun := tx.Entry()
		old, err := p.Group(tx, group)
		if err != nil {
			return err
		}
		g := *old
		g.Members = slices.Clone(old.Members)
		if err := edit(&g); err != nil {
			return err
		}
		if g.ID = group; record.Fold(g.Name) != record.Fold(old.Name) {
			if _, err := p.named(tx, g.Name, group); err != nil {
				return err
			}
		}
		if err := g.clean(); err != nil {
			return err
		}
		if g.External != old.External {
			if _, err := tx.Exec(`update provision_group set external_id = ?, changed_at = ? where group_id = ?`, g.External, tx.Now, int64(group)); err != nil {
				return err
			}
			begun.Detail.Fields = append(begun.Detail.Fields, "provisioning")
		}
		if g.Name != old.Name {
			if _, err := p.Records.Update(tx, identity.Group, group, 0, record.Values{"name": g.Name}); err != nil {
				return err
			}
		}
		if err := p.setMembers(tx, &g); err != nil {
			return err
		}
		if len(begun.Detail.Fields) == 0 {
			tx.Withdraw(begun)
		} else {
			begun.Detail.Text = "by provisioning"
		}
		if out, err = p.Group(tx, group); err != nil {
			return err
		}
		return called(tx, what, 200, "Changed a group.")
	})
	return out, err
}

// setMembers puts users into a group and takes others out: of those that the other side
// keeps. Whom administrators have put in besides stays.
func (p *Provision) setMembers(tx *gate.Tx, g *Group) error {
	now, err := access.Members(tx.SQL(), g.ID)
	if err != nil {
		return err
	}
	var want []id.ID
	for _, m := range g.Members {
		want = append(want, m.ID)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	mine, err := keptOf(tx, slices.Concat(now, want))
	if err != nil {
		return err
	}
	for _, m := range want {
		if !mine[m] {
			return fault.Field("members", "There is no user with the id %s to be a member.", m)
		}
	}
	next := slices.Clone(want)
	for _, m := range now {
		if !mine[m] {
			next = append(next, m)
		}
	}
	slices.Sort(next)
	if slices.Equal(next, now) {
		return nil
	}
	if err := identity.SetMembers(tx, g.ID, next); err != nil {
		return err
	}
	if _, err := tx.Exec(`update provision_group set changed_at = ? where group_id = ?`, tx.Now, int64(g.ID)); err != nil {
		return err
	}
	var moved []id.ID
	for _, m := range slices.Concat(now, want) {
		if mine[m] && slices.Contains(now, m) != slices.Contains(want, m) {
			moved = append(moved, m)
		}
	}
	return p.roles(tx, moved)
}

// keptOf tells which of some users the other side keeps.
func keptOf(tx *gate.Tx, users []id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	for part := range parts(users) {
		list, err := tx.IDs(`select p.user_id from provision_user p join record r on r.id = p.user_id where p.hidden = 0 and r.trashed_at is null and p.user_id in (`+access.Marks(len(part))+`)`, access.Args(part)...)
		if err != nil {
			return nil, err
		}
		for _, n := range list {
			out[n] = true
		}
	}
	return out, nil
}

// HideGroup archives a group, which does not exist for the other side any more: it gives
// nothing until it is made again.
func (p *Provision) HideGroup(ctx context.Context, c *access.Caller, group id.ID, check func(*Group) error) error {
	return p.Gate.Change(ctx, c, access.Archive, gate.Thing{Kind: identity.Group, ID: group}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "removed by provisioning"
		g, err := p.Group(tx, group)
		if err != nil {
			return err
		}
		if err := check(g); err != nil {
			return err
		}
		var moved []id.ID
		for _, m := range g.Members {
			moved = append(moved, m.ID)
		}
		if err := p.Records.SetArchived(tx, identity.Group, group, true); err != nil {
			return err
		}
		if _, err := tx.Exec(`update provision_group set hidden = 1, changed_at = ? where group_id = ?`, tx.Now, int64(group)); err != nil {
			return err
		}
		if err := p.roles(tx, moved); err != nil {
			return err
		}
		return called(tx, "DELETE Groups", 204, "Archived a group, which was removed at the other side.")
	})
}
