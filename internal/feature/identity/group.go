package identity

import (
	"database/sql"
	"errors"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

func groups() *record.Kind {
	return &record.Kind{
		Name: Group, Plural: "groups", Label: "Group", Labels: "Groups", Icon: "users", Scope: record.OfTenant, Admin: true, After: afterGroup,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "description", Type: record.Multiline, Class: record.Internal, Search: true, List: true},
		},
	}
}

// afterGroup sees that an archived or deleted group gives access to nothing,
// and that it gives again what it gave when it comes back.
func afterGroup(tx *gate.Tx, now, old *record.Record) error {
	switch {
	case old == nil || active(old) == active(now):
		return nil
	case active(now):
		return unpark(tx, now.ID)
	}
	return park(tx, now.ID)
}

// park takes members and organizations out of use and remembers them.
func park(tx *gate.Tx, group id.ID) error {
	members, err := access.Members(tx.SQL(), group)
	if err != nil {
		return err
	}
	all, orgs, err := access.GroupOrgs(tx.SQL(), group)
	if err != nil {
		return err
	}
	if all {
		err = remember(tx, group, "all", 0)
	}
	if err := errors.Join(err, remember(tx, group, "user", members...), remember(tx, group, "org", orgs...)); err != nil {
		return err
	}
	if err := access.SetGroupOrgs(tx.SQL(), group, false, nil); err != nil {
		return err
	}
	return access.SetMembers(tx.SQL(), group, nil)
}

func remember(tx *gate.Tx, group id.ID, sort string, members ...id.ID) error {
	for _, m := range members {
		_, err := tx.Exec(`insert into identity_parked (group_id, sort, member) values (?, ?, ?) on conflict do nothing`, int64(group), sort, int64(m))
		if err != nil {
			return err
		}
	}
	return nil
}

func unpark(tx *gate.Tx, group id.ID) error {
	members, err := parked(tx, group, "user")
	if err != nil {
		return err
	}
	orgs, err := parked(tx, group, "org")
	if err != nil {
		return err
	}
	all, err := parked(tx, group, "all")
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from identity_parked where group_id = ?`, int64(group)); err != nil {
		return err
	}
	if err := access.SetGroupOrgs(tx.SQL(), group, len(all) > 0, orgs); err != nil {
		return err
	}
	return access.SetMembers(tx.SQL(), group, members)
}

func parked(tx *gate.Tx, group id.ID, sort string) ([]id.ID, error) {
	return tx.IDs(`select member from identity_parked where group_id = ? and sort = ? order by member`, int64(group), sort)
}

// SetMembers replaces the members of a group, inside a granted change.
// Invalid names users that do not exist.
func SetMembers(tx *gate.Tx, group id.ID, members []id.ID) error {
	if err := editable(tx, group, "members"); err != nil {
		return err
	}
	if err := exist(tx, User, "accounts_user_ids", members); err != nil {
		return err
	}
	return access.SetMembers(tx.SQL(), group, clean(members))
}

// SetOrganizations replaces the organizations that a group's members may see,
// inside a granted change; all means every one, those made later included.
func SetOrganizations(tx *gate.Tx, group id.ID, all bool, orgs []id.ID) error {
	if err := editable(tx, group, "organizations"); err != nil {
		return err
	}
	if all {
		orgs = nil
	}
	if err := exist(tx, "organization", "organization_ids", orgs); err != nil {
		return err
	}
	return access.SetGroupOrgs(tx.SQL(), group, all, clean(orgs))
}

// editable decides on the change of a group and notes what changes.
func editable(tx *gate.Tx, group id.ID, what string) error {
	entry, err := tx.Allow(access.Edit, gate.Thing{Kind: Group, ID: group})
	if err != nil {
		return err
	}
	var archived bool
	if err := tx.QueryRow(`select archived from record where id = ?`, int64(group)).Scan(&archived); err != nil {
		return err
	}
	if archived {
		return fault.New(fault.Conflict, "This group is archived.").WithHint("Bring it back first.")
	}
	if !slices.Contains(entry.Detail.Fields, what) {
		entry.Detail.Fields = append(entry.Detail.Fields, what)
	}
	return nil
}

// exist sees that each id is a record of the kind that is not deleted.
func exist(tx *gate.Tx, kind, field string, ids []id.ID) error {
	want := clean(ids)
	for len(want) > 0 {
		part := want[:min(len(want), 500)]
		want = want[len(part):]
		cond, args := tx.Visible("r")
		found, err := tx.IDs(`select r.id from record r where r.kind = ? and r.trashed_at is null and r.id in (`+access.Marks(len(part))+`) and `+cond,
			slices.Concat([]any{kind}, access.Args(part), args)...)
		if err != nil {
			return err
		}
		for _, p := range part {
			if !slices.Contains(found, p) {
				return fault.Field(field, "There is no %s with the id %s.", kind, p)
			}
		}
	}
	return nil
}

func clean(ids []id.ID) []id.ID {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
