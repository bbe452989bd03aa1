// Package mfa keeps people's second factors: apps for one-time codes, passkeys
// and security keys, and the recovery codes for when these are lost.
//
// Always true: a code counts once, and that it did is written in the transaction
// in which it counts; of a recovery code there is a keyed hash only, and the seed
// of an app is sealed for its owner and place; who has a factor is asked for it
// at each sign-in; a policy is kept in the transaction of what it is about.
package mfa

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/notification"
)

// The actions of the audit entries.
const (
	Added    = "factor.add"
	Removed  = "factor.remove"
	Coded    = "factor.codes"        // new recovery codes
	Settled  = "factor.policy"       // somebody changed the policy
	AskedFor = "factor.reset-ask"    // an administrator asks to have somebody's factors removed
	Reset    = "factor.reset"        // another one approved: they are gone
	Declined = "factor.reset-refuse" // another one refused, or it was taken back
)

// The sorts of factors.
const (
	App      = "app"      // one-time codes of an app
	Passkey  = "passkey"  // a passkey or security key
	Recovery = "recovery" // a recovery code
)

// topic is what the notices are about.
const topic = "security"

// Own is the address of the page of one's own factors.
const Own = "/me/security"

// Most is how many factors a user has at most.
const Most = 20

// Feature is the tables of factors and policies.
func Feature() record.Feature {
	return record.Feature{Name: "mfa", Schema: []string{
		`create table if not exists mfa_factor (id id primary key, user_id int not null, sort text not null, name text not null, created_at int not null, used_at int not null,
			step int not null, sealed bytes not null, credential bytes not null)`,
		`alter table mfa_factor add column if not exists site text not null default ''`,
		`alter table mfa_factor add column if not exists alone int not null default 0`,
		`create index if not exists mfa_factor_user on mfa_factor (user_id)`,
		`create index if not exists mfa_factor_credential on mfa_factor (credential)`,
		`create table if not exists mfa_code (user_id int not null, hash bytes not null, used_at int not null, primary key (user_id, hash))`,
		`create table if not exists mfa_spent (challenge bytes primary key, until int not null)`,
		`create table if not exists mfa_policy (one int primary key check (one = 1), who text not null, reveal int not null, reveal_minutes int not null, admin int not null, admin_minutes int not null)`,
		`create table if not exists mfa_group (group_id int primary key)`,
		`create table if not exists mfa_reset (id id primary key, user_id int not null, asked_by int not null, reason text not null, at int not null)`,
	}, Purge: purge}
}

func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, q := range []string{
		`delete from mfa_factor where user_id = ?`, `delete from mfa_code where user_id = ?`, `delete from mfa_group where group_id = ?`,
		`delete from mfa_reset where user_id = ?`, `delete from mfa_reset where asked_by = ?`,
	} {
		if _, err := tx.Exec(q, n); err != nil {
			return err
		}
	}
	return nil
}

// Factor is a second factor as its owner sees it.
type Factor struct {
	ID      id.ID
	Sort    string
	Name    string
	Created int64  // Unix milliseconds
	Used    int64  // last, 0 for never
	Site    string // of a passkey: the host that it is for
	Alone   bool   // a passkey that can be the only factor
}

