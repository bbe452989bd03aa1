// Package provision keeps users and groups here as a system of the customer's says, which
// talks SCIM.
//
// Always true: what that system keeps is what it made itself, or what an administrator
// lets it take over, and never an administrator; nobody is deleted: who is gone there is
// archived here and does not exist for it any more, and is the same again when she comes
// back; it gives nobody rights: what a group means here, administrators say; who is an
// administrator here has no address changed by it; whom an administrator archived or deleted stays so.
package provision

import (
	"database/sql"
	"errors"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// ErrTaken is the cause of a Conflict with what is there already.
var ErrTaken = errors.New("taken")

// Feature is what is remembered of users and groups beside their records, and of what was
// said.
func Feature() record.Feature {
	return record.Feature{Name: "provision", Schema: []string{
		`create table if not exists provision_user (user_id id primary key, user_name text not null, user_name_fold text not null, external_id text not null, display_name text not null,
			hidden int not null, off int not null, taken int not null, created_at int not null, changed_at int not null)`,
		`create unique index if not exists provision_user_name on provision_user (user_name_fold)`,
		`create index if not exists provision_user_external on provision_user (external_id)`,
		`create table if not exists provision_group (group_id id primary key, external_id text not null, hidden int not null, created_at int not null, changed_at int not null)`,
		`create table if not exists provision_role (group_id id primary key, role text not null)`,
		`create table if not exists provision_set (one int primary key check (one = 1), role text not null, take int not null, way_id int not null, subject text not null)`,
		`create table if not exists provision_call (id id primary key, at int not null, key_id int not null, what text not null, status int not null, said text not null)`,
	}, Purge: func(tx *gate.Tx, r *record.Record) error {
		for _, q := range []string{`delete from provision_user where user_id = ?`, `delete from provision_group where group_id = ?`, `delete from provision_role where group_id = ?`} {
			if _, err := tx.Exec(q, int64(r.ID)); err != nil {
				return err
			}
		}
		return nil
	}}
}

// Provision keeps users and groups. Fill the fields; it then is safe for concurrent use.
type Provision struct {
	Gate    *gate.Gate
	Records *record.Engine
	Ways    Ways
}

// Ways are the ways in by which people come whom the other side keeps.
type Ways interface {
	// Known tells whether there is such a way.
	Known(tx *gate.Tx, way id.ID) (bool, error)
	// Tie connects a user with the name that a way has for her.
	Tie(tx *gate.Tx, way id.ID, subject string, user id.ID, label string) error
}

// Ref names a user or a group.
type Ref struct {
	ID   id.ID
	Name string
}

// User is somebody as the other side sees her.
type User struct {
	ID               id.ID
	UserName         string
	External         string // the other side's name for her
	First, Last      string
	Display          string
	Email            string
	Active           bool
	Groups           []Ref
	Created, Changed int64 // Unix milliseconds
}

// Group is a group as the other side sees it.
type Group struct {
	ID               id.ID
	Name             string
	External         string
	Members          []Ref // of the users that the other side keeps
	Created, Changed int64
}

// Query asks for users or groups in the order of their ids.
type Query struct {
	Field       string // one of the fields, which has the value; "" for all
	Value       string
	Skip, Limit int
}

// The fields of a Query. A user has all of them, a group ByID, ByName and ByExternal.
const (
	ByID       = "id"
	ByUserName = "user name"
	ByExternal = "external"
	ByEmail    = "email"
	ByName     = "name"
)

// bounds of what is kept, in characters.
const (
	mostName   = 200
	mostLonger = 400
)

// condition gives the part of a statement that a query stands for; p is the alias of what
// is remembered, k that of the fields, r that of the spine.
func (q Query) condition() (string, []any) {
	switch q.Field {
	case ByID:
		n, _ := id.Parse(q.Value) // what is none is 0, which nobody has
		return ` and r.id = ?`, []any{int64(n)}
	case ByUserName:
		return ` and p.user_name_fold = ?`, []any{record.Fold(q.Value)}
	case ByExternal:
		return ` and p.external_id = ?`, []any{q.Value}
	case ByEmail:
		return ` and k.email_fold = ?`, []any{record.Fold(q.Value)}
	case ByName:
		return ` and r.name_fold = ?`, []any{record.Fold(q.Value)}
	}
	return "", nil
}

const usersFrom = ` from provision_user p join record r on r.id = p.user_id join k_user k on k.id = p.user_id where p.hidden = 0 and r.trashed_at is null`

// Users gives users and how many there are in all.
func (p *Provision) Users(tx *gate.Tx, q Query) (out []*User, total int64, err error) {
	if _, err := tx.Allow(access.View, gate.Thing{}); err != nil {
		return nil, 0, err
	}
	cond, args := q.condition()
	sees, who := tx.Visible("r")
	where, args := usersFrom+cond+` and `+sees, append(args, who...)
	if err := tx.QueryRow(`select count(*)`+where, args...).Scan(&total); err != nil || q.Limit <= 0 {
		return nil, total, err
	}
	rows, err := tx.Query(`select p.user_id, p.user_name, p.external_id, p.display_name, coalesce(k.first_name, ''), coalesce(k.last_name, ''), k.email, r.archived, p.created_at, p.changed_at, r.updated_at`+where+
		` order by p.user_id limit ? offset ?`, append(args, q.Limit, q.Skip)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var u User
		var n, updated int64
		var archived bool
		if err := rows.Scan(&n, &u.UserName, &u.External, &u.Display, &u.First, &u.Last, &u.Email, &archived, &u.Created, &u.Changed, &updated); err != nil {
			return nil, 0, err
		}
		u.ID, u.Active, u.Changed = id.ID(n), !archived, max(u.Changed, updated)
		out = append(out, &u)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, 0, err
	}
	return out, total, p.groupsOf(tx, out)
}

// groupsOf fills in the groups of users.
func (p *Provision) groupsOf(tx *gate.Tx, users []*User) error {
	at := map[id.ID]*User{}
	for part := range parts(users) {
		var ids []id.ID
		for _, u := range part {
			at[u.ID], ids = u, append(ids, u.ID)
		}
		rows, err := tx.Query(`select m.user_id, r.id, r.name from access_member m join provision_group p on p.group_id = m.group_id join record r on r.id = m.group_id
			where p.hidden = 0 and r.trashed_at is null and m.user_id in (`+access.Marks(len(ids))+`) order by r.id`, access.Args(ids)...)
		if err != nil {
			return err
		}
		if err := refs(rows, func(of, n id.ID, name string) { at[of].Groups = append(at[of].Groups, Ref{n, name}) }); err != nil {
			return err
		}
	}
	return nil
}

// refs reads rows of an id, and the id and name of what belongs to it.
func refs(rows interface {
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}, each func(of, n id.ID, name string)) error {
	defer rows.Close()
	for rows.Next() {
		var of, n int64
		var name string
		if err := rows.Scan(&of, &n, &name); err != nil {
			return err
		}
		each(id.ID(of), id.ID(n), name)
	}
	return rows.Err()
}

// parts cuts a list into pieces that one statement takes.
func parts[T any](list []T) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for len(list) > 0 {
			n := min(len(list), 500)
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// User gives one user. NotFound when there is none for the other side.
func (p *Provision) User(tx *gate.Tx, user id.ID) (*User, error) {
	list, _, err := p.Users(tx, Query{Field: ByID, Value: user.String(), Limit: 1})
	if err == nil && len(list) == 0 {
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// clean brings a user into the form in which she is kept.
func (u *User) clean() error {
	u.UserName, u.Email = strings.TrimSpace(u.UserName), strings.TrimSpace(u.Email)
	bad := map[string]string{}
	if u.UserName == "" {
		bad["userName"] = "A user needs a userName."
	}
	for name, s := range map[string]string{"userName": u.UserName, "externalId": u.External} {
		if len([]rune(s)) > mostName {
			bad[name] = name + " is longer than 200 characters."
		}
	}
	if len([]rune(u.Display)) > mostLonger {
		bad["displayName"] = "displayName is longer than 400 characters."
	}
	if u.Email == "" && strings.Contains(u.UserName, "@") {
		u.Email = u.UserName
	}
	if u.Email == "" && bad["userName"] == "" {
		bad["emails"] = "A user needs an e-mail address: send one in emails, or a userName that is one."
	}
	return fault.Fields(bad)
}

// names gives the names of a user's record: from her display name where the other side
// sends no others.
func (u *User) names() (first, last string) {
	if u.First != "" || u.Last != "" || u.Display == "" || strings.Contains(u.Display, "@") {
		return u.First, u.Last
	}
	words := strings.Fields(u.Display)
	if len(words) < 2 {
		return u.Display, ""
	}
	return strings.Join(words[:len(words)-1], " "), words[len(words)-1]
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// roleOf gives a user's role.
func roleOf(tx *gate.Tx, user id.ID) (access.Role, error) {
	var role string
	err := tx.QueryRow(`select role from access_principal where user_id = ?`, int64(user)).Scan(&role)
	return access.Role(role), err
}

// KeptUser and KeptGroup tell whether the other side keeps a record.
func (p *Provision) KeptUser(tx *gate.Tx, user id.ID) (bool, error) {
	return kept(tx, `select count(*) from provision_user where user_id = ? and hidden = 0`, user)
}

// KeptGroup is KeptUser for groups.
func (p *Provision) KeptGroup(tx *gate.Tx, group id.ID) (bool, error) {
	return kept(tx, `select count(*) from provision_group where group_id = ? and hidden = 0`, group)
}

func kept(tx *gate.Tx, q string, r id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(q, int64(r)).Scan(&n)
	return n > 0, err
}

// note adds to what an entry of the log says was changed.
func note(tx *gate.Tx, thing gate.Thing, fields ...string) error {
	e, err := tx.Allow(access.Edit, thing)
	if err == nil {
		e.Detail.Fields = append(e.Detail.Fields, fields...)
	}
	return err
}
