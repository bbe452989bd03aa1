// Package mapping keeps, under names, what was said of the columns of tables, so
// that the next table of the same sort needs no mapping.
//
// Always true: a mapping holds headings and names of fields and no row; it is the
// tenant's, for all who may import; no two have the same name.
package mapping

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

// Schema is the table.
func Schema() []string {
	return []string{`create table if not exists import_mapping (id id primary key, name text not null, name_fold text not null unique, kind text not null, data text not null, created_at int not null, created_by int not null)`}
}

// Mapping is one of them.
type Mapping struct {
	ID   id.ID
	Name string
	Kind string
	Data string // as the layout writes it
}

// most is how many a tenant may keep.
const most = 500

// List gives all, by name, or those of one kind.
func List(tx *gate.Tx, kind string) ([]Mapping, error) {
	if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select id, name, kind, data from import_mapping where ? = '' or kind = ? order by name_fold`, kind, kind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Mapping
	for rows.Next() {
		var n int64
		var m Mapping
		if err := rows.Scan(&n, &m.Name, &m.Kind, &m.Data); err != nil {
			return nil, err
		}
		m.ID = id.ID(n)
		out = append(out, m)
	}
	return out, rows.Err()
}

// Find gives one by its name; NotFound when there is none.
func Find(tx *gate.Tx, name string) (*Mapping, error) {
	if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
		return nil, err
	}
	var n int64
	m := &Mapping{}
	err := tx.QueryRow(`select id, name, kind, data from import_mapping where name_fold = ?`, record.Fold(name)).Scan(&n, &m.Name, &m.Kind, &m.Data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "There is no mapping called %q.", name).WithHint("The page of imports lists those that are kept.")
	}
	m.ID = id.ID(n)
	return m, err
}

// Save keeps a mapping under a name, in place of one that has it. The caller has
// been allowed to import in tx.
func Save(tx *gate.Tx, name, kind, data string) error {
	if name = strings.TrimSpace(name); name == "" || len(name) > 200 {
		return fault.Field("save", "A mapping needs a name of up to 200 characters.")
	}
	var n int
	if err := tx.QueryRow(`select count(*) from import_mapping`).Scan(&n); err != nil {
		return err
	}
	if n >= most {
		return fault.Field("save", "There are %d mappings already.", most).WithHint("Delete one that nobody needs.")
	}
	m, err := tx.NewID()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into import_mapping (id, name, name_fold, kind, data, created_at, created_by) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (name_fold) do update set name = excluded.name, kind = excluded.kind, data = excluded.data`, int64(m), name, record.Fold(name), kind, data, tx.Now, int64(tx.Caller.User))
	return err
}

// Delete forgets a mapping. NotFound when there is none.
func Delete(tx *gate.Tx, m id.ID) error {
	n, err := tx.Exec(`delete from import_mapping where id = ?`, int64(m))
	if err == nil && n == 0 {
		err = gate.Missing()
	}
	return err
}
