// Package relation holds what belongs together: pairs of records that somebody
// related, and those that follow from what records say of each other.
//
// Always true: a pair is kept once, whichever side it is seen from; relating
// the same two again changes nothing but the note; nobody learns of a relation
// to a record that is hidden from them.
package relation

import (
	"database/sql"
	"errors"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Item is the other end of a relation of a record.
type Item struct {
	ID       id.ID // of the relation; 0 when it follows from what a record says
	Record   id.ID // the other record
	Kind     string
	Name     string
	Org      id.ID
	OrgName  string
	Archived bool
	Notes    string
	Depends  record.Dependence // of the record on this one, or the other way round; of one that somebody made
	Reason   string            // why it is here, for one that nobody made: "Contact", "Embedded password"
	Created  int64             // Unix milliseconds, of a relation that somebody made
	By       id.ID             // who made it
	Updated  int64
}

// Source is a field that refers to records of more than one kind, which no
// reference field can say: an Integer with the id of the other record. Reason is
// what the record that has the field is to the other, Back what the other is to it.
type Source struct {
	Kind, Field  string
	Reason, Back string
}

// Relations lists and changes relations. Records is needed for what follows
// from references.
type Relations struct {
	Records *record.Engine
	Sources []Source
}

// Feature is the table of related pairs.
func Feature() record.Feature {
	return record.Feature{Name: "relation", Schema: schema, Purge: purge}
}

var schema = []string{
	`create table if not exists relation (id id primary key, low_id int not null, high_id int not null, notes text not null default '',
		created_at int not null, updated_at int not null, created_by int not null)`,
	`create unique index if not exists unique_relation_pair on relation (low_id, high_id)`,
	`create index if not exists relation_high on relation (high_id)`,
	// A pair of which one fails with the other: needed_id is the other.
	`create table if not exists relation_need (relation_id id primary key references relation (id) on delete cascade, needed_id int not null)`,
	ended, endedLow, endedHigh,
}

func purge(tx *gate.Tx, r *record.Record) error {
	for _, t := range []string{"relation", "relation_ended"} {
		if _, err := tx.Exec(`delete from `+t+` where low_id = ? or high_id = ?`, int64(r.ID), int64(r.ID)); err != nil {
			return err
		}
	}
	return nil
}

// MaxNotes is how long the note of a relation may be, in bytes.
const MaxNotes = 4 << 10

// Add relates two records and gives the other end as seen from the first. The
// caller must be allowed to change the first and to see the second. When the
// two are related already, that relation is given, with the note replaced
// unless notes is empty.
func (s *Relations) Add(tx *gate.Tx, from, to id.ID, notes string) (*Item, error) {
	entry, err := tx.Allow(access.Edit, gate.Thing{ID: from})
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, fault.Field("destination_id", "A record cannot be related to itself.")
	}
	if len(notes) > MaxNotes {
		return nil, fault.Field("notes", "The note is longer than %d bytes.", MaxNotes)
	}
	if _, err := tx.Allow(access.View, gate.Thing{ID: to}); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, fault.Field("destination_id", "The record to relate does not exist, or you may not see it.")
		}
		return nil, err
	}
	rid, err := tx.NewID()
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert into relation (id, low_id, high_id, notes, created_at, updated_at, created_by) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (low_id, high_id) do update set notes = excluded.notes, updated_at = excluded.updated_at where excluded.notes <> '' and excluded.notes <> relation.notes`,
		int64(rid), int64(min(from, to)), int64(max(from, to)), notes, tx.Now, tx.Now, int64(tx.Caller.User))
	if err != nil {
		return nil, err
	}
	entry.Detail.Text = "related to " + to.String()
	var made int64
	err = tx.QueryRow(`select id from relation where low_id = ? and high_id = ?`, int64(min(from, to)), int64(max(from, to))).Scan(&made)
	if err != nil {
		return nil, err
	}
	return s.Get(tx, from, id.ID(made))
}

// Get gives one relation as seen from a record. NotFound when it is none of its
// relations or leads to something hidden.
func (s *Relations) Get(tx *gate.Tx, from, relation id.ID) (*Item, error) {
	list, err := s.related(tx, from, `and t.id = ?`, int64(relation))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, gate.Missing()
	}
	return list[0], nil
}

// SetNotes changes the note of a relation.
func (s *Relations) SetNotes(tx *gate.Tx, from, relation id.ID, notes string) (*Item, error) {
	if _, err := tx.Allow(access.Edit, gate.Thing{ID: from}); err != nil {
		return nil, err
	}
	if len(notes) > MaxNotes {
		return nil, fault.Field("notes", "The note is longer than %d bytes.", MaxNotes)
	}
	if _, err := s.Get(tx, from, relation); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`update relation set notes = ?, updated_at = ? where id = ?`, notes, tx.Now, int64(relation)); err != nil {
		return nil, err
	}
	return s.Get(tx, from, relation)
}

// SetDepends says which of the two fails with the other, as seen from the record.
// Independent takes back what was said.
func (s *Relations) SetDepends(tx *gate.Tx, from, relation id.ID, d record.Dependence) (*Item, error) {
	if _, err := tx.Allow(access.Edit, gate.Thing{ID: from}); err != nil {
		return nil, err
	}
	if d != record.Independent && d.Turned() == record.Independent {
		return nil, fault.Field("dependence", "Say \"depends on\" or \"used by\", or nothing.")
	}
	it, err := s.Get(tx, from, relation)
	if err != nil || it.Depends == d {
		return it, err
	}
	needed := it.Record
	if d == record.UsedBy {
		needed = from
	}
	if d == record.Independent {
		_, err = tx.Exec(`delete from relation_need where relation_id = ?`, int64(relation))
	} else {
		_, err = tx.Exec(`insert into relation_need (relation_id, needed_id) values (?, ?) on conflict (relation_id) do update set needed_id = excluded.needed_id`, int64(relation), int64(needed))
	}
	if err == nil {
		_, err = tx.Exec(`update relation set updated_at = ? where id = ?`, tx.Now, int64(relation))
	}
	if err != nil {
		return nil, err
	}
	return s.Get(tx, from, relation)
}

// Remove ends a relation of a record.
func (s *Relations) Remove(tx *gate.Tx, from, relation id.ID) error {
	entry, err := tx.Allow(access.Edit, gate.Thing{ID: from})
	if err != nil {
		return err
	}
	it, err := s.Get(tx, from, relation)
	if err != nil {
		return err
	}
	entry.Detail.Text = "no longer related to " + it.Record.String()
	return end(tx, from, it)
}

// List gives everything related to a record that the caller may see: what
// somebody related first, by name, then what follows from references. A record
// related by hand is not listed a second time for another reason.
func (s *Relations) List(tx *gate.Tx, rec id.ID) ([]*Item, error) {
	made, err := s.related(tx, rec, ``)
	if err != nil {
		return nil, err
	}
	derived, err := s.derived(tx, rec)
	if err != nil {
		return nil, err
	}
	seen := map[id.ID]bool{rec: true}
	for _, it := range made {
		seen[it.Record] = true
	}
	for _, it := range derived {
		if !seen[it.Record] {
			seen[it.Record] = true
			made = append(made, it)
		}
	}
	return made, nil
}

// ends are the columns of an Item's record, from spine row r and organization o.
const ends = `r.id, r.kind, r.name, r.org_id, coalesce(o.name, ''), r.archived`

// related reads pairs that somebody made. more is a further condition on t.
func (s *Relations) related(tx *gate.Tx, rec id.ID, more string, args ...any) ([]*Item, error) {
	if _, err := tx.Allow(access.View, gate.Thing{ID: rec}); err != nil {
		return nil, err
	}
	cond, who := tx.Visible("r")
	org, whoseOrg := tx.Visible("o")
	half := func(here, there string) string {
		return `select ` + ends + `, t.id, t.notes, t.created_at, t.updated_at, coalesce(n.needed_id, 0), r.name_fold, t.created_by from relation t join record r on r.id = t.` + there + `
			left join relation_need n on n.relation_id = t.id
			left join record o on o.id = r.org_id and ` + org + ` where t.` + here + ` = ? ` + more + ` and r.trashed_at is null and ` + cond
	}
	one := append(append(append(slices.Clone(whoseOrg), int64(rec)), args...), who...)
	rows, err := tx.Query(half("low_id", "high_id")+` union all `+half("high_id", "low_id")+` order by 12, 1`, append(one, one...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Item
	for rows.Next() {
		var it Item
		var self, org, relation, needed, by int64
		var fold string
		if err := rows.Scan(&self, &it.Kind, &it.Name, &org, &it.OrgName, &it.Archived, &relation, &it.Notes, &it.Created, &it.Updated, &needed, &fold, &by); err != nil {
			return nil, err
		}
		it.Record, it.Org, it.ID, it.By = id.ID(self), id.ID(org), id.ID(relation), id.ID(by)
		it.Depends = dependence(id.ID(needed), rec, it.Record)
		out = append(out, &it)
	}
	return out, rows.Err()
}

// Made lists the relations of a record that somebody made, as far as the caller sees what they lead to.
func (s *Relations) Made(tx *gate.Tx, rec id.ID) ([]*Item, error) { return s.related(tx, rec, "") }

// Pair is a relation that somebody made, as seen from From.
type Pair struct {
	From Item // its record alone
	Item
}

// All gives a page of all relations that somebody made between records that the
// caller may see, the oldest first, and how many there are.
func (s *Relations) All(tx *gate.Tx, offset, limit int) (page []Pair, total int64, err error) {
	low, whoseLow := tx.Visible("l")
	high, whoseHigh := tx.Visible("r")
	org, whoseOrg := tx.Visible("o")
	where := ` where l.trashed_at is null and r.trashed_at is null and ` + low + ` and ` + high
	who := append(slices.Clone(whoseLow), whoseHigh...)
	from := ` from relation t join record l on l.id = t.low_id join record r on r.id = t.high_id`
	if err := tx.QueryRow(`select count(*)`+from+where, who...).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(`select `+ends+`, t.id, t.notes, t.created_at, t.updated_at, coalesce(n.needed_id, 0), l.id, l.kind, l.name, l.org_id`+from+`
		left join relation_need n on n.relation_id = t.id left join record o on o.id = r.org_id and `+org+where+` order by t.id limit ? offset ?`,
		append(append(slices.Clone(whoseOrg), who...), limit, offset)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Pair
		var rec, recOrg, relation, needed, self, selfOrg int64
		if err := rows.Scan(&rec, &p.Kind, &p.Name, &recOrg, &p.OrgName, &p.Archived, &relation, &p.Notes, &p.Created, &p.Updated, &needed, &self, &p.From.Kind, &p.From.Name, &selfOrg); err != nil {
			return nil, 0, err
		}
		p.Record, p.Org, p.ID = id.ID(rec), id.ID(recOrg), id.ID(relation)
		p.From.Record, p.From.Org = id.ID(self), id.ID(selfOrg)
		p.Depends = dependence(id.ID(needed), p.From.Record, p.Record)
		page = append(page, p)
	}
	return page, total, rows.Err()
}

// dependence tells which of two related records needs the other, as seen from the
// first.
func dependence(needed, from, to id.ID) record.Dependence {
	switch needed {
	case to:
		return record.DependsOn
	case from:
		return record.UsedBy
	}
	return ""
}

// kindOf gives the kind of a record that is there.
func kindOf(tx *gate.Tx, rec id.ID) (string, error) {
	var kind string
	err := tx.QueryRow(`select kind from record where id = ?`, int64(rec)).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return "", gate.Missing()
	}
	return kind, err
}
