package record

import (
	"errors"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/search"
	"strongroom/internal/core/secret"
)

// KeepTrash is how long a deleted record can be brought back.
const KeepTrash = 30 * 24 * time.Hour

// SetArchived archives a record or brings it back.
func (e *Engine) SetArchived(tx *gate.Tx, kind string, rid id.ID, on bool) error {
	old, err := e.load(tx, kind, rid, false)
	if err != nil {
		return err
	}
	entry, err := tx.Allow(access.Archive, gate.Thing{Kind: old.Kind.Name, ID: rid})
	if err == nil {
		err = e.changeable(tx, old.Kind)
	}
	if err != nil {
		return err
	}
	if old.Archived == on {
		if entry.Detail.Fields == nil { // else it tells of a change made before in this transaction
			tx.Withdraw(entry)
		}
		return nil
	}
	r := *old
	r.Values = old.Values.Clone()
	r.Archived, r.Version, r.Updated, r.UpdatedBy = on, old.Version+1, tx.Now, tx.Caller.User
	entry.Version, entry.Detail.Fields = r.Version, []string{"archived"}
	if !on {
		entry.Action = "restore"
	}
	if err := e.write(tx, &r, old); err != nil {
		return conflict(r.Kind, err)
	}
	return e.saved(tx, &r, old, nil)
}

// Trash deletes a record for now: it can be brought back for KeepTrash. An
// organization takes what belongs to it along.
func (e *Engine) Trash(tx *gate.Tx, kind string, rid id.ID) error {
	r, err := e.load(tx, kind, rid, false)
	if err != nil {
		return err
	}
	entry, err := tx.Allow(access.Delete, gate.Thing{Kind: r.Kind.Name, ID: rid})
	if err == nil {
		err = e.changeable(tx, r.Kind)
	}
	if err != nil {
		return err
	}
	entry.Version = r.Version
	return e.eachOf(tx, r, func(x *Record) error {
		if x.Trashed != 0 {
			return nil
		}
		along(tx, "delete", r, x)
		return e.setTrashed(tx, x, tx.Now)
	})
}

// along records what happens to x because it happens to r.
func along(tx *gate.Tx, verb string, r, x *Record) {
	if x.ID != r.ID {
		name := x.Name
		if x.Kind.Scope == OfPerson { // others read the log
			name = ""
		}
		tx.Also(&audit.Entry{Action: verb, Kind: x.Kind.Name, Object: x.ID, Org: x.Org, Version: x.Version,
			Detail: audit.Detail{Name: name, Text: "together with the " + strings.ToLower(r.Kind.Label) + " " + r.ID.String()}})
	}
}

// Untrash brings back what one call of Trash deleted.
func (e *Engine) Untrash(tx *gate.Tx, kind string, rid id.ID) error {
	r, err := e.load(tx, kind, rid, true)
	if err != nil {
		return err
	}
	if r.Trashed == 0 {
		return fault.New(fault.Invalid, "This is not in the trash.")
	}
	entry, err := tx.Allow(access.Delete, gate.Thing{Kind: r.Kind.Name, ID: rid})
	if err == nil {
		err = e.changeable(tx, r.Kind)
	}
	if err != nil {
		return err
	}
	if err := e.above(tx, r); err != nil {
		return err
	}
	entry.Action, entry.Version = "undelete", r.Version
	at := r.Trashed
	return e.eachOf(tx, r, func(x *Record) error {
		if x.Trashed != at { // deleted on its own, at another time
			return nil
		}
		along(tx, "undelete", r, x)
		return e.setTrashed(tx, x, 0)
	})
}

// above sees that what a record belongs to is not in the trash itself.
func (e *Engine) above(tx *gate.Tx, r *Record) error {
	var n int
	err := tx.QueryRow(`select count(*) from record where id in (?, ?) and id <> ? and trashed_at is not null`, int64(r.Org), int64(r.Parent), int64(r.ID)).Scan(&n)
	if err == nil && n > 0 {
		err = fault.New(fault.Conflict, "What this belongs to is in the trash too.").WithHint("Bring that back: this comes with it.")
	}
	return err
}

