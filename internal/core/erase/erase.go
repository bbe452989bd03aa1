// Package erase takes a person out of the texts of a tenant's database.
//
// Always true: every table of the tenant is looked through, whichever package made it,
// but for those that hold nothing a person could be read from: the audit log, whose
// details have their own way (Log), sealed secrets, and the index of the search, which is
// made anew of what stays; a text that is left as it is, is one that somebody looked at
// and kept; what is done twice is the same as done once.
//
// What it does not reach is said in doc/features/erasing.md: sealed values and secrets,
// the content of files, and copies made before.
package erase

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Place is a text in which words were found.
type Place struct {
	Table   string
	Column  string
	Record  id.ID  // of which it is, 0 when it is of none
	Excerpt string // what stands around the first word
	Digest  string // tells the text from others of the same column
	Words   int    // how many stand in it
}

// Key names a place however the words were found.
func (p Place) Key() string { return p.Table + "." + p.Column + " " + p.Digest }

// untouched are the beginnings of the names of tables that are not looked through.
var untouched = []string{"audit_", "secret", "search_", "shred_key", "erasure", "schema_version", "follower"}

// Tables gives the tables to look through, in order.
func Tables(tx *gate.Tx) ([]string, error) {
	all, _, err := tx.SQL().Texts()
	return slices.DeleteFunc(all, func(t string) bool {
		return slices.ContainsFunc(untouched, func(p string) bool { return strings.HasPrefix(t, p) })
	}), err
}

// row is one row of a table with its texts.
type row struct {
	key    any
	record id.ID
	texts  []string
}

// Find gives the places of a table in which words stand.
func (m *Matcher) Find(tx *gate.Tx, table string) ([]Place, error) {
	columns, list, err := m.rows(tx, table)
	var out []Place
	for _, r := range list {
		for i, text := range r.texts {
			if _, n := m.replaceText(text); n > 0 {
				out = append(out, Place{table, columns[i], r.record, m.Excerpt(text), digest(text), n})
			}
		}
	}
	return out, err
}

// Replace replaces words in all texts of a table but those that keep names by their Key.
// It gives the records that the rows are of, and how many words it replaced.
func (m *Matcher) Replace(tx *gate.Tx, table string, keep map[string]bool) (records []id.ID, n int, err error) {
	columns, list, err := m.rows(tx, table)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range list {
		var set []string
		var args []any
		for i, text := range r.texts {
			now, k := m.replaceText(text)
			if k == 0 || keep[Place{Table: table, Column: columns[i], Digest: digest(text)}.Key()] {
				continue
			}
			set, args, n = append(set, `"`+columns[i]+`" = ?`), append(args, now), n+k
		}
		if len(set) == 0 {
			continue
		}
		where := `rowid = ?`
		if tx.Dialect() == sqldb.Postgres {
			where = `ctid = ?::tid`
		}
		if _, err := tx.Exec(`update "`+table+`" set `+strings.Join(set, ", ")+` where `+where, append(args, r.key)...); err != nil {
			return nil, 0, err
		}
		if r.record != 0 && !slices.Contains(records, r.record) {
			records = append(records, r.record)
		}
	}
	return records, n, nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// rows gives the rows of a table that may hold words, with the columns of their texts.
func (m *Matcher) rows(tx *gate.Tx, table string) ([]string, []row, error) {
	_, all, err := tx.SQL().Texts()
	if err != nil || len(all[table]) == 0 || len(m.parts) == 0 {
		return nil, nil, err
	}
	columns := all[table]
	have, err := tx.SQL().Columns(table)
	if err != nil {
		return nil, nil, err
	}
	key, like, record := `rowid`, `like`, `0`
	if tx.Dialect() == sqldb.Postgres {
		key, like = `ctid::text`, `ilike`
	}
	switch {
	case have["record_id"]:
		record = `coalesce(record_id, 0)`
	case table == "record" || strings.HasPrefix(table, "k_"):
		record = `id`
	}
	var cond []string
	var args []any
	for _, c := range columns {
		for _, p := range m.parts {
			cond, args = append(cond, `"`+c+`" `+like+` ? escape '!'`), append(args, pattern(p))
		}
	}
	rows, err := tx.Query(`select `+key+`, `+record+`, coalesce("`+strings.Join(columns, `", ''), coalesce("`)+`", '') from "`+table+`" where `+strings.Join(cond, ` or `), args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		v := rows.Values()
		r := row{key: v[0]}
		if n, ok := v[1].(int64); ok {
			r.record = id.ID(n)
		}
		for _, x := range v[2:] {
			s, _ := x.(string)
			r.texts = append(r.texts, s)
		}
		out = append(out, r)
	}
	return columns, out, rows.Err()
}

// pattern is what the database is asked for: a letter that it may write in upper and lower
// case unlike Unicode does is any one.
func pattern(part string) string {
	var b strings.Builder
	b.WriteByte('%')
	for _, r := range part {
		switch {
		case r >= 0x80:
			b.WriteByte('_')
		case r == '%' || r == '_' || r == '!':
			b.WriteByte('!')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('%')
	return b.String()
}

// auditStep is how many entries one call of Log looks through.
const auditStep = 2000

// Log takes away the details of the next entries of the audit log, from seq on, that are
// about one of the objects or hold words. The entries stay, and the log verifies. It gives
// from where to go on, how many details it took, and whether there is more.
func (m *Matcher) Log(tx *gate.Tx, seq int64, objects ...id.ID) (next, n int64, more bool, err error) {
	list, err := tx.Tenant.Audit.From(tx.SQL(), seq, auditStep)
	if err != nil || len(list) == 0 {
		return seq, 0, false, err
	}
	next, run := list[len(list)-1].Seq+1, int64(0) // run is how many in a row are to lose theirs
	for i, e := range list {
		goes := !e.Erased && (slices.Contains(objects, e.Object) || m.in(e.Detail))
		if goes {
			run++
		}
		if run == 0 || goes && i < len(list)-1 {
			continue
		}
		first := e.Seq - run
		if goes {
			first++
		}
		said, err := tx.Tenant.Audit.Take(tx.SQL(), first, run)
		if err != nil {
			return seq, 0, false, err
		}
		tx.Also(said)
		n, run = n+run, 0
	}
	return next, n, true, nil
}

func (m *Matcher) in(d audit.Detail) bool {
	for _, s := range append([]string{d.Reason, d.Actor, d.Name, d.Text}, d.Fields...) {
		if _, n := m.replaceText(s); n > 0 {
			return true
		}
	}
	return false
}
