// Package way holds the ways in that a tenant has configured beside the
// passwords kept here: sign-in through systems of its own.
//
// Always true: somebody who comes by a way is the user that her (way, subject)
// was connected with, by her own consent while signed in, by an administrator, or
// because the way may make users and made her, or by provisioning where administrators
// allow that; an e-mail address connects nobody.
// A way's secrets are sealed like all secrets of the tenant, and each opening is
// recorded before the key service is asked. What proves a sign-in and could be
// sent again is taken once. Who is not in a directory any more from which everybody is
// brought in is archived and never deleted. An administrator comes of no mapping unless an
// administrator allowed that for the way.
package way

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
)

// thing is what secrets of ways are sealed to: no record, but told apart like one.
const thing = "sign_in_way"

// Feature is the tables of ways.
func Feature() record.Feature {
	return record.Feature{Name: "way", Schema: []string{
		`create table if not exists sign_in_way (id id primary key, kind text not null, name text not null, active int not null, base text not null,
			people text not null, settings text not null, version int not null, created_at int not null, updated_at int not null)`,
		`create table if not exists sign_in_link (way_id int not null, subject bytes not null, user_id int not null, label text not null, made int not null,
			created_at int not null, seen_at int not null, primary key (way_id, subject))`,
		`create index if not exists sign_in_link_user on sign_in_link (user_id)`,
		`create table if not exists sign_in_arrival (way_id int not null, subject bytes not null, label text not null, at int not null, primary key (way_id, subject))`,
		`create table if not exists sign_in_rule (group_id int not null, way_id int not null, primary key (group_id, way_id))`,
		`create table if not exists sign_in_once (hash bytes primary key, until int not null)`,
		`create index if not exists sign_in_once_until on sign_in_once (until)`,
		`create table if not exists sign_in_session (session_id id primary key, way_id int not null, subject bytes not null, other bytes not null)`,
		`create index if not exists sign_in_session_way on sign_in_session (way_id, subject)`,
		`alter table sign_in_link add column if not exists print bytes`,
		`alter table sign_in_link add column if not exists gone int not null default 0`,
		`alter table sign_in_link add column if not exists tied int not null default 0`, // by provisioning
		`create table if not exists sign_in_import (way_id int not null primary key, hours int not null, makes int not null, teams int not null, most int not null, next_at int not null, changed_at int not null)`,
		`alter table sign_in_way add column if not exists pairs text not null default '[]'`,
		`alter table sign_in_session add column if not exists leave bytes`,
		`create table if not exists sign_in_team (way_id int not null, name_fold text not null, group_id int not null, primary key (way_id, name_fold))`,
	}, Purge: purge}
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from sign_in_link where user_id = ?`, `delete from sign_in_rule where group_id = ?`, `delete from sign_in_team where group_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Ways keeps the ways of all tenants. Fill the exported fields; it then is safe
// for concurrent use.
type Ways struct {
	Gate    *gate.Gate
	Records *record.Engine
	Secrets *secret.Revealer
	Kinds   []method.Kind // the sorts of way that there are
	Dialer  *dialer.Dialer
	Jobs    *job.Runner      // for imports
	Now     func() time.Time // nil is time.Now

	mu     sync.Mutex
	opened map[place]*opened
}

// Way is one configured way in.
type Way struct {
	ID       id.ID
	Kind     string
	Name     string // on the button: Company sign-in
	Active   bool
	Base     string // how people reach this server: https://strongroom.example.com
	People   People
	Settings map[string]string // of the kind's fields, those that are no secrets
	Pairs    []method.Pair     // key pairs of its own
	Version  int64
}

// People says what becomes of who comes by a way.
type People struct {
	Create bool        `json:"create"` // somebody who is not known becomes a user
	Role   access.Role `json:"role"`   // of a user who is made
	Groups []Pair      `json:"groups"` // their group: ours, by name
	Roles  []Pair      `json:"roles"`  // their group: our role
	Admins bool        `json:"admins"` // a mapping may make administrators
	// Domains, when there are some, are those of the e-mail addresses of users who
	// are made.
	Domains []string `json:"domains"`
	Second  bool     `json:"second"` // two factors at the other side count as two here
}

// Pair maps a name of the other side to one of ours.
type Pair struct {
	Theirs string `json:"theirs"`
	Ours   string `json:"ours"`
}

// Kind finds a sort of way; nil when there is none.
func (w *Ways) Kind(name string) *method.Kind {
	i := slices.IndexFunc(w.Kinds, func(k method.Kind) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return &w.Kinds[i]
}

func (w *Ways) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
}

const columns = `select id, kind, name, active, base, people, settings, version, pairs from sign_in_way `

func scan(row interface{ Scan(...any) error }) (*Way, error) {
	var x Way
	var n int64
	var people, settings, pairs string
	if err := row.Scan(&n, &x.Kind, &x.Name, &x.Active, &x.Base, &people, &settings, &x.Version, &pairs); err != nil {
		return nil, err
	}
	x.ID = id.ID(n)
	return &x, errors.Join(json.Unmarshal([]byte(people), &x.People), json.Unmarshal([]byte(settings), &x.Settings), json.Unmarshal([]byte(pairs), &x.Pairs))
}

// List gives the tenant's ways by name, for who manages it.
func (w *Ways) List(tx *gate.Tx) ([]*Way, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return list(tx)
}

func list(tx *gate.Tx) ([]*Way, error) {
	rows, err := tx.Query(columns + `order by name, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Way
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// active lists what people may come by; nothing for a tenant that does not exist.
func (w *Ways) active(ctx context.Context, tenant string) (out []*Way, err error) {
	err = w.Gate.View(ctx, access.System(tenant, "sign-in"), func(tx *gate.Tx) error {
		all, err := list(tx)
		out = slices.DeleteFunc(all, func(x *Way) bool { return !x.Active })
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return out, err
}

// Get gives one way, for who manages the tenant. NotFound when there is none.
func (w *Ways) Get(tx *gate.Tx, way id.ID) (*Way, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	return get(tx, way)
}

func get(tx *gate.Tx, way id.ID) (*Way, error) {
	x, err := scan(tx.QueryRow(columns+`where id = ?`, int64(way)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gate.Missing()
	}
	return x, err
}

// Sealed tells which secrets of a way are set.
func (w *Ways) Sealed(tx *gate.Tx, way id.ID) (map[string]bool, error) {
	now, err := secret.Current(tx, way)
	out := map[string]bool{}
	for field, v := range now {
		out[field] = v.Has
	}
	return out, err
}

// Save makes a way, or changes the one with x.ID. secrets holds those that are
// set anew; an absent one stays. Invalid with fields; Conflict when somebody else
// has saved the way since x.Version, and when nobody could manage the tenant any
// more.
func (w *Ways) Save(ctx context.Context, c *access.Caller, x *Way, secrets map[string]string) error {
	k := w.Kind(x.Kind)
	if k == nil {
		return fault.Field("kind", "There is no such sort of way in.")
	}
	if err := w.check(c.Tenant, x, *k); err != nil {
		return err
	}
	var first *madePair
	if x.ID == 0 && k.Pair != nil {
		var err error
		if first, err = w.makePair(c.Tenant, x, k); err != nil {
			return err
		}
	}
	err := w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Detail.Name, e.Detail.Text = "sign-in-way.save", thing, x.Name, k.Label
		if err := w.write(tx, x); err != nil {
			return err
		}
		e.Object, e.Version = x.ID, x.Version
		for _, f := range k.Fields {
			text, set := secrets[f.Name]
			if f.Type != method.Secret || !set {
				continue
			}
			if _, err := secret.Put(tx, secret.Place{Kind: thing, Object: x.ID, Field: f.Name}, text, secret.Note{}); err != nil {
				return err
			}
			e.Detail.Fields = append(e.Detail.Fields, f.Name)
		}
		if first != nil {
			if err := first.keep(tx, x); err != nil {
				return err
			}
		}
		if err := groupsExist(tx, x.People.Groups); err != nil {
			return err
		}
		return outlet(tx)
	})
	if err == nil {
		w.forget(c.Tenant, x.ID)
	}
	return err
}

func (w *Ways) write(tx *gate.Tx, x *Way) error {
	people, err := json.Marshal(x.People)
	if err != nil {
		return err
	}
	settings, err := json.Marshal(x.Settings)
	if err != nil {
		return err
	}
	if x.ID == 0 {
		if x.ID, err = tx.NewID(); err != nil {
			return err
		}
		x.Version = 1
		_, err = tx.Exec(`insert into sign_in_way (id, kind, name, active, base, people, settings, version, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`,
			int64(x.ID), x.Kind, x.Name, x.Active, x.Base, string(people), string(settings), tx.Now, tx.Now)
		return err
	}
	n, err := tx.Exec(`update sign_in_way set name = ?, active = ?, base = ?, people = ?, settings = ?, version = version + 1, updated_at = ? where id = ? and kind = ? and version = ?`,
		x.Name, x.Active, x.Base, string(people), string(settings), tx.Now, int64(x.ID), x.Kind, x.Version)
	if err == nil && n == 0 {
		if _, err := get(tx, x.ID); err != nil {
			return err
		}
		return fault.New(fault.Conflict, "Somebody else has changed this way in meanwhile.").WithHint("Open it again, and enter what you changed once more.")
	}
	x.Version++
	return err
}

// Remove deletes a way with its secrets, connections and rules, for good.
func (w *Ways) Remove(ctx context.Context, c *access.Caller, way id.ID) error {
	err := w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		x, err := get(tx, way)
		if err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "sign-in-way.remove", thing, way, x.Name
		if err := secret.Purge(tx, way); err != nil {
			return err
		}
		for _, q := range []string{
			`delete from identity_session where id in (select session_id from sign_in_session where way_id = ?)`,
			`delete from sign_in_session where way_id = ?`, `delete from sign_in_link where way_id = ?`, `delete from sign_in_arrival where way_id = ?`,
			`delete from sign_in_rule where way_id = ?`, `delete from sign_in_import where way_id = ?`, `delete from sign_in_team where way_id = ?`, `delete from sign_in_way where id = ?`,
		} {
			if _, err := tx.Exec(q, int64(way)); err != nil {
				return err
			}
		}
		return outlet(tx)
	})
	if err == nil {
		w.forget(c.Tenant, way)
	}
	return err
}

const mostName = 60

// check completes what was entered, and has the plug-in look at it.
func (w *Ways) check(tenant string, x *Way, k method.Kind) error {
	bad := map[string]string{}
	x.Name, x.Base = strings.Join(strings.Fields(x.Name), " "), strings.TrimRight(strings.TrimSpace(x.Base), "/")
	if n := utf8.RuneCountInString(x.Name); n == 0 || n > mostName {
		bad["name"] = "A name has 1 to 60 characters. It stands on the button."
	}
	u, err := url.Parse(x.Base)
	local := err == nil && u.Scheme == "http" && loopback(u.Hostname())
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !local {
		bad["base"] = "This is the https address of this server, such as https://strongroom.example.com, without a path."
	}
	x.People.check(bad)
	values := map[string]string{}
	for _, f := range k.Fields {
		if f.Type == method.Secret {
			continue
		}
		values[f.Name] = strings.TrimSpace(x.Settings[f.Name])
		if f.Required && values[f.Name] == "" {
			bad[f.Name] = "This is needed."
		}
		if len(values[f.Name]) > 64<<10 {
			bad[f.Name] = "This is longer than 65,536 bytes."
		}
	}
	x.Settings = values
	if err := fault.Fields(bad); err != nil {
		return err
	}
	_, err = k.Open(w.setup(tenant, x, nil))
	return err
}

func (p *People) check(bad map[string]string) {
	if p.Role == "" {
		p.Role = access.ReadOnly
	}
	if !p.Role.Valid() || p.Role == access.Administrator && !p.Admins {
		bad["role"] = "Choose a role; Administrator only where the way may make administrators."
	}
	for _, x := range p.Roles {
		if r := access.Role(x.Ours); !r.Valid() || r == access.Administrator && !p.Admins {
			bad["map_roles"] = "There is no role " + x.Ours + " that this way may give."
		}
	}
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	return host == "127.0.0.1" || host == "::1" || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func groupsExist(tx *gate.Tx, pairs []Pair) error {
	for _, x := range pairs {
		if _, err := groupByName(tx, x.Ours); errors.Is(err, sql.ErrNoRows) {
			return fault.Field("map_groups", "There is no group called %s.", x.Ours)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func groupByName(tx *gate.Tx, name string) (id.ID, error) {
	var n int64
	err := tx.QueryRow(`select r.id from record r where r.kind = ? and r.name_fold = ? and r.trashed_at is null and r.archived = 0`, identity.Group, record.Fold(name)).Scan(&n)
	return id.ID(n), err
}
