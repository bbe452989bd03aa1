package search

import (
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Schema is the index's tables. search_doc holds the terms; on SQLite the FTS5
// table search_fts reads them from there, and on PostgreSQL two tsvectors lie
// beside them. FTS5 could overwrite a removed term at once (secure-delete); that
// made a change of one record take twenty times as long, so Tidy does it later.
func Schema(d sqldb.Dialect) []string {
	if d == sqldb.Postgres {
		return []string{
			`create table if not exists search_doc (id id primary key, name text not null, names text not null, body text not null,
				names_v tsvector not null, all_v tsvector not null)`,
			`create index if not exists search_doc_name on search_doc (name, id)`,
			`create index if not exists search_doc_names on search_doc using gin (names_v)`,
			`create index if not exists search_doc_all on search_doc using gin (all_v)`,
		}
	}
	return []string{
		`create table if not exists search_doc (id id primary key, name text not null, names text not null, body text not null)`,
		`create index if not exists search_doc_name on search_doc (name, id)`,
		`create virtual table if not exists search_fts using fts5(names, body, content='search_doc', content_rowid='id', detail=column,
			columnsize=0, prefix='1 2 3', tokenize="ascii tokenchars '` + joiners + `'")`,
		`insert into search_fts (search_fts, rank) values ('secure-delete', 0)`,
	}
}

// Doc is what one record is found by.
type Doc struct {
	ID    id.ID
	Names []string // the record's name first; then numbers, hosts, addresses
	Body  string   // plain text
	New   bool     // the record was made in this transaction: nothing finds it yet
}

// row is a document as it is stored.
type row struct{ name, names, body string }

func (d Doc) row() row {
	var names, body index
	for _, n := range d.Names {
		names.text(n)
		names.number(n)
	}
	body.text(d.Body)
	r := row{names: names.String(), body: body.String()}
	if len(d.Names) > 0 {
		r.name = cutName(Fold(d.Names[0]))
	}
	return r
}

// cutName keeps index entries small.
func cutName(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// change is what the index learns of a record: what finds it, or nil when nothing
// does any more.
type change struct {
	id  id.ID
	doc *Doc
}

type changing struct{}

// Put makes the record found by d and by nothing else, once tx is committed.
func Put(tx *sqldb.Tx, d Doc) error {
	return sqldb.AtCommit(tx, changing{}, write, change{d.ID, &d})
}

// Remove makes the record be found by nothing, once tx is committed.
func Remove(tx *sqldb.Tx, record id.ID) error {
	return sqldb.AtCommit(tx, changing{}, write, change{record, nil})
}

// write writes changes of records, of which the last one counts. Changes that
// are committed together make one segment of the index: FTS5 would write one at
// each savepoint, and then merge them.
func write(tx *sqldb.Tx, list []change) error {
	last, made := make(map[id.ID]*Doc, len(list)), map[id.ID]bool{}
	for _, c := range list {
		last[c.id] = c.doc
		made[c.id] = made[c.id] || c.doc != nil && c.doc.New
	}
	for _, rec := range slices.Sorted(maps.Keys(last)) {
		var old *row
		if !made[rec] {
			var err error
			if old, err = stored(tx, rec); err != nil {
				return err
			}
		}
		var now *row
		if d := last[rec]; d != nil {
			r := d.row()
			now = &r
		}
		if err := writeOne(tx, rec, old, now); err != nil {
			return err
		}
	}
	return nil
}

func writeOne(tx *sqldb.Tx, rec id.ID, old, now *row) error {
	switch {
	case old == nil && now == nil, old != nil && now != nil && *old == *now:
		return nil
	case tx.Dialect() == sqldb.Postgres:
		return writePostgres(tx, rec, now)
	}
	if old != nil {
		if _, err := tx.Exec(`delete from search_fts where rowid = ?`, int64(rec)); err != nil {
			return err
		}
	}
	var err error
	switch {
	case now == nil:
		_, err = tx.Exec(`delete from search_doc where id = ?`, int64(rec))
		return err
	case old == nil:
		_, err = tx.Exec(`insert into search_doc (id, name, names, body) values (?, ?, ?, ?)`, int64(rec), now.name, now.names, now.body)
	case old.name == now.name: // whose index then need not be written
		_, err = tx.Exec(`update search_doc set names = ?, body = ? where id = ?`, now.names, now.body, int64(rec))
	default:
		_, err = tx.Exec(`update search_doc set name = ?, names = ?, body = ? where id = ?`, now.name, now.names, now.body, int64(rec))
	}
	if err == nil {
		_, err = tx.Exec(`insert into search_fts (rowid, names, body) values (?, ?, ?)`, int64(rec), now.names, now.body)
	}
	return err
}

func writePostgres(tx *sqldb.Tx, rec id.ID, now *row) error {
	if now == nil {
		_, err := tx.Exec(`delete from search_doc where id = ?`, int64(rec))
		return err
	}
	_, err := tx.Exec(`insert into search_doc (id, name, names, body, names_v, all_v)
		values (?1, ?2, ?3, ?4, array_to_tsvector(string_to_array(?3, ' ')), array_to_tsvector(string_to_array(?5, ' ')))
		on conflict (id) do update set name = excluded.name, names = excluded.names, body = excluded.body,
		names_v = excluded.names_v, all_v = excluded.all_v`, int64(rec), now.name, now.names, now.body, strings.TrimSpace(now.names+" "+now.body))
	return err
}

// tidyPages is how many pages of the index one call of Tidy may write.
const tidyPages = 500

// Tidy takes what was removed out of SQLite's file: no question finds it any
// more, but its letters stay in the index until the parts that hold them are
// merged. Each call does a bounded part of that and tells whether there is more.
func Tidy(tx *sqldb.Tx) (more bool, err error) {
	if tx.Dialect() == sqldb.Postgres { // vacuum does it
		return false, nil
	}
	parts := func() (n int, err error) {
		err = tx.QueryRow(`select count(distinct segid) from search_fts_idx`).Scan(&n)
		return n, err
	}
	if n, err := parts(); err != nil || n < 2 {
		return false, err
	}
	if _, err := tx.Exec(`insert into search_fts (search_fts, rank) values ('merge', ?)`, -tidyPages); err != nil {
		return false, err
	}
	n, err := parts()
	return n > 1, err
}

func stored(tx *sqldb.Tx, record id.ID) (*row, error) {
	var r row
	err := tx.QueryRow(`select name, names, body from search_doc where id = ?`, int64(record)).Scan(&r.name, &r.names, &r.body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &r, err
}

// question is a question in the database's own language: for terms that begin so, or are so.
func question(d sqldb.Dialect, terms []string, whole bool) string {
	begins := map[bool]string{false: ` *`}
	if d == sqldb.Postgres {
		begins = map[bool]string{false: `:*`}
	}
	out := make([]string, len(terms))
	for i, t := range terms { // terms are letters and joiners: nothing in them ends a quote
		if d == sqldb.Postgres {
			out[i] = `'` + t + `'` + begins[whole]
		} else {
			out[i] = `"` + t + `"` + begins[whole]
		}
	}
	if d == sqldb.Postgres {
		return strings.Join(out, ` & `)
	}
	return strings.Join(out, ` AND `)
}
