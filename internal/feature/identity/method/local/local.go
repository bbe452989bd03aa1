// Package local signs users in with passwords that are kept here.
//
// Always true: of a password only its Argon2id hash is stored, with the
// parameters it was made with; a password is hashed whether or not anybody has
// the address, so that the time says nothing; a hash made with less than the
// present parameters is replaced at the next sign-in.
package local

import (
	"context"
	"database/sql"
	"errors"

	"strongroom/internal/base/breached"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity/method"
)

// Name is how the method is called in claims and in the audit log.
const Name = "local"

// Feature is the method's table. The kind user comes from identity.
func Feature() record.Feature {
	return record.Feature{
		Name: "local",
		Schema: []string{`create table if not exists local_credential (
			user_id id primary key, hash text not null, changed_at int not null, one_time int not null, expires_at int not null)`},
		Purge: func(tx *gate.Tx, r *record.Record) error {
			_, err := tx.Exec(`delete from local_credential where user_id = ?`, int64(r.ID))
			return err
		},
	}
}

// Method keeps and checks local passwords. Fill Gate; it then is safe for
// concurrent use. It is a method.Keeper.
type Method struct {
	Gate   *gate.Gate
	Hasher Hasher

	// Breached, when set, is a list of this house's own of passwords that were found in
	// breaches: none of them is taken as a new one.
	Breached breached.Source
}

// credential is what is known of who tries.
type credential struct {
	user    id.ID
	hash    string
	oneTime bool
}

// Check tells who has this e-mail address and password.
func (m *Method) Check(ctx context.Context, t method.Try) (method.Claim, error) {
	cred, err := m.find(ctx, t)
	if err != nil {
		return method.Claim{}, err
	}
	ok, outdated, err := m.Hasher.Verify(ctx, cred.hash, t.Password, t.Known)
	if err != nil {
		return method.Claim{}, err
	}
	if !ok {
		return method.Claim{}, fault.New(fault.Unauthorized, "The e-mail address or the password is wrong.")
	}
	if outdated {
		m.renew(ctx, t, cred)
	}
	return method.Claim{Method: Name, User: cred.user, Email: t.Email, Verified: true, Level: 1, OneTime: cred.oneTime}, nil
}

// find reads the credential of who has the address; an empty one when nobody
// has, when she may not sign in, or when the password has expired.
func (m *Method) find(ctx context.Context, t method.Try) (c credential, err error) {
	err = m.Gate.View(ctx, access.System(t.Tenant, "sign-in"), func(tx *gate.Tx) error {
		var user, expires int64
		err := tx.QueryRow(`select l.user_id, l.hash, l.one_time, l.expires_at
			from k_user u join record r on r.id = u.id join local_credential l on l.user_id = u.id join access_principal p on p.user_id = u.id
			where u.email_fold = ? and r.trashed_at is null and r.archived = 0 and p.active = 1`, record.Fold(t.Email)).
			Scan(&user, &c.hash, &c.oneTime, &expires)
		if errors.Is(err, sql.ErrNoRows) || err == nil && expires != 0 && tx.Now >= expires {
			c = credential{}
			return nil
		}
		c.user = id.ID(user)
		return err
	})
	if t.Tenant == "" || fault.Is(err, fault.NotFound) { // no such tenant
		return credential{}, nil
	}
	return c, err
}

// renew replaces an outdated hash. A failure only means that the next sign-in
// does it.
func (m *Method) renew(ctx context.Context, t method.Try, c credential) {
	hash, err := m.Hasher.Hash(ctx, t.Password, t.Known)
	if err == nil {
		err = m.Gate.Change(ctx, access.System(t.Tenant, "sign-in"), access.View, gate.Thing{}, func(tx *gate.Tx) error {
			_, err := tx.Exec(`update local_credential set hash = ? where user_id = ? and hash = ?`, hash, int64(c.user), c.hash)
			return err
		})
	}
	if err != nil {
		m.Gate.Log.WarnContext(ctx, "an outdated password hash could not be replaced", "tenant", t.Tenant, "error", err)
	}
}

// Hash checks a new password by the policy and hashes it.
func (m *Method) Hash(ctx context.Context, password string, not ...string) (string, error) {
	if err := Policy(password, not...); err != nil {
		return "", err
	}
	if m.Breached != nil {
		switch n, err := m.Breached.Count(ctx, password); {
		case err != nil: // a list that cannot be read keeps nobody from changing a password
			m.Gate.Log.WarnContext(ctx, "the list of breached passwords could not be asked", "error", err)
		case n > 0:
			return "", fault.Field("password", "This password was found in breaches of other services: others will try it.").WithHint("Choose another one; four words in a row are good.")
		}
	}
	return m.Hasher.Hash(ctx, password, true)
}

// Store keeps a hash as the user's password, in place of the one before.
func (m *Method) Store(tx *gate.Tx, user id.ID, s method.Stored) error {
	_, err := tx.Exec(`insert into local_credential (user_id, hash, changed_at, one_time, expires_at) values (?, ?, ?, ?, ?)
		on conflict (user_id) do update set hash = excluded.hash, changed_at = excluded.changed_at, one_time = excluded.one_time, expires_at = excluded.expires_at`,
		int64(user), s.Hash, tx.Now, s.OneTime, s.Expires)
	return err
}

// Has tells whether a user has a password here, be it one that has expired.
func (m *Method) Has(tx *gate.Tx, user id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from local_credential where user_id = ?`, int64(user)).Scan(&n)
	return n > 0, err
}
