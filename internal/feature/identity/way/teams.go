package way

import (
	"database/sql"
	"errors"
	"slices"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

// mostTeam is the longest name of a group that is taken over, in bytes.
const mostTeam = 200

// teams puts a user into the groups here that stand for hers in the directory, and
// takes her out of others that do. A group that was here before, with the same name,
// stands for none: only a mapping fills it.
func (n *intake) teams(tx *gate.Tx, p newcomer, user id.ID) error {
	want := map[id.ID]bool{}
	for _, name := range p.GroupNames {
		if len(name) > mostTeam {
			continue
		}
		g, err := n.team(tx, name)
		if err != nil {
			return err
		}
		if g != 0 {
			want[g] = true
		}
	}
	all, err := tx.IDs(`select t.group_id from sign_in_team t join record r on r.id = t.group_id where t.way_id = ? and r.trashed_at is null and r.archived = 0 order by t.group_id`, int64(n.x.ID))
	if err != nil {
		return err
	}
	for _, g := range all {
		if err := member(tx, g, user, want[g]); err != nil {
			return err
		}
	}
	return nil
}

// team finds the group that stands for one of the directory, or makes it; 0 for one
// that was here before.
func (n *intake) team(tx *gate.Tx, name string) (id.ID, error) {
	var g int64
	err := tx.QueryRow(`select group_id from sign_in_team where way_id = ? and name_fold = ?`, int64(n.x.ID), record.Fold(name)).Scan(&g)
	if !errors.Is(err, sql.ErrNoRows) {
		return id.ID(g), err
	}
	err = tx.QueryRow(`select r.id from record r where r.kind = ? and r.name_fold = ? and r.trashed_at is null`, identity.Group, record.Fold(name)).Scan(&g)
	if !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	r, err := n.Records.Create(tx, identity.Group, record.Values{"name": name, "description": "Of " + n.x.Name + "."})
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(`insert into sign_in_team (way_id, name_fold, group_id) values (?, ?, ?)`, int64(n.x.ID), record.Fold(name), int64(r.ID))
	return r.ID, err
}

// member puts a user into a group, or takes her out.
func member(tx *gate.Tx, group, user id.ID, in bool) error {
	members, err := access.Members(tx.SQL(), group)
	if err != nil || slices.Contains(members, user) == in {
		return err
	}
	if in {
		members = append(members, user)
	} else {
		members = slices.DeleteFunc(members, func(m id.ID) bool { return m == user })
	}
	return identity.SetMembers(tx, group, members)
}
