// Package apikey holds the keys by which programs use a tenant's data.
//
// Always true: a key is shown once and stored as a keyed hash; it names its
// tenant; what it may do is what its owner may do in this moment, or, for a key
// without an owner, its own role, and never more than its scope; a key for
// provisioning opens that door alone, and no other key opens it; whatever is
// wrong with a key, the answer is the same.
//
// A key is ITG., the tenant's name, a dot, random letters and digits, and a
// check over all of it, 100 characters together, as programs for the IT Glue
// API expect.
package apikey

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/password/filed"
)

// Feature is the table of keys.
func Feature() record.Feature {
	return record.Feature{
		Name: "apikey",
		Schema: []string{
			`create table if not exists api_key (
				id id primary key, hash bytes not null, hint text not null, name text not null, owner_id int not null, role text not null,
				read_only int not null, passwords int not null, orgs json not null, networks json not null, expires_at int not null,
				limit_requests int not null, limit_ms int not null, created_at int not null, created_by int not null,
				used_at int not null, used_ip text not null)`,
			`create unique index if not exists api_key_hash on api_key (hash)`,
			`create index if not exists api_key_owner on api_key (owner_id)`,
			`alter table api_key add column if not exists personal int not null default 0`, // its owner lets it see what is hers alone
			`alter table api_key add column if not exists provisions int not null default 0`,
			`create table if not exists api_key_before (hash bytes primary key, key_id int not null, until_at int not null)`, // texts that a key had, good for a while yet
			`create index if not exists api_key_before_key on api_key_before (key_id)`,
			`create table if not exists api_key_folder (key_id int not null, folder_id int not null, primary key (key_id, folder_id))`,
		},
		Purge: func(tx *gate.Tx, r *record.Record) error {
			return purge(tx, r.ID)
		},
	}
}

// purge ends the keys of somebody who is gone.
func purge(tx *gate.Tx, owner id.ID) error {
	rows, err := tx.Query(`select id from api_key where owner_id = ? and owner_id <> 0`, int64(owner))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return err
		}
		if err := access.ForgetKey(tx.SQL(), id.ID(key)); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, q := range []string{`delete from api_key_folder where key_id in (select id from api_key where owner_id = ?)`,
		`delete from api_key_before where key_id in (select id from api_key where owner_id = ?)`} {
		if _, err = tx.Exec(q, int64(owner)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`delete from api_key where owner_id = ?`, int64(owner))
	return err
}

// Keys makes keys and tells whose they are. Fill Gate; it then is safe for
// concurrent use.
type Keys struct {
	Gate *gate.Gate

	// Owning, when set, is asked in the transaction that makes a key whether it may belong
	// to that user.
	Owning func(tx *gate.Tx, owner id.ID) error

	cache cache
}

// Limit is how many requests a key may make in a window; the zero Limit is
// none.
type Limit struct {
	Requests int
	Window   time.Duration
}

// DefaultLimit is that of a key made without saying anything.
func DefaultLimit() Limit { return Limit{Requests: 3000, Window: 300 * time.Second} }

// Key is a key as it may be shown.
type Key struct {
	ID        id.ID
	Hint      string // its beginning, to tell keys apart
	Name      string
	Owner     id.ID       // the user it acts for; 0 for a service key
	OwnerName string      // where the caller may see the owner
	Role      access.Role // a service key's role; with an owner the most it may be, "" for the owner's own
	Custom    id.ID       // a custom role that narrows it; 0 for none
	ReadOnly  bool
	Passwords bool    // may read and write secret values
	Orgs      []id.ID // only these organizations; empty is all that the owner sees
	// Provisions is for systems that keep users and groups here: it opens that door alone.
	Provisions bool
	Personal   bool           // its owner, who did not make it, lets it see what belongs to her alone
	Folders    []id.ID        // of passwords, only what lies in these password folders and below; empty is all
	Networks   []netip.Prefix // only from these; empty is anywhere
	Expires    int64          // Unix milliseconds, 0 for never
	Limit      Limit
	Before     int64 // until when the text before the present one is good; 0 when it is not
	Created    int64
	CreatedBy  id.ID
	Used       int64  // last use, to the minute; 0 for never
	UsedFrom   string // address of the last use

	filed bool // it has Folders
}

// New is a key to be made.
type New struct {
	Name      string
	Owner     id.ID
	Role      access.Role
	Custom    id.ID
	ReadOnly  bool
	Passwords bool
	Orgs      []id.ID
	Folders   []id.ID
	Networks  []netip.Prefix
	Expires   int64
	Limit     *Limit // nil is DefaultLimit

	// Provisions makes a key for provisioning: without an owner, a role, passwords or
	// organizations of its own.
	Provisions bool
}

