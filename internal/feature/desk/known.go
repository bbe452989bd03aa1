package desk

import (
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
)

// Known finds the open problems whose cause or way around is known and that may be behind a
// ticket: those related to a configuration that the ticket is related to, then those of its
// category.
func Known(tx *gate.Tx, r *record.Record, most int) ([]search.Hit, error) {
	if r.Kind.Engine().Kinds.Kind("problem") == nil || r.Kind.Name == "problem" || r.Kind.Field("category_id") == nil {
		return nil, nil
	}
	near, err := beside(tx, r.ID)
	if err != nil {
		return nil, err
	}
	shares, args := `0`, []any(nil)
	if len(near) > 0 {
		shares, args = `case when r.id in (`+access.Marks(len(near))+`) then 1 else 0 end`, access.Args(near)
	}
	sees, who := tx.Visible("r")
	rows, err := tx.Query(`select id, name, org_id from (select r.id, r.name, r.org_id, r.updated_at, coalesce(k.category_id, 0) as category, `+shares+` as shared from k_problem k join record r on r.id = k.id
		where k.final = 0 and r.archived = 0 and r.trashed_at is null and (k.workaround is not null or k.root_cause is not null) and `+sees+`) t
		where shared = 1 or category <> 0 and category = ? order by shared desc, updated_at desc, id limit ?`, append(append(args, who...), int64(r.Values.ID("category_id")), most)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []search.Hit
	var orgs []id.ID
	for rows.Next() {
		var n, org int64
		h := search.Hit{Kind: "problem"}
		if err := rows.Scan(&n, &h.Name, &org); err != nil {
			return nil, err
		}
		h.ID, h.Org = id.ID(n), id.ID(org)
		out, orgs = append(out, h), append(orgs, h.Org)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, err
	}
	names, err := r.Kind.Engine().Names(tx, orgs...)
	for i := range out {
		out[i].OrgName = names[out[i].Org]
	}
	return out, err
}

// beside are the records that are related to a configuration to which a ticket is related,
// as far as the caller sees that.
func beside(tx *gate.Tx, ticket id.ID) ([]id.ID, error) {
	sees, who := tx.Visible("r")
	devices, err := tx.IDs(`select r.id from record r where r.kind || '' = 'configuration' and r.trashed_at is null and r.id in
		(select high_id from relation where low_id = ? union select low_id from relation where high_id = ?) and `+sees, append([]any{int64(ticket), int64(ticket)}, who...)...)
	if err != nil || len(devices) == 0 {
		return nil, err
	}
	marks, args := access.Marks(len(devices)), access.Args(devices)
	return tx.IDs(`select high_id from relation where low_id in (`+marks+`) union select low_id from relation where high_id in (`+marks+`)`, append(args[:len(args):len(args)], args...)...)
}