// List gives the factors of a user, oldest first: to herself, and to who manages
// users.
func List(tx *gate.Tx, user id.ID) ([]Factor, error) {
	if user != tx.Caller.User {
		if err := tx.Check(access.Administer, gate.Thing{Kind: "user", ID: user}); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Query(`select id, sort, name, created_at, used_at, site, alone from mfa_factor where user_id = ? order by created_at, id`, int64(user))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Factor
	for rows.Next() {
		var f Factor
		var n int64
		if err := rows.Scan(&n, &f.Sort, &f.Name, &f.Created, &f.Used, &f.Site, &f.Alone); err != nil {
			return nil, err
		}
		f.ID = id.ID(n)
		out = append(out, f)
	}
	return out, rows.Err()
}

// Has tells whether a user has a second factor: it is asked for at sign-in.
func Has(tx *gate.Tx, user id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from mfa_factor where user_id = ?`, int64(user)).Scan(&n)
	return n > 0, err
}

// made is a factor that its owner has shown to have.
type made struct {
	sort, name string
	step       int64                              // that was used
	sealed     func(factor id.ID) ([]byte, error) // what is kept of it
	credential []byte
	site       string
	alone      bool
}

// add keeps a new factor of the caller and tells her. With her first one she gets
// recovery codes.
func add(tx *gate.Tx, m made) (codes []string, err error) {
	user, sort := tx.Caller.User, m.sort
	name := strings.Join(strings.Fields(m.name), " ")
	if name == "" {
		name = map[string]string{App: "Authenticator app", Passkey: "Passkey"}[sort]
	}
	if utf8.RuneCountInString(name) > 100 {
		return nil, fault.Field("name", "A name has at most 100 characters.")
	}
	list, err := List(tx, user)
	if err != nil {
		return nil, err
	}
	if len(list) >= Most {
		return nil, fault.New(fault.Conflict, "You have %d second factors.", Most).WithHint("Remove one that you do not use.")
	}
	if err := Fresh(tx, len(list) > 0); err != nil {
		return nil, err
	}
	fid, err := tx.NewID()
	if err != nil {
		return nil, err
	}
	box, err := m.sealed(fid)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert into mfa_factor (id, user_id, sort, name, created_at, used_at, step, sealed, credential, site, alone) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(fid), int64(user), sort, name, tx.Now, tx.Now, m.step, box, m.credential, m.site, m.alone)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		if codes, err = issue(tx); err != nil {
			return nil, err
		}
	}
	e := tx.Entry()
	e.Action, e.Detail.Name = Added, name
	return codes, tell(tx, user, "A second factor was added for you: "+name+". If it was not you, ask an administrator to reset your second factors.", "add/"+fid.String())
}

// Remove removes a factor of the caller. With the last one her recovery codes
// go. NotFound when it is not hers, Denied when she has not confirmed lately.
func Remove(tx *gate.Tx, fid id.ID) error {
	var name string
	if err := tx.QueryRow(`select name from mfa_factor where id = ? and user_id = ?`, int64(fid), int64(tx.Caller.User)).Scan(&name); err != nil {
		return missing(err)
	}
	if err := Fresh(tx, true); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from mfa_factor where id = ? and user_id = ?`, int64(fid), int64(tx.Caller.User)); err != nil {
		return err
	}
	left, err := Has(tx, tx.Caller.User)
	if err != nil {
		return err
	}
	if !left {
		if _, err := tx.Exec(`delete from mfa_code where user_id = ?`, int64(tx.Caller.User)); err != nil {
			return err
		}
	}
	e := tx.Entry()
	e.Action, e.Detail.Name = Removed, name
	return tell(tx, tx.Caller.User, "A second factor of yours was removed: "+name+".", "remove/"+fid.String())
}

func missing(err error) error {
	if noRows(err) {
		return gate.Missing()
	}
	return err
}

// tell tells a user something about her own sign-in, the same thing once.
func tell(tx *gate.Tx, user id.ID, words, key string) error {
	_, err := notification.Send(tx, notification.Notice{Topic: topic, To: []id.ID{user}, Href: Own, Own: true, Self: true,
		Text: []notification.Part{notification.Words(words)}, Key: "security/" + key})
	return err
}

// key derives a key of the tenant's for one use.
func key(tx *gate.Tx, label string) ([]byte, error) {
	return envelope.Derive(tx.Tenant.Keys.Index, "strongroom/mfa/"+label+"/1")
}

// digest is a keyed hash under a key of the tenant.
func digest(tx *gate.Tx, label string, parts ...string) ([]byte, error) {
	k, err := key(tx, label)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, k)
	h.Write(envelope.Bind(parts...))
	return h.Sum(nil), nil
}