// Create makes a key and gives the text that is shown once. It needs the right
// to manage keys. Fault kinds: Invalid with fields, Denied.
func (k *Keys) Create(ctx context.Context, c *access.Caller, n New) (*Key, string, error) {
	var out *Key
	var text string
	err := k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if err := check(tx, n); err != nil {
			return err
		}
		if k.Owning != nil && n.Owner != 0 {
			if err := k.Owning(tx, n.Owner); err != nil {
				return err
			}
		}
		text = newText(tx.Tenant.Name)
		kid, err := tx.NewID()
		if err != nil {
			return err
		}
		if n.Provisions {
			n.Role = access.Administrator // of users and groups alone, see access.Scope
		}
		out = &Key{ID: kid, Hint: hint(text), Name: n.Name, Owner: n.Owner, Role: n.Role, Provisions: n.Provisions, Custom: n.Custom, ReadOnly: n.ReadOnly, Passwords: n.Passwords,
			Orgs: n.Orgs, Folders: n.Folders, Networks: n.Networks, Expires: n.Expires, Limit: DefaultLimit(), Created: tx.Now, CreatedBy: tx.Caller.User}
		if n.Limit != nil {
			out.Limit = *n.Limit
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "apikey.create", "api_key", kid, n.Name
		return insert(tx, out, text)
	})
	if err != nil {
		return nil, "", err
	}
	return out, text, nil
}

// check sees that a new key makes sense and gives nobody more than the caller
// has.
func check(tx *gate.Tx, n New) error {
	switch c := tx.Caller; {
	case c.OneTime:
		return fault.New(fault.Denied, "Change your one-time password first; then keys can be made.")
	case c.Scope.Provisions || c.Scope.ReadOnly || c.Scope.NoPasswords || len(c.Scope.Orgs) > 0 || c.Scope.Narrow.IDs != "":
		return fault.New(fault.Denied, "A key that is limited cannot make other keys.")
	}
	bad := map[string]string{}
	if n.Name == "" || len(n.Name) > 200 {
		bad["name"] = "Give the key a name of up to 200 characters, such as the program that will use it."
	}
	if n.Provisions && (n.Owner != 0 || n.Role != "" || n.Custom != 0 || n.Passwords || n.ReadOnly || len(n.Orgs)+len(n.Folders) > 0) {
		bad["provisions"] = "A key for provisioning has no owner, role, passwords, organizations or folders."
	}
	if n.Owner == 0 && n.Role == "" && !n.Provisions {
		bad["role"] = "A key without an owner needs a role."
	}
	if n.Role != "" && !slices.Contains(access.Roles(), n.Role) {
		bad["role"] = "There is no such role."
	}
	if n.Role.Valid() && n.Role.Rank() < tx.Caller.Role.Rank() {
		bad["role"] = "A key cannot have more rights than you have."
	}
	if n.Custom != 0 && n.Role == access.Administrator {
		bad["custom_role"] = "Choose another role beside a custom one."
	}
	if n.Expires != 0 && n.Expires <= tx.Now {
		bad["expires"] = "This time has passed."
	}
	if l := n.Limit; l != nil && (l.Requests < 0 || l.Window < 0 || (l.Requests == 0) != (l.Window == 0) || l.Window > 0 && l.Window < time.Second) {
		bad["limit"] = "A limit is a number of requests in a window of at least a second; or neither of them."
	}
	if len(n.Orgs) > 1000 || len(n.Networks) > 1000 {
		bad["organizations"] = "A key can name up to 1,000 organizations and 1,000 networks."
	}
	if len(n.Folders) > 100 {
		bad["folders"] = "A key can name up to 100 password folders."
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	if n.Owner != 0 {
		if _, err := access.Load(tx.SQL(), n.Owner); fault.Is(err, fault.NotFound) {
			return fault.Field("owner", "There is no such active user.")
		} else if err != nil {
			return err
		}
	}
	if n.Custom != 0 {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: "role", ID: n.Custom}); err != nil {
			return fault.Field("custom_role", "There is no such custom role.")
		}
	}
	for _, o := range n.Orgs {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: "organization", ID: o}); err != nil {
			return fault.Field("organizations", "There is no organization with the id %s.", o)
		}
	}
	for _, f := range n.Folders {
		if _, err := tx.Allow(access.View, gate.Thing{Kind: filed.Folder, ID: f}); err != nil {
			return fault.Field("folders", "There is no password folder with the id %s.", f)
		}
	}
	return nil
}

