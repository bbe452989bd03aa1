package sqldb

import (
	"fmt"
	"strings"
)

// Columns gives the names of the columns of table, in lower case as they were
// written; empty when there is no such table.
func (t *Tx) Columns(table string) (map[string]bool, error) {
	q := `select name from pragma_table_info(?)`
	if t.Dialect() == Postgres {
		q = `select column_name::text from information_schema.columns where table_schema = current_schema() and table_name = ?`
	}
	rows, err := t.Query(q, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names[name] = true
	}
	return names, rows.Err()
}

// HasTable tells whether there is a table of that name.
func (t *Tx) HasTable(name string) (bool, error) {
	q := `select count(*) from sqlite_schema where type = 'table' and name = ?`
	if t.Dialect() == Postgres {
		q = `select count(*) from information_schema.tables where table_schema = current_schema() and table_name = ?`
	}
	var n int
	err := t.QueryRow(q, name).Scan(&n)
	return n > 0, err
}

// Texts gives the tables of the database and, of each, the columns that hold text, in
// order. SQLite's own tables are left out.
func (t *Tx) Texts() (tables []string, columns map[string][]string, err error) {
	q := `select m.name, p.name from sqlite_schema m join pragma_table_info(m.name) p
		where m.type = 'table' and m.name not like 'sqlite!_%' escape '!' and lower(p.type) = 'text' order by m.name, p.cid`
	if t.Dialect() == Postgres {
		q = `select table_name::text, column_name::text from information_schema.columns
			where table_schema = current_schema() and data_type = 'text' order by table_name, ordinal_position`
	}
	rows, err := t.Query(q)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	columns = map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, nil, err
		}
		if columns[table] == nil {
			tables = append(tables, table)
		}
		columns[table] = append(columns[table], column)
	}
	return tables, columns, rows.Err()
}

// Migrate brings a schema about, in the vocabulary of Dialect.DDL: each statement bears
// repetition. A column that a table got later stands both in its
// "create table" and, for tables from before, in an "alter table T add column if
// not exists" behind it, which not all databases know and which is done here.
func (t *Tx) Migrate(ddl []string) error {
	for _, q := range ddl {
		if table, column, ok := strings.Cut(strings.TrimPrefix(q, "alter table "), " add column if not exists "); ok {
			have, err := t.Columns(table)
			if err != nil {
				return err
			}
			if name, _, _ := strings.Cut(column, " "); have[name] {
				continue
			}
			q = "alter table " + table + " add column " + column
		}
		if _, err := t.Exec(t.Dialect().DDL(q)); err != nil {
			return fmt.Errorf("%.60s: %w", q, err)
		}
	}
	return nil
}
