package access

import (
	"database/sql"
	"errors"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Schema is the tables of who may see what. access_org is derived from the
// others and rebuilt by this package in the same transaction.
var Schema = []string{
	`create table if not exists access_principal (
		user_id id primary key, role text not null, active int not null, all_orgs int not null default 0, one_time int not null default 0)`,
	`create table if not exists access_group (group_id id primary key, all_orgs int not null default 0)`,
	`create table if not exists access_member (group_id int not null, user_id int not null, primary key (group_id, user_id))`,
	`create index if not exists access_member_user on access_member (user_id)`,
	`create table if not exists access_group_org (group_id int not null, org_id int not null, primary key (group_id, org_id))`,
	`create table if not exists access_org (user_id int not null, org_id int not null, primary key (user_id, org_id))`,
	`create table if not exists access_grant (record_id int not null, user_id int not null default 0, group_id int not null default 0,
		primary key (record_id, user_id, group_id))`,
	`alter table access_grant add column if not exists ends_at int not null default 0`, // Unix milliseconds; 0 is never
	`create index if not exists access_grant_user on access_grant (user_id) where user_id <> 0`,
	`create index if not exists access_grant_group on access_grant (group_id) where group_id <> 0`,
	`create table if not exists access_key (key_id id primary key, expires_at int not null)`,
	`alter table access_key add column if not exists custom_id int not null default 0`,
	`alter table access_principal add column if not exists custom_id int not null default 0`,
	`alter table access_principal add column if not exists contact_id int not null default 0`,
	`alter table access_principal add column if not exists wide int not null default 0`,
	`create table if not exists access_role (role_id id primary key, name text not null)`,
	`create table if not exists access_right (role_id int not null, kind text not null, action text not null, primary key (role_id, kind, action))`,
	`create table if not exists access_epoch (one int primary key check (one = 1), n int not null)`,
	`insert into access_epoch (one, n) values (1, 1) on conflict do nothing`,
}

// Load resolves what user may do and see. NotFound when there is no such
// active user.
func Load(tx *sqldb.Tx, user id.ID) (*Caller, error) {
	c := &Caller{User: user}
	var active, all, oneTime int
	var sight Sight
	var custom, contact int64
	err := tx.QueryRow(`select p.role, p.active, p.all_orgs, p.one_time, p.custom_id, p.contact_id, p.wide, (select n from access_epoch),
			case when exists (select 1 from access_grant g where g.user_id = p.user_id and g.user_id <> 0)
			or exists (select 1 from access_member m join access_grant g on g.group_id = m.group_id and g.group_id <> 0 where m.user_id = p.user_id) then 1 else 0 end
		from access_principal p where p.user_id = ?`, int64(user)).
		Scan(&c.Role, &active, &all, &oneTime, &custom, &contact, &sight, &c.Epoch, &c.Granted)
	if errors.Is(err, sql.ErrNoRows) || err == nil && active == 0 {
		return nil, fault.New(fault.NotFound, "There is no such active user.")
	}
	if err != nil {
		return nil, err
	}
	if custom != 0 {
		by, err := CustomRole(tx, id.ID(custom))
		if err != nil {
			return nil, err
		}
		c = c.Narrowed(by)
	}
	c.AllOrgs, c.OneTime = all == 1 || c.Role == Administrator, oneTime == 1
	if c.Groups, err = IDs(tx, `select group_id from access_member where user_id = ? order by group_id`, int64(user)); err != nil {
		return nil, err
	}
	c.customer(contact, sight)
	return c, nil
}

// Present gives a caller with the rights of this moment, now being Unix
// milliseconds. Her request began a while ago, and an import goes on for long:
// when rights have changed since, what was taken away is gone, and what was
// given comes with her next request. Unauthorized when she may not sign in any
// more, or when the API key that she asks by was revoked or has expired. The
// system, and keys that belong to nobody, are given as they are.
func Present(tx *sqldb.Tx, c *Caller, now int64) (*Caller, error) {
	known := c.User != 0 && c.Epoch != 0 && c.User != c.Key // somebody whose rights may have changed
	if c.Key == 0 && !known {
		return c, nil
	}
	var epoch int64
	var active bool
	var expires sql.NullInt64
	err := tx.QueryRow(`select e.n, coalesce(p.active, 0), k.expires_at from access_epoch e
		left join access_principal p on p.user_id = ? left join access_key k on k.key_id = ?`, int64(c.User), int64(c.Key)).Scan(&epoch, &active, &expires)
	switch {
	case err != nil:
		return nil, err
	case c.Key != 0 && !expires.Valid:
		return nil, fault.New(fault.Unauthorized, "The API key was revoked.").WithHint("Ask an administrator for a new one.")
	case c.Key != 0 && expires.Int64 != 0 && now >= expires.Int64:
		return nil, fault.New(fault.Unauthorized, "The API key has expired.").WithHint("Ask an administrator for a new one.")
	case !known || epoch == c.Epoch:
		return c, nil
	case !active:
		return nil, fault.New(fault.Unauthorized, "You may not sign in any more.").WithHint("Ask an administrator.")
	}
	return present(tx, c)
}

func present(tx *sqldb.Tx, c *Caller) (*Caller, error) {
	now, err := Load(tx, c.User)
	if err != nil {
		return nil, err
	}
	out := *c
	if now.Role.Rank() > c.Role.Rank() {
		out.Role = now.Role
	}
	out.Contact, out.Wide, out.Unit = now.Contact, now.Wide, now.Unit
	out.Custom = c.Custom.Meet(now.Custom)
	out.AllOrgs, out.Groups, out.Granted, out.Epoch = now.AllOrgs, now.Groups, now.Granted, now.Epoch
	out.OneTime = c.OneTime || c.Key == 0 && now.OneTime
	return &out, nil
}

// SetPrincipal says which role a user has and whether she may sign in at all.
func SetPrincipal(tx *sqldb.Tx, user id.ID, role Role, active bool) error {
	_, err := tx.Exec(`insert into access_principal (user_id, role, active) values (?, ?, ?)
		on conflict (user_id) do update set role = excluded.role, active = excluded.active`, int64(user), string(role), active)
	if err != nil {
		return err
	}
	return materialise(tx, user)
}

// SetCustomer says which contact a user is, for when her role is SelfService, and of
// whom she sees the tickets.
func SetCustomer(tx *sqldb.Tx, user, contact id.ID, sight Sight) error {
	if _, err := tx.Exec(`update access_principal set contact_id = ?, wide = ? where user_id = ?`, int64(contact), int(sight), int64(user)); err != nil {
		return err
	}
	return bump(tx)
}

// SetKey notes that there is an API key and when it expires, in Unix
// milliseconds; 0 is never.
func SetKey(tx *sqldb.Tx, key id.ID, expires int64) error {
	tx.NewEdition()
	_, err := tx.Exec(`insert into access_key (key_id, expires_at) values (?, ?) on conflict (key_id) do update set expires_at = excluded.expires_at`, int64(key), expires)
	return err
}

// ForgetKey ends an API key: what it started and what goes on ends too.
func ForgetKey(tx *sqldb.Tx, key id.ID) error {
	tx.NewEdition()
	_, err := tx.Exec(`delete from access_key where key_id = ?`, int64(key))
	return err
}

// SetOneTime marks that the user signed in with a password that somebody else
// knows and must change it before she may see any secret.
func SetOneTime(tx *sqldb.Tx, user id.ID, on bool) error {
	if _, err := tx.Exec(`update access_principal set one_time = ? where user_id = ?`, on, int64(user)); err != nil {
		return err
	}
	return bump(tx)
}

// SetMembers replaces the members of a group.
func SetMembers(tx *sqldb.Tx, group id.ID, users []id.ID) error {
	before, err := Members(tx, group)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from access_member where group_id = ?`, int64(group)); err != nil {
		return err
	}
	for _, u := range users {
		if _, err := tx.Exec(`insert into access_member (group_id, user_id) values (?, ?) on conflict do nothing`, int64(group), int64(u)); err != nil {
			return err
		}
	}
	return materialise(tx, append(before, users...)...)
}

// SetGroupOrgs replaces the organizations that the members of a group may see;
// all means every organization, those made later included.
func SetGroupOrgs(tx *sqldb.Tx, group id.ID, all bool, orgs []id.ID) error {
	if _, err := tx.Exec(`insert into access_group (group_id, all_orgs) values (?, ?)
		on conflict (group_id) do update set all_orgs = excluded.all_orgs`, int64(group), all); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from access_group_org where group_id = ?`, int64(group)); err != nil {
		return err
	}
	for _, o := range orgs {
		if _, err := tx.Exec(`insert into access_group_org (group_id, org_id) values (?, ?) on conflict do nothing`, int64(group), int64(o)); err != nil {
			return err
		}
	}
	members, err := Members(tx, group)
	if err != nil {
		return err
	}
	return materialise(tx, members...)
}

