// Package policy is a tenant's setting of who gets secrets in exports, and whether sealed
// fields go with them.
//
// Always true: it is asked in the transaction of each part of an export, of people, keys,
// schedules and the command line alike; whoever it does not let have secrets gets the
// export without them; only who administers the tenant changes it, which is recorded; where
// a second administrator's consent is demanded, nobody gets secrets without, and nobody
// alone takes that demand back.
package policy

import (
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
)

// Who gets secrets in exports.
type Who string

// The settings.
const (
	Exporters      Who = "" // everybody who may export
	Administrators Who = "administrators"
	Nobody         Who = "nobody"
)

// Schema is the table of the setting.
func Schema() []string {
	return []string{`create table if not exists export_policy (id int primary key, secrets text not null, changed_at int not null, changed_by int not null)`,
		`alter table export_policy add column if not exists consent int not null default 0`,
		`alter table export_policy add column if not exists fields int not null default 0`,
		`create table if not exists export_consent (id id primary key, user_id int not null, reason text not null, state text not null, at int not null, decided_by int not null, decided_at int not null, ends_at int not null)`,
		`create index if not exists export_consent_user on export_consent (user_id, state)`}
}

// Get gives the setting.
func Get(tx *gate.Tx) (w Who, err error) {
	err = tx.QueryRow(`select secrets from export_policy where id = 1`).Scan(&w)
	if errors.Is(err, sql.ErrNoRows) {
		return Exporters, nil
	}
	return w, err
}

// Allows tells whether the caller gets secrets in an export.
func Allows(tx *gate.Tx) (bool, error) {
	w, err := Get(tx)
	if err != nil {
		return false, err
	}
	if on, err := Demanded(tx); err != nil || on {
		if ok, err := Consented(tx); err != nil || !ok {
			return false, err
		}
	}
	switch w {
	case Exporters:
		return err == nil, err
	case Administrators:
		return err == nil && tx.Caller.Role == access.Administrator, err
	}
	return false, err // nobody, and what is not known
}

// Fields tells whether sealed fields go out with the secrets, to who may see them. They
// do not while nobody said so.
func Fields(tx *gate.Tx) (on bool, err error) {
	err = tx.QueryRow(`select fields from export_policy where id = 1`).Scan(&on)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return on, err
}

// Set changes the setting, in a change for which the caller administers the tenant.
// fields says whether sealed fields go out too.
func Set(tx *gate.Tx, w Who, fields bool) error {
	words := map[Who]string{Exporters: "everybody who may export", Administrators: "administrators", Nobody: "nobody"}
	if words[w] == "" {
		return fault.Field("secrets", "Choose who gets passwords in exports.")
	}
	e := tx.Entry()
	e.Action, e.Detail.Text = "export.policy", "passwords in exports: "+words[w]
	if fields {
		e.Detail.Text += ", with sealed fields"
	}
	_, err := tx.Exec(`insert into export_policy (id, secrets, fields, changed_at, changed_by) values (1, ?, ?, ?, ?) on conflict (id) do update set secrets = excluded.secrets, fields = excluded.fields, changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
		string(w), fields, tx.Now, int64(tx.Caller.User))
	return err
}
