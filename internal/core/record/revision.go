package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/sealed"
)

// Revision is a record as it was at one version.
type Revision struct {
	Version int64
	Time    int64 // when it became so, Unix milliseconds
	By      id.ID
	ByName  string
	Current bool
	Values  Values // with name, organization_id, archived and restricted among them; no secrets
}

// keepRevision saves what is about to be overwritten.
func keepRevision(tx *gate.Tx, old *Record) error {
	b, err := json.Marshal(old.snapshot())
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into revision (record_id, version, time, author, data) values (?, ?, ?, ?, ?)`,
		int64(old.ID), old.Version, old.Updated, int64(old.UpdatedBy), string(b))
	return err
}

func (r *Record) snapshot() Values {
	v := r.Values.Clone()
	for name, x := range r.Rest {
		v[name] = x
	}
	v["name"], v["archived"], v["restricted"] = r.Name, r.Archived, r.Restricted
	if r.Kind.Scope == OfOrganization {
		v["organization_id"] = r.Org
	}
	return v
}

// Revisions lists all versions of a record, newest first.
func (e *Engine) Revisions(tx *gate.Tx, kind string, rid id.ID) ([]Revision, error) {
	r, err := e.load(tx, kind, rid, false)
	if err != nil {
		return nil, err
	}
	out := []Revision{{Version: r.Version, Time: r.Updated, By: r.UpdatedBy, Current: true, Values: r.snapshot()}}
	rows, err := tx.Query(`select version, time, author, data from revision where record_id = ? order by version desc`, int64(rid))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v Revision
		var by int64
		var data string
		if err := rows.Scan(&v.Version, &v.Time, &by, &data); err != nil {
			return nil, err
		}
		v.By = id.ID(by)
		if v.Values, err = r.Kind.parseSnapshot(data); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, v := range out {
		own(tx, r.Kind, rid, v.Values)
		if err := sealed.Veil(tx, r.Kind.Name, v.Values); err != nil {
			return nil, err
		}
	}
	return out, e.authors(tx, out)
}

func (e *Engine) authors(tx *gate.Tx, list []Revision) error {
	var ids []id.ID
	for _, v := range list {
		if v.By != 0 && !slices.Contains(ids, v.By) {
			ids = append(ids, v.By)
		}
	}
	names, err := e.Names(tx, ids...)
	for i := range list {
		list[i].ByName = names[list[i].By]
	}
	return err
}

func (k *Kind) parseSnapshot(data string) (Values, error) {
	var raw map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(data)))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return nil, err
	}
	out := Values{}
	for name, in := range raw {
		f := k.Field(name)
		switch {
		case name == "organization_id":
			f = &Field{Name: name, Type: Ref, Ref: "organization"}
		case name == "archived", name == "restricted":
			f = &Field{Name: name, Type: Bool}
		case name == "name":
			out[name] = in
			continue
		}
		if f == nil { // declared no longer
			continue
		}
		v, err := f.Parse(in)
		if err != nil { // its rules have changed since; show what was there
			v = in
		}
		out[name] = v
	}
	return out, nil
}

// RestoreRevision makes a record what it was at an earlier version, as a new
// version. Secrets are not touched: they have versions of their own.
func (e *Engine) RestoreRevision(tx *gate.Tx, kind string, rid id.ID, version int64) (*Record, error) {
	list, err := e.Revisions(tx, kind, rid)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(v Revision) bool { return v.Version == version })
	if i < 0 {
		return nil, gate.Missing()
	}
	v := list[i].Values.Clone()
	delete(v, "restricted") // who may see it is decided today
	for name := range list[0].Values {
		if _, ok := v[name]; !ok && name != "restricted" {
			v[name] = nil
		}
	}
	return e.Update(tx, kind, rid, 0, v)
}

// Expiry is a date on which something of a record runs out.
type Expiry struct {
	Record    id.ID
	Kind      *Kind
	Name      string
	Org       id.ID
	OrgName   string
	Field     *Field
	Date      string // 2006-01-02
	UpdatedAt int64
	CreatedAt int64
}

// Expiring lists what runs out until the given day, the included, soonest first,
// what has run out already at the beginning; org 0 is all organizations.
func (e *Engine) Expiring(tx *gate.Tx, org id.ID, from, until string, limit int) ([]Expiry, error) {
	out, err := e.expiringFields(tx, org, from, until, limit)
	if err != nil {
		return nil, err
	}
	traits, err := e.expiringTraits(tx, org, from, until, limit)
	if err != nil {
		return nil, err
	}
	out = append(out, traits...)
	slices.SortStableFunc(out, func(a, b Expiry) int { return strings.Compare(a.Date, b.Date) })
	out = out[:min(len(out), limit)]
	return out, e.orgNames(tx, out)
}

// orgNames fills in the names of the organizations that the caller may see.
func (e *Engine) orgNames(tx *gate.Tx, list []Expiry) error {
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

// expiringFields is Expiring for fields of kinds, in one statement for all of them.
func (e *Engine) expiringFields(tx *gate.Tx, org id.ID, from, until string, limit int) ([]Expiry, error) {
	cond, who := tx.Visible("r")
	var dated []Expiry // the kind and field of each part
	parts, args := []string(nil), []any(nil)
	for _, k := range e.Kinds.kinds {
		for i := range k.Fields {
			f := &k.Fields[i]
			if !f.Expires {
				continue
			}
			q := fmt.Sprintf(`select %d as n, r.id, r.name, r.org_id, k."%[2]s" as due, r.updated_at, r.created_at from %[3]s k join record r on r.id = k.id
				where k."%[2]s" >= ? and k."%[2]s" <= ? and r.trashed_at is null and r.archived = 0 and `, len(dated), f.Name, k.Table()) + cond
			dated, args = append(dated, Expiry{Kind: k, Field: f}), append(append(args, from, until), who...)
			if k.Ended != "" {
				q += ` and coalesce(k."` + k.Ended + `", 0) = 0`
			}
			if k.Scope == OfParent { // what is archived takes its parts along
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
	var out []Expiry
	for rows.Next() {
		var n, rid, o int64
		var x Expiry
		if err := rows.Scan(&n, &rid, &x.Name, &o, &x.Date, &x.UpdatedAt, &x.CreatedAt); err != nil {
			return nil, err
		}
		x.Kind, x.Field, x.Record, x.Org = dated[n].Kind, dated[n].Field, id.ID(rid), id.ID(o)
		out = append(out, x)
	}
	return out, rows.Err()
}

// Grant is a user or group that a record is open to, with its name.
type Grant struct {
	ID   id.ID
	Name string
	Kind string // user or group
}

// Grants is Access with names, for pages.
func (e *Engine) Grants(tx *gate.Tx, r *Record) ([]Grant, error) {
	users, groups, err := access.Grants(tx.SQL(), r.Guard)
	if err != nil {
		return nil, err
	}
	names, err := e.Names(tx, append(slices.Clone(users), groups...)...)
	if err != nil {
		return nil, err
	}
	var out []Grant
	for _, g := range groups {
		out = append(out, Grant{g, names[g], "group"})
	}
	for _, u := range users {
		out = append(out, Grant{u, names[u], "user"})
	}
	return out, nil
}
