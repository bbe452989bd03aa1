// Package rotation says which passwords are older than they may become.
//
// Always true: how old one may become is for limit to say; what is overdue is
// computed when it is asked for, and told only to who may see the password.
package rotation

import (
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

const day = 24 * 60 * 60 * 1000 // milliseconds

// Feature is the tables of policies and of what was told.
func Feature() record.Feature {
	return record.Feature{Name: "rotation", Schema: schema, Purge: purge}
}

// days is 0 where a password or what lies in a folder may become as old as it likes,
// whatever a less specific policy says.
var schema = []string{
	`create table if not exists rotation_policy (record_id id primary key, days int not null, set_by int not null, set_at int not null)`,
	`create table if not exists rotation_told (record_id int not null, changed_at int not null, at int not null, primary key (record_id, changed_at))`,
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, q := range []string{`delete from rotation_policy where record_id = ?`, `delete from rotation_told where record_id = ?`} {
		if _, err := tx.Exec(q, int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}