// eachOf calls f for a record and for everything that lives and dies with it,
// whether the caller may see that or not: who may delete an organization deletes
// all of it.
func (e *Engine) eachOf(tx *gate.Tx, r *Record, f func(*Record) error) error {
	if err := f(r); err != nil {
		return err
	}
	cond := `parent_id = ? and parent_id <> 0`
	if r.Kind.Scope == Organization {
		cond = `org_id = ?`
	}
	rows, err := tx.Query(`select id, kind from record where `+cond+` and id <> ? order by id`, int64(r.ID), int64(r.ID))
	if err != nil {
		return err
	}
	type row struct {
		id   id.ID
		kind string
	}
	var list []row
	for rows.Next() {
		var n int64
		var kind string
		if err := rows.Scan(&n, &kind); err != nil {
			rows.Close()
			return err
		}
		list = append(list, row{id.ID(n), kind})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	caller, whole := tx.Caller, *tx.Caller // the rules of what comes along may have to write what the caller does not see
	whole.Role, whole.Custom, whole.AllOrgs, whole.Scope = access.Administrator, nil, true, access.Scope{}
	tx.Caller = &whole
	defer func() { tx.Caller = caller }()
	for _, x := range list {
		k := e.Kinds.Kind(x.kind)
		if k == nil { // declared no longer
			continue
		}
		child, err := k.all().readOne(tx.QueryRow(`select `+k.all().list()+` from record r join `+k.Table()+` k on k.id = r.id where r.id = ?`, int64(x.id)))
		if err == nil {
			err = e.shapeAll(tx, []*Record{child})
		}
		if err != nil {
			return err
		}
		if err := f(child); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) setTrashed(tx *gate.Tx, r *Record, at int64) error {
	var when any
	if at != 0 {
		when = at
	}
	n, err := tx.Exec(`update record set trashed_at = ?, updated_at = ?, updated_by = ? where id = ? and coalesce(trashed_at, 0) = ?`, when, tx.Now, int64(tx.Caller.User), int64(r.ID), r.Trashed)
	if err != nil {
		return conflict(r.Kind, err)
	}
	if n == 0 { // another transaction was first: the totals must not count it twice
		return fault.New(fault.Conflict, "Somebody else deleted this, or brought it back, at the same time.")
	}
	now := *r
	now.Trashed = at
	if err := count(tx, r, &now); err != nil {
		return err
	}
	if r.Kind.After != nil {
		if err := r.Kind.After(tx, &now, r); err != nil {
			return err
		}
	}
	if at != 0 {
		return search.Remove(tx.SQL(), r.ID)
	}
	return search.Put(tx.SQL(), now.document())
}

// Purge removes a trashed record for good, with everything kept beside it.
// Audit entries about it stay.
func (e *Engine) Purge(tx *gate.Tx, kind string, rid id.ID) error {
	r, err := e.load(tx, kind, rid, true)
	if err != nil {
		return err
	}
	if r.Trashed == 0 {
		return fault.New(fault.Invalid, "Only what is in the trash can be removed for good.").WithHint("Delete it first.")
	}
	entry, err := tx.Allow(access.Delete, gate.Thing{Kind: r.Kind.Name, ID: rid})
	if err == nil {
		err = e.changeable(tx, r.Kind)
	}
	if err != nil {
		return err
	}
	entry.Action = "purge"
	return e.purge(tx, r)
}

// Strip removes for good what is kept beside a record: what features keep, its secrets
// and its earlier versions. The record itself stays.
func (e *Engine) Strip(tx *gate.Tx, r *Record) error {
	for _, f := range e.Kinds.features {
		if f.Purge != nil {
			if err := f.Purge(tx, r); err != nil {
				return err
			}
		}
	}
	if err := secret.Purge(tx, r.ID); err != nil {
		return err
	}
	for _, table := range []string{"revision", "sealed_value"} {
		if _, err := tx.Exec(`delete from `+table+` where record_id = ?`, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Rewrote makes what finds a record, by the engine and by features, follow texts of a table
// that were changed in passing.
func (e *Engine) Rewrote(tx *gate.Tx, table string, rid id.ID) error {
	for _, f := range e.Kinds.features {
		if f.Rewrote != nil {
			if err := f.Rewrote(tx, table, rid); err != nil {
				return err
			}
		}
	}
	r, err := e.load(tx, "", rid, false)
	if fault.Is(err, fault.NotFound) { // in the trash: nothing finds it
		return nil
	}
	if err != nil {
		return err
	}
	return search.Put(tx.SQL(), r.document())
}

func (e *Engine) purge(tx *gate.Tx, r *Record) error {
	if err := e.Strip(tx, r); err != nil {
		return err
	}
	if err := search.Remove(tx.SQL(), r.ID); err != nil {
		return err
	}
	if err := access.Forget(tx.SQL(), r.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from `+r.Kind.Table()+` where id = ?`, int64(r.ID)); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from record where id = ?`, int64(r.ID))
	return err
}

// PurgeOld removes for good, in one transaction, up to limit records that have
// been in the trash for longer than KeepTrash. It tells how many; call it again
// while it gives limit.
func (e *Engine) PurgeOld(tx *gate.Tx, limit int) (int, error) {
	rows, err := tx.Query(`select id, kind from record where trashed_at < ? order by trashed_at, id limit ?`, tx.Now-KeepTrash.Milliseconds(), limit)
	if err != nil {
		return 0, err
	}
	due := map[id.ID]string{}
	for rows.Next() {
		var n int64
		var kind string
		if err := rows.Scan(&n, &kind); err != nil {
			rows.Close()
			return 0, err
		}
		due[id.ID(n)] = kind
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return 0, err
	}
	keeper := *tx.Caller
	keeper.Keeper = tx.Caller.User == 0 // the house itself: what belongs to single people goes too
	defer func(was *access.Caller) { tx.Caller = was }(tx.Caller)
	tx.Caller = &keeper
	for i, kind := range due {
		if err := e.Purge(tx, kind, i); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

// SetAccess says who may see a record: restricted closes it to everybody but
// these users and groups (and administrators); not restricted, they may see it
// besides those who see its organization.
func (e *Engine) SetAccess(tx *gate.Tx, kind string, rid id.ID, restricted bool, users, groups []id.ID) error {
	old, err := e.load(tx, kind, rid, false)
	if err != nil {
		return err
	}
	entry, err := tx.Allow(access.Restrict, gate.Thing{Kind: old.Kind.Name, ID: rid})
	if err != nil {
		return err
	}
	if s := old.Kind.Scope; s == OfParent || s == OfTenant || s == OfPerson {
		return fault.New(fault.Invalid, "%s cannot be restricted on their own.", old.Kind.Labels)
	}
	for i, who := range slices.Concat(users, groups) {
		kind := map[bool]string{true: "user", false: "group"}[i < len(users)]
		if _, err := e.load(tx, kind, who, false); err != nil {
			return fault.Field(kind+"s", "The %s %s does not exist.", kind, who)
		}
	}
	if err := access.SetGrants(tx.SQL(), rid, users, groups); err != nil {
		return err
	}
	entry.Detail.Fields = []string{"access"}
	if restricted == (old.Restricted && old.Guard == rid) { // as it is: what its folder closes is not closed by itself
		return nil
	}
	r := *old
	r.Restricted, r.Guard, r.Version, r.Updated, r.UpdatedBy = restricted, rid, old.Version+1, tx.Now, tx.Caller.User
	entry.Version, entry.Detail.Fields = r.Version, []string{"access", "restricted"}
	if err := errors.Join(count(tx, old, &r), e.write(tx, &r, old)); err != nil || r.Kind.Guarded == nil {
		return err
	}
	return r.Kind.Guarded(tx, &r, old)
}

// Access tells who may see a record besides administrators.
func (e *Engine) Access(tx *gate.Tx, rid id.ID) (restricted bool, users, groups []id.ID, err error) {
	r, err := e.load(tx, "", rid, false)
	if err != nil {
		return false, nil, nil, err
	}
	users, groups, err = access.Grants(tx.SQL(), r.Guard)
	return r.Restricted, users, groups, err
}

// Seed creates the first records of a new tenant.
func (e *Engine) Seed(tx *gate.Tx) error {
	for _, k := range e.Kinds.kinds {
		for _, v := range k.Seed {
			if _, err := e.Create(tx, k.Name, v); err != nil {
				return err
			}
		}
	}
	return nil
}
