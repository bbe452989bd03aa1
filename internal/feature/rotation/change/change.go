// Package change has passwords changed at the systems that they open.
//
// Always true: a new value is kept, sealed and durable, before the system is told of it,
// and becomes the password only once the system was seen to take it; whatever happens in
// between, the new and the earlier value are both there, the change says that it is open,
// and what cannot be found out is told and left to people; no password is sent to where
// nobody who decides about passwords said it goes; every reveal that a change takes is
// one like others, by who asked for the change.
package change

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/connector"
)

// The actions of the audit entries.
const (
	Placed  = "rotation.target"    // where a password is changed was said
	Taken   = "rotation.no-target" // it is not changed from here any more
	Asked   = "rotation.ask"       // a change or dry run was asked for
	Checked = "rotation.checked"   // a dry run went well
	Begun   = "rotation.begin"     // the new value is kept; the system is told next
	Settled = "rotation.changed"   // the system took it
	Dropped = "rotation.unchanged" // the system did not take it
	Open    = "rotation.open"      // whether it did could not be found out
)

// The states of a change.
const (
	Waiting   = "waiting"   // nothing was done yet
	Changing  = "changing"  // the new value is kept, and the system is being told
	Unknown   = "unknown"   // whether the system took it could not be found out
	Done      = "done"      // it is the password now
	Fine      = "checked"   // a dry run: it would go well
	Unchanged = "unchanged" // the password is what it was
)

// JobKind is the kind of the jobs that change passwords.
const JobKind = "rotation.change"

// field is the secret that is changed.
const field = "password"

