package attachment

import (
	"strongroom/internal/core/gate"
)

// mostMarks is under how many marks somebody holds files; the oldest are let go.
const mostMarks = 5

// Hold keeps contents for the caller under a mark of hers, such as that of a form that was
// refused, until they are attached or for most of a day. What she held under it before is
// held no more.
func Hold(tx *gate.Tx, mark string, list []*Content) error {
	user := int64(tx.Caller.User)
	if _, err := tx.Exec(`delete from attachment_held where user_id = ? and mark = ? or at < ?`, user, mark, tx.Now-keepLoose.Milliseconds()); err != nil {
		return err
	}
	for i, c := range list {
		if _, err := tx.Exec(`insert into attachment_held (user_id, mark, n, blob, name, type, size, sum, at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			user, mark, i, c.ref.ID, c.Name, c.Type, c.ref.Size, c.ref.SHA256, tx.Now); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from attachment_held where user_id = ? and mark not in (select x.mark from (select mark, max(at) as latest from attachment_held where user_id = ? group by mark order by 2 desc, 1 limit ?) x)`, user, user, mostMarks)
	return err
}

// Held gives what the caller holds under a mark and nobody has attached since, in order.
func Held(tx *gate.Tx, mark string) ([]*Content, error) {
	rows, err := tx.Query(`select h.blob, h.name, h.type, h.size, h.sum from attachment_held h join attachment_loose l on l.blob = h.blob where h.user_id = ? and h.mark = ? and l.since > ? order by h.n`,
		int64(tx.Caller.User), mark, tx.Now-keepLoose.Milliseconds()*9/10)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Content
	for rows.Next() {
		c := &Content{}
		if err := rows.Scan(&c.ref.ID, &c.Name, &c.Type, &c.ref.Size, &c.ref.SHA256); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
