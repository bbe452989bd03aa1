// Package batch reads what belongs to each record of a page in one statement for
// the whole page.
//
// Always true: the caller sees the records themselves, which the page's list made
// sure of; a file, a member or a grant is seen by whoever sees its record.
package batch

import (
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/attachment"
)

// Files gives the files of records, by record, oldest first.
func Files(tx *gate.Tx, recs []id.ID, role attachment.Role) (map[id.ID][]*attachment.File, error) {
	out := map[id.ID][]*attachment.File{}
	if len(recs) == 0 {
		return out, nil
	}
	rows, err := tx.Query(`select id, record_id, name, file_name, type, size, created_at, updated_at, created_by from attachment
		where role = ? and record_id in (`+access.Marks(len(recs))+`) order by id`, append([]any{string(role)}, access.Args(recs)...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		f := &attachment.File{Role: role}
		var fid, rec, by int64
		if err := rows.Scan(&fid, &rec, &f.Name, &f.FileName, &f.Type, &f.Size, &f.Created, &f.Updated, &by); err != nil {
			return nil, err
		}
		f.ID, f.Record, f.By = id.ID(fid), id.ID(rec), id.ID(by)
		out[f.Record] = append(out[f.Record], f)
	}
	return out, rows.Err()
}

// Pairs runs a query over (one, other) whose (?) stands for the ids of the page.
func Pairs(tx *gate.Tx, query string, ids []id.ID) (map[id.ID][]id.ID, error) {
	out := map[id.ID][]id.ID{}
	if len(ids) == 0 {
		return out, nil
	}
	rows, err := tx.Query(strings.Replace(query, "(?)", "("+access.Marks(len(ids))+")", 1), access.Args(ids)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one, other int64
		if err := rows.Scan(&one, &other); err != nil {
			return nil, err
		}
		out[id.ID(one)] = append(out[id.ID(one)], id.ID(other))
	}
	return out, rows.Err()
}