// Feature is the tables of where passwords are changed, and of changes.
func Feature() record.Feature {
	return record.Feature{Name: "change", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists rotation_target (record_id id primary key, system text not null, address text not null, account text not null, place text not null, pin text not null,
		by_id int not null, set_by int not null, set_at int not null)`,
	`create table if not exists rotation_change (id id primary key, record_id int not null, state text not null, dry int not null, said text not null, hint text not null,
		user_id int not null, job_id int not null, at int not null, ended_at int not null)`,
	`create index if not exists rotation_change_record on rotation_change (record_id, id)`,
	`create unique index if not exists rotation_change_open on rotation_change (record_id) where state in ('waiting', 'changing', 'unknown')`,
}

// purge forgets what is known of a record that is purged.
func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from rotation_target where record_id = ?`, `delete from rotation_change where record_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Changes changes passwords. Fill the fields; it then is safe for concurrent use.
type Changes struct {
	Gate       *gate.Gate
	Records    *record.Engine
	Secrets    *secret.Revealer
	Jobs       *job.Runner
	Connectors []connector.Connector
	Random     io.Reader // for new passwords; nil is the system's
}

// Connector finds a connector by its name; nil when there is none.
func (s *Changes) Connector(name string) *connector.Connector {
	for i := range s.Connectors {
		if s.Connectors[i].Name == name {
			return &s.Connectors[i]
		}
	}
	return nil
}

// Place is where a password is changed.
type Place struct {
	connector.Target
	By id.ID // the password that signs in to make the change; 0 for the account itself
	At int64 // when it was said
}

// PlaceOf tells where a password is changed; nil when nowhere. The caller of it has been
// allowed to see the password.
func PlaceOf(tx *gate.Tx, rec id.ID) (*Place, error) {
	p := &Place{}
	var by int64
	err := tx.QueryRow(`select system, address, account, place, pin, by_id, set_at from rotation_target where record_id = ?`, int64(rec)).
		Scan(&p.System, &p.Address, &p.Account, &p.Target.Place, &p.Pin, &by, &p.At)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	p.By = id.ID(by)
	return p, err
}

// Put says where a password is changed. Who decides about passwords may, and may see
// the password and the one that signs in: both are sent there. Fault kinds: Denied,
// NotFound, Conflict while a change is open, Invalid for the fields of a target, "system"
// and "by".
func (s *Changes) Put(tx *gate.Tx, rec id.ID, p Place) error {
	e, err := s.decides(tx, rec)
	if err != nil {
		return err
	}
	c := s.Connector(p.System)
	if c == nil {
		return fault.Field("system", "Choose what sort of system it is.")
	}
	if p.Address, err = address(p.Address, c.Port); err != nil {
		return err
	}
	if err := c.Valid(p.Target); err != nil {
		return err
	}
	if p.By == rec {
		p.By = 0
	}
	if p.By != 0 {
		by, err := s.Records.Get(tx, filed.Password, p.By)
		if fault.Is(err, fault.NotFound) || err == nil && by.Values.Text("username") == "" {
			return fault.Field("by", "Choose a password that you may see, and that has a user name.")
		}
		if err == nil {
			err = tx.Check(access.Reveal, gate.Thing{Kind: filed.Password, ID: p.By})
		}
		if err != nil {
			return err
		}
	}
	e.Action, e.Detail.Text = Placed, c.Title+", "+p.Account+" at "+p.Address
	_, err = tx.Exec(`insert into rotation_target (record_id, system, address, account, place, pin, by_id, set_by, set_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (record_id) do update set system = excluded.system, address = excluded.address, account = excluded.account, place = excluded.place, pin = excluded.pin,
			by_id = excluded.by_id, set_by = excluded.set_by, set_at = excluded.set_at`,
		int64(rec), p.System, p.Address, p.Account, p.Target.Place, p.Pin, int64(p.By), int64(tx.Caller.User), tx.Now)
	return err
}

// decides lets those on who may say where a password goes, while no change is open.
func (s *Changes) decides(tx *gate.Tx, rec id.ID) (*audit.Entry, error) {
	e, err := demand.Decider(tx, filed.Password, rec)
	if err != nil {
		return nil, err
	}
	if err := tx.Check(access.Reveal, gate.Thing{Kind: filed.Password, ID: rec}); err != nil {
		return nil, err
	}
	return e, free(tx, rec)
}

// free refuses while a change is open.
func free(tx *gate.Tx, rec id.ID) error {
	n, err := tx.IDs(`select id from rotation_change where record_id = ? and state in (?, ?, ?)`, int64(rec), Waiting, Changing, Unknown)
	if err == nil && len(n) > 0 {
		err = fault.New(fault.Conflict, "A change of this password is open.").WithHint("Wait until it is done, or settle it first.")
	}
	return err
}

// Remove says that a password is not changed from here any more.
func (s *Changes) Remove(tx *gate.Tx, rec id.ID) error {
	e, err := s.decides(tx, rec)
	if err != nil {
		return err
	}
	e.Action = Taken
	n, err := tx.Exec(`delete from rotation_target where record_id = ?`, int64(rec))
	if n == 0 {
		tx.Withdraw(e)
	}
	return err
}

// address completes a host with the usual port.
func address(s, port string) (string, error) {
	s = strings.TrimSpace(s)
	host, given, err := net.SplitHostPort(s)
	if err != nil {
		host, given = strings.Trim(s, "[]"), port
	}
	n, err := strconv.Atoi(given)
	if host == "" || strings.ContainsAny(host, "/ \t\n@%\"'") || len(host) > 253 || err != nil || n < 1 || n > 65535 {
		return "", fault.Field("address", "Enter a host, or a host and a port, such as db1.example.com:%s.", port)
	}
	return net.JoinHostPort(host, given), nil
}

// Change is one change of a password, or a dry run of one.
type Change struct {
	ID        id.ID
	Record    id.ID
	State     string
	Dry       bool
	Said      string // why it went as it went
	Hint      string
	User      id.ID
	UserName  string
	Job       id.ID
	At, Ended int64 // Unix milliseconds
}

// Open tells whether a change has not ended.
func (c *Change) Open() bool { return c.State == Waiting || c.State == Changing || c.State == Unknown }

// Of lists the newest changes of a password. The caller of it has been allowed to see
// the password.
func Of(tx *gate.Tx, rec id.ID, most int) ([]*Change, error) {
	return list(tx, `c.record_id = ? order by c.id desc limit ?`, int64(rec), most)
}

// Latest gives the newest change of each password, for what is begun by itself: who reads it
// sees every password.
func Latest(tx *gate.Tx) ([]*Change, error) {
	return list(tx, `c.id in (select max(x.id) from rotation_change x group by x.record_id) order by c.id`)
}

// One gives a change of a password that the caller may see. NotFound.
func One(tx *gate.Tx, rec, change id.ID) (*Change, error) {
	if err := tx.Check(access.View, gate.Thing{Kind: filed.Password, ID: rec}); err != nil {
		return nil, err
	}
	out, err := list(tx, `c.record_id = ? and c.id = ?`, int64(rec), int64(change))
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, gate.Missing()
	}
	return out[0], nil
}

func list(tx *gate.Tx, cond string, args ...any) ([]*Change, error) {
	rows, err := tx.Query(`select c.id, c.record_id, c.state, c.dry, c.said, c.hint, c.user_id, coalesce(u.name, ''), c.job_id, c.at, c.ended_at
		from rotation_change c left join record u on u.id = c.user_id where `+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Change
	for rows.Next() {
		var c Change
		var cid, rec, user, work int64
		if err := rows.Scan(&cid, &rec, &c.State, &c.Dry, &c.Said, &c.Hint, &user, &c.UserName, &work, &c.At, &c.Ended); err != nil {
			return nil, err
		}
		c.ID, c.Record, c.User, c.Job = id.ID(cid), id.ID(rec), id.ID(user), id.ID(work)
		out = append(out, &c)
	}
	return out, rows.Err()
}

// payload is what a job is given.
type payload struct {
	Record id.ID `json:"record"`
	Change id.ID `json:"change"`
}

// Start has a password changed, or with dry tries whether it could be, and gives the
// change's id. It takes the right to change the password and to see it. Fault kinds:
// Denied, NotFound, Conflict while another change is open or when it was not said where.
func (s *Changes) Start(ctx context.Context, c *access.Caller, rec id.ID, dry bool, reason string) (cid id.ID, err error) {
	err = s.Gate.Change(ctx, c, access.Edit, gate.Thing{Kind: filed.Password, ID: rec}, func(tx *gate.Tx) error {
		e := tx.Entry()
		if err := errors.Join(tx.Check(access.Reveal, gate.Thing{Kind: filed.Password, ID: rec}), free(tx, rec)); err != nil {
			return err
		}
		p, err := PlaceOf(tx, rec)
		if err != nil {
			return err
		}
		if p == nil {
			return fault.New(fault.Conflict, "It was not said where this password is changed.").WithHint("A manager says it on the password's page, under Change at its system.")
		}
		now, err := secret.Current(tx, rec)
		if err != nil {
			return err
		}
		if !now[field].Has {
			return fault.New(fault.Conflict, "There is no present password, by which the new one would be tried.").WithHint("Enter the one that the system has now; then change it.")
		}
		if cid, err = tx.NewID(); err != nil {
			return err
		}
		work, err := s.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{rec, cid}})
		if err != nil {
			return err
		}
		e.Action, e.Detail.Text = Asked, p.Account+" at "+p.Address
		if dry {
			e.Detail.Text = "as a dry run, " + e.Detail.Text
		}
		if reason != "" {
			e.Detail.Reason = reason
		}
		_, err = tx.Exec(`insert into rotation_change (id, record_id, state, dry, said, hint, user_id, job_id, at, ended_at) values (?, ?, ?, ?, '', '', ?, ?, ?, 0)`,
			int64(cid), int64(rec), Waiting, dry, int64(tx.Caller.User), int64(work), tx.Now)
		return err
	})
	return cid, err
}
