package sqldb_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/sqldb"
)

func TestRebind(t *testing.T) {
	for in, want := range map[string]string{
		"select 1":                              "select 1",
		"select ?, ?":                           "select $1, $2",
		"?":                                     "$1",
		"select ?1, ?2, ?1":                     "select $1, $2, $1",
		"select ?2, ?":                          "select $2, $3",
		"select '?', ?":                         "select '?', $1",
		"select 'it''s ?', ?":                   "select 'it''s ?', $1",
		`select "a?""?" from t where x = ?`:     `select "a?""?" from t where x = $1`,
		"select ? -- what?\n, ?":                "select $1 -- what?\n, $2",
		"select ? /* ? */, ?":                   "select $1 /* ? */, $2",
		"select $$ ? $$, $a$ ? $$ $a$, ?":       "select $$ ? $$, $a$ ? $$ $a$, $1",
		"select a$1$b, ?":                       "select a$1$b, $1",
		"select '?":                             "select '?",
		"select /* ?":                           "select /* ?",
		"select -- ?":                           "select -- ?",
		"select 'ü?', ?":                        "select 'ü?', $1",
		"insert into t values (?,?,?),(?, ?,?)": "insert into t values ($1,$2,$3),($4, $5,$6)",
		strings.Repeat("?", 11):                 "$1$2$3$4$5$6$7$8$9$10$11",
	} {
		if got := sqldb.Postgres.Rebind(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := sqldb.SQLite.Rebind(in); got != in {
			t.Errorf("%q became %q for SQLite", in, got)
		}
	}
}

func FuzzRebind(f *testing.F) {
	f.Add("select ?, '?' -- ?\n from t where $$?$$ = \"?\"")
	f.Fuzz(func(t *testing.T, q string) {
		got := sqldb.Postgres.Rebind(q)
		if !strings.Contains(q, "?") && got != q {
			t.Errorf("%q became %q", q, got)
		}
		if len(got) < len(q) {
			t.Errorf("%q lost something: %q", q, got)
		}
		sqldb.Postgres.DDL(q)
	})
}

func TestDDL(t *testing.T) {
	for _, c := range []struct{ in, lite, pg string }{
		{
			"create table t (id id primary key, int int not null default 0, text text, j json, b bytes, r real, other varchar(10))",
			"create table t (id integer primary key, int integer not null default 0, text text, j text, b blob, r real, other varchar(10))",
			`create table t (id bigint primary key, int bigint not null default 0, text text collate "C", j text collate "C", b bytea, r double precision, other varchar(10))`,
		},
		{
			"create table if not exists t (a int check (a in (1, int, text)), primary key (a, b), constraint text foreign key (id) references t (id), unique (id, int));",
			"create table if not exists t (a integer check (a in (1, int, text)), primary key (a, b), constraint text foreign key (id) references t (id), unique (id, int));",
			"create table if not exists t (a bigint check (a in (1, int, text)), primary key (a, b), constraint text foreign key (id) references t (id), unique (id, int));",
		},
		{
			"-- a int table\ncreate table a (/* int */ x int -- int\n, y bytes); create table b (z id)",
			"-- a int table\ncreate table a (/* int */ x integer -- int\n, y blob); create table b (z integer)",
			"-- a int table\ncreate table a (/* int */ x bigint -- int\n, y bytea); create table b (z bigint)",
		},
		{
			"alter table t add column n int not null default 1; alter table t add column if not exists m json",
			"alter table t add column n integer not null default 1; alter table t add column if not exists m text",
			`alter table t add column n bigint not null default 1; alter table t add column if not exists m text collate "C"`,
		},
		{
			"create index i on t (id, int); create unique index j on t (text)",
			"create index i on t (id, int); create unique index j on t (text)",
			"create index i on t (id, int); create unique index j on t (text)",
		},
		{
			`CREATE TABLE T ("int" INT, "a b" Text)`,
			`CREATE TABLE T ("int" integer, "a b" text)`,
			`CREATE TABLE T ("int" bigint, "a b" text collate "C")`,
		},
		{"create table a (x int", "create table a (x integer", "create table a (x bigint"},
		{")", ")", ")"},
	} {
		if got := sqldb.SQLite.DDL(c.in); got != c.lite {
			t.Errorf("SQLite\ngot  %s\nwant %s", got, c.lite)
		}
		if got := sqldb.Postgres.DDL(c.in); got != c.pg {
			t.Errorf("PostgreSQL\ngot  %s\nwant %s", got, c.pg)
		}
	}
}
