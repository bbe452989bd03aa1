package sqldb

import (
	"slices"
	"strconv"
	"strings"
)

// Dialect names one of the two databases.
type Dialect string

// The two databases.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Rebind writes the placeholders of q the way the database wants them: "?"
// becomes $1, $2 and so on for PostgreSQL, and "?3" becomes $3. Quotes and
// comments are left alone.
func (d Dialect) Rebind(q string) string {
	if d != Postgres || !strings.Contains(q, "?") {
		return q
	}
	var b strings.Builder
	b.Grow(len(q) + 16)
	n := 0
	for i := 0; i < len(q); {
		k, end := lex(q, i)
		tok := q[i:end]
		i = end
		if k != holder {
			b.WriteString(tok)
			continue
		}
		if tok == "?" {
			n++
		} else if m, err := strconv.Atoi(tok[1:]); err == nil {
			b.WriteString("$" + tok[1:])
			n = max(n, m)
			continue
		}
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// columnType gives the database's own type for a type of the neutral
// vocabulary; other types are given back unchanged.
func (d Dialect) columnType(t string) string {
	lite, pg := t, t
	switch strings.ToLower(t) {
	case "id", "int":
		lite, pg = "integer", "bigint"
	case "real":
		lite, pg = "real", "double precision"
	case "text", "json":
		lite, pg = "text", `text collate "C"`
	case "bytes":
		lite, pg = "blob", "bytea"
	}
	if d == Postgres {
		return pg
	}
	return lite
}

// DDL translates the column types of ddl, which may hold several statements,
// from the neutral vocabulary (see the package comment) to the database's own.
func (d Dialect) DDL(ddl string) string {
	if d == Postgres {
		ddl = strings.TrimSuffix(ddl, withoutRowid)
	}
	t := ddlWriter{d: d}
	for i := 0; i < len(ddl); {
		k, end := lex(ddl, i)
		t.token(k, ddl[i:end])
		i = end
	}
	return t.out.String()
}

// withoutRowid ends the statement of a table that lies in the order of its primary key. PostgreSQL
// has no such tables.
const withoutRowid = " without rowid"

// ddlWriter walks over tokens and finds the place where a column's type stands:
// the second token of an item of "create table (...)", and the one after the
// name in "alter table ... add column name".
type ddlWriter struct {
	d     Dialect
	out   strings.Builder
	words []string // the words of this statement up to the opening parenthesis
	depth int
	item  int // tokens seen in this column definition
	skip  bool
}

func (t *ddlWriter) token(k kind, tok string) {
	switch {
	case k == space:
	case tok == ";" && t.depth == 0:
		*t = ddlWriter{d: t.d, out: t.out}
		t.out.WriteString(tok)
		return
	case tok == "(":
		t.depth++
		if t.depth == 1 {
			t.item, t.skip = 0, false
		} else {
			t.item++
		}
	case tok == ")":
		t.depth--
	case tok == "," && t.depth == 1:
		t.item, t.skip = 0, false
	case t.depth == 0:
		t.words = append(t.words, strings.ToLower(tok))
		if t.added() {
			tok = t.d.columnType(tok)
		}
	case t.depth == 1:
		tok = t.column(tok)
	}
	t.out.WriteString(tok)
}

// column handles a token directly inside the parentheses of create table.
func (t *ddlWriter) column(tok string) string {
	t.item++
	if len(t.words) < 2 || t.words[0] != "create" || !slices.Contains(t.words[:min(3, len(t.words))], "table") {
		return tok
	}
	if t.item == 1 {
		switch strings.ToLower(tok) {
		case "primary", "unique", "foreign", "check", "constraint", "exclude":
			t.skip = true
		}
	}
	if t.item == 2 && !t.skip {
		return t.d.columnType(tok)
	}
	return tok
}

// added tells whether the last word is the type in "alter table t add column
// [if not exists] name type".
func (t *ddlWriter) added() bool {
	w := t.words
	if len(w) < 7 || w[0] != "alter" { // alter table t add column name type
		return false
	}
	for i := 3; i+1 < len(w); i++ {
		if w[i] != "add" || w[i+1] != "column" {
			continue
		}
		at := i + 3
		if i+2 < len(w) && w[i+2] == "if" {
			at += 3
		}
		return len(w)-1 == at
	}
	return false
}