// Members lists the users of a group.
func Members(tx *sqldb.Tx, group id.ID) ([]id.ID, error) {
	return IDs(tx, `select user_id from access_member where group_id = ? order by user_id`, int64(group))
}

// GroupsOf lists the groups of a user.
func GroupsOf(tx *sqldb.Tx, user id.ID) ([]id.ID, error) {
	return IDs(tx, `select group_id from access_member where user_id = ? order by group_id`, int64(user))
}

// GroupOrgs lists the organizations of a group and whether it is all of them.
func GroupOrgs(tx *sqldb.Tx, group id.ID) (all bool, orgs []id.ID, err error) {
	err = tx.QueryRow(`select all_orgs from access_group where group_id = ?`, int64(group)).Scan(&all)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, nil, err
	}
	orgs, err = IDs(tx, `select org_id from access_group_org where group_id = ? order by org_id`, int64(group))
	return all, orgs, err
}

// SetGrants replaces the users and groups that a record is open to. Whether the
// record is closed to everybody else is the record's own flag, restricted. Who
// stays keeps the end of her access, see SetEnds.
func SetGrants(tx *sqldb.Tx, record id.ID, users, groups []id.ID) error {
	ends, err := Ends(tx, record)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from access_grant where record_id = ?`, int64(record)); err != nil {
		return err
	}
	add := func(u, g id.ID) error {
		_, err := tx.Exec(`insert into access_grant (record_id, user_id, group_id, ends_at) values (?, ?, ?, ?) on conflict do nothing`,
			int64(record), int64(u), int64(g), ends[max(u, g)])
		return err
	}
	for _, u := range users {
		if err := add(u, 0); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if err := add(0, g); err != nil {
			return err
		}
	}
	return bump(tx)
}

// Grants lists the users and groups that a record is open to, those included
// whose access is over.
func Grants(tx *sqldb.Tx, record id.ID) (users, groups []id.ID, err error) {
	rows, err := tx.Query(`select user_id, group_id from access_grant where record_id = ? order by user_id, group_id`, int64(record))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var user, group int64
		if err := rows.Scan(&user, &group); err != nil {
			return nil, nil, err
		}
		if user != 0 {
			users = append(users, id.ID(user))
			continue
		}
		groups = append(groups, id.ID(group))
	}
	return users, groups, rows.Err()
}

// Visible gives the condition on the spine row with the given alias under which
// c may see it at now, in Unix milliseconds, and its arguments. The spine's columns
// used are org_id, restricted, guard_id (the record whose grants count: itself, its
// parent, its folder or whom it belongs to), kind and, for a narrowed scope, id.
func Visible(c *Caller, alias string, now int64) (string, []any) {
	return VisibleOf(c, alias, "", now)
}

// VisibleOf is Visible where all rows that are asked are known to be of one kind: it
// does without the column kind then, which the indexes that follow other columns lack.
func VisibleOf(c *Caller, alias, kind string, now int64) (string, []any) {
	cond, args := visible(c, alias, kind, now)
	hers, who := mine(c, alias, kind)
	return strings.Join(append(cond, hers), ` and `), append(args, who...)
}

// visible gives the conditions without that on what belongs to one person alone, on
// rows of one kind or, with "", of any.
func visible(c *Caller, alias, kind string, now int64) (cond []string, args []any) {
	if c.Role == SelfService {
		text, args := c.shown(alias, kind)
		return []string{text}, args
	}
	if !c.Everything() {
		open, a := "", []any(nil)
		if !c.AllOrgs {
			open = ` and (` + alias + `.org_id = 0 or ` + alias + `.org_id in (select ao.org_id from access_org ao where ao.user_id = ?))`
			a = append(a, int64(c.User))
		}
		switch {
		case c.Role == Administrator: // narrowed by the scope alone
		case !c.Granted: // spares every row the question
			cond, args = append(cond, alias+`.restricted = 0`+open), append(args, a...)
		default:
			grant, g := granted(c, alias, now)
			cond = append(cond, `((`+alias+`.restricted = 0`+open+`) or `+grant+`)`)
			args = append(append(args, a...), g...)
		}
	}
	if n := len(c.Scope.Orgs); n > 0 {
		cond = append(cond, `(`+alias+`.org_id = 0 or `+alias+`.org_id in (`+Marks(n)+`))`)
		args = append(args, Args(c.Scope.Orgs)...)
	}
	if c.Scope.Provisions {
		cond = append(cond, alias+`.kind in (`+Marks(len(provisioned))+`)`)
		for _, k := range provisioned {
			args = append(args, k)
		}
	}
	if c.Custom != nil {
		among, k := among(alias, kind, c.Custom.kinds)
		cond, args = append(cond, among), append(args, k...)
	}
	if w := c.Scope.Narrow; w.IDs != "" {
		among, k := among(alias, kind, w.Kinds)
		cond = append(cond, `(not `+among+` or `+alias+`.id in (`+w.IDs+`))`)
		args = append(append(args, k...), w.Args...)
	}
	return cond, args
}

// among is the condition that a row of the spine is of one of the kinds, decided at once
// where its own is known.
func among(alias, kind string, kinds []string) (string, []any) {
	switch {
	case kind == "":
		args := make([]any, len(kinds))
		for i, k := range kinds {
			args[i] = k
		}
		return `(` + alias + `.kind in (` + Marks(len(kinds)) + `))`, args
	case slices.Contains(kinds, kind):
		return `(1 = 1)`, nil
	}
	return `(1 = 0)`, nil
}

func granted(c *Caller, alias string, now int64) (string, []any) {
	q := `exists (select 1 from access_grant ag where ag.record_id = ` + alias + `.guard_id and (ag.ends_at = 0 or ag.ends_at > ?) and (ag.user_id = ?`
	args := []any{now, int64(c.User)}
	if len(c.Groups) > 0 {
		q += ` or ag.group_id in (` + Marks(len(c.Groups)) + `)`
		args = append(args, Args(c.Groups)...)
	}
	return q + `))`, args
}

// materialise rebuilds access_org of the given users.
func materialise(tx *sqldb.Tx, users ...id.ID) error {
	slices.Sort(users)
	for _, u := range slices.Compact(users) {
		if _, err := tx.Exec(`delete from access_org where user_id = ?`, int64(u)); err != nil {
			return err
		}
		if _, err := tx.Exec(`insert into access_org (user_id, org_id)
			select distinct m.user_id, o.org_id from access_member m join access_group_org o on o.group_id = m.group_id where m.user_id = ?`, int64(u)); err != nil {
			return err
		}
		if _, err := tx.Exec(`update access_principal set all_orgs = coalesce((select max(g.all_orgs)
			from access_member m join access_group g on g.group_id = m.group_id where m.user_id = ?), 0) where user_id = ?`, int64(u), int64(u)); err != nil {
			return err
		}
	}
	return bump(tx)
}

// bump says that somebody's rights have changed.
func bump(tx *sqldb.Tx) error {
	tx.NewEdition()
	_, err := tx.Exec(`update access_epoch set n = n + 1`)
	return err
}

// Forget removes what is known of a record that is purged: a user, a group, an
// organization or any other.
func Forget(tx *sqldb.Tx, record id.ID) error {
	for _, q := range []string{
		`delete from access_grant where record_id = ?`, `delete from access_group_org where org_id = ?`, `delete from access_org where org_id = ?`,
		`delete from access_member where group_id = ?`, `delete from access_member where user_id = ?`,
		`delete from access_grant where user_id = ? and user_id <> 0`, `delete from access_grant where group_id = ? and group_id <> 0`,
		`delete from access_org where user_id = ?`, `delete from access_group where group_id = ?`, `delete from access_principal where user_id = ?`,
		`delete from access_role where role_id = ?`, `delete from access_right where role_id = ?`,
	} {
		if _, err := tx.Exec(q, int64(record)); err != nil {
			return err
		}
	}
	return bump(tx)
}

// IDs gives the ids that a query finds in its only column.
func IDs(tx *sqldb.Tx, q string, args ...any) ([]id.ID, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []id.ID
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, id.ID(n))
	}
	return out, rows.Err()
}

// Marks gives n comma-separated placeholders.
func Marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// Args turns ids into query arguments.
func Args(list []id.ID) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}
