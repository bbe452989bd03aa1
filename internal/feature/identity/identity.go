// Package identity holds who works in a tenant: users, groups and roles, how they sign
// in, and their sessions.
//
// Always true: what a user may do is in step with her record, in the same
// transaction; a tenant keeps an active administrator; tokens are stored as
// keyed hashes only and name their tenant; a stranger's failed tries never keep
// a person out who signs in from a device she used before.
//
// Words: a session belongs to a browser; an access token is the like for a
// program that signed in with a password (POST /login of the IT Glue API); half
// a session is what somebody has who gave the first factor and not yet the
// second, and opens nothing but the step that asks for it; a known device is a
// browser that carries proof of an earlier sign-in.
package identity

import (
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// The names of the kinds.
const (
	User  = "user"
	Group = "group"
)

// Feature is the kinds user, group and role, sessions and the counters of failed
// tries. The kind contact must be declared by another feature.
func Feature() record.Feature {
	return record.Feature{Name: "identity", Kinds: []*record.Kind{users(), groups(), customRoles()}, Schema: schema(), Purge: purge}
}

func schema() []string {
	return []string{
		`create table if not exists identity_session (
			id id primary key, hash bytes not null, user_id int not null, sort text not null, method text not null, level int not null,
			created_at int not null, seen_at int not null, expires_at int not null, idle_ms int not null, address text not null, agent text not null, device text not null)`,
		`alter table identity_session add column if not exists idle_ms int not null default 7200000`,
		`alter table identity_session add column if not exists factor_at int not null default 0`,
		`alter table identity_session add column if not exists as_user int not null default 0`, // whose eyes are looked through
		`alter table identity_session add column if not exists as_at int not null default 0`,
		`alter table identity_session add column if not exists unexplained int not null default 0`, // the reason of its use is asked for
		`create unique index if not exists identity_session_hash on identity_session (hash)`,
		`create index if not exists identity_session_user on identity_session (user_id)`,
		`create index if not exists identity_session_expires on identity_session (expires_at)`,
		`create table if not exists identity_try (who bytes primary key, fails int not null, at int not null, until int not null)`,
		`create index if not exists identity_try_until on identity_try (until)`,
		`create table if not exists identity_limit (name text primary key, ms int not null)`,
		`create table if not exists identity_letter (id id primary key, hash bytes, user_id int not null, who text not null, sort text not null, made_at int not null, expires_at int not null)`,
		`create unique index if not exists identity_letter_hash on identity_letter (hash)`,
		`create index if not exists identity_letter_user on identity_letter (user_id)`,
		`create table if not exists identity_resets (one int primary key check (one = 1), off int not null, whom text not null)`,
		`create table if not exists identity_parked (group_id int not null, sort text not null, member int not null, primary key (group_id, sort, member))`,
	}
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from identity_session where user_id = ?`, `delete from identity_letter where user_id = ?`, `delete from identity_parked where group_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from identity_parked where sort <> 'all' and member = ?`, int64(r.ID))
	return err
}

func roles() []string {
	var out []string
	for _, r := range access.EveryRole() {
		out = append(out, string(r))
	}
	return out
}
