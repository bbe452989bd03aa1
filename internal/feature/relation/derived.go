package relation

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Most records that are listed for one reason.
const most = 100

// derived lists what follows from reference fields, in either direction, and
// from the sources. Lists that everything refers to (types, statuses,
// organizations) are no relation.
func (s *Relations) derived(tx *gate.Tx, rec id.ID) ([]*Item, error) {
	kind, err := kindOf(tx, rec)
	if err != nil {
		return nil, err
	}
	k := s.Records.Kinds.Kind(kind)
	if k == nil || k.Scope == record.OfTenant || k.Scope == record.Organization {
		return nil, nil
	}
	var parts []string
	var args []any
	cond, who := tx.Visible("r")
	org, whoseOrg := tx.Visible("o")
	add := func(reason, from string, to ...any) {
		parts = append(parts, `select * from (select `+ends+`, ? as reason from `+from+` and r.trashed_at is null and `+cond+` order by r.name_fold, r.id limit `+strconv.Itoa(most)+`) p`)
		args = append(append(append(append(args, reason), whoseOrg...), to...), who...)
	}
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Type == record.Ref && s.counts(f.Ref) {
			add(f.Title(), k.Table()+` k join record r on r.id = k."`+f.Name+`" left join record o on o.id = r.org_id and `+org+` where k.id = ?`, int64(rec))
		}
	}
	for _, other := range s.Records.Kinds.Kinds() {
		for i := range other.Fields {
			f := &other.Fields[i]
			if f.Type == record.Ref && f.Ref == kind && s.counts(other.Name) && !other.NamesParent(f.Name) {
				add(f.Title()+" of", other.Table()+` k join record r on r.id = k.id left join record o on o.id = r.org_id and `+org+` where k."`+f.Name+`" = ?`, int64(rec))
			}
		}
	}
	for _, src := range s.Sources {
		if kind == src.Kind {
			add(src.Back, k.Table()+` k join record r on r.id = k."`+src.Field+`" left join record o on o.id = r.org_id and `+org+` where k.id = ?`, int64(rec))
		}
		if of := s.Records.Kinds.Kind(src.Kind); of != nil {
			add(src.Reason, of.Table()+` k join record r on r.id = k.id left join record o on o.id = r.org_id and `+org+` where k."`+src.Field+`" = ?`, int64(rec))
		}
	}
	var out []*Item
	if len(parts) > 0 {
		if out, err = read(tx, strings.Join(parts, ` union all `), args...); err != nil {
			return nil, err
		}
	}
	tags, err := s.tags(tx, k, rec)
	if err != nil {
		return nil, err
	}
	out = append(out, tags...)
	return out, nil
}

// tags lists what follows from references that tenants designed, see
// record.Variants, in either direction.
func (s *Relations) tags(tx *gate.Tx, k *record.Kind, rec id.ID) ([]*Item, error) {
	if !slices.ContainsFunc(s.Records.Kinds.Kinds(), func(k *record.Kind) bool { return k.Variants != nil }) {
		return nil, nil
	}
	cond, who := tx.Visible("r")
	org, whoseOrg := tx.Visible("o")
	find := func(reason, self, other string) ([]*Item, error) {
		args := append(append(append([]any(nil), whoseOrg...), int64(rec)), who...)
		return read(tx, `select `+ends+`, `+reason+` from trait t join record f on f.id = t.field_id join record r on r.id = t.`+other+`
			left join record o on o.id = r.org_id and `+org+` where t.`+self+` = ? and t.ref <> 0 and r.trashed_at is null and f.trashed_at is null and `+cond+`
			order by r.name_fold, r.id limit `+strconv.Itoa(most), args...)
	}
	out, err := find(`f.name || ' of'`, "ref", "record_id")
	if err != nil || k.Variants == nil {
		return out, err
	}
	more, err := find(`f.name`, "record_id", "ref")
	return append(out, more...), err
}

// counts tells whether being referred to by, or referring to, a record of that
// kind makes the two related.
func (s *Relations) counts(kind string) bool {
	k := s.Records.Kinds.Kind(kind)
	return k != nil && (k.Scope == record.OfOrganization || k.Scope == record.OfParent)
}

func read(tx *gate.Tx, q string, args ...any) ([]*Item, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Item
	for rows.Next() {
		var it Item
		var self, org int64
		if err := rows.Scan(&self, &it.Kind, &it.Name, &org, &it.OrgName, &it.Archived, &it.Reason); err != nil {
			return nil, err
		}
		it.Record, it.Org = id.ID(self), id.ID(org)
		out = append(out, &it)
	}
	return out, rows.Err()
}
