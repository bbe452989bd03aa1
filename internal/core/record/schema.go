package record

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/search"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tally"
)

// spineSchema is the tables that all kinds share.
var spineSchema = []string{
	`create table if not exists record (
		id id primary key, kind text not null, org_id int not null default 0, parent_id int not null default 0, guard_id int not null,
		name text not null, name_fold text not null, archived int not null default 0, restricted int not null default 0, trashed_at int,
		created_at int not null, updated_at int not null, created_by int not null default 0, updated_by int not null default 0, version int not null,
		variant_id int not null default 0)`,
	`alter table record add column if not exists variant_id int not null default 0`,
	// These two hold all that decides whether a row may be seen, so that a row that
	// is passed over is not read. SQLite asks trashed_at of them even so.
	`create index if not exists record_listed on record (kind, name_fold, id, org_id, restricted, guard_id, archived, trashed_at) where trashed_at is null`,
	`create index if not exists record_org_listed on record (kind, org_id, name_fold, id, restricted, guard_id, archived, trashed_at) where trashed_at is null`,
	`drop index if exists record_name`,
	`drop index if exists record_org_name`,
	`create index if not exists record_updated on record (kind, updated_at, id) where trashed_at is null`,
	`create index if not exists record_created on record (kind, created_at, id) where trashed_at is null`,
	`create index if not exists record_parent on record (parent_id, kind, id) where parent_id <> 0`,
	`create index if not exists record_org on record (org_id, id) where trashed_at is null`,
	`create index if not exists record_guard on record (guard_id) where guard_id <> id`,
	`create index if not exists record_variant_listed on record (variant_id, name_fold, id, org_id, restricted, guard_id, archived, trashed_at) where variant_id <> 0`,
	`create index if not exists record_variant_org_listed on record (variant_id, org_id, name_fold, id, restricted, guard_id, archived, trashed_at) where variant_id <> 0`,
	`create index if not exists record_variant_updated on record (variant_id, updated_at, id) where variant_id <> 0`,
	`create index if not exists record_variant_apart on record (variant_id, id, org_id, restricted, guard_id, archived, trashed_at) where ` + apart(""),
	`create index if not exists record_trash on record (trashed_at) where trashed_at is not null`,
	`create table if not exists revision (record_id int not null references record (id) on delete cascade, version int not null,
		time int not null, author int not null, data json not null, primary key (record_id, version))`,
}

// Migrate brings the tables to what the kinds declare. What is new is added; a
// column that is declared no longer stays where it is, unused.
func (g *Registry) Migrate(tx *sqldb.Tx) error {
	d := tx.Dialect()
	for _, group := range [][]string{spineSchema, tally.Schema, traitSchema, sealed.Schema, access.Schema, secret.Schema(d), search.Schema(d)} {
		if err := tx.Migrate(group); err != nil {
			return err
		}
	}
	for _, k := range g.kinds {
		if err := g.migrateKind(tx, k); err != nil {
			return fmt.Errorf("kind %s: %w", k.Name, err)
		}
		if state := k.state(); state != "" {
			if err := tally.FillStates(tx, k.Name, k.Table(), k.Field(state).compare(), k.Ended); err != nil {
				return err
			}
		}
	}
	for _, f := range g.features {
		if err := tx.Migrate(f.Schema); err != nil {
			return fmt.Errorf("feature %s: %w", f.Name, err)
		}
	}
	return nil
}

// migrateKind makes the table of a kind in one statement, or adds the columns that
// it lacks: each column that is added makes SQLite read its whole schema anew.
func (g *Registry) migrateKind(tx *sqldb.Tx, k *Kind) error {
	have, err := tx.Columns(k.Table())
	if err != nil {
		return err
	}
	columns := [][2]string{{"id", "id primary key references record (id) on delete cascade"}}
	if k.Variants != nil {
		columns = append(columns, [2]string{"traits", "json"})
	}
	for _, f := range k.columns() {
		columns = append(columns, f.sqlColumns()...)
	}
	var lines, ddl []string
	for _, c := range columns {
		line := `"` + c[0] + `" ` + c[1]
		if lines = append(lines, line); !have[c[0]] {
			ddl = append(ddl, `alter table `+k.Table()+` add column `+line)
		}
	}
	if len(have) == 0 {
		ddl = []string{`create table ` + k.Table() + ` (` + strings.Join(lines, ", ") + `)`}
	}
	return errors.Join(tx.Migrate(append(ddl, k.indexes()...)), tally.FillDays(tx, k.Name, k.Table(), k.Days))
}

// sqlColumns gives the columns of a field and their types. Refs bear no
// foreign key: a record in the trash may be purged while others still name it,
// which readers show as a name that is gone.
func (f *Field) sqlColumns() [][2]string {
	out := [][2]string{{f.Name, map[Type]string{Integer: "int", Number: "real", Bool: "int", Time: "int", Ref: "int", Rows: "json", Refs: "json"}[f.Type]}}
	if out[0][1] == "" {
		out[0][1] = "text"
	}
	if f.folded() {
		out = append(out, [2]string{f.Name + "_fold", "text"})
	}
	return out
}

// folded tells whether the field has a second column for comparing.
func (f *Field) folded() bool {
	return (f.Type == Text || f.Type == Choice) && (f.Filter || f.Sort || f.Unique)
}

// compare is the column that filters and orders use.
func (f *Field) compare() string {
	if f.folded() {
		return f.Name + "_fold"
	}
	return f.Name
}

func (k *Kind) indexes() []string {
	var out []string
	if n := k.Field("name"); n != nil && n.Unique {
		out = append(out, `create unique index if not exists unique_`+k.Name+`__name on record (name_fold) where kind = '`+k.Name+`' and trashed_at is null`)
	}
	for _, f := range k.columns() {
		if f.Filter || f.Sort || f.Type == Ref || f.Expires {
			q := `create index if not exists ` + k.Table() + `__` + f.Name + ` on ` + k.Table() + ` ("` + f.compare() + `", id)`
			if !f.Sort { // only an order goes through what is not set; most records leave most fields empty
				q += ` where "` + f.compare() + `" is not null`
			}
			out = append(out, q)
		}
		if f.Unique {
			out = append(out, `create unique index if not exists unique_`+k.Name+`__`+f.Name+` on `+k.Table()+` ("`+f.compare()+`") where "`+f.compare()+`" is not null`)
		}
	}
	return out
}

// Fingerprint names the state of the tables that the declarations lead to.
func (g *Registry) Fingerprint() string {
	h := sha256.New()
	put := func(list []string) { fmt.Fprintln(h, strings.Join(list, ";\n")) }
	put(spineSchema)
	put(traitSchema)
	put(sealed.Schema)
	put(access.Schema)
	put(tally.Schema)
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres} {
		put(secret.Schema(d))
		put(search.Schema(d))
	}
	for _, k := range g.kinds {
		fmt.Fprintln(h, k.Table(), k.Variants != nil, k.Days)
		for _, f := range k.columns() {
			fmt.Fprintln(h, f.sqlColumns())
		}
		put(k.indexes())
	}
	for _, f := range g.features {
		put(f.Schema)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