func insert(tx *gate.Tx, k *Key, text string) error {
	hash, err := digest(tx, text)
	if err != nil {
		return err
	}
	orgs, err := json.Marshal(k.Orgs)
	if err != nil {
		return err
	}
	nets, err := json.Marshal(k.Networks)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into api_key (id, hash, hint, name, owner_id, role, read_only, passwords, orgs, networks, expires_at,
		limit_requests, limit_ms, created_at, created_by, used_at, used_ip, provisions) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?)`,
		int64(k.ID), hash, k.Hint, k.Name, int64(k.Owner), string(k.Role), k.ReadOnly, k.Passwords, string(orgs), string(nets), k.Expires,
		k.Limit.Requests, k.Limit.Window.Milliseconds(), k.Created, int64(k.CreatedBy), k.Provisions)
	if err != nil {
		return err
	}
	for _, f := range k.Folders {
		if _, err := tx.Exec(`insert into api_key_folder (key_id, folder_id) values (?, ?) on conflict do nothing`, int64(k.ID), int64(f)); err != nil {
			return err
		}
	}
	if err := access.SetKey(tx.SQL(), k.ID, k.Expires); err != nil {
		return err
	}
	return access.SetKeyRole(tx.SQL(), k.ID, k.Custom)
}

const columns = `a.id, a.hint, a.name, a.owner_id, a.role, a.read_only, a.passwords, a.orgs, a.networks, a.expires_at,
	a.limit_requests, a.limit_ms, a.created_at, a.created_by, a.used_at, a.used_ip,
	coalesce((select n.custom_id from access_key n where n.key_id = a.id), 0), case when exists (select 1 from api_key_folder f where f.key_id = a.id) then 1 else 0 end, a.personal,
	a.provisions, coalesce((select max(b.until_at) from api_key_before b where b.key_id = a.id), 0)`

type scanner interface{ Scan(...any) error }

// scan reads a row that begins with columns; more are for what follows.
func scan(row scanner, more ...any) (*Key, error) {
	var k Key
	var kid, owner, by, window, custom int64
	var orgs, nets string
	err := row.Scan(append([]any{&kid, &k.Hint, &k.Name, &owner, &k.Role, &k.ReadOnly, &k.Passwords, &orgs, &nets, &k.Expires,
		&k.Limit.Requests, &window, &k.Created, &by, &k.Used, &k.UsedFrom, &custom, &k.filed, &k.Personal, &k.Provisions, &k.Before}, more...)...)
	if err != nil {
		return nil, err
	}
	k.ID, k.Owner, k.CreatedBy, k.Custom, k.Limit.Window = id.ID(kid), id.ID(owner), id.ID(by), id.ID(custom), time.Duration(window)*time.Millisecond
	if err := json.Unmarshal([]byte(orgs), &k.Orgs); err != nil {
		return nil, err
	}
	return &k, json.Unmarshal([]byte(nets), &k.Networks)
}

// List gives all keys of the tenant, the newest first. It needs the right to
// manage keys.
func (k *Keys) List(ctx context.Context, c *access.Caller) (out []*Key, err error) {
	err = k.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
			return err
		}
		out, err = Every(tx)
		return err
	})
	return out, err
}

// Every gives all keys of the tenant, the newest first, to who was allowed to manage
// them.
func Every(tx *gate.Tx) (out []*Key, err error) {
	rows, err := tx.Query(`select ` + columns + `, coalesce(r.name, '') from api_key a left join record r on r.id = a.owner_id order by a.id desc`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var owner string
		key, err := scan(rows, &owner)
		if err != nil {
			return nil, err
		}
		if key.OwnerName = owner; key.Before <= tx.Now {
			key.Before = 0
		}
		out = append(out, key)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, key := range out {
		if !key.filed {
			continue
		}
		if key.Folders, err = tx.IDs(`select folder_id from api_key_folder where key_id = ? order by folder_id`, int64(key.ID)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Revoked is the action of the audit entry of a key that was ended.
const Revoked = "apikey.revoke"

// Revoke ends a key at once. NotFound when there is none with that id.
func (k *Keys) Revoke(ctx context.Context, c *access.Caller, key id.ID) error {
	return k.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object = Revoked, "api_key", key
		return end(tx, key)
	})
}

// RevokeIn is Revoke inside a change of something more, with an entry of its own.
func RevokeIn(tx *gate.Tx, key id.ID) error {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return err
	}
	tx.Also(&audit.Entry{Action: Revoked, Kind: "api_key", Object: key})
	return end(tx, key)
}

func end(tx *gate.Tx, key id.ID) error {
	n, err := tx.Exec(`delete from api_key where id = ?`, int64(key))
	if err == nil && n == 0 {
		return gate.Missing()
	}
	if err != nil {
		return err
	}
	for _, q := range []string{`delete from api_key_folder where key_id = ?`, `delete from api_key_before where key_id = ?`} {
		if _, err := tx.Exec(q, int64(key)); err != nil {
			return err
		}
	}
	return access.ForgetKey(tx.SQL(), key)
}
