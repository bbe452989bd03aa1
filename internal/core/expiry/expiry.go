// Package expiry finds what runs out: the dates of records that their kinds, or
// the variants that a tenant designed, declare as such. Each list passes the gate,
// leaves out what is archived, in the trash or ended, and is one statement for all
// kinds and one for all traits.
package expiry

import (
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Item is a date on which something of a record runs out.
type Item struct {
	Record    id.ID
	Kind      *record.Kind
	Name      string
	Org       id.ID
	OrgName   string
	Field     *record.Field
	Date      string // 2006-01-02
	UpdatedAt int64
	CreatedAt int64
}

// List gives what runs out until the given day, the included, soonest first,
// what has run out already at the beginning; org 0 is all organizations.
func List(tx *gate.Tx, e *record.Engine, org id.ID, from, until string, limit int) ([]Item, error) {
	out, err := fields(tx, e, org, from, until, limit)
	if err != nil {
		return nil, err
	}
	shown, err := traits(tx, e, org, from, until, limit)
	if err != nil {
		return nil, err
	}
	out = append(out, shown...)
	slices.SortStableFunc(out, func(a, b Item) int { return strings.Compare(a.Date, b.Date) })
	out = out[:min(len(out), limit)]
	return out, orgNames(tx, e, out)
}

// orgNames fills in the names of the organizations that the caller may see.
func orgNames(tx *gate.Tx, e *record.Engine, list []Item) error {
	var orgs []id.ID
	for _, x := range list {
		if x.Org != 0 {
			orgs = append(orgs, x.Org)
		}
	}
	slices.Sort(orgs)
	names, err := e.Names(tx, slices.Compact(orgs)...)
	for i := range list {
		list[i].OrgName = names[list[i].Org]
	}
	return err
}

// fields is List for fields of kinds, in one statement for all of them.
func fields(tx *gate.Tx, e *record.Engine, org id.ID, from, until string, limit int) ([]Item, error) {
	cond, who := tx.Visible("r")
	var dated []Item // the kind and field of each part
	parts, args := []string(nil), []any(nil)
	for _, k := range e.Kinds.Kinds() {
		for i := range k.Fields {
			f := &k.Fields[i]
			if !f.Expires {
				continue
			}
			q := fmt.Sprintf(`select %d as n, r.id, r.name, r.org_id, k."%[2]s" as due, r.updated_at, r.created_at from %[3]s k join record r on r.id = k.id
				where k."%[2]s" >= ? and k."%[2]s" <= ? and r.trashed_at is null and r.archived = 0 and `, len(dated), f.Name, k.Table()) + cond
			dated, args = append(dated, Item{Kind: k, Field: f}), append(append(args, from, until), who...)
			if k.Ended != "" {
				q += ` and coalesce(k."` + k.Ended + `", 0) = 0`
			}
			if k.Scope == record.OfParent { // what is archived takes its parts along
				q += ` and not exists (select 1 from record p where p.id = r.parent_id and p.archived = 1)`
			}
			if org != 0 {
				q, args = q+` and r.org_id = ?`, append(args, int64(org))
			}
			parts, args = append(parts, `select * from (`+q+` order by 5, 2 limit ?) x`), append(args, limit)
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(strings.Join(parts, " union all ")+` order by 5, 1, 2 limit ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Item
	for rows.Next() {
		var n, rid, o int64
		var x Item
		if err := rows.Scan(&n, &rid, &x.Name, &o, &x.Date, &x.UpdatedAt, &x.CreatedAt); err != nil {
			return nil, err
		}
		x.Kind, x.Field, x.Record, x.Org = dated[n].Kind, dated[n].Field, id.ID(rid), id.ID(o)
		out = append(out, x)
	}
	return out, rows.Err()
}

// traits is List for dates that are traits.
func traits(tx *gate.Tx, e *record.Engine, org id.ID, from, until string, limit int) ([]Item, error) {
	cond, args := tx.Visible("r")
	q := `select r.id, r.kind, r.variant_id, r.name, r.org_id, t.field_id, t.key, r.updated_at, r.created_at from trait t join record r on r.id = t.record_id
		where t.expires = 1 and t.key >= ? and t.key <= ? and r.trashed_at is null and r.archived = 0 and ` + cond
	args = append([]any{from, until}, args...)
	if org != 0 {
		q, args = q+` and r.org_id = ?`, append(args, int64(org))
	}
	rows, err := tx.Query(q+` order by t.key, t.record_id limit ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type found struct {
		Item
		kind           string
		variant, field id.ID
	}
	var list []found
	for rows.Next() {
		var x found
		var rec, o, v, f int64
		if err := rows.Scan(&rec, &x.kind, &v, &x.Name, &o, &f, &x.Date, &x.UpdatedAt, &x.CreatedAt); err != nil {
			return nil, err
		}
		x.Record, x.Org, x.variant, x.field = id.ID(rec), id.ID(o), id.ID(v), id.ID(f)
		list = append(list, x)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []Item
	for _, x := range list {
		x.Kind, err = e.Shape(tx, x.kind, x.variant)
		if fault.Is(err, fault.NotFound) { // what declared the trait was deleted for good
			continue
		}
		if err != nil {
			return nil, err
		}
		if x.Field = x.Kind.Field(record.TraitName(x.field)); x.Field != nil {
			out = append(out, x.Item)
		}
	}
	return out, nil
}
