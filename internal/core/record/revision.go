package record

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"

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
	return e.Latest(tx, kind, rid, math.MaxInt32)
}

// Latest lists the last so many versions of a record, newest first.
func (e *Engine) Latest(tx *gate.Tx, kind string, rid id.ID, most int) ([]Revision, error) {
	r, err := e.load(tx, kind, rid, false)
	if err != nil {
		return nil, err
	}
	out := []Revision{{Version: r.Version, Time: r.Updated, By: r.UpdatedBy, Current: true, Values: r.snapshot()}}
	rows, err := tx.Query(`select version, time, author, data from revision where record_id = ? order by version desc limit ?`, int64(rid), most-1)
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
